"""Whether what the graph shows to people, and no query of the store reads, is what the records say. Pure.

What should be there is what writing the whole history anew would put there (saving.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from beliefgraph.graph.neo4j.keys import last
from beliefgraph.graph.neo4j.saving import Properties, save_parameters
from beliefgraph.graph.store import Changes

_TOLERANCE = 1e-9
_SHOWN = ("confidence", "standing", "support", "opposition")
_BETWEEN = {"CONTRADICTS": "contradictions", "DUPLICATES": "duplicates"}

Edge = tuple[str, str, str | None]
"""The record that it leads from, its type, and the key of the node that it leads to."""


def misshown(user: str, history: Changes, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, str]]:
    """Yield record and problem of what `shown` found otherwise than the history of a user says."""
    given = save_parameters(user, replace(history, vectors={}))
    properties = {_record(given["touched"][row["place"]]): row["state"] for row in given["revised"]}
    between = dict(_between(given))
    missing = Counter([*_edges(given), *between])
    for record, shown, edges in rows:
        for name in _SHOWN if record in properties else ():
            if not _close(shown[name], properties[record][name]):
                yield record, f"the {name} on its node is not what its last revision left"
        for kind, end, carried in edges:
            edge = (record, kind, end)
            missing[edge] -= 1
            if missing[edge] < 0:
                yield record, f"no record says that it has an edge {kind} to {_named(end)}"
            elif carried != between.get(edge, {}):
                yield record, f"its edge {kind} to {_named(end)} is not as its last version says"
    for record, kind, end in missing.elements():
        yield record, f"its edge {kind} to {_named(end)} is not there"


def _edges(given: Properties) -> Iterator[Edge]:
    """Yield the edges that carry nothing."""
    for key in given["beliefs"].get("key", ()):
        yield "user", "HOLDS", key
    for part, end in (("parents", "parent"), ("origins", "origin")):
        for row in given[part]:
            yield _record(row["belief"]), "SPAWNED_FROM", row[end]
    signals = given["signals"]
    for name in ("response", "belief"):
        for id, about in zip(signals.get("id", ()), signals.get(name) or (), strict=False):
            if about is not None:
                yield f"signal {id}", "ABOUT", about
    for cause in given["causes"]:
        for index in range(cause["first"], cause["last"] + 1):
            yield from _of_revision(given["revisions"], index, cause["signal"])


def _of_revision(columns: Properties, index: int, signal: str | None) -> Iterator[Edge]:
    record, belief = f"revision rev_{columns['seq'][index]}", columns["belief"][index]
    yield record, "REVISES", belief
    if signal is not None:
        yield record, "CAUSED_BY", signal
    if columns["observed"][index]:
        yield _record(belief), "OBSERVED_IN", signal


def _between(given: Properties) -> Iterator[tuple[Edge, Mapping[str, Any]]]:
    """Yield the edges between two beliefs with what they carry."""
    for kind, part in _BETWEEN.items():
        for row in given[part]:
            yield (_record(row["low"]), kind, row["high"]), row["edge"]


def _record(belief: str) -> str:
    return f"belief {last(belief)}"


def _named(key: str | None) -> str:
    return "something else" if key is None else last(key)


def _close(first: object, second: object) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= _TOLERANCE * max(1.0, abs(second))
    return first == second
