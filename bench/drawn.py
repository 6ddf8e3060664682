"""Users of worlds as our mathematics assumes them, with rates that nobody knows: drawn from the priors of the fit.

Users are rated responses in the arrays of the fit, which foresee what the pipeline does (tests/ingest/test_fitting.py
compares them). What is made of them lies in calibration.py, causes.py and sensitivity.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.ledger import logit
from beliefgraph.ingest.fitting.blocks import Block, block
from beliefgraph.ingest.fitting.histories import (
    KINDS,
    SOURCES,
    Edge,
    Held,
    History,
    Sent,
    Shown,
    Vocabulary,
    Word,
)
from beliefgraph.ingest.fitting.rates import Rate, changed
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.quantities import Floats

BELIEFS, SIGNALS = 5, 100
ADHERENCES = (0.7, 0.85, 0.95)
CAUSES = ("belief_wrong", "response_missed", "form", "other_fault", "accident", "satisfied")
REASONS: Mapping[str, Mapping[str, float]] = {
    "belief_wrong": {"unwanted": 0.85, "not_what_i_asked": 0.05, "inaccurate": 0.05, "too_general": 0.05},
    "response_missed": {"ignored_preference": 0.85, "not_what_i_asked": 0.05, "too_general": 0.1},
    "form": {"too_long": 0.4, "bad_format": 0.3, "wrong_tone": 0.2, "too_general": 0.1},
    "other_fault": {"inaccurate": 0.6, "outdated": 0.25, "not_what_i_asked": 0.15},
    "accident": {"mistake": 1.0},
    "satisfied": {"too_general": 0.5, "wrong_tone": 0.5},
}
"""Which reason people give, by the true cause of their bad signal: mostly the fitting one, and not as we assume."""
NO_RATES = ("half_life", "base", "memory", "session", "change")
"""Tables of what is no rate of the world, or of which a hundred signals in ten days say nothing: not drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Users of one world. Of each response (a row of the block) its true cause, and the tag given (−1: none).

    Every belief is judged a moment after the last signal: a reading of the truth, which no fit is shown.
    """

    block: Block
    good: npt.NDArray[np.bool_]
    cause: npt.NDArray[np.str_]
    tag: npt.NDArray[np.int64]


@dataclass(slots=True)
class _World:
    """Draws users: `truth` are the rates of the world, `words` the parameters that its records are read with."""

    truth: Parameters
    words: Vocabulary
    chance: np.random.Generator
    reasons: bool

    def life(self) -> tuple[History, list[tuple[bool, str, int]]]:
        chance = self.chance
        true = chance.random(BELIEFS) < self.truth.sources["imported"].confidence
        history = History(beliefs=[self._held()] * BELIEFS, words=[self._said(n) for n in range(BELIEFS)])
        history.order += [(0, belief) for belief in range(BELIEFS)]
        outcomes = []
        for number in range(SIGNALS):
            behind = chance.permutation(BELIEFS)[: int(chance.integers(1, 3))]
            adherences = chance.choice(ADHERENCES, size=len(behind))
            good, cause = self._rated(true[behind], adherences)
            tag = -1 if good or not self.reasons else self._reason(cause)
            outcomes.append((good, cause, tag))
            history.order += [(1, number), (2, number)]
            history.shown.append(self._shown(number / 10, behind, adherences, good, tag))
        for belief in range(BELIEFS):
            history.order.append((0, len(history.words)))
            history.words.append(self._judged(belief, bool(true[belief])))
        return history, outcomes

    def _rated(self, true: npt.NDArray[np.bool_], adherences: Floats) -> tuple[bool, str]:
        """Return whether a response was rated well, and the true cause; of several that fired, one at random."""
        chance, faults, rating = self.chance, self.truth.attribution.faults, self.truth.signal("rating")
        honoured = chance.random(len(true)) < adherences
        fired = [("form", chance.random() < faults.form), ("other_fault", chance.random() < faults.other)]
        for right, kept in zip(true, honoured, strict=True):
            strength = (faults.missed if right else faults.wrong) / len(true)
            hurt = right != kept and chance.random() < strength
            fired.append(("response_missed" if right else "belief_wrong", bool(hurt)))
        causes = [name for name, happened in fired if happened]
        if chance.random() < rating.accident:
            return bool(chance.random() < 0.5), "accident"
        meant = rating.dissatisfied if causes else rating.satisfied
        return bool(chance.random() < meant), str(chance.choice(causes)) if causes else "satisfied"

    def _reason(self, cause: str) -> int:
        given = REASONS[cause]
        return self.words.tags[str(self.chance.choice(list(given), p=list(given.values())))]

    def _held(self) -> Held:
        base = logit(self.words.parameters.base_rate("imported", "preference"))
        return Held(base=base, usual=True, source=SOURCES.index("imported"), kind=KINDS.index("preference"))

    def _said(self, belief: int) -> Word:
        return Word(
            belief=belief,
            day=0.0,
            observed=0.0,
            level=logit(self.words.parameters.sources["imported"].confidence),
            absolute=True,
            source=SOURCES.index("imported"),
            old=-1,
            pin=False,
            truth=None,
        )

    def _judged(self, belief: int, true: bool) -> Word:
        last = SIGNALS / 10
        word = self._said(belief)._replace(day=last, observed=last, level=0.0, absolute=False)
        return word._replace(source=-1, truth=float(true))

    def _shown(
        self, day: float, behind: npt.NDArray[np.int64], adherences: Floats, good: bool, tag: int
    ) -> Shown:
        names = list(self.words.tags)
        said = self.words.parameters.tags[names[tag]] if tag >= 0 else None
        edges = tuple(
            Edge(
                belief=int(belief),
                weight=1 / len(behind),
                adherence=float(adherence),
                wrong_ratio=said.wrong if said else 1.0,
                missed_ratio=said.missed if said else 1.0,
            )
            for belief, adherence in zip(behind, adherences, strict=True)
        )
        slip = self.words.slips.get(names[tag], -1) if tag >= 0 else -1
        rating = self.words.signals["rating"]
        return Shown(
            day=day,
            learned=day,
            observed=day,
            edges=edges,
            sent=(Sent(kind=rating, good=good, strength=1.0, came=True, factor=0, slip=slip),),
            form_ratio=said.form if said else 1.0,
            other_ratio=said.other if said else 1.0,
            tag=tag,
        )


def simulate(
    truth: Parameters, words: Vocabulary, users: int, chance: np.random.Generator, *, reasons: bool = False
) -> Simulated:
    """Draw users; with `reasons`, every bad signal comes with a tag."""
    world = _World(truth, words, chance, reasons)
    lives = [world.life() for _ in range(users)]
    # A block has responses by step and user, and every user has one response a step.
    rows = [outcomes[number] for number in range(SIGNALS) for _, outcomes in lives]
    good, cause, tag = zip(*rows, strict=True)
    return Simulated(
        block=block([history for history, _ in lives]),
        good=np.array(good),
        cause=np.array(cause),
        tag=np.array(tag),
    )


def draw_truth(parameters: Parameters, rates: Sequence[Rate], chance: np.random.Generator) -> Parameters:
    """Return parameters whose rates are drawn from their priors."""
    values = {
        rate.name: float(rate.value(chance.standard_normal(1))[0])
        for rate in rates
        if rate.table not in NO_RATES
    }
    return changed(parameters, values, version="truth")


def value_of(parameters: Parameters, name: str) -> float:
    """Return a parameter by its dotted name."""
    place: object = parameters
    for part in name.split("."):
        place = place[part] if isinstance(place, dict) else getattr(place, part)
    assert isinstance(place, float)
    return place
