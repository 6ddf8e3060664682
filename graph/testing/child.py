"""Writers for the concurrency and crash tests, in threads and as programs of their own.

    python -m beliefgraph.graph.testing.child OPENER TARGET add COUNT     adds one COUNT times, then ends
    python -m beliefgraph.graph.testing.child OPENER TARGET forever       writes units until killed, saying each number
    python -m beliefgraph.graph.testing.child OPENER TARGET erase         erases the user

Each waits for a line on its standard input before it begins, so that several begin at once.
"""

import sys
from pkgutil import resolve_name
from typing import cast

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.store import Scope, Store, Writer
from beliefgraph.graph.testing.builders import ADA, BELIEF, draft_from, second

COUNTER = BeliefId("counter")
SHADOW = BeliefId("shadow")


def add_one(writer: Writer, scope: Scope = ADA) -> int:
    """Append a revision of the counter whose item is one more than what is read inside the write; return it."""
    (item,) = writer.words(COUNTER)
    count = int(item.nats) + 1
    draft = draft_from(writer, scope, second(count))
    draft.revise(COUNTER, float(count), slot=BELIEF, item_id=COUNTER)
    writer.save(draft.changes())
    return count


def write_unit(writer: Writer) -> int:
    """Write a unit of one response, one signal, two revisions and one link, all of the same number; return it."""
    number = len(writer.responses()) + 1
    draft = draft_from(writer, ADA, second(number))
    draft.belief(f"b{number}", f"Statement {number} " + "x" * 2_000)
    draft.response(f"r{number}", COUNTER, SHADOW)
    draft.signal(f"s{number}", response=f"r{number}", text=f"Comment {number} " + "y" * 2_000)
    draft.revise(COUNTER, float(number), slot=BELIEF, item_id=COUNTER, cause_id=f"s{number}")
    draft.revise(SHADOW, float(number), slot=BELIEF, item_id=SHADOW, cause_id=f"s{number}")
    draft.link(COUNTER, SHADOW, strength=1 / number)
    writer.save(draft.changes())
    return number


def start(store: Store) -> None:
    """Write the two beliefs that the others revise."""

    def work(writer: Writer) -> None:
        draft = draft_from(writer, ADA, second(0))
        draft.belief(COUNTER, nats=0.0)
        draft.belief(SHADOW, nats=0.0)
        writer.save(draft.changes())

    store.write(ADA, work)


def resolve_opener(opener: str, target: str) -> Store:
    """Open the store at a target with the callable that `module:callable` names."""
    return cast(Store, resolve_name(opener)(target))


def main(opener: str, target: str, what: str, count: str = "0") -> None:
    """Do what the arguments say."""
    store = resolve_opener(opener, target)
    _say("ready")
    sys.stdin.readline()
    for _ in range(int(count)):
        store.write(ADA, add_one)
    if what == "erase":
        store.erase(ADA)
    while what == "forever":
        _say(str(store.write(ADA, write_unit)))
    store.close()
    _say("done")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
