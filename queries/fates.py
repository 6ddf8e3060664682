"""What became of each signal of one user: how far it came and, if it moved no belief, why. Reads once, never writes."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import logit, sigmoid
from beliefgraph.graph.model import Effect, Interpretation, Response, Signal
from beliefgraph.graph.store import Reader
from beliefgraph.queries.funnels import INTERPRETED, MOVED, RECEIVED, TRACED, USED, named

Reason = Literal[
    "rejected",
    "no_response",
    "no_belief",
    "untraced",
    "no_beliefs_behind",
    "retracted",
    "superseded",
    "accident",
    "form",
    "other_fault",
    "not_lasting",
    "no_evidence",
    "tells_little",
    "spread",
    "saturated",
]
"""Why a signal moved no belief. The first five are open loops: it was lost before it could be interpreted."""
LOST: frozenset[str] = frozenset({"rejected", "no_response", "no_belief", "untraced", "no_beliefs_behind"})
_WORDS = frozenset({"confirm", "deny", "correction"})
_FOLLOWS = frozenset({"conflict", "merged"})
"""Reasons of effects that only follow others."""
_PAGE = 1000
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRules:
    """What the parameters say that the audit needs.

    `hold_delta`: a smaller change of confidence is none; `silent`: kinds that are no evidence of satisfaction;
    `spoken`: kinds that are nothing without their text; `alone`: kinds that are about no response and no belief.
    """

    hold_delta: float
    silent: frozenset[str]
    spoken: frozenset[str]
    alone: frozenset[str]


class Heard(NamedTuple):
    """What is kept of a signal while its user is judged: no text."""

    id: SignalId
    seq: int
    kind: str
    source: str | None
    response: ResponseId | None
    belief: BeliefId | None
    observed_us: int
    recorded_us: int
    retracted_us: int | None
    accident: float
    reason: str
    effects: tuple[Effect, ...]


class _Behind(NamedTuple):
    """What is kept of a response: the source that it names, and the beliefs behind it with their confidence then."""

    source: str | None
    confidences: Mapping[BeliefId, float]


class _Change(NamedTuple):
    """What became of one belief since a number; `plain`: more than its confidence changed."""

    delta: float
    nats: float
    since: int
    plain: bool


_Slot = tuple[str, str]


class History:
    """One user's responses and signals, read once, and the fate of each signal."""

    def __init__(
        self, reader: Reader, rules: AuditRules, *, source: str, as_of_us: int | None = None
    ) -> None:
        self._rules = rules
        self._behind: dict[ResponseId, _Behind] = {}
        self._last_use: dict[BeliefId, int] = {}
        for response in _pages(reader.responses, lambda found: found.seq, as_of_us):
            self._add_response(response, source)
        self._heard: list[Heard] = []
        self._slots: dict[_Slot, list[Heard]] = {}
        for signal, read in _pages(reader.signals, lambda found: found[0].seq, as_of_us):
            heard = self._slim(signal, read, source)
            self._heard.append(heard)
            if (slot := self._slot(heard)) is not None:
                self._slots.setdefault(slot, []).append(heard)
        self._counted = {
            max(standing, key=_order).id
            for held in self._slots.values()
            if (standing := [heard for heard in held if heard.retracted_us is None])
        }

    def _add_response(self, response: Response, source: str) -> None:
        confidences = {edge.belief_id: edge.confidence_then or 0.5 for edge in response.generated_by}
        self._behind[response.id] = _Behind(named(response.attributes.get(source)), confidences)
        for belief_id in confidences:
            self._last_use[belief_id] = max(response.seq, self._last_use.get(belief_id, 0))

    def _slim(self, signal: Signal, read: Interpretation, source: str) -> Heard:
        behind = None if signal.response_id is None else self._behind[signal.response_id]
        return Heard(
            id=signal.id,
            seq=signal.seq,
            kind=signal.kind,
            source=named(signal.context.get(source)) or (behind.source if behind else None),
            response=signal.response_id,
            belief=signal.belief_id,
            observed_us=to_us(signal.observed_at),
            recorded_us=to_us(signal.recorded_at),
            retracted_us=None if signal.retracted_at is None else to_us(signal.retracted_at),
            accident=read.causes.get("accident", 0.0),
            reason=read.reason,
            effects=read.effects,
        )

    def _slot(self, heard: Heard) -> _Slot | None:
        """Return the place that only one signal can have: of each kind on a response, of words about a belief."""
        if heard.response is not None:
            return None if heard.kind in self._rules.silent else (heard.response, heard.kind)
        if heard.belief is None or (heard.kind in self._rules.silent and heard.kind not in _WORDS):
            return None
        return ("", heard.belief)

    def judged(self) -> Iterator[tuple[Heard, int, Reason | None]]:
        """Yield each signal, newest first, with how far it came and, if it moved no belief, why."""
        for heard in self._heard:
            yield heard, *self._judge(heard)

    def _judge(self, heard: Heard) -> tuple[int, Reason | None]:
        if heard.retracted_us is not None:
            return self._step(heard), "retracted"
        slot = self._slot(heard)
        others = [] if slot is None else self._slots[slot]
        counts = slot is None or heard.id in self._counted
        changes = self._changes(heard, others) if counts else self._merged(self._lasting(heard))
        moved = {belief: change for belief, change in changes.items() if self._moves(change)}
        if moved:
            used = any(self._last_use.get(belief, 0) > change.since for belief, change in moved.items())
            return (USED if used else MOVED), None
        return self._why_not(heard, changes) if counts else (TRACED, "superseded")

    def _step(self, heard: Heard) -> int:
        return TRACED if heard.response or heard.belief or heard.effects else RECEIVED

    def _changes(self, heard: Heard, others: Iterable[Heard]) -> dict[BeliefId, _Change]:
        """Return what a signal that counts changed, with what those changed whose place it took."""
        replaced = [
            (other.seq, effect)
            for other in others
            if other.seq < heard.seq and (other.retracted_us or heard.recorded_us) >= heard.recorded_us
            for effect in other.effects
            if not self._lasts(other, effect)
        ]
        own = [(heard.seq, effect) for effect in heard.effects]
        return self._merged([*sorted(replaced, key=lambda each: each[0]), *own])

    def _lasting(self, heard: Heard) -> list[tuple[int, Effect]]:
        """Return the effects of a signal that stay when another takes its place: those of its text, and edits."""
        return [(heard.seq, effect) for effect in heard.effects if self._lasts(heard, effect)]

    def _lasts(self, heard: Heard, effect: Effect) -> bool:
        weighed = heard.belief == effect.belief_id or effect.belief_id in self._confidences(heard)
        return _is_plain(effect) or not (weighed or effect.reason in _FOLLOWS)

    def _confidences(self, heard: Heard) -> Mapping[BeliefId, float]:
        return {} if heard.response is None else self._behind[heard.response].confidences

    @staticmethod
    def _merged(effects: Iterable[tuple[int, Effect]]) -> dict[BeliefId, _Change]:
        found: dict[BeliefId, _Change] = {}
        for seq, effect in effects:
            before = found.get(effect.belief_id, _Change(0.0, 0.0, seq, plain=False))
            found[effect.belief_id] = _Change(
                before.delta + effect.delta,
                before.nats + effect.nats,
                before.since,
                plain=before.plain or _is_plain(effect) or effect.action == "contest",
            )
        return found

    def _moves(self, change: _Change) -> bool:
        return change.plain or abs(change.delta) >= self._rules.hold_delta

    def _why_not(self, heard: Heard, changes: Mapping[BeliefId, _Change]) -> tuple[int, Reason]:
        """Say why a signal that counts moved no belief."""
        if not changes:
            return self._step(heard), self._why_nothing(heard)
        if heard.accident > 0.5 or heard.reason == "accident":
            return TRACED, "accident"
        if heard.reason == "form":
            return TRACED, "form"
        if heard.reason == "other_fault":
            return TRACED, "other_fault"
        return self._why_little(heard, changes)

    def _why_nothing(self, heard: Heard) -> Reason:
        rules, kind = self._rules, heard.kind
        if kind in rules.alone or (kind in rules.silent and kind not in rules.spoken):
            return "no_evidence"
        if heard.response is not None and kind not in rules.silent:
            return "tells_little" if self._confidences(heard) else "no_beliefs_behind"
        return "not_lasting" if kind in rules.spoken else "untraced"

    def _why_little(self, heard: Heard, changes: Mapping[BeliefId, _Change]) -> tuple[int, Reason]:
        """Tell apart what says little, what is shared among many beliefs, and what we were as sure of already."""
        total = sum(abs(change.nats) for change in changes.values())
        behind = self._confidences(heard)
        main = max(changes, key=lambda belief: abs(changes[belief].nats))
        nats = math.copysign(total, changes[main].nats)
        if len(behind) > 1 and self._would_move(behind.get(main, 0.5), nats):
            return INTERPRETED, "spread"
        known = heard.reason == "restated" or self._would_move(0.5, nats)
        return (INTERPRETED, "saturated") if known else (TRACED, "tells_little")

    def _would_move(self, confidence: float, nats: float) -> bool:
        return abs(sigmoid(logit(confidence) + nats) - confidence) >= self._rules.hold_delta


def _order(heard: Heard) -> tuple[int, int, str]:
    """Order signals as the latest of a slot is chosen: by time, then on a response by number, of words by id."""
    return (heard.observed_us, 0, heard.id) if heard.response is None else (heard.observed_us, heard.seq, "")


def _is_plain(effect: Effect) -> bool:
    """Say whether an effect changes what is believed, whatever the confidence."""
    return effect.action in ("spawn", "retire") or effect.reason in ("edited", "scoped")


def _pages(
    fetch: Callable[..., Sequence[R]], seq_of: Callable[[R], int], as_of_us: int | None
) -> Iterator[R]:
    """Yield records, newest first, holding one page at a time."""
    before = None
    while found := fetch(before=before, limit=_PAGE, as_of_us=as_of_us):
        yield from found
        before = seq_of(found[-1])
