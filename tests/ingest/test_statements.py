"""Texts that become beliefs: restated, refined, contradicted, spawned, seen twice; near-duplicates are linked only."""

from datetime import timedelta
from typing import Any

import pytest

from beliefgraph import Belief
from beliefgraph.graph.ids import SignalId, derived_id, normal_form
from beliefgraph.ingest.bank import load_bank
from beliefgraph.ingest.statements import spawned_id
from tests.embedders import CONTRADICTION, ENTAILS, EQUIVALENT, SUSPICION
from tests.worlds import PARAMETERS, START, World, near, open_world, parameters_with

PLAIN = PARAMETERS.sources


def only(world: World) -> Belief:
    """Return the one belief there is."""
    (belief,) = world.ada.beliefs()
    return belief


@pytest.mark.parametrize("source", ["stated", "corrected", "inferred", "observed", "imported"])
def test_a_source_has_its_usual_confidence(source: Any) -> None:
    """Without a confidence a belief starts at its source's usual one; with one, at that."""
    with open_world() as world:
        belief = world.ada.believe("likes tea", source=source)
        assert pytest.approx(PLAIN[source].confidence) == belief.confidence
        assert (source, "held", START) == (belief.source, belief.standing, belief.created_at)
        assert (
            pytest.approx(0.7) == world.ada.believe("likes coffee", source=source, confidence=0.7).confidence
        )
        (revision,) = world.ada.revisions(belief.id)
        assert ("spawn", source, "belief") == (revision.action, revision.reason, revision.cause_kind)


def test_the_same_text_refreshes_and_never_adds() -> None:
    """Saying the same again makes no second belief and no second item: it refreshes the time of the first."""
    with open_world() as world:
        first = world.ada.believe("likes tea", kind="state", confidence=0.9)
        world.clock.pass_time(days=2)
        faded = world.ada.belief(first.id).confidence
        again = world.ada.believe("  Likes  TEA. ", kind="state")
        assert (first.id, near(0.9)) == (again.id, again.confidence)
        assert faded < 0.8
        for _ in range(20):
            world.ada.believe("likes tea")
        assert pytest.approx(0.9) == only(world).confidence


def test_each_source_speaks_for_itself() -> None:
    """Two sources that say the same add up; either may say less later, which lowers its own part only."""
    with open_world() as world:
        world.ada.believe("likes tea", confidence=0.7)
        both = world.ada.believe("likes tea", source="imported", confidence=0.8)
        assert both.confidence > 0.85
        world.clock.pass_time(seconds=1)
        assert (
            pytest.approx(0.7, abs=1e-4)
            == world.ada.believe("likes tea", source="imported", confidence=0.5).confidence
        )


def test_an_explicit_id_keeps_its_own_node() -> None:
    """With an id of its own the same text is another belief, proposed for merging, never merged."""
    with open_world() as world:
        world.ada.believe("likes tea", id="b0")
        world.ada.believe("likes tea", id="b1")
        assert {"b0", "b1"} == {belief.id for belief in world.ada.beliefs()}
        (duplicate,) = world.ada.duplicates()
        assert (("b0", "b1"), "suspected") == (duplicate.beliefs, duplicate.status)
        assert [] == world.ada.conflicts()


def test_near_duplicates_are_linked() -> None:
    """What the relater calls equivalent gets a node of its own and a proposal; what is merely near gets neither."""
    script = {("drinks tea daily", "likes tea daily"): EQUIVALENT}
    with open_world(script=script) as world:
        world.ada.believe("likes tea daily", id="b0")
        world.ada.believe("drinks tea daily", id="b1")
        world.ada.believe("hates tea daily", id="b2")
        assert [("b0", "b1")] == [found.beliefs for found in world.ada.duplicates()]
        assert 3 == len(world.ada.beliefs())


def test_a_statement_restates() -> None:
    """A statement that says what a belief says is one more word for it, by the person herself."""
    script = {("tea is what I like", "likes tea"): EQUIVALENT}
    with open_world(script=script) as world:
        world.ada.believe("likes tea", id="b0", source="inferred")
        outcome = world.ada.signal("statement", text="tea is what I like")
        assert ("reinforce", "restated", ()) == (
            outcome.interpretation.action,
            outcome.interpretation.reason,
            outcome.spawned,
        )
        assert "b0" == only(world).id
        expected = PLAIN["inferred"].confidence / (1 - PLAIN["inferred"].confidence) * 0.85 / 0.15
        assert pytest.approx(expected / (1 + expected)) == only(world).confidence


def test_a_statement_diverges() -> None:
    """A statement that nothing resembles becomes a belief of hers, SPAWNED_FROM the signal, at once held."""
    with open_world() as world:
        outcome = world.ada.signal("statement", text="likes tea", id="s0")
        (spawned,) = outcome.spawned
        assert ("stated", "held", "preference", ("s0",)) == (
            spawned.source,
            spawned.standing,
            spawned.kind,
            spawned.spawned_from,
        )
        assert pytest.approx(PLAIN["stated"].confidence) == spawned.confidence
        assert ("spawn", "stated") == (outcome.interpretation.action, outcome.interpretation.reason)


def test_a_statement_refines() -> None:
    """A statement that is more specific grows out of the belief it refines, which stays."""
    script = {("likes green tea", "likes tea"): ENTAILS}
    with open_world(script=script) as world:
        world.ada.believe("likes tea", id="b0", kind="trait")
        (spawned,) = world.ada.signal("statement", text="likes green tea", id="s0").spawned
        assert (("b0", "s0"), "trait") == (spawned.spawned_from, spawned.kind)
        assert "held" == world.ada.belief("b0").standing


def test_a_statement_contradicts() -> None:
    """A statement that contradicts a belief opposes it through a conflict; what she said before is contested."""
    with open_world(script={("never drinks tea", "likes tea"): CONTRADICTION}) as world:
        world.ada.believe("likes tea", id="b0", confidence=0.8)
        outcome = world.ada.signal("statement", text="never drinks tea")
        (conflict,) = outcome.conflicts
        assert "confirmed" == conflict.status
        assert ["held", "contested"] == [belief.standing for belief in world.ada.beliefs()]
        assert world.ada.belief("b0").confidence < 0.5


@pytest.mark.parametrize("about", [{"response": "r0"}, {}])
def test_a_correction_takes_the_place_of_what_it_contradicts(about: dict[str, str]) -> None:
    """A correction opposes the belief that it contradicts for certain, supersedes it and stands in for it."""
    with open_world(script={("drinks coffee not tea", "drinks tea"): CONTRADICTION}) as world:
        world.ada.believe("drinks tea", id="b0", confidence=0.8, kind="fact")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        outcome = world.ada.signal("correction", text="drinks coffee not tea", id="s0", **about)  # type: ignore[arg-type]
        (spawned,) = outcome.spawned
        assert ("corrected", "held", "fact", ("b0", "s0")) == (
            spawned.source,
            spawned.standing,
            spawned.kind,
            spawned.spawned_from,
        )
        old = world.ada.belief("b0")
        assert ("superseded", True) == (old.standing, old.confidence < 0.5)
        assert ("retire", "corrected") == (
            world.ada.revisions("b0")[-1].action,
            world.ada.revisions("b0")[-1].reason,
        )
        items = [r.item.slot for r in world.ada.revisions("b0") if r.item is not None and r.cause_id == "s0"]
        assert ["response" if about else "word"] == items
        assert [] == world.ada.conflicts()
        assert [spawned.id] == [
            choice.belief.id for choice in world.ada.personalize("drinks tea or coffee").used
        ]


def test_a_correction_of_a_named_belief() -> None:
    """A correction about a belief takes its place whatever the relater sees."""
    with open_world() as world:
        world.ada.believe("drinks tea", id="b0", confidence=0.8)
        (spawned,) = world.ada.signal("correction", belief="b0", text="visits museums", id="s0").spawned
        assert ("b0", "s0") == spawned.spawned_from
        assert "superseded" == world.ada.belief("b0").standing
        items = [r.item.slot for r in world.ada.revisions("b0") if r.item is not None and r.cause_id == "s0"]
        assert ["word"] == items


def test_a_correction_without_a_belief() -> None:
    """A correction that contradicts nothing known is a new belief, and opposes only what the response rests on."""
    with open_world() as world:
        world.ada.believe("drinks tea", id="b0", confidence=0.8)
        world.ada.believe("owns a dog", id="b1", confidence=0.8)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        outcome = world.ada.signal("correction", response="r0", text="visits museums")
        assert 1 == len(outcome.spawned)
        assert world.ada.belief("b0").confidence < 0.8
        assert {"held"} == {belief.standing for belief in world.ada.beliefs()}
        assert pytest.approx(0.8) == world.ada.belief("b1").confidence


def test_a_suspected_contradiction_corrects_nothing() -> None:
    """A correction that only may contradict a belief leaves it in place and moves nothing for the suspicion."""
    with open_world(script={("visits museums", "visits museums seldom"): SUSPICION}) as world:
        world.ada.believe("visits museums seldom", id="b0", confidence=0.8)
        outcome = world.ada.signal("correction", text="visits museums")
        assert ["suspected"] == [conflict.status for conflict in outcome.conflicts]
        belief = world.ada.belief("b0")
        assert (near(0.8), "held") == (belief.confidence, belief.standing)


def test_a_correction_that_restates() -> None:
    """A correction that restates a belief is a word for it; one that also names another supersedes that one."""
    with open_world(script={("it is tea", "drinks tea, it is so"): EQUIVALENT}) as world:
        world.ada.believe("drinks tea, it is so", id="b0", confidence=0.6)
        world.ada.believe("drinks coffee", id="b1", confidence=0.6)
        outcome = world.ada.signal("correction", belief="b1", text="it is tea")
        assert () == outcome.spawned
        assert ["held", "superseded"] == [world.ada.belief(name).standing for name in ("b0", "b1")]
        assert world.ada.belief("b0").confidence > 0.9


COMMENT = "I prefer dark themes in every editor"


def test_a_comment_may_become_a_tentative_belief() -> None:
    """A comment that speaks of the user spawns an inferred, tentative belief, which is never served."""
    with open_world() as world:
        outcome = world.ada.signal("rating", 1, text=COMMENT, id="s0")
        (spawned,) = outcome.spawned
        assert ("inferred", "tentative", ("s0",)) == (spawned.source, spawned.standing, spawned.spawned_from)
        plan = world.ada.personalize(COMMENT)
        assert ((), ["tentative"]) == (plan.used, [choice.reason for choice in plan.withheld])


TWICE, AGAIN = "I like tea. I really do like tea.", "I really do like tea."


@pytest.mark.parametrize("kind", ["statement", "rating"])
@pytest.mark.parametrize("text", [TWICE, "I like tea. i like tea!"])
def test_what_one_text_says_twice_is_one_belief(kind: str, text: str) -> None:
    """The second part restates what the first one made; the signal is evidence once, and takes the belief with it."""
    with open_world(script={(AGAIN, "I like tea."): EQUIVALENT}) as world:
        outcome = world.ada.signal(kind, 1 if kind == "rating" else None, text=text, id="s0")
        assert ["I like tea."] == [belief.statement for belief in outcome.spawned]
        belief = only(world)
        assert ["s0"] == [revision.cause_id for revision in world.ada.revisions(belief.id)]
        assert 1 == len(world.ada.explain(belief.id).contributions)
        world.ada.retract("s0")
        assert "retired" == only(world).standing
        assert world.graph.verify().ok


def test_what_one_text_says_twice_restates_once() -> None:
    """A belief that two parts of one text restate gets one item and one revision, as if one did."""
    with open_world(
        script={(AGAIN, "likes tea"): EQUIVALENT, ("I like tea.", "likes tea"): EQUIVALENT}
    ) as world:
        world.ada.believe("likes tea", confidence=0.6, id="b0")
        world.clock.pass_time(days=1)
        outcome = world.ada.signal("statement", text=TWICE)
        assert ["restated"] == [revision.reason for revision in outcome.revisions]
        assert "b0" == only(world).id


def test_a_comment_on_this_answer_is_no_belief() -> None:
    """A comment about this answer, a question or thanks spawn nothing."""
    with open_world() as world:
        for text in ("There is no example in it", "thanks", "Is that what I asked for?"):
            assert () == world.ada.signal("rating", -1, text=text).spawned
        assert [] == list(world.ada.beliefs())


def test_a_comment_grows_out_of_what_it_is_about() -> None:
    """A comment that refines a belief grows out of it."""
    with open_world(script={(COMMENT, "likes dark themes"): ENTAILS}) as world:
        world.ada.believe("likes dark themes", id="b0")
        (spawned,) = world.ada.signal("rating", 1, text=COMMENT, id="s0").spawned
        assert ("b0", "s0") == spawned.spawned_from


@pytest.mark.parametrize("second", ["comment", "statement", "believe", "confirm"])
def test_seen_twice_or_confirmed_opens(second: str) -> None:
    """A tentative belief opens when it is seen in a second place, stated or confirmed."""
    with open_world(script={(COMMENT.upper(), COMMENT): EQUIVALENT}) as world:
        (spawned,) = world.ada.signal("rating", 1, text=COMMENT).spawned
        world.clock.pass_time(days=1)
        if second == "comment":
            world.ada.signal("rating", 1, text=COMMENT.upper())
        elif second == "statement":
            world.ada.signal("statement", text=COMMENT)
        elif second == "believe":
            world.ada.believe(COMMENT, source="imported")
        else:
            world.ada.signal("confirm", belief=spawned.id)
        assert (spawned.id, "held") == (only(world).id, only(world).standing)


def test_a_comment_repeated_on_one_response_is_seen_once() -> None:
    """What is said again about the response that a tentative belief came from is recorded, and opens nothing."""
    with open_world() as world:
        world.ada.respond("a dark editor", beliefs=[], id="r0")
        world.ada.respond("a light editor", beliefs=[], id="r1")
        world.ada.signal("rating", 1, response="r0", text=COMMENT, id="s0")
        world.ada.signal("rating", 1, response="r0", text=COMMENT, id="s1")
        world.ada.signal("regenerate", response="r0", text=COMMENT, id="s2")
        assert "tentative" == only(world).standing
        causes = [revision.cause_id for revision in world.ada.revisions(only(world).id)]
        assert ["s0", "s1", "s2"] == causes
        world.ada.signal("rating", 1, response="r1", text=COMMENT, id="s3")
        assert "held" == only(world).standing


@pytest.mark.parametrize(
    ("response_of", "gone", "standing"),
    [
        (("r0", "r0", "r1"), "s2", "tentative"),
        (("r0", "r0", "r1"), "s1", "held"),
        (("r0", "r0", "r1"), "s0", "held"),
        (("r0", "r1", "r1"), "s0", "tentative"),
        (("r0", "r1", "r0"), "s1", "tentative"),
        (("r0", "r1", None), "s1", "held"),
        ((None, "r1", "r1"), "s0", "tentative"),
        ((None, None, "r1"), "s2", "held"),
    ],
)
def test_a_retraction_leaves_the_places_where_else_it_was_seen(
    response_of: tuple[str | None, ...], gone: str, standing: str
) -> None:
    """Without a signal a belief is tentative or not as if it had never come; what comes then counts alike."""
    with open_world() as world:
        for name in ("r0", "r1"):
            world.ada.respond(f"the editor {name}", beliefs=[], id=name)
        for place, response in enumerate(response_of):
            world.ada.signal("rating", 1, response=response, text=COMMENT, id=f"s{place}")
        assert "held" == only(world).standing
        world.ada.retract(gone)
        assert standing == only(world).standing
        left = {each for place, each in enumerate(response_of) if gone != f"s{place}"}
        world.ada.signal("regenerate", response="r1", text=COMMENT)
        assert ("tentative" if left == {"r1"} else "held") == only(world).standing
        world.graph._pipeline.parameters = parameters_with(version="other", memory__nats=5.0)
        before = only(world).standing
        world.graph.reinterpret()
        assert before == only(world).standing
        assert world.graph.verify().ok


def test_a_denied_tentative_belief_stays_tentative() -> None:
    """A denial does not open what is tentative."""
    with open_world() as world:
        (spawned,) = world.ada.signal("rating", 1, text=COMMENT).spawned
        world.ada.signal("deny", belief=spawned.id)
        belief = world.ada.belief(spawned.id)
        assert ("tentative", True) == (belief.standing, belief.confidence < 0.5)


@pytest.mark.parametrize("source", ["stated", "corrected"])
def test_her_word_brings_back_what_was_retired(source: Any) -> None:
    """What was retired comes back when she says it again, and not when an import does."""
    with open_world() as world:
        world.ada.believe("likes tea", id="b0")
        world.ada.amend("b0", retired=True)
        world.clock.pass_time(days=1)
        assert "retired" == world.ada.believe("likes tea", source="imported").standing
        assert "held" == world.ada.believe("likes tea", source=source).standing


def test_scoped_opposites_do_not_conflict() -> None:
    """Statements in contexts that cannot hold at once contradict nothing."""
    with open_world(script={("wants short answers", "wants long answers"): CONTRADICTION}) as world:
        world.ada.believe("wants long answers", id="b0", context={"place": "office"})
        world.ada.believe("wants short answers", id="b1", context={"place": "home"})
        assert [] == world.ada.conflicts()
        world.ada.believe("wants short answers", id="b2", context={"day": "sunday"})
        assert [("b0", "b2")] == [conflict.beliefs for conflict in world.ada.conflicts()]


def test_times_of_evidence() -> None:
    """What is said of the past is aged from then: late news is old news."""
    with open_world() as world:
        late = world.ada.believe("is tired", kind="state", confidence=0.9, at=START - timedelta(days=2))
        assert pytest.approx(0.75) == late.confidence
        assert START - timedelta(days=2) == late.created_at
        assert START == late.revised_at


def test_a_belief_made_by_a_signal_never_takes_an_id_that_is_taken() -> None:
    """The caller may have used any id: each part of a text, and an answer's statement, gets one that is free."""
    said, bank = "I live in Oslo. I work with Rust.", load_bank()
    name, question = next(iter(bank.questions.items()))
    answer = next(iter(question.answers))
    told = bank.beliefs[next(iter(question.answers[answer].speaks))].statement
    asked_id = SignalId(derived_id("s", "onboarding", name, "0"))
    with open_world() as world:
        taken = [
            spawned_id(SignalId("s1")),
            spawned_id(SignalId("s1"), "1"),
            spawned_id(SignalId("s1"), "taken 1"),
            spawned_id(asked_id, normal_form(told)),
        ]
        for number, id in enumerate(taken):
            world.ada.believe(f"collects stamps of year {number}", id=id)
        parts = world.ada.signal("statement", text=said, id="s1").spawned
        assert ["I live in Oslo", "I work with Rust"] == [belief.statement.rstrip(".") for belief in parts]
        (outcome,) = world.ada.onboard({name: answer}).outcomes
        born = [belief.id for belief in (*parts, *outcome.spawned)]
        assert len(born) == len(set(born) - set(taken))
        assert outcome == world.ada.signal_record(outcome.signal.id)
        assert world.graph.verify().ok
