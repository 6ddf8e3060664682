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

from beliefgraph.client.transport import Ask, Transport
from beliefgraph.curve import Curve
from beliefgraph.graph.errors import InvalidInputError, NotFoundError, NotServedError
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
from beliefgraph.ingest.resolution import Decision, Resolution
from beliefgraph.ingest.signals import RESTORED, RETIRED, SCOPED
from beliefgraph.ingest.validation import check_one_of
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
        self._service = service
        self._place = f"/v1/users/{quote(user_id, safe='')}"

    # Writing: checked and named by SelfModel, sent from here

    def _apply(self, event: Event, key: str | None, **how: Any) -> Result:
        if key is not None:
            check_identifier("idempotency_key", key)
        match event:
            case BeliefEvent():
                return restore(Belief, self._post("/beliefs", _said(event), self._key(event, key)))
            case ResponseEvent():
                return restore(
                    Response, self._post("/responses", _response_body(event), self._key(event, key))
                )
            case SignalEvent():
                query = {"dry_run": "true"} if how.get("dry_run") else None
                answer = self._post("/signals", _said(event), self._key(event, key), query)
                return restore(Outcome, answer)
            case RetractEvent():
                place = f"/signals/{quote(event.signal, safe='')}/retraction"
                return restore(Outcome, self._post(place, {"reason": event.reason} if event.reason else {}))

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
            path=f"{self._place}/beliefs/{quote(event.belief, safe='')}",
            body={name: value for name, value in said.items() if value is not None},
            key=key or uuid4().hex,
            if_match=None if if_sequence is None else f'W/"{if_sequence}"',
            user_id=self.user_id,
        )
        return restore(Belief, self._service.json(ask))

    def _suppose(self, event: SignalEvent | RetractEvent) -> WhatIf:
        body = {"without": event.signal} if isinstance(event, RetractEvent) else _said(event)
        return restore(WhatIf, self._post("/what-if", body))

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
        return restore(Conflict, self._post(place, body, repeatable=not resolution.undo))

    def resolve_conflicts(self, *, dry_run: bool = False) -> list[Decision]:
        """Do as `SelfModel.resolve_conflicts`."""
        query = {"dry_run": "true"} if dry_run else None
        found: list[Any] = self._unless_nobody(
            lambda: self._post("/conflicts/resolution", None, query=query), []
        )
        return [restore(Decision, one) for one in found]

    def erase(self) -> Erasure:
        """Do as `SelfModel.erase`; after a broken connection ask `sequence` whether anything is left."""
        ask = Ask(method="DELETE", path=self._place, user_id=self.user_id, repeatable=False)
        nothing = Erasure(beliefs=0, responses=0, signals=0, revisions=0, links=0)
        return self._unless_nobody(lambda: restore(Erasure, self._service.json(ask)), nothing)

    def onboard(
        self, answers: Mapping[str, str | None] | None = None, *, bank: Bank | Path | str | None = None
    ) -> Onboarding:
        """Do as `SelfModel.onboard`, from the bank of the service."""
        if bank is not None:
            raise InvalidInputError("bank", "must be left out: a service asks from its own")
        if answers is not None and not isinstance(answers, Mapping):
            raise InvalidInputError("answers", "must map questions to answers, None where one was skipped")
        if not answers:
            return restore(Onboarding, self._get("/onboarding"))
        return restore(Onboarding, self._post("/onboarding", {"answers": dict(answers)}))

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
        return restore(Personalization, self._post("/personalize", body, query=_at(as_of)))

    def predict(self, beliefs: Premises, *, kind: str | None = None, as_of: datetime | None = None) -> float:
        """Do as `SelfModel.predict`."""
        premises = [premise_input(edge) for edge in premises_of(beliefs)]
        check_premises("beliefs", premises)
        if kind is not None and not isinstance(kind, str):
            raise InvalidInputError("kind", "must be a text")
        body = {"beliefs": [_edge(one) for one in premises], **({} if kind is None else {"kind": kind})}
        return float(self._post("/predict", body, query=_at(as_of))["probability"])

    def curve(self, *, as_of: datetime | None = None) -> Curve:
        """Do as `SelfModel.curve`."""
        return restore(Curve, self._get("/curve", _at(as_of)))

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
        return self._list(Belief, "/beliefs", {"standing": standing, **_at(as_of)}, limit, cursor)

    def belief(self, belief_id: str, *, as_of: datetime | None = None) -> Belief:
        """Do as `SelfModel.belief`."""
        return restore(Belief, self._one("belief", belief_id, "", _at(as_of)))

    def responses(
        self, *, as_of: datetime | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Response]:
        """Do as `SelfModel.responses`."""
        return self._list(Response, "/responses", _at(as_of), limit, cursor)

    def response(self, response_id: str, *, as_of: datetime | None = None) -> Response:
        """Do as `SelfModel.response`."""
        return restore(Response, self._one("response", response_id, "", _at(as_of)))

    def signals(
        self, *, as_of: datetime | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Signal]:
        """Do as `SelfModel.signals`."""
        return self._list(Signal, "/signals", _at(as_of), limit, cursor)

    def signal_record(self, signal_id: str, *, as_of: datetime | None = None) -> Outcome:
        """Do as `SelfModel.signal_record`."""
        return restore(Outcome, self._one("signal", signal_id, "", _at(as_of)))

    def trace(self, response_id: str, *, as_of: datetime | None = None) -> Trace:
        """Do as `SelfModel.trace`."""
        return restore(Trace, self._one("response", response_id, "/trace", _at(as_of)))

    def sequence(self) -> int:
        """Do as `SelfModel.sequence`."""
        ask = Ask(method="GET", path=f"{self._place}/consent", user_id=self.user_id)
        return int(self._service.send(ask).headers["etag"].split('"')[1].partition("-")[0])

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
            query = {**_at(as_of), "limit": size, "cursor": cursor}
            answer = self._one("belief", belief_id, "/revisions", query)
            found += [restore(Revision, one) for one in answer["items"]]
            cursor = answer["cursor"]
            if cursor is None:
                return found

    def explain(self, belief_id: str, *, as_of: datetime | None = None) -> Explanation:
        """Do as `SelfModel.explain`."""
        return restore(Explanation, self._one("belief", belief_id, "/explanation", _at(as_of)))

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
        return restore(Provenance, self._one(kind, id, place, {"format": "records", **_at(as_of), **window}))

    def belief_graph(self, *, as_of: datetime | None = None) -> "nx.MultiDiGraph[BeliefId]":
        """Do as `SelfModel.belief_graph`."""
        import networkx as nx

        nobody = nx.node_link_data(nx.MultiDiGraph(), edges="edges")
        answer = self._unless_nobody(lambda: self._get("/graph", _at(as_of)), nobody)
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
        return restore(Diff, self._get("/diff", query))

    def consents(self, *, as_of: datetime | None = None) -> bool | None:
        """Do as `SelfModel.consents`."""
        found: bool | None = self._get("/consent", _at(as_of))["consents"]
        return found

    def export(self, *, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """Do as `SelfModel.export`."""
        found: list[dict[str, Any]] = self._unless_nobody(lambda: self._get("/export", _at(as_of)), [])
        return found

    def _links(self, kind: LinkKind, status: ConflictStatus | None, as_of: datetime | None) -> list[Conflict]:
        if status is not None:
            check_one_of("status", status, get_args(ConflictStatus))
        place = {"contradicts": "/conflicts", "duplicates": "/duplicates"}[kind]
        found: list[Conflict] = []
        query: dict[str, Any] = {"status": status, **_at(as_of), "limit": MAX_LIMIT}
        cursor: str | None = None
        while True:
            part = self._page(Conflict, place, query, MAX_LIMIT, cursor)
            found += part
            cursor = part.cursor
            if cursor is None:
                return found

    # Requests

    def _get(self, place: str, query: Mapping[str, Any] | None = None) -> Any:
        return self._service.json(
            Ask(method="GET", path=self._place + place, query=query, user_id=self.user_id)
        )

    def _post(
        self,
        place: str,
        body: Any,
        key: str | None = None,
        query: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = True,
    ) -> Any:
        ask = Ask(
            method="POST",
            path=self._place + place,
            query=query,
            body=body,
            key=key,
            user_id=self.user_id,
            repeatable=repeatable,
        )
        return self._service.json(ask)

    def _key(self, event: BeliefEvent | ResponseEvent | SignalEvent, key: str | None) -> str | None:
        """Return the caller's key, or a fresh one for an event that brings no id of its own."""
        return key if key is not None or event.id is not None else uuid4().hex

    def _one(self, what: str, id: str, rest: str, query: Mapping[str, Any]) -> Any:
        """Read what is held under one id. Of a user of whom nothing is held, the id is not found."""
        check_identifier(f"{what}_id", id)
        try:
            return self._get(f"/{what}s/{quote(id, safe='')}{rest}", query)
        except NotFoundError as error:
            if error.what != "user":
                raise
            raise NotFoundError(what, id, user_id=self.user_id) from None

    def _list(
        self, record: type[T], place: str, query: Mapping[str, Any], limit: int, cursor: str | None
    ) -> Page[T]:
        check_limit(limit)
        number_of(cursor)
        return self._page(record, place, query, limit, cursor)

    def _page(
        self, record: type[T], place: str, query: Mapping[str, Any], limit: int, cursor: str | None
    ) -> Page[T]:
        asked = {**query, "limit": limit, "cursor": cursor}
        nothing: dict[str, Any] = {"items": [], "cursor": None}
        answer = self._unless_nobody(lambda: self._get(place, asked), nothing)
        return Page(tuple(restore(record, one) for one in answer["items"]), answer["cursor"])

    def _unless_nobody(self, ask: Any, otherwise: T) -> T:
        """Return what is answered, or something else when nothing is held of this user."""
        try:
            found: T = ask()
        except NotFoundError as error:
            if error.what != "user":
                raise
            return otherwise
        return found


def _said(event: BeliefEvent | SignalEvent | ResponseEvent) -> dict[str, Any]:
    """Return the body of an event: what the caller said; times in ISO 8601."""
    given = event.model_fields_set - {"user"}
    said: dict[str, Any] = event.model_dump(mode="json", include=given, exclude_none=True)
    return said


def _response_body(event: ResponseEvent) -> dict[str, Any]:
    edges = [_edge(one.model_dump(exclude_none=True)) for one in event.beliefs]
    return {**_said(event), "beliefs": edges}


def _edge(premise: Mapping[str, Any]) -> dict[str, Any]:
    """Return a premise as a body names it."""
    return {"belief_id": premise["id"], **{name: one for name, one in premise.items() if name != "id"}}


def _at(as_of: datetime | None) -> dict[str, Any]:
    if as_of is None:
        return {}
    check_time("as_of", as_of)
    return {"as_of": as_of.isoformat()}
