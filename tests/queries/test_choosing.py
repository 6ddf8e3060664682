"""Choosing: relevance through kin, circumstances, duplicates, diversity, and a budget in beliefs or characters."""

from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest

from beliefgraph import Personalization
from beliefgraph.graph.glance import Glance, Glances
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Vector
from beliefgraph.graph.testing.builders import ADA, Draft, put, second, vector
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.predict import Heard
from beliefgraph.queries.choosing import (
    PASSED_ON,
    Request,
    kinship,
    passed_on,
    personalize,
    relevance_of,
)
from tests.embedders import CONTRADICTION, EQUIVALENT
from tests.worlds import open_world

PARAMETERS = load_parameters()
AHEAD = vector(1, 0, 0)


def glance_of(build: Callable[[Draft], object]) -> Glance:
    """Return a drafted self-model."""
    with closing(SqliteStore(":memory:")) as store:
        put(store, ADA, build)
        return Glances(store).look(ADA)


def plan_of(glance: Glance, direction: Vector = AHEAD, **request: int) -> Personalization:
    """Choose for a query whose beliefs lie in a direction."""
    asked = Request(query="?", direction=direction, context={}, at_us=second(9), **request)
    return personalize(glance, asked, limits=PARAMETERS.serving, hearing=Heard(PARAMETERS))


def used(plan: Personalization) -> list[str]:
    """Return the ids of the beliefs used."""
    return [choice.belief.id for choice in plan.used]


def reasons(plan: Personalization) -> dict[str, str]:
    """Return why each belief was withheld, by id."""
    return {choice.belief.id: choice.reason for choice in plan.withheld}


def _family(draft: Draft) -> None:
    draft.belief("parent", near=vector(1, 1, 0), nats=3)
    draft.signal("s1", belief="parent")
    draft.belief("child", near=vector(0, 0, 1), parent="parent", nats=3)
    draft.belief("grandchild", near=vector(0, 1, 1), parent="child", nats=3)
    draft.belief("sister", near=vector(0, 1, 2), origin="s1", nats=3)
    draft.belief("brother", near=vector(0, 2, 1), origin="s1", nats=3)
    draft.belief("twin", near=vector(0, 3, 1), nats=3)
    draft.belief("stranger", near=vector(0, 3, 2), nats=3)
    draft.link("parent", "twin", "suspected", kind="duplicates")
    draft.link("parent", "stranger", "dismissed", kind="duplicates")


def test_kin_shares_an_origin_or_a_meaning() -> None:
    """Parent and child, two from one signal, two that say the same; not what a person said is different."""
    glance = glance_of(_family)
    names = [node.id for node in glance.nodes]
    assert {
        ("child", "parent"),
        ("grandchild", "child"),
        ("sister", "brother"),
        ("parent", "twin"),
    } == {(names[one], names[other]) for one, other in kinship(glance).tolist()}


def test_relevance_is_passed_on_over_two_steps() -> None:
    """A belief hears a share of the mean of its kin's relevance, and of what that heard; a stranger hears nothing."""
    glance = glance_of(_family)
    relevance = dict(
        zip((node.id for node in glance.nodes), relevance_of(glance, AHEAD).tolist(), strict=True)
    )
    own = 1 / np.sqrt(2)
    assert pytest.approx(own * PASSED_ON / 2) == relevance["child"]
    assert pytest.approx(own * PASSED_ON**2 / 2) == relevance["grandchild"]
    assert pytest.approx(own * PASSED_ON) == relevance["twin"]
    assert 0.0 == relevance["stranger"] == relevance["sister"]
    assert {"parent", "child", "twin"} <= {*used(plan_of(glance)), *reasons(plan_of(glance))}
    assert "not_relevant" == reasons(plan_of(glance))["stranger"]


def test_what_is_far_passes_nothing_on() -> None:
    """A parent that is beside the point takes nothing from its child."""
    own = np.array([-0.4, 0.5])
    assert [pytest.approx(-0.4 + 0.5 * PASSED_ON), 0.5] == passed_on(own, np.array([[0, 1]])).tolist()


def test_relevance_does_not_hang_on_other_beliefs() -> None:
    """A belief is as relevant, to the last bit, when others without kinship are there."""
    chance = np.random.default_rng(3)
    vectors = [vector(*chance.normal(size=384)) for _ in range(9)]
    asked = vector(*chance.normal(size=384))

    def first(count: int) -> Callable[[Draft], None]:
        def build(draft: Draft) -> None:
            for number in range(count):
                draft.belief(f"b{number}", near=vectors[number])

        return build

    whole = relevance_of(glance_of(first(9)), asked).tolist()
    for count in range(1, 9):
        assert whole[:count] == relevance_of(glance_of(first(count)), asked).tolist()


def test_of_two_that_say_the_same_the_better_is_used() -> None:
    """A duplicate, suspected or confirmed, is withheld as such; one that a person dismissed is used beside it."""
    for status, expected in (("suspected", ["b1"]), ("confirmed", ["b1"]), ("dismissed", ["b1", "b2"])):

        def build(draft: Draft, status: str = status) -> None:
            draft.belief("b1", near=vector(5, 1, 0), nats=3)
            draft.belief("b2", near=vector(4, 1, 0), nats=3)
            draft.link("b1", "b2", status, kind="duplicates")  # type: ignore[arg-type]

        plan = plan_of(glance_of(build))
        assert expected == used(plan)
        assert {name: "duplicate" for name in ("b2",) if name not in expected} == reasons(plan)


def test_a_repeated_statement_is_served_once() -> None:
    """Two statements that the relater takes for the same fill one place."""
    script = {("runnable python examples", "python examples"): EQUIVALENT}
    with open_world(script=script) as world:
        world.ada.believe("python examples", id="b1", confidence=0.9)
        world.ada.believe("runnable python examples", id="b2", confidence=0.9)
        plan = world.ada.personalize("python examples")
        assert (["b1"], {"b2": "duplicate"}) == (used(plan), reasons(plan))


def _crowd(draft: Draft) -> None:
    for number in range(4):
        draft.belief(f"same{number}", near=vector(10, 10, number / 10), nats=3)
    draft.belief("other", near=vector(10, 0, 12), nats=3)


def test_near_duplicates_do_not_fill_the_plan() -> None:
    """While places are scarce, a less relevant belief of another direction is taken before one more of the same."""
    glance = glance_of(_crowd)
    assert ["same0", "other"] == used(plan_of(glance, limit=2))
    assert {"same1": "budget", "same2": "budget", "same3": "budget"} == reasons(plan_of(glance, limit=2))
    assert 5 == len(used(plan_of(glance)))


def test_beliefs_that_merely_share_a_topic_are_not_set_apart() -> None:
    """Up to a cosine of .85 the more relevant is taken, however near it is to one already chosen."""

    def build(draft: Draft) -> None:
        draft.belief("first", near=vector(10, 0, 0), nats=3)
        draft.belief("near", near=vector(8, 6, 0), nats=3)
        draft.belief("apart", near=vector(7.9, 0, 6.1), nats=3)

    assert ["first", "near"] == used(plan_of(glance_of(build), limit=2))


def test_the_prompt_stays_within_its_characters() -> None:
    """For any number of characters the prompt is no longer, and no belief is left out that there was room for."""
    glance = glance_of(_crowd)
    whole = plan_of(glance)
    lengths = []
    for most in range(1, len(whole.prompt()) + 1):
        plan = plan_of(glance, max_chars=most)
        assert len(plan.prompt()) <= most
        assert set(reasons(plan).values()) <= {"budget"}
        lengths.append(len(plan.used))
    assert (0, 5) == (lengths[0], lengths[-1])
    assert sorted(lengths) == lengths
    assert 2 == len(plan_of(glance, max_chars=10_000, limit=2).used)


def test_what_was_observed_here_beats_what_holds_in_general() -> None:
    """At work the belief observed at work is used, and the surer general one that it contradicts is not."""
    script = {("long python answers", "short python answers"): CONTRADICTION}
    with open_world(script=script) as world:
        world.ada.believe("short python answers", id="general", confidence=0.97)
        world.ada.believe("long python answers", id="work", confidence=0.95, context={"place": "work"})
        world.ada.signal("confirm", belief="work")
        world.ada.signal("confirm", belief="general")
        assert {"contradicted"} == set(reasons(world.ada.personalize("python answers")).values())
        at_work = world.ada.personalize("python answers", context={"place": "work"})
        assert (["work"], {"general": "contradicted"}) == (used(at_work), reasons(at_work))
        at_home = world.ada.personalize("python answers", context={"place": "home"})
        assert (["general"], {"work": "other_context"}) == (used(at_home), reasons(at_home))


def test_nothing_is_chosen_from_nothing() -> None:
    """Nobody's self-model, one without vectors, and a query that says nothing: empty plans."""
    nobody = glance_of(lambda draft: None)
    mute = glance_of(lambda draft: draft.belief("b1"))
    family = glance_of(_family)
    for glance, direction in ((nobody, AHEAD), (mute, AHEAD), (family, vector(1, 0, 0) * 0)):
        plan = plan_of(glance, direction)
        assert ((), None, "") == (plan.used, plan.question, plan.prompt())
        assert {"not_relevant"} >= set(reasons(plan).values())
