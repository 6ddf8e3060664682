"""stub."""

import click


@click.command()
def demo() -> None:
    """Tell the story of one user on a scratch store, in about ten seconds."""


COMMANDS = (demo,)
