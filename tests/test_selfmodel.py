"""The self-model as a caller meets it: the example of the interface, and every wrong value named and refused."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import beliefgraph
from beliefgraph import BeliefGraph, BeliefGraphError, GeneratedBy, InvalidInputError, NotFoundError
from beliefgraph.graph.ids import BeliefId
from tests.embedders import WordEmbedder
from tests.worlds import START, Clock, World, open_world

Call = Callable[..., object]
pytestmark = pytest.mark.usefixtures("anywhere")


def test_the_example_of_the_interface(tmp_path: Path) -> None:
    """What the interface shows works as shown, closed, opened again and explained from the file."""
    place = tmp_path / "beliefs.db"
    with BeliefGraph.open(place, embedder=WordEmbedder()) as graph:
        ada = graph.user("ada")
        examples = ada.believe("API documentation should include runnable examples", confidence=0.87)
        plan = ada.personalize("How do I paginate the API with examples?")
        assert "API documentation should include runnable examples" in plan.prompt()
        response = ada.respond("Use the cursor.", beliefs=plan)
        outcome = ada.signal(
            "rating",
            -1,
            response=response.id,
            text="There is no example in it",
            context={"device": "mobile"},
        )
        told = outcome.interpretation
        assert [examples.id] == [effect.belief_id for effect in told.effects]
        assert (told.action, told.delta, told.reason) == (
            told.effects[0].action,
            told.effects[0].delta,
            told.effects[0].reason,
        )
        assert pytest.approx(1.0) == sum(told.causes.values())
        prose = str(ada.explain(examples.id))
    assert "API documentation should include runnable examples" in prose
    with BeliefGraph.open(f"sqlite:///{place}", embedder=WordEmbedder()) as graph:
        again = graph.user("ada").belief(examples.id)
        assert pytest.approx(examples.confidence + told.delta, abs=1e-6) == again.confidence
        assert graph.verify().ok
        assert ["ada"] == list(graph.users())


def test_public_names_are_there() -> None:
    """Every public name can be imported, and an unknown one is an AttributeError."""
    assert all(getattr(beliefgraph, name) is not None for name in beliefgraph.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = beliefgraph.nothing


def test_nothing_happens_before_a_method_is_called(tmp_path: Path) -> None:
    """Naming a user does no I/O: she is in no list before something is recorded."""
    with open_world(tmp_path / "beliefs.db") as world:
        assert f"{type(world.ada).__name__}(user_id='ada')" == repr(world.ada)
        assert [] == list(world.graph.users())


# Wrong values

BAD_TEXTS: list[Any] = [
    None,
    5,
    1.5,
    True,
    ["a"],
    {"a": 1},
    b"bytes",
    object(),
    "",
    "   ",
    "\n\t",
    "\x00",
    "\u200b",
    "x" * 100_001,
    "lone \ud800 surrogate",
]
BAD_IDS: list[Any] = [
    None,
    5,
    10**6000,
    True,
    ["b0"],
    {"a": 1},
    b"b0",
    object(),
    "",
    " ",
    "a b",
    "a/b",
    ".",
    "..",
    "x" * 201,
    "tab\there",
    "new\nline",
    "nul\x00",
    "\u2028",
    "lone\ud800",
]
BAD_NUMBERS: list[Any] = [
    "1",
    b"1",
    [1],
    {},
    object(),
    float("nan"),
    float("inf"),
    -float("inf"),
    10**400,
    -(10**400),
    10**6000,
    1e301,
    1j,
]
BAD_CONFIDENCES: list[Any] = [*BAD_NUMBERS, True, False, 0, 1, 0.0, 1.0, 0.0009, 0.9991, -0.5, 2]
BAD_TIMES: list[Any] = [
    datetime(2026, 3, 1, 12, 0),  # noqa: DTZ001 - naive is what is wrong with it
    5,
    1.5,
    True,
    "yesterday",
    b"2026-03-01T12:00:00Z",
    [],
    object(),
    datetime.max.replace(tzinfo=UTC),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
]
BAD_CONTEXTS: list[Any] = [
    "device",
    5,
    True,
    ["device"],
    [("device", "mobile")],
    object(),
    {"device": 5},
    {"device": None},
    {5: "mobile"},
    {"": "mobile"},
    {"device": ""},
    {"device": "x" * 201},
    {"device": "lone\ud800"},
    {"lone\ud800": "x"},
    {"device": ["mobile"]},
    {str(index): "x" for index in range(33)},
]
BAD_BELIEFS: list[Any] = [
    None,
    "b0",
    5,
    b"b0",
    object(),
    [5],
    [None],
    [["b0"]],
    [{"id": "b0"}],
    ["b0", "b0"],
    ["a/b"],
    [b"b0"],
    ["lone\ud800"],
    [GeneratedBy(belief_id=BeliefId("b0"), weight=0)],
    [GeneratedBy(belief_id=BeliefId("b0"), weight=1.5)],
    [GeneratedBy(belief_id=BeliefId("b0"), weight=float("nan"))],
    [GeneratedBy(belief_id=BeliefId("b0"), weight=True)],
    [GeneratedBy(belief_id=BeliefId("b0"), weight="1")],  # type: ignore[arg-type]
    [GeneratedBy(belief_id=BeliefId("b0"), adherence=-0.1)],
    [GeneratedBy(belief_id=BeliefId("b0"), adherence=1.1)],
    [GeneratedBy(belief_id=["b0"])],  # type: ignore[arg-type]
    [GeneratedBy(belief_id=BeliefId("b0")), "b0"],
]
BAD_TAGS: list[Any] = [
    "too_long",
    5,
    True,
    b"too_long",
    object(),
    {"too_long": 1},
    [5],
    [None],
    [["too_long"]],
    [b"too_long"],
    ["unknown"],
    [""],
    ["x" * 201],
    ["lone\ud800"],
    ["too_long"] * 33,
]
DEEP: dict[str, Any] = {}
for _ in range(20_000):
    DEEP = {"a": DEEP}
BAD_ATTRIBUTES: list[Any] = [
    "text",
    5,
    ["a"],
    object(),
    {5: "a"},
    {"a": object()},
    {"a": b"bytes"},
    {"a": float("nan")},
    {"a": float("inf")},
    {"a": {1, 2}},
    {"a": "x" * 100_001},
    {"a": datetime.now(UTC)},
    {"a": "lone\ud800"},
    {"lone\ud800": 1},
    DEEP,
]
BAD_LIMITS: list[Any] = ["5", None, 0, -1, 1001, 1.5, True, [1], object()]
BAD_CURSORS: list[Any] = [5, "", "abc", "-1", "1.5", b"1", [], object(), "9" * 19, "٣", "1\n"]


def _cases() -> list[tuple[str, str, Callable[[World, Any], object], list[Any]]]:
    """Name every argument of every method: the call, the field it should name, how to call it, what is wrong."""

    def given(values: list[Any]) -> list[Any]:
        return [value for value in values if value is not None]

    return [
        ("believe statement", "statement", lambda w, v: w.ada.believe(v), BAD_TEXTS),
        ("believe confidence", "confidence", lambda w, v: w.ada.believe("x", confidence=v), BAD_CONFIDENCES),
        ("believe source", "source", lambda w, v: w.ada.believe("x", source=v), [5, "guessed", ["stated"], b"stated"]),
        ("believe kind", "kind", lambda w, v: w.ada.believe("x", kind=v), [5, "mood", ["fact"], b"fact"]),
        ("believe context", "context", lambda w, v: w.ada.believe("x", context=v), BAD_CONTEXTS),
        ("believe id", "id", lambda w, v: w.ada.believe("x", id=v), given(BAD_IDS)),
        ("believe at", "at", lambda w, v: w.ada.believe("x", at=v), BAD_TIMES),
        ("respond text", "text", lambda w, v: w.ada.respond(v), BAD_TEXTS),
        ("respond beliefs", "beliefs", lambda w, v: w.ada.respond("x", beliefs=v), BAD_BELIEFS),
        ("respond id", "id", lambda w, v: w.ada.respond("x", id=v), given(BAD_IDS)),
        ("respond at", "at", lambda w, v: w.ada.respond("x", at=v), BAD_TIMES),
        ("respond attributes", "attributes", lambda w, v: w.ada.respond("x", attributes=v), BAD_ATTRIBUTES),
        ("signal kind", "kind", lambda w, v: w.ada.signal(v), [None, 5, "", "bogus", b"rating", ["rating"], "\ud800"]),
        ("signal value", "value", lambda w, v: w.ada.signal("rating", v, response="r0"),
         [*BAD_NUMBERS, None, 1.5, -2, "bad"]),
        ("signal response", "response", lambda w, v: w.ada.signal("rating", 1, response=v), given(BAD_IDS)),
        ("signal belief", "belief", lambda w, v: w.ada.signal("confirm", belief=v), BAD_IDS),
        ("signal text", "text", lambda w, v: w.ada.signal("rating", 1, response="r0", text=v), given(BAD_TEXTS)),
        ("statement text", "text", lambda w, v: w.ada.signal("statement", text=v), BAD_TEXTS),
        ("signal tags", "tags", lambda w, v: w.ada.signal("rating", 1, response="r0", tags=v), BAD_TAGS),
        ("signal context", "context", lambda w, v: w.ada.signal("rating", 1, response="r0", context=v), BAD_CONTEXTS),
        ("signal id", "id", lambda w, v: w.ada.signal("rating", 1, response="r0", id=v), given(BAD_IDS)),
        ("signal at", "at", lambda w, v: w.ada.signal("rating", 1, response="r0", at=v), BAD_TIMES),
        ("signal dry_run", "dry_run", lambda w, v: w.ada.signal("rating", 1, response="r0", dry_run=v),
         [None, 5, "yes", b"", [], object()]),
        ("retract signal_id", "signal_id", lambda w, v: w.ada.retract(v), BAD_IDS),
        ("retract reason", "reason", lambda w, v: w.ada.retract("s0", reason=v), given(BAD_TEXTS)),
        ("amend belief_id", "belief_id", lambda w, v: w.ada.amend(v, confidence=0.5), BAD_IDS),
        ("amend confidence", "confidence", lambda w, v: w.ada.amend("b0", confidence=v), BAD_CONFIDENCES),
        ("amend statement", "statement", lambda w, v: w.ada.amend("b0", statement=v), given(BAD_TEXTS)),
        ("amend context", "context", lambda w, v: w.ada.amend("b0", context=v), BAD_CONTEXTS),
        ("amend retired", "retired", lambda w, v: w.ada.amend("b0", retired=v), [5, 0, "yes", b"", [], object()]),
        ("amend reason", "reason", lambda w, v: w.ada.amend("b0", retired=True, reason=v), given(BAD_TEXTS)),
        ("amend nothing", "confidence", lambda w, _: w.ada.amend("b0"), [None]),
        ("personalize query", "query", lambda w, v: w.ada.personalize(v), BAD_TEXTS),
        ("personalize context", "context", lambda w, v: w.ada.personalize("x", context=v), BAD_CONTEXTS),
        ("personalize limit", "limit", lambda w, v: w.ada.personalize("x", limit=v),
         [limit for limit in BAD_LIMITS if limit not in (None, 1001)]),
        ("personalize max_chars", "max_chars", lambda w, v: w.ada.personalize("x", max_chars=v),
         [limit for limit in BAD_LIMITS if limit not in (None, 1001)]),
        ("personalize as_of", "as_of", lambda w, v: w.ada.personalize("x", as_of=v), BAD_TIMES[:-2]),
        ("predict beliefs", "beliefs", lambda w, v: w.ada.predict(v), BAD_BELIEFS),
        ("predict kind", "kind", lambda w, v: w.ada.predict(["b0"], kind=v),
         [5, "bogus", b"rating", ["rating"], "copy"]),
        ("predict as_of", "as_of", lambda w, v: w.ada.predict(["b0"], as_of=v), BAD_TIMES[:-2]),
        ("beliefs standing", "standing", lambda w, v: w.ada.beliefs(standing=v), [5, "", "bogus", ["held"], b"held"]),
        ("beliefs as_of", "as_of", lambda w, v: w.ada.beliefs(as_of=v), BAD_TIMES[:-2]),
        ("beliefs limit", "limit", lambda w, v: w.ada.beliefs(limit=v), BAD_LIMITS),
        ("beliefs cursor", "cursor", lambda w, v: w.ada.beliefs(cursor=v), BAD_CURSORS),
        ("responses limit", "limit", lambda w, v: w.ada.responses(limit=v), BAD_LIMITS),
        ("responses cursor", "cursor", lambda w, v: w.ada.responses(cursor=v), BAD_CURSORS),
        ("signals limit", "limit", lambda w, v: w.ada.signals(limit=v), BAD_LIMITS),
        ("signals as_of", "as_of", lambda w, v: w.ada.signals(as_of=v), BAD_TIMES[:-2]),
        ("belief", "belief_id", lambda w, v: w.ada.belief(v), BAD_IDS),
        ("belief as_of", "as_of", lambda w, v: w.ada.belief("b0", as_of=v), BAD_TIMES[:-2]),
        ("response", "response_id", lambda w, v: w.ada.response(v), BAD_IDS),
        ("signal_record", "signal_id", lambda w, v: w.ada.signal_record(v), BAD_IDS),
        ("trace", "response_id", lambda w, v: w.ada.trace(v), BAD_IDS),
        ("revisions", "belief_id", lambda w, v: w.ada.revisions(v), BAD_IDS),
        ("explain", "belief_id", lambda w, v: w.ada.explain(v), BAD_IDS),
        ("provenance", "belief_id", lambda w, v: w.ada.provenance(v), BAD_IDS),
        ("conflicts status", "status", lambda w, v: w.ada.conflicts(status=v), [5, "", "bogus", ["confirmed"], b"x"]),
        ("user", "user", lambda w, v: w.graph.user(v), BAD_IDS),
        ("relate", "a", lambda w, v: w.graph.relate(v, "x"), BAD_TEXTS),
        ("relate other", "b", lambda w, v: w.graph.relate("x", v), BAD_TEXTS),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "call", "values"), [pytest.param(*case[1:], id=case[0]) for case in _cases()]
)
def test_wrong_values_are_refused_by_name(
    field: str, call: Callable[[World, Any], object], values: list[Any]
) -> None:
    """Every wrong value raises an error of ours that names the argument, and nothing is written."""
    with open_world() as world:
        world.ada.believe("wants examples", id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", 1, response="r0", id="s0")
        before = world.content()
        wrong = []
        for value in values:
            try:
                call(world, value)
            except InvalidInputError as error:
                if error.field.split(".")[0] != field:
                    wrong.append(f"{_short(value)} names {error.field}")
            except BeliefGraphError as error:
                wrong.append(f"{_short(value)} raises {type(error).__name__}: {error}")
            except Exception as error:
                wrong.append(f"{_short(value)} escapes as {type(error).__name__}: {str(error)[:80]}")
            else:
                wrong.append(f"{_short(value)} is accepted")
        assert [] == wrong
        assert before == world.content()


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**30:
        return "a huge integer"
    return ascii(value)[:60]


def test_what_is_right_is_accepted() -> None:
    """The values just inside the limits are taken, tuples and generators of beliefs too."""
    with open_world() as world:
        longest = "x" * 100_000
        assert longest == world.ada.believe(longest, confidence=0.001, id="y" * 200).statement
        world.ada.believe("wants examples", confidence=0.999, id="b0", context={"k" * 200: "v" * 200})
        world.ada.believe("naïve 日本語 😀\nsecond line", id="ü-日本.1:2,3", at=START + timedelta(minutes=5))
        world.ada.respond("x", beliefs=("b0",), id="r0", attributes={"a": [1, None, {"b": "日本"}]})
        world.ada.respond("x", beliefs=(each for each in ["b0"]), id="r1")
        world.ada.respond("x", id="r2")
        assert {"a": [1, None, {"b": "日本"}]} == world.ada.response("r0").attributes
        for value in (True, False, "positive", "negative", 1, -1, 0.25, 0):
            world.ada.signal("rating", value, response="r0", tags=("too_long", "wrong_tone"))
        early = datetime(1, 1, 1, tzinfo=UTC)
        world.ada.signal("rating", 1, response="r0", at=early)
        assert early == world.ada.signals()[0].observed_at
        assert world.graph.verify().ok


def test_the_message_never_holds_the_text() -> None:
    """An error about a text does not quote it: messages go to logs."""
    with open_world() as world:
        for attempt in (
            lambda: world.ada.believe("my secret illness " + "x" * 100_001),
            lambda: world.ada.signal("rating", 1, response="r0", text="my secret illness\ud800"),
            lambda: world.ada.believe("fine", context={"my secret illness": 5}),  # type: ignore[dict-item]
        ):
            with pytest.raises(InvalidInputError) as caught:
                attempt()
            assert "illness" not in caught.value.expected


def test_at_most_five_minutes_ahead() -> None:
    """A time is refused from five minutes and a microsecond ahead of the clock on."""
    with open_world() as world:
        limit = START + timedelta(minutes=5)
        world.ada.believe("just in time", at=limit)
        with pytest.raises(InvalidInputError) as caught:
            world.ada.believe("too early", at=limit + timedelta(microseconds=1))
        assert "at" == caught.value.field


def test_unknown_ids_are_not_found() -> None:
    """An id that nobody has is not found, by every method that takes one."""
    with open_world() as world:
        world.ada.believe("wants examples", id="b0")
        for attempt in (
            lambda: world.ada.belief("none"),
            lambda: world.ada.response("none"),
            lambda: world.ada.signal_record("none"),
            lambda: world.ada.trace("none"),
            lambda: world.ada.revisions("none"),
            lambda: world.ada.explain("none"),
            lambda: world.ada.provenance("none"),
            lambda: world.ada.retract("none"),
            lambda: world.ada.amend("none", confidence=0.5),
            lambda: world.ada.predict(["none"]),
            lambda: world.ada.respond("x", beliefs=["b0", "none"]),
            lambda: world.ada.signal("rating", 1, response="none"),
            lambda: world.ada.signal("confirm", belief="none"),
        ):
            with pytest.raises(NotFoundError) as caught:
                attempt()
            assert "none" == caught.value.id


def test_export_makes_the_same_self_model_again() -> None:
    """What is exported, ingested elsewhere at its own times, gives the same confidences and exports the same."""
    with open_world() as world, open_world(clock=world.clock) as copy:
        world.ada.believe("wants examples", id="b0", confidence=0.7)
        world.ada.believe("prefers short answers", id="b1", context={"place": "office"})
        world.clock.pass_time(days=3)
        world.ada.respond("an answer", beliefs=["b0", "b1"], id="r0", attributes={"model": "m"})
        world.ada.signal(
            "rating", -1, response="r0", text="I prefer dark themes everywhere", tags=["too_long"]
        )
        world.clock.pass_time(days=3)
        world.ada.signal("stars", 5, response="r0", id="s0")
        world.ada.believe("Wants  examples", source="imported")
        world.clock.pass_time(days=3)
        world.ada.amend("b1", context={"place": "home"}, reason="moved")
        world.ada.retract("s0", reason="not hers")
        lines = [json.dumps(event) for event in world.ada.export()]
        assert copy.graph.ingest(lines, own_time=True).ok
        mine, theirs = ({b.id: b for b in model.beliefs()} for model in (world.ada, copy.ada))
        assert pytest.approx({id: b.confidence for id, b in mine.items()}, abs=1e-9) == {
            id: b.confidence for id, b in theirs.items()
        }
        assert {id: (b.standing, b.context) for id, b in mine.items()} == {
            id: (b.standing, b.context) for id, b in theirs.items()
        }
        assert [json.loads(line) for line in lines] == copy.ada.export()


def test_a_closed_graph_says_so() -> None:
    """After closing, twice if need be, every call is a clear error."""
    with open_world() as world:
        world.graph.close()
        world.graph.close()
        with pytest.raises(beliefgraph.StoreUnavailableError, match="closed"):
            world.ada.beliefs()


@pytest.mark.parametrize("target", ["", "ftp://x", "sqlite://x", "sqlite:///", 5, b"x", ["x"]], ids=repr)
def test_a_target_that_names_no_store(target: Any) -> None:
    """A target that is no path and no address of ours is refused by name."""
    with pytest.raises(InvalidInputError) as caught:
        BeliefGraph.open(target, embedder=WordEmbedder())
    assert "target" == caught.value.field
    if target == "ftp://x":
        assert all(
            scheme in caught.value.expected for scheme in ("sqlite://", "neo4j://", "bolt://", "http://")
        )


@pytest.mark.parametrize(
    ("setting", "value"),
    [("NEO4J_URI", "localhost"), ("NEO4J_URI", "https://x"), ("BELIEFGRAPH_STORE", "ftp://x")],
)
def test_a_setting_that_names_no_store(monkeypatch: pytest.MonkeyPatch, setting: str, value: str) -> None:
    """Where the store comes from the settings, the complaint names the setting and not an argument that nobody gave."""
    monkeypatch.setenv(setting, value)
    with pytest.raises(InvalidInputError) as caught:
        BeliefGraph.open(embedder=WordEmbedder())
    assert setting == caught.value.field


def test_a_service_wants_to_know_of_its_key() -> None:
    """Without `api_key` it is what is missing; None is for a service without keys, and opens."""
    with pytest.raises(InvalidInputError) as caught:
        BeliefGraph.open("http://127.0.0.1:8000")
    assert "api_key" == caught.value.field
    BeliefGraph.open("http://127.0.0.1:8000", api_key=None).close()


def test_the_clock_is_the_one_source_of_now() -> None:
    """What has no time of its own happens at the clock's, in any zone."""
    zone = timezone(timedelta(hours=-7))
    with open_world(clock=Clock(START.astimezone(zone))) as world:
        belief = world.ada.believe("wants examples")
        assert (START, START) == (belief.created_at, belief.revised_at)
