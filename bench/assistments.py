"""ASSISTments 2015 as events: what a student masters is believed, an exercise is a response, an answer is a signal.

Each exercise rests on two beliefs: that the student has mastered its skill, and that she is strong in general. The
first one of a skill rests on a third: that she comes prepared for it, without which the able and the unable fail.
Fitted on the training part alone are, for each skill, how sure the first and the third belief are before any answer,
and how fair a test of it its first exercise is, its second, and the later ones (adherence: who has mastered a skill may
still stumble); and by `calibrate`, on the same students, the parameters: among them how much one more exercise adds.
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
from beliefgraph.ingest.parameters import LedgerRates, Parameters, load_parameters

DATA = Path("../shared/data")
TRAIN, TEST = "assistments2015/train_valid.jsonl", "assistments2015/test.jsonl"
Floats = npt.NDArray[np.float64]

SKILL_WEIGHT, STUDENT_WEIGHT = 0.95, 0.31
"""How much of an exercise rests on its skill and on the student in general: chosen on the training part."""
STUDENT_PRIOR = 0.74
ADHERENCES = 3
"""An exercise is the first of its skill for a student, the second, or a later one; each has an adherence of its own."""
SKILLS = 100
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
    """What is fitted for each skill: the priors that it was mastered and prepared for, the adherence of its exercises.

    `adherences` has a row for the first exercise of a skill, one for the second, one for those after.
    """

    priors: Floats
    adherences: Floats
    prepared: Floats


def timeless() -> Parameters:
    """Return the parameters to begin a fit with: the shipped ones, and what several turns of it led to, rounded.

    The data has no times, so days mean nothing. A student who learns is not one who changed her mind: that is practice,
    and the detector of change is off. A wrong answer has no form and no other fault than the exercise's own, which is
    in the adherence.
    """
    own = {"kinds.skill.practice_nats": 0.5, "kinds.skill.memory_nats": 2.0, "kinds.trait.memory_nats": 6.0}
    faults = {"miss_dissatisfies": 0.85, "form_fault": 0.001, "other_fault": 0.001}
    emission = {"signals.answer.satisfied": 0.999, "signals.answer.dissatisfied": 0.001}
    ends = {"memory.session_nats": math.inf, "memory.change_nats": math.inf}
    found = {f"attribution.{name}": value for name, value in faults.items()}
    return changed(load_parameters(), {**own, **found, **emission, **ends}, version="timeless")


def read_students(path: Path) -> Iterator[Student]:
    """Read one file of the data set."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Student(id=f"student-{row['user']}", skills=row["skills"], correct=row["correct"])


def to_events(students: Iterable[Student], skills: Skills, *, stated: bool = True) -> Iterator[str]:
    """Write students as lines of events; a skill is believed in when its first exercise comes up.

    Not `stated`: nobody says how sure of a skill, so that it is born with the base rate that the parameters give it.
    The data has no times: exercises follow each other by a minute, from a morning of the school year on that is told by
    the student's id.
    """
    for student in students:
        for event in _events_of(student, skills, stated=stated):
            yield json.dumps(event)


def _events_of(student: Student, skills: Skills, *, stated: bool) -> Iterator[dict[str, Any]]:
    strong = {"id": "strong", "statement": _STRONG, "kind": "trait", "confidence": STUDENT_PRIOR}
    yield _imported(student, 0, strong)
    seen: dict[int, int] = {}
    for number, (skill, correct) in enumerate(zip(student.skills, student.correct, strict=True)):
        name, earlier = f"skill-{skill}", seen.get(skill, 0)
        seen[skill] = earlier + 1
        adherence = float(skills.adherences[min(earlier, ADHERENCES - 1), skill])
        behind = [
            {"id": name, "weight": SKILL_WEIGHT, "adherence": adherence},
            {"id": "strong", "weight": STUDENT_WEIGHT, "adherence": 1.0},
        ]
        if earlier == 0:
            believed = {"id": name, "statement": mastered(skill), "kind": "skill"}
            sure = {"confidence": float(skills.priors[skill])} if stated else {}
            yield _imported(student, number, {**believed, **sure})
            yield _imported(student, number, _prepared(skill, skills))
            behind.append({"id": f"prepared-{skill}", "weight": 1.0, "adherence": 1.0})
        response, at = f"exercise-{number}", _at(student, number)
        yield {
            "type": "response",
            "user": student.id,
            "id": response,
            "text": f"An exercise on skill {skill}",
            "beliefs": behind,
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


def mastered(skill: int) -> str:
    """Return the statement of the belief in a skill."""
    return f"Has mastered skill {skill}"


def _prepared(skill: int, skills: Skills) -> dict[str, Any]:
    statement = f"Comes prepared for skill {skill}"
    sure = float(skills.prepared[skill])
    return {"id": f"prepared-{skill}", "statement": statement, "kind": "fact", "confidence": sure}


def _imported(student: Student, number: int, belief: dict[str, Any]) -> dict[str, Any]:
    return {"type": "belief", "user": student.id, "source": "imported", "at": _at(student, number), **belief}


def _at(student: Student, number: int) -> str:
    morning = _SCHOOL_YEAR + timedelta(days=zlib.crc32(student.id.encode()) % _SCHOOL_DAYS)
    return (morning + timedelta(minutes=number)).isoformat()


# Fitting the skills. The model of design.md section 3 over all students at once, a step of time in one array
# operation: the same arithmetic as ingest/attribution.py for two or three premises, which a test compares.


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


def rows_of(skills: Skills) -> Floats:
    """Return what is particular to skills as log-odds: rows of priors, adherences, and of being prepared."""
    return _logit(np.vstack([skills.priors, skills.adherences, skills.prepared]))


def skills_of(rows: Floats) -> Skills:
    """Return skills from the rows that `rows_of` gives."""
    priors, *adherences, prepared = _sigmoid(rows)
    return Skills(priors=priors, adherences=np.array(adherences), prepared=prepared)


def predict_all(packed: Packed, rows: Floats, parameters: Parameters) -> list[Floats]:
    """Return P(right) of each answer before it came, step by step. `rows` are those of `rows_of`."""
    priors, adherences, prepared = rows[0], _sigmoid(rows[1:-1]), _sigmoid(rows[-1])
    rates, answer = parameters.attribution, parameters.signal("answer")
    of_skill, of_student = parameters.rates_of("skill"), parameters.rates_of("trait")
    if_satisfied, if_not = answer.good_outcome(1.0), answer.good_outcome(0.0)
    leak = (1 - rates.form_fault) * (1 - rates.other_fault)
    skill_nats = np.zeros((packed.skills.shape[1], SKILLS))
    student_nats = np.zeros(packed.skills.shape[1])
    student_prior = np.log(STUDENT_PRIOR / (1 - STUDENT_PRIOR))
    predictions = []
    for step, active in enumerate(packed.active):
        skill, right = packed.skills[step, :active], packed.correct[step, :active]
        place, earlier = np.arange(active), packed.earlier[step, :active]
        adherence = adherences[np.minimum(earlier, ADHERENCES - 1), skill]
        wrong = SKILL_WEIGHT * adherence * rates.wrong_dissatisfies
        missed = SKILL_WEIGHT * (1 - adherence) * rates.miss_dissatisfies
        weak = STUDENT_WEIGHT * rates.wrong_dissatisfies
        mastered = _sigmoid(priors[skill] + skill_nats[place, skill])
        strong = _sigmoid(student_prior + student_nats[:active])
        by_skill = 1 - (1 - mastered) * wrong - mastered * missed
        by_student = 1 - (1 - strong) * weak
        ready = leak * np.where(earlier == 0, 1 - (1 - prepared[skill]) * rates.wrong_dissatisfies, 1.0)
        predictions.append(if_not + (if_satisfied - if_not) * ready * by_skill * by_student)
        satisfied = np.where(right, if_satisfied, 1 - if_satisfied)
        dissatisfied = np.where(right, if_not, 1 - if_not)

        def evidence(
            if_true: Floats, if_false: Floats, s: Floats = satisfied, d: Floats = dissatisfied
        ) -> Floats:
            """Return ln P(answer | true) − ln P(answer | false), given P(not D) under both."""
            return np.asarray(np.log((s * if_true + d * (1 - if_true)) / (s * if_false + d * (1 - if_false))))

        item = evidence(ready * by_student * (1 - missed), ready * by_student * (1 - wrong))
        skill_nats[place, skill] = _one_more(skill_nats[place, skill], item, of_skill)
        item = evidence(ready * by_skill, ready * by_skill * (1 - weak))
        student_nats[:active] = _one_more(student_nats[:active], item, of_student)
    return predictions


def _one_more(nats: Floats, item: Floats, rates: LedgerRates) -> Floats:
    """Return what is inferred after one more item; nothing fades, and days do not matter."""
    term = item + rates["practice_nats"]
    return np.asarray(nats * 2 ** (-np.abs(term) / rates["memory_nats"]) + term)


def _sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _logit(probability: Floats) -> Floats:
    return np.asarray(np.log(probability / (1 - probability)))


_ROUNDS, _PULL, _STEP, _MOST = 10, 3.0, 1e-3, 1.5
_LOG_ODDS = 7.0
USUAL = Skills(
    priors=np.full(SKILLS, 0.85),
    adherences=np.repeat([[0.81], [0.87], [0.88]], SKILLS, axis=1),
    prepared=np.full(SKILLS, 0.95),
)
"""Where the fit of the skills begins."""


def fit_skills(
    students: Iterable[Student],
    parameters: Parameters | None = None,
    *,
    start: Skills = USUAL,
    rounds: int = _ROUNDS,
) -> Skills:
    """Fit what is particular to each skill by the likelihood of its answers: Gauss-Newton steps of all skills at once.

    A skill's own answers hardly depend on what is particular to other skills, so that one run in which one thing is
    moved for all skills gives its slope for each; curvature is the information of these slopes (Berndt, Hall, Hall and
    Hausman, Annals of Economic and Social Measurement 3, 1974). Weak penalties hold each near the mean of all skills.
    """
    packed, parameters = pack(students), parameters or timeless()
    skill = _in_order(packed, packed.skills)
    z = rows_of(start)
    best, least, damping, slopes = z, np.inf, 1.0, np.zeros((len(z), len(skill)))
    for _ in range(rounds + 1):
        losses = _losses(packed, z, parameters)
        penalised = losses.sum() + _PULL / 2 * float(((z - z.mean(axis=1, keepdims=True)) ** 2).sum())
        if penalised < least:
            best, least, damping, slopes = z, penalised, damping / 4, _slopes(packed, z, losses, parameters)
        else:
            damping *= 8
        z = best - np.clip(_newton(slopes, best, skill, damping), -_MOST, _MOST)
        z = np.clip(z, -_LOG_ODDS, _LOG_ODDS)
    return skills_of(best)


def _losses(packed: Packed, z: Floats, parameters: Parameters) -> Floats:
    """Return the log loss of each answer, given the rows of `rows_of`."""
    predicted = np.concatenate(predict_all(packed, z, parameters))
    right = _in_order(packed, packed.correct)
    return np.asarray(-np.log(np.where(right, predicted, 1 - predicted)))


def _slopes(packed: Packed, z: Floats, losses: Floats, parameters: Parameters) -> Floats:
    """Return the slopes of each answer's loss: (rows of z, answers)."""
    moved = (z + _STEP * (np.arange(len(z)) == row)[:, None] for row in range(len(z)))
    return np.array([(_losses(packed, each, parameters) - losses) / _STEP for each in moved])


def _newton(slopes: Floats, z: Floats, skill: npt.NDArray[np.int64], damping: float) -> Floats:
    """Return the step down for each skill, in the shape of z."""
    size = len(slopes)
    slope = np.array([np.bincount(skill, each, SKILLS) for each in slopes])
    slope += _PULL * (z - z.mean(axis=1, keepdims=True))
    information = np.array(
        [[np.bincount(skill, first * second, SKILLS) for second in slopes] for first in slopes]
    )
    curvature = information.transpose(2, 0, 1) + (_PULL + damping) * np.eye(size)
    return np.asarray(np.linalg.solve(curvature, slope.T[:, :, None])[:, :, 0].T)


def _in_order(packed: Packed, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return values of the answers in the order of `predict_all`."""
    return np.concatenate([values[step, :active] for step, active in enumerate(packed.active)])
