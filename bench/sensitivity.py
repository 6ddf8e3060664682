"""What each parameter matters: it alone halved, or doubled, in a world in which the others are right.

Those that are fitted are read off users in the arrays of the fit (drawn.py). Those of habits decide what is recorded
with each response, so that users go through the pipeline: some who answer to what they get, some who do not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from beliefgraph.curve import read_interactions
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.ledger import logit, sigmoid
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import vocabulary
from beliefgraph.ingest.fitting.rates import changed, drawn, free_rates, tables
from beliefgraph.ingest.parameters import Parameters, load_parameters
from bench import worlds
from bench.drawn import simulate
from bench.scratch import open_pipeline

_USERS = 60
"""So many of a world go through the pipeline, once for each value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What one parameter matters, in the world of which the others are right: scores with it halved and doubled.

    Of a probability its odds are halved and doubled. Brier scores are of beliefs after 100 signals, log losses of
    signals; both minus those under the right parameters.
    """

    name: str
    value: float
    brier: tuple[float, float]
    log_loss: tuple[float, float]


def sensitivity(users: int, seed: int) -> list[Sensitivity]:
    """Halve and double every shipped parameter that can be fitted, one at a time."""
    shipped = load_parameters()
    words = vocabulary(shipped)
    found = simulate(shipped, words, users, np.random.default_rng(seed))
    rates = free_rates(shipped, words, [found.block])
    # A factor of two on the scale of the prior: half and double of it, or of its odds.
    step = np.array([np.log(2) / rate.spread for rate in rates])
    z = np.concatenate([np.zeros((len(rates), 1)), -np.diag(step), np.diag(step)], axis=1)
    foreseen = run(found.block, drawn(tables(shipped, words), rates, z), words)
    judged = ~np.isnan(found.block.words.truth)
    brier = ((foreseen.confidence[judged] - found.block.words.truth[judged, None]) ** 2).mean(axis=0)
    loss = -foreseen.log_likelihood.mean(axis=0)
    count = len(rates)
    return [
        Sensitivity(
            name=rate.name,
            value=rate.usual,
            brier=(float(brier[1 + n] - brier[0]), float(brier[1 + count + n] - brier[0])),
            log_loss=(float(loss[1 + n] - loss[0]), float(loss[1 + count + n] - loss[0])),
        )
        for n, rate in enumerate(rates)
    ]


# Of habits


HABITS = ("share", "steady", "signals", "noted", "foretells")
"""Parameters of habits; all are probabilities, but for how many signals tell as much as any number."""
WORLDS = (worlds.BASE, replace(worlds.BASE, name="every user always gives a thumbs-down", regardless=0.0))


def of_habits(world: worlds.World, users: int, seed: int) -> list[Sensitivity]:
    """Halve and double every parameter of habits, one at a time, for the same users of a world."""
    chance, shipped = np.random.default_rng([seed, *world.name.encode()]), load_parameters()
    lives = [worlds.live(world, chance) for _ in range(users)]
    usual = _learned(world, lives, shipped)
    found = []
    for name in HABITS:
        value = float(getattr(shipped.habits, name))
        moved = [
            np.subtract(_learned(world, lives, changed(shipped, {f"habits.{name}": other})), usual)
            for other in _half_and_double(name, value)
        ]
        (low, low_loss), (high, high_loss) = (map(float, each) for each in moved)
        found.append(
            Sensitivity(name=f"habits.{name}", value=value, brier=(low, high), log_loss=(low_loss, high_loss))
        )
    return found


def _half_and_double(name: str, value: float) -> tuple[float, float]:
    if name == "signals":
        return value / 2, value * 2
    return sigmoid(logit(value) - math.log(2)), sigmoid(logit(value) + math.log(2))


def _learned(
    world: worlds.World, lives: Sequence[worlds.Life], parameters: Parameters
) -> tuple[float, float]:
    """Return the Brier score of the beliefs after a life, and the log loss of its signals as they were foreseen."""
    pipeline = open_pipeline(":memory:", parameters=parameters, clock=lambda: worlds.LATER)
    errors, losses = [], []
    for number, life in enumerate(lives):
        user = f"u{number}"
        learned = worlds.learn_ours(life, world, pipeline, user)[-1]
        errors.append(((learned - life.truth[-1]) ** 2).mean())
        scope = Scope("bench", UserId(user))
        found = pipeline.store.read(scope, lambda reader: read_interactions(reader, parameters))
        losses += [-math.log(each.foreseen if each.good else 1.0 - each.foreseen) for each in found]
    pipeline.store.close()
    return float(np.mean(errors)), float(np.mean(losses))


# What is printed


def report(users: int, seed: int, *, quick: bool) -> None:
    """Print a line for each parameter."""
    print("\nOne parameter halved / doubled (of a probability: its odds), the others right")
    print(f"{'parameter':<42}{'value':>8}   {'Brier of beliefs':>18}   {'log loss of signals':>20}")
    _print(sensitivity(users, seed))
    for world in WORLDS:
        print(f"{world.name}, {2 if quick else _USERS} users through the pipeline")
        _print(of_habits(world, 2 if quick else _USERS, seed))


def _print(found: Sequence[Sensitivity]) -> None:
    for each in found:
        cells = "".join(f"{low:>+10.4f} {high:>+9.4f}  " for low, high in (each.brier, each.log_loss))
        print(f"{each.name:<42}{each.value:>8.3g}   {cells}")
