"""The contract suite covers every store, and no store's tests weaken it."""

import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import beliefgraph.graph
from beliefgraph.graph.store import Store
from beliefgraph.graph.testing import DurabilityContract, StoreContract, StoreHooks, ThreadsContract

SUITES = (StoreContract, ThreadsContract, DurabilityContract)


def _stores() -> set[type]:
    """Find every class under beliefgraph.graph that has what a `Store` has."""
    found = set()
    for module in pkgutil.walk_packages(beliefgraph.graph.__path__, "beliefgraph.graph."):
        if ".testing" in module.name:
            continue
        classes = vars(importlib.import_module(module.name)).values()
        found |= {
            kind
            for kind in classes
            if inspect.isclass(kind)
            and not getattr(kind, "_is_protocol", False)
            and all(hasattr(kind, name) for name in STORE_MEMBERS)
        }
    return found


STORE_MEMBERS = {name for name in vars(Store) if not name.startswith("_")}


def _store_tests() -> Iterator[ModuleType]:
    for path in sorted(Path(__file__).parent.glob("test_*_store.py")):
        spec = importlib.util.spec_from_file_location(f"meta_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def _subclasses() -> list[type[StoreHooks]]:
    return [
        kind
        for module in _store_tests()
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, SUITES) and kind not in SUITES
    ]


def _opened_by(opener: str) -> type:
    found = pkgutil.resolve_name(opener)
    opened = found if inspect.isclass(found) else get_type_hints(found)["return"]
    assert inspect.isclass(opened)
    return opened


def test_every_store_passes_every_suite() -> None:
    """Each store under beliefgraph.graph has tests that subclass each suite, under a name that pytest collects."""
    stores = _stores()
    assert "SqliteStore" in {kind.__name__ for kind in stores}
    collected = [kind for kind in _subclasses() if kind.__name__.startswith("Test")]
    for suite in SUITES:
        covered = {_opened_by(kind.opener) for kind in collected if issubclass(kind, suite)}
        assert stores == covered


def test_no_store_overrides_a_contract_test() -> None:
    """What a suite asserts is the same for all: subclasses add hooks and tests of their own only."""
    contract_tests = {name for suite in SUITES for name in dir(suite) if name.startswith("test_")}
    assert len(contract_tests) > 80
    for kind in _subclasses():
        own = {name for name in dir(kind) if name in contract_tests}
        for name in own:
            (home,) = {base for base in kind.__mro__ if name in vars(base)}
            assert home.__module__.startswith("beliefgraph.graph.testing.")


def test_every_promise_has_a_method_in_the_protocol() -> None:
    """The protocol is what the meta-test thinks it is."""
    expected = {
        "target",
        "identity",
        "read",
        "write",
        "tenants",
        "users",
        "erase",
        "embedding_model",
        "writers",
        "close",
    }
    assert expected == STORE_MEMBERS
