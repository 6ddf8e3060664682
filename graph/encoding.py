"""Forms in which every store keeps what a database has no type for: JSON, and interpretations as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from beliefgraph.graph.ids import BeliefId, SignalId
from beliefgraph.graph.ledger import Item
from beliefgraph.graph.model import Effect, Interpretation, TextReading

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
        ]
    )


def to_interpretation(signal_id: SignalId, text: str) -> Interpretation:
    """Return the interpretation of a signal that `interpretation_json` wrote."""
    causes, action, delta, reason, effects, readings = json.loads(text)
    return Interpretation(
        signal_id=signal_id,
        causes=causes,
        action=action,
        delta=delta,
        reason=reason,
        effects=tuple(
            Effect(belief_id=belief, action=act, nats=nats, delta=moved, reason=why)
            for belief, act, nats, moved, why in effects
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
    )
