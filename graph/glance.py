"""A self-model held in memory as it stood at one number of its sequence, and brought up to date by what is newer.

To build a thousand records takes longer than to choose among them, and between two looks little changes. What is chosen
is decided elsewhere.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.clock import DAY_US, to_us
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import (
    CONTESTED_NATS,
    MAX_CONFIDENCE,
    MIN_CONFIDENCE,
    BeliefState,
    Item,
    last_said,
)
from beliefgraph.graph.model import SAID, UNDECIDED, BeliefNode, Link
from beliefgraph.graph.store import Head, News, Reader, Scope, Store

Floats = npt.NDArray[np.float64]
LIKELY = 0.5
"""From which strength on a contradiction is likelier than not: of two statements of hers the later one is served."""
MOST_BELIEFS = 20_000
"""So many beliefs are held in one process, of the users looked at last: some 60 MB."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Glance:
    """A user's beliefs, oldest first, with the edges between them; row i of every array is `nodes[i]`.

    `vectors` has shape (beliefs, dimension), in float32, zeros for a belief without a vector. `sums` has shape
    (beliefs, 7): what `read` needs of each state. `said_us` is when she last spoke for each belief that she stated and
    that likely contradicts another one. `first_us` is when the first belief was recorded.
    """

    head: Head
    nodes: Sequence[BeliefNode]
    vectors: npt.NDArray[np.float32]
    sums: Floats
    links: Sequence[Link]
    said_us: Mapping[BeliefId, int]
    first_us: int

    def read(self, at_us: int, *, unopposed: Sequence[int] = ()) -> tuple[Floats, npt.NDArray[np.str_]]:
        """Return the confidence and the standing of every belief at a time: `read_state`, all at once.

        Those rows that are `unopposed` are read as if no contradiction took anything off them.
        """
        base, half_life, reference, support, opposition, spoken, conflict = self.sums.T
        if unopposed:
            conflict = conflict.copy()
            conflict[list(unopposed)] = 0.0
        faded = np.exp2(-np.maximum(0.0, at_us - reference) / DAY_US / half_life)
        log_odds = base + faded * (support - opposition) + conflict
        confidence = np.clip(
            1.0 / (1.0 + np.exp(-np.clip(log_odds, -30, 30))), MIN_CONFIDENCE, MAX_CONFIDENCE
        )
        much_of_both = faded * np.minimum(support, opposition) >= CONTESTED_NATS
        stated_against = (spoken > 0) & (base + faded * spoken > 0) & (log_odds < 0)
        lifecycle = np.array([node.state.lifecycle for node in self.nodes], dtype="U10")
        standing = np.where(much_of_both | stated_against, "contested", "held")
        return confidence, np.where(lifecycle == "open", standing, lifecycle)


def _sums(state: BeliefState) -> tuple[float, ...]:
    inferred_for, inferred_against = state.inferred
    return (
        state.base,
        state.half_life_days,
        state.reference_us,
        state.direct_for + inferred_for,
        state.direct_against + inferred_against,
        state.spoken,
        state.conflict,
    )


def glance_at(reader: Reader, as_of_us: int) -> Glance:
    """Read a self-model as it stood at a time."""
    links = [*reader.links("contradicts", as_of_us=as_of_us), *reader.links("duplicates", as_of_us=as_of_us)]
    news = News(
        head=reader.head(),
        beliefs=reader.beliefs(as_of_us=as_of_us),
        vectors=reader.news(0).vectors,
        links=links,
        first_us=0,
    )
    return _told(_EMPTY, news, lambda belief_id: _direct(reader, belief_id, as_of_us))


def _direct(reader: Reader, belief_id: BeliefId, as_of_us: int) -> Sequence[Item]:
    account = reader.account(belief_id, as_of_us=as_of_us)
    return () if account is None else account.direct


_EMPTY = Glance(
    head=Head(seq=0, recorded_us=0),
    nodes=(),
    vectors=np.zeros((0, 0), dtype=np.float32),
    sums=np.zeros((0, 7)),
    links=(),
    said_us={},
    first_us=0,
)


def _told(held: Glance, news: News, words: Callable[[BeliefId], Sequence[Item]]) -> Glance:
    """Return what is held, brought up to date; `words` reads the direct items of a belief."""
    rows = {node.id: row for row, node in enumerate(held.nodes)}
    new = [node for node in reversed(news.beliefs) if node.id not in rows]
    rows |= {node.id: row for row, node in enumerate(new, start=len(rows))}
    nodes = [*held.nodes, *new]
    sums = np.vstack([held.sums, np.empty((len(new), 7))])
    for node in news.beliefs:
        nodes[rows[node.id]] = node
        sums[rows[node.id]] = _sums(node.state)
    links = {(link.kind, link.low, link.high): link for link in (*held.links, *news.links)}
    return Glance(
        head=news.head,
        nodes=tuple(nodes),
        vectors=_with_vectors(held.vectors, news.vectors, rows),
        sums=sums,
        links=tuple(links.values()),
        said_us=_said(held, news, [nodes[rows[end]] for end in _opposed(links.values())], words),
        first_us=news.first_us,
    )


def _opposed(links: Iterable[Link]) -> set[BeliefId]:
    """Return the beliefs of which two likely cannot both be true."""
    likely = (link for link in links if link.kind == "contradicts" and link.strength >= LIKELY)
    return {end for link in likely if link.status in UNDECIDED for end in link.ends}


def _said(
    held: Glance,
    news: News,
    opposed: Iterable[BeliefNode],
    words: Callable[[BeliefId], Sequence[Item]],
) -> dict[BeliefId, int]:
    """Return when she last spoke for each of these that she stated; one that she only doubted, when it was made."""
    revised = {node.id for node in news.beliefs}
    stated = [node for node in opposed if node.live and node.source in SAID]
    return {
        node.id: held.said_us[node.id]
        if node.id in held.said_us and node.id not in revised
        else last_said(words(node.id)) or to_us(node.created_at)
        for node in stated
    }


def _with_vectors(
    held: npt.NDArray[np.float32],
    new: Mapping[BeliefId, npt.NDArray[np.float32]],
    rows: Mapping[BeliefId, int],
) -> npt.NDArray[np.float32]:
    dimension = max([held.shape[1], *(vector.size for vector in new.values())])
    vectors = np.zeros((len(rows), dimension), dtype=np.float32)
    vectors[: held.shape[0], : held.shape[1]] = held
    for belief_id, vector in new.items():
        if belief_id in rows:
            vectors[rows[belief_id]] = vector
    return vectors


class Glances:
    """The self-models looked at last, each brought up to date at every look. Safe to use from several threads."""

    def __init__(self, store: Store, *, most_beliefs: int = MOST_BELIEFS) -> None:
        self._store, self._most = store, most_beliefs
        self._held: OrderedDict[Scope, Glance] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, scope: Scope) -> Glance:
        """Return a self-model as it stands now: one consistent view."""
        with self._lock:
            held = self._held.get(scope, _EMPTY)
        glance = self._store.read(scope, lambda reader: _now(reader, held))
        with self._lock:
            self._hold(scope, glance)
        return glance

    def forget(self, scope: Scope) -> None:
        """Drop what is held of a user."""
        with self._lock:
            self._held.pop(scope, None)

    def _hold(self, scope: Scope, glance: Glance) -> None:
        self._held.pop(scope, None)
        if glance.nodes:
            self._held[scope] = glance
        while sum(len(held.nodes) for held in self._held.values()) > self._most:
            self._held.popitem(last=False)


def _now(reader: Reader, held: Glance) -> Glance:
    news = reader.news(held.head.seq)
    if news.head == held.head:
        return held
    if held.nodes and (news.head.seq < held.head.seq or news.first_us != held.first_us):
        held, news = _EMPTY, reader.news(0)
    return _told(held, news, reader.words)
