"""Microseconds since 1970-01-01 UTC, the one form in which times are kept and compared."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""The one source of "now"; returns a timezone-aware datetime."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000


def to_us(moment: datetime) -> int:
    """Return whole microseconds since 1970-01-01 UTC of an aware datetime.

    >>> to_us(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - EPOCH) // MICROSECOND


def from_us(microseconds: int) -> datetime:
    """Return the aware UTC datetime of that many microseconds since 1970-01-01 UTC."""
    return EPOCH + timedelta(0, 0, microseconds)


def utc_now() -> datetime:
    """Return the time of the machine, timezone-aware."""
    return datetime.now(UTC)
