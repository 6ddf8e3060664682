"""The relaters that read both texts at once: the network that ships with the package, or any NLI cross-encoder.

Loaded when first asked, never at import. What follows from a relation is decided elsewhere (relate.py).
"""

import hashlib
import json
import math
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.errors import ModelUnavailableError
from beliefgraph.ingest.embedder import Embedder
from beliefgraph.ingest.relate import EmbeddingRelater, Pair, Relater, Relation, with_contradiction

_FOLDER = Path(__file__).parent / "relation_model"
_SWAPPED = [0, 2, 1, 3, 4]
"""Where equivalent, entails, entailed, contradiction and neutral stand when the pair is read the other way round."""
_GATE = 5
_REMEMBERED = 16_384
_SAME_COSINE = 0.33
"""Below it, what the network takes for paraphrases is mostly none; nine in ten held-out paraphrases lie above."""
_SHARED_FROM = 4
"""Pairs in one call from which on they are worth sharing among the cores."""
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")

Logits = npt.NDArray[np.float64]


class Classifier:
    """The shipped network: a `Relater` for two statements, and a `Gate` that says whether a text is a lasting one.

    A cross-encoder of 22 million parameters in int8 (`relation_model/CARD.md` says what it was trained on and how
    good it is). Runs on the CPU; safe to use from several threads. Each pair is read alone, in both orders, so that
    what comes out does not depend on its neighbours in a batch; several pairs are shared among the cores. Remembers the
    relations of the last 16,384 pairs by digest, not by text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: _Network | None = None
        self._remembered: OrderedDict[bytes, Relation] = OrderedDict()

    @property
    def name(self) -> str:
        """Return the name and version of the network."""
        return str(_calibration()["name"])

    def relate(self, pairs: Sequence[Pair]) -> list[Relation]:
        """Return the calibrated relation of each pair: `equivalent` and `contradiction` do not depend on the order."""
        if len(pairs) < _SHARED_FROM:
            return [self._relation(pair) for pair in pairs]
        cores = ThreadPoolExecutor(os.cpu_count())
        try:
            return list(cores.map(self._relation, pairs))
        finally:
            cores.shutdown(cancel_futures=True)  # an interrupt leaves thousands of pairs unread

    def situate(self, relation: Relation, cosine: float, lead: float) -> Relation:
        """Weigh a contradiction against neutral by where the two texts lie: another topic rarely contradicts.

        With C, N and S the probabilities of contradiction, neutral and the rest, the odds C/N become
        exp(a·ln(C/N) + b·cosine + d·lead + c), while S/C stays: near pairs of one self-model say how many of them have
        nothing to do with each other, not how to tell paraphrases from opposites. Fitted to held-out statements beside
        the 16 nearest of the same self-model, with the cosine of the default embedding model. Texts that lie far apart
        are never equivalent.
        """
        fitted = _calibration()["situated"]
        against, neutral = max(relation.contradiction, 1e-6), max(relation.neutral - relation.entailed, 1e-6)
        same = relation.equivalent + relation.entails + relation.entailed
        log_odds = fitted["log_odds"] * math.log(against / neutral) + fitted["cosine"] * cosine
        log_odds += fitted["lead"] * lead + fitted["intercept"]
        found = with_contradiction(relation, 1.0 / (1.0 + math.exp(-log_odds) + same / against))
        if cosine >= _SAME_COSINE:
            return found
        return replace(found, equivalent=0.0, neutral=found.neutral + found.equivalent)

    def lasting(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the calibrated probability that it is a lasting statement about the user."""
        network = self._network()
        return [network.lasting(text) for text in texts]

    def forget(self) -> None:
        """Drop what was remembered of pairs seen lately."""
        with self._lock:
            self._remembered.clear()

    def _relation(self, pair: Pair) -> Relation:
        digest = hashlib.sha256("\0".join(pair).encode()).digest()
        with self._lock:
            known = self._remembered.get(digest)
        if known is None:
            known = _relation(self._network().relation(pair))
            with self._lock:
                self._remembered[digest] = known
                if len(self._remembered) > _REMEMBERED:
                    self._remembered.popitem(last=False)
        return known

    def _network(self) -> "_Network":
        with self._lock:
            self._loaded = self._loaded or _Network(_FOLDER)
            return self._loaded


class _Network:
    """The ONNX session with its tokenizer and its calibration."""

    def __init__(self, folder: Path) -> None:
        try:
            import onnxruntime
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ModelUnavailableError("onnxruntime is not installed; pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "relation.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._tokens = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._calibration = _calibration()
        self._tokens.no_padding()
        self._tokens.enable_truncation(self._calibration["longest"], strategy="longest_first")

    def relation(self, pair: Pair) -> Logits:
        """Return probabilities of equivalent, entails, entailed, contradiction and neutral, sum 1."""
        if pair[0] > pair[1]:  # one order for both, lest rounding tell them apart
            return self.relation((pair[1], pair[0]))[_SWAPPED]
        logits = self._run([pair, pair[::-1]])[:, :_GATE]
        mean = (logits[0] + logits[1][_SWAPPED]) / 2
        scaled = mean / self._calibration["temperature"] + np.array(self._calibration["bias"])
        powers = np.exp(scaled - scaled.max())
        probabilities: Logits = powers / powers.sum()
        return probabilities

    def lasting(self, text: str) -> float:
        """Return the probability that a text is a lasting statement."""
        logit = self._run([text])[0, _GATE]
        scaled = logit / self._calibration["gate_temperature"] + self._calibration["gate_bias"]
        return float(1.0 / (1.0 + np.exp(-scaled)))

    def _run(self, texts: Sequence[Any]) -> Logits:
        """Run texts or pairs of one length."""
        encoded = self._tokens.encode_batch(list(texts))
        width = max(len(one.ids) for one in encoded)
        rows = ([one.ids, one.attention_mask, one.type_ids] for one in encoded)
        padded = np.array(
            [[[*part, *[0] * (width - len(part))] for part in row] for row in rows], dtype=np.int64
        )
        fed = {name: padded[:, place] for place, name in enumerate(_INPUTS)}
        (logits,) = self._session.run(None, fed)
        return np.asarray(logits, dtype=np.float64)


@cache
def _calibration() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FOLDER / "calibration.json").read_text(encoding="utf-8"))
    return found


def _relation(probabilities: Logits) -> Relation:
    equivalent, entails, entailed, contradiction, neutral = probabilities.tolist()
    return Relation(equivalent, entails, contradiction, neutral + entailed, entailed)


class CrossEncoderRelater:
    """Any sentence-transformers CrossEncoder for natural-language inference, by name or folder.

    Its configuration must name labels entailment, contradiction and neutral (in any order and case). Two statements are
    equivalent as far as each entails the other. Nobody calibrated it on the statements of one self-model, so what it
    takes for contradictions stays suspected (`Situates`).
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._loaded: Any = None

    @property
    def name(self) -> str:
        """Return the last part of the model's name or folder."""
        return Path(self._model).name

    def relate(self, pairs: Sequence[Pair]) -> list[Relation]:
        """Return the relation of each pair, both orders read. Raises `ModelUnavailableError`."""
        if not pairs:
            return []
        with self._lock:
            self._loaded = self._loaded or _load_cross_encoder(self._model)
            encoder, places = self._loaded
            both = [pair for first, second in pairs for pair in ((first, second), (second, first))]
            found = encoder.predict(both, apply_softmax=True, show_progress_bar=False)
        there, back = found[::2][:, places], found[1::2][:, places]
        return [_combined(one.tolist(), other.tolist()) for one, other in zip(there, back, strict=True)]


def _combined(there: list[float], back: list[float]) -> Relation:
    """Combine (entailment, contradiction, neutral) of both orders into one relation, sum 1."""
    contradiction = (there[1] + back[1]) / 2
    equivalent = min(there[0], back[0])
    entails, entailed = there[0] - equivalent, back[0] - equivalent
    scale = max(1.0, equivalent + entails + entailed + contradiction)
    equivalent, entails, entailed, contradiction = (
        part / scale for part in (equivalent, entails, entailed, contradiction)
    )
    return Relation(equivalent, entails, contradiction, 1.0 - equivalent - entails - contradiction, entailed)


def _load_cross_encoder(model: str) -> tuple[Any, list[int]]:
    try:
        from sentence_transformers import CrossEncoder

        encoder = CrossEncoder(model, local_files_only=Path(model).is_dir())
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        raise ModelUnavailableError(f"the cross-encoder {model} cannot be loaded") from error
    named = getattr(encoder.config, "id2label", None) or {}
    places = {str(label).lower(): int(place) for place, label in named.items()}
    try:
        return encoder, [places[label] for label in ("entailment", "contradiction", "neutral")]
    except KeyError:
        raise ModelUnavailableError(
            f"the cross-encoder {model} has the labels {', '.join(map(str, named.values())) or '(none)'}; it needs "
            "entailment, contradiction and neutral, by these names: a model for natural-language inference"
        ) from None


def named_relater(relater: Relater | Path | str | None, embedder: Embedder) -> Relater | None:
    """Return the relater of a name: a cross-encoder (a name or a folder), or `embedding`; any other as it is."""
    if relater == EmbeddingRelater.name:
        return EmbeddingRelater(embedder)
    return CrossEncoderRelater(str(relater)) if isinstance(relater, str | Path) else relater
