"""Logs of events (JSON Lines) into a store: read in windows, applied a user at a time, rejects reported by line."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice

from beliefgraph.graph.errors import BeliefGraphError, InvalidInputError
from beliefgraph.graph.ids import UserId, derived_id
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.events import Event, RetractEvent, parse_event
from beliefgraph.ingest.pipeline import Batch, Pipeline
from beliefgraph.ingest.working import WorkingSet

MAX_LINE = 2_000_000
_WINDOW = 4000
_TRANSACTION = 500
_KEPT_REJECTS = 1000

Line = str | bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A line that could not be applied: its number (from 1), the field at fault, why, and the line as it was."""

    line: int
    field: str
    reason: str
    raw: Line = dataclasses.field(repr=False)


@dataclass(slots=True, kw_only=True)
class IngestReport:
    """What became of a log: events applied by type, and how many lines were rejected (the first 1,000 are kept)."""

    applied: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    stopped: bool = False

    @property
    def ok(self) -> bool:
        """Say whether every line was applied."""
        return self.rejected == 0


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    raw: Line
    event: Event


def ingest(
    pipeline: Pipeline,
    tenant: str,
    lines: Iterable[Line],
    *,
    strict: bool = False,
    own_time: bool = False,
    on_reject: Callable[[Reject], None] | None = None,
    on_progress: Callable[[int], None] | None = None,
    observe: Callable[[Event, WorkingSet], None] | None = None,
) -> IngestReport:
    """Apply a log. The order within a user is the order of application; sending a log twice changes nothing.

    A line that cannot be applied is reported and the rest goes on; with `strict` nothing after it is applied. With
    `own_time` events happen at their own time. `observe` sees each event and the working set before it is applied
    (possibly more than once). Memory does not grow with the log. Store errors are raised.
    """
    log = _Log(pipeline, tenant, strict=strict, own_time=own_time, on_reject=on_reject, observe=observe)
    numbered = enumerate(lines, start=1)
    while not log.report.stopped and (window := list(islice(numbered, _WINDOW))):
        log.apply(window)
        if on_progress is not None:
            on_progress(len(window))
    return log.report


class _Log:
    def __init__(
        self,
        pipeline: Pipeline,
        tenant: str,
        *,
        strict: bool,
        own_time: bool,
        on_reject: Callable[[Reject], None] | None,
        observe: Callable[[Event, WorkingSet], None] | None,
    ) -> None:
        self.report = IngestReport()
        self._pipeline, self._tenant = pipeline, tenant
        self._strict, self._own_time = strict, own_time
        self._on_reject, self._observe = on_reject, observe

    def apply(self, window: list[tuple[int, Line]]) -> None:
        """Apply a window of numbered lines."""
        events = list(self._parse(window))
        if not self._strict:
            events.sort(key=lambda one: one.event.user)
        for user, run in groupby(events, key=lambda one: one.event.user):
            pending = list(run)
            for part in self._parts(pending):
                if self._strict and self._first_bad(part[0].number):
                    return
                self._apply_part(UserId(user), part)
        self.report.stopped = self.report.stopped or (self._strict and self.report.rejected > 0)

    def _first_bad(self, number: int) -> bool:
        """Say, in strict mode, whether a line before this one was rejected."""
        self.report.stopped = any(reject.line < number for reject in self.report.rejects)
        return self.report.stopped

    def _parse(self, window: list[tuple[int, Line]]) -> Iterator[_Numbered]:
        for number, raw in window:
            if not raw.strip():
                continue
            try:
                if len(raw) > MAX_LINE:
                    raise InvalidInputError("line", f"must be at most {MAX_LINE} bytes long")
                event = parse_event(raw)
            except BeliefGraphError as error:
                self._reject(number, raw, error)
                if self._strict:
                    return
                continue
            yield _Numbered(number, raw, event)

    def _parts(self, events: list[_Numbered]) -> Iterator[list[_Numbered]]:
        """Cut one user's events into transactions; in own time, a retraction ends one (it marks the time)."""
        part: list[_Numbered] = []
        for one in events:
            part.append(one)
            if len(part) == _TRANSACTION or (self._own_time and isinstance(one.event, RetractEvent)):
                yield part
                part = []
        if part:
            yield part

    def _apply_part(self, user_id: UserId, part: list[_Numbered]) -> None:
        watch = self._observe
        batch = Batch(
            events=[one.event for one in part],
            ids=[content_id(one.event) for one in part],
            own_time=self._own_time,
            stop_at_error=self._strict,
            observe=None if watch is None else lambda working, index: watch(part[index].event, working),
        )
        results = self._pipeline.apply_all(Scope(self._tenant, user_id), batch)
        for one, result in zip(part, results, strict=False):
            if isinstance(result, BeliefGraphError):
                self._reject(one.number, one.raw, result)
            else:
                self.report.applied[one.event.type] += 1

    def _reject(self, number: int, raw: Line, error: BeliefGraphError) -> None:
        reject = Reject(line=number, field=_field(error), reason=str(error), raw=raw)
        self.report.rejected += 1
        if len(self.report.rejects) < _KEPT_REJECTS:
            self.report.rejects.append(reject)
        if self._on_reject is not None:
            self._on_reject(reject)


def _field(error: BeliefGraphError) -> str:
    return getattr(error, "field", None) or getattr(error, "what", "") or "line"


def content_id(event: Event) -> str | None:
    """Return an id for an event that brings none: the same line always gets the same one."""
    if isinstance(event, RetractEvent) or event.id is not None:
        return None
    content = json.dumps(event.model_dump(mode="json"), sort_keys=True)
    return derived_id(event.type[0], content)
