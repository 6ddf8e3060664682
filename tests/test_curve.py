"""The curve of learning: stages, scores and intervals by hand, and that no way of learning looks ahead."""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beliefgraph.baselines import Records, foresee_all
from beliefgraph.curve import NAMES, Curve, curve_of
from beliefgraph.evaluation import evaluate_with_curve
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.ingest.relate import EmbeddingRelater
from beliefgraph.picture import _spread
from beliefgraph.queries.curve import Behind, Interaction
from beliefgraph.scoring import Floats
from bench import curves, worlds
from bench.scratch import HashedWords
from tests.worlds import open_world

DAY_US = 86_400_000_000
WAYS = {"population_mean", "user_mean", "fixed_steps", "beta_counts", "exponential_average"} | {
    "regression_weekly",
    "regression_online",
}


def _history(
    outcomes: Sequence[int], *, foreseen: float = 0.6, beliefs: Sequence[str] = ("b",), start_us: int = 0
) -> list[Interaction]:
    """Return one interaction a day, each foreseen alike; the beliefs take turns."""
    return [
        Interaction(
            kind="rating",
            foreseen=foreseen,
            unlearned=0.5,
            good=bool(good),
            behind=(
                Behind(
                    belief_id=BeliefId(name := beliefs[number % len(beliefs)]),
                    statement_key=f"says {name}",
                    weight=0.5,
                    then=0.6,
                    first=0.6,
                ),
            ),
            foreseen_us=start_us + number * DAY_US,
            foreseen_seq=2 * number + 1,
            learned_us=start_us + number * DAY_US,
            learned_seq=2 * number + 2,
        )
        for number, good in enumerate(outcomes)
    ]


def _foresee(*histories: Sequence[Interaction], across_users: bool = True) -> dict[str, list[float]]:
    records = Records()
    for history in histories:
        records.add(history)
    return {way: values.tolist() for way, values in foresee_all(records, across_users=across_users).items()}


def _curve(
    histories: Sequence[Sequence[Interaction]], user_id: str | None = None, at_least: int = 1
) -> Curve:
    return curve_of(histories, parameters_version="1", user_id=user_id, at_least=at_least)


def test_the_simple_ways_by_hand() -> None:
    """Two thumbs-down after a confidence of .6: counts, steps and averages as their names say."""
    found = _foresee(_history([0, 0, 1]))
    assert pytest.approx([0.5, 1 / 3, 1 / 4]) == found["population_mean"]
    third = (0 + 2 * (1 / 4)) / (2 + 2)
    assert pytest.approx([0.5, (2 / 3) / 3, third]) == found["user_mean"]
    assert pytest.approx([0.6, 0.48, 0.36]) == found["fixed_steps"]
    assert pytest.approx([0.6, 0.6 * 2 / 3, 0.6 * 2 / 4]) == found["beta_counts"]
    assert pytest.approx([0.6, 0.54, 0.486]) == found["exponential_average"]
    assert WAYS == set(found)


def test_a_response_on_several_beliefs_is_foreseen_by_their_weights() -> None:
    """The heavier belief's score counts for more, and both move by one signal."""
    (first,) = _history([1])
    behind = (
        replace(first.behind[0], weight=0.75, first=0.8),
        replace(first.behind[0], belief_id=BeliefId("c"), weight=0.25, first=0.4),
    )
    both = replace(first, behind=behind)
    later = replace(both, foreseen_seq=3, learned_seq=4)
    found = _foresee([both, later])
    assert pytest.approx([0.7, 0.75 * 0.85 + 0.25 * 0.45]) == found["fixed_steps"]


def test_no_way_looks_ahead() -> None:
    """Another outcome changes nothing that was foreseen before it came, and something after."""
    chance = np.random.default_rng(5)
    one, two = ([int(good) for good in chance.random(40) < 0.6] for _ in range(2))
    other = [*one[:25], 1 - one[25], *one[26:]]
    beliefs = ("a", "b", "c")
    found, changed = (
        _foresee(_history(first, beliefs=beliefs), _history(two, beliefs=beliefs)) for first in (one, other)
    )
    for way in WAYS:
        assert found[way][:26] == changed[way][:26], way
        assert found[way][40:65] == changed[way][40:65], way
        assert found[way] != changed[way], way


def test_what_comes_late_is_learned_late() -> None:
    """A signal that comes after the next response was foreseen cannot have taught anything about it."""
    first, second = _history([0, 0])
    late = replace(first, learned_us=second.learned_us + 1, learned_seq=9)
    assert pytest.approx([0.6, 0.6]) == _foresee([late, second])["fixed_steps"]
    assert pytest.approx([0.6, 0.48]) == _foresee([first, second])["fixed_steps"]


def test_the_regressions_learn_what_a_mean_cannot() -> None:
    """One belief always pleases and another never does: after some weeks both regressions tell them apart."""
    histories = [
        _history([1, 0] * 30, beliefs=("loved", "hated"), start_us=n * 40 * DAY_US) for n in range(10)
    ]
    found = _foresee(*histories)
    for way in ("regression_weekly", "regression_online"):
        last = found[way][-60:]
        assert min(last[2::2]) > 0.8, way
        assert max(last[3::2]) < 0.2, way
    assert 0.4 < found["user_mean"][-1] < 0.6


def test_the_online_regression_follows_all_that_came() -> None:
    """One Newton step a signal ends near the maximum of the penalised likelihood of all signals."""
    from scipy.optimize import minimize

    chance = np.random.default_rng(3)
    outcomes = [int(chance.random() < (0.2 if number % 2 else 0.8)) for number in range(200)]
    records = Records()
    records.add(_history(outcomes, beliefs=("a", "b")))
    from beliefgraph import baselines

    counts = baselines._Counts(records)
    features = baselines._Features(records, counts)
    online = baselines._OnlineRegression(records, features)
    for index in range(len(records)):
        features.note(index)
        online.foresee(index)
        online.learn(index)
        counts.learn(index)
    rows, start = np.c_[features.table, np.ones(200)], np.append(baselines._USERS_MEAN, 0.0)

    def penalised(w: Floats) -> float:
        signs = 2 * np.array(outcomes) - 1
        return float(np.log1p(np.exp(-signs * (rows @ w))).sum() + ((w - start) ** 2).sum() / 2)

    best, reached = minimize(penalised, start).fun, penalised(online._coefficients)
    assert reached - best < 0.1 * (penalised(start) - best)


def test_scores_by_stage_by_hand() -> None:
    """Each stage has its own interactions; log loss, gain over the population's mean, and calibration are of those."""
    curve = _curve([_history([1, 0, 1]), _history([1])])
    first, second = curve.stages
    assert ("1", 2, 2) == (first.name, first.users, first.interactions)
    assert ("2–5", 1, 2) == (second.name, second.users, second.interactions)
    assert pytest.approx(-math.log(0.6)) == first.scores["self_model"].log_loss.value
    assert pytest.approx(-(math.log(0.4) + math.log(0.6)) / 2) == second.scores["self_model"].log_loss.value
    assert pytest.approx((0.36 + 0.16) / 2) == second.scores["self_model"].brier.value
    mean = first.scores["population_mean"].log_loss.value
    assert mean is not None
    assert pytest.approx(1 + math.log(0.6) / mean) == first.scores["self_model"].gain.value
    assert pytest.approx(0.6) == first.foreseen
    assert 1.0 == first.came.value
    assert first.scores["self_model"].ece.value is None


def test_the_lead_is_over_the_best_baseline() -> None:
    """Positive when the self-model is better than every baseline; its frozen self is no rival."""
    histories = [_history([1] * 6, foreseen=0.97, start_us=n * DAY_US) for n in range(8)]
    for stage in _curve(histories).stages:
        losses = {way: each.log_loss.value or 0.0 for way, each in stage.scores.items()}
        rivals = {way: loss for way, loss in losses.items() if way in WAYS}
        assert stage.best == min(rivals, key=lambda way: (rivals[way], way))
        assert pytest.approx(rivals[stage.best] - losses["self_model"]) == stage.lead.value


def test_intervals_are_drawn_over_users() -> None:
    """They cover the value; of users who agree they are narrow, of few users there are none."""
    chance = np.random.default_rng(2)
    alike = _curve([_history([1, 1, 0, 1, 0, 1]) for _ in range(40)]).stages[-1]
    unlike = _curve([_history([int(chance.random() < 0.5)] * 6) for _ in range(40)]).stages[-1]
    for stage in (alike, unlike):
        each = stage.scores["self_model"].log_loss
        assert each.low is not None
        assert each.value is not None
        assert each.high is not None
        assert each.low <= each.value + 1e-12
        assert each.value <= each.high + 1e-12
    assert pytest.approx(0.0, abs=1e-9) == (alike.came.high or 0) - (alike.came.low or 0)
    assert (unlike.came.high or 0) - (unlike.came.low or 0) > 0.2
    few = _curve([_history([1, 0, 1, 1])] * 3).stages[0].scores["self_model"].log_loss
    assert (None, None) == (few.low, few.high)


def test_only_those_who_stayed_when_asked() -> None:
    """With `at_least`, the same people stand behind every stage up to it."""
    histories = [_history([1] * 30), _history([1] * 3), _history([])]
    assert (2, 33) == ((curve := _curve(histories)).users, curve.interactions)
    stayed = _curve(histories, at_least=21)
    assert (1, 30) == (stayed.users, stayed.interactions)
    assert {1} == {stage.users for stage in stayed.stages}


def test_one_user_is_seen_alone() -> None:
    """Her curve has wider stages, no population, and intervals over her days."""
    chance = np.random.default_rng(9)
    curve = _curve([_history([int(good) for good in chance.random(60) < 0.5])], user_id="ada")
    assert ["1–5", "6–20", "21–100"] == [stage.name for stage in curve.stages]
    assert "population_mean" not in curve.stages[0].scores
    assert "user_mean" == curve.reference
    assert curve.stages[-1].came.low is not None
    assert "her days" in str(curve)


def test_the_curve_of_a_store() -> None:
    """A user's curve comes from her records alone; the graph's has everybody's."""
    with open_world() as world:
        empty = world.ada.curve()
        assert (0, ()) == (empty.interactions, empty.stages)
        assert "yet" in str(empty)
        for name in ("ada", "bob"):
            user = world.graph.user(name)
            belief = user.believe("Prefers short answers").id
            for number in range(3):
                response = user.respond("an answer", beliefs=[belief])
                user.signal("rating", 1.0 if name == "ada" else -1.0, response=response.id)
                if name == "ada" and number == 1:
                    world.clock.pass_time(days=1)
        alone = world.ada.curve()
        assert (1, 3, "ada") == (alone.users, alone.interactions, alone.user_id)
        assert 1.0 == alone.stages[0].came.value
        assert (2, 6) == ((both := world.graph.curve()).users, both.interactions)
        assert pytest.approx(0.5) == both.stages[0].came.value
        earlier = world.graph.curve(as_of=world.clock.now.replace(hour=0))
        assert 2 == earlier.interactions
        with pytest.raises(InvalidInputError, match="at_least"):
            world.graph.curve(at_least=0)


def test_json_holds_everything() -> None:
    """Every stage with every way; times are texts; nothing is not a number."""
    told = json.loads(json.dumps(_curve([_history([1, 0]), _history([0])]).as_json(), allow_nan=False))
    assert (2, 3, "population_mean") == (told["users"], told["interactions"], told["reference"])
    assert set(NAMES) == set(told["stages"][0]["scores"])
    assert {"value", "low", "high"} == set(told["stages"][0]["scores"]["user_mean"]["gain"])
    assert told["since"].startswith("1970-01-01")


def test_a_simulated_population_is_learned() -> None:
    """In the world that is assumed, the self-model foresees better with use than its frozen self."""
    curve = curves.simulate(worlds.BASE, users=12)
    last = curve.stages[-1].scores
    assert (last["self_model"].log_loss.value or 1) < (last["without_learning"].log_loss.value or 0)
    assert 1200 == curve.interactions


def test_a_log_is_evaluated_and_drawn_from_one_replay() -> None:
    """The evaluation and the curve of a log agree where each signal follows its response."""
    words = HashedWords()
    lines = curves.to_lines(worlds.BASE, users=3, seed=1)
    evaluation, curve = evaluate_with_curve(lines, embedder=words, relater=EmbeddingRelater(words))
    total = sum(
        stage.interactions * (stage.scores["self_model"].log_loss.value or 0) for stage in curve.stages
    )
    assert pytest.approx(evaluation.overall.log_loss) == total / curve.interactions


def test_names_at_the_ends_of_lines_are_kept_apart() -> None:
    """In their order, at least so far apart, none above the top."""
    placed = _spread({"a": 0.0, "b": 0.01, "c": 0.99, "d": 1.0}, 0.1, 1.0)
    heights = [placed[name] for name in "abcd"]
    assert all(high - low >= 0.1 - 1e-12 for low, high in itertools.pairwise(heights))
    assert max(heights) <= 1.0


@pytest.mark.slow
def test_plot_draws_a_picture(tmp_path: Path) -> None:
    """Of a population, of one user, and of nothing."""
    pytest.importorskip("matplotlib")
    histories = [_history([1, 0, 1, 1, 0, 0, 1] * 4) for _ in range(6)]
    drawn = {"all.png": _curve(histories), "one.png": _curve(histories[:1], "ada"), "none.png": _curve([])}
    for place, curve in drawn.items():
        curve.plot(tmp_path / place)
        assert (tmp_path / place).read_bytes().startswith(b"\x89PNG")
