"""A stand-in for the CrossEncoder of sentence-transformers: what it says is scripted, and no model is loaded."""

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from beliefgraph.ingest.relate import Pair

NLI = ("contradiction", "entailment", "neutral")


class ScriptedCrossEncoder:
    """Gives (contradiction, entailment, neutral) as the script has it for a pair in this order, else neutral.

    `labels` are the names of its outputs, in order; `asked` keeps the pairs that it was asked about.
    """

    def __init__(
        self, script: Mapping[Pair, tuple[float, float, float]], labels: Sequence[str] | None = NLI
    ) -> None:
        self.config = SimpleNamespace(id2label=None if labels is None else dict(enumerate(labels)))
        self._labels, self._script = labels, script
        self.asked: list[Pair] = []

    def predict(self, pairs: Sequence[Pair], **how: Any) -> npt.NDArray[np.float64]:
        """Return the probabilities of each pair, shape (pairs, labels)."""
        assert {"apply_softmax": True, "show_progress_bar": False} == how
        self.asked += pairs
        said = [dict(zip(NLI, self._script.get(pair, (0.0, 0.0, 1.0)), strict=True)) for pair in pairs]
        assert self._labels is not None
        return np.array([[each[label.lower()] for label in self._labels] for each in said])


def install(monkeypatch: pytest.MonkeyPatch, encoder: ScriptedCrossEncoder | Exception) -> list[str]:
    """Let `sentence_transformers` have this cross-encoder, or fail so, by any name; return the names asked for."""
    names: list[str] = []

    def load(name: str, *, local_files_only: bool) -> ScriptedCrossEncoder:
        names.append(name)
        if isinstance(encoder, Exception):
            raise encoder
        return encoder

    module = ModuleType("sentence_transformers")
    module.CrossEncoder = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    return names
