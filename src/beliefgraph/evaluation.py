"""How well beliefs predict signals: a log replayed through a scratch store, each signal predicted before it is applied.

Prequential: a prediction knows what came before its signal and nothing else. The scores themselves lie in scoring.py.
"""

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from beliefgraph.calibration import SHARE, Calibration, calibrate, check_share
from beliefgraph.curve import Curve, population_curve
from beliefgraph.graph.clock import utc_now
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import ResponseId, SignalId
from beliefgraph.graph.sqlite.store import SqliteStore
from beliefgraph.ingest.classifier import Classifier, named_relater
from beliefgraph.ingest.embedder import Embedder, named_embedder
from beliefgraph.ingest.events import Event, SignalEvent
from beliefgraph.ingest.parameters import Parameters, load_parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.predict import predict
from beliefgraph.ingest.reader import IngestReport, Line, content_id, ingest
from beliefgraph.ingest.relate import Relater
from beliefgraph.ingest.signals import check_signal
from beliefgraph.ingest.working import WorkingSet
from beliefgraph.scoring import BINS, Floats, Scores, Whole, reliability, score

HISTORIES: Mapping[str, tuple[int, int | None]] = {
    "0": (0, 1),
    "1": (1, 2),
    "2–4": (2, 5),
    "5–9": (5, 10),
    "10+": (10, None),
}
"""Groups by the number of earlier signals on the belief: from, and below (None: without an end)."""
_TENANT = "evaluation"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Predictions of signals beside what came, in the order in which they were made.

    `probabilities` are P(the signal turns out good), `outcomes` 1 where it did, `earlier` the number of earlier
    signals that moved the first belief behind the response (its revisions since it was first held). `report` says
    what became of the lines. Signals that are neither good nor bad are not predicted, nor are those about a response
    that no belief is behind.
    """

    probabilities: Floats
    outcomes: Floats
    earlier: Whole
    report: IngestReport = field(repr=False)

    @property
    def rejected(self) -> int:
        """Return how many lines could not be applied."""
        return self.report.rejected

    @cached_property
    def overall(self) -> Scores:
        """Return the scores of all predictions."""
        return score(self.probabilities, self.outcomes)

    @cached_property
    def by_history(self) -> dict[str, Scores]:
        """Return the scores by the number of earlier signals on the first belief behind the response."""
        groups = {}
        for name, (low, high) in HISTORIES.items():
            chosen = self.earlier >= low if high is None else (self.earlier >= low) & (self.earlier < high)
            groups[name] = score(self.probabilities[chosen], self.outcomes[chosen])
        return groups

    def as_json(self) -> dict[str, Any]:
        """Return `log_loss`, `brier`, `auc`, `ece`, `n`, `rejected`, and the scores again under `by_history`."""
        groups = {name: scores.as_json() for name, scores in self.by_history.items()}
        return {**self.overall.as_json(), "rejected": self.rejected, "by_history": groups}

    def __str__(self) -> str:
        """Return a plain table."""
        lines = ["earlier signals  log loss   Brier     AUC     ECE        n"]
        for name, scores in {**self.by_history, "all": self.overall}.items():
            cells = (scores.log_loss, scores.brier, scores.auc, scores.ece)
            shown = "".join(f"{'–' if cell is None else format(cell, '.4f'):>8}" for cell in cells)
            lines.append(f"{name:<17}{shown} {scores.n:>8,}")
        lines.append(f"ECE: {BINS} bins of equal width. Lines rejected: {self.rejected:,}.")
        return "\n".join(lines)

    def plot(self, path: Path | str) -> None:
        """Draw a reliability diagram with the number of predictions in each bin. Needs matplotlib."""
        from beliefgraph.picture import draw_reliability

        scores, bins = self.overall, reliability(self.probabilities, self.outcomes)
        if scores.log_loss is None:
            draw_reliability({"nothing was predicted": {}}, path)
            return
        fullest = int(bins.counts.argmax())
        said, came = bins.predicted[fullest], bins.observed[fullest]
        draw_reliability(
            {f"Where it said {100 * said:.0f} %, {100 * came:.0f} % turned out good": {"what came": bins}},
            path,
            note=f"{scores.n:,} predictions, on average off by {scores.ece:.3f} (ECE); log loss {scores.log_loss:.3f}",
        )


def evaluate(
    lines: Iterable[Line],
    *,
    parameters: Parameters | None = None,
    embedder: Embedder | Path | str | None = None,
    relater: Relater | Path | str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Replay a log of events at its own times through a scratch store; predict each signal before it is applied.

    Predicted are the signals about a response whose kind can turn out good or bad, from the beliefs behind the
    response as they stand at that moment. `on_progress` gets the number of lines since the last call. Memory does
    not grow with the log, but for some bytes a prediction. Raises what the store and the embedding model raise.
    """
    watch = _Watch(parameters or load_parameters())
    with _replayed(lines, watch, embedder, relater, on_progress) as (_, report):
        return watch.evaluation(report)


def evaluate_with_curve(
    lines: Iterable[Line],
    *,
    at_least: int = 1,
    parameters: Parameters | None = None,
    embedder: Embedder | Path | str | None = None,
    relater: Relater | Path | str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[Evaluation, Curve]:
    """Evaluate a log, and draw up the curve of its users (those with `at_least` so many interactions) from its records.

    The curve foresees a signal when its response is recorded, the evaluation just before the signal is applied.
    """
    watch = _Watch(parameters or load_parameters())
    with _replayed(lines, watch, embedder, relater, on_progress) as (pipeline, report):
        curve = population_curve(
            pipeline.store, _TENANT, watch.parameters, at_least=at_least, rejected=report.rejected
        )
    return watch.evaluation(report), curve


def calibrate_log(
    lines: Iterable[Line],
    *,
    share: float = SHARE,
    parameters: Parameters | None = None,
    embedder: Embedder | Path | str | None = None,
    relater: Relater | Path | str | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Calibration:
    """Replay a log of events at its own times through a scratch store, and calibrate on what it leaves there.

    Raises `InvalidInputError` for a share that is none (before the replay), and where there are too few users.
    """
    check_share(share)
    watch = _Watch(parameters or load_parameters())
    with _replayed(lines, watch, embedder, relater, on_progress) as (pipeline, report):
        try:
            found = calibrate(pipeline.store, _TENANT, watch.parameters, share=share)
        except InvalidInputError as error:
            if not report.rejected:
                raise
            lost = f"{error.expected}; {report.rejected:,} lines of the log could not be applied"
            raise InvalidInputError(error.field, lost, got=error.got) from None
    return replace(found, rejected=report.rejected)


@contextmanager
def _replayed(
    lines: Iterable[Line],
    watch: "_Watch",
    embedder: Embedder | Path | str | None,
    relater: Relater | Path | str | None,
    on_progress: Callable[[int], None] | None,
) -> Iterator[tuple[Pipeline, IngestReport]]:
    """Replay a log through a store that is thrown away."""
    shipped, embedder = Classifier(), named_embedder(embedder)
    with tempfile.TemporaryDirectory(prefix="beliefgraph-evaluate-") as folder:
        store = SqliteStore(str(Path(folder) / "scratch.db"), synchronous="NORMAL")
        pipeline = Pipeline(
            store=store,
            embedder=embedder,
            relater=named_relater(relater, embedder) or shipped,
            gate=shipped,
            parameters=watch.parameters,
            clock=utc_now,
        )
        try:
            report = ingest(
                pipeline, _TENANT, lines, own_time=True, on_progress=on_progress, observe=watch.observe
            )
            yield pipeline, report
        finally:
            store.close()


@dataclass(frozen=True, slots=True)
class _Prediction:
    probability: float
    good: bool
    earlier: int


@dataclass(slots=True)
class _Watch:
    """Predicts each signal that it is shown. A unit of work may be run again; only its last run counts.

    The predictions of a unit of work (known by its working set) are kept until the next one begins with another event.
    """

    parameters: Parameters
    _working: WorkingSet | None = None
    _first: Event | None = None
    _pending: list[_Prediction] = field(default_factory=list)
    _probabilities: "array[float]" = field(default_factory=lambda: array("d"))
    _outcomes: "array[int]" = field(default_factory=lambda: array("b"))
    _earlier: "array[int]" = field(default_factory=lambda: array("i"))

    def observe(self, event: Event, working: WorkingSet) -> None:
        if working is not self._working:
            if event is not self._first:
                self._settle()
            self._pending.clear()
            self._working, self._first = working, event
        if isinstance(event, SignalEvent):
            prediction = self._predict(event, working)
            if prediction is not None:
                self._pending.append(prediction)

    def evaluation(self, report: IngestReport) -> Evaluation:
        self._settle()
        return Evaluation(
            probabilities=np.array(self._probabilities, dtype=np.float64),
            outcomes=np.array(self._outcomes, dtype=np.float64),
            earlier=np.array(self._earlier, dtype=np.int64),
            report=report,
        )

    def _settle(self) -> None:
        for prediction in self._pending:
            self._probabilities.append(prediction.probability)
            self._outcomes.append(prediction.good)
            self._earlier.append(prediction.earlier)
        self._pending.clear()

    def _predict(self, event: SignalEvent, working: WorkingSet) -> _Prediction | None:
        """Predict a signal that is about to be applied; None where there is nothing to predict, or nothing new."""
        kind = self.parameters.signal(event.kind)
        if event.response is None or not kind.has_outcome or _known(event, working):
            return None
        response = working.find_response(ResponseId(event.response))
        goodness = kind.goodness_of(check_signal(event, self.parameters))
        if response is None or not response.generated_by or goodness == 0.0:
            return None
        confidences = {edge.belief_id: working.confidence(edge.belief_id) for edge in response.generated_by}
        probability = predict(
            response.generated_by,
            confidences,
            self.parameters,
            kind=event.kind,
            habit=response.habits.get(event.kind),
        )
        return _Prediction(
            probability=probability,
            good=goodness > 0.0,
            earlier=working.belief(response.generated_by[0].belief_id).ordinal - 1,
        )


def _known(event: SignalEvent, working: WorkingSet) -> bool:
    """Say whether a signal is recorded already: a log that repeats a line predicts it once."""
    signal_id = event.id or content_id(event)
    return signal_id is not None and working.find_signal(SignalId(signal_id)) is not None
