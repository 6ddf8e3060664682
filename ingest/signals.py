"""Signals: checked, traced to what they are about, interpreted, and turned into revisions, edges and new beliefs."""

from collections.abc import Sequence

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import DuplicateIdError, InvalidInputError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import MAX_CONFIDENCE, MIN_CONFIDENCE, PIN, WORD, Item, logit
from beliefgraph.graph.model import BeliefNode, Interpretation, Outcome, Response, Signal
from beliefgraph.graph.model import Cause as CauseOfSignal
from beliefgraph.graph.outcomes import interpretation_of
from beliefgraph.ingest.answers import answers_the_same, apply_answer, check_answer, is_answer, said_by
from beliefgraph.ingest.attribution import Attribution, attribute
from beliefgraph.ingest.events import SignalEvent
from beliefgraph.ingest.hearing import apply_text, hear, spawn, statement_of
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.records import observed
from beliefgraph.ingest.relate import readings_of
from beliefgraph.ingest.resolution import reopen
from beliefgraph.ingest.responses import counted_as, weigh
from beliefgraph.ingest.words import accident_of, word_nats
from beliefgraph.ingest.working import Cause, WorkingSet

RETIRED, RESTORED, SCOPED = "retired", "restored", "scoped"
"""Tags of a person's edit (kind `set`): the belief goes, comes back, or holds in the signal's context only."""
_EDITS = (RETIRED, RESTORED, SCOPED)
_WHOLE = ("answer", "consent")
"""Kinds whose value is one of the two ends of their scale."""


def apply_signal(working: WorkingSet, event: SignalEvent, signal_id: SignalId) -> Outcome:
    """Apply a signal once: record it, what it was taken for, and everything that it moves.

    A signal that is recorded already is answered with what it did the first time. Raises `DuplicateIdError` when it
    differs, and `InvalidInputError` or `NotFoundError` before anything is added.
    """
    value = check_signal(event, working.parameters)
    known = working.find_signal(signal_id)
    if known is not None:
        repeated = says_the_same(event, value, known) and (
            not is_answer(known) or answers_the_same(event, said_by(working.revisions_by(known.id)))
        )
        if not repeated:
            raise DuplicateIdError("signal", signal_id)
        return working.outcome(known)
    response = None if event.response is None else working.response(ResponseId(event.response))
    belief = None if event.belief is None else working.belief(BeliefId(event.belief))
    signal = Signal(
        id=signal_id,
        user_id=working.scope.user_id,
        seq=working.next_seq(),
        kind=event.kind,
        value=value,
        text=event.text,
        tags=tuple(event.tags),
        response_id=None if response is None else response.id,
        belief_id=None if belief is None else belief.id,
        context=event.context,
        note=event.note,
        observed_at=from_us(observed(event.at, working.now_us)),
        recorded_at=working.recorded_at,
    )
    revised, linked = len(working.revisions), len(working.new_links)
    working.add_signal(signal)
    if working.parameters.signal(event.kind).text == "answer":
        apply_answer(working, signal, event.speaks)
    interpretation = _interpret(working, signal, response, belief, since=revised)
    return working.conclude(signal, interpretation, revised=revised, linked=linked)


def check_signal(event: SignalEvent, parameters: Parameters) -> float | None:
    """Check a signal against its kind; return its value as a number. Raises `InvalidInputError`."""
    kind = parameters.signal(event.kind)
    about = "response" if event.response else "belief" if event.belief else "nothing"
    if about not in kind.about:
        at_fault = about if about != "nothing" else next(place for place in kind.about if place != "nothing")
        raise InvalidInputError(at_fault, _where(event.kind, kind.about))
    if kind.text == "answer":
        check_answer(event)
        return _check_value(event, parameters)
    if event.speaks:
        raise InvalidInputError(
            "speaks", f"is for answers to questions, not for a signal of kind {event.kind!r}"
        )
    known = _EDITS if event.kind == "set" else tuple(parameters.tags)
    for tag in event.tags:
        if tag not in known:
            raise InvalidInputError("tags", f"must be among {', '.join(sorted(known))}", got=repr(tag[:80]))
    if kind.text in ("correction", "statement") and event.text is None:
        raise InvalidInputError("text", f"is required for a {event.kind}")
    return _check_set(event) if event.kind == "set" else _check_value(event, parameters)


def _where(kind: str, about: Sequence[str]) -> str:
    names = {"response": "a response", "belief": "a belief", "nothing": "nothing"}
    return f"a signal of kind {kind!r} must be about {' or about '.join(names[place] for place in about)}"


def _check_value(event: SignalEvent, parameters: Parameters) -> float | None:
    scale = parameters.signal(event.kind).scale
    if not scale:
        if event.value is not None:
            raise InvalidInputError(
                "value", f"a signal of kind {event.kind!r} has no value", got=str(event.value)
            )
        return None
    low, high = scale[0][0], scale[-1][0]
    if event.value is None:
        raise InvalidInputError(
            "value", f"is required for a signal of kind {event.kind!r}, from {low:g} to {high:g}"
        )
    value = (high if event.value else low) if isinstance(event.value, bool) else float(event.value)
    whole = event.kind in _WHOLE and value not in (low, high)
    if not low <= value <= high or whole:
        wanted = (
            f"must be {low:g} or {high:g}" if event.kind in _WHOLE else f"must lie from {low:g} to {high:g}"
        )
        raise InvalidInputError("value", f"{wanted} for a signal of kind {event.kind!r}", got=f"{value:g}")
    return value


def _check_set(event: SignalEvent) -> float | None:
    if event.value is None:
        if not event.text and not event.tags:
            raise InvalidInputError("value", "must be given, or else statement, context or retired")
        return None
    if isinstance(event.value, bool) or not MIN_CONFIDENCE <= event.value <= MAX_CONFIDENCE:
        raise InvalidInputError(
            "value", f"must lie from {MIN_CONFIDENCE} to {MAX_CONFIDENCE}", got=str(event.value)
        )
    return float(event.value)


def says_the_same(event: SignalEvent, value: float | None, known: Signal) -> bool:
    """Say whether a signal, with its value as a number, is the one that is recorded under its id, answers apart."""
    return (
        (event.kind, value, event.text, tuple(event.tags))
        == (known.kind, known.value, known.text, known.tags)
        and (event.response, event.belief) == (known.response_id, known.belief_id)
        and (event.context, event.note) == (known.context, known.note)
        and (event.at is None or to_us(event.at) == to_us(known.observed_at))
    )


def _interpret(
    working: WorkingSet,
    signal: Signal,
    response: Response | None,
    belief: BeliefNode | None,
    *,
    since: int,
) -> Interpretation:
    role = working.parameters.signal(signal.kind).text
    spoken = signal.text if role in ("comment", "correction", "statement") else None
    heard = hear(working, signal, response, spoken) if spoken else None
    readings = readings_of(heard.likenesses if heard else (), working.parameters.text)
    attribution = None if response is None else weigh(working, response, signal, readings)
    if belief is not None:
        _apply_word(working, signal, belief)
    if heard is not None:
        apply_text(working, heard, role, belief)
    working.settle_conflicts()
    causes = _causes(working.parameters, signal, attribution)
    fallback: str = max(causes, key=lambda cause: causes[cause])
    if response is None or not response.generated_by:
        fallback = "no_belief"
    revisions = working.revisions[since:]
    tally = None if response is None else counted_as(working.parameters, response, signal)
    return interpretation_of(signal.id, causes, revisions, fallback=fallback, readings=readings, tally=tally)


def _causes(
    parameters: Parameters, signal: Signal, attribution: Attribution | None
) -> dict[CauseOfSignal, float]:
    """Return the posterior over causes; a direct word says itself what it means, accidents aside."""
    if attribution is not None:
        return attribution.causes
    kind = parameters.signal(signal.kind)
    accident = accident_of(parameters, signal)
    if kind.emits and signal.belief_id is None:
        emission = kind.emission(signal.value, parameters.accident_factor(signal.context), accident or None)
        return attribute(
            [], [emission], parameters.attribution.faults, form_ratio=1.0, other_ratio=1.0
        ).causes
    against = word_nats(parameters, signal) < 0
    return {
        "belief_wrong": 1.0 - accident if against else 0.0,
        "response_missed": 0.0,
        "form": 0.0,
        "other_fault": 0.0,
        "accident": accident,
        "satisfied": 0.0 if against else 1.0 - accident,
    }


def _apply_word(working: WorkingSet, signal: Signal, belief: BeliefNode) -> None:
    cause = Cause(kind="signal", id=signal.id)
    observed_us = to_us(signal.observed_at)
    if signal.kind == "set":
        _apply_edit(working, signal, belief, cause)
        return
    nats = word_nats(working.parameters, signal)
    if nats == 0.0 and not working.parameters.signal(signal.kind).emits:
        return
    item = Item(belief_id=belief.id, slot=WORD, id=signal.id, nats=nats, observed_us=observed_us)
    opens = signal.kind == "confirm" and belief.state.lifecycle == "tentative"
    reason = {"confirm": "confirmed", "deny": "denied", "correction": "corrected"}.get(signal.kind, "rated")
    working.set_item(item, action=None, reason=reason, cause=cause, lifecycle="open" if opens else None)


def _apply_edit(working: WorkingSet, signal: Signal, belief: BeliefNode, cause: Cause) -> None:
    if signal.value is not None and signal.text is None:
        nats = logit(signal.value) - belief.state.base
        item = Item(
            belief_id=belief.id, slot=PIN, id=signal.id, nats=nats, observed_us=to_us(signal.observed_at)
        )
        working.set_item(item, action=None, reason="edited", cause=cause)
    if SCOPED in signal.tags:
        working.set_context(belief.id, signal.context, reason="scoped", cause=cause)
    if signal.text is not None:
        successor = statement_of(working, signal, signal.text, "corrected", working.belief(belief.id))
        spawn(working, signal, successor, reason="edited")
        working.set_lifecycle(belief.id, "superseded", action="retire", reason="edited", cause=cause)
    if RETIRED in signal.tags:
        working.set_lifecycle(belief.id, "retired", action="retire", reason="edited", cause=cause)
    if RESTORED in signal.tags:
        working.set_lifecycle(belief.id, "open", action="hold", reason="edited", cause=cause)
        reopen(working, belief.id, "restored")
