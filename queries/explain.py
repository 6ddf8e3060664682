"""Why a belief is held, what stands against it, and what would change our mind: exact in nats, plain in prose."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import WORD, fade, read_state
from beliefgraph.graph.model import Belief, BeliefNode, Conflict, merged_into, to_conflict, view
from beliefgraph.graph.prior import Prior, noted_in
from beliefgraph.graph.store import Reader, Scope
from beliefgraph.graph.turns import counting, prolonged
from beliefgraph.queries.contributions import WITH_SIGNALS, Change, Contribution, contributions
from beliefgraph.queries.prose import explanation_prose

_TRIES = 1000
_SETTLED = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What would take the confidence across ½: `times` of this kind of evidence, each worth `nats` when it comes.

    What practice adds is counted in. `times` is None when it never would: what inference piles up is bounded, and a
    word said again replaces the first. They count as from a user who answers to what she gets: ever the same would in
    time be taken for a habit.
    """

    by: str
    nats: float
    times: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole account of one belief at one time.

    `base_nats` + Σ `contributions[i].term` + `conflict_nats` = `log_odds`, exactly; `belief.confidence` is its
    probability, kept within [.001, .999]. `prior` says what the base rate rests on. Of the lightest
    `signals_left_out` contributions the signals beneath are not listed. `changes` are the changes of mind that make
    what came before count less, the latest first. `heir` is the belief that took this one in, and whatever took that
    one in, down to the last. `str()` reads as plain prose.
    """

    belief: Belief
    base_nats: float
    prior: Prior
    contributions: Sequence[Contribution]
    conflict_nats: float
    log_odds: float
    conflicts: tuple[tuple[Conflict, Belief], ...]
    parent: Belief | None
    would_change: tuple[Move, ...]
    signals_left_out: int = 0
    changes: tuple[Change, ...] = ()
    heir: Belief | None = None

    def __str__(self) -> str:
        """Read the account aloud."""
        return explanation_prose(self)


def find_belief(reader: Reader, scope: Scope, belief_id: BeliefId, as_of_us: int | None) -> BeliefNode:
    """Return a belief as it stood. Raises `NotFoundError`."""
    found = reader.beliefs([belief_id], as_of_us=as_of_us)
    if not found:
        raise NotFoundError("belief", belief_id, user_id=scope.user_id)
    return found[0]


def explain(
    reader: Reader,
    scope: Scope,
    belief_id: BeliefId,
    *,
    now_us: int,
    as_of_us: int | None = None,
    words: Mapping[str, float],
    responses: Mapping[str, float],
) -> Explanation:
    """Explain a belief's confidence. `words` and `responses` name kinds of evidence with what one weighs, in nats.

    Raises `NotFoundError`.
    """
    at_us = now_us if as_of_us is None else as_of_us
    account = reader.account(belief_id, as_of_us=as_of_us)
    if account is None:
        raise NotFoundError("belief", belief_id, user_id=scope.user_id)
    node, others = account.node, account.others
    heir = _heir(reader, node, as_of_us)
    reading = read_state(node.state, at_us)
    up = reading.log_odds >= 0
    counted, changes = contributions(reader, account, at_us, as_of_us)
    said = sum(term for term, source in zip(counted.terms, counted.sources, strict=True) if source == WORD)
    moves = [
        Move(by=name, nats=nats, times=1 if (reading.log_odds - said + nats >= 0) != up else None)
        for name, nats in words.items()
        if (nats < 0) == up
    ] + [
        Move(by=name, nats=nats, times=times_to_cross(node, nats, at_us))
        for name, nats in ((name, nats + node.state.practice_nats) for name, nats in responses.items())
        if (nats < 0) == up
    ]
    return Explanation(
        belief=view(node, at_us),
        base_nats=node.state.base,
        prior=noted_in(account.opened, node.state.base),
        contributions=counted,
        conflict_nats=node.state.conflict,
        log_odds=reading.log_odds,
        conflicts=tuple(
            (to_conflict(link), view(others[link.high if link.low == belief_id else link.low], at_us))
            for link in account.links
        ),
        parent=None if node.parent_id is None else view(others[node.parent_id], at_us),
        would_change=tuple(moves),
        signals_left_out=max(0, len(counted) - WITH_SIGNALS),
        changes=tuple(changes),
        heir=None if heir is None else view(heir, at_us),
    )


def _heir(reader: Reader, node: BeliefNode, as_of_us: int | None) -> BeliefNode | None:
    """Return where a belief that was merged lives on: at the end of what was merged one into the next."""
    seen = [node]
    while seen[-1].state.lifecycle == "superseded":
        links = reader.links("duplicates", beliefs=[seen[-1].id], as_of_us=as_of_us)
        kept = merged_into(seen[-1].id, links)
        if kept is None or kept in (each.id for each in seen):
            break
        seen += reader.beliefs([kept], as_of_us=as_of_us)
    return seen[-1] if len(seen) > 1 else None


def times_to_cross(node: BeliefNode, nats: float, at_us: int) -> int | None:
    """Count how many such items, each on a day of its own from now on, take the confidence across ½; they do not fade.

    Counts as evidence inferred from responses: each crowds out the earlier, and a run of them counts as a change. None
    when a thousand do not.
    """
    state = node.state
    reading, left = read_state(state, at_us), fade(at_us - state.reference_us, state.half_life_days)
    start = reading.log_odds >= 0
    inferred_for, inferred_against = state.inferred
    rest = reading.log_odds - left * (inferred_for - inferred_against)
    total = (left * state.inferred_for, left * state.inferred_against)
    up, down = (
        (left * state.up_for, left * state.up_against),
        (left * state.down_for, left * state.down_against),
    )
    crowding, before = 2.0 ** (-abs(nats) / state.memory_nats), math.inf
    for times in range(1, _TRIES + 1):
        total = (total[0] * crowding + max(0.0, nats), total[1] * crowding + max(0.0, -nats))
        up, down = prolonged(up, crowding, nats, up=True), prolonged(down, crowding, nats, up=False)
        counts_for, counts_against = counting(total, up, down, state.change_nats, 1.0)
        now = rest + counts_for - counts_against
        if (now >= 0) != start:
            return times
        if abs(now - before) < _SETTLED:
            return None
        before = now
    return None
