"""The contract suite that ships with the package: examples, a state machine, concurrency and crash tests for any store.

Needs pytest and hypothesis. Nothing here knows which store it drives.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{name}"
        for name in (
            "contract_as_of",
            "contract_neighbourhood",
            "contract_reads",
            "contract_walls",
            "contract_writes",
        )
    )
)

from beliefgraph.graph.testing.contract import StoreContract  # noqa: E402
from beliefgraph.graph.testing.hooks import Peek, StoreHooks  # noqa: E402
from beliefgraph.graph.testing.machine import StoreMachine  # noqa: E402

__all__ = ["Peek", "StoreContract", "StoreHooks", "StoreMachine"]
