"""`beliefgraph demo`: the story of one user on a scratch store, with the real embedding model.

Told as it happens: every number is read from the store after the call that changed it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from os.path import relpath
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import click

from beliefgraph.cli.app import DONE, FINDINGS
from beliefgraph.cli.console import screen
from beliefgraph.cli.options import Session

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from beliefgraph.bootstrap import BeliefGraph
    from beliefgraph.graph.model import Belief, Outcome
    from beliefgraph.ingest.verdicts import Decision
    from beliefgraph.selfmodel import SelfModel

    Cell = str | tuple[str, str] | Text

_QUESTION = "How do I call the payments API from my service?"
_EXAMPLES, _JAVA, _COMMENTS = "examples", "java", "comments"
_NEW = "I want no comments in code"
_SAID = 0.5
_BELIEFS: Sequence[Mapping[str, Any]] = (
    {"id": _EXAMPLES, "statement": "API documentation should include runnable examples", "confidence": 0.87},
    {"id": _COMMENTS, "statement": "Wants comments in code", "confidence": 0.8},
    {"id": _JAVA, "statement": "Writes her services in Java", "source": "imported", "confidence": 0.66},
    {"id": "bank", "statement": "Works for a bank", "source": "imported"},
)
_ADDED: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("“Oops, wrong button”, by phone", {"text": "Oops, wrong button", "context": {"device": "phone"}}),
    ("picks the reason “bad format”", {"tags": ["bad_format"]}),
    ("“I don't write Java any more”", {"text": "I don't write Java any more"}),
    ("“There is no runnable example”", {"text": "There is no runnable example"}),
)
_MEANINGS = {
    "accident": "an accident",
    "form": "bad format",
    "belief_wrong": "a wrong belief",
    "response_missed": "a right one, missed",
    "other_fault": "something else",
    "satisfied": "content after all",
}
_NOTES = {"tentative": ", not used yet", "superseded": ", superseded"}
_METER = 14
_WIDTH = 92


@click.command()
@click.pass_obj
def demo(session: Session) -> int:
    """Tell the story of one user on a scratch store, in about ten seconds."""
    with tempfile.TemporaryDirectory(prefix="beliefgraph-demo-") as folder:
        return _Story(session, str(Path(folder) / "beliefs.db")).tell()


@dataclass(slots=True)
class _Story:
    session: Session
    path: str
    out: Console = field(default_factory=screen)
    acts: int = 0

    def tell(self) -> int:
        """Tell it, from the first belief to the replay of every ledger."""
        self.out.width = min(self.out.width, _WIDTH) if self.out.is_terminal else _WIDTH
        self.line(("beliefgraph", "bold"), " · one user, the same thumbs-down four times, four meanings")
        with self.open() as graph:
            ada = graph.user("ada")
            self.hold(ada)
            self.ask(ada)
            self.take_back(ada, self.thumbs_down(ada))
            self.correct(ada)
            self.contradict(ada)
            self.explain(ada)
            told = _confidences(ada)
        return self.reopen(told)

    def open(self) -> BeliefGraph:
        """Open the scratch store."""
        return Session(self.path, embedder=self.session.embedder, relater=self.session.relater).open()

    # The acts

    def hold(self, ada: SelfModel) -> None:
        """Beliefs are stated."""
        self.act("What is believed about Ada")
        with self.waiting("loading the embedding model …"):
            for fields in _BELIEFS:
                ada.believe(**fields)
        self.beliefs(reversed(ada.beliefs()))

    def ask(self, ada: SelfModel) -> None:
        """Beliefs are chosen for a response."""
        self.act(f"She asks: “{_QUESTION}”")
        plan = ada.personalize(_QUESTION)
        rows: list[Sequence[Cell]] = [
            (("use", "green"), f"{each.weight:.0%}", each.belief.statement) for each in plan.used
        ]
        for each in plan.withheld:
            why = f"{each.belief.statement} ({each.reason.replace('_', ' ')})"
            rows.append((("withhold", "dim"), "", (why, "dim")))
        self.grid(rows, right=(1,))

    def thumbs_down(self, ada: SelfModel) -> str:
        """The same signal comes four times; what comes with it differs. Returns the id of the last one."""
        self.act("Four answers rest on those two beliefs. Each gets a thumbs-down; she adds …")
        plan = ada.personalize(_QUESTION)
        answers = [
            ada.respond(f"Answer {number}", beliefs=plan, id=f"answer-{number}").id
            for number in range(1, len(_ADDED) + 1)
        ]
        rows: list[Sequence[Cell]] = [("", ("it was …", "dim"), "", ("examples", "dim"), ("Java", "dim"))]
        signals = []
        for answer, (added, said) in zip(answers, _ADDED, strict=True):
            before = _confidences(ada)
            outcome = ada.signal("rating", -1, response=answer, **said)
            after = _confidences(ada)
            signals.append(outcome.signal.id)
            moves = [_move(before[belief], after[belief]) for belief in (_EXAMPLES, _JAVA)]
            rows.append((added, *_meaning(outcome), *moves))
        self.grid(rows, right=(2,))
        return signals[-1]

    def take_back(self, ada: SelfModel, signal_id: str) -> None:
        """A retraction puts the numbers back."""
        self.act("She finds the example further down: the last thumbs-down is retracted")
        before = _confidences(ada)
        ada.retract(signal_id, reason="The example was further down")
        after = _confidences(ada)
        rows = [
            (
                "examples",
                _move(before[_EXAMPLES], after[_EXAMPLES]),
                "Java",
                _move(before[_JAVA], after[_JAVA]),
            )
        ]
        self.grid([(*rows[0], ("as if it had never come", "dim"))])

    def correct(self, ada: SelfModel) -> None:
        """A correction takes the place of a belief."""
        self.act("She corrects us: “I write Go now”")
        ada.signal("correction", belief=_JAVA, text="I write Go now")
        self.beliefs(belief for belief in ada.beliefs() if "write" in belief.statement.lower())

    def contradict(self, ada: SelfModel) -> None:
        """A new belief is spawned, a conflict is found, weighed, explained, and decided by what was said later."""
        self.act(f"She says: “{_NEW}”. A belief is spawned, and a conflict found and weighed")
        before = ada.belief(_COMMENTS)
        outcome = ada.signal("statement", text=_NEW)
        (spawned,) = outcome.spawned
        rows: list[Sequence[Cell]] = [
            (spawned.statement, _move(_SAID, ada.belief(spawned.id).confidence), ("stated, new", "dim")),
            (before.statement, _move(before.confidence, ada.belief(_COMMENTS).confidence), ("stated", "dim")),
        ]
        self.grid(rows)
        for conflict in outcome.conflicts:
            self.paragraph(f"contradiction, {conflict.status}: {conflict.strength:.0%} sure")
        self.act("“Why do you doubt that I want comments?”")
        self.account(ada, _COMMENTS)
        self.act("beliefgraph resolve decides")
        decisions = ada.resolve_conflicts()
        if not decisions:
            self.paragraph("nothing: what is only suspected is left to a person")
        for decision in decisions:
            self.decided(ada, decision)

    def decided(self, ada: SelfModel, decision: Decision) -> None:
        """What the job made of a conflict, and why."""
        stands, falls = "stands", "no longer used"
        if decision.keep is None:
            stands = falls = "scoped" if decision.scope else "asked about"
        kept = {id: stands if id == decision.keep else falls for id in decision.beliefs}
        self.grid((ada.belief(id).statement, (note, "dim")) for id, note in kept.items())
        asked = "a person decides, by beliefgraph decide"
        then = asked if decision.verdict == "ask" else "beliefgraph decide --undo takes it back"
        self.paragraph(f"reason: {decision.reason}; {then}")

    def explain(self, ada: SelfModel) -> None:
        """The numbers are accounted for in words."""
        self.act("“Why don't you believe in Java any more?”")
        self.account(ada, _JAVA)

    def account(self, ada: SelfModel, belief_id: str) -> None:
        """Print the explanation of a belief."""
        rows: list[Sequence[Cell]] = []
        for line in str(ada.explain(belief_id)).splitlines():
            if line.startswith("  "):
                nats, account = line.split(maxsplit=1)
                rows.append((("  " + nats, "cyan"), account))
                continue
            self.grid(rows)
            self.paragraph(line)
            rows.clear()

    def reopen(self, told: Mapping[str, float]) -> int:
        """What was told outlives the process, and adds up."""
        self.act("The store is closed, opened again, and replayed from its records")
        with self.open() as graph:
            report = graph.verify()
            again = _confidences(graph.user("ada"))
        same = report.ok and all(abs(again[id] - told[id]) < 1e-6 for id in told)
        shown = ("the same numbers", "bold green") if same else ("other numbers", "bold red")
        self.line(f"   {report.beliefs} beliefs, {report.revisions} revisions replayed: ", shown)
        self.line()
        self.line(("Your turn: ", "bold"), invitation())
        return DONE if same else FINDINGS

    # How it looks

    def waiting(self, text: str) -> AbstractContextManager[object]:
        """Show that something takes a while, on a terminal alone."""
        return self.out.status(text) if self.out.is_terminal else nullcontext()

    def show(self, shown: RenderableType) -> None:
        """Print something, without the blanks that fill a line."""
        with self.out.capture() as captured:
            self.out.print(shown)
        click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), color=True)

    def line(self, *parts: Cell) -> None:
        """Print one line."""
        from rich.text import Text

        self.show(Text.assemble(*parts))

    def paragraph(self, text: str) -> None:
        """Print prose, indented and wrapped."""
        from rich.padding import Padding
        from rich.text import Text

        self.show(Padding(Text(text), (0, 0, 0, 3)))

    def act(self, title: str) -> None:
        """Begin an act."""
        self.acts += 1
        self.line()
        self.line((f"{self.acts}  ", "bold cyan"), (title, "bold"))

    def grid(self, rows: Iterable[Sequence[Cell]], right: Sequence[int] = ()) -> None:
        """Print cells in columns, without lines."""
        from rich.padding import Padding
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        shown = [[_text(cell) for cell in row] for row in rows]
        for column in range(max(map(len, shown), default=0)):
            table.add_column(justify="right" if column in right else "left")
        for cells in shown:
            table.add_row(*cells)
        if shown:
            self.show(Padding(table, (0, 0, 0, 3)))

    def beliefs(self, beliefs: Iterable[Belief]) -> None:
        """Print beliefs with a meter of their confidence."""
        rows: list[Sequence[Cell]] = []
        for belief in beliefs:
            live = belief.standing == "held"
            note = f"{belief.source}{_NOTES.get(belief.standing, '')}"
            statement = (belief.statement, "" if live else "dim")
            rows.append((statement, _meter(belief.confidence), _number(belief.confidence), (note, "dim")))
        self.grid(rows)


def invitation() -> str:
    """Return what to type next: first what puts the command on the PATH, where it is in a virtual environment alone."""
    activate = Path(sys.prefix, "bin", "activate")
    off_path = which("beliefgraph") is None and activate.exists()
    first = f". {relpath(activate)}  ·  " if off_path else ""
    return f'{first}beliefgraph believe me "…"  ·  beliefgraph --help'


def _text(cell: Cell) -> RenderableType:
    from rich.text import Text

    return cell if isinstance(cell, Text) else Text.assemble(cell)


def _confidences(user: SelfModel) -> dict[str, float]:
    return {belief.id: belief.confidence for belief in user.beliefs()}


def _meaning(outcome: Outcome) -> tuple[str, str]:
    """Return the likeliest cause of a signal in words, and its probability."""
    cause, share = max(outcome.interpretation.causes.items(), key=lambda entry: entry[1])
    return _MEANINGS[cause], f"{share:.0%}"


def _number(confidence: float) -> str:
    return "<.01" if confidence < 0.01 else f"{confidence:.2f}".removeprefix("0")


def _move(before: float, after: float) -> Text:
    """Show a number before and after: green up, red down, dim where it stayed."""
    from rich.text import Text

    old, new = _number(before), _number(after)
    style = "dim" if old == new else "green" if after > before else "red"
    return Text.assemble((old, "dim"), (" → ", "dim"), (new, style if old == new else f"bold {style}"))


def _meter(confidence: float) -> Text:
    from rich.text import Text

    filled = round(confidence * _METER)
    return Text.assemble(("━" * filled, "cyan"), ("╌" * (_METER - filled), "dim"))


COMMANDS = (demo,)
