"""Where lines come from: files, gzip files and standard input, read so that no line, however long, fills memory.

What a line means is decided elsewhere; a line that cannot be read is handed on as `Unreadable`.
"""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.reader import MAX_LINE, Line, Unreadable

STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PIECE = 1 << 20

Keep = Callable[[bytes], object]


class Source:
    """A log to read: a file, or `-` for standard input. `size` is in bytes, as the file lies on disk."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size: int | None = None
        self._raw: BinaryIO | None = None
        if name != STANDARD_INPUT:
            self._check(Path(name))

    def _check(self, path: Path) -> None:
        """Refuse what cannot be read before anything is applied. A pipe is not opened: it could not be twice."""
        if not path.exists():
            raise InvalidInputError("file", f"there is no {self.name}")
        if path.is_dir():
            raise InvalidInputError("file", f"{self.name} is a folder; name the files in it")
        if not os.access(path, os.R_OK):
            raise InvalidInputError("file", f"{self.name} cannot be read: permission denied")
        self.size = path.stat().st_size if path.is_file() else None

    @property
    def position(self) -> int:
        """Return how many of the file's bytes were read so far."""
        if self._raw is None or not self.size:
            return 0
        return self.size if self._raw.closed else self._raw.tell()

    def lines(self, keep: Keep = lambda _: None) -> Iterator[Line]:
        """Yield the lines, unpacked if they are packed.

        `keep` gets the pieces of a line that is too long to be handed on. What breaks off in the middle ends with
        an `Unreadable`, after everything that could be read.
        """
        with self._opened() as stream:
            try:
                yield from _lines(stream, keep)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                yield Unreadable(field="file", reason="the gzip file is cut off or damaged here")
            except OSError as error:
                yield Unreadable(field="file", reason=f"reading stopped here: {error.strerror or error}")

    @contextmanager
    def _opened(self) -> Iterator[io.BufferedIOBase]:
        if self.name == STANDARD_INPUT:
            if sys.stdin is None:
                raise InvalidInputError("file", "standard input is closed")
            yield _unpacked(_peekable(sys.stdin.buffer))
            return
        with Path(self.name).open("rb") as self._raw:
            yield _unpacked(_peekable(self._raw))


def _peekable(stream: BinaryIO) -> io.BufferedReader:
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream))


def _unpacked(stream: io.BufferedReader) -> io.BufferedIOBase:
    """Return the stream, unpacked if it begins as gzip does, whatever its name."""
    return gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == _GZIP else stream


def _lines(stream: io.BufferedIOBase, keep: Keep) -> Iterator[Line]:
    first = True
    while line := stream.readline(MAX_LINE + 1):
        if first:
            line, first = line.removeprefix(_BYTE_ORDER_MARK), False
        if len(line) <= MAX_LINE or line.endswith(b"\n"):
            yield line
            continue
        keep(line)
        while not line.endswith(b"\n") and (line := stream.readline(_PIECE)):
            keep(line)
        if not line.endswith(b"\n"):
            keep(b"\n")
        yield Unreadable(field="line", reason=f"must be at most {MAX_LINE:,} bytes long")
