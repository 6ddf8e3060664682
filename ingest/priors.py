"""The base rate that a belief is born with: the parameters', or what turned out true of many users, and of her.

Pure. Which statements agree is what the relater said beforehand (`RelationBook`); the rates come from a `Population`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.ids import normal_form
from beliefgraph.graph.ledger import RESPONSE, SOURCE_PREFIX, BeliefState, Item, logit, sigmoid
from beliefgraph.graph.model import Kind, Source
from beliefgraph.graph.prior import Prior
from beliefgraph.graph.store import Vector
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.population import Group, Population, Topic
from beliefgraph.ingest.relate import RelationBook

NEAR_TOPICS = 4
"""How many public statements near a text the relater is asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Born:
    """What a belief of the user was born with, in log-odds, and what has come of it since, in nats."""

    birth: float
    since: float


def born(state: BeliefState, words: Iterable[Item]) -> Born:
    """Tell a belief's birth (its base rate and what was stated) from what was learned of it since."""
    stated = other = 0.0
    for item in words:
        if item.slot.startswith(SOURCE_PREFIX):
            stated += item.nats
        elif item.slot != RESPONSE:
            other += item.nats
    inferred_for, inferred_against = state.inferred
    return Born(birth=state.base + stated, since=other + inferred_for - inferred_against)


def own_nats(beliefs: Sequence[Born], spread: float) -> float:
    """Return how much more often such beliefs are true of her than they were given at birth, in nats.

    One step of Fisher scoring from 0 under a normal prior with standard deviation `spread`: what became of few beliefs
    moves it little.

    >>> own_nats([], 0.7)
    0.0
    """
    if spread == 0.0:
        return 0.0
    given = [sigmoid(each.birth) for each in beliefs]
    found = [sigmoid(each.birth + each.since) for each in beliefs]
    certainty = 1.0 / spread**2 + sum(p * (1.0 - p) for p in given)
    return (math.fsum(found) - math.fsum(given)) / certainty


@dataclass(frozen=True, slots=True, eq=False)
class Topics:
    """The public statements of a population with their vectors (rows of `matrix`), to find the one a text restates."""

    population: Population
    matrix: npt.NDArray[np.float32]
    _by_key: dict[tuple[str, Kind], Topic] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the statements by their normal form."""
        keyed = {(normal_form(topic.statement), topic.kind): topic for topic in self.population.topics}
        object.__setattr__(self, "_by_key", keyed)

    def group(
        self, text: str, kind: Kind, vector: Vector, book: RelationBook, parameters: Parameters
    ) -> Group | None:
        """Return the group whose statement the text restates, else that of its kind. Raises `UnrelatedPairs`."""
        exact = self._by_key.get((normal_form(text), kind))
        return (
            exact or self._restated(text, kind, vector, book, parameters) or self.population.kinds.get(kind)
        )

    def _restated(
        self, text: str, kind: Kind, vector: Vector, book: RelationBook, parameters: Parameters
    ) -> Topic | None:
        if not self.population.topics:
            return None
        cosines = self.matrix @ vector
        order = np.argsort(-cosines, kind="stable")[:NEAR_TOPICS]
        near = [
            self.population.topics[place]
            for place in order
            if cosines[place] >= parameters.onboarding.same_cosine
            and self.population.topics[place].kind == kind
        ]
        relations = book.look_up([(text, topic.statement) for topic in near])
        sure = [
            (relation.equivalent, topic)
            for relation, topic in zip(relations, near, strict=True)
            if relation.equivalent >= parameters.text.restates
        ]
        return max(sure, key=lambda found: found[0])[1] if sure else None


def prior_of(
    text: str,
    source: Source,
    kind: Kind,
    *,
    parameters: Parameters,
    topics: Topics | None,
    vector: Vector,
    book: RelationBook,
    near: Iterable[Born],
) -> Prior:
    """Return the base rate of a new belief. Without a population it is that of its source and kind.

    `near` are the user's beliefs near the text. Raises `UnrelatedPairs`.
    """
    group = None if topics is None else topics.group(text, kind, vector, book, parameters)
    if group is None:
        return Prior(log_odds=logit(parameters.base_rate(source, kind)))
    own = own_nats(list(near), parameters.prior.own_nats)
    return Prior(log_odds=logit(group.rate) + own, users=group.users, own=own)
