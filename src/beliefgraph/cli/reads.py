"""Commands that read: who is known, what is believed, why, since when, and whether the records still add up."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from beliefgraph.cli.app import DONE, FINDINGS
from beliefgraph.cli.console import Cell, Column, counted, shortened, show, show_json, show_table, to_json
from beliefgraph.cli.options import (
    Session,
    Whole,
    as_of_option,
    context_option,
    every,
    json_option,
    limit_option,
    reads,
    say_where_users_are,
    store_options,
    user_argument,
    with_user,
)

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.queries.personalize import Personalization

belief_argument = click.argument("belief_id", metavar="BELIEF")
_STANDINGS = ("held", "contested", "tentative", "superseded", "retired")
_STATUSES = ("suspected", "confirmed", "resolved", "dismissed")


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
            every(
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
@click.option("--limit", type=Whole(), help="Use at most so many beliefs.")
@click.option("--max-chars", type=Whole(), help="Let the prompt have at most so many characters.")
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
    max_chars: int | None,
    prompt: bool,
    as_of: "datetime | None",
    as_json: bool,
) -> None:
    """Choose the beliefs that the next response should use, and say why not the others."""
    plan = with_user(
        lambda model: model.personalize(
            query, context=dict(context) or None, limit=limit, max_chars=max_chars, as_of=as_of
        ),
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
@click.option("--status", type=click.Choice(_STATUSES), help="Only these.")
@as_of_option
@reads
def conflicts(session: Session, user: str, status: Any, as_of: "datetime | None", as_json: bool) -> None:
    """List the contradictions between a user's beliefs, oldest first."""
    _show_edges(
        session, user, lambda model: model.conflicts(status=status, as_of=as_of), as_json=as_json, sign="↮"
    )


@click.command()
@user_argument
@as_of_option
@reads
def duplicates(session: Session, user: str, as_of: "datetime | None", as_json: bool) -> None:
    """List pairs of a user's beliefs that say, or may say, the same, oldest first."""
    _show_edges(session, user, lambda model: model.duplicates(as_of=as_of), as_json=as_json, sign="≈")


def _show_edges(
    session: Session, user: str, find: Callable[[Any], list[Any]], *, as_json: bool, sign: str
) -> None:
    def work(model: Any) -> Any:
        found = find(model)
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
            f"  {sign}  ".join(shortened(statements[id], 80) for id in c.beliefs),
        )
        for c in found
    ]
    show_table(columns, rows, empty="no conflict" if sign == "↮" else "no duplicate")


@click.command()
@reads
def verify(session: Session, as_json: bool) -> int:
    """Replay every ledger of the tenant; check chains, sums and references."""
    with session.open() as graph:
        say_where_users_are(graph, session)
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
    conflicts,
    duplicates,
    verify,
    version,
)
