"""A copy is faithful: every record, number and vector, in either direction between the stores; and it can go on."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beliefgraph.graph.copying import CopiedUser, copy, copy_user
from beliefgraph.graph.errors import IntegrityError, InvalidInputError
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Changes, Scope, Store, scopes
from beliefgraph.queries.verify import verify
from bench.neo4j_server import Address
from tests.answers import stored
from tests.chances import SCRIPT, Chances
from tests.neo4j_server import open_scratch
from tests.worlds import open_world

ADA, BOB = (Scope("default", UserId(name)) for name in ("ada", "bob"))


def _live(place: Path, *, seed: int, length: int) -> None:
    with open_world(place, script=SCRIPT) as world:
        list(Chances(world, seed).play(length))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give a store with two users' random histories."""
    _live(tmp_path / "source.db", seed=7, length=150)
    store = SqliteStore(str(tmp_path / "source.db"))
    yield store
    store.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[SqliteStore]:
    """Give an empty store."""
    store = SqliteStore(str(tmp_path / "target.db"))
    yield store
    store.close()


def _check_same(first: Store, second: Store) -> None:
    assert list(scopes(first)) == list(scopes(second))
    for scope in scopes(first):
        one, other = (store.read(scope, stored) for store in (first, second))
        assert one == other
    assert verify(second).ok


def test_a_copy_is_the_same_in_every_read(source: SqliteStore, target: SqliteStore) -> None:
    """Lists, as-of states, items, links, nearest and walks agree; the model's name comes along; the ledgers verify."""
    copied = list(copy(source, target))
    assert ["copied", "copied"] == [user.fate for user in copied]
    assert all(user.records > 50 for user in copied)
    _check_same(source, target)
    assert source.embedding_model() == target.embedding_model()


def test_a_second_run_finds_everything_there(source: SqliteStore, target: SqliteStore) -> None:
    """Copying again changes nothing and reports the same digests."""
    first, again = list(copy(source, target)), list(copy(source, target))
    assert ["there", "there"] == [user.fate for user in again]
    assert [user.digest for user in first] == [user.digest for user in again]


def test_an_interrupted_copy_goes_on(source: SqliteStore, target: SqliteStore) -> None:
    """What was cut short leaves whole users; the next run copies the others."""

    def interrupt(_: CopiedUser) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(copy(source, target, on_user=interrupt))
    assert verify(target).ok
    assert ["there", "copied"] == [user.fate for user in copy(source, target)]
    _check_same(source, target)


def test_other_records_in_the_target_are_left_alone(source: SqliteStore, target: SqliteStore) -> None:
    """A user who is known there otherwise is reported and not touched; the others are copied."""
    _live(Path(target.target), seed=6, length=40)
    target.erase(BOB)
    before = target.read(ADA, stored)
    fates = {user.scope.user_id: user.fate for user in copy(source, target)}
    assert {"ada": "differs", "bob": "copied"} == fates
    assert before == target.read(ADA, stored)


def test_vectors_of_another_model_are_refused(source: SqliteStore, target: SqliteStore) -> None:
    """Vectors of two models cannot be compared, so nothing is written."""
    target.embedding_model("another model")
    with pytest.raises(InvalidInputError, match="target: must hold vectors of the model"):
        list(copy(source, target))
    assert [] == target.tenants()


class _Forgetful:
    """A store that loses the links on the way in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, scope: Scope, work: Callable[[object], object]) -> object:
        def lossy(writer: object) -> object:
            class Lossy:
                def head(self) -> object:
                    return writer.head()  # type: ignore[attr-defined]

                def save(self, changes: Changes) -> None:
                    from dataclasses import replace

                    writer.save(replace(changes, links=()))  # type: ignore[attr-defined]

            return work(Lossy())

        return self._store.write(scope, lossy)


def test_a_copy_that_lost_something_is_noticed(source: SqliteStore, target: SqliteStore) -> None:
    """The digest is taken of what the target gives back, so a store that drops records does not pass."""
    with pytest.raises(IntegrityError, match="reads back otherwise"):
        copy_user(source, _Forgetful(target), ADA)  # type: ignore[arg-type]


@pytest.mark.neo4j
def test_there_and_back(source: SqliteStore, target: SqliteStore, neo4j_address: Address) -> None:
    """From the embedded store to Neo4j and from there to another file, nothing changes."""
    served = open_scratch(neo4j_address.uri)
    try:
        there = [user.digest for user in copy(source, served)]
        _check_same(source, served)
        back = [user.digest for user in copy(served, target)]
        assert there == back
        _check_same(source, target)
    finally:
        served.close()
