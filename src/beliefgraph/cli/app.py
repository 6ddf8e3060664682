"""What every command shares: the group, where the store is, how values are read, and what a failure looks like.

Exit status: 0 done, 1 done with rejects or findings, 2 wrong use, 3 something needed (store, model) is unavailable,
130 interrupted, 141 nobody reads the output.
"""

import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import click

from beliefgraph import __version__

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.bootstrap import BeliefGraph
    from beliefgraph.ingest.embedder import Embedder
    from beliefgraph.selfmodel import SelfModel

_HELP = click.exceptions.NoArgsIsHelpError
DONE, FINDINGS, WRONG_USE, UNAVAILABLE, INTERRUPTED, NO_READER = 0, 1, 2, 3, 130, 141

_FAMILIES: Mapping[str, Sequence[str]] = {
    "Start here": ("demo",),
    "Write": ("believe", "respond", "signal", "retract", "amend", "erase"),
    "Read": (
        "users",
        "beliefs",
        "explain",
        "revisions",
        "personalize",
        "responses",
        "trace",
        "signals",
        "conflicts",
        "verify",
        "version",
    ),
    "Logs of events (JSON Lines)": ("ingest", "export", "evaluate"),
}


@dataclass(slots=True)
class Session:
    """Where the commands of one call find the store. `embedder` None: the model that the settings name."""

    target: str | None = None
    tenant: str = "default"
    embedder: "Embedder | None" = None

    def open(self) -> "BeliefGraph":
        """Open the store."""
        from beliefgraph.bootstrap import BeliefGraph

        return BeliefGraph.open(self.target, tenant=self.tenant, embedder=self.embedder)


class App(click.Group):
    """A group whose failures are one line on stderr and an exit status, never a traceback for what a user can do."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which the help shows them."""
        return [name for names in _FAMILIES.values() for name in names]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by family."""
        for family, names in _FAMILIES.items():
            with formatter.section(family):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(limit=90)) for name in names],
                    col_max=20,
                )

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command and leave with its exit status."""
        _never_fail_to_encode()
        try:
            status = super().main(*args, **{**extra, "standalone_mode": False})
        except Exception as error:
            failure = _failure(error)
            if failure is None:
                raise
            message, status = failure
            if isinstance(error, OSError) and error.filename is None:
                _close_quietly()
            click.echo(
                message if isinstance(error, _HELP) else f"error: {' '.join(message.split())}", err=True
            )
        sys.exit(status or DONE)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its output is flushed here, so that a reader who left is noticed here."""
        try:
            status = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
        except BrokenPipeError:
            _close_quietly()
            return NO_READER
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            return INTERRUPTED
        return status


def _never_fail_to_encode() -> None:
    """Show what a terminal's encoding cannot as an escape, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _close_quietly() -> None:
    """Let the interpreter's last flush go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failure(error: Exception) -> tuple[str, int] | None:
    """Return the message and the exit status of what a user or the machine did wrong; None for our own mistakes."""
    from beliefgraph.graph import errors

    statuses: tuple[tuple[type[Exception], int], ...] = (
        (click.Abort, FINDINGS),
        (click.ClickException, WRONG_USE),
        (errors.NotFoundError, WRONG_USE),
        (errors.InvalidInputError, WRONG_USE),
        (errors.BeliefGraphError, UNAVAILABLE),
        (OSError, UNAVAILABLE),
    )
    status = next((status for kind, status in statuses if isinstance(error, kind)), None)
    return None if status is None else (_message(error), status)


def _message(error: Exception) -> str:
    match error:
        case click.Abort():
            return "nothing was done"
        case click.UsageError() if not isinstance(error, _HELP):
            return _usage(error)
        case click.ClickException():
            return error.format_message()
        case OSError():
            place = "output" if error.filename is None else os.fsdecode(error.filename)
            return f"{place}: {error.strerror or error}"
        case LookupError() if what := getattr(error, "what", None):
            return f"{what}: {error}"
        case _:
            return str(error)


def _usage(error: click.UsageError) -> str:
    """Return what was wrong with the words of a command: the parameter and what would be right."""
    parameter = error.param if isinstance(error, click.BadParameter) else None
    if parameter is None:
        return error.format_message()
    name = str(parameter.human_readable_name).lower().replace("_", "-")
    if isinstance(error, click.MissingParameter):
        path = "beliefgraph" if error.ctx is None else error.ctx.command_path
        return f"{name}: is required; see {path} --help"
    return f"{name}: {error.message}"


def _use_target(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).target = value


def _use_tenant(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).tenant = value


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db` and `--tenant`, which may stand before or after the name of the command."""
    where = (
        "A file, sqlite:///path or :memory:; without it BELIEFGRAPH_STORE, else a file in your data folder."
    )
    for option in (
        click.option(
            "--tenant",
            metavar="TENANT",
            expose_value=False,
            callback=_use_tenant,
            help="Whose users; “default” unless said.",
        ),
        click.option("--db", metavar="TARGET", expose_value=False, callback=_use_target, help=where),
    ):
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


@click.group(
    cls=App,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit status: 0 done, 1 done with rejects or findings, 2 wrong use, 3 store or model unavailable.",
)
@store_options
@click.version_option(__version__, message="beliefgraph %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Keep beliefs about users, trace every signal to the beliefs behind a response, and revise them."""
    ctx.ensure_object(Session)


class Number(click.ParamType[float]):
    """A number; which ones are right is for the library to say."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number."""
        try:
            return float(value)
        except ValueError:
            self.fail(f"must be a number (got {str(value)[:40]!r})", param, ctx)


class Time(click.ParamType["datetime"]):
    """A moment: ISO 8601 with a timezone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "datetime":
        """Read a moment."""
        from datetime import datetime

        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail("must be a time with a timezone, as in 2026-01-31T12:00:00Z", param, ctx)
        return moment


class Entry(click.ParamType[tuple[str, str]]):
    """One entry of a mapping: `key=value`."""

    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read an entry."""
        if isinstance(value, tuple):
            return value
        key, separator, content = str(value).partition("=")
        if not separator or not key:
            self.fail("must be key=value, as in device=mobile", param, ctx)
        return key, content


as_of_option = click.option(
    "--as-of", type=Time(), metavar="TIME", help="As it stood then (ISO 8601 with a timezone)."
)
at_option = click.option("--at", type=Time(), metavar="TIME", help="When it happened; now unless said.")
id_option = click.option("--id", metavar="ID", help="An id of your own: the same call again changes nothing.")
context_option = click.option(
    "--context", type=Entry(), multiple=True, metavar="KEY=VALUE", help="A circumstance; may be repeated."
)


def with_user(work: "Callable[[SelfModel], Any]", session: Session, user: str) -> Any:
    """Open the store, do some work on one user's self-model, close."""
    with session.open() as graph:
        return work(graph.user(user))
