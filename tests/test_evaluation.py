"""Scoring by hand, and the prequential evaluation of small logs through the whole store."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from beliefgraph.evaluation import Evaluation, evaluate
from beliefgraph.graph.store import Vector
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.reader import IngestReport
from beliefgraph.scoring import reliability, score


class Axes:
    """An embedder for tests: each text has an axis of its own, so that nothing is near anything else."""

    name = "axes"

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def encode(self, texts: Sequence[str]) -> list[Vector]:
        vectors = []
        for text in texts:
            vector = np.zeros(64, dtype=np.float32)
            vector[self._places.setdefault(text, len(self._places))] = 1.0
            vectors.append(vector)
        return vectors

    def forget(self) -> None:
        self._places.clear()


def _at(minute: int) -> str:
    return f"2026-01-01T10:{minute:02d}:00Z"


def _belief(name: str, confidence: float, minute: int = 0, user: str = "ada") -> dict[str, Any]:
    return {
        "type": "belief",
        "user": user,
        "id": name,
        "statement": f"Has mastered {name}",
        "confidence": confidence,
        "source": "imported",
        "kind": "skill",
        "at": _at(minute),
    }


def _exercise(number: int, beliefs: Sequence[str], value: float, user: str = "ada") -> list[dict[str, Any]]:
    response = {
        "type": "response",
        "user": user,
        "id": f"r{number}",
        "text": "an exercise",
        "beliefs": [{"id": name, "weight": 1.0, "adherence": 1.0} for name in beliefs],
        "at": _at(number),
    }
    signal = {
        "type": "signal",
        "user": user,
        "id": f"s{number}",
        "response": f"r{number}",
        "kind": "answer",
        "value": value,
        "at": _at(number),
    }
    return [response, signal]


def _log(*events: dict[str, Any]) -> list[str]:
    return [json.dumps(event) for event in events]


def _evaluate(lines: list[str], **options: Any) -> Evaluation:
    return evaluate(lines, embedder=Axes(), **options)


def test_calibration_error_by_hand() -> None:
    """Two bins: |.2 − ½|·2/4 and |.85 − 1|·2/4 add up to .225."""
    probabilities, outcomes = np.array([0.1, 0.3, 0.8, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    assert pytest.approx(0.225) == reliability(probabilities, outcomes, bins=2).error


def test_a_probability_of_one_belongs_to_the_last_bin() -> None:
    """Fifteen bins, the last closed on the right."""
    assert [14] == np.flatnonzero(reliability(np.array([1.0]), np.array([1.0])).counts).tolist()


def test_scores_by_hand() -> None:
    """Log loss, Brier score and AUC of two predictions, one on each side."""
    scores = score(np.array([0.8, 0.4]), np.array([1.0, 0.0]))
    assert 2 == scores.n
    assert pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2) == scores.log_loss
    assert pytest.approx((0.04 + 0.16) / 2) == scores.brier
    assert pytest.approx(1.0) == scores.auc


def test_one_outcome_has_no_auc_and_nothing_has_no_scores() -> None:
    """What cannot be scored is None, and JSON can hold it."""
    assert score(np.array([0.8, 0.7]), np.array([1.0, 1.0])).auc is None
    nothing = score(np.array([]), np.array([])).as_json()
    assert {"log_loss": None, "brier": None, "auc": None, "ece": None, "n": 0} == nothing


def test_histories_are_grouped_by_earlier_signals() -> None:
    """0, 1, 2 to 4, 5 to 9, and 10 or more."""
    earlier = np.array([0, 1, 2, 4, 5, 9, 10, 50])
    evaluation = Evaluation(
        probabilities=np.full(8, 0.5), outcomes=np.ones(8), earlier=earlier, report=IngestReport()
    )
    counts = {name: scores.n for name, scores in evaluation.by_history.items()}
    assert {"0": 1, "1": 1, "2–4": 2, "5–9": 2, "10+": 2} == counts


def test_each_signal_is_predicted_from_what_came_before_it() -> None:
    """The first is the attribution model run forward from the stated confidence; a right answer raises the next."""
    evaluation = _evaluate(
        _log(_belief("k", 0.7), *_exercise(1, ["k"], 1), *_exercise(2, ["k"], 1), *_exercise(3, ["k"], 0))
    )
    parameters = load_parameters()
    faults, answer = parameters.attribution.faults, parameters.signal("answer")
    satisfied = (1 - faults.form) * (1 - faults.other) * (1 - (1 - 0.7) * faults.wrong)
    assert pytest.approx(answer.good_outcome(satisfied), abs=1e-4) == evaluation.probabilities[0]
    assert evaluation.probabilities[0] < evaluation.probabilities[1] < evaluation.probabilities[2]
    assert [1.0, 1.0, 0.0] == evaluation.outcomes.tolist()
    assert [0, 1, 2] == evaluation.earlier.tolist()


def test_history_is_that_of_the_first_belief_named() -> None:
    """Of several beliefs behind a response, the first says in which group its signal is."""
    events = [_belief("new", 0.7), _belief("old", 0.7), *_exercise(1, ["old"], 1), *_exercise(2, ["old"], 1)]
    events += _exercise(3, ["new", "old"], 1) + _exercise(4, ["old", "new"], 1)
    assert [0, 1, 0, 3] == _evaluate(_log(*events)).earlier.tolist()


def test_only_new_signals_with_an_outcome_are_predicted() -> None:
    """No repeated line, no save, no neutral rating, no unfounded response and no reject is predicted."""
    response, signal = _exercise(1, ["k"], 1)
    unfounded = _exercise(2, [], 1)
    save = {"type": "signal", "user": "ada", "kind": "save", "response": "r1", "at": _at(3)}
    neutral = {**save, "kind": "rating", "value": 0.0}
    nameless = {**signal, "kind": "rating", "value": -1.0}
    del nameless["id"]
    broken = {**signal, "id": "sx", "value": 0.5}
    lost = {**signal, "id": "sy", "response": "nowhere"}
    events = [_belief("k", 0.7), response, signal, signal, *unfounded, save, neutral, nameless, nameless]
    evaluation = _evaluate(_log(*events, broken, lost))
    assert [1.0, 0.0] == evaluation.outcomes.tolist()
    assert 2 == evaluation.rejected


def test_work_done_twice_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store may run a unit of work again: the predictions of the run that failed are dropped."""
    from beliefgraph.graph.sqlite.store import SqliteStore

    once = SqliteStore.write

    def twice(self: SqliteStore, scope: Any, work: Callable[[Any], Any]) -> Any:
        self.read(scope, lambda reader: work(_Deaf(reader)))
        return once(self, scope, work)

    class _Deaf:
        def __init__(self, reader: Any) -> None:
            self._reader = reader

        def __getattr__(self, name: str) -> Any:
            return (lambda _: None) if name == "save" else getattr(self._reader, name)

    events = [event for user in ("ada", "bob") for event in (_belief("k", 0.7, user=user),)]
    events += [event for user in ("ada", "bob") for n in (1, 2) for event in _exercise(n, ["k"], 1, user)]
    plain = _evaluate(_log(*events))
    monkeypatch.setattr(SqliteStore, "write", twice)
    repeated = _evaluate(_log(*events))
    assert plain.probabilities.tolist() == repeated.probabilities.tolist()
    assert 4 == len(plain.probabilities)


def test_json_and_table_hold_every_score() -> None:
    """The same names overall and by history; an empty log is no error."""
    evaluation = _evaluate(_log(_belief("k", 0.7), *_exercise(1, ["k"], 1), *_exercise(2, ["k"], 0)))
    report = json.loads(json.dumps(evaluation.as_json()))
    assert {"log_loss", "brier", "auc", "ece", "n", "rejected", "by_history"} == set(report)
    assert {"log_loss", "brier", "auc", "ece", "n"} == set(report["by_history"]["2–4"])
    assert "15 bins" in str(evaluation)
    assert 0 == _evaluate([]).as_json()["n"]
    assert "all" in str(_evaluate([]))


@pytest.mark.slow
def test_plot_draws_a_picture(tmp_path: Path) -> None:
    """The reliability diagram is a PNG, also of nothing."""
    pytest.importorskip("matplotlib")
    evaluation = _evaluate(_log(_belief("k", 0.7), *_exercise(1, ["k"], 1), *_exercise(2, ["k"], 0)))
    for place, drawn in (("some.png", evaluation), ("none.png", _evaluate([]))):
        drawn.plot(tmp_path / place)
        assert (tmp_path / place).read_bytes().startswith(b"\x89PNG")
