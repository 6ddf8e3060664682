"""One user's self-model: what an engineer, an analyst or the user herself calls. Wiring only; no rules here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from beliefgraph.events import export_events
from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import InvalidInputError, NotFoundError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.model import (
    Belief,
    Conflict,
    ConflictStatus,
    Context,
    GeneratedBy,
    Kind,
    Outcome,
    Response,
    Revision,
    Signal,
    Source,
    Standing,
    to_conflict,
    view,
)
from beliefgraph.graph.outcomes import read_outcome
from beliefgraph.graph.store import Erasure, Reader, Scope
from beliefgraph.ingest.events import (
    BeliefEvent,
    Event,
    ResponseEvent,
    RetractEvent,
    SignalEvent,
    check_text,
    check_time,
    make_event,
)(event, user=self.user_id, **fields)

    def _outcome(self, event: Event, *, dry_run: bool = False) -> Outcome:
        outcome = self._pipeline.apply(self._scope, event, dry_run=dry_run)
        assert isinstance(outcome, Outcome)
        return outcome

    def _read(self, work: Callable[[Reader], T]) -> T:
        return self._pipeline.store.read(self._scope, work)

    def _now_us(self) -> int:
        return to_us(self._pipeline.clock())

    def _as_of(self, as_of: datetime | None) -> int | None:
        if as_of is None:
            return None
        check_time("as_of", as_of)
        return to_us(as_of)


def _premises(beliefs: Premises) -> list[GeneratedBy]:
    if isinstance(beliefs, Personalization):
        return [GeneratedBy(belief_id=choice.belief.id, weight=choice.weight) for choice in beliefs.used]
    if isinstance(beliefs, str):
        raise InvalidInputError("beliefs", "must be a list of belief ids, not one text")
    return [GeneratedBy(belief_id=BeliefId(each)) if isinstance(each, str) else each for each in beliefs]
