"""A self-model held in memory is the one in the store, whatever happened since it was looked at."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph.graph.glance import Glance, Glances, glance_at
from beliefgraph.graph.ledger import BeliefState, Lifecycle, read_state
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.testing.builders import ADA, BOB, Draft, put, second, vector
from tests.worlds import SCRIPT, Step, histories, open_world, play


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    """Lend an empty store."""
    store = SqliteStore(":memory:")
    yield store
    store.close()


def content(glance: Glance) -> dict[str, Any]:
    """Return what a glance says, as plain values."""
    return {
        "head": glance.head,
        "nodes": list(glance.nodes),
        "vectors": glance.vectors.tolist(),
        "sums": glance.sums.tolist(),
        "links": sorted(glance.links, key=lambda link: link.seq),
        "said": glance.said_us,
        "first": glance.first_us,
    }


@settings(max_examples=25)
@given(histories())
def test_what_is_held_is_brought_up_to_date(steps: list[Step]) -> None:
    """Looking after every step gives what somebody sees who looks for the first time."""
    with open_world(script=SCRIPT) as world:
        pipeline = world.graph._pipeline
        for step in steps:
            play(world, [step])
            held = pipeline.glances.look(world.ada._scope)
            assert content(Glances(pipeline.store).look(world.ada._scope)) == content(held)


_nats = st.floats(0, 20)
_states = st.builds(
    BeliefState,
    base=st.floats(-5, 5),
    half_life_days=st.floats(0.1, 1000),
    memory_nats=st.just(6.0),
    reference_us=st.just(second(0)),
    direct_for=_nats,
    direct_against=_nats,
    inferred_for=_nats,
    inferred_against=_nats,
    spoken=st.floats(-8, 8),
    conflict=st.floats(-5, 0),
    lifecycle=st.sampled_from(get_args(Lifecycle)),
)


@given(_states, st.floats(-1, 1000))
def test_all_at_once_is_one_by_one(state: BeliefState, days: float) -> None:
    """The arrays give the confidence and the standing that the ledger reads from a state."""

    def build(draft: Draft) -> None:
        draft.belief("b1")
        draft.revisions[-1] = replace(draft.revisions[-1], state=state)

    with closing(SqliteStore(":memory:")) as store:
        put(store, ADA, build)
        glance = Glances(store).look(ADA)
    at_us = second(days * 86_400)
    expected = read_state(state, at_us)
    confidence, standing = glance.read(at_us)
    assert (pytest.approx(expected.confidence, abs=1e-12), expected.standing) == (confidence[0], standing[0])


def _two(draft: Draft) -> None:
    draft.belief("b1", near=vector(1, 0))
    draft.belief("b2")


def test_a_look_without_news_reads_nothing_but_the_head(store: SqliteStore) -> None:
    """Nothing changed: the very same glance; something changed: another one."""
    put(store, ADA, _two, at=1)
    glances = Glances(store)
    first = glances.look(ADA)
    assert first is glances.look(ADA)
    put(store, ADA, lambda draft: draft.revise("b2"), at=2)
    later = glances.look(ADA)
    assert first.nodes[0] is later.nodes[0]
    assert [1, 2] == [node.ordinal for node in later.nodes]
    assert [1, 1] == [node.ordinal for node in first.nodes]


def test_who_was_erased_and_came_back_is_read_anew(store: SqliteStore) -> None:
    """Another process erased her and she came back with the same ids and numbers: nothing of before is shown."""
    put(store, ADA, _two, at=1)
    glances = Glances(store)
    glances.look(ADA)
    store.erase(ADA)
    put(store, ADA, lambda draft: draft.belief("b1", "Another life"), at=2)
    put(store, ADA, lambda draft: [draft.revise("b1") for _ in range(9)], at=3)
    found = glances.look(ADA)
    assert [("b1", "Another life")] == [(node.id, node.statement) for node in found.nodes]
    assert (1, 0) == found.vectors.shape
    store.erase(ADA)
    assert [] == list(glances.look(ADA).nodes)


def test_nobody_is_held_beyond_the_bound(store: SqliteStore) -> None:
    """Of several users those looked at last are held; one who alone is too many is held not at all."""
    put(store, ADA, _two, at=1)
    put(store, BOB, _two, at=1)
    glances = Glances(store, most_beliefs=3)
    ada = glances.look(ADA)
    bob = glances.look(BOB)
    assert bob is glances.look(BOB)
    assert ada is not glances.look(ADA)
    alone = Glances(store, most_beliefs=1)
    assert alone.look(ADA) is not alone.look(ADA)
    glances.forget(ADA)
    assert content(ada) == content(glances.look(ADA))


def test_vectors_come_with_the_first_text_that_has_one(store: SqliteStore) -> None:
    """Rows without a vector are zeros, before and after the dimension is known."""
    put(store, ADA, lambda draft: draft.belief("mute"), at=1)
    glances = Glances(store)
    assert (1, 0) == glances.look(ADA).vectors.shape
    put(store, ADA, lambda draft: draft.belief("near", near=vector(0, 1)), at=2)
    assert [[0.0, 0.0], [0.0, 1.0]] == glances.look(ADA).vectors.tolist()
    assert np.float32 == glances.look(ADA).vectors.dtype


def test_a_glance_at_a_time_is_what_was_held_then(store: SqliteStore) -> None:
    """Later beliefs, revisions and edges are not there."""

    def later(draft: Draft) -> None:
        draft.revise("b1")
        draft.belief("b3", near=vector(0, 1))
        draft.link("b1", "b2")

    put(store, ADA, _two, at=1)
    then = Glances(store).look(ADA)
    put(store, ADA, later, at=2)
    found = store.read(ADA, lambda reader: glance_at(reader, second(1)))
    for name in ("nodes", "vectors", "sums", "links"):
        assert content(then)[name] == content(found)[name]
