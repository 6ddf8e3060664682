"""Relations between texts: what the embedding relater dares to claim, phrases, and what is worth believing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph.graph.ids import BeliefId
from beliefgraph.ingest.parameters import ChangedParameters
from beliefgraph.ingest.relate import (
    MOST_LEAD,
    EmbeddingRelater,
    Likeness,
    Relation,
    RelationBook,
    UnrelatedPairs,
    about,
    cue_tags,
    excepted,
    leads,
    makes_exception,
    refined,
    restated,
    says_change,
    takes_back,
)
from tests.embedders import CONTRADICTION, ENTAILS, EQUIVALENT, NEUTRAL, ScriptedRelater, WordEmbedder
from tests.worlds import PARAMETERS, open_world

LIMITS = PARAMETERS.text
RELATER = EmbeddingRelater(WordEmbedder())


def relation(first: str, second: str) -> Relation:
    """Relate two texts by embedding."""
    return RELATER.relate([(first, second)])[0]


def test_the_same_text_is_equivalent() -> None:
    """Texts of one normal form are the same, whatever their case, width and closing point."""
    assert relation("Likes tea.", "  likes   TEA").equivalent > 0.95
    assert relation("likes tea of the finest sort", "likes tea of the sort finest").equivalent > 0.7


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("likes tea with milk", "does not likes tea with milk"),
        ("likes tea with milk", "never likes tea with milk"),
        ("likes tea with milk", "likes tea without with milk"),
        ("wants 3 examples each time", "wants 5 examples each time"),
        ("wants 3 examples each time", "wants examples each time"),
        ("doesn’t want tea with milk", "want tea with milk"),
    ],
)
def test_guards(first: str, second: str) -> None:
    """Unequal negation or unequal numbers are never called equivalent, however near the words."""
    assert Relation(0.0, 0.0, 0.0, 1.0) == relation(first, second)


def test_equal_guards_do_not_forbid() -> None:
    """Two negations, or the same numbers, on both sides are no obstacle."""
    assert relation("never drinks 2 teas a day", "drinks never 2 teas a day").equivalent > 0.7


@settings(max_examples=40)
@given(st.text(max_size=30), st.text(max_size=30))
def test_relations_are_probabilities(first: str, second: str) -> None:
    """Whatever the texts, four probabilities that sum to 1, the same both ways, and no contradiction is claimed."""
    found = relation(first or "x", second or "x")
    parts = (found.equivalent, found.entails, found.contradiction, found.neutral)
    assert pytest.approx(1.0) == sum(parts)
    assert all(0 <= part <= 1 for part in parts)
    assert 0.0 == found.contradiction
    assert found == relation(second or "x", first or "x")


def test_the_relater_is_pluggable() -> None:
    """`relate` and `relate_many` ask the relater that was given, in order."""
    with open_world(script={("a", "b"): CONTRADICTION}) as world:
        assert CONTRADICTION == world.graph.relate("a", "b")
        assert [NEUTRAL, CONTRADICTION, EQUIVALENT] == world.graph.relate_many(
            [("b", "a"), ("a", "b"), ("A", "a")]
        )


def test_the_book_names_what_is_missing() -> None:
    """A pair that was not related beforehand is named, not guessed; what is added is found."""
    book = RelationBook(ScriptedRelater({("a", "b"): ENTAILS}))
    with pytest.raises(UnrelatedPairs) as caught:
        book.look_up([("a", "b"), ("c", "d")])
    assert [("a", "b"), ("c", "d")] == caught.value.pairs
    book.add(caught.value.pairs)
    assert [NEUTRAL, ENTAILS] == book.look_up([("c", "d"), ("a", "b")])


def test_no_relater_is_asked_about_a_text_and_itself() -> None:
    """Texts of one normal form are equivalent, whatever a relater would say of them."""
    (same,) = RelationBook(ScriptedRelater()).look_up([("Likes tea.", "likes  tea")])
    assert same.equivalent > LIMITS.restates


def _like(name: str, cosine: float, found: Relation) -> Likeness:
    return Likeness(belief_id=BeliefId(name), cosine=cosine, relation=found)


def test_what_a_text_is_about() -> None:
    """About a belief: by cosine, one half at the threshold, and sure where the relater sees a relation."""
    assert pytest.approx(0.5) == about(_like("b", LIMITS.about_cosine, NEUTRAL), LIMITS)
    rising = [about(_like("b", cosine, NEUTRAL), LIMITS) for cosine in np.linspace(0, 1, 9)]
    assert sorted(rising) == rising
    assert about(_like("b", 0.26, CONTRADICTION), LIMITS) > 0.9


def test_the_surest_restatement_and_refinement() -> None:
    """Of several beliefs restated or refined for certain, the surest is taken; below the threshold none."""
    sure, surer = Relation(0.85, 0.0, 0.0, 0.15), Relation(0.9, 0.0, 0.0, 0.1)
    found = restated([_like("a", 0.9, sure), _like("b", 0.5, surer), _like("c", 0.99, NEUTRAL)], LIMITS)
    assert found is not None and "b" == found.belief_id
    assert restated([_like("a", 0.9, Relation(0.79, 0.0, 0.0, 0.21))], LIMITS) is None
    finer = refined([_like("a", 0.9, ENTAILS), _like("b", 0.9, EQUIVALENT)], LIMITS)
    assert finer is not None and "a" == finer.belief_id
    assert refined([_like("b", 0.9, EQUIVALENT)], LIMITS) is None


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("There is no example in it", ["ignored_preference"]),
        ("there’s no example", ["ignored_preference"]),
        ("THIS IS   TOO LONG", ["too_long"]),
        ("too long and rude", ["too_long", "wrong_tone"]),
        ("tapped by accident", ["mistake"]),
        ("please stop, I don't want this", ["unwanted"]),
        ("thanks, perfect", []),
        ("nonstop fun", []),
        ("no, tea", []),
    ],
)
def test_phrases_stand_for_tags(text: str, tags: list[str]) -> None:
    """Phrases are found as whole words, in any case, width of space and apostrophe."""
    assert tags == cue_tags(text, LIMITS.cues)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("I don't eat meat any more", True),
        ("From now on answer in German", True),
        ("ACTUALLY,  I'd rather walk", True),
        ("I've switched to tea", True),
        ("I still like tea these days", False),
        ("I know a nowhere man", False),
        ("I live in Oslo", False),
        ("These things and days", False),
    ],
)
def test_texts_that_say_that_something_changed(text: str, changed: bool) -> None:
    """A phrase of change counts as whole words, in any case and width of space."""
    assert changed == says_change(text, LIMITS)


def _against(belief_id: str, probability: float) -> Likeness:
    rest = 1.0 - probability
    return _like(belief_id, 0.6, Relation(rest / 4, rest / 4, probability, rest / 2, rest / 8))


WEIGHTS = ChangedParameters(log_odds=1.0, share=2.0, rest=0.25, intercept=-1.0)


def test_a_change_takes_back_the_likeliest() -> None:
    """A logistic regression on the odds and on their share: near beliefs compete, and none becomes less likely."""
    before = [_against("a", 0.5), _against("b", 0.2), _against("c", 0.0)]
    first = 1.0 / (1.0 + math.exp(-(2.0 * 1.0 / 1.5 - 1.0)))  # odds 1 and ¼, and ¼ that none is taken back
    after = [found.relation.contradiction for found in takes_back(before, WEIGHTS)]
    assert pytest.approx([first, 0.2, 0.0], abs=1e-6) == after
    alone = takes_back([_against("b", 0.2)], WEIGHTS)[0].relation
    assert pytest.approx(0.2) == alone.contradiction  # ln ¼ + 2·½ − 1 is ln ¼: as likely as before
    relation = takes_back(before, WEIGHTS)[0].relation
    assert pytest.approx(1.0) == (
        relation.equivalent + relation.entails + relation.contradiction + relation.neutral
    )
    assert (
        pytest.approx(0.125 * (1.0 - first) / 0.5) == relation.equivalent
    )  # the others keep their proportions


@given(st.lists(st.floats(0.0, 1.0), max_size=8))
def test_a_change_takes_nothing_away(probabilities: list[float]) -> None:
    """Whatever is near: probabilities stay probabilities, and no contradiction is less likely than before."""
    before = [_against(f"b{place}", each) for place, each in enumerate(probabilities)]
    for old, new in zip(before, takes_back(before, LIMITS.changed), strict=True):
        assert old.relation.contradiction <= new.relation.contradiction <= 1.0
        parts = (new.relation.equivalent, new.relation.entails, new.relation.neutral, new.relation.entailed)
        assert all(0.0 <= part <= 1.0 for part in parts)


def test_only_the_nearest_leads() -> None:
    """The lead is over the nearest other belief, at most so large; a lone one leads the least cosine."""
    assert pytest.approx([0.05, -0.05, -0.3]) == leads([0.6, 0.55, 0.3], 0.25)
    assert [MOST_LEAD] == leads([0.6], 0.25)
    assert pytest.approx([0.02]) == leads([0.27], 0.25)
    assert pytest.approx([0.0, 0.0]) == leads([0.6, 0.6], 0.25)
    assert [] == leads([], 0.25)


@given(st.lists(st.floats(0.25, 1.0), min_size=1, max_size=8), st.floats(0.0, 0.25))
def test_leads_follow_the_order_of_cosines(cosines: list[float], least: float) -> None:
    """A nearer belief never leads by less, and at most one leads at all."""
    found = leads(cosines, least)
    ordered = [lead for _, lead in sorted(zip(cosines, found, strict=True))]
    assert ordered == sorted(ordered)
    assert sum(lead > 0.0 for lead in found) <= 1


@pytest.mark.parametrize(
    ("text", "statement", "excepts"),
    [
        ("On holiday I don't answer email", "I answer email within the hour", True),
        ("when it's sunny I walk", "I take the bus", True),
        ("On weekdays I drink coffee now", "I drink tea", False),  # a change, not an exception
        ("At work I drink coffee", "I drink tea at work", False),  # the belief names circumstances itself
        ("I don't answer email on holiday", "I answer email within the hour", False),  # only as it begins
        ("Onions disagree with me", "I eat onions", False),
    ],
)
def test_what_makes_an_exception(text: str, statement: str, excepts: bool) -> None:
    """Circumstances at the beginning of a text, against a belief that names none, without a word of change."""
    assert excepts == makes_exception(text, statement, LIMITS)


def test_an_exception_contradicts_less() -> None:
    """The odds of a contradiction are divided by the ratio; what is lost of it is neutral. Others keep theirs."""
    before = _against("a", 0.5)
    after = excepted("On holiday I don't", "I do", before, LIMITS).relation
    assert pytest.approx(1.0 / (1.0 + LIMITS.excepted_ratio)) == after.contradiction
    assert pytest.approx(0.5 - after.contradiction) == after.neutral - before.relation.neutral
    assert before == excepted("I don't", "I do", before, LIMITS)
