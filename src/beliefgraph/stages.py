"""Scores of several ways to foresee, by the number of interactions that a user has had, with bootstrap intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beliefgraph.baselines import Records
from beliefgraph.scoring import BINS, Floats, Whole

OURS, UNLEARNED = "self_model", "without_learning"
"""The way of the self-model, and the same from the confidences that it started from; all others are baselines."""
DRAWS, COVERED = 200, 0.95
"""How often the bootstrap draws, and what share of its draws an interval covers."""
FEW, FEW_GROUPS = 50, 5
"""With fewer interactions no calibration error is given, and with fewer users (or days) no interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; None where there is too little to tell."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WayScores:
    """How well one way foresaw the interactions of one stage. Log loss in nats; `ece` in 15 bins of equal width.

    `gain` is the share of the reference's log loss that this way avoids: 0 is no better than it, negative is worse.
    """

    log_loss: Estimate
    gain: Estimate
    brier: Estimate
    ece: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The interactions `first` to `last` (None: and all later ones) of each user who got that far.

    `foreseen` is the self-model's mean probability of a good signal, `came` the share that was good. `lead` is by how
    much the log loss of the self-model is below that of `best`, the best baseline here: positive means it leads.
    """

    first: int
    last: int | None
    users: int
    interactions: int
    foreseen: float
    came: Estimate
    scores: Mapping[str, WayScores]
    best: str
    lead: Estimate

    @property
    def name(self) -> str:
        """Return the stage as people read it.

        >>> nothing = Estimate(value=None, low=None, high=None)
        >>> Stage(first=2, last=5, users=1, interactions=4, foreseen=0.5, came=nothing, scores={}, best="user_mean",
        ...       lead=nothing).name
        '2–5'
        """
        if self.last is None:
            return f"{self.first}+"
        return f"{self.first}" if self.first == self.last else f"{self.first}–{self.last}"


class Scorer:
    """Scores of all ways by stage. One bootstrap draws whole groups (users, or days), the same for every way.

    Sums by (group, stage, bin) make a draw one product of sparse matrices, however many interactions there are. An
    array "by draw" has the numbers of the records themselves first, then of each draw; NaN where it drew nothing.
    """

    def __init__(
        self, records: Records, foreseen: Mapping[str, Floats], reference: str, groups: Whole
    ) -> None:
        self._good, self._foreseen, self._groups = np.array(records.good), foreseen, groups
        self._place, self._user, self._reference = np.array(records.place), np.array(records.user), reference
        count = int(groups.max()) + 1 if len(groups) else 0
        chance = np.random.default_rng(1)
        drawn = [np.bincount(chance.integers(count, size=count), minlength=count) for _ in range(DRAWS)]
        self._draws = np.array([np.ones(count), *drawn])

    def stages(self, edges: Sequence[int]) -> tuple[Stage, ...]:
        """Return the stages that begin at `edges`, up to the last that anybody reached."""
        if not len(self._place):
            return ()
        stage: Whole = np.searchsorted(edges, self._place, side="right") - 1
        reached = int(stage.max()) + 1
        counts = self._sums(np.ones(len(stage)), stage, reached)
        counts[counts == 0] = np.nan
        scores = {way: self._scores(values, stage, counts) for way, values in self._foreseen.items()}
        came = self._sums(self._good, stage, reached) / counts
        return tuple(
            self._stage(
                stage == number,
                {way: tuple(score[:, number] for score in each) for way, each in scores.items()},
                came=came[:, number],
                first=edges[number],
                last=edges[number + 1] - 1 if number + 1 < len(edges) else None,
            )
            for number in range(reached)
        )

    def _stage(
        self,
        inside: npt.NDArray[np.bool_],
        scores: Mapping[str, tuple[Floats, ...]],
        *,
        came: Floats,
        first: int,
        last: int | None,
    ) -> Stage:
        losses = {way: log_loss for way, (log_loss, _, _) in scores.items()}
        best = min(losses.keys() - {OURS, UNLEARNED}, key=lambda way: (losses[way][0], way))
        groups = len(np.unique(self._groups[inside]))
        enough = int(inside.sum()) >= FEW
        return Stage(
            first=first,
            last=last,
            users=len(np.unique(self._user[inside])),
            interactions=int(inside.sum()),
            foreseen=float(self._foreseen[OURS][inside].mean()),
            came=_estimate(came, groups),
            scores={
                way: WayScores(
                    log_loss=_estimate(log_loss, groups),
                    gain=_estimate(1 - log_loss / losses[self._reference], groups),
                    brier=_estimate(brier, groups),
                    ece=_estimate(ece, groups) if enough else Estimate(value=None, low=None, high=None),
                )
                for way, (log_loss, brier, ece) in scores.items()
            },
            best=best,
            lead=_estimate(losses[best] - losses[OURS], groups),
        )

    def _scores(self, foreseen: Floats, stage: Whole, counts: Floats) -> tuple[Floats, Floats, Floats]:
        """Return log loss, Brier score and calibration error by draw, a column a stage."""
        reached = counts.shape[1]
        losses = -np.log(np.where(self._good > 0, foreseen, 1 - foreseen))
        bins = np.minimum((foreseen * BINS).astype(np.int64), BINS - 1)
        gaps = self._sums(foreseen - self._good, stage * BINS + bins, reached * BINS)
        return (
            self._sums(losses, stage, reached) / counts,
            self._sums((foreseen - self._good) ** 2, stage, reached) / counts,
            np.abs(gaps).reshape(len(gaps), reached, BINS).sum(axis=2) / counts,
        )

    def _sums(self, values: Floats, cells: Whole, size: int) -> Floats:
        """Return the sums of values by draw, a column a cell."""
        from scipy.sparse import csr_array

        by_group = csr_array((values, (self._groups, cells)), shape=(self._draws.shape[1], size))
        return np.asarray((by_group.T @ self._draws.T).T)


def _estimate(by_draw: Floats, groups: int) -> Estimate:
    """Return the first number with the interval of the others; of few groups no interval can be told."""
    if groups < FEW_GROUPS:
        return Estimate(value=float(by_draw[0]), low=None, high=None)
    low, high = np.nanquantile(by_draw[1:], [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return Estimate(value=float(by_draw[0]), low=float(low), high=float(high))
