"""From one store to another (`copy`)."""

from typing import TYPE_CHECKING

import click

from beliefgraph.cli.app import DONE, FINDINGS
from beliefgraph.cli.console import counted, show_json, users_progress
from beliefgraph.cli.options import json_option

if TYPE_CHECKING:
    from beliefgraph.graph.copying import CopiedUser

_SHOWN = 20


@click.command()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@json_option
def copy(source: str, target: str, as_json: bool) -> int:
    """Copy every user of every tenant from one store to another, unchanged.

    A faithful copy: sequence numbers, revisions, vectors and all. Each user is one transaction, read back and compared
    by a digest of the whole ledger; a copy that was cut short goes on where it stopped. A user who has other records
    in TARGET is left as she is there, and reported (exit status 1). NEO4J_TARGET_USERNAME,
    NEO4J_TARGET_PASSWORD and NEO4J_TARGET_DATABASE are for a TARGET on Neo4j where SOURCE has others.
    """
    from contextlib import closing

    from beliefgraph.bootstrap import open_store
    from beliefgraph.graph.copying import copy as run
    from beliefgraph.graph.store import scopes
    from beliefgraph.settings import read_settings, read_target_settings

    with (
        closing(open_store(source, read_settings(), must_exist=True)) as origin,
        closing(open_store(target, read_target_settings())) as destination,
        users_progress(lambda: sum(1 for _ in scopes(origin))) as tick,
    ):
        copied = list(run(origin, destination, on_user=lambda _: tick()))
    return _report(copied, as_json=as_json)


def _report(copied: "list[CopiedUser]", *, as_json: bool) -> int:
    by_fate = {
        fate: [user for user in copied if user.fate == fate] for fate in ("copied", "there", "differs")
    }
    if as_json:
        users = [
            {
                "tenant": user.scope.tenant,
                "user": user.scope.user_id,
                "fate": user.fate,
                "records": user.records,
                "digest": user.digest,
            }
            for user in copied
        ]
        show_json({**{fate: len(found) for fate, found in by_fate.items()}, "users": users})
    else:
        records = sum(user.records for user in by_fate["copied"])
        click.echo(f"copied {counted(len(by_fate['copied']), 'user')} with {counted(records, 'record')}")
        if by_fate["there"]:
            click.echo(f"{counted(len(by_fate['there']), 'user')} had been copied before")
    for user in by_fate["differs"][:_SHOWN]:
        whom = f"user {user.scope.user_id} of tenant {user.scope.tenant}"
        click.echo(f"{whom} has other records in TARGET; erase her there to copy her anew", err=True)
    if len(by_fate["differs"]) > _SHOWN:
        click.echo(f"and {len(by_fate['differs']) - _SHOWN:,} more users", err=True)
    return FINDINGS if by_fate["differs"] else DONE


COMMANDS = (copy,)
