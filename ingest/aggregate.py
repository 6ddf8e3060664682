"""The job that counts, among users who consented, how often what is believed turned out true.

Only beliefs that say what a public statement says are counted, one a user for each statement; what is kept is a rate
and a number of users for each statement and each kind, never a text of a user. Why that is safe: docs/onboarding.md.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.folding import counted, crowded
from beliefgraph.graph.ids import UserId, fingerprint, normal_form
from beliefgraph.graph.ledger import SOURCE_PREFIX, Item, sigmoid
from beliefgraph.graph.model import BeliefNode, Kind
from beliefgraph.graph.store import Neighbourhood, Reach, Reader, Scope, Vector, scopes
from beliefgraph.ingest.answers import said_otherwise
from beliefgraph.ingest.bank import Bank, BankBelief
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.population import Group, Population, Topic
from beliefgraph.ingest.priors import NEAR_TOPICS
from beliefgraph.ingest.relate import RelationBook, UnrelatedPairs, liken

CONSENT = "consent"
"""The kind of signal by which a user lets what turned out true of her count, or no longer."""
_TELLING_NATS = 0.1
"""A user whose evidence weighs less says nothing of a statement, and does not count towards its group's size."""
_TENS = 10
_LEAST_RATE = 0.02
Floats = npt.NDArray[np.float64]


def consents(reader: Reader, as_of_us: int | None = None) -> bool | None:
    """Say whether the user lets what turned out true of her count: her latest word on it; None when there is none."""
    said = reader.signals(kinds=[CONSENT], as_of_us=as_of_us)
    words = [s for s, _ in said if s.retracted_at is None]
    latest = max(words, key=lambda signal: (signal.observed_at, signal.seq), default=None)
    return None if latest is None else latest.value == 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedOut:
    """What became of one user's belief: what it was stated with, and what was learned since, both in nats.

    Learned is what she said of it herself later (answers, confirmations, denials, corrections, a person's edits) and
    what her signals on responses say, each as the ledger weighs it, before it fades. Of what practice makes true in
    time it is what they say of its birth (`of_birth`).
    """

    user: UserId
    stated: float
    learned: float


@dataclass(slots=True)
class _Tally:
    """The outcomes of each public statement, by its id in the bank, and how many users consented."""

    users: int = 0
    outcomes: dict[str, list[TurnedOut]] = field(default_factory=dict)


def aggregate(
    pipeline: Pipeline,
    tenant: str,
    bank: Bank,
    *,
    built: date,
    on_user: Callable[[], None] = lambda: None,
) -> Population:
    """Count base rates of the bank's statements among a tenant's consenting users. Writes nothing."""
    names, statements = list(bank.beliefs), [belief.statement for belief in bank.beliefs.values()]
    vectors = dict(zip(names, pipeline.embed(statements) if statements else [], strict=True))
    tally = _Tally()
    for scope in scopes(pipeline.store, tenant):
        look = _Look(bank, vectors, pipeline.parameters, scope.user_id, RelationBook(pipeline.relater))
        found = _looked(pipeline, scope, look)
        on_user()
        if found is not None:
            tally.users += 1
            for name, outcome in found.items():
                tally.outcomes.setdefault(name, []).append(outcome)
    return _population(bank, tally, pipeline.parameters, built)


def _looked(pipeline: Pipeline, scope: Scope, look: "_Look") -> dict[str, TurnedOut] | None:
    """Run a look; models run between reads, never within one."""
    while True:
        try:
            return pipeline.store.read(scope, look.of)
        except UnrelatedPairs as unrelated:
            look.book.add(unrelated.pairs)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one user: which of her beliefs say what a public statement says, and what became of them."""

    bank: Bank
    vectors: Mapping[str, Vector]
    parameters: Parameters
    user: UserId
    book: RelationBook

    def of(self, reader: Reader) -> dict[str, TurnedOut] | None:
        """Return the outcomes by statement; None without consent. Raises `UnrelatedPairs`."""
        if not consents(reader):
            return None
        keys = [normal_form(belief.statement) for belief in self.bank.beliefs.values()]
        found = reader.neighbourhood(Reach(statement_keys=keys, vectors=self.vectors, nearest=NEAR_TOPICS))
        by_key: dict[str, list[BeliefNode]] = {}
        for node in found.beliefs.values():
            by_key.setdefault(node.statement_key, []).append(node)
        same = self._same(found, by_key)
        outcomes = {}
        for name, belief in self.bank.beliefs.items():
            nodes = same[name]
            told = [self._outcome(reader, node) for node in nodes if node.kind == belief.kind]
            telling = [outcome for outcome in told if abs(outcome.learned) >= _TELLING_NATS]
            if telling:
                outcomes[name] = max(telling, key=lambda outcome: abs(outcome.learned))
        return outcomes

    def _same(
        self, found: Neighbourhood, by_key: Mapping[str, Sequence[BeliefNode]]
    ) -> Mapping[str, Sequence[BeliefNode]]:
        """Return her beliefs that say what each statement says. Raises `UnrelatedPairs`, once for all statements."""
        same: dict[str, Sequence[BeliefNode]] = {}
        unrelated: list[tuple[str, str]] = []
        for name, belief in self.bank.beliefs.items():
            try:
                same[name] = by_key.get(normal_form(belief.statement)) or self._elsewhere(found, name, belief)
            except UnrelatedPairs as pairs:
                unrelated += pairs.pairs
        if unrelated:
            raise UnrelatedPairs(unrelated)
        return same

    def _elsewhere(self, found: Neighbourhood, name: str, belief: BankBelief) -> Sequence[BeliefNode]:
        """Return the belief of hers that says the same in other words, if one surely does."""
        likenesses = liken(
            belief.statement, found.nearest[name], found.beliefs, self.book, self.parameters.text
        )
        public = {normal_form(each.statement) for each in self.bank.beliefs.values()}
        others = (each for each in likenesses if found.beliefs[each.belief_id].statement_key not in public)
        same = said_otherwise(others, self.parameters)
        return [] if same is None else [found.beliefs[same.belief_id]]

    def _outcome(self, reader: Reader, node: BeliefNode) -> TurnedOut:
        words, inferred = reader.words(node.id), reader.inferred(node.id)
        if node.state.practice_nats > 0.0:
            direct, after = counted(words, inferred)
            nats = [(item, item.nats) for item in direct]
            nats += of_birth(sorted(after, key=lambda item: item.order), node.state.practice_nats)
        else:
            nats = [
                (each.item, each.item.nats * each.weight) for each in crowded(words, inferred, node.state)
            ]
        stated = sum(weight for item, weight in nats if item.slot.startswith(SOURCE_PREFIX))
        total = sum(weight for _, weight in nats)
        return TurnedOut(user=self.user, stated=stated, learned=total - stated)


def of_birth(oldest_first: Sequence[Item], practice_nats: float) -> list[tuple[Item, float]]:
    """Return what inferred items say of a belief as it was born, in nats, where practice makes it true in time.

    Who has practised k times since has learned it meanwhile with probability T = 1 − e^(−k·g) (the chance of learning
    of Bayesian knowledge tracing, whose log-odds grow by at least −ln(1 − T) a step; Corbett and Anderson, 1994). So an
    item e then is e − ln(T·e^e + 1 − T) of its birth: the first one all of it, later ones less and less.
    """
    said = []
    for practised, item in enumerate(oldest_first):
        learned = 1.0 - math.exp(-practised * practice_nats)
        said.append((item, item.nats - math.log1p(learned * math.expm1(item.nats))))
    return said


def _population(bank: Bank, tally: _Tally, parameters: Parameters, built: date) -> Population:
    by_kind: dict[Kind, list[TurnedOut]] = {}
    for name, outcomes in tally.outcomes.items():
        by_kind.setdefault(bank.beliefs[name].kind, []).extend(outcomes)
    above = {kind: parameters.base_rate("stated", kind) for kind in by_kind}
    kinds = {kind: _group(by_kind[kind], above[kind], parameters) for kind in sorted(by_kind)}
    topics = []
    for name in bank.beliefs:
        belief, outcomes = bank.beliefs[name], tally.outcomes.get(name, [])
        kind_group = kinds.get(belief.kind)
        group = _group(
            outcomes, above.get(belief.kind, 0.5) if kind_group is None else kind_group.rate, parameters
        )
        if group is not None:
            topics.append(
                Topic(statement=belief.statement, kind=belief.kind, rate=group.rate, users=group.users)
            )
    rates = {kind: group for kind, group in kinds.items() if group is not None}
    held = {
        "kinds": {kind: group.model_dump() for kind, group in rates.items()},
        "topics": [topic.model_dump() for topic in topics],
    }
    return Population(
        version=f"population-{built.isoformat()}-{fingerprint(held)[:8]}",
        built=built.isoformat(),
        minimum_users=parameters.prior.minimum_users,
        users=tally.users // _TENS * _TENS,
        kinds=rates,
        topics=tuple(topics),
    )


def _group(outcomes: Sequence[TurnedOut], above: float, parameters: Parameters) -> Group | None:
    """Return the base rate of outcomes, drawn towards the rate above it; None for a group that is too small."""
    users = len({outcome.user for outcome in outcomes})
    if users < parameters.prior.minimum_users:
        return None
    rate = base_rate(outcomes, above, parameters.prior.shrink_users)
    kept = min(1.0 - _LEAST_RATE, max(_LEAST_RATE, round(rate, 2)))
    return Group(rate=kept, users=users // _TENS * _TENS)


def base_rate(outcomes: Iterable[TurnedOut], above: float, weight: float) -> float:
    """Return the base rate with which, on average, beliefs would have been born as sure as they turned out to be.

    The most probable rate given what was learned of each belief, under a Beta prior worth `weight` users around
    `above`: the root of Σ [σ(θ + stated + learned) − σ(θ + stated)] + weight · (above − σ(θ)), as a probability.
    """
    from scipy.optimize import brentq
    from scipy.special import expit

    found = list(outcomes)
    stated = np.array([outcome.stated for outcome in found])
    learned = np.array([outcome.learned for outcome in found])

    def slope(theta: float) -> float:
        moved: Floats = expit(theta + stated + learned) - expit(theta + stated)
        return float(moved.sum() + weight * (above - sigmoid(theta)))

    return sigmoid(brentq(slope, -40.0, 40.0))
