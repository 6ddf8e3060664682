"""What a user's signals add up to, of those that count: what shows whether she gives them whatever she thinks."""

import math
from collections.abc import Iterable

from beliefgraph.graph.model import Interpretation, Signal, Tally


def tallies_of(signals: Iterable[tuple[Signal, Interpretation]]) -> dict[str, Tally]:
    """Return the counts by kind of signals that come newest first: of each response the latest unretracted of a kind.

    "Latest" by `observed_at`; of two at one time the one recorded last. Kinds that are not counted are left out.
    """
    latest: dict[tuple[str, str], tuple[Signal, Tally | None]] = {}
    for signal, interpretation in signals:
        if signal.response_id is None or signal.retracted_at is not None:
            continue
        key = (signal.response_id, signal.kind)
        if key not in latest or latest[key][0].observed_at < signal.observed_at:
            latest[key] = (signal, interpretation.tally)
    by_kind: dict[str, list[Tally]] = {}
    for signal, tally in latest.values():
        if tally is not None:
            by_kind.setdefault(signal.kind, []).append(tally)
    return {kind: _sum(told) for kind, told in by_kind.items()}


def _sum(told: list[Tally]) -> Tally:
    return Tally(
        good=math.fsum(each.good for each in told),
        bad=math.fsum(each.bad for each in told),
        nats=math.fsum(each.nats for each in told),
    )
