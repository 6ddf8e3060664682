"""Everything that can be done to the users of a store, drawn by chance: a seed is a whole history.

What is drawn depends on the seed and on what the store answers; two stores that answer alike live through the same.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from beliefgraph import GeneratedBy
from beliefgraph.graph.errors import BeliefGraphError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.model import Source
from beliefgraph.queries.pages import Page
from tests.embedders import CONTRADICTION, ENTAILS, EQUIVALENT, SUSPICION
from tests.worlds import PARAMETERS, START, World, parameters_with

USERS = ("ada", "bob")
STATEMENTS = [
    "Likes short answers",
    "Likes long answers",
    "Wants runnable examples",
    "Wants examples in Python",
    "Works at night",
    "Works in the morning",
    "Prefers tea to coffee",
    "likes SHORT answers.",
    "Likes brief answers",
]
SCRIPT = {
    (STATEMENTS[0], STATEMENTS[1]): CONTRADICTION,
    (STATEMENTS[1], STATEMENTS[0]): CONTRADICTION,
    (STATEMENTS[8], STATEMENTS[1]): CONTRADICTION,
    (STATEMENTS[3], STATEMENTS[2]): ENTAILS,
    (STATEMENTS[4], STATEMENTS[5]): SUSPICION,
    (STATEMENTS[5], STATEMENTS[4]): CONTRADICTION,
    (STATEMENTS[0], STATEMENTS[7]): EQUIVALENT,
    (STATEMENTS[0], STATEMENTS[8]): EQUIVALENT,
    (STATEMENTS[8], STATEMENTS[0]): EQUIVALENT,
}
OTHER = parameters_with(
    attribution__wrong_dissatisfies=0.6, kinds__preference__half_life_days=90.0, memory__nats=5.0, version="b"
)
_SOURCES: list[Source] = ["stated", "stated", "inferred", "imported"]
_TAGS = [[], [], ["too_long"], ["mistake"], ["ignored_preference"]]
_PLACES = [{}, {}, {"place": "office"}, {"place": "home"}]
_RATINGS: list[tuple[str, float | None]] = [
    ("rating", -1),
    ("rating", 1),
    ("stars", 2),
    ("copy", None),
    ("dwell", 9),
]
_EDITS: list[dict[str, Any]] = [
    {"confidence": 0.1},
    {"confidence": 0.9, "context": {"place": "office"}},
    {"context": {"place": "home"}},
    {"retired": True},
    {"retired": False},
    {"statement": STATEMENTS[1]},
    {"statement": "Wants examples that run"},
]


class Chances:
    """A history on its way. Each method that draws an act carries it out and returns what came of it."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._chance = world, random.Random(seed)
        self._number, self._at = 0, START
        self._model = world.ada

    def play(self, length: int) -> Iterator[tuple[str, object]]:
        """Let so many acts happen; yield what came of each, errors too, and what is served after it."""
        for self._number in range(length):
            now = self._world.clock.pass_time(seconds=self._one([0, 1, 3600, 86_400 * 3]))
            self._at = now - timedelta(days=self._one([0, 0, 0, 5]))
            self._model = self._world.graph.user(self._one(USERS))
            (act,) = self._chance.choices(list(ACTS), list(ACTS.values()))
            again, drawn = self._chance.random() < 0.1, self._chance.getstate()
            yield self._attempt(act)
            if again:
                self._chance.setstate(drawn)
                yield self._attempt(act)
            query = STATEMENTS[self._number % len(STATEMENTS)]
            yield "served", self._model.personalize(query, context=self._one(_PLACES), limit=2)

    def _attempt(self, act: Callable[["Chances"], object]) -> tuple[str, object]:
        name = f"{act.__name__} of {self._model.user_id} ({self._number})"
        try:
            return name, act(self)
        except BeliefGraphError as error:
            return name, error

    def _one(self, options: Sequence[Any]) -> Any:
        return self._chance.choice(options)

    def _any(self, records: Page[Any]) -> str:
        """Return the id of a late record, sometimes of none."""
        known = [record.id for record in records] or ["nothing"]
        return str(self._one(known) if self._chance.random() < 0.9 else "nothing")

    def _any_belief(self) -> str:
        return self._any(self._model.beliefs(limit=10))

    def believe(self) -> object:
        return self._model.believe(
            self._one([*STATEMENTS[:2], *STATEMENTS]),
            source=self._one(_SOURCES),
            context=self._one(_PLACES),
            id=self._one([None, f"b{self._chance.randrange(6)}"]),
            at=self._at,
            idempotency_key=f"k{self._number}",
        )

    def respond(self) -> object:
        beliefs = {self._any_belief() for _ in range(self._chance.randrange(4))}
        edges = [
            GeneratedBy(belief_id=BeliefId(id), adherence=self._one([None, 0.5])) for id in sorted(beliefs)
        ]
        id = f"r{self._number % 25}"
        return self._model.respond(f"Answer {self._number}", beliefs=edges, id=id, at=self._at)

    def react(self) -> object:
        kind, value = self._one(_RATINGS)
        return self._model.signal(
            kind,
            value,
            response=self._any(self._model.responses(limit=10)),
            text=self._one([None, None, *STATEMENTS]),
            tags=self._one(_TAGS),
            context=self._one(_PLACES),
            id=f"s{self._chance.randrange(100)}",
            at=self._at,
            dry_run=self._one([False, False, True]),
        )

    def speak(self) -> object:
        kind = self._one(["confirm", "deny", "correction", "statement"])
        return self._model.signal(
            kind,
            belief=None if kind == "statement" else self._any_belief(),
            text=self._one(STATEMENTS) if kind in ("correction", "statement") else None,
            id=f"w{self._number}",
            at=self._at,
        )

    def retract(self) -> object:
        return self._model.retract(
            self._any(self._model.signals(limit=10)), reason="a test", dry_run=self._one([False, False, True])
        )

    def amend(self) -> object:
        edit = self._one(_EDITS)
        return self._model.amend(
            self._any_belief(), **edit, reason="a test", idempotency_key=f"k{self._number}"
        )

    def decide(self) -> object:
        found = [*self._model.conflicts(), *self._model.duplicates()]
        if not found:
            return self._model.resolve("nothing", dismiss=True)
        edge = self._one(found)
        low, high = edge.beliefs
        ways: list[dict[str, Any]] = [
            {"keep": low},
            {"keep": high},
            {"scope": {low: {"place": "office"}, high: {"place": "home"}}},
            {"dismiss": True},
            {"confirm": True},
            {"undo": True},
        ]
        return self._model.resolve(edge.id, **self._one(ways), reason=self._one([None, "a test"]))

    def resolve(self) -> object:
        return self._model.resolve_conflicts(dry_run=self._one([False, True]))

    def reinterpret(self) -> object:
        self._world.graph._pipeline.parameters = self._one([PARAMETERS, OTHER])
        return self._world.graph.reinterpret()

    def erase(self) -> object:
        return self._model.erase()

    def onboard(self) -> object:
        question = self._model.onboard().question
        if question is None:
            return None
        return self._model.onboard({question.id: self._one([answer.id for answer in question.answers])})

    def ingest(self) -> object:
        lines = []
        for number in range(6):
            response = f"r{self._chance.randrange(25)}"
            given: dict[str, Any] = {"user": self._one(USERS), "at": self._at.isoformat()}
            rating = {"type": "signal", "kind": "rating", "value": self._one([-1, 1]), "response": response}
            options = [
                {**rating, "id": f"l{self._number}-{number}", **given},
                {"type": "retract", "signal": f"s{self._chance.randrange(100)}", **given},
                {"type": "belief", "statement": self._one(STATEMENTS), "id": f"b{number}", **given},
            ]
            lines.append(json.dumps(self._one(options)))
        return self._world.graph.ingest(lines)


ACTS: dict[Callable[[Chances], object], float] = {
    Chances.believe: 18,
    Chances.respond: 18,
    Chances.react: 28,
    Chances.speak: 14,
    Chances.retract: 7,
    Chances.amend: 8,
    Chances.decide: 18,
    Chances.resolve: 3,
    Chances.reinterpret: 2,
    Chances.erase: 0.5,
    Chances.onboard: 1,
    Chances.ingest: 5,
}
"""What may happen, and how often next to the rest."""
