"""What the service answers about provenance and change: the forms of a provenance, differences, suppositions."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model

from beliefgraph.graph import model
from beliefgraph.queries import diff, provenance, timeline, what_if
from beliefgraph.queries.provenance import Provenance
from beliefgraph.wire.describe import Said, Worked, envelope
from beliefgraph.wire.records import record

Format = Literal["node-link", "prov", "timeline", "prose", "records"]
_LEFT_OUT = (int, Said("How many older changes (of a belief) or signals (of a response) are not here.", 0))
_CURSOR = (str | None, Said("Ask with it for what is left out; null when nothing is.", "41"))
_THEN, _LATER = "2026-03-01T12:00:00+00:00", "2026-03-08T12:00:00+00:00"

Graph = envelope(
    "Graph",
    "A graph in the node-link JSON of networkx: a provenance, or all beliefs of a user with the edges between them.",
    directed=(bool, Said("Always true.", True)),
    multigraph=(bool, Said("Always true.", True)),
    graph=(
        dict[str, JsonValue],
        Said(
            "Of a provenance: what was asked about (`root`, the id of a node), `at` when it was read, how many older "
            "changes are `left_out`, and the `cursor` that asks for them.",
            {"root": "belief:b1", "at": _THEN, "left_out": 0, "cursor": None},
        ),
    ),
    nodes=(
        list[dict[str, JsonValue]],
        Said(
            "Nodes: `id` (`belief:…`, `revision:…`, `signal:…`, `response:…`), `type`, what is known of it; where all "
            "are beliefs, their ids, statements, confidences and standings.",
            [{"id": "belief:b1", "type": "belief", "statement": "wants runnable examples"}],
        ),
    ),
    edges=(
        list[dict[str, JsonValue]],
        Said(
            "Edges from `source` to `target`, with a `type`: REVISES, CAUSED_BY, ABOUT, GENERATED_BY, OBSERVED_IN, "
            "SPAWNED_FROM, CONTRADICTS, DUPLICATES.",
            [{"source": "signal:s1", "target": "response:r1", "type": "ABOUT", "key": 0}],
        ),
    ),
)
_RECORDS = {
    "entity": "Beliefs, their versions (`revision:…`), signals and responses.",
    "activity": "Changes: what made a version of a belief.",
    "agent": "The user, whoever edits, your product, beliefgraph.",
    "wasGeneratedBy": "Which change made which version.",
    "used": "Which signal a change rests on.",
    "wasDerivedFrom": "A version from the one before it, a response from beliefs, a belief from what it grew out of.",
    "wasAttributedTo": "Who gave a signal, who produced a response.",
    "wasAssociatedWith": "Who carried out a change.",
    "specializationOf": "Which belief a version is one of.",
    "wasInfluencedBy": "What a signal is about, and which beliefs contradict each other or say the same.",
}
_PREFIXES = {"bg": "urn:beliefgraph:", "belief": "urn:beliefgraph:belief:"}
ProvDocument = create_model(
    "ProvDocument",
    __config__=ConfigDict(frozen=True),
    __doc__="A provenance as a W3C PROV document in PROV-JSON; kinds of records that there are none of are left out.",
    prefix=(dict[str, str], Field(description="Prefixes of the names used.", examples=[_PREFIXES])),
    **{  # type: ignore[call-overload] # one field for each kind of record
        name: (dict[str, dict[str, JsonValue]], Field(default_factory=dict, description=said, examples=[{}]))
        for name, said in _RECORDS.items()
    },
)
TimelineEvent = record(
    timeline.TimelineEvent,
    at=Said("When it was recorded.", _THEN),
    what=Said("What it was; `change` is one of a belief.", "signal"),
    id=Said("The id of the signal, response or conflict, or the number of the revision.", "s1"),
    text=Said("What happened, in words.", "she gave rating -1 on response r1 (signal s1)"),
)


def _list_of(item: Any) -> Any:
    return list[item]


Timeline = envelope(
    "Timeline",
    "A provenance as what happened, oldest first.",
    events=(_list_of(TimelineEvent), Said("What happened.")),
    left_out=_LEFT_OUT,
    cursor=_CURSOR,
)
Story = envelope(
    "Story",
    "A provenance in plain words.",
    text=(str, Said("The story, line by line.", "“wants runnable examples”: we are 86 % sure …")),
    left_out=_LEFT_OUT,
    cursor=_CURSOR,
)
Link = record(
    model.Link,
    kind=Said("Whether they cannot both be true, or say the same.", "contradicts"),
    low=Said("The belief whose id comes first.", "b1"),
    high=Said("The other belief.", "b2"),
    strength=Said("The probability that it is so.", 0.93),
    detector=Said("Who said so: the name of a model, or `person`.", "relation"),
    reason=Said("What it rests on, or how it was decided.", "relation"),
)
Records = record(
    provenance.Provenance,
    root_kind=Said("What was asked about.", "belief"),
    root_id=Said("The id of what was asked about.", "b1"),
    at=Said("When it was read.", _THEN),
    beliefs=Said("Every belief that is named, as it stood then, by its id."),
    origins=Said("What each of them was spawned from, where that is here too.", {"b1": ["signal:s1"]}),
    responses=Said("Every response that is named, by its id."),
    signals=Said("Every signal that is named, with what it was taken for, by its id."),
    revisions=Said("The changes, oldest first."),
    evidence=Said("The numbers of the changes that left evidence.", [7]),
    links=Said("Contradictions and duplicates of the beliefs in question."),
    prior=Said("The base rate of the belief asked about; null for a signal or a response."),
    left_out=_LEFT_OUT[1],
    cursor=_CURSOR[1],
)
AnyForm: Any = Graph | ProvDocument | Timeline | Story | Records
"""The model of a provenance in whatever form was asked for."""


def shown(found: Provenance, form: Format) -> dict[str, Any] | BaseModel:
    """Return a provenance in the form that was asked for."""
    cut = {"left_out": found.left_out, "cursor": found.cursor}
    match form:
        case "node-link":
            return found.node_link()
        case "prov":
            return ProvDocument(**found.prov())
        case "timeline":
            return {"events": list(found.timeline()), **cut}
        case "prose":
            return {"text": str(found), **cut}
        case "records":
            return Records.model_validate(found)


Difference = record(
    diff.Difference,
    what=Said(
        "`added`; `gone` (superseded or retired since); `back` (in use again); `moved`.",
        "moved",
    ),
    before=Said("The belief as it stood at the start; null when it was not there yet."),
    after=Said("The belief as it stood at the end."),
    causes=Said("Its latest revisions in between, oldest first; none: it only faded."),
    left_out=Said("How many revisions lie before these.", 0),
)
Diff = record(
    diff.Diff,
    worked={"prose": Worked(str, Said("The same in plain words.", "What changed between …"), str)},
    start=Said("The start.", _THEN),
    end=Said("The end.", _LATER),
    differences=Said("The beliefs that came, then went, then came back, then moved, most moved first."),
    left_out=Said("How many differences lie beyond the limit.", 0),
)
Shift = record(
    what_if.Shift, now=Said("The belief as it stands now."), supposed=Said("The belief as it would stand.")
)
WhatIf = record(
    what_if.WhatIf,
    worked={
        "prose": Worked(str, Said("The same in plain words.", "“wants runnable examples” would be at …"), str)
    },
    shifts=Said("Every belief that would stand otherwise, the one moved most first."),
    spawned=Said("The beliefs that would be made."),
    conflicts=Said("The conflicts that would come up."),
)
