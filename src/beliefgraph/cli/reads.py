"""Commands that read: who is known, what is believed, why, since when, and whether the records still add up."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from beliefgraph.cli.app import (
    DONE,
    FINDINGS,
    Session,
    as_of_option,
    context_option,
    json_option,
    store_options,
    with_user,
)
from beliefgraph.cli.console import Cell, Column, counted, shortened, show, show_json, show_table, to_json

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.graph.model import Interpretation, Signal
    from beliefgraph.queries.pages import Page
    from beliefgraph.queries.personalize import Personalization
    from beliefgraph.queries.trace import Trace

T = TypeVar("T")
_STANDINGS = ("held", "contested", "tentative", "superseded", "retired")
_STATUSES = ("suspected", "confirmed", "resolved", "dismissed")

user_argument = click.argument("user")
belief_argument = click.argument("belief_id", metavar="BELIEF")
limit_option = click.option("--limit", type=click.IntRange(min=1), help="At most so many; all unless said.")


def reads(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every read takes: `--json`, `--db`, `--tenant`, and the session as its first argument."""
    return json_option(store_options(click.pass_obj(command)))


def _all(fetch: "Callable[[int, str | None], Page[T]]", limit: int | None) -> Iterator[T]:
    """Go through a list page by page."""
    cursor: str | None = None
    while True:
        page = fetch(min(1000, limit or 1000), cursor)
        yield from page
        if limit is not None:
            limit -= len(page)
        cursor = page.cursor
        if cursor is None or limit == 0:
            return


@click.command()
@reads
def users(session: Session, as_json: bool) -> None:
    """List the users that something is held on."""
    with session.open() as graph:
        found = list(graph.users())
    if as_json:
        show_json(found)
        return
    for user in found:
        click.echo(user)


@click.command()
@user_argument
@click.option("--standing", type=click.Choice(_STANDINGS), help="Only these.")
@limit_option
@as_of_option
@reads
def beliefs(
    session: Session,
    *,
    user: str,
    standing: Any,
    limit: int | None,
    as_of: "datetime | None",
    as_json: bool,
) -> None:
    """List the beliefs held about a user, newest first."""
    found = with_user(
        lambda model: list(
            _all(
                lambda count, cursor: model.beliefs(
                    standing=standing, as_of=as_of, limit=count, cursor=cursor
                ),
                limit,
            )
        ),
        session,
        user,
    )
    if as_json:
        show_json(found)
        return
    columns = (
        Column("id"),
        Column("confidence", "right"),
        Column("for", "right", spare=True),
        Column("against", "right", spare=True),
        Column("standing"),
        Column("source", spare=True),
        Column("kind", spare=True),
        Column("statement", gives_way=True),
    )
    rows = [
        (
            b.id,
            b.confidence,
            f"{b.support:.2f}",
            f"{b.opposition:.2f}",
            b.standing,
            b.source,
            b.kind,
            shortened(b.statement),
        )
        for b in found
    ]
    show_table(columns, rows, empty="no belief")


@click.command()
@user_argument
@belief_argument
@as_of_option
@reads
def explain(session: Session, user: str, belief_id: str, as_of: "datetime | None", as_json: bool) -> None:
    """Say why a belief is held, what stands against it, and what would change it."""
    found = with_user(lambda model: model.explain(belief_id, as_of=as_of), session, user)
    if as_json:
        show_json({**to_json(found), "text": str(found)})
    else:
        show(str(found))


@click.command()
@user_argument
@belief_argument
@as_of_option
@reads
def revisions(session: Session, user: str, belief_id: str, as_of: "datetime | None", as_json: bool) -> None:
    """List every change of a belief's confidence, oldest first."""
    found = with_user(lambda model: model.revisions(belief_id, as_of=as_of), session, user)
    if as_json:
        show_json(found)
        return
    columns = (
        Column("seq", "right"),
        Column("recorded"),
        Column("before", "right"),
        Column("after", "right"),
        Column("nats", "right"),
        Column("action"),
        Column("reason"),
        Column("cause", gives_way=True),
    )
    rows = [
        (
            r.seq,
            r.recorded_at,
            r.before,
            r.after,
            f"{r.nats:+.3f}",
            r.action,
            r.reason,
            f"{r.cause_kind} {r.cause_id}",
        )
        for r in found
    ]
    show_table(columns, rows, empty="no revision")


@click.command()
@user_argument
@click.argument("query")
@context_option
@click.option("--limit", type=click.IntRange(min=1), help="Use at most so many beliefs.")
@click.option("--prompt", is_flag=True, help="Print the block for a system prompt, nothing else.")
@as_of_option
@reads
def personalize(
    session: Session,
    *,
    user: str,
    query: str,
    context: Sequence[tuple[str, str]],
    limit: int | None,
    prompt: bool,
    as_of: "datetime | None",
    as_json: bool,
) -> None:
    """Choose the beliefs that the next response should use, and say why not the others."""
    plan = with_user(
        lambda model: model.personalize(query, context=dict(context) or None, limit=limit, as_of=as_of),
        session,
        user,
    )
    if as_json:
        show_json({**to_json(plan), "prompt": plan.prompt()})
    elif prompt:
        show(plan.prompt())
    else:
        _show_plan(plan)


def _show_plan(plan: "Personalization") -> None:
    columns = (
        Column("choice"),
        Column("belief", spare=True),
        Column("weight", "right"),
        Column("confidence", "right"),
        Column("relevance", "right"),
        Column("reason"),
        Column("statement", gives_way=True),
    )
    rows: list[Sequence[Cell]] = [
        (
            "use" if choice.reason == "relevant" else "withhold",
            choice.belief.id,
            f"{choice.weight:.0%}" if choice.weight else "–",
            choice.confidence,
            choice.relevance,
            choice.reason,
            shortened(choice.belief.statement),
        )
        for choice in (*plan.used, *plan.withheld)
    ]
    show_table(columns, rows, empty="no belief")
    if plan.question is not None:
        show(f"ask: {plan.question}")


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
            _all(lambda count, cursor: model.responses(as_of=as_of, limit=count, cursor=cursor), limit)
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
            _all(lambda count, cursor: model.signals(as_of=as_of, limit=count, cursor=cursor), limit)
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


@click.command()
@user_argument
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@as_of_option
@reads
def conflicts(session: Session, user: str, status: Any, as_of: "datetime | None", as_json: bool) -> None:
    """List the contradictions between a user's beliefs, oldest first."""

    def work(model: Any) -> Any:
        found = model.conflicts(status=status, as_of=as_of)
        return found, {id: model.belief(id).statement for conflict in found for id in conflict.beliefs}

    found, statements = with_user(work, session, user)
    if as_json:
        show_json(found)
        return
    columns = (
        Column("id"),
        Column("status"),
        Column("strength", "right"),
        Column("detector"),
        Column("beliefs", gives_way=True),
    )
    rows = [
        (
            c.id,
            c.status,
            c.strength,
            c.detector,
            "  ↮  ".join(shortened(statements[id], 80) for id in c.beliefs),
        )
        for c in found
    ]
    show_table(columns, rows, empty="no conflict")


@click.command()
@reads
def verify(session: Session, as_json: bool) -> int:
    """Replay every ledger of the tenant; check chains, sums and references."""
    with session.open() as graph:
        report = graph.verify()
    if as_json:
        show_json({"ok": report.ok, **to_json(report)})
    else:
        click.echo(
            f"{counted(report.users, 'user')}, {counted(report.beliefs, 'belief')}, "
            f"{counted(report.revisions, 'revision')} replayed: "
            + (
                "everything adds up"
                if report.ok
                else f"broken records of {counted(len(report.findings), 'user')}"
            )
        )
        columns = (Column("user"), Column("record"), Column("problem", gives_way=True))
        if report.findings:
            show_table(columns, [(f.user_id, f.record, f.problem) for f in report.findings], empty="")
    return DONE if report.ok else FINDINGS


@click.command()
@json_option
@store_options
def version(as_json: bool) -> None:
    """Print the version."""
    from beliefgraph import __version__

    if as_json:
        show_json({"version": __version__})
    else:
        click.echo(f"beliefgraph {__version__}")


COMMANDS = (
    users,
    beliefs,
    explain,
    revisions,
    personalize,
    responses,
    trace,
    signals,
    conflicts,
    verify,
    version,
)
