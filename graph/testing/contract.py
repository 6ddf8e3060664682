"""The shipped contract suite: what every store must do, one class to subclass.

    class TestMyStore(StoreContract):
        opener = "my.module:open_store"
        def make_target(self, tmp_path): ...
        def peek(self, store, scope): ...
        def search(self, store, text): ...

No subclass overrides a test. A store that outlives its process also passes `DurabilityContract` (durability.py).
"""

from beliefgraph.graph.testing.contract_accounts import AccountsContract
from beliefgraph.graph.testing.contract_as_of import AsOfContract
from beliefgraph.graph.testing.contract_neighbourhood import NeighbourhoodContract
from beliefgraph.graph.testing.contract_news import NewsContract
from beliefgraph.graph.testing.contract_reads import ReadingContract
from beliefgraph.graph.testing.contract_records import RecordsContract
from beliefgraph.graph.testing.contract_walls import WallsContract
from beliefgraph.graph.testing.contract_writes import WritingContract


class StoreContract(
    WritingContract,
    RecordsContract,
    ReadingContract,
    NewsContract,
    AccountsContract,
    AsOfContract,
    NeighbourhoodContract,
    WallsContract,
):
    """Everything that the docstrings of `beliefgraph.graph.store` promise."""
