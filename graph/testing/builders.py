"""Small builders of records for store tests: one draft is one unit of work, numbered like the pipeline numbers its own.

States hold arbitrary numbers that differ after every revision: a store must keep them, not understand them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId, normal_form
from beliefgraph.graph.ledger import RESPONSE, BeliefState, Item, Lifecycle, read_state
from beliefgraph.graph.model import (
    Action,
    BeliefNode,
    CauseKind,
    ConflictStatus,
    Effect,
    GeneratedBy,
    Habit,
    Interpretation,
    Link,
    LinkKind,
    Response,
    Revision,
    Signal,
    Tally,
    TextReading,
)
from beliefgraph.graph.store import Changes, Erasure, Reader, Scope, Store, Vector, Writer

ADA = Scope("acme", UserId("ada"))
BOB = Scope("acme", UserId("bob"))
OTHER_ADA = Scope("globex", UserId("ada"))
"""The same user id in another tenant: another user."""

START_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, where the time of tests begins."""
NOTHING_ERASED = Erasure(beliefs=0, responses=0, signals=0, revisions=0, links=0)

BELIEF = "source:stated"
"""The slot of the item that a drafted belief starts with."""


def second(number: float) -> int:
    """Return the microseconds of a second of test time."""
    return START_US + round(number * 1_000_000)


def vector(*components: float) -> Vector:
    """Return the unit vector in the direction of these components."""
    values = np.array(components, dtype=np.float64)
    return np.asarray(values / np.linalg.norm(values), dtype=np.float32)


class Draft:
    """Collects the records of one unit of work. `known` finds a belief that was stored before."""

    def __init__(
        self, user_id: UserId, *, seq: int, at_us: int, known: Callable[[BeliefId], BeliefNode]
    ) -> None:
        self.user_id, self.seq, self.at_us = user_id, seq, at_us
        self._known = known
        self._nodes: dict[BeliefId, BeliefNode] = {}
        self._new: list[BeliefId] = []
        self._vectors: dict[str, Vector] = {}
        self.responses: list[Response] = []
        self.signals: list[tuple[Signal, Interpretation]] = []
        self.revisions: list[Revision] = []
        self.links: list[Link] = []
        self.retracted: dict[SignalId, str | None] = {}
        self.tallies: dict[str, Tally] = {}

    def next_seq(self) -> int:
        """Give the next number of the user's sequence."""
        self.seq += 1
        return self.seq

    def node(self, belief_id: str) -> BeliefNode:
        """Return a belief as this draft leaves it."""
        key = BeliefId(belief_id)
        return self._nodes[key] if key in self._nodes else self._known(key)

    def belief(
        self,
        belief_id: str,
        statement: str | None = None,
        *,
        near: Vector | None = None,
        vector_key: str | None = None,
        nats: float = 1.0,
        parent: str | None = None,
        origin: str | None = None,
        half_life_days: float = 180.0,
        lifecycle: Lifecycle = "open",
        context: str = "{}",
    ) -> BeliefNode:
        """Add a belief with its first item and revision; `near` is its vector."""
        text = f"Statement of {belief_id}" if statement is None else statement
        key = vector_key if vector_key is not None or near is None else f"vector of {normal_form(text)}"
        if key is not None and near is not None:
            self._vectors[key] = near
        node = BeliefNode(
            id=BeliefId(belief_id),
            user_id=self.user_id,
            seq=self.next_seq(),
            statement=text,
            statement_key=normal_form(text),
            source="stated",
            kind="preference",
            created_at=from_us(self.at_us - 1),
            recorded_at=from_us(self.at_us),
            parent_id=None if parent is None else BeliefId(parent),
            origin_id=None if origin is None else SignalId(origin),
            vector_key=key,
            ordinal=0,
            revised_at=from_us(self.at_us),
            state=BeliefState(
                base=-0.25,
                half_life_days=half_life_days,
                memory_nats=6.0,
                reference_us=self.at_us - 1,
                lifecycle=lifecycle,
                context=context,
                session_nats=1.5,
                change_nats=9.5,
                practice_nats=0.75,
            ),
        )
        self._nodes[node.id] = node
        self._new.append(node.id)
        self.revise(belief_id, nats, slot=BELIEF, item_id=belief_id, cause_id=belief_id, action="spawn")
        return self.node(belief_id)

    def response(
        self,
        response_id: str,
        *belief_ids: str,
        text: str = "An answer",
        attributes: dict[str, Any] | None = None,
        edges: tuple[GeneratedBy, ...] | None = None,
    ) -> Response:
        """Add a response generated by these beliefs in equal shares (or by `edges`)."""
        shared = tuple(
            GeneratedBy(
                belief_id=BeliefId(belief_id),
                weight=1 / len(belief_ids),
                adherence=0.75,
                confidence_then=0.5 + 0.01 * position,
            )
            for position, belief_id in enumerate(belief_ids)
        )
        response = Response(
            id=ResponseId(response_id),
            user_id=self.user_id,
            seq=self.next_seq(),
            text=text,
            generated_by=shared if edges is None else edges,
            attributes=attributes or {},
            observed_at=from_us(self.at_us - 2),
            recorded_at=from_us(self.at_us),
            habits={"rating": Habit(regardless=0.25, good=0.125)} if text else {},
        )
        self.responses.append(response)
        return response

    def signal(
        self,
        signal_id: str,
        *,
        response: str | None = None,
        belief: str | None = None,
        kind: str = "rating",
        value: float | None = -1.0,
        text: str | None = None,
        observed_us: int | None = None,
    ) -> Signal:
        """Add a signal with an interpretation that names it."""
        signal = Signal(
            id=SignalId(signal_id),
            user_id=self.user_id,
            seq=self.next_seq(),
            kind=kind,
            value=value,
            text=text,
            tags=("too_long", "wrong_tone") if text else (),
            response_id=None if response is None else ResponseId(response),
            belief_id=None if belief is None else BeliefId(belief),
            context={"device": "mobile"} if text else {},
            observed_at=from_us(self.at_us - 3 if observed_us is None else observed_us),
            recorded_at=from_us(self.at_us),
            note=f"note on {text}" if text else None,
        )
        touched = BeliefId(belief or "nobody")
        interpretation = Interpretation(
            signal_id=signal.id,
            causes={"belief_wrong": 0.75, "accident": 0.25},
            action="reduce",
            delta=-0.125,
            reason=f"because of {signal_id}",
            effects=(
                Effect(belief_id=touched, action="reduce", nats=-0.5, delta=-0.125, reason="belief_wrong"),
            ),
            readings=(
                TextReading(belief_id=touched, about=0.5, equivalent=0.25, entails=0.125, contradiction=0.0),
            )
            if text
            else (),
            tally=Tally(good=0.0, bad=0.5, nats=-0.625) if text else None,
        )
        self.signals.append((signal, interpretation))
        return signal

    def revise(
        self,
        belief_id: str,
        nats: float = 0.5,
        *,
        slot: str | None = RESPONSE,
        item_id: str = "r1",
        observed_us: int | None = None,
        removed: bool = False,
        cause_id: str = "s1",
        cause_kind: CauseKind = "signal",
        action: Action = "reinforce",
        lifecycle: Lifecycle | None = None,
        reread: Mapping[ResponseId, float] | None = None,
    ) -> Revision:
        """Add a revision that puts (or removes) an item, or with `slot` None leaves the items alone.

        `reread` maps ids of responses to what their items weigh since.
        """
        node = self.node(belief_id)
        at = self.at_us - 4 if observed_us is None else observed_us
        item = None
        if slot is not None:
            item = Item(belief_id=node.id, slot=slot, id=item_id, nats=nats, observed_us=at)
        seq = self.next_seq()
        state = replace(
            node.state,
            reference_us=max(node.state.reference_us, at),
            inferred_for=node.state.inferred_for + abs(nats),
            conflict=-seq / 1000,
            newest_us=at,
            newest_id=item_id,
            lifecycle=lifecycle or node.state.lifecycle,
            heard_for=seq / 3,
            heard_against=seq / 7,
            up_for=seq / 1100,
            up_against=seq / 1300,
            down_for=seq / 1700,
            down_against=seq / 1900,
        )
        revision = Revision(
            id=f"rev_{seq}",
            belief_id=node.id,
            seq=seq,
            before=read_state(node.state, self.at_us).confidence,
            after=read_state(state, self.at_us).confidence,
            nats=nats,
            action=action,
            reason=f"revision {seq}",
            cause_kind=cause_kind,
            cause_id=cause_id,
            parameters_version="test 1",
            recorded_at=from_us(self.at_us),
            ordinal=node.ordinal + 1,
            item=item,
            removed=removed,
            reread=tuple(
                Item(belief_id=node.id, slot=RESPONSE, id=id, nats=weight, observed_us=at)
                for id, weight in (reread or {}).items()
            ),
            state=state,
        )
        self.revisions.append(revision)
        self._nodes[node.id] = replace(
            node, ordinal=revision.ordinal, revised_at=from_us(self.at_us), state=state
        )
        return revision

    def link(
        self,
        first: str,
        second: str,
        status: ConflictStatus = "confirmed",
        *,
        kind: LinkKind = "contradicts",
        strength: float = 0.75,
    ) -> Link:
        """Add a version of the edge between two beliefs."""
        low, high = sorted((BeliefId(first), BeliefId(second)))
        seq = self.next_seq()
        link = Link(
            kind=kind,
            low=low,
            high=high,
            seq=seq,
            strength=strength,
            detector="a test",
            status=status,
            reason=f"link {seq}",
            recorded_at=from_us(self.at_us),
        )
        self.links.append(link)
        return link

    def retract(self, signal_id: str, note: str | None = None) -> None:
        """Mark a stored signal as retracted."""
        self.retracted[SignalId(signal_id)] = note

    def wait(self, seconds: float = 1) -> None:
        """Let time pass between two records of this unit."""
        self.at_us += round(seconds * 1_000_000)

    def changes(self) -> Changes:
        """Return everything drafted."""
        return Changes(
            seq=self.seq,
            recorded_us=self.at_us,
            beliefs=[self._nodes[belief_id] for belief_id in self._new],
            vectors=self._vectors,
            responses=self.responses,
            signals=self.signals,
            revisions=self.revisions,
            links=self.links,
            retracted=self.retracted,
            tallies=self.tallies,
        )


def draft_from(reader: Reader, scope: Scope, at_us: int) -> Draft:
    """Start a draft where a user's sequence stands."""

    def known(belief_id: BeliefId) -> BeliefNode:
        (node,) = reader.beliefs([belief_id])
        return node

    return Draft(scope.user_id, seq=reader.head().seq, at_us=at_us, known=known)


def put(store: Store, scope: Scope, build: Callable[[Draft], object], *, at: float = 1) -> Changes:
    """Write what `build` drafts in one unit of work, recorded at second `at` of test time; return what was written."""

    def work(writer: Writer) -> Changes:
        draft = draft_from(writer, scope, second(at))
        build(draft)
        writer.save(draft.changes())
        return draft.changes()

    return store.write(scope, work)


def put_beliefs(store: Store, scope: Scope, *belief_ids: str, at: float = 1) -> Changes:
    """Write beliefs without vectors, in order."""

    def build(draft: Draft) -> None:
        for belief_id in belief_ids:
            draft.belief(belief_id)

    return put(store, scope, build, at=at)
