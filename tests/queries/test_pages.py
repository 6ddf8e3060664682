"""Pages: newest first, complete and without repeats, whatever is written between two of them."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph import Page
from tests.worlds import open_world


@settings(max_examples=8)
@given(st.integers(0, 6), st.integers(1, 3), st.integers(0, 2))
def test_pages_are_stable_under_writes(count: int, limit: int, written: int) -> None:
    """Going through the pages shows what was there at the start once each, newest first, while others write."""
    with open_world() as world:
        for index in range(count):
            world.ada.believe(f"statement number {index}", id=f"b{index}")
            world.ada.respond("an answer", id=f"r{index}", beliefs=[f"b{index}"])
            world.ada.signal("rating", 1, response=f"r{index}", id=f"s{index}")
        reads: list[Callable[..., Page[Any]]] = [world.ada.beliefs, world.ada.responses, world.ada.signals]
        for number, read in enumerate(reads):
            start = [record.id for record in read(limit=1000)]
            page = read(limit=limit)
            seen = [record.id for record in page]
            while page.cursor is not None:
                for index in range(written):
                    world.ada.believe(f"later {number} {len(seen)} {index}")
                    world.ada.respond("later")
                    world.ada.signal("rating", 1)
                page = read(limit=limit, cursor=page.cursor)
                assert len(page) <= limit
                seen += [record.id for record in page]
            assert start == seen


def test_a_filter_fills_its_pages() -> None:
    """A page of a standing holds as many as asked for, however rare, and the cursor goes on after it."""
    with open_world() as world:
        for index in range(9):
            world.ada.believe(f"statement {index}", id=f"b{index}")
        for index in (1, 4, 7):
            world.ada.amend(f"b{index}", retired=True)
        first = world.ada.beliefs(standing="retired", limit=2)
        assert ["b7", "b4"] == [belief.id for belief in first]
        rest = world.ada.beliefs(standing="retired", limit=2, cursor=first.cursor)
        assert (["b1"], None) == ([belief.id for belief in rest], rest.cursor)
        assert first[0] == first[:1][0]
