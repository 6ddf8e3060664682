"""Provenance: what led to a belief, what a signal changed, what generated a response; in all its forms."""

import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import networkx as nx
import pytest
from hypothesis import given, settings
from prov.model import ProvDocument, ProvEntity

from beliefgraph import Provenance
from beliefgraph.graph.errors import InvalidInputError, NotFoundError
from beliefgraph.graph.ids import SignalId
from beliefgraph.graph.store import Reader
from tests.embedders import CONTRADICTION
from tests.worlds import SCRIPT, STATEMENTS, Step, World, histories, near, open_world, play

pytestmark = pytest.mark.usefixtures("anywhere")

RIVALS = {("hates examples", "wants examples"): CONTRADICTION}


def _tell(world: World) -> None:
    """Let a belief be stated, used, rated, contradicted, edited, and a signal be taken back."""
    world.ada.believe("wants examples", id="b0")
    world.ada.believe("prefers short answers", id="b1")
    world.clock.pass_time(hours=1)
    world.ada.respond("an answer", beliefs=["b0", "b1"], id="r0")
    world.ada.signal("rating", -1, response="r0", id="s0", tags=["unwanted"], text="no thanks")
    world.clock.pass_time(hours=1)
    world.ada.signal("statement", text="hates examples", id="s1")
    world.clock.pass_time(hours=1)
    world.ada.amend("b0", confidence=0.7, reason="she called us")
    world.clock.pass_time(hours=1)
    world.ada.retract("s0", reason="sent by a test")


def test_a_belief_tells_where_it_comes_from() -> None:
    """Of a belief: base rate, every revision, its signals with what they said, responses and premises, its rival."""
    with open_world(script=RIVALS) as world:
        _tell(world)
        found = world.ada.provenance_of(belief="b0")
        assert world.ada.revisions("b0") == list(found.revisions)
        assert world.ada.explain("b0").prior == found.prior
        pin = world.ada.signals(limit=1)[0]
        assert ["s0", pin.id] == [signal.id for signal, _ in found.signals.values()]
        assert ("unwanted",) == found.signals[SignalId("s0")][0].tags
        assert ["r0"] == list(found.responses)
        assert {"wants examples", "prefers short answers", "hates examples"} == {
            belief.statement for belief in found.beliefs.values()
        }
        assert [world.ada.belief(id) for id in found.beliefs] == list(found.beliefs.values())
        assert [conflict.id for conflict in world.ada.conflicts()] == [link.id for link in found.links]
        assert (0, None) == (found.left_out, found.cursor)


def test_a_signal_tells_everything_that_it_changed() -> None:
    """Of a signal: what it spawned and moved, neighbours in conflict too, and what its retraction took back."""
    with open_world(script=RIVALS) as world:
        _tell(world)
        arrived = world.ada.provenance_of(signal="s1")
        (spawned,) = world.ada.signal_record("s1").spawned
        assert world.ada.signal_record("s1").revisions == arrived.revisions
        assert {spawned.id, "b0"} == set(arrived.beliefs)
        assert ("signal:s1",) == arrived.origins[spawned.id]
        moved = world.ada.provenance_of(signal="s0")
        kinds = [(revision.belief_id, revision.cause_kind) for revision in moved.revisions]
        assert [("b0", "signal"), ("b1", "signal"), ("b0", "retraction"), ("b1", "retraction")] == kinds


def test_a_retraction_right_after_its_signal_is_told_once() -> None:
    """What the retraction did is not among what the signal did, also when nothing came between them."""
    with open_world(script=RIVALS) as world:
        world.ada.believe(STATEMENTS[0], id="b0", confidence=0.8)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", 1, response="r0", id="s0")
        came = world.ada.signal_record("s0").revisions
        world.ada.retract("s0")
        kinds = [revision.cause_kind for revision in world.ada.provenance_of(signal="s0").revisions]
        assert ["signal", "retraction"] == kinds
        assert [r.seq for r in came] != [r.seq for r in world.ada.signal_record("s0").revisions]


def test_a_response_tells_what_generated_it_then_and_now() -> None:
    """Of a response: each belief behind it with its confidence then and now, and what its signals moved."""
    with open_world(script=RIVALS) as world:
        _tell(world)
        found = world.ada.provenance_of(response="r0")
        trace = world.ada.trace("r0")
        (response,) = found.responses.values()
        assert trace.response == response
        assert [each.now for each in trace.beliefs] == [
            found.beliefs[each.edge.belief_id] for each in trace.beliefs
        ]
        assert found.revisions == world.ada.provenance_of(signal="s0").revisions
        told = str(found)
        for each in trace.beliefs:
            then, now = (f"{100 * belief.confidence:.0f} %" for belief in (each.then, each.now))
            assert f"“{each.now.statement}” (50 % of it): {then} sure then, {now} now" in told


def test_the_graph_has_every_record_and_no_loose_end() -> None:
    """Every node is described, every edge typed, and the graph is the one that `provenance` returns."""
    with open_world(script=RIVALS) as world:
        _tell(world)
        for found in _each(world):
            graph = found.graph()
            assert [] == [name for name, kind in graph.nodes(data="type") if kind is None]
            assert {None} & {kind for *_, kind in graph.edges(data="type")} == set()
            assert f"{found.root_kind}:{found.root_id}" == graph.graph["root"]
            assert found.root_id in graph.graph["root"] and graph.graph["root"] in graph
        graph = world.ada.provenance("b0")
        assert nx.utils.graphs_equal(graph, world.ada.provenance_of(belief="b0").graph())
        edges = set(graph.edges(data="type"))
        pin = next(name for name, kind in graph.nodes(data="kind") if kind == "set")
        assert {
            ("signal:s0", "response:r0", "ABOUT"),
            (pin, "belief:b0", "ABOUT"),
            ("response:r0", "belief:b1", "GENERATED_BY"),
            ("belief:b0", pin, "OBSERVED_IN"),
        } <= edges
        assert ("belief:b0", "signal:s0", "OBSERVED_IN") not in edges  # it was taken back
        assert "she called us" == graph.nodes[pin]["note"]
        assert "no thanks" == graph.nodes["signal:s0"]["text"]
        assert near(1.0) == sum(graph.nodes["signal:s0"]["causes"].values())
        assert ["CONTRADICTS"] == [kind for *_, kind in edges if kind == "CONTRADICTS"]


def _each(world: World) -> list[Provenance]:
    """Ask for the provenance of every record of a user."""
    ada = world.ada
    return [
        *(ada.provenance_of(belief=belief.id) for belief in ada.beliefs(limit=1000)),
        *(ada.provenance_of(signal=signal.id) for signal in ada.signals(limit=1000)),
        *(ada.provenance_of(response=response.id) for response in ada.responses(limit=1000)),
    ]


@settings(max_examples=12)
@given(histories())
def test_every_form_is_sound_after_any_history(steps: list[Step]) -> None:
    """Of every record: node-link JSON reads back as the graph, a PROV library reads the document and writes it back."""
    with open_world(script=SCRIPT) as world:
        play(world, steps)
        for found in _each(world):
            linked = nx.node_link_graph(json.loads(json.dumps(found.node_link())), edges="edges")
            assert nx.utils.graphs_equal(found.graph(), linked)
            document = ProvDocument.deserialize(content=json.dumps(found.prov()), format="json")
            again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
            assert document == again
            times = [event.at for event in found.timeline()]
            assert sorted(times) == times
            for event in found.timeline():
                assert event.text in str(found)


def test_prov_keeps_what_the_graph_has() -> None:
    """The PROV document has each record under its name, who is responsible, and each version of the belief in turn."""
    with open_world(script=RIVALS) as world:
        _tell(world)
        found = world.ada.provenance_of(belief="b0")
        document = found.prov()
        names = {name for name in found.graph() if not name.startswith("revision:")}
        assert names <= set(document["entity"])
        versions = [f"revision:{revision.seq}" for revision in found.revisions]
        revised = [
            (each["prov:usedEntity"], each["prov:generatedEntity"])
            for each in document["wasDerivedFrom"].values()
            if each.get("prov:type", {}).get("$") == "prov:Revision"
        ]
        assert list(itertools.pairwise(versions)) == revised
        blamed = {each["prov:entity"]: each["prov:agent"] for each in document["wasAttributedTo"].values()}
        pin = world.ada.signals(limit=1)[0]
        assert {
            "signal:s0": "user:ada",
            f"signal:{pin.id}": "bg:editor",
            "response:r0": "bg:product",
        } == blamed
        assert "wants examples" == document["entity"]["belief:b0"]["prov:label"]


def test_prov_takes_any_id() -> None:
    """Ids with colons, spaces, quotes and signs of other scripts are names that a PROV library reads."""
    odd = ["a:b", "“é”", "%41", "<&>", "{}", "#1?", "a,b;c", "'x'"]
    with open_world() as world:
        for number, id in enumerate(odd):
            world.ada.believe(f"likes thing{number}", id=id)
        world.ada.respond("an answer", beliefs=odd, id="r:0")
        world.ada.signal("rating", 1, response="r:0", id="s=0")
        for id in odd:
            document = world.ada.provenance_of(belief=id).prov()
            read = ProvDocument.deserialize(content=json.dumps(document), format="json")
            again = ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
            assert read == again
            names = {
                unquote(str(record.identifier).partition(":")[2]) for record in read.get_records(ProvEntity)
            }
            assert {*odd, "r:0", "s=0"} <= names


def test_the_story_reads_plainly() -> None:
    """The story says what is believed, where it started, and each event with day, words and numbers, in order."""
    with open_world(script=RIVALS) as world:
        _tell(world)
        told = str(world.ada.provenance_of(belief="b0"))
        in_order = [
            "“wants examples”: we are ",
            "It started from the base rate",
            "2026-03-01 12:00  “wants examples” came to be held, at 85 % (+1.73 nats, stated)",
            "2026-03-01 13:00  the product answered “an answer” (response r0), resting on “wants examples” (85 %)",
            "she gave rating -1 on response r0 #unwanted: “no thanks” (signal s0), taken for belief wrong",
            "“wants examples” became contested, going from 85 % to ",
            "contradict each other: confirmed",
            "a person edited “wants examples”: confidence 70 %, because “she called us”",
            "signal s0 was taken back, because “sent by a test”",
            "retracted",
        ]
        places = [told.find(words) for words in in_order]
        assert sorted(places) == places and places[0] == 0, told


def test_events_of_one_moment_come_in_the_order_of_records() -> None:
    """Where everything has one time, cause comes before effect."""
    with open_world() as world:
        world.ada.believe("wants examples", id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0", id="s0")
        world.ada.retract("s0")
        events = world.ada.provenance_of(belief="b0").timeline()
        assert ["change", "response", "signal", "change", "retraction", "change"] == [e.what for e in events]


def test_a_long_history_is_paged_and_says_what_is_left_out() -> None:
    """The latest changes come first; cursors lead back to the first, with nothing twice and nothing missing."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        for number in range(25):
            world.ada.respond("an answer", beliefs=["b0"], id=f"r{number}")
            world.ada.signal("rating", 1 if number % 2 else -1, response=f"r{number}")
        found = world.ada.provenance_of(belief="b0", limit=10)
        assert (10, 16) == (len(found.revisions), found.left_out)
        assert "16 earlier changes are left out here." in str(found)
        assert (16, found.cursor) == (found.graph().graph["left_out"], found.graph().graph["cursor"])
        seen = list(found.revisions)
        while found.cursor is not None:
            found = world.ada.provenance_of(belief="b0", limit=10, cursor=found.cursor)
            seen = [*found.revisions, *seen]
        assert world.ada.revisions("b0") == seen
        assert 0 == found.left_out


def test_the_signals_of_a_response_are_paged_too() -> None:
    """Of a response with many signals the latest come first, and the rest is counted."""
    with open_world() as world:
        world.ada.believe(STATEMENTS[0], id="b0")
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        for number in range(7):
            world.ada.signal("rating", number / 10, response="r0", id=f"s{number}")
        found = world.ada.provenance_of(response="r0", limit=5)
        assert (["s2", "s3", "s4", "s5", "s6"], 2) == (list(found.signals), found.left_out)
        assert "2 earlier signals are left out here." in str(found)
        rest = world.ada.provenance_of(response="r0", limit=5, cursor=found.cursor)
        assert (["s0", "s1"], 0, None) == (list(rest.signals), rest.left_out, rest.cursor)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "belief"),
        ({"belief": "b0", "signal": "s0"}, "belief"),
        ({"belief": 7}, "belief"),
        ({"signal": "a/b"}, "signal"),
        ({"belief": "b0", "limit": 0}, "limit"),
        ({"belief": "b0", "limit": 1001}, "limit"),
        ({"belief": "b0", "limit": True}, "limit"),
        ({"belief": "b0", "cursor": "next"}, "cursor"),
        ({"belief": "b0", "as_of": "yesterday"}, "as_of"),
    ],
)
def test_wrong_questions_name_the_field(asked: dict[str, Any], field: str) -> None:
    """What cannot be answered is an error that names the field."""
    with open_world() as world:
        world.ada.believe("wants examples", id="b0")
        with pytest.raises(InvalidInputError) as caught:
            world.ada.provenance_of(**asked)
        assert field == caught.value.field


@pytest.mark.parametrize("kind", ["belief", "signal", "response"])
def test_records_of_somebody_else_are_not_found(kind: str) -> None:
    """An id that is another user's names nothing; neither does one from before the time that is asked about."""
    with open_world(script=RIVALS) as world:
        before = world.clock.now
        world.clock.pass_time(seconds=1)
        _tell(world)
        asked: dict[str, Any] = {kind: {"belief": "b0", "signal": "s0", "response": "r0"}[kind]}
        for who, as_of in ((world.graph.user("bob"), None), (world.ada, before)):
            with pytest.raises(NotFoundError):
                who.provenance_of(as_of=as_of, **asked)


class _Counting:
    """A reader that counts how many records come back from each of its methods."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self.fetched = reader, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._reader, name)

        def counted(*args: Any, **more: Any) -> Any:
            found = method(*args, **more)
            self.fetched += len(found) if isinstance(found, list) else 1
            return found

        return counted


def _fetched(world: World, ask: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many records one question fetches from the store."""
    store, counts = world.graph._pipeline.store, []
    read = type(store).read

    def counting(self: Any, scope: Any, work: Callable[[Any], Any]) -> Any:
        def counted(reader: Reader) -> Any:
            counter = _Counting(reader)
            result = work(counter)
            counts.append(counter.fetched)
            return result

        return read(self, scope, counted)

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "read", counting)
        ask()
    (count,) = counts
    return count


def test_the_rest_of_a_history_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a question fetches from the store does not grow with what it does not show."""
    monkeypatch.setattr("tests.worlds.SERVED", False)  # it is the store that is watched
    with open_world() as world:
        for id in ("b0", "b1"):
            world.ada.believe(f"likes thing {id}", id=id)

        def go_on(numbers: range) -> None:
            for number in numbers:
                world.clock.pass_time(seconds=1)
                world.ada.respond("an answer", beliefs=["b0", "b1"], id=f"r{number}")
                world.ada.signal("rating", 1 if number % 2 else -1, response=f"r{number}", id=f"s{number}")

        questions: list[Callable[[], Any]] = [
            lambda: world.ada.provenance_of(belief="b0", limit=10),
            lambda: world.ada.provenance_of(signal="s5"),
            lambda: world.ada.provenance_of(response="r5"),
            lambda: world.ada.trace("r5"),
        ]
        go_on(range(20))
        early = [_fetched(world, ask, monkeypatch) for ask in questions]
        go_on(range(20, 100))
        assert early == [_fetched(world, ask, monkeypatch) for ask in questions]
