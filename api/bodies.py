"""What callers send: the events of the library without the user, who stands in the address; no other fields."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.model import GeneratedBy, Kind
from beliefgraph.ingest.events import (
    MAX_SPOKEN,
    BeliefEvent,
    Confidence,
    Context,
    Identifier,
    Moment,
    ResponseEvent,
    RetractEvent,
    SignalEvent,
    Text,
)
from beliefgraph.ingest.resolution import one_way_only
from beliefgraph.wire.describe import Said
from beliefgraph.wire.records import dictionary

_ADDRESSED = ("user", "type")


def _own_id(example: str) -> Said:
    meaning = "An id of your own: the same request again changes nothing. A fresh one unless given."
    return Said(meaning, example)


def _showing(*fields: str) -> Any:
    """Let a whole example hold these fields alone: those left out exclude one of them, or are seldom given."""

    def show(schema: dict[str, Any]) -> None:
        schema["examples"] = [{name: schema["properties"][name]["examples"][0] for name in fields}]

    return ConfigDict(json_schema_extra=show)


class Body(BaseModel):
    """A request body: nothing but its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Nothing(Body):
    """A body that says nothing: what there is to say stands in the address."""


@dictionary.body(
    BeliefEvent,
    without=_ADDRESSED,
    id=_own_id("b1"),
    confidence=Said("Our probability that it is true; the usual one of its source unless given.", 0.87),
)
class NewBelief(Body):
    """A belief to hold."""


@dictionary.body(
    SignalEvent,
    without=(*_ADDRESSED, "note", "speaks"),
    id=_own_id("s1"),
    kind=Said(
        "What the user did: `rating`, `stars`, `accept`, `edit`, `correction`, `statement`, …", "rating"
    ),
    value=Said("How, as the kind wants it: a rating from −1 to 1, stars from 1 to 5, seconds, …", -1),
    response=Said("The response that it is about.", "r1"),
    belief=Said("The belief that it is about; not together with a response.", "b1"),
    text=Said("What the user said with it.", "There is no example in it"),
)
class NewSignal(Body):
    """What the user did: about a response, about a belief, or on its own."""

    model_config = _showing("id", "kind", "value", "response", "text", "tags", "context", "at")


@dictionary.body(
    RetractEvent,
    without=(*_ADDRESSED, "at", "signal"),
    reason=Said("Why it is taken back, in your words.", "sent by a test"),
)
class Retraction(Body):
    """Why a signal is taken back."""


@dictionary.body(
    SignalEvent,
    without=(*_ADDRESSED, "note", "speaks", "id", "at", "kind"),
    value=Said("How, as the kind wants it.", -1),
    response=Said("The response that it is about.", "r1"),
    belief=Said("The belief that it is about; not together with a response.", "b1"),
    text=Said("What the user said with it.", "There is no example in it"),
)
class Supposition(Body):
    """A signal that came now, or the one that had not come: exactly one of `kind` (with the rest) and `without`."""

    model_config = _showing("kind", "value", "response", "text")
    kind: Annotated[
        str | None, Field(min_length=1, max_length=100, description="What the user did.", examples=["rating"])
    ] = None
    without: Annotated[
        Identifier | None, Field(description="The signal that had not come.", examples=["s1"])
    ] = None


class Premise(Body):
    """A belief behind a response."""

    belief_id: Annotated[Identifier, Field(description="The id of the belief.", examples=["b1"])]
    weight: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            strict=True,
            description="How much rests on it; equal shares unless given.",
            examples=[1.0],
        ),
    ] = None
    adherence: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            strict=True,
            description="The probability that the response honours it.",
            examples=[0.9],
        ),
    ] = None


def _by_id(given: Any) -> Any:
    return {"belief_id": given} if isinstance(given, str) else given


_Premises = Annotated[
    list[Annotated[Premise, BeforeValidator(_by_id, json_schema_input_type=Identifier | Premise)]],
    Field(max_length=1000),
]


def edges(premises: list[Premise]) -> list[GeneratedBy]:
    """Return the edges to what a response rests on."""
    return [
        GeneratedBy(belief_id=BeliefId(one.belief_id), weight=one.weight, adherence=one.adherence)
        for one in premises
    ]


@dictionary.body(
    ResponseEvent,
    without=(*_ADDRESSED, "beliefs"),
    id=_own_id("r1"),
    text=Said("What the product answered.", "Pass the cursor back."),
)
class NewResponse(Body):
    """A response that the product gave, and the beliefs behind it."""

    beliefs: Annotated[
        _Premises,
        Field(
            description="The beliefs behind it: ids, or objects with a weight and an adherence. Of a personalization, "
            "`belief.id` and `weight` of each in `used`.",
            examples=[[{"belief_id": "b1", "weight": 1.0}]],
        ),
    ] = Field(default_factory=list)


class Amendment(Body):
    """A person's change of a belief, with provenance; at least one of its fields."""

    model_config = _showing("confidence", "context", "reason")
    confidence: Annotated[
        Confidence | None,
        Field(description="Pins the confidence: masks the evidence before it.", examples=[0.95]),
    ] = None
    statement: Annotated[
        Text | None,
        Field(
            description="A better wording: makes a successor, which is answered.",
            examples=["Documentation of an API should include runnable examples"],
        ),
    ] = None
    context: Annotated[
        Context | None,
        Field(description="The circumstances in which it holds.", examples=[{"place": "work"}]),
    ] = None
    retired: Annotated[
        bool | None,
        Field(strict=True, description="Takes it out of use, or (false) back in.", examples=[False]),
    ] = None
    reason: Annotated[Text | None, Field(description="Why, in words.", examples=["she called us"])] = None


class Query(Body):
    """What the next response is for."""

    model_config = _showing("query", "context", "limit", "max_chars")
    query: Annotated[Text, Field(description="What the user asks.", examples=["How do I paginate the API?"])]
    context: Annotated[
        Context, Field(description="The circumstances now.", examples=[{"device": "mobile"}])
    ] = Field(default_factory=dict)
    limit: Annotated[
        int | None, Field(ge=1, le=1000, strict=True, description="At most so many beliefs.", examples=[5])
    ] = None
    max_chars: Annotated[
        int | None,
        Field(
            ge=1,
            le=1_000_000,
            strict=True,
            description="At most so many characters in `prompt`.",
            examples=[2000],
        ),
    ] = None
    as_of: Annotated[
        Moment | None,
        Field(description="As it stood then; the same as the parameter.", examples=["2026-03-01T12:00:00Z"]),
    ] = None


class Premises(Body):
    """What a response would rest on."""

    model_config = _showing("beliefs", "kind")
    beliefs: Annotated[
        _Premises, Field(description="The beliefs: ids, or objects with weights.", examples=[["b1"]])
    ]
    kind: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=100,
            description="Predict that a signal of this kind turns out good, instead of satisfaction.",
            examples=["rating"],
        ),
    ] = None
    as_of: Annotated[
        Moment | None,
        Field(description="As it stood then; the same as the parameter.", examples=["2026-03-01T12:00:00Z"]),
    ] = None


class Answers(Body):
    """Answers to questions of the bank that `/onboarding` asks from."""

    answers: Annotated[
        dict[Identifier, Identifier | None],
        Field(
            min_length=1,
            max_length=200,
            description="The id of the answer to each question, by the id of the question; null: it was skipped.",
            examples=[{"length": "short", "tone": None}],
        ),
    ]


class Resolution(Body):
    """A person's decision on a conflict or on duplicates: exactly one of the first five fields."""

    model_config = _showing("keep", "reason")
    keep: Annotated[
        Identifier | None,
        Field(
            description="This belief stands; the other is superseded, or merged into it if they say the same.",
            examples=["b1"],
        ),
    ] = None
    scope: Annotated[
        dict[Identifier, Context] | None,
        Field(
            max_length=2,
            description="Both are right, each in its context (conflicts only).",
            examples=[{"b1": {"place": "work"}, "b2": {"place": "home"}}],
        ),
    ] = None
    dismiss: Annotated[
        bool,
        Field(strict=True, description="They do not conflict, or are to be kept apart.", examples=[True]),
    ] = False
    confirm: Annotated[
        bool, Field(strict=True, description="They do conflict, or do say the same.", examples=[True])
    ] = False
    undo: Annotated[bool, Field(strict=True, description="As before the last decision.", examples=[True])] = (
        False
    )
    reason: Annotated[Text | None, Field(description="Why, in words.", examples=["she said so"])] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        chosen: list[Any] = [self.keep, self.scope, self.dismiss, self.confirm, self.undo]
        if sum(map(bool, chosen)) != 1:
            raise one_way_only()
        return self


# Lines of a batch: the events of the library as they are, described


class EventPremise(Body):
    """A belief behind a response, as events name it."""

    id: Annotated[Identifier, Field(description="The id of the belief.", examples=["b1"])]
    weight: Annotated[
        float | None,
        Field(gt=0, le=1, description="How much rests on it; equal shares unless given.", examples=[1.0]),
    ] = None
    adherence: Annotated[
        float | None,
        Field(ge=0, le=1, description="The probability that the response honours it.", examples=[0.9]),
    ] = None


class Spoken(Body):
    """A belief that an answer to a question speaks for (or, with a strength below one half, against)."""

    statement: Annotated[Text, Field(description="The statement.", examples=["Wants short answers"])]
    kind: Annotated[Kind, Field(description="Its kind.", examples=["preference"])] = "preference"
    strength: Annotated[
        Confidence, Field(description="How sure the answer makes us of an even chance.", examples=[0.9])
    ]


_TYPE = "The type of the event."


@dictionary.body(BeliefEvent, without=("type",), id=_own_id("b1"))
class BeliefLine(Body):
    """A belief is held."""

    type: Annotated[Literal["belief"], Field(description=_TYPE, examples=["belief"])]


@dictionary.body(ResponseEvent, without=("type", "beliefs"), id=_own_id("r1"))
class ResponseLine(Body):
    """A response was produced."""

    type: Annotated[Literal["response"], Field(description=_TYPE, examples=["response"])]
    beliefs: Annotated[list[EventPremise], Field(max_length=1000, description="The beliefs behind it.")] = (
        Field(default_factory=list)
    )


@dictionary.body(
    SignalEvent,
    without=("type", "speaks"),
    id=_own_id("s1"),
    kind=Said("What the user did.", "rating"),
    value=Said("How, as the kind wants it.", -1),
    response=Said("The response that it is about.", "r1"),
    belief=Said("The belief that it is about; not together with a response.", "b1"),
    note=Said("Why a person made this edit.", "she called us"),
)
class SignalLine(Body):
    """The user did something."""

    model_config = _showing(
        "type", "user", "id", "kind", "value", "response", "text", "tags", "context", "at"
    )
    type: Annotated[Literal["signal"], Field(description=_TYPE, examples=["signal"])]
    speaks: Annotated[
        list[Spoken], Field(max_length=MAX_SPOKEN, description="What an answer to a question speaks for.")
    ] = Field(default_factory=list)


@dictionary.body(
    RetractEvent,
    without=("type",),
    signal=Said("The id of the signal.", "s1"),
    reason=Said("Why it is taken back.", "sent by a test"),
)
class RetractLine(Body):
    """A signal's influence is taken back."""

    type: Annotated[Literal["retract"], Field(description=_TYPE, examples=["retract"])]


LINES = (BeliefLine, ResponseLine, SignalLine, RetractLine)
EVENTS: dict[str, Any] = {
    "type": "array",
    "items": {"oneOf": [{"$ref": f"#/components/schemas/{line.__name__}"} for line in LINES]},
}
"""The schema of an array of events."""
