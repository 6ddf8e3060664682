"""Provenance told as a story: what happened, in order, a line each. Wording only; the records are provenance.py's."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.model import Belief, Interpretation, Link, Response, Revision, Signal
from beliefgraph.queries.prose import base_rate, outcome, percent

if TYPE_CHECKING:
    from beliefgraph.queries.provenance import Provenance

_LONGEST = 160
_MENTIONED = 0.1
_DID = {"confirm": "she confirmed", "deny": "she denied"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """Something that happened: when it was recorded, what it was, the id of its record, and a line that tells it.

    `what` is `response`, `signal`, `change` (of a belief, by the number of its revision), `retraction` (of a signal)
    or `conflict` (an edge between two beliefs, as it stands).
    """

    at: datetime
    what: Literal["response", "signal", "change", "retraction", "conflict"]
    id: str
    text: str


def timeline(found: "Provenance") -> tuple[TimelineEvent, ...]:
    """Return what happened, oldest first."""
    return tuple(event for _, event in sorted(_events(found), key=lambda placed: (placed[1].at, placed[0])))


def story(found: "Provenance") -> str:
    """Return the events under a heading that says what they led to."""
    heads = {"belief": _of_belief, "signal": _of_signal, "response": _of_response}
    lines = list(heads[found.root_kind](found))
    if found.left_out:
        left = "earlier changes are" if found.root_kind == "belief" else "earlier signals are"
        lines.append(f"{found.left_out:,} {left} left out here.")
    lines += [f"  {event.at:%Y-%m-%d %H:%M}  {event.text}" for event in timeline(found)]
    return "\n".join(lines)


def _events(found: "Provenance") -> Iterator[tuple[float, TimelineEvent]]:
    """Yield events, each with its place among those of the same moment."""
    for response in found.responses.values():
        text = _answered(found, response)
        yield response.seq, TimelineEvent(at=response.recorded_at, what="response", id=response.id, text=text)
    for signal, read in found.signals.values():
        text = _sent(found, signal, read)
        yield signal.seq, TimelineEvent(at=signal.recorded_at, what="signal", id=signal.id, text=text)
        if signal.retracted_at is not None:
            why = "" if signal.retraction_note is None else f", because {quoted(signal.retraction_note)}"
            text = f"signal {signal.id} was taken back{why}"
            place = _first_taken_back(found, signal)
            yield place, TimelineEvent(at=signal.retracted_at, what="retraction", id=signal.id, text=text)
    for revision in found.revisions:
        text, id = _changed(found, revision), str(revision.seq)
        yield revision.seq, TimelineEvent(at=revision.recorded_at, what="change", id=id, text=text)
    for link in found.links:
        text = _disputed(found, link)
        yield link.seq, TimelineEvent(at=link.recorded_at, what="conflict", id=link.id, text=text)


def _first_taken_back(found: "Provenance", signal: Signal) -> float:
    """Return the place just before what a retraction moved."""
    moved = (r.seq for r in found.revisions if r.cause_kind == "retraction" and r.cause_id == signal.id)
    return min(moved, default=math.inf) - 0.5


def _of_belief(found: "Provenance") -> Iterator[str]:
    belief = found.beliefs[BeliefId(found.root_id)]
    yield f"{quoted(belief.statement)}: {outcome(belief)}"
    parents = [found.beliefs[BeliefId(id)] for kind, id in _origins(found, belief) if kind == "belief"]
    if parents:
        yield f"It grew out of {quoted(parents[0].statement)}."
    if found.prior is not None:
        yield f"It started from {base_rate(found.prior)}. How it came to this:"


def _origins(found: "Provenance", belief: Belief) -> Iterator[tuple[str, str]]:
    for origin in found.origins[belief.id]:
        kind, _, id = origin.partition(":")
        yield kind, id


def _of_signal(found: "Provenance") -> Iterator[str]:
    moved = dict.fromkeys(revision.belief_id for revision in found.revisions)
    if not moved:
        yield f"Signal {found.root_id} moved no belief."
        return
    yield f"Signal {found.root_id} touched {len(moved)} belief{'s' if len(moved) > 1 else ''}, now:"
    for belief in (found.beliefs[belief_id] for belief_id in moved):
        yield f"  {quoted(belief.statement)}, {percent(belief.confidence)}, {belief.standing}"
    yield "What happened:"


def _of_response(found: "Provenance") -> Iterator[str]:
    (response,) = found.responses.values()
    if not response.generated_by:
        yield f"No belief is behind response {response.id}."
        return
    yield f"Response {response.id} rested on:"
    for edge in response.generated_by:
        belief = found.beliefs[edge.belief_id]
        then = "" if edge.confidence_then is None else f"{percent(edge.confidence_then)} sure then, "
        share = "" if edge.weight is None else f" ({percent(edge.weight)} of it)"
        now = f"{percent(belief.confidence)} now, {belief.standing}"
        yield f"  {quoted(belief.statement)}{share}: {then}{now}"
    yield "What happened:"


def _answered(found: "Provenance", response: Response) -> str:
    behind = [
        f"{_statement(found, edge.belief_id)}"
        + ("" if edge.confidence_then is None else f" ({percent(edge.confidence_then)})")
        for edge in response.generated_by
    ]
    rested = f", resting on {'; '.join(behind)}" if behind else ""
    return f"the product answered {quoted(response.text)} (response {response.id}){rested}"


def _sent(found: "Provenance", signal: Signal, read: Interpretation) -> str:
    """Say what she did, or a person changed, and what it was taken for."""
    about = "" if signal.response_id is None else f" on response {signal.response_id}"
    if signal.belief_id is not None:
        about = f" {_statement(found, signal.belief_id)}"
    if signal.kind == "set":
        return f"a person edited{about}: {_edit(signal)}"
    value = "" if signal.value is None else f" {signal.value:g}"
    gave = f"she gave {signal.kind.replace('_', ' ')}{value}" + (
        " on" if signal.belief_id is not None else ""
    )
    did = _DID.get(signal.kind, gave)
    tags = "".join(f" #{tag}" for tag in signal.tags)
    said = "" if signal.text is None else f": {quoted(signal.text)}"
    return f"{did}{about}{tags}{said} (signal {signal.id}){_taken(signal, read)}"


def _edit(signal: Signal) -> str:
    parts = [] if signal.value is None else [f"confidence {percent(signal.value)}"]
    parts += [] if signal.text is None else [f"reworded to {quoted(signal.text)}"]
    parts += [tag.replace("_", " ") for tag in signal.tags]
    why = "" if signal.note is None else f", because {quoted(signal.note)}"
    return f"{', '.join(parts)}{why} (signal {signal.id})"


def _taken(signal: Signal, read: Interpretation) -> str:
    if signal.response_id is None:
        return ""
    likely = sorted(read.causes.items(), key=lambda cause: -cause[1])
    named = [f"{cause.replace('_', ' ')} {percent(share)}" for cause, share in likely if share >= _MENTIONED]
    return f", taken for {', '.join(named)}" if named else ""


def _changed(found: "Provenance", revision: Revision) -> str:
    statement = _statement(found, revision.belief_id)
    before, after = percent(revision.before), percent(revision.after)
    because = why(revision)
    if revision.ordinal == 1:
        return f"{statement} came to be held, at {after}{because}"
    if revision.action == "retire":
        return f"{statement} went out of use, at {after}{because}"
    verbs = {"reinforce": "rose", "reduce": "fell", "contest": "became contested, going"}
    verb = verbs.get(revision.action)
    return (
        f"{statement} stayed at {after}{because}"
        if verb is None
        else f"{statement} {verb} from {before} to {after}{because}"
    )


def why(revision: Revision) -> str:
    """Return, in brackets, what a revision weighed and its reason."""
    weighed = f"{revision.nats:+.2f} nats" if revision.nats else ""
    reason = "a conflict" if revision.reason == "conflict" else revision.reason.replace("_", " ")
    by = " taken back" if revision.cause_kind == "retraction" and revision.reason != "retracted" else ""
    return f" ({', '.join(part for part in (weighed, reason + by) if part)})"


def _disputed(found: "Provenance", link: Link) -> str:
    both = f"{_statement(found, link.low)} and {_statement(found, link.high)}"
    say = "contradict each other" if link.kind == "contradicts" else "say the same"
    by = "a person" if link.detector == "person" else f"{link.detector}, {percent(link.strength)} sure"
    return f"{both} {say}: {link.status} ({link.reason}; by {by})"


def _statement(found: "Provenance", belief_id: BeliefId) -> str:
    return quoted(found.beliefs[belief_id].statement)


def quoted(text: str) -> str:
    r"""Return a text in quotation marks, on one line and not longer than a reader's patience.

    >>> quoted("two\nlines")
    '“two lines”'
    """
    line = " ".join(text.split())
    return f"“{line if len(line) <= _LONGEST else line[: _LONGEST - 1] + '…'}”"
