"""Pairs of belief statements from the hand-written data, with relations by construction.

Reads the files of `data/relations` (the format is in the folder's README) and inflects third-person statements into
other persons. No model and no training here.
"""

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LABELS = ("equivalent", "entails", "entailed", "contradiction", "neutral")
"""What the first statement is to the second; `entailed`: the second is the more specific one."""

RELATIONS = Path(__file__).parent / "data" / "relations"
MARK = re.compile(r" ([=><!~]) (?==?\S)")
"""What stands between the statements of a cluster: how the next one relates to the first."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts and the label of the first against the second."""

    first: str
    second: str
    label: str

    def swapped(self) -> "Pair":
        """Return the same relation read from the other side."""
        other = {"entails": "entailed", "entailed": "entails"}.get(self.label, self.label)
        return Pair(self.second, self.first, other)


@dataclass(slots=True)
class Cluster:
    """Statements by their relation to the first of `same`."""

    same: list[str] = field(default_factory=list)
    finer: list[str] = field(default_factory=list)
    coarser: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)

    def statements(self) -> list[str]:
        """Return every statement of the cluster."""
        return [*self.same, *self.finer, *self.coarser, *self.against, *self.apart]

    def pairs(self) -> dict[str, list[Pair]]:
        """Return every pair whose relation follows from the marks, by label."""
        return {
            "equivalent": [
                Pair(one, other, "equivalent")
                for place, one in enumerate(self.same)
                for other in self.same[place + 1 :]
            ],
            "entails": [
                *(Pair(fine, one, "entails") for fine in self.finer for one in self.same),
                *(Pair(one, coarse, "entails") for one in self.same for coarse in self.coarser),
                *(Pair(fine, coarse, "entails") for fine in self.finer for coarse in self.coarser),
            ],
            "contradiction": [
                Pair(one, other, "contradiction")
                for one in [*self.same, *self.finer]
                for other in self.against
            ],
            "neutral": [Pair(one, other, "neutral") for one in self.same for other in self.apart],
        }


def read_clusters(path: Path) -> Iterator[Cluster]:
    """Read a clusters file, or a list of pairs in the same notation."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        anchor, *rest = MARK.split(line.strip())
        cluster = Cluster(same=[anchor])
        places = {"=": cluster.same, ">": cluster.finer, "<": cluster.coarser}
        places |= {"!": cluster.against, "~": cluster.apart}
        for mark, text in zip(rest[::2], rest[1::2], strict=True):
            places[mark].append(text)
        yield cluster


def read_pairs_of_entailment(path: Path) -> Iterator[Cluster]:
    """Read `A > B` lines of which the first entails the second (here `>` stands between, not before)."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            first, second = line.strip().split(" > ")
            yield Cluster(same=[first], coarser=[second])


def read_lexicon(path: Path) -> Iterator[list[Cluster]]:
    """Read the dimensions of a lexicon: one cluster a pole, the other poles against it."""
    poles: dict[str, Cluster] = {}
    apart: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), "# end"]:
        if line.startswith("#"):
            if poles:
                yield _dimension(poles, apart)
            poles, apart = {}, []
        elif line.strip():
            name, texts = line.split(":", 1)
            phrasings = [text.strip() for text in texts.split(" | ")]
            if name == "N":
                apart = phrasings
            elif name.islower():
                poles[name.upper()].finer = phrasings
            else:
                poles[name] = Cluster(same=phrasings)


def _dimension(poles: dict[str, Cluster], apart: list[str]) -> list[Cluster]:
    for name, cluster in poles.items():
        others = [pole for other, pole in poles.items() if other != name]
        cluster.against = [text for pole in others for text in pole.same]
        cluster.apart = apart
    return list(poles.values())


def read_written(folder: Path = RELATIONS) -> list[Cluster]:
    """Read the clusters and pairs of a folder, file by file in the order of their names."""
    clusters: list[Cluster] = []
    for path in sorted(folder.glob("*.txt")):
        if path.name.startswith("hypo"):
            clusters += read_pairs_of_entailment(path)
        elif not path.name.startswith("lex"):
            clusters += read_clusters(path)
    return clusters


def read_poles(folder: Path = RELATIONS) -> list[Cluster]:
    """Read the lexicons of a folder: one cluster a pole of a dimension."""
    return [
        pole
        for path in sorted(folder.glob("lex*.txt"))
        for dimension in read_lexicon(path)
        for pole in dimension
    ]


# Persons


def spoken_in(statement: str, pronoun: str) -> str:
    """Return a statement as it is, its marks filled in."""
    return statement.removeprefix("=").replace("{P}", pronoun).replace("{O}", pronoun)


_LEADING = re.compile(
    r"^((?:never|always|usually|often|rarely|only|no longer|hardly ever|almost never|seldom|mostly|still|now"
    r"|really|currently|sometimes|generally|normally|regularly|occasionally|secretly|strongly|just|also|already"
    r"|once|recently|firmly|simply|greatly|much|no more|either|barely|scarcely|nearly always|almost always)\s+)*",
    re.IGNORECASE,
)
_FIRST = {
    "is": "am",
    "isn't": "am not",
    "has": "have",
    "hasn't": "haven't",
    "does": "do",
    "doesn't": "don't",
    "goes": "go",
}
_PLURAL = _FIRST | {"is": "are", "isn't": "aren't", "was": "were", "wasn't": "weren't"}
_UNCHANGED = {"was", "wasn't", "us", "always", "keeps'", "perhaps", "yes"}
_PERSONS = {
    "subjectless": None,
    "user": "User",
    "she": "She",
    "he": "He",
    "they": "They",
    "i": "I",
}


def inflect(statement: str, person: str, verbs: frozenset[str], rng: random.Random) -> str:
    """Put a subjectless third-person statement into a person; `=` marks one that stays as it is.

    >>> inflect("Never eats meat and cooks for {O}self", "i", frozenset({"cooks"}), random.Random(0))
    'I never eat meat and cook for myself'
    """
    if person == "i":
        possessive, objective = "my", "me"
    elif person == "they":
        possessive, objective = "their", "them"
    else:
        possessive, objective = {"she": ("her", "her"), "he": ("his", "him")}.get(
            person, rng.choice([("her", "her"), ("his", "him"), ("their", "them")])
        )
    fixed = statement.startswith(("=", "{"))
    text = statement.removeprefix("=")
    reflexive = {"me": "myself", "them": "themselves", "her": "herself", "him": "himself"}[objective]
    text = text.replace("{O}self", reflexive).replace("{P}", possessive).replace("{O}", objective)
    subject = _PERSONS[person]
    if fixed or subject is None:
        return text
    lead = _LEADING.match(text).group(0)  # type: ignore[union-attr]
    rest = text[len(lead) :]
    verb, _, tail = rest.partition(" ")
    if person in ("i", "they"):
        verb, tail = _conjugate(verb, person), _conjugate_joined(tail, person, verbs)
    first = verb[:1].lower() + verb[1:]
    return f"{subject} {lead.lower()}{first} {tail}".strip()


def _conjugate(verb: str, person: str) -> str:
    low = verb.lower()
    table = _FIRST if person == "i" else _PLURAL
    if low in table:
        return table[low]
    if low in _UNCHANGED or not low.endswith("s") or low.endswith("ss"):
        return low
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    return low[:-2] if re.search(r"(ss|sh|ch|x|zz|o)es$", low) else low[:-1]


def _conjugate_joined(tail: str, person: str, verbs: frozenset[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return match.group(1) + (
            _conjugate(match.group(2), person) if match.group(2) in verbs else match.group(2)
        )

    return re.sub(r"(\b(?:and|but|or|then|never|always|also)\s+)([a-z']+)", replace, tail)


def verbs_of(clusters: Iterable[Cluster]) -> frozenset[str]:
    """Return the third-person verbs that statements begin with."""
    firsts: set[str] = set()
    for cluster in clusters:
        for text in cluster.statements():
            if not text.startswith("="):
                firsts.add(text[len(_LEADING.match(text).group(0)) :].partition(" ")[0].lower())  # type: ignore[union-attr]
    return frozenset(verb for verb in firsts if verb.endswith("s") or verb in _FIRST)


_HABIT = re.compile(
    r"(prefer|want|like|love|hate|enjoy|use|work|drink|eat|listen|read|write|wear|play|run|cook|watch|study|take|pay"
    r"|answer|speak|talk|shop|order|exercise|train|learn|keep|avoid|choose|need)(?:s|es)?\b"
)
_SCOPE = re.compile(
    r"\b(at|on|in|for|when|while|during|before|after|with|if|whenever|by|every|ever|always|any|all)\b"
)


def scoped(pairs: Iterable[Pair], rows: list[list[str]], rng: random.Random) -> Iterator[Pair]:
    """Put both sides of habits into contexts: of one context they relate as before, of two that differ not at all.

    Taken are pairs that are equivalent or contradict, of habits that name no context yet; `rows` are contexts that
    exclude each other. Half of the pairs get one context, half get two.
    """
    for pair in pairs:
        plain = not any(_SCOPE.search(text) for text in (pair.first, pair.second))
        habits = all(_HABIT.search(text.lower()) for text in (pair.first, pair.second))
        if pair.label not in ("equivalent", "contradiction") or not plain or not habits:
            continue
        first, second = rng.sample(rng.choice(rows), 2)
        same = rng.random() < 0.5
        yield Pair(
            _within(pair.first, first, rng),
            _within(pair.second, first if same else second, rng),
            pair.label if same else "neutral",
        )


def _within(text: str, context: str, rng: random.Random) -> str:
    context = context.replace("{P}", "my" if re.search(r"\bI\b", text) else "their")
    bare = text.rstrip(".!")
    if rng.random() < 0.8:
        return f"{bare} {context}"
    start = bare if re.match(r"(I|User)\b", bare) else bare[:1].lower() + bare[1:]
    return f"{context[:1].upper()}{context[1:]}, {start}"


_SHARES = (("subjectless", 0.4), ("i", 0.3), ("user", 0.1), ("she", 0.08), ("he", 0.06), ("they", 0.06))


def draw(
    clusters: list[Cluster],
    rng: random.Random,
    *,
    each: dict[str, int],
    unrelated: float = 0.5,
    beside: Iterable[Pair] = (),
) -> list[Pair]:
    """Draw up to `each` pairs of every label from every cluster, in random persons and orders.

    `unrelated` is the mean number of pairs that a cluster forms with others, as neutral ones. `beside` are further
    pairs, spoken likewise.
    """
    verbs = verbs_of(clusters)
    names, shares = zip(*_SHARES, strict=True)

    def spoken(text: str) -> str:
        return inflect(text, rng.choices(names, shares)[0], verbs, rng)

    drawn: list[Pair] = []
    for cluster in clusters:
        for label, pairs in cluster.pairs().items():
            drawn += rng.sample(pairs, min(each[label], len(pairs)))
        if rng.random() < unrelated:
            other = rng.choice(rng.choice(clusters).statements())
            drawn.append(Pair(rng.choice(cluster.same), other, "neutral"))
    spoken_pairs = [Pair(spoken(pair.first), spoken(pair.second), pair.label) for pair in (*drawn, *beside)]
    return [pair.swapped() if rng.random() < 0.5 else pair for pair in spoken_pairs]
