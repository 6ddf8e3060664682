"""Contradiction as a factor between beliefs, not an item of either (design section 3). Pure functions.

For a confirmed contradiction of strength s, "both true" is penalised by (1 − s). The messages

    μ_j→i = ln(1 − s·σ(u_j + Σ_{k≠i} μ_k→j))

are iterated a fixed number of synchronous sweeps with damping ½ (loopy belief propagation), so that the result
depends on own log-odds and edges alone: no order, no echo, nothing left behind when an edge goes.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from beliefgraph.graph.ids import BeliefId

SWEEPS = 30
DAMPING = 0.5
MAX_STRENGTH = 0.95


def conflict_nats(
    own: Mapping[BeliefId, float], edges: Iterable[tuple[BeliefId, BeliefId, float]]
) -> dict[BeliefId, float]:
    """Return for each belief the sum of messages (nats, ≤ 0) that confirmed contradictions send to it.

    `own` maps beliefs to own log-odds; an edge is (belief, belief, strength in [0, .95]). Beliefs without edges get 0.
    """
    strength = {
        (min(first, second), max(first, second)): min(MAX_STRENGTH, value) for first, second, value in edges
    }
    if not strength:
        return dict.fromkeys(own, 0.0)
    # One order for every sum, or rounding would tell orders apart.
    place = {belief: number for number, belief in enumerate(sorted(own))}
    pairs = sorted(strength)
    there = np.array([[place[one], place[other]] for one, other in pairs]).T
    source, target = there, there[::-1].ravel()
    half = np.array([strength[pair] for pair in pairs]) / 2
    odds = np.array([own[belief] for belief in place])
    messages = np.zeros(source.shape)  # row 0 goes from the lower id to the higher, row 1 answers
    for _ in range(SWEEPS):
        incoming = np.bincount(target, messages.ravel(), len(place))
        told = (odds + incoming)[source] - messages[::-1]
        sent = np.log1p(-half * (1.0 + np.tanh(told / 2)))  # σ(x) = (1 + tanh(x/2)) / 2
        messages += (1 - DAMPING) * (sent - messages)
    nats = np.bincount(target, messages.ravel(), len(place)).tolist()
    return {belief: nats[place[belief]] for belief in own}
