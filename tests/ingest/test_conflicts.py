"""Contradictions: confirmed ones are a factor on both sides, suspected ones move nothing, neighbours are revised."""

import math

import pytest

from beliefgraph.graph.ledger import logit, sigmoid
from tests.embedders import CONTRADICTION, SUSPICION
from tests.worlds import PARAMETERS, World, open_world

TEA, COFFEE, WATER = (
    "drinks tea in the morning",
    "drinks coffee in the morning",
    "drinks water in the morning",
)
PAIR = {(COFFEE, TEA): CONTRADICTION}


def own(world: World, belief_id: str) -> float:
    """Return a belief's own log-odds, without conflicts."""
    found = world.ada.explain(belief_id)
    return found.log_odds - found.conflict_nats


def message(log_odds: float) -> float:
    """Return ln(1 − s·σ(u)): what a lone neighbour takes off."""
    return math.log(1 - 0.95 * sigmoid(log_odds))


def test_a_confirmed_contradiction_moves_both() -> None:
    """Each side of a lone pair loses exactly ln(1 − s·σ(u)) of the other's own log-odds."""
    with open_world(script=PAIR) as world:
        world.ada.believe(TEA, id="b0", confidence=0.8)
        world.ada.believe(COFFEE, id="b1", confidence=0.6)
        assert pytest.approx(logit(0.8) + message(logit(0.6)), abs=1e-6) == world.ada.explain("b0").log_odds
        assert pytest.approx(logit(0.6) + message(logit(0.8)), abs=1e-6) == world.ada.explain("b1").log_odds
        exact = _enumerated(0.8, 0.6)
        assert pytest.approx(exact, abs=1e-6) == [world.ada.belief(name).confidence for name in ("b0", "b1")]


def _enumerated(first: float, second: float) -> list[float]:
    weights = {
        (a, b): (first if a else 1 - first) * (second if b else 1 - second) * (0.05 if a and b else 1.0)
        for a in (False, True)
        for b in (False, True)
    }
    total = sum(weights.values())
    return [sum(w for key, w in weights.items() if key[side]) / total for side in (0, 1)]


def test_a_suspected_contradiction_moves_nothing() -> None:
    """Suspicion is recorded and shown, and no confidence changes for it."""
    with open_world(script={(COFFEE, TEA): SUSPICION}) as world:
        world.ada.believe(TEA, id="b0", confidence=0.8)
        world.ada.believe(COFFEE, id="b1", confidence=0.6)
        assert ["suspected"] == [conflict.status for conflict in world.ada.conflicts()]
        assert [] == world.ada.conflicts(status="confirmed")
        assert pytest.approx([0.8, 0.6]) == [world.ada.belief(name).confidence for name in ("b0", "b1")]
        assert [1, 1] == [len(world.ada.revisions(name)) for name in ("b0", "b1")]


def test_neighbours_get_revisions_of_their_own() -> None:
    """What moves one side revises the other, in the same transaction, caused by the conflict."""
    with open_world(script=PAIR) as world:
        world.ada.believe(TEA, id="b0", confidence=0.8)
        world.ada.believe(COFFEE, id="b1", confidence=0.6)
        (conflict,) = world.ada.conflicts()
        before = world.ada.belief("b1").confidence
        outcome = world.ada.signal("deny", belief="b0")
        assert ["b0", "b1"] == [revision.belief_id for revision in outcome.revisions]
        last = world.ada.revisions("b1")[-1]
        assert ("conflict", conflict.id, "conflict") == (last.cause_kind, last.cause_id, last.reason)
        assert (None, 0.0) == (last.item, last.nats)
        assert last.after > before
        assert pytest.approx(own(world, "b1") + message(own(world, "b0")), abs=0.011) == logit(last.after)
        assert {"b0", "b1"} == {effect.belief_id for effect in outcome.interpretation.effects}


def test_no_echo_and_no_order() -> None:
    """Whatever the order in which two opposites are said, the confidences are the same."""
    found = []
    for order in ((TEA, COFFEE), (COFFEE, TEA)):
        script = {**PAIR, (TEA, COFFEE): CONTRADICTION}
        with open_world(script=script) as world:
            for statement in order:
                world.ada.believe(
                    statement, id=statement.split()[1], confidence=0.8 if statement == TEA else 0.6
                )
            found.append([world.ada.belief(name).confidence for name in ("tea", "coffee")])
    assert pytest.approx(found[0], abs=1e-9) == found[1]


def test_the_factor_goes_with_its_reason() -> None:
    """Retiring one side frees the other to exactly what it was; restoring it brings the factor back."""
    with open_world(script=PAIR) as world:
        world.ada.believe(TEA, id="b0", confidence=0.8)
        world.ada.believe(COFFEE, id="b1", confidence=0.6)
        together = world.ada.belief("b0").confidence
        world.ada.amend("b1", retired=True)
        assert pytest.approx(0.8) == world.ada.belief("b0").confidence
        world.ada.amend("b1", retired=False)
        assert pytest.approx(together) == world.ada.belief("b0").confidence


def test_contexts_edited_apart_end_a_conflict() -> None:
    """Beliefs whose contexts come to disagree no longer conflict; the edit taken back, they do again."""
    with open_world(script=PAIR) as world:
        world.ada.believe(TEA, id="b0", confidence=0.8, context={"place": "home"})
        world.ada.believe(COFFEE, id="b1", confidence=0.6)
        together = world.ada.belief("b0").confidence
        world.ada.amend("b1", context={"place": "office"})
        assert pytest.approx([0.8, 0.6]) == [world.ada.belief(name).confidence for name in ("b0", "b1")]
        world.ada.retract(world.ada.signals()[0].id)
        assert pytest.approx(together) == world.ada.belief("b0").confidence


def test_a_chain_moves_to_its_end() -> None:
    """In a chain of three, what speaks for one end speaks against the middle and for the other end."""
    script = {(COFFEE, TEA): CONTRADICTION, (WATER, COFFEE): CONTRADICTION}
    with open_world(script=script) as world:
        for name, statement in (("tea", TEA), ("coffee", COFFEE), ("water", WATER)):
            world.ada.believe(statement, id=name, confidence=0.7)
        before = {str(belief.id): belief.confidence for belief in world.ada.beliefs()}
        world.ada.signal("confirm", belief="tea")
        after = {str(belief.id): belief.confidence for belief in world.ada.beliefs()}
        assert after["tea"] > before["tea"]
        assert after["coffee"] < before["coffee"]
        assert after["water"] > before["water"]
        assert world.graph.verify().ok


def test_a_rating_reaches_what_contradicts() -> None:
    """A rating moves the belief behind the response, and through the conflict the one that contradicts it."""
    with open_world(script=PAIR) as world:
        world.ada.believe(TEA, id="b0", confidence=0.7)
        world.ada.believe(COFFEE, id="b1", confidence=0.7)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        before = world.ada.belief("b1").confidence
        world.ada.signal("rating", -1, response="r0", id="s0")
        assert before < world.ada.belief("b1").confidence
        world.ada.retract("s0")
        assert pytest.approx(before, abs=0.003) == world.ada.belief("b1").confidence


def test_strength_is_bounded() -> None:
    """Even a relater that is certain leaves five in a hundred that both are true."""
    assert CONTRADICTION.contradiction >= PARAMETERS.text.confirmed
    with open_world(script=PAIR) as world:
        world.ada.believe(TEA, id="b0", confidence=0.999)
        world.ada.believe(COFFEE, id="b1", confidence=0.999)
        assert world.ada.belief("b0").confidence > 0.3
