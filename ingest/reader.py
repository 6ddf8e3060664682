"""Logs of events (JSON Lines) into a store: read in windows, applied user by user, rejects reported by line."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock

from beliefgraph.graph.errors import BeliefGraphError, InvalidInputError
from beliefgraph.graph.ids import UserId, derived_id
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.events import Event, RetractEvent, parse_event
from beliefgraph.ingest.pipeline import Batch, Pipeline, Result
from beliefgraph.ingest.working import WorkingSet

MAX_LINE = 2_000_000
"""Longer lines are rejected; no event is as long."""
_WINDOW = 4000
_WINDOW_SIZE = 16_000_000
_TRANSACTION = 500
_BESIDE_OTHERS = 250
"""Events of a transaction where several users are written at once: fewer wait for what others do at both ends."""
_KEPT_REJECTS = 1000
_KEPT_RAW = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """What a source yields in the place of a line that it could not read: it is rejected, and counts as a line."""

    field: str
    reason: str


Raw = str | bytes
Line = Raw | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A line that could not be applied: its number (from 1), the field at fault, why, and the line as it was.

    `raw` is empty for what could not be read at all, and cut at 1,000 characters in a report.
    """

    line: int
    field: str
    reason: str
    raw: Raw = dataclasses.field(repr=False)


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


Results = list[Result | BeliefGraphError]


@dataclass(frozen=True, slots=True)
class _Numbered:
    number: int
    raw: Raw
    event: Event


_Written = list[tuple[list[_Numbered], Results]]
"""Events by transaction, with what became of each."""


def ingest(
    pipeline: Pipeline,
    tenant: str,
    lines: Iterable[Line],
    *,
    strict: bool = False,
    own_time: bool = False,
    on_reject: Callable[[Reject], None] | None = None,
    on_applied: Callable[[int, Event, Result], None] | None = None,
    on_progress: Callable[[int], None] | None = None,
    observe: Callable[[Event, WorkingSet], None] | None = None,
) -> IngestReport:
    """Apply a log. The order within a user is the order of application; sending a log twice changes nothing.

    A line that cannot be applied is reported and the rest goes on; with `strict` nothing after it is applied. With
    `own_time` events happen at their own time. `on_applied` is told the number of each line that was recorded, its
    event and what it became. `observe` sees each event and the working set before it is applied (possibly more than
    once). Memory does not grow with the log. Store errors are raised.
    """
    log = _Log(
        pipeline,
        tenant,
        strict=strict,
        own_time=own_time,
        on_reject=on_reject,
        on_applied=on_applied,
        on_progress=on_progress,
        observe=observe,
    )
    try:
        for window in _windows(lines):
            log.apply(window)
            if log.report.stopped:
                break
        log.finish()
    finally:
        log.close()
    return log.report


_Numbering = tuple[int, Line]


def _windows(lines: Iterable[Line]) -> Iterator[list[_Numbering]]:
    """Cut numbered lines into lists that are bounded in length and in size."""
    window: list[_Numbering] = []
    size = 0
    for number, line in enumerate(lines, start=1):
        window.append((number, line))
        size += 0 if isinstance(line, Unreadable) else len(line)
        if len(window) == _WINDOW or size > _WINDOW_SIZE:
            yield window
            window, size = [], 0
    if window:
        yield window


@dataclass(slots=True)
class _Window:
    """Lines that were read together: how many, which cannot be applied, and, user by user, what is being written."""

    length: int
    bad: list[Reject] = field(default_factory=list)
    writing: dict[str, Future[_Written]] = field(default_factory=dict)


class _Log:
    def __init__(
        self,
        pipeline: Pipeline,
        tenant: str,
        *,
        strict: bool,
        own_time: bool,
        on_reject: Callable[[Reject], None] | None,
        on_applied: Callable[[int, Event, Result], None] | None,
        on_progress: Callable[[int], None] | None,
        observe: Callable[[Event, WorkingSet], None] | None,
    ) -> None:
        self.report = IngestReport()
        self._pipeline, self._tenant = pipeline, tenant
        self._strict, self._own_time = strict, own_time
        self._on_reject, self._on_applied, self._on_progress = on_reject, on_applied, on_progress
        self._observe = observe
        writers = 1 if strict or observe is not None else pipeline.store.writers
        self._threads = ThreadPoolExecutor(writers, thread_name_prefix="ingest") if writers > 1 else None
        self._turn = Lock()
        self._before = _Window(0)

    def apply(self, lines: list[_Numbering]) -> None:
        """Apply a window of lines. Where users are written beside each other, begin it, then finish the one before.

        So the store has something to write while a window is read, and nothing waits for the end of one.
        """
        window = _Window(len(lines))
        runs = self._runs(window, lines)
        if self._threads is None:
            self._apply_in_turn(window, runs)
            self._tell(window)
        else:
            for run in runs:
                user = run[0].event.user
                window.writing[user] = self._threads.submit(self._write, run, self._before.writing.get(user))
            self.finish()
            self._before = window

    def finish(self) -> None:
        """Wait for what is being written; tell what became of it as if its users had come in turn."""
        window, self._before = self._before, _Window(0)
        for one in window.writing.values():
            for part, results in one.result():
                self._note(window, part, results)
        if window.length:
            self._tell(window)

    def close(self) -> None:
        """Begin nothing more."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _runs(self, window: _Window, lines: list[_Numbering]) -> list[list[_Numbered]]:
        """Return the events of each user in their order; in the order of the lines where a bad one stops the log."""
        events = list(self._parse(window, lines))
        if not self._strict:
            events.sort(key=lambda one: one.event.user)
        return [list(run) for _, run in groupby(events, key=lambda one: one.event.user)]

    def _apply_in_turn(self, window: _Window, runs: list[list[_Numbered]]) -> None:
        for run in runs:
            for part in self._parts(run, _TRANSACTION):
                if self._strict and any(reject.line < part[0].number for reject in window.bad):
                    return
                self._note(window, part, self._apply_part(part))

    def _write(self, run: list[_Numbered], before: Future[_Written] | None) -> _Written:
        """Apply events of one user once those of the window before are; these were begun, for they came first."""
        if before is not None:
            before.result()
        return [(part, self._apply_part(part)) for part in self._parts(run, _BESIDE_OTHERS)]

    def _tell(self, window: _Window) -> None:
        """Report what of a window could not be applied, in the order of its lines."""
        window.bad.sort(key=lambda reject: reject.line)
        for reject in window.bad[:1] if self._strict else window.bad:
            self._report(reject)
        self.report.stopped = self._strict and bool(window.bad)
        if self._on_progress is not None:
            self._on_progress(window.length)

    def _parse(self, window: _Window, lines: list[_Numbering]) -> Iterator[_Numbered]:
        for number, line in lines:
            raw = b"" if isinstance(line, Unreadable) else line
            try:
                if isinstance(line, Unreadable):
                    raise InvalidInputError(line.field, line.reason)
                if not line.strip():
                    continue
                event = _parse_line(line)
            except BeliefGraphError as error:
                window.bad.append(_reject(number, raw, error))
                if self._strict:
                    return
                continue
            yield _Numbered(number, raw, event)

    def _parts(self, events: list[_Numbered], most: int) -> Iterator[list[_Numbered]]:
        """Cut one user's events into transactions; in own time, a retraction ends one (it marks the time)."""
        part: list[_Numbered] = []
        for one in events:
            part.append(one)
            if len(part) == most or (self._own_time and isinstance(one.event, RetractEvent)):
                yield part
                part = []
        if part:
            yield part

    def _apply_part(self, part: list[_Numbered]) -> Results:
        watch = self._observe
        batch = Batch(
            events=[one.event for one in part],
            ids=[content_id(one.event) for one in part],
            own_time=self._own_time,
            stop_at_error=self._strict,
            turn=self._turn,
            observe=None if watch is None else lambda working, index: watch(part[index].event, working),
        )
        return self._pipeline.apply_all(Scope(self._tenant, UserId(part[0].event.user)), batch)

    def _note(self, window: _Window, part: list[_Numbered], results: Results) -> None:
        for one, result in zip(part, results, strict=False):
            if isinstance(result, BeliefGraphError):
                window.bad.append(_reject(one.number, one.raw, result))
            else:
                self.report.applied[one.event.type] += 1
                if self._on_applied is not None:
                    self._on_applied(one.number, one.event, result)

    def _report(self, reject: Reject) -> None:
        self.report.rejected += 1
        if len(self.report.rejects) < _KEPT_REJECTS:
            self.report.rejects.append(dataclasses.replace(reject, raw=reject.raw[:_KEPT_RAW]))
        if self._on_reject is not None:
            self._on_reject(reject)


def _reject(number: int, raw: Raw, error: BeliefGraphError) -> Reject:
    at_fault = _field(error)
    told = error.in_json() if isinstance(error, InvalidInputError) else error
    return Reject(line=number, field=at_fault, reason=str(told).removeprefix(f"{at_fault}: "), raw=raw)


def _parse_line(line: Raw) -> Event:
    if len(line) > MAX_LINE:
        raise InvalidInputError("line", f"must be at most {MAX_LINE:,} bytes long")
    return parse_event(line)


def _field(error: BeliefGraphError) -> str:
    return getattr(error, "field", None) or getattr(error, "what", "") or "line"


def content_id(event: Event) -> str | None:
    """Return an id for an event that brings none: the same line always gets the same one."""
    if isinstance(event, RetractEvent) or event.id is not None:
        return None
    content = json.dumps(event.model_dump(mode="json"), sort_keys=True)
    return derived_id(event.type[0], content)
