"""The contract suite that ships with the package: examples, a state machine, concurrency and crash tests for any store.

Needs pytest and hypothesis, which are imported only with the suites: the programs that crash tests start need neither.
Nothing here knows which store it drives.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beliefgraph.graph.testing.contract import StoreContract
    from beliefgraph.graph.testing.durability import DurabilityContract, ThreadsContract
    from beliefgraph.graph.testing.hooks import Peek, StoreHooks
    from beliefgraph.graph.testing.machine import StoreMachine

__all__ = ["DurabilityContract", "Peek", "StoreContract", "StoreHooks", "StoreMachine", "ThreadsContract"]

_HOME = {
    "DurabilityContract": "durability",
    "Peek": "hooks",
    "StoreContract": "contract",
    "StoreHooks": "hooks",
    "StoreMachine": "machine",
    "ThreadsContract": "durability",
}
_WITH_ASSERTS = ("accounts", "as_of", "neighbourhood", "news", "reads", "records", "walls", "writes")


def __getattr__(name: str) -> Any:
    """Import a suite when it is first asked for, with asserts that say what they compared."""
    if name not in _HOME:
        raise AttributeError(name)
    import pytest

    suites = [*(f"contract_{part}" for part in _WITH_ASSERTS), "durability", "machine"]
    pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in suites))
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
