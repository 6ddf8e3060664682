"""Commands that change a self-model: believe, respond, signal, retract, amend, erase."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import click

from beliefgraph.cli.console import Column, counted, printable, shortened, show_json, show_table
from beliefgraph.cli.options import (
    Number,
    Session,
    at_option,
    context_option,
    id_option,
    json_option,
    store_options,
    with_user,
)

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.graph.model import Belief, GeneratedBy, Outcome
    from beliefgraph.selfmodel import SelfModel

_SOURCES = ("stated", "corrected", "inferred", "observed", "imported")
_KINDS = ("preference", "fact", "trait", "skill", "goal", "state")
_WORDS: dict[str, bool | str] = {"true": True, "false": False, "positive": "positive", "negative": "negative"}


@click.command()
@click.argument("user")
@click.argument("statement")
@click.option(
    "--confidence",
    type=Number(),
    metavar="NUMBER",
    help="Between 0.001 and 0.999; the usual one of its source unless said.",
)
@click.option("--source", type=click.Choice(_SOURCES), default="stated", show_default=True)
@click.option("--kind", type=click.Choice(_KINDS), default="preference", show_default=True)
@context_option
@id_option
@at_option
@json_option
@store_options
@click.pass_obj
def believe(
    session: Session, /, user: str, as_json: bool, context: Sequence[tuple[str, str]], **fields: Any
) -> None:
    """Hold a belief about a user. The same text again refreshes the belief that is there."""
    belief = with_user(lambda model: model.believe(**fields, context=dict(context) or None), session, user)
    _show_belief(belief, as_json=as_json)


def _show_belief(belief: "Belief", *, as_json: bool) -> None:
    if as_json:
        show_json(belief)
        return
    columns = (
        Column("id"),
        Column("confidence", "right"),
        Column("standing"),
        Column("statement", gives_way=True),
    )
    row = (belief.id, belief.confidence, belief.standing, belief.statement)
    show_table(columns, [row], empty="")


@click.command()
@click.argument("user")
@click.argument("text")
@click.option(
    "--belief",
    "beliefs",
    multiple=True,
    metavar="ID[/WEIGHT[/ADHERENCE]]",
    help="A belief that generated it; may be repeated. Without a weight: equal shares.",
)
@click.option("--for", "query", metavar="QUERY", help="Rest it on what `personalize` chooses for this query.")
@id_option
@at_option
@json_option
@store_options
@click.pass_obj
def respond(
    session: Session,
    *,
    user: str,
    text: str,
    beliefs: Sequence[str],
    query: str | None,
    id: str | None,
    at: "datetime | None",
    as_json: bool,
) -> None:
    """Record a response and the beliefs that generated it."""
    if query is not None and beliefs:
        raise click.UsageError("for: cannot be given together with belief")
    edges = [_edge(each) for each in beliefs]

    def work(model: "SelfModel") -> Any:
        premises = edges if query is None else model.personalize(query)
        response = model.respond(text, beliefs=premises, id=id, at=at)
        statements = {
            edge.belief_id: model.belief(edge.belief_id).statement for edge in response.generated_by
        }
        return response, statements

    response, statements = with_user(work, session, user)
    if as_json:
        show_json(response)
        return
    click.echo(f"recorded response {response.id}")
    columns = (
        Column("belief", spare=True),
        Column("weight", "right"),
        Column("adherence", "right"),
        Column("confidence", "right"),
        Column("statement", gives_way=True),
    )
    rows = [
        (edge.belief_id, edge.weight, edge.adherence, edge.confidence_then, statements[edge.belief_id])
        for edge in response.generated_by
    ]
    show_table(columns, rows, empty="no belief is behind it")


def _edge(text: str) -> "GeneratedBy":
    """Read `ID[/WEIGHT[/ADHERENCE]]`; an id holds no slash."""
    from beliefgraph.graph.ids import BeliefId
    from beliefgraph.graph.model import GeneratedBy

    belief_id, *shares = text.split("/")
    if len(shares) > 2:
        raise click.UsageError("belief: must be ID, ID/WEIGHT or ID/WEIGHT/ADHERENCE")
    try:
        weight, adherence = ([float(share) if share else None for share in shares] + [None, None])[:2]
    except ValueError:
        raise click.UsageError("belief: weight and adherence must be numbers, as in b1/0.7/0.9") from None
    return GeneratedBy(belief_id=BeliefId(belief_id), weight=weight, adherence=adherence)


@click.command(context_settings={"ignore_unknown_options": True})  # so that a value may be -1
@click.argument("user")
@click.argument("kind")
@click.argument("value", required=False)
@click.option("--response", metavar="ID", help="The response that it is about.")
@click.option("--belief", metavar="ID", help="The belief that it is about.")
@click.option("--text", help="What the user wrote.")
@click.option(
    "--tag", "tags", multiple=True, metavar="TAG", help="A reason chip, such as too_long; may be repeated."
)
@context_option
@id_option
@at_option
@click.option("--dry-run", is_flag=True, help="Interpret it and write nothing.")
@json_option
@store_options
@click.pass_obj
def signal(
    session: Session,
    /,
    *,
    user: str,
    value: str | None,
    tags: Sequence[str],
    context: Sequence[tuple[str, str]],
    as_json: bool,
    **fields: Any,
) -> None:
    """Record what a user did: trace it, interpret it, revise beliefs.

    KIND is rating, stars, answer, accept, copy, edit, correction, confirm, deny, … and VALUE what that kind takes:
    `signal ada rating -1 --response r1 --text "There is no example in it"`.
    """
    fields |= {"value": _value(value), "tags": list(tags) or None, "context": dict(context) or None}
    _run_and_show(lambda model: model.signal(**fields), session, user, as_json=as_json)


def _value(text: str | None) -> float | bool | str | None:
    if text is None or text.lower() in _WORDS:
        return None if text is None else _WORDS[text.lower()]
    try:
        return float(text)
    except ValueError:
        expected = "must be a number, true, false, positive or negative"
        raise click.UsageError(f"value: {expected} (got {printable(text)[:40]!r})") from None


@click.command()
@click.argument("user")
@click.argument("signal_id", metavar="SIGNAL")
@click.option("--reason", help="Why, in your words.")
@click.option("--dry-run", is_flag=True, help="Say what would be had it not come, and write nothing.")
@json_option
@store_options
@click.pass_obj
def retract(
    session: Session, *, user: str, signal_id: str, reason: str | None, dry_run: bool, as_json: bool
) -> None:
    """Take a signal's influence back, as if it had never come. The record stays."""
    _run_and_show(
        lambda model: model.retract(signal_id, reason=reason, dry_run=dry_run), session, user, as_json=as_json
    )


def _run_and_show(
    work: "Callable[[SelfModel], Outcome]", session: Session, user: str, *, as_json: bool
) -> None:
    def with_statements(model: "SelfModel") -> tuple["Outcome", dict[str, str]]:
        outcome = work(model)
        statements = {str(belief.id): belief.statement for belief in outcome.spawned}
        for revision in outcome.revisions:
            if revision.belief_id not in statements:
                statements[revision.belief_id] = model.belief(revision.belief_id).statement
        return outcome, statements

    outcome, statements = with_user(with_statements, session, user)
    if as_json:
        show_json(outcome)
        return
    read = outcome.interpretation
    likely = sorted(read.causes.items(), key=lambda cause: -cause[1])
    causes = ", ".join(f"{cause} {share:.0%}" for cause, share in likely if share >= 0.005)
    click.echo(f"signal {outcome.signal.id}: {read.action}, {read.reason} ({read.delta:+.3f})")
    click.echo(f"causes: {causes}")
    columns = (
        Column("belief", spare=True),
        Column("before", "right"),
        Column("after", "right"),
        Column("nats", "right"),
        Column("action"),
        Column("reason"),
        Column("statement", gives_way=True),
    )
    rows = [
        (
            r.belief_id,
            r.before,
            r.after,
            f"{r.nats:+.3f}",
            r.action,
            r.reason,
            shortened(statements[r.belief_id]),
        )
        for r in outcome.revisions
    ]
    show_table(columns, rows, empty="no belief was moved")


@click.command()
@click.argument("user")
@click.argument("belief_id", metavar="BELIEF")
@click.option(
    "--confidence", type=Number(), metavar="NUMBER", help="Pin the confidence: masks the evidence before it."
)
@click.option("--statement", help="A better wording: makes a successor, which is answered.")
@click.option("--retire/--restore", "retired", default=None, help="Take it out of use, or back in.")
@click.option("--reason", help="Why, in your words.")
@context_option
@json_option
@store_options
@click.pass_obj
def amend(
    session: Session,
    /,
    *,
    user: str,
    belief_id: str,
    context: Sequence[tuple[str, str]],
    as_json: bool,
    **fields: Any,
) -> None:
    """Change a belief as a person, with provenance: confidence, statement, context or standing."""
    belief = with_user(
        lambda model: model.amend(belief_id, context=dict(context) or None, **fields), session, user
    )
    _show_belief(belief, as_json=as_json)


@click.command()
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@store_options
@click.pass_obj
def erase(session: Session, user: str, yes: bool, as_json: bool) -> None:
    """Erase everything held on a user. Cannot be undone; `export` first to keep a copy."""
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise click.UsageError("yes: is required where nobody can be asked")
        click.confirm(f"Erase everything held on {printable(user)}?", abort=True, err=True)
    erased = with_user(lambda model: model.erase(), session, user)
    if as_json:
        show_json(erased)
        return
    if not any(astuple(erased)):
        click.echo(f"nothing is held on {printable(user)} in tenant {session.tenant}; nothing was erased")
        return
    click.echo(
        f"erased {counted(erased.beliefs, 'belief')}, {counted(erased.responses, 'response')}, "
        f"{counted(erased.signals, 'signal')}, {counted(erased.revisions, 'revision')}, "
        f"{counted(erased.links, 'edge')}"
    )


COMMANDS = (believe, respond, signal, retract, amend, erase)
