"""Questions about one user to a service: where they go, and what an answer that there is nobody means."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from beliefgraph.client.transport import Ask, Transport
from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import UserId
from beliefgraph.ingest.events import BeliefEvent, ResponseEvent, SignalEvent, check_identifier, check_time
from beliefgraph.queries.pages import Page, check_limit, number_of
from beliefgraph.wire.answers import restore

T = TypeVar("T")


class Asking:
    """Requests about one user. `place` is where everything about her is."""

    def __init__(self, service: Transport, user_id: UserId) -> None:
        self._service, self._user_id = service, user_id
        self.place = f"/v1/users/{quote(user_id, safe='')}"
        self.json, self.send = service.json, service.send

    def get(self, place: str, query: Mapping[str, Any] | None = None) -> Any:
        """Read what is at a place."""
        return self._service.json(
            Ask(method="GET", path=self.place + place, query=query, user_id=self._user_id)
        )

    def post(
        self,
        place: str,
        body: Any,
        key: str | None = None,
        query: Mapping[str, Any] | None = None,
        *,
        repeatable: bool = True,
    ) -> Any:
        """Send a body to a place; `key` makes it safe to send twice."""
        ask = Ask(
            method="POST",
            path=self.place + place,
            query=query,
            body=body,
            key=key,
            user_id=self._user_id,
            repeatable=repeatable,
        )
        return self._service.json(ask)

    def one(self, what: str, id: str, rest: str, query: Mapping[str, Any]) -> Any:
        """Read what is held under one id. Of a user of whom nothing is held, the id is not found."""
        check_identifier(f"{what}_id", id)
        try:
            return self.get(f"/{what}s/{quote(id, safe='')}{rest}", query)
        except NotFoundError as error:
            if error.what != "user":
                raise
            raise NotFoundError(what, id, user_id=self._user_id) from None

    def list(
        self, record: type[T], place: str, query: Mapping[str, Any], limit: int, cursor: str | None
    ) -> Page[T]:
        """Read one page of a list, as a caller asks for it."""
        check_limit(limit)
        number_of(cursor)
        return self.page(record, place, query, limit, cursor)

    def page(
        self, record: type[T], place: str, query: Mapping[str, Any], limit: int, cursor: str | None
    ) -> Page[T]:
        """Read one page of a list; of somebody of whom nothing is held it is empty."""
        asked = {**query, "limit": limit, "cursor": cursor}
        nothing: dict[str, Any] = {"items": [], "cursor": None}
        answer = self.unless_nobody(lambda: self.get(place, asked), nothing)
        return Page(tuple(restore(record, one) for one in answer["items"]), answer["cursor"])

    def unless_nobody(self, ask: Callable[[], T], otherwise: T) -> T:
        """Return what is answered, or something else when nothing is held of this user."""
        try:
            return ask()
        except NotFoundError as error:
            if error.what != "user":
                raise
            return otherwise


def said_in(event: BeliefEvent | SignalEvent | ResponseEvent) -> dict[str, Any]:
    """Return the body of an event: what the caller said; times in ISO 8601."""
    given = event.model_fields_set - {"user"}
    body: dict[str, Any] = event.model_dump(mode="json", include=given, exclude_none=True)
    return body


def response_body(event: ResponseEvent) -> dict[str, Any]:
    """Return the body of a response, its premises as a body names them."""
    edges = [edge(one.model_dump(exclude_none=True)) for one in event.beliefs]
    return {**said_in(event), "beliefs": edges}


def edge(premise: Mapping[str, Any]) -> dict[str, Any]:
    """Return a premise as a body names it."""
    return {"belief_id": premise["id"], **{name: one for name, one in premise.items() if name != "id"}}


def at(as_of: datetime | None) -> dict[str, Any]:
    """Return the parameters of a read at a time. Raises `InvalidInputError`."""
    if as_of is None:
        return {}
    check_time("as_of", as_of)
    return {"as_of": as_of.isoformat()}
