"""An explanation read aloud, for someone who is not an engineer. Wording only; the numbers come from explain.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beliefgraph.graph.glance import LIKELY
from beliefgraph.graph.ledger import OUT_OF_USE
from beliefgraph.graph.model import SAID, kept_by
from beliefgraph.queries.contributions import terms_of

if TYPE_CHECKING:
    from beliefgraph.graph.ids import BeliefId
    from beliefgraph.graph.model import Belief, Conflict
    from beliefgraph.graph.prior import Prior
    from beliefgraph.queries.contributions import Change, Contribution
    from beliefgraph.queries.explain import Explanation, Move

_SHOWN = 6
_NEGLIGIBLE = 0.005
_THUMBS = "(Thumbs count so on days of their own, from somebody who does not give the same to everything.)"
STANDING = {
    "held": "It is held.",
    "contested": "It is contested: much speaks for it and much against it, so it is not used until she is asked.",
    "tentative": "It is tentative: seen in one place only, unused until it is seen in another or she says so herself.",
    "superseded": "Something else has taken its place, so it is no longer used.",
    "retired": "It is retired and no longer used.",
}
_SAID = {
    "source:stated": "she said so",
    "source:corrected": "she said so, correcting us",
    "source:inferred": "it was read off something she wrote",
    "source:observed": "it was observed",
    "source:imported": "it was imported",
}

_WORDS = {"confirm": "she confirmed it", "deny": "she denied it", "correction": "she corrected it"}

_DECIDED = {
    "contexts": "what speaks for them comes from contexts that never meet",
    "stated": "it was said, the other only inferred",
    "newer": "it was said later",
    "stronger": "far more speaks for it",
    "duplicates": "they say the same",
}


def percent(probability: float) -> str:
    """Return a probability as people read it.

    >>> percent(0.874), percent(0.999), percent(1.0)
    ('87 %', '99.9 %', '100 %')
    """
    whole = 0.01 <= probability <= 0.99 or probability in (0.0, 1.0)
    return f"{100 * probability:.{0 if whole else 1}f} %"


def explanation_prose(explanation: Explanation) -> str:
    """Return a paragraph and a list that a product manager understands."""
    belief = explanation.belief
    lines = [f"“{belief.statement}”: {outcome(belief)}"]
    if explanation.heir is not None:
        lines.append(_merged(explanation.heir))
    if explanation.parent is not None:
        lines.append(f"It grew out of “{explanation.parent.statement}”.")
    if belief.context:
        scope = ", ".join(f"{key} is {value}" for key, value in belief.context.items())
        lines.append(f"It holds where {scope}.")
    lines.append(
        "Where that comes from, in nats (+ speaks for it, − against; about 0.7 doubles or halves the odds):"
    )
    lines.append(f"  {explanation.base_nats:+.2f}  {base_rate(explanation.prior)}")
    lines += [f"  {line}" for line in _contribution_lines(explanation)]
    lines += [_changed(change) for change in explanation.changes]
    against = [found for found in explanation.conflicts if _weighs(found)]
    if abs(explanation.conflict_nats) >= _NEGLIGIBLE:
        named = "; ".join(f"“{other.statement}” ({percent(other.confidence)})" for _, other in against)
        lines.append(f"  {explanation.conflict_nats:+.2f}  it contradicts {named}")
    lines.append(f"  {explanation.log_odds:+.2f}  together, which is {percent(belief.confidence)}")
    lines += [_conflict(conflict, other, belief) for conflict, other in explanation.conflicts]
    moves = [sentence for move in explanation.would_change if (sentence := _move(move))]
    if moves:
        side = "below" if explanation.log_odds >= 0 else "above"
        lines.append(f"What would bring it {side} 50 %: {', or '.join(moves)}.")
    if any("response" in sentence for sentence in moves):
        lines.append(_THUMBS)
    return "\n".join(lines)


def outcome(belief: Belief) -> str:
    """Say how sure we are and what follows; of what is no longer used, how sure its own evidence would make us."""
    sure = percent(belief.confidence)
    if belief.standing in OUT_OF_USE:
        return f"{STANDING[belief.standing]} Its own evidence alone would make us {sure} sure of it."
    return f"we are {sure} sure that this is true of her now. {STANDING[belief.standing]}"


def _merged(heir: Belief) -> str:
    """Say where a belief lives on that was merged into another one."""
    gone = heir.standing in OUT_OF_USE
    now = "That one is no longer used either." if gone else f"We are {percent(heir.confidence)} sure of it."
    return f"It was merged into “{heir.statement}” ({heir.id}): what speaks for either counts there. {now}"


def base_rate(prior: Prior) -> str:
    """Say what a base rate rests on, after “from”."""
    if prior.users == 0:
        return "the base rate of beliefs of this kind"
    counted = f"the base rate among {prior.users:,} consenting users"
    return f"{counted}, with {prior.own:+.2f} for how such beliefs do with her" if prior.own else counted


def _weighs(found: tuple[Conflict, Belief]) -> bool:
    conflict, other = found
    return conflict.status == "confirmed" and other.standing not in OUT_OF_USE


def _conflict(conflict: Conflict, other: Belief, belief: Belief) -> str:
    """Say what stands between two beliefs, who says so, and what has come of it."""
    rival = f"“{other.statement}”"
    said = "a person said so" if conflict.detector == "person" else f"{percent(conflict.strength)} sure"
    day = conflict.recorded_at.date().isoformat()
    if conflict.status == "suspected":
        doubt = f"It may contradict {rival} ({said}): too doubtful to move either; a person can decide."
        return f"{doubt}{_meanwhile(conflict, other, belief)}"
    if conflict.status == "dismissed":
        return f"It does not contradict {rival}: {conflict.reason}, {day}."
    if conflict.status == "resolved":
        return f"It contradicted {rival}, decided on {day}: {_decided(conflict, belief.id)}."
    if not _weighs((conflict, other)):
        return f"It contradicts {rival} ({said}), which is no longer used, so nothing is taken off for it."
    return (
        f"It contradicts {rival} ({said}): both cannot be true, so each lowers the other, the surer one more."
        f"{_meanwhile(conflict, other, belief)}"
    )


def _meanwhile(conflict: Conflict, *beliefs: Belief) -> str:
    """Say which of two beliefs is used while nobody has decided whether they contradict each other."""
    if any(belief.standing in OUT_OF_USE for belief in beliefs):
        return ""
    until = " Until then" if conflict.status == "suspected" else " Until a person or the conflict job decides"
    said = all(belief.source in SAID for belief in beliefs)
    if said and conflict.strength >= LIKELY:
        return f"{until}, where both bear on an answer, the one that she said later is used."
    if conflict.status == "confirmed":
        return f"{until}, the surer of the two is used, if it is sure enough."
    return f"{until} both may be used."


def _decided(conflict: Conflict, belief_id: BeliefId) -> str:
    reason, kept = kept_by(conflict.reason)
    why = _DECIDED.get(reason, reason)
    if kept is None:
        return f"each holds in its own context ({why})"
    return f"this one stands ({why})" if kept == belief_id else f"the other stands ({why})"


def _changed(change: Change) -> str:
    since = change.since.date().isoformat()
    left = f"what was inferred before weighs {percent(change.kept)} of what it did"
    return f"  Since {since} what she does speaks {change.speaks} it: that looks like a change, and {left}."


def _contribution_lines(explanation: Explanation) -> list[str]:
    contributions = explanation.contributions
    lines = [f"{each.term:+.2f}  {_account(each)}" for each in contributions[:_SHOWN]]
    rest = contributions[_SHOWN:]
    if rest:
        listed = contributions[_SHOWN : len(contributions) - explanation.signals_left_out]
        habits = sum(bool(each.signals) and each.signals[-1][1].reason == "habit" for each in listed)
        known = (
            f", {habits} of a kind that she gives to almost everything, so they say little" if habits else ""
        )
        lines.append(f"{sum(terms_of(rest)):+.2f}  {len(rest)} smaller contributions{known}")
    return lines


def _account(each: Contribution) -> str:
    day = each.observed_at.date().isoformat()
    if each.source == "response":
        done = ", ".join(_signal(signal.kind, signal.value) for signal, _ in each.signals) or "signals"
        why = _why(each.signals[-1][1].reason) if each.signals else "unknown"
        return f"{done} on response {each.about}, {day} ({why}){_faded(each)}{_practised(each)}"
    if each.source == "word":
        return f"{_worded(each)}, {day}{_faded(each)}"
    if each.source.startswith("answer:"):
        return f"{_answered(each)}, {day}{_faded(each)}"
    if each.source == "pin":
        return f"a person set its confidence, {day}{_faded(each)}"
    return f"{_SAID.get(each.source, each.source)}, {day}{_faded(each)}"


def _worded(each: Contribution) -> str:
    """Say what she did about the belief itself, and what she put in its place."""
    if not each.signals:
        return _WORDS["confirm"]
    signal = each.signals[-1][0]
    if signal.kind == "correction" and signal.text:
        return f"{_WORDS['correction']}: “{signal.text}”"
    return _WORDS.get(signal.kind, "she rated it")


def _why(reason: str) -> str:
    habit = "she gives that to almost everything, so it says little"
    return habit if reason == "habit" else reason.replace("_", " ")


def _answered(each: Contribution) -> str:
    """Say what she was asked and what she answered."""
    if not each.signals:
        return "she answered a question"
    signal = each.signals[-1][0]
    question = "a question" if signal.note is None else f"“{signal.note}”"
    return f"asked {question}, she answered “{signal.text}”"


def _signal(kind: str, value: float | None) -> str:
    return kind if value is None else f"{kind} {value:g}"


def _faded(each: Contribution) -> str:
    return "" if each.weight > 0.99 else f"; {percent(each.weight)} of {each.nats:+.2f} is left"


def _practised(each: Contribution) -> str:
    """Say which part of a contribution is there because she did it once more, whatever came of it."""
    return f"; {each.practice:+.2f} of it for having practised once more" if each.practice else ""


def _move(move: Move) -> str:
    if move.times is None:
        return ""
    return f"{move.times} × {move.by}" if move.times > 1 else f"one {move.by}"
