"""Whether a question to the user is worth asking before the next response, and which: by what it tells. Pure.

Only what would change what is served counts. What is served is rated, and ratings are evidence; what is withheld is
behind no response and so hears nothing for as long as it is withheld: a question is its one way back.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.contradiction import conflict_nats
from beliefgraph.graph.glance import Floats, Glance
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import BeliefState, fade, read_state, relative_entropy, with_word
from beliefgraph.graph.model import UNDECIDED, Link

_CONSIDERED = 16
"""So many of the most relevant beliefs are candidates for a question."""
HORIZON = 10
"""What is learned is worth something for so many responses like the next."""
_SPOKEN_NATS = 0.5
"""While her own word on a belief weighs so much, she is not asked for it again, unless it is contested."""


class Hearing(Protocol):
    """What the user's words and reactions would tell, in nats."""

    @property
    def confirm(self) -> float: ...  # noqa: D102 - the weight of her word that a belief is true, > 0
    @property
    def deny(self) -> float: ...  # noqa: D102 - that it is false, < 0

    def of_response(self, confidence: float, weight: float) -> float:
        """Return the information about a belief that a rating of a response resting on it is expected to bring."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question in words, the beliefs that it is about, and what it promises about what is served, in nats."""

    text: str
    about: tuple[BeliefId, ...]
    nats: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is served as things stand: the weight of each used row; to get in, a score above `least_score`."""

    relevance: Floats
    weights: Mapping[int, float]
    least_score: float
    confident: float
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Looks ahead of every answer to a question."""

    glance: Glance
    outlook: Outlook
    hearing: Hearing

    def best(self, candidates: npt.NDArray[np.int64], least_nats: float) -> Question | None:
        """Return the question that promises most; None when none promises `least_nats`. Ties: by relevance."""
        nearest = np.argsort(-self.outlook.relevance[candidates], kind="stable")[:_CONSIDERED]
        near: list[int] = candidates[nearest].tolist()
        asked = [self._one(row) for row in near if not self._has_spoken(row)]
        asked += [self._between(*dispute) for dispute in self._disputes(near)]
        best = max(asked, key=lambda question: question.nats, default=None)
        return best if best is not None and best.nats >= max(least_nats, 1e-9) else None

    def _has_spoken(self, row: int) -> bool:
        state, at_us = self.glance.nodes[row].state, self.outlook.at_us
        spoken = state.spoken * fade(at_us - state.reference_us, state.half_life_days)
        return abs(spoken) >= _SPOKEN_NATS and read_state(state, at_us).standing != "contested"

    def _id(self, row: int) -> BeliefId:
        return self.glance.nodes[row].id

    def _disputes(self, rows: Iterable[int]) -> list[tuple[int, int, Link]]:
        known = {self._id(row): row for row in rows}
        return [
            (known[link.low], known[link.high], link)
            for link in self.glance.links
            if link.kind == "contradicts"
            and link.status in UNDECIDED
            and link.low in known
            and link.high in known
        ]

    def _one(self, row: int) -> Question:
        """Ask whether a belief is true."""
        sure = self._confidence(row)
        yes = yes_probability(sure, self.hearing.confirm, self.hearing.deny)
        state = self.glance.nodes[row].state
        nats = yes * self._learned({row: self._told(state, self.hearing.confirm)})
        nats += (1 - yes) * self._learned({row: self._told(state, self.hearing.deny)})
        text = f"Is this true of you: “{self.glance.nodes[row].statement}”?"
        return Question(text=text, about=(self._id(row),), nats=self._beyond_ratings(nats, [row]))

    def _between(self, one: int, other: int, dispute: Link) -> Question:
        """Ask which of two beliefs is true. With the strength of their edge they dispute each other, and she names one.

        Else she says both, which tells nothing that would change what is served.
        """
        first, second = sorted((one, other), key=lambda row: (-self._confidence(row), self._id(row)))
        sure, rival = self._confidence(first), self._confidence(second)
        odds = (sure * (1 - rival), rival * (1 - sure))
        strength = dispute.strength if dispute.status == "confirmed" else 0.0
        nats = dispute.strength * sum(
            odd / sum(odds) * self._learned(self._decided(right, wrong, strength))
            for odd, right, wrong in zip(odds, (first, second), (second, first), strict=True)
        )
        statements = " or ".join(f"“{self.glance.nodes[row].statement}”" for row in (first, second))
        return Question(
            text=f"Which is true of you now: {statements}?",
            about=(self._id(first), self._id(second)),
            nats=self._beyond_ratings(nats, [first, second]),
        )

    def _confidence(self, row: int) -> float:
        return read_state(self.glance.nodes[row].state, self.outlook.at_us).confidence

    def _told(self, state: BeliefState, nats: float) -> BeliefState:
        """Return a state after an answer, which opens what was tentative and settles a contest as a pin does."""
        standing = read_state(state, self.outlook.at_us).standing
        if standing == "contested":
            nothing = replace(state, direct_for=0.0, direct_against=0.0, spoken=0.0)
            state = replace(nothing, inferred_for=0.0, inferred_against=0.0, up_for=0.0, up_against=0.0)
            state = replace(state, down_for=0.0, down_against=0.0)
        told = with_word(state, nats, self.outlook.at_us)
        return replace(told, lifecycle="open") if nats > 0 and standing == "tentative" else told

    def _decided(self, right: int, wrong: int, strength: float) -> dict[int, BeliefState]:
        """Return two states after one was confirmed and the other denied, and what that leaves of their conflict."""
        states = {
            right: self._told(self.glance.nodes[right].state, self.hearing.confirm),
            wrong: self._told(self.glance.nodes[wrong].state, self.hearing.deny),
        }
        own = {self._id(row): read_state(state, self.outlook.at_us).own for row, state in states.items()}
        taken_off = conflict_nats(own, [(self._id(right), self._id(wrong), strength)])
        return {row: replace(state, conflict=taken_off[self._id(row)]) for row, state in states.items()}

    def _learned(self, after: Mapping[int, BeliefState]) -> float:
        """Return what is learned of the beliefs that these states put into, or take out of, what is served.

        The relative entropy of the confidence after to the one before, in nats, by relevance.
        """
        learned = 0.0
        for row, state in after.items():
            reading = read_state(state, self.outlook.at_us)
            serves = (
                reading.standing == "held"
                and reading.confidence >= self.outlook.confident
                and self.outlook.relevance[row] * reading.confidence >= self.outlook.least_score
            )
            if serves != (row in self.outlook.weights):
                learned += self._share(row) * relative_entropy(reading.confidence, self._confidence(row))
        return learned

    def _beyond_ratings(self, learned: float, rows: Iterable[int]) -> float:
        """Return what an answer tells beyond what ratings would have told by then: the mean over the horizon.

        Ratings tell of what is served. Of what is withheld they tell nothing, so that the answer keeps all its worth.
        """
        heard = sum(
            self._share(row) * self.hearing.of_response(self._confidence(row), self.outlook.weights[row])
            for row in rows
            if row in self.outlook.weights
        )
        return sum(max(0.0, learned - rated * heard) for rated in range(HORIZON)) / HORIZON

    def _share(self, row: int) -> float:
        return float(self.outlook.relevance[row] / self.outlook.relevance.max())


def yes_probability(confidence: float, confirm: float, deny: float) -> float:
    """Return how likely she says yes when asked, such that a yes weighs `confirm` nats and a no `deny`.

    >>> round(yes_probability(0.5, 3.0, -3.0), 3)
    0.5
    """
    if_false = (1 - math.exp(deny)) / (math.exp(confirm) - math.exp(deny))
    if_true = math.exp(confirm) * if_false
    return confidence * if_true + (1 - confidence) * if_false
