"""What the job decides where beliefs contradict one another in chains and triangles, and when contexts tell apart."""

import itertools
import random
from collections.abc import Iterable
from itertools import permutations

import pytest

from beliefgraph.graph.ids import BeliefId, SignalId
from beliefgraph.graph.model import Interpretation, Link, Signal
from beliefgraph.graph.sqlite import store
from beliefgraph.ingest.relate import Pair, Relation
from beliefgraph.ingest.verdicts import NEVER, Side, by_weight
from tests.worlds import START, open_world

TEA, COFFEE, WATER = (
    "drinks tea in the morning",
    "drinks coffee in the morning",
    "drinks water in the morning",
)
CHAIN, TRIANGLE = ((TEA, COFFEE), (COFFEE, WATER)), ((TEA, COFFEE), (COFFEE, WATER), (TEA, WATER))


def _opposites(*pairs: tuple[str, str]) -> dict[Pair, Relation]:
    """Return the script by which texts contradict each other, the later a pair is named the more surely."""
    return {
        pair: Relation(0.01, 0.01, 0.9 + number / 100, 0.08 - number / 100)
        for number, named in enumerate(pairs)
        for pair in (named, named[::-1])
    }


@pytest.mark.parametrize("pairs", [CHAIN, CHAIN[::-1], TRIANGLE])
@pytest.mark.parametrize("often", [False, True])
@pytest.mark.parametrize("ids", list(permutations(("b0", "b1", "b2")))[::2])
def test_a_word_takes_back_for_good(
    pairs: tuple[tuple[str, str], ...], often: bool, ids: tuple[str, ...]
) -> None:
    """Said one after the other, the last stands alone: however often the job runs, whichever edge is the surest."""
    with open_world(script=_opposites(*pairs)) as world:
        for text, name in zip((TEA, COFFEE, WATER), ids, strict=True):
            world.ada.believe(text, id=name)
            world.clock.pass_time(days=1)
            if often:
                world.ada.resolve_conflicts()
        world.ada.resolve_conflicts()
        assert [WATER] == [belief.statement for belief in world.ada.beliefs(standing="held")]
        assert [] == world.ada.resolve_conflicts()
        assert world.graph.verify().ok


@pytest.mark.parametrize(
    ("pairs", "confidences", "kept"),
    [
        (CHAIN, (0.8, 0.97, 0.999), {TEA, WATER}),
        (CHAIN, (0.97, 0.98, 0.97), {TEA, WATER}),
        (CHAIN, (0.6, 0.97, 0.6), {COFFEE}),
        (TRIANGLE, (0.8, 0.999, 0.97), {COFFEE}),
    ],
)
@pytest.mark.parametrize("order", list(permutations(range(3)))[::2])
def test_of_what_was_inferred_the_heaviest_consistent_set_stands(
    pairs: tuple[tuple[str, str], ...],
    confidences: tuple[float, ...],
    kept: set[str],
    order: tuple[int, ...],
) -> None:
    """What is left out has against it something that stands, whatever came first and however it is called."""
    with open_world(script=_opposites(*pairs)) as world:
        for place, each in enumerate(order):
            text, confidence = (TEA, COFFEE, WATER)[each], confidences[each]
            world.ada.believe(text, id=f"b{place}", source="inferred", confidence=confidence)
        decisions = world.ada.resolve_conflicts()
        assert {("keep", "stronger")} == {(decision.verdict, decision.reason) for decision in decisions}
        assert kept == {belief.statement for belief in world.ada.beliefs() if belief.standing != "superseded"}
        assert [] == world.ada.resolve_conflicts()
        assert world.graph.verify().ok


def test_a_set_that_is_hardly_likelier_is_asked_about() -> None:
    """The middle outweighs both outer ones together by less than it would need: nothing moves, every time."""
    with open_world(script=_opposites(*CHAIN)) as world:
        for number, (text, confidence) in enumerate(((TEA, 0.8), (COFFEE, 0.97), (WATER, 0.8))):
            world.ada.believe(text, id=f"b{number}", source="inferred", confidence=confidence)
        decisions = world.ada.resolve_conflicts()
        assert [("ask", "undecided")] * 2 == [(each.verdict, each.reason) for each in decisions]
        assert decisions == world.ada.resolve_conflicts()
        assert 3 == len([each for each in world.ada.beliefs() if each.standing != "superseded"])


@pytest.mark.parametrize("size", range(2, 9))
def test_only_what_no_likely_set_has_goes(size: int) -> None:
    """Against every set there is: what goes is what no set within 1.5 nats of the likeliest has."""
    chance = random.Random(size)
    for _ in range(20):
        names = [BeliefId(f"b{number}") for number in range(size)]
        own = {name: chance.uniform(-2, 5) for name in names}
        links = [_edge(*pair) for pair in itertools.combinations(names, 2) if chance.random() < 0.4]
        weights = {
            chosen: sum(own[name] for name in chosen)
            for number in range(size + 1)
            for chosen in itertools.combinations(names, number)
            if not any({link.low, link.high} <= {*chosen} for link in links)
        }
        likely = [{*chosen} for chosen in weights if weights[chosen] > max(weights.values()) - 1.5]
        best = {*max(weights, key=weights.__getitem__)}
        unlikely = {name for name in names if not any(name in chosen for chosen in likely)}
        decided = {(kept, other) for link, kept in _by_weight(links, own) for other in {*link.ends} - {kept}}
        ends = [(*link.ends,) for link in links] + [link.ends[::-1] for link in links]
        assert {(one, other) for one, other in ends if one in best and other in unlikely} == decided
        for _, other in decided:
            beside = {one for one, end in ends if end == other}
            assert own[other] < 0 or all(beside & chosen for chosen in likely)


def _edge(low: BeliefId, high: BeliefId) -> Link:
    return Link(
        kind="contradicts",
        low=low,
        high=high,
        seq=1,
        strength=0.95,
        detector="script",
        status="confirmed",
        reason="relation",
        recorded_at=START,
    )


def _by_weight(links: list[Link], own: dict[BeliefId, float]) -> list[tuple[Link, BeliefId]]:
    sides = {
        name: Side(said_us=NEVER, own_nats=nats, overruled=False, signals=()) for name, nats in own.items()
    }
    by_id = {link.id: link for link in links}
    return [
        (by_id[decision.conflict_id], decision.keep)
        for decision in by_weight(links, sides)
        if decision.keep is not None
    ]


_TURNS = [("b0", {"app": "1"}), ("b1", {"app": "2"}), ("b0", {"app": "1"}), ("b1", {"app": "2"})]


@pytest.mark.parametrize(
    ("rated", "verdict"),
    [
        (_TURNS, "scope"),
        (
            sorted(_TURNS, key=lambda each: each[0]),
            "keep",
        ),  # first all of one: the app changed, and so did she
        ([*_TURNS, ("b1", {"app": "1"})], "keep"),  # in one context both
        ([*_TURNS, ("b1", {"app": "3"})], "keep"),  # no one value holds what speaks for b1
        ([*_TURNS, ("b1", {})], "keep"),  # nobody knows where
    ],
)
def test_contexts_must_come_by_turns_and_tell_all_signals_apart(
    rated: list[tuple[str, dict[str, str]]], verdict: str
) -> None:
    """Else they scope nothing, and her later word decides."""
    with open_world(script=_opposites((TEA, COFFEE))) as world:
        for name, text in (("b0", TEA), ("b1", COFFEE)):
            world.ada.believe(text, id=name)
            world.clock.pass_time(days=1)
        for belief, context in rated:
            world.clock.pass_time(hours=1)
            response = world.ada.respond("42", beliefs=[belief])
            world.ada.signal("rating", 1, response=response.id, context=context)
        assert [verdict] == [decision.verdict for decision in world.ada.resolve_conflicts()]


def test_the_signals_for_a_belief_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many spoke for it, the job asks the store for signals once a belief."""
    read = store._Transaction.signals
    asked = []

    def signals(reader: store._Transaction, ids: Iterable[SignalId]) -> list[tuple[Signal, Interpretation]]:
        asked.append(list(ids))
        return read(reader, asked[-1])

    with open_world(script=_opposites((TEA, COFFEE))) as world:
        for name, text in (("b0", TEA), ("b1", COFFEE)):
            world.ada.believe(text, id=name)
            for _ in range(3):
                response = world.ada.respond("42", beliefs=[name])
                world.ada.signal("rating", 1, response=response.id)
        monkeypatch.setattr(store._Transaction, "signals", signals)
        world.ada.resolve_conflicts()
    assert [3, 3] == [len(ids) for ids in asked]
