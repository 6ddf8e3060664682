"""The cause of a bad signal, as interpreted when it came: is the likeliest one right, are the probabilities?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beliefgraph.ingest.attribution import Premise, attribute
from beliefgraph.ingest.fitting.blocks import Block
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import vocabulary
from beliefgraph.ingest.fitting.rates import changed, tables
from beliefgraph.ingest.fitting.tags import fit_ratios, tagged
from beliefgraph.ingest.parameters import Parameters, load_parameters
from beliefgraph.ingest.quantities import Floats
from beliefgraph.scoring import reliability
from bench.drawn import CAUSES, REASONS, simulate

LEAST_TOP, MOST_ECE = 0.80, 0.05


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
                each: share * (REASONS[each].get(tag, 0.0) if tag else 1.0) for each, share in before.items()
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


def report(*, quick: bool, seed: int) -> None:
    """Print how often the likeliest cause is right: with a reason, with ratios fitted to those of others, without."""
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
        target(f"top guess right: {title}", found.top, f"≥ {LEAST_TOP}", found.top >= LEAST_TOP)
        print(
            f"    of those who were dissatisfied or slipped {found.top_of_caused:.3f} ({found.bad:,} bad signals)"
        )
        target("  its calibration error", found.ece, f"≤ {MOST_ECE}", found.ece <= MOST_ECE)
        most = causes(shipped, shipped, users, seed, reasons=reasons, oracle=True)
        print(f"    whoever knows how often each reason is given for each cause {most.top:.3f}")
        for cause, row in zip(CAUSES, found.taken, strict=True):
            shares = [(float(n) / max(1, row.sum()), name) for name, n in zip(CAUSES, row, strict=True) if n]
            told = ", ".join(f"{name} {share:.2f}" for share, name in sorted(shares, reverse=True))
            print(f"    {cause} ({row.sum():,}) taken for {told}")


def target(name: str, value: float, wanted: str, met: object) -> None:
    """Print a figure with its target."""
    print(f"{name:<66}{value:>8.3f}   {wanted:<7} {'met' if met else 'missed'}")
