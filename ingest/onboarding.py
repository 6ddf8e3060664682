"""Which question to ask next to get to know a user, and when to stop: chosen by what is served, in nats. Pure.

An answer's words move beliefs elsewhere (answers.py); here the same arithmetic runs ahead of every possible answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.ledger import BeliefState, logit, read_state, relative_entropy, with_word
from beliefgraph.graph.model import Signal
from beliefgraph.ingest.answers import named_in
from beliefgraph.ingest.bank import Bank, Question
from beliefgraph.ingest.parameters import OnboardingParameters

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A bank's belief as it stands of this user; `held` is whether she has it in her self-model yet.

    One that is not held stands at the base rate that it would be born with, and is never served.
    """

    state: BeliefState
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is on record about one question: its latest answer (None: it was skipped), when, and by which signal."""

    answer: str | None
    at: datetime
    signal: Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A question worth asking: its id, and the information that it promises about what is served, in nats."""

    question: str
    gain_nats: float


def latest_answers(signals: Iterable[Signal]) -> dict[str, Answered]:
    """Return the latest answer or skip of each question that was not taken back, by the time of observation."""
    counted = [signal for signal in signals if signal.retracted_at is None]
    found: dict[str, Answered] = {}
    for signal in sorted(counted, key=lambda signal: (signal.observed_at, signal.seq)):
        question, answer = named_in(signal.tags)
        found[question] = Answered(answer=answer, at=signal.observed_at, signal=signal)
    return found


def may_ask(
    bank: Bank, answered: Mapping[str, Answered], now: datetime, limits: OnboardingParameters
) -> list[str]:
    """Return the bank's questions that may be asked now: neither answered nor skipped lately."""

    def rests(question: str) -> bool:
        last = answered.get(question)
        if last is None:
            return False
        days = limits.skipped_days if last.answer is None else limits.answered_days
        return now - last.at < timedelta(days=days)

    return [question for question in bank.questions if not rests(question)]


def choose(
    bank: Bank,
    questions: Iterable[str],
    prospects: Mapping[str, Prospect],
    *,
    confident: float,
    least_nats: float,
    at_us: int,
) -> Choice | None:
    """Return the question that promises most, None when none promises `least_nats`. Ties: the bank's order."""
    promised = [
        Choice(question=name, gain_nats=gain_of(bank.questions[name], prospects, confident, at_us))
        for name in questions
    ]
    best = max(promised, key=lambda choice: choice.gain_nats, default=None)
    return best if best is not None and best.gain_nats >= least_nats and best.gain_nats > 0 else None


def gain_of(question: Question, prospects: Mapping[str, Prospect], confident: float, at_us: int) -> float:
    """Return how much a question is expected to tell about what is served, in nats.

    Σ over answers a of P(a) · Σ over beliefs that a puts into, or takes out of, what is served, of the relative
    entropy of the belief's confidence after a to the one before. 0 when no answer would change what is served.
    """
    now = {name: read_state(prospects[name].state, at_us).confidence for name in question.beliefs}
    probabilities = answer_probabilities(question, now)
    gain = 0.0
    for probability, answer in zip(probabilities, question.answers.values(), strict=True):
        for name, strength in answer.speaks.items():
            before = prospects[name]
            after = told(before, logit(strength), at_us)
            if serves(after, confident, at_us) != serves(before, confident, at_us):
                then = read_state(after.state, at_us).confidence
                gain += float(probability) * relative_entropy(then, now[name])
    return gain


def told(prospect: Prospect, nats: float, at_us: int) -> Prospect:
    """Return a belief as an answer of this weight would leave it; contradictions elsewhere stay as they are."""
    state = with_word(prospect.state, nats, at_us)
    return Prospect(state=replace(state, lifecycle="open") if nats > 0 else state, held=True)


def serves(prospect: Prospect, confident: float, at_us: int) -> bool:
    """Say whether a response that the belief is relevant to would use it."""
    reading = read_state(prospect.state, at_us)
    return prospect.held and reading.standing == "held" and reading.confidence >= confident


def answer_probabilities(question: Question, confidences: Mapping[str, float]) -> Floats:
    """Return how likely each answer is, given how sure we are of the beliefs it speaks of.

    Someone of whom certain beliefs are true chooses an answer with odds that grow by its weight for each true belief
    and shrink by it for each false one, halved, so that between two opposite answers the odds are those of the
    strengths; averaged over which beliefs are true.
    """
    beliefs = question.beliefs
    weights = np.array(
        [[logit(answer.speaks.get(name, 0.5)) for name in beliefs] for answer in question.answers.values()]
    )
    truths = (np.arange(2 ** len(beliefs))[:, None] >> np.arange(len(beliefs))) & 1
    sure = np.array([confidences[name] for name in beliefs])
    chances = np.where(truths == 1, sure, 1.0 - sure).prod(axis=1)
    scores = (truths - 0.5) @ weights.T
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    averaged: Floats = chances @ (odds / odds.sum(axis=1, keepdims=True))
    return averaged
