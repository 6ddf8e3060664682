"""The audit of a product's own event log, before anything is integrated: which of its signals would reach the model.

Reads each file once into a scratch database (SQLite's own temporary file, gone when this ends) and asks it. No store is
touched, and no text is kept.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from beliefgraph.graph.blocks import load_blocks
from beliefgraph.graph.clock import Clock, to_us, utc_now
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.export_map import LEFT_OUT, RESPONSE, ExportMap
from beliefgraph.ingest.exports import ExportReader, ExportRow, UnreadRow
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.predict import most_moved
from beliefgraph.ingest.reader import Line
from beliefgraph.ingest.signals import check_signal
from beliefgraph.queries.funnels import Fate, Names, Per, grouped, period_of
from beliefgraph.queries.log_audit import (
    REACHING,
    UNDERSTOOD,
    EventProspect,
    LogAudit,
    LogReason,
    LogRefusal,
    Prospect,
    prospect,
)

_BATCH = 5000
_MOST_REFUSALS = 100
_MOST_PLACES = 3
_MOST_WORDS, _LONGEST_WORD = 200, 30
_READ = ("comment", "correction", "statement")
_SPOKEN = ("correction", "statement")
Signal = tuple[str | None, str | None, str, str, str, LogReason | None, bool, str]
"""A row of the scratch file: user, response, event, source, period, reason, whether there is a text, place."""


def audit_log(
    files: Mapping[str, Iterable[Line]],
    export_map: ExportMap,
    parameters: Parameters,
    *,
    user: str | None = None,
    since_us: int | None = None,
    per: Per = "week",
    clock: Clock = utc_now,
) -> LogAudit:
    """Say which signals of a product's log would reach the model, and what the others lack.

    `files` maps names to lines (CSV with a head, or JSON Lines). `user` and `since_us` choose signals; responses are
    looked for among all. `clock` tells what lies in the future. Memory does not grow with the log. Raises
    `InvalidInputError` when the map does not fit.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        log = _Log(scratch, export_map, parameters, per, to_us(clock()))
        log.user, log.since_us = user, since_us
        for name, lines in files.items():
            log.read(name, lines)
        return log.result()


class _Refused:
    """The signals that are refused for one fault: how many, where the first are, and what they say there.

    What is longer than a word may be what users wrote, and is not kept.
    """

    def __init__(self) -> None:
        self.count = 0
        self.places: list[str] = []
        self.words: Counter[str] = Counter()

    def add(self, place: str, words: Iterable[str]) -> None:
        """Count one."""
        self.count += 1
        _note(self.places, place)
        for word in words:
            if len(word) <= _LONGEST_WORD and (word in self.words or len(self.words) < _MOST_WORDS):
                self.words[word.encode(errors="replace").decode()] += 1


class _Log:
    """One audit: what was read so far, most of it in the scratch database."""

    def __init__(
        self,
        scratch: sqlite3.Connection,
        export_map: ExportMap,
        parameters: Parameters,
        per: Per,
        now_us: int,
    ) -> None:
        self._scratch, self._parameters, self._per, self._now_us = scratch, parameters, per, now_us
        self._reader = ExportReader(export_map, parameters)
        self.user: str | None = None
        self.since_us: int | None = None
        self._counts: Counter[str] = Counter()
        self._kinds: dict[str, str] = {}
        self._unknown: Counter[str] = Counter()
        self._unread: list[tuple[str, str]] = []
        self._refusals: dict[tuple[str, str], _Refused] = {}
        self._nameless: list[str] = []
        self._undated: list[str] = []
        self._mistimed: list[str] = []
        self._events, self._sources, self._strange = Names(), Names(), Names()
        self._responses: list[tuple[str, str]] = []
        self._signals: list[Signal] = []
        for table in ("responses", "signals"):
            scratch.execute(_sql(table))

    def read(self, name: str, lines: Iterable[Line]) -> None:
        """Read one file."""
        shown = name.encode(errors="replace").decode()
        for row in self._reader.rows(name, lines):
            self._counts["rows"] += 1
            if isinstance(row, UnreadRow):
                self._counts["unreadable"] += 1
                if len(self._unread) < _MOST_PLACES:
                    self._unread.append((f"{shown}:{row.line}", row.reason))
            elif row.meaning is None:
                self._unknown[self._strange(row.event or None)] += 1
                if not row.event:
                    _note(self._nameless, f"{shown}:{row.line}")
            elif row.meaning.kind == LEFT_OUT:
                self._counts["left_out"] += 1
            elif row.meaning.kind == RESPONSE:
                self._add_response(shown, row)
            else:
                self._add_signal(shown, row, row.meaning.kind)
            if len(self._responses) + len(self._signals) >= _BATCH:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        self._scratch.execute("BEGIN")
        self._scratch.executemany(_sql("add response"), self._responses)
        self._scratch.executemany(_sql("add signal"), self._signals)
        self._scratch.execute("COMMIT")
        self._responses.clear()
        self._signals.clear()

    def _add_response(self, name: str, row: ExportRow) -> None:
        self._counts["response_rows"] += 1
        if row.user is None or row.response is None:
            self._counts["unnamed"] += 1
            return
        try:
            row.check_time(self._now_us)
        except InvalidInputError:
            self._counts["mistimed"] += 1
            _note(self._mistimed, f"{name}:{row.line}")
        else:
            self._responses.append((row.user, row.response))

    def _add_signal(self, name: str, row: ExportRow, kind: str) -> None:
        unwanted = (self.user is not None and row.user != self.user) or (
            self.since_us is not None and row.at_us is not None and row.at_us < self.since_us
        )
        if unwanted:
            self._counts["passed_over"] += 1
            return
        event, place = self._events(row.event), f"{name}:{row.line}"
        self._kinds.setdefault(event, kind)
        if row.at_us is None and row.unread_at is None:
            self._counts["undated"] += 1
            _note(self._undated, place)
        self._counts["naive"] += row.naive
        self._signals.append(
            (
                row.user,
                row.response,
                event,
                self._sources(row.source),
                period_of(row.at_us, self._per),
                self._fault(row, kind, place),
                row.text is not None,
                place,
            )
        )

    def _fault(self, row: ExportRow, kind: str, place: str) -> LogReason | None:
        """Return what a signal lacks, whatever the rest of the log says."""
        if row.user is None:
            return "no_user"
        try:
            row.check_time(self._now_us)
            check_signal(row.signal(self._parameters), self._parameters)
        except InvalidInputError as error:
            fault = (error.field, error.expected)
            if fault in self._refusals or len(self._refusals) < _MOST_REFUSALS:
                words = row.given(error.field, self._parameters)
                self._refusals.setdefault(fault, _Refused()).add(place, words)
            return "refused"
        alone = "response" not in self._parameters.signal(kind).about
        return None if row.response is not None or alone or self._speaks(kind) else "no_response_id"

    def _speaks(self, kind: str) -> bool:
        return self._parameters.signal(kind).text in _SPOKEN

    def result(self) -> LogAudit:
        """Trace every signal to its response, and add up."""
        self._reader.check_columns()
        self._scratch.execute(_sql("owners"))
        self._scratch.execute(_sql("trace"))
        fates: dict[Fate, int] = {}
        for event, source, period, reason, count in self._ask("fates"):
            step = REACHING if reason is None else 0 if reason in ("no_user", "refused") else UNDERSTOOD
            fates[Fate(event, source, period, step, reason)] = count
        by_event = grouped(fates, lambda fate: fate.kind)
        ((users, orphans),) = self._ask("users")
        return LogAudit(
            per=self._per,
            rows=self._counts["rows"] - self._counts["passed_over"],
            response_rows=self._counts["response_rows"],
            responses=self._ask("count responses")[0][0],
            unnamed_responses=self._counts["unnamed"],
            total=prospect(fates),
            events=self._event_prospects(by_event),
            sources=_prospects(grouped(fates, lambda fate: fate.source)),
            flows={
                event: _prospects(grouped(part, lambda fate: fate.source)) for event, part in by_event.items()
            },
            periods=_prospects(grouped(fates, lambda fate: fate.period)),
            unknown=dict(self._unknown.most_common()),
            nameless_examples=tuple(self._nameless),
            left_out=self._counts["left_out"],
            unreadable=self._counts["unreadable"],
            unread_examples=tuple(self._unread),
            users=users,
            orphans=orphans,
            orphan_examples=self._firsts("orphans"),
            missing_responses=self._ask("missing")[0][0],
            missing_examples=self._firsts("missing ids"),
            examples=self._examples(),
            refusals=tuple(
                LogRefusal(
                    field=field,
                    expected=expected,
                    count=refused.count,
                    examples=refused.places,
                    words=dict(refused.words.most_common()),
                )
                for (field, expected), refused in sorted(
                    self._refusals.items(), key=lambda entry: -entry[1].count
                )
            ),
            columns=self._reader.columns,
            absent=self._reader.absent,
            undated=self._counts["undated"],
            undated_examples=tuple(self._undated),
            mistimed_responses=self._counts["mistimed"],
            mistimed_examples=tuple(self._mistimed),
            naive=self._counts["naive"],
        )

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return self._scratch.execute(_sql(query)).fetchall()

    def _firsts(self, query: str) -> tuple[str, ...]:
        return tuple(row[0] for row in self._ask(query))

    def _examples(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for reason, place in self._ask("examples"):
            found[reason] = (*found.get(reason, ()), place)
        return found

    def _event_prospects(self, by_event: Mapping[str, Mapping[Fate, int]]) -> dict[str, EventProspect]:
        texts = {event: (said, read) for event, said, read in self._ask("texts")}
        found = {}
        for event, fates in by_event.items():
            kind = self._kinds[event]
            said, read = texts[event]
            is_read = self._parameters.signal(kind).text in _READ
            found[event] = EventProspect(
                kind=kind,
                moves=most_moved(self._parameters, kind),
                speaks=self._speaks(kind),
                prospect=prospect(fates),
                texts=said,
                texts_read=read if is_read else 0,
            )
        return found


def _note(places: list[str], place: str) -> None:
    """Keep the first places."""
    if len(places) < _MOST_PLACES:
        places.append(place)


def _prospects(groups: Mapping[str, Mapping[Fate, int]]) -> dict[str, Prospect]:
    return {name: prospect(fates) for name, fates in groups.items()}


def _sql(name: str) -> str:
    return load_blocks("beliefgraph", "log_audit.sql")[name]
