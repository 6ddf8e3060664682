"""The service: `serve`, and the keys of its callers (`keys create`, `keys list`, `keys revoke`)."""

from typing import TYPE_CHECKING

import click

from beliefgraph.cli.console import Column, show_json, show_table
from beliefgraph.cli.options import Session, Whole, json_option, store_options

if TYPE_CHECKING:
    from beliefgraph.api.keys import KeyFile


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; without keys only here."
)
@click.option("--port", type=Whole(0, 65535), default=8000, show_default=True, help="0: a free one.")
@store_options
@click.pass_obj
def serve(session: Session, host: str, port: int) -> None:
    """Serve the store over HTTP until told to stop (SIGTERM or Ctrl-C).

    One process; start several on ports of their own to use more cores, on the same store. Without keys it answers
    this machine alone, as one tenant. The address shows where to go: /docs holds the whole interface.
    """
    from beliefgraph.api.serving import serve as run
    from beliefgraph.settings import read_settings

    run(session.open, read_settings(), host=host, port=port, tenant=session.tenant, announce=click.echo)


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of callers over HTTP.

    They are kept in the file that BELIEFGRAPH_API_KEYS names, else in keys.jsonl in your data folder: hashes only.
    """


file_option = click.option(
    "--file", "path", metavar="FILE", help="The file of keys, instead of the setting's."
)


@keys.command()
@click.option("--tenant", required=True, metavar="TENANT", help="Whose users the key reaches.")
@click.option(
    "--scope",
    "scope",
    multiple=True,
    required=True,
    type=click.Choice(("read", "write", "admin")),
    help="What it may do; may be repeated. admin: everything, erasing users too.",
)
@file_option
@json_option
def create(tenant: str, scope: tuple[str, ...], path: str | None, as_json: bool) -> None:
    """Make a key and show it, this once. A running service takes it at once; from the first one on it wants keys."""
    key, shown = _file(path, create=True).create(tenant, scope)
    if as_json:
        show_json({"id": key.id, "key": shown, "tenant": key.tenant, "scopes": key.scopes})
        return
    click.echo(shown)
    click.echo(
        f"key {key.id} of tenant {key.tenant}: {', '.join(key.scopes)}. It is shown this once; keep it safe.",
        err=True,
    )


@keys.command("list")
@file_option
@json_option
def list_keys(path: str | None, as_json: bool) -> None:
    """List the keys: who may do what, since when. The keys themselves are nowhere kept."""
    found = list(_file(path).keys().values())
    if as_json:
        shown = ("id", "tenant", "scopes", "created_at", "revoked_at")
        show_json([{name: getattr(key, name) for name in shown} for key in found])
        return
    columns = (Column("id"), Column("tenant"), Column("scopes"), Column("created"), Column("revoked"))
    rows = [(key.id, key.tenant, " ".join(key.scopes), key.created_at, key.revoked_at) for key in found]
    show_table(columns, rows, empty="no keys")


@keys.command()
@click.argument("key_id", metavar="ID")
@file_option
def revoke(key_id: str, path: str | None) -> None:
    """Revoke a key by its id (`keys list`). A running service refuses it at once."""
    key = _file(path).revoke(key_id)
    click.echo(f"revoked key {key.id} of tenant {key.tenant}")


def _file(path: str | None, *, create: bool = False) -> "KeyFile":
    from pathlib import Path

    from beliefgraph.api.keys import KeyFile
    from beliefgraph.settings import default_keys_file, read_settings

    place = Path(path or read_settings().keys_file)
    if create and place == default_keys_file():
        place.parent.mkdir(parents=True, exist_ok=True)
    return KeyFile(place)


COMMANDS = (serve, keys)
