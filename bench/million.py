"""How long a fit to a million signals takes, and whether partitions of users add up.

Users are those of bench/drawn.py, as often as it takes: what a user did matters little to how long it takes.
Time is processor time of one process, from the numbers in memory on; reading them from a store is not counted.
"""

import time
from collections.abc import Iterator

import numpy as np

from beliefgraph.ingest.fitting.histories import vocabulary
from beliefgraph.ingest.fitting.rates import free_rates
from beliefgraph.ingest.fitting.search import fit, summarize
from beliefgraph.ingest.parameters import load_parameters
from bench.drawn import SIGNALS, simulate

USERS, MILLION = 300, 1_000_000
MOST_MINUTES = 10.0


def report(*, quick: bool) -> Iterator[str]:
    """Yield the lines of the report."""
    words, chance = vocabulary(load_parameters()), np.random.default_rng(7)
    distinct = 2 if quick else 4
    found = [
        simulate(words.parameters, words, USERS // 10 if quick else USERS, chance).block
        for _ in range(distinct)
    ]
    signals = sum(each.count for each in found)
    times = 1 if quick else -(-MILLION // signals)
    every = found * times
    rates = free_rates(words.parameters, words, every)
    rounds: list[float] = []
    started = time.process_time()
    result = fit(every, rates, words, on_round=lambda: rounds.append(time.process_time()))
    seconds = time.process_time() - started
    users = sum(each.users for each in every)
    yield f"{signals * times:,} signals of {users:,} users, {SIGNALS} each, in {len(every)} blocks"
    verdict = "met" if seconds / 60 <= MOST_MINUTES else f"missed by {seconds / 60 - MOST_MINUTES:.1f}"
    yield f"{len(rates)} rates, {len(rounds)} rounds: {seconds / 60:.1f} minutes   ≤ {MOST_MINUTES:g}   {verdict}"
    yield f"most probable after {result.rounds} steps"
    z = np.array([each.rate.score(each.value) for each in result.rates])
    whole = summarize(found, rates, z, words)
    parts = sum(
        (summarize([each], rates, z, words) for each in found[1:]), summarize(found[:1], rates, z, words)
    )
    assert whole.slope is not None and parts.slope is not None
    off = float(np.abs(whole.slope - parts.slope).max() / np.abs(whole.slope).max())
    yield f"slope of {len(found)} partitions of users, merged, and of the whole: relative difference {off:.0e}"
