"""Commands that read what was recorded: responses, signals, and the trace from one to the beliefs behind it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from beliefgraph.cli.console import Cell, Column, shortened, show, show_json, show_table
from beliefgraph.cli.options import (
    Session,
    as_of_option,
    every,
    limit_option,
    reads,
    user_argument,
    with_user,
)

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.graph.model import Interpretation, Signal
    from beliefgraph.queries.trace import Trace


@click.command()
@user_argument
@limit_option
@as_of_option
@reads
def responses(
    session: Session, user: str, limit: int | None, as_of: "datetime | None", as_json: bool
) -> None:
    """List the responses recorded for a user, newest first."""
    found = with_user(
        lambda model: list(
            every(lambda count, cursor: model.responses(as_of=as_of, limit=count, cursor=cursor), limit)
        ),
        session,
        user,
    )
    if as_json:
        show_json(found)
        return
    columns = (Column("id"), Column("observed"), Column("beliefs", "right"), Column("text", gives_way=True))
    rows = [(r.id, r.observed_at, len(r.generated_by), shortened(r.text)) for r in found]
    show_table(columns, rows, empty="no response")


@click.command()
@user_argument
@limit_option
@as_of_option
@reads
def signals(session: Session, user: str, limit: int | None, as_of: "datetime | None", as_json: bool) -> None:
    """List the signals recorded for a user, newest first."""
    found = with_user(
        lambda model: list(
            every(lambda count, cursor: model.signals(as_of=as_of, limit=count, cursor=cursor), limit)
        ),
        session,
        user,
    )
    if as_json:
        show_json(found)
        return
    columns = (
        Column("id"),
        Column("observed"),
        Column("about"),
        Column("signal"),
        Column("retracted", spare=True),
        Column("text", gives_way=True),
    )
    rows = [
        (
            s.id,
            s.observed_at,
            s.response_id or s.belief_id,
            _deed(s),
            s.retracted_at,
            shortened(s.text or "–"),
        )
        for s in found
    ]
    show_table(columns, rows, empty="no signal")


def _deed(signal: "Signal") -> str:
    value = "" if signal.value is None else f" {signal.value:g}"
    return " ".join([signal.kind + value, *(f"#{tag}" for tag in signal.tags)])


@click.command()
@user_argument
@click.argument("response_id", metavar="RESPONSE")
@as_of_option
@reads
def trace(session: Session, user: str, response_id: str, as_of: "datetime | None", as_json: bool) -> None:
    """Trace a response to the beliefs that generated it, as they stood then and as they stand now."""
    found = with_user(lambda model: model.trace(response_id, as_of=as_of), session, user)
    if as_json:
        show_json(found)
        return
    show(f"response {found.response.id}: {shortened(found.response.text)}\n")
    _show_trace(found)


def _show_trace(found: "Trace") -> None:
    columns = (
        Column("belief", spare=True),
        Column("weight", "right"),
        Column("adherence", "right"),
        Column("then", "right"),
        Column("now", "right"),
        Column("standing"),
        Column("statement", gives_way=True),
    )
    rows = [
        (
            each.edge.belief_id,
            each.edge.weight,
            each.edge.adherence,
            each.edge.confidence_then,
            each.now.confidence,
            each.now.standing,
            shortened(each.now.statement),
        )
        for each in found.beliefs
    ]
    show_table(columns, rows, empty="no belief is behind it")
    if found.signals:
        click.echo()
        said = (
            Column("signal", spare=True),
            Column("what"),
            Column("action"),
            Column("reason"),
            Column("likeliest cause", spare=True),
            Column("text", gives_way=True),
        )
        show_table(said, [_reading(signal, read) for signal, read in found.signals], empty="")


def _reading(signal: "Signal", read: "Interpretation") -> Sequence[Cell]:
    cause, share = max(read.causes.items(), key=lambda entry: entry[1])
    retracted = " (retracted)" if signal.retracted_at else ""
    text = shortened(signal.text or "–")
    return (signal.id, _deed(signal) + retracted, read.action, read.reason, f"{cause} {share:.0%}", text)


COMMANDS = (responses, trace, signals)
