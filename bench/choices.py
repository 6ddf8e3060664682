"""Two choices shown: how much a day may say (S) and when a run counts as a change, on lives that no other figure uses.

The worlds here have other rates than those of bench/worlds.py and are drawn with other seeds; every pair of values sees
the same lives. Users run forward in the arrays of the fit, which foresee what the pipeline does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from beliefgraph.ingest.fitting.blocks import block
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import vocabulary
from beliefgraph.ingest.fitting.rates import tables
from beliefgraph.ingest.parameters import load_parameters
from bench import worlds
from bench.fitting import judged
from bench.worlds import World

Floats = npt.NDArray[np.float64]
SESSIONS = (0.25, 0.5, 1.0, 2.0, 4.0, math.inf)
CHANGES = (1.0, 1.5, 2.0, 2.5, 3.0, math.inf)
_OTHER = replace(
    worlds.BASE,
    name="still",
    beliefs=6,
    true=0.5,
    wrong=0.75,
    missed=0.6,
    fault=0.16,
    accident=0.03,
    candour=0.87,
)
STILL = (
    _OTHER,
    replace(_OTHER, name="a quarter of the days are bad days", mood=0.25),
    replace(_OTHER, name="adherence believed .9, in truth .7", adherences=(0.7,), believed_adherence=0.9),
    replace(_OTHER, name="three irrelevant beliefs behind all", irrelevant=3),
)
TURNING = (
    replace(_OTHER, name="half of the tastes flip half-way", flips=0.5),
    replace(_OTHER, name="every taste flips half-way", flips=1.0),
)
LENGTH, POINTS = 200, (20, 60, 110, 130, 200)
SEEDS = (101, 102, 103)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Brier scores of one world: (sessions, changes, points)."""

    world: World
    brier: Floats


def grid(world: World, *, users: int) -> Grid:
    """Score every pair of values on the same lives."""
    shipped = load_parameters()
    words = vocabulary(shipped)
    lives = [
        worlds.live(world, chance, length=LENGTH, points=POINTS)
        for seed in SEEDS
        for chance in [np.random.default_rng([seed, *world.name.encode()])]
        for _ in range(users)
    ]
    pairs = [(session, change) for session in SESSIONS for change in CHANGES]
    at = {name: np.repeat(column, len(pairs), axis=1) for name, column in tables(shipped, words).items()}
    at["session"] = np.array([[session for session, _ in pairs]])
    at["change"] = np.array([[change for _, change in pairs]])
    found = block([judged(life, words, POINTS) for life in lives])
    truth = found.words.truth
    asked = ~np.isnan(truth)
    errors = (run(found, at, words).confidence[asked] - truth[asked, None]) ** 2
    day = found.words.day[asked]
    brier: Floats = np.array([errors[day == when].mean(axis=0) for when in np.unique(day)])
    return Grid(world=world, brier=brier.T.reshape(len(SESSIONS), len(CHANGES), len(POINTS)))


def _best_simple(world: World, *, users: int) -> Floats:
    """Return the Brier score of the best simple way at each point."""
    scores = {way: np.zeros(len(POINTS)) for way in worlds.WAYS[1:]}
    for seed in SEEDS:
        chance = np.random.default_rng([seed, *world.name.encode()])
        for _ in range(users):
            life = worlds.live(world, chance, length=LENGTH, points=POINTS)
            for way in scores:
                learned = worlds.learn_simply(way, life, world, points=POINTS)
                scores[way] += ((learned - life.truth) ** 2).mean(axis=1)
    return np.asarray(np.min([score / (len(SEEDS) * users) for score in scores.values()], axis=0))


def report(*, quick: bool) -> None:
    """Print each world's scores around the shipped values, and what all pairs of values come to."""
    users = 2 if quick else 40
    found = [(grid(world, users=users), _best_simple(world, users=users)) for world in (*STILL, *TURNING)]
    print(
        f"{users * len(SEEDS)} users a world; Brier after {', '.join(map(str, POINTS))} ratings (tastes flip after 100)"
    )
    here, now, never = SESSIONS.index(1.0), CHANGES.index(2.0), CHANGES.index(math.inf)
    shown = {
        "shipped: S 1, change 2": (here, now),
        "no detector": (here, never),
        "no sessions": (SESSIONS.index(math.inf), now),
    }
    for scores, best in found:
        print(scores.world.name)
        for name, (session, change) in shown.items():
            _line(name, scores.brier[session, change])
        _line("best simple way", best)
    _table("Mean of ours / best simple way, worlds that stay as they are", found[: len(STILL)], worst=False)
    _table("Its worst world and moment among those", found[: len(STILL)], worst=True)
    _table("Mean, worlds in which tastes flip", found[len(STILL) :], worst=False)


def _line(name: str, scores: Floats) -> None:
    print(f"    {name:<26}" + "".join(f"{score:>9.4f}" for score in scores))


def _table(title: str, found: Sequence[tuple[Grid, Floats]], *, worst: bool) -> None:
    """Print one number for each pair of values."""
    ratios = np.array([scores.brier / best for scores, best in found])
    summed = ratios.max(axis=(0, 3)) if worst else np.exp(np.log(ratios).mean(axis=(0, 3)))
    print(f"\n{title}\n{'S, change':<12}" + "".join(f"{change:>8g}" for change in CHANGES))
    for session, row in zip(SESSIONS, summed, strict=True):
        print(f"{session:<12g}" + "".join(f"{value:>8.3f}" for value in row))
