"""The ten invariants of the design, each by at least one property or story that fails when the code breaks it."""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph import Belief, BeliefGraphError, DuplicateIdError, NotFoundError, SelfModel
from beliefgraph.graph.clock import to_us
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, fade, logit, read_state, to_confidence
from beliefgraph.graph.model import Revision
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.ingest.attribution import Premise, attribute
from beliefgraph.ingest.working import WorkingSet
from tests.embedders import CONTRADICTION, EQUIVALENT
from tests.worlds import (
    BELIEFS,
    PARAMETERS,
    SCRIPT,
    STATEMENTS,
    Step,
    World,
    file_content,
    histories,
    open_world,
    parameters_with,
    play,
    try_step,
)

FEW = settings(max_examples=18)


def current(model: SelfModel) -> dict[str, Belief]:
    """Return the user's beliefs by id."""
    return {belief.id: belief for belief in model.beliefs(limit=1000)}


# 1. A confidence is what folding the items gives


def folded_by_hand(revisions: Sequence[Revision], at: datetime) -> float:
    """Compute own log-odds from the items that the revisions leave, straight from the formula of the design."""
    items = {}
    for revision in revisions:
        if revision.item is not None:
            items[revision.item.slot, revision.item.id] = None if revision.removed else revision.item
    left = [item for item in items.values() if item is not None]
    state, at_us = revisions[-1].state, to_us(at)
    words: dict[str, Any] = {}
    for item in sorted((item for item in left if item.slot != RESPONSE), key=lambda item: item.order):
        words[item.slot] = item
    since = words["pin"].order if "pin" in words else (-(2**62), "")
    inferred = sorted((item for item in left if item.slot == RESPONSE), key=lambda item: item.order)
    terms = [(item, 1.0) for item in words.values() if item.order >= since]
    counting = [item for item in inferred if item.order >= since]
    shares = [
        1.0 / (1.0 + sum(abs(o.nats) for o in counting[:index] if _alike(o, item)) / state.session_nats)
        for index, item in enumerate(counting)
    ]
    weights: list[float] = []
    for index in range(len(counting)):
        later = zip(counting[index + 1 :], shares[index + 1 :], strict=True)
        crowding = sum(abs(other.nats * share + state.practice_nats) for other, share in later)
        weights.append(shares[index] * 2.0 ** (-crowding / state.memory_nats))
    practised = [
        replace(i, nats=i.nats + state.practice_nats / s) for i, s in zip(counting, shares, strict=True)
    ]
    terms += zip(practised, _kept(practised, weights, state), strict=True)
    newest_us = max([at_us, *(item.observed_us for item, _ in terms)])
    ages = ((item.nats * weight, newest_us - item.observed_us) for item, weight in terms)
    return float(state.base + sum(nats * fade(age_us, state.half_life_days) for nats, age_us in ages))


def _kept(items: Sequence[Item], weights: Sequence[float], state: BeliefState) -> list[float]:
    """Return the weights of inferred items, less for those before a turn: Page's statistic, written out."""
    ages = [items[-1].observed_us - item.observed_us for item in items]
    terms = [
        item.nats * weight * fade(age_us, state.half_life_days)
        for item, weight, age_us in zip(items, weights, ages, strict=True)
    ]
    kept = list(weights)
    for sign in (1.0, -1.0):
        runs = [sign * math.fsum(terms[start:]) for start in range(len(terms))]
        start = max(range(len(terms)), key=lambda place: (runs[place], place), default=0)
        before = math.exp(min(0.0, state.change_nats - runs[start])) if runs else 1.0
        kept = [weight * before if place < start else weight for place, weight in enumerate(kept)]
    return kept


def _alike(first: Any, second: Any) -> bool:
    return bool(
        first.observed_us // 86_400_000_000 == second.observed_us // 86_400_000_000
        and (first.nats > 0) == (second.nats > 0)
    )


@pytest.mark.parametrize(
    ("memory_nats", "change_nats", "practice_nats"), [(6.0, 2.0, 0.0), (1.5, 2.0, 0.4), (6.0, 0.1, 0.4)]
)
@FEW
@given(histories())
def test_a_confidence_is_the_fold_of_its_items(
    memory_nats: float, change_nats: float, practice_nats: float, steps: list[Step]
) -> None:
    """After any history every confidence is the ledger's formula applied to its items, and verify agrees."""
    parameters = parameters_with(
        memory__nats=memory_nats,
        memory__change_nats=change_nats,
        kinds__preference__practice_nats=practice_nats,
    )
    with open_world(script=SCRIPT, parameters=parameters) as world:
        play(world, steps)
        for belief in world.ada.beliefs(limit=1000):
            revisions = world.ada.revisions(belief.id)
            assert memory_nats == revisions[-1].state.memory_nats
            log_odds = folded_by_hand(revisions, world.clock.now) + revisions[-1].state.conflict
            assert pytest.approx(to_confidence(log_odds), abs=1e-9) == belief.confidence
        assert world.graph.verify().findings == ()


@FEW
@given(histories())
def test_each_response_is_one_item_computed_from_its_snapshot(steps: list[Step]) -> None:
    """A response moves only the beliefs behind it, by one item each, whatever was said about it and how often."""
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        behind = {
            str(r.id): {edge.belief_id for edge in r.generated_by} for r in world.ada.responses(limit=1000)
        }
        for belief in world.ada.beliefs(limit=1000):
            for revision in world.ada.revisions(belief.id):
                if revision.item is not None and revision.item.slot == RESPONSE:
                    assert belief.id in behind[revision.item.id]


@pytest.mark.parametrize("tags", [[], ["too_long"], ["ignored_preference", "wrong_tone"]], ids=str)
def test_an_item_is_a_pure_function_of_its_snapshot(tags: list[str]) -> None:
    """The item of a response follows from weights, adherence and confidences then, whatever happened in between."""
    said = [PARAMETERS.tags[tag] for tag in tags]
    wrong, missed = (math.prod(getattr(tag, name) for tag in said) for name in ("wrong", "missed"))
    premises = [
        Premise(weight=0.6, adherence=0.9, confidence=0.8, wrong_ratio=wrong, missed_ratio=missed),
        Premise(weight=0.4, adherence=0.2, confidence=0.3, wrong_ratio=wrong, missed_ratio=missed),
    ]
    expected = attribute(
        premises,
        [PARAMETERS.signal("rating").emission(-1.0, 1.0, None)],
        PARAMETERS.attribution.faults,
        form_ratio=math.prod(tag.form for tag in said),
        other_ratio=math.prod(tag.other for tag in said),
    ).nats
    for between in (False, True):
        with open_world() as world:
            world.ada.believe(STATEMENTS[0], id="b0", kind="fact", confidence=0.8)
            world.ada.believe(STATEMENTS[1], id="b1", kind="fact", confidence=0.3)
            edges = [("b0", 0.6, 0.9), ("b1", 0.4, 0.2)]
            play(world, [Step(do="respond", id="r0", wait=0.0, given={"edges": edges})])
            if between:
                world.ada.signal("deny", belief="b1")
                world.ada.amend("b0", confidence=0.2)
                world.clock.pass_time(days=1)
            world.ada.signal("rating", -1, response="r0", tags=tags)
            found = [
                revision.item.nats
                for name in ("b0", "b1")
                for revision in world.ada.revisions(name)
                if revision.item is not None and revision.item.slot == RESPONSE
            ]
            assert pytest.approx(list(expected), abs=1e-9) == found


def test_what_nobody_says_of_an_edge() -> None:
    """Without weights the beliefs behind a response share it equally; without adherence the default holds."""
    with open_world() as world:
        for index in range(4):
            world.ada.believe(STATEMENTS[index], id=f"b{index}")
        for count in (1, 2, 4):
            response = world.ada.respond("an answer", beliefs=[f"b{index}" for index in range(count)])
            default = PARAMETERS.attribution.adherence
            assert [(1 / count, default)] * count == [(e.weight, e.adherence) for e in response.generated_by]
        plan = world.ada.personalize("runnable examples documentation python answers preamble")
        assert len(plan.used) > 1
        response = world.ada.respond("an answer", beliefs=plan)
        assert [choice.weight for choice in plan.used] == [edge.weight for edge in response.generated_by]


def test_the_snapshot_is_the_confidence_when_the_response_was_recorded() -> None:
    """What was learned up to the response is in its snapshot, faded to then; what is learned after it is not."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", kind="state", confidence=0.9)
        world.clock.pass_time(days=2)
        then = world.ada.belief("b0").confidence
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("deny", belief="b0")
        (edge,) = world.ada.response("r0").generated_by
        assert edge.confidence_then is not None
        assert then == edge.confidence_then
        assert then < 0.8


def test_verify_never_reruns_a_model() -> None:
    """Verifying a store asks neither the embedder nor the relater."""
    with open_world(script=SCRIPT) as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.signal("statement", text=STATEMENTS[4])
        calls, asked = len(world.embedder.calls), len(world.relater.asked)
        assert world.graph.verify().ok
        assert (calls, asked) == (len(world.embedder.calls), len(world.relater.asked))


# 2. Revisions form a gapless chain


@FEW
@given(histories())
def test_revisions_are_a_gapless_chain(steps: list[Step]) -> None:
    """Each revision starts from what the last left, aged; numbers rise without repeats; time never goes back."""
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        numbers: list[int] = []
        everything: list[Revision] = []
        for belief in world.ada.beliefs(limit=1000):
            revisions = world.ada.revisions(belief.id)
            assert list(range(1, len(revisions) + 1)) == [revision.ordinal for revision in revisions]
            for earlier, later in itertools.pairwise(revisions):
                aged = read_state(earlier.state, to_us(later.recorded_at)).confidence
                assert pytest.approx(aged, abs=1e-12) == later.before
                assert earlier.seq < later.seq
            for revision in revisions:
                left = read_state(revision.state, to_us(revision.recorded_at)).confidence
                assert pytest.approx(left, abs=1e-12) == revision.after
            everything += revisions
        numbers = [revision.seq for revision in everything]
        numbers += [record.seq for record in world.ada.signals(limit=1000)]
        numbers += [record.seq for record in world.ada.responses(limit=1000)]
        assert sorted(set(numbers)) == sorted(numbers)
        everything.sort(key=lambda revision: revision.seq)
        times = [revision.recorded_at for revision in everything]
        assert sorted(times) == times


def test_recorded_time_never_goes_back() -> None:
    """A clock that is set back does not take the record back with it."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        first = world.clock.now
        world.clock.pass_time(days=-3)
        world.ada.signal("confirm", belief="b0")
        assert [first, first] == [revision.recorded_at for revision in world.ada.revisions("b0")]


@FEW
@given(histories(), st.data())
def test_records_are_append_only(steps: list[Step], data: st.DataObject) -> None:
    """What happens later leaves every earlier revision and response exactly as it was."""
    cut = data.draw(st.integers(1, len(steps)))
    with open_world(script=SCRIPT) as world:
        play(world, steps[:cut])
        before = world.content()
        play(world, steps[cut:])
        after = world.content()
    for table in ("revisions", "links", "responses", "generated_by"):
        assert set(before[table]) <= set(after[table])


# 3. A signal is applied once


@FEW
@given(histories())
def test_sending_everything_again_changes_nothing(steps: list[Step]) -> None:
    """Every event sent again, in order, leaves every row as it was."""
    with open_world(script=SCRIPT) as world:
        errors = play(world, steps)
        before = world.content()
        for step, error in zip(steps, errors, strict=True):
            if step.do != "restate" and error is None:
                again = replace(step, wait=0.0, given={k: v for k, v in step.given.items() if v is not None})
                assert _sent_again(world, again) is None
        assert before == world.content()


def _sent_again(world: World, step: Step) -> BeliefGraphError | None:
    """Send a step as a client that retries does: the same content, the time left out."""
    model, given_now = world.ada, dict(step.given)
    try:
        match step.do:
            case "believe":
                model.believe(given_now.pop("statement"), id=step.id, **given_now)
            case "signal":
                model.signal(given_now.pop("kind"), given_now.pop("value", None), id=step.id, **given_now)
            case _:
                return try_step(world, replace(step, late_days=0.0)) if step.do == "retract" else None
    except BeliefGraphError as error:
        return error
    return None


@FEW
@given(histories(), st.data())
def test_the_answer_to_a_repeat_is_the_first_answer(steps: list[Step], data: st.DataObject) -> None:
    """A signal that is sent again is answered with what it did the first time."""
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        name: dict[str, Any] = {
            "id": "last",
            "response": "r0",
            "text": data.draw(st.sampled_from(STATEMENTS)),
        }
        first = world.ada.signal("rating", -1, **name)
        world.clock.pass_time(days=1)
        play(world, [replace(step, id=f"x{step.id}") for step in steps[-2:] if step.do == "signal"])
        again = world.ada.signal("rating", -1, **name)
        assert first.signal == again.signal
        assert first.interpretation == again.interpretation
        assert first.revisions == again.revisions
        assert [belief.id for belief in first.spawned] == [belief.id for belief in again.spawned]


DIFFERENT: list[dict[str, Any]] = [
    {"kind": "stars", "value": 1},
    {"value": 1},
    {"text": "other words"},
    {"tags": ["too_short"]},
    {"tags": []},
    {"response": None},
    {"response": None, "belief": "b0"},
    {"context": {"device": "desk"}},
    {"at": datetime(2026, 2, 1, tzinfo=None).astimezone()},
]


@pytest.mark.parametrize("change", DIFFERENT, ids=str)
def test_an_id_with_other_content_is_refused(change: dict[str, Any]) -> None:
    """The same id with other content raises, and no row changes."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        first: dict[str, Any] = {
            "kind": "rating", "value": -1, "response": "r0", "text": "words", "tags": ["too_long"],
            "context": {"device": "mobile"}, "id": "s0",
        }  # fmt: skip
        world.ada.signal(**first)
        before = world.content()
        with pytest.raises(DuplicateIdError) as caught:
            world.ada.signal(**(first | change))
        assert "id" == caught.value.field
        assert before == world.content()


def test_a_belief_or_response_id_with_other_content_is_refused() -> None:
    """Ids of beliefs and responses are kept like those of signals."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.7, context={"place": "home"})
        world.ada.believe(STATEMENTS[1], id="b1")
        world.ada.respond("an answer", beliefs=["b0"], id="r0", attributes={"model": "m"})
        before = world.content()
        attempts: list[Callable[[], object]] = [
            lambda: world.ada.believe(STATEMENTS[1], id="b0"),
            lambda: world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8, context={"place": "home"}),
            lambda: world.ada.believe(STATEMENTS[0], id="b0", confidence=0.7),
            lambda: world.ada.believe(STATEMENTS[0], id="b0", kind="fact", context={"place": "home"}),
            lambda: world.ada.believe(STATEMENTS[0], id="b0", source="imported", context={"place": "home"}),
            lambda: world.ada.respond("another", beliefs=["b0"], id="r0", attributes={"model": "m"}),
            lambda: world.ada.respond("an answer", beliefs=["b1"], id="r0", attributes={"model": "m"}),
            lambda: world.ada.respond("an answer", beliefs=["b0", "b1"], id="r0", attributes={"model": "m"}),
            lambda: world.ada.respond("an answer", beliefs=["b0"], id="r0"),
        ]
        for attempt in attempts:
            with pytest.raises(DuplicateIdError):
                attempt()
        assert before == world.content()


# 4. All of one signal or nothing


class _TornError(RuntimeError):
    """Stands for a crash between reading and the end of writing."""


@pytest.mark.parametrize("moment", ["save", "_save_nodes", "_save_revisions", "_many"])
def test_a_failure_on_the_way_leaves_the_file_as_it_was(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails before the transaction ends, every row of the file is as before; the retry does all of it."""
    from beliefgraph.graph.sqlite import store

    place = tmp_path / "beliefs.db"
    with open_world(place, script=SCRIPT) as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        before = file_content(place)
        real = getattr(store._Transaction, moment)

        def torn(self: Any, *arguments: Any) -> Any:
            if moment == "_many" and arguments[0] != "revise belief":
                return real(self, *arguments)
            if moment != "save":
                real(self, *arguments)
            raise _TornError

        monkeypatch.setattr(store._Transaction, moment, torn)
        correction = {"response": "r0", "text": STATEMENTS[4], "id": "s0"}
        with pytest.raises(_TornError):
            world.ada.signal("correction", **correction)  # type: ignore[arg-type]
        assert before == file_content(place)
        monkeypatch.undo()
        outcome = world.ada.signal("correction", **correction)  # type: ignore[arg-type]
        assert 1 == len(outcome.spawned)
        assert {"superseded", "held"} == {belief.standing for belief in world.ada.beliefs()}
        assert world.graph.verify().ok


def test_models_run_outside_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text is embedded and no pair related while the user's lock is held."""
    inside: list[str] = []
    held = {"lock": False}
    with open_world(script=SCRIPT) as world:
        real_write, real_encode, real_relate = SqliteStore.write, world.embedder.encode, world.relater.relate

        def write(self: SqliteStore, scope: Any, work: Any) -> Any:
            def locked(writer: Any) -> Any:
                held["lock"] = True
                try:
                    return work(writer)
                finally:
                    held["lock"] = False

            return real_write(self, scope, locked)

        def encode(texts: Sequence[str]) -> Any:
            inside.extend(["encode"] if held["lock"] else [])
            return real_encode(texts)

        def relate(pairs: Any) -> Any:
            inside.extend(["relate"] if held["lock"] else [])
            return real_relate(pairs)

        monkeypatch.setattr(SqliteStore, "write", write)
        monkeypatch.setattr(world.embedder, "encode", encode)
        monkeypatch.setattr(world.relater, "relate", relate)
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.signal("statement", text=STATEMENTS[4])
        assert world.relater.asked
        assert [] == inside


@FEW
@given(histories())
def test_work_that_a_driver_runs_twice_is_done_once(steps: list[Step]) -> None:
    """A store may run a unit of work more than once: what comes out is what one run gives."""

    def twice(self: SqliteStore, scope: Any, work: Any) -> Any:
        class _RolledBack(Exception):
            pass

        def rolled_back(writer: Any) -> None:
            work(writer)
            raise _RolledBack

        with contextlib.suppress(_RolledBack):
            real(self, scope, rolled_back)
        return real(self, scope, work)

    steps = [
        step for step in steps if step.do != "restate"
    ]  # they get fresh ids, which differ between worlds
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        once = world.content()
    real = SqliteStore.write
    with pytest.MonkeyPatch.context() as patch, open_world(script=SCRIPT) as world:
        patch.setattr(SqliteStore, "write", twice)
        play(world, steps)
        assert once == world.content()


# 5. As of


def seen(model: SelfModel, as_of: datetime | None = None) -> dict[str, Any]:
    """Return what is served: every belief, what a response would use, signals, responses and conflicts."""
    plan = model.personalize("short python documentation examples", context={"place": "office"}, as_of=as_of)
    beliefs = model.beliefs(limit=1000, as_of=as_of)
    return {
        "beliefs": list(beliefs),
        "each": [model.belief(belief.id, as_of=as_of) for belief in beliefs],
        "used": [(choice.belief.id, choice.weight, choice.relevance) for choice in plan.used],
        "withheld": [(choice.belief.id, choice.reason) for choice in plan.withheld],
        "question": plan.question,
        "signals": list(model.signals(limit=1000, as_of=as_of)),
        "responses": list(model.responses(limit=1000, as_of=as_of)),
        "conflicts": model.conflicts(as_of=as_of),
        "revisions": [model.revisions(belief.id, as_of=as_of) for belief in beliefs],
        "explained": [
            (found.belief, found.log_odds, [(c.about, c.nats, c.term) for c in found.contributions])
            for found in (model.explain(belief.id, as_of=as_of) for belief in beliefs)
        ],
        "predicted": model.predict([belief.id for belief in beliefs], as_of=as_of) if beliefs else None,
    }


@settings(max_examples=8)
@given(histories(most=8))
def test_as_of_is_what_was_served(steps: list[Step]) -> None:
    """What is read for a time gone by is what was served then, after whatever came later, to the last bit."""
    served: list[tuple[datetime, dict[str, Any]]] = []
    with open_world(script=SCRIPT) as world:
        for step in steps:
            try_step(world, step)
            served.append((world.clock.now, seen(world.ada)))
            world.clock.pass_time(microseconds=1)
        world.clock.pass_time(days=100)
        for moment, then in served:
            assert then == seen(world.ada, moment)


@settings(max_examples=8)
@given(histories(most=8))
def test_as_of_survives_new_parameters(steps: list[Step]) -> None:
    """Parameters that change later do not reach into the past: states carry what they were computed with."""
    changed = parameters_with(
        memory__nats=2.0,
        kinds__preference__half_life_days=3.0,
        kinds__fact__half_life_days=3.0,
        sources__stated__base_rate=0.2,
        attribution__adherence=0.3,
    )
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        then, served = world.clock.now, seen(world.ada)
        # What new signals would mean is read with the parameters in force.
        foreseen = ("predicted", "question")
        for name in foreseen:
            served.pop(name)
        world.graph._pipeline.parameters = changed
        world.clock.pass_time(days=1)
        world.ada.believe("a belief of the new time", id="new")
        world.ada.signal("rating", -1, response="r0", id="new")
        later = seen(world.ada, then)
        for name in foreseen:
            later.pop(name)
        assert served == later
        assert "other" == world.ada.revisions("new")[0].parameters_version
        assert world.graph.verify().ok


def test_as_of_before_anything_is_nothing() -> None:
    """Before the first record there is nothing, and an id is not found."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        before = world.clock.now - timedelta(microseconds=1)
        assert [] == list(world.ada.beliefs(as_of=before))
        with pytest.raises(NotFoundError):
            world.ada.belief("b0", as_of=before)


# 6. Retraction

RETRACTABLE: list[dict[str, Any]] = [
    {"kind": "rating", "value": -1, "response": "r0", "tags": ["ignored_preference"]},
    {"kind": "rating", "value": 1, "response": "r0"},
    {"kind": "stars", "value": 2, "response": "r0"},
    {"kind": "edit", "value": 0.9, "response": "r1"},
    {"kind": "rating", "value": -1, "response": "r0", "text": "there is no example for python at the office"},
    {"kind": "rating", "value": -1, "response": "r0", "text": "I always want metric units in recipes"},
    {"kind": "correction", "response": "r0", "text": "drinks coffee in the morning"},
    {"kind": "correction", "belief": "b1", "text": "drinks coffee in the morning"},
    {"kind": "correction", "belief": "b1", "text": STATEMENTS[1].upper()},
    {"kind": "correction", "text": "contradicts the examples in documentation"},
    {"kind": "correction", "response": "r0", "text": "contradicts the examples in documentation"},
    {"kind": "statement", "text": "contradicts the examples in documentation"},
    {"kind": "statement", "text": STATEMENTS[0].upper()},
    {"kind": "statement", "text": "drinks coffee in the morning"},
    {"kind": "confirm", "belief": "b0"},
    {"kind": "confirm", "belief": "t0"},
    {"kind": "deny", "belief": "b0"},
    {"kind": "rating", "value": -1, "belief": "b0"},
    {"kind": "set", "belief": "b0", "value": 0.2},
    {"kind": "set", "belief": "b0", "tags": ["retired"]},
    {"kind": "set", "belief": "b2", "tags": ["restored"]},
    {"kind": "set", "belief": "b1", "tags": ["scoped"], "context": {"place": "home"}},
    {"kind": "set", "belief": "b1", "text": "prefers answers as short as can be", "value": 0.8},
]
"""Every kind of signal that moves something, in a world of the beliefs b0…b3 behind r0 and r1."""
RETRACTION_SCRIPT = {
    ("contradicts the examples in documentation", STATEMENTS[0]): CONTRADICTION,
    ("drinks coffee in the morning", STATEMENTS[1]): EQUIVALENT,
}


class _Snapshots:
    """Gives the second of two worlds the snapshots of the first: retraction is judged given the same ones."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.of: dict[str, float] = {}
        real = WorkingSet.confidence
        patch.setattr(
            WorkingSet,
            "confidence",
            lambda working, id: self.of.get(id) if id in self.of else real(working, id),
        )

    def play(self, world: World, steps: Sequence[Step], first: World) -> None:
        """Play a history with the snapshots of the same history in another world."""
        for step in steps:
            edges = first.ada.response(step.id).generated_by if step.do == "respond" else ()
            self.of = {edge.belief_id: edge.confidence_then or 0.0 for edge in edges}
            assert try_step(world, step) is None
            self.of = {}


def _prelude() -> list[Step]:
    believe = [
        Step(
            do="believe", id=f"b{index}", wait=60.0, given={"statement": STATEMENTS[index], "confidence": 0.7}
        )
        for index in range(4)
    ]
    edges: list[tuple[str, float | None, float | None]] = [("b0", 0.6, 0.9), ("b1", 0.4, 0.3)]
    return [
        *believe,
        Step(do="signal", id="t", wait=1.0, given={"kind": "rating", "value": 1, "text": TENTATIVE}),
        Step(do="signal", id="gone", wait=1.0, given={"kind": "set", "belief": "b2", "tags": ["retired"]}),
        Step(do="respond", id="r0", wait=60.0, given={"edges": edges}),
        Step(do="respond", id="r1", wait=60.0, given={"edges": edges[::-1]}),
    ]


TENTATIVE = "I prefer window seats"


@st.composite
def _around(draw: st.DrawFn) -> tuple[list[Step], list[Step]]:
    """Draw what happens before and after the signal to be retracted, without texts that would meet its text."""
    plain = [signal for signal in RETRACTABLE if "text" not in signal]
    steps = [
        Step(
            do="signal",
            id=f"s{index}",
            wait=draw(st.sampled_from([0.0, 60.0, 40 * 86400.0])),
            given=draw(st.sampled_from(plain)),
            late_days=draw(st.sampled_from([0.0, 0.0, 0.01, 50.0])),
        )
        for index in range(draw(st.integers(0, 6)))
    ]
    cut = draw(st.integers(0, len(steps)))
    return steps[:cut], steps[cut:]


def _named(step: Step, tentative: str) -> Step:
    given = dict(step.given)
    if given.get("belief") == "t0":
        given["belief"] = tentative
    return replace(step, given=given)


@pytest.mark.parametrize("signal", RETRACTABLE, ids=str)
@settings(max_examples=12)
@given(around=_around(), late=st.sampled_from([0.0, 0.02, 60.0]))
def test_retraction_is_as_if_it_had_never_come(
    signal: dict[str, Any], around: tuple[list[Step], list[Step]], late: float
) -> None:
    """After a retraction every belief reads as in the history without that signal, given the same snapshots."""
    before, after = around
    out = Step(do="signal", id="out", wait=30.0, given=signal, late_days=late)
    with pytest.MonkeyPatch.context() as patch:
        snapshots = _Snapshots(patch)
        with open_world(script=RETRACTION_SCRIPT) as first, open_world(script=RETRACTION_SCRIPT) as second:
            play(first, _prelude())
            tentative = next(b.id for b in first.ada.beliefs() if b.standing == "tentative")
            before, (out,), after = (
                [_named(step, tentative) for step in steps] for steps in (before, [out], after)
            )
            assert not any(play(first, [*before, out, *after]))
            snapshots.play(second, [*_prelude(), *before], first)
            second.clock.pass_time(seconds=out.wait)
            snapshots.play(second, after, first)
            for world in (first, second):
                world.clock.pass_time(hours=1)
            first.ada.retract("out")
            assert first.graph.verify().ok
            _read_the_same(first, second)
            content = first.content()
            first.ada.retract("out")
            assert content == first.content()


def _read_the_same(first: World, second: World) -> None:
    left, never = current(first.ada), current(second.ada)
    for belief_id, belief in never.items():
        found = left[belief_id]
        # the factor of a conflict follows what moves it by more than .01 nats
        assert pytest.approx(logit(belief.confidence), abs=_slack(first)) == logit(found.confidence), (
            belief_id
        )
        assert pytest.approx(belief.support, abs=1e-9) == found.support
        assert pytest.approx(belief.opposition, abs=1e-9) == found.opposition
        assert (belief.standing, belief.context) == (found.standing, found.context)
    assert {"retired"} >= {left[belief_id].standing for belief_id in left.keys() - never.keys()}


def _slack(world: World) -> float:
    return 0.021 if world.ada.conflicts(status="confirmed") else 1e-7


def test_a_belief_that_rested_on_one_signal_is_retired_by_a_revision() -> None:
    """A spawned belief goes with its signal, by a revision that says so; a retraction undoes a correction whole."""
    with open_world(script=RETRACTION_SCRIPT) as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        text = "contradicts the examples in documentation"
        (spawned,) = world.ada.signal("correction", text=text, id="s0").spawned
        assert "superseded" == world.ada.belief("b0").standing
        outcome = world.ada.retract("s0", reason="a joke")
        assert "a joke" == outcome.signal.retraction_note
        assert ("retire", "retracted") == (
            world.ada.revisions(spawned.id)[-1].action,
            world.ada.revisions(spawned.id)[-1].reason,
        )
        assert {"retired": spawned.id, "held": "b0"} == {b.standing: b.id for b in world.ada.beliefs()}
        assert world.ada.signal_record("s0").signal.retracted_at == world.clock.now


# 7. Walls


def _everything_about(model: SelfModel) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "belief", lambda: model.belief("b0")
    yield "belief as of", lambda: model.belief("b0", as_of=datetime.now().astimezone())
    yield "revisions", lambda: model.revisions("b0")
    yield "explain", lambda: model.explain("b0")
    yield "provenance", lambda: model.provenance("b0")
    yield "response", lambda: model.response("r0")
    yield "trace", lambda: model.trace("r0")
    yield "signal_record", lambda: model.signal_record("s0")
    yield "retract", lambda: model.retract("s0")
    yield "amend", lambda: model.amend("b0", confidence=0.5)
    yield "amend statement", lambda: model.amend("b0", statement="something else")
    yield "predict", lambda: model.predict(["b0"])
    yield "respond", lambda: model.respond("an answer", beliefs=["b0"])
    yield "signal response", lambda: model.signal("rating", 1, response="r0")
    yield "signal belief", lambda: model.signal("confirm", belief="b0")
    yield "dry run", lambda: model.signal("confirm", belief="b0", dry_run=True)


@pytest.mark.parametrize(("tenant", "user"), [("default", "bob"), ("other", "ada"), ("other", "bob")])
def test_ids_of_others_do_not_exist(tenant: str, user: str, tmp_path: Path) -> None:
    """To another user, and to another tenant, every id of hers is not found, by every method; nothing is written."""
    with (
        open_world(tmp_path / "beliefs.db") as world,
        open_world(tmp_path / "beliefs.db", tenant=tenant) as other,
    ):
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0", id="s0")
        stranger = other.graph.user(user)
        before = world.content()
        for name, attempt in _everything_about(stranger):
            with pytest.raises(NotFoundError):
                pytest.fail(f"{name} found {attempt()}")
        assert [[], [], [], [], [], []] == [
            list(found)
            for found in (
                stranger.beliefs(),
                stranger.responses(),
                stranger.signals(),
                stranger.conflicts(),
                stranger.duplicates(),
                stranger.export(),
            )
        ]
        plan = stranger.personalize(STATEMENTS[0])
        assert ((), (), None) == (plan.used, plan.withheld, plan.question)
        assert before == world.content()


@pytest.mark.parametrize(("tenant", "user"), [("default", "bob"), ("other", "ada")])
def test_the_same_ids_of_others_are_their_own(tenant: str, user: str, tmp_path: Path) -> None:
    """Two users (or tenants) may use the same ids and texts: neither moves, restates or contradicts the other's."""
    with (
        open_world(tmp_path / "beliefs.db", script=SCRIPT) as world,
        open_world(tmp_path / "beliefs.db", script=SCRIPT, tenant=tenant) as other,
    ):
        stranger = other.graph.user(user)
        for model in (world.ada, stranger):
            model.believe(STATEMENTS[0], id="b0", confidence=0.7)
            model.respond("an answer", beliefs=["b0"], id="r0")
        hers = seen(world.ada)
        stranger.signal("rating", -1, response="r0", id="s0")
        stranger.signal("statement", text=STATEMENTS[4])
        stranger.believe(STATEMENTS[0])
        stranger.amend("b0", retired=True)
        assert hers == seen(world.ada)
        stranger.erase()
        assert hers == seen(world.ada)
        assert ["ada"] == list(world.graph.users())


# 8. Erasure


@settings(max_examples=10)
@given(histories())
def test_nothing_is_left_after_erasure(steps: list[Step]) -> None:
    """After erasing a user no row of hers is left, her id is not found, and what the process remembered is gone."""
    with open_world(script=SCRIPT) as world:
        bob = world.graph.user("bob")
        bob.believe(STATEMENTS[0], id="b0")
        before = world.content()
        play(world, steps)
        kept = (len(world.ada.beliefs(limit=1000)), len(world.ada.signals(limit=1000)))
        erased = world.ada.erase()
        assert kept == (erased.beliefs, erased.signals)
        assert before == world.content()
        assert 1 == world.embedder.forgotten
        assert ["bob"] == list(world.graph.users())
        assert ([], []) == (list(world.ada.beliefs()), world.ada.export())
        with pytest.raises(NotFoundError):
            world.ada.belief("b0")


def test_erasure_reaches_the_bytes_of_the_file(tmp_path: Path) -> None:
    """No byte of an erased statement, comment or response is left in the file or in the files beside it."""
    with open_world(tmp_path / "beliefs.db") as world:
        world.ada.believe("collects zanzibarite stamps", id="b0")
        world.ada.respond("a reply on zanzibarite", beliefs=["b0"], id="r0", attributes={"n": "zanzibarite"})
        world.ada.signal("rating", -1, response="r0", text="I never said zanzibarite", id="zanzibarite")
        world.ada.erase()
        traces = [place.name for place in tmp_path.iterdir() if b"zanzibarite" in place.read_bytes()]
        assert [] == traces


# 9. Our own outputs are no evidence


@settings(max_examples=10)
@given(histories())
def test_reads_write_nothing(steps: list[Step]) -> None:
    """Choosing, predicting, explaining and interpreting without writing leave every row as it was."""
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        before = world.content()
        seen(world.ada)
        for kind, value in (("rating", -1), ("correction", None), ("accept", None)):
            world.ada.signal(kind, value, response="r0", text=STATEMENTS[4], dry_run=True)
        world.ada.signal("set", 0.3, belief="b0", dry_run=True)
        world.ada.trace("r0")
        world.ada.provenance("b0")
        world.ada.export()
        world.ada.duplicates()
        world.graph.verify()
        assert before == world.content()


def test_a_dry_run_tells_what_the_signal_then_does() -> None:
    """The outcome of a dry run is the outcome of the same signal, but for the time."""
    with open_world(script=SCRIPT) as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        said: dict[str, Any] = {"response": "r0", "text": STATEMENTS[4], "id": "s0"}
        assert world.ada.signal("correction", **said, dry_run=True) == world.ada.signal("correction", **said)


def test_what_we_say_is_no_evidence() -> None:
    """A belief repeated in a thousand of our responses is exactly as sure as before; users alone move it."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.7)
        before = world.ada.belief("b0")
        for index in range(50):
            plan = world.ada.personalize(STATEMENTS[0])
            world.ada.respond(STATEMENTS[0], beliefs=plan, id=f"r{index}")
        assert before == world.ada.belief("b0")
        assert 1 == len(world.ada.revisions("b0"))
        assert not any(STATEMENTS[0] in texts for texts in world.embedder.calls[52:])


def test_an_edited_version_of_our_text_is_no_statement_of_hers() -> None:
    """The text of an edit is content, mostly ours: it is neither embedded nor believed."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        outcome = world.ada.signal("edit", 0.2, response="r0", text="I always want metric units in recipes")
        assert ((), ()) == (outcome.spawned, outcome.interpretation.readings)
        assert 1 == len(world.ada.beliefs())


# 10. Stated against inferred


@settings(max_examples=15)
@given(
    st.sampled_from([0.6, 0.85, 0.95]),
    st.lists(st.sampled_from([1.0, 0.4]), min_size=25, max_size=25),
    st.sampled_from([{}, {"tags": ["unwanted"]}, {"tags": ["inaccurate"]}]),
)
def test_a_stated_belief_is_contested_and_not_overturned(
    confidence: float, weights: list[float], extra: dict[str, Any]
) -> None:
    """A flood of dislikes that is no habit makes a stated belief contested, withheld, asked about; never retired."""
    with open_world(parameters=parameters_with(habits__share=0.0)) as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=confidence)
        for index, weight in enumerate(weights):
            edges = [("b0", weight, 1.0)]
            play(world, [Step(do="respond", id=f"r{index}", wait=86_400.0, given={"edges": edges})])
            world.ada.signal("rating", -1, response=f"r{index}", **extra)
        belief = world.ada.belief("b0")
        assert (True, "contested") == (belief.confidence < 0.5, belief.standing)
        plan = world.ada.personalize(STATEMENTS[0])
        assert ((), ["contested"]) == (plan.used, [choice.reason for choice in plan.withheld])
        assert plan.question is not None and STATEMENTS[0] in plan.question
        actions = {revision.action for revision in world.ada.revisions("b0")}
        assert "contest" in actions and "retire" not in actions


def test_what_was_only_inferred_may_be_overturned() -> None:
    """The same flood against a belief that nobody stated is no contest: it is simply not believed any more."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", source="inferred")
        for index in range(10):
            world.ada.respond("an answer", beliefs=["b0"], id=f"r{index}")
            world.ada.signal("rating", -1, response=f"r{index}")
        belief = world.ada.belief("b0")
        assert (True, "held") == (belief.confidence < 0.5, belief.standing)
        assert ["low_confidence"] == [c.reason for c in world.ada.personalize(STATEMENTS[0]).withheld]


def test_a_word_of_hers_settles_the_contest() -> None:
    """A confirmation brings a contested belief back; a denial settles it the other way, without a contest."""
    for word, standing in (("confirm", "contested"), ("deny", "held")):
        with open_world() as world:
            world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8)
            for index in range(5):  # one like: she does not dislike whatever comes
                world.clock.pass_time(days=1)
                world.ada.respond("an answer", beliefs=["b0"], id=f"r{index}")
                world.ada.signal("rating", -1 if index else 1, response=f"r{index}")
            assert "contested" == world.ada.belief("b0").standing
            world.ada.signal(word, belief="b0")
            belief = world.ada.belief("b0")
            assert (word == "confirm") == (belief.confidence > 0.5)
            assert standing == belief.standing


assert set(BELIEFS) >= {"b0", "b1", "b2", "b3"}


def test_a_signal_may_have_the_id_of_a_belief() -> None:
    """Retracting a statement whose id is its belief's leaves what was said when the belief was held."""
    with open_world() as world:
        held = world.ada.believe(STATEMENTS[0], id="1", confidence=0.7)
        world.ada.signal("statement", text=STATEMENTS[0], id="1")
        world.ada.retract("1")
        assert held.confidence == world.ada.belief("1").confidence
        assert ["1"] == [each.about for each in world.ada.explain("1").contributions]
