"""What a caller may send, validated once: events of one user, from Python, JSON Lines or HTTP. No state here."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from beliefgraph.graph.clock import from_us
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ledger import MAX_CONFIDENCE, MIN_CONFIDENCE
from beliefgraph.graph.model import Kind, Source
from beliefgraph.ingest.validation import invalid_input

MAX_TEXT = 100_000
MAX_SPOKEN = 16
"""Beliefs that one answer may speak for."""
WORDS = ("positive", "negative")
"""What a value may be besides a number, true or false."""
_MAX_ATTRIBUTES = 100_000
_MAX_DEPTH = 100
"""Deeper than 200, pydantic does not read back what it wrote."""
_MAX_VALUE = 1e300
_AHEAD_US = 5 * 60 * 1_000_000


def _identifier(value: str) -> str:
    visible = value.isprintable() and " " not in value  # the one printable white space
    if not 1 <= len(value) <= 200 or not visible or "/" in value or value in (".", ".."):
        raise ValueError("must be 1 to 200 visible characters without '/', and not '.' or '..'")
    return value


def _not_blank(value: str) -> str:
    if not value.strip() or all(unicodedata.category(character) in ("Cc", "Cf", "Zs") for character in value):
        raise ValueError("must not be empty")
    return value


def _small_json(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    except ValueError:
        raise ValueError("must hold finite numbers only") from None
    if size > _MAX_ATTRIBUTES:
        raise ValueError(f"must be at most {_MAX_ATTRIBUTES} bytes as JSON")
    if _depth(value) > _MAX_DEPTH:
        raise ValueError(f"must be nested at most {_MAX_DEPTH} deep")
    return value


def _depth(value: JsonValue) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((1 + _depth(one) for one in inner), default=0)


def _word_or_number(value: Any) -> bool | float | None:
    """Let the thumbs of other products in: "positive" and "negative" are True and False."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value in WORDS:
        return value == "positive"
    if isinstance(value, int | float) and abs(value) <= _MAX_VALUE:
        return float(value)
    raise ValueError("must be a finite number, true or false, or 'positive' or 'negative'")


def _moment(value: Any) -> Any:
    """Let in what names a moment by itself; a bare number does not, nor does one that is written as a text."""
    if not isinstance(value, datetime) and not (isinstance(value, str) and ":" in value):
        raise ValueError("must be a time with a timezone, as in 2026-01-31T12:00:00Z")
    return value


def _within_years(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999") from None


_Value = bool | float | Literal["positive", "negative"] | None

_IDENTIFIERS: dict[str, JsonValue] = {"minLength": 1, "maxLength": 200, "pattern": r"^[^/\s]+$"}

Identifier = Annotated[str, Field(strict=True, json_schema_extra=_IDENTIFIERS), AfterValidator(_identifier)]
Text = Annotated[
    str,
    Field(min_length=1, max_length=MAX_TEXT, strict=True, json_schema_extra={"pattern": r"\S"}),
    AfterValidator(_not_blank),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment), AfterValidator(_within_years)]
Confidence = Annotated[float, Field(ge=MIN_CONFIDENCE, le=MAX_CONFIDENCE, strict=True)]
Short = Annotated[str, Field(min_length=1, max_length=200, strict=True)]
Context = Annotated[dict[Short, Short], Field(max_length=32)]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    user: Identifier
    at: Moment | None = None


class BeliefEvent(_Event):
    """A belief is held."""

    type: Literal["belief"] = "belief"
    id: Identifier | None = None
    statement: Text
    confidence: Confidence | None = None
    source: Source = "stated"
    kind: Kind = "preference"
    context: Context = Field(default_factory=dict)


class PremiseInput(BaseModel):
    """A belief behind a response, as a caller names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: Identifier
    weight: Annotated[float, Field(gt=0, le=1, strict=True)] | None = None
    adherence: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None


def _each_once(premises: list[PremiseInput]) -> list[PremiseInput]:
    if len({premise.id for premise in premises}) < len(premises):
        raise ValueError("must name each belief once")
    return premises


PremiseInputs = Annotated[list[PremiseInput], Field(max_length=1000), AfterValidator(_each_once)]


class ResponseEvent(_Event):
    """A response was produced."""

    type: Literal["response"] = "response"
    id: Identifier | None = None
    text: Text
    beliefs: PremiseInputs = Field(default_factory=list)
    attributes: Annotated[dict[str, JsonValue], AfterValidator(_small_json)] = Field(default_factory=dict)


class SpokenInput(BaseModel):
    """A belief that an answer speaks for: with `strength` above ½ for it, below against it.

    The strength is how sure the answer makes us of a belief that we gave an even chance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    statement: Text
    kind: Kind = "preference"
    strength: Confidence


class SignalEvent(_Event):
    """The user did something: about a response, about a belief, or on its own.

    `speaks` is for answers to questions (kind `onboarding`) alone, `note` why a person made an edit, or the question.
    """

    type: Literal["signal"] = "signal"
    id: Identifier | None = None
    kind: Annotated[str, Field(min_length=1, max_length=100, strict=True)]
    value: Annotated[bool | float | None, PlainValidator(_word_or_number, json_schema_input_type=_Value)] = (
        None
    )
    response: Identifier | None = None
    belief: Identifier | None = None
    text: Text | None = None
    tags: Annotated[list[Short], Field(max_length=32)] = Field(default_factory=list)
    context: Context = Field(default_factory=dict)
    note: Text | None = None
    speaks: Annotated[list[SpokenInput], Field(max_length=MAX_SPOKEN)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _about_one_thing(self) -> Self:
        if self.response is not None and self.belief is not None:
            raise InvalidInputError(
                "belief", "must not be given with a response: a signal is about one of them"
            )
        return self


class RetractEvent(_Event):
    """A signal's influence is taken back."""

    type: Literal["retract"] = "retract"
    signal: Identifier
    reason: Text | None = None


E = TypeVar("E", "BeliefEvent", "ResponseEvent", "SignalEvent", "RetractEvent")
Event = BeliefEvent | ResponseEvent | SignalEvent | RetractEvent
_BY_TYPE = {"belief": BeliefEvent, "response": ResponseEvent, "signal": SignalEvent, "retract": RetractEvent}
_ANY: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])


def parse_event(line: bytes | str) -> Event:
    """Read one event from a line of JSON. Raises `InvalidInputError`."""
    try:
        return _ANY.validate_json(line.rstrip())
    except ValidationError as error:
        tag = error.errors()[0]["loc"][:1]
        raise invalid_input(error, skip=1, record=_BY_TYPE.get(str(*tag))) from None


def make_event(kind: type[E], /, **fields: Any) -> E:
    """Make one event from Python values; None means not given. Raises `InvalidInputError`."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise invalid_input(error) from None


def check_identifier(field: str, value: object) -> None:
    """Check an id that comes outside an event. Raises `InvalidInputError` naming the field."""
    _check(_IDENTIFIER, field, value)


def check_text(field: str, value: object) -> None:
    """Check a text that comes outside an event. Raises `InvalidInputError` naming the field."""
    _check(_TEXT, field, value)


def check_time(field: str, value: object) -> None:
    """Check a time that comes outside an event. Raises `InvalidInputError` naming the field."""
    _check(_TIME, field, value)


def check_not_ahead(at_us: int, now_us: int) -> None:
    """Check that an event has happened, but for what clocks may differ by. Raises `InvalidInputError`."""
    if at_us > now_us + _AHEAD_US:
        latest = from_us(now_us + _AHEAD_US).isoformat(timespec="seconds")
        raise InvalidInputError("at", f"must not be more than five minutes in the future (after {latest})")


def check_context(field: str, value: object) -> None:
    """Check a context that comes outside an event. Raises `InvalidInputError` naming the field."""
    _check(_CONTEXT, field, value)


def check_premises(field: str, value: object) -> None:
    """Check beliefs behind a response that come outside an event. Raises `InvalidInputError` naming the field."""
    _check(_PREMISES, field, value)


_IDENTIFIER: TypeAdapter[Any] = TypeAdapter(Identifier)
_TEXT: TypeAdapter[Any] = TypeAdapter(Text)
_TIME: TypeAdapter[Any] = TypeAdapter(Annotated[AwareDatetime, Field(strict=True)])
_CONTEXT: TypeAdapter[Any] = TypeAdapter(Context)
_PREMISES: TypeAdapter[Any] = TypeAdapter(PremiseInputs)


def _check(wanted: TypeAdapter[Any], field: str, value: object) -> None:
    try:
        wanted.validate_python(value)
    except ValidationError as error:
        raise InvalidInputError(field, invalid_input(error).expected) from None
