"""Explanations: every number adds up, now and as of then, and what would change our mind does."""

import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph import Explanation
from beliefgraph.graph.folding import append
from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, read_state, sigmoid, to_confidence
from beliefgraph.graph.model import BeliefNode
from beliefgraph.queries.contributions import WITH_SIGNALS
from beliefgraph.queries.explain import times_to_cross
from tests.embedders import CONTRADICTION, SUSPICION
from tests.worlds import (
    PARAMETERS,
    SCRIPT,
    START,
    STATEMENTS,
    Step,
    World,
    histories,
    open_world,
    parameters_with,
    play,
)


def assert_adds_up(found: Explanation) -> None:
    """Check that base, terms and conflict are the log-odds, and these the confidence."""
    terms = math.fsum(each.term for each in found.contributions)
    assert pytest.approx(found.base_nats + terms + found.conflict_nats, abs=1e-9) == found.log_odds
    assert to_confidence(found.log_odds) == found.belief.confidence
    for each in found.contributions:
        assert pytest.approx(each.nats * each.weight, abs=1e-12) == each.term
        assert 0 < each.weight <= 1
    assert pytest.approx(found.belief.support) == sum(max(0.0, each.term) for each in found.contributions)
    assert pytest.approx(found.belief.opposition) == sum(max(0.0, -each.term) for each in found.contributions)


@settings(max_examples=12)
@given(histories())
def test_explanations_add_up_now_and_then(steps: list[Step]) -> None:
    """After any history, base + terms + conflict is the log-odds of every belief, at the end and halfway."""
    with open_world(script=SCRIPT) as world:
        play(world, steps[: len(steps) // 2])
        halfway = world.clock.now
        then = {belief.id: belief.confidence for belief in world.ada.beliefs(limit=1000)}
        world.clock.pass_time(seconds=1)
        play(world, steps[len(steps) // 2 :])
        for belief in world.ada.beliefs(limit=1000):
            assert_adds_up(world.ada.explain(belief.id))
        for belief_id, confidence in then.items():
            found = world.ada.explain(belief_id, as_of=halfway)
            assert_adds_up(found)
            assert confidence == found.belief.confidence


def test_contributions_name_what_they_rest_on() -> None:
    """Each contribution names its response or word, heaviest first, with the signals beneath that still count."""
    with open_world() as world:
        world.ada.believe("wants examples", id="b0", confidence=0.6)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0", id="s0")
        world.ada.signal("accept", response="r0", id="s1")
        world.ada.signal("stars", 1, response="r0", id="s2")
        world.ada.retract("s2")
        world.ada.signal("confirm", belief="b0", id="s3")
        world.ada.amend("b0", confidence=0.7)
        world.clock.pass_time(days=1)
        world.ada.signal("deny", belief="b0", id="s4")
        found = world.ada.explain("b0")
        assert_adds_up(found)
        assert ["word", "pin"] == [each.source for each in found.contributions]
        assert ["s4"] == [signal.id for signal, _ in found.contributions[0].signals]
        before = world.ada.explain("b0", as_of=world.ada.revisions("b0")[1].recorded_at)
        assert_adds_up(before)
        world.ada.retract(world.ada.signals(limit=10)[1].id)
        masked_no_more = world.ada.explain("b0")
        assert_adds_up(masked_no_more)
        (response,) = [each for each in masked_no_more.contributions if each.source == "response"]
        assert ("r0", ["s0", "s1"]) == (response.about, [signal.id for signal, _ in response.signals])


def test_prose_mentions_what_matters() -> None:
    """The prose names the statement, its origin, what it contradicts, what was done, and what would change it."""
    script = {("hates examples", "wants examples always"): CONTRADICTION}
    with open_world(script=script) as world:
        world.ada.believe("wants examples always", id="b0", confidence=0.9, context={"place": "office"})
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0")
        world.ada.signal("confirm", belief="b0")
        world.ada.believe("hates examples", id="b1", confidence=0.6)
        world.clock.pass_time(days=365)
        prose = str(world.ada.explain("b0"))
        for words in (
            "“wants examples always”",
            f"we are {100 * world.ada.belief('b0').confidence:.0f} % sure",
            "It is held.",
            "It holds where place is office.",
            "the base rate",
            "she said so, 2026-03-01; 50 % of +2.20 is left",
            "rating -1 on response r0, 2026-03-01",
            "she confirmed it",
            "it contradicts “hates examples”",
            "What would bring it below 50 %: one denial by her",
            "(Thumbs count so on days of their own",
        ):
            assert words in prose
        assert "tentative" not in prose
        successor = world.ada.amend("b0", statement="wants examples at work", reason="narrower")
        assert "It grew out of “wants examples always”." in str(world.ada.explain(successor.id))
        replaced = str(world.ada.explain("b0"))
        assert "Something else has taken its place" in replaced
        assert "Its own evidence alone would make us" in replaced
        assert "this is true of her now" not in replaced


def test_prose_says_where_a_contradiction_is_only_suspected() -> None:
    """A suspected contradiction is mentioned, and said to have moved nothing."""
    with open_world(script={("hates examples", "wants examples"): SUSPICION}) as world:
        world.ada.believe("wants examples", id="b0")
        world.ada.believe("hates examples", id="b1")
        found = world.ada.explain("b0")
        assert 0.0 == found.conflict_nats
        assert "It may contradict “hates examples” (70 % sure): too doubtful to move either" in str(found)
        assert "the one that she said later is used" in str(found)


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ({}, "It contradicts “hates examples” (95 % sure): both cannot be true"),
        ({"dismiss": True}, "It does not contradict “hates examples”: dismissed: she does both, 2026-03-01."),
        ({"keep": "b0"}, "this one stands (kept: she does both)"),
        ({"keep": "b1"}, "the other stands (kept: she does both)"),
        ({"scope": {"b0": {"place": "work"}}}, "each holds in its own context (scoped: she does both)"),
    ],
)
def test_prose_says_what_has_come_of_a_contradiction(decision: dict[str, Any], told: str) -> None:
    """Who stands against it, how sure that is, and what was decided; only what weighs has a line in nats."""
    with open_world(script={("hates examples", "wants examples"): CONTRADICTION}) as world:
        world.ada.believe("wants examples", id="b0")
        world.ada.believe("hates examples", id="b1")
        (conflict,) = world.ada.conflicts()
        if decision:
            world.ada.resolve(conflict.id, reason="she does both", **decision)
        found = world.ada.explain("b0")
        assert told in str(found)
        meanwhile = (
            "Until a person or the conflict job decides, where both bear on an answer, the one that she said"
        )
        assert (not decision) == (meanwhile in str(found))
        assert (not decision) == (" it contradicts “hates examples” (" in str(found))


def test_prose_says_which_of_two_inferred_is_used_until_when() -> None:
    """Of a confirmed contradiction between what was only inferred it names what is used, and what ends that."""
    with open_world(script={("hates examples", "wants examples"): CONTRADICTION}) as world:
        world.ada.believe("wants examples", id="b0", source="observed")
        world.ada.believe("hates examples", id="b1", source="observed")
        told = (
            "Until a person or the conflict job decides, the surer of the two is used, if it is sure enough."
        )
        assert told in str(world.ada.explain("b0"))


def test_prose_says_what_a_tentative_belief_waits_for() -> None:
    """However often it was said about one response, it was seen in one place."""
    with open_world() as world:
        world.ada.respond("a dark editor", beliefs=[], id="r0")
        for _ in range(2):
            world.ada.signal("rating", 1, response="r0", text="I prefer dark themes")
        (belief,) = world.ada.beliefs()
        told = "seen in one place only, unused until it is seen in another or she says so herself."
        assert f"It is tentative: {told}" in str(world.ada.explain(belief.id))


def test_prose_says_what_the_job_decided() -> None:
    """The job's reason is told in words."""
    with open_world(script={("hates examples", "wants examples"): CONTRADICTION}) as world:
        world.ada.believe("wants examples", id="b0")
        world.clock.pass_time(days=1)
        world.ada.believe("hates examples", id="b1")
        world.ada.resolve_conflicts()
        assert "the other stands (it was said later)" in str(world.ada.explain("b0"))


SENDS: dict[str, Any] = {
    "denial by her": ("deny", None),
    "confirmation by her": ("confirm", None),
    "thumbs-down on a response that rests on it alone": ("rating", -1),
    "thumbs-up on a response that rests on it alone": ("rating", 1),
}


def _send(world: World, by: str, number: int) -> bool:
    """Send one more of this kind of evidence; say on which side of ½ the belief is then."""
    kind, value = SENDS[by]
    world.clock.pass_time(days=1)
    if kind == "rating":
        name = f"{kind}{number}"
        world.ada.respond("an answer", beliefs=["b0"], id=name)
        world.ada.signal(kind, value, response=name)
    else:
        world.ada.signal(kind, belief="b0")
    return world.ada.belief("b0").confidence >= 0.5


HONEST = parameters_with(habits__share=0.0)


@pytest.mark.parametrize("confidence", [0.02, 0.3, 0.55, 0.87, 0.99, 0.999])
@pytest.mark.parametrize("history", ["nothing", "likes", "dislikes", "confirmed", "denied"])
def test_the_counterfactual_is_what_happens(confidence: float, history: str) -> None:
    """Sending exactly as many signals as said, a day apart, crosses ½, one fewer does not, `never` means never.

    Of a user who answers to what she gets: whoever only ever dislikes is recognised by and by.
    """

    def prepare(world: World) -> Explanation:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=confidence, kind="fact")
        for index in range(4):
            if history in ("likes", "dislikes"):
                by = "thumbs-up" if history == "likes" else "thumbs-down"
                _send(world, f"{by} on a response that rests on it alone", 100 + index)
            elif history != "nothing" and index == 0:
                _send(world, "confirmation by her" if history == "confirmed" else "denial by her", 0)
        return world.ada.explain("b0")

    with open_world(parameters=HONEST) as world:
        moves = prepare(world).would_change
    assert 2 == len(moves)
    for move in moves:
        with open_world(parameters=HONEST) as world:
            start = prepare(world).log_odds >= 0
            assert (move.nats < 0) == start
            sides = [_send(world, move.by, number) for number in range(move.times or 30)]
        crossed = [side != start for side in sides]
        expected = [False] * len(sides) if move.times is None else [False] * (move.times - 1) + [True]
        assert expected == crossed, move


def test_of_many_contributions_the_heaviest_list_their_signals() -> None:
    """All contributions are there and add up; the lightest list no signals, and are counted."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        for number in range(WITH_SIGNALS + 4):
            world.ada.respond("an answer", beliefs=["b0"], id=f"r{number}")
            world.ada.signal("rating", 0.1, response=f"r{number}")
        found = world.ada.explain("b0")
        assert_adds_up(found)
        assert (WITH_SIGNALS + 5, 5) == (len(found.contributions), found.signals_left_out)
        listed = [len(each.signals) for each in found.contributions if each.source == "response"]
        assert [1] * (len(listed) - 5) + [0] * 5 == listed


def test_what_is_far_gone_never_crosses() -> None:
    """Where no number of likes suffices, the explanation does not promise one."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", kind="fact")
        world.ada.amend("b0", confidence=0.001)
        times = {move.by: move.times for move in world.ada.explain("b0").would_change}
        assert times["confirmation by her"] is None
        assert sigmoid(world.ada.explain("b0").log_odds) < 0.002


def test_a_change_of_mind_is_said_in_words() -> None:
    """From the first dislike of a run on, the explanation says since when, and that what came before counts less."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.6, source="imported", kind="fact")
        for number in range(14):
            _send(world, "thumbs-up on a response that rests on it alone", number)
        turned = world.clock.now + timedelta(days=1)
        for number in range(14, 20):
            _send(world, "thumbs-down on a response that rests on it alone", number)
        found = world.ada.explain("b0")
        (change,) = found.changes
        assert (turned, "against") == (change.since, change.speaks)
        assert pytest.approx(math.exp(PARAMETERS.memory.change_nats - change.nats)) == change.kept
        said = f"Since {change.since.date()} what she does speaks against it: that looks like a change, and "
        assert f"{said}what was inferred before weighs {100 * change.kept:.0f} % of what it did." in str(
            found
        )
        terms = found.base_nats + sum(each.term for each in found.contributions) + found.conflict_nats
        assert pytest.approx(found.log_odds, abs=1e-9) == terms
        assert () == world.ada.explain("b0", as_of=change.since).changes


@given(
    st.floats(-4, 4),
    st.floats(0, 8),
    st.floats(0, 8),
    st.floats(-5, 5).filter(lambda nats: abs(nats) > 0.01),
    st.tuples(st.floats(0.5, 20), st.sampled_from([math.inf, 2.0, 0.5])),
)
def test_the_count_is_that_of_adding_one_after_another(
    base: float, supports: float, opposes: float, nats: float, memory: tuple[float, float]
) -> None:
    """The number of items worked out is the number that, added one by one, first crosses one half."""
    now = 10**15
    state = BeliefState(
        base=base,
        half_life_days=30.0,
        memory_nats=memory[0],
        reference_us=now - 5 * 86_400 * 10**6,
        inferred_for=supports,
        inferred_against=opposes,
        change_nats=memory[1],
    )
    start, added = read_state(state, now).log_odds >= 0, state
    node = replace(_NODE, state=state)
    counted = times_to_cross(node, nats, now)
    for number in range(1, 1 + (counted or 1000)):
        item = Item(belief_id=node.id, slot=RESPONSE, id=f"{number:04}", nats=nats, observed_us=now + number)
        added = append(added, item)
        log_odds = read_state(added, now).log_odds
        if abs(log_odds) < 1e-6:
            return  # which side it is on, rounding decides
        assert ((log_odds >= 0) != start) == (number == counted)


_NODE = BeliefNode(
    id=BeliefId("b0"),
    user_id=UserId("ada"),
    seq=1,
    statement="wants examples",
    statement_key="wants examples",
    source="stated",
    kind="preference",
    created_at=START,
    recorded_at=START,
    ordinal=1,
    revised_at=START,
    state=BeliefState(base=0.0, half_life_days=30.0, memory_nats=6.0, reference_us=0),
)


def test_practice_is_named_and_taken_back() -> None:
    """A wrong answer speaks against a skill but practised it: that part is told, adds up, and goes with the signal."""
    with open_world(parameters=parameters_with(kinds__skill__practice_nats=0.4)) as world:
        ada = world.ada
        ada.believe("can take square roots", kind="skill", confidence=0.6, id="b")
        born = ada.belief("b").confidence
        ada.respond("What is the root of 2?", beliefs=["b"], id="r")
        ada.signal("answer", 0, response="r", id="s")
        then, served = world.clock.now, ada.belief("b").confidence
        explanation = ada.explain("b")
        (answered,) = (each for each in explanation.contributions if each.source == "response")
        assert pytest.approx(0.4) == answered.practice
        assert pytest.approx(answered.nats * answered.weight + answered.practice) == answered.term
        total = explanation.base_nats + sum(each.term for each in explanation.contributions)
        assert pytest.approx(explanation.log_odds, abs=1e-9) == total
        assert "+0.40 of it for having practised once more" in str(explanation)
        world.clock.pass_time(hours=1)
        ada.retract("s")
        assert pytest.approx(born, abs=1e-4) == ada.belief("b").confidence
        assert "practised" not in str(ada.explain("b"))
        assert pytest.approx(served, abs=1e-9) == ada.belief("b", as_of=then).confidence
        assert "+0.40 of it for having practised once more" in str(ada.explain("b", as_of=then))
        assert world.graph.verify().ok


def test_a_preference_is_not_practised() -> None:
    """As shipped practice adds nothing to any kind of belief, and no explanation speaks of it."""
    with open_world() as world:
        for kind in ("preference", "skill"):
            world.ada.believe(f"a {kind}", kind=kind, id=kind)
            world.ada.respond("a response", beliefs=[kind], id=f"r-{kind}")
            world.ada.signal("rating", 1, response=f"r-{kind}")
            explanation = world.ada.explain(kind)
            assert [0.0, 0.0] == [each.practice for each in explanation.contributions]
            assert "practised" not in str(explanation)
