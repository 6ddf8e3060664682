"""Traces and provenance: the beliefs behind a response then and now, and where a belief comes from."""

import json

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.model import view
from tests.embedders import CONTRADICTION
from tests.worlds import START, STATEMENTS, open_world


def test_then_and_now() -> None:
    """A trace shows each belief as it stood when the response was made, and as it stands now, with the signals."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8)
        world.ada.believe(STATEMENTS[1], id="b1", confidence=0.6, kind="state")
        world.clock.pass_time(days=1)
        made = [world.ada.belief("b0"), world.ada.belief("b1")]
        response = world.ada.respond("an answer", beliefs=["b0", "b1"], id="r0")
        world.clock.pass_time(days=2)
        world.ada.signal("rating", -1, response="r0", id="s0", tags=["unwanted"])
        world.ada.signal("stars", 2, response="r0", id="s1")
        trace = world.ada.trace("r0")
        assert response == trace.response
        assert made == [each.then for each in trace.beliefs]
        assert [world.ada.belief("b0"), world.ada.belief("b1")] == [each.now for each in trace.beliefs]
        assert [each.then.confidence for each in trace.beliefs] == [
            each.edge.confidence_then for each in trace.beliefs
        ]
        assert ["s0", "s1"] == [signal.id for signal, _ in trace.signals]


def test_then_is_before_what_came_at_the_same_moment() -> None:
    """What was recorded after a response in the same microsecond is not part of then."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0")
        world.ada.signal("deny", belief="b0")
        (traced,) = world.ada.trace("r0").beliefs
        assert traced.edge.confidence_then == traced.then.confidence != traced.now.confidence


def test_then_within_one_batch() -> None:
    """In a log applied at one moment, each response still shows what it found."""
    events = [
        {"type": "belief", "user": "ada", "id": "b0", "statement": STATEMENTS[0]},
        *(
            event
            for number in range(3)
            for event in (
                {"type": "response", "user": "ada", "id": f"r{number}", "text": "x", "beliefs": [{"id": "b0"}]},
                {"type": "signal", "user": "ada", "id": f"s{number}", "response": f"r{number}", "kind": "rating",
                 "value": -1},
            )
        ),
    ]  # fmt: skip
    with open_world() as world:
        assert world.graph.ingest(json.dumps(event) for event in events).ok
        for number in range(3):
            (traced,) = world.ada.trace(f"r{number}").beliefs
            assert traced.edge.confidence_then == traced.then.confidence


def test_provenance_is_a_graph_of_everything_behind_a_belief() -> None:
    """The graph has the revisions, the signals, the responses, the origin and the contradiction, typed."""
    script = {("hates examples", "wants examples"): CONTRADICTION}
    with open_world(script=script) as world:
        world.ada.believe("wants examples", id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0", id="s0")
        (spawned,) = world.ada.signal("statement", text="hates examples", belief="b0", id="s1").spawned
        graph = world.ada.provenance("b0")
        kinds = {(source, target, kind) for source, target, kind in graph.edges(data="type")}
        assert {
            ("belief:b0", "signal:s0", "OBSERVED_IN"),
            ("signal:s0", "response:r0", "ABOUT"),
            ("response:r0", "belief:b0", "GENERATED_BY"),
        } <= kinds
        assert any(kind == "REVISES" for *_, kind in kinds)
        assert any(kind == "CAUSED_BY" and target == "signal:s0" for _, target, kind in kinds)
        child = world.ada.provenance(spawned.id)
        assert (f"belief:{spawned.id}", "belief:b0", "SPAWNED_FROM") in set(child.edges(data="type"))
        assert (f"belief:{spawned.id}", "signal:s1", "SPAWNED_FROM") in set(child.edges(data="type"))
        assert "wants examples" == child.nodes["belief:b0"]["statement"]


def test_a_view_of_a_node_is_read_at_a_time() -> None:
    """The same node read later is nearer to its base rate."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0", kind="state", confidence=0.9)
        (node,) = world.ada._read(lambda reader: reader.beliefs())
        fading = [view(node, to_us(START.replace(day=1 + day))).confidence for day in range(5)]
        assert sorted(fading, reverse=True) == fading
        assert fading[-1] > 0.5
