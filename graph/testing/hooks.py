"""What a store's test file supplies: how to open the store, and two ways to look into its database behind its back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from beliefgraph.graph.store import Scope, Store
from beliefgraph.graph.testing.child import resolve_opener


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """What the database itself holds of one user, read without the store.

    `head` is (seq, recorded_us), None for a user that is not there; statements and texts are by id, `revisions` are
    (seq, belief, ordinal) in order, `links` are (seq, low, high, status) of every version in order, `vectors` are the
    keys of all vectors of the user's tenant.
    """

    head: tuple[int, int] | None
    beliefs: Mapping[str, str]
    responses: Mapping[str, str]
    signals: Mapping[str, str | None]
    revisions: Sequence[tuple[int, str, int]]
    links: Sequence[tuple[int, str, str, str]]
    vectors: frozenset[str]


class StoreHooks:
    """The hooks of every suite here. A subclass supplies `opener`, `make_target`, `peek` and `search`."""

    opener: ClassVar[str]
    """`module:callable` that opens a store from a target; also used by child processes."""

    def make_target(self, tmp_path: Path) -> str:
        """Return the target of a new, empty place for a store."""
        raise NotImplementedError

    def peek(self, store: Store, scope: Scope) -> Peek:
        """Read what the database holds of one user, bypassing the store."""
        raise NotImplementedError

    def search(self, store: Store, text: str) -> list[str]:
        """Return the names of all places in the database that hold this text, bypassing the store."""
        raise NotImplementedError

    def open_store(self, target: str) -> Store:
        """Open the store that is at a target."""
        return resolve_opener(self.opener, target)

    @pytest.fixture
    def target(self, tmp_path: Path) -> str:
        """Return where this test's store is."""
        return self.make_target(tmp_path)

    @pytest.fixture
    def store(self, target: str) -> Iterator[Store]:
        """Open a new store for one test and close it afterwards."""
        store = self.open_store(target)
        yield store
        store.close()
