"""What a belief's confidence is made of, now or at an earlier time, put together from single reads of any store."""

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import RESPONSE, Item
from beliefgraph.graph.outcomes import replayed
from beliefgraph.graph.store import Account, Reader


def account_at(reader: Reader, belief_id: BeliefId, as_of_us: int | None = None) -> Account | None:
    """Return the account of a belief; at an earlier time its items come from its revisions. None: no such id."""
    found = reader.beliefs([belief_id], as_of_us=as_of_us)
    if not found:
        return None
    (node,) = found
    direct, inferred = _items(reader, belief_id, as_of_us)
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


def _items(reader: Reader, belief_id: BeliefId, as_of_us: int | None) -> tuple[list[Item], list[Item]]:
    """Return a belief's direct items and its inferred ones (newest first), as they stood."""
    if as_of_us is None:
        return reader.words(belief_id), list(reader.inferred(belief_id))
    items = replayed(reader.revisions(belief_id, as_of_us=as_of_us))
    inferred = sorted(
        (item for item in items if item.slot == RESPONSE), key=lambda item: item.order, reverse=True
    )
    return [item for item in items if item.slot != RESPONSE], inferred
