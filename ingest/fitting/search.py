"""The fit: the most probable rates given recorded histories, under weak priors; scipy.optimize does the searching.

What is summed up over users (`Summary`) adds up over partitions of them, so that each may be worked through where it
lies. A signal counts by what was foreseen of it when its response was shown, a person's judgement of a belief by the
confidence just before; both are predicted, then scored, in the order in which they came.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from beliefgraph.ingest.fitting.blocks import Block, Floats
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import Vocabulary
from beliefgraph.ingest.fitting.rates import Rate, Tables, drawn, tables

_STEP = 1e-5
_GRADIENT, _ROUNDS = 0.1, 40
_COVERED_90 = 1.6448536269514722
Partition = Sequence[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What some users' histories say of rates at one place: loss in nats, its slope, its information. They add up.

    Slope and information are by rate, in units of prior standard deviations; without them, None.
    """

    loss: float
    slope: Floats | None = None
    information: Floats | None = None

    def __add__(self, other: "Summary") -> "Summary":
        """Return the summary of both groups of users."""
        if self.slope is None or other.slope is None:
            return Summary(loss=self.loss + other.loss)
        assert self.information is not None and other.information is not None
        return Summary(
            loss=self.loss + other.loss,
            slope=self.slope + other.slope,
            information=self.information + other.information,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRate:
    """A rate with its value before and after, and the interval that holds it nine times of ten.

    `told` is the share of what is known of it that the histories said, the rest is the prior's.
    """

    rate: Rate
    value: float
    low: float
    high: float
    told: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The most probable rates. `gained` is by how many nats the histories, prior counted in, became more probable."""

    rates: tuple[FittedRate, ...]
    gained: float
    rounds: int

    @property
    def values(self) -> dict[str, float]:
        """Return the values by dotted name."""
        return {each.rate.name: each.value for each in self.rates}


def summarize(
    found: Iterable[Block], rates: Sequence[Rate], z: Floats, vocabulary: Vocabulary, *, slopes: bool = True
) -> Summary:
    """Sum up what users say of rates at `z`, prior standard deviations above the usual values, prior not counted."""
    values = tables(vocabulary.parameters, vocabulary)
    shifts = np.eye(len(rates), len(rates) + 1, 1) * _STEP if slopes else np.zeros((len(rates), 1))
    at = drawn(values, rates, z[:, None] + shifts)
    size = len(rates)
    total = Summary(
        loss=0.0,
        slope=np.zeros(size) if slopes else None,
        information=np.zeros((size, size)) if slopes else None,
    )
    for each in found:
        total += _summary(each, at, vocabulary, slopes=slopes)
    return total


def _summary(block: Block, at: Tables, vocabulary: Vocabulary, *, slopes: bool) -> Summary:
    log_likelihood = log_likelihoods(block, at, vocabulary)
    loss = -float(log_likelihood[:, 0].sum())
    if not slopes:
        return Summary(loss=loss)
    scores = (log_likelihood[:, 1:] - log_likelihood[:, :1]) / _STEP
    return Summary(loss=loss, slope=-scores.sum(axis=0), information=scores.T @ scores)


def log_likelihoods(block: Block, at: Tables, vocabulary: Vocabulary) -> Floats:
    """Return the log likelihood of every response's signals and of every judgement of a belief: (rows, draws)."""
    foreseen = run(block, at, vocabulary)
    judged = ~np.isnan(block.words.truth)
    truth, confidence = block.words.truth[judged, None], foreseen.confidence[judged]
    judgements = np.log(np.where(truth > 0, confidence, 1 - confidence))
    return np.concatenate([foreseen.log_likelihood, judgements])


def fit(
    found: Partition,
    rates: Sequence[Rate],
    vocabulary: Vocabulary,
    *,
    start: Floats | None = None,
    on_round: Callable[[], None] = lambda: None,
) -> Fit:
    """Find the most probable rates of users whose blocks are all here."""

    def sum_up(z: Floats, slopes: bool) -> Summary:
        return summarize(found, rates, z, vocabulary, slopes=slopes)

    return fit_sums(sum_up, rates, start=start, on_round=on_round)


SumUp = Callable[[Floats, bool], Summary]
"""Returns what all users say of rates at one place, with slopes or without: the sum over whatever partitions."""


def fit_sums(
    sum_up: SumUp,
    rates: Sequence[Rate],
    *,
    start: Floats | None = None,
    on_round: Callable[[], None] = lambda: None,
) -> Fit:
    """Find the most probable rates, given sums over users. The curvature is the scores' information and the priors'."""
    from scipy.optimize import minimize

    seen: dict[bytes, Summary] = {}

    def summary(z: Floats) -> Summary:
        key = z.tobytes()
        if key not in seen:
            seen.clear()
            seen[key] = sum_up(z, True)
            on_round()
        return seen[key]

    def value(z: Floats) -> float:
        known = seen.get(z.tobytes())
        loss = known.loss if known else sum_up(z, False).loss
        return loss + 0.5 * float(z @ z)

    def slope(z: Floats) -> Floats:
        found_slope = summary(z).slope
        assert found_slope is not None
        return found_slope + z

    def curvature(z: Floats) -> Floats:
        information = summary(z).information
        assert information is not None
        return information + np.eye(len(z))

    first = np.zeros(len(rates)) if start is None else start
    if not len(first):
        return Fit(rates=(), gained=0.0, rounds=0)
    before = value(np.zeros(len(rates)))
    result = minimize(
        value,
        first,
        method="trust-exact",
        jac=slope,
        hess=curvature,
        options={"gtol": _GRADIENT, "maxiter": _ROUNDS},
    )
    spread = np.sqrt(np.diag(np.linalg.inv(curvature(result.x))))
    fitted = tuple(
        _fitted(rate, float(z), float(s)) for rate, z, s in zip(rates, result.x, spread, strict=True)
    )
    return Fit(rates=fitted, gained=before - float(result.fun), rounds=int(result.nit))


def _fitted(rate: Rate, z: float, spread: float) -> FittedRate:
    """Put a rate's most probable value back on its own scale, with its interval."""
    value, low, high = rate.value(np.array([z, z - _COVERED_90 * spread, z + _COVERED_90 * spread])).tolist()
    return FittedRate(rate=rate, value=value, low=low, high=high, told=1.0 - spread**2)
