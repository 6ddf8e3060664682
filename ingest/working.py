"""The part of one user's self-model that a unit of work revises: evidence put and taken, merged, contradicted.

Decides nothing: what a signal means lies in the modules that use this one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from beliefgraph.graph.contradiction import conflict_nats
from beliefgraph.graph.ids import BeliefId, ResponseId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, Lifecycle, Reading, read_state
from beliefgraph.graph.model import (
    Action,
    BeliefNode,
    CauseKind,
    Context,
    Link,
    Revision,
    context_of,
    merged_into,
    revised,
)
from beliefgraph.ingest.records import Records, context_json, contexts_agree

MERGED = "merged"
"""Reason of revisions by which a belief takes in, or gives back, the evidence of one that says the same."""
REREAD = "reinterpreted"
"""Reason of revisions by which a belief's evidence weighs otherwise under other parameters."""
_NEIGHBOUR_NATS = 0.01
"""A belief whose conflict factor moves by more gets a revision of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a revision is caused by."""

    kind: CauseKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one revision changes: the state it leaves, the item it puts or takes away, and why."""

    state: BeliefState
    reason: str
    cause: Cause
    item: Item | None = None
    removed: bool = False
    reread: tuple[Item, ...] = ()
    nats: float = 0.0
    action: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """A belief under other parameters: its state, the items that weigh otherwise, and by how many nats in all."""

    state: BeliefState
    items: tuple[Item, ...]
    nats: float


class WorkingSet(Records):
    """The records of one user, and how they are revised."""

    _settled = (0, 0)
    """How many of the revisions and of the edges of this unit the conflict factors account for."""

    def set_item(
        self,
        item: Item,
        *,
        action: Action | None,
        reason: str,
        cause: Cause,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        """Put an evidence item on its belief and record the revision, unless nothing changes.

        `action` None lets the change of confidence name it.
        """
        node = self.belief(item.belief_id)
        if item.slot == RESPONSE and self.evidence.of_response(node.id, ResponseId(item.id)) == item:
            return
        state, nats = self.evidence.put(node, item)
        change = _Change(state=state, item=item, nats=nats, action=action, reason=reason, cause=cause)
        self._revise(node, change, lifecycle)
        heir = self._heir(node)
        if heir is not None:
            self.inherit(heir, item, cause=cause)

    def remove_item(self, item: Item, *, reason: str = "retracted", cause: Cause) -> None:
        """Take an evidence item off its belief and record the revision."""
        node = self.belief(item.belief_id)
        state, nats = self.evidence.take(node, item)
        change = _Change(state=state, item=item, removed=True, nats=nats, reason=reason, cause=cause)
        self._revise(node, change)
        heir = self._heir(node)
        if heir is not None:
            self.disinherit(heir, item, cause=cause)
            for word in self.evidence.words(node.id):
                self.inherit(heir, word, cause=cause)

    # What is merged: a belief that another took in passes its evidence on, so that it counts there once

    def _heir(self, node: BeliefNode) -> BeliefId | None:
        """Return the belief into which one was merged."""
        if node.state.lifecycle != "superseded":
            return None
        return merged_into(node.id, self.links_of(node.id, "duplicates"))

    def standing_for(self, belief_id: BeliefId) -> BeliefId:
        """Return the belief that stands for one: itself, or what it was merged into."""
        return [belief_id, *self.heirs(belief_id)][-1]

    def heirs(self, belief_id: BeliefId) -> Iterator[BeliefId]:
        """Yield the belief into which one was merged, then what that one was merged into, and so on, each once."""
        seen = {belief_id}
        heir = self._heir(self.belief(belief_id))
        while heir is not None and heir not in seen:
            yield heir
            seen.add(heir)
            heir = self._heir(self.belief(heir))

    def inherit(self, heir: BeliefId, item: Item, *, cause: Cause) -> None:
        """Let a belief count what was evidence of one merged into it, unless it has that evidence of its own."""
        if item.slot == RESPONSE:
            response = self.response(ResponseId(item.id))
            if any(edge.belief_id == heir for edge in response.generated_by):
                return
        history = self._history_of(heir, item)
        if any(revision.reason not in (MERGED, REREAD) for revision, _ in history):
            return
        held = history[-1][1] if history and not history[-1][0].removed else None
        if held is not None and item.slot == RESPONSE:
            self.evidence.absorb({(heir, ResponseId(item.id)): held})
        if held is None or (held.nats, held.observed_us) != (item.nats, item.observed_us):
            passed = replace(item, belief_id=heir)
            self.set_item(passed, action=None, reason=MERGED, cause=cause)

    def disinherit(self, heir: BeliefId, item: Item, *, cause: Cause) -> None:
        """Take back what a belief inherited as this item, if it did."""
        history = self._history_of(heir, item)
        inherited = all(revision.reason in (MERGED, REREAD) for revision, _ in history)
        if history and not history[-1][0].removed and inherited:
            self.remove_item(history[-1][1], reason=MERGED, cause=cause)

    def _history_of(self, belief_id: BeliefId, item: Item) -> list[tuple[Revision, Item]]:
        """Return the revisions that put or took away the item of the same evidence, with what it weighed then."""
        return [
            (revision, found)
            for revision in self.revisions_of(belief_id)
            for found, _ in revision.items()
            if (found.slot, found.id) == (item.slot, item.id)
        ]

    def reread(self, beliefs: Mapping[BeliefId, Reread]) -> None:
        """Record what the evidence of beliefs weighs under the parameters of this unit: one revision each."""
        cause = Cause(kind="parameters", id=self.parameters.version)
        conflicts = self._conflict_nats(
            beliefs, {belief_id: read.state for belief_id, read in beliefs.items()}
        )
        for belief_id, read in beliefs.items():
            state, derived = read.state, conflicts.get(belief_id, read.state.conflict)
            if abs(derived - state.conflict) > _NEIGHBOUR_NATS:
                state = replace(state, conflict=derived)
            change = _Change(state=state, reread=read.items, nats=read.nats, reason=REREAD, cause=cause)
            self._revise(self.belief(belief_id), change)
        self.settle_conflicts()

    def set_lifecycle(
        self, belief_id: BeliefId, lifecycle: Lifecycle, *, action: Action, reason: str, cause: Cause
    ) -> None:
        """Record a revision that changes a belief's standing without evidence."""
        node = self.belief(belief_id)
        self._revise(node, _Change(state=node.state, action=action, reason=reason, cause=cause), lifecycle)

    def set_context(self, belief_id: BeliefId, context: Context, *, reason: str, cause: Cause) -> None:
        """Record a revision that scopes a belief to a context."""
        node = self.belief(belief_id)
        state = replace(node.state, context=context_json(context))
        self._revise(node, _Change(state=state, action="hold", reason=reason, cause=cause))

    def _revise(self, node: BeliefNode, change: _Change, lifecycle: Lifecycle | None = None) -> None:
        state = change.state
        if lifecycle is not None and lifecycle != state.lifecycle:
            state = replace(state, lifecycle=lifecycle)
        before, after = read_state(node.state, self.now_us), read_state(state, self.now_us)
        seq = self.next_seq()
        self.revisions.append(
            Revision(
                id=f"rev_{seq}",
                belief_id=node.id,
                seq=seq,
                before=before.confidence,
                after=after.confidence,
                nats=change.nats,
                action=change.action or self._action(before, after),
                reason=change.reason,
                cause_kind=change.cause.kind,
                cause_id=change.cause.id,
                parameters_version=self.parameters.version,
                recorded_at=self.recorded_at,
                ordinal=node.ordinal + 1,
                item=change.item,
                removed=change.removed,
                reread=change.reread,
                state=state,
            )
        )
        self._beliefs[node.id] = revised(node, state, self.recorded_at)
        if not node.live and self._beliefs[node.id].live:
            self._revived.add(node.id)

    def _action(self, before: Reading, after: Reading) -> Action:
        if after.standing == "contested" != before.standing:
            return "contest"
        delta = after.confidence - before.confidence
        if abs(delta) < self.parameters.attribution.hold_delta:
            return "hold"
        return "reinforce" if delta > 0 else "reduce"

    def settle_conflicts(self) -> None:
        """Derive the conflict factor anew of every belief that changes since the last time reach; record what moved.

        Beliefs that are merely near, and the contradictions among them, are left alone.
        """
        revised, linked = self._settled
        changed = {revision.belief_id for revision in self.revisions[revised:]}
        changed |= {end for link in self.new_links[linked:] for end in link.ends}
        nats = self._conflict_nats(changed, {})
        moved = [
            (self._heaviest(belief), belief)
            for belief, derived in nats.items()
            if abs(derived - self.belief(belief).state.conflict) > _NEIGHBOUR_NATS
        ]
        for link, belief in sorted(moved, key=lambda each: (-each[0].strength, each[0].seq, each[1])):
            node = self.belief(belief)
            state = replace(node.state, conflict=nats[belief])
            change = _Change(state=state, reason="conflict", cause=Cause(kind="conflict", id=link.id))
            self._revise(node, change)
        self._settled = len(self.revisions), len(self.new_links)

    def _heaviest(self, belief_id: BeliefId) -> Link:
        """Return the strongest edge of a belief, of equals the oldest."""
        return min(self._links_at(belief_id), key=lambda link: (-link.strength, link.seq))

    def _conflict_nats(
        self, changed: Iterable[BeliefId], states: Mapping[BeliefId, BeliefState]
    ) -> dict[BeliefId, float]:
        """Return the conflict factor of every belief that these reach, were `states` the states of some.

        What no longer counts between two beliefs has left both changed: from these and their neighbours on, nothing
        travels but along what counts.
        """
        reached = {belief for belief in changed if self._links_at(belief)}
        reached |= {
            end
            for belief in reached
            for link in self._links_at(belief)
            if link.status == "confirmed"
            for end in link.ends
        }
        edges: list[tuple[BeliefId, BeliefId, float]] = []
        waiting = list(reached)
        while waiting:
            for link in self._counted_at(waiting.pop()):
                edges.append((*link.ends, link.strength))
                waiting += set(link.ends) - reached
                reached |= set(link.ends)
        own = {
            belief: read_state(states.get(belief) or self.belief(belief).state, self.now_us).own
            for belief in reached
        }
        return conflict_nats(own, edges)

    def _counted_at(self, belief_id: BeliefId) -> list[Link]:
        """Return the confirmed contradictions between this belief and others, both live and able to meet."""
        if not self.belief(belief_id).live:
            return []
        return [link for link in self._links_at(belief_id) if self.counts(link)]

    def counts(self, link: Link) -> bool:
        """Say whether a contradiction weighs: confirmed, of live beliefs that can hold in one context."""
        if link.status != "confirmed":
            return False
        low, high = (self.belief(end) for end in link.ends)
        return low.live and high.live and contexts_agree(context_of(low), context_of(high))
