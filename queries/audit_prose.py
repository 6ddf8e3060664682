"""An audit read aloud, for a product manager. Wording only; the numbers come from audit.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten
from typing import TYPE_CHECKING

from beliefgraph.queries.funnels import UNNAMED
from beliefgraph.queries.prose import percent

if TYPE_CHECKING:
    from beliefgraph.queries.audit import Audit
    from beliefgraph.queries.funnels import Funnel

_LOST = {
    "rejected": ("refused at the door", "mend the lines as said below and send them again"),
    "no_response": (
        "about a response that was never recorded",
        "record each response, with the same id, before its signals",
    ),
    "no_belief": ("about a belief that was never recorded", "send the id that `believe` gave"),
    "untraced": (
        "about no response and no belief",
        "send the id of the response with the signal",
    ),
    "no_beliefs_behind": (
        "about a response that no belief is behind",
        "say which beliefs generated it when it is recorded",
    ),
}
_HEARD = {
    "retracted": "taken back",
    "superseded": "replaced: a later signal of that kind on the same response, or a later word, counts",
    "accident": "most likely a slip",
    "form": "about the form of the answer",
    "other_fault": "about something else in the answer, not about her",
    "not_lasting": "a text that says nothing lasting about her",
    "no_evidence": "of a kind that is no evidence on a belief, such as consent or a question that was skipped",
    "tells_little": "telling too little, such as a rating in the middle",
    "spread": "shared among so many beliefs that none of them moved",
    "saturated": "telling what we were as sure of already",
}
UNITS = {"day": "day", "week": "week from", "month": "month from"}
_SHOWN_PERIODS = 12
_SHOWN_REFUSALS = 10
_SHOWN_GROUPS = 20


def audit_prose(audit: Audit) -> str:
    """Return the account: what closed the loop, what was lost and how to mend it, what was heard, and tables."""
    return "\n".join([*_summary(audit), *_reasons(audit), *_refusals(audit), *_tables(audit)])


def _summary(audit: Audit) -> Iterable[str]:
    total = audit.total
    if total.closed is None:
        yield "No signal was received."
        return
    yield (
        f"The loop is closed for {total.moved:,} of {total.received:,} signals ({shown_share(total.closed)}): "
        "they moved a belief, and the next answer starts from it."
    )
    yield (
        f"{total.used:,} of them moved a belief that stood behind a later answer, which is how a personalization shows."
    )


def _reasons(audit: Audit) -> Iterable[str]:
    reasons = audit.total.reasons
    if audit.total.lost:
        yield ""
        yield f"Lost on the way, because the loop is open there: {audit.total.lost:,}"
        for reason, (what, remedy) in _LOST.items():
            if reason in reasons:
                yield f"{reasons[reason]:>7,}  {what}: {remedy}"
                yield f"         {_instances(audit, reason)}"
    heard = audit.total.received - audit.total.moved - audit.total.lost
    if heard:
        yield ""
        yield f"Heard, but moved no belief: {heard:,}"
        yield from (f"{reasons[reason]:>7,}  {what}" for reason, what in _HEARD.items() if reason in reasons)


def _instances(audit: Audit, reason: str) -> str:
    shown = [
        f"{each.signal or each.place} of {each.user}" + (f" ({each.response})" if each.response else "")
        for each in audit.examples[reason]
    ]
    more = ", …" if audit.total.reasons[reason] > len(shown) else ""
    return f"such as {', '.join(shown)}{more}"


def _refusals(audit: Audit) -> Iterable[str]:
    if audit.refusals:
        yield ""
        yield "What was wrong with those refused at the door:"
        for refusal in audit.refusals[:_SHOWN_REFUSALS]:
            yield f"{refusal.count:>7,}  {refusal.field}: {cut(refusal.expected)}"
    for count, what in (
        (audit.unreadable, "lines that were kept are no JSON; they may have been signals"),
        (audit.no_signals, "lines that were kept are no signals, but beliefs, responses or retractions"),
        (audit.came_since, "lines that were kept are recorded by now; they are not counted twice"),
    ):
        if count:
            yield f"{count:>7,}  {what}"


def cut(text: str) -> str:
    """Return a text of one line's length, cut between words.

    >>> cut("must be among " + ", ".join(["too_long"] * 9))
    'must be among too_long, too_long, too_long, too_long, too_long, too_long, too_long, …'
    """
    return shorten(text, 90, placeholder=" …")


def _tables(audit: Audit) -> Iterable[str]:
    if not audit.kinds:
        return
    yield ""
    yield from funnel_table("by kind", audit.kinds)
    if set(audit.sources) != {UNNAMED}:
        yield ""
        yield from funnel_table("by source", audit.sources)
    if len(audit.periods) > 1:
        yield ""
        yield from funnel_table(f"by {UNITS[audit.per]}", audit.periods, last=_SHOWN_PERIODS)


def funnel_table(head: str, funnels: Mapping[str, Funnel], *, last: int | None = None) -> Iterable[str]:
    """Yield a table of funnels: of the first names, or of the `last` ones."""
    names = list(funnels)
    shown = names[-last:] if last is not None else names[:_SHOWN_GROUPS]
    rows = [_row(name, funnels[name]) for name in shown]
    yield from aligned([(head, "received", "traced", "about a belief", "moved one", "used", "closed"), *rows])
    if len(names) > len(shown):
        yield f"and {len(names) - len(shown):,} more"


def _row(name: str, funnel: Funnel) -> Sequence[str]:
    counts = (funnel.received, funnel.traced, funnel.interpreted, funnel.moved, funnel.used)
    return (name, *(f"{count:,}" for count in counts), shown_share(funnel.closed))


def shown_share(share: float | None) -> str:
    """Return a share as a table has it."""
    return "–" if share is None else percent(share)


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Yield rows with the first column on the left and the others on the right."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for first, *others in rows:
        cells = [
            first.ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()
