"""Whether a store still says what its records say: replays every ledger, checks chains, sums and references.

Where the database also shows the records to people (`Showing`), that is compared with them too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from beliefgraph.graph.clock import to_us
from beliefgraph.graph.counts import tallies_of
from beliefgraph.graph.folding import fold
from beliefgraph.graph.ids import BeliefId, SignalId
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, read_state
from beliefgraph.graph.model import BeliefNode, Response, Revision, Tally
from beliefgraph.graph.outcomes import replayed
from beliefgraph.graph.store import Reader, Showing, Store, scopes

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The first broken record of one user: which record, and what is wrong with it."""

    tenant: str
    user_id: str
    record: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """How much was checked, and the first finding of each user whose records contradict themselves."""

    users: int
    beliefs: int
    revisions: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Say whether nothing was found."""
        return not self.findings


def verify(store: Store, tenant: str | None = None) -> VerifyReport:
    """Check every user of a tenant (None: of all). Never reruns a model; what was read off a text is a record."""
    users = beliefs = revisions = 0
    findings: list[Finding] = []
    for scope in scopes(store, tenant):
        checked = store.read(scope, lambda reader: _Check(reader).run())
        users, beliefs, revisions = users + 1, beliefs + checked.beliefs, revisions + checked.revisions
        if checked.broken is not None:
            record, problem = checked.broken
            findings.append(
                Finding(tenant=scope.tenant, user_id=scope.user_id, record=record, problem=problem)
            )
    return VerifyReport(users=users, beliefs=beliefs, revisions=revisions, findings=tuple(findings))


class _Broken(Exception):
    def __init__(self, record: str, problem: str) -> None:
        self.record, self.problem = record, problem
        super().__init__(record, problem)


class _Check:
    """One pass over one user's records on one snapshot; stops at the first that is broken."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.beliefs = self.revisions = 0
        self.broken: tuple[str, str] | None = None

    def run(self) -> "_Check":
        """Check beliefs with their chains and ledgers, responses, the order of revisions, and what is shown of them."""
        try:
            nodes = self._reader.beliefs()
            for node in reversed(nodes):
                self._check_belief(node)
            self._check_references({node.id for node in nodes})
            self._check_order()
            self._check_shown()
        except _Broken as broken:
            self.broken = (broken.record, broken.problem)
        return self

    def _check_belief(self, node: BeliefNode) -> None:
        revisions = self._reader.revisions(node.id)
        self.beliefs += 1
        self.revisions += len(revisions)
        record = f"belief {node.id}"
        _require(bool(revisions), record, "has no revision")
        previous: Revision | None = None
        for ordinal, revision in enumerate(revisions, start=1):
            _check_link(revision, ordinal, previous)
            previous = revision
        _require(
            _same_state(node.state, revisions[-1].state),
            record,
            "its state is not what its last revision left",
        )
        _require(node.ordinal == len(revisions), record, "does not count its revisions")
        items = replayed(revisions)
        self._check_items(node, items)
        inferred = sorted((i for i in items if i.slot == RESPONSE), key=lambda item: item.order, reverse=True)
        empty = replace(node.state, reference_us=to_us(node.created_at))
        folded = fold(empty, [item for item in items if item.slot != RESPONSE], inferred)
        _require(_same_sums(node.state, folded), record, "its confidence is not what folding its items gives")

    def _check_items(self, node: BeliefNode, items: list[Item]) -> None:
        direct, inferred = self._reader.words(node.id), list(self._reader.inferred(node.id))
        replayed_items = {(item.slot, item.id): item for item in items}
        record = f"belief {node.id}"
        for item in [*direct, *inferred]:
            _require(
                replayed_items.get((item.slot, item.id)) == item,
                record,
                f"item {item.slot} {item.id} has no revision",
            )
        count = sum(item.slot == RESPONSE for item in items)
        words = sorted((item for item in items if item.slot != RESPONSE), key=lambda item: item.order)
        latest = {item.slot: item for item in words}
        complete = count == len(inferred) and latest == {item.slot: item for item in direct}
        _require(complete, record, "items of its revisions are missing")

    def _check_references(self, known: set[BeliefId]) -> None:
        head, signals = self._reader.head(), self._reader.signals()
        for signal, interpretation in signals:
            record = f"signal {signal.id}"
            _require(signal.seq <= head.seq, record, "its number is above the user's sequence")
            total = math.fsum(interpretation.causes.values())
            _require(abs(total - 1.0) < _TOLERANCE, record, "its causes do not sum to 1")
            for effect in interpretation.effects:
                _require(
                    effect.belief_id in known, record, f"names a belief {effect.belief_id} that is not there"
                )
        _require(
            _same_tallies(tallies_of(signals), head.tallies),
            "user",
            "what is counted of her signals is not what they add up to",
        )
        for response in self._reader.responses():
            _check_response(response, known)

    def _check_order(self) -> None:
        head = self._reader.head()
        signals = {signal.id for signal, _ in self._reader.signals()}
        seq, recorded_us = 0, 0
        for revision in self._reader.revisions():
            record = f"revision {revision.id}"
            _require(revision.seq > seq, record, "its number is not above the one before")
            _require(
                to_us(revision.recorded_at) >= recorded_us, record, "was recorded before the one before it"
            )
            if revision.cause_kind in ("signal", "retraction"):
                _require(SignalId(revision.cause_id) in signals, record, "its signal is not there")
            seq, recorded_us = revision.seq, to_us(revision.recorded_at)
        _require(
            seq <= head.seq and recorded_us <= head.recorded_us,
            "user",
            "the sequence stands below its records",
        )

    def _check_shown(self) -> None:
        if isinstance(self._reader, Showing):
            for record, problem in self._reader.misshown():
                raise _Broken(record, problem)


def _same_tallies(counted: Mapping[str, Tally], kept: Mapping[str, Tally]) -> bool:
    return all(
        _near(getattr(kept.get(kind, _NOTHING), name), getattr(counted.get(kind, _NOTHING), name))
        for kind in {*counted, *kept}
        for name in ("good", "bad", "nats")
    )


_NOTHING = Tally(good=0.0, bad=0.0, nats=0.0)


def _near(first: float, second: float) -> bool:
    """Say whether sums of many signals are the same: what was added and taken away rounds."""
    return abs(first - second) <= _TOLERANCE * max(1.0, abs(second)) * 1000


def _check_link(revision: Revision, ordinal: int, previous: Revision | None) -> None:
    """Check one link of a belief's chain: counted without a gap, starting from what the last left, aged."""
    record, at_us = f"revision {revision.id}", to_us(revision.recorded_at)
    _require(revision.ordinal == ordinal, record, "the chain of its belief has a gap before it")
    after = read_state(revision.state, at_us).confidence
    _require(
        abs(after - revision.after) < _TOLERANCE, record, "its state does not give the confidence it names"
    )
    if previous is not None:
        before = read_state(previous.state, at_us).confidence
        _require(
            abs(before - revision.before) < _TOLERANCE, record, "does not start from what the last one left"
        )


def _check_response(response: Response, known: set[BeliefId]) -> None:
    for edge in response.generated_by:
        record = f"response {response.id}"
        _require(edge.belief_id in known, record, f"names a belief {edge.belief_id} that is not there")
        _require(edge.confidence_then is not None and 0 < edge.confidence_then < 1, record, "has no snapshot")


def _same_state(first: BeliefState, second: BeliefState) -> bool:
    return all(_close(getattr(first, f.name), getattr(second, f.name)) for f in fields(BeliefState))


def _same_sums(first: BeliefState, second: BeliefState) -> bool:
    names = (
        "reference_us",
        "direct_for",
        "direct_against",
        "inferred_for",
        "inferred_against",
        "spoken",
        "heard_for",
        "heard_against",
        "up_for",
        "up_against",
        "down_for",
        "down_against",
    )
    return all(_close(getattr(first, name), getattr(second, name)) for name in names)


def _close(first: object, second: object) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return first == second or abs(first - second) < _TOLERANCE
    return first == second


def _require(holds: bool, record: str, problem: str) -> None:
    if not holds:
        raise _Broken(record, problem)
