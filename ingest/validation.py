"""One place where pydantic's complaints become ours: the field's name and what would be right."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from beliefgraph.graph.errors import InvalidInputError

_EXPECTED = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "timezone_aware": "must have a timezone, as in 2026-01-31T12:00:00Z",
    "finite_number": "must be a finite number",
    "recursion_depth_exceeded": "must not be nested so deeply",
    "string_type": "must be a text",
    "string_unicode": "must be valid Unicode",
    "string_too_short": "must not be empty",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "list_type": "must be a list",
    "union_tag_invalid": "must be one of belief, response, signal, retract",
    "union_tag_not_found": "is required",
}
_WHOLE = {
    "union_tag_invalid": "type",
    "union_tag_not_found": "type",
    "json_invalid": "line",
    "dict_type": "line",
    "model_attributes_type": "line",
}
"""What is at fault when no field of the input is."""
_SHOWN_BITS, _SHOWN_CHARACTERS = 100, 80
_DETAILED = {
    "datetime_parsing": "must be a time with a timezone, as in 2026-01-31T12:00:00Z: {error}",
    "datetime_from_date_parsing": "must be a time with a timezone, as in 2026-01-31T12:00:00Z: {error}",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length}",
}
_KEY = "[key]"
"""How pydantic says that it is the name of an entry that is wrong, not its value."""


def invalid_input(
    error: ValidationError, prefix: str = "", *, skip: int = 0, record: Any = None
) -> InvalidInputError:
    """Return our error for the first thing that pydantic found wrong. Never shows a text that was given.

    `skip` leaves out the leading parts of the field's path that name a branch of a union.
    """
    found = error.errors(include_url=False, include_context=True)[0]
    return complaint(found, prefix, skip=skip, record=record)


def complaint(
    first: Mapping[str, Any], prefix: str = "", *, skip: int = 0, record: Any = None
) -> InvalidInputError:
    """Return our error for one thing that pydantic found wrong; `record` is the type that was to be read, if known."""
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InvalidInputError):
        return InvalidInputError(prefix + cause.field, cause.expected)
    path = [str(part)[:_SHOWN_CHARACTERS] for part in first["loc"][skip:]]
    of_name = path[-1:] == [_KEY]
    if first["type"] == "recursion_depth_exceeded":
        path = path[:1]
    elif path[:1] == ["attributes"]:
        path = path[:1] + path[1::2]  # behind each name stands what its value was taken for
    field = ".".join(part for part in path if part not in ("", _KEY)) or _WHOLE.get(first["type"], "input")
    message = _EXPECTED.get(first["type"])
    if first["type"] in _DETAILED:
        message = _DETAILED[first["type"]].format(**first["ctx"])
    elif first["type"] == "extra_forbidden" and record is not None:
        known = ", ".join(_fields_at(record, first["loc"][skip:-1]))
        message = f"is not a known field; there {'are' if known else 'is'} {known or 'none'}"
    elif message is None:
        message = (
            first["msg"]
            .removeprefix("Value error, ")
            .replace("Input should", "must")
            .replace("String should", "must")
            .replace(" at line 1 column ", " at column ")  # which line of a log it is, the caller says
        )
        message = message[:1].lower() + message[1:]
    shown = None if first["type"] == "missing" or of_name else _shown(first.get("input"))
    return InvalidInputError(prefix + field, f"each name {message}" if of_name else message, got=shown)


def _fields_at(record: Any, path: Sequence[str | int]) -> list[str]:
    """Return the names of the fields of the record that lies at a path within a record."""
    model = _model_in(record)
    for part in path:
        if model is not None and part in model.model_fields:
            model = _model_in(model.model_fields[str(part)].annotation)
    return [] if model is None else list(model.model_fields)


def _model_in(kind: Any) -> type[BaseModel] | None:
    """Return the first model that a type names: itself, or of its arguments."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((model for one in get_args(kind) if (model := _model_in(one)) is not None), None)


def check_one_of(field: str, value: object, allowed: Sequence[str]) -> None:
    """Check a word that must be one of some. Raises `InvalidInputError` naming the field."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInputError(field, f"must be one of {', '.join(allowed)}", got=_shown(value))


def check_flag(field: str, value: object) -> None:
    """Check that a value is true or false. Raises `InvalidInputError` naming the field."""
    if not isinstance(value, bool):
        raise InvalidInputError(field, "must be true or false", got=_shown(value))


def _shown(value: object) -> str | None:
    """Return a value as a message may show it: numbers, but none that fills the message, and no text."""
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return "an integer of many digits"
    return repr(value) if isinstance(value, int | float) or value is None else None
