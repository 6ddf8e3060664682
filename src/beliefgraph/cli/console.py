"""How answers look: tables on a terminal, aligned text in a pipe, JSON on request. What they say is decided elsewhere.

Texts of users are data: control characters never reach a terminal, and markup in them is not obeyed.
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 120
"""From so many places on, a terminal is wide enough for every column."""

Cell = str | float | int | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head and the side it is aligned to.

    When a terminal is narrow, one that `gives_way` is folded, and a `spare` one is left out.
    """

    head: str
    align: Literal["left", "right"] = "left"
    gives_way: bool = False
    spare: bool = False


def on_terminal() -> bool:
    """Say whether answers are read by a person on a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def screen(*, stderr: bool = False) -> "Console":
    """Return a console for a terminal. It keeps to NO_COLOR and to the terminal's width."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)


def show_json(value: Any) -> None:
    """Print one value as JSON, in UTF-8 whatever the terminal's encoding."""
    text = json.dumps(to_json(value), ensure_ascii=False, indent=2 if on_terminal() else None)
    click.echo(text.encode())


def to_json(value: Any) -> Any:
    """Return a record as JSON has it: the fields that its `repr` shows, by name; times in ISO 8601.

    A tuple of records of different kinds becomes an object with the kinds as names.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value) if field.repr}
    if isinstance(value, Mapping):
        return {str(name): to_json(entry) for name, entry in value.items()}
    if isinstance(value, tuple) and len({type(entry) for entry in value if is_dataclass(entry)}) > 1:
        return {type(entry).__name__.lower(): to_json(entry) for entry in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json(entry) for entry in value]
    return value.isoformat() if isinstance(value, datetime) else value


def show(text: str) -> None:
    """Print prose; control characters but line ends are taken out."""
    click.echo("\n".join(printable(line) for line in text.split("\n")))


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, empty: str) -> None:
    """Print a table, or a sentence when it has no rows."""
    shown = [[_cell(value) for value in row] for row in rows]
    if not shown:
        click.echo(empty)
    elif on_terminal():
        terminal = screen()
        terminal.print(_rich_table(columns, shown, terminal.width))
    else:
        for line in _aligned([[column.head for column in columns], *shown], columns):
            click.echo(line)


def _rich_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", border_style="dim", show_edge=False)
    shown = [index for index, column in enumerate(columns) if width >= _WIDE or not column.spare]
    for column in (columns[index] for index in shown):
        table.add_column(column.head, justify=column.align, no_wrap=not column.gives_way, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[index]) for index in shown))
    return table


def _aligned(rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> Iterable[str]:
    widths = [max(_width(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        cells = [
            _padded(cell, width, column.align)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _padded(cell: str, width: int, align: str) -> str:
    space = " " * (width - _width(cell))
    return space + cell if align == "right" else cell + space


def _width(text: str) -> int:
    """Return how many places a text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _cell(value: Cell) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
    return f"{value:.3f}" if isinstance(value, float) else printable(str(value))


def printable(text: str) -> str:
    r"""Return a text on one line, without what would steer a terminal.

    >>> printable("a\x1b[31mb\nc")
    'a [31mb c'
    """
    return "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
        if character not in _BIDI
    )


_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows: with them a text can pretend to be another."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "belief"), counted(2000, "belief")
    ('1 belief', '2,000 beliefs')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shortened(text: str, limit: int = 200) -> str:
    """Return a text cut to a length that a table bears."""
    flat = printable(text)
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


@contextmanager
def users_progress(count: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """Show how many users are done, on a terminal alone."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(console=screen(stderr=True), transient=True) as bars:
        task = bars.add_task("users", total=count())
        yield lambda: bars.advance(task)
