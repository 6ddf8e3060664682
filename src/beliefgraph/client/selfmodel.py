"""One user's self-model behind a service: the face of `SelfModel`, each call one request.

What is written goes through the same checks as ever (`SelfModel`); only where it would reach the store is it sent
instead. A write without an id gets an idempotency key, so that sending it again after a broken connection is safe.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args
from urllib.parse import quote
from uuid import uuid4

from beliefgraph.client.asking import Asking, at, edge, response_body, said_in
from beliefgraph.client.transport import Ask, Transport
from beliefgraph.curve import Curve
from beliefgraph.graph.errors import InvalidInputError, NotServedError
from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.model import (
    Belief,
    Conflict,
    ConflictStatus,
    Context,
    LinkKind,
    Outcome,
    Response,
    Revision,
    Signal,
    Standing,
)
from beliefgraph.graph.store import Erasure, Scope
from beliefgraph.ingest.bank import Bank
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
)
from beliefgraph.ingest.pipeline import Pipeline, Result
from beliefgraph.ingest.resolution import Resolution
from beliefgraph.ingest.signals import RESTORED, RETIRED, SCOPED
from beliefgraph.ingest.validation import check_one_of
from beliefgraph.ingest.verdicts import Decision
from beliefgraph.onboarding import Onboarding
from beliefgraph.queries.diff import Diff
from beliefgraph.queries.explain import Explanation
from beliefgraph.queries.pages import MAX_LIMIT, Page, check_limit, number_of
from beliefgraph.queries.personalize import Personalization
from beliefgraph.queries.provenance import USUAL_LIMIT, Provenance
from beliefgraph.queries.trace import Trace
from beliefgraph.queries.what_if import WhatIf
from beliefgraph.reading import Premises, check_count, one_record, premise_input, premises_of
from beliefgraph.selfmodel import SelfModel
from beliefgraph.wire.answers import restore

if TYPE_CHECKING:
    import networkx as nx

T = TypeVar("T")
_MOST_CHARS = 1_000_000
"""What a service takes at most; no prompt is as long."""


class _NoStore:
    """Stands where the store of a self-model is, and says that there is none."""

    def __getattr__(self, name: str) -> Any:
        raise NotServedError("this question")


class RemoteSelfModel(SelfModel):
    """A user's self-model behind a service. Made by `RemoteGraph.user`; no I/O before a method is called.

    Raises what `SelfModel` raises; `StoreUnavailableError` also when the service cannot be reached,
    `AccessDeniedError` when it refuses the key, `ServiceError` when it fails. Of a user of whom nothing is held, lists
    are empty, and everything else is not found.
    """

    def __init__(self, service: Transport, user_id: UserId) -> None:
        super().__init__(cast(Pipeline, _NoStore()), Scope("the tenant of the key", user_id))
        self._asking = Asking(service, user_id)

    # Writing: checked and named by SelfModel, sent from here

    def _apply(self, event: Event, key: str | None, **how: Any) -> Result:
        if key is not None:
            check_identifier("idempotency_key", key)
        match event:
            case BeliefEvent():
                return restore(Belief, self._asking.post("/beliefs", said_in(event), self._key(event, key)))
            case ResponseEvent():
                return restore(
                    Response, self._asking.post("/responses", response_body(event), self._key(event, key))
                )
            case SignalEvent():
                query = {"dry_run": "true"} if how.get("dry_run") else None
                answer = self._asking.post("/signals", said_in(event), self._key(event, key), query)
                return restore(Outcome, answer)
            case RetractEvent():
                place = f"/signals/{quote(event.signal, safe='')}/retraction"
                return restore(
                    Outcome, self._asking.post(place, {"reason": event.reason} if event.reason else {})
                )

    def _edit(self, event: SignalEvent, key: str | None, if_sequence: int | None) -> Belief:
        if key is not None:
            check_identifier("idempotency_key", key)
        assert event.belief is not None
        said = {
            "confidence": event.value,
            "statement": event.text,
            "context": dict(event.context) if SCOPED in event.tags else None,
            "retired": True if RETIRED in event.tags else False if RESTORED in event.tags else None,
            "reason": event.note,
        }
        ask = Ask(
            method="PATCH",
            path=f"{self._asking.place}/beliefs/{quote(event.belief, safe='')}",
            body={name: value for name, value in said.items() if value is not None},
            key=key or uuid4().hex,
            if_match=None if if_sequence is None else f'W/"{if_sequence}"',
            user_id=self.user_id,
        )
        return restore(Belief, self._asking.json(ask))

    def _suppose(self, event: SignalEvent | RetractEvent) -> WhatIf:
        body = {"without": event.signal} if isinstance(event, RetractEvent) else said_in(event)
        return restore(WhatIf, self._asking.post("/what-if", body))

    def _resolve(self, resolution: Resolution) -> Conflict:
        said = {
            "keep": resolution.keep,
            "scope": {id: dict(context) for id, context in resolution.scope.items()},
            "dismiss": resolution.dismiss,
            "confirm": resolution.confirm,
            "undo": resolution.undo,
            "reason": resolution.why,
        }
        place = f"/conflicts/{quote(resolution.conflict_id, safe='')}/resolution"
        body = {name: value for name, value in said.items() if value}
        return restore(Conflict, self._asking.post(place, body, repeatable=not resolution.undo))

    def resolve_conflicts(self, *, dry_run: bool = False) -> list[Decision]:
        """Do as `SelfModel.resolve_conflicts`."""
        query = {"dry_run": "true"} if dry_run else None
        found: list[Any] = self._asking.unless_nobody(
            lambda: self._asking.post("/conflicts/resolution", None, query=query), []
        )
        return [restore(Decision, one) for one in found]

    def erase(self) -> Erasure:
        """Do as `SelfModel.erase`; after a broken connection ask `sequence` whether anything is left."""
        ask = Ask(method="DELETE", path=self._asking.place, user_id=self.user_id, repeatable=False)
        nothing = Erasure(beliefs=0, responses=0, signals=0, revisions=0, links=0)
        return self._asking.unless_nobody(lambda: restore(Erasure, self._asking.json(ask)), nothing)

    def onboard(
        self, answers: Mapping[str, str | None] | None = None, *, bank: Bank | Path | str | None = None
    ) -> Onboarding:
        """Do as `SelfModel.onboard`, from the bank of the service."""
        if bank is not None:
            raise InvalidInputError("bank", "must be left out: a service asks from its own")
        if answers is not None and not isinstance(answers, Mapping):
            raise InvalidInputError("answers", "must map questions to answers, None where one was skipped")
        if not answers:
            return restore(Onboarding, self._asking.get("/onboarding"))
        return restore(Onboarding, self._asking.post("/onboarding", {"answers": dict(answers)}))

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
        """Do as `SelfModel.personalize`."""
        check_text("query", query)
        check_context("context", {} if context is None else context)
        check_count("limit", limit)
        check_count("max_chars", max_chars)
        said = {
            "query": query,
            "context": context and dict(context),
            "limit": limit and min(limit, MAX_LIMIT),
            "max_chars": max_chars and min(max_chars, _MOST_CHARS),
        }
        body = {name: value for name, value in said.items() if value is not None}
        return restore(Personalization, self._asking.post("/personalize", body, query=at(as_of)))

    def predict(self, beliefs: Premises, *, kind: str | None = None, as_of: datetime | None = None) -> float:
        """Do as `SelfModel.predict`."""
        premises = [premise_input(edge) for edge in premises_of(beliefs)]
        check_premises("beliefs", premises)
        if kind is not None and not isinstance(kind, str):
            raise InvalidInputError("kind", "must be a text")
        body = {"beliefs": [edge(one) for one in premises], **({} if kind is None else {"kind": kind})}
        return float(self._asking.post("/predict", body, query=at(as_of))["probability"])

    def curve(self, *, as_of: datetime | None = None) -> Curve:
        """Do as `SelfModel.curve`."""
        return restore(Curve, self._asking.get("/curve", at(as_of)))

    # Reading

    def beliefs(
        self,
        *,
        standing: Standing | None = None,
        as_of: datetime | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Belief]:
        """Do as `SelfModel.beliefs`."""
        if standing is not None:
            check_one_of("standing", standing, get_args(Standing))
        return self._asking.list(Belief, "/beliefs", {"standing": standing, **at(as_of)}, limit, cursor)

    def belief(self, belief_id: str, *, as_of: datetime | None = None) -> Belief:
        """Do as `SelfModel.belief`."""
        return restore(Belief, self._asking.one("belief", belief_id, "", at(as_of)))

    def responses(
        self, *, as_of: datetime | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Response]:
        """Do as `SelfModel.responses`."""
        return self._asking.list(Response, "/responses", at(as_of), limit, cursor)

    def response(self, response_id: str, *, as_of: datetime | None = None) -> Response:
        """Do as `SelfModel.response`."""
        return restore(Response, self._asking.one("response", response_id, "", at(as_of)))

    def signals(
        self, *, as_of: datetime | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Signal]:
        """Do as `SelfModel.signals`."""
        return self._asking.list(Signal, "/signals", at(as_of), limit, cursor)

    def signal_record(self, signal_id: str, *, as_of: datetime | None = None) -> Outcome:
        """Do as `SelfModel.signal_record`."""
        return restore(Outcome, self._asking.one("signal", signal_id, "", at(as_of)))

    def trace(self, response_id: str, *, as_of: datetime | None = None) -> Trace:
        """Do as `SelfModel.trace`."""
        return restore(Trace, self._asking.one("response", response_id, "/trace", at(as_of)))

    def sequence(self) -> int:
        """Do as `SelfModel.sequence`."""
        ask = Ask(method="GET", path=f"{self._asking.place}/consent", user_id=self.user_id)
        return int(self._asking.send(ask).headers["etag"].split('"')[1].partition("-")[0])

    def revisions(
        self, belief_id: str, *, as_of: datetime | None = None, after: int = 0, limit: int | None = None
    ) -> list[Revision]:
        """Do as `SelfModel.revisions`."""
        found: list[Revision] = []
        cursor: str | None = str(after) if after else None
        while True:
            size = MAX_LIMIT if limit is None else min(limit - len(found), MAX_LIMIT)
            if size < 1:
                return found
            query = {**at(as_of), "limit": size, "cursor": cursor}
            answer = self._asking.one("belief", belief_id, "/revisions", query)
            found += [restore(Revision, one) for one in answer["items"]]
            cursor = answer["cursor"]
            if cursor is None:
                return found

    def explain(self, belief_id: str, *, as_of: datetime | None = None) -> Explanation:
        """Do as `SelfModel.explain`."""
        return restore(Explanation, self._asking.one("belief", belief_id, "/explanation", at(as_of)))

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
        """Do as `SelfModel.provenance_of`."""
        kind, id = one_record(belief=belief, signal=signal, response=response)
        check_limit(limit)
        number_of(cursor)
        place = "/influence" if kind == "signal" else "/provenance"
        window = {} if kind == "signal" else {"limit": limit, "cursor": cursor}
        return restore(
            Provenance, self._asking.one(kind, id, place, {"format": "records", **at(as_of), **window})
        )

    def belief_graph(self, *, as_of: datetime | None = None) -> "nx.MultiDiGraph[BeliefId]":
        """Do as `SelfModel.belief_graph`."""
        import networkx as nx

        nobody = nx.node_link_data(nx.MultiDiGraph(), edges="edges")
        answer = self._asking.unless_nobody(lambda: self._asking.get("/graph", at(as_of)), nobody)
        found: nx.MultiDiGraph[BeliefId] = nx.node_link_graph(answer, edges="edges")
        return found

    def diff(self, start: datetime, end: datetime | None = None, *, limit: int = USUAL_LIMIT) -> Diff:
        """Do as `SelfModel.diff`."""
        check_time("start", start)
        check_limit(limit)
        if end is not None:
            check_time("end", end)
            if start >= end:
                raise InvalidInputError("start", "must be before the end")
        query = {"from": start.isoformat(), "to": end and end.isoformat(), "limit": limit}
        return restore(Diff, self._asking.get("/diff", query))

    def consents(self, *, as_of: datetime | None = None) -> bool | None:
        """Do as `SelfModel.consents`."""
        found: bool | None = self._asking.get("/consent", at(as_of))["consents"]
        return found

    def export(self, *, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Do as `SelfModel.export`."""
        found: list[dict[str, Any]] = self._asking.unless_nobody(
            lambda: self._asking.get("/export", at(as_of)), []
        )
        return found

    def _links(self, kind: LinkKind, status: ConflictStatus | None, as_of: datetime | None) -> list[Conflict]:
        if status is not None:
            check_one_of("status", status, get_args(ConflictStatus))
        place = {"contradicts": "/conflicts", "duplicates": "/duplicates"}[kind]
        found: list[Conflict] = []
        query: dict[str, Any] = {"status": status, **at(as_of), "limit": MAX_LIMIT}
        cursor: str | None = None
        while True:
            part = self._asking.page(Conflict, place, query, MAX_LIMIT, cursor)
            found += part
            cursor = part.cursor
            if cursor is None:
                return found

    def _key(self, event: BeliefEvent | ResponseEvent | SignalEvent, key: str | None) -> str | None:
        """Return the caller's key, or a fresh one for an event that brings no id of its own."""
        return key if key is not None or event.id is not None else uuid4().hex
