"""Whether the loop is closed (`audit`): of a store, or of a product's own log before anything is integrated."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO

import click

from beliefgraph.cli.app import DONE, FINDINGS
from beliefgraph.cli.console import show, show_json, to_json
from beliefgraph.cli.logs import file_progress, open_sources, same_file
from beliefgraph.cli.options import (
    Entry,
    Session,
    Time,
    as_of_option,
    json_option,
    say_where_users_are,
    store_options,
)

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.cli.sources import Source
    from beliefgraph.ingest.export_map import ExportMap
    from beliefgraph.queries.audit import Stopped

_ADVANCE = 5000


def _entries(name: str, metavar: str, what: str) -> Callable[..., Any]:
    return click.option(f"--{name}", type=Entry(), multiple=True, metavar=metavar, help=what)


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE…|-]", type=str)
@_entries(
    "map",
    "FIELD=COLUMN",
    "Of a log: the column that holds user, kind, response, value, text, tags, source, at.",
)
@_entries(
    "kind",
    "EVENT=KIND[/VALUE]",
    "Of a log: what an event is: a kind of signal, response, or - to leave it out.",
)
@_entries("value", "WORD=NUMBER", "Of a log: what a word in the value column stands for.")
@_entries("rows", "FILE=KIND[/VALUE]", "Of a log: what every row of a file is.")
@click.option("--mapping", metavar="FILE", help="Of a log: all of these in a TOML or JSON file.")
@click.option(
    "--rejects", multiple=True, metavar="FILE", help="Of a store: lines that ingest --rejects kept."
)
@click.option(
    "--source", metavar="NAME", help="Of a store: what names a signal's source, in its context or response."
)
@click.option(
    "--list", "listed", metavar="FILE", help="Of a store: write each signal that moved no belief, and why."
)
@click.option("--user", help="Only this user's signals.")
@click.option(
    "--since", type=Time(), metavar="TIME", help="Only what users did since (ISO 8601 with a timezone)."
)
@click.option(
    "--per", type=click.Choice(["day", "week", "month"]), default="week", help="Periods; weeks unless said."
)
@as_of_option
@json_option
@store_options
@click.pass_obj
def audit(session: Session, /, *, files: tuple[str, ...], as_json: bool, **given: Any) -> int:
    """Say which signals reach the model, and what is missing for those that do not.

    Without FILE: of the store. With FILE: of a product's own log (CSV with a head, JSON Lines; gzip too, - for standard
    input), before anything is integrated; --map names its columns. The exit status is 1 when signals are lost.
    """
    _check_apart(files, given)
    found = _of_log(files, given) if files else _of_store(session, given)
    if as_json:
        show_json({"ok": found.ok, **to_json(found), "text": str(found)})
    else:
        show(str(found))
    return DONE if found.ok else FINDINGS


def _check_apart(files: Sequence[str], given: Mapping[str, Any]) -> None:
    """Refuse options of the other audit: they would be lost in silence."""
    store, log = ("rejects", "source", "listed", "as_of"), ("map", "kind", "value", "rows", "mapping")
    for name in store if files else log:
        if given[name]:
            shown = {"listed": "list", "as_of": "as-of"}.get(name, name)
            wanted = "goes with a store, not with a log" if files else "goes with a log; name its files"
            raise click.UsageError(f"{shown}: {wanted}")


def _of_store(session: Session, given: Mapping[str, Any]) -> Any:
    kept = open_sources(given["rejects"])
    since: datetime | None = given["since"]
    with (
        session.open() as graph,
        _Listing(given["listed"], given["rejects"]) as listing,
        file_progress(kept) as advance,
    ):
        say_where_users_are(graph, session)
        return graph.audit(
            user=given["user"],
            since=since,
            as_of=given["as_of"],
            per=given["per"],
            source=given["source"] or "source",
            rejects={source.name: _advancing(source, advance) for source in kept},
            on_stopped=listing.add,
        )


class _Listing:
    """The file that lists signals, one JSON object a line. Without a name it lists nothing."""

    def __init__(self, name: str | None, rejects: Sequence[str]) -> None:
        self._name = name
        self._file: TextIO | None = None
        if name is not None and any(same_file(name, read) for read in rejects):
            raise click.UsageError(f"list: {name} is read at the same time; name another file")

    def __enter__(self) -> Self:
        if self._name is not None:
            try:
                self._file = Path(self._name).open("w", encoding="utf-8")
            except OSError as error:
                raise click.UsageError(f"list: {self._name} cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, stopped: "Stopped") -> None:
        """List a signal."""
        if self._file is not None:
            self._file.write(json.dumps(to_json(stopped), ensure_ascii=False) + "\n")


def _advancing(source: "Source", advance: "Callable[[Source], None]") -> "Iterator[Any]":
    for number, line in enumerate(source.lines()):
        if number % _ADVANCE == 0:
            advance(source)
        yield line


def _of_log(files: Sequence[str], given: Mapping[str, Any]) -> Any:
    from beliefgraph.graph.clock import to_us
    from beliefgraph.ingest.parameters import load_parameters
    from beliefgraph.logaudit import audit_log
    from beliefgraph.settings import read_settings

    sources = open_sources(files)
    since: datetime | None = given["since"]
    with file_progress(sources) as advance:
        return audit_log(
            {source.name: _advancing(source, advance) for source in sources},
            _map(given),
            load_parameters(read_settings().parameters),
            user=given["user"],
            since_us=None if since is None else to_us(since),
            per=given["per"],
        )


def _map(given: Mapping[str, Any]) -> "ExportMap":
    from beliefgraph.ingest.export_map import load_map, make_map

    columns: dict[str, list[str]] = {}
    for name, column in given["map"]:
        columns.setdefault(name, []).append(column)
    own = make_map(
        {
            "columns": columns,
            "kinds": {event: _meaning(said) for event, said in given["kind"]},
            "values": {word: _number("value", number) for word, number in given["value"]},
            "rows": {Path(file).name: _meaning(said) for file, said in given["rows"]},
        },
        "map: ",
    )
    return own.over(load_map(given["mapping"])) if given["mapping"] else own


def _meaning(said: str) -> dict[str, Any]:
    kind, separator, value = said.partition("/")
    return {"kind": kind, "value": _number("kind", value)} if separator else {"kind": kind}


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"{option}: must be a number (got {text[:40]!r})") from None


COMMANDS = (audit,)
