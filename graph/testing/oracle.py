"""A store of plain dicts, the slow and obvious way: a log of what was written per user, replayed for every answer.

It shares no code with any store; it is what the state machine compares a store with.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import BeliefNode, Interpretation, Link, LinkKind, Response, Revision, Signal
from beliefgraph.graph.store import Changes, Erasure, Head, Neighbour, Neighbourhood, Reach, Scope, Vector

Read = tuple[Signal, Interpretation]


@dataclass(slots=True)
class Snapshot:
    """One user's records at one time, and the answers to every read. Dicts are in the order of writing."""

    head: Head = field(default_factory=lambda: Head(seq=0, recorded_us=0))
    beliefs: dict[BeliefId, BeliefNode] = field(default_factory=dict)
    responses: dict[ResponseId, Response] = field(default_factory=dict)
    signals: dict[SignalId, Read] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    versions: list[Link] = field(default_factory=list)
    items: dict[tuple[str, str, str], Item] = field(default_factory=dict)
    vectors: dict[BeliefId, Vector] = field(default_factory=dict)

    def newest_beliefs(self) -> list[BeliefNode]:
        """Return beliefs, newest first."""
        return sorted(self.beliefs.values(), key=lambda node: -node.seq)

    def newest_responses(self) -> list[Response]:
        """Return responses, newest first."""
        return sorted(self.responses.values(), key=lambda response: -response.seq)

    def newest_signals(self, about: Iterable[str] | None = None) -> list[Read]:
        """Return signals, newest first: about these responses, or all."""
        wanted = None if about is None else set(about)
        found = [read for read in self.signals.values() if wanted is None or read[0].response_id in wanted]
        return sorted(found, key=lambda read: -read[0].seq)

    def words(self, belief_id: str, excluding: Iterable[str]) -> list[Item]:
        """Return the latest direct item of each slot, by slot."""
        latest: dict[str, Item] = {}
        for item in self.items.values():
            direct = item.belief_id == belief_id and item.slot != "response" and item.id not in set(excluding)
            if direct and (item.slot not in latest or _later(item, latest[item.slot])):
                latest[item.slot] = item
        return [latest[slot] for slot in sorted(latest)]

    def inferred(self, belief_id: str) -> list[Item]:
        """Return the inferred items of a belief, newest first."""
        found = [
            item for item in self.items.values() if item.belief_id == belief_id and item.slot == "response"
        ]
        return sorted(found, key=lambda item: (item.observed_us, item.id), reverse=True)

    def links(self, kind: LinkKind | None = None, touching: Iterable[str] | None = None) -> list[Link]:
        """Return the current version of each edge, by number."""
        current: dict[tuple[str, str, str], Link] = {}
        for link in self.versions:
            current[link.kind, link.low, link.high] = link
        wanted = None if touching is None else set(touching)
        return sorted(
            (
                link
                for link in current.values()
                if kind in (None, link.kind) and (wanted is None or {link.low, link.high} & wanted)
            ),
            key=lambda link: link.seq,
        )

    def nearest(self, to: Vector, limit: int, *, live: bool = False) -> list[Neighbour]:
        """Return the beliefs, or the live ones, by descending cosine, then id."""
        found = [
            Neighbour(belief_id, sum(float(a) * float(b) for a, b in zip(to, vector, strict=True)))
            for belief_id, vector in self.vectors.items()
            if not live or self.beliefs[belief_id].state.lifecycle not in ("superseded", "retired")
        ]
        return sorted(found, key=lambda near: (-near.cosine, near.belief_id))[:limit]

    def neighbourhood(self, reach: Reach, depth: int) -> Neighbourhood:
        """Walk as the contract says."""
        nearest = {
            name: self.nearest(vector, reach.nearest, live=reach.live)
            for name, vector in reach.vectors.items()
        }
        wanted = [self.responses[id] for id in reach.responses if id in self.responses]
        start = {
            *(id for id in reach.beliefs if id in self.beliefs),
            *(node.id for node in self.beliefs.values() if node.statement_key in reach.statement_keys),
            *(near.belief_id for found in nearest.values() for near in found),
            *(edge.belief_id for response in wanted for edge in response.generated_by),
        }
        reached = self._component(start)
        if depth >= 2:
            reached |= self._within(start, depth) | self._together(start)
        signals = [self.signals[id] for id in reach.signals if id in self.signals]
        signals += [read for response in wanted for read in self._latest_signals(response.id)]
        return Neighbourhood(
            head=self.head,
            beliefs={id: self.beliefs[id] for id in reached},
            responses={response.id: response for response in wanted},
            signals={signal.id: signal for signal, _ in signals},
            interpretations={signal.id: interpretation for signal, interpretation in signals},
            items={
                (edge.belief_id, response.id): self.items[edge.belief_id, "response", response.id]
                for response in wanted
                for edge in response.generated_by
                if (edge.belief_id, "response", response.id) in self.items
            },
            links=[link for link in self.links() if {link.low, link.high} <= reached],
            nearest=nearest,
        )

    def _component(self, start: Iterable[BeliefId]) -> set[BeliefId]:
        confirmed = [link for link in self.links("contradicts") if link.status == "confirmed"]
        reached = set(start)
        for _ in self.beliefs:
            for link in confirmed:
                if {link.low, link.high} & reached:
                    reached |= {link.low, link.high}
        return reached

    def _within(self, start: Iterable[BeliefId], steps: int) -> set[BeliefId]:
        reached = set(start)
        for _ in range(steps):
            edges = [{link.low, link.high} for link in self.links("contradicts")]
            reached = reached.union(*(edge for edge in edges if edge & reached))
        return reached

    def _together(self, start: Iterable[BeliefId]) -> set[BeliefId]:
        reached: set[BeliefId] = set()
        for belief_id in start:
            behind = [
                {edge.belief_id for edge in response.generated_by} for response in self.newest_responses()
            ]
            reached = reached.union(*[group for group in behind if belief_id in group][:50])
        return reached

    def _latest_signals(self, response_id: ResponseId) -> list[Read]:
        latest: dict[str, Read] = {}
        for signal, interpretation in self.newest_signals([response_id]):
            other = latest.get(signal.kind)
            if signal.retracted_at is None and (other is None or signal.observed_at > other[0].observed_at):
                latest[signal.kind] = (signal, interpretation)
        return list(latest.values())


def _later(item: Item, other: Item) -> bool:
    return (item.observed_us, item.id) > (other.observed_us, other.id)


class Oracle:
    """What was written to each user, in order."""

    def __init__(self) -> None:
        self.logs: dict[Scope, list[Changes]] = {}

    def save(self, scope: Scope, changes: Changes) -> None:
        """Remember one unit of work."""
        self.logs.setdefault(scope, []).append(changes)

    def erase(self, scope: Scope) -> Erasure:
        """Forget a user; return what went."""
        gone = self.at(scope)
        self.logs.pop(scope, None)
        return Erasure(
            beliefs=len(gone.beliefs),
            responses=len(gone.responses),
            signals=len(gone.signals),
            revisions=len(gone.revisions),
            links=len(gone.versions),
        )

    def tenants(self) -> list[str]:
        """Return the tenants that have users."""
        return sorted({scope.tenant for scope in self.logs})

    def users(self, tenant: str) -> list[UserId]:
        """Return the users of a tenant."""
        return sorted(scope.user_id for scope in self.logs if scope.tenant == tenant)

    def times(self, scope: Scope) -> list[int]:
        """Return every time at which something of a user was recorded."""
        times = {changes.recorded_us for changes in self.logs.get(scope, [])}
        for changes in self.logs.get(scope, []):
            times |= {to_us(node.recorded_at) for node in changes.beliefs}
            times |= {to_us(response.recorded_at) for response in changes.responses}
            times |= {to_us(revision.recorded_at) for revision in changes.revisions}
            times |= {to_us(link.recorded_at) for link in changes.links}
        return sorted(times)

    def at(self, scope: Scope, as_of_us: int | None = None) -> Snapshot:
        """Replay a user's log up to a time."""
        snapshot = Snapshot()
        until = from_us(2**62 // 1_000 if as_of_us is None else as_of_us)
        for changes in self.logs.get(scope, []):
            snapshot.head = Head(seq=changes.seq, recorded_us=changes.recorded_us, tallies=changes.tallies)
            _add_nodes(snapshot, changes, until)
            if from_us(changes.recorded_us) <= until:
                _retract(snapshot, changes)
            for revision in changes.revisions:
                if revision.recorded_at <= until:
                    _revise(snapshot, revision)
            snapshot.versions += [link for link in changes.links if link.recorded_at <= until]
        return snapshot


def _add_nodes(snapshot: Snapshot, changes: Changes, until: datetime) -> None:
    for node in changes.beliefs:
        if node.recorded_at <= until:
            snapshot.beliefs[node.id] = node
            if node.vector_key is not None:
                snapshot.vectors[node.id] = changes.vectors[node.vector_key]
    snapshot.responses.update((r.id, r) for r in changes.responses if r.recorded_at <= until)
    snapshot.signals.update((read[0].id, read) for read in changes.signals if read[0].recorded_at <= until)


def _retract(snapshot: Snapshot, changes: Changes) -> None:
    for id, note in changes.retracted.items():
        signal, interpretation = snapshot.signals[id]
        taken_back = replace(signal, retracted_at=from_us(changes.recorded_us), retraction_note=note)
        snapshot.signals[id] = (taken_back, interpretation)


def _revise(snapshot: Snapshot, revision: Revision) -> None:
    snapshot.revisions.append(revision)
    snapshot.beliefs[revision.belief_id] = replace(
        snapshot.beliefs[revision.belief_id],
        ordinal=revision.ordinal,
        revised_at=revision.recorded_at,
        state=revision.state,
    )
    own = [] if revision.item is None else [revision.item]
    for item in [*own, *revision.reread]:
        key = (item.belief_id, item.slot, item.id)
        snapshot.items.pop(key, None)
        if item is not revision.item or not revision.removed:
            snapshot.items[key] = item
