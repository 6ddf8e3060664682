"""What can be asked of one user's self-model. Wiring only; no rules here, and nothing is written."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from beliefgraph.curve import Curve, user_curve
from beliefgraph.events import export_events
from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import InvalidInputError, NotFoundError
from beliefgraph.graph.glance import glance_at
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.model import (
    Belief,
    Conflict,
    ConflictStatus,
    Context,
    GeneratedBy,
    LinkKind,
    Outcome,
    Response,
    Revision,
    Signal,
    Standing,
    to_conflict,
    view,
)
from beliefgraph.graph.outcomes import read_outcome
from beliefgraph.graph.store import Reader, Scope
from beliefgraph.ingest.aggregate import consents
from beliefgraph.ingest.events import check_context, check_identifier, check_premises, check_text, check_time
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.predict import Heard, habit_at, predict, response_probes, word_probes
from beliefgraph.ingest.validation import check_one_of
from beliefgraph.queries.choosing import Request, personalize
from beliefgraph.queries.consistency import belief_graph
from beliefgraph.queries.diff import Diff, diff
from beliefgraph.queries.explain import Explanation, explain, find_belief
from beliefgraph.queries.pages import Page, check_limit, page
from beliefgraph.queries.personalize import Personalization
from beliefgraph.queries.provenance import (
    USUAL_LIMIT,
    Provenance,
    View,
    of_record,
    window,
)
from beliefgraph.queries.trace import Trace, find_response, trace

if TYPE_CHECKING:
    import networkx as nx

T = TypeVar("T")
Premises = Personalization | Iterable[str | GeneratedBy]
"""What a response rests on: a personalization, belief ids, or edges with weight and adherence."""


class SelfModelReads:
    """The questions of a self-model; see `SelfModel`, which adds what writes."""

    def __init__(self, pipeline: Pipeline, scope: Scope) -> None:
        self._pipeline, self._scope = pipeline, scope

    def __repr__(self) -> str:
        """Name the user."""
        return f"{type(self).__name__}(user_id={self.user_id!r})"

    @property
    def user_id(self) -> UserId:
        """The caller's id of the user."""
        return self._scope.user_id

    # Choosing and predicting

    def personalize(
        self,
        query: str,
        *,
        context: Context | None = None,
        limit: int | None = None,
        max_chars: int | None = None,
        as_of: datetime | None = None,
    ) -> Personalization:
        """Choose the beliefs that the next response should use, with reasons, and say which are withheld and why.

        At most `limit` of them, in a `prompt()` of at most `max_chars` characters. `context` are the circumstances now:
        a belief observed in others is withheld.
        """
        check_text("query", query)
        check_context("context", {} if context is None else context)
        check_count("limit", limit)
        check_count("max_chars", max_chars)
        as_of_us, now_us = self._as_of(as_of), self._now_us()
        request = Request(
            query=query,
            direction=self._pipeline.direction(query),
            context=context or {},
            at_us=now_us if as_of_us is None else as_of_us,
            limit=limit,
            max_chars=max_chars,
        )
        glance = (
            self._pipeline.glances.look(self._scope)
            if as_of_us is None
            else self._read(lambda reader: glance_at(reader, as_of_us))
        )
        parameters = self._pipeline.parameters
        return personalize(glance, request, limits=parameters.serving, hearing=Heard(parameters))

    def predict(self, beliefs: Premises, *, kind: str | None = None, as_of: datetime | None = None) -> float:
        """Return the probability that a response resting on these beliefs satisfies.

        With `kind`, that a signal of that kind turns out good (bad, of one who always gives a bad one).
        """
        premises, as_of_us, now_us = premises_of(beliefs), self._as_of(as_of), self._now_us()
        check_premises("beliefs", [premise_input(edge) for edge in premises])
        if kind is not None and not isinstance(kind, str):
            raise InvalidInputError("kind", "must be a text")

        def work(reader: Reader) -> float:
            at_us = now_us if as_of_us is None else as_of_us
            wanted = [premise.belief_id for premise in premises]
            found = {
                node.id: view(node, at_us).confidence for node in reader.beliefs(wanted, as_of_us=as_of_us)
            }
            for belief_id in wanted:
                if belief_id not in found:
                    raise NotFoundError("belief", belief_id, user_id=self.user_id)
            parameters = self._pipeline.parameters
            habit = None if kind is None else habit_at(reader, kind, parameters, as_of_us)
            return predict(premises, found, parameters, kind=kind, habit=habit)

        return self._read(work)

    def curve(self, *, as_of: datetime | None = None) -> Curve:
        """Return how well signals were foreseen by number of interactions, beside other ways to learn from the same.

        From this user's records alone. `str()` of it is a table, `plot` draws it.
        """
        as_of_us, parameters = self._as_of(as_of), self._pipeline.parameters
        return self._read(lambda reader: user_curve(reader, self.user_id, parameters, as_of_us=as_of_us))

    # Reading

    def beliefs(
        self,
        *,
        standing: Standing | None = None,
        as_of: datetime | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Belief]:
        """Return beliefs, newest first, a page at a time."""
        if standing is not None:
            check_one_of("standing", standing, get_args(Standing))
        as_of_us, now_us = self._as_of(as_of), self._now_us()
        at_us = now_us if as_of_us is None else as_of_us

        def work(reader: Reader) -> Page[Belief]:
            found = page(
                lambda before, count: reader.beliefs(before=before, limit=count, as_of_us=as_of_us),
                lambda node: node.seq,
                limit=limit,
                cursor=cursor,
                keep=lambda node: standing in (None, view(node, at_us).standing),
            )
            return Page(tuple(view(node, at_us) for node in found), found.cursor)

        return self._read(work)

    def belief(self, belief_id: str, *, as_of: datetime | None = None) -> Belief:
        """Return one belief, now or as it stood."""
        check_identifier("belief_id", belief_id)
        as_of_us, now_us = self._as_of(as_of), self._now_us()
        node = self._read(lambda reader: find_belief(reader, self._scope, BeliefId(belief_id), as_of_us))
        return view(node, now_us if as_of_us is None else as_of_us)

    def responses(
        self, *, as_of: datetime | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Response]:
        """Return responses, newest first, a page at a time."""
        as_of_us = self._as_of(as_of)
        return self._read(
            lambda reader: page(
                lambda before, count: reader.responses(before=before, limit=count, as_of_us=as_of_us),
                lambda response: response.seq,
                limit=limit,
                cursor=cursor,
            )
        )

    def response(self, response_id: str, *, as_of: datetime | None = None) -> Response:
        """Return one response, if it was recorded by `as_of`."""
        check_identifier("response_id", response_id)
        as_of_us = self._as_of(as_of)
        return self._read(
            lambda reader: find_response(reader, self._scope, ResponseId(response_id), as_of_us)
        )

    def signals(
        self, *, as_of: datetime | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Signal]:
        """Return signals, newest first, a page at a time."""
        as_of_us = self._as_of(as_of)

        def work(reader: Reader) -> Page[Signal]:
            return page(
                lambda before, count: [
                    signal for signal, _ in reader.signals(before=before, limit=count, as_of_us=as_of_us)
                ],
                lambda signal: signal.seq,
                limit=limit,
                cursor=cursor,
            )

        return self._read(work)

    def signal_record(self, signal_id: str, *, as_of: datetime | None = None) -> Outcome:
        """Return a signal with what it was taken for and what it moved; if it was retracted, what that moved."""
        check_identifier("signal_id", signal_id)
        as_of_us, now_us = self._as_of(as_of), self._now_us()

        def work(reader: Reader) -> Outcome:
            for signal, interpretation in reader.signals([SignalId(signal_id)], as_of_us=as_of_us):
                return read_outcome(reader, signal, interpretation, now_us, as_of_us)
            raise NotFoundError("signal", signal_id, user_id=self.user_id)

        return self._read(work)

    def trace(self, response_id: str, *, as_of: datetime | None = None) -> Trace:
        """Return the beliefs that generated a response, as they stood then and as they stand now (or at `as_of`)."""
        check_identifier("response_id", response_id)
        as_of_us, now_us = self._as_of(as_of), self._now_us()
        return self._read(
            lambda reader: trace(
                reader, self._scope, ResponseId(response_id), now_us=now_us, as_of_us=as_of_us
            )
        )

    def sequence(self) -> int:
        """Return the number of the user's last record, 0 without any: while it stays, nothing was written."""
        return self._read(lambda reader: reader.head().seq)

    def revisions(
        self, belief_id: str, *, as_of: datetime | None = None, after: int = 0, limit: int | None = None
    ) -> list[Revision]:
        """Return every change of a belief's confidence, oldest first: those numbered above `after`, up to `limit`."""
        check_identifier("belief_id", belief_id)
        as_of_us = self._as_of(as_of)

        def work(reader: Reader) -> list[Revision]:
            find_belief(reader, self._scope, BeliefId(belief_id), as_of_us)
            return reader.revisions(BeliefId(belief_id), after=after, limit=limit, as_of_us=as_of_us)

        return self._read(work)

    def explain(self, belief_id: str, *, as_of: datetime | None = None) -> Explanation:
        """Say why a belief is held, what stands against it and what would change it; `str()` of it is plain prose."""
        check_identifier("belief_id", belief_id)
        as_of_us, now_us = self._as_of(as_of), self._now_us()
        parameters = self._pipeline.parameters
        return self._read(
            lambda reader: explain(
                reader,
                self._scope,
                BeliefId(belief_id),
                now_us=now_us,
                as_of_us=as_of_us,
                words=word_probes(parameters),
                responses=response_probes(parameters),
            )
        )

    def provenance(
        self,
        belief_id: str,
        *,
        as_of: datetime | None = None,
        limit: int = USUAL_LIMIT,
        cursor: str | None = None,
    ) -> "nx.MultiDiGraph[str]":
        """Return where a belief comes from as a networkx graph; short for `provenance_of(belief=…).graph()`."""
        check_identifier("belief_id", belief_id)
        return self.provenance_of(belief=belief_id, as_of=as_of, limit=limit, cursor=cursor).graph()

    def provenance_of(
        self,
        *,
        belief: str | None = None,
        signal: str | None = None,
        response: str | None = None,
        as_of: datetime | None = None,
        limit: int = USUAL_LIMIT,
        cursor: str | None = None,
    ) -> Provenance:
        """Return the records around one record: as a graph, as PROV-JSON, as a timeline; `str()` of it is a story.

        Of a `belief`: what led to it, its latest `limit` changes. Of a `signal`: everything that it changed. Of a
        `response`: what generated it, and what its latest `limit` signals moved. `left_out` counts the older ones,
        `cursor` asks for them.
        """
        kind, id = one_record(belief=belief, signal=signal, response=response)
        limit, before = window(limit, cursor)
        view = View(
            scope=self._scope, now_us=self._now_us(), as_of_us=self._as_of(as_of), limit=limit, before=before
        )
        return self._read(lambda reader: of_record(reader, view, kind, id))

    def diff(self, start: datetime, end: datetime | None = None, *, limit: int = USUAL_LIMIT) -> Diff:
        """Return what changed between two times (`end` None: until now): beliefs that came, went or moved, and why.

        At most `limit` beliefs, those moved most first; `left_out` counts the rest. `str()` of it is plain prose.
        """
        check_time("start", start)
        check_limit(limit)
        end_us = self._as_of(end, "end")
        start_us, end_us = to_us(start), self._now_us() if end_us is None else end_us
        if start_us >= end_us:
            raise InvalidInputError("start", "must be before the end")
        return self._read(lambda reader: diff(reader, start_us=start_us, end_us=end_us, limit=limit))

    def conflicts(
        self, *, status: ConflictStatus | None = None, as_of: datetime | None = None
    ) -> list[Conflict]:
        """Return the contradictions between beliefs, oldest first."""
        return self._links("contradicts", status, as_of)

    def duplicates(
        self, *, status: ConflictStatus | None = None, as_of: datetime | None = None
    ) -> list[Conflict]:
        """Return pairs of beliefs that say, or may say, the same, oldest first; `resolve` decides one."""
        return self._links("duplicates", status, as_of)

    def belief_graph(self, *, as_of: datetime | None = None) -> "nx.MultiDiGraph[BeliefId]":
        """Return all beliefs with the edges between them as a networkx graph, for `beliefgraph.queries.consistency`."""
        as_of_us, now_us = self._as_of(as_of), self._now_us()
        return self._read(lambda reader: belief_graph(reader, now_us, as_of_us))

    def consents(self, *, as_of: datetime | None = None) -> bool | None:
        """Say whether she lets what turned out true of her count among many users; None: she was never asked."""
        as_of_us = self._as_of(as_of)
        return self._read(lambda reader: consents(reader, as_of_us))

    def export(self, *, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Return everything held on this user as events, in the order in which they were applied."""
        as_of_us = self._as_of(as_of)
        return self._read(lambda reader: list(export_events(reader, self.user_id, as_of_us)))

    # Between the lines

    def _links(self, kind: LinkKind, status: ConflictStatus | None, as_of: datetime | None) -> list[Conflict]:
        if status is not None:
            check_one_of("status", status, get_args(ConflictStatus))
        as_of_us = self._as_of(as_of)
        links = self._read(lambda reader: reader.links(kind, as_of_us=as_of_us))
        return [to_conflict(link) for link in links if status in (None, link.status)]

    def _read(self, work: Callable[[Reader], T]) -> T:
        return self._pipeline.store.read(self._scope, work)

    def _now_us(self) -> int:
        return to_us(self._pipeline.clock())

    def _as_of(self, as_of: datetime | None, field: str = "as_of") -> int | None:
        if as_of is None:
            return None
        check_time(field, as_of)
        return to_us(as_of)


def check_count(name: str, count: int | None) -> None:
    """Raise `InvalidInputError` for what is no number of things to use, at least 1; None leaves it open."""
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
        raise InvalidInputError(name, "must be a whole number, at least 1")


def one_record(**named: str | None) -> tuple[str, str]:
    """Return the kind and the id of the one record that is named. Raises `InvalidInputError`."""
    given = [(kind, id) for kind, id in named.items() if id is not None]
    if len(given) != 1:
        raise InvalidInputError("belief", "must be given, or else signal or response: exactly one of them")
    ((kind, id),) = given
    check_identifier(kind, id)
    return kind, id


def premises_of(beliefs: Premises) -> list[GeneratedBy]:
    """Return the edges to what a response rests on. Raises `InvalidInputError`."""
    if isinstance(beliefs, Personalization):
        return [GeneratedBy(belief_id=choice.belief.id, weight=choice.weight) for choice in beliefs.used]
    if isinstance(beliefs, str | bytes) or not isinstance(beliefs, Iterable):
        raise InvalidInputError("beliefs", "must be a personalization or a list of belief ids")
    edges = [GeneratedBy(belief_id=BeliefId(each)) if isinstance(each, str) else each for each in beliefs]
    if not all(isinstance(edge, GeneratedBy) for edge in edges):
        raise InvalidInputError("beliefs", "must hold belief ids or GeneratedBy")
    return edges


def premise_input(edge: GeneratedBy) -> dict[str, Any]:
    """Return an edge as an event has it."""
    given = {"id": edge.belief_id, "weight": edge.weight, "adherence": edge.adherence}
    return {name: value for name, value in given.items() if value is not None}
