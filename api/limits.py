"""What a caller may ask of one process: how much at once, how large, how often."""

import time
from collections.abc import Callable
from dataclasses import dataclass

BODY = 2_000_000
"""Bytes of one record: no valid one is as large."""
BATCH = 8_000_000
"""Bytes of a batch of events."""
BATCH_LINES = 10_000
HEAD_S = 30.0
"""Seconds that the head of a request may take, from its first byte or from when the connection came about."""
BODY_S = 60.0
"""Seconds until the body of a request must have come to its end."""
CENSUS_S = 60.0
"""Seconds between two counts of the store's conflicts, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a process. `rate_per_s` is for each key (0: none); in a burst, twice as many pass."""

    threads: int = 16
    in_flight: int = 512
    rate_per_s: float = 1000.0
    body_bytes: int = BODY
    body_s: float = BODY_S
    batch_bytes: int = BATCH
    census_s: float = CENSUS_S


class Rates:
    """A token bucket for each key, in this process alone: several processes admit several times as much."""

    def __init__(self, per_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._most, self._clock = per_s, max(1.0, 2 * per_s), clock
        self._buckets: dict[str | None, tuple[float, float]] = {}

    def wait_s(self, key_id: str | None) -> float:
        """Take a token; return 0 when there was one, else the seconds until there is."""
        if self._per_s <= 0:
            return 0.0
        now = self._clock()
        left, at = self._buckets.get(key_id, (self._most, now))
        left = min(self._most, left + (now - at) * self._per_s)
        if left < 1.0:
            self._buckets[key_id] = (left, now)
            return (1.0 - left) / self._per_s
        self._buckets[key_id] = (left - 1.0, now)
        return 0.0
