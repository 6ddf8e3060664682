"""Which beliefs the next response should use: relevant, sure, in place, consistent, diverse, within a budget. Pure.

Everything is one pass over the arrays of a self-model; records are built for what is used alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.consistent import conflict_graph, heaviest_consistent
from beliefgraph.graph.glance import LIKELY, Floats, Glance
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import OUT_OF_USE
from beliefgraph.graph.model import UNDECIDED, BeliefNode, LinkKind, context_of, view
from beliefgraph.queries.asking import Asker, Hearing, Outlook
from beliefgraph.queries.personalize import (
    Choice,
    Personalization,
    Reason,
    Withheld,
    prompt_line,
    prompt_of,
)

Rows = npt.NDArray[np.int64]
HOPS, PASSED_ON = 2, 0.3
"""How far relevance is passed on between beliefs that grew out of one another, and how much of it at each step."""
ALIKE, LOST = 0.85, 0.5
"""While places are scarce, a belief nearer (cosine) than that to one already chosen loses of its score, up to half."""
_IN_PLACE = 2.0
"""How much more a belief observed in these very circumstances weighs than a general one that it contradicts."""


class ServingLimits(Protocol):
    """When a belief is used (how relevant, how sure, how many at most), and when a question is worth asking."""

    @property
    def relevant(self) -> float: ...  # noqa: D102 - named by the class
    @property
    def confident(self) -> float: ...  # noqa: D102
    @property
    def limit(self) -> int: ...  # noqa: D102
    @property
    def least_nats(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for: the query and where its beliefs lie, the circumstances, the time, and how much there is room.

    `direction` need not have unit length. `max_chars` bounds the whole prompt.
    """

    query: str
    direction: npt.NDArray[np.float32]
    context: Mapping[str, str]
    at_us: int
    limit: int | None = None
    max_chars: int | None = None


def personalize(
    glance: Glance, request: Request, *, limits: ServingLimits, hearing: Hearing
) -> Personalization:
    """Choose beliefs for a response to a query.

    Every live belief is in `used` or `withheld`; superseded and retired ones are in neither. Weights are shares of
    relevance and sum to 1.
    """
    stand = _consider(glance, request, limits)
    limit = limits.limit if request.limit is None else request.limit
    left_out = _narrow(glance, stand, request, limit)
    used, withheld = stand.with_reason("relevant"), stand.with_reason("relevant", not_=True)
    weights = stand.relevance[used] / stand.relevance[used].sum()
    outlook = Outlook(
        relevance=stand.relevance,
        weights=dict(zip(used.tolist(), weights.tolist(), strict=True)),
        least_score=float(stand.score[used].min(initial=np.inf)) if left_out or len(used) == limit else 0.0,
        confident=limits.confident,
        at_us=request.at_us,
    )
    question = Asker(glance=glance, outlook=outlook, hearing=hearing).best(stand.in_place, limits.least_nats)
    return Personalization(
        query=request.query,
        used=tuple(
            _choice(glance.nodes[row], request.at_us, float(stand.relevance[row]), weight)
            for row, weight in outlook.weights.items()
        ),
        withheld=Withheld(
            [glance.nodes[row] for row in withheld.tolist()],
            stand.relevance[withheld].tolist(),
            stand.reasons[withheld].tolist(),
            request.at_us,
        ),
        question=None if question is None else question.text,
        question_about=() if question is None else question.about,
        question_nats=0.0 if question is None else question.nats,
    )


def _choice(node: BeliefNode, at_us: int, relevance: float, weight: float) -> Choice:
    belief = view(node, at_us)
    return Choice(
        belief=belief, confidence=belief.confidence, relevance=relevance, weight=weight, reason="relevant"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    """How each belief (row) stands to a request. `ranked` are the live rows, best first; `fits` is as `_fits` has it.

    `reasons` are narrowed down as beliefs are taken out.
    """

    relevance: Floats
    score: Floats
    fits: Floats
    ranked: Rows
    reasons: npt.NDArray[np.str_]

    def with_reason(self, reason: Reason, *, not_: bool = False) -> Rows:
        """Return the live rows with (or without) this reason, best first."""
        found: Rows = self.ranked[(self.reasons[self.ranked] == reason) != not_]
        return found

    @property
    def in_place(self) -> Rows:
        """The live rows that are relevant and of these circumstances, best first."""
        return self.ranked[~np.isin(self.reasons[self.ranked], ("not_relevant", "other_context"))]


def _consider(glance: Glance, request: Request, limits: ServingLimits) -> _Stand:
    """Judge each belief by itself."""
    confidence, standing = glance.read(request.at_us, unopposed=_last_words(glance))
    relevance = relevance_of(glance, request.direction)
    score = np.maximum(0.0, relevance) * confidence
    near = (relevance >= limits.relevant) & (relevance > 0)
    fits = _fits(glance, request.context, near)
    reasons = np.full(len(glance.nodes), "relevant", dtype="U16")
    reasons[confidence < limits.confident] = "low_confidence"
    reasons[standing == "contested"] = "contested"
    reasons[standing == "tentative"] = "tentative"
    reasons[fits == 0] = "other_context"
    reasons[~near] = "not_relevant"
    ranked = np.lexsort((np.array([node.id for node in glance.nodes], dtype=np.str_), -score))
    live = ~np.isin(standing, OUT_OF_USE)
    return _Stand(relevance=relevance, score=score, fits=fits, ranked=ranked[live[ranked]], reasons=reasons)


def _narrow(glance: Glance, stand: _Stand, request: Request, limit: int) -> bool:
    """Take out what contradicts, repeats or has no room; say whether anything had no room."""
    stand.reasons[_taken_back(glance, stand.with_reason("relevant"), stand.fits)] = "contradicted"
    stand.reasons[_out_of_place(glance, stand.with_reason("relevant"), stand.fits)] = "contradicted"
    contradicted = _contradicted(glance, stand.with_reason("relevant"), stand.score * stand.fits)
    stand.reasons[contradicted] = "contradicted"
    stand.reasons[_repeated(glance, stand.with_reason("relevant"))] = "duplicate"
    candidates = stand.with_reason("relevant")
    chosen = _within(glance, candidates, stand.score, request, limit)
    stand.reasons[np.setdiff1d(candidates, chosen)] = "budget"
    return len(chosen) < len(candidates)


# Relevance


def relevance_of(glance: Glance, direction: npt.NDArray[np.float32]) -> Floats:
    """Return how relevant each belief is to a query: of itself, and through the beliefs that it is kin to."""
    if glance.vectors.shape[1] == 0:  # no belief has a vector
        return np.zeros(len(glance.nodes))
    # Row by row, unlike `@`: a relevance must not hang on which other beliefs there are, and equal vectors tie.
    own = np.einsum("ij,j->i", glance.vectors, direction, dtype=np.float64)
    return passed_on(own, kinship(glance))


def kinship(glance: Glance) -> Rows:
    """Return the pairs of beliefs that share an origin, shape (pairs, 2).

    One SPAWNED_FROM the other, both from the same signal, or (DUPLICATES, not dismissed) both saying the same.
    """
    rows = {node.id: row for row, node in enumerate(glance.nodes)}
    pairs = {
        (row, rows[node.parent_id])
        for row, node in enumerate(glance.nodes)
        if node.parent_id is not None and node.parent_id in rows
    }
    born: dict[str, list[int]] = {}
    for row, node in enumerate(glance.nodes):
        if node.origin_id is not None:
            born.setdefault(node.origin_id, []).append(row)
    for siblings in born.values():
        pairs.update(combinations(siblings, 2))
    pairs.update(_joined(glance, "duplicates", range(len(glance.nodes)), UNDECIDED))
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def passed_on(own: Floats, pairs: Rows) -> Floats:
    """Add to each relevance three tenths of the mean of its kin's (where positive), over two steps.

    A truncated Katz walk over the graph of kinship, degrees normalised.
    """
    if not len(pairs):
        return own
    ends, others = np.concatenate([pairs, pairs[:, ::-1]]).T
    degree = np.maximum(1, np.bincount(ends, minlength=len(own)))
    relevance = own
    for _ in range(HOPS):
        heard = np.bincount(ends, weights=np.maximum(0.0, relevance)[others], minlength=len(own))
        relevance = own + PASSED_ON * heard / degree
    return relevance


# What keeps a relevant belief out


def _fits(glance: Glance, context: Mapping[str, str], near: npt.NDArray[np.bool_]) -> Floats:
    """Return 0 for a belief of other circumstances, 2 for one observed in these, 1 for one of any."""
    fits = np.ones(len(glance.nodes))
    for row in np.flatnonzero(near).tolist():
        if glance.nodes[row].state.context == "{}":
            continue
        own = context_of(glance.nodes[row])
        if any(context.get(key, value) != value for key, value in own.items()):
            fits[row] = 0.0
        elif any(key in context for key in own):
            fits[row] = _IN_PLACE
    return fits


def _joined(
    glance: Glance, kind: LinkKind, among: Iterable[int], statuses: Sequence[str], *, least: float = 0.0
) -> list[tuple[int, int]]:
    """Return the pairs of rows that edges of a kind and status, at least so strong, join."""
    links = [
        link
        for link in glance.links
        if link.kind == kind and link.status in statuses and link.strength >= least
    ]
    rows = {glance.nodes[row].id: row for row in among} if links else {}
    return [(rows[link.low], rows[link.high]) for link in links if link.low in rows and link.high in rows]


def _last_words(glance: Glance) -> list[int]:
    """Return the rows of what she said later than everything that surely contradicts it, which she said too.

    What takes a statement back must not be withheld for want of confidence because of the statement that it takes back.
    """
    live = (row for row, node in enumerate(glance.nodes) if node.live)
    opposed, outdone = set[int](), set[int]()
    for one, other in _joined(glance, "contradicts", live, ("confirmed",)):
        older = _older_of(glance, one, other)
        outdone.update((one, other) if older is None else (older,))
        opposed.update((one, other))
    return sorted(opposed - outdone)


def _older_of(glance: Glance, one: int, other: int) -> int | None:
    """Return which of two that she said she said earlier; None if she did not say both, or at the same time."""
    said_us, other_us = (glance.said_us.get(glance.nodes[row].id) for row in (one, other))
    if said_us is None or other_us is None or said_us == other_us:
        return None
    return one if said_us < other_us else other


def _taken_back(glance: Glance, candidates: Rows, fits: Floats) -> Rows:
    """Return the candidates that she has likely contradicted since: of two that she said, the later one is served.

    A suspected contradiction moves no confidence, but between two things that cannot both be served the later word is
    the better guess; what she says again counts from then. A belief of these very circumstances and a general one are
    left to their weights.
    """
    likely = _joined(glance, "contradicts", candidates.tolist(), UNDECIDED, least=LIKELY)
    older = {_older_of(glance, one, other) for one, other in likely if fits[one] == fits[other]}
    return np.array(sorted(row for row in older if row is not None), dtype=np.int64)


def _out_of_place(glance: Glance, candidates: Rows, fits: Floats) -> Rows:
    """Return the candidates that yield to one of these very circumstances, which they contradict everywhere else.

    Of two that were decided to hold each in its place, one may have been given a place and the other none.
    """
    decided = _joined(glance, "contradicts", candidates.tolist(), ("resolved",))
    general = {min(pair, key=lambda row: fits[row]) for pair in decided if fits[pair[0]] != fits[pair[1]]}
    return np.array(sorted(general), dtype=np.int64)


def _contradicted(glance: Glance, candidates: Rows, weights: Floats) -> Rows:
    """Return the candidates that are outside the heaviest set without a confirmed contradiction."""
    rows: dict[BeliefId, int] = {glance.nodes[row].id: row for row in candidates.tolist()}
    ends = {
        end
        for pair in _joined(glance, "contradicts", rows.values(), ("confirmed",))
        for end in (glance.nodes[row].id for row in pair)
    }
    links = [link for link in glance.links if link.kind == "contradicts"]
    kept = heaviest_consistent(
        conflict_graph(ends, links), {end: float(weights[rows[end]]) for end in ends}
    ).beliefs
    return np.array([rows[end] for end in ends - kept], dtype=np.int64)


def _repeated(glance: Glance, candidates: Rows) -> Rows:
    """Return the candidates that say the same as a better one, which is kept."""
    same: dict[int, set[int]] = {}
    for one, other in _joined(glance, "duplicates", candidates.tolist(), UNDECIDED):
        same.setdefault(one, set()).add(other)
        same.setdefault(other, set()).add(one)
    repeated: set[int] = set()
    for row in candidates.tolist():
        if row not in repeated:
            repeated |= same.get(row, set())
    return np.array(sorted(repeated), dtype=np.int64)


def _within(glance: Glance, candidates: Rows, score: Floats, request: Request, limit: int) -> Rows:
    """Return the candidates that fit into the budget, the best first, each counting less the more it resembles one in.

    A relevance-diversity trade-off as of Carbonell and Goldstein's maximal marginal relevance (1998), by a factor.
    """
    if request.max_chars is None and len(candidates) <= limit:
        return candidates
    room = np.zeros(len(candidates))
    left = np.inf
    if request.max_chars is not None:
        lines = [prompt_line(view(glance.nodes[row], request.at_us)) for row in candidates.tolist()]
        room = np.array([len(line) + 1 for line in lines], dtype=np.float64)
        left = request.max_chars - (len(prompt_of([""])) - 1)
    lost = np.zeros(len(candidates))
    open_ = np.ones(len(candidates), dtype=np.bool_)
    chosen: list[int] = []
    while len(chosen) < limit and (open_ & (room <= left)).any():
        value = np.where(open_ & (room <= left), score[candidates] * (1.0 - lost), -1.0)
        best = int(value.argmax())
        chosen.append(best)
        open_[best] = False
        left -= room[best]
        likeness = glance.vectors[candidates] @ glance.vectors[candidates[best]]
        lost = np.maximum(lost, LOST * (likeness - ALIKE) / (1.0 - ALIKE))
    return candidates[chosen]
