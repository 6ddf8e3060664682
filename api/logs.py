"""Logs of the service: one JSON object a line, on standard error. What was sent is never among it.

Of an exception its type is logged and never its message: messages quote what they were given.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_OURS = ("beliefgraph", "uvicorn.error")


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: time, level, logger, event, and its own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        error = record.exc_info[0] if record.exc_info else None
        if error is not None:
            line["error"] = error.__name__
        return json.dumps(line, ensure_ascii=False)


def configure(level: str) -> None:
    """Send what this service logs to standard error, from a level on; what libraries log stays where it was."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
