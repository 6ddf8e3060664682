"""Many users side by side: their histories as arrays, cut into steps in which no two users, and no belief, meet twice.

Only a change of form; what the numbers mean lies in histories.py, what is computed from them in forward.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from beliefgraph.ingest.fitting.histories import History, Sent, Shown, Word

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SIGNALS_A_BLOCK = 30_000
"""How many signals lie side by side: enough for arrays to pay, few enough for them to stay in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beliefs:
    """Rows: one a belief. `base` is its base rate in log-odds, unless `usual`: then that of its source and kind."""

    base: Floats
    usual: Flags
    source: Whole
    kind: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Rows: one a `Word`, by step. `truth` is NaN where it judges nothing; `user` numbers the users of the block."""

    belief: Whole
    day: Floats
    observed: Floats
    level: Floats
    absolute: Flags
    source: Whole
    old: Whole
    pin: Flags
    truth: Floats
    user: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Rows: one a belief behind a response, by response. `adherence` is NaN where nobody knew it."""

    response: Whole
    belief: Whole
    weight: Floats
    adherence: Floats
    wrong_ratio: Floats
    missed_ratio: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Rows: one a `Sent`, by response."""

    response: Whole
    kind: Whole
    good: Flags
    strength: Floats
    came: Flags
    factor: Whole
    slip: Whole
    regardless: Floats
    habitual: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """Rows: one a response, by step. `learned` is NaN where no signal ever came."""

    day: Floats
    learned: Floats
    observed: Floats
    form_ratio: Floats
    other_ratio: Floats
    tag: Whole
    user: Whole


class Step(NamedTuple):
    """What happens at once, in this order: words (a slice), responses shown (a slice), responses learned from (rows).

    `starts` are where the edges of each learned response begin in `edges`, rows of the table of edges.
    """

    words: slice
    shown: slice
    shown_edges: slice
    learned: Whole
    edges: Whole
    starts: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Some users. `since_us` and `until_us` are when the first and the last thing was observed; 0 for none."""

    users: int
    beliefs: Beliefs
    words: Words
    responses: Responses
    edges: Edges
    signals: Signals
    steps: tuple[Step, ...]
    since_us: int
    until_us: int

    @property
    def count(self) -> int:
        """Return how many signals came."""
        return int(self.signals.came.sum())


def block(histories: Sequence[History]) -> Block:
    """Lay these users side by side."""
    words: list[tuple[int, int, int, Word]] = []
    shown: list[tuple[int, int, int, Shown]] = []
    learned: list[tuple[int, int, int]] = []
    first_belief = 0
    offsets = []
    for user, history in enumerate(histories):
        offsets.append(first_belief)
        for step, (what, place) in zip(_steps(history), history.order, strict=True):
            if what == 0:
                words.append((step, user, place, history.words[place]))
            elif what == 1:
                shown.append((step, user, place, history.shown[place]))
            else:
                learned.append((step, user, place))
        first_belief += len(history.beliefs)
    by_step: Any = lambda row: row[:2]  # noqa: E731
    words.sort(key=by_step)
    shown.sort(key=by_step)
    learned.sort(key=by_step)
    word_at = {(user, place): row for row, (_, user, place, _) in enumerate(words)}
    response_at = {(user, place): row for row, (_, user, place, _) in enumerate(shown)}
    edges = _edges(shown, offsets)
    since = [history.since_us for history in histories if history.order]
    return Block(
        users=len(histories),
        beliefs=_beliefs(histories),
        words=_words(words, word_at, offsets),
        responses=_responses(shown),
        edges=edges,
        signals=_signals(shown),
        steps=_cut(words, shown, learned, response_at, edges),
        since_us=min(since, default=0),
        until_us=max((history.until_us for history in histories), default=0),
    )


def _steps(history: History) -> Iterator[int]:
    """Number what happened to a user: a step has words on different beliefs, one response shown, one learned from."""
    step, phase = 0, 0
    said: set[int] = set()
    for what, place in history.order:
        again = what == 0 and history.words[place].belief in said
        if what < phase or again or (what == phase and what > 0):
            step, said = step + 1, set()
        phase = what
        if what == 0:
            said.add(history.words[place].belief)
        yield step


def _beliefs(histories: Sequence[History]) -> Beliefs:
    held = [belief for history in histories for belief in history.beliefs]
    return Beliefs(
        base=np.array([each.base for each in held], dtype=np.float64),
        usual=np.array([each.usual for each in held], dtype=np.bool_),
        source=np.array([each.source for each in held], dtype=np.int64),
        kind=np.array([each.kind for each in held], dtype=np.int64),
    )


def _words(
    found: Sequence[tuple[int, int, int, Word]], at: dict[tuple[int, int], int], offsets: Sequence[int]
) -> Words:
    truths = [np.nan if word.truth is None else word.truth for *_, word in found]
    return Words(
        belief=np.array([offsets[user] + word.belief for _, user, _, word in found], dtype=np.int64),
        day=np.array([word.day for *_, word in found], dtype=np.float64),
        observed=np.array([word.observed for *_, word in found], dtype=np.float64),
        level=np.array([word.level for *_, word in found], dtype=np.float64),
        absolute=np.array([word.absolute for *_, word in found], dtype=np.bool_),
        source=np.array([word.source for *_, word in found], dtype=np.int64),
        old=np.array(
            [-1 if word.old < 0 else at[user, word.old] for _, user, _, word in found], dtype=np.int64
        ),
        pin=np.array([word.pin for *_, word in found], dtype=np.bool_),
        truth=np.array(truths, dtype=np.float64),
        user=np.array([user for _, user, _, _ in found], dtype=np.int64),
    )


def _responses(found: Sequence[tuple[int, int, int, Shown]]) -> Responses:
    def column(name: str) -> Floats:
        return np.array([getattr(shown, name) for *_, shown in found], dtype=np.float64)

    return Responses(
        day=column("day"),
        learned=column("learned"),
        observed=column("observed"),
        form_ratio=column("form_ratio"),
        other_ratio=column("other_ratio"),
        tag=np.array([shown.tag for *_, shown in found], dtype=np.int64),
        user=np.array([user for _, user, _, _ in found], dtype=np.int64),
    )


def _edges(found: Sequence[tuple[int, int, int, Shown]], offsets: Sequence[int]) -> Edges:
    rows = [
        (response, offsets[user] + edge.belief, edge)
        for response, (_, user, _, shown) in enumerate(found)
        for edge in shown.edges
    ]
    known = [np.nan if edge.adherence is None else edge.adherence for *_, edge in rows]
    return Edges(
        response=np.array([response for response, _, _ in rows], dtype=np.int64),
        belief=np.array([belief for _, belief, _ in rows], dtype=np.int64),
        weight=np.array([edge.weight for *_, edge in rows], dtype=np.float64),
        adherence=np.array(known, dtype=np.float64),
        wrong_ratio=np.array([edge.wrong_ratio for *_, edge in rows], dtype=np.float64),
        missed_ratio=np.array([edge.missed_ratio for *_, edge in rows], dtype=np.float64),
    )


def _signals(found: Sequence[tuple[int, int, int, Shown]]) -> Signals:
    rows: list[tuple[int, Sent]] = [
        (response, sent) for response, (*_, shown) in enumerate(found) for sent in shown.sent
    ]
    return Signals(
        response=np.array([response for response, _ in rows], dtype=np.int64),
        kind=np.array([sent.kind for _, sent in rows], dtype=np.int64),
        good=np.array([sent.good for _, sent in rows], dtype=np.bool_),
        strength=np.array([sent.strength for _, sent in rows], dtype=np.float64),
        came=np.array([sent.came for _, sent in rows], dtype=np.bool_),
        factor=np.array([sent.factor for _, sent in rows], dtype=np.int64),
        slip=np.array([sent.slip for _, sent in rows], dtype=np.int64),
        regardless=np.array([sent.regardless for _, sent in rows], dtype=np.float64),
        habitual=np.array([sent.habitual for _, sent in rows], dtype=np.float64),
    )


def _cut(
    words: Sequence[tuple[int, int, int, Word]],
    shown: Sequence[tuple[int, int, int, Shown]],
    learned: Sequence[tuple[int, int, int]],
    response_at: dict[tuple[int, int], int],
    edges: Edges,
) -> tuple[Step, ...]:
    tables = [np.array([row[0] for row in table], dtype=np.int64) for table in (words, shown, learned)]
    last = max((int(table[-1]) for table in tables if len(table)), default=-1)
    bounds = [np.searchsorted(table, np.arange(last + 2)) for table in tables]
    rows = np.array([response_at[user, place] for _, user, place in learned], dtype=np.int64)
    first = np.searchsorted(edges.response, np.arange(len(shown) + 1))
    steps = []
    for step in range(last + 1):
        said, seen, taught = (slice(int(each[step]), int(each[step + 1])) for each in bounds)
        of_step = rows[taught]
        counts = first[of_step + 1] - first[of_step]
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        of_edges = np.repeat(first[of_step] - starts, counts) + np.arange(int(counts.sum()))
        steps.append(
            Step(
                words=said,
                shown=seen,
                shown_edges=slice(int(first[seen.start]), int(first[seen.stop])),
                learned=of_step,
                edges=of_edges.astype(np.int64),
                starts=starts[: len(of_step)],
            )
        )
    return tuple(steps)
