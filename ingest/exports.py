"""A plain export of a product's event log (CSV or JSON Lines): its rows, read through a map of its columns and words.

Nothing is applied and no store is needed. Whether a row's signal would reach the model is decided elsewhere.
"""

import csv
import json
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import PurePath
from typing import Any, Literal, get_args

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.events import WORDS, SignalEvent, check_not_ahead, make_event
from beliefgraph.ingest.export_map import RESPONSE, ExportField, ExportMap, Meaning
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.reader import Line, Unreadable

_DELIMITERS = ",;\t|"
_SEPARATORS = re.compile(r"[,;|]")
_SHOWN_COLUMNS, _MOST_COLUMNS = 30, 1000
_MS_FROM, _US_FROM = 1e11, 1e14
_UTF_8 = "UTF-8; if it is Latin-1, `iconv -f latin1 -t utf-8` makes it so"
_ABSENT = object()
Word = str | int | float | bool
_Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRow:
    """A row that cannot be read: where it stands, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRow:
    """One row: where it stands, what it is (None: an event that nobody knows), and its fields in our words.

    `event` is what the log calls it, or the name of a file whose rows are all alike. `naive` says that its time has no
    timezone (it is taken for UTC). `at_us` is None where no time is given, or none that can be read: then `unread_at`
    is what is given.
    """

    line: int
    event: str
    meaning: Meaning | None
    user: str | None = None
    response: str | None = None
    value: Word | None = None
    text: str | None = None
    tags: tuple[str, ...] = ()
    source: str | None = None
    at_us: int | None = None
    unread_at: str | None = None
    naive: bool = False

    def check_time(self, now_us: int) -> None:
        """Check the time, if one is given. Raises `InvalidInputError` as the door would."""
        if self.unread_at is not None:
            raise InvalidInputError("at", "must be a time, as in 2026-01-31T12:00:00Z, or seconds since 1970")
        if self.at_us is not None:
            check_not_ahead(self.at_us, now_us)

    def signal(self, parameters: Parameters) -> SignalEvent:
        """Return the signal that this row would be sent as, without its time. Raises `InvalidInputError`."""
        assert self.meaning is not None and self.user is not None
        scale = parameters.signal(self.meaning.kind).scale
        if scale and not isinstance(self.value, int | float | None) and self.value not in WORDS:
            wanted = (
                f"must be a number from {scale[0][0]:g} to {scale[-1][0]:g}, or a word that stands for one,"
            )
            raise InvalidInputError("value", f"{wanted} for a signal of kind {self.meaning.kind!r}")
        return make_event(
            SignalEvent,
            user=self.user,
            kind=self.meaning.kind,
            response=self.response,
            value=self.value if scale else None,
            text=self.text,
            tags=list(self.tags),
        )

    def given(self, field: str, parameters: Parameters) -> list[str]:
        """Return what stands in a field that the door refuses, as far as it is words or numbers."""
        if field == "tags":
            return [tag for tag in self.tags if tag not in parameters.tags]
        given = {"value": self.value, "at": self.unread_at}.get(field)
        return [_written(given)] if isinstance(given, str | int | float) else []


class ExportReader:
    """Reads files through one map, and remembers which of the columns that it names were there."""

    def __init__(self, export_map: ExportMap, parameters: Parameters) -> None:
        export_map.check(parameters)
        self._map, self._parameters = export_map, parameters
        self._columns: dict[str, tuple[str, ...]] = {
            name: export_map.columns.get(name, (name,)) for name in get_args(ExportField)
        }
        self._file = ""
        self._found: set[str] = set()
        self._there: dict[str, None] = {}

    def rows(self, name: str, lines: Iterable[Line]) -> Iterator[ExportRow | UnreadRow]:
        """Yield the rows of one file, in order. Raises `InvalidInputError` when the map does not fit a CSV file."""
        self._file = PurePath(name).name
        every = self._map.rows.get(self._file)
        for line, record in self._records(name, lines, every):
            if isinstance(record, Unreadable):
                yield UnreadRow(line=line, reason=record.reason)
            else:
                yield self._row(line, record, every)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return where each field was found: the columns that were there."""
        there = {
            name: tuple(c for c in columns if c in self._found) for name, columns in self._columns.items()
        }
        return {name: columns for name, columns in there.items() if columns}

    def check_columns(self) -> None:
        """Check that there were rows, users and kinds. Raises `InvalidInputError`."""
        if not self._there:
            raise InvalidInputError(
                "file", "must hold rows, as CSV with a head or as JSON Lines; there are none"
            )
        self._check_has("user", "the files", self._found)
        if not self._map.rows:
            self._check_has("kind", "the files", self._found)

    @property
    def absent(self) -> tuple[str, ...]:
        """Return what the map names and no file has, as `field=column`."""
        there = self._found | self._there.keys()
        pairs = ((name, column) for name, columns in self._map.columns.items() for column in columns)
        return tuple(sorted(f"{name}={column}" for name, column in pairs if column not in there))

    def _check_has(self, wanted: Literal["user", "kind"], name: str, columns: Container[str]) -> None:
        if not any(column in columns for column in self._columns[wanted]):
            example = {"user": "user=uid", "kind": "kind=event"}[wanted]
            what = f"must name the column of {name} that holds the {wanted}, as in {example}"
            raise InvalidInputError("map", f"{what}; {self._there_are()}")

    def _there_are(self) -> str:
        shown = list(self._there)[:_SHOWN_COLUMNS]
        return f"there are {', '.join(shown)}" + (", …" if len(self._there) > len(shown) else "")

    # Records

    def _records(
        self, name: str, lines: Iterable[Line], every: Meaning | None
    ) -> Iterator[tuple[int, _Record | Unreadable]]:
        numbered = ((number, line) for number, line in enumerate(lines, start=1) if not _is_blank(line))
        first = next(numbered, None)
        if first is None:
            return
        rest = chain([first], numbered)
        if isinstance(first[1], Unreadable) or first[1].lstrip()[:1] in (b"{", "{"):
            yield from self._json_records(rest)
            return
        if first[1].lstrip()[:1] in (b"[", "["):
            raise InvalidInputError(
                "file", f"{name} must be CSV, or JSON Lines: one object a line, not one array"
            )
        yield from self._csv_records(name, rest, every)

    def _json_records(
        self, numbered: Iterable[tuple[int, Line]]
    ) -> Iterator[tuple[int, _Record | Unreadable]]:
        for number, line in numbered:
            try:
                found = line if isinstance(line, Unreadable) else json.loads(line)
            except UnicodeDecodeError:
                found = Unreadable(field="line", reason=f"is not {_UTF_8}")
            except (ValueError, RecursionError):
                found = None
            if not isinstance(found, dict | Unreadable):
                found = Unreadable(field="line", reason="must be one JSON object")
            if isinstance(found, dict) and len(self._there) < _MOST_COLUMNS:
                self._there.update(dict.fromkeys(found))
            yield number, found

    def _csv_records(
        self, name: str, numbered: Iterable[tuple[int, Line]], every: Meaning | None
    ) -> Iterator[tuple[int, _Record | Unreadable]]:
        lines = _Lines(numbered)
        head = next(lines, "")
        if lines.taken():
            raise InvalidInputError("file", f"{name} must be text in {_UTF_8}")
        lines.put_back(head)
        reader = csv.reader(lines, delimiter=max(_DELIMITERS, key=head.count))
        header = _head(name, reader)
        self._there.update(dict.fromkeys(header))
        read = {column for columns in self._columns.values() for column in columns if column in header}
        twice = sorted(column for column in read if header.count(column) > 1)
        if twice:
            raise InvalidInputError("file", f"{name} must have one column named {twice[0]}; it has several")
        self._found |= read
        self._check_has("user", name, header)
        if every is None:
            self._check_has("kind", name, header)
        while True:
            before = lines.number
            try:
                cells = next(reader)
            except StopIteration:
                yield from lines.taken()
                return
            except csv.Error as error:
                reason = f"is not CSV: {error}"
                if lines.number > before + 1:
                    reason += (
                        f"; a quote that opens in line {before + 1} and never closes reaches down to here"
                    )
                yield lines.number, Unreadable(field="line", reason=reason)
                continue
            if len(cells) > len(header):
                reason = f"has {len(cells)} fields, but the head has {len(header)}"
                yield lines.number, Unreadable(field="line", reason=reason)
            else:
                yield lines.number, dict(zip(header, cells, strict=False))
            yield from lines.taken()

    # Rows

    def _row(self, line: int, record: _Record, every: Meaning | None) -> ExportRow:
        event = "" if every is not None else _name(self._get(record, "kind")) or ""
        meaning = every or self._map.kinds.get(event) or self._own(event)
        at = self._get(record, "at")
        at_us, naive = _moment(at)
        return ExportRow(
            line=line,
            event=event if every is None else self._file,
            meaning=meaning,
            user=_name(self._get(record, "user")),
            response=_name(self._get(record, "response")),
            value=None if meaning is None else self._value(self._get(record, "value"), meaning),
            text=_words(self._get(record, "text")),
            tags=self._tags(self._get(record, "tags")),
            source=_name(self._get(record, "source")),
            at_us=at_us,
            unread_at=None if at_us is not None or at is None or not str(at).strip() else str(at),
            naive=naive,
        )

    def _own(self, event: str) -> Meaning | None:
        return Meaning(kind=event) if event in self._parameters.signals or event == RESPONSE else None

    def _get(self, record: _Record, name: str) -> Any:
        """Return a field of a record: the first of its columns that is there, `a.b` meaning b within a."""
        for column in self._columns[name]:
            found = record[column] if column in record else _within(record, column.split("."))
            if found is not _ABSENT:
                self._found.add(column)
                return found
        return None

    def _value(self, given: Any, meaning: Meaning) -> Word | None:
        if meaning.value is not None:
            return meaning.value
        if given is None or given == "":
            return None
        word = _written(given)
        for words in (meaning.values, self._map.values):
            if word in words or word.casefold() in words:
                return words.get(word, words.get(word.casefold()))
        return _number(word) if isinstance(given, str) else given

    def _tags(self, given: Any) -> tuple[str, ...]:
        words = (
            given if isinstance(given, list) else _SEPARATORS.split(given) if isinstance(given, str) else []
        )
        plain = [str(word).strip() for word in words]
        found = [self._map.tags.get(word) or self._own_tag(word) for word in plain if word]
        return tuple(dict.fromkeys(found))

    def _own_tag(self, word: str) -> str:
        """Return the reason that is called like a word, or the word as it is."""
        alike = "_".join(word.casefold().replace("-", " ").split())
        return alike if alike in self._parameters.tags else word


def _head(name: str, reader: Iterator[list[str]]) -> list[str]:
    """Return the names of the columns. Raises `InvalidInputError` when the first line is not CSV."""
    try:
        return [column.strip() for column in next(reader)]
    except csv.Error as error:
        told = "it has CR alone" if "new-line" in str(error) else str(error)
        raise InvalidInputError(
            "file", f"{name} must be CSV whose lines end in LF or CR LF; {told}"
        ) from None


class _Lines:
    """Lines as the CSV reader wants them: texts. Counts them, and sets aside what cannot be read."""

    def __init__(self, numbered: Iterable[tuple[int, Line]]) -> None:
        self._numbered = iter(numbered)
        self._back: list[str] = []
        self._aside: list[tuple[int, Unreadable]] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._back:
            return self._back.pop()
        for number, line in self._numbered:
            self.number = number
            try:
                if not isinstance(line, Unreadable):
                    return line if isinstance(line, str) else line.decode()
                self._aside.append((self.number, line))
            except UnicodeDecodeError:
                self._aside.append((self.number, Unreadable(field="line", reason=f"is not {_UTF_8}")))
        raise StopIteration

    def put_back(self, line: str) -> None:
        """Give a line again."""
        self._back.append(line)

    def taken(self) -> list[tuple[int, Unreadable]]:
        """Return what was set aside since the last call."""
        aside, self._aside = self._aside, []
        return aside


def _is_blank(line: Line) -> bool:
    return not isinstance(line, Unreadable) and not line.strip()


def _within(record: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(record, dict) or name not in record:
            return _ABSENT
        record = record[name]
    return record


def _written(given: Any) -> str:
    return f"{given:g}" if isinstance(given, float) else str(given).strip()


def _name(given: Any) -> str | None:
    """Return an id or a name as a text: numbers as they are written, nothing for what is empty."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    text = f"{given:.0f}" if isinstance(given, float) and given.is_integer() else str(given).strip()
    return (text if text.isascii() else text.encode(errors="replace").decode()) or None


def _words(given: Any) -> str | None:
    return given if isinstance(given, str) and given.strip() else None


def _number(word: str) -> Word:
    if word.casefold() in ("true", "false"):
        return word.casefold() == "true"
    try:
        return float(word)
    except ValueError:
        return word


def _moment(given: Any) -> tuple[int | None, bool]:
    """Return a time in microseconds, and whether it has no timezone: ISO 8601, or seconds (or ms, µs) since 1970."""
    try:
        if isinstance(given, str) and not given.strip().isdigit():
            moment = datetime.fromisoformat(given.strip())
            return to_us(moment.replace(tzinfo=moment.tzinfo or UTC)), moment.tzinfo is None
        number = float(given)
        scale = 1 if number >= _US_FROM else 1_000 if number >= _MS_FROM else 1_000_000
        at_us = round(number * scale)
        from_us(at_us)
    except (TypeError, ValueError, OverflowError):
        return None, False
    return at_us, False
