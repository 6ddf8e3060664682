"""What every store of the self-model must do: the protocols, whose docstrings are the contract.

A store keeps records and walks edges; it never interprets. All reads and writes belong to one user of one tenant
(`Scope`); an id of somebody else does not exist. Stores are used from several threads and processes at once.

A unit of work is a function. A store may run it more than once (a driver that retries), so it must not have effects
of its own: ids, times and embeddings are made before it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.ledger import Inferred, Item
from beliefgraph.graph.model import (
    BeliefNode,
    Interpretation,
    Link,
    LinkKind,
    Response,
    Revision,
    Signal,
    Tally,
)

T = TypeVar("T")
Vector = npt.NDArray[np.float32]
"""A unit vector of float32, shape (dimension,)."""


class Scope(NamedTuple):
    """One user of one tenant: the walls of every read and write."""

    tenant: str
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a user's sequence stands: the last number given and when; 0 and 0 for a user without records.

    `tallies` are what was counted of her signals, by kind, as the last unit of work left it.
    """

    seq: int
    recorded_us: int
    tallies: Mapping[str, Tally] = field(default_factory=dict)


class Neighbour(NamedTuple):
    """A belief near a vector, by cosine similarity in [−1, 1]."""

    belief_id: BeliefId
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What an update starts from. Ids that do not exist are left out of the answer.

    `vectors` maps names of the caller's choice to the vectors whose `nearest` beliefs are wanted; those are
    reached too. With `live`, superseded and retired ones do not count among the nearest.
    """

    responses: Sequence[ResponseId] = ()
    beliefs: Sequence[BeliefId] = ()
    signals: Sequence[SignalId] = ()
    statement_keys: Sequence[str] = ()
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    nearest: int = 16
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """What a traversal found. `items` are the current inferred items of the responses, by (belief, response).

    `signals` holds the wanted signals and, for each response, the latest unretracted one of each kind (by time of
    observation, then by `seq`).
    `interpretations` are those of these signals. `links` are all current links among `beliefs`.
    """

    head: Head
    beliefs: Mapping[BeliefId, BeliefNode]
    responses: Mapping[ResponseId, Response]
    signals: Mapping[SignalId, Signal]
    interpretations: Mapping[SignalId, Interpretation]
    items: Mapping[tuple[BeliefId, ResponseId], Item]
    links: Sequence[Link]
    nearest: Mapping[str, Sequence[Neighbour]]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What of a self-model is newer than a sequence number; enough to bring up to date what somebody holds of it.

    `beliefs` are those made or revised since, `vectors` those of the beliefs made since, `links` the current version of
    each edge that changed since. `first_us` is when the user's first belief was recorded, 0 when there is none: one who
    was erased and came back has another.
    """

    head: Head
    beliefs: Sequence[BeliefNode]
    vectors: Mapping[BeliefId, Vector]
    links: Sequence[Link]
    first_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the confidence of a belief is made of.

    `direct` are its items as `Reader.words` returns them (at an earlier time all that there were, in no order),
    `inferred` those that `Reader.inferred` yields. `links` are its CONTRADICTS edges by `seq`; `others` are the beliefs
    at their other ends and its parent. `opened` is the reason of its first revision.
    """

    node: BeliefNode
    direct: Sequence[Item]
    inferred: Inferred
    links: Sequence[Link]
    others: Mapping[BeliefId, BeliefNode]
    opened: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Everything one unit of work writes, in one transaction or not at all.

    `seq` is the last number used, `recorded_us` the time of the last record (and of every retraction), `tallies` what
    is counted of the user's signals from now on, in place of what was before. `vectors` holds
    the vectors of new beliefs by `vector_key`. `retracted` maps the signals taken back to why. A revision is written
    together with its item and the state on its belief.
    """

    seq: int
    recorded_us: int
    beliefs: Sequence[BeliefNode] = ()
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    responses: Sequence[Response] = ()
    signals: Sequence[tuple[Signal, Interpretation]] = ()
    revisions: Sequence[Revision] = ()
    links: Sequence[Link] = ()
    retracted: Mapping[SignalId, str | None] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """How much was erased, in counts only; `links` counts every version of every edge."""

    beliefs: int
    responses: int
    signals: int
    revisions: int
    links: int


class Reader(Protocol):
    """One consistent view of one user's records.

    `as_of_us` is a time in microseconds since 1970-01-01 UTC: what was recorded later does not exist then, and a
    belief has the state that its last revision up to then left. `before` is a sequence number: only older records.
    `limit` None means all. Unknown ids are left out. Newest first means by descending `seq`. Texts come back exactly
    as written. Every method raises `StoreUnavailableError` when the store cannot answer.
    """

    def head(self) -> Head:
        """Return where the user's sequence stands."""
        ...

    def neighbourhood(self, reach: Reach, *, depth: int = 1) -> Neighbourhood:
        """Walk from what an update touches to every belief that it can move.

        GENERATED_BY from the responses, then, at every depth, confirmed CONTRADICTS edges to the end (their whole
        component, since confidence is derived from it); from depth 2, in addition all CONTRADICTS edges up to
        `depth` steps and the beliefs that generated any of the 50 latest responses of the beliefs it starts from
        together with them; and what is nearest to each vector. Histories are reached by index, never walked.
        """
        ...

    def nearest(self, vector: Vector, *, limit: int, as_of_us: int | None = None) -> list[Neighbour]:
        """Return the user's beliefs by descending cosine to a unit vector (ties: by id), superseded and retired too."""
        ...

    def beliefs(
        self,
        ids: Iterable[BeliefId] | None = None,
        *,
        before: int | None = None,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[BeliefNode]:
        """Return beliefs, newest first: those with these ids, or all."""
        ...

    def responses(
        self,
        ids: Iterable[ResponseId] | None = None,
        *,
        before: int | None = None,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Response]:
        """Return responses, newest first: those with these ids, or all. `generated_by` keeps the caller's order."""
        ...

    def signals(
        self,
        ids: Iterable[SignalId] | None = None,
        *,
        about: Iterable[ResponseId] | None = None,
        kinds: Iterable[str] | None = None,
        before: int | None = None,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[tuple[Signal, Interpretation]]:
        """Return signals with their interpretations, newest first: by id, about these responses, or all.

        With `kinds`, of those only the signals of these kinds (of an empty list: none). A signal retracted after
        `as_of_us` is shown as not retracted.
        """
        ...

    def words(self, belief_id: BeliefId, *, excluding: Iterable[str] = ()) -> list[Item]:
        """Return a belief's current direct items: of each slot the latest (time, then id) whose id is not excluded."""
        ...

    def inferred(self, belief_id: BeliefId) -> Iterator[Item]:
        """Yield a belief's current inferred items, newest first (time, then id), reading no further than consumed."""
        ...

    def account(self, belief_id: BeliefId, *, as_of_us: int | None = None) -> Account | None:
        """Return what a belief's confidence is made of, as `account_at` puts it together; None: no such id."""
        ...

    def revisions(
        self,
        belief_id: BeliefId | None = None,
        *,
        cause_id: str | None = None,
        after: int = 0,
        limit: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Revision]:
        """Return revisions, oldest first: of a belief, with a cause, or all; only those with `seq` above `after`."""
        ...

    def latest_revisions(
        self,
        beliefs: Iterable[BeliefId],
        *,
        limit: int,
        before: int | None = None,
        as_of_us: int | None = None,
    ) -> list[Revision]:
        """Return, of each of these beliefs, its latest `limit` revisions; all of them newest first."""
        ...

    def revision_before(self, revision: Revision) -> Revision | None:
        """Return the revision of the same belief that came just before this one, None before the first."""
        ...

    def links(
        self, kind: LinkKind, *, beliefs: Iterable[BeliefId] | None = None, as_of_us: int | None = None
    ) -> list[Link]:
        """Return the current version of each edge of a kind that touches one of the beliefs (None: all), by `seq`."""
        ...

    def news(self, after: int) -> News:
        """Return what of the self-model has a higher number than `after`: beliefs newest first, links by `seq`.

        After 0 that is everything, however long the history; else it takes as long as what changed since is large.
        """
        ...

    def history(self) -> Changes:
        """Return everything recorded of the user, as one `Changes` that leaves a store without her in this state.

        Every sequence by `seq`, oldest first; all versions of every link; signals as retracted as they are now, and
        so nothing in `retracted`; beliefs in the state that their last revision left.
        """
        ...


@runtime_checkable
class Showing(Protocol):
    """The optional power of a `Reader` whose database shows people more of the records than the store itself reads."""

    def misshown(self) -> Iterator[tuple[str, str]]:
        """Yield what is shown otherwise than the records say: the name of the record, and what is wrong with it."""
        ...


class Writer(Reader, Protocol):
    """A `Reader` inside the user's write transaction: no other writer of this user runs until it ends."""

    def save(self, changes: Changes) -> None:
        """Write everything of one unit of work. Reads after it see it; called at most once a transaction.

        For each revision, writes its item (or takes it away) and puts its state on its belief; the response of an
        inferred item is one that is there before, or comes with it. Raises
        `IntegrityError` when a record refers to something that this user does not have, when an id is taken, and when
        a signal is retracted twice.
        """
        ...


class Store(Protocol):
    """Where self-models are kept."""

    @property
    def target(self) -> str:
        """Return what names this store in messages, without any secret."""
        ...

    def identity(self) -> str:
        """Return what two stores have in common only if they are one, by whatever names they were opened.

        Raises `StoreUnavailableError`.
        """
        ...

    @property
    def writers(self) -> int:
        """Return how many users are worth writing at once: 1 where writers of different users wait for each other."""
        ...

    def read(self, scope: Scope, work: Callable[[Reader], T]) -> T:
        """Run `work` on one consistent view: everything it reads belongs to one sequence number."""
        ...

    def write(self, scope: Scope, work: Callable[[Writer], T]) -> T:
        """Run `work` under the user's lock in one durable transaction; what it raises takes everything back.

        Returns only when what was saved survives a crash. Writers of one user run one at a time, in any number of
        threads and processes. Raises `StoreUnavailableError` when the lock or the store cannot be had in time.
        """
        ...

    def tenants(self) -> list[str]:
        """Return the tenants that have users, sorted."""
        ...

    def users(self, tenant: str, *, after: UserId | None = None, limit: int | None = None) -> list[UserId]:
        """Return the user ids of a tenant after one, sorted by code point."""
        ...

    def erase(self, scope: Scope) -> Erasure:
        """Take away every trace of a user, vectors no other user of the tenant needs included; counts of what went.

        Erasing a user without records changes nothing. Raises `StoreUnavailableError` when a trace may remain.
        """
        ...

    def embedding_model(self, name: str | None = None) -> str | None:
        """Record the name of the embedding model if none is recorded yet; return the one that is.

        Without a name nothing is recorded: None when none is.
        """
        ...

    def close(self) -> None:
        """Let go of every connection; later calls raise `StoreUnavailableError`. Closing twice is fine."""
        ...


def current_links(versions: Iterable[Link]) -> list[Link]:
    """Return the last of the versions of each edge, by `seq`; versions come by `seq`."""
    latest = {(link.kind, link.low, link.high): link for link in versions}
    return sorted(latest.values(), key=lambda link: link.seq)


_USERS = 500


def scopes(store: Store, tenant: str | None = None) -> Iterator[Scope]:
    """Yield every user of a tenant (None: of all), in the order of their names."""
    for name in store.tenants() if tenant is None else [tenant]:
        after = None
        while users := store.users(name, after=after, limit=_USERS):
            yield from (Scope(name, user_id) for user_id in users)
            after = users[-1]
