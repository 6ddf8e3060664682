"""Three choices shown, on lives that no other figure uses: S, when a run is a change, how many rate regardless.

The worlds here have other rates than those of bench/worlds.py and are drawn with other seeds; every value sees the same
lives. For how much a day may say (S) and when a run counts as a change, users run forward in the arrays of the fit,
which foresee what the pipeline does; for the share of users who rate regardless they go through the pipeline itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from beliefgraph.ingest.fitting.blocks import block
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import vocabulary
from beliefgraph.ingest.fitting.rates import changed, tables
from beliefgraph.ingest.parameters import load_parameters
from bench import worlds
from bench.fitting import judged
from bench.scratch import open_pipeline
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
SHARES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
FORCED = (
    replace(_OTHER, name="always a thumbs-down", regardless=0.0),
    replace(_OTHER, name="nine of ten are thumbs-down", regardless=0.1),
    replace(_OTHER, name="always a thumbs-up", regardless=1.0),
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
    _report_shares(users=users)


def _line(name: str, scores: Floats) -> None:
    print(f"    {name:<26}" + "".join(f"{score:>9.4f}" for score in scores))


def _table(title: str, found: Sequence[tuple[Grid, Floats]], *, worst: bool) -> None:
    """Print one number for each pair of values."""
    ratios = np.array([scores.brier / best for scores, best in found])
    summed = ratios.max(axis=(0, 3)) if worst else np.exp(np.log(ratios).mean(axis=(0, 3)))
    print(f"\n{title}\n{'S, change':<12}" + "".join(f"{change:>8g}" for change in CHANGES))
    for session, row in zip(SESSIONS, summed, strict=True):
        print(f"{session:<12g}" + "".join(f"{value:>8.3f}" for value in row))


def _report_shares(*, users: int) -> None:
    """Print, for each share of users taken to rate regardless, ours / best simple way after 5, 20 and 100 ratings."""
    points = worlds.POINTS
    print(
        f"\nOurs / best simple way after {', '.join(map(str, points))} ratings, by the share who rate regardless"
    )
    print(f"{'habits.share':<32}" + "".join(f"{share:>18g}" for share in SHARES))
    for world in (*STILL[:2], *FORCED):
        ratios = share_ratios(world, users=users)
        cells = "".join(f"{' '.join(f'{ratio:.3f}' for ratio in row):>18}" for row in ratios)
        print(f"{world.name:<32}{cells}", flush=True)


def share_ratios(world: World, *, users: int) -> Floats:
    """Return ours / best simple way of one world, every share on the same lives: (shares, points)."""
    points, length = worlds.POINTS, worlds.POINTS[-1]
    lives = [
        worlds.live(world, chance, length=length, points=points)
        for seed in SEEDS
        for chance in [np.random.default_rng([seed, *world.name.encode()])]
        for _ in range(users)
    ]
    best = np.min(
        [
            np.mean([_errors(worlds.learn_simply(way, life, world), life) for life in lives], axis=0)
            for way in worlds.WAYS[1:]
        ],
        axis=0,
    )
    ours = []
    for share in SHARES:
        parameters = changed(load_parameters(), {"habits.share": share}, version=f"share {share:g}")
        pipeline = open_pipeline(":memory:", parameters=parameters, clock=lambda: worlds.LATER)
        learned = [worlds.learn_ours(life, world, pipeline, f"u{n}") for n, life in enumerate(lives)]
        pipeline.store.close()
        ours.append(np.mean([_errors(each, life) for each, life in zip(learned, lives, strict=True)], axis=0))
    return np.asarray(np.array(ours) / best)


def _errors(learned: Floats, life: worlds.Life) -> Floats:
    return np.asarray(((learned - life.truth) ** 2).mean(axis=1))
