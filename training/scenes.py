"""Pairs from public inference sets, for replay, and one-word changes of their sentences.

The relater is for statements about people; these keep it able to read plain sentences. What a stress set of the bench
holds is never trained on: sentences that occur there, with or without their negation, are left out.
"""

import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from training.statements import Pair

DATA = Path(__file__).parent / "data"
_LABELS = {"entailment": "entails", "contradiction": "contradiction", "neutral": "neutral"}
_STRESS = (
    "breaking_nli/test.jsonl",
    "negation_nli/snli.jsonl",
    "negation_nli/mnli.jsonl",
    "negation_nli/rte.jsonl",
)
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|am|can|could|will|would|should|must|may|might|has been|have been|had been)\b(?! not|n't)"
)


def read_scenes(public: Path, *, longest: int = 30) -> list[Pair]:
    """Read the SNLI and MNLI pairs in a folder whose premise has at most `longest` words."""
    stressed = _stress_sentences(public)
    pairs = []
    for name in ("nli_dev/snli_dev.jsonl", "nli_dev/mnli_dev.jsonl"):
        for row in _rows(public / name):
            label = _LABELS.get(row["label"])
            known = {_bare(row["a"]), _bare(row["b"])} & stressed
            if label and not known and len(row["a"].split()) <= longest:
                pairs.append(Pair(row["a"], row["b"], label))
    return pairs


def negated(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Negate one side or both, where the relation of the result follows.

    Not-b: a pair that entailed now contradicts, one that contradicted now entails, one that was neutral stays so.
    Not-a contradicts what says no less than a; what says much less is left open.
    """
    for pair in pairs:
        first, second = _negate(pair.first), _negate(pair.second)
        if second and pair.label == "entails":
            yield Pair(pair.first, second, "contradiction")
        if second and pair.label == "contradiction":
            yield Pair(pair.first, second, "entails")
        if second and pair.label == "neutral":
            yield Pair(pair.first, second, "neutral")
        if first and pair.label in ("entails", "neutral"):
            yield Pair(
                first, pair.second, "neutral" if pair.label == "neutral" or _wider(pair) else "contradiction"
            )
        if first and second and pair.label == "neutral":
            yield Pair(first, second, "neutral")


def _wider(pair: Pair) -> bool:
    """Say whether the first says much more than the second, so that denying it leaves the second open."""
    return len(pair.first.split()) > len(pair.second.split()) + 2


def substituted(sentences: Iterable[str], rng: random.Random) -> Iterator[Pair]:
    """Change one word of a sentence for one that excludes it, or for one that says the same."""
    sets = [
        *((row, "contradiction") for row in read_sets("exclusive.txt")),
        *((row, "equivalent") for row in read_sets("same.txt")),
    ]
    by_word: dict[str, list[tuple[list[str], str]]] = {}
    for row, label in sets:
        for word in row:
            by_word.setdefault(word.lower(), []).append((row, label))
    for sentence in sentences:
        found = [
            (match, choice)
            for match in re.finditer(r"[A-Za-z]+", sentence)
            for choice in by_word.get(match.group().lower(), ())
        ]
        if not found:
            continue
        match, (row, label) = rng.choice(found)
        other = rng.choice([word for word in row if word.lower() != match.group().lower()])
        yield Pair(sentence, sentence[: match.start()] + other + sentence[match.end() :], label)


def _negate(sentence: str) -> str | None:
    if re.search(r"\b(not|no|never|nobody|nothing|none)\b|n't\b", sentence):
        return None
    changed, count = _AUXILIARY.subn(r"\1 not", sentence, count=1)
    return changed if count else None


def _stress_sentences(public: Path) -> set[str]:
    return {
        _bare(text)
        for name in _STRESS
        if (public / name).exists()
        for row in _rows(public / name)
        for text in (row["a"], row["b"])
    }


def _bare(sentence: str) -> str:
    plain = re.sub(r"\b(not|do|does|did)\b|n't\b", " ", sentence.lower())
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def read_sets(name: str) -> list[list[str]]:
    """Read the rows of a file of words or phrases, ` | ` between them."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split(" | ") for line in lines if line and not line.startswith("#")]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
