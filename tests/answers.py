"""Everything that a store answers about a user, and plain values of it that can be compared."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, get_args

import numpy as np

from beliefgraph import BeliefGraph, SelfModel
from beliefgraph.graph.clock import to_us
from beliefgraph.graph.errors import BeliefGraphError
from beliefgraph.graph.ids import BeliefId
from beliefgraph.graph.model import LinkKind
from beliefgraph.graph.store import Reach, Reader
from beliefgraph.queries.pages import Page
from tests.chances import STATEMENTS
from tests.embedders import WordEmbedder


def told(graph: BeliefGraph, model: SelfModel, then: datetime) -> Iterator[tuple[str, object]]:
    """Yield everything that a user's self-model answers, now and as of an earlier time."""
    for as_of in (None, then):
        for read in (model.beliefs, model.responses, model.signals):
            yield read.__name__, _pages(read, as_of)
        yield "conflicts", model.conflicts(as_of=as_of)
        yield "duplicates", model.duplicates(as_of=as_of)
        yield "curve", model.curve(as_of=as_of)
        yield "consents", model.consents(as_of=as_of)
        yield "export", model.export(as_of=as_of)
        for belief in model.beliefs(as_of=as_of, limit=6):
            yield f"explain {belief.id}", model.explain(belief.id, as_of=as_of)
            yield f"prose {belief.id}", str(model.explain(belief.id, as_of=as_of))
            yield f"revisions {belief.id}", model.revisions(belief.id, as_of=as_of)
            yield f"predict {belief.id}", model.predict([belief.id], kind="rating", as_of=as_of)
            yield from _provenance(model, belief=belief.id, as_of=as_of)
        for response in model.responses(as_of=as_of, limit=4):
            yield f"trace {response.id}", model.trace(response.id, as_of=as_of)
            yield from _provenance(model, response=response.id, as_of=as_of)
        for signal in model.signals(as_of=as_of, limit=6):
            yield f"signal {signal.id}", model.signal_record(signal.id, as_of=as_of)
            yield from _provenance(model, signal=signal.id, as_of=as_of)
            if as_of is None:
                yield f"without {signal.id}", model.what_if(without=signal.id)
                yield f"rated as {signal.id}", model.what_if("rating", -1, response=signal.response_id)
    yield "sequence", model.sequence()
    yield "diff", model.diff(then)
    yield "audit", graph.audit(user=model.user_id)


def _provenance(model: SelfModel, **of: Any) -> Iterator[tuple[str, object]]:
    found = model.provenance_of(limit=5, **of)
    yield f"provenance of {of}", [found.node_link(), found.timeline(), str(found), found.cursor]


def _pages(read: Callable[..., Page[Any]], as_of: datetime | None) -> list[Page[Any]]:
    """Return all the pages of a list, three items each, with their cursors."""
    pages = [read(as_of=as_of, limit=3)]
    while pages[-1].cursor is not None:
        pages.append(read(as_of=as_of, limit=3, cursor=pages[-1].cursor))
    return pages


def stored(reader: Reader) -> dict[str, Any]:
    """Read all there is of a user past the questions, now and as of the middle of her history."""
    ids, revisions = [node.id for node in reader.beliefs()], reader.revisions()
    as_of_us = to_us(revisions[len(revisions) // 2].recorded_at) if revisions else None
    found = {
        "history": reader.history(),
        "news": [reader.news(after) for after in (0, reader.head().seq // 2)],
        "beliefs then": reader.beliefs(as_of_us=as_of_us),
        "signals then": reader.signals(as_of_us=as_of_us),
        "words": [reader.words(id) for id in ids],
        "inferred": [list(reader.inferred(id)) for id in ids],
        "accounts": [reader.account(id) for id in ids],
        "latest": reader.latest_revisions(ids, limit=3),
        "before": [reader.revision_before(revision) for revision in revisions],
        "edges": [reader.links(kind, beliefs=ids[:2]) for kind in get_args(LinkKind)],
        "edges then": [reader.links(kind, as_of_us=as_of_us) for kind in get_args(LinkKind)],
        "near": [reader.nearest(vector, limit=5) for vector in WordEmbedder().encode(STATEMENTS)],
        "walk": sorted(reader.neighbourhood(Reach(beliefs=[BeliefId("b1")]), depth=2).beliefs),
    }
    return {part: plain(held) for part, held in found.items()}


def plain(value: Any) -> Any:
    """Return a value as nested lists, floats for comparison within 1e-9, errors as what they say."""
    if isinstance(value, BeliefGraphError):
        return [type(value).__name__, str(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(plain(getattr(value, field.name)) for field in fields(value))]
    if isinstance(value, Mapping):
        return [[key, plain(held)] for key, held in sorted(value.items(), key=lambda pair: str(pair[0]))]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(one) for one in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def check_same(first: Any, second: Any, path: str = "") -> None:
    """Assert that two plain values are equal, floats within 1e-9."""
    if isinstance(first, list) and isinstance(second, list):
        assert len(first) == len(second), path
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            check_same(one, other, f"{path}[{number}]")
    elif isinstance(first, float) and isinstance(second, float):
        assert math.isclose(first, second, rel_tol=0, abs_tol=1e-9), (path, first, second)
    else:
        assert first == second, path
