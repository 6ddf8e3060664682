"""Getting to know a user by questions: her answers into the ledger, and the next question out of it. Wiring only.

What an answer does lies in ingest/answers.py, what is worth asking in ingest/onboarding.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import BeliefGraphError, InvalidInputError
from beliefgraph.graph.ids import derived_id, normal_form
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import Outcome, Signal
from beliefgraph.graph.store import Reader, Scope
from beliefgraph.ingest.answers import ONBOARDING, said_by, tags_of
from beliefgraph.ingest.bank import Bank
from beliefgraph.ingest.events import SignalEvent, SpokenInput
from beliefgraph.ingest.onboarding import Answered, Prospect, choose, latest_answers, may_ask
from beliefgraph.ingest.pipeline import Batch, Pipeline
from beliefgraph.ingest.prospects import Outlook
from beliefgraph.ingest.relate import RelationBook, UnrelatedPairs


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChoice:
    """One answer that may be given: its id for the program, its text for the user."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A question worth asking now, and the information about what is served that it promises, in nats."""

    id: str
    text: str
    answers: tuple[AnswerChoice, ...]
    gain_nats: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """Where getting to know a user stands.

    `question` is the next to ask. It is None when `stopped` says why: `settled` (no answer would change what is served
    by enough) or `asked` (every question was answered or skipped lately). `answered` has the answer to each question
    of the bank that counts now, `skipped` the questions that were passed over last. `outcomes` are those of the
    answers given in this call, in their order, without those that had been given before.
    """

    bank: str
    question: OpenQuestion | None
    stopped: Literal["settled", "asked"] | None
    answered: Mapping[str, str]
    skipped: tuple[str, ...]
    outcomes: tuple[Outcome, ...] = ()


def onboard(pipeline: Pipeline, scope: Scope, bank: Bank, answers: Mapping[str, str | None]) -> Onboarding:
    """Record answers, each a signal and all in one transaction, and say what to ask next.

    An answer that is on record already changes nothing. Raises `InvalidInputError`.
    """
    _check(bank, answers)
    outcomes = _record(pipeline, scope, bank, answers) if answers else ()
    return replace(_next(pipeline, scope, bank), outcomes=outcomes)


def _check(bank: Bank, answers: Mapping[str, str | None]) -> None:
    if not isinstance(answers, Mapping):
        raise InvalidInputError("answers", "must map questions to answers, None where one was skipped")
    for name, answer in answers.items():
        question = bank.questions.get(name) if isinstance(name, str) else None
        if question is None:
            raise InvalidInputError(
                "answers", f"must name questions of the bank {bank.name}", got=repr(name)[:80]
            )
        if answer is not None and (not isinstance(answer, str) or answer not in question.answers):
            known = ", ".join(question.answers)
            raise InvalidInputError(
                f"answers.{name}",
                f"must be one of {known}; or null (in Python None) where it was skipped",
                got=repr(answer)[:80],
            )


# Answers become signals


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """What is on record of a question: how often it was answered or skipped, the last time, and what was said then."""

    count: int
    last: Answered | None
    said: tuple[SpokenInput, ...]


def _record(
    pipeline: Pipeline, scope: Scope, bank: Bank, answers: Mapping[str, str | None]
) -> tuple[Outcome, ...]:
    histories = pipeline.store.read(scope, lambda reader: _histories(reader, answers))
    events = [
        _event(scope, bank, name, answer, histories[name])
        for name, answer in answers.items()
        if (last := histories[name].last) is None or last.answer != answer
    ]
    results = pipeline.apply_all(scope, Batch(events=events, stop_at_error=True)) if events else []
    for result in results:
        if isinstance(result, BeliefGraphError):
            raise result
    return tuple(result for result in results if isinstance(result, Outcome))


def _histories(reader: Reader, names: Iterable[str]) -> dict[str, _History]:
    signals = [signal for signal, _ in reader.signals(kinds=[ONBOARDING])]
    latest = latest_answers(signals)
    counts = {name: sum(f"question:{name}" in signal.tags for signal in signals) for name in names}
    return {
        name: _History(
            count=count,
            last=latest.get(name),
            said=tuple(_said(reader, signals, name)),
        )
        for name, count in counts.items()
    }


def _said(reader: Reader, signals: Sequence[Signal], name: str) -> Iterable[SpokenInput]:
    """Yield what earlier answers to a question spoke of, as a new answer takes it back: with even strength."""
    asked = [s for s in signals if f"question:{name}" in s.tags and s.retracted_at is None]
    items: list[Item] = [item for signal in asked for item in said_by(reader.revisions(cause_id=signal.id))]
    for node in reader.beliefs(list(dict.fromkeys(item.belief_id for item in items))):
        yield SpokenInput(statement=node.statement, kind=node.kind, strength=0.5)


def _event(scope: Scope, bank: Bank, name: str, answer: str | None, history: _History) -> SignalEvent:
    """Make the signal of an answer. Its id counts the answers to this question, so that a call sent twice is one."""
    question = bank.questions[name]
    signal_id = derived_id("s", ONBOARDING, name, str(history.count))
    tags = tags_of(name, answer)
    if answer is None:
        return SignalEvent(user=scope.user_id, id=signal_id, kind=ONBOARDING, tags=tags, note=question.ask)
    chosen = question.answers[answer]
    spoken = [
        SpokenInput(
            statement=bank.beliefs[belief].statement, kind=bank.beliefs[belief].kind, strength=strength
        )
        for belief, strength in chosen.speaks.items()
    ]
    keys = {normal_form(each.statement) for each in spoken}
    taken_back = [each for each in history.said if normal_form(each.statement) not in keys]
    return SignalEvent(
        user=scope.user_id,
        id=signal_id,
        kind=ONBOARDING,
        text=chosen.say,
        note=question.ask,
        tags=tags,
        speaks=[*spoken, *taken_back],
    )


# What is believed becomes a question


def _next(pipeline: Pipeline, scope: Scope, bank: Bank) -> Onboarding:
    now_us, parameters = to_us(pipeline.clock()), pipeline.parameters
    answered, prospects = _stand(pipeline, scope, bank, now_us)
    askable = may_ask(bank, answered, from_us(now_us), parameters.onboarding)
    choice = choose(
        bank,
        askable,
        prospects,
        confident=parameters.serving.confident,
        least_nats=parameters.onboarding.least_nats,
        at_us=now_us,
    )
    known = {name: last.answer for name, last in answered.items() if name in bank.questions}
    return Onboarding(
        bank=bank.name,
        question=None if choice is None else _opened(bank, choice.question, choice.gain_nats),
        stopped=None if choice is not None else "settled" if askable else "asked",
        answered={name: answer for name, answer in known.items() if answer is not None},
        skipped=tuple(name for name, answer in known.items() if answer is None),
    )


def _stand(
    pipeline: Pipeline, scope: Scope, bank: Bank, now_us: int
) -> tuple[dict[str, Answered], dict[str, Prospect]]:
    """Return the latest answers and how the bank's beliefs stand; models run between reads, never within one."""
    statements = [belief.statement for belief in bank.beliefs.values()]
    outlook = Outlook(
        bank=bank,
        parameters=pipeline.parameters,
        vectors=dict(zip(bank.beliefs, pipeline.embed(statements) if statements else [], strict=True)),
        topics=pipeline.topics(),
        book=RelationBook(pipeline.relater),
        now_us=now_us,
    )
    while True:
        try:
            return pipeline.store.read(scope, outlook.of)
        except UnrelatedPairs as unrelated:
            outlook.book.add(unrelated.pairs)


def _opened(bank: Bank, name: str, gain_nats: float) -> OpenQuestion:
    question = bank.questions[name]
    choices = tuple(AnswerChoice(id=id, text=answer.say) for id, answer in question.answers.items())
    return OpenQuestion(id=name, text=question.ask, answers=choices, gain_nats=gain_nats)
