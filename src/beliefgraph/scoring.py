"""How good probabilities were, once the outcomes are known: log loss, Brier score, AUC, calibration. Pure functions.

What is predicted, and when, is decided elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

BINS = 15
"""Calibration error and reliability use this many bins of equal width over [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of `n` predictions, log loss in nats. None where there is none: AUC needs both outcomes, all need one."""

    n: int
    log_loss: float | None
    brier: float | None
    auc: float | None
    ece: float | None

    def as_json(self) -> dict[str, float | int | None]:
        """Return the scores by name."""
        return {
            "log_loss": self.log_loss,
            "brier": self.brier,
            "auc": self.auc,
            "ece": self.ece,
            "n": self.n,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Per bin of equal width, from the lowest: how many predictions, their mean, and the share that came true.

    Means and shares of an empty bin are 0.
    """

    counts: Whole
    predicted: Floats
    observed: Floats

    @property
    def error(self) -> float:
        """Return the expected calibration error: |predicted − observed| weighted by the counts."""
        return float(np.abs(self.predicted - self.observed) @ self.counts / max(1, self.counts.sum()))


def reliability(probabilities: Floats, outcomes: Floats, bins: int = BINS) -> Reliability:
    """Sort predictions into bins of equal width; a probability of 1 belongs to the last.

    >>> reliability(np.array([0.1, 0.3, 0.9]), np.array([0.0, 1.0, 1.0]), bins=2).counts.tolist()
    [2, 1]
    """
    places = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    counts = np.bincount(places, minlength=bins)
    filled = np.maximum(counts, 1)
    return Reliability(
        counts=counts,
        predicted=np.bincount(places, weights=probabilities, minlength=bins) / filled,
        observed=np.bincount(places, weights=outcomes, minlength=bins) / filled,
    )


def score(probabilities: Floats, outcomes: Floats) -> Scores:
    """Score probabilities against outcomes (0 or 1)."""
    n = len(probabilities)
    if n == 0:
        return Scores(n=0, log_loss=None, brier=None, auc=None, ece=None)
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    both = 0.0 < float(outcomes.mean()) < 1.0
    return Scores(
        n=n,
        log_loss=float(log_loss(outcomes, probabilities, labels=[0, 1])),
        brier=float(brier_score_loss(outcomes, probabilities, pos_label=1)),
        auc=float(roc_auc_score(outcomes, probabilities)) if both else None,
        ece=reliability(probabilities, outcomes).error,
    )
