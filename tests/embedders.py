"""A tiny embedder and a scriptable relater: deterministic stand-ins for models, for tests alone."""

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from beliefgraph.graph.ids import normal_form
from beliefgraph.graph.store import Vector
from beliefgraph.ingest.relate import Pair, Relation

DIMENSION = 256
_WORD = re.compile(r"\w+")

EQUIVALENT = Relation(0.97, 0.01, 0.01, 0.01)
ENTAILS = Relation(0.02, 0.95, 0.01, 0.02)
CONTRADICTION = Relation(0.01, 0.01, 0.95, 0.03)
SUSPICION = Relation(0.1, 0.1, 0.7, 0.1)
NEUTRAL = Relation(0.0, 0.0, 0.0, 1.0)


class WordEmbedder:
    """Embeds a text as its bag of hashed words: texts that share words are near, and nothing is random.

    `calls` keeps the texts of each call, `forgotten` counts calls of `forget`.
    """

    def __init__(self, name: str = "words") -> None:
        self.name = name
        self.calls: list[list[str]] = []
        self.forgotten = 0

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of float32 for each text."""
        self.calls.append(list(texts))
        return [_bag(text) for text in texts]

    def forget(self) -> None:
        """Drop what was remembered: here, the record of calls."""
        self.calls.clear()
        self.forgotten += 1


def _bag(text: str) -> Vector:
    vector = np.zeros(DIMENSION, dtype=np.float32)
    for word in _WORD.findall(text.casefold()) or [text]:
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        vector[int.from_bytes(digest, "big") % DIMENSION] += 1.0
    return vector / np.float32(np.linalg.norm(vector))


_LASTING = re.compile(
    r"\b(i|i'm|i've|i'd|my|mine|we|our|always|never|from now on|in (the )?future|prefer|please (don't|do not|stop|use"
    r"|always|keep|avoid|include|add)|stop)\b",
    re.IGNORECASE,
)
_ABOUT_THIS = re.compile(
    r"\b(this|that|it|its|the (answer|response|reply|code|link|text)|here|your)\b|\byou('re| are| were| got)\b",
    re.IGNORECASE,
)


class FormGate:
    """Tells by its form whether a text may be a lasting statement: sure either way, English only."""

    def lasting(self, texts: Sequence[str]) -> list[float]:
        """Return .99 for what speaks of the user and not of the answer, .2 for the rest, .01 for thanks."""
        return [self._lasting(text.replace("’", "'").strip()) for text in texts]

    def _lasting(self, text: str) -> float:
        if text.rstrip(" .!").casefold() in ("thanks", "thank you"):
            return 0.01
        plain = not text.endswith("?") and 2 <= len(text.split()) and len(text) <= 300
        return 0.99 if plain and _LASTING.search(text) and not _ABOUT_THIS.search(text) else 0.2


class ScriptedRelater:
    """Returns the relation that the script gives for a pair, neutral for any other; equal texts are equivalent.

    What it is sure of counts, as if calibrated. `asked` keeps the pairs that it was asked about.
    """

    name = "script"

    def __init__(self, script: Mapping[Pair, Relation] | None = None) -> None:
        self.script = dict(script or {})
        self.asked: list[Pair] = []

    def relate(self, pairs: Sequence[Pair]) -> list[Relation]:
        """Return the relation of each pair, in order."""
        self.asked += pairs
        return [self._relation(pair) for pair in pairs]

    def situate(self, relation: Relation, cosine: float, lead: float) -> Relation:
        """Return the relation as the script gives it."""
        return relation

    def _relation(self, pair: Pair) -> Relation:
        if pair in self.script:
            return self.script[pair]
        return EQUIVALENT if normal_form(pair[0]) == normal_form(pair[1]) else NEUTRAL
