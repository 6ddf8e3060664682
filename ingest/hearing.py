"""What the text of a signal does: restate beliefs, correct one, or become new ones, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import WORD, Item, source_slot
from beliefgraph.graph.model import BeliefNode, Response, Signal, Source, context_of
from beliefgraph.ingest.lasting import lasting_parts
from beliefgraph.ingest.relate import Likeness, about, refined, restated, with_contradiction
from beliefgraph.ingest.statements import Statement, free_id, hold, likenesses_of, restate
from beliefgraph.ingest.words import word_nats
from beliefgraph.ingest.working import Cause, WorkingSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A signal's text, or a part of it, beside the live beliefs that it is near to."""

    signal: Signal
    text: str
    likenesses: Sequence[Likeness]
    behind: frozenset[BeliefId]
    place: int = 0

    @property
    def cause(self) -> Cause:
        """What follows from it is caused by the signal."""
        return Cause(kind="signal", id=self.signal.id)


def hear(working: WorkingSet, signal: Signal, response: Response | None, text: str) -> Heard:
    """Relate a signal's text to the beliefs near it; those behind the response are marked.

    A comment that is no lasting statement ("there is no example in it") is about the answer: what it denies is not what
    is believed of the user, so it contradicts no belief.
    """
    likenesses = likenesses_of(working, text)
    limits = working.parameters.text
    comment = working.parameters.signal(signal.kind).text == "comment"
    if comment and not lasting_parts(text, working.inputs.worth, limits, said_plainly=False):
        likenesses = [_without_contradiction(likeness) for likeness in likenesses]
    return Heard(
        signal=signal,
        text=text,
        likenesses=likenesses,
        behind=frozenset(edge.belief_id for edge in response.generated_by) if response else frozenset(),
    )


def _without_contradiction(likeness: Likeness) -> Likeness:
    return replace(likeness, relation=with_contradiction(likeness.relation, 0.0))


def apply_text(working: WorkingSet, heard: Heard, role: str, target: BeliefNode | None) -> None:
    """Let each lasting part of a text restate a belief, correct one, or become one.

    A comment that says nothing lasting may still restate a belief; a correction that does not opposes its target
    and puts nothing in its place.
    """
    parts = _lasting(working, heard, said_plainly=role != "comment")
    if role == "comment":
        for part in parts or [heard]:
            _apply_comment(working, part, worth=bool(parts))
        return
    for part in parts:
        _apply_statement(working, part, role, target if part.place == 0 else None)


def _lasting(working: WorkingSet, heard: Heard, *, said_plainly: bool) -> list[Heard]:
    inputs = working.inputs
    parts = lasting_parts(heard.text, inputs.worth, working.parameters.text, said_plainly=said_plainly)
    return [
        heard
        if part == heard.text
        else replace(heard, text=part, likenesses=likenesses_of(working, part), place=place)
        for place, part in enumerate(parts)
    ]


def _apply_statement(working: WorkingSet, heard: Heard, role: str, target: BeliefNode | None) -> None:
    same = _same(working, heard)
    source: Source = "corrected" if role == "correction" else "stated"
    corrected = _corrected(working, heard, target) if role == "correction" else None
    if same is not None:
        _say_again(working, heard, same.belief_id, source)
    else:
        parent = corrected or target or _grown_from(working, heard)
        spawn(
            working,
            heard.signal,
            statement_of(working, heard.signal, heard.text, source, parent),
            heard.place,
            reason=source,
        )
    if corrected is not None and (same is None or same.belief_id != corrected.id):
        _supersede(working, heard, corrected.id, target)


def _apply_comment(working: WorkingSet, heard: Heard, *, worth: bool) -> None:
    """Let a comment be another sighting of a belief that is not behind the response, or a tentative belief."""
    signal = heard.signal
    same = _same(working, heard)
    if same is not None:
        if same.belief_id not in heard.behind and same.belief_id != signal.belief_id:
            _say_again(working, heard, same.belief_id, "inferred")
    elif worth:
        statement = statement_of(working, signal, heard.text, "inferred", _grown_from(working, heard))
        spawn(working, signal, statement, heard.place, reason="comment")


def _same(working: WorkingSet, heard: Heard) -> Likeness | None:
    """Return the belief that a text restates; an earlier part of the same text may have made it."""
    near = likenesses_of(working, heard.text) if heard.place else heard.likenesses
    return restated(near, working.parameters.text)


def _say_again(working: WorkingSet, heard: Heard, belief_id: BeliefId, source: Source) -> None:
    """Let a text restate a belief, unless an earlier part of the same text said so."""
    id, slot = heard.signal.id, source_slot(source)
    if not any((item.id, item.slot) == (id, slot) for item in working.evidence.words(belief_id)):
        statement = statement_of(working, heard.signal, heard.text, source)
        restate(working, belief_id, statement, item_id=id, reason="restated", cause=heard.cause)


def _grown_from(working: WorkingSet, heard: Heard) -> BeliefNode | None:
    """Return the belief that a new text refines, else the one behind the response that it is most likely about."""
    limits = working.parameters.text
    finer = refined(heard.likenesses, limits)
    behind = [
        found for found in heard.likenesses if found.belief_id in heard.behind and about(found, limits) >= 0.5
    ]
    origin = finer or max(behind, key=lambda found: about(found, limits), default=None)
    return None if origin is None else working.belief(origin.belief_id)


def _corrected(working: WorkingSet, heard: Heard, target: BeliefNode | None) -> BeliefNode | None:
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


def _supersede(working: WorkingSet, heard: Heard, belief_id: BeliefId, target: BeliefNode | None) -> None:
    """Oppose what was corrected, unless a word or a response's item does so already, and let its successor stand in."""
    if target is None and belief_id not in heard.behind:
        nats = word_nats(working.parameters, heard.signal)
        observed_us = to_us(heard.signal.observed_at)
        item = Item(belief_id=belief_id, slot=WORD, id=heard.signal.id, nats=nats, observed_us=observed_us)
        working.set_item(item, action=None, reason="corrected", cause=heard.cause)
    working.set_lifecycle(belief_id, "superseded", action="retire", reason="corrected", cause=heard.cause)


def statement_of(
    working: WorkingSet, signal: Signal, text: str, source: Source, parent: BeliefNode | None = None
) -> Statement:
    """Return what a signal's text states: of its parent's kind, and for a person's edit in its context too."""
    scoped = parent is not None and signal.kind == "set"
    return Statement(
        text=text,
        source=source,
        kind=parent.kind if parent is not None else "preference",
        context=context_of(parent) if scoped and parent is not None else {},
        confidence=signal.value if signal.kind == "set" else None,
        observed_us=to_us(signal.observed_at),
        parent_id=None if parent is None else parent.id,
        origin_id=signal.id,
        lifecycle="tentative" if source == "inferred" else "open",
    )


def spawn(working: WorkingSet, signal: Signal, statement: Statement, place: int = 0, *, reason: str) -> None:
    """Hold what a signal states as a new belief; `place` tells apart the parts of one text."""
    cause = Cause(kind="signal", id=signal.id)
    belief_id = free_id(working, signal.id, *([str(place)] if place else []))
    hold(working, statement, belief_id, reason=reason, cause=cause)
