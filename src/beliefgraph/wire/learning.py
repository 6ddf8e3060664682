"""About learning: the audit of the loop, the curve, and what is worth asking. Models as in records.py."""

from beliefgraph import curve, onboarding, stages
from beliefgraph.queries import audit, funnels
from beliefgraph.wire.describe import Said, Worked, envelope
from beliefgraph.wire.records import record

_MARCH = "2026-03-01T12:00:00Z"
_PROSE = Said("The same account in plain words.", "3 signals were received, 2 of them moved a belief. …")

# The audit

Funnel = record(
    funnels.Funnel,
    received=Said("Signals received; those that `moved` a belief and those of `reasons` add up to it.", 120),
    traced=Said("Of these, traced to a response or a belief.", 110),
    interpreted=Said("Of these, interpreted as about a belief.", 100),
    moved=Said("Of these, moved one.", 90),
    used=Said("Of these, moved one that stood behind a later response.", 60),
    lost=Said("Signals that stopped because the loop is open: something is to be mended.", 10),
    closed=Said("The share of the signals that moved a belief; null where none was received.", 0.75),
    reasons=Said("Why signals stopped, and how many each.", {"no_belief": 10, "saturated": 20}),
)
Stopped = record(
    audit.Stopped,
    reason=Said("Why it moved no belief.", "no_belief"),
    signal=Said("The id of the signal.", "s1"),
    kind=Said("What the user did.", "rating"),
    source=Said("Where in the product it came from.", "chat"),
    response=Said("The response that it is about, if any.", "r1"),
    belief=Said("The belief that it is about, if any.", "b1"),
    at=Said("When it was observed.", _MARCH),
    place=Said("Of a signal refused on import: the file and the line.", "rejects.jsonl:3"),
    detail=Said("Of a signal refused on import: what is wrong with it.", "value: is required"),
)
Refusal = record(
    audit.Refusal,
    field=Said("The field at fault.", "value"),
    expected=Said("What would be right.", "is required"),
    count=Said("How many signals were refused for it.", 4),
)
Audit = record(
    audit.Audit,
    worked={
        "ok": Worked(bool, Said("Whether no signal is lost on the way.", True), lambda found: found.ok),
        "text": Worked(str, _PROSE, str),
    },
    per=Said("The length of the periods.", "week"),
    users=Said("How many users the signals come from.", 40),
    total=Said("All signals."),
    kinds=Said("By kind of signal."),
    sources=Said("By source: what a signal's context, else its response's attributes, have under that name."),
    flows=Said("By kind, and within it by source."),
    periods=Said("By the first day of the period (UTC) in which the user did it."),
    examples=Said("The first signals of each reason."),
    refusals=Said("Faults of signals refused on import, the most frequent first."),
    unreadable=Said("Lines refused on import that cannot be read at all.", 0),
    no_signals=Said("Lines refused on import that are no signals.", 0),
    came_since=Said("Signals refused on import that are recorded by now.", 0),
)

# The curve

Estimate = record(
    stages.Estimate,
    value=Said("The number; null where there is too little to tell.", 0.61),
    low=Said("The lower end of its 95 % interval; null where there is too little to tell.", 0.58),
    high=Said("The upper end.", 0.64),
)
WayScores = record(
    stages.WayScores,
    log_loss=Said("Log loss in nats: lower is better."),
    gain=Said("The share of the reference's log loss that this way avoids."),
    brier=Said("Brier score: lower is better."),
    ece=Said("Expected calibration error, in 15 bins of equal width."),
)
Stage = record(
    stages.Stage,
    first=Said("The first interaction of each user that counts here.", 6),
    last=Said("The last; null: and all later ones.", 20),
    users=Said("How many users got that far.", 40),
    interactions=Said("How many interactions these are.", 510),
    foreseen=Said("The self-model's mean probability of a good signal.", 0.71),
    came=Said("The share that was good."),
    scores=Said("How well each way foresaw them: `self_model`, `without_learning` and seven others."),
    best=Said("The best of the other ways.", "user_mean"),
    lead=Said("By how much the log loss of the self-model is below that of `best`."),
)
Curve = record(
    curve.Curve,
    worked={
        "line": Worked(
            tuple[Stage, ...],  # type: ignore[valid-type]
            Said("Finer stages, for a picture."),
            lambda found: found.line,
        ),
        "text": Worked(str, Said("The same as a plain table.", "Log loss of what was foreseen: …"), str),
    },
    user_id=Said("Whose curve it is; null: that of all users.", "ada"),
    users=Said("How many users.", 40),
    interactions=Said("Responses with a signal that turned out good or bad.", 2000),
    since=Said("The first of these signals.", _MARCH),
    until=Said("The last of these signals.", _MARCH),
    at_least=Said("Users with fewer interactions are left out.", 1),
    reference=Said("The way that `gain` compares with.", "population_mean"),
    stages=Said("The stages of a table, from the first interactions on."),
    parameters_version=Said("The version of the parameters that it was worked out with.", "2026-03"),
    rejected=Said("Lines of a log that could not be applied; 0 for a store.", 0),
)

# What is worth asking

AnswerChoice = record(
    onboarding.AnswerChoice,
    id=Said("Send this as the answer.", "short"),
    text=Said("Show this to the user.", "Short: just the answer"),
)
OpenQuestion = record(
    onboarding.OpenQuestion,
    id=Said("The id of the question.", "length"),
    text=Said("Show this to the user.", "How long should answers be?"),
    answers=Said("The answers that may be given."),
    gain_nats=Said("What an answer is expected to tell about what is served, in nats.", 0.21),
)
Onboarding = record(
    onboarding.Onboarding,
    bank=Said("The bank of questions.", "assistant"),
    question=Said("The question to ask next; null when none is worth asking now."),
    stopped=Said(
        "Why there is none: `settled` (no answer would change what is served by enough) or `asked` (each was answered "
        "or skipped lately).",
        "settled",
    ),
    answered=Said("The answer to each question that counts now.", {"length": "short"}),
    skipped=Said("The questions that were passed over last.", ["tone"]),
    outcomes=Said("What each answer of this request did; none for one that had been given before."),
)
Consent = envelope(
    "Consent",
    "Whether what turned out true of a user may count among many users.",
    consents=(bool | None, Said("Her latest word; null: she was never asked.", True)),
)
