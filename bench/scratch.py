"""Pipelines over scratch stores, with an embedder that costs next to nothing. What is measured lies elsewhere."""

import hashlib
import statistics
from collections.abc import Sequence

import numpy as np

from beliefgraph.graph.clock import Clock, utc_now
from beliefgraph.graph.sqlite.connections import Synchronous
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.graph.store import Store, Vector
from beliefgraph.ingest.classifier import Classifier
from beliefgraph.ingest.parameters import Parameters, load_parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.relate import EmbeddingRelater

DIMENSION = 384
"""As many numbers as a vector of the default model has."""


class HashedWords:
    """An embedder without a model: each word of a text stands at one place of the vector, found by its digest."""

    name = "hashed-words"

    def __init__(self) -> None:
        self._vectors: dict[str, Vector] = {}

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """Return unit vectors; texts with the same words are the same."""
        return [self._vectors[text] if text in self._vectors else self._remember(text) for text in texts]

    def _remember(self, text: str) -> Vector:
        vector = np.zeros(DIMENSION, dtype=np.float32)
        for word in text.casefold().split():
            vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) % DIMENSION] += 1.0
        self._vectors[text] = vector / np.linalg.norm(vector)
        return self._vectors[text]

    def forget(self) -> None:
        """Drop the remembered vectors."""
        self._vectors.clear()


def open_pipeline(
    target: str,
    *,
    synchronous: Synchronous = "FULL",
    parameters: Parameters | None = None,
    clock: Clock = utc_now,
) -> Pipeline:
    """Return a pipeline over a SQLite store, with the shipped parameters and hashed words."""
    return pipeline_over(SqliteStore(target, synchronous=synchronous), parameters=parameters, clock=clock)


def pipeline_over(store: Store, *, parameters: Parameters | None = None, clock: Clock = utc_now) -> Pipeline:
    """Return a pipeline over a store, with the shipped parameters and hashed words."""
    embedder = HashedWords()
    return Pipeline(
        store=store,
        embedder=embedder,
        relater=EmbeddingRelater(embedder),
        gate=Classifier(),
        parameters=parameters or load_parameters(),
        clock=clock,
    )


def median(values: Sequence[float]) -> float:
    """Return the median: on a shared machine the mean says more about the neighbours."""
    return statistics.median(values)
