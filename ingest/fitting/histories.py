"""What one user's records say to a fit: what was said of each belief, which responses rested on it, what came of them.

Read once and kept as plain numbers: no text, no id of a user. Retracted signals are left out, as if they had never
come. No statistics here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, get_args

from beliefgraph.graph.clock import DAY_US, to_us
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId
from beliefgraph.graph.ledger import PIN, RESPONSE, SOURCE_PREFIX, WORD, Item, logit, source_slot
from beliefgraph.graph.model import Habit, Kind, Response, Revision, Signal, Source
from beliefgraph.graph.store import Reader
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.responses import ratios_of

SOURCES: Sequence[Source] = get_args(Source)
KINDS: Sequence[Kind] = get_args(Kind)
_SAME = 1e-9
_OUTCOMES = {"confirm": 1.0, "deny": 0.0, "correction": 0.0}


class Held(NamedTuple):
    """A belief: its base rate in log-odds, whether that is the parameters' for its source and kind, and those two."""

    base: float
    usual: bool
    source: int
    kind: int


class Word(NamedTuple):
    """Something said about a belief directly, `observed` and taken in at `day`.

    It weighs `level` nats, or with `absolute`, what takes the base rate to the log-odds `level`; `source` ≥ 0 says that
    the level is the usual one of that source. It takes the place of the word number `old` (−1: of none); a pin of all
    before it. `truth` is what it says of the belief, if it is the first judgement by a person (None: it is not).
    """

    belief: int
    day: float
    observed: float
    level: float
    absolute: bool
    source: int
    old: int
    pin: bool
    truth: float | None


class Edge(NamedTuple):
    """A belief behind a response. `adherence` None: nobody knew it. Ratios are those of the words on the response."""

    belief: int
    weight: float
    adherence: float | None
    wrong_ratio: float
    missed_ratio: float


class Sent(NamedTuple):
    """A signal on a response: its kind, whether it was good (or, of a kind without a value, came), how strong it is.

    `came` False: a signal that did not come, of a kind without a value that this user sends. `factor` tells its
    context (a place in `Vocabulary.contexts`), `slip` the tag that calls it an accident (−1: none). With probability
    `regardless` she gave it whatever she thought, and then a good one with `habitual`, as known when it was shown.
    """

    kind: int
    good: bool
    strength: float
    came: bool
    factor: int
    slip: int
    regardless: float = 0.0
    habitual: float = 0.5


class Shown(NamedTuple):
    """A response, shown on `day`; its signals count from `learned`, as evidence observed on `observed`.

    `tag` is the first reason chip on it (−1: none).
    """

    day: float
    learned: float
    observed: float
    edges: tuple[Edge, ...]
    sent: tuple[Sent, ...]
    form_ratio: float
    other_ratio: float
    tag: int


@dataclass(slots=True, kw_only=True)
class History:
    """One user. `order` lists what happened: (0, place in words), (1, place in shown), (2, place in shown: learned)."""

    beliefs: list[Held] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    order: list[tuple[int, int]] = field(default_factory=list)
    since_us: int = 0
    until_us: int = 0

    @property
    def signals(self) -> int:
        """Return how many signals there are."""
        return sum(sent.came for shown in self.shown for sent in shown.sent)

    @property
    def tells(self) -> bool:
        """Say whether there is anything to predict and score."""
        return any(shown.sent for shown in self.shown) or any(word.truth is not None for word in self.words)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The kinds of signals, tags and contexts that parameters know, each with its place."""

    parameters: Parameters
    signals: Mapping[str, int]
    tags: Mapping[str, int]
    slips: Mapping[str, int]
    contexts: Sequence[tuple[int, ...]]

    def context(self, context: Mapping[str, str]) -> int:
        """Return the place of the entries that hold in a context, taken together."""
        entries = self.parameters.accident_contexts
        held = tuple(n for n, entry in enumerate(entries) if context.get(entry.key) == entry.value)
        return self.contexts.index(held)


def vocabulary(parameters: Parameters) -> Vocabulary:
    """Return the vocabulary of parameters. Contexts: none, and every set of entries that can hold at once."""
    sets: list[tuple[int, ...]] = [()]
    for number, entry in enumerate(parameters.accident_contexts):
        sets += [
            (*each, number)
            for each in sets
            if all(parameters.accident_contexts[other].key != entry.key for other in each)
        ]
    slips = [name for name, tag in parameters.tags.items() if tag.accident is not None]
    return Vocabulary(
        parameters=parameters,
        signals={name: n for n, name in enumerate(parameters.signals)},
        tags={name: n for n, name in enumerate(parameters.tags)},
        slips={name: n for n, name in enumerate(slips)},
        contexts=sets,
    )


def read_history(reader: Reader, words: Vocabulary) -> History:
    """Return what a user's records say to a fit; a user without responses that rest on beliefs has an empty history."""
    return _Reading(reader, words).history()


class _Reading:
    """One pass over one user's records, in the order in which they were made."""

    def __init__(self, reader: Reader, vocabulary: Vocabulary) -> None:
        self._vocabulary, self._parameters = vocabulary, vocabulary.parameters
        nodes = list(reversed(reader.beliefs()))
        self._place = {node.id: place for place, node in enumerate(nodes)}
        self._held = [
            Held(
                base=node.state.base,
                usual=abs(node.state.base - logit(self._parameters.base_rate(node.source, node.kind)))
                < _SAME,
                source=SOURCES.index(node.source),
                kind=KINDS.index(node.kind),
            )
            for node in nodes
        ]
        read = [(s, i) for s, i in reversed(reader.signals()) if s.retracted_at is None]
        self._signals = {signal.id: signal for signal, _ in read}
        self._readings = {signal.id: interpretation.readings for signal, interpretation in read}
        self._on = _counted(signal for signal, _ in read)
        self._responses = [each for each in reversed(reader.responses()) if each.generated_by]
        self._revisions = [each for each in reader.revisions() if _is_word(each)]
        self._judged: set[BeliefId] = set()
        self._latest: dict[tuple[BeliefId, str], int] = {}
        self._pinned: dict[BeliefId, Item] = {}
        self._found = History(beliefs=self._held)

    def history(self) -> History:
        gone = _taken_away(self._revisions)
        steps: list[tuple[int, int, int, Revision | Response]] = []
        for revision in self._revisions:
            assert revision.item is not None
            if not revision.removed and _key(revision.item) not in gone:
                steps.append((revision.seq, revision.item.observed_us, 0, revision))
        for response in self._responses:
            steps.append((response.seq, to_us(response.observed_at), 1, response))
            emitting = self._emitting(response.id)
            if emitting:
                last = max(emitting, key=lambda signal: signal.seq)
                steps.append((last.seq, to_us(last.observed_at), 2, response))
        latest_us = 0
        shown: dict[ResponseId, int] = {}
        for _, at_us, what, record in sorted(steps, key=lambda step: step[0]):
            latest_us = max(latest_us, at_us)
            if isinstance(record, Revision):
                self._say(record, latest_us)
            elif what == 1:
                shown[record.id] = len(self._found.shown)
                self._found.order.append((1, shown[record.id]))
                self._found.shown.append(self._show(record, latest_us))
            else:
                place = shown[record.id]
                self._found.order.append((2, place))
                self._found.shown[place] = self._found.shown[place]._replace(learned=latest_us / DAY_US)
        self._add_what_did_not_come()
        if steps:
            self._found.since_us = min(step[1] for step in steps)
            self._found.until_us = latest_us
        return self._found

    def _say(self, revision: Revision, at_us: int) -> None:
        item = revision.item
        assert item is not None
        place, pin = self._place[item.belief_id], self._pinned.get(item.belief_id)
        if pin is not None and item.order < pin.order:
            return
        held = self._held[place]
        spoken = item.slot.startswith(SOURCE_PREFIX)
        absolute = spoken or item.slot == PIN
        level = item.nats + held.base if absolute else item.nats
        source = self._usual_of(item.slot, level) if spoken else -1
        slot = (item.belief_id, item.slot)
        self._found.order.append((0, len(self._found.words)))
        self._found.words.append(
            Word(
                belief=place,
                day=at_us / DAY_US,
                observed=min(at_us, item.observed_us) / DAY_US,
                level=level,
                absolute=absolute,
                source=source,
                old=self._latest.get(slot, -1),
                pin=item.slot == PIN,
                truth=self._truth(item, level),
            )
        )
        if item.slot == PIN:
            self._pinned[item.belief_id] = item
            self._latest = {key: n for key, n in self._latest.items() if key[0] != item.belief_id}
        else:
            self._latest[slot] = len(self._found.words) - 1

    def _usual_of(self, slot: str, level: float) -> int:
        """Return the place of the source whose usual confidence a statement has; −1 if somebody said how sure."""
        for place, source in enumerate(SOURCES):
            if slot == source_slot(source):
                usual = self._parameters.sources[source].confidence
                return place if abs(level - logit(usual)) < _SAME else -1
        return -1

    def _truth(self, item: Item, level: float) -> float | None:
        """Return what a person says of a belief, the first time that she is asked to judge it; None if she does not."""
        signal = self._signals.get(SignalId(item.id))
        if signal is None or item.slot not in (WORD, PIN) or item.belief_id in self._judged:
            return None
        truth = _OUTCOMES.get(signal.kind) if item.slot == WORD else float(level >= 0.0)
        if truth is not None:
            self._judged.add(item.belief_id)
        return truth

    def _emitting(self, response_id: ResponseId) -> list[Signal]:
        return [s for s in self._on.get(response_id, {}).values() if self._parameters.signal(s.kind).emits]

    def _show(self, response: Response, at_us: int) -> Shown:
        signals = sorted(self._emitting(response.id), key=lambda signal: signal.seq)
        told = [
            ratios_of(self._parameters, response, signal, self._readings[signal.id])
            for signal in signals
            if signal.tags or signal.text
        ]
        usual = self._parameters.attribution.adherence
        edges = []
        for edge in response.generated_by:
            assert edge.weight is not None and edge.adherence is not None
            edges.append(
                Edge(
                    belief=self._place[edge.belief_id],
                    weight=edge.weight,
                    adherence=None if abs(edge.adherence - usual) < _SAME else edge.adherence,
                    wrong_ratio=math.prod([ratio.wrong.get(edge.belief_id, 1.0) for ratio in told]),
                    missed_ratio=math.prod([ratio.missed.get(edge.belief_id, 1.0) for ratio in told]),
                )
            )
        observed = [to_us(signal.observed_at) for signal in signals]
        return Shown(
            day=at_us / DAY_US,
            learned=at_us / DAY_US,
            observed=min([at_us, *observed]) / DAY_US,
            edges=tuple(edges),
            sent=tuple(self._sent(signal, response.habits.get(signal.kind)) for signal in signals),
            form_ratio=math.prod([ratio.form for ratio in told]),
            other_ratio=math.prod([ratio.other for ratio in told]),
            tag=next((self._vocabulary.tags[tag] for signal in signals for tag in signal.tags), -1),
        )

    def _sent(self, signal: Signal, habit: Habit | None) -> Sent:
        kind = self._parameters.signal(signal.kind)
        goodness = kind.goodness_of(signal.value)
        slips = [self._vocabulary.slips[tag] for tag in signal.tags if tag in self._vocabulary.slips]
        return Sent(
            kind=self._vocabulary.signals[signal.kind],
            good=goodness > 0.0 if kind.has_outcome else True,
            strength=abs(goodness),
            came=True,
            factor=self._vocabulary.context(signal.context),
            slip=slips[0] if slips else -1,
            regardless=habit.regardless if habit else 0.0,
            habitual=habit.good if habit else 0.5,
        )

    def _add_what_did_not_come(self) -> None:
        """Note, on every response, the kinds without a value that this user sends elsewhere: here they did not come."""
        kinds = list(self._parameters.signals.values())
        sent = {each.kind for shown in self._found.shown for each in shown.sent}
        silent = [kind for kind in sorted(sent) if not kinds[kind].has_outcome]
        for place, shown in enumerate(self._found.shown):
            missing = set(silent) - {each.kind for each in shown.sent}
            absent = [
                Sent(kind=kind, good=True, strength=1.0, came=False, factor=0, slip=-1)
                for kind in sorted(missing)
            ]
            if absent:
                self._found.shown[place] = shown._replace(sent=(*shown.sent, *absent))


def _counted(signals: Iterable[Signal]) -> dict[ResponseId, dict[str, Signal]]:
    """Return the latest signal of each kind on each response, as evidence counts them."""
    on: dict[ResponseId, dict[str, Signal]] = {}
    for signal in signals:
        if signal.response_id is not None:
            kinds = on.setdefault(signal.response_id, {})
            other = kinds.get(signal.kind)
            if other is None or (signal.observed_at, signal.seq) >= (other.observed_at, other.seq):
                kinds[signal.kind] = signal
    return on


def _is_word(revision: Revision) -> bool:
    return revision.item is not None and revision.item.slot != RESPONSE


def _key(item: Item) -> tuple[BeliefId, str, str]:
    return (item.belief_id, item.slot, item.id)


def _taken_away(revisions: Iterable[Revision]) -> set[tuple[BeliefId, str, str]]:
    """Return the words that the revisions, oldest first, do not leave."""
    left: dict[tuple[BeliefId, str, str], bool] = {}
    for revision in revisions:
        assert revision.item is not None
        left[_key(revision.item)] = revision.removed
    return {key for key, removed in left.items() if removed}
