"""What a belief's confidence is made of, at any time: its evidence items with their terms, adding up exactly."""

from dataclasses import dataclass
from datetime import datetime

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import RESPONSE, Item, crowded, fade, sayer_of
from beliefgraph.graph.model import BeliefNode, Interpretation, Signal
from beliefgraph.graph.outcomes import replayed
from beliefgraph.graph.store import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One evidence item as it weighs at one time: `term` = `nats` · `weight`, in nats.

    `weight` is what fading and later evidence have left of the item, in (0, 1]. `source` is `response`, `word`, `pin`
    or `source:…`; `about` the response's id, or the id of the signal or belief that said it. `signals` lie beneath.
    """

    source: str
    about: str
    nats: float
    weight: float
    term: float
    observed_at: datetime
    signals: tuple[tuple[Signal, Interpretation], ...]


def items_of(reader: Reader, belief_id: BeliefId, as_of_us: int | None) -> tuple[list[Item], list[Item]]:
    """Return a belief's direct items and its inferred ones (newest first), as they stood."""
    if as_of_us is None:
        return reader.words(belief_id), list(reader.inferred(belief_id))
    items = replayed(reader.revisions(belief_id, as_of_us=as_of_us))
    inferred = sorted(
        (item for item in items if item.slot == RESPONSE), key=lambda item: item.order, reverse=True
    )
    return [item for item in items if item.slot != RESPONSE], inferred


def contributions(reader: Reader, node: BeliefNode, at_us: int, as_of_us: int | None) -> list[Contribution]:
    """Return every item that counts, heaviest first. Their terms and the base add up to the own log-odds."""
    direct, inferred = items_of(reader, node.id, as_of_us)
    state = node.state
    weighted = crowded(direct, inferred, state)
    at_us = max(at_us, state.reference_us)
    beneath = _signals_beneath(reader, [item for item, _ in weighted], as_of_us)
    found = [
        Contribution(
            source=item.slot,
            about=sayer_of(item.id) or item.id,
            nats=item.nats,
            weight=(left := weight * fade(at_us - item.observed_us, state.half_life_days)),
            term=item.nats * left,
            observed_at=from_us(item.observed_us),
            signals=beneath.get((item.slot == RESPONSE, item.id), ()),
        )
        for item, weight in weighted
    ]
    return sorted(found, key=lambda each: (-abs(each.term), each.source, each.about))


def _signals_beneath(
    reader: Reader, items: list[Item], as_of_us: int | None
) -> dict[tuple[bool, str], tuple[tuple[Signal, Interpretation], ...]]:
    """Return the unretracted signals beneath each item, oldest first."""
    responses = [ResponseId(item.id) for item in items if item.slot == RESPONSE]
    words = [SignalId(item.id) for item in items if item.slot != RESPONSE and sayer_of(item.id) is None]
    found = reader.signals(about=responses, as_of_us=as_of_us) + reader.signals(words, as_of_us=as_of_us)
    beneath: dict[tuple[bool, str], tuple[tuple[Signal, Interpretation], ...]] = {}
    for signal, interpretation in reversed(found):
        if signal.retracted_at is None:
            own = (False, str(signal.id))
            key = (True, str(signal.response_id)) if signal.response_id is not None else own
            beneath[key] = (*beneath.get(key, ()), (signal, interpretation))
            if key != own:
                beneath[own] = (*beneath.get(own, ()), (signal, interpretation))
    return beneath
