"""Parameters of kinds of signals, of reason chips and of contexts: how each reads, how often it comes.

What is made of them lies in attribution.py; all parameters together in parameters.py.
"""

from pydantic import Field, model_validator

from beliefgraph.ingest.attribution import Emission
from beliefgraph.ingest.quantities import (
    About,
    Frozen,
    Goodness,
    Number,
    Positive,
    Probability,
    Rate,
    Ratio,
    TextRole,
)


class SignalParameters(Frozen):
    """One kind of signal: how its value reads as goodness, and how often it comes when the user is satisfied or not.

    With a `scale`, `satisfied` and `dissatisfied` are P(good outcome | so); with a fixed `goodness` (and no value)
    they are P(it happens | so); with neither, the signal says nothing about a response.
    """

    scale: list[tuple[float, Goodness]] = Field(default_factory=list)
    goodness: Goodness | None = None
    satisfied: Probability = 0.5
    dissatisfied: Probability = 0.5
    accident: Rate = 0.0
    about: list[About]
    text: TextRole = "none"

    @model_validator(mode="after")
    def _one_reading(self) -> "SignalParameters":
        points = [point for point, _ in self.scale]
        if self.scale and self.goodness is not None:
            raise ValueError("must have a scale or a goodness, not both")
        if self.scale and (len(points) < 2 or points != sorted(set(points))):
            raise ValueError("scale must have at least two points with rising values")
        return self

    @property
    def emits(self) -> bool:
        """Say whether this kind is evidence of satisfaction at all."""
        return bool(self.scale) or self.goodness is not None

    @property
    def has_outcome(self) -> bool:
        """Say whether this kind can turn out good or bad, so that its outcome can be predicted."""
        return bool(self.scale)

    def goodness_of(self, value: float | None) -> float:
        """Return goodness in [−1, 1] of a value, by straight lines between the points of the scale."""
        if not self.scale:
            return self.goodness or 0.0
        assert value is not None
        for (left, low), (right, high) in zip(self.scale, self.scale[1:], strict=False):
            if value <= right:
                return low + (high - low) * (value - left) / (right - left)
        return self.scale[-1][1]

    def emission(self, value: float | None, accident_factor: float, accident: float | None) -> Emission:
        """Return the likelihoods of this value, tempered by |goodness|: no evidence at 0, full evidence at ±1."""
        goodness = self.goodness_of(value)
        strength = abs(goodness)
        satisfied, dissatisfied = self.satisfied, self.dissatisfied
        accidental = 0.5 if self.scale else (satisfied + dissatisfied) / 2
        if self.scale and goodness < 0:
            satisfied, dissatisfied = 1 - satisfied, 1 - dissatisfied
        return Emission(
            dissatisfied=dissatisfied**strength,
            satisfied=satisfied**strength,
            accidental=accidental**strength,
            accident=accident if accident is not None else min(0.95, self.accident * accident_factor),
        )

    def good_outcome(self, satisfaction: Number) -> Number:
        """Return P(good outcome) of this kind when the user is satisfied with that probability."""
        meant = satisfaction * self.satisfied + (1 - satisfaction) * self.dissatisfied
        return (1 - self.accident) * meant + self.accident * 0.5


class TagParameters(Frozen):
    """Likelihood ratios of a reason chip per cause that fired; `accident` replaces the accident rate."""

    wrong: Ratio = 1.0
    missed: Ratio = 1.0
    form: Ratio = 1.0
    other: Ratio = 1.0
    accident: Probability | None = None

    @property
    def points(self) -> bool:
        """Say whether the tag points at one belief rather than at the whole response."""
        return max(self.wrong, self.missed) > max(self.form, self.other)


class AccidentContext(Frozen):
    """A context in which accidents are more (or less) frequent."""

    key: str
    value: str
    factor: Positive
