"""Which parameters can be fitted, how sure we are of them beforehand, and where they lie in a parameters file.

Each has a weak normal prior around the value in force: on log-odds for a probability, on the logarithm for what is
positive, on the value itself for what practice adds. Nothing is fitted here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import expit

from beliefgraph.graph.ledger import logit
from beliefgraph.graph.model import Kind
from beliefgraph.ingest.fitting.blocks import Block, Floats
from beliefgraph.ingest.fitting.histories import KINDS, SOURCES, Vocabulary
from beliefgraph.ingest.parameters import Parameters

SPREAD = 0.5
"""Standard deviation of the priors: of log-odds, of the logarithm of a half-life or a factor, of nats by practice."""
LEAST = 50
"""A parameter that fewer records speak of stays as it is."""
Table = Literal[
    "memory",
    "session",
    "change",
    "faults",
    "adherence",
    "satisfied",
    "dissatisfied",
    "accident",
    "context",
    "slip",
    "half_life",
    "kind_memory",
    "practice",
    "stated",
    "base",
]
Tables = Mapping[Table, Floats]
"""Parameters as the forward pass takes them: (rows, draws). See `tables`."""
_EMISSIONS: Sequence[Table] = ("satisfied", "dissatisfied", "accident")
_POSITIVE: Sequence[Table] = ("memory", "session", "change", "context", "half_life", "kind_memory")
"""Tables of what is positive and no probability."""
_PRACTISED: Kind = "skill"
"""Beliefs of this kind grow by practice; what a response adds to others stays as it is."""
Scale = Literal["probability", "positive", "plain"]
"""What a prior is normal on: log-odds, the logarithm, or the value itself."""
FAULTS = ("wrong_dissatisfies", "miss_dissatisfies", "form_fault", "other_fault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A parameter that can be fitted: its dotted name, its place in the tables, its value, how many records tell of it.

    `scale` says what its prior is normal on. `spread` is the prior's standard deviation there.
    """

    name: str
    table: Table
    row: int
    usual: float
    records: int
    scale: Scale = "probability"
    spread: float = SPREAD

    def value(self, z: Floats) -> Floats:
        """Return the values at so many prior standard deviations above the usual one."""
        match self.scale:
            case "probability":
                return np.asarray(expit(logit(self.usual) + self.spread * z))
            case "positive":
                return np.asarray(self.usual * np.exp(self.spread * z))
            case "plain":
                return np.asarray(self.usual + self.spread * z)

    def score(self, value: float) -> float:
        """Return how many prior standard deviations a value lies above the usual one."""
        match self.scale:
            case "probability":
                return (logit(value) - logit(self.usual)) / self.spread
            case "positive":
                return float(np.log(value / self.usual)) / self.spread
            case "plain":
                return (value - self.usual) / self.spread


def tables(parameters: Parameters, vocabulary: Vocabulary) -> dict[Table, Floats]:
    """Return parameters as columns. A kind without a memory of its own (`kind_memory`) has NaN there."""
    attribution = parameters.attribution
    columns: dict[Table, list[float]] = {
        "memory": [parameters.memory.nats],
        "session": [parameters.memory.session_nats],
        "change": [parameters.memory.change_nats],
        "faults": [getattr(attribution, name) for name in FAULTS],
        "adherence": [attribution.adherence],
        "satisfied": [kind.satisfied for kind in parameters.signals.values()],
        "dissatisfied": [kind.dissatisfied for kind in parameters.signals.values()],
        "accident": [kind.accident for kind in parameters.signals.values()],
        "context": [entry.factor for entry in parameters.accident_contexts],
        "slip": [parameters.tags[name].accident or 0.0 for name in vocabulary.slips],
        "half_life": [parameters.kinds[kind].half_life_days for kind in KINDS],
        "kind_memory": [parameters.kinds[kind].memory_nats or np.nan for kind in KINDS],
        "practice": [parameters.kinds[kind].practice_nats for kind in KINDS],
        "stated": [parameters.sources[source].confidence for source in SOURCES],
        "base": [parameters.base_rate(source, kind) for source in SOURCES for kind in KINDS],
    }
    return {name: np.array(column, dtype=np.float64)[:, None] for name, column in columns.items()}


def free_rates(parameters: Parameters, vocabulary: Vocabulary, found: Sequence[Block]) -> list[Rate]:
    """Return the parameters of which there are records enough."""
    counts, values = _Counts(vocabulary, found), tables(parameters, vocabulary)
    candidates = [
        *_of_responses(parameters, vocabulary, counts),
        *_of_beliefs(counts),
    ]
    rates = []
    for name, table, row, records in candidates:
        usual, scale = float(values[table][row, 0]), _scale(table)
        if records >= LEAST and (
            scale == "plain" or 0.0 < usual < (1.0 if scale == "probability" else np.inf)
        ):
            rates.append(Rate(name=name, table=table, row=row, usual=usual, records=records, scale=scale))
    return rates


def _scale(table: Table) -> Scale:
    if table == "practice":
        return "plain"
    return "positive" if table in _POSITIVE else "probability"


_Candidate = tuple[str, Table, int, int]
"""A parameter's name, its place in the tables, and how many records tell of it."""


def _of_responses(parameters: Parameters, vocabulary: Vocabulary, counts: "_Counts") -> Iterator[_Candidate]:
    yield "memory.nats", "memory", 0, counts.signals
    yield "memory.session_nats", "session", 0, counts.signals
    yield "memory.change_nats", "change", 0, counts.signals
    for row, fault in enumerate(FAULTS):
        yield f"attribution.{fault}", "faults", row, counts.signals
    yield "attribution.adherence", "adherence", 0, counts.unknown_adherence
    for row, name in enumerate(parameters.signals):
        for table in _EMISSIONS:
            yield f"signals.{name}.{table}", table, row, int(counts.kinds[row])
    for row in range(len(parameters.accident_contexts)):
        held = [place for place, entries in enumerate(vocabulary.contexts) if row in entries]
        yield f"accident_contexts.{row}.factor", "context", row, int(counts.factors[held].sum())
    for name, row in vocabulary.slips.items():
        yield f"tags.{name}.accident", "slip", row, int(counts.slips[row])


def _of_beliefs(counts: "_Counts") -> Iterator[_Candidate]:
    for row, belief_kind in enumerate(KINDS):
        yield f"kinds.{belief_kind}.half_life_days", "half_life", row, int(counts.held_kinds[row])
        yield f"kinds.{belief_kind}.memory_nats", "kind_memory", row, int(counts.held_kinds[row])
    place = KINDS.index(_PRACTISED)
    yield f"kinds.{_PRACTISED}.practice_nats", "practice", place, int(counts.held_kinds[place])
    for row, source in enumerate(SOURCES):
        yield f"sources.{source}.confidence", "stated", row, int(counts.stated[row])
        for column, belief_kind in enumerate(KINDS):
            place = row * len(KINDS) + column
            yield f"kinds.{belief_kind}.base_rate.{source}", "base", place, int(counts.cells[place])


class _Counts:
    """How many records tell of each parameter."""

    def __init__(self, vocabulary: Vocabulary, found: Sequence[Block]) -> None:
        cells = len(SOURCES) * len(KINDS)
        self.signals = sum(each.count for each in found)
        self.unknown_adherence = sum(int(np.isnan(each.edges.adherence).sum()) for each in found)
        self.kinds = np.zeros(len(vocabulary.signals))
        self.factors = np.zeros(len(vocabulary.contexts))
        self.slips = np.zeros(len(vocabulary.slips) + 1)
        self.held_kinds, self.stated, self.cells = (
            np.zeros(len(KINDS)),
            np.zeros(len(SOURCES)),
            np.zeros(cells),
        )
        for each in found:
            signals, beliefs = each.signals, each.beliefs
            self.kinds += np.bincount(signals.kind[signals.came], minlength=len(self.kinds))
            self.factors += np.bincount(signals.factor[signals.came], minlength=len(self.factors))
            slips = signals.slip[signals.slip >= 0]
            self.slips += np.bincount(slips, minlength=len(self.slips))
            self.held_kinds += np.bincount(beliefs.kind, minlength=len(KINDS))
            usual = each.words.source[each.words.source >= 0]
            self.stated += np.bincount(usual, minlength=len(SOURCES))
            places = (beliefs.source * len(KINDS) + beliefs.kind)[beliefs.usual]
            self.cells += np.bincount(places, minlength=cells)


def drawn(values: Tables, rates: Sequence[Rate], z: Floats) -> Tables:
    """Return tables with one column a draw; `z` (rates, draws) are prior standard deviations above the usual values."""
    columns = {name: np.repeat(column, z.shape[1], axis=1) for name, column in values.items()}
    for place, rate in enumerate(rates):
        columns[rate.table][rate.row] = rate.value(z[place])
    return columns


def changed(parameters: Parameters, values: Mapping[str, float], **extra: Any) -> Parameters:
    """Return parameters with these values, by dotted name, and other fields (`version`, `provenance`)."""
    data = parameters.model_dump()
    for name, value in values.items():
        *path, last = name.split(".")
        place: Any = data
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place[part]
        place[last] = value
    return Parameters.model_validate({**data, **extra})
