"""Pairs of statements as they meet within one self-model: each beside those near it, most of which are unrelated."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.statements import Cluster

NEAREST, GATE_COSINE = 16, 0.25
"""How many beliefs near a text are looked at, and from which cosine on, as in the package."""


class Meeting(NamedTuple):
    """Two statements, the cosine of their vectors, and whether they contradict each other."""

    pair: tuple[str, str]
    cosine: float
    real: bool


def meetings(
    clusters: Sequence[Cluster], encode: Callable[[Sequence[str]], Sequence[npt.NDArray[np.float32]]]
) -> list[Meeting]:
    """Return the near pairs of a user who says the anchor, one contradiction and one neutral text of every cluster.

    A statement and the contradiction of its own cluster contradict each other; every other pair counts as none.
    """
    said = [
        (place, part, texts[0].removeprefix("=").replace("{P}", "her").replace("{O}", "her"))
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
    return [
        Meeting(
            pair=(said[one][2], said[other][2]),
            cosine=float(cosines[one, other]),
            real=said[one][0] == said[other][0] and {said[one][1], said[other][1]} == {0, 1},
        )
        for one, other in sorted(near)
    ]
