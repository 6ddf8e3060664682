"""How two texts relate, and what a new text therefore is to a self-model. Embeddings propose, a relater decides.

Cosine similarity measures what a text is about, not whether two texts agree: near statements are as often opposites
as paraphrases. The relater by embeddings alone therefore claims little; the one that ships reads both texts
(classifier.py). Pure but for the relater itself, which runs before any transaction.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol, runtime_checkable

from beliefgraph.graph.ids import BeliefId, normal_form
from beliefgraph.graph.model import BeliefNode, TextReading
from beliefgraph.graph.store import Neighbour
from beliefgraph.ingest.embedder import Embedder
from beliefgraph.ingest.numbers import named_apart
from beliefgraph.ingest.parameters import ChangedParameters, TextParameters

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Relation:
    """Probabilities of what the first text is to the second, sum 1.

    `entails`: the first is more specific, so that it implies the second. The reverse leaves the first open, and so
    belongs to `neutral`; `entailed` says how much of `neutral` it is.
    """

    equivalent: float
    entails: float
    contradiction: float
    neutral: float
    entailed: float = 0.0


class Relater(Protocol):
    """Judges pairs of statements about one person."""

    @property
    def name(self) -> str:
        """Name the judge; recorded as the detector of conflicts."""
        ...

    def relate(self, pairs: Sequence[Pair]) -> list[Relation]:
        """Return the relation of each pair, in order."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """What a relater or a gate that remembers texts, or anything drawn from them, has as well."""

    def forget(self) -> None:
        """Drop what was remembered (a user was erased)."""
        ...


@runtime_checkable
class Situates(Protocol):
    """What a relater has as well whose judgement was calibrated on pairs as they meet within one self-model.

    There most near pairs have nothing to do with each other, far more than among pairs chosen to be judged. Of a
    relater without it no contradiction is believed beyond `text.uncalibrated`, which is too doubtful to count.
    """

    def situate(self, relation: Relation, cosine: float, lead: float) -> Relation:
        """Return a relation as it is to be believed of two texts of one user whose vectors have this cosine.

        `lead`: by how much the first text is nearer to the second than to any other of that user (`leads`).
        """
        ...


_NEGATION = re.compile(
    r"\b(no|not|never|none|nothing|without|avoids?|stop(s|ped)?|dislikes?|hates?|against|refuses?|nor|neither|less"
    r"|isn't|aren't|wasn't|don't|doesn't|didn't|can't|cannot|won't|wouldn't|shouldn't|cant|dont|doesnt)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class EmbeddingRelater:
    """Relates by cosine, with two guards: unequal negation or unequal numbers are never called equivalent.

    Claims no contradictions and no entailments: a cosine cannot see them. `same_cosine` is where two statements
    with equal guards are taken to say the same.
    """

    name = "embedding"

    def __init__(self, embedder: Embedder, *, same_cosine: float = 0.92) -> None:
        self._embedder, self._same_cosine = embedder, same_cosine

    def relate(self, pairs: Sequence[Pair]) -> list[Relation]:
        """Return equivalent with the logistic of the cosine, neutral for the rest."""
        vectors = self._embedder.encode([text for pair in pairs for text in pair])
        return [
            self._relation(pair, float(first @ second))
            for pair, first, second in zip(pairs, vectors[::2], vectors[1::2], strict=True)
        ]

    def _relation(self, pair: Pair, cosine: float) -> Relation:
        first, second = pair
        if _one_text(pair):
            return _SAME
        if _guards(first) != _guards(second):
            return Relation(0.0, 0.0, 0.0, 1.0)
        equivalent = 0.98 / (1.0 + math.exp(-(cosine - self._same_cosine + 0.02) / 0.0145))
        return Relation(equivalent, 0.0, 0.0, 1.0 - equivalent)


_SAME = Relation(0.99, 0.005, 0.0, 0.005)
"""What a text is to itself: the networks, trained on pairs of different texts, are not sure of it."""


def _one_text(pair: Pair) -> bool:
    return normal_form(pair[0]) == normal_form(pair[1])


def _guards(text: str) -> tuple[int, tuple[str, ...]]:
    plain = text.replace("’", "'")
    return len(_NEGATION.findall(plain)) % 2, tuple(sorted(_NUMBER.findall(plain)))


class UnrelatedPairs(Exception):
    """Pairs that were needed inside a transaction and had not been related before it. Never leaves the pipeline."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.pairs = list(pairs)
        super().__init__(f"{len(self.pairs)} pairs to relate")


@dataclass(slots=True)
class RelationBook:
    """The relations computed so far for one unit of work, so that no model runs inside its transaction."""

    relater: Relater
    relations: dict[Pair, Relation] = field(default_factory=dict)

    def look_up(self, pairs: Sequence[Pair]) -> list[Relation]:
        """Return the relation of each pair. Raises `UnrelatedPairs` naming those that are not in the book.

        No relater is asked about two texts of one normal form, which are the same.
        """
        missing = [pair for pair in pairs if pair not in self.relations and not _one_text(pair)]
        if missing:
            raise UnrelatedPairs(missing)
        return [self.relations.get(pair, _SAME) for pair in pairs]

    def add(self, pairs: Sequence[Pair]) -> None:
        """Relate pairs and keep what comes out."""
        self.relations.update(zip(pairs, self.relater.relate(pairs), strict=True))

    def situate(self, relation: Relation, cosine: float, lead: float) -> Relation:
        """Return a relation as the relater believes it of two texts of one user at this cosine and lead."""
        return (
            self.relater.situate(relation, cosine, lead) if isinstance(self.relater, Situates) else relation
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How a new text stands to one belief."""

    belief_id: BeliefId
    cosine: float
    relation: Relation


def liken(
    text: str,
    near: Iterable[Neighbour],
    beliefs: Mapping[BeliefId, BeliefNode],
    book: RelationBook,
    limits: TextParameters,
) -> list[Likeness]:
    """Relate a text to the near beliefs that are worth asking about, nearest first. Raises `UnrelatedPairs`."""
    passed = [
        found
        for found in near
        if found.belief_id in beliefs
        and worth_asking(text, beliefs[found.belief_id].statement, found.cosine, limits)
    ]
    relations = book.look_up([(text, beliefs[found.belief_id].statement) for found in passed])
    ahead = leads([found.cosine for found in passed], limits.gate_cosine)
    likenesses = [
        Likeness(
            belief_id=found.belief_id,
            cosine=found.cosine,
            relation=book.situate(relation, found.cosine, lead),
        )
        for found, relation, lead in zip(passed, relations, ahead, strict=True)
    ]
    if says_change(text, limits):
        weighed = takes_back(likenesses, limits.changed)
    else:
        weighed = [excepted(text, beliefs[found.belief_id].statement, found, limits) for found in likenesses]
    most = 1.0 if isinstance(book.relater, Situates) else limits.uncalibrated
    return [doubted(found, most) for found in weighed]


def worth_asking(text: str, statement: str, cosine: float, limits: TextParameters) -> bool:
    """Say whether the relater is asked about a text and a statement: near enough, and about no two named things.

    Of these it knows nothing: it takes "recipe 12" and "recipe 7" for two values of one thing. A text that says that
    something changed may name what comes after what ("now in room 7").
    """
    if cosine < limits.gate_cosine:
        return False
    return not named_apart(text, statement, limits.amounts) or says_change(text, limits)


MOST_LEAD = 0.1
"""A larger lead says no more: beside few beliefs each is far ahead of the next, whatever it is about."""


def leads(cosines: Sequence[float], least: float) -> list[float]:
    """Return by how much each near belief is nearer to a text than the nearest other one, at most `MOST_LEAD`.

    Negative for all but the nearest; where there is no other, as if one lay at `least`. What takes the place of an
    earlier statement is mostly nearest to that one.
    """
    first, second = sorted([*cosines, least, least], reverse=True)[:2]
    top = cosines.index(first) if first in cosines else -1
    return [
        min(MOST_LEAD, cosine - (second if place == top else first)) for place, cosine in enumerate(cosines)
    ]


def says_change(text: str, limits: TextParameters) -> bool:
    """Say whether a text says itself that something changed: by a phrase for it, and none that it did not."""
    return _has_phrase(text, limits.changes) and not _has_phrase(text, limits.unchanged)


def makes_exception(text: str, statement: str, limits: TextParameters) -> bool:
    """Say whether a text begins with circumstances, and a statement names none: then it is an exception to that one."""
    begins = _plain(text).partition(" ")[0] in limits.circumstances
    return begins and not says_change(text, limits) and not _has_phrase(statement, limits.circumstances)


def excepted(text: str, statement: str, likeness: Likeness, limits: TextParameters) -> Likeness:
    """Weigh the contradiction of a text and a statement to which it makes an exception: both may well be true."""
    if not makes_exception(text, statement, limits):
        return likeness
    odds = _odds(likeness.relation.contradiction) / limits.excepted_ratio
    return replace(likeness, relation=with_contradiction(likeness.relation, odds / (1.0 + odds)))


def doubted(likeness: Likeness, most: float) -> Likeness:
    """Believe of the contradiction of a text and a statement no more than so much."""
    if likeness.relation.contradiction <= most:
        return likeness
    return replace(likeness, relation=with_contradiction(likeness.relation, most))


def _has_phrase(text: str, phrases: Sequence[str]) -> bool:
    """Say whether one of the phrases is in a text, whole words in any case."""
    return bool(phrases) and _any_of(tuple(phrases)).search(_plain(text)) is not None


@lru_cache(maxsize=16)
def _any_of(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b")


def takes_back(likenesses: Sequence[Likeness], weights: ChangedParameters) -> list[Likeness]:
    """Weigh the contradictions of a text that says that something changed: it likely takes back a near belief.

    A logistic regression on ln o_i, with o_i the odds that it contradicts belief i, and on the share of i in the odds
    of all near beliefs, `weights.rest` of which is that it takes none of them back: near beliefs compete. No
    contradiction becomes less likely by it.
    """
    odds = [_odds(likeness.relation.contradiction) for likeness in likenesses]
    every = sum(odds) + weights.rest
    weighed = []
    for likeness, each in zip(likenesses, odds, strict=True):
        log_odds = weights.log_odds * math.log(max(1e-9, each)) + weights.share * each / every
        said = 1.0 / (1.0 + math.exp(-log_odds - weights.intercept))
        more = said > likeness.relation.contradiction
        weighed.append(
            replace(likeness, relation=with_contradiction(likeness.relation, said)) if more else likeness
        )
    return weighed


def _odds(probability: float) -> float:
    return probability / max(1e-6, 1.0 - probability)


def with_contradiction(relation: Relation, probability: float) -> Relation:
    """Return a relation with another probability of a contradiction, sum 1.

    What it loses is neutral: two texts of which one is not denied. What it gains, the others give, each its share.
    """
    lost = relation.contradiction - probability
    if lost >= 0.0:
        return replace(relation, contradiction=probability, neutral=relation.neutral + lost)
    left = (1.0 - probability) / max(1e-12, 1.0 - relation.contradiction)
    return Relation(
        relation.equivalent * left,
        relation.entails * left,
        probability,
        relation.neutral * left,
        relation.entailed * left,
    )


def readings_of(likenesses: Iterable[Likeness], limits: TextParameters) -> tuple[TextReading, ...]:
    """Return what is recorded of a text's relation to each belief near it."""
    return tuple(
        TextReading(
            belief_id=likeness.belief_id,
            about=about(likeness, limits),
            equivalent=likeness.relation.equivalent,
            entails=likeness.relation.entails,
            contradiction=likeness.relation.contradiction,
        )
        for likeness in likenesses
    )


def restated(likenesses: Iterable[Likeness], limits: TextParameters) -> Likeness | None:
    """Return the belief that the text most surely restates, if any."""
    sure = [likeness for likeness in likenesses if likeness.relation.equivalent >= limits.restates]
    return max(sure, key=lambda likeness: likeness.relation.equivalent, default=None)


def refined(likenesses: Iterable[Likeness], limits: TextParameters) -> Likeness | None:
    """Return the belief that the text most surely refines, if any."""
    sure = [likeness for likeness in likenesses if likeness.relation.entails >= limits.refines]
    return max(sure, key=lambda likeness: likeness.relation.entails, default=None)


def about(likeness: Likeness, limits: TextParameters) -> float:
    """Return the probability that the text is about the belief: a logistic of the cosine, sure when related."""
    by_cosine = 1.0 / (1.0 + math.exp(-(likeness.cosine - limits.about_cosine) / limits.about_width))
    return max(by_cosine, 1.0 - likeness.relation.neutral if likeness.relation.neutral < 0.5 else 0.0)


def cue_tags(text: str, cues: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the tags that phrases in a comment stand for, in the order of the cues."""
    plain = _plain(text)
    return [
        tag
        for tag, phrases in cues.items()
        if any(re.search(rf"\b{re.escape(phrase)}", plain) for phrase in phrases)
    ]


def _plain(text: str) -> str:
    """Return a text as phrases are looked up in it: one case, one space, one apostrophe."""
    return " ".join(text.replace("’", "'").casefold().split())
