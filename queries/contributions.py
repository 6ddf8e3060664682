"""What a belief's confidence is made of, at any time: its evidence items with their terms, adding up exactly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Literal, overload

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.folding import latest_words, weigh
from beliefgraph.graph.ids import ResponseId, SignalId
from beliefgraph.graph.ledger import RESPONSE, fades, sayer_of
from beliefgraph.graph.model import Interpretation, Signal
from beliefgraph.graph.store import Account, Reader
from beliefgraph.graph.turns import Turn

WITH_SIGNALS = 50
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


_Beneath = dict[tuple[bool, str], tuple[tuple[Signal, Interpretation], ...]]
"""Signals by what lies above them: a response (True) or a word, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The fields of contributions, a list for each; `ids` are those of the items."""

    slots: Sequence[str]
    ids: Sequence[str]
    abouts: Sequence[str]
    nats: Sequence[float]
    observed_us: Sequence[int]
    weights: Sequence[float]
    practices: Sequence[float]
    terms: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of mind that the evidence shows: since when it speaks for the belief, or against it, by how many nats.

    `kept` in (0, 1) is what is left of the weight of everything inferred from before.
    """

    since: datetime
    speaks: Literal["for", "against"]
    nats: float
    kept: float


class Contributions(Sequence[Contribution]):
    """Every item that counts, heaviest first, as columns; a contribution is made when it is looked at."""

    __slots__ = ("_beneath", "_columns", "_ranked")

    def __init__(self, columns: _Columns, ranked: Sequence[int], beneath: _Beneath) -> None:
        self._columns, self._ranked, self._beneath = columns, ranked, beneath

    @property
    def terms(self) -> list[float]:
        """What each counts, in nats."""
        return [self._columns.terms[place] for place in self._ranked]

    @property
    def sources(self) -> list[str]:
        """Where each comes from."""
        return [self._columns.slots[place] for place in self._ranked]

    def __len__(self) -> int:
        """Return how many items count."""
        return len(self._ranked)

    @overload
    def __getitem__(self, index: int) -> Contribution: ...
    @overload
    def __getitem__(self, index: slice) -> "Contributions": ...
    def __getitem__(self, index: int | slice) -> "Contribution | Contributions":
        """Return a contribution, or a part of them."""
        if isinstance(index, slice):
            return Contributions(self._columns, self._ranked[index], self._beneath)
        columns, place = self._columns, self._ranked[index]
        return Contribution(
            source=columns.slots[place],
            about=columns.abouts[place],
            nats=columns.nats[place],
            weight=columns.weights[place],
            term=columns.terms[place],
            observed_at=from_us(columns.observed_us[place]),
            signals=self._beneath.get((columns.slots[place] == RESPONSE, columns.ids[place]), ()),
            practice=columns.practices[place],
        )

    def __eq__(self, other: object) -> bool:
        """Say whether the same items weigh the same."""
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # as of every record that holds a context

    def __repr__(self) -> str:
        """Show the contributions."""
        return repr(tuple(self))


def terms_of(contributions: Sequence[Contribution]) -> list[float]:
    """Return what each contribution counts, in nats, without making records where there are none yet."""
    if isinstance(contributions, Contributions):
        return contributions.terms
    return [each.term for each in contributions]


def contributions(
    reader: Reader, account: Account, at_us: int, as_of_us: int | None
) -> tuple[Contributions, list[Change]]:
    """Return every item that counts, heaviest first, and what shows a change of mind, the latest first.

    The items' terms and the base add up to the own log-odds. The signals beneath are fetched for the `WITH_SIGNALS`
    heaviest alone.
    """
    state = account.node.state
    columns, turns = _weighed(account, max(at_us, state.reference_us))
    ranked = [
        place
        for *_, place in sorted(
            zip([-abs(term) for term in columns.terms], columns.slots, columns.abouts, count(), strict=False)
        )
    ]
    beneath = _signals_beneath(reader, columns, ranked[:WITH_SIGNALS], as_of_us)
    return Contributions(columns, ranked, beneath), [_change(turn) for turn in turns]


def _weighed(account: Account, at_us: int) -> tuple[_Columns, list[Turn]]:
    """Weigh and fade the items of an account: words first, then the inferred ones, newest first."""
    state = account.node.state
    words, since = latest_words(account.direct)
    inferred = account.inferred if since is None else account.inferred.since(since)
    found = weigh(zip(inferred.observed_us, inferred.nats, strict=True), state)
    counted, said = len(found.weights), len(words)
    nats = [*(item.nats for item in words), *inferred.nats[:counted]]
    observed_us = [*(item.observed_us for item in words), *inferred.observed_us[:counted]]
    weights, practices = [1.0] * said + found.weights, [0.0] * said + found.practices
    left = fades([at_us - one for one in observed_us], state.half_life_days)
    columns = _Columns(
        slots=[item.slot for item in words] + [RESPONSE] * counted,
        ids=[*(item.id for item in words), *inferred.ids[:counted]],
        abouts=[*(sayer_of(item.id) or item.id for item in words), *inferred.ids[:counted]],
        nats=nats,
        observed_us=observed_us,
        weights=[weight * share for weight, share in zip(weights, left, strict=True)],
        practices=[practice * share for practice, share in zip(practices, left, strict=True)],
        terms=[
            (one * weight + practice) * share
            for one, weight, practice, share in zip(nats, weights, practices, left, strict=True)
        ],
    )
    return columns, found.turns


def _change(turn: Turn) -> Change:
    speaks: Literal["for", "against"] = "for" if turn.up else "against"
    return Change(since=from_us(turn.since_us), speaks=speaks, nats=turn.nats, kept=turn.kept)


def _signals_beneath(
    reader: Reader, columns: _Columns, places: Iterable[int], as_of_us: int | None
) -> _Beneath:
    """Return the unretracted signals beneath the items at these places, oldest first."""
    named = [(columns.slots[place], columns.ids[place]) for place in places]
    responses = [ResponseId(id) for slot, id in named if slot == RESPONSE]
    words = [SignalId(id) for slot, id in named if slot != RESPONSE and sayer_of(id) is None]
    found = reader.signals(about=responses, as_of_us=as_of_us) if responses else []
    found += reader.signals(words, as_of_us=as_of_us) if words else []
    beneath: _Beneath = {}
    for signal, interpretation in reversed(found):
        if signal.retracted_at is None:
            own = (False, str(signal.id))
            key = (True, str(signal.response_id)) if signal.response_id is not None else own
            beneath[key] = (*beneath.get(key, ()), (signal, interpretation))
            if key != own:
                beneath[own] = (*beneath.get(own, ()), (signal, interpretation))
    return beneath
