"""The command line as a process: how fast it answers, what it imports, and how it behaves between other programs."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import sys
from beliefgraph.cli import Session, app
from tests.embedders import WordEmbedder
app(prog_name="beliefgraph", obj=Session(embedder=WordEmbedder()))
"""
_HEAVY = [
    "matplotlib", "networkx", "numpy", "pydantic", "rich", "scipy", "sentence_transformers", "sklearn", "sqlite3",
    "torch", "transformers",
]  # fmt: skip


@pytest.fixture
def environment(clean_environment: Mapping[str, str], tmp_path: Path) -> dict[str, str]:
    """Return an environment with this package, a store of its own and no colour setting."""
    kept = {
        name: value for name, value in clean_environment.items() if name not in ("NO_COLOR", "FORCE_COLOR")
    }
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
        "BELIEFGRAPH_STORE": str(tmp_path / "beliefs.db"),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
    }


def _run(
    environment: Mapping[str, str], *words: str, stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words],
        env=environment,
        input=stdin,
        capture_output=True,
        check=False,
    )


def test_help_imports_nothing_heavy(environment: dict[str, str]) -> None:
    """The help, the version and a typing error are answered without the library itself."""
    program = (
        "import sys\nfrom beliefgraph.cli import main\n"
        f"try: main()\nexcept SystemExit: print(sorted(set({_HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    for words in (["--help"], ["signal", "--help"], ["version"], ["dance"]):
        ran = subprocess.run(
            [sys.executable, "-c", program, *words],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "[]" == ran.stderr.splitlines()[-1]


def test_a_reader_that_leaves_is_no_error(environment: dict[str, str]) -> None:
    """When nobody reads the output any more, the command ends without a word."""
    line = b'{"type": "signal", "user": "%0199d", "kind": "accept"}\n'
    log = b"".join(line % number for number in range(1000))  # more than a pipe holds
    _run(environment, "ingest", "-", stdin=log)
    writing = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "users"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert writing.stdout is not None
    assert b"0" * 199 + b"\n" == writing.stdout.readline()
    writing.stdout.close()
    assert (141, b"") == (writing.wait(timeout=60), writing.stderr.read() if writing.stderr else None)
    if writing.stderr:
        writing.stderr.close()


def test_an_interrupt_ends_quietly(environment: dict[str, str]) -> None:
    """Ctrl-C while a log is read: status 130, one word, no traceback; what was applied stays."""
    reading = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "ingest", "-"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert reading.stdin is not None
    line = b'{"type": "belief", "user": "ada", "id": "b%d", "statement": "x%d"}\n'
    for number in range(4001):
        reading.stdin.write(line % (number, number))
    reading.stdin.flush()
    deadline = time.monotonic() + 60
    while not Path(environment["BELIEFGRAPH_STORE"]).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    reading.send_signal(signal.SIGINT)
    out, err = reading.communicate(timeout=60)
    assert (130, b"", b"interrupted\n") == (reading.returncode, out, err)


def test_closed_standard_streams_are_no_error(environment: dict[str, str]) -> None:
    """Without a standard output the work is done all the same; without an input there is nothing to read."""
    for words, status in ((["believe", "ada", "x"], 0), (["ingest", "-"], 2)):
        shell = f'exec {sys.executable} -c "$0" "$@" <&- >&-'
        ran = subprocess.run(
            ["sh", "-c", shell, _PROGRAM, *words], env=environment, capture_output=True, check=False
        )
        assert (status, False) == (ran.returncode, b"Traceback" in ran.stderr), ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_told(environment: dict[str, str]) -> None:
    """An answer that cannot be written is an error in one line."""
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-c", _PROGRAM, "version"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (3, b"error: output: No space left on device\n") == (ran.returncode, ran.stderr)


def _on_a_terminal(environment: Mapping[str, str], *words: str) -> str:
    """Run a command on a terminal and return everything that it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", _PROGRAM, *words], dict(environment))  # noqa: S606
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode()


def test_tables_on_a_terminal(environment: dict[str, str]) -> None:
    """A terminal gets a table with styles; NO_COLOR takes the colours away."""
    _run(environment, "believe", "ada", "Prefers [bold]tea[/]", "--id", "b1")
    shown = _on_a_terminal(environment, "beliefs", "ada")
    assert "\x1b[1m" in shown
    assert "Prefers [bold]tea[/]" in shown
    assert "\x1b[3" not in _on_a_terminal({**environment, "NO_COLOR": "1"}, "beliefs", "ada")


def test_progress_is_shown_on_a_terminal_alone(environment: dict[str, str], tmp_path: Path) -> None:
    """A bar over the bytes of a file, or the users of a store, on a terminal; nothing on stderr in a pipe."""
    log = tmp_path / "log.jsonl"
    log.write_bytes(
        b"".join(b'{"type": "belief", "user": "u%d", "statement": "x"}\n' % n for n in range(100))
    )
    assert "━" in _on_a_terminal(environment, "ingest", str(log))
    assert b"" == _run(environment, "ingest", str(log)).stderr
    copy = ["copy", environment["BELIEFGRAPH_STORE"]]
    assert "━" in _on_a_terminal(environment, *copy, str(tmp_path / "one.db"))
    assert b"" == _run(environment, *copy, str(tmp_path / "another.db")).stderr


def test_a_replay_that_is_told_to_end_leaves_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    """SIGTERM in the middle of a log: the scratch store goes with the process, which says that it was interrupted."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    running = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "evaluate", "-"],
        env={**environment, "TMPDIR": str(scratch)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert running.stdin is not None
    running.stdin.write(b'{"type": "belief", "user": "ada", "id": "b", "statement": "Prefers tea"}\n')
    running.stdin.flush()
    for _ in range(600):
        if any(scratch.glob("*/scratch.db")):
            break
        time.sleep(0.1)
    assert any(scratch.glob("*/scratch.db"))
    running.terminate()
    _, errors = running.communicate(timeout=60)
    assert (130, b"interrupted\n", []) == (running.returncode, errors, list(scratch.iterdir()))
