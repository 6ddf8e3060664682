"""Signals: checked, traced to what they are about, interpreted, and turned into revisions, edges and new beliefs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import DuplicateIdError, InvalidInputError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import MAX_CONFIDENCE, MIN_CONFIDENCE, PIN, WORD, Item, logit, sigmoid
from beliefgraph.graph.model import BeliefNode, Interpretation, Outcome, Response, Signal, Source, context_of
from beliefgraph.graph.model import Cause as CauseOfSignal
from beliefgraph.graph.outcomes import interpretation_of
from beliefgraph.ingest.attribution import Attribution, attribute
from beliefgraph.ingest.events import SignalEvent
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.relate import Likeness, about, readings_of, refined, restated, worth_believing
from beliefgraph.ingest.responses import weigh
from beliefgraph.ingest.statements import Statement, hold, likenesses_of, restate, spawned_id
from beliefgraph.ingest.working import Cause, WorkingSet, observed

RETIRED, RESTORED, SCOPED = "retired", "restored", "scoped"
"""Tags of a person's edit (kind `set`): the belief goes, comes back, or holds in the signal's context only."""
_EDITS = (RETIRED, RESTORED, SCOPED)


def apply_signal(working: WorkingSet, event: SignalEvent, signal_id: SignalId) -> Outcome:
    """Apply a signal once: record it, what it was taken for, and everything that it moves.

    A signal that is recorded already is answered with what it did the first time. Raises `DuplicateIdError` when it
    differs, and `InvalidInputError` or `NotFoundError` before anything is added.
    """
    value = check_signal(event, working.parameters)
    known = working.find_signal(signal_id)
    if known is not None:
        if not _says_the_same(event, value, known):
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
    interpretation = _interpret(working, signal, response, belief)
    return working.conclude(signal, interpretation, revised=revised, linked=linked)


def check_signal(event: SignalEvent, parameters: Parameters) -> float | None:
    """Check a signal against its kind; return its value as a number. Raises `InvalidInputError`."""
    kind = parameters.signal(event.kind)
    about = "response" if event.response else "belief" if event.belief else "nothing"
    if about not in kind.about:
        at_fault = about if about != "nothing" else next(place for place in kind.about if place != "nothing")
        raise InvalidInputError(at_fault, _where(event.kind, kind.about))
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
    whole = event.kind == "answer" and value not in (low, high)
    if not low <= value <= high or whole:
        wanted = (
            f"must be {low:g} or {high:g}" if event.kind == "answer" else f"must lie from {low:g} to {high:g}"
        )
        raise InvalidInputError("value", f"{wanted} for a signal of kind {event.kind!r}", got=f"{value:g}")
    return value


def _check_set(event: SignalEvent) -> float | None:
    if event.value is None:
        if not event.text and not event.tags:
            raise InvalidInputError(
                "value", "an edit must change the confidence, statement, context or standing"
            )
        return None
    if isinstance(event.value, bool) or not MIN_CONFIDENCE <= event.value <= MAX_CONFIDENCE:
        raise InvalidInputError(
            "value", f"must lie from {MIN_CONFIDENCE} to {MAX_CONFIDENCE}", got=str(event.value)
        )
    return float(event.value)


def _says_the_same(event: SignalEvent, value: float | None, known: Signal) -> bool:
    return (
        (event.kind, value, event.text, tuple(event.tags))
        == (known.kind, known.value, known.text, known.tags)
        and (event.response, event.belief) == (known.response_id, known.belief_id)
        and (event.context, event.note) == (known.context, known.note)
        and (event.at is None or to_us(event.at) == to_us(known.observed_at))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A signal's text beside the live beliefs that it is near to."""

    signal: Signal
    likenesses: tuple[Likeness, ...]
    behind: frozenset[BeliefId]

    @property
    def cause(self) -> Cause:
        return Cause(kind="signal", id=self.signal.id)


def _interpret(
    working: WorkingSet, signal: Signal, response: Response | None, belief: BeliefNode | None
) -> Interpretation:
    since = len(working.revisions)
    role = working.parameters.signal(signal.kind).text
    spoken = signal.text if role in ("comment", "correction", "statement") else None
    heard = _Heard(
        signal=signal,
        likenesses=tuple(likenesses_of(working, spoken)) if spoken else (),
        behind=frozenset(edge.belief_id for edge in response.generated_by) if response else frozenset(),
    )
    readings = readings_of(heard.likenesses, working.parameters.text)
    attribution = None if response is None else weigh(working, response, signal, readings)
    if belief is not None:
        _apply_word(working, signal, belief)
    if spoken:
        _apply_text(working, heard, role, belief)
    working.settle_conflicts()
    causes = _causes(working.parameters, signal, attribution)
    fallback: str = max(causes, key=lambda cause: causes[cause])
    if response is None or not response.generated_by:
        fallback = "no_belief"
    revisions = working.revisions[since:]
    return interpretation_of(signal.id, causes, revisions, fallback=fallback, readings=readings)


def _causes(
    parameters: Parameters, signal: Signal, attribution: Attribution | None
) -> dict[CauseOfSignal, float]:
    """Return the posterior over causes; a direct word says itself what it means, accidents aside."""
    if attribution is not None:
        return attribution.causes
    kind = parameters.signal(signal.kind)
    accident = _accident(parameters, signal)
    if kind.emits and signal.belief_id is None:
        emission = kind.emission(signal.value, parameters.accident_factor(signal.context), accident or None)
        return attribute(
            [], [emission], parameters.attribution.faults, form_ratio=1.0, other_ratio=1.0
        ).causes
    against = _word_nats(parameters, signal) < 0
    return {
        "belief_wrong": 1.0 - accident if against else 0.0,
        "response_missed": 0.0,
        "form": 0.0,
        "other_fault": 0.0,
        "accident": accident,
        "satisfied": 0.0 if against else 1.0 - accident,
    }


def _accident(parameters: Parameters, signal: Signal) -> float:
    tagged = [tag.accident for name in signal.tags if (tag := parameters.tags.get(name)) and tag.accident]
    return max(tagged, default=0.0)


def _word_nats(parameters: Parameters, signal: Signal) -> float:
    """Return what a word about a belief itself weighs, in nats (0: it says nothing of the belief's truth)."""
    words, kind = parameters.words, parameters.signal(signal.kind)
    if signal.kind == "confirm":
        plain = words.confirm
    elif signal.kind in ("deny", "correction"):
        plain = words.deny
    else:
        plain = words.rating * kind.goodness_of(signal.value) if kind.emits else 0.0
    accident = _accident(parameters, signal)
    given_true = (1 - accident) * sigmoid(plain) + accident / 2
    given_false = (1 - accident) * sigmoid(-plain) + accident / 2
    return math.log(given_true / given_false)


def _apply_word(working: WorkingSet, signal: Signal, belief: BeliefNode) -> None:
    cause = Cause(kind="signal", id=signal.id)
    observed_us = to_us(signal.observed_at)
    if signal.kind == "set":
        _apply_edit(working, signal, belief, cause)
        return
    nats = _word_nats(working.parameters, signal)
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
        successor = _statement(working, signal, "corrected", parent=working.belief(belief.id))
        _spawn(working, signal, successor, reason="edited")
        working.set_lifecycle(belief.id, "superseded", action="retire", reason="edited", cause=cause)
    if RETIRED in signal.tags:
        working.set_lifecycle(belief.id, "retired", action="retire", reason="edited", cause=cause)
    if RESTORED in signal.tags:
        working.set_lifecycle(belief.id, "open", action="hold", reason="edited", cause=cause)


def _apply_text(working: WorkingSet, heard: _Heard, role: str, target: BeliefNode | None) -> None:
    """Let a text restate a belief, correct one, or become one."""
    limits, signal = working.parameters.text, heard.signal
    assert signal.text is not None
    same = restated(heard.likenesses, limits)
    if role == "comment":
        _apply_comment(working, heard, same)
        return
    source: Source = "corrected" if role == "correction" else "stated"
    corrected = _corrected(working, heard, target) if role == "correction" else None
    if same is not None:
        statement = _statement(working, signal, source, parent=None)
        restate(working, same.belief_id, statement, item_id=signal.id, reason="restated", cause=heard.cause)
    else:
        parent = corrected or target or _grown_from(working, heard)
        _spawn(working, signal, _statement(working, signal, source, parent=parent), reason=source)
    if corrected is not None and (same is None or same.belief_id != corrected.id):
        _supersede(working, heard, corrected.id, target)


def _grown_from(working: WorkingSet, heard: _Heard) -> BeliefNode | None:
    """Return the belief that a new text refines, else the one behind the response that it is most likely about."""
    limits = working.parameters.text
    finer = refined(heard.likenesses, limits)
    behind = [
        found for found in heard.likenesses if found.belief_id in heard.behind and about(found, limits) >= 0.5
    ]
    origin = finer or max(behind, key=lambda found: about(found, limits), default=None)
    return None if origin is None else working.belief(origin.belief_id)


def _corrected(working: WorkingSet, heard: _Heard, target: BeliefNode | None) -> BeliefNode | None:
    """Return the belief whose place a correction takes: the one named, or the one it surely contradicts."""
    if target is not None:
        return target
    sure = [
        found
        for found in heard.likenesses
        if found.relation.contradiction >= working.parameters.text.confirmed
    ]
    best = max(sure, key=lambda found: found.relation.contradiction, default=None)
    return None if best is None else working.belief(best.belief_id)


def _supersede(working: WorkingSet, heard: _Heard, belief_id: BeliefId, target: BeliefNode | None) -> None:
    """Oppose what was corrected, unless a word or a response's item does so already, and let its successor stand in."""
    if target is None and belief_id not in heard.behind:
        nats = _word_nats(working.parameters, heard.signal)
        observed_us = to_us(heard.signal.observed_at)
        item = Item(belief_id=belief_id, slot=WORD, id=heard.signal.id, nats=nats, observed_us=observed_us)
        working.set_item(item, action=None, reason="corrected", cause=heard.cause)
    working.set_lifecycle(belief_id, "superseded", action="retire", reason="corrected", cause=heard.cause)


def _apply_comment(working: WorkingSet, heard: _Heard, same: Likeness | None) -> None:
    """Let a comment be a second sighting of a belief that is not behind the response, or a tentative belief."""
    signal = heard.signal
    assert signal.text is not None
    if same is not None:
        if same.belief_id not in heard.behind and same.belief_id != signal.belief_id:
            statement = _statement(working, signal, "inferred", parent=None)
            restate(
                working, same.belief_id, statement, item_id=signal.id, reason="restated", cause=heard.cause
            )
        return
    if worth_believing(signal.text):
        statement = _statement(working, signal, "inferred", parent=_grown_from(working, heard))
        _spawn(working, signal, statement, reason="comment")


def _statement(
    working: WorkingSet, signal: Signal, source: Source, *, parent: BeliefNode | None
) -> Statement:
    assert signal.text is not None
    scoped = parent is not None and signal.kind == "set"
    return Statement(
        text=signal.text,
        source=source,
        kind=parent.kind if parent is not None else "preference",
        context=context_of(parent) if scoped and parent is not None else {},
        confidence=signal.value if signal.kind == "set" else None,
        observed_us=to_us(signal.observed_at),
        parent_id=None if parent is None else parent.id,
        origin_id=signal.id,
        lifecycle="tentative" if source == "inferred" else "open",
    )


def _spawn(working: WorkingSet, signal: Signal, statement: Statement, *, reason: str) -> None:
    hold(working, statement, spawned_id(signal.id), reason=reason, cause=Cause(kind="signal", id=signal.id))
