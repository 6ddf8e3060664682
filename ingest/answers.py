"""Answers to questions asked to get to know a user: each moves, or makes, the beliefs that it speaks for.

An answer is a signal of kind `onboarding`: `note` has the question's words, `text` the answer's, and two tags name
them, `question:ID` and `answer:ID`. Without an answer's tag the question was skipped. What is worth asking is decided
elsewhere (onboarding.py).
"""

from collections.abc import Iterable, Sequence

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import BeliefId, normal_form
from beliefgraph.graph.ledger import ANSWER_PREFIX, Item, answer_slot, logit
from beliefgraph.graph.model import Revision, Signal
from beliefgraph.ingest.events import SignalEvent, SpokenInput
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.relate import Likeness, restated
from beliefgraph.ingest.statements import ANSWERED, Statement, asked, free_id, hold, likenesses_of, restate
from beliefgraph.ingest.working import MERGED, Cause, WorkingSet

ONBOARDING = "onboarding"
"""The kind of signal that an answer is."""
_QUESTION, _ANSWER = "question:", "answer:"
_ROUNDING = 1e-9


def tags_of(question: str, answer: str | None) -> list[str]:
    """Return the tags that name a question and its answer (None: it was skipped).

    >>> tags_of("length", "short")
    ['question:length', 'answer:short']
    """
    return [_QUESTION + question, *([] if answer is None else [_ANSWER + answer])]


def named_in(tags: Sequence[str]) -> tuple[str, str | None]:
    """Return the question and the answer that an answer's tags name.

    >>> named_in(["question:length"])
    ('length', None)
    """
    question = next(tag.removeprefix(_QUESTION) for tag in tags if tag.startswith(_QUESTION))
    answers = [tag.removeprefix(_ANSWER) for tag in tags if tag.startswith(_ANSWER)]
    return question, answers[0] if answers else None


def is_answer(signal: Signal) -> bool:
    """Say whether a signal answers (or skips) a question."""
    return any(tag.startswith(_QUESTION) for tag in signal.tags)


def check_answer(event: SignalEvent) -> None:
    """Check what only answers have. Raises `InvalidInputError`."""
    questions = [tag for tag in event.tags if tag.startswith(_QUESTION) and tag != _QUESTION]
    answers = [tag for tag in event.tags if tag.startswith(_ANSWER) and tag != _ANSWER]
    if len(questions) != 1 or len(answers) > 1 or len(event.tags) != len(questions) + len(answers):
        raise InvalidInputError("tags", "must be question:ID and, unless it was skipped, answer:ID")
    if not answers and (event.text is not None or event.speaks):
        raise InvalidInputError(
            "text" if event.text else "speaks", "must not be given with a skipped question"
        )
    if answers and event.text is None:
        raise InvalidInputError("text", "is required for an answer: its words")
    keys = [normal_form(spoken.statement) for spoken in event.speaks]
    if len(set(keys)) < len(keys):
        raise InvalidInputError("speaks", "must name each statement once")


def apply_answer(working: WorkingSet, signal: Signal, speaks: Iterable[SpokenInput]) -> None:
    """Put what an answer says of each belief on it; a belief that nobody holds yet is held from now on.

    A statement that says what a belief of hers says is that belief. Another answer to the same question takes this
    one's place on every belief that both speak of.
    """
    question, _ = named_in(signal.tags)
    cause = Cause(kind="signal", id=signal.id)
    said: dict[BeliefId, float] = {}
    for spoken in speaks:
        belief_id = _believed_as(working, spoken.statement)
        nats = logit(spoken.strength) + (0.0 if belief_id is None else said.get(belief_id, 0.0))
        statement = Statement(
            text=spoken.statement,
            source="stated",
            kind=spoken.kind,
            context={},
            confidence=None,
            observed_us=to_us(signal.observed_at),
            origin_id=signal.id,
            said=(answer_slot(question), nats),
        )
        if belief_id is None:
            belief_id = free_id(working, signal.id, normal_form(spoken.statement))
            hold(working, statement, belief_id, reason=ANSWERED, cause=cause)
        elif nats > 0:
            restate(working, belief_id, statement, item_id=signal.id, reason=ANSWERED, cause=cause)
        else:
            item = Item(
                belief_id=belief_id,
                slot=answer_slot(question),
                id=signal.id,
                nats=nats,
                observed_us=statement.observed_us,
            )
            working.set_item(item, action=None, reason=ANSWERED, cause=cause)
        said[belief_id] = nats


def said_by(revisions: Iterable[Revision]) -> list[Item]:
    """Return what an answer said, read off the revisions with its id as their cause: one item for each belief."""
    items: dict[BeliefId, Item] = {}
    for revision in revisions:
        item = revision.item
        own = revision.cause_kind == "signal" and revision.reason != MERGED
        if own and item is not None and item.id == revision.cause_id and item.slot.startswith(ANSWER_PREFIX):
            items[item.belief_id] = item
    return list(items.values())


def answers_the_same(event: SignalEvent, said: Iterable[Item]) -> bool:
    """Say whether a repeated answer speaks as strongly as when it was recorded."""
    nats = sum(logit(spoken.strength) for spoken in event.speaks)
    return abs(nats - sum(item.nats for item in said)) < _ROUNDING


def said_otherwise(likenesses: Iterable[Likeness], parameters: Parameters) -> Likeness | None:
    """Return the belief that says what a bank's statement says in other words, if one surely does.

    Stricter than what is asked of her own words: a bank's statement that falls on the wrong belief moves it unseen.
    """
    near = (found for found in likenesses if found.cosine >= parameters.onboarding.same_cosine)
    return restated(near, parameters.text)


def _believed_as(working: WorkingSet, statement: str) -> BeliefId | None:
    """Return the belief that says this already, by its words or by what they mean."""
    same = working.same_statement(normal_form(statement))
    if same:
        return working.standing_for(same[0].id)
    equal = said_otherwise(
        (found for found in likenesses_of(working, statement) if not asked(working, found.belief_id)),
        working.parameters,
    )
    return None if equal is None else equal.belief_id
