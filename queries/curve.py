"""What was foreseen of a user and what came, read back from the records: what a curve of learning is drawn from.

A response holds the confidence that each belief behind it had when it was recorded, with weight and adherence. So what
was foreseen then can be worked out at any later time, whatever was learned since. No statistics here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.ids import BeliefId, ResponseId
from beliefgraph.graph.model import GeneratedBy, Habit, Response, Signal
from beliefgraph.graph.store import Reader

Foresee = Callable[[Sequence[GeneratedBy], Mapping[BeliefId, float], str, Habit | None], float]
"""From the edges of a response, the confidence of each belief, a kind of signal and the user's habit of giving it to
P(that signal turns out good)."""
Judge = Callable[[Signal], float]
"""How good a signal is, in [−1, 1]; 0 when it says neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A belief behind a response: its weight, and its confidence then and at the first response it was behind."""

    belief_id: BeliefId
    statement_key: str
    weight: float
    then: float
    first: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A response that rests on beliefs, and the first signal on it that turned out good or bad.

    `foreseen` is P(good) as of the record of the response, `unlearned` the same from the confidences in `first`.
    `foreseen_us` and `learned_us` are when the response and its signal were observed, never before what was recorded
    earlier; of two at one time the lower `foreseen_seq`, `learned_seq` comes first.
    """

    kind: str
    foreseen: float
    unlearned: float
    good: bool
    behind: tuple[Behind, ...]
    foreseen_us: int
    foreseen_seq: int
    learned_us: int
    learned_seq: int


def interactions(
    reader: Reader, *, foresee: Foresee, judge: Judge, as_of_us: int | None = None
) -> list[Interaction]:
    """Return a user's interactions in the order in which their responses were recorded. Retracted signals are none."""
    outcomes = _first_outcomes(reader, judge, as_of_us)
    responses = [
        response
        for response in reversed(reader.responses(as_of_us=as_of_us))
        if response.id in outcomes and response.generated_by
    ]
    clock = _clock(responses, outcomes)
    statements = {node.id: node.statement_key for node in reader.beliefs()}
    first: dict[BeliefId, float] = {}
    found = []
    for response in responses:
        signal = outcomes[response.id]
        then = {edge.belief_id: _snapshot(edge)[1] for edge in response.generated_by}
        for belief_id, confidence in then.items():
            first.setdefault(belief_id, confidence)
        found.append(
            Interaction(
                kind=signal.kind,
                foreseen=foresee(response.generated_by, then, signal.kind, response.habits.get(signal.kind)),
                unlearned=foresee(response.generated_by, first, signal.kind, None),
                good=judge(signal) > 0.0,
                behind=tuple(
                    Behind(
                        belief_id=edge.belief_id,
                        statement_key=statements[edge.belief_id],
                        weight=_snapshot(edge)[0],
                        then=then[edge.belief_id],
                        first=first[edge.belief_id],
                    )
                    for edge in response.generated_by
                ),
                foreseen_us=clock[response.seq],
                foreseen_seq=response.seq,
                learned_us=clock[signal.seq],
                learned_seq=signal.seq,
            )
        )
    return found


def _snapshot(edge: GeneratedBy) -> tuple[float, float]:
    """Return weight and confidence as a recorded response has them."""
    assert edge.weight is not None and edge.confidence_then is not None
    return edge.weight, edge.confidence_then


def _first_outcomes(reader: Reader, judge: Judge, as_of_us: int | None) -> dict[ResponseId, Signal]:
    first: dict[ResponseId, Signal] = {}
    for signal, _ in reversed(reader.signals(as_of_us=as_of_us)):
        if signal.response_id is not None and signal.retracted_at is None and judge(signal) != 0.0:
            first.setdefault(signal.response_id, signal)
    return first


def _clock(responses: Sequence[Response], outcomes: Mapping[ResponseId, Signal]) -> dict[int, int]:
    """Return when each record was observed, by its number; a late arrival counts from when its predecessor did."""
    times = {response.seq: to_us(response.observed_at) for response in responses}
    times |= {outcomes[response.id].seq: to_us(outcomes[response.id].observed_at) for response in responses}
    latest = 0
    for seq in sorted(times):
        latest = times[seq] = max(latest, times[seq])
    return times
