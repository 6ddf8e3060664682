"""The question beside a plan: the one whose answer tells most about what is served, and none that tells nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beliefgraph.graph.ledger import logit, sigmoid
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.predict import Heard
from beliefgraph.ingest.relate import Relation
from beliefgraph.queries.asking import HORIZON, yes_probability
from tests.embedders import SUSPICION
from tests.worlds import open_world, parameters_with

HEARD = Heard(load_parameters())


@given(st.floats(0.001, 0.999), st.floats(0.1, 8), st.floats(-8, -0.1))
def test_answers_are_expected_to_change_nothing(confidence: float, confirm: float, deny: float) -> None:
    """The mean over the answers of the confidence after is the confidence before, as for any honest evidence."""
    yes = yes_probability(confidence, confirm, deny)
    after = yes * sigmoid(logit(confidence) + confirm) + (1 - yes) * sigmoid(logit(confidence) + deny)
    assert pytest.approx(confidence, abs=1e-9) == after


def test_a_withheld_belief_is_asked_about_when_a_yes_would_use_it() -> None:
    """A doubtful belief of others' telling is asked about; after a yes it is used, and nothing more is asked."""
    with open_world() as world:
        world.ada.believe("python examples", id="b0", source="imported", confidence=0.4)
        plan = world.ada.personalize("python examples")
        assert ("Is this true of you: “python examples”?", ("b0",)) == (plan.question, plan.question_about)
        confidence = world.ada.belief("b0").confidence
        yes = yes_probability(confidence, HEARD.confirm, HEARD.deny)
        after = sigmoid(logit(confidence) + HEARD.confirm)
        learned = after * math.log(after / confidence) + (1 - after) * math.log(
            (1 - after) / (1 - confidence)
        )
        assert pytest.approx(yes * learned) == plan.question_nats
        world.ada.signal("confirm", belief="b0")
        later = world.ada.personalize("python examples")
        assert (["b0"], None) == ([choice.belief.id for choice in later.used], later.question)


def test_nothing_is_asked_that_she_has_said() -> None:
    """Neither what she stated nor what she denied is put to her again."""
    with open_world() as world:
        world.ada.believe("python examples", id="b0", confidence=0.8)
        world.ada.believe("python examples in colour", id="b1", source="imported")
        world.ada.signal("deny", belief="b1")
        plan = world.ada.personalize("python examples")
        assert (None, (), 0.0) == (plan.question, plan.question_about, plan.question_nats)


def test_a_contest_is_put_to_her() -> None:
    """What she stated and her reactions speak against is withheld, and asked about."""
    with open_world() as world:
        world.ada.believe("python examples", id="b0", confidence=0.9)
        for index in range(7):  # one like: she does not dislike whatever comes
            world.clock.pass_time(days=1)
            world.ada.respond("an answer", beliefs=["b0"], id=f"r{index}")
            world.ada.signal("rating", -1 if index else 1, response=f"r{index}")
        plan = world.ada.personalize("python examples")
        assert (["contested"], ("b0",)) == ([c.reason for c in plan.withheld], plan.question_about)


def test_no_question_when_no_answer_would_change_what_is_served() -> None:
    """A belief so unlikely that a yes would not make it used, and one beside the point, raise no question."""
    with open_world() as world:
        world.ada.believe("python examples", id="b0", source="imported", confidence=0.01)
        world.ada.believe("indian food", id="b1", source="imported", confidence=0.4)
        assert world.ada.personalize("python examples").question is None


def test_no_question_about_what_has_no_place() -> None:
    """A doubtful belief that could not get into a full plan is not asked about; with room it is."""
    with open_world() as world:
        world.ada.believe("python examples", id="b0", confidence=0.99)
        world.ada.believe(
            "python words of another kind altogether", id="far", source="imported", confidence=0.4
        )
        assert world.ada.personalize("python examples", limit=1).question is None
        assert ("far",) == world.ada.personalize("python examples").question_about


def test_what_is_served_will_be_rated_anyway() -> None:
    """The same belief promises less when it is used than what its ratings leave untold; a withheld one keeps it all."""
    promised, confidence = {}, 0.0
    for name, confident in (("used", 0.4), ("withheld", 0.6)):
        with open_world(parameters=parameters_with(serving__confident=confident)) as world:
            world.ada.believe("python examples", id="b0", source="imported", confidence=0.5)
            plan = world.ada.personalize("python examples")
            assert (name == "used") == bool(plan.used)
            confidence = world.ada.belief("b0").confidence
            promised[name] = plan.question_nats
    yes = yes_probability(confidence, HEARD.confirm, HEARD.deny)

    def told(weight: float) -> float:
        after = sigmoid(logit(confidence) + weight)
        return after * math.log(after / confidence) + (1 - after) * math.log((1 - after) / (1 - confidence))

    heard = HEARD.of_response(confidence, 1.0)
    assert heard > 0
    beyond = [max(0.0, (1 - yes) * told(HEARD.deny) - rated * heard) for rated in range(HORIZON)]
    assert pytest.approx(yes * told(HEARD.confirm)) == promised["withheld"]
    assert pytest.approx(sum(beyond) / HORIZON) == promised["used"]


def test_a_dispute_is_asked_as_one_question() -> None:
    """Of two beliefs that may contradict each other it is asked which is true; the answer settles it."""
    script = {("python examples never", "python examples"): SUSPICION}
    with open_world(script=script) as world:
        world.ada.believe("python examples", id="b0", confidence=0.7)
        world.ada.believe("python examples never", id="b1", confidence=0.65)
        plan = world.ada.personalize("python examples")
        assert "Which is true of you now: “python examples” or “python examples never”?" == plan.question
        assert ("b0", "b1") == plan.question_about
        assert plan.question_nats > 0
        world.ada.signal("confirm", belief="b1")
        world.ada.signal("deny", belief="b0")
        later = world.ada.personalize("python examples")
        assert (["b1"], None) == ([choice.belief.id for choice in later.used], later.question)


def test_a_dispute_promises_as_much_as_it_is_likely() -> None:
    """Whether two beliefs contradict each other at all is part of what an answer is expected to tell."""
    promised = {}
    for strength in (0.3, 0.6):
        rest = Relation(equivalent=0.0, entails=0.0, contradiction=strength, neutral=1 - strength)
        with open_world(script={("python examples never", "python examples"): rest}) as world:
            world.ada.believe("python examples", id="b0", confidence=0.7)
            world.ada.believe("python examples never", id="b1", confidence=0.65)
            (conflict,) = world.ada.conflicts()
            assert "suspected" == conflict.status
            plan = world.ada.personalize("python examples")
            assert ("b0", "b1") == plan.question_about
            promised[conflict.strength] = plan.question_nats
    (weak, few), (strong, many) = sorted(promised.items())
    assert weak < strong
    assert few < weak / strong * many * 1.001  # and ratings tell their share of either alike


@pytest.mark.parametrize("confidence", [0.001, 0.3, 0.5, 0.97, 0.999])
def test_a_rating_tells_more_of_what_weighs_more(confidence: float) -> None:
    """The expected information of a rating is positive and grows with the share that the belief has in the response."""
    told = [HEARD.of_response(confidence, weight) for weight in (0.05, 0.2, 0.6, 1.0)]
    assert 0 < told[0]
    assert sorted(told) == told
