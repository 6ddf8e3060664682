"""Conflicts decided: by the job over all of them (`resolve`), or one by a person (`decide`)."""

from typing import TYPE_CHECKING, Any

import click

from beliefgraph.cli.app import DONE
from beliefgraph.cli.console import Column, counted, shortened, show_json, show_table, to_json
from beliefgraph.cli.options import (
    Entry,
    Session,
    json_option,
    say_where_users_are,
    store_options,
    user_argument,
    with_user,
)
from beliefgraph.graph.errors import NotFoundError

if TYPE_CHECKING:
    from beliefgraph.ingest.verdicts import Decision


@click.command()
@click.option("--user", metavar="USER", help="Only this user; every user of the tenant unless said.")
@click.option("--dry-run", is_flag=True, help="Say what would be decided; write nothing.")
@json_option
@store_options
@click.pass_obj
def resolve(session: Session, user: str | None, dry_run: bool, as_json: bool) -> int:
    """Merge what says the same, decide every confirmed conflict that can be; name what a person must be asked.

    What was said beats what was inferred, said later beats said earlier, and signals that come by turns from contexts
    of their own keep both, each in its context. Suspected conflicts are left alone. Every decision can be taken back
    (`decide --undo`); run again, the job decides nothing more, and names the same to ask about.
    """
    decided: list[tuple[str, Decision, dict[str, str]]] = []
    with session.open() as graph:
        say_where_users_are(graph, session)
        for name in [user] if user is not None else list(graph.users()):
            model = graph.user(name)
            for decision in model.resolve_conflicts(dry_run=dry_run):
                try:
                    statements = {str(id): model.belief(id).statement for id in decision.beliefs}
                except NotFoundError:
                    break  # she was erased meanwhile: there is nothing left to tell
                decided.append((name, decision, statements))
    if as_json:
        show_json([{"user": name, **to_json(decision)} for name, decision, _ in decided])
        return DONE
    columns = (
        Column("user"),
        Column("conflict", spare=True),
        Column("verdict"),
        Column("reason"),
        Column("beliefs", gives_way=True),
    )
    rows = [
        (
            name,
            decision.conflict_id,
            decision.verdict,
            decision.reason.replace("_", " "),
            _told(decision, statements),
        )
        for name, decision, statements in decided
    ]
    show_table(columns, rows, empty="no conflict to decide")
    if rows:
        settled = sum(decision.verdict != "ask" for _, decision, _ in decided)
        would = "would be decided" if dry_run else "decided"
        click.echo(f"{counted(settled, 'conflict')} {would}, {len(rows) - settled:,} to ask about")
    return DONE


def _told(decision: "Decision", statements: dict[str, str]) -> str:
    if decision.keep is not None:
        (other,) = (id for id in decision.beliefs if id != decision.keep)
        if decision.verdict == "merge":
            return f"{_quoted(statements[decision.keep])} takes in {_quoted(statements[other])}"
        return f"{_quoted(statements[decision.keep])} stands, {_quoted(statements[other])} does not"
    if decision.scope:
        return "; ".join(
            f"{_quoted(statements[id])} where {', '.join(f'{key} is {value}' for key, value in context.items())}"
            for id, context in decision.scope.items()
        )
    return "  or  ".join(f"{_quoted(statement)}?" for statement in statements.values())


def _quoted(statement: str) -> str:
    return f"“{shortened(statement, 80)}”"


@click.command()
@user_argument
@click.argument("conflict_id", metavar="CONFLICT")
@click.option("--keep", metavar="BELIEF", help="This one stands; the other is superseded.")
@click.option(
    "--scope",
    nargs=2,
    type=(str, Entry()),
    multiple=True,
    metavar="BELIEF KEY=VALUE",
    help="This one holds in this context only; may be repeated.",
)
@click.option("--dismiss", is_flag=True, help="They do not conflict.")
@click.option("--confirm", is_flag=True, help="They do conflict, and weigh on each other.")
@click.option("--undo", is_flag=True, help="Take the last decision back.")
@click.option("--reason", metavar="TEXT", help="Why, in your words.")
@json_option
@store_options
@click.pass_obj
def decide(
    session: Session,
    /,
    user: str,
    conflict_id: str,
    scope: tuple[tuple[str, tuple[str, str]], ...],
    as_json: bool,
    **chosen: Any,
) -> None:
    """Decide one conflict or duplicate (`conflicts USER`, `duplicates USER`), in exactly one of the ways below."""
    contexts: dict[str, dict[str, str]] = {}
    for belief_id, (key, value) in scope:
        contexts.setdefault(belief_id, {})[key] = value
    found = with_user(
        lambda model: model.resolve(conflict_id, scope=contexts or None, **chosen), session, user
    )
    if as_json:
        show_json(found)
    else:
        click.echo(f"{found.status}: {found.reason}")


COMMANDS = (resolve, decide)
