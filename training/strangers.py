"""Pairs of statements of different topics that lie near each other: what most near pairs of one self-model are."""

import random
from collections.abc import Callable, Sequence

import numpy as np

from training.meeting import Encode
from training.statements import Cluster, Pair, spoken_in

NEAR, SAME_TOPIC = 0.2, 0.5
"""Cosines between which a pair of two clusters is taken. Above, too many clusters are about the same thing."""

MISTAKEN = 0.3
"""From which probability on of a contradiction a network is mistaken about such a pair."""

Judge = Callable[[Sequence[tuple[str, str]]], Sequence[float]]
"""Gives the probability of a contradiction for each pair."""


class Strangers:
    """The statements of all clusters with their vectors, from which near pairs of different clusters are drawn."""

    def __init__(self, clusters: Sequence[Cluster], encode: Encode) -> None:
        self._texts = list(dict.fromkeys(text for cluster in clusters for text in cluster.statements()))
        places = {text: place for place, text in enumerate(self._texts)}
        self._vectors = np.array(encode([spoken_in(text, "her") for text in self._texts]))
        self._kin: list[set[int]] = [set() for _ in self._texts]
        for cluster in clusters:  # poles of one dimension share their statements, and so are kin
            together = {places[text] for text in cluster.statements()}
            for place in together:
                self._kin[place] |= together

    def draw(self, count: int, rng: random.Random, *, among: int = 40) -> list[Pair]:
        """Return neutral pairs of distinct first statements, at most so many, each beside one of those nearest it."""
        firsts = rng.sample(range(len(self._texts)), min(count, len(self._texts)))
        pairs = []
        for start in range(0, len(firsts), 500):
            chosen = firsts[start : start + 500]
            cosines = self._vectors[chosen] @ self._vectors.T
            cosines[(cosines < NEAR) | (cosines >= SAME_TOPIC)] = -1.0
            for first, row in zip(chosen, cosines, strict=True):
                row[list(self._kin[first])] = -1.0
                nearest = [int(place) for place in np.argpartition(-row, among)[:among] if row[place] > 0]
                if nearest:
                    pairs.append(Pair(self._texts[first], self._texts[rng.choice(nearest)], "neutral"))
        return pairs

    def mistaken(self, count: int, rng: random.Random, judge: Judge, *, nearest: int = 40) -> list[Pair]:
        """Return those of so many drawn pairs that a network takes for contradictions, to learn that they are none."""
        drawn = self.draw(count, rng, among=nearest)
        pairs = [(spoken_in(pair.first, "her"), spoken_in(pair.second, "her")) for pair in drawn]
        return [pair for pair, said in zip(drawn, judge(pairs), strict=True) if said >= MISTAKEN]
