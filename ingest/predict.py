"""The attribution model run forward: how a response will be received, and what typical evidence would weigh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beliefgraph.graph.counts import tallies_of
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import logit, relative_entropy, sigmoid
from beliefgraph.graph.model import GeneratedBy, Habit
from beliefgraph.graph.store import Reader
from beliefgraph.ingest.attribution import Premise, attribute, satisfaction
from beliefgraph.ingest.habits import foretold, habits_of
from beliefgraph.ingest.parameters import Parameters


def predict(
    edges: Sequence[GeneratedBy],
    confidences: Mapping[BeliefId, float],
    parameters: Parameters,
    *,
    kind: str | None = None,
    habit: Habit | None = None,
) -> float:
    """Return P(not D) of a response resting on these beliefs; with `kind`, P(that signal turns out good).

    `habit` is the user's of giving that kind of signal whatever she thinks, if she may have one.
    Raises `InvalidInputError` for a kind without an outcome, `UnknownSignalKindError` for an unknown one.
    """
    share = 1.0 / max(1, len(edges))
    satisfied = satisfaction(
        [
            Premise(
                weight=share if edge.weight is None else edge.weight,
                adherence=parameters.attribution.adherence if edge.adherence is None else edge.adherence,
                confidence=confidences[edge.belief_id],
            )
            for edge in edges
        ],
        parameters.attribution.faults,
    )
    if kind is None:
        return satisfied
    signal = parameters.signal(kind)
    if not signal.has_outcome:
        raise InvalidInputError("kind", f"a signal of kind {kind!r} cannot turn out good or bad")
    answered = parameters.foreseen(kind, np.array(satisfied))
    if habit is None:
        return float(answered)
    return float(foretold(answered, habit.regardless, habit.good, parameters.habits))


def habit_at(reader: Reader, kind: str, parameters: Parameters, as_of_us: int | None) -> Habit | None:
    """Return the user's habit of giving a kind of signal whatever she thinks: now, or as it was known at a time."""
    tallies = (
        reader.head().tallies
        if as_of_us is None
        else tallies_of(reader.signals(kinds=[kind], as_of_us=as_of_us))
    )
    return habits_of(tallies, parameters).get(kind)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the user's word on a belief, and her reaction to a response that rests on it, would tell."""

    parameters: Parameters

    @property
    def confirm(self) -> float:
        """What a yes weighs, in nats (> 0)."""
        return self.parameters.words.confirm

    @property
    def deny(self) -> float:
        """What a no weighs, in nats (< 0)."""
        return self.parameters.words.deny

    def of_response(self, confidence: float, weight: float) -> float:
        """Return the information (nats) about a belief that a thumb on a response resting on it is expected to bring.

        The mean, over up and down, of the relative entropy of the confidence after to the one before.
        """
        premise = Premise(
            weight=weight, adherence=self.parameters.attribution.adherence, confidence=confidence
        )
        faults, kind = self.parameters.attribution.faults, self.parameters.signal("rating")
        up = kind.good_outcome(satisfaction([premise], faults))
        expected = 0.0
        for probability, value in ((up, 1.0), (1.0 - up, -1.0)):
            emission = kind.emission(value, 1.0, None)
            (nats,) = attribute([premise], [emission], faults, form_ratio=1.0, other_ratio=1.0).nats
            expected += probability * relative_entropy(sigmoid(logit(confidence) + nats), confidence)
        return expected


def word_probes(parameters: Parameters) -> dict[str, float]:
    """Return what her word about a belief weighs, in nats."""
    return {"denial by her": parameters.words.deny, "confirmation by her": parameters.words.confirm}


def response_probes(parameters: Parameters) -> dict[str, float]:
    """Return what thumbs on a response that rests on one belief alone weigh, in nats."""
    return {
        "thumbs-down on a response that rests on it alone": _weight(parameters, "rating", -1.0),
        "thumbs-up on a response that rests on it alone": _weight(parameters, "rating", 1.0),
    }


def most_moved(parameters: Parameters, kind: str) -> float:
    """Return by how much a signal of a kind can move a belief at ½ that alone is behind the response; 0: by nothing."""
    signal = parameters.signal(kind)
    values: list[float | None] = [point for point, _ in signal.scale] or [None]
    if not signal.emits or "response" not in signal.about:
        return 0.0
    return max(abs(sigmoid(_weight(parameters, kind, value)) - 0.5) for value in values)


def _weight(parameters: Parameters, kind: str, value: float | None) -> float:
    """Return what a signal weighs for a belief at ½ that alone is behind the response, in nats."""
    premise = Premise(weight=1.0, adherence=parameters.attribution.adherence, confidence=0.5)
    emission = parameters.signal(kind).emission(value, 1.0, None)
    faults = parameters.attribution.faults
    return attribute([premise], [emission], faults, form_ratio=1.0, other_ratio=1.0).nats[0]
