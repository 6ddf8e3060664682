"""What the job makes of contradictions that count: by context, then by her words, then by weight. Pure.

Where the sides come from, and what a decision does, lies in resolution.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import networkx as nx

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.consistent import conflict_graph, heaviest_consistent
from beliefgraph.graph.ids import BeliefId, ConflictId
from beliefgraph.graph.model import Context, Link, Signal

NEVER = -math.inf
"""When a belief was said that was only inferred."""
UNDONE = "undone"
"""How the reason of an edge begins whose last decision a person took back."""
_SCOPED_BY = 2
"""Signals on each side from which contexts that never meet mean that both are right."""
_STRONGER_NATS = 1.5
"""Inferred against inferred: by so much what stands must outweigh what goes to be kept without asking."""

Verdict = Literal["keep", "scope", "merge", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the job makes of one confirmed conflict or sure duplicate, and why.

    `reason`: `contexts` (the signals for each come from a context of its own), `stated` (one was said, the other
    inferred), `newer` (both were said, this one later), `stronger` (both inferred; this one is of the likeliest set
    without a contradiction, the other of none nearly as likely), `duplicates` (both say the same; the one that was
    said, then the better supported, to .01 nats, then the older takes in the other); to ask: `stated_against_inferred`,
    `same_time`, `undecided`, `undone` (a person took back what was decided, and neither was said again since).
    """

    conflict_id: ConflictId
    beliefs: tuple[BeliefId, BeliefId]
    verdict: Verdict
    reason: str
    keep: BeliefId | None = None
    scope: Mapping[BeliefId, Context] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What stands behind one belief: when she last said it (µs), its own log-odds, and the signals for it.

    `overruled`: she said it, and what was inferred outweighs that.
    """

    said_us: float
    own_nats: float
    overruled: bool
    signals: Sequence[Signal]


Sides = Mapping[BeliefId, Side]


def by_context(links: Sequence[Link], sides: Sides) -> list[Decision]:
    """Keep both of two beliefs where the signals for each come from a context of its own."""
    return [
        Decision(conflict_id=link.id, beliefs=link.ends, verdict="scope", reason="contexts", scope=scope)
        for link in links
        if not _undone(link, sides) and (scope := _contexts_apart(link, sides))
    ]


def by_word(links: Sequence[Link], sides: Sides) -> list[Decision]:
    """Let each word of hers take the place of what it contradicts, inferred or said before, in the order of her words.

    What a word took back does not return when a later one takes its place, however often the job runs between them.
    """
    decisions = []
    for link in sorted(links, key=lambda link: max(sides[end].said_us for end in link.ends)):
        other, kept = sorted(link.ends, key=lambda end: sides[end].said_us)
        overruled = sides[other].overruled or sides[kept].overruled
        if sides[other].said_us < sides[kept].said_us and not overruled and not _undone(link, sides):
            decisions.append(_keep(link, kept, "stated" if sides[other].said_us == NEVER else "newer"))
    return decisions


def by_weight(links: Sequence[Link], sides: Sides) -> list[Decision]:
    """Of what was only inferred keep the likeliest set without a contradiction, where anything else is far less likely.

    Contradictions taken as certain, a set is the likelier by the sum of its log-odds: the heaviest is the likeliest. A
    belief goes if every set that has it is lighter by 1.5 nats at least, so what stands against it cannot go as well.
    """
    graph = conflict_graph({end for link in links for end in link.ends}, links)
    lost: dict[BeliefId, float] = {}
    for component in nx.connected_components(graph):
        lost |= _lost(graph.subgraph(component), {belief: sides[belief].own_nats for belief in component})
    decisions = []
    for link in links:
        kept, other = sorted(link.ends, key=lambda end: lost[end])
        inferred = sides[kept].said_us == sides[other].said_us == NEVER
        sure = lost[kept] == 0.0 and lost[other] >= _STRONGER_NATS
        if inferred and sure and not _undone(link, sides):
            decisions.append(_keep(link, kept, "stronger"))
    return decisions


def _lost(graph: "nx.Graph[BeliefId]", own: Mapping[BeliefId, float]) -> dict[BeliefId, float]:
    """Return by how many nats the heaviest consistent set with each belief is lighter than the heaviest of all.

    Zero, too, for all of a component that is too large to be sure.
    """
    likely = graph.subgraph(belief for belief in graph if own[belief] > 0)
    best = heaviest_consistent(likely, own)
    lost = dict.fromkeys(graph, 0.0)
    for belief in graph.nodes - best.beliefs if best.exact else ():
        beside = likely.subgraph(likely.nodes - {belief, *graph[belief]})
        lost[belief] = best.weight - own[belief] - heaviest_consistent(beside, own).weight
    return lost


def to_ask(link: Link, sides: Sides) -> Decision:
    """Leave to a person what nothing decides, and say why."""
    first, second = (sides[end] for end in link.ends)
    reason = "undecided"
    if _undone(link, sides):
        reason = "undone"
    elif first.overruled or second.overruled:
        reason = "stated_against_inferred"
    elif first.said_us == second.said_us != NEVER:
        reason = "same_time"
    return Decision(conflict_id=link.id, beliefs=link.ends, verdict="ask", reason=reason)


def _keep(link: Link, kept: BeliefId, reason: str) -> Decision:
    return Decision(conflict_id=link.id, beliefs=link.ends, verdict="keep", reason=reason, keep=kept)


def _undone(link: Link, sides: Sides) -> bool:
    """Say whether a person took back what was decided, and has said neither since."""
    said_us = max(sides[end].said_us for end in link.ends)
    return link.reason.startswith(UNDONE) and said_us <= to_us(link.recorded_at)


def _contexts_apart(link: Link, sides: Sides) -> dict[BeliefId, Context]:
    """Return the context of each where some key has one value in all signals for one, and another for the other.

    The signals must come by turns: where all of one side came first, the user changed and not her circumstances. Any
    such key tells all signals apart; of several the alphabetically first is taken.
    """
    signals = [sides[end].signals for end in link.ends]
    if min(map(len, signals)) < _SCOPED_BY or not _by_turns(*signals):
        return {}
    for key in sorted(signals[0][0].context):
        first, second = ({signal.context.get(key) for signal in side} for side in signals)
        if len(first) == len(second) == 1 and first != second and None not in second:
            return {
                end: {key: str(found.pop())} for end, found in zip(link.ends, (first, second), strict=True)
            }
    return {}


def _by_turns(first: Sequence[Signal], second: Sequence[Signal]) -> bool:
    """Say whether each side has a signal later than one of the other."""
    ours, theirs = ([signal.observed_at for signal in side] for side in (first, second))
    return min(ours) < max(theirs) and min(theirs) < max(ours)
