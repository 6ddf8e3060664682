"""Somebody new, simulated: what is served after a few answers, beside what is served after some signals without them.

Truths are known. The statements are those of the bank that ships. Without questions, the product starts from guesses:
every statement of the bank, held as imported, sure enough to be served (bold) or not (shy); its responses rest on one
or two of those that are served (of all, while none is), and the user rates them. With questions, she answers what
`onboard` asks, and nothing else is known of her. Both go through the whole pipeline with the shipped parameters; texts
are embedded by hashed words, and no statement of the bank is taken for another.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.model import view
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.bank import Bank, Question, load_bank
from beliefgraph.ingest.events import BeliefEvent, Event, PremiseInput, ResponseEvent, SignalEvent
from beliefgraph.ingest.onboarding import answer_probabilities
from beliefgraph.ingest.pipeline import Batch, Pipeline
from beliefgraph.onboarding import onboard
from bench.scratch import open_pipeline
from bench.worlds import BASE

Floats = npt.NDArray[np.float64]
ANSWERS, SIGNALS = (1, 2, 3, 5), (0, 10, 30)
_START = datetime(2026, 1, 1, tzinfo=UTC)
_SLIPS = 0.1
"""So many answers are given at random."""
GUESSES = {"bold": 0.65, "shy": 0.55}
"""How sure a product is of its guesses: more and less than what is served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What would be served of one user: how many statements, how many of them true of her, how many are true in all.

    `brier` is that of the confidences of all statements of the bank; one that is not held stands at ½.
    """

    served: int
    right: int
    true: int
    brier: float


def draw_truth(bank: Bank, chance: np.random.Generator) -> dict[str, bool]:
    """Draw what is true of a user: of each question she leans to one answer, which makes what it speaks for likely."""
    truth: dict[str, bool] = {}
    for question in bank.questions.values():
        answer = list(question.answers.values())[int(chance.integers(len(question.answers)))]
        for belief in question.beliefs:
            truth.setdefault(belief, bool(chance.random() < answer.speaks.get(belief, 0.5)))
    return truth


def answer(question: Question, truth: Mapping[str, bool], chance: np.random.Generator) -> str:
    """Answer a question as the bank says that someone of whom this is true does, now and then at random."""
    names = list(question.answers)
    if chance.random() < _SLIPS:
        return names[int(chance.integers(len(names)))]
    odds = answer_probabilities(question, {name: float(truth[name]) for name in question.beliefs})
    return str(chance.choice(names, p=odds))


def with_questions(
    pipeline: Pipeline, user: str, truth: Mapping[str, bool], chance: np.random.Generator, *, chosen: bool
) -> list[Served]:
    """Return what is served after each number of `ANSWERS`; without `chosen`, to questions drawn at random."""
    bank, scope = load_bank(), Scope("bench", UserId(user))
    drawn = iter(chance.permutation(list(bank.questions)))
    found, step = [], onboard(pipeline, scope, bank, {})
    for number in range(1, ANSWERS[-1] + 1):
        name = str(next(drawn)) if not chosen else step.question.id if step.question is not None else None
        if name is not None:
            given = answer(bank.questions[name], truth, chance)
            step = onboard(pipeline, scope, bank, {name: given})
        if number in ANSWERS:
            found.append(_served(pipeline, scope, bank, truth))
    return found


def with_signals(
    pipeline: Pipeline,
    user: str,
    truth: Mapping[str, bool],
    chance: np.random.Generator,
    *,
    guessed: float,
) -> list[Served]:
    """Return what is served after each number of `SIGNALS`, starting from guesses of this confidence."""
    bank, scope = load_bank(), Scope("bench", UserId(user))
    names = list(bank.beliefs)
    _apply(pipeline, scope, [_guess(user, bank, name, guessed) for name in names])
    found = []
    for number in range(SIGNALS[-1] + 1):
        if number in SIGNALS:
            found.append(_served(pipeline, scope, bank, truth))
        confidences = _confidences(pipeline, scope, bank)
        least = pipeline.parameters.serving.confident
        used = [name for name in names if confidences[name] >= least] or names
        behind = [str(name) for name in chance.permutation(used)[: int(chance.integers(1, 3))]]
        _apply(pipeline, scope, _rated(user, number, behind, truth, chance))
    return found


def _guess(user: str, bank: Bank, name: str, guessed: float) -> Event:
    said = bank.beliefs[name]
    return BeliefEvent(
        user=user,
        id=BeliefId(name),
        statement=said.statement,
        kind=said.kind,
        confidence=guessed,
        source="imported",
        at=_START,
    )


def _rated(
    user: str, number: int, behind: Sequence[str], truth: Mapping[str, bool], chance: np.random.Generator
) -> list[Event]:
    """Return a response and its rating, as in the first world of bench/worlds.py."""
    adherences = [float(chance.choice(BASE.adherences)) for _ in behind]
    dissatisfied = chance.random() < BASE.fault
    for name, adherence in zip(behind, adherences, strict=True):
        honoured = chance.random() < adherence
        strength = BASE.wrong if honoured else BASE.missed
        dissatisfied |= truth[name] != honoured and chance.random() < strength / len(behind)
    slipped = chance.random() < BASE.accident
    good = chance.random() < (0.5 if slipped else 1 - BASE.candour if dissatisfied else BASE.candour)
    at = _START + timedelta(hours=3 * (number + 1))
    premises = [
        PremiseInput(id=BeliefId(name), weight=1 / len(behind), adherence=adherence)
        for name, adherence in zip(behind, adherences, strict=True)
    ]
    value = 1.0 if good else -1.0
    return [
        ResponseEvent(user=user, id=f"r{number}", text="an answer", beliefs=premises, at=at),
        SignalEvent(user=user, id=f"s{number}", response=f"r{number}", kind="rating", value=value, at=at),
    ]


def _apply(pipeline: Pipeline, scope: Scope, events: Sequence[Event]) -> None:
    for result in pipeline.apply_all(scope, Batch(events=events)):
        if isinstance(result, Exception):
            raise result


def _confidences(pipeline: Pipeline, scope: Scope, bank: Bank) -> dict[str, float]:
    """Return how sure we are of each statement of the bank: ½ where it is not held."""
    now_us = to_us(pipeline.clock())
    seen = {
        node.statement: view(node, now_us)
        for node in pipeline.store.read(scope, lambda reader: reader.beliefs())
    }
    return {
        name: seen[said.statement].confidence if said.statement in seen else 0.5
        for name, said in bank.beliefs.items()
    }


def _served(pipeline: Pipeline, scope: Scope, bank: Bank, truth: Mapping[str, bool]) -> Served:
    confidences, least = _confidences(pipeline, scope, bank), pipeline.parameters.serving.confident
    served = [name for name, confidence in confidences.items() if confidence >= least]
    errors = [(confidence - truth[name]) ** 2 for name, confidence in confidences.items()]
    return Served(
        served=len(served),
        right=sum(truth[name] for name in served),
        true=sum(truth.values()),
        brier=float(np.mean(errors)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to begin, over all users: what is served of one on average, and half of a 95 % interval of two figures.

    `gain` is how many served statements are right minus how many are wrong.
    """

    name: str
    served: float
    precision: float
    recall: float
    gain: float
    gain_half: float
    brier: float
    brier_half: float


def _row(name: str, found: Sequence[Served]) -> Row:
    gains = np.array([2 * each.right - each.served for each in found], dtype=np.float64)
    briers = np.array([each.brier for each in found])
    served, right = sum(each.served for each in found), sum(each.right for each in found)
    return Row(
        name=name,
        served=served / len(found),
        precision=right / served if served else float("nan"),
        recall=right / sum(each.true for each in found),
        gain=float(gains.mean()),
        gain_half=_half(gains),
        brier=float(briers.mean()),
        brier_half=_half(briers),
    )


def _half(values: Floats) -> float:
    return float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def run(*, users: int, seed: int = 1) -> dict[str, Row]:
    """Let every user begin in each way; return a row for each way and each number of answers or signals."""
    found: dict[str, list[Served]] = {}
    pipeline = open_pipeline(":memory:", clock=lambda: _START + timedelta(days=7))
    for number in range(users):
        truth = draw_truth(load_bank(), np.random.default_rng([seed, number]))
        chance = np.random.default_rng([seed, number, 1])
        ways: dict[str, tuple[Sequence[int], list[Served]]] = {
            "answers": (ANSWERS, with_questions(pipeline, f"a{number}", truth, chance, chosen=True)),
            "answers to any": (ANSWERS, with_questions(pipeline, f"r{number}", truth, chance, chosen=False)),
        }
        for name, guessed in GUESSES.items():
            found_then = with_signals(pipeline, f"{name}{number}", truth, chance, guessed=guessed)
            ways[f"signals, {name}"] = (SIGNALS, found_then)
        for way, (counts, served) in ways.items():
            for count, each in zip(counts, served, strict=True):
                found.setdefault(f"{count} {way}", []).append(each)
    pipeline.store.close()
    return {name: _row(name, served) for name, served in found.items()}


def _share(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.2f}"


def report(*, quick: bool) -> None:
    """Print the table and the verdict."""
    users = 3 if quick else 100
    rows = run(users=users)
    print(f"{users} users, 37 statements of the bank that ships; “any” questions are drawn at random")
    print(f"{'after':<22}{'served':>8}{'right':>8}{'found':>8}{'right − wrong':>18}{'Brier of all':>18}")
    for row in rows.values():
        print(
            f"{row.name:<22}{row.served:>8.1f}{_share(row.precision):>8}{row.recall:>8.2f}"
            f"{f'{row.gain:+.2f} ±{row.gain_half:.2f}':>18}{f'{row.brier:.3f} ±{row.brier_half:.3f}':>18}"
        )
    for guess in GUESSES:
        asked, unasked = rows["3 answers"], rows[f"10 signals, {guess}"]
        better = {
            "right of what is served": asked.precision > unasked.precision,
            "right − wrong served": asked.gain > unasked.gain,
            "Brier of all": asked.brier < unasked.brier,
        }
        for name, met in better.items():
            verdict = "met" if met else "missed"
            print(f"3 answers better than 10 signals from {guess} guesses: {name:<24} {verdict}")
