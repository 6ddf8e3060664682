"""Calibration: who is held out, what is compared, what may be written, and what the file says of its origin."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beliefgraph.calibration import Calibration, Gathered, _isotonic, _platt, calibrated, held_out
from beliefgraph.comparison import JUDGEMENTS, SIGNALS, Drawing
from beliefgraph.evaluation import calibrate_log
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.fitting.blocks import Block, block
from beliefgraph.ingest.fitting.histories import History, vocabulary
from beliefgraph.ingest.parameters import Parameters, load_parameters, save_parameters
from beliefgraph.ingest.predict import predict
from beliefgraph.ingest.relate import EmbeddingRelater
from bench import curves, worlds
from bench.drawn import simulate
from bench.fitting import history_of
from bench.scratch import HashedWords
from tests.worlds import PARAMETERS, open_world, parameters_with

WORDS = vocabulary(PARAMETERS)
GRUMPY = replace(worlds.BASE, name="grumpy", candour=0.7, fault=0.05)


def _gathered(world: worlds.World, users: int, *, judged: int = 0) -> Gathered:
    """Gather simulated users, a quarter of them held out; `judged` of each confirm or deny their first belief."""
    chance = np.random.default_rng(11)
    histories = [_life(world, chance, judged=number < judged) for number in range(users)]
    quarter = users // 4
    sides: list[list[Block]] = [[block(histories[quarter:])], [block(histories[:quarter])]]
    return Gathered(
        train=sides[0], test=sides[1], train_users=users - quarter, test_users=quarter, digest="d" * 64
    )


def _life(world: worlds.World, chance: np.random.Generator, *, judged: bool) -> History:
    life = worlds.live(world, chance)
    history = history_of(life, WORDS)
    if judged:
        word = history.words[0]
        last = history.shown[-1].day + 1
        history.order.append((0, len(history.words)))
        history.words.append(
            word._replace(
                day=last, observed=last, level=3.0, absolute=False, source=-1, truth=float(life.truth[-1, 0])
            )
        )
    return history


@pytest.fixture(scope="module")
def grumpy() -> Calibration:
    """Return a calibration on users whose rates are not ours."""
    return calibrated(_gathered(GRUMPY, 200, judged=200), WORDS)


def test_better_parameters_are_found_better(grumpy: Calibration, tmp_path: Path) -> None:
    """Where users differ from the parameters, the fit is better on held-out users, is written, and can be read."""
    assert grumpy.better
    assert (grumpy.compared[SIGNALS].gain.low or 0.0) > 0
    assert 5000 == grumpy.compared[SIGNALS].outcomes
    assert 50 == grumpy.compared[JUDGEMENTS].outcomes == grumpy.compared[JUDGEMENTS].users
    path = tmp_path / "fitted.toml"
    grumpy.save(path)
    assert grumpy.parameters == load_parameters(path)
    own = tomllib.loads(path.read_text(encoding="utf-8"))
    assert {"version", "provenance", "attribution", "signals"} <= set(own) <= {
        "version", "provenance", "attribution", "signals", "sources", "recalibration", "kinds", "memory",
    }  # fmt: skip
    assert (20_000, 200, PARAMETERS.version) == tuple(
        own["provenance"][name] for name in ("signals", "judgements", "started_from")
    )
    assert own["version"].startswith(f"{PARAMETERS.version}-fitted-2026-01-1")


def test_the_tables_say_what_was_used(grumpy: Calibration) -> None:
    """Text and JSON hold each rate with its interval and both comparisons; without judgements the text says so."""
    shown = str(grumpy)
    assert "Beliefs, as their users confirmed, denied or edited them: 50 of 50 held-out users" in shown
    assert shown.endswith("better on held-out users")
    found = grumpy.as_json()
    assert {SIGNALS, JUDGEMENTS} == set(found["compared"])
    assert 15 == len(found["compared"][SIGNALS]["before"]["reliability"]["counts"])
    assert all(rate["low"] < rate["after"] < rate["high"] for rate in found["rates"])
    assert "only the prediction of signals is calibrated" in str(calibrated(_gathered(GRUMPY, 80), WORDS))


def test_parameters_that_are_not_better_are_not_written(tmp_path: Path) -> None:
    """Fitted to users of the kind that is assumed already, nothing is surely better: save refuses, no file appears."""
    assumed = worlds.World(
        name="ours", adherences=(0.8,), wrong=0.85, missed=0.75, fault=0.135, accident=0.02
    )
    found = calibrated(_gathered(assumed, 90), WORDS)
    assert not found.better
    with pytest.raises(InvalidInputError, match="better on held-out users"):
        found.save(tmp_path / "fitted.toml")
    assert [] == list(tmp_path.iterdir())


def test_too_few_users_are_not_fitted_to() -> None:
    """Fewer than twenty users on either side is refused, naming the number; so is a share that leaves one empty."""
    with pytest.raises(InvalidInputError, match="users: must be at least 20 held out"):
        calibrated(_gathered(worlds.BASE, 40), WORDS)
    with open_world() as world:
        with pytest.raises(InvalidInputError, match="users: must be at least 20 to fit to"):
            world.graph.calibrate()
        for share in (0.0, 1.0, float("nan")):
            with pytest.raises(InvalidInputError, match="share: must be a number between 0 and 1"):
                world.graph.calibrate(share=share)


def test_the_same_users_are_held_out_every_time() -> None:
    """Who is held out depends on the id alone, about the wanted share, and more with a greater one."""
    users = [f"user-{number}" for number in range(2000)]
    fifth = {user for user in users if held_out(user, 0.2)}
    assert 320 < len(fifth) < 480
    assert fifth == {user for user in users if held_out(user, 0.2)}
    assert fifth < {user for user in users if held_out(user, 0.4)}


def test_a_log_is_calibrated_as_its_store_would_be() -> None:
    """A log replayed on a scratch store is calibrated on what it leaves there, with provenance of its own times."""
    words = HashedWords()
    lines = curves.to_lines(GRUMPY, users=60, seed=2)
    found = calibrate_log(lines, share=0.4, embedder=words, relater=EmbeddingRelater(words))
    assert (6000, 0) == (found.provenance.signals, found.provenance.judgements)
    assert 60 == found.provenance.users + found.provenance.held_out_users
    assert "2026-01-01" == found.provenance.since[:10]
    assert 64 == len(found.provenance.digest)


def test_what_differs_is_written_and_read_back(tmp_path: Path) -> None:
    """Parameters of any kind survive the file: contexts, infinities, names that need quotes, a map on top."""
    changed = parameters_with(
        attribution__adherence=0.7,
        kinds__state__half_life_days=float("inf"),
        accident_contexts=[{"key": "device", "value": 'a "quoted" – name', "factor": 2.0}],
        recalibration={"rating": {"slope": 0.8, "offset": -0.1}},
        version="mine",
    )
    data = changed.model_dump()
    data["signals"]["thumb.s up"] = data["signals"]["rating"]
    odd = Parameters.model_validate(data)
    for parameters in (changed, odd):
        save_parameters(parameters, tmp_path / "p.toml")
        assert parameters == load_parameters(tmp_path / "p.toml")
    assert ["p.toml"] == [path.name for path in tmp_path.iterdir()]


def test_reason_chips_are_fitted_where_that_helps() -> None:
    """Chips that are not given as the parameters assume get ratios of their own; the report and the file have them."""
    chance = np.random.default_rng(3)
    train, test = (simulate(PARAMETERS, WORDS, users, chance, reasons=True).block for users in (140, 90))
    found = Gathered(train=[train], test=[test], train_users=140, test_users=90, digest="d" * 64)
    calibration = calibrated(found, WORDS)
    assert calibration.tags
    assert "reason chip" in str(calibration)
    assert calibration.tags == calibration.as_json()["tags"]
    for name, value in calibration.tags.items():
        _, tag, cause = name.split(".")
        assert value == getattr(calibration.parameters.tags[tag], cause)


def test_a_map_on_top_changes_what_is_foreseen() -> None:
    """With a map the prediction of that kind is σ(slope · logit p + offset), and of other kinds what it was."""
    mapped = parameters_with(recalibration={"rating": {"slope": 0.5, "offset": 0.2}})
    plain = predict([], {}, PARAMETERS, kind="rating")
    log_odds = 0.5 * np.log(plain / (1 - plain)) + 0.2
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(predict([], {}, mapped, kind="rating"))
    assert predict([], {}, PARAMETERS, kind="stars") == predict([], {}, mapped, kind="stars")
    with pytest.raises(ValueError, match="no kind with an outcome: copy"):
        parameters_with(recalibration={"copy": {"slope": 1.0, "offset": 0.0}})


def test_an_isotonic_map_is_straight_between_its_points(tmp_path: Path) -> None:
    """Between two points halfway is halfway, beyond them level; points must rise; the file keeps them."""
    points = [(0.2, 0.3), (0.6, 0.5), (0.9, 0.95)]
    mapped = parameters_with(version="mapped", recalibration={"rating": {"points": points}})
    foreseen = mapped.recalibration["rating"](np.array([0.1, 0.4, 0.6, 0.99]))
    assert [0.3, 0.4, 0.5, 0.95] == pytest.approx(foreseen.tolist())
    save_parameters(mapped, tmp_path / "mapped.toml")
    assert mapped.recalibration == load_parameters(tmp_path / "mapped.toml").recalibration
    with pytest.raises(ValueError, match="points must rise"):
        parameters_with(recalibration={"rating": {"points": points[::-1]}})


def test_an_isotonic_map_follows_a_shape_that_no_logistic_one_has() -> None:
    """What is foreseen too high below a half and rightly above is lowered there and left here."""
    foreseen = np.linspace(0.05, 0.95, 20_000)
    truth = np.where(foreseen < 0.5, foreseen / 2, foreseen)
    came = (np.random.default_rng(5).random(len(truth)) < truth).astype(np.float64)
    isotonic, platt = _isotonic(foreseen, came), _platt(foreseen, came)
    assert isotonic is not None and platt is not None
    at = np.array([0.2, 0.4, 0.7, 0.9])
    assert [0.1, 0.2, 0.7, 0.9] == pytest.approx(isotonic(at).tolist(), abs=0.04)
    assert abs(platt(at) - [0.1, 0.2, 0.7, 0.9]).max() > 0.04


def test_intervals_are_over_users() -> None:
    """A hundred outcomes of one user among few make a wide interval; spread over a hundred users, a narrow one."""
    values = np.array([1.0] * 100 + [0.0] * 100)
    few = Drawing(np.repeat([0, 1, 2, 3], 50)).mean(values)
    many = Drawing(np.arange(200)).mean(values)
    assert 0.5 == few.value == many.value
    widths = [(each.high or 0.0) - (each.low or 0.0) for each in (few, many)]
    assert widths[0] > 3 * widths[1]


def test_the_picture_is_drawn(grumpy: Calibration, tmp_path: Path) -> None:
    """The reliability diagram comes out as a picture."""
    pytest.importorskip("matplotlib")
    grumpy.plot(tmp_path / "reliability.png")
    assert (tmp_path / "reliability.png").stat().st_size > 5000
