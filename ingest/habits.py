"""How likely a user gives the same whatever she thinks, judged by what she gave and what was foreseen of it. Pure.

Three kinds of users: most answer to what they got, some say bad to nearly everything, as many say good to nearly
everything. Counts of a user and a kind of signal tell them apart by Bayes' rule; they are sums over her signals,
so that one signal more, or one taken back, is one addition. The counts are kept with the user (graph/store.py); what
they say when a response is recorded is part of its snapshot, and signals on that response are read with it.
"""

import math
from collections.abc import Mapping

import numpy as np

from beliefgraph.graph.model import Habit, Tally
from beliefgraph.ingest.attribution import Emission, Premise, satisfaction
from beliefgraph.ingest.parameters import HabitParameters, Parameters
from beliefgraph.ingest.quantities import Floats

_MOST = 500.0


def habits_of(tallies: Mapping[str, Tally], parameters: Parameters) -> dict[str, Habit]:
    """Return the kinds of signals that this user may give whatever she thinks."""
    limits = parameters.habits
    found = {kind: habit_of(tally, limits) for kind, tally in tallies.items() if kind in limits.kinds}
    return {kind: habit for kind, habit in found.items() if habit.regardless >= limits.noted}


def habit_of(tally: Tally, limits: HabitParameters) -> Habit:
    """Return the probability that she gives this kind of signal regardless, and how often it is good then.

    Many signals count as `limits.signals` of their average kind: who changes is recognised within as many again.

    >>> from beliefgraph.ingest.parameters import load_parameters
    >>> limits = load_parameters().habits
    >>> round(habit_of(Tally(good=0.0, bad=9.0, nats=9 * math.log(0.5)), limits).regardless, 2)
    0.97
    """
    signals = tally.good + tally.bad
    if signals <= 0.0 or limits.share == 0.0:
        return Habit(regardless=limits.share, good=0.5)
    told = min(1.0, limits.signals / signals)
    often, seldom = math.log(limits.steady), math.log(1.0 - limits.steady)
    for_bad = told * (tally.bad * often + tally.good * seldom - tally.nats)
    for_good = told * (tally.good * often + tally.bad * seldom - tally.nats)
    bad, good = (limits.share / 2.0 * math.exp(min(_MOST, nats)) for nats in (for_bad, for_good))
    regardless = (bad + good) / (1.0 - limits.share + bad + good)
    share = good / (bad + good)
    return Habit(regardless=regardless, good=share * limits.steady + (1.0 - share) * (1.0 - limits.steady))


def tally_of(
    kind: str, goodness: float, emission: Emission, premises: list[Premise], parameters: Parameters
) -> Tally | None:
    """Return what a signal adds to the counts: its strength, and the log of how likely it was if she answers honestly.

    `premises` are the response's as recorded, without what words say of them. None for kinds that are not counted.
    """
    if kind not in parameters.habits.kinds or goodness == 0.0:
        return None
    satisfied = satisfaction(premises, parameters.attribution.faults)
    likely = satisfied * emission.likelihood(False) + (1.0 - satisfied) * emission.likelihood(True)
    return Tally(good=max(0.0, goodness), bad=max(0.0, -goodness), nats=math.log(likely))


def foretold(
    answered: Floats, regardless: Floats | float, good: Floats | float, limits: HabitParameters
) -> Floats:
    """Return P(a good signal), given how probable one is if she answers to what she gets, and her habit.

    A habit less likely than `limits.foretells` is caution in reading, since the share of such users is set high, and
    foretells nothing.
    """
    likely = np.where(np.less(regardless, limits.foretells), 0.0, regardless)
    return np.asarray((1 - likely) * answered + likely * good)


def with_habit(emission: Emission, goodness: float, habit: Habit | None) -> Emission:
    """Return the emission of a signal of this goodness by a user of this habit."""
    if habit is None:
        return emission
    often = habit.good if goodness > 0 else 1.0 - habit.good
    return Emission(
        dissatisfied=emission.dissatisfied,
        satisfied=emission.satisfied,
        accident=emission.accident,
        accidental=emission.accidental,
        regardless=habit.regardless,
        habitual=often ** abs(goodness),
    )
