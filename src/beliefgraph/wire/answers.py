"""From an answer of the service back to the record that it shows."""

from typing import Any, TypeVar

from beliefgraph.wire import learning, provenance, records

R = TypeVar("R")
_DESCRIBED = (records, learning, provenance)
"""Whose records are in the dictionary once they are imported."""


def restore(source: type[R], answer: Any) -> R:
    """Return the record that an answer shows. Fields that are not shown have their default, or else None.

    Raises `ValidationError` (pydantic) for an answer that shows no such record.
    """
    return records.dictionary.restore(source, answer)
