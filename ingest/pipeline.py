"""The one impure room of ingest: makes ids, time, embeddings and relations, then runs one transaction on the store.

What events mean lies in statements.py, responses.py, signals.py and retractions.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from beliefgraph.graph.clock import Clock, to_us
from beliefgraph.graph.errors import (
    BeliefGraphError,
    ChangedMeanwhileError,
    InvalidInputError,
    StoreVersionError,
)
from beliefgraph.graph.glance import Glances
from beliefgraph.graph.ids import BeliefId, ResponseId, SignalId, fresh_id, normal_form
from beliefgraph.graph.model import UNDECIDED, Belief, BeliefNode, Link, Outcome, Response, view
from beliefgraph.graph.store import (
    Changes,
    Erasure,
    Neighbourhood,
    Reach,
    Reader,
    Scope,
    Store,
    Vector,
    Writer,
)
from beliefgraph.ingest.embedder import Embedder, common_questions
from beliefgraph.ingest.events import (
    BeliefEvent,
    Event,
    ResponseEvent,
    RetractEvent,
    SignalEvent,
    check_not_ahead,
)
from beliefgraph.ingest.lasting import Gate, to_judge
from beliefgraph.ingest.parameters import Parameters, TextParameters
from beliefgraph.ingest.priors import Topics
from beliefgraph.ingest.records import NEAREST, Inputs
from beliefgraph.ingest.reinterpretation import reinterpret
from beliefgraph.ingest.relate import Relater, RelationBook, Remembers, UnrelatedPairs, worth_asking
from beliefgraph.ingest.resolution import Resolution, find_conflict, resolve, resolve_all
from beliefgraph.ingest.responses import respond
from beliefgraph.ingest.retractions import retract
from beliefgraph.ingest.signals import apply_signal, check_signal
from beliefgraph.ingest.statements import believe, spawned_id
from beliefgraph.ingest.verdicts import Decision
from beliefgraph.ingest.working import WorkingSet

_ROUNDING = 1e-6
T = TypeVar("T")
_SPOKEN = ("comment", "correction", "statement")


Result = Belief | Response | Outcome
"""What an event became: a belief, a response, or the outcome of a signal or of a retraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Events of one user for one transaction.

    `ids` supplies an id for each event that brings none (None: a fresh one). With `own_time` every event happens at
    its own `at`, as when a log is replayed, instead of now. With `stop_at_error` nothing after the first event that
    cannot be applied is. `observe` sees the working set before each event (its index); it may run more than once.
    `look` sees the store as it is, and what became of the events, after the last one; it may run more than once too.
    With `if_seq` nothing is applied unless it is the user's last number (`ChangedMeanwhileError`). Batches that share a
    `turn` decide one after the other: threads that decide at once all take as long as the last, and the store waits.
    """

    events: Sequence[Event]
    ids: Sequence[str | None] | None = None
    own_time: bool = False
    stop_at_error: bool = False
    if_seq: int | None = None
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)
    observe: Callable[[WorkingSet, int], None] | None = None
    look: Callable[[Reader, Sequence[Result | BeliefGraphError]], None] | None = None


@dataclass(frozen=True, slots=True)
class _Identified:
    """An event with the id it gets if it becomes something new, and the time at which it is applied."""

    event: Event
    id: str
    now_us: int


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Applies events to a store, each unit of work in one transaction. Usable from several threads at once."""

    store: Store
    embedder: Embedder
    relater: Relater
    gate: Gate
    parameters: Parameters
    clock: Clock
    glances: Glances = field(init=False)
    _checked_model: bool = field(default=False, init=False)
    _topics: Topics | None = field(default=None, init=False)
    _common: Vector | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Hold nobody's self-model yet."""
        self.glances = Glances(self.store)

    def apply(
        self,
        scope: Scope,
        event: Event,
        *,
        dry_run: bool = False,
        id: str | None = None,
        if_seq: int | None = None,
    ) -> Result:
        """Apply one event. With `dry_run`, interpret it and write nothing. Raises what is wrong with it.

        `id` is for an event that brings none; `if_seq` and `id` are those of `Batch`.
        """
        batch = Batch(events=[event], ids=[id], if_seq=if_seq)
        (result,) = self._run(scope, batch, dry_run=dry_run)
        if isinstance(result, BeliefGraphError):
            raise result
        return result

    def suppose(self, scope: Scope, event: SignalEvent | RetractEvent) -> tuple[Outcome, list[BeliefNode]]:
        """Work out what an event would do, and return the beliefs that it would revise as they are. Writes nothing."""
        nodes: list[BeliefNode] = []

        def look(reader: Reader, results: Sequence[Result | BeliefGraphError]) -> None:
            moved = [r.belief_id for found in results if isinstance(found, Outcome) for r in found.revisions]
            nodes[:] = reader.beliefs(moved)

        (outcome,) = self._run(scope, Batch(events=[event], look=look), dry_run=True)
        if isinstance(outcome, BeliefGraphError):
            raise outcome
        assert isinstance(outcome, Outcome)
        return outcome, nodes

    def apply_all(self, scope: Scope, batch: Batch) -> list[Result | BeliefGraphError]:
        """Apply events of one user in order, in one transaction; what cannot be applied comes back as its error."""
        return self._run(scope, batch, dry_run=False)

    def erase(self, scope: Scope) -> Erasure:
        """Erase a user from the store and from what this process remembers."""
        self.embedder.forget()
        for model in (self.relater, self.gate):
            if isinstance(model, Remembers):
                model.forget()
        erased = self.store.erase(scope)
        self.glances.forget(scope)
        return erased

    def resolve(self, scope: Scope, resolution: Resolution) -> Link:
        """Carry out a person's decision on one edge. Raises `NotFoundError` and `InvalidInputError`."""

        def plan(reader: Reader) -> tuple[Link, Changes | None]:
            links = [*reader.links("contradicts"), *reader.links("duplicates")]
            link = find_conflict(links, resolution.conflict_id, scope.user_id)
            working = self._around(reader, scope, [link])
            resolved = resolve(working, link, resolution)
            working.settle_conflicts()
            return resolved, working.changes()

        return self._transact(scope, plan, dry_run=False)

    def resolve_all(self, scope: Scope, *, dry_run: bool) -> list[Decision]:
        """Merge what says the same and decide every conflict that can be; with `dry_run`, only say what would be."""

        def plan(reader: Reader) -> tuple[list[Decision], Changes | None]:
            contradictions = [link for link in reader.links("contradicts") if link.status == "confirmed"]
            duplicates = [link for link in reader.links("duplicates") if link.status in UNDECIDED]
            working = self._around(reader, scope, [*contradictions, *duplicates])
            decisions = resolve_all(working, duplicates, contradictions)
            working.settle_conflicts()
            return decisions, working.changes()

        return self._transact(scope, plan, dry_run=dry_run)

    def reinterpret(self, scope: Scope) -> tuple[int, int]:
        """Weigh all evidence of a user anew under the parameters in force; return how many beliefs, how many moved."""

        def plan(reader: Reader) -> tuple[tuple[int, int], Changes | None]:
            working = self._on(reader, scope, [node.id for node in reader.beliefs()])
            return reinterpret(working, reader), working.changes()

        return self._transact(scope, plan, dry_run=False)

    def _around(self, reader: Reader, scope: Scope, links: Sequence[Link]) -> WorkingSet:
        """Fetch the beliefs at the ends of conflicts, with everything that they can move."""
        return self._on(reader, scope, dict.fromkeys(end for link in links for end in link.ends))

    def _on(self, reader: Reader, scope: Scope, beliefs: Iterable[BeliefId]) -> WorkingSet:
        """Fetch beliefs, with everything that they can move."""
        inputs = Inputs(
            now_us=to_us(self.clock()), parameters=self.parameters, book=RelationBook(self.relater)
        )
        reach = Reach(beliefs=list(beliefs))
        return WorkingSet(reader, scope, reach, reader.neighbourhood(reach), inputs)

    def _run(self, scope: Scope, batch: Batch, *, dry_run: bool) -> list[Result | BeliefGraphError]:
        now_us = to_us(self.clock())
        named = [_identify(batch, index, now_us) for index in range(len(batch.events))]
        refused = [self._refusal(one.event, now_us) for one in named]
        sound = [one.event for one, error in zip(named, refused, strict=True) if error is None]
        worth = self._worth(sound)
        vectors = self._vectors(sound, worth)
        inputs = Inputs(
            now_us=named[0].now_us if named else now_us,
            parameters=self.parameters,
            vectors=vectors,
            model=self.embedder.name,
            book=RelationBook(self.relater),
            detector=self.relater.name,
            worth=worth,
            topics=self.topics() if vectors else None,
        )

        reach = _reach(named, vectors)

        def plan(reader: Reader) -> tuple[list[Result | BeliefGraphError], Changes | None]:
            found = reader.neighbourhood(reach)
            _check_unchanged(scope, batch, found, named)
            inputs.book.look_up(_foreseen(found, vectors, self.parameters.text))
            working = WorkingSet(reader, scope, reach, found, inputs)
            if not batch.own_time and now_us <= found.head.recorded_us:
                working.advance(to_us(self.clock()))  # others wrote while this waited: it comes after them
            with batch.turn:
                results = _decide(working, batch, zip(named, refused, strict=True))
            if batch.look is not None:
                batch.look(reader, results)
            return results, working.changes()

        while True:
            try:
                return self._transact(scope, plan, dry_run=dry_run)
            except UnrelatedPairs as unrelated:
                inputs.book.add(unrelated.pairs)

    def _transact(
        self, scope: Scope, plan: Callable[[Reader], tuple[T, Changes | None]], *, dry_run: bool
    ) -> T:
        """Plan changes on a consistent view and save them in one transaction, or, for a dry run, do not."""
        if dry_run:
            return self.store.read(scope, plan)[0]

        def work(writer: Writer) -> T:
            result, changes = plan(writer)
            if changes is not None:
                writer.save(changes)
            return result

        return self.store.write(scope, work)

    def _refusal(self, event: Event, now_us: int) -> BeliefGraphError | None:
        """Return what is wrong with an event that can be seen without the store."""
        try:
            if event.at is not None:
                check_not_ahead(to_us(event.at), now_us)
            if isinstance(event, SignalEvent):
                check_signal(event, self.parameters)
        except InvalidInputError as error:
            return error
        return None

    def _worth(self, events: Sequence[Event]) -> dict[str, float]:
        """Ask the gate about what signals say and each part of it."""
        spoken = [event.text for event in events if isinstance(event, SignalEvent) and self._speaks(event)]
        limits = self.parameters.text
        texts = list(
            dict.fromkeys(part for text in spoken if text is not None for part in to_judge(text, limits))
        )
        return dict(zip(texts, self.gate.lasting(texts), strict=True)) if texts else {}

    def _vectors(self, events: Sequence[Event], worth: Mapping[str, float]) -> dict[str, Vector]:
        """Embed every text that may be compared with beliefs or become one."""
        whole = [text for event in events if (text := self._text_to_embed(event)) is not None]
        parts = [text for text, probability in worth.items() if probability >= self.parameters.text.lasting]
        answers = [
            said.statement for event in events if isinstance(event, SignalEvent) for said in event.speaks
        ]
        texts = list(dict.fromkeys([*whole, *parts, *answers]))
        return dict(zip(texts, self.embed(texts), strict=True)) if texts else {}

    def _text_to_embed(self, event: Event) -> str | None:
        if isinstance(event, BeliefEvent):
            return event.statement
        if isinstance(event, SignalEvent) and (self._speaks(event) or event.kind == "set"):
            return event.text
        return None

    def _speaks(self, event: SignalEvent) -> bool:
        return event.text is not None and self.parameters.signal(event.kind).text in _SPOKEN

    def topics(self) -> Topics | None:
        """Return the public statements of the population with their vectors, embedded once; None without one."""
        population = self.parameters.population
        if population is None:
            return None
        if self._topics is None:
            statements = [topic.statement for topic in population.topics]
            rows = self.embed(statements) if statements else []
            self._topics = Topics(population, np.array(rows, dtype=np.float32))
        return self._topics

    def direction(self, query: str) -> Vector:
        """Return where the beliefs lie that a query is about: its vector less the mean of common questions (no unit).

        What any question has in common with any belief is not what this one is about; without that part no belief is
        near every query. Centring on a bank of questions: Bogolin et al., Cross Modal Retrieval with Querybank
        Normalisation, 2022; Suzuki et al., Centering Similarity Measures to Reduce Hubs, 2013.
        """
        if self._common is None:
            self._common = np.mean(self.embed(common_questions()), axis=0, dtype=np.float32)
        (vector,) = self.embed([query])
        return vector - self._common

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return unit vectors of texts. Raises `StoreVersionError` if the store's vectors come from another model."""
        if not self._checked_model:
            recorded = self.store.embedding_model(self.embedder.name)
            if recorded != self.embedder.name:
                raise StoreVersionError(
                    self.store.target,
                    f"its embeddings come from the model {recorded!r}, not {self.embedder.name!r}; "
                    "name that model in BELIEFGRAPH_MODEL",
                )
            self._checked_model = True
        return self.embedder.encode(texts)


def _identify(batch: Batch, index: int, now_us: int) -> _Identified:
    event = batch.events[index]
    given = None if batch.ids is None else batch.ids[index]
    if batch.own_time and event.at is not None:
        now_us = to_us(event.at)
    return _Identified(event, _own_id(event) or given or fresh_id(event.type[0], now_us), now_us)


def _check_unchanged(scope: Scope, batch: Batch, found: Neighbourhood, named: Sequence[_Identified]) -> None:
    """Raise `ChangedMeanwhileError` if the batch wants another number, unless it is one that was applied before."""
    if batch.if_seq in (None, found.head.seq) or any(one.id in found.signals for one in named):
        return
    assert batch.if_seq is not None
    raise ChangedMeanwhileError(scope.user_id, batch.if_seq, found.head.seq)


def _own_id(event: Event) -> str | None:
    return event.signal if isinstance(event, RetractEvent) else event.id


def _reach(named: Sequence[_Identified], vectors: dict[str, Vector]) -> Reach:
    """Name everything that the events touch, so that one traversal fetches it."""
    responses: dict[ResponseId, None] = {}
    beliefs: dict[BeliefId, None] = {}
    signals: dict[SignalId, None] = {}
    keys: dict[str, None] = {}
    for one in named:
        match one.event:
            case BeliefEvent() as event:
                beliefs[BeliefId(one.id)] = None
                keys[normal_form(event.statement)] = None
            case ResponseEvent() as event:
                responses[ResponseId(one.id)] = None
                beliefs.update((BeliefId(premise.id), None) for premise in event.beliefs)
            case SignalEvent() as event:
                signals[SignalId(one.id)] = None
                if event.response is not None:
                    responses[ResponseId(event.response)] = None
                if event.belief is not None:
                    beliefs[BeliefId(event.belief)] = None
                keys.update((normal_form(said.statement), None) for said in event.speaks)
                beliefs.update(dict.fromkeys(_born(one.id, event)))
            case RetractEvent() as event:
                signals[SignalId(event.signal)] = None
    return Reach(
        responses=list(responses),
        beliefs=list(beliefs),
        signals=list(signals),
        statement_keys=list(keys),
        vectors=vectors,
        nearest=NEAREST,
        live=True,
    )


def _born(id: str, event: SignalEvent) -> Iterator[BeliefId]:
    """Yield the ids that beliefs made by a signal would get, to be seen whether they are free."""
    if event.text is not None:
        yield spawned_id(SignalId(id))
    for said in event.speaks:
        yield spawned_id(SignalId(id), normal_form(said.statement))


def _decide(
    working: WorkingSet, batch: Batch, events: Iterable[tuple[_Identified, BeliefGraphError | None]]
) -> list[Result | BeliefGraphError]:
    """Apply events in order, those that were not refused before."""
    results: list[Result | BeliefGraphError] = []
    for index, (one, error) in enumerate(events):
        working.advance(one.now_us)
        if batch.observe is not None and error is None:
            batch.observe(working, index)
        results.append(error or _apply(working, one))
        if batch.stop_at_error and isinstance(results[-1], BeliefGraphError):
            break
    return results


def _apply(working: WorkingSet, one: _Identified) -> Result | BeliefGraphError:
    """Apply one event to the working set. An event that cannot be applied changes nothing."""
    try:
        match one.event:
            case BeliefEvent() as event:
                revised = len(working.revisions)
                node = believe(working, event, BeliefId(one.id))
                if len(working.revisions) > revised:
                    working.settle_conflicts()
                return view(working.belief(node.id), working.now_us)
            case ResponseEvent() as event:
                return respond(working, event, ResponseId(one.id))
            case SignalEvent() as event:
                return apply_signal(working, event, SignalId(one.id))
            case RetractEvent() as event:
                return retract(working, SignalId(event.signal), event.reason)
    except BeliefGraphError as error:
        return error


def _foreseen(
    found: Neighbourhood, vectors: dict[str, Vector], limits: TextParameters
) -> list[tuple[str, str]]:
    """Name the pairs that the events will want related: each text with what is near (ties and earlier texts too)."""
    pairs: list[tuple[str, str]] = []
    texts = list(vectors)
    for index, text in enumerate(texts):
        stored = [(near.cosine, found.beliefs[near.belief_id].statement) for near in found.nearest[text]]
        earlier = [(float(vectors[text] @ vectors[other]), other) for other in texts[:index]]
        ranked = sorted((*stored, *earlier), reverse=True)
        ties = ranked[NEAREST - 1][0] - _ROUNDING if len(ranked) > NEAREST else -1.0
        pairs += [
            (text, statement)
            for cosine, statement in ranked
            if cosine >= ties and worth_asking(text, statement, cosine, limits)
        ]
    return pairs
