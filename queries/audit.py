"""Whether the loop is closed: of every signal how far it came, and of each that moved no belief, why.

Goes through users one at a time. What was refused at the door is not stored: who kept it tells the auditor of it
(`refuse`). What became of a signal is decided in fates.py, counting lies in funnels.py, wording in audit_prose.py.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.store import Reader, Scope
from beliefgraph.queries.audit_prose import audit_prose
from beliefgraph.queries.fates import LOST, AuditRules, Heard, History, Reason
from beliefgraph.queries.funnels import (
    RECEIVED,
    Fate,
    Funnel,
    Names,
    Per,
    funnel,
    grouped,
    period_of,
)

_EXAMPLES = 3
_MOST_REFUSALS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrutiny:
    """What to look at: signals observed since a time, as recorded by a time, in periods; `source` is a name.

    A signal's source is what its context has under that name, else what its response's attributes have.
    """

    since_us: int | None = None
    as_of_us: int | None = None
    per: Per = "week"
    source: str = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A signal that moved no belief, and why; of one refused, its `place` in a file and what was wrong (`detail`)."""

    reason: Reason
    user: str
    signal: str | None
    kind: str
    source: str
    response: str | None
    belief: str | None
    at: str | None
    place: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How many signals were refused for one fault: the field, and what would be right."""

    field: str
    expected: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """How far the signals of a store came. Numbers, texts and mappings only; `str()` reads as plain prose.

    `flows` are funnels by kind and source, `periods` by the first day of each (UTC, by when the user did it),
    `examples` the first signals of each reason. Of the kept rejects, `unreadable` lines may have been signals,
    `no_signals` were none, and `came_since` are signals that are recorded by now.
    """

    per: Per
    users: int
    total: Funnel
    kinds: Mapping[str, Funnel]
    sources: Mapping[str, Funnel]
    flows: Mapping[str, Mapping[str, Funnel]]
    periods: Mapping[str, Funnel]
    examples: Mapping[str, Sequence[Stopped]]
    refusals: Sequence[Refusal]
    unreadable: int = 0
    no_signals: int = 0
    came_since: int = 0

    @property
    def ok(self) -> bool:
        """Say whether no signal was lost on the way."""
        return self.total.lost == 0 and self.unreadable == 0

    def __str__(self) -> str:
        """Read the account aloud."""
        return audit_prose(self)


@dataclass(slots=True, kw_only=True)
class Auditor:
    """Counts the fates of signals. `on_stopped` sees each signal that moved no belief."""

    rules: AuditRules
    scrutiny: Scrutiny
    on_stopped: Callable[[Stopped], None] | None = None
    unreadable: int = 0
    no_signals: int = 0
    came_since: int = 0
    _fates: Counter[Fate] = field(default_factory=Counter)
    _examples: dict[str, list[Stopped]] = field(default_factory=dict)
    _refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    _kinds: Names = field(default_factory=Names)
    _sources: Names = field(default_factory=Names)
    _users: int = 0

    def history(self, reader: Reader) -> History:
        """Read a user. Counts nothing, because a store may run it more than once."""
        return History(reader, self.rules, source=self.scrutiny.source, as_of_us=self.scrutiny.as_of_us)

    def add(self, scope: Scope, history: History) -> None:
        """Count every signal of a user."""
        found = False
        for heard, step, reason in history.judged():
            if not self.wanted(heard.observed_us):
                continue
            found = True
            source = self._count(heard.kind, heard.source, heard.observed_us, step, reason)
            if reason is not None:
                self._stop(_stopped(scope, heard, source, reason))
        self._users += found

    def wanted(self, at_us: int | None) -> bool:
        """Say whether a signal of this time is looked at; one without a time is."""
        since_us = self.scrutiny.since_us
        return since_us is None or at_us is None or at_us >= since_us

    def refuse(self, stopped: Stopped, fault: tuple[str, str], at_us: int | None) -> None:
        """Count a signal that was refused at the door: `fault` is the field and what would be right."""
        if not self.wanted(at_us):
            return
        self._count(stopped.kind, stopped.source, at_us, RECEIVED, stopped.reason)
        if stopped.reason == "rejected" and (fault in self._refusals or len(self._refusals) < _MOST_REFUSALS):
            self._refusals[fault] += 1
        self._stop(stopped)

    def _count(self, kind: str, source: str | None, at_us: int | None, step: int, reason: str | None) -> str:
        name = self._sources(source)
        fate = Fate(self._kinds(kind), name, period_of(at_us, self.scrutiny.per), step, reason)
        self._fates[fate] += 1
        return name

    def _stop(self, stopped: Stopped) -> None:
        kept = self._examples.setdefault(stopped.reason, [])
        if len(kept) < _EXAMPLES:
            kept.append(stopped)
        if self.on_stopped is not None:
            self.on_stopped(stopped)

    def result(self) -> Audit:
        """Return what was counted so far."""
        by_kind = grouped(self._fates, lambda fate: fate.kind)
        return Audit(
            per=self.scrutiny.per,
            users=self._users,
            total=funnel(self._fates, LOST),
            kinds=_funnels(by_kind),
            sources=_funnels(grouped(self._fates, lambda fate: fate.source)),
            flows={
                kind: _funnels(grouped(fates, lambda fate: fate.source)) for kind, fates in by_kind.items()
            },
            periods=_funnels(grouped(self._fates, lambda fate: fate.period)),
            examples={reason: tuple(kept) for reason, kept in self._examples.items()},
            refusals=tuple(
                Refusal(field=at_fault, expected=expected, count=count)
                for (at_fault, expected), count in self._refusals.most_common()
            ),
            unreadable=self.unreadable,
            no_signals=self.no_signals,
            came_since=self.came_since,
        )


def _funnels(groups: Mapping[str, Mapping[Fate, int]]) -> dict[str, Funnel]:
    return {name: funnel(fates, LOST) for name, fates in groups.items()}


def _stopped(scope: Scope, heard: Heard, source: str, reason: Reason) -> Stopped:
    return Stopped(
        reason=reason,
        user=scope.user_id,
        signal=heard.id,
        kind=heard.kind,
        source=source,
        response=heard.response,
        belief=heard.belief,
        at=from_us(heard.observed_us).isoformat(),
    )
