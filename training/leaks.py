"""What training happens to hold of a held-out set: on everyday topics two people write nearly the same statement.

`python -m training.leaks FILE…` prints how many statements of clusters files are nearly the same as held-out ones, and
with `--drop` takes them out of the files.
"""

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from training.statements import MARK, Cluster

HELD_OUT = Path(__file__).parent / "data" / "held_out"
_BETWEEN = re.compile(r" (?:->|[+=><!~?]) ")
_EMPTY = frozenset(
    (
        "i",
        "i'm",
        "i've",
        "my",
        "me",
        "she",
        "he",
        "her",
        "his",
        "user",
        "the",
        "a",
        "an",
        "am",
        "is",
        "are",
        "do",
    )
)
_ALIKE = 0.8
"""From which share of their words in common two statements are nearly the same; at least two words."""


def words_of(statement: str) -> frozenset[str]:
    """Return the words of a statement that carry it, without person, article and ending.

    >>> words_of("Plays chess online") == words_of("I play chess online")
    True
    """
    plain = re.sub(r"\{[PO]\}", "", statement.removeprefix("=")).lower().replace("’", "'")
    found = (word for word in re.findall(r"[a-z0-9']+", plain) if word not in _EMPTY)
    stems = (re.sub(r"(es|s|ed|ing)$", "", word) for word in found)
    return frozenset(re.sub(r"[eiy]$", "", stem) for stem in stems)


class Known:
    """Statements in which nearly the same ones are looked up by their words."""

    def __init__(self, groups: Iterable[Iterable[str]]) -> None:
        self._by_word: dict[str, set[tuple[frozenset[str], int]]] = {}
        for place, group in enumerate(groups):
            for statement in group:
                words = words_of(statement)
                for word in words:
                    self._by_word.setdefault(word, set()).add((words, place))

    def groups_with(self, statement: str) -> set[int]:
        """Return the places of the groups that hold nearly the same statement."""
        words = words_of(statement)
        found = set().union(*(self._by_word.get(word, set()) for word in words)) if words else set()
        return {place for others, place in found if _alike(words, others)}

    def holds_pair_of(self, statements: Iterable[str]) -> bool:
        """Say whether one group holds nearly the same as two of these statements: then their relation is known."""
        seen: set[int] = set()
        for statement in statements:
            found = self.groups_with(statement)
            if found & seen:
                return True
            seen |= found
        return False


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return shared >= 2 and shared >= _ALIKE * len(one | other)


def unknown(clusters: Iterable[Cluster], trained: Iterable[Cluster]) -> list[Cluster]:
    """Return the clusters of which no trained one holds nearly the same two statements."""
    known = Known(cluster.statements() for cluster in trained)
    return [cluster for cluster in clusters if not known.holds_pair_of(cluster.statements())]


def held_out(folder: Path = HELD_OUT) -> Iterator[list[str]]:
    """Yield the statements of every line of the held-out files."""
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield _BETWEEN.split(line)


def without(line: str, known: Known) -> tuple[str | None, int]:
    """Return a line of a clusters file without the statements that are known, nothing if its anchor is; how many."""
    anchor, *rest = MARK.split(line.strip())
    kept = [
        (mark, text) for mark, text in zip(rest[::2], rest[1::2], strict=True) if not known.groups_with(text)
    ]
    left_out = len(rest) // 2 - len(kept)
    if known.groups_with(anchor) or not kept:
        return None, left_out
    return anchor + "".join(f" {mark} {text}" for mark, text in kept), left_out


def main() -> None:
    """Print what files of clusters share with the held-out sets, and drop it on request."""
    parser = argparse.ArgumentParser(prog="python -m training.leaks", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--drop", action="store_true", help="write the files without it")
    options = parser.parse_args()
    known, statements, clusters = Known(held_out()), 0, 0
    for path in options.files:
        lines = [
            without(line, known) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        clusters += sum(line is None for line, _ in lines)
        statements += sum(left_out for line, left_out in lines if line is not None)
        if options.drop:
            path.write_text("".join(f"{line}\n" for line, _ in lines if line is not None), encoding="utf-8")
    print(f"{clusters} clusters and {statements} statements of others are nearly the same as held-out ones")


if __name__ == "__main__":
    main()
