"""What a belief's confidence is made of, at any time: its evidence items with their terms, adding up exactly."""

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.ids import ResponseId, SignalId
from beliefgraph.graph.ledger import RESPONSE, Item, crowded, fade, sayer_of
from beliefgraph.graph.model import Interpretation, Signal
from beliefgraph.graph.store import Account, Reader

WITH_SIGNALS = 100
"""Of so many contributions, the heaviest, the signals beneath are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One evidence item as it weighs at one time: `term` = `nats` · `weight`, in nats.

    `weight` is what fading and later evidence have left of the item, in (0, 1]. `source` is `response`, `word`, `pin`
    or `source:…`; `about` the response's id, or the id of the signal or belief that said it. `signals` lie beneath:
    listed for the heaviest contributions alone, see `Explanation.signals_left_out`.
    """

    source: str
    about: str
    nats: float
    weight: float
    term: float
    observed_at: datetime
    signals: tuple[tuple[Signal, Interpretation], ...]


def contributions(reader: Reader, account: Account, at_us: int, as_of_us: int | None) -> list[Contribution]:
    """Return every item that counts, heaviest first. Their terms and the base add up to the own log-odds.

    The signals beneath are fetched for the `WITH_SIGNALS` heaviest alone.
    """
    state = account.node.state
    at_us = max(at_us, state.reference_us)
    weighed = []
    for item, weight in crowded(account.direct, account.inferred, state):
        left = weight * fade(at_us - item.observed_us, state.half_life_days)
        weighed.append((-abs(item.nats * left), item.slot, _about(item), item, left))
    weighed.sort(key=itemgetter(0, 1, 2))
    beneath = _signals_beneath(reader, [item for *_, item, _ in weighed[:WITH_SIGNALS]], as_of_us)
    return [
        Contribution(
            source=slot,
            about=about,
            nats=item.nats,
            weight=left,
            term=item.nats * left,
            observed_at=from_us(item.observed_us),
            signals=beneath.get((slot == RESPONSE, item.id), ()),
        )
        for _, slot, about, item, left in weighed
    ]


def _about(item: Item) -> str:
    return item.id if item.slot == RESPONSE else sayer_of(item.id) or item.id


def _signals_beneath(
    reader: Reader, items: list[Item], as_of_us: int | None
) -> dict[tuple[bool, str], tuple[tuple[Signal, Interpretation], ...]]:
    """Return the unretracted signals beneath each item, oldest first."""
    responses = [ResponseId(item.id) for item in items if item.slot == RESPONSE]
    words = [SignalId(item.id) for item in items if item.slot != RESPONSE and sayer_of(item.id) is None]
    found = reader.signals(about=responses, as_of_us=as_of_us) if responses else []
    found += reader.signals(words, as_of_us=as_of_us) if words else []
    beneath: dict[tuple[bool, str], tuple[tuple[Signal, Interpretation], ...]] = {}
    for signal, interpretation in reversed(found):
        if signal.retracted_at is None:
            own = (False, str(signal.id))
            key = (True, str(signal.response_id)) if signal.response_id is not None else own
            beneath[key] = (*beneath.get(key, ()), (signal, interpretation))
            if key != own:
                beneath[own] = (*beneath.get(own, ()), (signal, interpretation))
    return beneath
