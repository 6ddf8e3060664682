"""Simulated worlds: how near the confidences come to hidden true beliefs, beside three simple ways to learn.

There are true and false beliefs about a user. Responses rest on some of them and honour each or not; a wrong belief
that was honoured and a right one that was missed dissatisfy, as do faults that no belief explains; taps slip. Every
way of learning sees the same responses and signals. Ours sees them through the whole pipeline, with the shipped
parameters.

The first world is of our kind, though its rates are not our parameters. The others break an assumption each.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.model import view
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.events import (
    BeliefEvent,
    Event,
    PremiseInput,
    ResponseEvent,
    SignalEvent,
)
from beliefgraph.ingest.fitting.rates import changed
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.pipeline import Batch, Pipeline
from bench.scratch import open_pipeline

POINTS = (5, 20, 100)
"""After how many rated responses the confidences are compared with the truth."""
WAYS = ("ours", "fixed step", "Beta counting", "exponential average")
_LENGTH, _A_DAY = POINTS[-1], 10
_START, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
_PRIOR = 0.6
_UP, _DOWN, _PULL, _COUNTED = 0.05, 0.12, 0.1, 2.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How users, responses and signals come about. `believed_adherence` None tells the truth.

    `mood` is the probability that a day (ten responses) is bad, and everything dissatisfies; `echoes` the number of
    further signals that repeat the rating; `irrelevant` the number of beliefs named behind every response that had no
    part in it; `twins` that beliefs come in pairs which are true together and used together; `flips` the share of
    beliefs that turn into their opposite after half of the signals; `regardless` how often every user gives a good
    rating whatever she thinks (None: she answers to what she gets); `without` names parts of ours shown off as well.
    """

    name: str
    beliefs: int = 5
    true: float = _PRIOR
    behind: tuple[int, ...] = (1, 2)
    adherences: tuple[float, ...] = (0.7, 0.85, 0.95)
    believed_adherence: float | None = None
    wrong: float = 0.8
    missed: float = 0.7
    fault: float = 0.12
    accident: float = 0.04
    candour: float = 0.9
    mood: float = 0.0
    echoes: int = 0
    irrelevant: int = 0
    twins: bool = False
    flips: float = 0.0
    regardless: float | None = None
    without: tuple[str, ...] = ()


OFF: Mapping[str, Mapping[str, float]] = {
    "ours, no habits": {"habits.share": 0.0},
    "ours, no detector": {"memory.change_nats": math.inf},
}
"""Ours with one part switched off, by name."""
BASE = World(name="as assumed", without=tuple(OFF))
WORLDS = (
    BASE,
    replace(
        BASE,
        name="adherence believed .95, in truth .65",
        without=(),
        adherences=(0.65,),
        believed_adherence=0.95,
    ),
    replace(
        BASE, name="beliefs true in pairs, used in pairs", without=(), beliefs=6, twins=True, behind=(2,)
    ),
    replace(BASE, name="each rating echoed by two more signals", without=(), echoes=2),
    replace(BASE, name="a third of the days are bad days", mood=1 / 3, without=tuple(OFF)),
    replace(BASE, name="a third of the tastes flip half-way", flips=1 / 3, without=("ours, no detector",)),
    replace(BASE, name="five irrelevant beliefs behind all", without=(), irrelevant=5),
    replace(BASE, name="every user always gives a thumbs-down", regardless=0.0, without=("ours, no habits",)),
    replace(
        BASE, name="nine of ten are thumbs-down, whatever comes", regardless=0.1, without=("ours, no habits",)
    ),
    replace(BASE, name="every user always gives a thumbs-up", regardless=1.0, without=("ours, no habits",)),
)
TASTES = (
    "Likes spicy food",
    "Wants code with every explanation",
    "Reads the news over breakfast",
    "Plans holidays months ahead",
    "Is learning to play cello",
    "Cares about energy use at home",
    "Would rather cycle than drive",
    "Watches football on weekends",
    "Grows tomatoes behind the house",
    "Asks for sources",
)
"""What the beliefs say: nothing that has to do with each other, for words that are hashed and for the models alike."""
_ECHOES = (("stars", 5.0, 1.0), ("edit", 0.0, 1.0))
"""Kinds of signals that repeat a rating, with the value for a good and for a bad one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One response: the beliefs named behind it with weight and adherence as believed, and whether it was liked."""

    premises: tuple[tuple[int, float, float], ...]
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One user: her responses, and what is true of her at each of `POINTS` (points × beliefs)."""

    steps: list[Step]
    truth: Floats


def live(
    world: World, chance: np.random.Generator, *, length: int = _LENGTH, points: Sequence[int] = POINTS
) -> Life:
    """Draw one user of a world; what is true of her is noted at `points`."""
    relevant = world.beliefs
    truth = chance.random(relevant + world.irrelevant) < world.true
    if world.twins:
        truth[1::2] = truth[::2]
    steps, seen, bad_day = [], [], False
    for number in range(length):
        if number == length // 2:
            truth = truth ^ (chance.random(len(truth)) < world.flips)
        if number % _A_DAY == 0:
            bad_day = chance.random() < world.mood
        steps.append(_respond(world, truth, bad_day, chance))
        if number + 1 in points:
            seen.append(truth.astype(np.float64))
    return Life(steps=steps, truth=np.array(seen))


def _respond(world: World, truth: npt.NDArray[np.bool_], bad_day: bool, chance: np.random.Generator) -> Step:
    count = int(chance.choice(world.behind))
    if world.twins:
        first = 2 * int(chance.integers(world.beliefs // 2))
        behind = [first, first + 1]
    else:
        behind = [int(belief) for belief in chance.permutation(world.beliefs)[:count]]
    adherences = [float(chance.choice(world.adherences)) for _ in behind]
    dissatisfied = bad_day or chance.random() < world.fault
    for belief, adherence in zip(behind, adherences, strict=True):
        honoured = chance.random() < adherence
        strength = world.wrong if honoured else world.missed
        if truth[belief] != honoured and chance.random() < strength / count:
            dissatisfied = True
    slipped = chance.random() < world.accident
    good = chance.random() < (0.5 if slipped else 1 - world.candour if dissatisfied else world.candour)
    if world.regardless is not None:
        good = chance.random() < world.regardless
    named = [*behind, *range(world.beliefs, world.beliefs + world.irrelevant)]
    believed = [
        adherences[place] if world.believed_adherence is None and place < count else world.believed_adherence
        for place in range(len(named))
    ]
    return Step(
        premises=tuple(
            (belief, 1 / len(named), 0.8 if adherence is None else adherence)
            for belief, adherence in zip(named, believed, strict=True)
        ),
        good=good,
    )


def learn_ours(life: Life, world: World, pipeline: Pipeline, user: str) -> Floats:
    """Return the confidences (points × beliefs) after a user's events went through the pipeline."""
    scope, beliefs = Scope("bench", UserId(user)), life.truth.shape[1]
    read, done = [], 0
    for point in POINTS:
        events = list(held(user, beliefs)) if done == 0 else []
        for number in range(done, point):
            events += events_of(user, number, life.steps[number], world.echoes)
        failed = [
            result
            for result in pipeline.apply_all(scope, Batch(events=events, own_time=True))
            if isinstance(result, Exception)
        ]
        if failed:
            raise failed[0]
        at_us, done = to_us(moment(point)), point
        nodes = pipeline.store.read(scope, lambda reader: reader.beliefs())
        confidences = {node.id: view(node, at_us).confidence for node in nodes}
        read.append([confidences[_name(belief)] for belief in range(beliefs)])
    return np.array(read)


def moment(number: int) -> datetime:
    """Return when a response is shown: ten a day."""
    day, hour = divmod(number, _A_DAY)
    return _START + timedelta(days=day, hours=hour)


def _name(belief: int) -> BeliefId:
    return BeliefId(f"b{belief}")


def held(user: str, beliefs: int) -> Iterator[Event]:
    """Yield how the beliefs about a user are held at first."""
    for belief in range(beliefs):
        yield BeliefEvent(
            user=user,
            id=_name(belief),
            statement=TASTES[belief],
            confidence=_PRIOR,
            source="imported",
            at=_START,
        )


def events_of(user: str, number: int, step: Step, echoes: int) -> Iterator[Event]:
    """Yield a response with its signals."""
    premises = [PremiseInput(id=_name(b), weight=weight, adherence=h) for b, weight, h in step.premises]
    name, at = f"r{number}", moment(number)
    yield ResponseEvent(user=user, id=name, text="an answer", beliefs=premises, at=at)
    value = 1.0 if step.good else -1.0
    yield SignalEvent(user=user, id=f"s{number}", response=name, kind="rating", value=value, at=at)
    for kind, good, bad in _ECHOES[:echoes]:
        value = good if step.good else bad
        yield SignalEvent(user=user, id=f"{kind}{number}", response=name, kind=kind, value=value, at=at)


def learn_simply(way: str, life: Life, world: World, *, points: Sequence[int] = POINTS) -> Floats:
    """Return the confidences (points × beliefs) of one of the simple ways; every belief behind a signal moves alike."""
    confidences = np.full(life.truth.shape[1], _PRIOR)
    counted = np.full(life.truth.shape[1], _COUNTED)
    read = []
    for number, step in enumerate(life.steps, start=1):
        behind = [belief for belief, _, _ in step.premises]
        for _ in range(1 + world.echoes):
            if way == "fixed step":
                moved = confidences[behind] + (_UP if step.good else -_DOWN)
            elif way == "Beta counting":
                counted[behind] += 1
                moved = confidences[behind] + (step.good - confidences[behind]) / counted[behind]
            else:
                moved = confidences[behind] + _PULL * (step.good - confidences[behind])
            confidences[behind] = np.clip(moved, 0.001, 0.999)
        if number in points:
            read.append(confidences.copy())
    return np.array(read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Brier scores of one world: of each way its mean at `POINTS`, and half the width of its 95 % interval over users.

    `lead` and `lead_half` are those of (best simple way − ours), user by user.
    """

    world: World
    brier: dict[str, Floats]
    half: dict[str, Floats]
    lead: Floats
    lead_half: Floats

    @property
    def ratio(self) -> Floats:
        """Return the Brier score of ours as a multiple of that of the best simple way, at each point."""
        ours = self.brier["ours"]
        return np.asarray(ours / (ours + self.lead))

    @property
    def wins(self) -> bool:
        """Say whether ours beats every simple way at every point and falls with use."""
        ours = self.brier["ours"]
        return bool((self.lead > 0).all() and (np.diff(ours) < 0).all())


def simulate(world: World, *, users: int, seed: int) -> Outcome:
    """Run one world."""
    chance = np.random.default_rng([seed, *world.name.encode()])
    shipped = load_parameters()
    settings = {"ours": shipped} | {
        name: changed(shipped, dict(OFF[name]), version=name) for name in world.without
    }
    pipelines = {
        name: open_pipeline(":memory:", parameters=parameters, clock=lambda: LATER)
        for name, parameters in settings.items()
    }
    errors: dict[str, list[Floats]] = {way: [] for way in (*WAYS, *world.without)}
    for number in range(users):
        life = live(world, chance)
        for way, found in errors.items():
            learned = (
                learn_ours(life, world, pipelines[way], f"u{number}")
                if way in pipelines
                else learn_simply(way, life, world)
            )
            found.append(((learned - life.truth) ** 2).mean(axis=1))
    for pipeline in pipelines.values():
        pipeline.store.close()
    scores = {way: np.array(found) for way, found in errors.items()}
    best = np.minimum.reduce([scores[way].mean(axis=0) for way in WAYS[1:]])
    rivals = [min(WAYS[1:], key=lambda way: scores[way][:, p].mean()) for p in range(len(POINTS))]
    leads = np.stack([scores[way][:, p] for p, way in enumerate(rivals)], axis=1) - scores["ours"]
    return Outcome(
        world=world,
        brier={way: found.mean(axis=0) for way, found in scores.items()},
        half={way: _half(found) for way, found in scores.items()},
        lead=best - scores["ours"].mean(axis=0),
        lead_half=_half(leads),
    )


def _half(values: Floats) -> Floats:
    return np.asarray(1.96 * values.std(axis=0, ddof=1) / math.sqrt(len(values)))


def table(outcomes: Sequence[Outcome]) -> str:
    """Write outcomes as one table, each world a block, in the order given."""
    lines = []
    for outcome in outcomes:
        lines.append(f"{outcome.world.name}")
        for way in outcome.brier:
            cells = [
                f"{brier:.3f} ±{half:.3f}"
                for brier, half in zip(outcome.brier[way], outcome.half[way], strict=True)
            ]
            lines.append(f"    {way:<22}" + "".join(f"{cell:>15}" for cell in cells))
        leads = zip(outcome.lead, outcome.lead_half, strict=True)
        lines.append(f"    {'lead of ours':<22}" + "".join(f"{f'{a:+.3f} ±{b:.3f}':>15}" for a, b in leads))
        lines.append(
            f"    {'ours / best other way':<22}" + "".join(f"{ratio:>15.3f}" for ratio in outcome.ratio)
        )
    return "\n".join(lines)


def run(*, users: int, seed: int = 1) -> list[Outcome]:
    """Run every world: the misspecified ones worst first (by the Brier score of ours at the end), ours last."""
    outcomes = [simulate(world, users=users, seed=seed) for world in WORLDS]
    misspecified = sorted(outcomes[1:], key=lambda outcome: -outcome.brier["ours"][-1])
    return [*misspecified, outcomes[0]]
