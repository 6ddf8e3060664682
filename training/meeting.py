"""Pairs of statements as they meet within one self-model: each beside those near it, most of which are unrelated."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from beliefgraph.ingest.relate import leads
from training.lives import Topic
from training.statements import Cluster, spoken_in

NEAREST, GATE_COSINE = 16, 0.25
"""How many beliefs near a text are looked at, and from which cosine on, as in the package."""


Encode = Callable[[Sequence[str]], Sequence[npt.NDArray[np.float32]]]


class Meeting(NamedTuple):
    """Two statements, their cosine, by how much the later one is nearest to the other, and whether they contradict."""

    pair: tuple[str, str]
    cosine: float
    lead: float
    real: bool


def read_across(path: Path) -> dict[frozenset[str], str]:
    """Read what was judged by hand of pairs of different clusters: `A ! B` contradict, of `A ? B` nobody can say."""
    judged = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        first, mark, second = re.split(r" ([!?]) ", line)
        judged[frozenset((first, second))] = mark
    return judged


def meetings(
    clusters: Sequence[Cluster], encode: Encode, across: Mapping[frozenset[str], str]
) -> list[Meeting]:
    """Return the near pairs of a user who says the anchor, one contradiction and one neutral text of every cluster.

    A statement and the contradiction of its own cluster contradict each other, and pairs that `across` marks so; those
    that it marks as doubtful are left out, and every other pair counts as none.
    """
    said = [
        (place, part, spoken_in(texts[0], "her"))
        for place, cluster in enumerate(clusters)
        for part, texts in enumerate((cluster.same, cluster.against, cluster.apart))
        if texts
    ]
    found = []
    for one, other, cosine, lead in near([text for _, _, text in said], encode):
        (first_of, first_part, first), (second_of, second_part, second) = said[one], said[other]
        mark = across.get(frozenset((first, second)))
        real = mark == "!" or (first_of == second_of and {first_part, second_part} == {0, 1})
        if mark != "?":
            found.append(Meeting(pair=(first, second), cosine=cosine, lead=lead, real=real))
    return found


def met_in(life: Sequence[Topic], encode: Encode) -> list[Meeting]:
    """Return the near pairs of a life, the later text first; a reversal contradicts what it reverses."""
    texts = [topic.first for topic in life]
    texts += [text for topic in life for text in topic.texts()[1:]]
    reversals = {(topic.reversal, topic.first) for topic in life}
    return [
        Meeting((texts[later], texts[first]), cosine, lead, (texts[later], texts[first]) in reversals)
        for first, later, cosine, lead in near(texts, encode)
    ]


def near(texts: Sequence[str], encode: Encode) -> list[tuple[int, int, float, float]]:
    """Return the places of the pairs of texts that meet, the lower first, their cosine, and the lead of the lower.

    The lead is by how much the higher one, said later, is nearer to it than to any other text, as in the package.
    """
    vectors = np.array(encode(texts))
    cosines = vectors @ vectors.T
    nearest = np.argsort(-cosines, kind="stable", axis=1)
    pairs = {
        (min(one, int(other)), max(one, int(other)))
        for one in range(len(texts))
        for other in [other for other in nearest[one] if other != one][:NEAREST]
        if cosines[one, other] >= GATE_COSINE
    }
    found = []
    for one, other in sorted(pairs):
        rival = next(int(place) for place in nearest[other] if place not in (one, other))
        lead, _ = leads([float(cosines[other, one]), float(cosines[other, rival])], GATE_COSINE)
        found.append((one, other, float(cosines[one, other]), lead))
    return found
