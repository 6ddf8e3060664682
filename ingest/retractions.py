"""Retractions: a signal's influence taken back, as if it had never come; the record stays."""

from dataclasses import replace

from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import BeliefId, SignalId
from beliefgraph.graph.model import Outcome, Revision, Signal
from beliefgraph.graph.outcomes import interpretation_of
from beliefgraph.ingest.responses import reweigh
from beliefgraph.ingest.working import Cause, WorkingSet


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
    for word in (revision.item for revision in revisions):
        if word is not None and word.id == signal.id:
            working.remove_item(word, cause=cause)
    if node.origin_id == signal.id and working.evidence.rests_on_nothing(belief_id):
        working.set_lifecycle(belief_id, "retired", action="retire", reason="retracted", cause=cause)
        return
    before, left = working.lifecycle_before(revisions[0]), revisions[-1].state.lifecycle
    if before != left and working.belief(belief_id).state.lifecycle == left:
        working.set_lifecycle(belief_id, before, action="hold", reason="retracted", cause=cause)
