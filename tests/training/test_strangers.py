"""Near statements of other topics are drawn as neutral, and nothing of one topic is."""

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.statements import Cluster
from training.strangers import NEAR, SAME_TOPIC, Strangers

# An angle stands for what a text is about: 75 degrees apart is near (cosine .26), 5 degrees apart the same.
_ANGLES = {"Likes jazz": 0, "Hates jazz": 5, "Plays bass": 75, "Plays no bass": 80, "Eats fish": 180}
_CLUSTERS = [
    Cluster(same=["Likes jazz"], against=["Hates jazz"]),
    Cluster(same=["Plays bass"], against=["Plays no bass"]),
    Cluster(same=["Eats fish"]),
]


def _encode(texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
    angles = np.radians([_ANGLES[text] for text in texts])
    return list(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32))


def test_near_statements_of_other_topics_are_neutral() -> None:
    """Every pair joins two clusters, at a cosine between the limits, and is neutral."""
    pairs = Strangers(_CLUSTERS, _encode).draw(5, random.Random(1), among=3)
    drawn = {frozenset((pair.first, pair.second)) for pair in pairs}
    jazz, bass = {"Likes jazz", "Hates jazz"}, {"Plays bass", "Plays no bass"}
    assert drawn
    assert {"neutral"} == {pair.label for pair in pairs}
    for pair in pairs:
        cosine = float(np.cos(np.radians(_ANGLES[pair.first] - _ANGLES[pair.second])))
        assert NEAR <= cosine < SAME_TOPIC
        assert {pair.first, pair.second} not in (jazz, bass)


def test_poles_of_one_dimension_are_of_one_topic() -> None:
    """Clusters that share a statement are about one thing, however far apart they lie."""
    poles = [Cluster(same=["Likes jazz"], against=["Plays bass"]), Cluster(same=["Plays bass"])]
    assert [] == Strangers(poles, _encode).draw(5, random.Random(1), among=1)


def test_what_a_network_mistakes_is_learned() -> None:
    """Only pairs that the judge takes for contradictions are kept; it reads them as they are spoken."""

    def judge(pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [0.9 if "Hates jazz" in pair else 0.1 for pair in pairs]

    pairs = Strangers(_CLUSTERS, _encode).mistaken(5, random.Random(1), judge, nearest=3)
    assert pairs
    assert all("Hates jazz" in (pair.first, pair.second) and pair.label == "neutral" for pair in pairs)
