"""Signals end to end: every kind and tag of the interface does something sensible, every wrong one is refused."""

import math
from datetime import timedelta
from typing import Any

import pytest

from beliefgraph import GeneratedBy, InvalidInputError, Outcome, UnknownSignalKindError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.sqlite.store import SqliteStore
from tests.embedders import EQUIVALENT
from tests.ingest.test_parameters import KINDS, TAGS
from tests.worlds import PARAMETERS, World, open_world

GOOD: list[tuple[str, Any]] = [
    ("rating", 1), ("rating", True), ("rating", "positive"), ("rating", 0.4), ("stars", 5), ("stars", 4), ("answer", 1),
    ("accept", None), ("copy", None), ("save", None), ("share", None), ("click", None), ("dwell", 200), ("edit", 0.0),
]  # fmt: skip
BAD: list[tuple[str, Any]] = [
    ("rating", -1), ("rating", False), ("rating", "negative"), ("rating", -0.4), ("stars", 1), ("stars", 2),
    ("answer", 0), ("dwell", 1), ("edit", 0.8), ("regenerate", None), ("abandon", None), ("ignore", None),
]  # fmt: skip


def prepare(world: World, **edge: float) -> None:
    """Hold two beliefs and record a response that rests on the first."""
    world.ada.believe("wants examples", id="b0", confidence=0.7)
    world.ada.believe("is vegetarian", id="b1", confidence=0.7)
    world.ada.respond("an answer", beliefs=[GeneratedBy(belief_id=BeliefId("b0"), **edge)], id="r0")


def sent(kind: str, value: Any = None, **given: Any) -> tuple[Outcome, float]:
    """Send one signal in a fresh world; return its outcome and how far the belief moved."""
    with open_world() as world:
        prepare(world)
        outcome = world.ada.signal(kind, value, **given)
        return outcome, world.ada.belief("b0").confidence - 0.7


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_good_signals_reinforce(kind: str, value: Any) -> None:
    """A good sign about a response speaks for the belief behind it, and for no other."""
    outcome, delta = sent(kind, value, response="r0")
    assert delta > 0
    assert [("b0", "satisfied")] == [
        (e.belief_id, e.reason) for e in outcome.interpretation.effects
    ] or delta < 0.01
    assert pytest.approx(delta) == outcome.interpretation.delta
    assert outcome.interpretation.action == ("reinforce" if delta >= 0.005 else "hold")


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_bad_signals_reduce(kind: str, value: Any) -> None:
    """A bad sign about a response speaks against the belief behind it."""
    outcome, delta = sent(kind, value, response="r0")
    assert delta < 0
    assert outcome.interpretation.action in ("reduce", "hold", "contest")
    assert pytest.approx(1.0) == math.fsum(outcome.interpretation.causes.values())


def test_every_kind_of_the_interface_was_tried() -> None:
    """The kinds tried above, with those that speak of beliefs themselves, are all that the interface names."""
    spoken = {"correction", "statement", "confirm", "deny", "set"}
    assert set(KINDS) == {kind for kind, _ in (*GOOD, *BAD)} | spoken


def test_neutral_values_move_nothing() -> None:
    """Three stars, a rating of 0, a dwell of twelve seconds and an edit of 15 % are no evidence."""
    for kind, value in (("stars", 3), ("rating", 0), ("dwell", 12), ("edit", 0.15)):
        assert pytest.approx(0.0, abs=1e-9) == sent(kind, value, response="r0")[1]


@pytest.mark.parametrize("tag", TAGS)
def test_tags_are_evidence_about_the_cause(tag: str) -> None:
    """Each tag makes the cause it stands for likelier than without, and takes from the belief what it explains."""
    plain, without = sent("rating", -1, response="r0")
    outcome, delta = sent("rating", -1, response="r0", tags=[tag])
    before, after = plain.interpretation.causes, outcome.interpretation.causes
    pointed: dict[str, Any] = {
        "inaccurate": "other_fault", "not_what_i_asked": "other_fault", "outdated": "other_fault",
        "ignored_preference": "response_missed", "mistake": "accident",
        **dict.fromkeys(("too_long", "too_short", "too_general", "bad_format", "wrong_tone"), "form"),
    }  # fmt: skip
    assert before[pointed[tag]] < after[pointed[tag]]
    assert (without < delta) == (PARAMETERS.tags[tag].wrong <= 1.0 or tag in ("not_what_i_asked", "outdated"))
    assert pytest.approx(1.0) == math.fsum(after.values())


def test_an_ignored_preference_speaks_for_the_belief() -> None:
    """A dislike because a preference was ignored is evidence that it is one; `unwanted` that it is none."""
    with open_world() as world:
        prepare(world, adherence=0.3)
        outcome = world.ada.signal("rating", -1, response="r0", tags=["ignored_preference"])
        assert ("reinforce", "response_missed") == (
            outcome.interpretation.action,
            outcome.interpretation.reason,
        )
    assert sent("rating", -1, response="r0", tags=["unwanted"])[1] < sent("rating", -1, response="r0")[1]


def test_accidents() -> None:
    """A phone and the tag `mistake` raise P(accident), and lower what the signal weighs."""
    plain, without = sent("rating", -1, response="r0")
    mobile, on_mobile = sent("rating", -1, response="r0", context={"device": "mobile"})
    mistake, by_mistake = sent("rating", -1, response="r0", tags=["mistake"])
    accident = [outcome.interpretation.causes["accident"] for outcome in (plain, mobile, mistake)]
    assert sorted(accident) == accident
    assert without < on_mobile < by_mistake < 0
    assert "accident" == mistake.interpretation.reason
    assert abs(by_mistake) < 0.02


def test_a_tagged_accident_takes_the_word_back_too() -> None:
    """`mistake` on a word about a belief itself leaves next to nothing of it."""
    with open_world() as world:
        prepare(world)
        outcome = world.ada.signal("deny", belief="b0", tags=["mistake"])
        assert abs(outcome.interpretation.delta) < 0.03
        assert pytest.approx(0.95) == outcome.interpretation.causes["accident"]


def test_words_about_a_belief() -> None:
    """Confirming and denying weigh what the parameters say, a rating of the belief less; the last word counts."""
    with open_world() as world:
        prepare(world)
        confirmed = world.ada.signal("confirm", belief="b0")
        assert pytest.approx(PARAMETERS.words.confirm) == confirmed.revisions[0].nats
        world.clock.pass_time(seconds=1)
        denied = world.ada.signal("deny", belief="b0")
        assert pytest.approx(PARAMETERS.words.deny - PARAMETERS.words.confirm) == denied.revisions[0].nats
        assert {"belief_wrong": 1.0} == {k: v for k, v in denied.interpretation.causes.items() if v}
        world.clock.pass_time(seconds=1)
        rated = world.ada.signal("stars", 4, belief="b0")
        assert pytest.approx(0.5 * PARAMETERS.words.rating - PARAMETERS.words.deny) == rated.revisions[0].nats


def test_a_repeat_of_one_rating_is_one_rating() -> None:
    """Fifty equal ratings weigh as one; a changed one takes the old one back; other kinds add."""
    with open_world() as world:
        prepare(world)
        world.ada.signal("rating", -1, response="r0")
        once = world.ada.belief("b0").confidence
        for _ in range(50):
            world.clock.pass_time(seconds=1)
            world.ada.signal("rating", -1, response="r0")
        outcome = world.ada.signal_record(world.ada.signals()[0].id)
        assert pytest.approx(once, abs=1e-6) == world.ada.belief("b0").confidence
        assert [0.0] == [revision.nats for revision in outcome.revisions]
        world.clock.pass_time(seconds=1)
        world.ada.signal("rating", 1, response="r0")
        assert (
            pytest.approx(0.7 + sent("rating", 1, response="r0")[1], abs=1e-6)
            == world.ada.belief("b0").confidence
        )
        changed = world.ada.belief("b0").confidence
        world.ada.signal("accept", response="r0")
        assert changed < world.ada.belief("b0").confidence


def test_a_late_older_rating_does_not_replace_a_newer_one() -> None:
    """The latest by time of observation counts, whenever it arrives; evidence ages from the earliest counted."""
    with open_world() as world:
        prepare(world)
        world.ada.signal("rating", 1, response="r0")
        before = world.ada.belief("b0").confidence
        late = world.ada.signal("rating", -1, response="r0", at=world.clock.now - timedelta(days=2))
        assert before == world.ada.belief("b0").confidence
        assert ("satisfied" not in late.interpretation.reason, ()) == (True, late.revisions)
        world.ada.signal("accept", response="r0", at=world.clock.now - timedelta(days=200))
        (item,) = [c for c in world.ada.explain("b0").contributions if c.source == "response"]
        assert timedelta(days=200) == world.clock.now - item.observed_at


def test_what_waited_for_its_turn_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that waits while another is recorded comes after it, whatever their ids, not at the same moment."""
    with open_world() as world:
        prepare(world)
        write = SqliteStore.write

        def wait(*given: Any) -> Any:
            monkeypatch.setattr(SqliteStore, "write", write)
            world.clock.pass_time(seconds=1)
            world.ada.signal("rating", 1, response="r0", id="z")
            world.clock.pass_time(seconds=1)
            return write(*given)

        monkeypatch.setattr(SqliteStore, "write", wait)
        world.ada.signal("rating", -1, response="r0", id="a")
        z, a = sorted(world.ada.signals(), key=lambda signal: signal.seq)
        assert ["z", "a"] == [z.id, a.id]
        assert timedelta(seconds=1) == a.observed_at - z.observed_at == a.recorded_at - z.recorded_at
        assert world.ada.belief("b0").confidence < 0.7
        assert world.graph.verify().ok


def test_signals_about_nothing_and_about_responses_on_nothing() -> None:
    """Without beliefs behind it a signal is recorded and interpreted, and moves nothing."""
    with open_world() as world:
        world.ada.respond("an answer", id="r0")
        abouts: list[dict[str, Any]] = [{}, {"response": "r0"}]
        for given in abouts:
            outcome = world.ada.signal("rating", -1, **given)
            told = outcome.interpretation
            assert ("hold", 0.0, "no_belief", ()) == (told.action, told.delta, told.reason, told.effects)
            assert pytest.approx(1.0) == math.fsum(told.causes.values())
        assert 2 == len(world.ada.signals())


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("value", {"kind": "rating", "value": 1.01, "response": "r0"}),
    ("value", {"kind": "rating", "value": -1.01, "response": "r0"}),
    ("value", {"kind": "rating", "response": "r0"}),
    ("value", {"kind": "stars", "value": 0, "response": "r0"}),
    ("value", {"kind": "stars", "value": 5.1, "response": "r0"}),
    ("value", {"kind": "answer", "value": 0.5, "response": "r0"}),
    ("value", {"kind": "dwell", "value": -1, "response": "r0"}),
    ("value", {"kind": "edit", "value": 1.5, "response": "r0"}),
    ("value", {"kind": "accept", "value": 1, "response": "r0"}),
    ("value", {"kind": "confirm", "value": 1, "belief": "b0"}),
    ("value", {"kind": "set", "value": 0.9999, "belief": "b0"}),
    ("value", {"kind": "set", "value": True, "belief": "b0"}),
    ("value", {"kind": "set", "belief": "b0"}),
    ("kind", {"kind": "wink", "response": "r0"}),
    ("kind", {"kind": "", "response": "r0"}),
    ("tags", {"kind": "rating", "value": -1, "response": "r0", "tags": ["bad_smell"]}),
    ("tags", {"kind": "set", "belief": "b0", "tags": ["too_long"]}),
    ("tags", {"kind": "rating", "value": 1, "response": "r0", "tags": ["retired"]}),
    ("belief", {"kind": "accept", "belief": "b0"}),
    ("response", {"kind": "confirm", "response": "r0"}),
    ("response", {"kind": "set", "value": 0.5, "response": "r0"}),
    ("belief", {"kind": "deny"}),
    ("belief", {"kind": "rating", "value": 1, "response": "r0", "belief": "b0"}),
    ("text", {"kind": "correction", "response": "r0"}),
    ("text", {"kind": "statement"}),
]


@pytest.mark.parametrize(("field", "given"), WRONG, ids=str)
def test_wrong_signals_are_refused_by_field(field: str, given: dict[str, Any]) -> None:
    """Out of range, unknown, or about the wrong thing: refused by the field's name, with nothing written."""
    with open_world() as world:
        prepare(world)
        before = world.content()
        for dry_run in (False, True):
            with pytest.raises(InvalidInputError) as caught:
                world.ada.signal(**given, dry_run=dry_run)
            assert field == caught.value.field
        assert before == world.content()


def test_an_unknown_kind_is_its_own_error() -> None:
    """An unknown kind raises `UnknownSignalKindError`."""
    with open_world() as world, pytest.raises(UnknownSignalKindError):
        world.ada.signal("wink")


def test_text_counts_once() -> None:
    """A comment that restates the belief behind the response moves it through the cause only: one item, not two."""
    said = "more examples are wanted"
    with open_world(script={(said, "wants examples"): EQUIVALENT}) as world:
        world.ada.believe("wants examples", id="b0", confidence=0.7)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        plain = world.ada.signal("rating", -1, response="r0", dry_run=True)
        outcome = world.ada.signal("rating", -1, response="r0", text=said)
        assert 1 == len(outcome.revisions)
        assert (
            outcome.interpretation.causes["response_missed"] > plain.interpretation.causes["response_missed"]
        )
        (reading,) = outcome.interpretation.readings
        assert ("b0", EQUIVALENT.equivalent) == (reading.belief_id, reading.equivalent)
        slots = {revision.item.slot for revision in world.ada.revisions("b0") if revision.item}
        assert {"source:stated", "response"} == slots


def test_replies_are_what_was_recorded_after_replacement() -> None:
    """A second signal on a response weighs the first one's text as it was read then, without asking a model again."""
    with open_world() as world:
        prepare(world)
        world.ada.signal("rating", -1, response="r0", text="examples please")
        asked, calls = len(world.relater.asked), len(world.embedder.calls)
        world.clock.pass_time(days=1)
        world.ada.signal("accept", response="r0")
        assert (asked, calls) == (len(world.relater.asked), len(world.embedder.calls))
