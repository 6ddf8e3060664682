"""Retractions: a signal's influence taken back, as if it had never come; the record stays."""

import json
from dataclasses import replace

from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import BeliefId, SignalId
from beliefgraph.graph.ledger import Lifecycle, is_spoken
from beliefgraph.graph.model import Outcome, Revision, Signal
from beliefgraph.graph.outcomes import interpretation_of
from beliefgraph.ingest.resolution import REOPENED, RESOLVED, reopen
from beliefgraph.ingest.responses import reweigh
from beliefgraph.ingest.statements import ANSWERED, Place, places, standing_revisions
from beliefgraph.ingest.working import MERGED, Cause, WorkingSet


def retract(working: WorkingSet, signal_id: SignalId, note: str | None) -> Outcome:
    """Take back what a signal moved, opened, closed and spawned. A second retraction is answered like the first.

    Raises `NotFoundError`.
    """
    signal = working.find_signal(signal_id)
    if signal is None:
        raise NotFoundError("signal", signal_id, user_id=working.scope.user_id)
    if signal.retracted_at is not None:
        return working.outcome(signal)
    revised, linked = len(working.revisions), len(working.new_links)
    working.mark_retracted(signal, note)
    cause = Cause(kind="retraction", id=signal.id)
    if signal.response_id is not None:
        reweigh(working, working.response(signal.response_id), cause)
    for belief_id, revisions in _moved_by(working, signal).items():
        _undo(working, belief_id, revisions, signal, cause)
    working.settle_conflicts()
    taken_back = interpretation_of(
        signal.id, working.interpretation(signal.id).causes, working.revisions[revised:], fallback="retracted"
    )
    retracted = replace(signal, retracted_at=working.recorded_at, retraction_note=note)
    return working.conclude(retracted, taken_back, revised=revised, linked=linked)


def _moved_by(working: WorkingSet, signal: Signal) -> dict[BeliefId, list[Revision]]:
    by_belief: dict[BeliefId, list[Revision]] = {}
    for revision in working.revisions_by(signal.id):
        if revision.cause_kind == "signal":
            by_belief.setdefault(revision.belief_id, []).append(revision)
    return by_belief


def _undo(
    working: WorkingSet, belief_id: BeliefId, revisions: list[Revision], signal: Signal, cause: Cause
) -> None:
    """Take the signal's own words off one belief and put its standing back."""
    node = working.belief(belief_id)
    for revision in revisions:
        word = revision.item
        if word is not None and word.id == signal.id and revision.reason != MERGED:
            working.remove_item(word, cause=cause)
    if node.origin_id is not None and working.evidence.rests_on_nothing(belief_id):
        working.set_lifecycle(belief_id, "retired", action="retire", reason="retracted", cause=cause)
        reopen(working, belief_id, "what stood against it was taken back")
        return
    if _set_standing(revisions):
        _put_standing_back(working, belief_id, cause)


def _set_standing(revisions: list[Revision]) -> bool:
    """Say whether any of these revisions may have changed lifecycle or context."""
    return any(
        r.ordinal == 1 or r.item is None or r.reason in ("restated", "confirmed", ANSWERED) for r in revisions
    )


def _put_standing_back(working: WorkingSet, belief_id: BeliefId, cause: Cause) -> None:
    """Give a belief the lifecycle and the context that its history leaves without what was retracted."""
    state = working.belief(belief_id).state
    lifecycle, context = _standing(working, belief_id)
    if lifecycle != state.lifecycle:
        working.set_lifecycle(belief_id, lifecycle, action="hold", reason="retracted", cause=cause)
    if context != state.context:
        working.set_context(belief_id, json.loads(context), reason="retracted", cause=cause)


def _standing(working: WorkingSet, belief_id: BeliefId) -> tuple[Lifecycle, str]:
    first = working.first_revision(belief_id)
    lifecycle, context = first.state.lifecycle, first.state.context
    seen: set[Place] = set()
    for revision in standing_revisions(working, belief_id):
        here = places(working, [revision])
        if revision.ordinal > 1:
            lifecycle = _lifecycle_after(revision, lifecycle, sighted=bool(seen - here))
        if revision.reason in ("scoped", RESOLVED, REOPENED):
            context = revision.state.context
        seen |= here
    return lifecycle, context


def _lifecycle_after(revision: Revision, before: Lifecycle, *, sighted: bool) -> Lifecycle:
    """Return the lifecycle that a revision makes of another: as when it was recorded, whatever it found then."""
    if revision.action == "retire" or revision.reason == REOPENED:
        return revision.state.lifecycle
    item = revision.item
    if revision.reason == "restated" and item is not None and is_spoken(item.slot):
        return "open"
    if revision.reason == ANSWERED and item is not None and item.nats > 0:
        return "open"
    if revision.reason == "confirmed" or (revision.reason == "restated" and sighted):
        return "open" if before == "tentative" else before
    return "open" if revision.reason == "edited" and revision.item is None else before
