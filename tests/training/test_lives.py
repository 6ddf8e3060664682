"""A life is read topic by topic, meets itself as a self-model would, and teaches what a word of change is worth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from training.export import REST, fit_changed, fit_situated
from training.lives import Topic, read_life
from training.meeting import met_in

_ANGLES = {"I run": 0, "I no longer run": 5, "I eat cake": 60, "at home I eat none": 65, "I have a cat": 200}


def _encode(texts: Sequence[str]) -> list[npt.NDArray[np.float32]]:
    angles = np.radians([_ANGLES[text] for text in texts])
    return list(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32))


def test_a_life_and_what_meets_in_it(tmp_path: Path) -> None:
    """Reversals, exceptions and plain topics are told apart; of all near pairs only a reversal contradicts."""
    path = tmp_path / "life.txt"
    path.write_text(
        "I run -> I no longer run\nI eat cake + at home I eat none\nI have a cat\n", encoding="utf-8"
    )
    life = read_life(path)
    assert [
        Topic("I run", reversal="I no longer run"),
        Topic("I eat cake", exception="at home I eat none"),
        Topic("I have a cat"),
    ] == life
    met = met_in(life, _encode)
    assert [("I no longer run", "I run")] == [each.pair for each in met if each.real]
    assert ("at home I eat none", "I eat cake") in [each.pair for each in met]  # the later text first
    assert not any("I have a cat" in each.pair for each in met)  # it is near nothing


def test_the_worth_of_a_word_of_change_is_found_again() -> None:
    """Of pairs drawn from the model itself, its weights are recovered."""
    rng = np.random.default_rng(1)
    odds, texts = rng.exponential(0.5, size=12_000), np.repeat(np.arange(3_000), 4)
    share = odds / (np.bincount(texts, odds)[texts] + REST)
    real = rng.random(len(odds)) < 1.0 / (1.0 + np.exp(-(0.8 * np.log(odds) + 3.0 * share - 1.0)))
    found = fit_changed(odds, texts, real)
    assert pytest.approx([0.8, 3.0, -1.0], rel=0.15) == [
        found[name] for name in ("log_odds", "share", "intercept")
    ]


def test_the_weight_of_the_cosine_is_found_again() -> None:
    """Of pairs drawn from the model itself, the four numbers are recovered."""
    rng = np.random.default_rng(1)
    relations = rng.dirichlet([0.2, 0.1, 0.1, 0.6, 0.6], size=20_000)
    cosines = rng.uniform(0.25, 0.9, size=len(relations))
    against, neutral = np.maximum(relations[:, 3], 1e-6), np.maximum(relations[:, 4], 1e-6)
    leads = rng.uniform(-0.3, 0.1, size=len(relations))
    log_odds = 0.7 * np.log(against / neutral) + 6.0 * cosines + 5.0 * leads - 4.0
    said = 1.0 / (1.0 + np.exp(-log_odds) + relations[:, :3].sum(axis=1) / against)
    fitted = fit_situated(relations, cosines, leads, rng.random(len(said)) < said)["situated"]
    assert pytest.approx([0.7, 6.0, 5.0, -4.0], rel=0.1) == [
        fitted[name] for name in ("log_odds", "cosine", "lead", "intercept")
    ]
