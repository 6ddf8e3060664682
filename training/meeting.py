"""Pairs of statements as they meet within one self-model: each beside those near it, most of which are unrelated."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.statements import Cluster, spoken_in

NEAREST, GATE_COSINE = 16, 0.25
"""How many beliefs near a text are looked at, and from which cosine on, as in the package."""


class Meeting(NamedTuple):
    """Two statements, the cosine of their vectors, and whether they contradict each other."""

    pair: tuple[str, str]
    cosine: float
    real: bool


def read_across(path: Path) -> dict[frozenset[str], str]:
    """Read what was judged by hand of pairs of different clusters: `A ! B` contradict, of `A ? B` nobody can say."""
    judged = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        first, mark, second = re.split(r" ([!?]) ", line)
        judged[frozenset((first, second))] = mark
    return judged


def meetings(
    clusters: Sequence[Cluster],
    encode: Callable[[Sequence[str]], Sequence[npt.NDArray[np.float32]]],
    across: Mapping[frozenset[str], str],
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
    vectors = np.array(encode([text for _, _, text in said]))
    cosines = vectors @ vectors.T
    near = {
        (min(one, int(other)), max(one, int(other)))
        for one in range(len(said))
        for other in np.argsort(-cosines[one], kind="stable")[1 : NEAREST + 1]
        if cosines[one, other] >= GATE_COSINE
    }
    found = []
    for one, other in sorted(near):
        (first_of, first_part, first), (second_of, second_part, second) = said[one], said[other]
        mark = across.get(frozenset((first, second)))
        real = mark == "!" or (first_of == second_of and {first_part, second_part} == {0, 1})
        if mark != "?":
            found.append(Meeting(pair=(first, second), cosine=float(cosines[one, other]), real=real))
    return found
