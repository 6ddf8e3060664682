"""The compounding curve of a simulated population: the worlds' users as a log of events, over half a year."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np

from beliefgraph.curve import Curve
from beliefgraph.evaluation import evaluate_with_curve
from beliefgraph.ingest.events import Event
from beliefgraph.ingest.relate import EmbeddingRelater
from bench import worlds
from bench.scratch import HashedWords

_WEEKS = 26
"""Users arrive over so many weeks: a regression that is fitted weekly has those to learn from who came earlier."""


def to_lines(world: worlds.World, *, users: int, seed: int) -> Iterator[str]:
    """Write the users of a world as lines of events, each from the day on which she comes."""
    chance = np.random.default_rng([seed, *world.name.encode()])
    for number in range(users):
        life = worlds.live(world, chance)
        arrival = timedelta(weeks=_WEEKS) * (number / users)
        for event in _events(life.steps, life.truth.shape[1], f"u{number:05}", world):
            assert event.at is not None
            yield event.model_copy(update={"at": event.at + arrival}).model_dump_json(exclude_none=True)


def _events(steps: Sequence[worlds.Step], beliefs: int, user: str, world: worlds.World) -> Iterator[Event]:
    yield from worlds.held(user, beliefs)
    for number, step in enumerate(steps):
        yield from worlds.events_of(user, number, step, world.echoes)


def simulate(world: worlds.World, *, users: int, seed: int = 1) -> Curve:
    """Return the curve of a world's users."""
    words = HashedWords()
    lines = to_lines(world, users=users, seed=seed)
    evaluation, curve = evaluate_with_curve(lines, embedder=words, relater=EmbeddingRelater(words))
    assert evaluation.rejected == 0
    return curve
