"""Which stored beliefs a question is about: question → belief among a hundred, on our own questions and on prefeval.

Ours (questions.txt: 1,260 beliefs, each with three questions whose answer should honour it and that do not name it)
were written after the way that is served was chosen. Of prefeval, the ways were compared on half of the topics
(development); the other half says what the choice is worth. Nothing of that set ships: its licence is for evaluation.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beliefgraph import BeliefGraph
from beliefgraph.ingest.embedder import Embedder, common_questions
from beliefgraph.ingest.relate import Pair, Relation
from beliefgraph.queries.choosing import passed_on

OURS = Path(__file__).with_name("questions.txt")
FILE, CHOICES = "prefeval/explicit.jsonl", "prefeval/implicit_choice.jsonl"
AMONG, WITHIN, DRAWS = 100, 5, 20
Floats = npt.NDArray[np.float64]
Way = Callable[[Floats, Floats, Floats], Floats]
"""From vectors of questions, of preferences and of common questions to a score of each question and preference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Preferences, each with a question that it bears on, and whether their topic is one for development.

    `keys` name them in the data set.
    """

    keys: Sequence[tuple[str, int]]
    preferences: Sequence[str]
    questions: Sequence[str]
    development: npt.NDArray[np.bool_]


def read_ours(few: int | None = None) -> tuple[list[str], list[str], list[int]]:
    """Return our questions, our beliefs, and the place of the belief that each question is about."""
    beliefs: list[str] = []
    questions: list[str] = []
    owners: list[int] = []
    for block in OURS.read_text("utf-8").strip().split("\n\n")[:few]:
        belief, *asked = block.splitlines()
        questions += [line.removeprefix("? ") for line in asked]
        owners += [len(beliefs)] * len(asked)
        beliefs.append(belief)
    return questions, beliefs, owners


def read(file: Path, few: int | None = None) -> Pairs:
    """Return the pairs in a file; every second topic, in the order of their names, is for development."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()][:few]
    topics = sorted({row["topic"] for row in rows})
    return Pairs(
        keys=[(row["topic"], row["idx"]) for row in rows],
        preferences=[row["preference"] for row in rows],
        questions=[row["question"] for row in rows],
        development=np.array([row["topic"] in topics[::2] for row in rows]),
    )


def cosine(questions: Floats, preferences: Floats, common: Floats) -> Floats:
    """Score by how near the two texts are."""
    return np.asarray(questions @ preferences.T, dtype=np.float64)


def centred(questions: Floats, preferences: Floats, common: Floats) -> Floats:
    """Score by how much nearer the question is than common questions are on average: what `personalize` does."""
    return np.asarray((questions - common.mean(axis=0)) @ preferences.T, dtype=np.float64)


def querybank(questions: Floats, preferences: Floats, common: Floats) -> Floats:
    """Take off three quarters of how near the ten nearest common questions are."""
    nearest = np.sort(preferences @ common.T, axis=1)[:, -10:].mean(axis=1)
    return np.asarray(questions @ preferences.T - 0.75 * nearest, dtype=np.float64)


def whitened(questions: Floats, preferences: Floats, common: Floats) -> Floats:
    """Centre, and shrink the directions in which common questions differ most."""
    values, directions = np.linalg.eigh(np.cov(common.T))
    shrunk = directions * (values + 0.02) ** -0.5
    return np.asarray(
        (questions - common.mean(axis=0)) @ (shrunk @ directions.T) @ preferences.T, dtype=np.float64
    )


WAYS: dict[str, Way] = {
    "plain cosine": cosine,
    "less the mean of common questions (what is served)": centred,
    "less ¾ of the nearest ten common questions": querybank,
    "centred and whitened by common questions": whitened,
}


def recall(scores: Floats, owners: npt.NDArray[np.int64]) -> Floats:
    """Return for each question how often its belief is among the first five of itself and 99 others, over 20 draws.

    `scores` has a row for each question and a column for each belief; `owners` are the columns of the questions' own.
    """
    chance = np.random.default_rng(0)
    hits = np.empty(len(scores))
    for row, owner in enumerate(owners):
        others = np.delete(np.arange(scores.shape[1]), owner)
        draws = np.stack([chance.permutation(others)[: AMONG - 1] for _ in range(DRAWS)])
        hits[row] = ((scores[row][draws] > scores[row, owner]).sum(axis=1) < WITHIN).mean()
    return hits


def through_kin(grown: Floats, own: Floats) -> tuple[float, float]:
    """Return how often a preference is among the first five of a hundred and of a belief that grew out of each.

    `grown` and `own` score each question and grown belief, or preference. First by themselves, then with what kin
    passes on: what was chosen once in a talk is kin to the preference that it shows.
    """
    chance, count = np.random.default_rng(0), len(own)
    kin = np.array([[place, place + AMONG] for place in range(AMONG)])
    hits = []
    for row in range(count):
        for _ in range(DRAWS):
            others = chance.permutation(np.delete(np.arange(count), row))[: AMONG - 1]
            members = np.append(row, others)
            alone = np.concatenate([own[row, members], grown[row, members]])
            ranked = [(scores > scores[0]).sum() < WITHIN for scores in (alone, passed_on(alone, kin))]
            hits.append(ranked)
    by_themselves, passed = np.mean(hits, axis=0).tolist()
    return by_themselves, passed


def read_grown(file: Path, pairs: Pairs) -> list[str]:
    """Return for each preference what its user chose in an earlier talk, in the order of the pairs."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    chosen = {(row["topic"], row["idx"]): row["aligned_op"] for row in rows}
    return [chosen[key] for key in pairs.keys]


class _Unrelated:
    """Judges every two statements unrelated: what is measured here is relevance alone."""

    name = "unrelated"

    def relate(self, pairs: Sequence[Pair]) -> list[Relation]:
        return [Relation(0.0, 0.0, 0.0, 1.0) for _ in pairs]


def served(pairs: Pairs, embedder: Embedder) -> tuple[int, int]:
    """Hold the preferences in self-models of a hundred, ask each question with room for five; return hits and asked."""
    order = np.random.default_rng(0).permutation(len(pairs.questions))
    hits = asked = 0
    with BeliefGraph.open(":memory:", embedder=embedder, relater=_Unrelated()) as graph:
        for number in range(len(order) // AMONG):
            members = order[number * AMONG : (number + 1) * AMONG]
            ada = graph.user(f"u{number}")
            for index in members:
                ada.believe(pairs.preferences[index], id=f"b{index}")
            for index in members:
                plan = ada.personalize(pairs.questions[index], limit=WITHIN)
                hits += f"b{index}" in {choice.belief.id for choice in plan.used}
                asked += 1
    return hits, asked


def report(data: Path, embedder: Embedder, *, quick: bool) -> None:
    """Print recall of each way on our questions and on prefeval, and of what is served."""
    common = _vectors(embedder, common_questions())
    _report_ours(embedder, common, quick=quick)
    file = data / FILE
    if not file.is_file():
        print(f"prefeval skipped: no {file}; name the folder with --data")
        return
    _report_prefeval(read(file, 120 if quick else None), data, embedder, common)


def _vectors(embedder: Embedder, texts: Sequence[str]) -> Floats:
    return np.array(embedder.encode(texts), dtype=np.float64)


def _report_ours(embedder: Embedder, common: Floats, *, quick: bool) -> None:
    asked, held, owners = read_ours(110 if quick else None)
    questions, beliefs = _vectors(embedder, asked), _vectors(embedder, held)
    print(f"ours: {len(asked)} questions, recall@{WITHIN} among {AMONG} (mean of {DRAWS} draws)\n")
    for name, way in WAYS.items():
        hits = recall(way(questions, beliefs, common), np.array(owners))
        print(f"{name:<62} {hits.mean():6.3f}", flush=True)


def _report_prefeval(pairs: Pairs, data: Path, embedder: Embedder, common: Floats) -> None:
    questions, preferences = _vectors(embedder, pairs.questions), _vectors(embedder, pairs.preferences)
    owners = np.arange(len(pairs.questions))
    print(f"\nprefeval: {len(owners)} questions, recall@{WITHIN} among {AMONG} (mean of {DRAWS} draws)\n")
    print(f"{'':<62} {'all':>6} {'development':>12} {'held out':>9}")
    scores = {name: way(questions, preferences, common) for name, way in WAYS.items()}
    scores["less the mean of these very questions, which nobody has"] = centred(
        questions, preferences, questions
    )
    held_out = []
    for name, found in scores.items():
        hits = recall(found, owners)
        parts = [hits.mean(), hits[pairs.development].mean(), hits[~pairs.development].mean()]
        held_out.append(parts[-1])
        print(f"{name:<62} {parts[0]:6.3f} {parts[1]:12.3f} {parts[2]:9.3f}", flush=True)
    grown = _vectors(embedder, read_grown(data / CHOICES, pairs))
    alone, passed = through_kin(centred(questions, grown, common), centred(questions, preferences, common))
    print(f"\nwith a belief that grew out of each preference beside it: {alone:.3f} by itself,", end=" ")
    print(f"{passed:.3f} with what kin passes on")
    used, asked = served(pairs, embedder)
    verdict = "met" if held_out[1] > held_out[0] else "missed"
    print(f"better than plain cosine on the topics held out: {verdict}")
    if asked:
        share = used / asked
        print(f"used by `personalize` with room for {WITHIN}, self-models of {AMONG}: {share:.3f} of {asked}")
