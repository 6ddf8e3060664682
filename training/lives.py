"""Hand-written lives: what a user says of a hundred topics, what she takes back later, and exceptions that she makes.

One topic a line: what she says first, then, where there is more, ` -> ` what she says later in its place, or ` + ` an
exception in some circumstances, beside which the first stays true. Held out: nothing here is trained on.
"""

import re
from pathlib import Path
from typing import NamedTuple


class Topic(NamedTuple):
    """What is said of one topic, in the order in which it is said."""

    first: str
    reversal: str | None = None
    exception: str | None = None

    def texts(self) -> list[str]:
        """Return what is said of it."""
        return [text for text in (self.first, self.reversal, self.exception) if text is not None]


def read_life(path: Path) -> list[Topic]:
    """Read the topics of a life, in the order of the file."""
    topics = []
    for line in path.read_text(encoding="utf-8").splitlines():
        first, *rest = re.split(r" (->|\+) ", line)
        mark, later = rest or ("", None)
        topics.append(Topic(first, later if mark == "->" else None, later if mark == "+" else None))
    return topics
