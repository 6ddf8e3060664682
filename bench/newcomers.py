"""Does it help a student who has just come that others came before? ASSISTments, the prior of many against a flat one.

Training students consent and are replayed through a store; the job that counts base rates among consenting users reads
it. Test students come without anybody saying how sure of a skill to be: their beliefs are born flat (the parameters'
base rate), with the rate of their kind, or with the rate of their statement. All else is the same for the three.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from beliefgraph.evaluation import Evaluation, evaluate
from beliefgraph.ingest.aggregate import aggregate
from beliefgraph.ingest.bank import Bank, BankBelief
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.population import Population
from beliefgraph.ingest.reader import ingest
from beliefgraph.ingest.relate import EmbeddingRelater
from bench.assistments import (
    SKILLS,
    TEST,
    TRAIN,
    USUAL,
    Student,
    mastered,
    read_students,
    timeless,
    to_events,
)
from bench.scratch import HashedWords, open_pipeline

FLAT, KIND, STATEMENT = "flat", "rate of the kind", "rate of the statement"
EARLIER = (0, 1)
_TENANT = "newcomers"
_COVERED_95 = 1.96
_MORNING = "2014-09-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Log loss after so many earlier signals on the skill: of each prior, and by how much the last one's is smaller.

    `half` is half of a 95 % interval of that difference, over answers.
    """

    earlier: int
    answers: int
    losses: dict[str, float]
    gain: float
    half: float

    @property
    def beats(self) -> bool:
        """Say whether the prior of many is better for certain."""
        return self.gain > self.half


def run(train: Sequence[Student], test: Sequence[Student]) -> tuple[Population, list[Gain]]:
    """Count base rates among training students, and foresee the answers of test students with and without them."""
    parameters = timeless()
    population = count(train, parameters)
    ways = {
        FLAT: parameters,
        KIND: parameters.with_population(population.model_copy(update={"topics": ()})),
        STATEMENT: parameters.with_population(population),
    }
    found = {name: _foreseen(test, each) for name, each in ways.items()}
    return population, [_gain(found, earlier) for earlier in EARLIER]


def count(students: Sequence[Student], parameters: Parameters) -> Population:
    """Replay students who consent, and count what turned out true of them."""
    skills = range(SKILLS)
    bank = Bank(
        name="skills",
        beliefs={f"skill-{skill}": BankBelief(statement=mastered(skill), kind="skill") for skill in skills},
    )
    with tempfile.TemporaryDirectory(prefix="beliefgraph-newcomers-") as folder:
        pipeline = open_pipeline(
            str(Path(folder) / "scratch.db"), synchronous="NORMAL", parameters=parameters
        )
        try:
            lines = [_consent(student) for student in students]
            report = ingest(
                pipeline, _TENANT, [*lines, *to_events(students, USUAL, stated=False)], own_time=True
            )
            assert report.rejected == 0
            return aggregate(pipeline, _TENANT, bank, built=date(2015, 7, 1))
        finally:
            pipeline.store.close()


def _consent(student: Student) -> str:
    said = {"type": "signal", "user": student.id, "id": "consent", "kind": "consent", "value": 1}
    return json.dumps({**said, "at": _MORNING})


def _foreseen(students: Iterable[Student], parameters: Parameters) -> Evaluation:
    words = HashedWords()
    lines = to_events(students, USUAL, stated=False)
    return evaluate(lines, parameters=parameters, embedder=words, relater=EmbeddingRelater(words))


def _gain(found: dict[str, Evaluation], earlier: int) -> Gain:
    losses = {}
    for name, each in found.items():
        chosen = each.earlier == earlier
        right, said = each.outcomes[chosen] > 0, each.probabilities[chosen]
        losses[name] = -np.log(np.where(right, said, 1 - said))
    difference = losses[FLAT] - losses[STATEMENT]
    return Gain(
        earlier=earlier,
        answers=len(difference),
        losses={name: float(each.mean()) for name, each in losses.items()},
        gain=float(difference.mean()),
        half=float(_COVERED_95 * difference.std() / np.sqrt(len(difference))),
    )


def report(data: Path, *, quick: bool) -> Iterator[str]:
    """Yield the lines of the report; says so where the data is missing."""
    if not all((data / name).is_file() for name in (TRAIN, TEST)):
        yield f"skipped: no {data / TRAIN} and {data / TEST}; name the folder with --data"
        return
    few = (200, 20) if quick else (800, 400)
    train, test = (
        [student for _, student in zip(range(size), read_students(data / name), strict=False)]
        for size, name in zip(few, (TRAIN, TEST), strict=True)
    )
    population, gains = run(train, test)
    rates = [topic.rate for topic in population.topics]
    spread = f", from {min(rates):.2f} to {max(rates):.2f}" if rates else ""
    yield f"{len(train):,} students counted: base rates of {len(rates)} of {SKILLS} skills{spread}"
    yield f"{'log loss after … earlier answers':<34}{'answers':>9}" + "".join(
        f"{name:>23}" for name in gains[0].losses
    )
    for each in gains:
        cells = "".join(f"{loss:>23.4f}" for loss in each.losses.values())
        verdict = "met" if each.beats else "missed"
        yield f"{each.earlier:<34}{each.answers:>9,}{cells}   gain {each.gain:+.4f} ±{each.half:.4f}   > 0   {verdict}"
