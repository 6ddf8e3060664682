"""Small worlds for tests: a store with a clock that the test moves, raw looks at the file, and random histories.

A history is data: the same steps can be played into another world, with one left out, or later, or twice.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import strategies as st

from beliefgraph import BeliefGraph, GeneratedBy, Parameters, RemoteGraph, SelfModel
from beliefgraph.api.app import create_app
from beliefgraph.api.limits import Limits
from beliefgraph.graph.errors import BeliefGraphError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.relate import Pair, Relation
from bench.service import in_thread
from tests.embedders import CONTRADICTION, SUSPICION, FormGate, ScriptedRelater, WordEmbedder

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TABLES = (
    "users",
    "vectors",
    "beliefs",
    "responses",
    "generated_by",
    "signals",
    "evidence",
    "revisions",
    "links",
)
PARAMETERS = load_parameters()


class Clock:
    """A clock that stands still until the test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time that the test has set."""
        return self.now

    def pass_time(self, **delta: float) -> datetime:
        """Let time pass, as `timedelta` names it; return the new time."""
        self.now += timedelta(**delta)
        return self.now


@dataclass(kw_only=True)
class World:
    """A graph with the parts that a test scripts."""

    graph: BeliefGraph
    clock: Clock
    embedder: WordEmbedder
    relater: ScriptedRelater
    ada: SelfModel = field(init=False)

    def __post_init__(self) -> None:
        """Name the user whom most tests are about."""
        self.ada = self.graph.user("ada")

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table, past the store."""
        with self.graph._pipeline.store._connections.transaction("BEGIN") as connection:  # type: ignore[attr-defined]
            return rows_of(connection)


@contextmanager
def open_world(
    target: Path | str | None = None,
    *,
    script: Mapping[Pair, Relation] | None = None,
    parameters: Parameters | None = None,
    clock: Clock | None = None,
    tenant: str = "default",
) -> Iterator[World]:
    """Open a store with scripted models and a clock of its own; where the fixture `anywhere` says so, over HTTP.

    Without a target it lies in memory; where the fixture `either_store` says so, on Neo4j.
    """
    clock, embedder, relater = clock or Clock(), WordEmbedder(), ScriptedRelater(script)
    with (
        BeliefGraph.open(
            target or TARGET,
            tenant=tenant,
            embedder=embedder,
            relater=relater,
            gate=FormGate(),
            parameters=parameters or PARAMETERS,
            clock=clock,
        ) as graph,
        _reached(graph, tenant) as reached,
    ):
        yield World(graph=reached, clock=clock, embedder=embedder, relater=relater)


SERVED = False
"""Whether worlds are reached over HTTP (set by the fixture `anywhere`)."""
TARGET = ":memory:"
"""Where worlds lie that name no place (set by the fixture `either_store`)."""


class _ServedGraph(RemoteGraph):
    """A graph reached over HTTP by a test, which may look past the service for what is not served."""

    def __init__(self, address: str, store: BeliefGraph) -> None:
        super().__init__(address, None, timeout_s=60.0)
        self._store, self._pipeline = store, store._pipeline

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def ingest(self, lines: Any, **options: Any) -> Any:
        return self._store.ingest(lines, **options) if options else super().ingest(lines)


@contextmanager
def _reached(store: BeliefGraph, tenant: str) -> Iterator[BeliefGraph]:
    """Return the graph that a test asks: the store itself, or the client of a service that has it."""
    if not SERVED:
        yield store
        return
    app = create_app(lambda: store, tenant=tenant, limits=Limits(rate_per_s=0))
    with in_thread(app) as address, _ServedGraph(address, store) as remote:
        yield cast(BeliefGraph, remote)


def near(value: float) -> Any:
    """Return what compares equal to any number this near, within tuples too."""
    return pytest.approx(value, abs=1e-6)


def rows_of(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table that holds records of users."""
    return {
        table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES
    }


def file_content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a store's file, past the store."""
    with closing(sqlite3.connect(path)) as connection:
        return rows_of(connection)


def parameters_with(**changes: Any) -> Parameters:
    """Return the shipped parameters with other values, under a version of their own; names are dotted with `__`."""
    data = json.loads(PARAMETERS.model_dump_json(exclude={"kinds"}))
    data["kinds"] = PARAMETERS.model_dump()["kinds"]
    data["version"] = "other"
    for name, value in changes.items():
        *path, last = name.split("__")
        place = data
        for part in path:
            place = place[part]
        place[last] = value
    return Parameters.model_validate(data)


# Histories

STATEMENTS = (
    "wants runnable examples in documentation",
    "prefers short answers without any preamble",
    "works with python every day at the office",
    "is vegetarian and likes indian food",
    "never wants runnable examples in documentation",
    "prefers long answers with a preamble",
)
"""Statements for histories: the fifth contradicts the first for certain, the sixth the second perhaps."""
SCRIPT = {
    pair: relation
    for first, second, relation in (
        (STATEMENTS[0], STATEMENTS[4], CONTRADICTION),
        (STATEMENTS[1], STATEMENTS[5], SUSPICION),
    )
    for pair in ((first, second), (second, first))
}
NEW_TEXTS = (
    "I always want metric units in recipes",
    "I prefer dark themes in every editor",
    "there is no example for the python office documentation",
    "stop the preamble, answers are too long",
    *STATEMENTS[:3],
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happens, `wait` seconds after the one before; ids say what it makes and what it is about."""

    do: str
    id: str
    wait: float
    about: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    late_days: float = 0.0


def play(world: World, steps: Sequence[Step], *, user: str = "ada") -> list[BeliefGraphError | None]:
    """Play a history; return the error of each step that was refused."""
    return [try_step(world, step, user=user) for step in steps]


def try_step(world: World, step: Step, *, user: str = "ada") -> BeliefGraphError | None:
    """Let one thing happen; return its error if it was refused."""
    world.clock.pass_time(seconds=step.wait)
    try:
        take(world.graph.user(user), step, world.clock.now)
    except BeliefGraphError as error:
        return error
    return None


def take(model: SelfModel, step: Step, now: datetime) -> None:
    """Call what a step stands for."""
    at = now - timedelta(days=step.late_days)
    given = dict(step.given)
    match step.do:
        case "believe":
            model.believe(given.pop("statement"), id=step.id, at=at, **given)
        case "restate":
            model.believe(given.pop("statement"), at=at, **given)
        case "respond":
            edges = [
                GeneratedBy(belief_id=BeliefId(name), weight=weight, adherence=adherence)
                for name, weight, adherence in given["edges"]
            ]
            model.respond(f"response {step.id}", beliefs=edges, id=step.id, at=at)
        case "signal":
            model.signal(given.pop("kind"), given.pop("value", None), id=step.id, at=at, **given)
        case "retract":
            assert step.about is not None
            model.retract(step.about)
        case _:
            raise AssertionError(step.do)


_waits = st.sampled_from([0.0, 0.001, 60.0, 86_400.0, 30 * 86_400.0])
_late = st.sampled_from([0.0, 0.0, 0.0, 0.5, 40.0])
_tags = st.lists(st.sampled_from(sorted(PARAMETERS.tags)), max_size=2, unique=True)
_contexts = st.sampled_from([{}, {}, {"device": "mobile"}, {"place": "office"}])
_confidences = st.one_of(st.none(), st.sampled_from([0.001, 0.2, 0.5, 0.7, 0.95, 0.999]))
_ABOUT_RESPONSE = (
    ("rating", st.sampled_from([-1, 1, -0.5, 0, True, False])),
    ("stars", st.integers(1, 5)),
    ("answer", st.sampled_from([0, 1])),
    ("accept", st.none()),
    ("click", st.none()),
    ("dwell", st.sampled_from([0, 2.5, 300])),
    ("edit", st.sampled_from([0.0, 0.4, 1.0])),
    ("regenerate", st.none()),
    ("ignore", st.none()),
)
BELIEFS = tuple(f"b{index}" for index in range(len(STATEMENTS)))


@st.composite
def histories(draw: st.DrawFn, *, most: int = 14) -> list[Step]:
    """Draw a history of one user: four beliefs or more, responses, signals of every kind, edits and retractions."""
    steps = [draw(_believes(index)) for index in range(draw(st.integers(2, len(STATEMENTS))))]
    held = [step.id for step in steps]
    steps.append(draw(_responds("r0", held)))
    responses, signals = ["r0"], ["nobody"]
    for number in range(draw(st.integers(2, most))):
        do = draw(
            st.sampled_from(["respond", *["signal"] * 5, "word", "text", "amend", "restate", "retract"])
        )
        name = f"{do}{number}"
        if do == "respond":
            steps.append(draw(_responds(name, held)))
            responses.append(name)
        elif do == "signal":
            steps.append(draw(_signals(name, responses)))
        elif do == "word":
            steps.append(draw(_words(name, held)))
        elif do == "text":
            steps.append(draw(_texts(name, responses, held)))
        elif do == "amend":
            steps.append(draw(_amends(name, held)))
        elif do == "restate":
            statement = draw(st.sampled_from(STATEMENTS[: len(held)]))
            source = draw(st.sampled_from(["stated", "imported", "observed"]))
            given = {"statement": statement, "source": source, "confidence": draw(_confidences)}
            steps.append(Step(do="restate", id=name, wait=draw(_waits), given=given, late_days=draw(_late)))
        else:
            steps.append(Step(do="retract", id=name, about=draw(st.sampled_from(signals)), wait=draw(_waits)))
        if do in ("signal", "word", "text", "amend"):
            signals.append(name)
    return steps


@st.composite
def _believes(draw: st.DrawFn, index: int) -> Step:
    given = {
        "statement": STATEMENTS[index],
        "confidence": draw(_confidences),
        "source": draw(st.sampled_from(["stated", "stated", "inferred", "imported"])),
        "kind": draw(st.sampled_from(["preference", "fact", "state"])),
    }
    return Step(do="believe", id=BELIEFS[index], wait=draw(_waits), given=given, late_days=draw(_late))


@st.composite
def _responds(draw: st.DrawFn, name: str, held: Sequence[str]) -> Step:
    behind = draw(st.lists(st.sampled_from(held), min_size=1, max_size=3, unique=True))
    shares = st.sampled_from([None, 0.3, 1.0])
    adherences = st.sampled_from([None, 0.0, 0.5, 1.0])
    edges = [(belief, draw(shares), draw(adherences)) for belief in behind]
    return Step(do="respond", id=name, wait=draw(_waits), given={"edges": edges})


@st.composite
def _signals(draw: st.DrawFn, name: str, responses: Sequence[str]) -> Step:
    kind, values = draw(st.sampled_from(_ABOUT_RESPONSE))
    given: dict[str, Any] = {
        "kind": kind,
        "value": draw(values),
        "response": draw(st.sampled_from(responses)),
        "tags": draw(_tags),
        "context": draw(_contexts),
    }
    if kind in ("rating", "stars") and draw(st.booleans()):
        given["text"] = draw(st.sampled_from(NEW_TEXTS))
    return Step(do="signal", id=name, wait=draw(_waits), given=given, late_days=draw(_late))


@st.composite
def _words(draw: st.DrawFn, name: str, held: Sequence[str]) -> Step:
    kind = draw(st.sampled_from(["confirm", "deny", "rating"]))
    given: dict[str, Any] = {"kind": kind, "belief": draw(st.sampled_from(held))}
    if kind == "rating":
        given["value"] = draw(st.sampled_from([-1, 0.5, 1]))
    return Step(do="signal", id=name, wait=draw(_waits), given=given, late_days=draw(_late))


@st.composite
def _texts(draw: st.DrawFn, name: str, responses: Sequence[str], held: Sequence[str]) -> Step:
    kind = draw(st.sampled_from(["statement", "correction"]))
    given: dict[str, Any] = {"kind": kind, "text": draw(st.sampled_from(NEW_TEXTS))}
    about = draw(st.sampled_from(["nothing", "response", "belief"]))
    if about == "response":
        given["response"] = draw(st.sampled_from(responses))
    elif about == "belief":
        given["belief"] = draw(st.sampled_from(held))
    return Step(do="signal", id=name, wait=draw(_waits), given=given, late_days=draw(_late))


@st.composite
def _amends(draw: st.DrawFn, name: str, held: Sequence[str]) -> Step:
    given: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"value": 0.1},
                {"value": 0.9, "tags": ["scoped"], "context": {"place": "office"}},
                {"tags": ["retired"]},
                {"tags": ["restored"]},
                {"tags": ["scoped"], "context": {"place": "home"}},
                {"text": "wants examples that run, in full"},
            ]
        )
    )
    given = {"kind": "set", "belief": draw(st.sampled_from(held)), **given}
    return Step(do="signal", id=name, wait=draw(_waits), given=given)
