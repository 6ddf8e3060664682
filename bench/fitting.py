"""Simulated lives as histories that a fit reads, without the way through a store (a test compares both ways)."""

from collections.abc import Sequence

from beliefgraph.graph.clock import DAY_US, to_us
from beliefgraph.graph.ledger import logit
from beliefgraph.ingest.fitting.histories import (
    KINDS,
    SOURCES,
    Edge,
    Held,
    History,
    Sent,
    Shown,
    Vocabulary,
    Word,
)
from bench import worlds


def history_of(life: worlds.Life, words: Vocabulary) -> History:
    """Return what a life of `bench.worlds` (one rating a response) leaves to a fit."""
    parameters = words.parameters
    count = life.truth.shape[1]
    source, kind = SOURCES.index("imported"), KINDS.index("preference")
    base = logit(parameters.base_rate("imported", "preference"))
    start = _day(0)
    rating = words.signals["rating"]
    history = History(
        beliefs=[Held(base=base, usual=True, source=source, kind=kind) for _ in range(count)],
        words=[
            Word(
                belief=belief,
                day=start,
                observed=start,
                level=logit(parameters.sources["imported"].confidence),
                absolute=True,
                source=source,
                old=-1,
                pin=False,
                truth=None,
            )
            for belief in range(count)
        ],
        since_us=to_us(worlds.moment(0)),
        until_us=to_us(worlds.moment(len(life.steps) - 1)),
    )
    history.order += [(0, belief) for belief in range(count)]
    usual = parameters.attribution.adherence
    for number, step in enumerate(life.steps):
        day = _day(number)
        history.order += [(1, number), (2, number)]
        history.shown.append(
            Shown(
                day=day,
                learned=day,
                observed=day,
                edges=tuple(
                    Edge(
                        belief=belief,
                        weight=weight,
                        adherence=None if adherence == usual else adherence,
                        wrong_ratio=1,
                        missed_ratio=1,
                    )
                    for belief, weight, adherence in step.premises
                ),
                sent=(Sent(kind=rating, good=step.good, strength=1.0, came=True, factor=0, slip=-1),),
                form_ratio=1,
                other_ratio=1,
                tag=-1,
            )
        )
    return history


def judged(life: worlds.Life, words: Vocabulary, points: Sequence[int]) -> History:
    """Return a life in which every belief is judged, at no weight, when each of `points` was learned from."""
    history = history_of(life, words)
    for truth, point in zip(life.truth, points, strict=True):
        place = history.order.index((2, point - 1)) + 1
        for belief, true in enumerate(truth):
            history.order.insert(place, (0, len(history.words)))
            day = _day(point - 1)
            said = history.words[0]._replace(belief=belief, day=day, observed=day, level=0.0, absolute=False)
            history.words.append(said._replace(source=-1, truth=float(true)))
    return history


def _day(number: int) -> float:
    return to_us(worlds.moment(number)) / DAY_US
