"""Getting to know users who are new: by questions (`onboard`), and by what was true of many (`prior`)."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beliefgraph.cli.app import DONE, FINDINGS
from beliefgraph.cli.console import (
    Column,
    counted,
    on_terminal,
    printable,
    show,
    show_json,
    show_table,
    users_progress,
)
from beliefgraph.cli.logs import check_out
from beliefgraph.cli.options import (
    Entry,
    Session,
    json_option,
    reads,
    store_options,
    user_argument,
    with_user,
)

if TYPE_CHECKING:
    from beliefgraph.ingest.population import Population
    from beliefgraph.onboarding import Onboarding, OpenQuestion
    from beliefgraph.selfmodel import SelfModel

Answers = dict[str, str | None]
_MOST_BYTES = 1_000_000
_SKIP, _STOP = "s", "q"
bank_option = click.option(
    "--bank",
    metavar="FILE",
    help="A bank of questions (YAML); without it the one that ships, for an AI assistant.",
)


@click.command()
@user_argument
@bank_option
@click.option(
    "--answer",
    "given",
    type=Entry("question=answer, as in length=short"),
    multiple=True,
    metavar="QUESTION=ANSWER",
    help="An answer; may be repeated.",
)
@click.option(
    "--skip", "skipped", multiple=True, metavar="QUESTION", help="Pass a question over; may be repeated."
)
@click.option(
    "--answers",
    "source",
    metavar="FILE",
    help='Answers as JSON, {"question": "answer" or null}; - for standard input.',
)
@json_option
@store_options
@click.pass_obj
def onboard(
    session: Session,
    /,
    *,
    user: str,
    bank: str | None,
    given: Sequence[tuple[str, str]],
    skipped: Sequence[str],
    source: str | None,
    as_json: bool,
) -> None:
    """Get to know a user by questions: those that tell most about what is served, for as long as it is worth it.

    On a terminal it asks. Anywhere else, and with answers in the command, it records them and prints the next question.
    """
    answers = _collected(given, skipped, source)
    if not answers and not as_json and _can_ask():
        with_user(lambda model: _interview(model, bank), session, user)
        return
    step = with_user(lambda model: model.onboard(answers, bank=bank), session, user)
    if as_json:
        show_json(step)
        return
    for outcome in step.outcomes:
        click.echo(f"recorded {outcome.signal.id}: {counted(len(outcome.revisions), 'belief')} moved")
    _show_next(step)


def _can_ask() -> bool:
    return on_terminal() and sys.stdin is not None and sys.stdin.isatty()


def _collected(given: Sequence[tuple[str, str]], skipped: Sequence[str], source: str | None) -> Answers:
    named: list[tuple[str, str | None]] = [*given, *((question, None) for question in skipped)]
    named += [] if source is None else list(_read(source).items())
    answers: Answers = {}
    for question, answer in named:
        if question in answers:
            raise click.UsageError(f"answer: {printable(question)[:80]} is there twice")
        answers[question] = answer
    return answers


def _read(source: str) -> Mapping[str, str | None]:
    wrong = 'answers: must be JSON, as in {"length": "short", "tone": null}'
    if source == "-":
        text = sys.stdin.read(_MOST_BYTES + 1)
    else:
        try:
            with Path(source).open(encoding="utf-8", errors="replace") as stream:
                text = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            raise click.UsageError(f"answers: {source} cannot be read: {error.strerror}") from None
    try:
        content = json.loads(text) if len(text) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        raise click.UsageError(wrong) from None
    if not isinstance(content, dict) or not all(isinstance(each, str | None) for each in content.values()):
        raise click.UsageError(wrong)
    return content


def _show_next(step: "Onboarding") -> None:
    question = step.question
    if question is None:
        why = {"settled": "no answer would change what is served", "asked": "every question was asked"}
        click.echo(f"nothing to ask: {why[step.stopped or 'asked']}")
        return
    show(f"{question.id}: {question.text}")
    show_table(
        (Column("answer"), Column("text", gives_way=True)),
        [(answer.id, answer.text) for answer in question.answers],
        empty="",
    )


def _interview(model: "SelfModel", bank: str | None) -> None:
    """Ask on the terminal until nothing is worth asking, or the user has had enough."""
    step = model.onboard(bank=bank)
    click.echo(f"Answer with a number, {_SKIP} to skip a question, {_STOP} to stop.\n")
    while step.question is not None:
        answer = _ask(step.question)
        if answer == _STOP:
            click.echo("Everything so far is kept; the same command goes on from here.")
            return
        step = model.onboard({step.question.id: None if answer == _SKIP else answer}, bank=bank)
    _show_next(step)


def _ask(question: "OpenQuestion") -> str:
    show(question.text)
    for number, answer in enumerate(question.answers, start=1):
        show(f"  {number}  {answer.text}")
    numbers = {str(number): answer.id for number, answer in enumerate(question.answers, start=1)}
    choice = click.Choice([*numbers, _SKIP, _STOP])
    said = str(click.prompt("", type=choice, show_choices=False, prompt_suffix="> "))
    click.echo()
    return numbers.get(said, said)


@click.command()
@bank_option
@click.option(
    "--out", metavar="FILE", help="Where to write the base rates (JSON), for BELIEFGRAPH_POPULATION."
)
@click.option(
    "--check", metavar="FILE", help="Write nothing; exit status 1 if FILE is not what would be counted now."
)
@reads
def prior(session: Session, bank: str | None, out: str | None, check: str | None, as_json: bool) -> int:
    """Count, among the users who consented, how often a bank's statements turned out true.

    Users consent with `signal USER consent 1` and end it with `signal USER consent 0`; the next run counts without
    them. Groups below the minimum size are left out, and no text of a user is in the result.
    """
    from beliefgraph.ingest.population import load_population, save_population

    if out is not None and check is not None:
        raise click.UsageError("check: cannot be given together with out")
    check_out(out)
    before = None if check is None else load_population(check)
    with session.open() as graph, users_progress(lambda: sum(1 for _ in graph.users())) as tick:
        population = graph.aggregate(bank, on_user=tick)
    if out is not None:
        save_population(population, out)
    stale = before is not None and not before.same_rates(population)
    if as_json:
        show_json({**population.model_dump(mode="json"), **({} if before is None else {"stale": stale})})
    else:
        _show_population(population)
        if before is not None:
            click.echo(f"{check} is {'out of date: run prior --out again' if stale else 'up to date'}")
    return FINDINGS if stale else DONE


def _show_population(population: "Population") -> None:
    columns = (
        Column("rate", "right"),
        Column("users", "right"),
        Column("kind"),
        Column("statement", gives_way=True),
    )
    rows: list[tuple[Any, ...]] = [
        (group.rate, f"{group.users:,}+", kind, "(all of this kind)")
        for kind, group in population.kinds.items()
    ]
    rows += [(topic.rate, f"{topic.users:,}+", topic.kind, topic.statement) for topic in population.topics]
    few = f"no statement has {population.minimum_users} users who consented and of whom something was learned"
    show_table(columns, rows, empty=few)
    click.echo(f"{population.version}: at least {counted(population.users, 'user')} consented")


COMMANDS = (onboard, prior)
