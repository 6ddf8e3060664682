"""`python -m bench`: every figure that the README states, with its target and whether it is met.

`--quick` runs everything small, to see that it works; its figures mean nothing. `--only PART` runs one part.
"""

import argparse
import importlib.util
import itertools
import os
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import neo4j

from beliefgraph.cli.app import collect_seldom
from beliefgraph.curve import Curve
from beliefgraph.evaluation import Evaluation, evaluate_with_curve
from beliefgraph.graph.errors import ModelUnavailableError
from beliefgraph.ingest.embedder import Embedder, SentenceTransformerEmbedder
from beliefgraph.ingest.relate import EmbeddingRelater
from bench import (
    assistments,
    audits,
    calibration,
    choices,
    coldstart,
    curves,
    fuzz,
    http,
    lives,
    million,
    newcomers,
    preferences,
    provenance,
    reading,
    relations,
    speed,
    stores,
    students,
    walls,
    worlds,
)
from bench.scratch import HashedWords

PARTS = (
    "speed",
    "stores",
    "audits",
    "worlds",
    "choices",
    "calibration",
    "coldstart",
    "curve",
    "relations",
    "preferences",
    "reading",
    "http",
    "memory",
    "walls",
    "fuzz",
    "assistments",
    "newcomers",
    "million",
)
_TITLES = {
    "audits": "Which signals reach the model: an audit",
    "choices": "Three choices, on lives that no other figure uses: sessions, the detector of change, habits",
    "coldstart": "Somebody new: what is served after a few answers, and after some signals without them",
    "calibration": "Calibration in simulation: rates recovered, beliefs right, causes found, what matters",
    "relations": "How two statements relate, what is worth believing, and what a life leaves",
    "preferences": "Which belief a question is about",
    "reading": "How long reads take",
    "newcomers": "Does it help a newcomer that others came before? (ASSISTments)",
    "million": "Calibration at scale",
    "http": "The service under load, from a second process",
    "walls": "Whether time tells one tenant what another has",
    "memory": "What the process of the service holds while it is used for long",
    "fuzz": "Requests drawn at random from the description of the service",
}
MOST_LOG_LOSS, MOST_ECE, MOST_MB = 0.5302, 0.005, 400.0
MOST_BY_HISTORY = {"0": 0.589, "1": 0.488, "2–4": 0.481}
"""The log loss to beat, by the number of earlier signals on the belief."""
MOST_WORSE = 1.05
"""How much worse than the best of the simple ways ours may be, in any world at any point."""
_ANCHORS = (
    ("Beta(1, 1) counts", ".632", ".221", ".657", ".184"),
    ("Beta with skill and user prior, decay", ".542", ".182", ".686", ".033"),
    ("Bayesian knowledge tracing (4 parameters a skill, by EM)", ".5315", ".1768", ".700", ".005"),
    ("logistic regression on 8 features", ".5302", ".1766", ".704", ".004"),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: a smoke test, no figures")
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="a part (may be given again); else all"
    )
    parser.add_argument(
        "--store", choices=("SQLite", "Neo4j"), help="of http, memory, walls and fuzz: on this store alone"
    )
    parser.add_argument("--data", type=Path, default=assistments.DATA, help="folder of the evaluation data")
    parser.add_argument("--plot", type=Path, help="where to draw the reliability diagram (PNG)")
    parser.add_argument("--curves", type=Path, help="folder where to draw the curves (PNG)")
    parser.add_argument(
        "--memory", action="store_true", help="also replay the whole data set, for its peak memory"
    )
    options = parser.parse_args(arguments)
    collect_seldom()  # as the command line does
    machine = f"{platform.system()} on {os.cpu_count()} cores"
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {machine}")
    for part in options.only or PARTS:
        started = time.perf_counter()
        _run(part, options)
        print(f"({part}: {time.perf_counter() - started:.0f} s)", flush=True)
    return 0


def _run(part: str, options: argparse.Namespace) -> None:
    quick, data = options.quick, options.data
    runs: dict[str, Callable[[], None]] = {
        "speed": lambda: _speed(quick=quick),
        "stores": lambda: _stores(quick=quick),
        "audits": lambda: audits.report(quick=quick),
        "worlds": lambda: _worlds(quick=quick),
        "choices": lambda: choices.report(quick=quick),
        "coldstart": lambda: coldstart.report(quick=quick),
        "calibration": lambda: calibration.report(quick=quick),
        "curve": lambda: _curve(options.curves, quick=quick),
        "relations": lambda: _relations(data, quick=quick),
        "preferences": lambda: preferences.report(data, _embedder(), quick=quick),
        "reading": lambda: _reading(quick=quick),
        "http": lambda: http.report(quick=quick, store=options.store),
        "memory": lambda: http.report_memory(quick=quick, store=options.store),
        "walls": lambda: walls.report(quick=quick, store=options.store),
        "fuzz": lambda: fuzz.report(quick=quick, store=options.store),
        "assistments": lambda: _assistments(options),
        "newcomers": lambda: _lines(newcomers.report(data, quick=quick)),
        "million": lambda: _lines(million.report(quick=quick)),
    }
    if part in _TITLES:
        _heading(_TITLES[part])
    runs[part]()


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _relations(data: Path, *, quick: bool) -> None:
    relations.report(data, quick=quick)
    lives.report(quick=quick)


def _reading(*, quick: bool) -> None:
    reading.report(quick=quick)
    _heading("What an explanation costs, and where a record comes from")
    provenance.report(quick=quick)


def _heading(title: str) -> None:
    print(f"\n{title}\n{'─' * len(title)}", flush=True)


def _verdict(name: str, value: float, most: float, form: str) -> str:
    verdict = "met" if value <= most else f"missed by {format(value - most, form)}"
    return f"{name:<40} {format(value, form):>8}   ≤ {most:g}   {verdict}"


def _speed(*, quick: bool) -> None:
    _heading("What a signal costs (ratio of medians, target, verdict)")
    sizes = speed.QUICK if quick else speed.Sizes()
    for ratio in speed.run(sizes):
        print(ratio, flush=True)
        if ratio.name.startswith("ingest"):
            print(f"    that is {1 / ratio.ours:,.0f} signals a second here, each with its response")


def _stores(*, quick: bool) -> None:
    _heading("Neo4j and SQLite side by side (ratio of medians, target, verdict)")
    extension = "with" if importlib.util.find_spec("neo4j._rust") else "without"
    print(f"driver {neo4j.__version__} {extension} its Rust extension, the servers on the same cores")
    for figure in stores.run(stores.QUICK if quick else stores.Sizes()):
        print(figure, flush=True)


def _worlds(*, quick: bool) -> None:
    users = 4 if quick else 400
    points = ", ".join(map(str, worlds.POINTS))
    _heading(f"Simulated worlds: Brier score of the beliefs after {points} rated responses (lower is better)")
    print(f"{users} users a world, ± half of a 95 % interval over them; knowing nothing scores {0.24:.3f}.")
    print(
        "Worlds that break our assumptions first, the worst of them on top; the lead is over the best other way.\n"
    )
    outcomes = worlds.run(users=users)
    print(worlds.table(outcomes))
    base = outcomes[-1]
    lost = [outcome.world.name for outcome in outcomes[:-1] if not outcome.wins]
    print(
        f"\nAs assumed, ours falls with use and beats all three at every point: {'met' if base.wins else 'missed'}"
    )
    print(f"Elsewhere it does not in: {'; '.join(lost) or 'no world'}")
    worst = max(float(outcome.ratio.max()) for outcome in outcomes)
    print(_verdict("worst of ours / best other way", worst, MOST_WORSE, ".3f"))


def _curve(folder: Path | None, *, quick: bool) -> None:
    _heading("The compounding curve: a simulated population, as our mathematics assumes")
    _show_curve(curves.simulate(worlds.BASE, users=4 if quick else 400), folder, "curve-simulated.png")


def _show_curve(curve: Curve, folder: Path | None, name: str) -> None:
    print(curve)
    if folder is not None:
        curve.plot(folder / name)
        print(f"curve: {folder / name}")


def _assistments(options: argparse.Namespace) -> None:
    data, quick = options.data, options.quick
    _heading("ASSISTments 2015, test part, each answer predicted before it is applied")
    train, test = data / assistments.TRAIN, data / assistments.TEST
    missing = [str(path) for path in (train, test) if not path.is_file()]
    if missing:
        print(f"skipped: no {' and no '.join(missing)}; name the folder with --data")
        return
    few, many = (20, 200) if quick else (None, None)
    started = time.perf_counter()
    learned = students.learn(
        list(itertools.islice(assistments.read_students(train), many)), steps=1 if quick else 10
    )
    print(
        f"Fitted in {time.perf_counter() - started:.0f} s on the training part alone, a fifth of it held out:\n"
    )
    print(f"{learned.calibration}\n")
    embedder = _embedder()
    answered = itertools.islice(assistments.read_students(test), few)
    started = time.perf_counter()
    evaluation, curve = evaluate_with_curve(
        _progress(assistments.to_events(answered, learned.skills)),
        parameters=learned.parameters,
        embedder=embedder,
        relater=EmbeddingRelater(embedder),
    )
    seconds = time.perf_counter() - started
    print(evaluation)
    _print_beside(evaluation)
    print(
        f"{evaluation.overall.n:,} answers in {seconds:.0f} s with the model {embedder.name}, whole store, own times"
    )
    if options.plot is not None:
        evaluation.plot(options.plot)
        print(f"reliability diagram: {options.plot}")
    _show_curve(curve, options.curves, "curve-assistments.png")
    if options.memory:
        read, whole = _whole_set_mb(data)
        print(_verdict("peak memory of the whole set, MB", whole, MOST_MB, ".0f"))
        print(f"    {read:.0f} when all was read, before it was scored")


def _embedder() -> Embedder:
    """Return the real model where it can be had: it encodes a hundred statements, once each."""
    embedder = SentenceTransformerEmbedder()
    try:
        embedder.encode(["a statement"])
    except ModelUnavailableError:
        print("the embedding model cannot be had here: hashed words in its place (no figure depends on it)")
        return HashedWords()
    return embedder


def _print_beside(evaluation: Evaluation) -> None:
    scores = evaluation.overall
    ours = (scores.log_loss, scores.brier, scores.auc, scores.ece)
    shown = tuple("–" if value is None else f"{value:.4f}".lstrip("0") for value in ours)
    print(f"\n{'beside (anchors as measured by others)':<58}{'log loss':>9}{'Brier':>8}{'AUC':>8}{'ECE':>8}")
    for name, *values in (*_ANCHORS, ("ours, through the whole store", *shown)):
        print(f"{name:<58}{values[0]:>9}" + "".join(f"{value:>8}" for value in values[1:]))
    print()
    for name, found, most in (
        ("log loss", scores.log_loss, MOST_LOG_LOSS),
        ("ECE (15 bins of equal width)", scores.ece, MOST_ECE),
        *(
            (f"log loss after {name} earlier signals", evaluation.by_history[name].log_loss, most)
            for name, most in MOST_BY_HISTORY.items()
        ),
    ):
        if found is not None:
            print(_verdict(name, found, most, ".4f"))


def _progress(lines: Iterable[str]) -> Iterator[str]:
    """Say on a terminal how far it is."""
    shown = sys.stderr.isatty()
    for number, line in enumerate(lines):
        if shown and number % 5000 == 0:
            print(f"\r{number:,} events", end="", file=sys.stderr, flush=True)
        yield line
    if shown:
        print("\r", end="", file=sys.stderr)


def _whole_set_mb(data: Path) -> tuple[float, float]:
    """Replay both parts in a process of its own, without a model (whose size is its own).

    Return its peak memory when all was read and predicted, and at the end, when it was scored too.
    """
    program = (
        "import sys, itertools; from pathlib import Path\n"
        "from beliefgraph.evaluation import evaluate; from bench import assistments, scratch, speed\n"
        "from beliefgraph.ingest.relate import EmbeddingRelater\n"
        "skills = assistments.USUAL\n"
        "files = [Path(sys.argv[1]) / name for name in (assistments.TRAIN, assistments.TEST)]\n"
        "students = itertools.chain.from_iterable(map(assistments.read_students, files))\n"
        "words = scratch.HashedWords(); relater = EmbeddingRelater(words)\n"
        "found = evaluate(assistments.to_events(students, skills), embedder=words, relater=relater)\n"
        "read = speed.peak_memory_mb(); found.overall; print(read, speed.peak_memory_mb())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(data)], capture_output=True, text=True, check=True
    )
    read, whole = map(float, ran.stdout.split()[-2:])
    return read, whole


if __name__ == "__main__":
    sys.exit(main())
