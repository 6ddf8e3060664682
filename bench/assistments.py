"""ASSISTments 2015 as events: what a student masters is believed, an exercise is a response, an answer is a signal.

Each exercise rests on two beliefs: that the student has mastered its skill, and that she is strong in general. Fitted
on the training part alone are, for each skill, how sure the first belief is before any answer, and how fair a test
the first exercise of the skill is (its adherence: who has mastered a skill may still stumble over the first).
The evaluation itself runs the events through the whole store; see `beliefgraph.evaluation`.
"""

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from beliefgraph.ingest.fitting.rates import changed
from beliefgraph.ingest.parameters import Parameters, load_parameters

DATA = Path("../shared/data")
TRAIN, TEST = "assistments2015/train_valid.jsonl", "assistments2015/test.jsonl"
Floats = npt.NDArray[np.float64]

SKILL_WEIGHT, STUDENT_WEIGHT = 0.74, 0.46
"""How much of an exercise rests on its skill and on the student in general: fitted once on the training part."""
STUDENT_PRIOR = 0.75
SECOND_ADHERENCE = 0.98
"""Adherence to the skill of the second exercise of it; from the third on it is 1."""
_SKILLS = 100
_SCHOOL_YEAR = datetime(2014, 9, 1, 8, tzinfo=UTC)
_SCHOOL_DAYS = 270
_STRONG = "Is a strong student in general"


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """One student's exercises in order: the skill of each, and whether the answer was right (1) or wrong (0)."""

    id: str
    skills: Sequence[int]
    correct: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skills:
    """What is fitted for each skill: the prior that it has been mastered, and the adherence of its first exercise."""

    priors: Floats
    first_adherence: Floats


def timeless() -> Parameters:
    """Return the shipped parameters without sessions: the data has no times, so which day it was means nothing."""
    return changed(
        load_parameters(),
        {"memory.session_nats": math.inf, "memory.change_nats": math.inf},
        version="timeless",
    )


def read_students(path: Path) -> Iterator[Student]:
    """Read one file of the data set."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Student(id=f"student-{row['user']}", skills=row["skills"], correct=row["correct"])


def to_events(students: Iterable[Student], skills: Skills) -> Iterator[str]:
    """Write students as lines of events; a skill is believed in when its first exercise comes up.

    The data has no times: exercises follow each other by a minute, from a morning of the school year on that is told
    by the student's id.
    """
    for student in students:
        for event in _events_of(student, skills):
            yield json.dumps(event)


def _events_of(student: Student, skills: Skills) -> Iterator[dict[str, Any]]:
    strong = {"id": "strong", "statement": _STRONG, "kind": "trait", "confidence": STUDENT_PRIOR}
    yield _imported(student, 0, strong)
    seen: dict[int, int] = {}
    for number, (skill, correct) in enumerate(zip(student.skills, student.correct, strict=True)):
        name, earlier = f"skill-{skill}", seen.get(skill, 0)
        seen[skill] = earlier + 1
        if earlier == 0:
            prior, statement = float(skills.priors[skill]), f"Has mastered skill {skill}"
            believed = {"id": name, "statement": statement, "kind": "skill", "confidence": prior}
            yield _imported(student, number, believed)
        first = float(skills.first_adherence[skill])
        adherence = first if earlier == 0 else SECOND_ADHERENCE if earlier == 1 else 1.0
        response, at = f"exercise-{number}", _at(student, number)
        yield {
            "type": "response",
            "user": student.id,
            "id": response,
            "text": f"An exercise on skill {skill}",
            "beliefs": [
                {"id": name, "weight": SKILL_WEIGHT, "adherence": adherence},
                {"id": "strong", "weight": STUDENT_WEIGHT, "adherence": 1.0},
            ],
            "at": at,
        }
        yield {
            "type": "signal",
            "user": student.id,
            "id": f"answer-{number}",
            "response": response,
            "kind": "answer",
            "value": correct,
            "at": at,
        }


def _imported(student: Student, number: int, belief: dict[str, Any]) -> dict[str, Any]:
    return {"type": "belief", "user": student.id, "source": "imported", "at": _at(student, number), **belief}


def _at(student: Student, number: int) -> str:
    morning = _SCHOOL_YEAR + timedelta(days=zlib.crc32(student.id.encode()) % _SCHOOL_DAYS)
    return (morning + timedelta(minutes=number)).isoformat()


# Fitting the skills. The model of design.md section 3 over all students at once, a step of time in one array
# operation: the same arithmetic as ingest/attribution.py for two premises, which a test compares.


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """Students side by side, the longest first: arrays (step, student); `active` counts the students at each step."""

    skills: npt.NDArray[np.int64]
    correct: npt.NDArray[np.bool_]
    earlier: npt.NDArray[np.int64]
    active: list[int]


def pack(students: Iterable[Student]) -> Packed:
    """Lay students side by side."""
    longest_first = sorted(students, key=lambda student: -len(student.skills))
    shape = (len(longest_first[0].skills), len(longest_first))
    skills, earlier = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    correct = np.zeros(shape, dtype=np.bool_)
    for place, student in enumerate(longest_first):
        seen: dict[int, int] = {}
        for step, skill in enumerate(student.skills):
            earlier[step, place] = seen.get(skill, 0)
            seen[skill] = seen.get(skill, 0) + 1
        skills[: len(student.skills), place] = student.skills
        correct[: len(student.skills), place] = student.correct
    lengths = np.array([len(student.skills) for student in longest_first])
    return Packed(
        skills=skills,
        correct=correct,
        earlier=earlier,
        active=[int((lengths > step).sum()) for step in range(shape[0])],
    )


def predict_all(packed: Packed, priors: Floats, first: Floats, parameters: Parameters) -> list[Floats]:
    """Return P(right) of each answer before it came, step by step. `priors` are log-odds."""
    rates, answer = parameters.attribution, parameters.signal("answer")
    nats = parameters.memory.nats
    if_satisfied, if_not = answer.good_outcome(1.0), answer.good_outcome(0.0)
    leak = (1 - rates.form_fault) * (1 - rates.other_fault)
    skill_nats = np.zeros((packed.skills.shape[1], _SKILLS))
    student_nats = np.zeros(packed.skills.shape[1])
    student_prior = np.log(STUDENT_PRIOR / (1 - STUDENT_PRIOR))
    predictions = []
    for step, active in enumerate(packed.active):
        skill, right = packed.skills[step, :active], packed.correct[step, :active]
        place, earlier = np.arange(active), packed.earlier[step, :active]
        adherence = np.where(earlier == 0, first[skill], np.where(earlier == 1, SECOND_ADHERENCE, 1.0))
        wrong = SKILL_WEIGHT * adherence * rates.wrong_dissatisfies
        missed = SKILL_WEIGHT * (1 - adherence) * rates.miss_dissatisfies
        weak = STUDENT_WEIGHT * rates.wrong_dissatisfies
        mastered = _sigmoid(priors[skill] + skill_nats[place, skill])
        strong = _sigmoid(student_prior + student_nats[:active])
        by_skill = 1 - (1 - mastered) * wrong - mastered * missed
        by_student = 1 - (1 - strong) * weak
        predictions.append(if_not + (if_satisfied - if_not) * leak * by_skill * by_student)
        satisfied = np.where(right, if_satisfied, 1 - if_satisfied)
        dissatisfied = np.where(right, if_not, 1 - if_not)

        def evidence(
            if_true: Floats, if_false: Floats, s: Floats = satisfied, d: Floats = dissatisfied
        ) -> Floats:
            """Return ln P(answer | true) − ln P(answer | false), given P(not D) under both."""
            return np.asarray(np.log((s * if_true + d * (1 - if_true)) / (s * if_false + d * (1 - if_false))))

        item = evidence(leak * by_student * (1 - missed), leak * by_student * (1 - wrong))
        skill_nats[place, skill] = skill_nats[place, skill] * 2 ** (-np.abs(item) / nats) + item
        item = evidence(leak * by_skill, leak * by_skill * (1 - weak))
        student_nats[:active] = student_nats[:active] * 2 ** (-np.abs(item) / nats) + item
    return predictions


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _losses(packed: Packed, priors: Floats, first: Floats, parameters: Parameters) -> Floats:
    """Return the log loss of each skill, summed over its answers."""
    predicted = np.concatenate(predict_all(packed, priors, first, parameters))
    right, skill = (
        np.concatenate([values[step, :active] for step, active in enumerate(packed.active)])
        for values in (packed.correct, packed.skills)
    )
    losses = -np.log(np.where(right, predicted, 1 - predicted))
    return np.bincount(skill, losses, _SKILLS).astype(np.float64)


def fit_skills(
    students: Iterable[Student], parameters: Parameters | None = None, *, rounds: int = 8
) -> Skills:
    """Fit priors and first adherences by the likelihood of the answers: Newton steps of all skills at once.

    A skill's own answers hardly depend on the parameters of other skills, so one run with every prior moved gives
    every skill's derivative. Weak penalties hold what has few answers near a usual value.
    """
    packed, parameters = pack(students), parameters or load_parameters()
    priors, first = np.full(_SKILLS, 1.0), np.full(_SKILLS, 0.8)

    def step(values: Floats, *, usual: float, pull: float, width: float, as_priors: bool) -> Floats:
        def penalised(moved: Floats) -> Floats:
            log_odds, fairness = (moved, first) if as_priors else (priors, np.clip(moved, 0.05, 1.0))
            losses = _losses(packed, log_odds, fairness, parameters)
            return np.asarray(losses + pull / 2 * (moved - usual) ** 2)

        below, here, above = (penalised(values + shift) for shift in (-width, 0.0, width))
        slope, bend = (above - below) / (2 * width), (above - 2 * here + below) / width**2
        return np.asarray(values - np.clip(slope / np.maximum(bend, pull), -4 * width, 4 * width))

    for _ in range(rounds):
        priors = np.clip(step(priors, usual=0.8, pull=2.0, width=0.15, as_priors=True), -3.5, 4.5)
        first = np.clip(step(first, usual=0.8, pull=30.0, width=0.04, as_priors=False), 0.1, 1.0)
    return Skills(priors=_sigmoid(priors), first_adherence=first)
