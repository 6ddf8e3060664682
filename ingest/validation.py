"""One place where pydantic's complaints become ours: the field's name and what would be right."""

from pydantic import ValidationError

from beliefgraph.graph.errors import InvalidInputError

_EXPECTED = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "timezone_aware": "must have a timezone, as in 2026-01-31T12:00:00Z",
    "finite_number": "must be a finite number",
    "string_type": "must be a text",
    "string_unicode": "must be valid Unicode",
    "string_too_short": "must not be empty",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
}


def invalid_input(error: ValidationError, prefix: str = "") -> InvalidInputError:
    """Return our error for the first thing that pydantic found wrong. Never shows a text that was given."""
    first = error.errors(include_url=False, include_context=True)[0]
    field = ".".join(str(part) for part in first["loc"]) or "input"
    message = _EXPECTED.get(first["type"])
    if message is None:
        message = (
            first["msg"]
            .removeprefix("Value error, ")
            .replace("Input should", "must")
            .replace("String should", "must")
        )
        message = message[:1].lower() + message[1:]
    given = first.get("input")
    shown = repr(given) if isinstance(given, int | float | bool) or given is None else None
    return InvalidInputError(prefix + field, message, got=None if first["type"] == "missing" else shown)
