"""Forms in which every store keeps what a database has no type for: JSON, and interpretations as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic_core

from beliefgraph.graph.ids import BeliefId, SignalId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import Effect, Habit, Interpretation, Tally, TextReading

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_json(value: Any) -> str:
    """Return compact JSON; the common empty values without a call of the encoder."""
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    return _ENCODE(value)


def from_json(text: str) -> Any:
    """Return what `to_json` was given (a tuple as a list)."""
    return {} if text == "{}" else [] if text == "[]" else json.loads(text)


def items_json(items: Sequence[Item]) -> str:
    """Return items of one belief as JSON, without its id."""
    return to_json([[item.slot, item.id, item.nats, item.observed_us] for item in items])


def to_items(belief_id: BeliefId, text: str) -> tuple[Item, ...]:
    """Return the items of a belief that `items_json` wrote."""
    return tuple(
        Item(belief_id=belief_id, slot=slot, id=id, nats=nats, observed_us=observed_us)
        for slot, id, nats, observed_us in from_json(text)
    )


def interpretation_json(interpretation: Interpretation) -> str:
    """Return an interpretation as JSON, without the id of its signal."""
    return to_json(
        [
            dict(interpretation.causes),
            interpretation.action,
            interpretation.delta,
            interpretation.reason,
            [[e.belief_id, e.action, e.nats, e.delta, e.reason] for e in interpretation.effects],
            [
                [r.belief_id, r.about, r.equivalent, r.entails, r.contradiction]
                for r in interpretation.readings
            ],
            *([] if interpretation.tally is None else [_numbers(interpretation.tally)]),
        ]
    )


def to_interpretation(signal_id: SignalId, text: str) -> Interpretation:
    """Return the interpretation of a signal that `interpretation_json` wrote."""
    # Pydantic reads numbers in a quarter of the time; it refuses some texts of callers, and there are none in here.
    causes, action, delta, reason, effects, readings, *tally = pydantic_core.from_json(text)
    return Interpretation(
        signal_id=signal_id,
        causes=causes,
        action=action,
        delta=delta,
        reason=reason,
        effects=tuple(
            [
                Effect(belief_id=belief, action=act, nats=nats, delta=moved, reason=why)
                for belief, act, nats, moved, why in effects
            ]
        ),
        readings=tuple(
            TextReading(
                belief_id=belief,
                about=about,
                equivalent=equivalent,
                entails=entails,
                contradiction=contradiction,
            )
            for belief, about, equivalent, entails, contradiction in readings
        ),
        tally=_tally(tally[0]) if tally else None,
    )


def tallies_json(tallies: Mapping[str, Tally]) -> str:
    """Return what was counted of a user's signals, by kind, as JSON."""
    return to_json({kind: _numbers(tally) for kind, tally in tallies.items()})


def to_tallies(text: str | None) -> dict[str, Tally]:
    """Return what `tallies_json` wrote; nothing for a user from before anything was counted."""
    return {kind: _tally(numbers) for kind, numbers in from_json(text or "{}").items()}


def _numbers(tally: Tally) -> list[float]:
    return [tally.good, tally.bad, tally.nats]


def _tally(numbers: Sequence[float]) -> Tally:
    good, bad, nats = numbers
    return Tally(good=good, bad=bad, nats=nats)


def habits_json(habits: Mapping[str, Habit]) -> str:
    """Return a user's habits, by kind of signal, as JSON."""
    return to_json({kind: [habit.regardless, habit.good] for kind, habit in habits.items()})


def to_habits(text: str | None) -> dict[str, Habit]:
    """Return what `habits_json` wrote; nothing for a response from before there was any."""
    return {
        kind: Habit(regardless=regardless, good=good)
        for kind, (regardless, good) in from_json(text or "{}").items()
    }
