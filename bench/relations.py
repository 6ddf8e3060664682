"""How well the shipped network relates statements and tells lasting ones.

The statements are hand-written and were never trained on (`training/data/held_out`); the development probe and the
public stress sets lie in the evaluation data, and are left out where there are none.
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from beliefgraph.ingest.classifier import Classifier
from beliefgraph.ingest.embedder import SentenceTransformerEmbedder
from beliefgraph.ingest.lasting import Gate, lasting_parts, to_judge
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.relate import Pair, Relater
from training.leaks import HELD_OUT, unknown
from training.meeting import meetings, read_across
from training.statements import Cluster, draw, read_clusters, read_written

VALIDATION = ("validation", "validation_fresh", "validation_last")
"""Held-out sets; nobody who wrote training data or chose anything saw the second, which was reported, and the third."""
SAME, AGAINST, APART = range(3)
_LABELS = {
    "equivalent": SAME,
    "entails": SAME,
    "entailed": SAME,
    "entailment": SAME,
    "contradiction": AGAINST,
    "neutral": APART,
}
_EACH = {"equivalent": 3, "entails": 3, "contradiction": 4, "neutral": 4}
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """Pairs with the probabilities of same (equivalent or entailing, either way), against and apart, and the truth."""

    name: str
    probabilities: Floats
    truth: npt.NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of the pairs whose likeliest class is the true one."""
        return float((self.probabilities.argmax(axis=1) == self.truth).mean())

    @property
    def surest_half(self) -> float:
        """Accuracy of the half that the network is surest of."""
        surest = np.argsort(-self.probabilities.max(axis=1), kind="stable")[: len(self.truth) // 2]
        return float((self.probabilities.argmax(axis=1) == self.truth)[surest].mean())

    def recall_at(self, precision: float) -> float:
        """Return the highest recall of contradictions at a threshold where they are this precise."""
        order = np.argsort(-self.probabilities[:, AGAINST], kind="stable")
        found = np.cumsum(self.truth[order] == AGAINST)
        precise = found / np.arange(1, len(order) + 1) >= precision
        return float((found[precise] / found[-1]).max(initial=0.0))

    def confirmed(self, threshold: float) -> tuple[float, float, float]:
        """Return precision and recall of contradictions from a threshold on, and the share of others that pass it."""
        passed, real = self.probabilities[:, AGAINST] >= threshold, self.truth == AGAINST
        right = float((passed & real).sum())
        return right / max(1.0, float(passed.sum())), right / float(real.sum()), float(passed[~real].mean())

    @property
    def ece(self) -> float:
        """Expected calibration error of the probability of a contradiction, in ten bins of equal width."""
        probability, real = self.probabilities[:, AGAINST], self.truth == AGAINST
        bins = np.minimum((probability * 10).astype(int), 9)
        gaps = [
            abs(probability[bins == place].mean() - real[bins == place].mean()) * (bins == place).mean()
            for place in np.unique(bins)
        ]
        return float(np.sum(gaps))


def held_out_pairs(name: str, *, seed: int = 20261123) -> list[tuple[Pair, int]]:
    """Draw pairs from the clusters of a held-out file, in persons and orders that the seed gives."""
    return pairs_of(list(read_clusters(HELD_OUT / f"{name}.txt")), seed=seed)


def pairs_of(clusters: list[Cluster], *, seed: int = 20261123) -> list[tuple[Pair, int]]:
    """Draw pairs from clusters, in persons and orders that the seed gives."""
    drawn = draw(clusters, random.Random(seed), each=_EACH)
    return [((pair.first, pair.second), _LABELS[pair.label]) for pair in drawn]


def public_pairs(path: Path, most: int | None = None) -> list[tuple[Pair, int]]:
    """Read labelled pairs, at most so many, chosen evenly."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    step = 1 if most is None else max(1, len(rows) // most)
    return [((row["a"], row["b"]), _LABELS.get(row["label"], -1)) for row in rows[::step]]


def judge(
    relater: Relater, name: str, pairs: Sequence[tuple[Pair, int]], *, both_ways: bool = True
) -> Judged:
    """Relate pairs; with `both_ways` the reverse entailment counts as same, else as apart."""
    relations = relater.relate([pair for pair, _ in pairs])
    rows = []
    for found in relations:
        reverse = found.entailed if both_ways else 0.0
        rows.append(
            [found.equivalent + found.entails + reverse, found.contradiction, found.neutral - reverse]
        )
    return Judged(name, np.array(rows), np.array([label for _, label in pairs]))


def accuracy_of_entailment(judged: Judged, pairs: Sequence[tuple[Pair, int]]) -> float:
    """Return the accuracy on an inference set; where it only says "not entailed" (−1), contradiction is right too."""
    likeliest = judged.probabilities.argmax(axis=1)
    right = [
        found == label if label >= 0 else found != SAME
        for found, (_, label) in zip(likeliest, pairs, strict=True)
    ]
    return float(np.mean(right))


def speed(relater: Relater, pairs: Sequence[tuple[Pair, int]]) -> tuple[float, float]:
    """Return milliseconds for one pair alone, and pairs a second in one call, both orders read."""
    texts = [pair for pair, _ in pairs]
    relater.relate(texts[:3])
    alone = []
    for pair in texts[3:53]:
        started = time.perf_counter()
        relater.relate([pair])
        alone.append(time.perf_counter() - started)
    started = time.perf_counter()
    relater.relate(texts[53:])
    return 1000 * float(np.median(alone)), len(texts[53:]) / (time.perf_counter() - started)


# The gate


def gate_texts(data: Path | None) -> Iterator[tuple[str, str, bool]]:
    """Yield the set, the text and whether it is lasting: held-out ones, and public ones where there are data."""
    for source in ("own", "fresh", "last"):
        for kind in ("lasting", "passing"):
            name = kind if source == "own" else f"{kind}_{source}"
            for text in (HELD_OUT / f"{name}.txt").read_text(encoding="utf-8").splitlines():
                yield source, text, kind == "lasting"
    if data is None or not (data / "eurtad").is_dir():
        return
    for place, line in enumerate(
        (data / "eurtad" / "annotated.jsonl").read_text(encoding="utf-8").splitlines()
    ):
        dialogue = json.loads(line)
        if (
            dialogue["set"] in ("MWoZ", "SGD") and place % 2
        ):  # requests of the moment; the other half may train
            for turn in dialogue.get("turns", ())[:1]:
                yield "eurtad", turn["utterance"], False
    for line in (data / "prefeval" / "explicit.jsonl").read_text(encoding="utf-8").splitlines():
        yield "prefeval", json.loads(line)["preference"], True


def judge_gate(gate: Gate, texts: Sequence[tuple[str, str, bool]]) -> dict[str, float]:
    """Return precision, recall and count over all texts, the gate used as for a comment on a response."""
    limits = load_parameters().text
    found = []
    for _, text, _ in texts:
        parts = to_judge(text, limits)
        worth = dict(zip(parts, gate.lasting(parts), strict=True))
        found.append(bool(lasting_parts(text, worth, limits, said_plainly=False)))
    real = np.array([lasting for _, _, lasting in texts])
    passed = np.array(found)
    right = float((passed & real).sum())
    return {"precision": right / max(1.0, passed.sum()), "recall": right / real.sum(), "n": float(len(texts))}


def report(data: Path, *, quick: bool) -> None:
    """Print every figure on relations and the gate, with targets."""
    classifier = Classifier()
    most = 100 if quick else None
    written = read_written()
    sets = []
    for name in VALIDATION:
        clusters = list(read_clusters(HELD_OUT / f"{name}.txt"))
        new = unknown(clusters, written)
        sets.append((f"{name} (held out)", pairs_of(clusters)[:most]))
        left_out = len(clusters) - len(new)
        sets.append(
            (f"{name} without {left_out} clusters of which training holds a pair", pairs_of(new)[:most])
        )
    if (data / "probe_dev.jsonl").is_file():
        sets.append(("probe_dev (seen while writing)", public_pairs(data / "probe_dev.jsonl", most)))
    confirmed = load_parameters().text.confirmed
    for name, pairs in sets:
        judged = judge(classifier, name, pairs)
        precision, recall, false = judged.confirmed(confirmed)
        print(f"{name}, {len(pairs)} pairs")
        verdict("three classes right", judged.accuracy, ">=", 0.85)
        verdict("surest half right", judged.surest_half, ">=", 0.95)
        verdict("recall of contradictions at precision .95", judged.recall_at(0.95), ">=", 0.5)
        verdict("calibration error of a contradiction", judged.ece, "<=", 0.05)
        verdict(f"called confirmed (from {confirmed:g}): precision", precision, ">=", 0.95)
        print(f"    {'called confirmed: recall':<52} {recall:.3f}")
        verdict("others called confirmed", false, "<=", 0.01)
    for name in VALIDATION:
        _report_meetings(classifier, name, confirmed, most)
    for folder, name in (
        ("breaking_nli", "test"),
        ("negation_nli", "snli"),
        ("negation_nli", "mnli"),
        ("negation_nli", "rte"),
    ):
        path = data / folder / f"{name}.jsonl"
        if path.is_file():
            pairs = public_pairs(path, 40 if quick else 800)
            right = accuracy_of_entailment(judge(classifier, name, pairs, both_ways=False), pairs)
            verdict(f"{folder} {name}, {len(pairs)} pairs, right", right, ">=", 0.85)
    alone, rate = speed(classifier, held_out_pairs("calibration"))
    verdict("milliseconds for one pair, one thread", alone, "<=", 8)
    verdict("pairs a second in one call", rate, ">=", 300)
    texts = list(gate_texts(data))
    _report_gate(classifier, texts)
    for source in ("fresh", "last"):
        _report_gate(classifier, [text for text in texts if text[0] == source])


def _report_meetings(classifier: Classifier, name: str, confirmed: float, most: int | None) -> None:
    """Print how right confirmed contradictions are among the near pairs of one user, as the store meets them.

    Of a set whose pairs across clusters nobody judged, all of these count as none, true or not.
    """
    clusters = list(read_clusters(HELD_OUT / f"{name}.txt"))
    judged = HELD_OUT / f"{name}_across.txt"
    across = read_across(judged) if judged.exists() else {}
    found = meetings(clusters, SentenceTransformerEmbedder().encode, across)[:most]
    relations = classifier.relate([each.pair for each in found])
    said = np.array(
        [
            classifier.situate(relation, each.cosine, each.lead).contradiction
            for each, relation in zip(found, relations, strict=True)
        ]
    )
    real, passed = np.array([each.real for each in found]), said >= confirmed
    print(f"near pairs of one self-model ({name}), {len(found)} pairs, {real.sum()} of them contradictions")
    verdict(
        f"confirmed (from {confirmed:g}): precision", (passed & real).sum() / max(1, passed.sum()), ">=", 0.95
    )
    verdict("confirmed: recall", (passed & real).sum() / max(1, real.sum()), ">=", 0.5)
    verdict("others confirmed", float(passed[~real].mean()), "<=", 0.01)


def _report_gate(classifier: Classifier, texts: Sequence[tuple[str, str, bool]]) -> None:
    scores = judge_gate(classifier, texts)
    print(f"worth believing, {scores['n']:.0f} texts ({', '.join(sorted({name for name, _, _ in texts}))})")
    verdict("precision", scores["precision"], ">=", 0.95)
    verdict("recall", scores["recall"], ">=", 0.85)


def verdict(name: str, value: float, sign: str, target: float) -> None:
    """Print a figure beside its target."""
    met = value >= target if sign == ">=" else value <= target
    print(
        f"    {name:<52} {value:.3f}   {'≥' if sign == '>=' else '≤'} {target:g}   {'met' if met else 'missed'}",
        flush=True,
    )
