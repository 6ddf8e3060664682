"""What the confidences would be if a signal had not come, or if one came now. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from beliefgraph.graph.model import Belief, BeliefNode, Conflict, Outcome, view
from beliefgraph.queries.prose import percent
from beliefgraph.queries.timeline import quoted

_NOTHING = 1e-9
"""What rounding may make of no difference in confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One belief as it stands now, and as it would stand."""

    now: Belief
    supposed: Belief


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What would be different, the belief moved most first; what is not named would be the same.

    `spawned` are the beliefs that would be made, `conflicts` those that would come up. Nothing was written.
    """

    shifts: tuple[Shift, ...]
    spawned: tuple[Belief, ...]
    conflicts: tuple[Conflict, ...]

    def __str__(self) -> str:
        """Tell what would be different."""
        lines = [
            f"{quoted(each.now.statement)} would be at {percent(each.supposed.confidence)}, {each.supposed.standing}; "
            f"it is at {percent(each.now.confidence)}, {each.now.standing}"
            for each in self.shifts
        ]
        lines += [f"{quoted(b.statement)} would be spawned, at {percent(b.confidence)}" for b in self.spawned]
        lines += [
            f"{' and '.join(c.beliefs)} would contradict each other: {c.status}" for c in self.conflicts
        ]
        return "\n".join(lines) or "Nothing would be different."


def what_if(outcome: Outcome, nodes: Iterable[BeliefNode], now_us: int) -> WhatIf:
    """Compare the outcome of what was not written with the beliefs as they are.

    Revisions that are on record count for nothing: those of a signal that was taken back already.
    """
    last = {revision.belief_id: revision for revision in outcome.revisions}
    compared = [
        Shift(now=view(node, now_us), supposed=view(replace(node, state=last[node.id].state), now_us))
        for node in nodes
        if last[node.id].ordinal > node.ordinal
    ]
    shifts = [each for each in compared if _differs(each)]
    shifts.sort(key=lambda each: (-abs(each.supposed.confidence - each.now.confidence), each.now.id))
    return WhatIf(shifts=tuple(shifts), spawned=outcome.spawned, conflicts=outcome.conflicts)


def _differs(shift: Shift) -> bool:
    """Say whether anything would show: a pin, or a mind that changed, can hide evidence whole."""
    now, supposed = shift.now, shift.supposed
    moved = abs(supposed.confidence - now.confidence) > _NOTHING
    return moved or (supposed.standing, supposed.context) != (now.standing, now.context)
