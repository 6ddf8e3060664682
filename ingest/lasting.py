"""Which parts of a text are lasting statements about the user, and so worth believing.

A text is cut into parts by its punctuation and its clauses; a gate gives each part, and the whole, the probability
that it is a lasting statement. A part keeps the circumstances and the reasons under which it was said. Pure but for the
gate itself, which runs before any transaction.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from beliefgraph.ingest.parameters import TextParameters


class Gate(Protocol):
    """Tells lasting statements about a user from thanks, questions, one-off requests and remarks."""

    def lasting(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the probability that it is a lasting statement about the user, in order."""
        ...


_SENTENCE = re.compile(r"(?<=[.!?…;])\s+|(?<=;)(?=\w)|\s*[\n\r]+\s*")
_SELF = r"(?:i|i'm|i've|i'd|im|ive|my|we|we're|we've|our)\b"
_ORDER = r"(?:don't|dont|do not|stop|keep|use)\b"
_SPEAKER = rf"(?:{_SELF}|{_ORDER}|(?:please|pls|always|never|no|from now on|call me)\b)"
_VERB = r"(?:is|are|was|were|has|have|had|do|does|did|can|will|would)(?:n['’]t)?\b"
_THING = rf"(?:my|our)\b(?!(?:(?!,|\b(?:and|but|or)\b).)*\b{_VERB})"
# What leans on the clause beside it, as circumstances do: reasons, concessions, times that a comma sets off.
_GROUNDS = ("because", "since", "as", "although", "though", "even", "once", "where", "wherever", "without")
_TIMES = r"(?:now|nowadays|lately|these days|today|tonight|usually|sometimes|often|normally|generally|mostly)(?=\s*,)"
_SUBJECT = r"(?:i|im|ive|we|you|he|she|it|they|there)\b"
_SHORTEST = 2
"""Words that a part needs to be looked at by itself."""


def parts_of(text: str, circumstances: Sequence[str]) -> list[str]:
    """Cut a text into the parts that may be statements of their own; a text of one part is that part.

    A part begins with a sentence, or with a clause of the speaker's own ("…, and I …", "…, please …"), in front of
    which circumstances may stand that a comma ends ("…, but at work, I …"). What a part opens with of `circumstances`,
    reasons or times holds for all of it, up to ", but", ", also" and their like. Further on, a comma that may end such
    a phrase and a bare "and" that may go on with it cut nothing either: what cannot be told is left whole.

    Left whole, too, is what is no clause by itself beside a statement of the speaker's, since no words are made up: one
    verb more ("I work late and never sleep"), one thing more ("… with milk and no sugar", "… my wife and my kids"). So
    is what follows with "so" ("I'm celiac, so I avoid gluten"), and what anybody or anything else begins.

    >>> parts_of("I'm vegan and I work nights, thanks!", ["at"])
    ["I'm vegan", 'I work nights', 'thanks!']
    >>> parts_of("At work, I use Linux and I drink tea, but I'm off on Fridays", ["at"])
    ['At work, I use Linux and I drink tea', "I'm off on Fridays"]
    """
    parts: list[str] = []
    for sentence in _SENTENCE.split(text.strip()):
        for clause in _cuts(tuple(circumstances)).clauses(sentence):
            parts += _without_courtesy(clause.strip(" ,;"))
    return [part for part in parts if part] or [text.strip()]


class _Cuts:
    """Where a sentence may be cut, given what circumstances begin with, and where not."""

    def __init__(self, circumstances: Sequence[str]) -> None:
        held = rf"(?:{'|'.join(map(re.escape, [*circumstances, *_GROUNDS]))})\b"
        opens = rf"(?:{held}|{_TIMES})"
        speaker = rf"(?!(?:always|never)\s+{held}){_SPEAKER}"
        joined = rf"(?:\s*,\s*|\s+)(?P<word>and|but|also|plus|btw)\s+(?=(?:{opens}[^,]*,\s+)?{speaker})"
        self._links = re.compile(rf"{joined}|\s*,\s+(?={speaker})", re.IGNORECASE)
        self._opening = re.compile(rf"\W*{opens}", re.IGNORECASE)
        self._inside = re.compile(rf"\b{held}\s+{_SUBJECT}", re.IGNORECASE)

    def clauses(self, sentence: str) -> Iterator[str]:
        """Yield the clauses of a sentence that stand by themselves."""
        begin = 0
        for link in self._links.finditer(sentence):
            if not (self._goes_on(sentence, begin, link) or _leans(sentence, begin, link)):
                yield sentence[begin : link.start()]
                begin = link.end()
        yield sentence[begin:]

    def _goes_on(self, sentence: str, begin: int, link: re.Match[str]) -> bool:
        """Say whether what follows a link belongs to what the part before it, or its last phrase, opens with."""
        comma, word = "," in link.group(), (link["word"] or "").casefold()
        if self._opening.match(sentence, begin):
            return not comma or word in ("", "and")
        last = max(begin, sentence.rfind(",", begin, link.start()) + 1)
        if comma:
            return not word and self._opening.match(sentence, last) is not None
        return self._inside.search(sentence, last, link.start()) is not None


_NO = re.compile(r"no\b", re.IGNORECASE)
_STATED = re.compile(rf"\W*(?:\w+\W+)?{_SELF}", re.IGNORECASE)
_THINGS = re.compile(rf"\W*{_THING}", re.IGNORECASE)
_LEANING = re.compile(rf"(?:no|never|always)\b|{_THING}", re.IGNORECASE)
_LEANING_JOINED = re.compile(rf"{_LEANING.pattern}|{_ORDER}", re.IGNORECASE)


def _leans(sentence: str, begin: int, link: re.Match[str]) -> bool:
    """Say whether what follows a link is no clause by itself: it may share the subject or verb of the one before."""
    joined, bare = (link["word"] or "").casefold() in ("and", "but"), "," not in link.group()
    if joined and bare and (_NO.match(sentence, link.end()) or _THINGS.match(sentence, begin, link.start())):
        return True
    leaning = _LEANING_JOINED if joined else _LEANING
    stated = _STATED.match(sentence, begin, link.start())
    return stated is not None and leaning.match(sentence, link.end()) is not None


@lru_cache(maxsize=16)
def _cuts(circumstances: tuple[str, ...]) -> _Cuts:
    return _Cuts(circumstances)


_COURTESY = re.compile(
    r"(?:\s*,\s*|\s+)((?:many )?(?:thanks|thank you|thx|please|cheers|ok|okay)[ .!]*)$", re.IGNORECASE
)


def _without_courtesy(clause: str) -> list[str]:
    """Take a word of thanks off the end of a clause."""
    found = _COURTESY.search(clause)
    if found is None or found.start() == 0:
        return [clause]
    return [clause[: found.start()].strip(" ,"), found.group(1)]


def to_judge(text: str, limits: TextParameters) -> list[str]:
    """Return what the gate must be asked about for a text: the whole, then its parts."""
    return list(dict.fromkeys([text, *parts_of(text, limits.circumstances)]))


def lasting_parts(
    text: str, worth: Mapping[str, float], limits: TextParameters, *, said_plainly: bool
) -> list[str]:
    """Return what of a text is worth believing, in the user's words, in order; nothing if it is no lasting statement.

    `worth` holds what the gate said of all that `to_judge` names. `said_plainly` is for a statement or a correction,
    which is believed unless it surely says nothing lasting; a comment must surely say something.
    """
    parts = [part for part in parts_of(text, limits.circumstances) if len(part.split()) >= _SHORTEST]
    lasting = [part for part in parts if worth[part] >= limits.lasting]
    if lasting:
        return lasting
    surest = max(worth[one] for one in to_judge(text, limits))
    return [text] if surest >= (limits.passing if said_plainly else limits.lasting) else []
