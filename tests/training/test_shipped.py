"""Training can go on from the network that ships."""

import numpy as np
import pytest

from training.export import SHIPPED, exported_logits
from training.fit import logits_of
from training.model import Network, base_folder
from training.shipped import load_exported

_PAIRS = [("Has a dog", "Has a poodle"), ("Hates fish", "Loves fish"), ("Drinks only decaf", "Never tips")]


@pytest.mark.model
def test_the_shipped_weights_come_back() -> None:
    """The network in floating point says what the exported one says, but for what eight bits lose."""
    network = Network(base_folder())
    load_exported(network)
    floats = logits_of(network, _PAIRS).numpy()
    whole = np.array([exported_logits(SHIPPED, [[pair]])[0, 0] for pair in _PAIRS])
    assert np.abs(floats - whole).max() < 0.5
