"""What a belief's confidence is made of, at any time: its evidence items with their terms, adding up exactly."""

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Literal

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.folding import weighed
from beliefgraph.graph.ids import ResponseId, SignalId
from beliefgraph.graph.ledger import RESPONSE, Item, fade, sayer_of
from beliefgraph.graph.model import Interpretation, Signal
from beliefgraph.graph.store import Account, Reader
from beliefgraph.graph.turns import Turn

WITH_SIGNALS = 100
"""Of so many contributions, the heaviest, the signals beneath are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """One evidence item as it weighs at one time: `term` = `nats` · `weight` + `practice`, in nats.

    `weight` is what fading and later evidence have left of the item, in (0, 1]; `practice` what they have left of what
    practising once more added, whatever came of it (0 where practice adds nothing). `source` is `response`, `word`,
    `pin` or `source:…`; `about` the response's id, or the id of the signal or belief that said it. `signals` lie
    beneath: listed for the heaviest contributions alone, see `Explanation.signals_left_out`.
    """

    source: str
    about: str
    nats: float
    weight: float
    term: float
    observed_at: datetime
    signals: tuple[tuple[Signal, Interpretation], ...]
    practice: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of mind that the evidence shows: since when it speaks for the belief, or against it, by how many nats.

    `kept` in (0, 1) is what is left of the weight of everything inferred from before.
    """

    since: datetime
    speaks: Literal["for", "against"]
    nats: float
    kept: float


def contributions(
    reader: Reader, account: Account, at_us: int, as_of_us: int | None
) -> tuple[list[Contribution], list[Change]]:
    """Return every item that counts, heaviest first, and what shows a change of mind, the latest first.

    The items' terms and the base add up to the own log-odds. The signals beneath are fetched for the `WITH_SIGNALS`
    heaviest alone.
    """
    state = account.node.state
    at_us = max(at_us, state.reference_us)
    found, turns = weighed(account.direct, account.inferred, state)
    ranked = []
    for item, weight, practice in found:
        left = fade(at_us - item.observed_us, state.half_life_days)
        term = (item.nats * weight + practice) * left
        ranked.append((-abs(term), item.slot, _about(item), item, term, weight * left, practice * left))
    ranked.sort(key=itemgetter(0, 1, 2))
    beneath = _signals_beneath(reader, [item for *_, item, _, _, _ in ranked[:WITH_SIGNALS]], as_of_us)
    listed = [
        Contribution(
            source=slot,
            about=about,
            nats=item.nats,
            weight=weight,
            term=term,
            observed_at=from_us(item.observed_us),
            signals=beneath.get((slot == RESPONSE, item.id), ()),
            practice=practice,
        )
        for _, slot, about, item, term, weight, practice in ranked
    ]
    return listed, [_change(turn) for turn in turns]


def _change(turn: Turn) -> Change:
    speaks: Literal["for", "against"] = "for" if turn.up else "against"
    return Change(since=from_us(turn.since_us), speaks=speaks, nats=turn.nats, kept=turn.kept)


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
