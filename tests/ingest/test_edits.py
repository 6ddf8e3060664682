"""A person's edits: pins mask what came before, and statement, context and standing change with provenance."""

import math
from datetime import timedelta

import pytest

from beliefgraph.graph.ledger import logit
from tests.worlds import World, near, open_world


def liked(world: World, times: int = 3) -> None:
    """Hold b0 and let responses that rest on it be liked."""
    world.ada.believe("likes tea", id="b0", kind="fact", confidence=0.7)
    for number in range(times):
        world.clock.pass_time(hours=1)
        world.ada.respond("an answer", beliefs=["b0"], id=f"r{number}")
        world.ada.signal("rating", 1, response=f"r{number}", id=f"s{number}")
    world.clock.pass_time(hours=1)


def test_a_pin_masks_everything_before_it() -> None:
    """A confidence set by a person is the confidence, whatever was known; what comes later moves it from there."""
    with open_world() as world:
        liked(world)
        before = world.ada.belief("b0")
        edited = world.ada.amend("b0", confidence=0.3, reason="she told support")
        assert pytest.approx(0.3) == edited.confidence
        assert (0.0, near(-logit(0.3))) == (edited.support, edited.opposition)
        assert before.support > 0
        (signal,) = [signal for signal in world.ada.signals() if signal.kind == "set"]
        assert ("she told support", 0.3, "b0") == (signal.note, signal.value, signal.belief_id)
        world.clock.pass_time(hours=1)
        world.ada.respond("an answer", beliefs=["b0"], id="later")
        item = world.ada.signal("rating", 1, response="later").revisions[0].nats
        assert pytest.approx(logit(0.3) + item) == world.ada.explain("b0").log_odds


def test_a_pin_masks_late_news_of_before() -> None:
    """What happened before the edit but is learned after it stays masked."""
    with open_world() as world:
        liked(world, times=1)
        world.ada.respond("an answer", beliefs=["b0"], id="old")
        world.clock.pass_time(days=1)
        world.ada.amend("b0", confidence=0.3)
        world.clock.pass_time(days=1)
        world.ada.signal("rating", -1, response="old", at=world.clock.now - timedelta(days=1, hours=5))
        world.ada.signal("confirm", belief="b0", at=world.clock.now - timedelta(days=1, hours=5))
        assert pytest.approx(0.3) == world.ada.belief("b0").confidence


def test_a_pin_is_retractable_and_the_latest_counts() -> None:
    """The latest edit counts; taking it back uncovers the one before; taking both back, everything."""
    with open_world() as world:
        liked(world)
        plain = world.ada.belief("b0").confidence
        for confidence in (0.3, 0.9):
            world.ada.amend("b0", confidence=confidence)
            world.clock.pass_time(hours=1)
        latest, first = world.ada.signals()[:2]
        assert pytest.approx(0.9) == world.ada.belief("b0").confidence
        world.ada.retract(latest.id)
        assert pytest.approx(0.3) == world.ada.belief("b0").confidence
        world.ada.retract(first.id)
        assert pytest.approx(plain) == world.ada.belief("b0").confidence


def test_a_pin_fades_like_anything_said() -> None:
    """An edit is a word: after one half-life half of it is left."""
    with open_world() as world:
        world.ada.believe("is tired", id="b0", kind="state")
        world.ada.amend("b0", confidence=0.9)
        world.clock.pass_time(days=2)
        assert pytest.approx(logit(0.9) / 2) == world.ada.explain("b0").log_odds


def test_retiring_and_restoring() -> None:
    """A retired belief is served no more and keeps its record; restored, it is held as before."""
    with open_world() as world:
        liked(world)
        confidence = world.ada.belief("b0").confidence
        assert "retired" == world.ada.amend("b0", retired=True).standing
        plan = world.ada.personalize("likes tea")
        assert ((), ()) == (plan.used, plan.withheld)
        assert ["b0"] == [belief.id for belief in world.ada.beliefs(standing="retired")]
        assert ("retire", "edited") == (
            world.ada.revisions("b0")[-1].action,
            world.ada.revisions("b0")[-1].reason,
        )
        restored = world.ada.amend("b0", retired=False)
        assert ("held", near(confidence)) == (restored.standing, restored.confidence)


def test_two_retirements_need_two_retractions() -> None:
    """What two people retired is retired until both take it back, in whichever order."""
    for order in ((0, 1), (1, 0)):
        with open_world() as world:
            world.ada.believe("likes tea", id="b0")
            for _ in range(2):
                world.ada.amend("b0", retired=True)
            ids = [signal.id for signal in world.ada.signals()]
            world.ada.retract(ids[order[0]])
            assert "retired" == world.ada.belief("b0").standing
            world.ada.retract(ids[order[1]])
            assert "held" == world.ada.belief("b0").standing


def test_a_new_context_scopes() -> None:
    """A context set by a person replaces the one there was; an empty one lifts it; taken back, the old one holds."""
    with open_world() as world:
        world.ada.believe("likes tea", id="b0", context={"place": "home"})
        assert {"place": "office"} == world.ada.amend("b0", context={"place": "office"}).context
        moment = world.clock.now
        world.clock.pass_time(seconds=1)
        assert {} == world.ada.amend("b0", context={}).context
        assert {"place": "office"} == world.ada.belief("b0", as_of=moment).context
        world.ada.retract(world.ada.signals()[0].id)
        assert {"place": "office"} == world.ada.belief("b0").context
        world.ada.retract(world.ada.signals()[1].id)
        assert {"place": "home"} == world.ada.belief("b0").context


def test_a_new_statement_makes_a_successor() -> None:
    """A new statement is a new belief, SPAWNED_FROM the old one, of its kind and context; the old is superseded."""
    with open_world() as world:
        world.ada.believe("likes tea", id="b0", kind="trait", context={"place": "home"})
        successor = world.ada.amend("b0", statement="likes green tea", reason="more exactly")
        (signal,) = world.ada.signals()
        assert ("likes green tea", "corrected", "trait", {"place": "home"}, ("b0", signal.id)) == (
            successor.statement,
            successor.source,
            successor.kind,
            successor.context,
            successor.spawned_from,
        )
        assert "superseded" == world.ada.belief("b0").standing
        world.ada.retract(signal.id)
        assert ["retired", "held"] == [belief.standing for belief in world.ada.beliefs()]


def test_a_new_statement_with_all_that_may_come_with_it() -> None:
    """Confidence and context given with a new statement are the successor's."""
    with open_world() as world:
        world.ada.believe("likes tea", id="b0", confidence=0.6)
        successor = world.ada.amend(
            "b0", statement="likes green tea", confidence=0.7, context={"place": "home"}
        )
        assert (near(0.7), {"place": "home"}) == (successor.confidence, successor.context)
        assert pytest.approx(0.6) == world.ada.belief("b0").confidence


def test_an_edit_of_everything_else_at_once() -> None:
    """Confidence, context and standing may be set by one edit, which one retraction takes back whole."""
    with open_world() as world:
        liked(world)
        before = world.ada.belief("b0")
        edited = world.ada.amend("b0", confidence=0.4, context={"place": "home"}, retired=True)
        assert (near(0.4), {"place": "home"}, "retired") == (
            edited.confidence,
            edited.context,
            edited.standing,
        )
        world.ada.retract(world.ada.signals()[0].id)
        after = world.ada.belief("b0")
        assert (near(before.confidence), before.context, before.standing) == (
            after.confidence,
            after.context,
            after.standing,
        )


def test_ids_may_recur_among_beliefs_and_signals() -> None:
    """A belief and a signal of one id are two things: a word on a belief of the same id leaves its statement alone."""
    with open_world() as world:
        world.ada.believe("likes tea", id="1", confidence=0.7)
        world.ada.signal("confirm", belief="1", id="1")
        assert pytest.approx(logit(0.7) + 3.0) == world.ada.explain("1").log_odds
        world.ada.signal("correction", belief="1", text="LIKES TEA", id="2")
        assert {"source:stated", "source:corrected", "word"} == {
            each.source for each in world.ada.explain("1").contributions
        }
        world.ada.retract("1")
        world.ada.retract("2")
        assert pytest.approx(0.7) == world.ada.belief("1").confidence
        assert world.graph.verify().ok
        assert math.isclose(world.ada.explain("1").log_odds, logit(0.7))
