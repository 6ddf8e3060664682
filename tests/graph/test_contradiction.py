"""Contradiction as a factor, against exact enumeration of what may be true together."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beliefgraph.graph.contradiction import MAX_STRENGTH, conflict_nats
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import logit, sigmoid

Edge = tuple[BeliefId, BeliefId, float]
A, B, C = (BeliefId(name) for name in "abc")


def exact(own: dict[BeliefId, float], edges: list[Edge]) -> dict[BeliefId, float]:
    """Return the probability of each belief by adding up all worlds."""
    names = list(own)
    weights = dict.fromkeys(names, 0.0)
    total = 0.0
    for world in itertools.product((0, 1), repeat=len(names)):
        true = {name for name, value in zip(names, world, strict=True) if value}
        weight = math.prod(sigmoid(own[name] if name in true else -own[name]) for name in names)
        weight *= math.prod(1 - strength for low, high, strength in edges if {low, high} <= true)
        total += weight
        for name in true:
            weights[name] += weight
    return {name: weight / total for name, weight in weights.items()}


def approximate(own: dict[BeliefId, float], edges: list[Edge]) -> dict[BeliefId, float]:
    """Return the probability of each belief as the messages give it."""
    nats = conflict_nats(own, edges)
    return {name: sigmoid(own[name] + nats[name]) for name in own}


def errors(shape: str, seed: int) -> list[float]:
    """Return the errors of a random graph of 2 to 8 beliefs."""
    chance = random.Random(f"{shape} {seed}")
    size = 2 if shape == "pair" else chance.randint(3, 8)
    names = [BeliefId(f"b{number}") for number in range(size)]
    pairs = list(itertools.combinations(names, 2))
    share = {"pair": 1.0, "sparse": 0.25, "dense": 0.6, "clique": 1.0}[shape]
    edges = [(low, high, chance.uniform(0.5, MAX_STRENGTH)) for low, high in pairs if chance.random() < share]
    own = {name: chance.uniform(-3.0, 3.0) for name in names}
    expected, actual = exact(own, edges), approximate(own, edges)
    return [abs(expected[name] - actual[name]) for name in names]


@pytest.mark.parametrize(
    ("shape", "mean"), [("pair", 1e-6), ("sparse", 0.001), ("dense", 0.009), ("clique", 0.017)]
)
def test_the_error_is_what_the_design_says(shape: str, mean: float) -> None:
    """On 300 random graphs of a shape the mean error stays by the design's figure, none above .09."""
    found = [error for seed in range(300) for error in errors(shape, seed)]
    assert sum(found) / len(found) <= mean
    assert max(found) <= 0.09


@st.composite
def trees(draw: st.DrawFn) -> tuple[dict[BeliefId, float], list[Edge]]:
    """Draw a tree of up to 8 beliefs."""
    size = draw(st.integers(2, 8))
    names = [BeliefId(f"b{number}") for number in range(size)]
    own = {name: draw(st.floats(-6, 6)) for name in names}
    edges = [
        (names[draw(st.integers(0, number - 1))], names[number], draw(st.floats(0, MAX_STRENGTH)))
        for number in range(1, size)
    ]
    return own, edges


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[BeliefId, float], list[Edge]]:
    """Draw any graph of up to 8 beliefs."""
    names = [BeliefId(f"b{number}") for number in range(draw(st.integers(2, 8)))]
    pairs = list(itertools.combinations(names, 2))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True))
    own = {name: draw(st.floats(-6, 6)) for name in names}
    return own, [(low, high, draw(st.floats(0, MAX_STRENGTH))) for low, high in chosen]


@given(trees())
def test_a_tree_is_exact(tree: tuple[dict[BeliefId, float], list[Edge]]) -> None:
    """Where no edges close a circle, the messages give the exact probabilities."""
    assert pytest.approx(exact(*tree), abs=1e-5) == approximate(*tree)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_does_not_matter(
    graph: tuple[dict[BeliefId, float], list[Edge]], chance: random.Random
) -> None:
    """Beliefs and edges in another order, edges turned around, give the same to the last bit."""
    own, edges = graph
    shuffled = [(high, low, s) if chance.random() < 0.5 else (low, high, s) for low, high, s in edges]
    chance.shuffle(shuffled)
    names = list(own)
    chance.shuffle(names)
    assert conflict_nats(own, edges) == conflict_nats({name: own[name] for name in names}, shuffled)


@given(graphs())
def test_a_contradiction_only_takes_away(graph: tuple[dict[BeliefId, float], list[Edge]]) -> None:
    """The factor is never positive, zero without edges, and no lower than all neighbours certain."""
    own, edges = graph
    nats = conflict_nats(own, edges)
    for name in own:
        lowest = sum(math.log1p(-s) for low, high, s in edges if name in (low, high))
        assert lowest - 1e-9 <= nats[name] <= 0.0
    assert dict.fromkeys(own, 0.0) == conflict_nats(own, [])


@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-6, 6), st.floats(0, MAX_STRENGTH))
def test_there_is_no_echo(first: float, second: float, other: float, strength: float) -> None:
    """What A sends to B rests on A alone: B's own strength does not come back to it."""
    nats = conflict_nats({A: first, B: second}, [(A, B, strength)])
    assert pytest.approx(math.log1p(-strength * sigmoid(first)), abs=1e-7) == nats[B]
    with_another = conflict_nats({A: first, B: other}, [(A, B, strength)])
    assert pytest.approx(nats[B], abs=1e-12) == with_another[B]


def test_a_neighbours_neighbour_relieves() -> None:
    """In a chain a – b – c, a strong c weakens b, and so relieves a."""
    own = {A: 1.0, B: 1.0, C: 4.0}
    alone = conflict_nats(own, [(A, B, 0.9)])
    chain = conflict_nats(own, [(A, B, 0.9), (B, C, 0.9)])
    assert alone[A] < chain[A] < 0
    assert chain[B] < alone[B] < 0


def test_nothing_stays_when_an_edge_goes() -> None:
    """The factor depends on the edges there are: without the edge it is what it was before it came."""
    own = {A: 2.0, B: 1.0, C: -1.0}
    before = conflict_nats(own, [(A, C, 0.5)])
    assert before != conflict_nats(own, [(A, C, 0.5), (A, B, 0.9)])
    assert before == conflict_nats(own, [(A, C, 0.5)])


def test_strength_is_bounded() -> None:
    """No contradiction is taken as certain: .95 is the most."""
    own = {A: 3.0, B: 3.0}
    assert conflict_nats(own, [(A, B, 0.95)]) == conflict_nats(own, [(A, B, 1.0)])


def test_two_equally_held_opposites_meet_below_half() -> None:
    """Of two statements of .9 that exclude each other neither stays believed as before, both move alike."""
    own = {A: logit(0.9), B: logit(0.9)}
    found = approximate(own, [(A, B, 0.95)])
    assert found[A] == found[B]
    assert pytest.approx(exact(own, [(A, B, 0.95)])[A], abs=1e-6) == found[A]
    assert found[A] < 0.6
