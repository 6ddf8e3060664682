"""Attribution: how much everything the user did about one response speaks for or against each belief behind it.

The model of design section 3. Dissatisfaction D is a noisy-OR of causes: a wrong belief that was honoured, a right
one that was not, a fault of form, anything else. Each signal is emitted given D or not D; an accident ignores D.
Pure functions of the snapshot taken when the response was recorded and of the signals on it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from beliefgraph.graph.model import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Premise:
    """A belief behind a response: weight and adherence of the edge, confidence then, and what the words say of it.

    `wrong_ratio` and `missed_ratio` are the likelihood ratios of tags and text if this belief's wrongness (or this
    belief not being honoured) was the cause.
    """

    weight: float
    adherence: float
    confidence: float
    wrong_ratio: float = 1.0
    missed_ratio: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How causes dissatisfy: d_wrong, d_miss, q (form), ℓ (anything else)."""

    wrong: float
    missed: float
    form: float
    other: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """One signal under the hypotheses: P(signal | D), P(signal | not D), P(accident), P(signal | accident).

    `regardless` is the probability that this user gives it whatever she thinks, `habitual` P(signal | so).
    """

    dissatisfied: float
    satisfied: float
    accident: float
    accidental: float
    regardless: float = 0.0
    habitual: float = 1.0

    def likelihood(self, dissatisfied: bool) -> float:
        """Return P(signal) given D or not D, with accidents and habits mixed in."""
        meant = self.dissatisfied if dissatisfied else self.satisfied
        answered = (1 - self.accident) * meant + self.accident * self.accidental
        return (1 - self.regardless) * answered + self.regardless * self.habitual


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The evidence item of each premise (nats, in their order), and the causes of the last signal (sum 1).

    `wrong` and `missed` split the last signal's causes `belief_wrong` and `response_missed` over the premises.
    """

    nats: tuple[float, ...]
    causes: dict[Cause, float]
    wrong: tuple[float, ...]
    missed: tuple[float, ...]


def satisfaction(premises: Sequence[Premise], faults: Faults) -> float:
    """Return P(not D): how likely a response that rests on these beliefs satisfies.

    >>> faults = Faults(wrong=0.8, missed=0.8, form=0.0, other=0.0)
    >>> satisfaction([Premise(weight=1.0, adherence=1.0, confidence=0.5)], faults)
    0.6
    """
    content = math.prod(
        1.0 - wrong - missed for wrong, missed in (_causes(premise, faults) for premise in premises)
    )
    return (1 - faults.form) * (1 - faults.other) * content


def _causes(premise: Premise, faults: Faults) -> tuple[float, float]:
    """Return a_j and c_j: the probabilities that this belief was wrong and honoured, or right and missed."""
    wrong = premise.weight * (1 - premise.confidence) * premise.adherence * faults.wrong
    missed = premise.weight * premise.confidence * (1 - premise.adherence) * faults.missed
    return wrong, missed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Causes:
    """Which causes may have fired, without (`plain`) and with what tags and text say about them (`told`).

    One factor a premise: 1 − a − c, and 1 − a − c + a·r_wrong + c·r_miss. `none` is N, P(no cause fired); `any_told`
    the same product over what was told, so that `any_told` − `none` is the mass of some cause having fired.
    """

    plain: tuple[float, ...]
    told: tuple[float, ...]
    none: float
    any_told: float


def _fired(premises: Sequence[Premise], faults: Faults, form_ratio: float, other_ratio: float) -> _Causes:
    both = [(*_causes(premise, faults), premise) for premise in premises]
    plain = tuple(1.0 - wrong - missed for wrong, missed, _ in both)
    told = tuple(
        1.0 + wrong * (premise.wrong_ratio - 1.0) + missed * (premise.missed_ratio - 1.0)
        for wrong, missed, premise in both
    )
    leak = (1 - faults.form) * (1 - faults.other)
    leak_told = (1 - faults.form + faults.form * form_ratio) * (1 - faults.other + faults.other * other_ratio)
    return _Causes(plain=plain, told=told, none=leak * math.prod(plain), any_told=leak_told * math.prod(told))


def attribute(
    premises: Sequence[Premise],
    emissions: Sequence[Emission],
    faults: Faults,
    *,
    form_ratio: float,
    other_ratio: float,
) -> Attribution:
    """Attribute the counted signals of one response (the one to explain last) to its premises, exactly, in O(k).

    `form_ratio` and `other_ratio` are the likelihood ratios of tags and text for those causes. Emissions must not
    be empty.
    """
    if_satisfied = math.prod(emission.likelihood(False) for emission in emissions)
    if_dissatisfied = math.prod(emission.likelihood(True) for emission in emissions)
    fired = _fired(premises, faults, form_ratio, other_ratio)
    satisfied_mass = if_satisfied * fired.none
    dissatisfied_mass = if_dissatisfied * (fired.any_told - fired.none)
    said = _last_signal(emissions[-1], satisfied_mass / (satisfied_mass + dissatisfied_mass))
    shares = [_share(premise, faults) for premise in premises]
    form, other = -math.log1p(-faults.form) * form_ratio, -math.log1p(-faults.other) * other_ratio
    total = form + other + math.fsum(wrong + missed for wrong, missed in shares)
    unit = said.dissatisfied / total if total > 0 else 0.0
    wrong_shares = tuple(wrong * unit for wrong, _ in shares)
    missed_shares = tuple(missed * unit for _, missed in shares)
    return Attribution(
        nats=tuple(
            _evidence(premises, index, faults, fired, (if_satisfied, if_dissatisfied))
            for index in range(len(premises))
        ),
        causes={
            "belief_wrong": math.fsum(wrong_shares),
            "response_missed": math.fsum(missed_shares),
            "form": form * unit,
            "other_fault": other * unit,
            "accident": said.accident,
            "satisfied": said.satisfied,
            **({"habit": said.habit} if emissions[-1].regardless > 0.0 else {}),
        },
        wrong=wrong_shares,
        missed=missed_shares,
    )


def _evidence(
    premises: Sequence[Premise], index: int, faults: Faults, fired: _Causes, masses: tuple[float, float]
) -> float:
    """Return ln P(signals | this belief true) − ln P(signals | it false), the other beliefs as they are.

    `masses` are the probabilities of the signals if she is satisfied and if she is dissatisfied.
    """
    premise, (if_satisfied, if_dissatisfied) = premises[index], masses
    none_but, told_but = fired.none / fired.plain[index], fired.any_told / fired.told[index]

    def likelihood(cause: float, ratio: float) -> float:
        quiet = none_but * (1 - cause)
        return if_satisfied * quiet + if_dissatisfied * (told_but * (1 - cause + cause * ratio) - quiet)

    missed = premise.weight * (1 - premise.adherence) * faults.missed
    wrong = premise.weight * premise.adherence * faults.wrong
    return math.log(likelihood(missed, premise.missed_ratio) / likelihood(wrong, premise.wrong_ratio))


def _share(premise: Premise, faults: Faults) -> tuple[float, float]:
    """Return what a premise's wrongness and its not being honoured have of a dissatisfaction, before scaling."""
    wrong, missed = _causes(premise, faults)
    return -math.log1p(-wrong) * premise.wrong_ratio, -math.log1p(-missed) * premise.missed_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the last signal was: an accident, a habit, or meant by someone satisfied or dissatisfied (sum 1)."""

    accident: float
    habit: float
    satisfied: float
    dissatisfied: float


def _last_signal(emission: Emission, satisfied: float) -> _Said:
    """Split the last signal by what it was, given that all signals make it so probable that she is satisfied."""
    answered = 1.0 - emission.regardless
    slip, habit = answered * emission.accident * emission.accidental, emission.regardless * emission.habitual
    if_satisfied = satisfied / emission.likelihood(False)
    if_dissatisfied = (1.0 - satisfied) / emission.likelihood(True)
    accident, habitual = slip * (if_satisfied + if_dissatisfied), habit * (if_satisfied + if_dissatisfied)
    meant = satisfied - (slip + habit) * if_satisfied
    return _Said(
        accident=accident, habit=habitual, satisfied=meant, dissatisfied=1.0 - accident - habitual - meant
    )
