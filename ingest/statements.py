"""Beliefs from statements: held, restated, refined or new; near-duplicates and contradictions noted as edges."""

from collections.abc import Iterable
from dataclasses import dataclass

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import DuplicateIdError
from beliefgraph.graph.ids import BeliefId, SignalId, derived_id, fingerprint, normal_form
from beliefgraph.graph.ledger import BeliefState, Item, Lifecycle, logit, said_as, sigmoid, source_slot
from beliefgraph.graph.model import (
    BeliefNode,
    CauseKind,
    ConflictStatus,
    Context,
    Kind,
    Link,
    LinkKind,
    Revision,
    Signal,
    Source,
    context_of,
)
from beliefgraph.graph.prior import Prior
from beliefgraph.ingest.events import BeliefEvent
from beliefgraph.ingest.priors import born, prior_of
from beliefgraph.ingest.records import context_json, contexts_agree, observed
from beliefgraph.ingest.relate import Likeness, liken
from beliefgraph.ingest.resolution import reopen
from beliefgraph.ingest.working import Cause, WorkingSet

ANSWERED = "answered"
"""Reason of revisions by which an answer to a question moves a belief."""
Place = tuple[str, str]
"""Where a belief was seen: what it is called, and its id."""
_AUTHORITY: dict[Source, int] = {"inferred": 0, "imported": 0, "observed": 0, "stated": 1, "corrected": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement to hold as a belief, and where it comes from.

    `said` is the slot and the weight, in nats, of what was said, where it was not said with a confidence.
    """

    text: str
    source: Source
    kind: Kind
    context: Context
    confidence: float | None
    observed_us: int
    parent_id: BeliefId | None = None
    origin_id: SignalId | None = None
    lifecycle: Lifecycle = "open"
    said: tuple[str, float] | None = None


def believe(working: WorkingSet, event: BeliefEvent, belief_id: BeliefId) -> BeliefNode:
    """Hold a belief. Returns the node, or the one that this id or this text already has.

    `belief_id` is the caller's, or a fresh one that is used only if the text is new.
    """
    known = working.find_belief(belief_id)
    if known is not None:
        if not _says_the_same(working, event, known):
            raise DuplicateIdError("belief", belief_id)
        return known
    statement = Statement(
        text=event.statement,
        source=event.source,
        kind=event.kind,
        context=event.context,
        confidence=event.confidence,
        observed_us=observed(event.at, working.now_us),
    )
    same = working.same_statement(normal_form(event.statement)) if event.id is None else []
    earlier = working.revisions_by(belief_id) if event.id is None else []
    if earlier:
        if not same or not _restated_the_same(working, event, same[0], earlier[0]):
            raise DuplicateIdError("belief", belief_id)
        return same[0]
    if same:
        cause = Cause(kind="belief", id=belief_id)
        return restate(
            working, same[0].id, statement, item_id=said_as(belief_id), reason="restated", cause=cause
        )
    cause = Cause(kind="belief", id=belief_id)
    return hold(working, statement, belief_id, reason=event.source, cause=cause)


def _says_the_same(working: WorkingSet, event: BeliefEvent, known: BeliefNode) -> bool:
    """Compare a repeated belief with what was recorded the first time; what the caller left open does not count."""
    first = working.first_revision(known.id)
    assert first.item is not None
    said = sigmoid(first.item.nats + first.state.base)
    return (
        (event.statement, event.source, event.kind) == (known.statement, known.source, known.kind)
        and first.state.context == context_json(event.context)
        and (event.confidence is None or abs(event.confidence - said) < 1e-9)
        and (event.at is None or to_us(event.at) == first.item.observed_us)
    )


def _restated_the_same(working: WorkingSet, event: BeliefEvent, same: BeliefNode, restated: Revision) -> bool:
    """Compare a repeated restatement with what the first one said; kind and context are the belief's own."""
    said = restated.item
    return (
        restated.belief_id in (same.id, working.standing_for(same.id))
        and said is not None
        and said.slot == source_slot(event.source)
        and (event.confidence is None or abs(event.confidence - sigmoid(said.nats + same.state.base)) < 1e-9)
        and (event.at is None or to_us(event.at) == said.observed_us)
    )


def hold(
    working: WorkingSet, statement: Statement, belief_id: BeliefId, *, reason: str, cause: Cause
) -> BeliefNode:
    """Add a belief with its first item and revision, and the edges to what it resembles or contradicts."""
    parameters, inputs = working.parameters, working.inputs
    likenesses = likenesses_of(working, statement.text)
    prior = _prior(working, statement)
    node = BeliefNode(
        id=belief_id,
        user_id=working.scope.user_id,
        seq=working.next_seq(),
        statement=statement.text,
        statement_key=normal_form(statement.text),
        source=statement.source,
        kind=statement.kind,
        created_at=from_us(statement.observed_us),
        recorded_at=working.recorded_at,
        parent_id=statement.parent_id,
        origin_id=statement.origin_id,
        vector_key=fingerprint({"model": inputs.model, "text": statement.text}),
        ordinal=0,
        revised_at=working.recorded_at,
        state=BeliefState(
            base=prior.log_odds,
            **parameters.rates_of(statement.kind),
            reference_us=statement.observed_us,
            lifecycle=statement.lifecycle,
            context=context_json(statement.context),
        ),
    )
    working.add_belief(node, inputs.vectors[statement.text])
    item = _stating_item(working, node, statement, item_id=statement.origin_id or said_as(belief_id))
    working.set_item(item, action="spawn", reason=prior.noted(reason), cause=cause)
    for likeness in likenesses:
        if likeness.belief_id != statement.parent_id:
            _note_edges(working, node.id, likeness)
    return working.belief(belief_id)


def restate(
    working: WorkingSet, belief_id: BeliefId, statement: Statement, *, item_id: str, reason: str, cause: Cause
) -> BeliefNode:
    """Say again what a belief says: refreshes what this source said, never adds to it.

    A tentative belief that is seen in a second place opens, as any does by a person's word, which also reopens what was
    retired or superseded, but for a belief that was merged it speaks for the one that took it in.
    """
    belief_id = working.standing_for(belief_id)
    node = working.belief(belief_id)
    item = _stating_item(working, node, statement, item_id=item_id)
    reopens = _AUTHORITY[statement.source] > 0
    if node.state.lifecycle == "tentative" and not reopens:
        seen = places(working, standing_revisions(working, belief_id))
        reopens = bool(seen - {_place(working, cause.kind, cause.id)})
    working.set_item(item, action=None, reason=reason, cause=cause, lifecycle="open" if reopens else None)
    if reopens and not node.live:
        reopen(working, belief_id, "said again")
    return working.belief(belief_id)


def standing_revisions(working: WorkingSet, belief_id: BeliefId) -> list[Revision]:
    """Return the revisions of a belief, oldest first, without those by a signal that was taken back."""

    def stands(revision: Revision) -> bool:
        signal = _signal_of(working, revision.cause_kind, revision.cause_id)
        return signal is None or signal.retracted_at is None

    return list(filter(stands, working.revisions_of(belief_id)))


def places(working: WorkingSet, history: Iterable[Revision]) -> set[Place]:
    """Return where a belief was seen in a part of its history: where it was made, and where it was restated."""
    seen = (revision for revision in history if revision.ordinal == 1 or revision.reason == "restated")
    return {_place(working, revision.cause_kind, revision.cause_id) for revision in seen}


def _place(working: WorkingSet, kind: CauseKind, id: str) -> Place:
    """Return where something was said: about a response, however often, or else in a place of its own."""
    signal = _signal_of(working, kind, id)
    return (kind, id) if signal is None or signal.response_id is None else ("response", signal.response_id)


def _signal_of(working: WorkingSet, kind: CauseKind, id: str) -> Signal | None:
    return working.find_signal(SignalId(id)) if kind == "signal" else None


def _prior(working: WorkingSet, statement: Statement) -> Prior:
    """Return the base rate that a new belief gets; her own beliefs near it are looked at only where it matters."""
    parameters, inputs, limits = working.parameters, working.inputs, working.parameters.text
    if inputs.topics is None:
        return Prior(log_odds=logit(parameters.base_rate(statement.source, statement.kind)))
    near = [found.belief_id for found in working.near(statement.text) if found.cosine >= limits.gate_cosine]
    return prior_of(
        statement.text,
        statement.source,
        statement.kind,
        parameters=parameters,
        topics=inputs.topics,
        vector=inputs.vectors[statement.text],
        book=inputs.book,
        near=(born(working.belief(id).state, working.evidence.words(id)) for id in near),
    )


def asked(working: WorkingSet, belief_id: BeliefId) -> bool:
    """Say whether a belief has the words of a bank of questions: it was made by an answer."""
    origin = working.belief(belief_id).origin_id
    signal = None if origin is None else working.find_signal(origin)
    return signal is not None and working.parameters.signal(signal.kind).text == "answer"


def likenesses_of(working: WorkingSet, text: str) -> list[Likeness]:
    """Relate a text to the live beliefs near it."""
    return liken(text, working.near(text), working.beliefs, working.inputs.book, working.parameters.text)


def spawned_id(signal_id: SignalId, *parts: str) -> BeliefId:
    """Return the id that a belief made by a signal gets, unless something has it; `parts` tell several apart."""
    return BeliefId(derived_id("b", "spawned", signal_id, *parts))


def free_id(working: WorkingSet, signal_id: SignalId, *parts: str) -> BeliefId:
    """Return the id for a belief made by a signal: the next one that is free, since a caller may have taken any."""
    belief_id, tried = spawned_id(signal_id, *parts), 0
    while working.find_belief(belief_id) is not None:
        tried += 1
        belief_id = spawned_id(signal_id, *parts, f"taken {tried}")
    return belief_id


def _stating_item(working: WorkingSet, node: BeliefNode, statement: Statement, *, item_id: str) -> Item:
    confidence = statement.confidence
    slot = source_slot(statement.source)
    if statement.said is not None:
        slot, nats = statement.said
    elif confidence is None:
        said = [item for item in working.evidence.words(node.id) if item.slot == slot]
        nats = said[0].nats if said else _usual_nats(working, statement)
    else:
        nats = logit(confidence) - node.state.base
    return Item(belief_id=node.id, slot=slot, id=item_id, nats=nats, observed_us=statement.observed_us)


def _usual_nats(working: WorkingSet, statement: Statement) -> float:
    """Return what it weighs that a source says something without a confidence: its usual one, over its base rate."""
    parameters = working.parameters
    flat = parameters.base_rate(statement.source, statement.kind)
    return logit(parameters.sources[statement.source].confidence) - logit(flat)


def _note_edges(working: WorkingSet, belief_id: BeliefId, likeness: Likeness) -> None:
    limits, relation = working.parameters.text, likeness.relation
    other = working.belief(likeness.belief_id)
    if not contexts_agree(context_of(working.belief(belief_id)), context_of(other)):
        return
    low, high = sorted((belief_id, other.id))

    def note(kind: LinkKind, strength: float, status: ConflictStatus, reason: str) -> None:
        working.add_link(
            Link(
                kind=kind,
                low=low,
                high=high,
                seq=working.next_seq(),
                strength=strength,
                detector=working.inputs.detector,
                status=status,
                reason=reason,
                recorded_at=working.recorded_at,
            )
        )

    if relation.contradiction >= limits.suspected:
        sure = relation.contradiction >= limits.confirmed
        note("contradicts", relation.contradiction, "confirmed" if sure else "suspected", "relation")
    elif relation.equivalent >= limits.restates or (
        relation.neutral < 1.0 and likeness.cosine >= limits.duplicate_cosine
    ):
        if asked(working, belief_id) and asked(working, other.id):
            return  # statements of a bank are apart, however near they sound
        note("duplicates", max(relation.equivalent, 0.0), "suspected", "near_duplicate")
