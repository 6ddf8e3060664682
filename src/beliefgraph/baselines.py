"""Other ways to foresee the same signals: what a system learns that counts, averages or regresses instead of tracing.

All see the same responses, beliefs, weights and signals as the self-model, in the same order, and none looks ahead:
each foresees a signal when its response is recorded, and learns from it when it comes. No scores here (scoring.py).
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.clock import DAY_US
from beliefgraph.queries.curve import Behind, Interaction
from beliefgraph.scoring import Floats, Whole

UP, DOWN, PULL, COUNTED = 0.05, 0.12, 0.1, 2.0
"""The fixed steps, how far the exponential average goes, and the counts that a Beta prior is worth."""
_WEEK_US = 7 * DAY_US
_LEAST, _MOST = 0.001, 0.999


@dataclass(slots=True)
class Records:
    """Interactions of any number of users, side by side in columns: a million of them fit into memory.

    `place` counts the interactions of one user from 1. The columns of `behind` lie between `starts`.
    """

    user: "array[int]" = field(default_factory=lambda: array("q"))
    place: "array[int]" = field(default_factory=lambda: array("q"))
    kind: "array[int]" = field(default_factory=lambda: array("q"))
    good: "array[float]" = field(default_factory=lambda: array("d"))
    foreseen: "array[float]" = field(default_factory=lambda: array("d"))
    unlearned: "array[float]" = field(default_factory=lambda: array("d"))
    foreseen_us: "array[int]" = field(default_factory=lambda: array("q"))
    foreseen_seq: "array[int]" = field(default_factory=lambda: array("q"))
    learned_us: "array[int]" = field(default_factory=lambda: array("q"))
    learned_seq: "array[int]" = field(default_factory=lambda: array("q"))
    starts: "array[int]" = field(default_factory=lambda: array("q", [0]))
    belief: "array[int]" = field(default_factory=lambda: array("q"))
    statement: "array[int]" = field(default_factory=lambda: array("q"))
    weight: "array[float]" = field(default_factory=lambda: array("d"))
    first: "array[float]" = field(default_factory=lambda: array("d"))
    users: int = 0
    beliefs: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    statements: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many interactions there are."""
        return len(self.good)

    def add(self, found: Sequence[Interaction]) -> None:
        """Add all interactions of one user; one without any leaves no trace."""
        beliefs: dict[str, int] = {}
        for place, each in enumerate(found, start=1):
            self.user.append(self.users)
            self.place.append(place)
            self.kind.append(self.kinds.setdefault(each.kind, len(self.kinds)))
            self.good.append(each.good)
            for name in ("foreseen", "unlearned", "foreseen_us", "foreseen_seq", "learned_us", "learned_seq"):
                getattr(self, name).append(getattr(each, name))
            for behind in each.behind:
                self._add_behind(behind, beliefs)
            self.starts.append(len(self.belief))
        self.users += bool(found)
        self.beliefs += len(beliefs)

    def _add_behind(self, behind: Behind, beliefs: dict[str, int]) -> None:
        self.belief.append(self.beliefs + beliefs.setdefault(behind.belief_id, len(beliefs)))
        self.statement.append(self.statements.setdefault(behind.statement_key, len(self.statements)))
        self.weight.append(behind.weight)
        self.first.append(behind.first)

    def steps(self) -> Iterable[tuple[int, bool]]:
        """Yield in the order of time: which interaction is next, and whether its signal came (else it is foreseen)."""
        users, count = np.asarray(self.user), len(self)
        times = np.concatenate([self.foreseen_us, self.learned_us])
        seqs = np.concatenate([self.foreseen_seq, self.learned_seq])
        for step in np.lexsort((seqs, np.concatenate([users, users]), times)):
            yield int(step) % count, step >= count


class Way(Protocol):
    """A way to foresee. `foresee` is asked before `learn` is told, once each for every interaction (by its index)."""

    def foresee(self, index: int) -> float:
        """Return P(good)."""
        ...

    def learn(self, index: int) -> None:
        """Take in how it turned out."""
        ...


def foresee_all(records: Records, *, across_users: bool) -> dict[str, Floats]:
    """Return what each way foresees of each interaction, kept within [.001, .999].

    Without `across_users` there is one user, and nothing to compare her with: no `population_mean`.
    """
    counts = _Counts(records)
    features = _Features(records, counts)
    ways: dict[str, Way] = {
        **({"population_mean": _PopulationMean(records, counts)} if across_users else {}),
        "user_mean": _UserMean(records, counts),
        "fixed_steps": _Scores(records, lambda score, _, good: score + (UP if good else -DOWN)),
        "beta_counts": _Scores(records, lambda score, seen, good: score + (good - score) / (COUNTED + seen)),
        "exponential_average": _Scores(records, lambda score, _, good: score + PULL * (good - score)),
        "regression_weekly": _WeeklyRegression(records, features),
        "regression_online": _OnlineRegression(records, features),
    }
    foreseen = {name: np.empty(len(records)) for name in ways}
    for index, came in records.steps():
        if came:
            for way in ways.values():
                way.learn(index)
            counts.learn(index)
            continue
        features.note(index)
        for name, way in ways.items():
            foreseen[name][index] = way.foresee(index)
    return {name: np.clip(values, _LEAST, _MOST) for name, values in foreseen.items()}


class _Counts:
    """How many signals came and how many were good: of each kind, user, belief and statement, and the last of each."""

    def __init__(self, records: Records) -> None:
        self._records = records
        sizes = {
            "kind": len(records.kinds),
            "user": records.users,
            "belief": records.beliefs,
            "statement": len(records.statements),
        }
        self.seen = {name: np.zeros(size) for name, size in sizes.items()}
        self.good = {name: np.zeros(size) for name, size in sizes.items()}
        self.last = {name: np.zeros(size) for name, size in sizes.items()}

    def rate(self, name: str, place: int, prior: float) -> float:
        """Return the share of good signals; the prior is worth two of them."""
        return float((self.good[name][place] + 2 * prior) / (self.seen[name][place] + 2))

    def learn(self, index: int) -> None:
        """Count an interaction once for its kind, its user, and each belief and statement behind it."""
        records, good = self._records, self._records.good[index]
        behind = range(records.starts[index], records.starts[index + 1])
        for name, places in (
            ("kind", {records.kind[index]}),
            ("user", {records.user[index]}),
            ("belief", {records.belief[each] for each in behind}),
            ("statement", {records.statement[each] for each in behind}),
        ):
            for place in places:
                self.seen[name][place] += 1
                self.good[name][place] += good
                self.last[name][place] = 2 * good - 1


@dataclass(slots=True)
class _PopulationMean:
    """The share of good signals among all users so far, of this kind."""

    records: Records
    counts: _Counts

    def foresee(self, index: int) -> float:
        return self.counts.rate("kind", self.records.kind[index], 0.5)

    def learn(self, index: int) -> None:
        """Have the counts learn."""


@dataclass(slots=True)
class _UserMean:
    """The share of good signals of this user so far, starting from the population's."""

    records: Records
    counts: _Counts

    def foresee(self, index: int) -> float:
        prior = self.counts.rate("kind", self.records.kind[index], 0.5)
        return self.counts.rate("user", self.records.user[index], prior)

    def learn(self, index: int) -> None:
        """Have the counts learn."""


class _Move(Protocol):
    def __call__(self, score: float, seen: int, good: float, /) -> float: ...


class _Scores:
    """A score for each belief, from its first confidence on; every belief behind a signal moves alike.

    A response is foreseen as the mean of the scores of its beliefs by their weights.
    """

    def __init__(self, records: Records, move: _Move) -> None:
        self._records, self._move = records, move
        self._scores: dict[int, float] = {}
        self._seen: dict[int, int] = {}

    def foresee(self, index: int) -> float:
        records, total, weights = self._records, 0.0, 0.0
        for each in range(records.starts[index], records.starts[index + 1]):
            weight = records.weight[each]
            total += weight * self._scores.setdefault(records.belief[each], records.first[each])
            weights += weight
        return total / weights

    def learn(self, index: int) -> None:
        records = self._records
        for belief in {records.belief[i] for i in range(records.starts[index], records.starts[index + 1])}:
            self._seen[belief] = self._seen.get(belief, 0) + 1
            moved = self._move(self._scores[belief], self._seen[belief], records.good[index])
            self._scores[belief] = min(_MOST, max(_LEAST, moved))


class _Features:
    """What a log of behaviour offers to a regression, as of the moment at which each interaction is foreseen.

    Log-odds of the good share so far of the kind, the user, the user's beliefs behind it and their statements among all
    users (each starting from the one before); how many signals there were of the user and of these beliefs; and how
    the last of the user and of these beliefs turned out.
    """

    def __init__(self, records: Records, counts: _Counts) -> None:
        self._records, self._counts = records, counts
        self.table: npt.NDArray[np.float64] = np.zeros((len(records), 8))

    def note(self, index: int) -> None:
        """Write down the features of an interaction."""
        records, counts = self._records, self._counts
        kind, user = records.kind[index], records.user[index]
        span = slice(records.starts[index], records.starts[index + 1])
        weights = np.array(records.weight[span])
        weights /= weights.sum()
        beliefs, statements = np.array(records.belief[span]), np.array(records.statement[span])
        overall = counts.rate("kind", kind, 0.5)
        of_user = counts.rate("user", user, overall)
        of_statements = (counts.good["statement"][statements] + 2 * overall) / (
            counts.seen["statement"][statements] + 2
        )
        of_beliefs = (counts.good["belief"][beliefs] + 2 * of_statements) / (
            counts.seen["belief"][beliefs] + 2
        )
        rates = np.array([overall, of_user, weights @ of_beliefs, weights @ of_statements])
        self.table[index, :4] = np.log(rates / (1 - rates))
        self.table[index, 4] = np.log1p(counts.seen["user"][user])
        self.table[index, 5] = weights @ np.log1p(counts.seen["belief"][beliefs])
        self.table[index, 6] = counts.last["user"][user]
        self.table[index, 7] = weights @ counts.last["belief"][beliefs]


class _WeeklyRegression:
    """A logistic regression on everything that came so far, fitted anew each week of the records' own time.

    In the first week it foresees the user's mean.
    """

    def __init__(self, records: Records, features: _Features) -> None:
        self._records, self._features = records, features
        self._learned: array[int] = array("q")
        self._due_us = 0
        self._coefficients, self._intercept = _USERS_MEAN, 0.0

    def foresee(self, index: int) -> float:
        now_us = self._records.foreseen_us[index]
        if now_us >= self._due_us:
            self._due_us = now_us + _WEEK_US
            self._fit()
        return _sigmoid(float(self._features.table[index] @ self._coefficients) + self._intercept)

    def learn(self, index: int) -> None:
        self._learned.append(index)

    def _fit(self) -> None:
        learned: Whole = np.array(self._learned, dtype=np.int64)
        good = np.asarray(self._records.good)[learned]
        if 0 < good.sum() < len(good):
            from sklearn.linear_model import LogisticRegression

            fitted = LogisticRegression(solver="newton-cholesky").fit(self._features.table[learned], good)
            self._coefficients, self._intercept = fitted.coef_[0], float(fitted.intercept_[0])


class _OnlineRegression:
    """The same regression, moved after every signal by one step of Newton's method on all that came so far.

    The inverse of the curvature is kept up by the formula of Sherman and Morrison; it starts as that of a normal prior
    of variance 1 around the user's mean.
    """

    def __init__(self, records: Records, features: _Features) -> None:
        self._records, self._features = records, features
        self._coefficients, self._inverse = np.append(_USERS_MEAN, 0.0), np.eye(len(_USERS_MEAN) + 1)

    def foresee(self, index: int) -> float:
        return _sigmoid(float(self._row(index) @ self._coefficients))

    def learn(self, index: int) -> None:
        row, foreseen = self._row(index), self.foresee(index)
        pull = self._inverse @ row
        spread = foreseen * (1 - foreseen)
        self._inverse -= np.outer(pull, pull) * (spread / (1 + spread * float(row @ pull)))
        self._coefficients += self._inverse @ row * (self._records.good[index] - foreseen)

    def _row(self, index: int) -> Floats:
        return np.append(self._features.table[index], 1.0)


_USERS_MEAN: Floats = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
"""The coefficients of features with which a regression foresees the user's own share of good signals."""


def _sigmoid(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
