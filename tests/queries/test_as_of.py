"""As of: every read for a time gone by gives what was served then, whatever came later; on both stores."""

import inspect
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings

from beliefgraph import SelfModel
from beliefgraph.reading import SelfModelReads
from bench.neo4j_server import Address
from tests.embedders import CONTRADICTION, EQUIVALENT
from tests.worlds import SCRIPT, Step, World, histories, open_world, play

WANTS, HATES, SAME = "wants examples", "hates examples", "wants examples please"
STORY_SCRIPT = {
    **dict.fromkeys(((WANTS, HATES), (HATES, WANTS)), CONTRADICTION),
    **dict.fromkeys(((WANTS, SAME), (SAME, WANTS)), EQUIVALENT),
}
NO_TIME = {"diff": "has two", "sequence": "counts what was written until now"}
"""Questions that take no `as_of`, and why."""


def everything(model: SelfModel, as_of: datetime | None = None) -> dict[str, Any]:
    """Return what every question of a self-model answers, about every record there is."""
    beliefs = model.beliefs(limit=1000, as_of=as_of)
    responses = model.responses(limit=1000, as_of=as_of)
    signals = model.signals(limit=1000, as_of=as_of)
    ids = [belief.id for belief in beliefs]
    seen: dict[str, Any] = {
        "beliefs": list(beliefs),
        "belief": [model.belief(id, as_of=as_of) for id in ids],
        "responses": list(responses),
        "response": [model.response(found.id, as_of=as_of) for found in responses],
        "signals": list(signals),
        "signal_record": [model.signal_record(found.id, as_of=as_of) for found in signals],
        "trace": [model.trace(found.id, as_of=as_of) for found in responses],
        "revisions": [model.revisions(id, as_of=as_of) for id in ids],
        "explain": [model.explain(id, as_of=as_of) for id in ids],
        "provenance": [nx.node_link_data(model.provenance(id, as_of=as_of), edges="edges") for id in ids],
        "provenance_of": [
            *(model.provenance_of(belief=id, as_of=as_of) for id in ids),
            *(model.provenance_of(signal=found.id, as_of=as_of) for found in signals),
            *(model.provenance_of(response=found.id, as_of=as_of) for found in responses),
        ],
        "conflicts": model.conflicts(as_of=as_of),
        "duplicates": model.duplicates(as_of=as_of),
        "belief_graph": nx.node_link_data(model.belief_graph(as_of=as_of), edges="edges"),
        "consents": model.consents(as_of=as_of),
        "personalize": model.personalize("examples in short answers", as_of=as_of),
        "predict": model.predict(ids, as_of=as_of) if ids else None,
        "curve": model.curve(as_of=as_of),
        "export": model.export(as_of=as_of),
    }
    return seen


def test_every_question_takes_a_time() -> None:
    """No read was forgotten: each question takes `as_of`, and each that does is asked in these tests."""
    questions = {
        name: method
        for name, method in inspect.getmembers(SelfModelReads, inspect.isfunction)
        if not name.startswith("_")
    }
    timed = {name for name, method in questions.items() if "as_of" in inspect.signature(method).parameters}
    assert set(NO_TIME) == set(questions) - timed
    with open_world() as world:
        assert timed == set(everything(world.ada))


def _story(world: World) -> list[Callable[[], Any]]:
    """Return what happens, one after another: statements, uses, edits, decisions, merges, retractions, and undoing."""
    ada = world.ada

    def edge(kind: str) -> str:
        return getattr(ada, kind)()[0].id  # type: ignore[no-any-return]

    return [
        lambda: ada.believe(WANTS, id="b0", confidence=0.8),
        lambda: ada.believe("prefers short answers", id="b1", kind="state"),
        lambda: ada.respond("an answer", beliefs=["b0", "b1"], id="r0"),
        lambda: ada.signal("rating", -1, response="r0", id="s0", text="no short answers please"),
        lambda: ada.signal("rating", 1, response="r0", id="s1"),
        lambda: ada.signal("statement", text=HATES, id="s2"),
        lambda: ada.resolve(edge("conflicts"), keep="b0", reason="she said so"),
        lambda: ada.resolve(edge("conflicts"), undo=True),
        lambda: ada.believe(SAME, id="b2"),
        lambda: ada.resolve(edge("duplicates"), keep="b0"),
        lambda: ada.amend("b1", confidence=0.3, reason="she called"),
        lambda: ada.retract("s1", reason="a test"),
        lambda: ada.amend("b1", statement="prefers long answers"),
        lambda: ada.signal("consent", True, id="s3"),
        lambda: ada.respond("another", beliefs=["b0"], id="r1"),
        lambda: ada.signal("deny", belief="b0", id="s4"),
        lambda: ada.retract("s2"),
        ada.resolve_conflicts,
        lambda: ada.retract("s3"),
        lambda: ada.amend("b0", retired=True),
        lambda: ada.believe(WANTS),
    ]


def _check_story(target: Path | str, *, every: int = 1) -> None:
    """Compare what is served after every so many steps of the story with what is said of that time at its end."""
    with open_world(target, script=STORY_SCRIPT) as world:
        served: list[tuple[datetime, dict[str, Any]]] = []
        for number, happen in enumerate(_story(world)):
            happen()
            if number % every == every - 1:
                served.append((world.clock.now, everything(world.ada)))
            world.clock.pass_time(hours=7)
        for moment, then in served:
            again = everything(world.ada, moment)
            for name, answer in then.items():
                assert (name, moment, answer) == (name, moment, again[name])


def test_each_moment_of_a_story_can_be_asked_about() -> None:
    """Each read gives what it gave, after edits, decisions, merges, retractions and their undoing."""
    _check_story(":memory:")


@pytest.mark.neo4j
def test_each_moment_of_a_story_can_be_asked_about_on_neo4j(neo4j_address: Address) -> None:
    """The same on Neo4j."""
    _check_story(neo4j_address.uri, every=7)


@settings(max_examples=6)
@given(histories(most=8))
def test_the_past_stays_after_any_history(steps: list[Step]) -> None:
    """Halfway through any history, every question is answered as it is for that time at the end."""
    with open_world(script=SCRIPT) as world:
        play(world, steps[: len(steps) // 2])
        moment, then = world.clock.now, everything(world.ada)
        world.clock.pass_time(microseconds=1)
        play(world, steps[len(steps) // 2 :])
        again = everything(world.ada, moment)
        for name, answer in then.items():
            assert (name, answer) == (name, again[name])
