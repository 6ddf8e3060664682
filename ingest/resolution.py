"""Decisions on conflicts and duplicates, by a person or by the job: carried out, and taken back.

The edge keeps the reason; what changes about a belief is a revision that the edge causes. What the job decides lies in
verdicts.py.

Of two beliefs that say the same, one takes in the other: its evidence counts there, each item once, later items too.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from beliefgraph.graph.contradiction import MAX_STRENGTH
from beliefgraph.graph.errors import InvalidInputError, NotFoundError
from beliefgraph.graph.ids import BeliefId, ConflictId
from beliefgraph.graph.ledger import last_said, read_state
from beliefgraph.graph.model import ConflictStatus, Context, Link, Revision, context_of, noting_kept
from beliefgraph.ingest.verdicts import (
    NEVER,
    UNDONE,
    Decision,
    Side,
    by_context,
    by_weight,
    by_word,
    to_ask,
)
from beliefgraph.ingest.working import MERGED, Cause, WorkingSet

RESOLVED, REOPENED = "conflict_resolved", "conflict_reopened"
"""Reasons of revisions that carry out a decision, and that take it back."""
PERSON = "person"
"""Detector of an edge that a person confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a person decides on one conflict or duplicate: exactly one of these. `why` is in her words.

    `keep`: this belief stands, the other is superseded; of duplicates it takes in the other's evidence. `scope` (of
    conflicts only): both are right, each in its context. `dismiss`: they do not conflict, or do not say the same.
    `confirm`: they do. `undo`: the edge and both beliefs are as before the last decision.
    """

    conflict_id: ConflictId
    keep: BeliefId | None = None
    scope: Mapping[BeliefId, Context] = field(default_factory=dict)
    dismiss: bool = False
    confirm: bool = False
    undo: bool = False
    why: str | None = None


def one_way_only() -> InvalidInputError:
    """Return the complaint that a decision names none, or several, of the ways to decide."""
    return InvalidInputError(
        "keep", "must be given alone, or else exactly one of scope, dismiss, confirm and undo"
    )


def resolve(working: WorkingSet, link: Link, decided: Resolution) -> Link:
    """Carry out a person's decision; return the edge as it then stands. Raises `InvalidInputError`."""
    chosen = [bool(decided.keep), bool(decided.scope), decided.dismiss, decided.confirm, decided.undo]
    if sum(chosen) != 1:
        raise one_way_only()
    for belief_id in (*([decided.keep] if decided.keep else []), *decided.scope):
        if belief_id not in link.ends:
            field_name = "keep" if decided.keep else "scope"
            raise InvalidInputError(field_name, f"must name {link.low} or {link.high}", got=repr(belief_id))
    if decided.scope and link.kind == "duplicates":
        raise InvalidInputError("scope", "is for conflicts: duplicates are kept, dismissed or confirmed")
    note = "" if decided.why is None else f": {decided.why}"
    if decided.undo:
        return link if _undecided(link) else _undo(working, link, f"{UNDONE}{note}")
    status, reason = _as_decided(decided, note)
    if (link.status, link.reason) == (status, reason) and _holds(working, decided.scope):
        return link  # the same request again
    if decided.confirm:
        return _set_status(working, replace(link, strength=MAX_STRENGTH, detector=PERSON), status, reason)
    _take_back(working, link)
    if decided.dismiss:
        return _set_status(working, link, status, reason)
    if decided.keep:
        return _keep(working, link, decided.keep, reason)
    return _scope(working, link, decided.scope, reason)


def _undecided(link: Link) -> bool:
    """Say whether there is nothing to take back: nobody decided on the edge, or it was taken back."""
    decided = link.status in ("resolved", "dismissed") or link.detector == PERSON
    return link.reason.startswith(UNDONE) or not decided


def _as_decided(decided: Resolution, note: str) -> tuple[ConflictStatus, str]:
    """Return the status and the reason of an edge on which a person decided, `undo` left aside."""
    if decided.confirm:
        return "confirmed", f"confirmed{note}"
    if decided.dismiss:
        return "dismissed", f"dismissed{note}"
    return "resolved", noting_kept(f"kept{note}", decided.keep) if decided.keep else f"scoped{note}"


def _holds(working: WorkingSet, scope: Mapping[BeliefId, Context]) -> bool:
    return all(
        context.items() <= context_of(working.belief(belief_id)).items()
        for belief_id, context in scope.items()
    )


def resolve_all(
    working: WorkingSet, duplicates: Iterable[Link], contradictions: Iterable[Link]
) -> list[Decision]:
    """Merge sure duplicates, in this order; then decide what counts by context, by her words, by weight.

    Where nothing decides, the decision is to ask, and nothing moves.
    """
    decisions = [decision for link in duplicates if (decision := _merged(working, link))]
    passed_on = (link for link in working.new_links if link.kind == "contradicts")
    current = {link.id: link for link in (*contradictions, *passed_on)}
    links = sorted(filter(working.counts, current.values()), key=lambda link: (-link.strength, link.seq))
    # What follows moves no evidence.
    sides = {end: _side(working, end) for end in dict.fromkeys(end for link in links for end in link.ends)}
    for way in (by_context, by_word, by_weight):
        for decision in way([link for link in links if working.counts(link)], sides):
            link = current[decision.conflict_id]
            if working.counts(link):
                decisions.append(decision)
                _carry_out(working, link, decision)
    return decisions + [to_ask(link, sides) for link in links if working.counts(link)]


def _carry_out(working: WorkingSet, link: Link, decision: Decision) -> None:
    if decision.keep is None:
        _scope(working, link, decision.scope, decision.reason)
    else:
        _keep(working, link, decision.keep, noting_kept(decision.reason, decision.keep))


def _merged(working: WorkingSet, link: Link) -> Decision | None:
    """Merge duplicates that are live, sure to say the same, and hold in the same context; never what was undone."""
    first, second = (working.belief(belief_id) for belief_id in link.ends)
    sure = link.status == "confirmed" or link.strength >= working.parameters.text.restates
    if link.reason.startswith(UNDONE) or not (
        sure and first.live and second.live and context_of(first) == context_of(second)
    ):
        return None
    sides = {node.seq: _side(working, node.id) for node in (first, second)}
    better = min(sides, key=lambda seq: (sides[seq].said_us == NEVER, -round(sides[seq].own_nats, 2), seq))
    kept = first.id if better == first.seq else second.id
    _keep(working, link, kept, noting_kept("duplicates", kept))
    return Decision(conflict_id=link.id, beliefs=link.ends, verdict="merge", reason="duplicates", keep=kept)


def reopen(working: WorkingSet, belief_id: BeliefId, reason: str) -> None:
    """Let a belief that is said again, or that goes, put what was decided of it up for decision again."""
    for link in [*working.links_of(belief_id), *working.links_of(belief_id, "duplicates")]:
        if link.status == "resolved":
            _undo(working, link, reason, spare=belief_id)


def _side(working: WorkingSet, belief_id: BeliefId) -> Side:
    node = working.belief(belief_id)
    reading = read_state(node.state, working.now_us)
    said_us = last_said(working.evidence.words(belief_id))
    return Side(
        said_us=NEVER if said_us is None else said_us,
        own_nats=reading.own,
        overruled=said_us is not None and reading.own < 0,
        signals=working.signals_for(belief_id),
    )


# What a decision does


def _keep(working: WorkingSet, link: Link, kept: BeliefId, reason: str) -> Link:
    other = link.high if kept == link.low else link.low
    cause = Cause(kind="conflict", id=link.id)
    if link.kind == "duplicates":
        if other in working.heirs(kept):
            raise InvalidInputError(
                "keep", f"must name {other}, or another merge be undone: it took in {kept}"
            )
        for item in working.evidence.of(other):
            working.inherit(kept, item, cause=cause)
        _pass_on(working, link, kept, other)
    working.set_lifecycle(other, "superseded", action="retire", reason=RESOLVED, cause=cause)
    return _set_status(working, link, "resolved", reason)


def _pass_on(working: WorkingSet, merge: Link, kept: BeliefId, other: BeliefId) -> None:
    """Let what stands against a merged belief stand against the one that takes it in, where it is surer than before."""
    for link in working.links_of(other):
        (third,) = {*link.ends} - {other}
        mine = next((each for each in working.links_of(kept) if third in each.ends), None)
        undecided = mine is None or mine.status == "suspected"
        surer = link.status == "confirmed" or (mine is None and link.status == "suspected")
        if undecided and surer and third != kept:
            low, high = sorted((kept, third))
            _set_status(working, replace(link, low=low, high=high), link.status, _passed_by(merge))


def _passed_by(merge: Link) -> str:
    return f"{MERGED} by {merge.id}"


def _take_back_passed(working: WorkingSet, merge: Link) -> None:
    """Leave the edges that a merge passed on as they were before it; what was not there is dismissed."""
    for link in {link.id: link for end in merge.ends for link in working.links_of(end)}.values():
        if link.reason == _passed_by(merge):
            before = [each for each in working.versions_of(link) if each.reason != link.reason]
            last = before[-1] if before else replace(link, status="dismissed")
            _set_status(working, last, last.status, UNDONE)


def _scope(working: WorkingSet, link: Link, contexts: Mapping[BeliefId, Context], reason: str) -> Link:
    for belief_id, context in contexts.items():
        wider = {**context_of(working.belief(belief_id)), **context}
        cause = Cause(kind="conflict", id=link.id)
        working.set_context(belief_id, wider, reason=RESOLVED, cause=cause)
    return _set_status(working, link, "resolved", reason)


def _undo(working: WorkingSet, link: Link, reason: str, *, spare: BeliefId | None = None) -> Link:
    _take_back(working, link, spare=spare)
    if link.status == "confirmed" and link.detector == PERSON:
        found = (each for each in reversed(working.versions_of(link)) if each.detector != PERSON)
        link = next(found, link)  # none where a merge passed on what a person had confirmed
    sure = link.detector == PERSON or link.strength >= working.parameters.text.confirmed
    return _set_status(working, link, "confirmed" if sure else "suspected", reason)


def _take_back(working: WorkingSet, link: Link, *, spare: BeliefId | None = None) -> None:
    """Give both beliefs the standing and the context from before the last decision, where it still holds."""
    if link.status != "resolved":
        return
    _take_back_passed(working, link)
    cause = Cause(kind="conflict", id=link.id)
    since: list[Revision] = []
    for revision in working.revisions_by(link.id):
        if revision.reason == MERGED and revision.item is not None and not revision.removed:
            working.disinherit(revision.belief_id, revision.item, cause=cause)
        if revision.reason == REOPENED:
            since.clear()
        elif revision.reason == RESOLVED:
            since.append(revision)
    for revision in reversed(since):
        node = working.belief(revision.belief_id)
        if node.id == spare:
            continue
        before, left = working.state_before(revision), revision.state
        if node.state.lifecycle == left.lifecycle != before.lifecycle:
            working.set_lifecycle(node.id, before.lifecycle, action="hold", reason=REOPENED, cause=cause)
        if node.state.context == left.context != before.context:
            working.set_context(node.id, json.loads(before.context), reason=REOPENED, cause=cause)


def _set_status(working: WorkingSet, link: Link, status: ConflictStatus, reason: str) -> Link:
    changed = replace(
        link, seq=working.next_seq(), status=status, reason=reason, recorded_at=working.recorded_at
    )
    working.add_link(changed)
    return changed


def find_conflict(links: list[Link], conflict_id: ConflictId, user_id: str) -> Link:
    """Return the edge with an id. Raises `NotFoundError`."""
    for link in links:
        if link.id == conflict_id:
            return link
    raise NotFoundError("conflict", conflict_id, user_id=user_id)
