"""The audit of a product's own log read aloud, for a product manager. Wording only; the numbers come with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from beliefgraph.queries.audit_prose import UNITS, aligned, cut, shown_share
from beliefgraph.queries.funnels import UNNAMED

if TYPE_CHECKING:
    from beliefgraph.queries.log_audit import EventProspect, LogAudit, LogRefusal, Prospect

_SHOWN = 20
_SHOWN_WORDS = 8
_TIME = "2026-01-31T12:00:00Z"
_ENTRIES = {
    "value": "Say what number it stands for: --value {option}, or in the map's file, under [values], {key} = NUMBER",
    "tags": 'Say which of these reasons it is, in the map\'s file, under [tags]: {key} = "REASON"',
}
"""How the map can read a word that the door does not know."""
_REMEDIES = {
    "no_user": (
        "carry no user id",
        "Send the id of the user with the event{user}.",
    ),
    "refused": (
        "would be refused at the door",
        "Say what their words stand for in the map, or mend the events:",
    ),
    "no_response_id": (
        "carry no response id",
        "Send the id of the response that the user saw with the event{response}.",
    ),
    "no_responses": (
        "name a response, but there is none in this log",
        "Log each response, with its id and user, when it is made, and add those rows here.",
    ),
    "other_user": (
        "name a response of another user",
        "Use one user id for a person throughout: it often changes at sign-in, or from one system to the next.",
    ),
    "unknown_response": (
        "name a response that never appears in the log",
        "Log each response under the id that signals name. Ids that never appear: {missing:,} ({missing_examples}).",
    ),
}


def log_prose(audit: LogAudit) -> str:
    """Return the account: what was read, what would reach the model, what is missing, and tables."""
    return "\n".join([*_summary(audit), *_lost(audit), *_remarks(audit), *_tables(audit)])


def _summary(audit: LogAudit) -> Iterable[str]:
    total = audit.total
    parts = {
        "of responses": audit.response_rows,
        "of signals": total.received,
        "of events that are not known here": sum(audit.unknown.values()),
        "left out": audit.left_out,
        "that cannot be read": audit.unreadable,
    }
    shown = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
    yield f"Rows: {audit.rows:,} ({shown or 'none'})."
    if audit.absent:
        yield f"The map names columns that no row has: {', '.join(audit.absent)}."
    if total.share is None:
        yield "There is no signal among them."
        return
    yield (
        f"{total.reaching:,} of {total.received:,} signals ({shown_share(total.share)}) would reach the model, "
        "once each response is recorded with the beliefs that generated it."
    )
    if audit.orphans:
        shown = _some(audit.orphan_examples, audit.orphans)
        yield f"Users none of whose signals would: {audit.orphans:,} of {audit.users:,} ({shown})."


def _some(shown: Sequence[str], count: int) -> str:
    return ", ".join(shown) + (", …" if count > len(shown) else "")


def _lost(audit: LogAudit) -> Iterable[str]:
    if not audit.total.reasons:
        return
    yield ""
    yield f"Lost on the way: {sum(audit.total.reasons.values()):,}. What to add, to close the loop:"
    for reason, count in audit.total.reasons.items():
        what, remedy = _REMEDIES[reason]
        yield f"{count:>7,}  {what} ({_events_with(audit, reason)}), such as {_some(audit.examples[reason], count)}"
        yield f"         {remedy.format(**_particulars(audit))}"
        if reason == "refused":
            for refusal in audit.refusals[:_SHOWN]:
                yield from _refusal(refusal)


def _refusal(refusal: LogRefusal) -> Iterable[str]:
    where = _some(refusal.examples, refusal.count)
    yield f"         {refusal.count:,} × {refusal.field}: {refusal.expected} ({where})"
    if refusal.words:
        word, *_ = refusal.words
        shown = [f"“{each}” {count:,}" for each, count in list(refusal.words.items())[:_SHOWN_WORDS]]
        yield f"             Found: {_some(shown, len(refusal.words))}"
        entry = _ENTRIES.get(refusal.field, "")
        option, key = quote(f"{word}=NUMBER"), json.dumps(word, ensure_ascii=False)
        if entry:
            yield f"             {entry.format(option=option, key=key)}"


def _particulars(audit: LogAudit) -> dict[str, Any]:
    return {
        "user": _column(audit, "user"),
        "response": _column(audit, "response") or "; no column holds one yet",
        "missing": audit.missing_responses,
        "missing_examples": _some(audit.missing_examples, audit.missing_responses),
    }


def _column(audit: LogAudit, field: str) -> str:
    return f" (column {audit.columns[field][0]})" if field in audit.columns else ""


def _events_with(audit: LogAudit, reason: str) -> str:
    counts = {event: found.prospect.reasons.get(reason, 0) for event, found in audit.events.items()}
    return _listed(counts)


def _listed(counts: Mapping[str, int]) -> str:
    held = sorted(
        ((count, name) for name, count in counts.items() if count), key=lambda each: (-each[0], each[1])
    )
    return _some([f"{name} {count:,}" for count, name in held[:_SHOWN]], len(held))


def _remarks(audit: LogAudit) -> Iterable[str]:
    if audit.unreadable:
        yield ""
        yield "Rows that cannot be read, and are not counted as signals; mend the export:"
        for place, why in audit.unread_examples:
            yield f"         {place} {cut(why)}"
        if audit.unreadable > len(audit.unread_examples):
            yield "         …"
    strange = {event: count for event, count in audit.unknown.items() if event != UNNAMED}
    if strange:
        yield ""
        yield "Events that are not known here; say which kind of signal each is, or leave it out (--kind EVENT=-):"
        yield f"         {_listed(strange)}"
    said = {event: found.texts for event, found in audit.events.items()}
    if sum(said.values()):
        read = {event: found.texts_read for event, found in audit.events.items()}
        unread = {event: said[event] - read[event] for event in said}
        yield ""
        yield f"Texts: {sum(said.values()):,}. Read for what they say of the user: {_listed(read) or 'none'}."
        if sum(unread.values()):
            yield f"Not read, because their signal is lost or its kind says nothing in words: {_listed(unread)}."
    for remark in _notes(audit):
        yield ""
        yield remark


def _notes(audit: LogAudit) -> Iterable[str]:
    nameless = audit.unknown.get(UNNAMED, 0)
    if nameless:
        where = _some(audit.nameless_examples, nameless)
        yield (
            f"Rows that do not say which event they are: {nameless:,}, such as {where}{_column(audit, 'kind')}. "
            "They are not counted as signals."
        )
    if audit.unnamed_responses:
        yield (
            f"Responses without an id or a user: {audit.unnamed_responses:,}. No signal can be traced to them."
        )
    if audit.mistimed_responses:
        where = _some(audit.mistimed_examples, audit.mistimed_responses)
        yield (
            f"Responses that would be refused for their time: {audit.mistimed_responses:,}, such as {where}. "
            f"No signal can be traced to them; the time must be as in {_TIME}, and not in the future."
        )
    if audit.naive:
        yield (
            f"Times without a timezone: {audit.naive:,}. "
            "They are taken for UTC here, but must be sent with one."
        )
    if audit.total.received and "at" not in audit.columns:
        yield (
            "No column holds the time of a signal, so each would count as given when it is sent; "
            "--map at=COLUMN names it."
        )
    elif audit.undated:
        yield (
            f"Signals without a time: {audit.undated:,}, such as {_some(audit.undated_examples, audit.undated)}. "
            f"Each would count as given when it is sent; say when it was, as in {_TIME}"
            f"{_column(audit, 'at')}."
        )


def _tables(audit: LogAudit) -> Iterable[str]:
    if not audit.events:
        return
    head = ("by event", "is", "received", "understood", "would reach", "share", "moves at most")
    rows = [_event_row(event, found) for event, found in list(audit.events.items())[:_SHOWN]]
    yield ""
    yield from aligned([head, *rows])
    yield "“Moves at most”: what one such signal adds to, or takes from, a belief of 50 % alone behind a response."
    if set(audit.sources) != {UNNAMED}:
        yield ""
        yield from _table("by source", audit.sources)
    if len(audit.periods) > 1:
        yield ""
        yield from _table(f"by {UNITS[audit.per]}", audit.periods)


def _event_row(event: str, found: EventProspect) -> tuple[str, ...]:
    moves = f"{100 * found.moves:.0f} points" if found.moves else "by its text" if found.speaks else "–"
    return (event, found.kind, *_cells(found.prospect), moves)


def _table(head: str, prospects: Mapping[str, Prospect]) -> Iterable[str]:
    rows = [(name, *_cells(found)) for name, found in list(prospects.items())[-_SHOWN:]]
    yield from aligned([(head, "received", "understood", "would reach", "share"), *rows])
    if len(prospects) > _SHOWN:
        yield f"and {len(prospects) - _SHOWN:,} before these"


def _cells(found: Prospect) -> tuple[str, ...]:
    counts = (found.received, found.understood, found.reaching)
    return (*(f"{count:,}" for count in counts), shown_share(found.share))
