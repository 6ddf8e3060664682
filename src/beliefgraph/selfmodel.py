"""One user's self-model: what an engineer, an analyst or the user herself calls. Wiring only; no rules here.

The questions lie in reading.py; here is what writes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from beliefgraph.graph.errors import DuplicateIdError, InvalidInputError
from beliefgraph.graph.ids import BeliefId, ConflictId, derived_id
from beliefgraph.graph.model import Belief, Conflict, Context, Kind, Outcome, Response, Source, to_conflict
from beliefgraph.graph.store import Erasure
from beliefgraph.ingest.bank import Bank, load_bank
from beliefgraph.ingest.events import (
    BeliefEvent,
    Event,
    ResponseEvent,
    RetractEvent,
    SignalEvent,
    check_context,
    check_identifier,
    check_text,
    make_event,
)
from beliefgraph.ingest.pipeline import Result
from beliefgraph.ingest.resolution import Resolution
from beliefgraph.ingest.signals import RESTORED, RETIRED, SCOPED
from beliefgraph.ingest.validation import check_flag
from beliefgraph.ingest.verdicts import Decision
from beliefgraph.onboarding import Onboarding, onboard
from beliefgraph.queries.what_if import WhatIf, what_if
from beliefgraph.reading import Premises, SelfModelReads, premise_input, premises_of

E = TypeVar("E", BeliefEvent, ResponseEvent, RetractEvent, SignalEvent)
_AMENDED = {"value": "confidence", "text": "statement", "note": "reason"}
"""What a caller of `amend` knows the fields of its signal by."""


class SelfModel(SelfModelReads):
    """A user's beliefs with their edges. Made by `BeliefGraph.user`; no I/O before a method is called.

    Every method may raise `StoreUnavailableError`; those that take an id raise `NotFoundError` for one that this user
    does not have; those that take a text may raise `ModelUnavailableError`; wrong values raise `InvalidInputError`
    naming the field, and then nothing is written. Times are timezone-aware.
    """

    # Writing. The same call with the same `idempotency_key` is applied once and answered alike; unlike an `id` the
    # key gives a belief no node of its own. With another content it raises `DuplicateIdError`. Beside an `id` the key
    # is not looked at: the id says which record it is.

    def believe(
        self,
        statement: str,
        *,
        confidence: float | None = None,
        source: Source = "stated",
        kind: Kind = "preference",
        context: Context | None = None,
        id: str | None = None,
        at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Belief:
        """Hold a belief; without `confidence` that source's usual one.

        The same normalised text again, without an id, refreshes the belief that is there. A near-duplicate gets a node
        of its own and is proposed for merging. Raises `DuplicateIdError` when the id is taken by something else.
        """
        event = self._event(
            BeliefEvent,
            statement=statement,
            confidence=confidence,
            source=source,
            kind=kind,
            context=context,
            id=id,
            at=at,
        )
        belief = self._apply(event, idempotency_key)
        assert isinstance(belief, Belief)
        return belief

    def respond(
        self,
        text: str,
        *,
        beliefs: Premises = (),
        id: str | None = None,
        at: datetime | None = None,
        attributes: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Response:
        """Record a response and what generated it.

        Weights are shares in (0, 1]: of relevance from a personalization, else equal. Raises `DuplicateIdError`.
        """
        premises = [premise_input(edge) for edge in premises_of(beliefs)]
        event = self._event(ResponseEvent, text=text, beliefs=premises, id=id, at=at, attributes=attributes)
        response = self._apply(event, idempotency_key)
        assert isinstance(response, Response)
        return response

    def signal(
        self,
        kind: str,
        value: float | bool | str | None = None,
        *,
        response: str | None = None,
        belief: str | None = None,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        context: Context | None = None,
        id: str | None = None,
        at: datetime | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Outcome:
        """Record what the user did, trace it, interpret it and revise beliefs, in one transaction.

        With `dry_run` the outcome is worked out and nothing is written. Raises `UnknownSignalKindError` and
        `DuplicateIdError`.
        """
        check_flag("dry_run", dry_run)
        event = self._signal(
            kind=kind,
            value=value,
            response=response,
            belief=belief,
            text=text,
            tags=tags,
            context=context,
            id=id,
            at=at,
        )
        return self._outcome(event, idempotency_key, dry_run=dry_run)

    def onboard(
        self, answers: Mapping[str, str | None] | None = None, *, bank: Bank | Path | str | None = None
    ) -> Onboarding:
        """Record answers to questions of a bank, if any, and return the question to ask next, if one is worth asking.

        `answers` maps ids of questions to ids of answers, None where the question was skipped; with none, nothing is
        written. `bank` is a YAML file, or a `Bank`; None: the one that ships, for an AI assistant. Where a user stands
        is read off her ledger, so that another process goes on where one stopped. Raises `InvalidInputError` naming
        the question and what would be right, and then nothing is written.
        """
        return onboard(self._pipeline, self._scope, load_bank(bank), {} if answers is None else answers)

    def retract(self, signal_id: str, *, reason: str | None = None, dry_run: bool = False) -> Outcome:
        """Take a signal's influence back, as if it had never come. The record stays.

        With `dry_run` the outcome is worked out and nothing is written.
        """
        check_identifier("signal_id", signal_id)
        check_flag("dry_run", dry_run)
        return self._outcome(self._event(RetractEvent, signal=signal_id, reason=reason), dry_run=dry_run)

    def what_if(
        self,
        kind: str | None = None,
        value: float | bool | str | None = None,
        *,
        without: str | None = None,
        response: str | None = None,
        belief: str | None = None,
        text: str | None = None,
        tags: Sequence[str] | None = None,
        context: Context | None = None,
    ) -> WhatIf:
        """Return what would be different had the signal `without` not come, or if one of this `kind` came now.

        The other arguments are those of `signal`. Nothing is written.
        """
        about: dict[str, Any] = {
            "response": response,
            "belief": belief,
            "text": text,
            "tags": tags,
            "context": context,
        }
        event: SignalEvent | RetractEvent
        if kind is None and without is None:
            raise InvalidInputError(
                "kind", "must be given, or without, which names the signal that had not come"
            )
        if without is None:
            event = self._signal(kind=kind, value=value, **about)
        elif kind is None and value is None and all(given is None for given in about.values()):
            check_identifier("without", without)
            event = self._event(RetractEvent, signal=without)
        else:
            raise InvalidInputError("without", "must be given alone: it names the signal that had not come")
        return self._suppose(event)

    def amend(
        self,
        belief_id: str,
        *,
        confidence: float | None = None,
        statement: str | None = None,
        context: Context | None = None,
        retired: bool | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
        if_sequence: int | None = None,
    ) -> Belief:
        """Let a person change a belief: a signal of kind `set`, retractable like any.

        A confidence is a pin: it masks the evidence before it. A statement makes a successor, SPAWNED_FROM the old
        belief, which is superseded; the successor is returned. A context scopes the belief. `retired` takes it out of
        use or (False) back in. With `if_sequence` (see `sequence`) raises `ChangedMeanwhileError` if anything was
        written since.
        """
        check_identifier("belief_id", belief_id)
        tags = [SCOPED] if context is not None else []
        if retired is not None:
            check_flag("retired", retired)
            tags.append(RETIRED if retired else RESTORED)
        try:
            event = self._event(
                SignalEvent,
                kind="set",
                belief=belief_id,
                value=confidence,
                text=statement,
                tags=tags,
                context=context,
                note=reason,
            )
            return self._edit(event, idempotency_key, if_sequence)
        except DuplicateIdError:
            raise
        except InvalidInputError as error:
            raise error.renamed(_AMENDED.get(error.field, error.field)) from None

    def erase(self) -> Erasure:
        """Take away everything held on this user; the answer holds counts only."""
        return self._pipeline.erase(self._scope)

    def resolve(
        self,
        conflict_id: str,
        *,
        keep: str | None = None,
        scope: Mapping[str, Mapping[str, str]] | None = None,
        dismiss: bool = False,
        confirm: bool = False,
        undo: bool = False,
        reason: str | None = None,
    ) -> Conflict:
        """Decide one conflict or duplicate as a person; exactly one of the five.

        `keep`: this belief stands, the other is superseded (of duplicates, it takes in the other's evidence); `scope`:
        both are right, each in its context (conflicts only); `dismiss`: they do not conflict; `confirm`: they do;
        `undo`: as before the last decision. The conflict keeps `reason`; what changes about a belief is a revision that
        it causes. Raises `NotFoundError` and `InvalidInputError`.
        """
        check_identifier("conflict_id", conflict_id)
        if reason is not None:
            check_text("reason", reason)
        for context in (scope or {}).values():
            check_context("scope", context)
        resolution = Resolution(
            conflict_id=ConflictId(conflict_id),
            keep=None if keep is None else BeliefId(keep),
            scope={BeliefId(id): dict(context) for id, context in (scope or {}).items()},
            dismiss=dismiss,
            confirm=confirm,
            undo=undo,
            why=reason,
        )
        return self._resolve(resolution)

    def resolve_conflicts(self, *, dry_run: bool = False) -> list[Decision]:
        """Merge what surely says the same, decide every conflict that can be decided, and ask about the rest.

        Confirmed conflicts are decided by what was said, when and where. Run again, it decides nothing more, and asks
        the same. With `dry_run` nothing is written.
        """
        return self._pipeline.resolve_all(self._scope, dry_run=dry_run)

    # Between the lines

    def _event(self, event: type[E], /, **fields: Any) -> E:
        return make_event(event, user=self.user_id, **fields)

    def _signal(self, *, tags: Sequence[str] | None, **fields: Any) -> SignalEvent:
        if tags is not None and (isinstance(tags, str | bytes) or not isinstance(tags, Sequence)):
            raise InvalidInputError("tags", "must be a list of tags")
        return self._event(SignalEvent, tags=None if tags is None else list(tags), **fields)

    def _apply(self, event: Event, key: str | None, **how: Any) -> Result:
        if key is not None:
            check_identifier("idempotency_key", key)
        id = None if key is None else derived_id(event.type[0], "idempotency_key", key)
        try:
            return self._pipeline.apply(self._scope, event, id=id, **how)
        except DuplicateIdError as error:
            if error.id != id:
                raise
            raise DuplicateIdError(error.what, error.id, by_key=True) from None

    def _edit(self, event: SignalEvent, key: str | None, if_sequence: int | None) -> Belief:
        outcome = self._outcome(event, key, if_seq=if_sequence)
        assert event.belief is not None
        return outcome.spawned[0] if outcome.spawned else self.belief(event.belief)

    def _suppose(self, event: SignalEvent | RetractEvent) -> WhatIf:
        outcome, nodes = self._pipeline.suppose(self._scope, event)
        return what_if(outcome, nodes, self._now_us())

    def _resolve(self, resolution: Resolution) -> Conflict:
        return to_conflict(self._pipeline.resolve(self._scope, resolution))

    def _outcome(self, event: Event, key: str | None = None, **how: Any) -> Outcome:
        outcome = self._apply(event, key, **how)
        assert isinstance(outcome, Outcome)
        return outcome
