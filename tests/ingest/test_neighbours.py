"""What an event costs: it asks about a few pairs and settles what it reaches, however many beliefs lie beside it."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from beliefgraph.graph.contradiction import conflict_nats
from beliefgraph.graph.errors import BeliefGraphError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import read_state
from beliefgraph.ingest import working
from beliefgraph.ingest.numbers import named_apart
from beliefgraph.ingest.records import NEAREST, contexts_agree
from tests.embedders import CONTRADICTION, SUSPICION
from tests.worlds import PARAMETERS, World, open_world
from training.statements import read_poles, read_written, spoken_in

AMOUNTS = PARAMETERS.text.amounts


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the beliefs of every derivation of conflict factors."""
    sizes: list[int] = []

    def counting(
        own: Mapping[BeliefId, float], edges: Iterable[tuple[BeliefId, BeliefId, float]]
    ) -> dict[BeliefId, float]:
        sizes.append(len(own))
        return conflict_nats(own, edges)

    monkeypatch.setattr(working, "conflict_nats", counting)
    return sizes


def _opposites(count: int, relation: Any = CONTRADICTION) -> dict[tuple[str, str], Any]:
    """Script that of each topic the second statement contradicts the first, and no other."""
    return {(f"avoids t{n}x u{n}x", f"wants t{n}x u{n}x"): relation for n in range(count)}


def test_only_what_an_event_reaches_is_settled(settled: list[int]) -> None:
    """Beside thirty contradictions that lie as near as can be, a word on one belief settles its own pair."""
    script = _opposites(30)
    with open_world(script=script) as world:
        for against, wanted in script:
            world.ada.believe(wanted)
            world.ada.believe(against)
        held = world.ada.beliefs()[0].id
        settled.clear()
        world.ada.signal("deny", belief=held)
        world.ada.believe("wants something else")
        world.ada.signal("statement", text="I never want anything")
        assert 2 == sum(settled)


def test_a_new_belief_asks_about_the_nearest_alone(settled: list[int]) -> None:
    """The hundredth belief asks about as many pairs as the twentieth, and settles none."""
    with open_world() as world:
        asked = []
        for number in range(100):
            before = len(world.relater.asked)
            world.ada.believe(f"likes thing t{number}x")
            asked.append(len(world.relater.asked) - before)
        assert asked[20] == asked[99] == NEAREST
        assert 0 == sum(settled)


def test_things_named_by_numbers_are_told_apart_unasked() -> None:
    """Fifty recipes liked make no pair to ask about, no edge and no duplicate, whatever the relater would say."""
    texts = [f"Likes recipe {number}" for number in range(50)]
    script = dict.fromkeys(itertools.permutations(texts, 2), CONTRADICTION)
    with open_world(script=script) as world:
        for text in texts:
            world.ada.believe(text)
        assert [] == world.relater.asked
        assert [] == world.ada.conflicts() == world.ada.duplicates()


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ("Likes recipe 12", "Likes recipe 7", True),
        ("Likes recipe 12.", "Never again recipe 7!", True),
        ("Has read chapter 3 of book 2", "Has read chapter 4 of book 2", True),
        ("n1", "n2", True),
        ("Works on #12", "Works on #14", True),
        ("Likes recipe 12", "Dislikes recipe 12", False),
        ("Likes recipe 12", "Likes lesson 7", False),
        ("My budget is 100", "My budget is 200", False),
        ("Budget 100 euros", "Budget 200 euros", False),
        ("Runs 5 km", "Runs 10 km", False),
        ("Runs 5km", "Runs 10km", False),
        ("Has 2 children", "Has 3 children", False),
        ("Prefers font size 12", "Prefers font size 14", False),
        ("Gets up at 6", "Gets up at 7", False),
        ("Pays $50", "Pays $60", False),
        ("2 answers", "3 answers", False),
        ("Is on Java 8", "Is on Java 21", False),
        ("Write 10,000 with a comma", "Write 10000 with a comma", False),
        ("Item 31 is in my basket", "Item 32 is in my basket", True),
        ("Discount 20%", "Discount 30%", False),
        ("Drinks tea", "Drinks coffee", False),
    ],
)
def test_which_numbers_name(first: str, second: str, apart: bool) -> None:
    """A number names what stands before it; after a verb of being or a measure, or before a unit, it measures."""
    assert apart == named_apart(first, second, AMOUNTS) == named_apart(second, first, AMOUNTS)


def test_no_hand_written_pair_that_is_told_apart_is_a_contradiction() -> None:
    """Of all pairs in the training data, those that names by number tell apart have nothing to do with each other."""
    labels = Counter(
        label
        for cluster in (*read_written(), *read_poles())
        for label, pairs in cluster.pairs().items()
        for pair in pairs
        if named_apart(spoken_in(pair.first, "her"), spoken_in(pair.second, "her"), AMOUNTS)
    )
    assert ["neutral"] == list(labels)
    assert labels["neutral"] >= 30


def test_a_change_may_name_what_comes_next() -> None:
    """Who says that she changed from one named thing to another is heard."""
    with open_world(script={("I moved to room 7", "I sleep in room 4"): CONTRADICTION}) as world:
        world.ada.believe("I sleep in room 4")
        world.ada.signal("statement", text="I moved to room 7")
        assert ["confirmed"] == [conflict.status for conflict in world.ada.conflicts()]


# Settling what an event reaches leaves what settling everything would


def _whole(world: World) -> dict[str, tuple[float, float]]:
    """Return the conflict factor of each belief as it is kept, and as all beliefs and edges give it."""
    now_us = int(world.clock().timestamp() * 1e6)
    pipeline, scope = world.graph._pipeline, world.ada._scope
    nodes = {node.id: node for node in pipeline.store.read(scope, lambda reader: reader.beliefs())}
    links = pipeline.store.read(scope, lambda reader: reader.links("contradicts"))
    contexts = {belief.id: belief.context for belief in world.ada.beliefs()}
    edges = [
        (link.low, link.high, link.strength)
        for link in links
        if link.status == "confirmed"
        and nodes[link.low].state.lifecycle in ("open", "tentative")
        and nodes[link.high].state.lifecycle in ("open", "tentative")
        and contexts_agree(contexts[link.low], contexts[link.high])
    ]
    found = conflict_nats({id: read_state(node.state, now_us).own for id, node in nodes.items()}, edges)
    return {str(id): (node.state.conflict, found[id]) for id, node in nodes.items()}


def _do_something(world: World, chance: random.Random) -> None:
    ada = world.ada
    beliefs, conflicts = [str(belief.id) for belief in ada.beliefs()], ada.conflicts()
    signals = [signal.id for signal in ada.signals() if signal.retracted_at is None]
    belief, conflict = chance.choice(beliefs), chance.choice(conflicts)
    match chance.randrange(9):
        case 0:
            ada.signal(chance.choice(["confirm", "deny"]), belief=belief)
        case 1:
            ada.amend(belief, retired=chance.random() < 0.5)
        case 2:
            ada.amend(belief, context=chance.choice([{}, {"place": "home"}, {"place": "work"}]))
        case 3:
            ada.resolve(conflict.id, keep=chance.choice(conflict.beliefs))
        case 4:
            ada.resolve(conflict.id, dismiss=True)
        case 5:
            confirm = chance.random() < 0.5
            ada.resolve(conflict.id, confirm=confirm, undo=not confirm)
        case 6 if signals:
            ada.retract(chance.choice(signals))
        case 7:
            response = ada.respond("42", beliefs=chance.sample(beliefs, 2))
            ada.signal("rating", chance.choice([1, -1]), response=response.id)
        case _:
            ada.believe(ada.belief(belief).statement, confidence=chance.uniform(0.2, 0.95))


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_left_unsettled(seed: int) -> None:
    """After every step of a life of words, edits, decisions and retractions, each factor is that of the whole graph."""
    chance = random.Random(seed)
    texts = [f"wants thing t{number}x" for number in range(9)]
    script = {
        pair: chance.choice([CONTRADICTION, SUSPICION])
        for pair in itertools.permutations(texts, 2)
        if chance.random() < 0.2
    }
    with open_world(script=script) as world:
        for text in texts:
            world.ada.believe(text, confidence=chance.uniform(0.3, 0.95))
        for _ in range(40):
            try:
                _do_something(world, chance)
            except BeliefGraphError:
                continue
            for belief, (kept, derived) in _whole(world).items():
                assert pytest.approx(derived, abs=0.0101) == kept, belief
        assert world.graph.verify().ok


@pytest.mark.parametrize("kind", ["statement", "correction"])
def test_what_is_over_does_not_stand_before_what_stands(kind: str) -> None:
    """However often something changed, the latest word finds the one before it, behind all that it replaced."""
    texts = [f"my budget is {number} euros" for number in range(2 * NEAREST)]
    script = dict.fromkeys(itertools.permutations(texts, 2), CONTRADICTION)
    with open_world(script=script) as world:
        for text in texts:
            world.ada.signal(kind, text=text)
            world.clock.pass_time(days=1)
            world.ada.resolve_conflicts()
        live = [belief for belief in world.ada.beliefs() if belief.standing not in ("superseded", "retired")]
        assert [texts[-1]] == [belief.statement for belief in live]


def test_a_batch_finds_what_it_brought_back() -> None:
    """What is said again in a batch is compared with what comes later in it, as when the two come one by one."""
    lines = [
        json.dumps({"type": "belief", "user": "ada", "statement": text})
        for text in ("wants tea", "avoids tea")
    ]
    with open_world(script={("avoids tea", "wants tea"): CONTRADICTION}) as world:
        first = world.ada.believe("wants tea")
        world.ada.amend(first.id, retired=True)
        world.graph.ingest(lines)
        assert "retired" != world.ada.belief(first.id).standing
        assert ["confirmed"] == [conflict.status for conflict in world.ada.conflicts()]
