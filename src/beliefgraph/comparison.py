"""Outcomes of some users, foreseen under two sets of parameters: scores with bootstrap intervals over users.

Which users, and what follows from it, is decided in calibration.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from beliefgraph.ingest.fitting.blocks import Block
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import Vocabulary
from beliefgraph.ingest.fitting.rates import Tables, tables
from beliefgraph.ingest.habits import foretold
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.scoring import BINS, Floats, Reliability, Whole, reliability
from beliefgraph.stages import Estimate

DRAWS = 500
SIGNALS, JUDGEMENTS = "signals", "judgements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well outcomes were foreseen. Log loss in nats; ECE in 15 bins of equal width; 95 % intervals over users."""

    log_loss: Estimate
    brier: Estimate
    ece: Estimate
    reliability: Reliability = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One kind of outcome of held-out users under both parameters. `gain` is by how much the log loss fell."""

    outcomes: int
    users: int
    before: Quality
    after: Quality
    gain: Estimate


@dataclass(frozen=True, slots=True)
class Predictions:
    """Outcomes (0 or 1) with the probability that each of several parameters gave: (outcomes, parameters)."""

    probabilities: Floats
    outcomes: Floats
    users: Whole
    kinds: Whole


def predict_outcomes(
    found: Iterable[Block], several: Sequence[Parameters], words: Vocabulary
) -> dict[str, Predictions]:
    """Foresee every outcome of some users under several parameters: the signals, and the judgements of beliefs."""
    parts: dict[str, list[Predictions]] = {SIGNALS: [], JUDGEMENTS: []}
    first_user = 0
    at, names = _side_by_side(several, words), list(words.signals)
    has_outcome = np.array([kind.has_outcome for kind in words.parameters.signals.values()])
    for each in found:
        foreseen, signals = run(each, at, words), each.signals
        chosen = has_outcome[signals.kind] & (signals.strength > 0)
        kinds, satisfied = signals.kind[chosen], foreseen.satisfied[signals.response[chosen]]
        regardless, habitual = signals.regardless[chosen], signals.habitual[chosen]
        probabilities = np.empty_like(satisfied)
        for kind in np.unique(kinds):
            rows = kinds == kind
            for column, parameters in enumerate(several):
                answered = parameters.foreseen(names[kind], satisfied[rows, column])
                probabilities[rows, column] = foretold(
                    answered, regardless[rows], habitual[rows], parameters.habits
                )
        parts[SIGNALS].append(
            Predictions(
                probabilities,
                signals.good[chosen].astype(np.float64),
                first_user + each.responses.user[signals.response[chosen]],
                kinds,
            )
        )
        judged = ~np.isnan(each.words.truth)
        parts[JUDGEMENTS].append(
            Predictions(
                foreseen.confidence[judged],
                each.words.truth[judged],
                first_user + each.words.user[judged],
                np.zeros(int(judged.sum()), dtype=np.int64),
            )
        )
        first_user += each.users
    return {name: _joined(found_parts) for name, found_parts in parts.items()}


def _joined(parts: Sequence[Predictions]) -> Predictions:
    return Predictions(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("probabilities", "outcomes", "users", "kinds")
        )
    )


def _side_by_side(several: Sequence[Parameters], words: Vocabulary) -> Tables:
    """Return the tables of several parameters of one vocabulary as so many draws."""
    each = [tables(parameters, words) for parameters in several]
    return {name: np.concatenate([one[name] for one in each], axis=1) for name in each[0]}


def compare(
    found: Sequence[Block], pair: tuple[Parameters, Parameters], words: Vocabulary
) -> dict[str, Comparison]:
    """Compare two sets of parameters on every kind of outcome of which there is any."""
    return {
        name: _comparison(predictions)
        for name, predictions in predict_outcomes(found, pair, words).items()
        if len(predictions.outcomes)
    }


def _comparison(found: Predictions) -> Comparison:
    users = np.unique(found.users, return_inverse=True)[1]
    losses = -np.log(np.where(found.outcomes[:, None] > 0, found.probabilities, 1 - found.probabilities))
    drawing = Drawing(users)
    before, after = (
        _quality(found.probabilities[:, column], found.outcomes, losses[:, column], drawing)
        for column in (0, 1)
    )
    return Comparison(
        outcomes=len(users),
        users=int(users.max()) + 1,
        before=before,
        after=after,
        gain=drawing.mean(losses[:, 0] - losses[:, 1]),
    )


def _quality(probabilities: Floats, outcomes: Floats, losses: Floats, drawing: "Drawing") -> Quality:
    bins: Whole = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    return Quality(
        log_loss=drawing.mean(losses),
        brier=drawing.mean((probabilities - outcomes) ** 2),
        ece=drawing.gaps(probabilities - outcomes, bins),
        reliability=reliability(probabilities, outcomes),
    )


class Drawing:
    """Bootstrap draws of whole users, the same for everything compared. The first draw is the users as they are."""

    def __init__(self, users: Whole) -> None:
        self._users, self._count = users, int(users.max()) + 1
        chance = np.random.default_rng(1)
        drawn_users = [
            np.bincount(chance.integers(self._count, size=self._count), minlength=self._count)
            for _ in range(DRAWS)
        ]
        self._draws = np.array([np.ones(self._count), *drawn_users], dtype=np.float64)
        self._outcomes = self._sum(np.ones(len(users)))

    def mean(self, values: Floats) -> Estimate:
        """Return the mean over outcomes with its interval."""
        return self._estimate(self._sum(values) / self._outcomes)

    def gaps(self, gaps: Floats, bins: Whole) -> Estimate:
        """Return the expected calibration error of gaps (foreseen − came) with its interval."""
        total = np.zeros(len(self._draws))
        for place in np.unique(bins):
            total += np.abs(self._sum(np.where(bins == place, gaps, 0.0)))
        return self._estimate(total / self._outcomes)

    def _sum(self, values: Floats) -> Floats:
        return np.asarray(self._draws @ np.bincount(self._users, values, self._count))

    def _estimate(self, by_draw: Floats) -> Estimate:
        low, high = np.quantile(by_draw[1:], [0.025, 0.975])
        return Estimate(value=float(by_draw[0]), low=float(low), high=float(high))
