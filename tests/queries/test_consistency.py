"""The graph of beliefs: components, what can be true together, and what rests on what."""

import pytest

from beliefgraph.graph.ids import BeliefId
from beliefgraph.queries.consistency import clusters, consistent, resting_on
from tests.embedders import CONTRADICTION, EQUIVALENT, SUSPICION
from tests.worlds import open_world

pytestmark = pytest.mark.usefixtures("anywhere")


def test_the_graph_of_beliefs_says_what_contradicts_repeats_and_rests_on_what() -> None:
    """Clusters follow undecided edges; what grew out of a belief is found through what grew out of that."""
    script = {("wants no code", "wants code"): CONTRADICTION, ("wants any code", "wants code"): EQUIVALENT}
    with open_world(script=script) as world:
        for number, text in enumerate(("wants code", "wants no code", "wants any code", "likes tea")):
            world.ada.believe(text, id=f"b{number}")
        child = world.ada.amend("b3", statement="likes green tea")
        grandchild = world.ada.amend(child.id, statement="likes cold green tea")
        graph = world.ada.belief_graph()
        assert {"b0", "b1", "b2", "b3", child.id, grandchild.id} == set(graph)
        assert [{"b0", "b1"}] == clusters(graph, "CONTRADICTS")
        assert [{"b0", "b2"}] == clusters(graph, "DUPLICATES")
        assert {child.id, grandchild.id} == resting_on(graph, BeliefId("b3"))
        assert frozenset() == resting_on(graph, BeliefId("b0"))
        world.ada.resolve_conflicts()
        assert [] == clusters(world.ada.belief_graph(), "DUPLICATES")


def test_what_can_be_true_together_is_asked_of_the_graph_of_beliefs() -> None:
    """Confirmed contradictions between beliefs in use count, each belief weighs its confidence; a part can be asked."""
    old, new, doubt = "wants comments", "wants no comments", "wants few comments"
    script = {(new, old): CONTRADICTION, (doubt, old): SUSPICION, (doubt, new): SUSPICION}
    with open_world(script=script) as world:
        for id, text, confidence in (
            ("b0", old, 0.9),
            ("b1", new, 0.6),
            ("b2", doubt, 0.7),
            ("b3", "likes tea", 0.8),
        ):
            world.ada.believe(text, id=id, confidence=confidence)
        graph = world.ada.belief_graph()
        found = consistent(graph)
        assert {"b0", "b2", "b3"} == found.beliefs
        assert found.exact
        assert pytest.approx(sum(graph.nodes[id]["confidence"] for id in found.beliefs)) == found.weight
        (cluster,) = clusters(graph, "CONTRADICTS")
        assert {"b0", "b2"} == consistent(graph.subgraph(cluster)).beliefs
        world.ada.amend("b0", retired=True)
        assert {"b1", "b2", "b3"} == consistent(world.ada.belief_graph()).beliefs
