"""What revisions did: what a signal changed, summed up or read back from the records, and which items they leave."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TypeVar

from beliefgraph.graph.ids import BeliefId, SignalId
from beliefgraph.graph.model import (
    Cause,
    CauseKind,
    Effect,
    Interpretation,
    Item,
    Outcome,
    Revision,
    Signal,
    Tally,
    TextReading,
    to_conflict,
    view,
)
from beliefgraph.graph.store import Reader

T = TypeVar("T")
_AT_ONCE = 16


def interpretation_of(
    signal_id: SignalId,
    causes: Mapping[Cause, float],
    revisions: Sequence[Revision],
    *,
    fallback: str,
    readings: tuple[TextReading, ...] = (),
    tally: Tally | None = None,
) -> Interpretation:
    """Sum up what was done about a signal; `fallback` is the reason when no belief was touched."""
    effects = effects_of(revisions)
    main = max(effects, key=lambda effect: abs(effect.delta), default=None)
    return Interpretation(
        signal_id=signal_id,
        causes=causes,
        action="hold" if main is None else main.action,
        delta=0.0 if main is None else main.delta,
        reason=fallback if main is None else main.reason,
        effects=effects,
        readings=readings,
        tally=tally,
    )


def effects_of(revisions: Sequence[Revision]) -> tuple[Effect, ...]:
    """Return one effect for each belief revised, in order; several revisions of one belief are taken together."""
    effects: dict[BeliefId, Effect] = {}
    for revision in revisions:
        delta = revision.after - revision.before
        earlier = effects.get(revision.belief_id)
        if earlier is not None:
            action = revision.action if revision.action == "retire" else earlier.action
            effects[revision.belief_id] = replace(
                earlier, action=action, nats=earlier.nats + revision.nats, delta=earlier.delta + delta
            )
            continue
        effects[revision.belief_id] = Effect(
            belief_id=revision.belief_id,
            action=revision.action,
            nats=revision.nats,
            delta=delta,
            reason=revision.reason,
        )
    return tuple(effects.values())


def replayed(revisions: Iterable[Revision]) -> list[Item]:
    """Return the items that a belief's revisions, oldest first, leave."""
    changes = (change for revision in revisions for change in revision.items())
    return list(remaining(((item.slot, item.id), item, removed) for item, removed in changes).values())


def remaining(changes: Iterable[tuple[tuple[str, str], T, bool]]) -> dict[tuple[str, str], T]:
    """Return what changes of items, oldest first, leave: by slot and id, what was put there and not taken away."""
    left: dict[tuple[str, str], T] = {}
    for key, put, removed in changes:
        if removed:
            left.pop(key, None)
        else:
            left[key] = put
    return left


def read_outcome(
    reader: Reader,
    signal: Signal,
    interpretation: Interpretation,
    now_us: int,
    as_of_us: int | None = None,
) -> Outcome:
    """Read back what a signal did when it was applied; of a retracted signal, what its retraction did.

    With `as_of_us`, as that stood then; `signal` is taken as it is given.
    """
    kind: CauseKind = "signal" if signal.retracted_at is None else "retraction"
    revisions = consequences(reader, signal.id, kind, as_of_us)
    if signal.retracted_at is not None:
        interpretation = interpretation_of(signal.id, interpretation.causes, revisions, fallback="retracted")
    spawned = [revision.belief_id for revision in revisions if revision.action == "spawn"]
    links = reader.links("contradicts", beliefs=spawned, as_of_us=as_of_us) if spawned else []
    at_us = now_us if as_of_us is None else as_of_us
    return Outcome(
        signal=signal,
        interpretation=interpretation,
        revisions=tuple(revisions),
        spawned=tuple(view(node, at_us) for node in reversed(reader.beliefs(spawned, as_of_us=as_of_us))),
        conflicts=tuple(to_conflict(link) for link in links),
    )


def consequences(
    reader: Reader, signal_id: SignalId, kind: CauseKind, as_of_us: int | None = None
) -> list[Revision]:
    """Return the revisions that a signal (or, by `kind`, its retraction) caused, neighbours in conflict included.

    These follow those of the signal itself before any other signal, and before its own retraction.
    """
    by_signal = reader.revisions(cause_id=signal_id, as_of_us=as_of_us)
    caused = [revision for revision in by_signal if _caused_by(revision, signal_id, kind)]
    if not caused:
        return []
    following = takewhile(
        lambda revision: revision.cause_kind == "conflict" or _caused_by(revision, signal_id, kind),
        _revisions_from(reader, caused[0].seq, as_of_us),
    )
    last = _signal_before(reader, caused[0])
    return [
        revision
        for revision in following
        if _caused_by(revision, signal_id, kind) or _signal_before(reader, revision) == last
    ]


def _caused_by(revision: Revision, signal_id: SignalId, kind: CauseKind) -> bool:
    return revision.cause_id == signal_id and revision.cause_kind == kind


def _revisions_from(reader: Reader, seq: int, as_of_us: int | None) -> Iterator[Revision]:
    """Yield the user's revisions from a number on, reading not much further than consumed."""
    while found := reader.revisions(after=seq - 1, limit=_AT_ONCE, as_of_us=as_of_us):
        yield from found
        seq = found[-1].seq + 1


def _signal_before(reader: Reader, revision: Revision) -> SignalId | None:
    found = reader.signals(before=revision.seq, limit=1)
    return found[0][0].id if found else None
