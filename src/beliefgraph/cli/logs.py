"""Logs of events: into a store (`ingest`), out of one (`export`), and as a test of it (`evaluate`, `curve`)."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar

import click

from beliefgraph.cli.app import DONE, FINDINGS
from beliefgraph.cli.console import counted, printable, screen, show, show_json
from beliefgraph.cli.options import (
    Session,
    Whole,
    as_of_option,
    json_option,
    store_options,
    with_known_user,
)

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.cli.sources import Source
    from beliefgraph.curve import Curve
    from beliefgraph.ingest.reader import IngestReport, Reject

_SHOWN = 20
T = TypeVar("T")
Advance = Callable[["Source"], None]

files_argument = click.argument("files", nargs=-1, required=True, metavar="FILE…|-", type=str)


@click.command()
@files_argument
@click.option("--rejects", metavar="FILE", help="Keep the lines that could not be applied, as they are.")
@click.option("--strict", is_flag=True, help="Stop at the first line that cannot be applied.")
@json_option
@store_options
@click.pass_obj
def ingest(session: Session, files: tuple[str, ...], rejects: str | None, strict: bool, as_json: bool) -> int:
    """Apply logs of events (JSON Lines, gzip too, - for standard input).

    Sending a log twice changes nothing. A line that cannot be applied is reported with its number and the rest goes
    on; mend the lines that --rejects keeps and send that file.
    """
    sources = open_sources(files)
    reports: list[tuple[Source, IngestReport]] = []
    with session.open() as graph, _Rejects(rejects, files) as kept, file_progress(sources) as advance:
        for source in sources:
            report = graph.ingest(
                source.lines(kept.keep),
                strict=strict,
                on_reject=kept.add,
                on_progress=partial(_advance, advance, source),
            )
            reports.append((source, report))
            if report.stopped:
                break
    for source, report in reports:
        for reject in report.rejects[:_SHOWN]:
            click.echo(_complaint(source, reject), err=True)
        if report.rejected > _SHOWN:
            click.echo(f"{source.name}: and {report.rejected - _SHOWN:,} more lines", err=True)
    _show_reports(reports, as_json=as_json)
    return FINDINGS if any(report.rejected for _, report in reports) else DONE


def _advance(advance: Advance, source: "Source", _: int) -> None:
    advance(source)


def open_sources(files: Sequence[str]) -> list["Source"]:
    """Return the files to read. Raises `InvalidInputError` for one that cannot be."""
    from beliefgraph.cli.sources import Source

    return [Source(name) for name in files]


def _complaint(source: "Source", reject: "Reject") -> str:
    return f"{source.name}:{reject.line}: {reject.field}: {printable(reject.reason)}"


def _show_reports(reports: Sequence[tuple["Source", "IngestReport"]], *, as_json: bool) -> None:
    applied: dict[str, int] = {}
    for _, report in reports:
        for kind, count in report.applied.items():
            applied[kind] = applied.get(kind, 0) + count
    rejected = sum(report.rejected for _, report in reports)
    stopped = any(report.stopped for _, report in reports)
    if as_json:
        rejects = [
            {"file": source.name, "line": reject.line, "field": reject.field, "reason": reject.reason}
            for source, report in reports
            for reject in report.rejects
        ]
        show_json({"applied": applied, "rejected": rejected, "stopped": stopped, "rejects": rejects})
        return
    counts = [counted(count, kind) for kind, count in sorted(applied.items())]
    click.echo(f"applied {', '.join(counts) or 'nothing'}; {counted(rejected, 'line')} rejected")
    if stopped:
        click.echo("stopped at the first line that could not be applied; nothing after it was")


class _Rejects:
    """The file that keeps what could not be applied, one line each, as it came. Without a name it keeps nothing."""

    def __init__(self, name: str | None, sources: Sequence[str]) -> None:
        self._name = name
        self._file: BinaryIO | None = None
        self._at_line_end = True
        if name is not None and any(same_file(name, source) for source in sources):
            raise click.UsageError(f"rejects: {name} is read at the same time; name another file")

    def __enter__(self) -> Self:
        if self._name is not None:
            try:
                self._file = Path(self._name).open("wb")
            except OSError as error:
                raise click.UsageError(f"rejects: {self._name} cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, piece: bytes) -> None:
        """Keep a piece of a line."""
        if self._file is not None and piece:
            self._file.write(piece)
            self._at_line_end = piece.endswith(b"\n")

    def add(self, reject: "Reject") -> None:
        """Keep a rejected line; what could not be read has none."""
        raw = reject.raw.encode() if isinstance(reject.raw, str) else reject.raw
        if raw:
            if not self._at_line_end:
                self.keep(b"\n")
            self.keep(raw if raw.endswith(b"\n") else raw + b"\n")


def same_file(first: str, second: str) -> bool:
    """Say whether two names are of one file that is there."""
    return Path(first).exists() and Path(second).exists() and Path(first).samefile(second)


@contextmanager
def file_progress(sources: Sequence["Source"]) -> Iterator[Advance]:
    """Show how far the files are read, on a terminal alone."""
    target = screen(stderr=True) if sys.stderr is not None and sys.stderr.isatty() else None
    if target is None:
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=target, transient=True) as bars:
        tasks = {id(s): bars.add_task(printable(s.name), total=s.size or None) for s in sources}
        yield lambda source: bars.update(tasks[id(source)], completed=source.position)


@click.command()
@files_argument
@click.option("--plot", metavar="FILE", help="Draw a reliability diagram (.png, .svg, .pdf).")
@json_option
@store_options
@click.pass_obj
def evaluate(session: Session, files: tuple[str, ...], plot: str | None, as_json: bool) -> int:
    """Predict each signal of a log before applying it, and score the predictions.

    Runs on a scratch store, at the times of the log; no store of yours is touched.
    """
    sources = open_sources(files)
    check_plot(plot)
    from beliefgraph.evaluation import evaluate as run

    evaluation = replay(run, session, sources)
    if as_json:
        show_json(evaluation.as_json())
    else:
        show(str(evaluation))
    if plot is not None:
        evaluation.plot(plot)
    return FINDINGS if evaluation.rejected else DONE


@contextmanager
def _interrupted_when_told_to_end() -> Iterator[None]:
    """Let SIGTERM interrupt, so that what is open is closed and what is temporary removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def replay(run: Callable[..., T], session: Session, sources: "Sequence[Source]", **options: Any) -> T:
    """Replay logs through a scratch store, with the parameters and the models that the settings name.

    Told to end (SIGTERM), it takes the scratch store, which can be large, away with it, as when it is interrupted.
    """
    from beliefgraph.ingest.parameters import load_parameters
    from beliefgraph.settings import read_settings

    settings = read_settings()
    with _interrupted_when_told_to_end(), file_progress(sources) as advance:

        def advance_all(_: int) -> None:
            for source in sources:
                advance(source)

        return run(
            (line for source in sources for line in source.lines()),
            parameters=load_parameters(settings.parameters),
            embedder=session.embedder or settings.model,
            relater=session.relater or settings.relater,
            on_progress=advance_all,
            **options,
        )


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE…|-]", type=str)
@click.option("--user", metavar="USER", help="Of one user, from her records alone.")
@click.option(
    "--at-least",
    type=Whole(),
    metavar="N",
    default=1,
    help="Only of users who have had so many interactions: the same people at every stage up to it.",
)
@as_of_option
@click.option("--plot", metavar="FILE", help="Draw the curve (.png, .svg, .pdf).")
@json_option
@store_options
@click.pass_obj
def curve(
    session: Session,
    *,
    files: tuple[str, ...],
    user: str | None,
    at_least: int,
    as_of: "datetime | None",
    plot: str | None,
    as_json: bool,
) -> int:
    """Show how much better signals are foreseen with every interaction, beside other ways to learn from the same.

    Of all users of the store, of one (--user), or of a log of events, which is replayed on a scratch store.
    """
    if files and (user is not None or as_of is not None):
        raise click.UsageError(f"{'user' if user else 'as-of'}: is for a store, not for a log")
    if user is not None and at_least > 1:
        raise click.UsageError("at-least: is for all users, not for one")
    check_plot(plot)
    found = _curve(session, files, user, at_least, as_of)
    if as_json:
        show_json(found.as_json())
    else:
        show(str(found))
    if plot is not None:
        found.plot(plot)
    return FINDINGS if found.rejected else DONE


def _curve(
    session: Session, files: tuple[str, ...], user: str | None, at_least: int, as_of: "datetime | None"
) -> "Curve":
    if files:
        from beliefgraph.evaluation import evaluate_with_curve

        return replay(evaluate_with_curve, session, open_sources(files), at_least=at_least)[1]
    if user is not None:
        return with_known_user(lambda model: model.curve(as_of=as_of), session, user)
    with session.open() as graph:
        return graph.curve(at_least=at_least, as_of=as_of)


def check_plot(plot: str | None) -> None:
    """Say before the long run what would be wrong after it."""
    if plot is None:
        return
    if Path(plot).suffix not in (".png", ".svg", ".pdf"):
        raise click.UsageError("plot: the file's name must end in .png, .svg or .pdf")
    if not Path(plot).resolve().parent.is_dir():
        raise click.UsageError(f"plot: there is no folder {Path(plot).parent}")
    if Path(plot).is_dir():
        raise click.UsageError(f"plot: {plot} is a folder; name a file")
    if find_spec("matplotlib") is None:
        raise click.UsageError("plot: needs matplotlib; pip install 'beliefgraph[plot]'")


def check_out(out: str | None, sources: Sequence[str] = ()) -> None:
    """Say before the long run that its result could not be written where it should be."""
    if out is None:
        return
    if not Path(out).resolve().parent.is_dir():
        raise click.UsageError(f"out: there is no folder {Path(out).parent}")
    if Path(out).is_dir():
        raise click.UsageError(f"out: {out} is a folder; name a file")
    if any(same_file(out, source) for source in sources):
        raise click.UsageError(f"out: {out} is read at the same time; name another file")


@click.command()
@click.argument("user")
@as_of_option
@store_options
@click.pass_obj
def export(session: Session, user: str, as_of: "datetime | None") -> None:
    """Write everything held on a user as events (JSON Lines), in the order in which they were applied."""
    import json

    for event in with_known_user(lambda ada: ada.export(as_of=as_of), session, user):
        click.echo(json.dumps(event, ensure_ascii=False).encode())


COMMANDS = (ingest, evaluate, curve, export)
