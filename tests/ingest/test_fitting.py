"""The fit: it foresees what the pipeline foresaw, adds up over users, and moves as far as the data say."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from beliefgraph import SelfModel
from beliefgraph.comparison import predict_outcomes
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.ledger import logit, sigmoid
from beliefgraph.graph.model import GeneratedBy
from beliefgraph.ingest.attribution import Premise, attribute, satisfaction
from beliefgraph.ingest.fitting.blocks import Floats, block
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import History, Vocabulary, read_history, vocabulary
from beliefgraph.ingest.fitting.rates import drawn, free_rates, tables
from beliefgraph.ingest.fitting.search import Summary, fit, fit_sums, summarize
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.predict import predict
from bench import students, worlds
from bench.assistments import ADHERENCES, SKILL_WEIGHT, SKILLS, STUDENT_PRIOR, STUDENT_WEIGHT, Skills, Student
from bench.fitting import history_of
from tests.worlds import PARAMETERS, World, open_world, parameters_with

WORDS = vocabulary(PARAMETERS)


def _busy(world: World, model: SelfModel) -> None:
    """Live through what a fit must follow: beliefs, fading, pins, words, tags, contexts, signals of all sorts."""
    model.believe("prefers short answers", id="a", kind="state")
    model.believe("works with python", confidence=0.7, source="imported", id="b")
    model.believe("is vegetarian", source="inferred", id="c", kind="fact")
    edges = ([("a", 0.5, None), ("b", 0.5, 0.9)], [("c", 1.0, 0.4)], [("a", 0.3, 1.0), ("c", 0.7, None)])
    told: tuple[tuple[str, float | None, dict[str, Any]], ...] = (
        ("rating", -1, {"context": {"device": "mobile"}}),
        ("rating", 1, {}),
        ("stars", 2, {"tags": ["too_long"]}),
        ("dwell", 90, {}),
        ("copy", None, {}),
        ("rating", -1, {"tags": ["ignored_preference", "mistake"]}),
    )
    for number in range(24):
        world.clock.pass_time(hours=7)
        behind = [
            GeneratedBy(belief_id=BeliefId(name), weight=weight, adherence=adherence)
            for name, weight, adherence in edges[number % 3]
        ]
        name = f"r{number}"
        model.respond(f"response {number}", beliefs=behind, id=name)
        kind, value, given = told[number % len(told)]
        model.signal(kind, value, response=name, **given)
        if number % 5 == 0:
            model.signal("edit", 0.0, response=name)
        if number == 6:
            model.signal("confirm", belief="b")
        if number == 9:
            model.signal("deny", belief="c")
            model.believe("prefers short answers", source="imported", confidence=0.9)
        if number == 12:
            model.amend("a", confidence=0.2)
        if number == 15:
            gone = model.signal("rating", 1, response=name, at=world.clock.now - timedelta(hours=1))
            model.retract(gone.signal.id)


def _read(world: World, user: str = "ada", words: Vocabulary = WORDS) -> History:
    model = world.graph.user(user)
    return world.graph._pipeline.store.read(model._scope, lambda reader: read_history(reader, words))


GROWING = parameters_with(
    kinds__fact__practice_nats=0.3, kinds__state__practice_nats=-0.1, kinds__state__memory_nats=2.0
)
"""Parameters under which a fact grows by practice, and a mood wears off and has a short memory of its own."""


@pytest.mark.parametrize("parameters", [PARAMETERS, GROWING], ids=["shipped", "growing"])
def test_a_fit_foresees_what_the_pipeline_foresaw(parameters: Parameters) -> None:
    """P(not D) of every response, run forward in arrays, is what `predict` makes of the snapshot that was recorded."""
    with open_world(parameters=parameters) as world:
        _busy(world, world.ada)
        words = vocabulary(parameters)
        found = block([_read(world, words=words)])
        foreseen = run(found, tables(parameters, words), words).satisfied[:, 0]
        responses = list(world.ada.responses())[::-1]
        expected = [
            predict(
                response.generated_by,
                {edge.belief_id: edge.confidence_then or 0.0 for edge in response.generated_by},
                parameters,
            )
            for response in responses
        ]
    assert 24 == len(expected)
    assert np.sort(expected) == pytest.approx(np.sort(foreseen), abs=1e-9)


@pytest.mark.parametrize("foretells", [PARAMETERS.habits.foretells, 0.5])
def test_a_fit_reads_a_habit_as_it_was_recorded(foretells: float) -> None:
    """Of somebody who dislikes everything, responses and ratings are foreseen as the pipeline and `predict` did."""
    expected, parameters = [], parameters_with(habits__foretells=foretells)
    with open_world(parameters=parameters) as world:
        world.ada.believe("prefers short answers", id="b", confidence=0.6)
        for number in range(14):
            world.clock.pass_time(days=1)
            expected.append(world.ada.predict(["b"], kind="rating"))
            world.ada.respond("an answer", beliefs=["b"], id=f"r{number}")
            world.ada.signal("rating", -1, response=f"r{number}")
        found = block([_read(world)])
    foreseen = predict_outcomes([found], [parameters], WORDS)["signals"].probabilities[:, 0]
    assert expected == pytest.approx(foreseen, abs=1e-9)
    assert foreseen[-1] < 0.1
    assert found.signals.regardless[-1] > 0.8


def test_judgements_are_told_from_other_words() -> None:
    """A confirmation, a denial and an edit each judge a belief once, with the confidence that it had just before."""
    with open_world() as world:
        _busy(world, world.ada)
        history = _read(world)
        expected = [(1, 1.0), (2, 0.0), (0, 0.0)]
        assert expected == [(w.belief, w.truth) for w in history.words if w.truth is not None]
        found = block([history])
        confidences = run(found, tables(PARAMETERS, WORDS), WORDS).confidence[:, 0]
        before = {
            revision.belief_id: revision.before
            for belief in "abc"
            for revision in world.ada.revisions(belief)
            if revision.reason in ("confirmed", "denied", "edited")
        }
    judged = ~np.isnan(found.words.truth)
    assert sorted(before.values()) == pytest.approx(np.sort(confidences[judged]), abs=1e-9)


def test_what_was_retracted_is_not_there() -> None:
    """A history with a retracted signal is the history without it."""
    histories = []
    for retracted in (True, False):
        with open_world() as world:
            world.ada.believe("prefers tea", id="b")
            world.ada.respond("tea", beliefs=["b"], id="r")
            world.ada.signal("rating", 1, response="r", id="s1")
            if retracted:
                world.ada.signal("stars", 1, response="r", id="s2")
                world.ada.signal("deny", belief="b", id="s3")
                world.ada.retract("s2")
                world.ada.retract("s3")
            histories.append(_read(world))
    assert histories[1].shown == histories[0].shown
    assert histories[1].words == histories[0].words


def _population(world: worlds.World, users: int, seed: int = 3) -> list[History]:
    chance = np.random.default_rng(seed)
    return [history_of(worlds.live(world, chance), WORDS) for _ in range(users)]


def test_simulated_histories_are_those_of_the_store() -> None:
    """The bench's short way from a simulated life to a history gives what reading its store gives."""
    from beliefgraph.graph.ids import UserId
    from beliefgraph.graph.store import Scope
    from bench.scratch import open_pipeline

    life = worlds.live(worlds.BASE, np.random.default_rng(5))
    pipeline = open_pipeline(":memory:", clock=lambda: worlds.LATER)
    worlds.learn_ours(life, worlds.BASE, pipeline, "ada")
    stored = pipeline.store.read(Scope("bench", UserId("ada")), lambda reader: read_history(reader, WORDS))
    short = history_of(life, WORDS)
    assert (stored.beliefs, stored.order, stored.words) == (short.beliefs, short.order, short.words)
    assert stored.shown == short.shown


def test_summaries_add_up_over_partitions() -> None:
    """What all users say is the sum of what each part of them says: loss, slope and information."""
    users = _population(worlds.BASE, 12)
    rates = free_rates(PARAMETERS, WORDS, [block(users)])
    z = np.linspace(-0.3, 0.3, len(rates))
    whole = summarize([block(users)], rates, z, WORDS)
    parts = summarize([block(users[:5])], rates, z, WORDS) + summarize([block(users[5:])], rates, z, WORDS)
    assert whole.loss == pytest.approx(parts.loss)
    assert whole.slope == pytest.approx(parts.slope, rel=1e-4, abs=1e-3)
    assert whole.information == pytest.approx(parts.information, rel=1e-4, abs=1e-3)


def test_the_fit_finds_other_rates() -> None:
    """Users who press thumbs-down when content far more often than is assumed are found to."""
    world = worlds.World(name="grumpy", candour=0.75, accident=0.02)
    found = [block(_population(world, 150))]
    result = fit(found, free_rates(PARAMETERS, WORDS, found), WORDS)
    satisfied = next(each for each in result.rates if each.rate.name == "signals.rating.satisfied")
    assert satisfied.low < 0.8 and satisfied.value < 0.88
    assert satisfied.told > 0.4
    assert result.gained > 10


def test_partitions_of_users_are_fitted_as_one() -> None:
    """Users of whom each partition is summed up where it lies give the rates that all of them in one place give."""
    users = _population(worlds.BASE, 12)
    whole, parts = [block(users)], [[block(users[:3])], [block(users[3:4]), block(users[4:])]]
    rates = free_rates(PARAMETERS, WORDS, whole)

    def sum_up(z: Floats, slopes: bool) -> Summary:
        first, second = (summarize(part, rates, z, WORDS, slopes=slopes) for part in parts)
        return first + second

    together, merged = fit(whole, rates, WORDS), fit_sums(sum_up, rates)
    assert merged.values == pytest.approx(together.values, rel=1e-6)
    assert merged.gained == pytest.approx(together.gained, rel=1e-6)


def _practised(parameters: Parameters, users: int) -> list[History]:
    """Draw answers to twenty exercises on one skill, each as likely as the model says just before it."""
    chance, faults = np.random.default_rng(11), parameters.attribution.faults
    answer, rates = parameters.signal("answer"), parameters.rates_of("skill")
    skills = Skills(
        priors=np.full(SKILLS, 0.3),
        adherences=np.full((ADHERENCES, SKILLS), 0.9),
        prepared=np.full(SKILLS, 0.999),
    )
    found = []
    for user in range(users):
        learned, correct = 0.0, []
        strong = Premise(weight=STUDENT_WEIGHT, adherence=1.0, confidence=STUDENT_PRIOR)
        known = 0.0
        for _ in range(20):
            skill = Premise(weight=SKILL_WEIGHT, adherence=0.9, confidence=sigmoid(logit(0.3) + learned))
            strong = replace(strong, confidence=sigmoid(logit(STUDENT_PRIOR) + known))
            good = chance.random() < answer.good_outcome(satisfaction([skill, strong], faults))
            correct.append(int(good))
            emission = answer.emission(float(good), 1.0, None)
            told = attribute([skill, strong], [emission], faults, form_ratio=1.0, other_ratio=1.0).nats
            term = told[0] + rates["practice_nats"]
            learned = learned * 2 ** (-abs(term) / rates["memory_nats"]) + term
            known = known * 2 ** (-abs(told[1]) / rates["memory_nats"]) + told[1]
        student = Student(id=f"s{user}", skills=[0] * 20, correct=correct)
        found.append(students.history_of(student, skills, WORDS))
    return found


def test_practice_is_recovered() -> None:
    """Users whose skills grow by .4 nats with every answer: the fit finds it, and for no kind but skills."""
    ends = {"memory__session_nats": math.inf, "memory__change_nats": math.inf}
    grown = parameters_with(kinds__skill__practice_nats=0.4, **ends)
    histories = _practised(grown, 150)
    words = vocabulary(parameters_with(**ends))
    rates = free_rates(words.parameters, words, [block(histories)])
    names = {each.name for each in rates if each.name.endswith("practice_nats")}
    assert {"kinds.skill.practice_nats"} == names
    (rate,) = (each for each in rates if each.name in names)
    (found,) = fit([block(histories)], [rate], words).rates
    assert found.low < 0.4 < found.high
    assert 0.1 < found.low


def test_little_data_moves_little() -> None:
    """Three users move no rate by more than a third of its prior's standard deviation, and none without records."""
    found = [block(_population(worlds.BASE, 3))]
    rates = free_rates(PARAMETERS, WORDS, found)
    result = fit(found, rates, WORDS)
    assert all(abs(each.rate.score(each.value)) < 1 / 3 for each in result.rates)
    assert not [each for each in rates if "stars" in each.name or "skill" in each.name]
    assert fit([block(_population(worlds.BASE, 1))], [], WORDS).values == {}


@pytest.mark.parametrize("z", [-1.0, 0.0, 1.5])
def test_a_rate_on_its_own_scale(z: float) -> None:
    """A rate at z standard deviations scores z, and stays a probability or positive."""
    found = [block(_population(worlds.BASE, 3))]
    for rate in free_rates(PARAMETERS, WORDS, found):
        value = float(rate.value(np.array(z)))
        assert z == pytest.approx(rate.score(value))
        assert 0 < value < (1 if rate.scale == "probability" else 1e6)


def test_draws_change_only_what_they_name() -> None:
    """One draw a column: the rate that moved, and nothing else."""
    found = [block(_population(worlds.BASE, 3))]
    rates = free_rates(PARAMETERS, WORDS, found)
    values = tables(PARAMETERS, WORDS)
    moved = drawn(values, rates, np.eye(len(rates)))
    for place, rate in enumerate(rates):
        assert moved[rate.table][rate.row, place] == pytest.approx(float(rate.value(np.array(1.0))))
        others = [n for n in range(len(rates)) if n != place]
        assert moved[rate.table][rate.row, others] == pytest.approx(values[rate.table][rate.row, 0])


def test_contexts_and_slips_have_their_places() -> None:
    """Entries of one key never hold together; tags that name an accident have a rate of their own."""
    words: Sequence[tuple[int, ...]] = vocabulary(PARAMETERS).contexts
    assert [(), (0,), (1,)] == list(words)
    other: Parameters = parameters_with(
        accident_contexts=[
            {"key": "device", "value": "mobile", "factor": 3.0},
            {"key": "place", "value": "train", "factor": 2.0},
        ]
    )
    both = vocabulary(other)
    assert (0, 1) == both.contexts[both.context({"device": "mobile", "place": "train"})]
    assert {"mistake": 0} == both.slips
