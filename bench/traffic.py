"""The events of the users whose signals are timed: a few beliefs each, responses that rest on all of them, signals."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from beliefgraph.graph.ids import UserId
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.events import BeliefEvent, PremiseInput, ResponseEvent, SignalEvent
from beliefgraph.ingest.pipeline import Pipeline

TENANT = "bench"
BELIEFS = 3
_START = datetime(2026, 1, 1, tzinfo=UTC)


def scope_of(user: str) -> Scope:
    """Return where a user's records lie."""
    return Scope(TENANT, UserId(user))


def hold(pipeline: Pipeline, user: str) -> None:
    """Let a user hold her beliefs."""
    for number in range(BELIEFS):
        pipeline.apply(scope_of(user), BeliefEvent(user=user, id=f"b{number}", statement=f"taste{number}"))


def respond(pipeline: Pipeline, user: str, name: str) -> None:
    """Record a response that rests on every belief of a user."""
    premises = [PremiseInput(id=f"b{number}", adherence=0.9) for number in range(BELIEFS)]
    pipeline.apply(scope_of(user), ResponseEvent(user=user, id=name, text="an answer", beliefs=premises))


def rate(pipeline: Pipeline, user: str, name: str, number: int, *, kind: str = "rating") -> None:
    """Apply one signal on a response: every third rating is bad."""
    event = SignalEvent(user=user, id=f"{kind}-{name}", response=name, kind=kind, value=_value(kind, number))
    pipeline.apply(scope_of(user), event)


def _value(kind: str, number: int) -> float | None:
    return None if kind == "save" else -1.0 if number % 3 == 0 else 1.0


def history(user: str, signals: int, *, kinds: Sequence[str] = ("rating",)) -> Iterator[str]:
    """Yield the lines of a user with beliefs, and responses that got one signal of each kind."""
    yield from beliefs_and_responses(user, 0)
    for number in range(signals):
        yield _response_line(user, number)
        yield from signal_lines(user, range(number, number + 1), kinds=kinds)


def beliefs_and_responses(user: str, responses: int) -> Iterator[str]:
    """Yield the lines of a user with beliefs, and responses that nothing was said about yet."""
    at = _START.isoformat()
    for number in range(BELIEFS):
        belief = {"type": "belief", "user": user, "id": f"b{number}", "statement": f"taste{number}", "at": at}
        yield json.dumps(belief)
    for number in range(responses):
        yield _response_line(user, number)


def _response_line(user: str, number: int) -> str:
    premises = [{"id": f"b{place}", "adherence": 0.9} for place in range(BELIEFS)]
    response = {
        "type": "response",
        "user": user,
        "id": f"r{number}",
        "text": "an answer",
        "beliefs": premises,
    }
    return json.dumps({**response, "at": _at(number)})


def signal_lines(user: str, numbers: range, *, kinds: Sequence[str] = ("rating",)) -> Iterator[str]:
    """Yield the lines of signals on responses, one of each kind."""
    for number in numbers:
        for kind in kinds:
            name = f"r{number}"
            signal = {"type": "signal", "user": user, "id": f"{kind}-{name}", "response": name, "kind": kind}
            value = _value(kind, number)
            given = {} if value is None else {"value": value}
            yield json.dumps({**signal, **given, "at": _at(number)})


def _at(number: int) -> str:
    return (_START + timedelta(minutes=number)).isoformat()
