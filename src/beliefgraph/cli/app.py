"""The group of all commands: its help, and what a failure looks like.

Exit status: 0 done, 1 done with rejects or findings, 2 wrong use, 3 something needed (store, model) is unavailable,
130 interrupted, 141 nobody reads the output.
"""

import gc
import io
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from beliefgraph import __version__
from beliefgraph.cli.options import Session, store_options

_HELP = click.exceptions.NoArgsIsHelpError
DONE, FINDINGS, WRONG_USE, UNAVAILABLE, INTERRUPTED, NO_READER = 0, 1, 2, 3, 130, 141

_FAMILIES: Mapping[str, Sequence[str]] = {
    "Start here": ("demo", "audit"),
    "Write": ("believe", "respond", "signal", "retract", "amend", "erase"),
    "New users": ("onboard", "prior"),
    "Read": (
        "users",
        "beliefs",
        "explain",
        "provenance",
        "diff",
        "revisions",
        "personalize",
        "responses",
        "trace",
        "signals",
        "version",
    ),
    "Logs of events (JSON Lines)": ("ingest", "export", "evaluate"),
    "How well it learns": ("curve", "calibrate", "reinterpret"),
    "Conflicts": ("conflicts", "duplicates", "resolve", "decide"),
    "Stores": ("copy", "verify"),
    "Over HTTP": ("serve", "keys"),
}


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
        collect_seldom()
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


def collect_seldom() -> None:
    """Let Python look for cycles of objects less often than every 700 new ones: records have none.

    A tenth of the time that a log takes. For a process of our own, never for that of a caller of the library.
    """
    gc.set_threshold(10_000)


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
    written = parameter.opts if isinstance(parameter, click.Option) else [str(parameter.human_readable_name)]
    name = max(written, key=len).lower().replace("_", "-").strip("…|-")
    if isinstance(error, click.MissingParameter):
        path = "beliefgraph" if error.ctx is None else error.ctx.command_path
        return f"{name}: is required; see {path} --help"
    return f"{name}: {error.message}"


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
