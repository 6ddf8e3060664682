"""What the service answers: the records of the library under the same names, every field described with an example.

To show one more record, describe it here: its types are taken from the record. What callers send is in api/bodies.py.
"""

from typing import Any, Literal

from beliefgraph.graph import model
from beliefgraph.graph.prior import Prior as PriorRecord
from beliefgraph.graph.store import Erasure as ErasureCounts
from beliefgraph.ingest.verdicts import Decision as JobDecision
from beliefgraph.queries import explain, personalize, trace
from beliefgraph.queries.contributions import Change as ChangeRecord
from beliefgraph.queries.contributions import Contribution as ContributionRecord
from beliefgraph.wire.describe import Dictionary, Model, Said, Worked, envelope

_THEN, _LATER = "2026-03-01T12:00:00Z", "2026-03-02T08:30:00Z"
_STATEMENT = "API documentation should include runnable examples"

WORDS = {
    "id": Said("The id: yours, or a fresh one that sorts by time.", "b1"),
    "user_id": Said("Your id of the user.", "ada"),
    "seq": Said("Its number in the user's sequence.", 7),
    "user": Said("Your id of the user.", "ada"),
    "statement": Said("What is believed of the user, in words.", _STATEMENT),
    "confidence": Said("Our probability that it is true of the user, from .001 to .999.", 0.87),
    "support": Said("The evidence for it, in nats; the base rate is not counted.", 2.04),
    "opposition": Said("The evidence against it, in nats (0 or more).", 0.0),
    "standing": Said(
        "`held`; `contested` (much for and much against it, or stated against inferred); `tentative` (seen in one "
        "place only, in a comment); `superseded`; `retired`.",
        "held",
    ),
    "source": Said("Where it comes from.", "stated"),
    "kind": Said("What kind of belief it is; it decides how fast the evidence fades.", "preference"),
    "context": Said(
        "The circumstances: in which it holds, or in which it was observed.", {"device": "mobile"}
    ),
    "created_at": Said("When it was first said or observed.", _THEN),
    "revised_at": Said("When its confidence last changed.", _LATER),
    "spawned_from": Said("The belief and the signal that it was made from, if any.", ["s1"]),
    "belief_id": Said("The id of the belief.", "b1"),
    "response_id": Said("The response that it is about, if any.", "r1"),
    "signal_id": Said("The id of the signal.", "s1"),
    "weight": Said("How much of the response rests on the belief, in (0, 1].", 1.0),
    "adherence": Said("The probability that the response honours the belief.", 0.8),
    "confidence_then": Said("The belief's confidence when the response was recorded.", 0.87),
    "text": Said("The text.", "There is no example in it"),
    "attributes": Said("What you attached to it: any JSON object.", {"model": "m-1"}),
    "observed_at": Said("When it happened; evidence ages from it.", _THEN),
    "recorded_at": Said("When it was recorded; `as_of` goes by it.", _THEN),
    "tags": Said("Reason chips.", ["too_general"]),
    "action": Said("What was done about it.", "reinforce"),
    "nats": Said("The change of the evidence, in nats (+ speaks for the belief, − against it).", 0.14),
    "delta": Said("The change of the confidence.", 0.01),
    "reason": Said("Why.", "response_missed"),
    "status": Said("`suspected` (moves nothing), `confirmed`, `resolved` or `dismissed`.", "suspected"),
    "relevance": Said(
        "How much nearer the statement is to the query than common questions are, with what its kin pass on; not the "
        "cosine.",
        0.32,
    ),
    "beliefs": Said("The beliefs."),
    "signals": Said("The signals, each with what it was taken for, oldest first."),
    "conflicts": Said("Conflicts with other beliefs."),
    "at": Said("When it happened; now unless given. With a timezone, at most five minutes ahead.", _THEN),
}

dictionary = Dictionary(WORDS)
record = dictionary.record

# Beliefs, responses, signals

Belief = record(model.Belief)
GeneratedBy = record(model.GeneratedBy)
Habit = record(
    model.Habit,
    regardless=Said("The probability that the user gives this kind of signal whatever she thinks.", 0.97),
    good=Said("How often it is a good one then.", 0.03),
)
Tally = record(
    model.Tally,
    good=Said("How many signals were good, each by its strength.", 0.0),
    bad=Said("How many were bad, each by its strength.", 1.0),
    nats=Said("The logarithm of how likely they were if she answers to what she gets.", -0.6),
)
Response = record(
    model.Response,
    also=("seq",),
    id=Said("The id: yours, or a fresh one that sorts by time.", "r1"),
    text=Said("What the product answered.", "Pass the cursor back."),
    generated_by=Said("The beliefs behind it, with the edge to each."),
    habits=Said("Kinds of signals that the user gave whatever she thinks, as known then; mostly none.", {}),
)
Signal = record(
    model.Signal,
    also=("seq",),
    id=Said("The id: yours, or a fresh one that sorts by time.", "s1"),
    kind=Said("What the user did.", "rating"),
    value=Said("How; the meaning depends on the kind.", -1.0),
    text=Said("What the user said with it.", "There is no example in it"),
    belief_id=Said("The belief that it is about, if any.", "b1"),
    retracted_at=Said("When it was taken back, if it was.", _LATER),
    note=Said("Why a person made this edit, in their words.", "she called us"),
    retraction_note=Said("Why it was taken back, in their words.", "sent by a test"),
)
Effect = record(model.Effect)
TextReading = record(
    model.TextReading,
    about=Said("The probability that the text is about this belief.", 0.9),
    equivalent=Said("That it says the same.", 0.05),
    entails=Said("That the belief follows from it.", 0.6),
    contradiction=Said("That it contradicts the belief.", 0.02),
)
Interpretation = record(
    model.Interpretation,
    causes=Said(
        "What the signal was taken for: probabilities that sum to 1.",
        {
            "belief_wrong": 0.01,
            "response_missed": 0.6,
            "form": 0.12,
            "other_fault": 0.2,
            "accident": 0.05,
            "satisfied": 0.02,
        },
    ),
    action=Said("What was done about the belief that moved most; `hold` when none did.", "reinforce"),
    delta=Said("The change of that belief's confidence.", 0.01),
    reason=Said("Why; `no_belief` when there was none to move.", "response_missed"),
    effects=Said("What was done about each belief touched."),
    readings=Said("What its text says about beliefs, as probabilities."),
    tally=Said("What it adds to the counts that show whether she gives such signals whatever she thinks."),
)
Revision = record(
    model.Revision,
    also=("ordinal",),
    id=Said("The id of the revision.", "v_1"),
    ordinal=Said("Which change of this belief it is, from 1.", 2),
    before=Said("The confidence before.", 0.86),
    after=Said("The confidence after.", 0.87),
    cause_kind=Said("What caused it.", "signal"),
    cause_id=Said("The id of what caused it.", "s1"),
    parameters_version=Said("The version of the parameters that it was worked out with.", "2026-03"),
)
Conflict = record(
    model.Conflict,
    id=Said("The id that this pair of beliefs always has.", "c_0f1e2d3c4b5a69788796a5b4"),
    beliefs=Said("The two beliefs.", ["b1", "b2"]),
    strength=Said("The probability that they cannot both be true.", 0.93),
    detector=Said("Who said so: the name of a model, or `person`.", "relation"),
    reason=Said("What it rests on, or how it was decided.", "relation"),
    recorded_at=Said("When it got this status.", _LATER),
)
Outcome = record(
    model.Outcome,
    signal=Said("The signal as recorded."),
    interpretation=Said("What it was taken for, and what was done about it."),
    revisions=Said("Every change of a confidence that it caused."),
    spawned=Said("The beliefs that its text became."),
    conflicts=Said("The conflicts that came up with it."),
)

# Choosing and asking

Choice = record(
    personalize.Choice,
    belief=Said("The belief considered."),
    weight=Said("Its share of the response: pass it on with the belief's id. 0 when withheld.", 1.0),
    reason=Said("`relevant` when used, else why it is withheld.", "relevant"),
)
Personalization = record(
    personalize.Personalization,
    worked={
        "prompt": Worked(
            str,
            Said(
                "A block for your system prompt, with honest certainty; statements in it are quoted as data.",
                f'What is known about the user. …\n- the user has said: "{_STATEMENT}"',
            ),
            lambda plan: plan.prompt(),
        )
    },
    query=Said("What it was chosen for.", "How do I paginate the API?"),
    used=Said("The beliefs to use, heaviest first."),
    withheld=Said("The beliefs not to use, each with its reason."),
    question=Said("A question worth asking the user, if any.", "Is this true of you: “Prefers Python”?"),
    question_about=Said("The beliefs that the question is about.", ["b2"]),
    question_nats=Said("What it promises to tell about what is served, in nats.", 0.21),
)
TracedBelief = record(
    trace.TracedBelief,
    edge=Said("How the response rests on it."),
    then=Said("The belief as it stood when the response was recorded."),
    now=Said("The belief as it stands now (or at `as_of`)."),
)
Trace = record(trace.Trace, response=Said("The response."), beliefs=Said("The beliefs that generated it."))
Contribution = record(
    ContributionRecord,
    source=Said("`response`, `word`, `pin`, or `source:…` for a statement.", "response"),
    about=Said("The response, or the signal or belief that said it.", "r1"),
    nats=Said("The evidence when it came, in nats.", 0.14),
    weight=Said("What fading and later evidence have left of it, in (0, 1].", 0.97),
    term=Said("What it counts now: `nats` times `weight`, and `practice`.", 0.136),
    observed_at=Said("When it was observed.", _THEN),
    signals=Said("The signals beneath it, each with what it was taken for."),
    practice=Said("The part of `term` that having practised once more adds, whatever came of it.", 0.0),
)
Move = record(
    explain.Move,
    by=Said("The kind of evidence.", "thumbs-down"),
    nats=Said("What one is worth when it comes, in nats.", -0.9),
    times=Said("How many of them it takes; null when no number would do.", 3),
)
Prior = record(
    PriorRecord,
    log_odds=Said("The base rate, as log-odds.", 0.0),
    users=Said("Among how many consenting users it was counted; 0: it is the parameters'.", 0),
    own=Said("The part of it that comes from the user's other beliefs, in nats.", 0.0),
)
Change = record(
    ChangeRecord,
    since=Said("When the run of evidence began that speaks the other way.", _THEN),
    speaks=Said("Whether it speaks `for` the belief or `against` it.", "against"),
    nats=Said("How much it speaks, in nats.", 3.1),
    kept=Said("What is left of the weight of everything inferred before, in (0, 1).", 0.33),
)
Explanation = record(
    explain.Explanation,
    worked={
        "prose": Worked(
            str, Said("The same account in plain words.", f"“{_STATEMENT}”: we are 88 % sure …"), str
        )
    },
    belief=Said("The belief."),
    base_nats=Said("The base rate of beliefs of this kind and source, as log-odds.", 0.0),
    prior=Said("What the base rate rests on."),
    contributions=Said("Every item of evidence, heaviest first; with the rest they add up to `log_odds`."),
    conflict_nats=Said("What conflicts with other beliefs take off.", 0.0),
    log_odds=Said("The log-odds of the confidence.", 1.9),
    conflicts=Said("Its conflicts, each with the other belief."),
    parent=Said("The belief that it was made from, if any."),
    would_change=Said("What would take the confidence across one half."),
    signals_left_out=Said("Of how many contributions, the lightest, the signals are not listed.", 0),
    changes=Said("Changes of mind that make what was inferred before count less, the latest first."),
    heir=Said("The belief that it was merged into and lives on in, if it was."),
)
Decision = record(
    JobDecision,
    conflict_id=Said("The conflict or the pair of duplicates.", "c_0f1e2d3c4b5a69788796a5b4"),
    beliefs=Said("The two beliefs.", ["b1", "b2"]),
    verdict=Said("`keep` one, `scope` both, `merge` two that say the same, or `ask` a person.", "keep"),
    reason=Said("Why.", "newer"),
    keep=Said("The belief that stands.", "b2"),
    scope=Said("The context of each, where both are right.", {}),
)
Erasure = record(
    ErasureCounts,
    beliefs=Said("Beliefs erased.", 12),
    responses=Said("Responses erased.", 40),
    signals=Said("Signals erased.", 31),
    revisions=Said("Revisions erased.", 87),
    links=Said("Versions of edges between beliefs erased.", 2),
)

# Answers that wrap records

Prediction = envelope(
    "Prediction",
    "How a response would be received.",
    probability=(float, Said("The probability that it satisfies.", 0.81)),
)


def _list_of(item: Any) -> Any:
    return list[item]


def page_of(item: Any, name: str) -> Model:
    """Return the model of a page of a list."""
    plural = f"{name.lower()}s"
    return envelope(
        f"{name}Page",
        f"A part of a list of {plural}.",
        items=(_list_of(item), Said(f"The {plural} of this page.", ["ada"] if item is str else None)),
        cursor=(str | None, Said("Ask with it for the next page; null at the end.", "41")),
    )


BeliefPage = page_of(Belief, "Belief")
ResponsePage = page_of(Response, "Response")
SignalPage = page_of(Signal, "Signal")
RevisionPage = page_of(Revision, "Revision")
ConflictPage = page_of(Conflict, "Conflict")
UserPage = page_of(str, "User")
Health = envelope(
    "Health", "Whether the service can answer.", status=(str, Said("`live` or `ready`.", "ready"))
)
Version = envelope("Version", "What is running.", version=(str, Said("The version of the package.", "0.1.0")))

_NULL = "; null otherwise."
EventResult = envelope(
    "EventResult",
    "What became of one line of a batch.",
    line=(int, Said("The number of the line, or the place in the array, from 1.", 3)),
    status=(Literal["applied", "rejected"], Said("Whether it was applied.", "applied")),
    type=(str | None, Said(f"The type of the event, if it was applied{_NULL}", "signal")),
    user=(str | None, Said(f"The user, if it was applied{_NULL}", "ada")),
    id=(str | None, Said(f"The id of the record, if it was applied{_NULL}", "s1")),
    action=(str | None, Said(f"What was done about a signal, if it was one{_NULL}", "reduce")),
    field=(str | None, Said(f"The field at fault, if it was rejected{_NULL}", "value")),
    reason=(str | None, Said(f"What would be right, if it was rejected{_NULL}", "must be from -1 to 1")),
)
BatchReport = envelope(
    "BatchReport",
    "What became of a batch.",
    applied=(dict[str, int], Said("How many events were applied, by type.", {"signal": 3})),
    rejected=(int, Said("How many lines were rejected.", 0)),
    stopped=(bool, Said("Whether it stopped at the first rejected line (`strict`).", False)),
    results=(_list_of(EventResult), Said("A result for each line that is not blank, in their order.")),
)
