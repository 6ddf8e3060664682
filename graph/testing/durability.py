"""What every store that outlives a process must do: open again, several processes at once, survive kill -9.

Writers of one user in several threads are in `ThreadsContract`, which holds for a store in memory too.
"""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import BeliefNode
from beliefgraph.graph.store import Reach, Reader, Store
from beliefgraph.graph.testing.builders import ADA, BOB, NOTHING_ERASED, put, put_beliefs, vector
from beliefgraph.graph.testing.child import COUNTER, SHADOW, add_one, start
from beliefgraph.graph.testing.hooks import StoreHooks

THREADS, PROCESSES, KILLS = 8, 4, 8
_PATIENCE_S = 60


def check_counter(store: Store, count: int) -> None:
    """Assert that the counter was added to this often: no number lost or given twice, no gap."""
    counter, revisions, head = store.read(
        ADA, lambda reader: (reader.beliefs([COUNTER])[0], reader.revisions(COUNTER), reader.head())
    )
    assert list(range(1, count + 2)) == [revision.ordinal for revision in revisions]
    assert [float(number) for number in range(count + 1)] == [revision.nats for revision in revisions]
    assert [2, *range(5, count + 5)] == [revision.seq for revision in revisions]
    assert count + 4 == head.seq
    assert (count + 1, revisions[-1].state) == (counter.ordinal, counter.state)
    for earlier, later in pairwise(revisions):
        assert later.state.inferred_for == earlier.state.inferred_for + later.nats


class ThreadsContract(StoreHooks):
    """What `write` promises to several threads of one process."""

    def test_threads_lose_no_update(self, store: Store) -> None:
        """Eight threads that each read, add one and write 15 times leave 120, without a gap."""
        start(store)
        gate = threading.Barrier(THREADS)
        counts: list[int] = []

        def run() -> None:
            gate.wait()
            counts.extend(store.write(ADA, add_one) for _ in range(15))

        _run_all([threading.Thread(target=run) for _ in range(THREADS)])
        assert list(range(1, 121)) == sorted(counts)
        check_counter(store, 120)

    def test_threads_of_several_users_do_not_mix(self, store: Store) -> None:
        """Threads that write different users at once leave each her own records."""
        failures: list[BaseException] = []

        def run(number: int) -> None:
            scope = [ADA, BOB][number % 2]
            try:
                for step in range(10):
                    put_beliefs(store, scope, f"b{number}-{step}", at=step)
            except BaseException as error:
                failures.append(error)
                raise

        _run_all([threading.Thread(target=run, args=(number,)) for number in range(4)])
        assert [] == failures
        for number, scope in enumerate([ADA, BOB]):
            nodes = store.read(scope, lambda reader: reader.beliefs())
            expected = {f"b{thread}-{step}" for thread in (number, number + 2) for step in range(10)}
            assert expected == {node.id for node in nodes}
            assert 40 == store.read(scope, lambda reader: reader.head().seq)


class DurabilityContract(StoreHooks):
    """What a store promises whose records outlive the process."""

    def test_everything_is_there_when_opened_again(self, store: Store, target: str) -> None:
        """A store that is closed and opened again gives every record as before, and goes on counting."""
        put(store, ADA, lambda draft: draft.belief("b1", near=vector(1, 0)), at=1)
        put(store, ADA, lambda draft: (draft.response("r1", "b1"), draft.signal("s1", response="r1")), at=2)
        put(store, ADA, lambda draft: draft.retract("s1", "by accident"), at=3)
        assert "a model" == store.embedding_model("a model")

        def look(reader: Reader) -> list[object]:
            near = reader.nearest(vector(1, 0), limit=1)
            found = [
                reader.head(),
                reader.beliefs(),
                reader.responses(),
                reader.signals(),
                reader.revisions(),
                near,
            ]
            return [*found, reader.neighbourhood(Reach(vectors={"v": vector(1, 0)}))]

        before, head = store.read(ADA, look), store.read(ADA, lambda reader: reader.head())
        identity = store.identity()
        store.close()
        again = self.open_store(target)
        try:
            assert before == again.read(ADA, look)
            assert identity == again.identity()
            assert ([ADA.user_id], [ADA.tenant]) == (again.users(ADA.tenant), again.tenants())
            assert "a model" == again.embedding_model("another")
            put_beliefs(again, ADA, "b2", at=4)
            assert head.seq + 2 == again.read(ADA, lambda reader: reader.head().seq)
        finally:
            again.close()

    def test_two_openings_see_each_other(self, store: Store, target: str) -> None:
        """What one opening wrote, another one that was open before sees at once."""
        other = self.open_store(target)
        try:
            put_beliefs(store, ADA, "b1", at=1)
            put_beliefs(other, ADA, "b2", at=2)
            assert ["b2", "b1"] == [node.id for node in store.read(ADA, lambda reader: reader.beliefs())]
            assert ["b2", "b1"] == [node.id for node in other.read(ADA, lambda reader: reader.beliefs())]
            store.erase(ADA)
            assert [] == other.users(ADA.tenant)
        finally:
            other.close()

    def test_processes_may_open_a_new_store_at_once(self, target: str) -> None:
        """Processes that are the first to open one place at the same time all succeed."""
        with _children(PROCESSES, self.opener, target, "add", "0") as children:
            for child in children:
                assert "ready" == _line(child)
            for child in children:
                _begin(child)
                assert "done" == _line(child)

    def test_processes_lose_no_update(self, store: Store, target: str) -> None:
        """Four processes and this one, each adding one 25 times to one user, leave 125, without a gap."""
        start(store)
        with _children(PROCESSES, self.opener, target, "add", "25") as children:
            for child in children:
                assert "ready" == _line(child)
            for child in children:
                _begin(child)
            for _ in range(25):
                store.write(ADA, add_one)
            for child in children:
                assert "done" == _line(child)
        check_counter(store, 125)

    def test_a_killed_writer_leaves_nothing_half_written(self, target: str) -> None:
        """Killed at any moment, a writer loses nothing it has acknowledged, and half a unit is never seen."""
        store = self.open_store(target)
        start(store)
        store.close()
        chance, acknowledged = random.Random(3), 0
        for _ in range(KILLS):
            with _children(1, self.opener, target, "forever") as (child,):
                assert "ready" == _line(child)
                _begin(child)
                for _ in range(chance.randrange(12)):
                    acknowledged = int(_line(child))
                time.sleep(chance.random() / 200)
                child.kill()
                said = [line for line in child.communicate(timeout=_PATIENCE_S)[0].splitlines() if line]
                acknowledged = max([acknowledged, *(int(line) for line in said)])
            store = self.open_store(target)
            try:
                written = self._check_units(store)
                assert acknowledged <= written <= acknowledged + 1
                acknowledged = written
            finally:
                store.close()
        assert acknowledged > KILLS

    def _check_units(self, store: Store) -> int:
        """Assert that each unit is there as a whole; return how many there are."""
        peeked = self.peek(store, ADA)
        written = len(peeked.responses)
        units = range(1, written + 1)
        assert {f"r{n}" for n in units} == set(peeked.responses)
        assert {f"s{n}" for n in units} == set(peeked.signals)
        assert {COUNTER, SHADOW, *(f"b{n}" for n in units)} == set(peeked.beliefs)
        assert written == len(peeked.links)
        assert [1, *(n + 1 for n in units)] == [n for _, id, n in peeked.revisions if id == COUNTER]
        assert [1, *(n + 1 for n in units)] == [n for _, id, n in peeked.revisions if id == SHADOW]
        assert peeked.head is not None
        assert 4 + 7 * written == peeked.head[0]
        for belief_id in (COUNTER, SHADOW):
            item, node = store.read(ADA, partial(_item_and_node, belief_id=belief_id))
            assert (float(written), written + 1) == (item.nats, node.ordinal)
        return written

    def test_a_killed_erasure_can_be_finished(self, target: str) -> None:
        """Killed while it erases, a process leaves all of a user or nothing; erasing again leaves no trace."""
        chance = random.Random(4)
        for _ in range(3):
            store = self.open_store(target)
            put_beliefs(store, ADA, *(f"b{number}" for number in range(200)))
            before = self.peek(store, ADA)
            store.close()
            with _children(1, self.opener, target, "erase") as (child,):
                assert "ready" == _line(child)
                _begin(child)
                time.sleep(chance.random() / 50)
                child.kill()
                child.communicate(timeout=_PATIENCE_S)
            store = self.open_store(target)
            try:
                left = self.peek(store, ADA)
                assert left == before or (left.head is None and not left.beliefs and not left.revisions)
                assert (store.erase(ADA) == NOTHING_ERASED) == (left.head is None)
                assert [] == self.search(store, "Statement of b199")
            finally:
                store.close()


def _item_and_node(reader: Reader, belief_id: BeliefId) -> tuple[Item, BeliefNode]:
    return reader.words(belief_id)[0], reader.beliefs([belief_id])[0]


def _run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=_PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)


Child = subprocess.Popen[str]


@contextmanager
def _children(number: int, *arguments: str) -> Iterator[list[Child]]:
    """Start programs that write to a store; end those that are left."""
    command = [sys.executable, "-m", "beliefgraph.graph.testing.child", *arguments]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(number)
    ]
    try:
        yield children
    finally:
        for child in children:
            child.kill()
            child.communicate()


def _line(child: Child) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def _begin(child: Child) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
