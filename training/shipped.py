"""The float weights of a network that was exported in int8, so that its training can go on from what ships."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.export import SHIPPED
from training.model import Network


def load_exported(network: Network, folder: Path = SHIPPED) -> None:
    """Give a network the weights of an exported one, each as its integer times its scale.

    The exporter renames the weights of linear layers; each is found again by the bias that is added to its product.
    The biases of the layers, the norms and the two heads keep their names.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(folder / "relation.onnx")).graph
    held = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    state = network.state_dict()
    found = {name: held[name] for name in state if name in held}
    for name in state:
        quantized = f"{name}_quantized"
        if quantized in held:
            found[name] = _floats(held, quantized)
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for fed in node.input:
            readers.setdefault(fed, []).append(node)
    for node in graph.node:
        if node.op_type == "MatMulInteger" and node.input[1] in held:
            found[_name_of(node, readers, state)] = _floats(held, node.input[1]).T
    missing = [name for name in state if name not in found and not name.endswith("position_ids")]
    if missing:
        raise SystemExit(f"{folder}: it has no weights for {', '.join(missing)}")
    network.load_state_dict(
        {name: torch.from_numpy(np.array(weights)) for name, weights in found.items()}, strict=False
    )


def _floats(held: dict[str, npt.NDArray[Any]], quantized: str) -> npt.NDArray[np.float32]:
    name = quantized.removesuffix("_quantized")
    whole = held[quantized].astype(np.float32) - held[f"{name}_zero_point"].astype(np.float32)
    return np.asarray(whole * held[f"{name}_scale"], dtype=np.float32)


def _name_of(node: Any, readers: dict[str, list[Any]], state: dict[str, Any]) -> str:
    """Return the name of the weight that a product is taken with: that of the bias added next."""
    while True:
        (node,) = readers[node.output[0]]
        for fed in node.input:
            if fed.endswith(".bias") and fed in state:
                return f"{fed.removesuffix('bias')}weight"
