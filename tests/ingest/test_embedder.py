"""The embedder: loaded when first needed, checked, remembered by digest, and forgotten on request."""

import hashlib
import importlib.util
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from beliefgraph import BeliefGraph, StoreVersionError
from beliefgraph.graph.errors import ModelUnavailableError
from beliefgraph.ingest import embedder
from beliefgraph.ingest.embedder import DEFAULT_MODEL, SentenceTransformerEmbedder, named_embedder
from tests.embedders import WordEmbedder
from tests.worlds import open_world

HEAVY = ("torch", "sentence_transformers", "transformers", "sklearn")


class _Model:
    """Stands for a loaded sentence-transformers model; counts what it encodes."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: list[str], **_: Any) -> Any:
        self.encoded += texts
        vectors = np.array([[len(text), 1.0] for text in texts], dtype=np.float64)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> _Model:
    """Put a counting model in the place of the real one."""
    loaded = _Model()
    monkeypatch.setattr(embedder, "_load", lambda _: loaded)
    return loaded


def test_importing_loads_nothing_heavy(repository: Path) -> None:
    """Importing the package, opening a store and recording a rating import no model library."""
    code = f"""
import sys
from beliefgraph import BeliefGraph, SelfModel
import beliefgraph.ingest.pipeline, beliefgraph.queries.explain
with BeliefGraph.open(":memory:") as graph:
    graph.user("ada").signal("rating", 1)
    graph.user("ada").beliefs()
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(repository / "src"), "PATH": "/usr/bin:/bin"},
    )
    assert "[]" == found.stdout.strip()


def test_a_text_costs_one_encode(model: _Model) -> None:
    """A text seen before is not encoded again; vectors are unit float32, in the order asked for."""
    made = SentenceTransformerEmbedder()
    first, second, again = made.encode(["tea", "coffee", "tea"])
    assert ["tea", "coffee"] == model.encoded
    assert np.array_equal(first, again)
    assert np.float32 == first.dtype
    assert pytest.approx(1.0) == float(first @ first)
    made.encode(["coffee", "water"])
    assert ["tea", "coffee", "water"] == model.encoded
    assert [] == made.encode([])
    assert not np.array_equal(first, second)


def test_what_is_remembered_is_bounded(model: _Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts used longest ago are dropped first; a batch larger than the memory still comes back whole."""
    monkeypatch.setattr(embedder, "_REMEMBERED", 3)
    made = SentenceTransformerEmbedder()
    assert 5 == len(made.encode(["a", "bb", "ccc", "dddd", "eeeee"]))
    made.encode(["ccc"])
    made.encode(["ffffff"])
    model.encoded.clear()
    made.encode(["ccc", "eeeee", "ffffff"])
    assert [] == model.encoded
    made.encode(["dddd"])
    assert ["dddd"] == model.encoded


def test_forgetting_leaves_nothing(model: _Model) -> None:
    """After `forget` no vector and no text is kept, and the next text is encoded anew."""
    made = SentenceTransformerEmbedder()
    made.encode(["her secret"])
    assert not any("her secret" in repr(value) for value in vars(made).values())
    made.forget()
    assert 0 == len(made._remembered)
    made.encode(["her secret"])
    assert ["her secret", "her secret"] == model.encoded


def test_names() -> None:
    """The name is the model's, whatever folder it lies in."""
    assert DEFAULT_MODEL == SentenceTransformerEmbedder().name
    assert "other-model" == SentenceTransformerEmbedder("/somewhere/other-model").name
    assert "other-model" == SentenceTransformerEmbedder("someone/other-model").name


def _offline_package(monkeypatch: pytest.MonkeyPatch, place: Path, weights: bytes) -> None:
    (place / "model").mkdir()
    (place / "model" / "model.safetensors").write_bytes(weights)
    spec = SimpleNamespace(origin=str(place / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Offline weights whose digest is not the reviewed one are not loaded."""
    _offline_package(monkeypatch, tmp_path, b"not the weights")
    with pytest.raises(ModelUnavailableError, match=r"not the ones that were reviewed.*reinstall"):
        SentenceTransformerEmbedder().encode(["tea"])


def test_the_reviewed_weights_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Offline weights with the pinned digest are found in the package's folder."""
    _offline_package(monkeypatch, tmp_path, b"the weights")
    monkeypatch.setattr(embedder, "OFFLINE_SHA256", hashlib.sha256(b"the weights").hexdigest())
    assert str(tmp_path / "model") == embedder._offline_folder()


def test_without_any_model_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be loaded, the error names the extra and the setting, and nothing was written."""
    broken: Any = ModuleType("sentence_transformers")

    def unreachable(*_: Any, **__: Any) -> None:
        raise OSError("no network")

    broken.SentenceTransformer = unreachable
    monkeypatch.setitem(sys.modules, "sentence_transformers", broken)
    monkeypatch.setattr(embedder, "_offline_folder", lambda: None)
    monkeypatch.setattr(embedder, "_without_progress_bars", nullcontext)
    with BeliefGraph.open(":memory:") as graph:
        ada = graph.user("ada")
        for attempt in (lambda: ada.believe("likes tea"), lambda: ada.personalize("tea")):
            with pytest.raises(ModelUnavailableError, match=r"beliefgraph\[offline\].*BELIEFGRAPH_MODEL"):
                attempt()
        assert [] == list(graph.users())
        ada.signal("rating", 1)


def test_without_the_library_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sentence-transformers is missing, the error says how to get it."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.setattr(embedder, "_offline_folder", lambda: None)
    with pytest.raises(ModelUnavailableError, match="pip install sentence-transformers"):
        SentenceTransformerEmbedder().encode(["tea"])


def test_a_store_keeps_to_one_model(tmp_path: Path) -> None:
    """A store whose vectors come from one model refuses another, and says which it wants."""
    with open_world(tmp_path / "a.db") as world:
        world.ada.believe("likes tea")
    with BeliefGraph.open(tmp_path / "a.db", embedder=WordEmbedder("others")) as graph:
        graph.user("ada").signal("rating", 1)
        with pytest.raises(StoreVersionError, match="'words', not 'others'"):
            graph.user("ada").personalize("tea")


def test_what_needs_no_text_embeds_nothing() -> None:
    """Ratings, responses, retractions and words about a belief cost no encode; each statement costs one."""
    with open_world() as world:
        world.ada.believe("likes tea", id="b0")
        calls = len(world.embedder.calls)
        world.ada.respond("an answer", beliefs=["b0"], id="r0")
        world.ada.signal("rating", -1, response="r0", id="s0")
        world.ada.signal("confirm", belief="b0")
        world.ada.amend("b0", confidence=0.4)
        world.ada.retract("s0")
        assert calls == len(world.embedder.calls)
        assert [["likes tea"]] == world.embedder.calls


def test_a_model_can_be_named(tmp_path: Path) -> None:
    """A name or a folder stands for the model of that name; nothing for the default; an embedder for itself."""
    words = WordEmbedder()
    assert words is named_embedder(words)
    assert ["mpnet", tmp_path.name, DEFAULT_MODEL] == [
        named_embedder(named).name for named in ("somebody/mpnet", tmp_path, None)
    ]
    with BeliefGraph.open(":memory:", embedder="somebody/mpnet") as graph:
        assert "mpnet" == graph._pipeline.embedder.name
