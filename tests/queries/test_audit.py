"""The audit of a store: each way in which a signal stops, made by really doing it, and sums that add up."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph import Audit, GeneratedBy
from beliefgraph.cli.console import to_json
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.queries.audit import Stopped
from beliefgraph.queries.funnels import Funnel
from tests.embedders import CONTRADICTION
from tests.worlds import START, Step, World, histories, open_world, parameters_with, play


@pytest.fixture
def world() -> Iterator[World]:
    with open_world() as opened:
        yield opened


def _fates(world: World) -> dict[str, str | None]:
    """Return what became of each signal: why it stopped, or None."""
    stopped: list[Stopped] = []
    world.graph.audit(user="ada", on_stopped=stopped.append)
    reasons = {each.signal: each.reason for each in stopped}
    return {signal.id: reasons.get(signal.id) for signal in world.ada.signals(limit=1000)}


def _answer(world: World, id: str = "r0", **beliefs: float) -> None:
    """Record an answer that rests on beliefs of these confidences, by statement."""
    for name, confidence in beliefs.items():
        world.ada.believe(f"likes {name}", id=name, confidence=confidence)
    world.ada.respond("an answer", beliefs=list(beliefs), id=id)


# Each reason


def test_what_moves_a_belief_closes_the_loop(world: World) -> None:
    """A thumbs-down on a response that rests on one belief moves it; a later response on that belief uses it."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", id="s0")
    assert (1, 1, 1, 1, 0) == _steps(world.graph.audit().total)
    world.ada.respond("another", id="r1")
    assert 0 == world.graph.audit().total.used
    world.ada.respond("a third", beliefs=["tea"], id="r2")
    assert (1, 1, 1, 1, 1) == _steps(world.graph.audit().total)
    assert 1.0 == world.graph.audit().total.closed


def test_what_stood_behind_an_earlier_response_alone_is_not_used(world: World) -> None:
    """The response that the signal is about came before it, and so did others."""
    _answer(world, tea=0.7)
    world.ada.respond("another", beliefs=["tea"], id="r1")
    world.ada.signal("rating", -1, response="r0", id="s0")
    assert (1, 0) == (world.graph.audit().total.moved, world.graph.audit().total.used)


def test_a_signal_about_nothing_is_lost(world: World) -> None:
    """A rating without a response and without a text that lasts leads nowhere."""
    world.ada.signal("rating", -1, id="s0")
    world.ada.signal("rating", -1, text="this is bad", id="s1")
    world.ada.signal("rating", -1, text="I always want metric units", id="s2")
    assert {"s0": "untraced", "s1": "untraced", "s2": None} == _fates(world)
    audit = world.graph.audit()
    assert (3, 1, 2) == (audit.total.received, audit.total.traced, audit.total.lost)
    assert not audit.ok


def test_a_response_without_beliefs_is_an_open_loop(world: World) -> None:
    """What the user does about it is traced to the response, and no further."""
    _answer(world)
    world.ada.signal("rating", 1, response="r0", id="s0")
    world.ada.signal("correction", response="r0", text="thanks", id="s1")
    assert {"s0": "no_beliefs_behind", "s1": "no_beliefs_behind"} == _fates(world)
    assert (2, 2, 0) == _steps(world.graph.audit().total)[:3]


def test_a_retracted_signal_reaches_nothing(world: World) -> None:
    """It was traced, but nothing of it stands; as of before, it had moved a belief."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", id="s0")
    world.ada.signal("rating", 1, id="s1")
    before = world.clock.now
    world.clock.pass_time(days=1)
    world.ada.retract("s0")
    world.ada.retract("s1")
    assert {"s0": "retracted", "s1": "retracted"} == _fates(world)
    assert (2, 1, 0) == _steps(world.graph.audit().total)[:3]
    assert world.graph.audit().ok
    assert {"untraced": 1} == world.graph.audit(as_of=before).total.reasons


def test_a_later_signal_of_that_kind_takes_the_place(world: World) -> None:
    """Of three ratings of one response one counts, in whatever order they come; another kind counts beside it."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", id="s0", at=START)
    late = world.clock.pass_time(minutes=5)
    world.ada.signal("rating", 1, response="r0", id="s2", at=late)
    world.ada.signal("rating", -0.5, response="r0", id="s1", at=START)
    world.ada.signal("accept", response="r0", id="s3")
    assert {"s0": "superseded", "s1": "superseded", "s2": None, "s3": None} == _fates(world)


def test_fifty_repeats_are_one_rating(world: World) -> None:
    """The last counts, with what the first moved, and its belief is used from the first on."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", id="s0")
    world.ada.respond("another", beliefs=["tea"], id="r1")
    for number in range(1, 50):
        world.ada.signal("rating", -1, response="r0", id=f"s{number}")
    audit = world.graph.audit()
    assert (1, 1, {"superseded": 49}) == (audit.total.moved, audit.total.used, audit.total.reasons)
    assert _fates(world)["s49"] is None


def test_a_rating_that_takes_another_back_moves_nothing_in_the_end(world: World) -> None:
    """Down, then a rating in the middle: what counts says nothing, and the belief is where it was."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", id="s0")
    world.ada.signal("rating", 0, response="r0", id="s1")
    assert {"s0": "superseded", "s1": "tells_little"} == _fates(world)


def test_when_the_later_one_is_retracted_the_earlier_counts_again(world: World) -> None:
    """The place is given back."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", id="s0")
    world.ada.signal("rating", 1, response="r0", id="s1")
    world.ada.retract("s1")
    assert {"s0": None, "s1": "retracted"} == _fates(world)


def test_what_a_retracted_signal_moved_is_not_that_of_the_next(world: World) -> None:
    """A rating in the middle after a retracted one says nothing; one that repeats it before the retraction does."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", id="s0")
    world.clock.pass_time(seconds=1)
    world.ada.retract("s0")
    world.clock.pass_time(seconds=1)
    world.ada.signal("rating", 0, response="r0", id="s1")
    _answer(world, "r1", coffee=0.7)
    world.ada.signal("rating", -1, response="r1", id="s2")
    world.ada.signal("rating", -1, response="r1", id="s3")
    world.clock.pass_time(seconds=1)
    world.ada.retract("s2")
    assert {"s0": "retracted", "s1": "tells_little", "s2": "retracted", "s3": None} == _fates(world)


def test_the_text_of_a_replaced_signal_stays(world: World) -> None:
    """The rating is replaced, but what its comment said became a belief."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0", text="I always want metric units", id="s0")
    world.ada.signal("rating", 1, response="r0", id="s1")
    assert {"s0": None, "s1": None} == _fates(world)


def test_of_words_about_a_belief_the_latest_counts(world: World) -> None:
    """A denial takes the place of a confirmation; what was stated anew and a person's edit do not."""
    world.ada.believe("likes tea", id="tea", confidence=0.6)
    world.ada.signal("confirm", belief="tea", id="s0")
    world.clock.pass_time(seconds=1)
    world.ada.signal("deny", belief="tea", id="s1")
    world.ada.signal("statement", text="likes tea", belief="tea", id="s2")
    world.ada.amend("tea", context={"place": "home"})
    fates = _fates(world)
    assert ["superseded", None, "saturated"] == [fates[name] for name in ("s0", "s1", "s2")]
    assert {None} == {fate for name, fate in fates.items() if name not in ("s0", "s1", "s2")}


def test_a_slip(world: World) -> None:
    """A thumb that was tapped by accident is heard as that, on a response and on a belief."""
    _answer(world, tea=0.9)
    world.ada.signal("rating", -1, response="r0", tags=["mistake"], id="s0")
    world.ada.signal("deny", belief="tea", tags=["mistake"], id="s1")
    assert "accident" == _fates(world)["s0"]
    assert world.graph.audit().ok


def test_the_form_of_an_answer(world: World) -> None:
    """A bad format says nothing of what is believed."""
    _answer(world, tea=0.95)
    world.ada.signal("rating", -1, response="r0", tags=["bad_format"], id="s0")
    assert {"s0": "form"} == _fates(world)


def test_something_else_in_the_answer(world: World) -> None:
    """An answer that hardly rests on a belief and is wrong on the facts says nothing of her."""
    world.ada.believe("likes tea", id="tea", confidence=0.9)
    edge = GeneratedBy(belief_id=BeliefId("tea"), weight=0.03)
    world.ada.respond("an answer", beliefs=[edge], id="r0")
    world.ada.signal("rating", -1, response="r0", tags=["inaccurate"], id="s0")
    assert {"s0": "other_fault"} == _fates(world)


def test_a_text_that_says_nothing_lasting(world: World) -> None:
    """It is traced if it is about something."""
    _answer(world, tea=0.7)
    world.ada.signal("statement", text="thanks", id="s0")
    world.ada.signal("statement", text="thanks", response="r0", id="s1")
    world.ada.signal("correction", text="thanks", id="s2")
    assert {"s0": "not_lasting", "s1": "not_lasting", "s2": "not_lasting"} == _fates(world)
    assert (3, 1, 0) == _steps(world.graph.audit().total)[:3]


def test_what_tells_little() -> None:
    """A rating in the middle, of an answer or of a belief, and a click that is as likely either way."""
    click = {"goodness": 1.0, "satisfied": 0.4, "dissatisfied": 0.4, "about": ["response"]}
    with open_world(parameters=parameters_with(signals__click=click)) as world:
        _answer(world, tea=0.7)
        world.ada.signal("stars", 3, response="r0", id="s0")
        world.ada.signal("click", response="r0", id="s1")
        world.ada.signal("rating", 0, belief="tea", id="s2")
        assert dict.fromkeys(("s0", "s1", "s2"), "tells_little") == _fates(world)


def test_a_kind_that_is_no_evidence() -> None:
    """Consent, a question that was skipped and a kind of one's own say nothing of a belief, and are not lost."""
    hover = {"about": ["response", "belief", "nothing"]}
    with open_world(parameters=parameters_with(signals__hover=hover)) as world:
        _answer(world, tea=0.7)
        world.ada.signal("hover", response="r0", id="s0")
        world.ada.signal("hover", belief="tea", id="s1")
        world.ada.signal("hover", id="s2")
        world.ada.signal("consent", 1, id="s3")
        world.ada.signal("onboarding", tags=["question:length"], id="s4")
        assert dict.fromkeys(("s0", "s1", "s2", "s3", "s4"), "no_evidence") == _fates(world)
        assert world.graph.audit().ok


def test_an_answer_to_a_question(world: World) -> None:
    """It reaches the model by the beliefs that it speaks for."""
    world.ada.onboard({"length": "short"})
    assert {None} == set(_fates(world).values())


def test_what_is_shared_among_many_beliefs(world: World) -> None:
    """Forty beliefs behind one answer: none of them moves; one alone would have."""
    _answer(world, "r0", **{f"taste{number}": 0.8 for number in range(40)})
    world.ada.signal("rating", -1, response="r0", id="s0")
    _answer(world, "r1", tea=0.8)
    world.ada.signal("rating", -1, response="r1", id="s1")
    assert {"s0": "spread", "s1": None} == _fates(world)
    assert (2, 2, 2, 1) == _steps(world.graph.audit().total)[:4]


def test_what_we_were_as_sure_of_already(world: World) -> None:
    """A thumbs-up for a belief that is certain, and the same said again."""
    _answer(world, tea=0.998)
    world.ada.signal("rating", 1, response="r0", id="s0")
    world.ada.believe("i always like cake", id="cake", confidence=0.9)
    world.ada.signal("statement", text="I always like cake", id="s1")
    assert {"s0": "saturated", "s1": "saturated"} == _fates(world)
    assert 2 == world.graph.audit().total.interpreted


def test_a_neighbour_in_conflict_is_no_reach_of_its_own(world: World) -> None:
    """What follows for a rival does not keep a replaced signal standing."""
    with open_world(script={("likes tea", "hates tea"): CONTRADICTION}) as other:
        other.ada.believe("hates tea", id="rival", confidence=0.6)
        _answer(other, tea=0.6)
        other.ada.signal("rating", -1, response="r0", id="s0")
        assert {"rival", "tea"} == {
            each.belief_id for each in other.ada.signal_record("s0").interpretation.effects
        }
        other.ada.signal("rating", 1, response="r0", id="s1")
        assert {"s0": "superseded", "s1": None} == _fates(other)


# Sources, periods, users


def test_a_source_is_what_the_caller_names(world: World) -> None:
    """The signal's context comes first, then the response's attributes; the name is the caller's to choose."""
    world.ada.believe("likes tea", id="tea")
    world.ada.respond("a", beliefs=["tea"], id="r0", attributes={"source": "chat", "model": 4, "list": [1]})
    world.ada.signal("rating", 1, response="r0", context={"source": "email"})
    world.ada.signal("accept", response="r0")
    world.ada.signal("copy")
    assert {"(unnamed)": 1, "chat": 1, "email": 1} == _received(world.graph.audit().sources)
    assert {"(unnamed)": 1, "4": 2} == _received(world.graph.audit(source="model").sources)
    assert {"(unnamed)": 3} == _received(world.graph.audit(source="list").sources)
    flows = world.graph.audit().flows
    assert {"rating": {"email": 1}, "accept": {"chat": 1}, "copy": {"(unnamed)": 1}} == {
        kind: _received(by_source) for kind, by_source in flows.items()
    }


def test_too_many_sources_are_counted_together(world: World) -> None:
    """A name of its own for each signal does not fill memory."""
    for number in range(250):
        world.ada.signal("rating", 1, context={"source": f"session {number}"})
    sources = world.graph.audit().sources
    assert (201, 50) == (len(sources), sources["(others)"].received)


def test_periods_go_by_when_the_user_did_it(world: World) -> None:
    """Days, weeks from Monday, months; `since` leaves out what is older."""
    for at in ("2026-02-01T00:00:00", "2026-02-02T00:00:00", "2026-02-27T12:00:00"):
        world.ada.signal("rating", 1, at=datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert {"2026-01-26": 1, "2026-02-02": 1, "2026-02-23": 1} == _received(world.graph.audit().periods)
    assert ["2026-02-01", "2026-02-02", "2026-02-27"] == list(world.graph.audit(per="day").periods)
    assert {"2026-02-01": 3} == _received(world.graph.audit(per="month").periods)
    since = datetime(2026, 2, 2, tzinfo=UTC)
    assert 2 == world.graph.audit(since=since).total.received


def test_one_user_or_all_of_the_tenant(world: World) -> None:
    """Users without signals do not count; examples name whose signal it is."""
    world.ada.signal("rating", 1)
    world.graph.user("bob").signal("rating", 1, id="s1")
    world.graph.user("eve").believe("likes tea")
    assert (2, 2) == (world.graph.audit().users, world.graph.audit().total.received)
    one = world.graph.audit(user="bob")
    assert (1, [("bob", "s1")]) == (one.users, [(e.user, e.signal) for e in one.examples["untraced"]])
    assert 0 == world.graph.audit(user="nobody").total.received


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"user": "a b"}, "user"),
        ({"since": datetime(2026, 1, 1)}, "since"),  # noqa: DTZ001 - the fault
        ({"as_of": "yesterday"}, "as_of"),
        ({"per": "year"}, "per"),
        ({"source": ""}, "source"),
    ],
)
def test_wrong_wishes_are_named(world: World, given: dict[str, object], field: str) -> None:
    """Each names its field."""
    with pytest.raises(InvalidInputError) as raised:
        world.graph.audit(**given)  # type: ignore[arg-type]
    assert field == raised.value.field


# The whole


def test_the_audit_is_plain_json(world: World) -> None:
    """Nothing but numbers, texts and mappings; reading it aloud needs nothing else."""
    _answer(world, tea=0.7)
    world.ada.signal("rating", -1, response="r0")
    world.ada.signal("rating", -1)
    audit = world.graph.audit()
    assert json.loads(json.dumps(to_json(audit))) == to_json(audit)
    assert "closed for 1 of 2 signals (50 %)" in str(audit)
    assert "No signal was received." == str(world.graph.audit(user="bob"))


@settings(max_examples=60)
@given(histories(most=20), st.sampled_from(["day", "week", "month"]))
def test_counts_add_up(steps: list[Step], per: str) -> None:
    """Every signal has one fate: in each group, received is moved and the reasons together, and no step gains any."""
    with open_world() as world:
        play(world, steps)
        audit = world.graph.audit(per=per)  # type: ignore[arg-type]
        held = len(world.ada.signals(limit=1000))
        assert held == audit.total.received
        _check_adds_up(audit)


def _check_adds_up(audit: Audit) -> None:
    flows = [funnel for by_source in audit.flows.values() for funnel in by_source.values()]
    for groups in (audit.kinds.values(), audit.sources.values(), audit.periods.values(), flows):
        for funnel in (audit.total, *groups):
            assert funnel.received == funnel.moved + sum(funnel.reasons.values())
            assert sorted(_steps(funnel), reverse=True) == list(_steps(funnel))
            assert funnel.lost <= funnel.received - funnel.moved
        for step in ("received", "traced", "interpreted", "moved", "used", "lost"):
            assert getattr(audit.total, step) == sum(getattr(funnel, step) for funnel in groups)


def _steps(funnel: Funnel) -> tuple[int, ...]:
    return (funnel.received, funnel.traced, funnel.interpreted, funnel.moved, funnel.used)


def _received(funnels: Mapping[str, Funnel]) -> dict[str, int]:
    return {name: funnel.received for name, funnel in funnels.items()}
