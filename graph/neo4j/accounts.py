"""What two queries return about one belief (`account` and `account as of`), to the account of it. No query here."""

from collections.abc import Iterable, Mapping
from typing import Any

from beliefgraph.graph.accounts import changes_in, left_by
from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.ledger import Inferred
from beliefgraph.graph.model import BeliefNode, Link
from beliefgraph.graph.neo4j import rows
from beliefgraph.graph.store import Account

Found = Mapping[str, Any]


def to_account(user_id: UserId, belief_id: BeliefId, found: Found) -> Account | None:
    """Return the account as it stands; None where there is no belief."""
    if found["belief"] is None:
        return None
    return Account(
        node=rows.to_belief(user_id, found["belief"]),
        direct=[rows.to_item(row) for row in found["words"]],
        inferred=_inferred(belief_id, found),
        links=_links(found["links"]),
        others=_by_id(rows.to_belief(user_id, row) for row in found["others"]),
        opened=found["opened"][0],
    )


def _inferred(belief_id: BeliefId, found: Found) -> Inferred:
    """Return the items on the belief's own edges, which come newest first, with those that it inherited."""
    own = found["observed"], found["ids"], found["nats"]
    if not found["inherited"]:
        observed_us, ids, nats = own
        return Inferred(belief_id, ids, nats, observed_us)
    return Inferred.of(
        belief_id, sorted((*map(tuple, found["inherited"]), *zip(*own, strict=True)), reverse=True)
    )


def to_account_at(user_id: UserId, belief_id: BeliefId, found: Found) -> Account | None:
    """Return the account as it stood; None where there was no belief."""
    nodes = _by_id(
        rows.as_left(rows.to_belief(user_id, each["belief"]), each["left"]) for each in found["beliefs"]
    )
    if belief_id not in nodes:
        return None
    node = nodes.pop(belief_id)
    columns = (found[name] for name in ("slots", "ids", "nats", "observed", "removed", "reread"))
    direct, inferred = left_by(belief_id, changes_in(zip(*columns, strict=True)))
    return Account(
        node=node,
        direct=direct,
        inferred=inferred,
        links=_links(found["links"]),
        others=nodes,
        opened=found["opened"][0],
    )


def _links(found: Iterable[Mapping[str, Any]]) -> list[Link]:
    """Return links by number; one that comes from both its ends, once."""
    links = {row["seq"]: rows.to_link(row) for row in found}
    return [links[seq] for seq in sorted(links)]


def _by_id(nodes: Iterable[BeliefNode]) -> dict[BeliefId, BeliefNode]:
    return {node.id: node for node in nodes}
