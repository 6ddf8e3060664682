"""A state machine that writes at random to a store and to an oracle of plain dicts, and compares every read.

Two users in each of two tenants share one small set of ids, so that any leak between them shows.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, cast, get_args

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.ledger import PIN, RESPONSE, WORD, Lifecycle
from beliefgraph.graph.model import CauseKind, ConflictStatus, LinkKind, Revision
from beliefgraph.graph.store import Reach, Reader, Scope, Store, Vector, Writer
from beliefgraph.graph.testing.builders import START_US, Draft, second
from beliefgraph.graph.testing.oracle import Oracle, Read, Snapshot

SCOPES = [Scope(tenant, UserId(user)) for tenant in ("acme", "globex") for user in ("ada", "bob")]
BELIEFS = [BeliefId(f"b{number}") for number in range(7)]
RESPONSES = [ResponseId(f"r{number}") for number in range(7)]
SIGNALS = [SignalId(f"s{number}") for number in range(9)]
STATEMENTS = ["Likes tea", "likes TEA.", "Likes coffee", "Works at night"]
SLOTS = [RESPONSE, RESPONSE, RESPONSE, WORD, PIN, "source:stated"]
_HALVES = ((1, 0, 0, 0), (0, 1, 0, 0), (-1, 0, 0, 0), (0.5, 0.5, 0.5, 0.5), (0.5, 0.5, -0.5, -0.5))
VECTORS: list[Vector] = [np.array(components, dtype=np.float32) for components in _HALVES]
"""Unit vectors whose products are exact in any order of summation, so that ties are ties."""

scopes = st.sampled_from(SCOPES)
nats = st.sampled_from([-2.5, -0.5, 0.0, 0.25, 3.0])
moments = st.integers(0, 12).map(lambda number: second(number) - 1)
numbers = st.none() | st.integers(0, 40)


class StoreMachine(RuleBasedStateMachine):
    """Drives the store that `open_empty` gives; run a subclass with hypothesis' `run_state_machine_as_test`."""

    def open_empty(self) -> Store:
        """Open a new, empty store."""
        raise NotImplementedError

    def close(self, store: Store) -> None:
        """Close a store after one run."""
        store.close()

    @initialize()
    def begin(self) -> None:
        """Open the store."""
        self.store, self.oracle = self.open_empty(), Oracle()
        self.now_us = START_US
        self.scope = SCOPES[0]

    # Units of work

    @rule(scope=scopes, data=st.data(), wait=st.sampled_from([0, 1, 1_000_000]), kept=st.integers(0, 5))
    def write(self, scope: Scope, data: st.DataObject, wait: int, kept: int) -> None:
        """Write one unit of several records; one in six is taken back."""
        self.now_us += wait
        self.scope = scope
        before = self.oracle.at(scope)

        def known(belief_id: BeliefId) -> Any:
            return before.beliefs[belief_id]

        draft = Draft(scope.user_id, seq=before.head.seq, at_us=self.now_us, known=known)
        for kind in data.draw(st.lists(st.sampled_from(sorted(_RECORDS)), min_size=1, max_size=6), "records"):
            _RECORDS[kind](draft, before, data)
        changes = draft.changes()
        self.now_us = changes.recorded_us

        def work(writer: Writer) -> None:
            assert before.head == writer.head()
            writer.save(changes)
            if kept == 0:
                raise _TakenBack

        if kept == 0:
            try:
                self.store.write(scope, work)
            except _TakenBack:
                return
            raise AssertionError("the exception of the work did not come out")
        self.store.write(scope, work)
        self.oracle.save(scope, changes)

    @precondition(lambda self: len(self.oracle.logs) > 1)
    @rule(scope=scopes)
    def erase(self, scope: Scope) -> None:
        """Erase a user, now and then."""
        self.scope = scope
        assert self.oracle.erase(scope) == self.store.erase(scope)

    # Comparisons

    @rule(scope=scopes, as_of_us=moments)
    def look_back(self, scope: Scope, as_of_us: int) -> None:
        """Compare everything as of some time."""
        self._compare(scope, as_of_us)

    @rule(scope=scopes, before=numbers, limit=st.none() | st.integers(0, 5), as_of_us=st.none() | moments)
    def page(self, scope: Scope, before: int | None, limit: int | None, as_of_us: int | None) -> None:
        """Compare one page of each list."""
        expected = self.oracle.at(scope, as_of_us)
        window: dict[str, Any] = {"before": before, "limit": limit, "as_of_us": as_of_us}

        def work(reader: Reader) -> list[Sequence[object]]:
            return [
                reader.beliefs(**window),
                reader.beliefs(BELIEFS[:4], **window),
                reader.responses(**window),
                reader.responses(RESPONSES[:4], **window),
                reader.signals(**window),
                reader.signals(SIGNALS[:4], **window),
                reader.signals(about=RESPONSES[:3], **window),
                reader.revisions(after=before or 0, limit=limit, as_of_us=as_of_us),
            ]

        revisions = [revision for revision in expected.revisions if revision.seq > (before or 0)]
        assert [
            _page(expected.newest_beliefs(), None, before, limit),
            _page(expected.newest_beliefs(), BELIEFS[:4], before, limit),
            _page(expected.newest_responses(), None, before, limit),
            _page(expected.newest_responses(), RESPONSES[:4], before, limit),
            _page_of_signals(expected.newest_signals(), None, before, limit),
            _page_of_signals(expected.newest_signals(), SIGNALS[:4], before, limit),
            _page_of_signals(expected.newest_signals(RESPONSES[:3]), None, before, limit),
            revisions[:limit],
        ] == self.store.read(scope, work)

    @rule(
        scope=scopes,
        responses=st.lists(st.sampled_from(RESPONSES), max_size=3),
        beliefs=st.lists(st.sampled_from(BELIEFS), max_size=2),
        signals=st.lists(st.sampled_from(SIGNALS), max_size=2),
        keys=st.lists(st.sampled_from(["likes tea", "likes coffee", "nothing"]), max_size=1),
        vectors=st.lists(st.sampled_from(range(len(VECTORS))), max_size=2, unique=True),
        nearest=st.integers(0, 3),
        live=st.booleans(),
        depth=st.integers(1, 3),
    )
    def walk(self, scope: Scope, depth: int, vectors: list[int], **reach: Any) -> None:
        """Compare a neighbourhood."""
        keys = reach.pop("keys")
        wanted = Reach(statement_keys=keys, vectors={f"v{n}": VECTORS[n] for n in vectors}, **reach)
        expected = self.oracle.at(scope).neighbourhood(wanted, depth)
        actual = self.store.read(scope, lambda reader: reader.neighbourhood(wanted, depth=depth))
        for name in ("head", "beliefs", "responses", "signals", "interpretations", "items", "nearest"):
            assert (name, getattr(expected, name)) == (name, getattr(actual, name))
        assert expected.links == sorted(actual.links, key=lambda link: link.seq)

    @invariant()
    def now(self) -> None:
        """Compare everything of the user who was written last."""
        if hasattr(self, "scope"):
            self._compare(self.scope, None)

    def teardown(self) -> None:
        """Compare everything of everybody at every time, then close."""
        if not hasattr(self, "store"):
            return
        try:
            assert self.oracle.tenants() == self.store.tenants()
            for tenant in ("acme", "globex", "nobody"):
                assert self.oracle.users(tenant) == self.store.users(tenant)
            for scope in SCOPES:
                for at_us in [None, START_US - 1, *self.oracle.times(scope)]:
                    self._compare(scope, at_us)
        finally:
            self.close(self.store)

    def _compare(self, scope: Scope, as_of_us: int | None) -> None:
        expected = _answers(self.oracle.at(scope, as_of_us))
        actual = self.store.read(scope, lambda reader: _read_all(reader, as_of_us))
        for name, answer in actual.items():
            assert (name, expected[name]) == (name, answer)


class _TakenBack(Exception):
    """Raised after saving."""


def _page(
    records: Sequence[Any], ids: Sequence[str] | None, before: int | None, limit: int | None
) -> list[Any]:
    found = [r for r in records if (ids is None or r.id in ids) and (before is None or r.seq < before)]
    return found[:limit]


def _page_of_signals(
    read: Sequence[Read], ids: Sequence[str] | None, before: int | None, limit: int | None
) -> list[Read]:
    found = _page([signal for signal, _ in read], ids, before, limit)
    return [(signal, interpretation) for signal, interpretation in read if signal in found]


def _answers(snapshot: Snapshot) -> dict[str, Any]:
    """Return what a store must answer."""
    return {
        "head": snapshot.head,
        "beliefs": snapshot.newest_beliefs(),
        "responses": snapshot.newest_responses(),
        "signals": snapshot.newest_signals(),
        "revisions": snapshot.revisions,
        "contradicts": snapshot.links("contradicts"),
        "duplicates": snapshot.links("duplicates"),
        "touching": snapshot.links("contradicts", BELIEFS[:2]),
        "nearest": [snapshot.nearest(vector, 5) for vector in VECTORS],
        "latest": _latest(snapshot.revisions, 2),
        "of beliefs": [[r for r in snapshot.revisions if r.belief_id == id] for id in BELIEFS],
        "by cause": [[r for r in snapshot.revisions if r.cause_id == id] for id in SIGNALS],
        "words": [snapshot.words(id, excluded) for id in BELIEFS for excluded in ([], RESPONSES[:2])],
        "inferred": [snapshot.inferred(id) for id in BELIEFS],
    }


def _latest(revisions: Sequence[Revision], limit: int) -> list[Revision]:
    found = [r for id in BELIEFS for r in [r for r in revisions if r.belief_id == id][-limit:]]
    return sorted(found, key=lambda revision: -revision.seq)


def _read_all(reader: Reader, as_of_us: int | None) -> dict[str, Any]:
    """Ask a store everything; what knows no as-of only for now."""
    answers: dict[str, Any] = {
        "beliefs": reader.beliefs(as_of_us=as_of_us),
        "responses": reader.responses(as_of_us=as_of_us),
        "signals": reader.signals(as_of_us=as_of_us),
        "revisions": reader.revisions(as_of_us=as_of_us),
        "contradicts": reader.links("contradicts", as_of_us=as_of_us),
        "duplicates": reader.links("duplicates", as_of_us=as_of_us),
        "touching": reader.links("contradicts", beliefs=BELIEFS[:2], as_of_us=as_of_us),
        "nearest": [reader.nearest(vector, limit=5, as_of_us=as_of_us) for vector in VECTORS],
        "latest": reader.latest_revisions(BELIEFS, limit=2, as_of_us=as_of_us),
        "of beliefs": [reader.revisions(id, as_of_us=as_of_us) for id in BELIEFS],
        "by cause": [reader.revisions(cause_id=id, as_of_us=as_of_us) for id in SIGNALS],
    }
    if as_of_us is None:
        answers["head"] = reader.head()
        answers["words"] = [
            sorted(reader.words(id, excluding=excluded), key=lambda item: item.slot)
            for id in BELIEFS
            for excluded in ([], RESPONSES[:2])
        ]
        answers["inferred"] = [list(reader.inferred(id)) for id in BELIEFS]
        chain = answers["of beliefs"]
        for earlier, later in itertools.chain.from_iterable(itertools.pairwise([None, *of]) for of in chain):
            assert earlier == reader.revision_before(cast(Revision, later))
    return answers


# Records drawn for a draft, on top of what is stored


def _fresh(data: st.DataObject, ids: Sequence[str], taken: Iterable[str], label: str) -> str | None:
    free = sorted(set(ids) - set(taken))
    return data.draw(st.sampled_from(free), label) if free else None


def _beliefs(draft: Draft, before: Snapshot) -> list[str]:
    return sorted({*before.beliefs, *(node.id for node in draft.changes().beliefs)})


def _belief(draft: Draft, before: Snapshot, data: st.DataObject) -> None:
    belief_id = _fresh(data, BELIEFS, _beliefs(draft, before), "belief")
    if belief_id is None:
        return
    which = data.draw(st.integers(-1, len(VECTORS) - 1), "vector")
    parents, origins = _beliefs(draft, before), sorted(before.signals)
    draft.belief(
        belief_id,
        data.draw(st.sampled_from(STATEMENTS), "statement"),
        near=None if which < 0 else VECTORS[which],
        vector_key=None if which < 0 else f"vector {which}",
        nats=data.draw(nats, "nats"),
        parent=data.draw(st.none() | st.sampled_from(parents), "parent") if parents else None,
        origin=data.draw(st.none() | st.sampled_from(origins), "origin") if origins else None,
    )


def _response(draft: Draft, before: Snapshot, data: st.DataObject) -> None:
    taken = [*before.responses, *(response.id for response in draft.responses)]
    response_id = _fresh(data, RESPONSES, taken, "response")
    if response_id is not None:
        known = _beliefs(draft, before)
        behind = (
            data.draw(st.lists(st.sampled_from(known), unique=True, max_size=4), "behind") if known else []
        )
        draft.response(response_id, *behind)


def _signal(draft: Draft, before: Snapshot, data: st.DataObject) -> None:
    signal_id = _fresh(data, SIGNALS, [*before.signals, *(s.id for s, _ in draft.signals)], "signal")
    if signal_id is None:
        return
    responses = sorted({*before.responses, *(response.id for response in draft.responses)})
    known = _beliefs(draft, before)
    draft.signal(
        signal_id,
        response=data.draw(st.none() | st.sampled_from(responses), "about response") if responses else None,
        belief=data.draw(st.none() | st.sampled_from(known), "about belief") if known else None,
        kind=data.draw(st.sampled_from(["rating", "stars"]), "kind"),
        text=data.draw(st.none() | st.just("why?"), "text"),
        observed_us=data.draw(moments, "observed"),
    )


def _revision(draft: Draft, before: Snapshot, data: st.DataObject) -> None:
    known = _beliefs(draft, before)
    if not known:
        return
    responses = sorted({*before.responses, *(response.id for response in draft.responses)})
    slots = SLOTS if responses else [slot for slot in SLOTS if slot != RESPONSE]
    slot = data.draw(st.none() | st.sampled_from(slots), "slot")
    draft.revise(
        data.draw(st.sampled_from(known), "revised"),
        data.draw(nats, "nats"),
        slot=slot,
        item_id=data.draw(st.sampled_from(responses if slot == RESPONSE else RESPONSES), "item"),
        observed_us=data.draw(moments, "observed"),
        removed=slot is not None and data.draw(st.booleans(), "removed"),
        cause_id=data.draw(st.sampled_from(SIGNALS), "cause"),
        cause_kind=data.draw(st.sampled_from(get_args(CauseKind)), "cause kind"),
        lifecycle=data.draw(st.none() | st.sampled_from(get_args(Lifecycle)), "lifecycle"),
        reread=data.draw(
            st.dictionaries(st.sampled_from(responses), nats, max_size=2)
            if slot is None and responses
            else st.just({}),
            "reread",
        ),
    )


def _link(draft: Draft, before: Snapshot, data: st.DataObject) -> None:
    known = _beliefs(draft, before)
    if len(known) > 1:
        first, other = data.draw(
            st.lists(st.sampled_from(known), min_size=2, max_size=2, unique=True), "pair"
        )
        status = data.draw(st.sampled_from(get_args(ConflictStatus)), "status")
        draft.link(first, other, status, kind=data.draw(st.sampled_from(get_args(LinkKind)), "link kind"))


def _retraction(draft: Draft, before: Snapshot, data: st.DataObject) -> None:
    counted = [id for id, (signal, _) in before.signals.items() if signal.retracted_at is None]
    left = sorted(set(counted) - set(draft.retracted))
    if left:
        draft.retract(
            data.draw(st.sampled_from(left), "retracted"), data.draw(st.none() | st.just("why"), "note")
        )


def _waiting(draft: Draft, before: Snapshot, data: st.DataObject) -> None:
    draft.wait(data.draw(st.sampled_from([0.000001, 1]), "wait"))


_RECORDS = {
    "belief": _belief,
    "link": _link,
    "response": _response,
    "retraction": _retraction,
    "revision": _revision,
    "signal": _signal,
    "waiting": _waiting,
}
