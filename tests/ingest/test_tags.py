"""What reason chips say of causes: fitted to those that came, added up over users, and kept where few came."""

import functools
import operator

import numpy as np
import pytest

from beliefgraph.ingest.fitting.histories import vocabulary
from beliefgraph.ingest.fitting.rates import changed, tables
from beliefgraph.ingest.fitting.tags import (
    CAUSES,
    Tagged,
    expected,
    fit_ratios,
    how_often,
    ratios,
    surprise,
    tagged,
)
from bench.drawn import simulate
from tests.worlds import PARAMETERS

WORDS = vocabulary(PARAMETERS)


def _tagged(users: int, seed: int) -> Tagged:
    """Return the chips of simulated users, who do not give them as the shipped ratios assume."""
    found = simulate(PARAMETERS, WORDS, users, np.random.default_rng(seed), reasons=True)
    return tagged(found.block, tables(PARAMETERS, WORDS), WORDS)


def test_fitted_chips_surprise_less() -> None:
    """Of fresh users the chips are foreseen better under ratios that were fitted to others."""
    seen, fresh = _tagged(60, 1), _tagged(40, 2)
    often = how_often([seen], len(WORDS.tags))
    fitted = changed(PARAMETERS, fit_ratios(seen, PARAMETERS), version="fitted")
    before, after = (surprise(fresh, each, often).mean() for each in (PARAMETERS, fitted))
    assert after < before - 0.002


def test_a_chip_that_is_given_for_one_cause_says_so() -> None:
    """A chip that came where only the form can have been at fault speaks for the form, one elsewhere for that."""
    names = list(WORDS.tags)
    chips = [names.index("too_general"), names.index("outdated")]
    shares = np.array([[0.05, 0.05, 0.85, 0.05], [0.05, 0.05, 0.05, 0.85]])
    found = Tagged(
        tag=np.repeat(chips, 400),
        shares=np.repeat(shares, 400, axis=0),
        dissatisfied=np.ones(800),
        user=np.arange(800),
    )
    fitted = ratios(changed(PARAMETERS, fit_ratios(found, PARAMETERS), version="fitted"))
    assert ["form", "other"] == [CAUSES[int(fitted[chip].argmax())] for chip in chips]
    assert ratios(PARAMETERS)[names.index("too_long")] == pytest.approx(fitted[names.index("too_long")])


def test_few_chips_change_nothing() -> None:
    """A chip of which there are fewer than fifty records keeps its ratios; so does every one that calls it a slip."""
    found = _tagged(60, 1)
    fitted = {name.split(".")[1] for name in fit_ratios(found, PARAMETERS)}
    counts = np.bincount(found.tag, minlength=len(WORDS.tags))
    assert {name for name, place in WORDS.tags.items() if counts[place] >= 50} == fitted
    assert "mistake" not in fitted and "too_short" not in fitted
    assert {} == fit_ratios(_tagged(1, 3), PARAMETERS)


def test_counts_add_up_over_users() -> None:
    """What partitions of users say of their chips is, added up, what all of them say."""
    parts = [_tagged(4, seed) for seed in (1, 2, 3)]
    whole = functools.reduce(operator.add, parts)
    likely = np.random.default_rng(1).dirichlet(np.ones(len(WORDS.tags)), len(CAUSES)).T
    assert sum(expected(part, likely) for part in parts) == pytest.approx(expected(whole, likely))
    assert 12 == len(np.unique(whole.user))
