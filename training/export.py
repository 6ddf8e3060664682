"""From the trained network to what ships: ONNX with int8 weights, its tokenizer, its calibration."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from training.model import LONGEST, Network, base_folder, tensors, tokenizer
from training.statements import LABELS

SHIPPED = Path(__file__).parents[1] / "ingest" / "relation_model"
Array = npt.NDArray[np.float64]
REST = 0.02
"""Odds that a text which says that something changed takes back nothing near it: a lone near belief is not its aim."""


def export(network: Network, folder: Path = SHIPPED) -> str:
    """Write the network in int8 with its tokenizer; return the SHA-256 of the weights."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    fed = tensors(tokenizer(), [("Has a dog", "Has a poodle"), ("Has a poodle", "Has a dog")])
    axes = {name: {0: "batch", 1: "length"} for name in fed}
    target = folder / "relation.onnx"
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        torch.onnx.export(
            network.eval(),
            tuple(fed.values()),
            str(whole),
            input_names=list(fed),
            output_names=["logits"],
            dynamic_axes={**axes, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(whole, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    shutil.copyfile(base_folder() / "tokenizer.json", folder / "tokenizer.json")
    return sha256(target.read_bytes()).hexdigest()


def exported_logits(folder: Path, batches: Sequence[Sequence[tuple[str, ...]]]) -> Array:
    """Return what the exported network gives for batches of one size each, run one by one as the package does."""
    from onnxruntime import InferenceSession

    session = InferenceSession(str(folder / "relation.onnx"), providers=["CPUExecutionProvider"])
    tokens = tokenizer()
    found = []
    for batch in batches:
        fed = {name: tensor.numpy() for name, tensor in tensors(tokens, batch).items()}
        found.append(session.run(None, fed)[0])
    return np.array(found, dtype=np.float64)


def write_calibration(calibration: dict[str, object], folder: Path = SHIPPED) -> None:
    """Write what turns logits into probabilities."""
    text = json.dumps({**calibration, "longest": LONGEST}, indent=2)
    (folder / "calibration.json").write_text(text + "\n", encoding="utf-8")


def fit_relations(logits: Array, targets: npt.NDArray[np.int64]) -> dict[str, object]:
    """Fit one temperature and a bias for each class by maximum likelihood, the biases held to zero by a weak prior."""

    def loss(free: Array) -> float:
        scaled = logits / np.exp(free[0]) + free[1:]
        top = scaled.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]
        likelihood = log_sum - scaled[np.arange(len(targets)), targets]
        return float(likelihood.mean() + 0.01 * (free[1:] ** 2).mean())

    found = minimize(loss, np.zeros(1 + len(LABELS)), method="L-BFGS-B").x
    return {"temperature": float(np.exp(found[0])), "bias": [float(bias) for bias in found[1:]]}


def fit_situated(
    relations: Array, cosines: Array, leads: Array, real: npt.NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Fit the odds of a contradiction against neutral between two texts of one user by maximum likelihood.

    `relations`: probabilities in the order of `LABELS`, shape (pairs, 5). The form is that of `Classifier.situate`,
    `leads` are those of `relate.leads`; a weak prior holds the weights down.
    """
    against, neutral = (
        np.maximum(relations[:, LABELS.index(name)], 1e-6) for name in ("contradiction", "neutral")
    )
    same = np.maximum(1.0 - against - neutral, 0.0) / against
    ratio = np.log(against / neutral)

    def loss(free: Array) -> float:
        log_odds = free[0] * ratio + free[1] * cosines + free[2] * leads + free[3]
        said = 1.0 / (1.0 + np.exp(-log_odds) + same)
        likelihood = np.log(np.clip(np.where(real, said, 1.0 - said), 1e-9, 1.0)).mean()
        return float(-likelihood + 0.0005 * (free[0] ** 2 + (free[1] / 8.0) ** 2 + (free[2] / 8.0) ** 2))

    names = ("log_odds", "cosine", "lead", "intercept")
    found = minimize(loss, np.array([0.6, 8.0, 4.0, -6.0]), method="L-BFGS-B").x
    return {"situated": dict(zip(names, found.tolist(), strict=True))}


def fit_changed(odds: Array, texts: npt.NDArray[np.int64], real: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Fit how likely texts that say that something changed take back each belief near them, as in `takes_back`.

    `odds` that a text contradicts a belief, `texts`: which text it is, from 0, `real`: whether it takes it back.
    """
    every = np.bincount(texts, odds)[texts] + REST
    features = np.column_stack([np.log(np.maximum(odds, 1e-9)), odds / every])
    found = LogisticRegression(C=10.0).fit(features, real)
    (by_log_odds, by_share), intercept = found.coef_[0].tolist(), float(found.intercept_[0])
    return {"log_odds": by_log_odds, "share": by_share, "rest": REST, "intercept": intercept}


def fit_gate(logits: Array, lasting: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Fit the temperature and the bias of the gate by maximum likelihood."""

    def loss(free: Array) -> float:
        scaled = logits / np.exp(free[0]) + free[1]
        signed = np.where(lasting, scaled, -scaled)
        return float(np.logaddexp(0.0, -signed).mean())

    found = minimize(loss, np.zeros(2), method="L-BFGS-B").x
    return {"gate_temperature": float(np.exp(found[0])), "gate_bias": float(found[1])}
