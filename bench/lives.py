"""What a life of statements leaves: two hundred texts of one user, some of which take back what she said before.

The texts are hand-written and were never trained on (`training/data/held_out`).
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from beliefgraph import BeliefGraph
from beliefgraph.ingest.classifier import Classifier
from beliefgraph.ingest.embedder import SentenceTransformerEmbedder
from bench.relations import verdict
from training.leaks import HELD_OUT
from training.lives import Topic, read_life
from training.statements import Cluster, inflect, read_clusters, spoken_in, verbs_of

DISTRACTORS = 40
Story = list[tuple[str, str, str]]
"""What a text is (first, reversal, exception, distractor), the text, and what it takes back; in order."""


def of_clusters(clusters: Sequence[Cluster], rng: random.Random) -> list[Topic]:
    """Return a hundred topics in the first person: forty with a contradiction, twenty with a text that sounds alike.

    The contradictions say nothing of a change, and many are of things that do not change in a life: the hard case.
    """
    verbs = verbs_of(clusters)

    def said(text: str) -> str:
        return inflect(text, "i", verbs, rng)

    chosen = [cluster for cluster in clusters if cluster.against and cluster.apart][:100]
    return [
        Topic(
            first=said(cluster.same[0]),
            reversal=said(cluster.against[0]) if place < 40 else None,
            exception=said(cluster.apart[0]) if 40 <= place < 60 else None,
        )
        for place, cluster in enumerate(chosen)
    ]


def story(topics: Sequence[Topic], passing: Sequence[str], rng: random.Random) -> Story:
    """Return a life in order: first what is said of every topic, then what comes of it, with remarks between."""
    first = [("first", topic.first, "") for topic in topics]
    later = [("reversal", topic.reversal, topic.first) for topic in topics if topic.reversal is not None]
    later += [("exception", topic.exception, "") for topic in topics if topic.exception is not None]
    later += [("distractor", text, "") for text in rng.sample(list(passing), DISTRACTORS)]
    rng.shuffle(first)
    rng.shuffle(later)
    return [*first, *later]


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self._now

    def pass_time(self, *, hours: int) -> None:
        """Let hours pass."""
        self._now += timedelta(hours=hours)


@dataclass(frozen=True, slots=True)
class LifeOutcome:
    """What a life of statements left: counts of what was to be so, and of what is.

    `current`: of the latest statements of every topic that changed, those that stand while the old one does not;
    `served`: those that a response about the topic would use while it would not use the old one;
    `asked`: those whose conflict was at least noticed; `lost`: true statements that are superseded or retired;
    `remarks`: distractors that became beliefs.
    """

    reversals: int
    current: int
    served: int
    asked: int
    true: int
    lost: int
    distractors: int
    remarks: int


def live(graph: BeliefGraph, story: Story, clock: Clock) -> LifeOutcome:
    """Let a user say every text of a life, an hour apart, run the job on conflicts, and look at what stands."""
    ada = graph.user("ada")
    said: dict[str, list[str]] = {}
    for sort, text, _ in story:
        clock.pass_time(hours=1)
        outcome = (
            ada.signal("rating", -1, text=text)
            if sort == "distractor"
            else ada.signal("statement", text=text)
        )
        said[text] = [revision.belief_id for revision in outcome.revisions if revision.cause_kind == "signal"]
    ada.resolve_conflicts()
    stands = {
        str(belief.id): belief.standing not in ("superseded", "retired") for belief in ada.beliefs(limit=1000)
    }
    noticed = {frozenset(conflict.beliefs) for conflict in ada.conflicts()}

    def held(text: str) -> bool:
        return any(stands[id] for id in said[text])

    def served(new: str, old: str) -> bool:
        used = {str(choice.belief.id) for choice in ada.personalize(new).used}
        return not used.isdisjoint(said[new]) and used.isdisjoint(said[old])

    reversals = [(text, old) for sort, text, old in story if sort == "reversal"]
    outdated = {old for _, old in reversals}
    true = [text for sort, text, _ in story if sort != "distractor" and text not in outdated]
    return LifeOutcome(
        reversals=len(reversals),
        current=sum(held(new) and not held(old) for new, old in reversals),
        served=sum(served(new, old) for new, old in reversals),
        asked=sum(
            any(frozenset((one, other)) in noticed for one in said[new] for other in said[old])
            for new, old in reversals
        ),
        true=len(true),
        lost=sum(bool(said[text]) and not held(text) for text in true),
        distractors=sum(sort == "distractor" for sort, _, _ in story),
        remarks=sum(bool(said[text]) for sort, text, _ in story if sort == "distractor"),
    )


def find_cost(graph: BeliefGraph, statements: Sequence[str]) -> float:
    """Return the time of a new belief among many of one user's, as a multiple of one encode of its text."""
    ada = graph.user("ada")
    for text in statements[:-20]:
        ada.believe(text)
    costs, encodes = [], []
    fresh = SentenceTransformerEmbedder()
    fresh.encode(["warm"])
    for text in statements[-20:]:
        started = time.perf_counter()
        fresh.encode([text])
        encodes.append(time.perf_counter() - started)
        started = time.perf_counter()
        ada.believe(text)
        costs.append(time.perf_counter() - started)
    return float(np.median(costs) / np.median(encodes))


_FOODS = """
apples pears plums cherries grapes figs oranges mangoes bananas melons peaches walnuts almonds carrots leeks
onions potatoes radishes spinach cabbage broccoli lettuce peas lentils tofu rice oats noodles gnocchi lasagne
risotto bread bagels pancakes salmon trout herring prawns mussels chicken turkey ham sausages feta mozzarella
yoghurt omelettes soup curry sushi ramen dumplings tacos hummus falafel pizza salad olives honey chocolate
"""
_MEALS = ("breakfast", "lunch", "dinner", "a snack", "a party")


def alike_cost(graph: BeliefGraph, statements: Sequence[str]) -> float:
    """Return the processor time of one of the last of many statements that sound alike over that of about the tenth."""
    ada, costs = graph.user("ada"), []
    for text in statements:
        started = time.process_time()
        ada.believe(text)
        costs.append(time.process_time() - started)
    few = len(statements) // 3
    return float(np.median(costs[-min(20, few) :]) / np.median(costs[5 : min(25, few)]))


def report(*, quick: bool) -> None:
    """Print what lives of statements leave, and what finding conflicts among many beliefs costs."""
    clusters = [*read_clusters(HELD_OUT / "validation.txt"), *read_clusters(HELD_OUT / "calibration.txt")]
    for name in ("life_validation", "life_fresh", "life_last"):
        _report_lives(f"held out ({name})", read_life(HELD_OUT / f"{name}.txt"), quick=quick)
    _report_lives("of contradicting pairs", of_clusters(clusters, random.Random(0)), quick=quick)
    statements = [spoken_in(text, "her") for cluster in clusters for text in cluster.statements()]
    with BeliefGraph.open(":memory:") as graph:
        cost = find_cost(graph, statements[: 60 if quick else 1020])
        verdict("a new belief among 1,000, in encodes", cost, "<=", 10)
    recipes = [f"Likes recipe {number}" for number in range(1000)]
    foods = [f"Likes {food} for {meal}" for meal in _MEALS for food in _FOODS.split()]
    for name, alike in (("recipes by number", recipes), ("foods for a meal", foods)):
        with BeliefGraph.open(":memory:") as graph:
            ratio = alike_cost(graph, alike[: 30 if quick else None])
            found = graph.user("ada").conflicts()
        confirmed = sum(conflict.status == "confirmed" for conflict in found)
        verdict(f"{name} liked: the {len(alike):,}th / the 10th", ratio, "<=", 2)
        print(f"    {'contradictions confirmed, suspected':<52} {confirmed}, {len(found) - confirmed}")


def _report_lives(name: str, topics: Sequence[Topic], *, quick: bool) -> None:
    passing = (HELD_OUT / "passing.txt").read_text(encoding="utf-8").splitlines()
    # The lives of one set share most of their pairs, which the classifier remembers.
    outcomes, classifier = [], Classifier()
    for seed in range(1 if quick else 3):
        clock, rng = Clock(), random.Random(seed)
        with BeliefGraph.open(":memory:", clock=clock, relater=classifier, gate=classifier) as graph:
            outcomes.append(live(graph, story(topics, passing, rng), clock))
    total = {field: sum(getattr(one, field) for one in outcomes) for field in LifeOutcome.__slots__}
    reversals = total["reversals"]
    print(
        f"{len(outcomes)} lives of 200 texts, {name}: {reversals} reversals, {total['distractors']} distractors"
    )
    verdict("the latest word stands and the old one does not", total["current"] / reversals, ">=", 0.95)
    print(f"    {'the latest word is served and the old one is not':<52} {total['served'] / reversals:.3f}")
    print(f"    {'reversals noticed (a question at least)':<52} {total['asked'] / reversals:.3f}")
    verdict("true beliefs wrongly taken away", total["lost"] / total["true"], "<=", 0.01)
    print(f"    {'remarks believed':<52} {total['remarks'] / total['distractors']:.3f}")
