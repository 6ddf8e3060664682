"""Students as histories that a fit reads, and what is learned from them: parameters, and what is particular to skills.

Without the way through a store (a test compares both ways). What the beliefs behind an exercise are: assistments.py.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from beliefgraph.calibration import SHARE, Calibration, Gathered, calibrated, held_out
from beliefgraph.graph.ledger import logit
from beliefgraph.ingest.fitting.blocks import SIGNALS_A_BLOCK, Block, block
from beliefgraph.ingest.fitting.histories import (
    KINDS,
    SOURCES,
    Edge,
    Held,
    History,
    Sent,
    Shown,
    Vocabulary,
    Word,
    vocabulary,
)
from beliefgraph.ingest.parameters import Parameters
from bench.assistments import (
    ADHERENCES,
    SKILL_WEIGHT,
    STUDENT_PRIOR,
    STUDENT_WEIGHT,
    USUAL,
    Skills,
    Student,
    fit_skills,
    timeless,
)

_MINUTE = 1.0 / (24 * 60)


def history_of(student: Student, skills: Skills, words: Vocabulary) -> History:
    """Return what a student leaves to a fit: the events of `assistments.to_events`, from day 0 on."""
    history = History()
    _believe(history, 0.0, STUDENT_PRIOR, "trait", words)
    place: dict[int, int] = {}
    seen: dict[int, int] = {}
    for number, (skill, correct) in enumerate(zip(student.skills, student.correct, strict=True)):
        day, earlier = number * _MINUTE, seen.get(skill, 0)
        seen[skill] = earlier + 1
        if earlier == 0:
            place[skill] = _believe(history, day, float(skills.priors[skill]), "skill", words)
            prepared = [_certain(_believe(history, day, float(skills.prepared[skill]), "fact", words), 1.0)]
        else:
            prepared = []
        adherence = float(skills.adherences[min(earlier, ADHERENCES - 1), skill])
        tested = Edge(
            belief=place[skill], weight=SKILL_WEIGHT, adherence=adherence, wrong_ratio=1.0, missed_ratio=1.0
        )
        history.order += [(1, number), (2, number)]
        edges = (tested, _certain(0, STUDENT_WEIGHT), *prepared)
        history.shown.append(_exercise(day, edges, bool(correct), words))
    return history


def _believe(history: History, day: float, prior: float, kind: str, words: Vocabulary) -> int:
    """Let the student be believed something, as somebody imported it; return the belief's place."""
    source, place = SOURCES.index("imported"), len(history.beliefs)
    of_kind = KINDS.index(kind)
    base = logit(words.parameters.base_rate("imported", KINDS[of_kind]))
    history.beliefs.append(Held(base=base, usual=True, source=source, kind=of_kind))
    history.order.append((0, len(history.words)))
    said = Word(
        belief=place,
        day=day,
        observed=day,
        level=logit(prior),
        absolute=True,
        source=-1,
        old=-1,
        pin=False,
        truth=None,
    )
    history.words.append(said)
    return place


def _certain(belief: int, weight: float) -> Edge:
    return Edge(belief=belief, weight=weight, adherence=1.0, wrong_ratio=1.0, missed_ratio=1.0)


def _exercise(day: float, edges: tuple[Edge, ...], right: bool, words: Vocabulary) -> Shown:
    answer = Sent(kind=words.signals["answer"], good=right, strength=1.0, came=True, factor=0, slip=-1)
    return Shown(
        day=day,
        learned=day,
        observed=day,
        edges=edges,
        sent=(answer,),
        form_ratio=1.0,
        other_ratio=1.0,
        tag=-1,
    )


def gathered(students: Sequence[Student], skills: Skills, words: Vocabulary) -> Gathered:
    """Lay students side by side, a fifth of them held out."""
    sides = [[s for s in students if held_out(s.id, SHARE) == out] for out in (False, True)]
    train, test = (list(blocks(side, skills, words)) for side in sides)
    digest = hashlib.sha256("\0".join(student.id for student in students).encode()).hexdigest()
    return Gathered(
        train=train, test=test, train_users=len(sides[0]), test_users=len(sides[1]), digest=digest
    )


def blocks(students: Iterable[Student], skills: Skills, words: Vocabulary) -> Iterator[Block]:
    """Yield students as blocks of the size that a fit works with."""
    waiting: list[History] = []
    count = 0
    for student in students:
        waiting.append(history_of(student, skills, words))
        count += len(student.skills)
        if count >= SIGNALS_A_BLOCK:
            yield block(waiting)
            waiting, count = [], 0
    if waiting:
        yield block(waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What was learned from students: parameters as `calibrate` leaves them, what is particular to skills."""

    calibration: Calibration
    skills: Skills

    @property
    def parameters(self) -> Parameters:
        """Return the parameters."""
        return self.calibration.parameters


def learn(
    students: Sequence[Student],
    *,
    rounds: int = 1,
    steps: int = 10,
    on_round: Callable[[], None] = lambda: None,
) -> Learned:
    """Fit in turns what is particular to skills and, by `calibrate`, the parameters: each given the other.

    The last word is the parameters', whose map on top knows the skills as they are then.
    """
    learned = _turn(students, timeless(), USUAL, steps, on_round)
    for _ in range(rounds - 1):
        learned = _turn(students, learned.parameters, learned.skills, steps, on_round)
    return learned


def _turn(
    students: Sequence[Student],
    parameters: Parameters,
    skills: Skills,
    steps: int,
    on_round: Callable[[], None],
) -> Learned:
    """Fit skills given parameters, then parameters given skills."""
    fitted = fit_skills(students, parameters, start=skills, rounds=steps)
    words = vocabulary(parameters.model_copy(update={"recalibration": {}}))
    return Learned(
        calibration=calibrated(gathered(students, fitted, words), words, on_round=on_round), skills=fitted
    )
