"""How much better a self-model gets with every interaction, with intervals, beside other ways to learn from the same.

Prequential: what is scored was foreseen when the response was recorded, before its signal. The records come from
queries/curve.py, the other ways from baselines.py; the picture is drawn in picture.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from beliefgraph.baselines import Records, foresee_all
from beliefgraph.graph.clock import DAY_US, from_us
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.model import GeneratedBy, Habit, Signal
from beliefgraph.graph.store import Reader, Store, scopes
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.predict import predict
from beliefgraph.queries.curve import Interaction, interactions
from beliefgraph.stages import OURS, UNLEARNED, Estimate, Scorer, Stage

NAMES: Mapping[str, str] = {
    OURS: "self-model",
    UNLEARNED: "the same, never learning",
    "population_mean": "population mean",
    "user_mean": "user mean",
    "fixed_steps": "fixed steps",
    "beta_counts": "Beta counts",
    "exponential_average": "exponential average",
    "regression_weekly": "logistic regression, fitted weekly",
    "regression_online": "logistic regression, every signal",
}
"""Every way to foresee a signal, as people read it. All but the first two are the baselines."""
STAGES = (1, 2, 6, 21, 101)
"""The first interaction of each stage of the table: 1, 2–5, 6–20, 21–100, and from 101 on."""
STAGES_OF_ONE = (1, 6, 21, 101)
"""The same for one user, of whom a single interaction says nothing."""
FINE = (1, 2, 3, 4, 6, 9, 14, 21, 36, 61, 101, 201)
"""The same for the line of a population's picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Quality of prediction and calibration by number of interactions: of one user, or (`user_id` None) of all.

    `stages` are those of the table, `line` finer ones for a picture. Intervals are drawn over users; of one user, over
    her days. `reference` is what `gain` compares with: the population's mean, or of one user, her own. `rejected`
    counts the lines of a log that could not be applied.
    """

    user_id: str | None
    users: int
    interactions: int
    since: datetime | None
    until: datetime | None
    at_least: int
    reference: str
    stages: tuple[Stage, ...]
    line: tuple[Stage, ...] = field(repr=False)
    parameters_version: str
    rejected: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return every field by its name; times in ISO 8601."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }

    def __str__(self) -> str:
        """Return a plain table: log loss by way and stage, then how well the self-model is calibrated."""
        if not self.stages:
            return "No signal on a response that rests on beliefs has turned out good or bad yet."
        over = "users" if self.user_id is None else "her days"
        who = f"{self.users:,} users" if self.user_id is None else f"user {self.user_id}"
        head = f"Log loss of what was foreseen: {who}, {self.interactions:,} interactions"
        lines = [f"{head} (lower is better; ± half of a 95 % interval over {over})"]
        lines.append(_row("interaction", [stage.name for stage in self.stages]))
        lines += [
            _row(NAMES[way], [_cell(stage.scores[way].log_loss) for stage in self.stages])
            for way in self.stages[0].scores
        ]
        lines.append(
            _row("lead over the best other way", [_cell(stage.lead, "+.3f") for stage in self.stages])
        )
        lines.append("Calibration of the self-model")
        lines.append(_row("good, as foreseen", [f"{stage.foreseen:.3f}" for stage in self.stages]))
        lines.append(_row("good, as it came", [_cell(stage.came) for stage in self.stages]))
        lines.append(_row("calibration error (ECE)", [_cell(s.scores[OURS].ece) for s in self.stages]))
        lines.append(_row("users", [f"{stage.users:,}" for stage in self.stages]))
        lines.append(_row("interactions", [f"{stage.interactions:,}" for stage in self.stages]))
        return "\n".join(lines)

    def plot(self, path: Path | str) -> None:
        """Draw the curve. Needs matplotlib."""
        from beliefgraph.picture import draw

        draw(self, path)


def user_curve(reader: Reader, user_id: str, parameters: Parameters, *, as_of_us: int | None = None) -> Curve:
    """Return the curve of one user from her records alone."""
    found = read_interactions(reader, parameters, as_of_us)
    return curve_of([found], user_id=user_id, parameters_version=parameters.version)


def population_curve(
    store: Store,
    tenant: str,
    parameters: Parameters,
    *,
    at_least: int = 1,
    as_of_us: int | None = None,
    rejected: int = 0,
    on_user: Callable[[], None] = lambda: None,
) -> Curve:
    """Return the curve of a tenant's users; each is read on a view of her own. `on_user` is called after each."""

    def histories() -> Iterator[Sequence[Interaction]]:
        for scope in scopes(store, tenant):
            yield store.read(scope, lambda reader: read_interactions(reader, parameters, as_of_us))
            on_user()

    return curve_of(histories(), at_least=at_least, rejected=rejected, parameters_version=parameters.version)


def read_interactions(
    reader: Reader, parameters: Parameters, as_of_us: int | None = None
) -> list[Interaction]:
    """Return a user's interactions; what was foreseen is what these parameters make of the snapshots of the time."""

    def foresee(
        edges: Sequence[GeneratedBy], confidences: Mapping[BeliefId, float], kind: str, habit: Habit | None
    ) -> float:
        return predict(edges, confidences, parameters, kind=kind, habit=habit)

    def judge(signal: Signal) -> float:
        kind = parameters.signal(signal.kind)
        return kind.goodness_of(signal.value) if kind.has_outcome else 0.0

    return interactions(reader, foresee=foresee, judge=judge, as_of_us=as_of_us)


def curve_of(
    histories: Iterable[Sequence[Interaction]],
    *,
    parameters_version: str,
    user_id: str | None = None,
    at_least: int = 1,
    rejected: int = 0,
) -> Curve:
    """Draw up the curve of users from their interactions; those with fewer than `at_least` are left out of it.

    With a `user_id`, the one history is hers and nothing of anybody else comes in.
    """
    records = Records()
    for history in histories:
        if len(history) >= at_least:
            records.add(history)
    foreseen = {
        OURS: np.array(records.foreseen),
        UNLEARNED: np.array(records.unlearned),
        **foresee_all(records, across_users=user_id is None),
    }
    times = np.array(records.learned_us, dtype=np.int64)
    drawn_by = np.asarray(records.user) if user_id is None else times // DAY_US
    reference = "population_mean" if user_id is None else "user_mean"
    scorer = Scorer(records, foreseen, reference, np.unique(drawn_by, return_inverse=True)[1])
    return Curve(
        user_id=user_id,
        users=records.users,
        interactions=len(records),
        since=from_us(int(times.min())) if len(times) else None,
        until=from_us(int(times.max())) if len(times) else None,
        at_least=at_least,
        reference=reference,
        stages=scorer.stages(STAGES if user_id is None else STAGES_OF_ONE),
        line=scorer.stages(FINE if user_id is None else STAGES_OF_ONE),
        parameters_version=parameters_version,
        rejected=rejected,
    )


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:<34}" + "".join(f"{cell:>14}" for cell in cells)


def _cell(estimate: Estimate, form: str = ".3f") -> str:
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return format(estimate.value, form)
    return f"{format(estimate.value, form)} ±{(estimate.high - estimate.low) / 2:.3f}"
