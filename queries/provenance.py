"""Where a record comes from and what came of it: the records around one belief, one signal or one response.

Found by index from the record asked about, never by walking a user's history; what is cut off is counted. How they
read lies elsewhere: as a graph (provenance_graph.py), as PROV-JSON (prov.py), as a story (timeline.py).
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.model import (
    Belief,
    BeliefNode,
    CauseKind,
    Interpretation,
    Link,
    Response,
    Revision,
    Signal,
    view,
)
from beliefgraph.graph.outcomes import consequences
from beliefgraph.graph.prior import Prior, noted_in
from beliefgraph.graph.store import Reader, Scope
from beliefgraph.queries.explain import find_belief
from beliefgraph.queries.pages import check_limit, number_of
from beliefgraph.queries.prov import to_prov
from beliefgraph.queries.provenance_graph import node_link, to_graph
from beliefgraph.queries.timeline import TimelineEvent, story, timeline
from beliefgraph.queries.trace import find_response

if TYPE_CHECKING:
    import networkx as nx

USUAL_LIMIT = 100
"""How many changes of a belief, or signals on a response, are shown unless said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The records around one record, as they stood at a time; `str()` reads as a story.

    `root_kind` and `root_id` name what was asked about. `revisions` come oldest first; of a belief they are its latest
    changes, of a signal all that it (or its retraction) caused, of a response those that its signals caused; `evidence`
    has the numbers of those that left an evidence item. `beliefs` are read at `at`; `origins` name, as `belief:…` and
    `signal:…`, what each of them was spawned from, where that is here too. `links` are contradictions and duplicates of
    the beliefs in question. `prior` is the base rate of the belief asked about. `left_out` counts the older changes (of
    a belief) or signals (of a response) that are not here; `cursor` asks for them.
    """

    user_id: UserId
    root_kind: Literal["belief", "signal", "response"]
    root_id: str
    at: datetime
    beliefs: Mapping[BeliefId, Belief]
    origins: Mapping[BeliefId, tuple[str, ...]]
    responses: Mapping[ResponseId, Response]
    signals: Mapping[SignalId, tuple[Signal, Interpretation]]
    revisions: tuple[Revision, ...]
    evidence: tuple[int, ...]
    links: tuple[Link, ...]
    prior: Prior | None = None
    left_out: int = 0
    cursor: str | None = None

    def graph(self) -> "nx.MultiDiGraph[str]":
        """Return it as a graph: nodes `belief:…`, `revision:…`, `signal:…`, `response:…`; edges carry `type`."""
        return to_graph(self)

    def node_link(self) -> dict[str, Any]:
        """Return the graph as JSON in networkx's node-link form."""
        return node_link(self.graph())

    def prov(self) -> dict[str, Any]:
        """Return it as a W3C PROV document in PROV-JSON."""
        return to_prov(self)

    def timeline(self) -> tuple[TimelineEvent, ...]:
        """Return what happened, oldest first, a line each."""
        return timeline(self)

    def __str__(self) -> str:
        """Tell it as a story, for someone who is not an engineer."""
        return story(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Of whom, as of when, and how much: `before` is the number that a cursor stands for."""

    scope: Scope
    now_us: int
    as_of_us: int | None = None
    limit: int = USUAL_LIMIT
    before: int | None = None

    @property
    def at_us(self) -> int:
        """Return the time at which beliefs are read."""
        return self.now_us if self.as_of_us is None else self.as_of_us


def window(limit: int, cursor: str | None) -> tuple[int, int | None]:
    """Return the limit and the number that a cursor stands for. Raises `InvalidInputError`."""
    check_limit(limit)
    return limit, number_of(cursor)


def of_record(reader: Reader, view: View, kind: str, id: str) -> Provenance:
    """Return the records around a belief, a signal or a response. Raises `NotFoundError`."""
    match kind:
        case "belief":
            return of_belief(reader, view, BeliefId(id))
        case "signal":
            return of_signal(reader, view, SignalId(id))
        case _:
            return of_response(reader, view, ResponseId(id))


def of_belief(reader: Reader, view: View, belief_id: BeliefId) -> Provenance:
    """Return what led to a belief: base rate, origin, each change with its signal, response and premises, conflicts.

    Raises `NotFoundError`.
    """
    node = find_belief(reader, view.scope, belief_id, view.as_of_us)
    latest = reader.latest_revisions(
        [belief_id], limit=view.limit, before=view.before, as_of_us=view.as_of_us
    )
    left_out = latest[-1].ordinal - 1 if latest else 0
    signals = _signals_behind(latest) | ({node.origin_id} if node.origin_id else set())
    return _around(
        reader,
        view,
        ("belief", belief_id),
        signals=signals,
        beliefs={belief_id} | ({node.parent_id} if node.parent_id else set()),
        revisions=latest,
        disputed=[belief_id],
        prior=noted_in(reader.revisions(belief_id, limit=1)[0].reason, node.state.base),
        left_out=left_out,
        cursor=str(latest[-1].seq) if left_out else None,
    )


def of_signal(reader: Reader, view: View, signal_id: SignalId) -> Provenance:
    """Return everything that a signal changed, and what its retraction took back. Raises `NotFoundError`."""
    found = reader.signals([signal_id], as_of_us=view.as_of_us)
    if not found:
        raise NotFoundError("signal", signal_id, user_id=view.scope.user_id)
    kinds: tuple[CauseKind, CauseKind] = ("signal", "retraction")
    caused = [revision for kind in kinds for revision in consequences(reader, signal_id, kind, view.as_of_us)]
    return _around(
        reader,
        view,
        ("signal", signal_id),
        signals={signal_id},
        revisions=caused,
        disputed=[r.belief_id for r in caused if r.action == "spawn" or r.cause_kind == "conflict"],
    )


def of_response(reader: Reader, view: View, response_id: ResponseId) -> Provenance:
    """Return what generated a response, and what its signals moved. Raises `NotFoundError`."""
    find_response(reader, view.scope, response_id, view.as_of_us)
    found = reader.signals(about=[response_id], before=view.before, as_of_us=view.as_of_us)
    shown, left_out = [signal for signal, _ in found[: view.limit]], max(0, len(found) - view.limit)
    return _around(
        reader,
        view,
        ("response", response_id),
        signals={signal.id for signal in shown},
        responses={response_id},
        revisions=[
            revision
            for signal in shown
            for revision in reader.revisions(cause_id=signal.id, as_of_us=view.as_of_us)
        ],
        left_out=left_out,
        cursor=str(shown[-1].seq) if left_out else None,
    )


def _signals_behind(revisions: Iterable[Revision]) -> set[SignalId]:
    causes: tuple[CauseKind, CauseKind] = ("signal", "retraction")
    return {SignalId(r.cause_id) for r in revisions if r.cause_kind in causes}


def _around(
    reader: Reader,
    asked: View,
    root: tuple[Literal["belief", "signal", "response"], str],
    *,
    signals: set[SignalId],
    revisions: Sequence[Revision],
    beliefs: Iterable[BeliefId] = (),
    responses: Iterable[ResponseId] = (),
    disputed: Sequence[BeliefId] = (),
    **more: Any,
) -> Provenance:
    """Fetch every record that the given ones name, so that each edge between them has both its ends."""
    as_of_us = asked.as_of_us
    heard = {found[0].id: found for found in reversed(reader.signals(signals, as_of_us=as_of_us))}
    about = {signal.response_id: None for signal, _ in heard.values() if signal.response_id is not None}
    answered = reader.responses({**dict.fromkeys(responses), **about}, as_of_us=as_of_us)
    links = [
        *reader.links("contradicts", beliefs=disputed, as_of_us=as_of_us),
        *reader.links("duplicates", beliefs=disputed, as_of_us=as_of_us),
    ]
    named = {
        *beliefs,
        *(revision.belief_id for revision in revisions),
        *(signal.belief_id for signal, _ in heard.values() if signal.belief_id is not None),
        *(edge.belief_id for response in answered for edge in response.generated_by),
        *(end for link in links for end in link.ends),
    }
    nodes = reader.beliefs(named, as_of_us=as_of_us)
    return Provenance(
        user_id=asked.scope.user_id,
        root_kind=root[0],
        root_id=root[1],
        at=from_us(asked.at_us),
        beliefs={node.id: view(node, asked.at_us) for node in reversed(nodes)},
        origins={node.id: _origins(node, named, heard) for node in nodes},
        responses={response.id: response for response in reversed(answered)},
        signals=heard,
        revisions=tuple(sorted(revisions, key=lambda revision: revision.seq)),
        evidence=tuple(sorted(revision.seq for revision in revisions if revision.item is not None)),
        links=tuple(links),
        **more,
    )


def _origins(node: BeliefNode, beliefs: Container[str], signals: Container[str]) -> tuple[str, ...]:
    parent = () if node.parent_id is None or node.parent_id not in beliefs else (f"belief:{node.parent_id}",)
    signal = () if node.origin_id is None or node.origin_id not in signals else (f"signal:{node.origin_id}",)
    return (*parent, *signal)
