"""The command line: `beliefgraph …`. Parses, calls the library, renders; no rules here.

Nothing heavy is imported before a command runs, so that `--help` answers at once. Each module holds one family of
commands; app.py what they share, console.py how answers look.
"""

from beliefgraph.cli import (
    auditing,
    calibrating,
    deciding,
    demo,
    logs,
    moving,
    onboarding,
    provenance,
    reads,
    records,
    service,
    writes,
)
from beliefgraph.cli.app import app
from beliefgraph.cli.options import Session

__all__ = ["Session", "app", "main"]

for family in (
    demo,
    auditing,
    logs,
    moving,
    writes,
    onboarding,
    calibrating,
    deciding,
    reads,
    provenance,
    records,
    service,
):
    for command in family.COMMANDS:
        app.add_command(command)


def main() -> None:
    """Run the command line of this process."""
    app(prog_name="beliefgraph")
