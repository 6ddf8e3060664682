"""One user's self-model: what an engineer, an analyst or the user herself calls. Wiring only; no rules here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from beliefgraph.events import export_events
from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import InvalidInputError, NotFoundError
from beliefgraph.graph.ids import BeliefId, ConflictId, ResponseId, SignalId, UserId
from beliefgraph.graph.model import (
    Belief,
    Conflict,
    ConflictStatus,
    Context,
    GeneratedBy,
    Kind,
    Outcome,
    Response,
    Revision,
    Signal,
    Source,
    Standing,
    to_conflict,
    view,
)
from beliefgraph.graph.outcomes import read_outcome
from beliefgraph.graph.store import Erasure, Reader, Scope
from beliefgraph.ingest.events import (
    BeliefEvent,
    Event,
    ResponseEvent,
    RetractEvent,
    SignalEvent,
    check_context,
    check_identifier,
    check_premises,
    check_text,
    check_time,
    make_event,
)
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.predict import predict, response_probes, word_probes
from beliefgraph.ingest.resolution import Decision, Resolution
from beliefgraph.ingest.signals import RESTORED, RETIRED, SCOPED
from beliefgraph.ingest.validation import check_flag, check_one_of
from beliefgraph.queries.consistency import belief_graph
from beliefgraph.queries.explain import Explanation, explain, find_belief
from beliefgraph.queries.pages import Page, page
from beliefgraph.queries.personalize import Personalization, personalize
from beliefgraph.queries.trace import Trace, find_response, provenance, trace

if TYPE_CHECKING:
    import networkx as nx

T = TypeVar("T")
E = TypeVar("E", BeliefEvent, ResponseEvent, RetractEvent, SignalEvent)
Premises = Personalization | Iterable[str | GeneratedBy]
"""What a response rests on: a personalization, belief ids, or edges with weight and adherence."""
_AMENDED = {"value": "confidence", "text": "statement", "note": "reason"}
"""What a caller of `amend` knows the fields of its signal by."""


class SelfModel:
    """A user's beliefs with their edges. Made by `BeliefGraph.user`; no I/O before a method is called.

    Every method may raise `StoreUnavailableError`; those that take an id raise `NotFoundError` for one that this user
    does not have; those that take a text may raise `ModelUnavailableError`; wrong values raise `InvalidInputError`
    naming the field, and then nothing is written. Times are timezone-aware.
    """

    def __init__(self, pipeline: Pipeline, scope: Scope) -> None:
        self._pipeline, self._scope = pipeline, scope

    def __repr__(self) -> str:
        """Name the user."""
        return f"SelfModel(user_id={self.user_id!r})"

    @property
    def user_id(self) -> UserId:
        """The caller's id of the user."""
        return self._scope.user_id

    # Writing

    def believe(
        self,
        statement: str,
        *,
        confidence: float | None = None,
        source: Source = "stated",
        kind: Kind = "preference",
        context: Context | None = None,
        id: str | None = None,
        at: datetime | None = None,
    ) -> Belief:
        """Hold a belief; without `confidence` that source's usual one.

        The same normalised text again, without an id, refreshes the belief that is there. A near-duplicate gets a node
        of its own and is proposed for merging. Raises `DuplicateIdError` when the id is taken by something else.
        """
        event = self._event(
            BeliefEvent,
            statement=statement,
            confidence=confidence,
            source=source,
            kind=kind,
            context=context,
            id=id,
            at=at,
        )
        belief = self._pipeline.apply(self._scope, event)
        assert isinstance(belief, Belief)
        return belief

    def respond(
        self,
        text: str,
        *,
        beliefs: Premises = (),
        id: str | None = None,
        at: datetime | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Response:
        """Record a response and what generated it.

        Weights are shares in (0, 1]: of relevance from a personalization, else equal. Raises `DuplicateIdError`.
        """
        premises = [_premise(edge) for edge in _premises(beliefs)]
        event = self._event(ResponseEvent, text=text, beliefs=premises, id=id, at=at, attributes=attributes)
        response = self._pipeline.apply(self._scope, event)
        assert isinstance(response, Response)
        return response

    def signal(
        self,
        kind: str,
        value: float | bool | str | None = None,
        *,
        response: str | None = None,
        belief: str | None = None,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        context: Context | None = None,
        id: str | None = None,
        at: datetime | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        """Record what the user did, trace it, interpret it and revise beliefs, in one transaction.

        With `dry_run` the outcome is worked out and nothing is written. Raises `UnknownSignalKindError` and
        `DuplicateIdError`.
        """
        check_flag("dry_run", dry_run)
        if tags is not None and (isinstance(tags, str | bytes) or not isinstance(tags, Sequence)):
            raise InvalidInputError("tags", "must be a list of tags")
        event = self._event(
            SignalEvent,
            kind=kind,
            value=value,
            response=response,
            belief=belief,
            text=text,
            tags=None if tags is None else list(tags),
            context=context,
            id=id,
            at=at,
        )
        return self._outcome(event, dry_run=dry_run)

    def retract(self, signal_id: str, *, reason: str | None = None) -> Outcome:
        """Take a signal's influence back, as if it had never come. The record stays."""
        check_identifier("signal_id", signal_id)
        return self._outcome(self._event(RetractEvent, signal=signal_id, reason=reason))

    def amend(
        self,
        belief_id: str,
        *,
        confidence: float | None = None,
        statement: str | None = None,
        context: Context | None = None,
        retired: bool | None = None,
        reason: str | None = None,
    ) -> Belief:
        """Let a person change a belief: a signal of kind `set`, retractable like any.

        A confidence is a pin: it masks the evidence before it. A statement makes a successor, SPAWNED_FROM the old
        belief, which is superseded; the successor is returned. A context scopes the belief. `retired` takes it out of
        use or (False) back in.
        """
        check_identifier("belief_id", belief_id)
        tags = [SCOPED] if context is not None else []
        if retired is not None:
            check_flag("retired", retired)
            tags.append(RETIRED if retired else RESTORED)
        try:
            event = self._event(
                SignalEvent,
                kind="set",
                belief=belief_id,
                value=confidence,
                text=statement,
                tags=tags,
                context=context,
                note=reason,
            )
            outcome = self._outcome(event)
        except InvalidInputError as error:
            named = _AMENDED.get(error.field, error.field)
            raise InvalidInputError(named, error.expected, got=error.got) from None
        return outcome.spawned[0] if outcome.spawned else self.belief(belief_id)

    def erase(self) -> Erasure:
        """Take away everything held on this user; the answer holds counts only."""
        return self._pipeline.erase(self._scope)

    # Choosing and predicting

    def personalize(
        self,
        query: str,
        *,
        context: Context | None = None,
        limit: int | None = None,
        as_of: datetime | None = None,
    ) -> Personalization:
        """Choose the beliefs that the next response should use, with reasons, and say which are withheld and why."""
        check_text("query", query)
        check_context("context", {} if context is None else context)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise InvalidInputError("limit", "must be a whole number, at least 1")
        as_of_us, now_us = self._as_of(as_of), self._now_us()
        (vector,) = self._pipeline.embed([query])
        return self._read(
            lambda reader: personalize(
                reader,
                query,
                vector,
                limits=self._pipeline.parameters.serving,
                now_us=now_us,
                context=context or {},
                limit=limit,
                as_of_us=as_of_us,
            )
        )

    def predict(self, beliefs: Premises, *, kind: str | None = None, as_of: datetime | None = None) -> float:
        """Return the probability that a response resting on these beliefs satisfies.

        With `kind`, that a signal of that kind turns out good.
        """
        premises, as_of_us, now_us = _premises(beliefs), self._as_of(as_of), self._now_us()
        check_premises("beliefs", [_premise(edge) for edge in premises])
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
            return predict(premises, found, self._pipeline.parameters, kind=kind)

        return self._read(work)

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

    def response(self, response_id: str) -> Response:
        """Return one response."""
        check_identifier("response_id", response_id)
        return self._read(lambda reader: find_response(reader, self._scope, ResponseId(response_id)))

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

    def signal_record(self, signal_id: str) -> Outcome:
        """Return a signal with what it was taken for and what it moved; if it was retracted, what that moved."""
        check_identifier("signal_id", signal_id)
        now_us = self._now_us()

        def work(reader: Reader) -> Outcome:
            for signal, interpretation in reader.signals([SignalId(signal_id)]):
                return read_outcome(reader, signal, interpretation, now_us)
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

    def revisions(self, belief_id: str, *, as_of: datetime | None = None) -> list[Revision]:
        """Return every change of a belief's confidence, oldest first."""
        check_identifier("belief_id", belief_id)
        as_of_us = self._as_of(as_of)

        def work(reader: Reader) -> list[Revision]:
            find_belief(reader, self._scope, BeliefId(belief_id), as_of_us)
            return reader.revisions(BeliefId(belief_id), as_of_us=as_of_us)

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

    def provenance(self, belief_id: str) -> "nx.MultiDiGraph[str]":
        """Return where a belief comes from as a networkx graph."""
        check_identifier("belief_id", belief_id)
        now_us = self._now_us()
        return self._read(lambda reader: provenance(reader, self._scope, BeliefId(belief_id), now_us=now_us))

    def conflicts(
        self, *, status: ConflictStatus | None = None, as_of: datetime | None = None
    ) -> list[Conflict]:
        """Return the contradictions between beliefs, oldest first."""
        if status is not None:
            check_one_of("status", status, get_args(ConflictStatus))
        as_of_us = self._as_of(as_of)
        links = self._read(lambda reader: reader.links("contradicts", as_of_us=as_of_us))
        return [to_conflict(link) for link in links if status in (None, link.status)]

    def resolve(
        self,
        conflict_id: str,
        *,
        keep: str | None = None,
        scope: Mapping[str, Mapping[str, str]] | None = None,
        dismiss: bool = False,
        confirm: bool = False,
        undo: bool = False,
        reason: str | None = None,
    ) -> Conflict:
        """Decide one conflict or duplicate as a person; exactly one of the five.

        `keep`: this belief stands, the other is superseded (of duplicates, it takes in the other's evidence); `scope`:
        both are right, each in its context (conflicts only); `dismiss`: they do not conflict; `confirm`: they do;
        `undo`: as before the last decision. Every change is a revision with `reason`. Raises `NotFoundError` and
        `InvalidInputError`.
        """
        check_identifier("conflict_id", conflict_id)
        if reason is not None:
            check_text("reason", reason)
        for context in (scope or {}).values():
            check_context("scope", context)
        resolution = Resolution(
            conflict_id=ConflictId(conflict_id),
            keep=None if keep is None else BeliefId(keep),
            scope={BeliefId(id): dict(context) for id, context in (scope or {}).items()},
            dismiss=dismiss,
            confirm=confirm,
            undo=undo,
            why=reason,
        )
        return to_conflict(self._pipeline.resolve(self._scope, resolution))

    def resolve_conflicts(self, *, dry_run: bool = False) -> list[Decision]:
        """Merge what surely says the same, decide every conflict that can be decided, and ask about the rest.

        Confirmed conflicts are decided by what was said, when and where. Run again, it finds nothing left to do. With
        `dry_run` nothing is written.
        """
        return self._pipeline.resolve_all(self._scope, dry_run=dry_run)

    def duplicates(self) -> list[Conflict]:
        """Return pairs of beliefs that say, or may say, the same, oldest first; `resolve` decides one."""
        return [to_conflict(link) for link in self._read(lambda reader: reader.links("duplicates"))]

    def belief_graph(self) -> "nx.MultiDiGraph[BeliefId]":
        """Return all beliefs with the edges between them as a networkx graph, for `beliefgraph.queries.consistency`."""
        now_us = self._now_us()
        return self._read(lambda reader: belief_graph(reader, now_us))

    def export(self) -> list[dict[str, Any]]:
        """Return everything held on this user as events, in the order in which they were applied."""
        return self._read(lambda reader: list(export_events(reader, self.user_id)))

    # Between the lines

    def _event(self, event: type[E], /, **fields: Any) -> E:
        return make_event(event, user=self.user_id, **fields)

    def _outcome(self, event: Event, *, dry_run: bool = False) -> Outcome:
        outcome = self._pipeline.apply(self._scope, event, dry_run=dry_run)
        assert isinstance(outcome, Outcome)
        return outcome

    def _read(self, work: Callable[[Reader], T]) -> T:
        return self._pipeline.store.read(self._scope, work)

    def _now_us(self) -> int:
        return to_us(self._pipeline.clock())

    def _as_of(self, as_of: datetime | None) -> int | None:
        if as_of is None:
            return None
        check_time("as_of", as_of)
        return to_us(as_of)


def _premises(beliefs: Premises) -> list[GeneratedBy]:
    if isinstance(beliefs, Personalization):
        return [GeneratedBy(belief_id=choice.belief.id, weight=choice.weight) for choice in beliefs.used]
    if isinstance(beliefs, str | bytes) or not isinstance(beliefs, Iterable):
        raise InvalidInputError("beliefs", "must be a personalization or a list of belief ids")
    edges = [GeneratedBy(belief_id=BeliefId(each)) if isinstance(each, str) else each for each in beliefs]
    if not all(isinstance(edge, GeneratedBy) for edge in edges):
        raise InvalidInputError("beliefs", "must hold belief ids or GeneratedBy")
    return edges


def _premise(edge: GeneratedBy) -> dict[str, Any]:
    given = {"id": edge.belief_id, "weight": edge.weight, "adherence": edge.adherence}
    return {name: value for name, value in given.items() if value is not None}
