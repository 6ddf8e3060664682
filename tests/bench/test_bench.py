"""The benches run and say what they should; what they measure is no test's business."""

import gzip
import json
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from beliefgraph.evaluation import evaluate
from beliefgraph.graph.ids import UserId
from beliefgraph.graph.store import Scope
from beliefgraph.ingest.fitting.blocks import block
from beliefgraph.ingest.fitting.forward import run
from beliefgraph.ingest.fitting.histories import read_history, vocabulary
from beliefgraph.ingest.fitting.rates import tables
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.reader import ingest
from beliefgraph.ingest.relate import EmbeddingRelater
from bench import assistments, logs, newcomers, preferences, reading, students, worlds
from bench.__main__ import main
from bench.neo4j_server import NoServer
from bench.scratch import HashedWords, open_pipeline


def _students(count: int = 30, length: int = 12) -> list[assistments.Student]:
    chance = np.random.default_rng(7)
    return [
        assistments.Student(
            id=f"student-{number}",
            skills=[int(skill) for skill in np.sort(chance.integers(0, 4, length))],
            correct=[int(right) for right in chance.random(length) < 0.7],
        )
        for number in range(count)
    ]


def _write_students(folder: Path) -> None:
    """Write both parts of a small data set."""
    for place in (assistments.TRAIN, assistments.TEST):
        path = folder / place
        path.parent.mkdir(exist_ok=True)
        rows = (
            {"user": number, "fold": 0, "skills": student.skills, "correct": student.correct}
            for number, student in enumerate(_students(200, 6))
        )
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _no_server() -> NoReturn:
    raise NoServer("none here")


@pytest.mark.timeout(900)
def test_the_quick_run_prints_every_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Speed and worlds run without data; what needs data or a server says which is missing."""
    monkeypatch.setattr("bench.stores.start_server", _no_server)
    monkeypatch.setattr("bench.reading.start_server", _no_server)
    monkeypatch.setattr("bench.provenance.start_server", _no_server)
    monkeypatch.setattr("bench.http.start_server", _no_server)
    assert 0 == main(["--quick", "--data", str(tmp_path)])
    printed = capsys.readouterr().out
    for heading in (
        "What a signal costs",
        "Neo4j and SQLite",
        "Simulated worlds",
        "How long reads take",
        "What an explanation costs",
        "ASSISTments 2015",
    ):
        assert heading in printed
    assert "skipped: no" in printed
    assert all(world.name in printed for world in worlds.WORLDS)
    assert "NEO4J IS NOT MEASURED: none here" in printed
    assert 5 + 6 == printed.count(" against ")


@pytest.mark.neo4j
@pytest.mark.slow
def test_both_stores_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Each figure is printed for each store; the bare driver wrote what the store wrote, and no signal was lost."""
    assert 0 == main(["--quick", "--only", "stores"])
    printed = capsys.readouterr().out
    if "NOT MEASURED" in printed and "REQUIRE_NEO4J" not in os.environ:
        pytest.skip(printed)
    assert [8, 6] == [printed.count(f" {store}  ") for store in ("Neo4j", "SQLite")]
    assert 5 == sum(
        " Neo4j " in line and ("met" in line or "missed" in line) for line in printed.splitlines()
    )


def test_every_read_is_timed_in_every_situation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few and many beliefs, a long history, a crowd: each read has a median no greater than its 95th percentile."""
    monkeypatch.setattr("bench.reading.start_server", _no_server)
    timings = list(reading.run(reading.QUICK))
    assert 4 * len(reading.READS) == len(timings)
    assert all(0 < timing.p50 <= timing.p95 for timing in timings)


def test_preferences_are_found_by_what_a_question_has_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of made-up preferences that share one word with their question all are found, by every way and when served."""
    ours = tmp_path / "questions.txt"
    ours.write_text("\n\n".join(f"pears{n} please\n? pears{n} maybe\n? some pears{n}" for n in range(101)))
    monkeypatch.setattr(preferences, "OURS", ours)
    rows = [
        {
            "topic": f"t{number % 4}",
            "idx": number,
            "preference": f"apples{number} please",
            "question": f"apples{number} maybe",
            "aligned_op": f"apples{number}",
        }
        for number in range(101)
    ]
    for name in (preferences.FILE, preferences.CHOICES):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
    preferences.report(tmp_path, HashedWords(), quick=False)
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith(tuple(preferences.WAYS))]
    ours_found, prefeval_found = lines[: len(preferences.WAYS)], lines[len(preferences.WAYS) :]
    assert len(preferences.WAYS) == len(prefeval_found)
    assert all(float(line.split()[-1]) > 0.9 for line in ours_found)
    assert all(float(line.split()[-3]) > 0.9 for line in prefeval_found)
    assert "of 100" in printed


def test_each_of_our_questions_is_about_one_belief() -> None:
    """The set holds 1,260 different beliefs with three questions each, and every question is there once."""
    questions, beliefs, owners = preferences.read_ours()
    assert 1260 == len(set(beliefs))
    assert 3780 == len(set(questions))
    assert [belief for belief in range(1260) for _ in range(3)] == owners


def test_the_quick_run_replays_the_data_when_it_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table comes with the anchors and a verdict on each target, and the diagram is drawn."""
    monkeypatch.setattr("bench.__main__._embedder", HashedWords)
    pytest.importorskip("matplotlib")
    _write_students(tmp_path)
    plot = tmp_path / "reliability.png"
    assert 0 == main(["--quick", "--only", "assistments", "--data", str(tmp_path), "--plot", str(plot)])
    printed = capsys.readouterr().out
    assert "Bayesian knowledge tracing" in printed
    assert "log loss  " in printed and "ECE (15 bins" in printed
    assert plot.stat().st_size > 1000


def test_the_users_of_the_figures_are_written_as_logs(tmp_path: Path) -> None:
    """Each log is applied whole, under the parameters written beside it; twice written, it is the same file."""
    _write_students(tmp_path)
    written = []
    for name in ("once", "twice"):
        assert 0 == logs.main([str(tmp_path / name), "--users", "3", "--data", str(tmp_path)])
        written.append({path.name: path.read_bytes() for path in sorted((tmp_path / name).iterdir())})
    assert written[0] == written[1]
    assert [
        "simulated.jsonl.gz",
        "students-test.jsonl.gz",
        "students-train.jsonl.gz",
        "students.toml",
    ] == list(written[0])
    fitted = load_parameters(tmp_path / "once" / "students.toml")
    for name, parameters, answers in (("simulated", load_parameters(), 300), ("students-test", fitted, 1200)):
        lines = gzip.decompress(written[0][f"{name}.jsonl.gz"]).decode().splitlines()
        words = HashedWords()
        found = evaluate(lines, parameters=parameters, embedder=words, relater=EmbeddingRelater(words))
        assert (answers, 0) == (found.overall.n, found.rejected)


def test_what_simulated_users_are_believed_has_nothing_to_do_with_each_other() -> None:
    """There are statements enough for every world, and no two of them are compared."""
    vectors = np.array(HashedWords().encode(worlds.TASTES))
    apart = vectors @ vectors.T - np.eye(len(vectors))
    assert apart.max() < load_parameters().text.gate_cosine
    assert max(world.beliefs + world.irrelevant for world in worlds.WORLDS) <= len(worlds.TASTES)


def test_fitting_predicts_as_the_store_does() -> None:
    """The arrays that fit the skills make the predictions of the whole store: both are the model of design.md."""
    students = _students()
    adherences = np.repeat([[0.7], [0.8], [0.9]], 100, axis=1)
    skills = assistments.Skills(
        priors=np.full(100, 0.6), adherences=adherences, prepared=np.linspace(0.2, 0.9, 100)
    )
    words = HashedWords()
    stored = evaluate(
        assistments.to_events(students, skills),
        parameters=assistments.timeless(),
        embedder=words,
        relater=EmbeddingRelater(words),
    )
    assert 0 == stored.rejected
    packed = assistments.pack(students)
    fitted = assistments.predict_all(packed, assistments.rows_of(skills), assistments.timeless())
    # Same order in both: the store takes the students by id within a window, and the fit by place.
    by_step = np.array(fitted).T
    order = np.argsort([student.id for student in students])
    assert by_step[order].ravel() == pytest.approx(stored.probabilities, abs=1e-4)


def test_students_are_histories_of_the_store() -> None:
    """The short way from a student to what a fit reads gives what reading her records gives."""
    (student,) = _students(1)
    parameters = assistments.timeless()
    words = vocabulary(parameters)
    pipeline = open_pipeline(":memory:", parameters=parameters)
    ingest(pipeline, "bench", assistments.to_events([student], assistments.USUAL), own_time=True)
    scope = Scope("bench", UserId(student.id))
    stored = pipeline.store.read(scope, lambda reader: read_history(reader, words))
    found = [block([each]) for each in (stored, students.history_of(student, assistments.USUAL, words))]
    foreseen = [run(each, tables(parameters, words), words).satisfied for each in found]
    assert foreseen[0] == pytest.approx(foreseen[1], abs=1e-4)
    assert found[0].beliefs.kind.tolist() == found[1].beliefs.kind.tolist()


def test_learning_from_students_is_better_than_beginning() -> None:
    """Skills and parameters that were fitted in turns foresee held-out students better than those to begin with."""
    learned = students.learn(_students(120), rounds=1, steps=2)
    gain = learned.calibration.compared["signals"].gain.value
    assert gain is not None
    assert gain > 0
    assert (assistments.ADHERENCES, 100) == learned.skills.adherences.shape


def test_a_newcomer_is_born_with_what_others_turned_out_to_be() -> None:
    """Of a skill that most master at once the base rate is high, of one that few do it is low, and that helps."""
    easy = [assistments.Student(id=f"a{n}", skills=[1, 2, 1, 2], correct=[1, 0, 1, 0]) for n in range(60)]
    population, gains = newcomers.run(easy[:40], easy[40:])
    rates = {topic.statement: topic.rate for topic in population.topics}
    assert rates[assistments.mastered(1)] > 0.6
    assert rates[assistments.mastered(2)] < 0.4
    assert [0, 1] == [gain.earlier for gain in gains]
    assert all(
        gain.beats and gain.losses[newcomers.FLAT] > gain.losses[newcomers.STATEMENT] for gain in gains
    )


def test_fitting_finds_what_is_easy() -> None:
    """A skill whose exercises nearly all are right gets a higher prior than one whose are mostly wrong."""
    easy = [assistments.Student(id=f"a{n}", skills=[1] * 8, correct=[1] * 8) for n in range(40)]
    hard = [assistments.Student(id=f"b{n}", skills=[2] * 8, correct=[0] * 6 + [1, 0]) for n in range(40)]
    skills = assistments.fit_skills([*easy, *hard], rounds=3)
    assert skills.priors[1] > 0.8
    assert skills.priors[2] < 0.4


def test_fitting_finds_which_first_exercise_is_hard() -> None:
    """A skill that the able and the unable fail at first is one that they come less prepared for."""
    always = {1: [1] * 6, 2: [0] + [1] * 5}
    students = [
        assistments.Student(
            id=f"{skill}-{n}-{able}", skills=[skill] * 6, correct=[right * able for right in always[skill]]
        )
        for n in range(40)
        for skill in always
        for able in (0, 1)
    ]
    prepared = assistments.fit_skills(students, rounds=5).prepared
    assert prepared[1] > 0.9
    assert prepared[2] < 0.8


def test_a_world_is_the_same_for_the_same_seed() -> None:
    """Seeds are fixed: two runs of a world agree to the last digit, and another seed differs."""
    first, again, other = (worlds.simulate(worlds.BASE, users=2, seed=seed) for seed in (1, 1, 2))
    assert first.brier["ours"].tolist() == again.brier["ours"].tolist()
    assert first.brier["ours"].tolist() != other.brier["ours"].tolist()


def test_the_simple_ways_move_as_they_say() -> None:
    """One thumbs-down: −.12, one more count, a tenth of the way to 0."""
    life = worlds.Life(steps=[worlds.Step(premises=((0, 1.0, 0.9),), good=False)] * 5, truth=np.ones((1, 1)))
    start, after = 0.6, 5
    expected = {
        "fixed step": max(0.001, start - after * 0.12),
        "Beta counting": start * 2 / (2 + after),
        "exponential average": start * 0.9**after,
    }
    found = {way: worlds.learn_simply(way, life, worlds.BASE)[0, 0] for way in expected}
    assert found == pytest.approx(expected)
