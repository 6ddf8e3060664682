"""The detector of change: a run of evidence against what came before makes what came before count less. Pure functions.

Inferred items are log-likelihood ratios, so their sum since some item, turned round, is the log-likelihood ratio of
“she changed then” to “she is as she was”; the largest such sum is Page's statistic (Continuous inspection schemes,
Biometrika 41, 1954, pages 100–115) and tells the likeliest moment. Here each item counts in it as it counts in the
ledger, crowded out and faded. From `change_nats` on, what came before that moment weighs e^(−excess): the odds of “as
she was”, were a change as improbable beforehand as e^(−change_nats).

There are two runs: `up` starts where the items since speak most for the belief, `down` where they speak most against.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

Sums = tuple[float, float]
"""Sums of terms for and against (≥ 0), in nats."""
NONE: Sums = (0.0, 0.0)
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A change of mind: since when the evidence speaks for (`up`) or against, and what is kept of what came before.

    `nats` is how much the run speaks in its direction, `kept` in (0, 1).
    """

    up: bool
    since_us: int
    nats: float
    kept: float


def speaks(run: Sums, *, up: bool) -> bool:
    """Say whether a run still speaks in its direction; one that does not has ended, and the next item begins anew."""
    nats = run[0] - run[1] if up else run[1] - run[0]
    return nats > _ROUNDING * (run[0] + run[1])


def prolonged(run: Sums, left: float, term: float, *, up: bool) -> Sums:
    """Return a run with one more term; `left` is what that term and age leave of the earlier ones."""
    before = (run[0] * left, run[1] * left) if speaks(run, up=up) else NONE
    return before[0] + max(0.0, term), before[1] + max(0.0, -term)


def kept_before(nats: float, change_nats: float) -> float:
    """Return what is left of the items before a run that speaks so much in its direction.

    >>> kept_before(1.5, 2.0), kept_before(9.0, math.inf)
    (1.0, 1.0)
    """
    return math.exp(min(0.0, change_nats - nats))


def counting(total: Sums, up: Sums, down: Sums, change_nats: float, left: float) -> Sums:
    """Return what counts of sums of inferred terms, given the parts of them that the two runs make up.

    `left` is what age has left of the newest item: runs are judged as they stood when it was new.
    """
    if left == 0.0 or change_nats == math.inf:
        return total
    kept_up = kept_before((up[0] - up[1]) / left, change_nats)
    kept_down = kept_before((down[1] - down[0]) / left, change_nats)
    if kept_up == kept_down == 1.0:
        return total
    # The run that began earlier holds the other one whole.
    runs = sorted(((up, kept_up), (down, kept_down)), key=lambda each: -sum(each[0]))
    for run, kept in runs:
        total = (run[0] + kept * max(0.0, total[0] - run[0]), run[1] + kept * max(0.0, total[1] - run[1]))
    return total


@dataclass(frozen=True, slots=True)
class Run:
    """A run over listed terms: its sums, and the place of the term it starts with (None: it has ended)."""

    sums: Sums
    start: int | None


def runs_of(terms: Iterable[float]) -> tuple[Run, Run]:
    """Return the runs up and down that terms, oldest first, end with."""
    up_for = up_against = down_for = down_against = 0.0
    up_start = down_start = 0
    for place, term in enumerate(terms):  # `prolonged` spelt out: a belief may have thousands
        if up_for - up_against <= _ROUNDING * (up_for + up_against):
            up_for, up_against, up_start = 0.0, 0.0, place
        if down_against - down_for <= _ROUNDING * (down_for + down_against):
            down_for, down_against, down_start = 0.0, 0.0, place
        if term > 0:
            up_for, down_for = up_for + term, down_for + term
        else:
            up_against, down_against = up_against - term, down_against - term
    up, down = (up_for, up_against), (down_for, down_against)
    return (
        Run(up, up_start if speaks(up, up=True) else None),
        Run(down, down_start if speaks(down, up=False) else None),
    )
