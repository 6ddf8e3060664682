"""Attribution against the world it models, enumerated: every truth, every cause, every accident."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beliefgraph.graph.model import Cause
from beliefgraph.ingest.attribution import Attribution, Emission, Faults, Premise, attribute, satisfaction

_rates = st.floats(0.01, 0.99)
_ratios = st.floats(0.05, 20.0)
_premises = st.lists(
    st.builds(
        Premise,
        weight=st.floats(0.05, 1.0),
        adherence=st.sampled_from([0.0, 0.3, 0.8, 1.0]),
        confidence=_rates,
        wrong_ratio=_ratios,
        missed_ratio=_ratios,
    ),
    min_size=1,
    max_size=3,
)
_emissions = st.lists(
    st.builds(
        Emission, dissatisfied=_rates, satisfied=_rates, accident=st.floats(0.0, 0.9), accidental=_rates
    ),
    min_size=1,
    max_size=2,
)
_faults = st.builds(Faults, wrong=_rates, missed=_rates, form=_rates, other=_rates)


class Worlds:
    """Every world of the noisy-OR with its probability: truths, causes that fire, accidents."""

    def __init__(
        self,
        premises: Sequence[Premise],
        emissions: Sequence[Emission],
        faults: Faults,
        ratios: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        self.premises, self.emissions, self.faults, self.ratios = premises, emissions, faults, ratios

    def __iter__(self) -> Iterator[tuple[tuple[bool, ...], bool, tuple[bool, ...], float]]:
        """Yield (truths, dissatisfied, accidents, joint probability with the signals)."""
        k, n = len(self.premises), len(self.emissions)
        for truths in itertools.product((False, True), repeat=k):
            for fired in itertools.product((False, True), repeat=k + 2):
                for slips in itertools.product((False, True), repeat=n):
                    yield truths, any(fired), slips, self._joint(truths, fired, slips)

    def _joint(self, truths: Sequence[bool], fired: Sequence[bool], slips: Sequence[bool]) -> float:
        probability, told = 1.0, 1.0
        for premise, truth, fires in zip(self.premises, truths, fired, strict=False):
            probability *= premise.confidence if truth else 1 - premise.confidence
            honoured = 1 - premise.adherence if truth else premise.adherence
            rate = premise.weight * honoured * (self.faults.missed if truth else self.faults.wrong)
            probability *= rate if fires else 1 - rate
            told *= (premise.missed_ratio if truth else premise.wrong_ratio) if fires else 1.0
        leaks = zip((self.faults.form, self.faults.other), self.ratios, fired[-2:], strict=True)
        for rate, ratio, fires in leaks:
            probability *= rate if fires else 1 - rate
            told *= ratio if fires else 1.0
        for emission, slipped in zip(self.emissions, slips, strict=True):
            meant = emission.dissatisfied if any(fired) else emission.satisfied
            probability *= emission.accident if slipped else 1 - emission.accident
            probability *= emission.accidental if slipped else meant
        return probability * told


def items_by_enumeration(worlds: Worlds) -> list[float]:
    """Return ln P(signals | belief true) − ln P(signals | belief false) of each belief."""
    nats = []
    for index, premise in enumerate(worlds.premises):
        mass = {True: 0.0, False: 0.0}
        for truths, _, _, joint in worlds:
            mass[truths[index]] += joint
        nats.append(
            math.log(mass[True] / premise.confidence) - math.log(mass[False] / (1 - premise.confidence))
        )
    return nats


@settings(max_examples=60)
@given(_premises, _emissions, _faults, _ratios, _ratios)
def test_items_are_exact(
    premises: list[Premise], emissions: list[Emission], faults: Faults, form: float, other: float
) -> None:
    """Each belief's evidence item equals the likelihood ratio of the enumerated worlds, to 1e-9 nats."""
    found = attribute(premises, emissions, faults, form_ratio=form, other_ratio=other)
    expected = items_by_enumeration(Worlds(premises, emissions, faults, (form, other)))
    assert pytest.approx(expected, abs=1e-9) == list(found.nats)


@settings(max_examples=40)
@given(_premises, _emissions, _faults, _ratios, _ratios)
def test_causes_are_exact_and_sum_to_one(
    premises: list[Premise], emissions: list[Emission], faults: Faults, form: float, other: float
) -> None:
    """Accident, satisfied and dissatisfied of the last signal are the posterior of the worlds; all sum to 1."""
    found = attribute(premises, emissions, faults, form_ratio=form, other_ratio=other)
    mass = dict.fromkeys(("accident", "satisfied", "dissatisfied"), 0.0)
    for _, dissatisfied, slips, joint in Worlds(premises, emissions, faults, (form, other)):
        mass["accident" if slips[-1] else "dissatisfied" if dissatisfied else "satisfied"] += joint
    total = math.fsum(mass.values())
    faulty: tuple[Cause, ...] = ("belief_wrong", "response_missed", "form", "other_fault")
    assert pytest.approx(mass["accident"] / total, abs=1e-9) == found.causes["accident"]
    assert pytest.approx(mass["satisfied"] / total, abs=1e-9) == found.causes["satisfied"]
    assert pytest.approx(mass["dissatisfied"] / total, abs=1e-9) == sum(found.causes[name] for name in faulty)
    assert pytest.approx(1.0, abs=1e-12) == math.fsum(found.causes.values())
    assert all(probability >= -1e-15 for probability in found.causes.values())


@settings(max_examples=40)
@given(_premises, _emissions, _faults, _ratios, _ratios)
def test_dissatisfaction_is_shared_by_strength_of_cause(
    premises: list[Premise], emissions: list[Emission], faults: Faults, form: float, other: float
) -> None:
    """Its causes share dissatisfaction in proportion to −ln(1 − cause) times what the words say of each."""
    found = attribute(premises, emissions, faults, form_ratio=form, other_ratio=other)
    wrong = [
        -math.log(1 - p.weight * (1 - p.confidence) * p.adherence * faults.wrong) * p.wrong_ratio
        for p in premises
    ]
    missed = [
        -math.log(1 - p.weight * p.confidence * (1 - p.adherence) * faults.missed) * p.missed_ratio
        for p in premises
    ]
    leaks = [-math.log(1 - faults.form) * form, -math.log(1 - faults.other) * other]
    total = sum(wrong) + sum(missed) + sum(leaks)
    whole = sum(found.causes[name] for name in ("belief_wrong", "response_missed", "form", "other_fault"))
    assert pytest.approx([whole * share / total for share in wrong], abs=1e-9) == list(found.wrong)
    assert pytest.approx([whole * share / total for share in missed], abs=1e-9) == list(found.missed)
    assert pytest.approx([whole * share / total for share in leaks], abs=1e-9) == [
        found.causes["form"],
        found.causes["other_fault"],
    ]
    assert pytest.approx(sum(found.wrong)) == found.causes["belief_wrong"]
    assert pytest.approx(sum(found.missed)) == found.causes["response_missed"]


@settings(max_examples=40)
@given(st.lists(_premises, max_size=1), _faults)
def test_satisfaction_is_the_chance_that_nothing_fires(premises: list[list[Premise]], faults: Faults) -> None:
    """Run forward, the model predicts the probability of the worlds in which no cause fires."""
    behind = premises[0] if premises else []
    silent = [replace(premise, wrong_ratio=1.0, missed_ratio=1.0) for premise in behind]
    certain = Emission(dissatisfied=1.0, satisfied=1.0, accident=0.0, accidental=1.0)
    expected = sum(joint for _, bad, _, joint in Worlds(silent, [certain], faults) if not bad)
    assert pytest.approx(expected, abs=1e-9) == satisfaction(behind, faults)


FAULTS = Faults(wrong=0.85, missed=0.75, form=0.06, other=0.08)
DOWN = Emission(dissatisfied=0.85, satisfied=0.08, accident=0.02, accidental=0.5)
UP = Emission(dissatisfied=0.15, satisfied=0.92, accident=0.02, accidental=0.5)
HONOURED = Premise(weight=1.0, adherence=1.0, confidence=0.7)


def one(premise: Premise, emission: Emission, form: float = 1.0) -> Attribution:
    """Attribute one signal to one belief."""
    return attribute([premise], [emission], FAULTS, form_ratio=form, other_ratio=1.0)


def test_directions() -> None:
    """A dislike of what was honoured speaks against; of what was not, for; likes the other way round."""
    ignored = replace(HONOURED, adherence=0.0)
    assert one(HONOURED, DOWN).nats[0] < 0 < one(HONOURED, UP).nats[0]
    assert one(ignored, UP).nats[0] < 0 < one(ignored, DOWN).nats[0]


def test_what_explains_away() -> None:
    """Reasons of form, a likely accident and a smaller weight each take evidence off the belief."""
    plain = one(HONOURED, DOWN).nats[0]
    assert plain < one(HONOURED, DOWN, form=8.0).nats[0] < 0
    assert plain < one(HONOURED, replace(DOWN, accident=0.9)).nats[0] < 0
    assert plain < one(replace(HONOURED, weight=0.3), DOWN).nats[0] < 0


def test_an_item_does_not_depend_on_its_own_confidence() -> None:
    """The item of a lone belief is a likelihood ratio: its own confidence does not enter."""
    items = {round(one(replace(HONOURED, confidence=m), DOWN).nats[0], 12) for m in (0.1, 0.5, 0.9)}
    assert 1 == len(items)


def test_an_uninformative_signal_is_no_evidence() -> None:
    """A signal as likely with as without dissatisfaction moves nothing and says nothing of the cause."""
    flat = Emission(dissatisfied=0.4, satisfied=0.4, accident=0.1, accidental=0.4)
    found = one(HONOURED, flat)
    assert pytest.approx(0.0, abs=1e-12) == found.nats[0]
    assert pytest.approx(satisfaction([HONOURED], FAULTS) * 0.9) == found.causes["satisfied"]
