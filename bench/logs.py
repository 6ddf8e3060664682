"""The simulated and the real users of the figures as files, to run `evaluate`, `calibrate` and `curve` on by hand.

`python -m bench.logs FOLDER` writes `simulated.jsonl.gz`, the population of the compounding curve. Where the evaluation
data is (`--data`), also both parts of ASSISTments as `students-train.jsonl.gz` and `students-test.jsonl.gz`, with
what was fitted on the training part alone: skills in the events, parameters in `students.toml`.
"""

import argparse
import gzip
import sys
from collections.abc import Iterable
from pathlib import Path

from beliefgraph.ingest.parameters import save_parameters
from bench import assistments, curves, students, worlds


def main(arguments: list[str] | None = None) -> int:
    """Write the logs that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.logs", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write; made if it is not there")
    parser.add_argument("--users", type=int, default=400, help="simulated users (400)")
    parser.add_argument("--students", type=int, help="so many of each part of the real set; else all")
    parser.add_argument("--data", type=Path, default=assistments.DATA, help="folder of the evaluation data")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    write(curves.to_lines(worlds.BASE, users=options.users, seed=1), options.folder / "simulated.jsonl.gz")
    if (options.data / assistments.TRAIN).is_file():
        _write_students(options.data, options.folder, options.students)
    else:
        print(f"no {options.data / assistments.TRAIN}: name the folder of the real set with --data")
    return 0


def _write_students(data: Path, folder: Path, most: int | None) -> None:
    seen, unseen = (
        list(assistments.read_students(data / part))[:most] for part in (assistments.TRAIN, assistments.TEST)
    )
    learned = students.learn(seen)
    save_parameters(learned.parameters, folder / "students.toml")
    print(f"{folder / 'students.toml'}: {learned.parameters.version}")
    for name, part in (("train", seen), ("test", unseen)):
        write(assistments.to_events(part, learned.skills), folder / f"students-{name}.jsonl.gz")


def write(lines: Iterable[str], place: Path) -> None:
    """Write lines of events, gzipped; the same lines make the same file."""
    with place.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        events = sum(file.write(f"{line}\n".encode()) > 0 for line in lines)
    print(f"{place}: {events:,} events")


if __name__ == "__main__":
    sys.exit(main())
