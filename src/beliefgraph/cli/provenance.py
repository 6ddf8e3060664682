"""Commands that ask where a record comes from, and what changed between two times."""

from typing import TYPE_CHECKING, Any

import click

from beliefgraph.cli.console import show, show_json, to_json
from beliefgraph.cli.options import Session, Time, Whole, as_of_option, reads, user_argument, with_user

if TYPE_CHECKING:
    from datetime import datetime

    from beliefgraph.queries.provenance import Provenance

_FORMATS = ("prose", "timeline", "node-link", "prov")
_limit = click.option("--limit", type=Whole(1, 1000), default=100, show_default=True, help="At most so many.")


@click.command()
@user_argument
@click.argument("belief", metavar="[BELIEF]", required=False)
@click.option("--signal", metavar="ID", help="Instead of a belief: everything that this signal changed.")
@click.option(
    "--response", metavar="ID", help="Instead of a belief: what generated this response, then and now."
)
@click.option(
    "--format", "format_", type=click.Choice(_FORMATS), help="prose unless said; with --json, node-link."
)
@_limit
@click.option("--cursor", metavar="CURSOR", help="Go on where an answer before was cut off.")
@as_of_option
@reads
def provenance(session: Session, *, user: str, format_: str | None, as_json: bool, **asked: Any) -> None:
    """Tell where a belief comes from, what a signal changed, or what generated a response.

    The latest changes first to be shown, and how many are left out.
    """
    found = with_user(lambda model: model.provenance_of(**asked), session, user)
    form = format_ or ("node-link" if as_json else "prose")
    if form == "node-link":
        show_json(found.node_link())
    elif form == "prov":
        show_json(found.prov())
    elif as_json:
        told: dict[str, Any] = {"events": found.timeline()} if form == "timeline" else {"text": str(found)}
        show_json({**told, "left_out": found.left_out, "cursor": found.cursor})
    else:
        show(str(found) if form == "prose" else _lines(found))
        if found.cursor is not None:
            click.echo(f"the {found.left_out:,} before these: --cursor {found.cursor}", err=True)


def _lines(found: "Provenance") -> str:
    return "\n".join(
        f"{event.at:%Y-%m-%d %H:%M}  {event.what:<10}  {event.text}" for event in found.timeline()
    )


@click.command()
@user_argument
@click.option(
    "--from",
    "from_",
    type=Time(),
    required=True,
    metavar="TIME",
    help="The start (ISO 8601 with a timezone).",
)
@click.option("--to", "to", type=Time(), metavar="TIME", help="The end; now unless said.")
@_limit
@reads
def diff(
    session: Session,
    *,
    user: str,
    from_: "datetime",
    to: "datetime | None",
    limit: int,
    as_json: bool,
) -> None:
    """Tell what changed in a self-model between two times, and why."""
    if to is not None and from_ >= to:
        raise click.UsageError("from: must be before to")
    found = with_user(lambda model: model.diff(from_, to, limit=limit), session, user)
    if as_json:
        show_json({**to_json(found), "text": str(found)})
    else:
        show(str(found))


COMMANDS = (provenance, diff)
