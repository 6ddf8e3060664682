"""The users of a tenant behind a service. What needs the store itself (verify, base rates, judges) is not served."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import Any, Self, get_args
from urllib.parse import quote

from beliefgraph.client.selfmodel import RemoteSelfModel
from beliefgraph.client.transport import Ask, Transport
from beliefgraph.curve import Curve
from beliefgraph.graph.errors import InvalidInputError, NotServedError
from beliefgraph.graph.ids import UserId
from beliefgraph.ingest.events import check_identifier, check_text, check_time
from beliefgraph.ingest.reader import IngestReport, Raw, Reject
from beliefgraph.ingest.validation import check_one_of
from beliefgraph.queries.audit import Audit
from beliefgraph.queries.funnels import Per
from beliefgraph.queries.pages import MAX_LIMIT
from beliefgraph.wire.answers import restore

_BATCH_LINES, _BATCH_BYTES = 1000, 4_000_000
_KEPT_REJECTS = 1000

NOT_SERVED = (
    *("aggregate", "calibrate", "for_tenant", "parameters", "reinterpret", "relate", "relate_many"),
    *("tenants", "undecided_conflicts", "verify", "warm_up"),
)
"""What a graph on a store can do, and a client cannot: it needs the store, its models or its parameters."""


class RemoteGraph:
    """A service with the self-models of one tenant, that of the key. Made by `BeliefGraph.open`; a context manager.

    Usable from several threads at once.
    """

    def __init__(self, target: str, api_key: str | None, *, timeout_s: float) -> None:
        if api_key is not None and not (
            isinstance(api_key, str) and api_key.isascii() and api_key.isprintable()
        ):
            raise InvalidInputError("api_key", "must be a key of `beliefgraph keys create`, or None")
        self._service = Transport(target, api_key, timeout_s=timeout_s)

    def user(self, user_id: str) -> RemoteSelfModel:
        """Return a user's self-model; no I/O yet. Raises `InvalidInputError` for an id that cannot be one."""
        check_identifier("user", user_id)
        return RemoteSelfModel(self._service, UserId(user_id))

    def users(self, *, after: str | None = None) -> Iterator[UserId]:
        """Yield the ids of the tenant's users, sorted: those after one."""
        cursor = after
        while True:
            query = {"limit": MAX_LIMIT, "cursor": cursor}
            answer = self._service.json(Ask(method="GET", path="/v1/users", query=query))
            yield from map(UserId, answer["items"])
            cursor = answer["cursor"]
            if cursor is None:
                return

    def ingest(self, lines: Iterable[Raw], *, strict: bool = False) -> IngestReport:
        """Apply a log of events (JSON Lines), in batches; sending it again changes nothing."""
        report = IngestReport()
        numbered = iter(enumerate(lines, start=1))
        while window := list(islice(numbered, _BATCH_LINES)):
            for part in _parts(window):
                if self._send(part, report, strict=strict):
                    return report
        return report

    def _send(self, part: list[tuple[int, bytes]], report: IngestReport, *, strict: bool) -> bool:
        """Apply a part of a log; say whether it stopped there."""
        ask = Ask(
            method="POST",
            path="/v1/events",
            query={"strict": "true"} if strict else None,
            lines=b"\n".join(line for _, line in part),
        )
        answer = self._service.json(ask)
        report.applied.update(Counter(answer["applied"]))
        report.rejected += answer["rejected"]
        report.stopped = answer["stopped"]
        for one in answer["results"]:
            if one["status"] == "rejected" and len(report.rejects) < _KEPT_REJECTS:
                number, raw = part[one["line"] - 1]
                report.rejects.append(
                    Reject(
                        line=number,
                        field=one["field"],
                        reason=one["reason"],
                        raw=raw.decode(errors="replace"),
                    )
                )
        return report.stopped

    def curve(self, *, at_least: int = 1, as_of: datetime | None = None) -> Curve:
        """Return how well the signals of the tenant's users were foreseen, by number of interactions."""
        if isinstance(at_least, bool) or not isinstance(at_least, int) or at_least < 1:
            raise InvalidInputError("at_least", "must be a whole number, at least 1")
        query = {"at_least": at_least, "as_of": _iso("as_of", as_of)}
        answer = self._service.json(Ask(method="GET", path="/v1/curve", query=query))
        return restore(Curve, answer)

    def audit(
        self,
        *,
        user: str | None = None,
        since: datetime | None = None,
        as_of: datetime | None = None,
        per: Per = "week",
        source: str = "source",
    ) -> Audit:
        """Say of the tenant's signals (or one user's) how far they came, and why those stopped that moved no belief."""
        if user is not None:
            check_identifier("user", user)
        check_one_of("per", per, get_args(Per))
        check_text("source", source)
        query = {
            "since": _iso("since", since),
            "as_of": _iso("as_of", as_of),
            "per": per,
            "source": source,
        }
        path = "/v1/audit" if user is None else f"/v1/users/{quote(user, safe='')}/audit"
        answer = self._service.json(Ask(method="GET", path=path, query=query, user_id=user))
        return restore(Audit, answer)

    def close(self) -> None:
        """Let go of the connections. Closing twice is fine."""
        self._service.close()

    def __getattr__(self, name: str) -> Any:
        """Say of what a store has and a service has not, that it is not served."""
        if name in NOT_SERVED:
            raise NotServedError(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()


def _parts(window: list[tuple[int, Raw]]) -> Iterator[list[tuple[int, bytes]]]:
    """Yield the lines of a window in parts that are small enough to send."""
    part: list[tuple[int, bytes]] = []
    size = 0
    for number, line in window:
        raw = (line.encode(errors="replace") if isinstance(line, str) else line).replace(b"\n", b" ")
        if part and size + len(raw) > _BATCH_BYTES:
            yield part
            part, size = [], 0
        part.append((number, raw))
        size += len(raw) + 1
    if part:
        yield part


def _iso(name: str, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    check_time(name, moment)
    return moment.isoformat()
