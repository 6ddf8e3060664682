"""The audit of a store with what was refused at its door: the lines that `ingest --rejects` kept are judged again.

What became of stored signals is decided in queries/fates.py. Nothing is written.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from beliefgraph.graph.clock import from_us, to_us
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, UserId
from beliefgraph.graph.model import Signal
from beliefgraph.graph.store import Reader, Scope, scopes
from beliefgraph.ingest.events import SignalEvent, check_identifier, parse_event
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.pipeline import Pipeline
from beliefgraph.ingest.reader import MAX_LINE, Line, Unreadable, content_id
from beliefgraph.ingest.signals import check_signal, says_the_same
from beliefgraph.queries.audit import Audit, Auditor, Scrutiny, Stopped
from beliefgraph.queries.fates import AuditRules, Reason
from beliefgraph.queries.funnels import UNNAMED, named

_WINDOW = 1000
_UNKNOWN = "(unknown)"
_OTHER_TYPES = ("belief", "response", "retract")
_Fault = tuple[str, str]


def audit_store(
    pipeline: Pipeline,
    tenant: str,
    *,
    user_id: UserId | None = None,
    scrutiny: Scrutiny,
    rejects: Mapping[str, Iterable[Line]] | None = None,
    on_stopped: Callable[[Stopped], None] | None = None,
) -> Audit:
    """Say how far the signals of a tenant's users (or of one) came, and why those stopped that moved no belief.

    `rejects` maps names to the lines that ingestion refused. Holds one user's responses and signals at a time, without
    their texts.
    """
    auditor = Auditor(rules=audit_rules(pipeline.parameters), scrutiny=scrutiny, on_stopped=on_stopped)
    for scope in scopes(pipeline.store, tenant) if user_id is None else [Scope(tenant, user_id)]:
        auditor.add(scope, pipeline.store.read(scope, auditor.history))
    door = _Door(pipeline, tenant, auditor, user_id)
    for name, lines in (rejects or {}).items():
        door.judge(name, lines)
    return auditor.result()


def audit_rules(parameters: Parameters) -> AuditRules:
    """Return what the audit needs of the parameters."""
    kinds = parameters.signals
    return AuditRules(
        hold_delta=parameters.attribution.hold_delta,
        silent=frozenset(name for name, kind in kinds.items() if not kind.emits),
        spoken=frozenset(name for name, kind in kinds.items() if kind.text in ("correction", "statement")),
        alone=frozenset(name for name, kind in kinds.items() if kind.about == ["nothing"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A kept line that is, or was meant as, a signal: what it said, and the event or what is wrong with it."""

    place: str
    said: Mapping[str, Any]
    event: SignalEvent | None
    fault: _Fault | None

    @property
    def user(self) -> str:
        return _text(self.said.get("user")) or _UNKNOWN

    @property
    def id(self) -> str | None:
        given = self.said.get("id")
        if given is None and self.event is not None:
            return content_id(self.event)
        return given if _is_identifier(given) else None

    @property
    def at_us(self) -> int | None:
        return None if (moment := _moment(self.said.get("at"))) is None else to_us(moment)


class _Door:
    """Judges kept lines again: what is wrong with each, and whether its signal has come since."""

    def __init__(self, pipeline: Pipeline, tenant: str, auditor: Auditor, user_id: UserId | None) -> None:
        self._pipeline, self._tenant, self._auditor, self._user_id = pipeline, tenant, auditor, user_id
        self._seen: set[tuple[str, str]] = set()

    def judge(self, name: str, lines: Iterable[Line]) -> None:
        """Count every signal among the lines; one that is kept twice counts once."""
        numbered = iter(enumerate(lines, start=1))
        while window := list(islice(numbered, _WINDOW)):
            by_user: dict[str, list[_Refused]] = {}
            for number, line in window:
                refused = self._read(f"{name}:{number}", line)
                if refused is not None and not self._is_known(refused):
                    by_user.setdefault(refused.user, []).append(refused)
            for user, kept in by_user.items():
                self._judge_user(user, kept)

    def _read(self, place: str, line: Line) -> _Refused | None:
        if not isinstance(line, Unreadable) and not line.strip():
            return None
        said = _object(line)
        if said is None:
            self._auditor.unreadable += 1
        elif said.get("type") in _OTHER_TYPES or (said.get("type") != "signal" and "kind" not in said):
            self._auditor.no_signals += 1
        elif self._user_id is None or said.get("user") == self._user_id:
            assert not isinstance(line, Unreadable)
            event, fault = self._parse(line)
            return _Refused(place=place, said=said, event=event, fault=fault)
        return None

    def _parse(self, line: str | bytes) -> tuple[SignalEvent | None, _Fault | None]:
        try:
            event = parse_event(line)
            if not isinstance(event, SignalEvent):
                raise InvalidInputError("type", "must be given once")
            check_signal(event, self._pipeline.parameters)
        except InvalidInputError as error:
            return None, (error.field, error.expected)
        return event, None

    def _is_known(self, refused: _Refused) -> bool:
        if refused.id is None:
            return False
        key = (refused.user, refused.id)
        known = key in self._seen
        self._seen.add(key)
        return known

    def _judge_user(self, user: str, kept: list[_Refused]) -> None:
        """Look up, in one read, what the lines of a user name."""
        events = [refused.event for refused in kept if refused.event is not None]
        ids = [SignalId(refused.id) for refused in kept if refused.id is not None]
        named_responses = [id for refused in kept if isinstance(id := refused.said.get("response"), str)]
        responses = [ResponseId(id) for id in named_responses if _is_identifier(id)]
        beliefs = [BeliefId(event.belief) for event in events if event.belief is not None]

        def look(reader: Reader) -> tuple[dict[str, Signal], dict[str, Mapping[str, Any]], set[str]]:
            return (
                {signal.id: signal for signal, _ in reader.signals(ids)},
                {response.id: response.attributes for response in reader.responses(responses)},
                {node.id for node in reader.beliefs(beliefs)},
            )

        known = _is_identifier(user)
        signals, attributes, held = (
            self._pipeline.store.read(Scope(self._tenant, UserId(user)), look) if known else ({}, {}, set())
        )
        for refused in kept:
            recorded = None if refused.id is None else signals.get(refused.id)
            verdict = self._verdict(refused, recorded, attributes, held)
            if verdict is None:
                self._auditor.came_since += 1
            else:
                self._refuse(refused, attributes, *verdict)

    def _verdict(
        self,
        refused: _Refused,
        recorded: Signal | None,
        responses: Mapping[str, object],
        beliefs: set[str],
    ) -> tuple[Reason, _Fault] | None:
        """Return why a signal was refused; None: it is recorded by now, as it was or mended."""
        event = refused.event
        if event is None:
            assert refused.fault is not None
            return None if recorded is not None else ("rejected", refused.fault)
        if recorded is not None:
            value = check_signal(event, self._pipeline.parameters)
            taken = ("id", "is recorded already, with other content; choose a new id")
            return None if says_the_same(event, value, recorded) else ("rejected", taken)
        if event.response is not None and event.response not in responses:
            return "no_response", ("response", "must be one that was recorded before")
        if event.belief is not None and event.belief not in beliefs:
            return "no_belief", ("belief", "must be one that was recorded before")
        return "rejected", ("line", "would be applied now; send it again")

    def _refuse(
        self, refused: _Refused, attributes: Mapping[str, Mapping[str, Any]], reason: Reason, fault: _Fault
    ) -> None:
        said, at_us, key = refused.said, refused.at_us, self._auditor.scrutiny.source
        context = said.get("context")
        response = _text(said.get("response"))
        source = named(context.get(key)) if isinstance(context, dict) else None
        source = source or named(attributes.get(response or "", {}).get(key))
        self._auditor.refuse(
            Stopped(
                reason=reason,
                user=refused.user,
                signal=refused.id,
                kind=_text(said.get("kind")) or _UNKNOWN,
                source=source or UNNAMED,
                response=response,
                belief=_text(said.get("belief")),
                at=None if at_us is None else from_us(at_us).isoformat(),
                place=refused.place,
                detail=f"{fault[0]}: {fault[1]}",
            ),
            fault,
            at_us,
        )


def _object(line: Line) -> dict[str, Any] | None:
    if isinstance(line, Unreadable) or len(line) > MAX_LINE:
        return None
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _is_identifier(value: Any) -> bool:
    try:
        check_identifier("id", value)
    except InvalidInputError:
        return False
    return True


def _text(value: Any) -> str | None:
    """Return a short text as it can be written in UTF-8."""
    return value[:200].encode(errors="replace").decode() if isinstance(value, str) and value else None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
