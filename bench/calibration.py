"""Calibration in simulation, where the truth is known: are rates recovered, beliefs right, causes found?

The world is that of our mathematics with rates drawn from the priors of the fit, so that nobody knows them; users are
fitted to by their ratings alone. Users are run forward in the arrays of the fit, which foresee what the pipeline does
(tests/ingest/test_fitting.py compares them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.ledger import logit
from beliefgraph.ingest.attribution import Premise, attribute
from beliefgraph.ingest.fitting.blocks import Block, block
from beliefgraph.ingest.fitting.forward import run
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
    vocabulary,
)
from beliefgraph.ingest.fitting.rates import Rate, Tables, changed, drawn, free_rates, tables
from beliefgraph.ingest.fitting.search import FittedRate, fit
from beliefgraph.ingest.fitting.tags import fit_ratios, tagged
from beliefgraph.ingest.parameters import Parameters, load_parameters
from beliefgraph.scoring import reliability

Floats = npt.NDArray[np.float64]
BELIEFS, SIGNALS = 5, 100
ADHERENCES = (0.7, 0.85, 0.95)
COMPARED = ("known", "fitted", "shipped")
CAUSES = ("belief_wrong", "response_missed", "form", "other_fault", "accident", "satisfied")
_REASONS: Mapping[str, Mapping[str, float]] = {
    "belief_wrong": {"unwanted": 0.85, "not_what_i_asked": 0.05, "inaccurate": 0.05, "too_general": 0.05},
    "response_missed": {"ignored_preference": 0.85, "not_what_i_asked": 0.05, "too_general": 0.1},
    "form": {"too_long": 0.4, "bad_format": 0.3, "wrong_tone": 0.2, "too_general": 0.1},
    "other_fault": {"inaccurate": 0.6, "outdated": 0.25, "not_what_i_asked": 0.15},
    "accident": {"mistake": 1.0},
    "satisfied": {"too_general": 0.5, "wrong_tone": 0.5},
}
"""Which reason people give, by the true cause of their bad signal: mostly the fitting one, and not as we assume."""
_NO_RATES = ("half_life", "base", "memory", "session", "change")
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
        given = _REASONS[cause]
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
        if rate.table not in _NO_RATES
    }
    return changed(parameters, values, version="truth")


def value_of(parameters: Parameters, name: str) -> float:
    """Return a parameter by its dotted name."""
    place: object = parameters
    for part in name.split("."):
        place = place[part] if isinstance(place, dict) else getattr(place, part)
    assert isinstance(place, float)
    return place


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


# Causes


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseScores:
    """How often the likeliest cause of a bad signal was the true one, and how well its probabilities are calibrated.

    `top_of_caused` leaves out those of users who were satisfied. `ece` is over all six causes, each a yes or no.
    `taken` counts signals by their true cause (rows) and the likeliest one (columns), in the order of `CAUSES`.
    """

    bad: int
    top: float
    top_of_caused: float
    ece: float
    taken: npt.NDArray[np.int64]


def causes(
    parameters: Parameters, truth: Parameters, users: int, seed: int, *, reasons: bool, oracle: bool = False
) -> CauseScores:
    """Explain every bad signal of a world under some parameters, as the pipeline would when it comes.

    With `oracle`, as somebody would who knows how often each reason is given for each cause: the most that can be had
    of the same signals, since what a reason chip weighs in truth no ledger tells.
    """
    words = vocabulary(parameters)
    found = simulate(truth, words, users, np.random.default_rng(seed), reasons=reasons)
    then = run(found.block, tables(parameters, words), words).then[:, 0]
    names = list(words.tags)
    said, came = [], []
    for row in np.flatnonzero(~found.good):
        tag = names[found.tag[row]] if found.tag[row] >= 0 else None
        premises = _premises(found.block, then, int(row), plain=oracle)
        if oracle:
            before = _told(parameters, premises, None)
            told = {
                each: share * (_REASONS[each].get(tag, 0.0) if tag else 1.0) for each, share in before.items()
            }
        else:
            told = _told(parameters, premises, tag)
        total = sum(told.values())
        said.append([told[cause] / total for cause in CAUSES])
        came.append(CAUSES.index(str(found.cause[row])))
    return _cause_scores(np.array(said), np.array(came))


def _premises(block: Block, then: Floats, row: int, *, plain: bool) -> list[Premise]:
    """Return the premises of one response as they were snapshot; `plain` without what the tag says of them."""
    edges = block.edges
    first, last = np.searchsorted(edges.response, (row, row + 1))
    return [
        Premise(
            weight=float(edges.weight[edge]),
            adherence=float(edges.adherence[edge]),
            confidence=float(then[edge]),
            wrong_ratio=1.0 if plain else float(edges.wrong_ratio[edge]),
            missed_ratio=1.0 if plain else float(edges.missed_ratio[edge]),
        )
        for edge in range(first, last)
    ]


def _told(parameters: Parameters, premises: Sequence[Premise], name: str | None) -> dict[str, float]:
    """Return the causes of a bad rating with this tag."""
    tag = parameters.tags[name] if name else None
    emission = parameters.signal("rating").emission(-1.0, 1.0, tag.accident if tag else None)
    attribution = attribute(
        premises,
        [emission],
        parameters.attribution.faults,
        form_ratio=tag.form if tag else 1.0,
        other_ratio=tag.other if tag else 1.0,
    )
    return {str(cause): share for cause, share in attribution.causes.items()}


def _cause_scores(probabilities: Floats, true: npt.NDArray[np.int64]) -> CauseScores:
    hits, guess = np.eye(len(CAUSES))[true], probabilities.argmax(axis=1)
    right, caused = guess == true, true != CAUSES.index("satisfied")
    taken = np.zeros((len(CAUSES), len(CAUSES)), dtype=np.int64)
    np.add.at(taken, (true, guess), 1)
    return CauseScores(
        bad=len(true),
        top=float(right.mean()),
        top_of_caused=float(right[caused].mean()),
        ece=reliability(probabilities.ravel(), hits.ravel()).error,
        taken=taken,
    )


def with_fitted_tags(parameters: Parameters, users: int, seed: int) -> Parameters:
    """Return parameters whose ratios of reason chips are fitted to those of so many other users of the same world."""
    words = vocabulary(parameters)
    others = simulate(parameters, words, users, np.random.default_rng((seed, 1)), reasons=True)
    found = tagged(others.block, tables(parameters, words), words)
    return changed(parameters, fit_ratios(found, parameters), version="fitted-tags")


# Sensitivity


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


# What is printed


MOST_WORSE, MOST_ECE, LEAST_TOP, MOST_CAUSE_ECE = 1.10, 0.03, 0.80, 0.05


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
    held = [each.holds(rate) for each in done for rate in each.rates if rate.rate.table not in _NO_RATES]
    _target(
        "Brier fitted / known, mean", float(np.mean(ratios)), f"≤ {MOST_WORSE}", np.mean(ratios) <= MOST_WORSE
    )
    print(f"    worst world {max(ratios):.3f}")
    _target("ECE of signals foreseen, fitted", ece, f"≤ {MOST_ECE}", ece <= MOST_ECE)
    _target("rates inside their 90 % intervals", float(np.mean(held)), "≈ .90", np.mean(held) >= 0.85)
    _report_causes(quick=quick, seed=seed)
    print("\nOne parameter halved / doubled (of a probability: its odds), the others right")
    print(f"{'parameter':<42}{'value':>8}   {'Brier of beliefs':>18}   {'log loss of signals':>20}")
    for each in sensitivity(users, seed):
        cells = "".join(f"{low:>+10.4f} {high:>+9.4f}  " for low, high in (each.brier, each.log_loss))
        print(f"{each.name:<42}{each.value:>8.3g}   {cells}")


def _report_causes(*, quick: bool, seed: int) -> None:
    shipped, users = load_parameters(), 10 if quick else 100
    print("\nCause of a bad signal, as interpreted when it came")
    for title, parameters, reasons in (
        ("every bad signal with a reason", shipped, True),
        (
            "the same, ratios fitted to the reasons of others",
            with_fitted_tags(shipped, 2 * users, seed),
            True,
        ),
        ("no reason given", shipped, False),
    ):
        found = causes(parameters, shipped, users, seed, reasons=reasons)
        _target(f"top guess right: {title}", found.top, f"≥ {LEAST_TOP}", found.top >= LEAST_TOP)
        print(
            f"    of those who were dissatisfied or slipped {found.top_of_caused:.3f} ({found.bad:,} bad signals)"
        )
        _target("  its calibration error", found.ece, f"≤ {MOST_CAUSE_ECE}", found.ece <= MOST_CAUSE_ECE)
        most = causes(shipped, shipped, users, seed, reasons=reasons, oracle=True)
        print(f"    whoever knows how often each reason is given for each cause {most.top:.3f}")
        for cause, row in zip(CAUSES, found.taken, strict=True):
            shares = [(float(n) / max(1, row.sum()), name) for name, n in zip(CAUSES, row, strict=True) if n]
            told = ", ".join(f"{name} {share:.2f}" for share, name in sorted(shares, reverse=True))
            print(f"    {cause} ({row.sum():,}) taken for {told}")


def _target(name: str, value: float, wanted: str, met: object) -> None:
    print(f"{name:<66}{value:>8.3f}   {wanted:<7} {'met' if met else 'missed'}")
