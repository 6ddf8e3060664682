"""What a belief's confidence is made of, now or at an earlier time, put together from single reads of any store."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from beliefgraph.graph.encoding import from_json
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import RESPONSE, Inferred, Item
from beliefgraph.graph.model import Revision
from beliefgraph.graph.outcomes import remaining
from beliefgraph.graph.store import Account, Reader

Evidence = tuple[Sequence[Item], Inferred]
"""A belief's direct items and its inferred ones."""
Change = tuple[str, str, float, int, bool]
"""Slot, id, nats and time of an item, and whether it was taken away."""


def account_at(reader: Reader, belief_id: BeliefId, as_of_us: int | None = None) -> Account | None:
    """Return the account of a belief; at an earlier time its items come from its revisions. None: no such id."""
    return account_with(reader, belief_id, _evidence(reader, belief_id, as_of_us), as_of_us)


def account_with(
    reader: Reader, belief_id: BeliefId, evidence: Evidence, as_of_us: int | None = None
) -> Account | None:
    """Return the account of a belief whose evidence was read already."""
    found = reader.beliefs([belief_id], as_of_us=as_of_us)
    if not found:
        return None
    (node,) = found
    direct, inferred = evidence
    links = reader.links("contradicts", beliefs=[belief_id], as_of_us=as_of_us)
    near = {link.low for link in links} | {link.high for link in links} | {node.parent_id}
    others = [other for other in near if other is not None and other != belief_id]
    return Account(
        node=node,
        direct=direct,
        inferred=inferred,
        links=links,
        others={other.id: other for other in reader.beliefs(others, as_of_us=as_of_us)} if others else {},
        opened=reader.revisions(belief_id, limit=1)[0].reason,
    )


def left_by(belief_id: BeliefId, changes: Iterable[Change]) -> Evidence:
    """Return the items of a belief that changes of them, oldest first, leave."""
    left = remaining(
        ((slot, id), (nats, observed_us), removed) for slot, id, nats, observed_us, removed in changes
    )
    direct = [
        Item(belief_id=belief_id, slot=slot, id=id, nats=nats, observed_us=observed_us)
        for (slot, id), (nats, observed_us) in left.items()
        if slot != RESPONSE
    ]
    inferred = [
        (observed_us, id, nats) for (slot, id), (nats, observed_us) in left.items() if slot == RESPONSE
    ]
    return direct, Inferred.of(belief_id, sorted(inferred, reverse=True))


def changes_in(revisions: Iterable[Sequence[Any]]) -> Iterator[Change]:
    """Yield the changes in revisions, oldest first, given slot, id, nats, time and removal of their item, and `reread`.

    A revision that changed no item has no slot.
    """
    for slot, id, nats, observed_us, removed, reread in revisions:
        if slot:
            yield slot, id, nats, observed_us, bool(removed)
        for again in from_json(reread) if reread != "[]" else ():
            yield *again, False


def _evidence(reader: Reader, belief_id: BeliefId, as_of_us: int | None) -> Evidence:
    if as_of_us is not None:
        return left_by(belief_id, _changes(reader.revisions(belief_id, as_of_us=as_of_us)))
    inferred = ((item.observed_us, item.id, item.nats) for item in reader.inferred(belief_id))
    return reader.words(belief_id), Inferred.of(belief_id, inferred)


def _changes(revisions: Iterable[Revision]) -> Iterator[Change]:
    for revision in revisions:
        for item, removed in revision.items():
            yield item.slot, item.id, item.nats, item.observed_us, removed
