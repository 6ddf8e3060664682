"""Responses: recording what generated them, and weighing everything that was said about one as evidence."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import DuplicateIdError
from beliefgraph.graph.ids import BeliefId, ResponseId
from beliefgraph.graph.ledger import RESPONSE, Item
from beliefgraph.graph.model import Cause as CauseOfSignal
from beliefgraph.graph.model import GeneratedBy, Response, Signal, Tally, TextReading
from beliefgraph.ingest.attribution import Attribution, Emission, Premise, attribute
from beliefgraph.ingest.events import ResponseEvent
from beliefgraph.ingest.habits import habits_of, tally_of, with_habit
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.records import observed
from beliefgraph.ingest.relate import cue_tags
from beliefgraph.ingest.working import Cause, WorkingSet

_ROUNDING = 1e-12
_TELLING_NATS = 0.05


def respond(working: WorkingSet, event: ResponseEvent, response_id: ResponseId) -> Response:
    """Record a response and what generated it, with each belief's confidence as it stands."""
    known = working.find_response(response_id)
    if known is not None:
        if not _says_the_same(event, known):
            raise DuplicateIdError("response", response_id)
        return known
    share = 1.0 / max(1, len(event.beliefs))
    edges = tuple(
        GeneratedBy(
            belief_id=BeliefId(premise.id),
            weight=share if premise.weight is None else premise.weight,
            adherence=working.parameters.attribution.adherence
            if premise.adherence is None
            else premise.adherence,
            confidence_then=working.confidence(BeliefId(premise.id)),
        )
        for premise in event.beliefs
    )
    response = Response(
        id=response_id,
        user_id=working.scope.user_id,
        seq=working.next_seq(),
        text=event.text,
        generated_by=edges,
        attributes=event.attributes,
        observed_at=from_us(observed(event.at, working.now_us)),
        recorded_at=working.recorded_at,
        habits=habits_of(working.tallies, working.parameters) if edges else {},
    )
    working.add_response(response)
    return response


def _says_the_same(event: ResponseEvent, known: Response) -> bool:
    def matches(given: float | None, recorded: float | None) -> bool:
        return given is None or abs(given - (recorded or 0.0)) < _ROUNDING

    return (
        event.text == known.text
        and event.attributes == known.attributes
        and _same_time(event.at, known.observed_at)
        and [premise.id for premise in event.beliefs] == [edge.belief_id for edge in known.generated_by]
        and all(
            matches(premise.weight, edge.weight) and matches(premise.adherence, edge.adherence)
            for premise, edge in zip(event.beliefs, known.generated_by, strict=True)
        )
    )


def _same_time(given: datetime | None, recorded: datetime) -> bool:
    return given is None or to_us(given) == to_us(recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """Likelihood ratios of tags and texts per cause: of form, of anything else, and of each premise."""

    form: float
    other: float
    wrong: Mapping[BeliefId, float]
    missed: Mapping[BeliefId, float]
    accident: float | None


def weigh(
    working: WorkingSet, response: Response, signal: Signal, readings: tuple[TextReading, ...]
) -> Attribution | None:
    """Turn everything said about a response into one evidence item for each belief behind it; record what moved.

    `signal` is the one to explain, `readings` what its text says. Returns None when its kind is no evidence of
    satisfaction.
    """
    if not working.parameters.signal(signal.kind).emits:
        return None
    counted = working.counted(response.id).values()
    if signal not in counted:
        return attribution_of(working.parameters, response, [(signal, readings)])
    others = [other for other in counted if other.id != signal.id]
    return _record(
        working, response, [*_read(working, others), (signal, readings)], Cause(kind="signal", id=signal.id)
    )


def reweigh(working: WorkingSet, response: Response, cause: Cause) -> None:
    """Weigh a response again after one of its signals was retracted; record what moved."""
    left = _read(working, working.counted(response.id).values())
    if left:
        _record(working, response, left, cause)
        return
    for edge in response.generated_by:
        item = working.evidence.of_response(edge.belief_id, response.id)
        if item is not None:
            working.remove_item(item, cause=cause)


Read = tuple[Signal, tuple[TextReading, ...]]
"""A signal with what its text says."""


def _read(working: WorkingSet, signals: Iterable[Signal]) -> list[Read]:
    """Return the signals that are evidence of satisfaction with their recorded readings, oldest record first."""
    emitting = [signal for signal in signals if working.parameters.signal(signal.kind).emits]
    return [
        (signal, working.interpretation(signal.id).readings)
        for signal in sorted(emitting, key=lambda s: s.seq)
    ]


def _record(working: WorkingSet, response: Response, signals: Sequence[Read], cause: Cause) -> Attribution:
    attribution = attribution_of(working.parameters, response, signals)
    observed_us = min(to_us(signal.observed_at) for signal, _ in signals)
    for index, (edge, nats) in enumerate(zip(response.generated_by, attribution.nats, strict=True)):
        item = Item(
            belief_id=edge.belief_id, slot=RESPONSE, id=response.id, nats=nats, observed_us=observed_us
        )
        reason = "retracted" if cause.kind == "retraction" else reason_for(attribution, index)
        working.set_item(item, action=None, reason=reason, cause=cause)
    return attribution


def attribution_of(parameters: Parameters, response: Response, signals: Sequence[Read]) -> Attribution:
    """Attribute signals, with what their texts say, to the premises of a response as it was recorded."""
    ratios = [ratios_of(parameters, response, signal, readings) for signal, readings in signals]
    emissions = [
        _emission(parameters, response, signal, ratio.accident)
        for (signal, _), ratio in zip(signals, ratios, strict=True)
    ]
    told = [ratio for ratio in ratios if ratio is not _SILENT]
    return attribute(
        [_premise(edge, told) for edge in response.generated_by],
        emissions,
        parameters.attribution.faults,
        form_ratio=math.prod(ratio.form for ratio in told),
        other_ratio=math.prod(ratio.other for ratio in told),
    )


def _emission(parameters: Parameters, response: Response, signal: Signal, accident: float | None) -> Emission:
    """Return how a signal comes about, the habits that were known when the response was recorded reckoned with."""
    kind = parameters.signal(signal.kind)
    emission = kind.emission(signal.value, parameters.accident_factor(signal.context), accident)
    if signal.kind not in response.habits:
        return emission
    return with_habit(emission, kind.goodness_of(signal.value), response.habits[signal.kind])


def counted_as(parameters: Parameters, response: Response, signal: Signal) -> Tally | None:
    """Return what a signal adds to the counts of the user's habits; None for one that she calls a mistake."""
    kind = parameters.signal(signal.kind)
    if any(parameters.tags[tag].accident is not None for tag in signal.tags) or not response.generated_by:
        return None
    emission = kind.emission(signal.value, parameters.accident_factor(signal.context), None)
    premises = [_premise(edge, ()) for edge in response.generated_by]
    return tally_of(signal.kind, kind.goodness_of(signal.value), emission, premises, parameters)


def _premise(edge: GeneratedBy, told: Sequence[Ratios]) -> Premise:
    assert edge.weight is not None and edge.adherence is not None and edge.confidence_then is not None
    if not told:
        return Premise(weight=edge.weight, adherence=edge.adherence, confidence=edge.confidence_then)
    return Premise(
        weight=edge.weight,
        adherence=edge.adherence,
        confidence=edge.confidence_then,
        wrong_ratio=math.prod(ratio.wrong.get(edge.belief_id, 1.0) for ratio in told),
        missed_ratio=math.prod(ratio.missed.get(edge.belief_id, 1.0) for ratio in told),
    )


def reason_for(attribution: Attribution, index: int) -> str:
    """Return why a premise moved: what the evidence speaks for, or, where it hardly moved, what it was instead.

    The likelier of `satisfied` and `response_missed` for evidence in favour, `belief_wrong` against; else the likeliest
    of `form`, `other_fault`, `accident`, `satisfied`, `habit` and `other_belief`.
    """
    causes, wrong, missed = attribution.causes, attribution.wrong[index], attribution.missed[index]
    if attribution.nats[index] <= -_TELLING_NATS:
        return "belief_wrong"
    if attribution.nats[index] >= _TELLING_NATS:
        return "response_missed" if missed > causes["satisfied"] else "satisfied"
    elsewhere = causes["belief_wrong"] - wrong + causes["response_missed"] - missed
    others: tuple[CauseOfSignal, ...] = ("form", "other_fault", "accident", "satisfied", "habit")
    instead: dict[str, float] = {cause: causes.get(cause, 0.0) for cause in others}
    instead["other_belief"] = elsewhere
    return max(instead, key=lambda cause: instead[cause])


def ratios_of(
    parameters: Parameters, response: Response, signal: Signal, readings: Sequence[TextReading]
) -> Ratios:
    """Read tags, phrases and text of one signal as evidence about the cause; `readings` are those recorded with it."""
    if not signal.tags and not signal.text:
        return _SILENT
    limits = parameters.text
    heard = signal.text is not None and parameters.signal(signal.kind).text in ("comment", "correction")
    cues = cue_tags(signal.text, limits.cues) if signal.text and heard else []
    told = [(parameters.tags[tag], 1.0, False) for tag in signal.tags]
    told += [(parameters.tags[tag], limits.cue_trust, parameters.tags[tag].points) for tag in cues]
    by_belief = {reading.belief_id: reading for reading in readings} if heard else {}
    behind = {edge.belief_id: by_belief.get(edge.belief_id) for edge in response.generated_by}
    nearest = max((reading.about for reading in behind.values() if reading is not None), default=0.0)

    def product(cause: str, share: float) -> float:
        """Multiply what tags and phrases say of a cause; a phrase that points at a belief counts by its share."""
        return math.prod(
            _partly(getattr(tag, cause) ** trust, share if points else 1.0) for tag, trust, points in told
        )

    wrong, missed = {}, {}
    for belief_id, reading in behind.items():
        share = 0.0 if reading is None else reading.about
        wrong[belief_id] = product("wrong", share)
        missed[belief_id] = product("missed", share)
        if reading is not None:
            pointed = _partly(limits.about_ratio, share)
            wrong[belief_id] *= pointed * _partly(limits.contradicted_ratio, reading.contradiction)
            missed[belief_id] *= pointed * _partly(
                limits.restated_ratio, reading.equivalent + reading.entails
            )
    accidents = [tag.accident for tag, _, _ in told if tag.accident is not None]
    return Ratios(
        form=product("form", nearest),
        other=product("other", nearest),
        wrong=wrong,
        missed=missed,
        accident=max(accidents, default=None),
    )


_SILENT = Ratios(form=1.0, other=1.0, wrong={}, missed={}, accident=None)


def _partly(ratio: float, share: float) -> float:
    return 1.0 + share * (ratio - 1.0)
