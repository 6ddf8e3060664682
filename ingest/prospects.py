"""How the beliefs of a bank stand of a user: hers already, or candidates at the base rate that they would be born with.

Reads one consistent view; relations of texts come from a book that is filled between reads.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beliefgraph.graph.contradiction import conflict_nats
from beliefgraph.graph.ids import BeliefId, SignalId, normal_form
from beliefgraph.graph.ledger import BeliefState, read_state
from beliefgraph.graph.model import BeliefNode
from beliefgraph.graph.store import Neighbour, Neighbourhood, Reach, Reader, Vector
from beliefgraph.ingest.answers import ONBOARDING, said_otherwise
from beliefgraph.ingest.bank import Bank, BankBelief
from beliefgraph.ingest.onboarding import Answered, Prospect, latest_answers
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.priors import Topics, born, prior_of
from beliefgraph.ingest.records import NEAREST
from beliefgraph.ingest.relate import Likeness, RelationBook, liken

_RELATED = 4
"""How many of her beliefs nearest to a bank's statement may say the same, or the opposite."""
_UNBORN = BeliefId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What it takes to see how a bank's beliefs stand. `vectors` are those of its statements, by the beliefs' ids."""

    bank: Bank
    parameters: Parameters
    vectors: Mapping[str, Vector]
    topics: Topics | None
    book: RelationBook
    now_us: int

    def of(self, reader: Reader) -> tuple[dict[str, Answered], dict[str, Prospect]]:
        """Return the latest answer to each question, and each of the bank's beliefs as it stands.

        Raises `UnrelatedPairs` naming what the book lacks.
        """
        signals = [signal for signal, _ in reader.signals(kinds=[ONBOARDING])]
        keys = [normal_form(belief.statement) for belief in self.bank.beliefs.values()]
        reach = Reach(statement_keys=keys, vectors=self.vectors, nearest=NEAREST, live=True)
        found = reader.neighbourhood(reach)
        by_key: dict[str, BeliefNode] = {}
        for node in sorted(found.beliefs.values(), key=lambda node: (node.live, -node.seq)):
            by_key[node.statement_key] = node  # of several the oldest live one
        look = _Look(self, reader, found, frozenset(signal.id for signal in signals))
        prospects = {}
        for name, belief in self.bank.beliefs.items():
            known = by_key.get(normal_form(belief.statement))
            hers = None if known is None else Prospect(state=known.state, held=True)
            prospects[name] = look.elsewhere(name, belief) if hers is None else hers
        return latest_answers(signals), prospects


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at what is near a statement that nobody holds in these words; `answers` are ids of answers' signals."""

    outlook: Outlook
    reader: Reader
    found: Neighbourhood
    answers: frozenset[SignalId]

    def elsewhere(self, name: str, belief: BankBelief) -> Prospect:
        """Return the prospect of a belief of hers that says the same in other words, else of one not born yet."""
        limits, live = self.outlook.parameters.text, self.found.beliefs
        near = [each for each in self.found.nearest[name] if each.cosine >= limits.gate_cosine]
        likenesses = liken(belief.statement, near[:_RELATED], live, self.outlook.book, limits)
        others = [each for each in likenesses if live[each.belief_id].origin_id not in self.answers]
        same = said_otherwise(others, self.outlook.parameters)
        if same is not None:
            return Prospect(state=live[same.belief_id].state, held=True)
        return Prospect(state=self._unborn(name, belief, near, likenesses), held=False)

    def _unborn(
        self, name: str, belief: BankBelief, near: Iterable[Neighbour], likenesses: Sequence[Likeness]
    ) -> BeliefState:
        """Return the state that a belief would be born with: its base rate, and what surely contradicts it."""
        parameters, live = self.outlook.parameters, self.found.beliefs
        prior = prior_of(
            belief.statement,
            "stated",
            belief.kind,
            parameters=parameters,
            topics=self.outlook.topics,
            vector=self.outlook.vectors[name],
            book=self.outlook.book,
            near=(born(live[each.belief_id].state, self.reader.words(each.belief_id)) for each in near),
        )
        edges = [
            (_UNBORN, each.belief_id, each.relation.contradiction)
            for each in likenesses
            if each.relation.contradiction >= parameters.text.confirmed
        ]
        own = {other: read_state(live[other].state, self.outlook.now_us).own for _, other, _ in edges}
        return BeliefState(
            base=prior.log_odds,
            **parameters.rates_of(belief.kind),
            reference_us=self.outlook.now_us,
            conflict=conflict_nats({_UNBORN: prior.log_odds, **own}, edges)[_UNBORN],
        )
