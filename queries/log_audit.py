"""What an audit of a product's own event log finds: which of its signals would reach the model, and why not the others.

The numbers come from who reads the log; the wording lies in log_prose.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from beliefgraph.queries.funnels import Fates, Per, share
from beliefgraph.queries.log_prose import log_prose

LogReason = Literal["no_user", "refused", "no_response_id", "no_responses", "other_user", "unknown_response"]
"""Why a signal of the log would not reach the model."""
UNDERSTOOD, REACHING = 1, 2
"""How far a signal of a log would come; 0: it was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """How many signals of a log would come how far. `received` = `reaching` + the sum of `reasons`.

    `understood`: of a user, with a value and reasons that can be read; `reaching`: and about a response that is in the
    log, or a text that speaks for itself. `share` is that of `reaching` (None: nothing was received).
    """

    received: int
    understood: int
    reaching: int
    share: float | None
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProspect:
    """What one event of the log is to us, and how far its signals would come.

    `moves` is by how much one can move a belief at ½ that alone is behind a response; one that `speaks` counts by its
    text as well. Of its `texts`, `texts_read` would be read.
    """

    kind: str
    moves: float
    speaks: bool
    prospect: Prospect
    texts: int
    texts_read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRefusal:
    """How many signals of a log would be refused for one fault: the field, what would be right, the first places.

    `words` are what stands in the field (reasons, values and times alone), the most frequent first.
    """

    field: str
    expected: str
    count: int
    examples: Sequence[str]
    words: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAudit:
    """Which signals of a log would reach the model. Numbers, texts and mappings only; `str()` reads as plain prose.

    `rows` = `response_rows` + `total.received` + the sum of `unknown` (events that nobody has said the meaning of)
    + `left_out` + `unreadable`. `unnamed_responses` have no id or no user. `orphans` are users none of whose signals
    would reach the model, `missing_responses` ids that signals name and that never appear. `examples` are places in the
    files, `unread_examples` the first that cannot be read, each with why, `nameless_examples` the first that do not say
    which event they are (`(unnamed)` among `unknown`). `columns` says where each field was found; `absent` are columns
    that the map names and no file has. `undated` signals have no time, `naive` ones a time without a timezone;
    `mistimed_responses` would be refused for their time.
    """

    per: Per
    rows: int
    response_rows: int
    responses: int
    unnamed_responses: int
    total: Prospect
    events: Mapping[str, EventProspect]
    sources: Mapping[str, Prospect]
    flows: Mapping[str, Mapping[str, Prospect]]
    periods: Mapping[str, Prospect]
    unknown: Mapping[str, int]
    nameless_examples: Sequence[str]
    left_out: int
    unreadable: int
    unread_examples: Sequence[tuple[str, str]]
    users: int
    orphans: int
    orphan_examples: Sequence[str]
    missing_responses: int
    missing_examples: Sequence[str]
    examples: Mapping[str, Sequence[str]]
    refusals: Sequence[LogRefusal]
    columns: Mapping[str, Sequence[str]]
    absent: Sequence[str]
    undated: int
    undated_examples: Sequence[str]
    naive: int
    mistimed_responses: int
    mistimed_examples: Sequence[str]

    @property
    def ok(self) -> bool:
        """Say whether every signal would reach the model, every event is known and every response can be recorded."""
        lost = self.total.received - self.total.reaching
        responses = self.unnamed_responses + self.mistimed_responses
        return not (lost or self.unknown or self.unreadable or responses)

    def __str__(self) -> str:
        """Read the account aloud."""
        return log_prose(self)


def prospect(fates: Fates) -> Prospect:
    """Add up fates."""
    reasons: dict[str, int] = {}
    for fate, count in fates.items():
        if fate.reason is not None:
            reasons[fate.reason] = reasons.get(fate.reason, 0) + count
    received = sum(fates.values())
    reaching = sum(count for fate, count in fates.items() if fate.step >= REACHING)
    return Prospect(
        received=received,
        understood=sum(count for fate, count in fates.items() if fate.step >= UNDERSTOOD),
        reaching=reaching,
        share=share(reaching, received),
        reasons=dict(sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))),
    )
