"""The parameters of interpretation: one frozen, versioned object, read from TOML. No arithmetic with them here."""

import tomllib
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypedDict, get_args

import numpy as np
from pydantic import Field, ValidationError, model_validator

from beliefgraph.graph.errors import InvalidInputError, UnknownSignalKindError
from beliefgraph.graph.model import Kind, Source
from beliefgraph.ingest.attribution import Faults
from beliefgraph.ingest.population import LEAST_USERS, Population
from beliefgraph.ingest.quantities import Floats, Frozen, Goodness, Positive, Probability, Rate, Ratio
from beliefgraph.ingest.signal_parameters import AccidentContext, SignalParameters, TagParameters
from beliefgraph.ingest.validation import invalid_input
from beliefgraph.ingest.writing import to_toml, write_whole


class SourceParameters(Frozen):
    """How sure a statement of this source is when nobody says, and the base rate it fades to."""

    confidence: Probability
    base_rate: Probability


class KindParameters(Frozen):
    """How fast evidence about this kind of belief ages, and what practice adds; base rates of its own by source.

    `memory_nats` is a memory of its own; None: that of all beliefs.
    """

    half_life_days: Annotated[float, Field(gt=0, allow_inf_nan=True, strict=True)]
    memory_nats: Positive | None = None
    practice_nats: Annotated[float, Field(strict=True)] = 0.0
    base_rate: dict[Source, Probability] = Field(default_factory=dict)


class AttributionParameters(Frozen):
    """How causes dissatisfy, and what is assumed when nobody knows."""

    wrong_dissatisfies: Probability
    miss_dissatisfies: Probability
    form_fault: Probability
    other_fault: Probability
    adherence: Rate
    hold_delta: Positive

    @cached_property
    def faults(self) -> Faults:
        """Return the rates in the form that attribution takes."""
        return Faults(
            wrong=self.wrong_dissatisfies,
            missed=self.miss_dissatisfies,
            form=self.form_fault,
            other=self.other_fault,
        )


class MemoryParameters(Frozen):
    """The evidence memory E; S: how much a day says before more of the same weighs half; and the detector's nats.

    A run of evidence against what came before it that speaks `change_nats` counts as a change (graph/turns.py).
    """

    nats: Positive
    session_nats: Annotated[float, Field(gt=0, allow_inf_nan=True, strict=True)]
    change_nats: Annotated[float, Field(gt=0, allow_inf_nan=True, strict=True)]


class HabitParameters(Frozen):
    """Kinds of signals that some users give whatever they think: the share of such users, and how steadily they do.

    Half of them say bad to nearly everything, half good; `signals` bounds what a long habit tells (ingest/habits.py).
    From the probability `noted` on signals are read with a habit, from `foretells` on they are foreseen with it.
    """

    kinds: list[str]
    share: Annotated[float, Field(ge=0, lt=1, strict=True)]
    steady: Annotated[float, Field(gt=0.5, lt=1, strict=True)]
    signals: Positive
    noted: Probability
    foretells: Probability


MADE_ELSEWHERE = ("set", "onboarding")
"""Kinds of signals that nobody sends, though logs have them: a person's edit, an answer to a question."""


class WordParameters(Frozen):
    """What a direct word about a belief weighs, in nats."""

    confirm: Positive
    deny: Annotated[float, Field(lt=0, strict=True)]
    rating: Positive


class ChangedParameters(Frozen):
    """How likely a text that says that something changed takes back a near belief (`ingest.relate.takes_back`)."""

    log_odds: Positive
    share: Annotated[float, Field(ge=0, strict=True)]
    rest: Positive
    intercept: Annotated[float, Field(strict=True)]


class TextParameters(Frozen):
    """When a text is about a belief, restates it, contradicts it or refines it, and phrases that stand for a tag."""

    gate_cosine: Goodness
    about_cosine: Goodness
    about_width: Positive
    about_ratio: Ratio
    contradicted_ratio: Ratio
    changed: ChangedParameters
    restated_ratio: Ratio
    restates: Probability
    refines: Probability
    suspected: Probability
    confirmed: Probability
    uncalibrated: Probability
    duplicate_cosine: Goodness
    lasting: Probability
    passing: Probability
    cue_trust: Rate
    changes: list[str]
    unchanged: list[str]
    circumstances: list[str]
    excepted_ratio: Ratio
    amounts: list[str]
    cues: dict[str, list[str]]


class OnboardingParameters(Frozen):
    """What is taken for a product's statement, which question is worth asking, and how long one is not asked again."""

    same_cosine: Goodness
    least_nats: Annotated[float, Field(ge=0, strict=True)]
    answered_days: Positive
    skipped_days: Positive


class PriorParameters(Frozen):
    """How base rates are counted among users who consented, and how far a user's own beliefs move them."""

    minimum_users: Annotated[int, Field(ge=LEAST_USERS, strict=True)]
    shrink_users: Positive
    own_nats: Annotated[float, Field(ge=0, strict=True)]


class ServingParameters(Frozen):
    """When a belief is used for a response."""

    relevant: Goodness
    confident: Probability
    limit: Annotated[int, Field(gt=0, le=1000)]
    least_nats: Annotated[float, Field(ge=0, strict=True)]


class Recalibration(Frozen):
    """A map on top of what is foreseen of a kind of signal.

    σ(slope · logit p + offset) (Platt's), or where there are `points` (of an isotonic regression: foreseen, came; both
    rising) the straight lines between them, level beyond.
    """

    slope: Positive = 1.0
    offset: Annotated[float, Field(strict=True)] = 0.0
    points: list[tuple[Probability, Probability]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _rising(self) -> "Recalibration":
        foreseen, came = [p for p, _ in self.points], [q for _, q in self.points]
        if foreseen != sorted(set(foreseen)) or came != sorted(came):
            raise ValueError("points must rise")
        return self

    def __call__(self, probability: Floats) -> Floats:
        """Return what is foreseen with the map on top."""
        if self.points:
            foreseen, came = zip(*self.points, strict=True)
            return np.asarray(np.interp(probability, foreseen, came))
        log_odds = np.log(probability / (1 - probability))
        return np.asarray(1 / (1 + np.exp(-(self.slope * log_odds + self.offset))))


class Provenance(Frozen):
    """What parameters were fitted to: whose signals, of which period, from which parameters on."""

    started_from: str
    users: int
    held_out_users: int
    signals: int
    judgements: int
    since: str
    until: str
    digest: str


class LedgerRates(TypedDict):
    """What a belief's state takes from the parameters (graph/ledger.py), by the names of its fields."""

    half_life_days: float
    memory_nats: float
    session_nats: float
    change_nats: float
    practice_nats: float


class Parameters(Frozen):
    """Everything that interpretation depends on. Every revision names `version`."""

    version: Annotated[str, Field(min_length=1, max_length=100)]
    memory: MemoryParameters
    attribution: AttributionParameters
    sources: dict[Source, SourceParameters]
    kinds: dict[Kind, KindParameters]
    habits: HabitParameters
    words: WordParameters
    signals: dict[str, SignalParameters]
    accident_contexts: list[AccidentContext] = Field(default_factory=list)
    tags: dict[str, TagParameters]
    text: TextParameters
    onboarding: OnboardingParameters
    prior: PriorParameters
    serving: ServingParameters
    recalibration: dict[str, Recalibration] = Field(default_factory=dict)
    population: Population | None = None
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Parameters":
        for name, wanted, found in (("sources", Source, self.sources), ("kinds", Kind, self.kinds)):
            missing = set(get_args(wanted)) - set(found)
            if missing:
                raise ValueError(f"{name} must have {', '.join(sorted(missing))}")
        strangers = set(self.recalibration) - {
            name for name, kind in self.signals.items() if kind.has_outcome
        }
        if strangers:
            raise ValueError(f"recalibration names no kind with an outcome: {', '.join(sorted(strangers))}")
        odd = [
            kind
            for kind in self.habits.kinds
            if kind not in self.signals or not self.signals[kind].has_outcome
        ]
        if odd:
            raise ValueError(f"habits.kinds names no kind with an outcome: {', '.join(odd)}")
        unknown = set(self.text.cues) - set(self.tags)
        if unknown:
            raise ValueError(f"text.cues names tags that are not there: {', '.join(sorted(unknown))}")
        return self

    def signal(self, kind: str) -> SignalParameters:
        """Return the parameters of a kind of signal. Raises `UnknownSignalKindError`."""
        try:
            return self.signals[kind]
        except KeyError:
            raise UnknownSignalKindError(kind, self.sent) from None

    @property
    def sent(self) -> list[str]:
        """The kinds of signals that callers send, in their order."""
        return [kind for kind in self.signals if kind not in MADE_ELSEWHERE]

    def foreseen(self, kind: str, satisfied: Floats) -> Floats:
        """Return P(good outcome) of this kind of signal where users are satisfied with these probabilities."""
        plain = self.signal(kind).good_outcome(satisfied)
        return self.recalibration[kind](plain) if kind in self.recalibration else plain

    def base_rate(self, source: Source, kind: Kind) -> float:
        """Return π: the base rate of beliefs of this source and kind."""
        return self.kinds[kind].base_rate.get(source, self.sources[source].base_rate)

    def rates_of(self, kind: Kind) -> LedgerRates:
        """Return how the evidence about beliefs of a kind fades, crowds and grows."""
        own, memory = self.kinds[kind], self.memory
        return LedgerRates(
            half_life_days=own.half_life_days,
            memory_nats=memory.nats if own.memory_nats is None else own.memory_nats,
            session_nats=memory.session_nats,
            change_nats=memory.change_nats,
            practice_nats=own.practice_nats,
        )

    def with_population(self, population: Population) -> "Parameters":
        """Return these parameters with base rates among users, under a version that names both."""
        version = f"{self.version}+{population.version}"
        return self.model_copy(update={"population": population, "version": version})

    def accident_factor(self, context: Mapping[str, str]) -> float:
        """Return how much more often a signal slips in this context than elsewhere."""
        factor = 1.0
        for entry in self.accident_contexts:
            if context.get(entry.key) == entry.value:
                factor *= entry.factor
        return factor


def load_parameters(path: Path | str | None = None) -> Parameters:
    """Read the shipped parameters, with those of a TOML file on top.

    Raises `InvalidInputError` naming the field when the file cannot be read, has no version of its own or holds
    something it should not.
    """
    shipped = tomllib.loads(
        files("beliefgraph.ingest").joinpath("parameters.toml").read_text(encoding="utf-8")
    )
    merged = shipped
    if path is not None:
        own = _read_toml(Path(path))
        if own.get("version") in (None, shipped["version"]):
            raise InvalidInputError(
                f"parameters file {path}: version",
                f"must be given, and differ from the shipped {shipped['version']!r}",
            )
        merged = _merge(shipped, own)
    try:
        return Parameters.model_validate(merged)
    except ValidationError as error:
        raise invalid_input(error, prefix=f"parameters file {path}: ") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError("parameters", f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError("parameters", f"{path} is not TOML: {error}") from None


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        both_tables = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merge(merged[name], value) if both_tables else value
    return merged


def save_parameters(parameters: Parameters, path: Path | str) -> None:
    """Write what differs from the shipped parameters as TOML that `load_parameters` reads, whole or not at all."""
    own = _difference(_plain(load_parameters()), _plain(parameters))
    write_whole(path, to_toml(own))


def _plain(parameters: Parameters) -> dict[str, Any]:
    return parameters.model_dump(exclude={"population"}, exclude_none=True)


def _difference(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be laid on one mapping to get the other."""
    own: dict[str, Any] = {}
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(name), dict):
            inner = _difference(below[name], value)
            if inner:
                own[name] = inner
        elif name not in below or below[name] != value:
            own[name] = value
    return own
