"""Calibration in simulation, where the truth is known: are rates recovered, beliefs right, causes found?

Users (drawn.py) are fitted to by their ratings alone, and fresh ones scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from beliefgraph.ingest.fitting.blocks import Block
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import Vocabulary, vocabulary
from beliefgraph.ingest.fitting.rates import Tables, changed, free_rates, tables
from beliefgraph.ingest.fitting.search import FittedRate, fit
from beliefgraph.ingest.parameters import Parameters, load_parameters
from beliefgraph.scoring import reliability
from bench import causes, sensitivity
from bench.drawn import NO_RATES, Simulated, draw_truth, simulate, value_of

COMPARED = ("known", "fitted", "shipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Of fresh users: Brier score and calibration error of beliefs after 100 signals, and that of signals foreseen."""

    brier: float
    belief_ece: float
    signal_ece: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One world with unknown rates: what a fit says of them, and scores under known, fitted and shipped parameters."""

    rates: tuple[FittedRate, ...]
    truth: Mapping[str, float]
    scores: Mapping[str, Scores]

    def holds(self, rate: FittedRate) -> bool:
        """Say whether the interval of a rate holds the truth."""
        return rate.low <= self.truth[rate.rate.name] <= rate.high


def score(found: Simulated, several: Sequence[Parameters], words: Vocabulary) -> list[Scores]:
    """Score users under several parameters, all of the vocabulary of `words`."""
    each = [tables(parameters, words) for parameters in several]
    at: Tables = {name: np.concatenate([one[name] for one in each], axis=1) for name in each[0]}
    foreseen, judged = run(found.block, at, words), ~np.isnan(found.block.words.truth)
    truth, good = found.block.words.truth[judged], found.good.astype(np.float64)
    scores = []
    for column, parameters in enumerate(several):
        confidence = foreseen.confidence[judged, column]
        signals = parameters.foreseen("rating", foreseen.satisfied[:, column])
        scores.append(
            Scores(
                brier=float(((confidence - truth) ** 2).mean()),
                belief_ece=reliability(confidence, truth).error,
                signal_ece=reliability(signals, good).error,
            )
        )
    return scores


def trial(users: int, chance: np.random.Generator) -> Trial:
    """Draw a world, fit its parameters to the ratings of some users, and score as many fresh ones."""
    shipped = load_parameters()
    words = vocabulary(shipped)
    rates = free_rates(shipped, words, [simulate(shipped, words, 20, chance).block])
    truth = draw_truth(shipped, rates, chance)
    seen, fresh = (simulate(truth, words, users, chance) for _ in range(2))
    unjudged = _without_judgements(seen.block)
    result = fit([unjudged], [rate for rate in rates if rate.table not in ("half_life", "base")], words)
    fitted = changed(shipped, result.values, version="fitted")
    scores = score(fresh, (truth, fitted, shipped), words)
    return Trial(
        rates=result.rates,
        truth={each.rate.name: value_of(truth, each.rate.name) for each in result.rates},
        scores=dict(zip(COMPARED, scores, strict=True)),
    )


def _without_judgements(found: Block) -> Block:
    return replace(found, words=replace(found.words, truth=np.full_like(found.words.truth, np.nan)))


MOST_WORSE, MOST_ECE = 1.10, 0.03


def report(*, quick: bool, seed: int = 1) -> None:
    """Print every figure, each with its target."""
    users, trials = (30, 1) if quick else (200, 6)
    chance = np.random.default_rng(seed)
    done = [trial(users, chance) for _ in range(trials)]
    print(
        f"{trials} worlds with rates drawn from the priors, {users} users fitted to by their ratings, as many fresh"
    )
    print(f"{'beliefs after 100 signals':<34}{'Brier':>8}{'ECE':>8}   {'signals: ECE':>12}")
    for name in COMPARED:
        scores = [each.scores[name] for each in done]
        brier, ece, signals = (
            float(np.mean([getattr(one, part) for one in scores]))
            for part in ("brier", "belief_ece", "signal_ece")
        )
        print(f"  parameters {name:<21}{brier:>8.4f}{ece:>8.3f}   {signals:>12.3f}")
    ratios = [each.scores["fitted"].brier / each.scores["known"].brier for each in done]
    ece = float(np.mean([each.scores["fitted"].signal_ece for each in done]))
    held = [each.holds(rate) for each in done for rate in each.rates if rate.rate.table not in NO_RATES]
    causes.target(
        "Brier fitted / known, mean", float(np.mean(ratios)), f"≤ {MOST_WORSE}", np.mean(ratios) <= MOST_WORSE
    )
    print(f"    worst world {max(ratios):.3f}")
    causes.target("ECE of signals foreseen, fitted", ece, f"≤ {MOST_ECE}", ece <= MOST_ECE)
    causes.target("rates inside their 90 % intervals", float(np.mean(held)), "≈ .90", np.mean(held) >= 0.85)
    causes.report(quick=quick, seed=seed)
    sensitivity.report(users, seed, quick=quick)
