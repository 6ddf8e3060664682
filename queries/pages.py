"""Lists that come newest first, a page at a time, with a cursor that stays right while others write."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from beliefgraph.graph.errors import InvalidInputError

T = TypeVar("T")
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page(Sequence[T], Generic[T]):
    """A part of a list, newest first. `cursor` asks for the next part; None at the end."""

    items: tuple[T, ...]
    cursor: str | None = None

    def __len__(self) -> int:
        """Return how many items this page holds."""
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        """Go through the page's items."""
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        """Return an item or a slice of the page."""
        return self.items[index]


def page(
    fetch: Callable[[int | None, int], Sequence[T]],
    seq_of: Callable[[T], int],
    *,
    limit: int,
    cursor: str | None,
    keep: Callable[[T], bool] = lambda _: True,
) -> Page[T]:
    """Collect up to `limit` kept records from `fetch(before, count)`, which returns records by falling number.

    Raises `InvalidInputError` for a limit outside 1…1000 or a cursor that no page gave.
    """
    check_limit(limit)
    before = number_of(cursor)
    kept: list[T] = []
    while True:
        found = fetch(before, limit + 1)
        for record in found:
            if not keep(record):
                continue
            if len(kept) == limit:
                return Page(tuple(kept), str(seq_of(kept[-1])))
            kept.append(record)
        if len(found) <= limit:
            return Page(tuple(kept))
        before = seq_of(found[-1])


def check_limit(limit: int) -> None:
    """Raise `InvalidInputError` for a limit outside 1…1000."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidInputError("limit", f"must be a whole number from 1 to {MAX_LIMIT}")


def number_of(cursor: str | None) -> int | None:
    """Return the number that a cursor stands for. Raises `InvalidInputError` for one that no page gave."""
    if cursor is None:
        return None
    if not isinstance(cursor, str) or not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise InvalidInputError("cursor", "must be one that a page of this list gave")
    return int(cursor)
