"""A user's records under other parameters: every evidence item weighed anew, one revision for each belief that moves.

What was recorded stays as it is: responses with weight, adherence and the confidences of their time, signals, what
models read off texts, contradictions and what was decided of them. So nothing is asked of a model, a second run finds
nothing to do, and as of any earlier time the store answers as it did.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.folding import fold
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import PIN, RESPONSE, SOURCE_PREFIX, WORD, BeliefState, Item, logit
from beliefgraph.graph.model import BeliefNode, Interpretation, Response, Revision, Signal
from beliefgraph.graph.outcomes import replayed
from beliefgraph.graph.prior import noted_in
from beliefgraph.graph.store import Reader
from beliefgraph.ingest.parameters import LedgerRates, Parameters
from beliefgraph.ingest.responses import attribution_of
from beliefgraph.ingest.words import word_nats
from beliefgraph.ingest.working import Reread, WorkingSet

_SAME = 1e-12
Read = tuple[Signal, Interpretation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinterpretation:
    """What a job did: how many users it looked at, how many of their beliefs it left, and how many it moved."""

    version: str
    users: int
    beliefs: int
    moved: int


def reinterpret(working: WorkingSet, reader: Reader) -> tuple[int, int]:
    """Weigh a user's evidence anew under the parameters of a unit of work; return how many beliefs, how many moved."""
    records = _Records(reader, working.parameters)
    moved = {node.id: read for node in records.nodes if (read := records.reread(node)) is not None}
    working.reread(moved)
    return len(records.nodes), len(moved)


class _Records:
    """One user's records, and what each item on her beliefs weighs under the parameters."""

    def __init__(self, reader: Reader, parameters: Parameters) -> None:
        self._parameters = parameters
        self.nodes = list(reversed(reader.beliefs()))
        self._revisions: dict[BeliefId, list[Revision]] = {node.id: [] for node in self.nodes}
        for revision in reader.revisions():
            self._revisions[revision.belief_id].append(revision)
        self._items = {node.id: replayed(self._revisions[node.id]) for node in self.nodes}
        self._base = {node.id: self._base_of(node) for node in self.nodes}
        read = [(s, i) for s, i in reversed(reader.signals()) if s.retracted_at is None]
        self._signals = {signal.id: signal for signal, _ in read}
        self._inferred = _weighed(reversed(reader.responses()), read, parameters)

    def reread(self, node: BeliefNode) -> Reread | None:
        """Return a belief as it stands under the parameters; None if nothing of it changes."""
        held = self._items[node.id]
        weighed = [replace(item, nats=self._nats(node, item)) for item in held]
        changed = tuple(
            new for new, old in zip(weighed, held, strict=True) if abs(new.nats - old.nats) > _SAME
        )
        empty = replace(
            node.state,
            base=self._base[node.id],
            **self._parameters.rates_of(node.kind),
            reference_us=to_us(node.created_at),
        )
        if not changed and _same_rates(empty, node.state):
            return None
        direct = [item for item in weighed if item.slot != RESPONSE]
        inferred = sorted(
            (item for item in weighed if item.slot == RESPONSE), key=lambda item: item.order, reverse=True
        )
        nats = math.fsum(new.nats - old.nats for new, old in zip(weighed, held, strict=True))
        return Reread(state=fold(empty, direct, inferred), items=changed, nats=nats)

    def _base_of(self, node: BeliefNode) -> float:
        """Return a belief's base rate in log-odds; one that was counted among users stays as it was counted."""
        first = self._revisions[node.id][0]
        if noted_in(first.reason, node.state.base).users > 0:
            return node.state.base
        return logit(self._parameters.base_rate(node.source, node.kind))

    def _nats(self, node: BeliefNode, item: Item) -> float:
        """Return what an item weighs. A confidence that somebody said stays, whatever base rate it lies above."""
        if item.slot == RESPONSE:
            return self._inferred_nats(node.id, item)
        if item.slot == PIN or item.slot.startswith(SOURCE_PREFIX):
            return item.nats + node.state.base - self._base[node.id]
        signal = self._signals.get(SignalId(item.id))
        return word_nats(self._parameters, signal) if item.slot == WORD and signal is not None else item.nats

    def _inferred_nats(self, belief_id: BeliefId, item: Item) -> float:
        """Return what a response says of a belief. Evidence that a merged belief passed on weighs what it did there."""
        said = self._inferred.get(ResponseId(item.id), {})
        if belief_id in said:
            return said[belief_id]
        for giver in said:
            passed = {(i.slot, i.id): i.nats for i in self._items[giver]}.get((item.slot, item.id))
            if passed == item.nats:
                return said[giver]
        return item.nats


def _weighed(
    responses: Iterable[Response], read: Iterable[Read], parameters: Parameters
) -> Mapping[ResponseId, Mapping[BeliefId, float]]:
    """Return what every response with signals says of each belief behind it, in nats."""
    on: dict[ResponseId, dict[str, Read]] = {}
    for signal, interpretation in read:
        if signal.response_id is not None and parameters.signal(signal.kind).emits:
            kinds = on.setdefault(signal.response_id, {})
            other = kinds.get(signal.kind)
            if other is None or (signal.observed_at, signal.seq) >= (other[0].observed_at, other[0].seq):
                kinds[signal.kind] = (signal, interpretation)
    weighed = {}
    for response in responses:
        if response.id in on and response.generated_by:
            counted = sorted(on[response.id].values(), key=lambda each: each[0].seq)
            told = [(signal, interpretation.readings) for signal, interpretation in counted]
            nats = attribution_of(parameters, response, told).nats
            behind = [edge.belief_id for edge in response.generated_by]
            weighed[response.id] = dict(zip(behind, nats, strict=True))
    return weighed


def _same_rates(first: BeliefState, second: BeliefState) -> bool:
    """Say whether two states have the same base rate, and the same rates of fading, crowding and practice."""
    same = all(getattr(first, name) == getattr(second, name) for name in LedgerRates.__annotations__)
    return same and abs(first.base - second.base) < _SAME
