"""How far signals came, counted: one fate for each, added up by kind, source and period. No reading, no wording."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from beliefgraph.graph.clock import from_us

Per = Literal["day", "week", "month"]
RECEIVED, TRACED, INTERPRETED, MOVED, USED = range(5)
"""How far a signal came; each step has passed all before it."""
UNNAMED, OTHERS, UNDATED = "(unnamed)", "(others)", "(undated)"
"""Names of groups that have none: no source was named, one name too many, no time is known."""
_MOST_NAMES = 200


class Fate(NamedTuple):
    """What signals that are counted together have in common. `reason` is why they stopped; None: they did not."""

    kind: str
    source: str
    period: str
    step: int
    reason: str | None


Fates = Mapping[Fate, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How many signals came how far. `received` = `moved` + the sum of `reasons`.

    `traced`: to a response or a belief; `interpreted`: as about a belief; `moved`: moved one; `used`: one that it
    moved stood behind a later response. `closed` is the share that moved one (None: nothing was received), `lost` how
    many stopped because the loop is open; the other reasons are interpretations.
    """

    received: int
    traced: int
    interpreted: int
    moved: int
    used: int
    lost: int
    closed: float | None
    reasons: Mapping[str, int]


def funnel(fates: Fates, lost: frozenset[str]) -> Funnel:
    """Add up fates; `lost` are the reasons that mean an open loop."""
    reasons: Counter[str] = Counter()
    steps: Counter[int] = Counter()
    for fate, count in fates.items():
        steps[fate.step] += count
        if fate.reason is not None:
            reasons[fate.reason] += count
    reached = [sum(count for step, count in steps.items() if step >= least) for least in range(USED + 1)]
    return Funnel(
        received=reached[RECEIVED],
        traced=reached[TRACED],
        interpreted=reached[INTERPRETED],
        moved=reached[MOVED],
        used=reached[USED],
        lost=sum(count for reason, count in reasons.items() if reason in lost),
        closed=share(reached[MOVED], reached[RECEIVED]),
        reasons=dict(reasons.most_common()),
    )


def share(part: int, whole: int) -> float | None:
    """Return part of whole, None of nothing."""
    return part / whole if whole else None


def grouped(fates: Fates, key: Callable[[Fate], str]) -> dict[str, dict[Fate, int]]:
    """Split fates by a name, the names in order."""
    groups: dict[str, dict[Fate, int]] = {}
    for fate, count in fates.items():
        groups.setdefault(key(fate), {})[fate] = count
    return dict(sorted(groups.items()))


class Names:
    """Lets so many names pass and calls the rest others: what callers name must not fill memory."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, name: str | None) -> str:
        """Return the name under which to count."""
        if name is None:
            return UNNAMED
        if name not in self._known:
            if len(self._known) == _MOST_NAMES:
                return OTHERS
            self._known.add(name)
        return name


def period_of(at_us: int | None, per: Per) -> str:
    """Return the first day (UTC) of the day, week or month of a time.

    >>> period_of(1_767_225_600_000_000, "week")
    '2025-12-29'
    """
    if at_us is None:
        return UNDATED
    day = from_us(at_us).date()
    if per == "week":
        day -= timedelta(days=day.weekday())
    return (day.replace(day=1) if per == "month" else day).isoformat()


def named(found: Any) -> str | None:
    """Return what a caller named as a source: a short text, a number or a flag; None for anything else."""
    if isinstance(found, bool):
        return str(found).lower()
    return str(found)[:200] if isinstance(found, str | int | float) and found != "" else None
