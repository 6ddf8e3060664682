"""Numbers that name something ("recipe 12") beside numbers that measure ("under 12 euros"), told apart by their place.

What is named by one number and what is named by another are two things: who likes the one says nothing of the other.
What two texts otherwise are to each other is decided in relate.py.
"""

import re
from collections.abc import Collection, Iterator, Mapping

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|\S")
_ENDS = frozenset(".,;:!?)\"'")


def named_apart(first: str, second: str, amounts: Collection[str]) -> bool:
    """Say whether two texts name different things of one sort by numbers.

    A whole number names what stands before it, unless that is one of `amounts` ("is", "at", "size") or a proper name,
    of which it is the version ("Java 8"), or a word follows that it may count, which is any that is none of `amounts`.

    >>> named_apart("Likes recipe 12", "Never cooks recipe 7", ["is"]), named_apart("n12", "n7", [])
    (True, True)
    >>> named_apart("Runs 5 km", "Runs 8 km", []), named_apart("My budget is 12", "My budget is 7", ["is"])
    (False, False)
    """
    one, other = _named(first, amounts), _named(second, amounts)
    return any(one[sort].isdisjoint(other[sort]) for sort in one.keys() & other.keys())


def _named(text: str, amounts: Collection[str]) -> Mapping[str, set[str]]:
    """Return the numbers that name something, by the word before them."""
    found: dict[str, set[str]] = {}
    for sort, number in _names(_TOKEN.findall(text[:1].casefold() + text[1:]), amounts):
        found.setdefault(sort, set()).add(number)
    return found


def _names(tokens: list[str], amounts: Collection[str]) -> Iterator[tuple[str, str]]:
    for before, number, after in zip(tokens, tokens[1:], [*tokens[2:], "."], strict=False):
        named = before == "#" or (before.islower() and before not in amounts)
        if named and number.isdigit() and (after in _ENDS or after.casefold() in amounts):
            yield before, number
