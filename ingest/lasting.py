"""Which parts of a text are lasting statements about the user, and so worth believing.

A text is cut into parts by its punctuation and its clauses; a gate gives each part, and the whole, the probability
that it is a lasting statement. Pure but for the gate itself, which runs before any transaction.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from beliefgraph.ingest.parameters import TextParameters


class Gate(Protocol):
    """Tells lasting statements about a user from thanks, questions, one-off requests and remarks."""

    def lasting(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the probability that it is a lasting statement about the user, in order."""
        ...


_SENTENCE = re.compile(r"(?<=[.!?…;])\s+|\s*[\n\r]+\s*")
_SPEAKER = (
    r"(?:i|i'm|i've|i'd|im|ive|my|we|we're|we've|our|please|pls|always|never|don't|dont|do not|stop|no|keep|use"
    r"|from now on|call me)\b"
)
_CLAUSE = re.compile(
    rf"(?:\s*,\s*(?:and|but|also|plus|so|btw)?|\s+(?:and|but|also|plus|btw))\s+(?={_SPEAKER})", re.IGNORECASE
)
_SHORTEST = 2
"""Words that a part needs to be looked at by itself."""


def parts_of(text: str) -> list[str]:
    """Cut a text into the parts that may be statements of their own; a text of one part is that part.

    >>> parts_of("I'm vegan and I work nights, thanks!")
    ["I'm vegan", 'I work nights', 'thanks!']
    """
    parts: list[str] = []
    for sentence in _SENTENCE.split(text.strip()):
        for clause in _CLAUSE.split(sentence):
            parts += _without_courtesy(clause.strip(" ,;"))
    return [part for part in parts if part] or [text.strip()]


_COURTESY = re.compile(
    r"(?:\s*,\s*|\s+)((?:many )?(?:thanks|thank you|thx|please|cheers|ok|okay)[ .!]*)$", re.IGNORECASE
)


def _without_courtesy(clause: str) -> list[str]:
    """Take a word of thanks off the end of a clause."""
    found = _COURTESY.search(clause)
    if found is None or found.start() == 0:
        return [clause]
    return [clause[: found.start()].strip(" ,"), found.group(1)]


def to_judge(text: str) -> list[str]:
    """Return what the gate must be asked about for a text: the whole, then its parts."""
    return list(dict.fromkeys([text, *parts_of(text)]))


def lasting_parts(
    text: str, worth: Mapping[str, float], limits: TextParameters, *, said_plainly: bool
) -> list[str]:
    """Return what of a text is worth believing, in the user's words, in order; nothing if it is no lasting statement.

    `worth` holds what the gate said of all that `to_judge` names. `said_plainly` is for a statement or a correction,
    which is believed unless it surely says nothing lasting; a comment must surely say something.
    """
    parts = [part for part in parts_of(text) if len(part.split()) >= _SHORTEST]
    lasting = [part for part in parts if worth[part] >= limits.lasting]
    if lasting:
        return lasting
    surest = max(worth[one] for one in to_judge(text))
    return [text] if surest >= (limits.passing if said_plainly else limits.lasting) else []
