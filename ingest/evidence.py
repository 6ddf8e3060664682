"""The evidence items of the beliefs that a unit of work touches: the store's, with this unit's own on top.

Knows how a state follows from its items; not why an item is put or taken away.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.folding import append, fold, follows, replace_newest
from beliefgraph.graph.ids import BeliefId, ResponseId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item
from beliefgraph.graph.model import BeliefNode
from beliefgraph.graph.store import Reader

_Key = tuple[str, str]


class Evidence:
    """A read-through view of evidence items. `put` and `take` give the state that a belief has then."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._fetched: dict[tuple[BeliefId, ResponseId], Item] = {}
        self._own: dict[BeliefId, dict[_Key, Item | None]] = defaultdict(dict)
        self._born: set[BeliefId] = set()
        self._latest_words: dict[BeliefId, list[Item]] = {}

    def absorb(self, items: Mapping[tuple[BeliefId, ResponseId], Item]) -> None:
        """Take in the current inferred items of fetched responses."""
        self._fetched.update(items)

    def born(self, belief_id: BeliefId) -> None:
        """Note that a belief is new: the store has nothing on it."""
        self._born.add(belief_id)

    def of_response(self, belief_id: BeliefId, response_id: ResponseId) -> Item | None:
        """Return a belief's current inferred item for a response that was fetched or made."""
        own, key = self._own[belief_id], (RESPONSE, str(response_id))
        return own[key] if key in own else self._fetched.get((belief_id, response_id))

    def words(self, belief_id: BeliefId) -> list[Item]:
        """Return a belief's direct items: at least the latest of each slot."""
        own = {key: item for key, item in self._own[belief_id].items() if key[0] != RESPONSE}
        stored = [] if belief_id in self._born else self._stored_words(belief_id, own)
        return [*stored, *(item for item in own.values() if item is not None)]

    def _stored_words(self, belief_id: BeliefId, own: Mapping[_Key, Item | None]) -> list[Item]:
        """Return the store's latest of each slot that this unit left alone: an id may recur in another slot."""
        if belief_id not in self._latest_words:  # asked once: it stays as it is until this unit is saved
            self._latest_words[belief_id] = self._reader.words(belief_id)
        latest = self._latest_words[belief_id]
        kept = [item for item in latest if (item.slot, item.id) not in own]
        for slot in {item.slot for item in latest} - {item.slot for item in kept}:
            touched = [id for of_slot, id in own if of_slot == slot]
            older = self._reader.words(belief_id, excluding=touched)
            kept += [item for item in older if item.slot == slot]
        return kept

    def inferred(self, belief_id: BeliefId) -> Iterator[Item]:
        """Yield a belief's inferred items, newest first."""
        own = {id: item for (slot, id), item in self._own[belief_id].items() if slot == RESPONSE}
        stored: Iterable[Item] = () if belief_id in self._born else self._reader.inferred(belief_id)
        kept = (item for item in stored if item.id not in own)
        ours = sorted(
            (item for item in own.values() if item is not None), key=lambda item: item.order, reverse=True
        )
        return heapq.merge(kept, ours, key=lambda item: item.order, reverse=True)

    def of(self, belief_id: BeliefId) -> list[Item]:
        """Return everything that counts for or against a belief: the latest words, and all that was inferred."""
        return [*self.words(belief_id), *self.inferred(belief_id)]

    def rests_on_nothing(self, belief_id: BeliefId) -> bool:
        """Say whether no item is left of a belief."""
        return not self.words(belief_id) and next(self.inferred(belief_id), None) is None

    def put(self, node: BeliefNode, item: Item) -> tuple[BeliefState, float]:
        """Put an item on its belief: the state that follows, and how much the evidence changed in nats."""
        if item.slot != RESPONSE:
            return self._with_words(node, item, item)
        old = self.of_response(node.id, ResponseId(item.id))
        self._own[node.id][RESPONSE, item.id] = item
        return self._with_response(node, old, item), item.nats - (0.0 if old is None else old.nats)

    def take(self, node: BeliefNode, item: Item) -> tuple[BeliefState, float]:
        """Take an item off its belief: the state that follows, and how much the evidence changed in nats."""
        if item.slot != RESPONSE:
            return self._with_words(node, item, None)
        self._own[node.id][RESPONSE, item.id] = None
        return self._fold(node), -item.nats

    def _with_response(self, node: BeliefNode, old: Item | None, item: Item) -> BeliefState:
        if old is None and follows(node.state, item):
            return append(node.state, item)
        if old is not None and old.order == item.order == node.state.newest:
            return replace_newest(node.state, old, item)
        return self._fold(node)

    def _with_words(self, node: BeliefNode, item: Item, kept: Item | None) -> tuple[BeliefState, float]:
        before = self._latest(node.id, item.slot)
        self._own[node.id][item.slot, item.id] = kept
        return self._fold(node), self._latest(node.id, item.slot) - before

    def _latest(self, belief_id: BeliefId, slot: str) -> float:
        said = [item for item in self.words(belief_id) if item.slot == slot]
        return max(said, key=lambda item: item.order).nats if said else 0.0

    def _fold(self, node: BeliefNode) -> BeliefState:
        empty = replace(node.state, reference_us=to_us(node.created_at))
        return fold(empty, self.words(node.id), self.inferred(node.id))
