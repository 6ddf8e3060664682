"""What changed in a self-model between two times: beliefs that came, went, came back or moved, and why."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import OUT_OF_USE
from beliefgraph.graph.model import Belief, BeliefNode, Revision, view
from beliefgraph.graph.store import Reader
from beliefgraph.queries.prose import percent
from beliefgraph.queries.timeline import quoted, why

What = Literal["added", "gone", "back", "moved"]
_CAUSES = 10
_FADED = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What became of one belief: as it was read at the start (None: not there yet) and at the end.

    `what` is `added`, `gone` (superseded or retired since), `back` (in use again) or `moved`. `causes` are its latest
    revisions since the start, oldest first, `left_out` counts those before them; with none at all it only faded.
    """

    what: What
    before: Belief | None
    after: Belief
    causes: tuple[Revision, ...]
    left_out: int

    @property
    def delta(self) -> float:
        """Return how far the confidence moved."""
        return self.after.confidence - (0.0 if self.before is None else self.before.confidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What changed between two times: the beliefs that came, then went, then came back, then moved, most moved first.

    Beliefs that nothing was recorded on and that faded by less than half a percent are not in it. `left_out` counts the
    differences beyond the limit. `str()` reads as plain prose.
    """

    start: datetime
    end: datetime
    differences: tuple[Difference, ...]
    left_out: int = 0

    def __str__(self) -> str:
        """Tell what changed."""
        return "\n".join(_lines(self))


def diff(reader: Reader, *, start_us: int, end_us: int, limit: int) -> Diff:
    """Compare a self-model as it stood at two times."""
    before = {node.id: node for node in reader.beliefs(as_of_us=start_us)}
    changed = [
        (before.get(node.id), node)
        for node in reader.beliefs(as_of_us=end_us)
        if _differs(before.get(node.id), node, start_us, end_us)
    ]
    revised = [node.id for old, node in changed if node.ordinal != _ordinal(old)]
    causes: dict[BeliefId, list[Revision]] = defaultdict(list)
    for revision in reversed(reader.latest_revisions(revised, limit=_CAUSES, as_of_us=end_us)):
        causes[revision.belief_id].append(revision)
    found = [_difference(old, node, causes[node.id], start_us, end_us) for old, node in changed]
    order: list[What] = ["added", "gone", "back", "moved"]
    found.sort(key=lambda each: (order.index(each.what), -abs(each.delta), each.after.id))
    return Diff(
        start=from_us(start_us),
        end=from_us(end_us),
        differences=tuple(found[:limit]),
        left_out=max(0, len(found) - limit),
    )


def _ordinal(node: BeliefNode | None) -> int:
    return 0 if node is None else node.ordinal


def _differs(old: BeliefNode | None, node: BeliefNode, start_us: int, end_us: int) -> bool:
    if old is None or old.ordinal != node.ordinal:
        return True
    faded = view(node, end_us).confidence - view(old, start_us).confidence
    return abs(faded) >= _FADED


def _difference(
    old: BeliefNode | None, node: BeliefNode, latest: list[Revision], start_us: int, end_us: int
) -> Difference:
    before, after = None if old is None else view(old, start_us), view(node, end_us)
    causes = tuple(r for r in latest if r.ordinal > _ordinal(old))
    return Difference(
        what=_what(before, after),
        before=before,
        after=after,
        causes=causes,
        left_out=node.ordinal - _ordinal(old) - len(causes),
    )


def _what(before: Belief | None, after: Belief) -> What:
    if before is None:
        return "added"
    was, is_now = before.standing not in OUT_OF_USE, after.standing not in OUT_OF_USE
    return "moved" if was == is_now else "back" if is_now else "gone"


def _lines(found: Diff) -> Iterator[str]:
    span = f"between {found.start:%Y-%m-%d %H:%M} and {found.end:%Y-%m-%d %H:%M}"
    if not found.differences:
        yield f"Nothing changed {span}."
        return
    yield f"What changed {span}:"
    for each in found.differences:
        yield f"  {each.what}: {quoted(each.after.statement)} {_course(each)}{_because(each)}"
    if found.left_out:
        yield f"  … and {found.left_out:,} more"


def _course(each: Difference) -> str:
    after = f"{percent(each.after.confidence)}, {each.after.standing}"
    if each.before is None:
        return f"at {after}"
    stood = "" if each.before.standing == each.after.standing else f", {each.before.standing}"
    return f"from {percent(each.before.confidence)}{stood} to {after}"


def _because(each: Difference) -> str:
    if not each.causes:
        return " (faded)"
    told = "; ".join(f"{r.cause_kind} {r.cause_id}{why(r)}" for r in each.causes)
    return f": {told}" if not each.left_out else f": {told}; {each.left_out:,} changes before these"
