"""What runs on Neo4j and what it costs there: our queries by name, their plans, their database hits."""

import re
from collections.abc import Iterator
from typing import Any

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.neo4j.connections import statement
from beliefgraph.graph.testing.builders import Draft, vector
from bench.neo4j_server import Address

BLOCKS = load_blocks("beliefgraph.graph.neo4j", "queries.cypher")
NAMES = {statement(name): name for name in BLOCKS}
Ran = list[tuple[str, dict[str, Any]]]
"""Names and parameters of queries, in the order in which they ran."""


def forget_plans(address: Address) -> int:
    """Let the server forget every plan; return how many there were."""
    with address.driver() as driver:
        said = driver.execute_query("CALL db.clearQueryCaches()", database_=address.database)
    return int("".join(re.findall(r"cleared of (\d+) queries", said.records[0][0])) or 0)


def free(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Give what `save` writes ids and numbers that are not taken."""
    if name != "save":
        return parameters
    later = {**parameters, "seq": parameters["seq"] + 100, "retracted": []}
    for part in ("beliefs", "responses", "signals", "revisions"):
        later[part] = dict(parameters[part])
        if later[part]["count"]:
            later[part]["seq"] = [seq + 100 for seq in parameters[part]["seq"]]
        if "key" in later[part]:
            later[part]["key"] = [key + "-again" for key in parameters[part]["key"]]
    later["links"] = [
        {**row, "version": {**row["version"], "seq": row["version"]["seq"] + 100}}
        for row in parameters["links"]
    ]
    return later


def profile(address: Address, asked: Ran) -> list[dict[str, Any]]:
    """Run queries under PROFILE in transactions that are rolled back; return their plans."""
    plans = []
    with address.driver() as driver, driver.session(database=address.database) as session:
        for name, parameters in asked:
            with session.begin_transaction() as transaction:
                query = statement(name).replace("CYPHER ", "PROFILE CYPHER ", 1)
                plan = transaction.run(query, given=parameters).consume().profile
                assert plan is not None
                plans.append(plan)
                transaction.rollback()
    return plans


def operators(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("children", ()):
        yield from operators(child)


def kind(plan: dict[str, Any]) -> str:
    return str(plan["operatorType"]).removesuffix("@neo4j")


def hits(address: Address, asked: Ran) -> list[int]:
    """Return the database hits of each query."""
    plans = profile(address, asked)
    return [sum(int(operator["args"].get("DbHits", 0)) for operator in operators(plan)) for plan in plans]


def story(draft: Draft) -> None:
    """Draft something of every kind."""
    for name in ("b1", "b2", "b3"):
        draft.belief(name, near=vector(1, len(name)))
    draft.belief("b4", parent="b1", origin="s1")
    for number in range(1, 5):
        draft.response(f"r{number}", "b1", "b2", "b3")
        draft.signal(f"s{number}", response=f"r{number}", text="no")
        draft.revise("b1", item_id=f"r{number}", cause_id=f"s{number}")
    draft.signal("s9", belief="b1")
    draft.revise("b2", slot="word", item_id="s9", cause_id="s9")
    draft.revise("b3", item_id="r1", removed=True)
    draft.link("b1", "b2", "confirmed")
    draft.link("b2", "b3", "suspected", kind="duplicates")
