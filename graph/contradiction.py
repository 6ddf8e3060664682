"""Contradiction as a factor between beliefs, not an item of either (design section 3). Pure functions.

For a confirmed contradiction of strength s, "both true" is penalised by (1 − s). The messages

    μ_j→i = ln(1 − s·σ(u_j + Σ_{k≠i} μ_k→j))

are iterated a fixed number of synchronous sweeps with damping ½ (loopy belief propagation), so that the result
depends on own log-odds and edges alone: no order, no echo, nothing left behind when an edge goes.
"""

import math
from collections.abc import Iterable, Mapping

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import sigmoid

SWEEPS = 30
DAMPING = 0.5
MAX_STRENGTH = 0.95


def conflict_nats(
    own: Mapping[BeliefId, float], edges: Iterable[tuple[BeliefId, BeliefId, float]]
) -> dict[BeliefId, float]:
    """Return for each belief the sum of messages (nats, ≤ 0) that confirmed contradictions send to it.

    `own` maps beliefs to own log-odds; an edge is (belief, belief, strength in [0, .95]). Beliefs without edges get 0.
    """
    strength: dict[BeliefId, dict[BeliefId, float]] = {belief: {} for belief in own}
    for first, second, value in edges:
        strength[first][second] = strength[second][first] = min(MAX_STRENGTH, value)
    messages = {(source, target): 0.0 for source in strength for target in strength[source]}
    for _ in range(SWEEPS):
        incoming = {
            belief: math.fsum(messages[other, belief] for other in strength[belief]) for belief in own
        }
        messages = {
            (source, target): DAMPING * message
            + (1 - DAMPING)
            * math.log1p(
                -strength[source][target] * sigmoid(own[source] + incoming[source] - messages[target, source])
            )
            for (source, target), message in messages.items()
        }
    return {belief: math.fsum(messages[other, belief] for other in strength[belief]) for belief in own}
