"""Why a belief is held, what stands against it, and what would change our mind: exact in nats, plain in prose."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from beliefgraph.graph.accounts import account_at
from beliefgraph.graph.errors import NotFoundError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import WORD, fade, read_state
from beliefgraph.graph.model import Belief, BeliefNode, Conflict, to_conflict, view
from beliefgraph.graph.prior import Prior, noted_in
from beliefgraph.graph.store import Reader, Scope
from beliefgraph.queries.contributions import WITH_SIGNALS, Contribution, contributions
from beliefgraph.queries.prose import explanation_prose

_TRIES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What would take the confidence across ½: `times` of this kind of evidence, each worth `nats` when it comes.

    `times` is None when it never would: what inference piles up is bounded, and a word said again replaces the first.
    """

    by: str
    nats: float
    times: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole account of one belief at one time.

    `base_nats` + Σ `contributions[i].term` + `conflict_nats` = `log_odds`, exactly; `belief.confidence` is its
    probability, kept within [.001, .999]. `prior` says what the base rate rests on. Of the lightest
    `signals_left_out` contributions the signals beneath are not listed. `str()` reads as plain prose.
    """

    belief: Belief
    base_nats: float
    prior: Prior
    contributions: tuple[Contribution, ...]
    conflict_nats: float
    log_odds: float
    conflicts: tuple[tuple[Conflict, Belief], ...]
    parent: Belief | None
    would_change: tuple[Move, ...]
    signals_left_out: int = 0

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
    account = reader.account(belief_id) if as_of_us is None else account_at(reader, belief_id, as_of_us)
    if account is None:
        raise NotFoundError("belief", belief_id, user_id=scope.user_id)
    node, others = account.node, account.others
    reading = read_state(node.state, at_us)
    up = reading.log_odds >= 0
    counted = tuple(contributions(reader, account, at_us, as_of_us))
    said = sum(each.term for each in counted if each.source == WORD)
    moves = [
        Move(by=name, nats=nats, times=1 if (reading.log_odds - said + nats >= 0) != up else None)
        for name, nats in words.items()
    ] + [
        Move(by=name, nats=nats, times=times_to_cross(node, nats, at_us)) for name, nats in responses.items()
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
        would_change=tuple(move for move in moves if (move.nats < 0) == up),
        signals_left_out=max(0, len(counted) - WITH_SIGNALS),
    )


def times_to_cross(node: BeliefNode, nats: float, at_us: int) -> int | None:
    """Count how many such items, each on a day of its own from now on, take the confidence across ½; they do not fade.

    Counts as evidence inferred from responses: each crowds out the earlier by r = 2^(−|e|/E), so that after n of them
    what is inferred has gone rⁿ of the way from where it is to its bound, e/(1 − r). None when a thousand do not.
    """
    state = node.state
    reading, left = read_state(state, at_us), fade(at_us - state.reference_us, state.half_life_days)
    inferred = left * (state.inferred_for - state.inferred_against)
    crowding = 2.0 ** (-abs(nats) / state.memory_nats)
    bound = nats / (1.0 - crowding) if crowding < 1.0 else 0.0
    start = reading.log_odds >= 0
    at_bound = reading.log_odds - inferred + bound
    if nats == 0.0 or (at_bound >= 0) == start or at_bound == 0.0:
        return None
    # Solved for n, then the neighbours are tried: at the crossing a rounding error decides.
    count = max(1, math.ceil(math.log(at_bound / (bound - inferred)) / math.log(crowding)))
    for times in range(max(1, count - 1), count + 2):
        left_of = crowding**times
        if (at_bound - left_of * (bound - inferred) >= 0) != start:
            return times if times <= _TRIES else None
    return None
