"""A population run forward under any number of draws of the parameters at once: what was foreseen of every signal.

The arithmetic of ingest/attribution.py and graph/ledger.py in arrays of (rows, draws), which a test compares with the
pipeline's. Three simplifications, said in docs/calibration.md: what confirmed contradictions take off is left out, so
is evidence inherited from a merged belief; and the signals on one response count together, from the last.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from beliefgraph.graph.ledger import MAX_CONFIDENCE, MIN_CONFIDENCE, logit
from beliefgraph.ingest.fitting.blocks import Block, Floats, Step, Whole
from beliefgraph.ingest.fitting.histories import KINDS, Vocabulary
from beliefgraph.ingest.fitting.rates import Tables
from beliefgraph.ingest.habits import foretold

_MOST_ACCIDENTS = 0.95
_LEAST = 1e-300
_LOW, _HIGH = logit(MIN_CONFIDENCE), logit(MAX_CONFIDENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """Rows by draws. Of each response P(not D), of each edge and each word what the belief's confidence was just then.

    `log_likelihood` of each response is that of all signals on it together, given what was known when it was shown.
    """

    satisfied: Floats
    log_likelihood: Floats
    then: Floats
    confidence: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likelihoods:
    """Of each response, P(its signals | not D) and P(… | D): as they came (scored), and as evidence (tempered)."""

    scored_satisfied: Floats
    scored_dissatisfied: Floats
    if_satisfied: Floats
    if_dissatisfied: Floats


def emissions(block: Block, values: Tables, vocabulary: Vocabulary) -> tuple[Floats, Floats, Floats, Floats]:
    """Return P(signal | meant, not D), P(signal | meant, D), P(accident), P(signal | accident): (signals, draws)."""
    signals = block.signals
    has_outcome = np.array([kind.has_outcome for kind in vocabulary.parameters.signals.values()])[
        signals.kind
    ]
    satisfied, dissatisfied = values["satisfied"][signals.kind], values["dissatisfied"][signals.kind]
    accidental = np.where(has_outcome[:, None], 0.5, (satisfied + dissatisfied) / 2)
    turned = ~signals.good | ~signals.came
    satisfied = np.where(turned[:, None], 1 - satisfied, satisfied)
    dissatisfied = np.where(turned[:, None], 1 - dissatisfied, dissatisfied)
    accidental = np.where(~signals.came[:, None], 1 - accidental, accidental)
    factors = np.array(
        [np.prod(values["context"][list(entries)], axis=0) for entries in vocabulary.contexts]
    ).reshape(len(vocabulary.contexts), -1)
    accident = np.minimum(_MOST_ACCIDENTS, values["accident"][signals.kind] * factors[signals.factor])
    slipped = signals.slip >= 0
    if slipped.any():
        accident[slipped] = values["slip"][signals.slip[slipped]]
    return satisfied, dissatisfied, accident, accidental


def _likelihoods(block: Block, values: Tables, vocabulary: Vocabulary) -> _Likelihoods:
    signals, count, limits = block.signals, len(block.responses.day), vocabulary.parameters.habits
    satisfied, dissatisfied, accident, accidental = emissions(block, values, vocabulary)
    informs = signals.came & (signals.strength > 0)
    strength = np.where(informs, signals.strength, 0.0)[:, None]
    scored = ((signals.strength > 0) | ~signals.came)[:, None]
    regardless = signals.regardless[:, None]
    habitual = np.where(signals.good, signals.habitual, 1 - signals.habitual)[:, None]

    def mixed(meant: Floats, power: Floats | None) -> Floats:
        if power is None:
            answered = (1 - accident) * meant + accident * accidental
            return np.where(scored, foretold(answered, regardless, habitual, limits), 1.0)
        answered = (1 - accident) * meant**power + accident * accidental**power
        return np.asarray((1 - regardless) * answered + regardless * habitual**power)

    def by_response(likelihood: Floats) -> Floats:
        """Multiply the signals of each response; 1 where there is none."""
        product = np.ones((count, likelihood.shape[1]))
        if len(likelihood):
            rows, starts = np.unique(signals.response, return_index=True)
            product[rows] = np.multiply.reduceat(likelihood, starts, axis=0)
        return product

    return _Likelihoods(
        scored_satisfied=by_response(mixed(satisfied, None)),
        scored_dissatisfied=by_response(mixed(dissatisfied, None)),
        if_satisfied=by_response(mixed(satisfied, strength)),
        if_dissatisfied=by_response(mixed(dissatisfied, strength)),
    )


def evidence_of(block: Block, values: Tables, vocabulary: Vocabulary) -> tuple[Floats, Floats]:
    """Return of each response P(its signals | not D) and P(its signals | D), as evidence: (responses, draws) both."""
    likely = _likelihoods(block, values, vocabulary)
    return likely.if_satisfied, likely.if_dissatisfied


def run(block: Block, values: Tables, vocabulary: Vocabulary) -> Foreseen:
    """Run users forward under every draw of the parameters."""
    return _Run(block, values, vocabulary).run()


class _Turns:
    """The runs up (sign 1) or down (−1) of all beliefs (graph/turns.py): their nats that way, and what they keep.

    `nats` and `mass` (of terms either way) fade with the ledger; `kept` is of the moment of the newest item.
    """

    def __init__(self, shape: tuple[int, int], sign: float) -> None:
        self._sign = sign
        self.nats, self.mass, self.kept = np.zeros(shape), np.zeros(shape), np.ones(shape)

    def scale(self, beliefs: Whole, factor: Floats) -> None:
        self.nats[beliefs] *= factor
        self.mass[beliefs] *= factor

    def forget(self, beliefs: Whole) -> None:
        self.nats[beliefs], self.mass[beliefs], self.kept[beliefs] = 0.0, 0.0, 1.0

    def prolong(self, beliefs: Whole, left: Floats, term: Floats, change: Floats, late: Floats) -> None:
        """Add a term to each run; `late` is what age has left of it."""
        speaks = self.nats[beliefs] > 0.0
        self.nats[beliefs] = np.where(speaks, self.nats[beliefs] * left, 0.0) + self._sign * term
        self.mass[beliefs] = np.where(speaks, self.mass[beliefs] * left, 0.0) + np.abs(term)
        self.kept[beliefs] = np.exp(np.minimum(0.0, change - self.nats[beliefs] / np.maximum(late, _LEAST)))

    def of(self, beliefs: Whole) -> tuple[Floats, Floats, Floats]:
        """Return what a run makes up of the inferred log-odds, what it keeps of the rest, and its mass."""
        return self._sign * self.nats[beliefs], self.kept[beliefs], self.mass[beliefs]


class _Run:
    """The ledgers of a block's beliefs, as they stand; every array has one column a draw."""

    def __init__(self, block: Block, values: Tables, vocabulary: Vocabulary) -> None:
        self._block, self._values = block, values
        self._draws = values["adherence"].shape[1]
        self._likelihoods = _likelihoods(block, values, vocabulary)
        beliefs, edges = block.beliefs, block.edges
        cells = beliefs.source * len(KINDS) + beliefs.kind
        usual = np.log(values["base"] / (1 - values["base"]))
        self._base = np.where(beliefs.usual[:, None], usual[cells], beliefs.base[:, None])
        self._rate = 1.0 / values["half_life"]
        own = values["kind_memory"]
        self._memory = np.where(np.isnan(own), values["memory"], own)
        self._direct = np.zeros_like(self._base)
        self._inferred = np.zeros_like(self._base)
        self._day = np.full(len(beliefs.base), -np.inf)
        self._heard = (np.zeros_like(self._base), np.zeros_like(self._base))
        self._turns = (_Turns(self._base.shape, 1.0), _Turns(self._base.shape, -1.0))
        self._session = np.full(len(beliefs.base), -np.inf)
        wrong, missed, form, other = (values["faults"][row] for row in range(4))
        adherence = np.where(
            np.isnan(edges.adherence)[:, None], values["adherence"], edges.adherence[:, None]
        )
        self._wrong = edges.weight[:, None] * adherence * wrong
        self._missed = edges.weight[:, None] * (1 - adherence) * missed
        self._leak = (1 - form) * (1 - other)
        told = block.responses
        self._leak_told = (1 + form * (told.form_ratio[:, None] - 1)) * (
            1 + other * (told.other_ratio[:, None] - 1)
        )
        self._then = np.zeros((len(edges.response), self._draws))
        self._satisfied = np.ones((len(told.day), self._draws))
        self._confidence = np.full((len(block.words.day), self._draws), np.nan)
        self._nats = self._word_nats()

    def run(self) -> Foreseen:
        for step in self._block.steps:
            if step.words.stop > step.words.start:
                self._say(step.words)
            if step.shown.stop > step.shown.start:
                self._show(step)
            if len(step.learned):
                self._learn(step)
        likely = self._likelihoods
        both = likely.scored_satisfied * self._satisfied + likely.scored_dissatisfied * (1 - self._satisfied)
        return Foreseen(
            satisfied=self._satisfied,
            log_likelihood=np.log(both),
            then=self._then,
            confidence=self._confidence,
        )

    def _word_nats(self) -> Floats:
        """Return what each word weighs, in nats."""
        words, stated = self._block.words, self._values["stated"]
        level = np.where(
            (words.source >= 0)[:, None], np.log(stated / (1 - stated))[words.source], words.level[:, None]
        )
        return np.where(words.absolute[:, None], level - self._base[words.belief], level)

    def _age(self, beliefs: Whole, day: Floats) -> None:
        """Let the ledgers of these beliefs fade to a day."""
        age = day - self._day[beliefs]
        self._day[beliefs] = day
        if (age[np.isfinite(age)] > 0).any():
            faded = self._faded(age, beliefs)
            self._direct[beliefs] *= faded
            self._inferred[beliefs] *= faded
            for turns in self._turns:
                turns.scale(beliefs, faded)

    def _faded(self, age: Floats, beliefs: Whole) -> Floats:
        age = np.where(np.isfinite(age), np.maximum(age, 0.0), 0.0)
        return np.asarray(np.exp2(-age[:, None] * self._rate[self._block.beliefs.kind[beliefs]]))

    def _say(self, rows: slice) -> None:
        words, beliefs, day = self._block.words, self._block.words.belief[rows], self._block.words.day[rows]
        self._age(beliefs, day)
        log_odds = self._base[beliefs] + self._direct[beliefs] + self._counting(beliefs)
        self._confidence[rows] = expit(np.clip(log_odds, _LOW, _HIGH))
        new = self._nats[rows] * self._faded(day - words.observed[rows], beliefs)
        pin, old = words.pin[rows], words.old[rows]
        replaced = np.where(old >= 0, day - words.observed[old], 0.0)
        gone = np.where((old >= 0)[:, None], self._nats[old], 0.0) * self._faded(replaced, beliefs)
        kept = np.where(pin[:, None], 0.0, 1.0)
        self._direct[beliefs] = (self._direct[beliefs] - gone) * kept + new
        self._inferred[beliefs] *= kept
        for turns in self._turns:
            turns.forget(beliefs[pin])
        for heard in self._heard:
            heard[beliefs] *= kept

    def _show(self, step: Step) -> None:
        edges, rows = self._block.edges, step.shown_edges
        beliefs, response = edges.belief[rows], edges.response[rows]
        faded = self._faded(self._block.responses.day[response] - self._day[beliefs], beliefs)
        log_odds = self._base[beliefs] + (self._direct[beliefs] + self._counting(beliefs)) * faded
        then = expit(np.clip(log_odds, _LOW, _HIGH))
        self._then[rows] = then
        plain = 1 - self._wrong[rows] * (1 - then) - self._missed[rows] * then
        starts = np.searchsorted(response, np.arange(step.shown.start, step.shown.stop))
        self._satisfied[step.shown] = self._leak * np.multiply.reduceat(plain, starts, axis=0)

    def _learn(self, step: Step) -> None:
        edges, rows, responses = self._block.edges, step.edges, self._block.responses
        beliefs, response = edges.belief[rows], edges.response[rows]
        each = np.repeat(np.arange(len(step.learned)), np.diff(np.append(step.starts, len(rows))))
        wrong, missed, then = self._wrong[rows], self._missed[rows], self._then[rows]
        wrong_ratio, missed_ratio = edges.wrong_ratio[rows, None], edges.missed_ratio[rows, None]
        plain = 1 - wrong * (1 - then) - missed * then
        none = self._satisfied[step.learned]
        silent = (wrong_ratio == 1).all() and (missed_ratio == 1).all()
        told = plain if silent else plain + wrong * (1 - then) * wrong_ratio + missed * then * missed_ratio
        if silent:
            any_told_but = self._leak_told[step.learned][each]
        else:
            total = self._leak_told[step.learned] * np.multiply.reduceat(told, step.starts, axis=0)
            any_told_but = total[each] / told
        satisfied = self._likelihoods.if_satisfied[step.learned][each]
        dissatisfied = self._likelihoods.if_dissatisfied[step.learned][each]
        none_but = none[each] / plain

        def likelihood(cause: Floats, ratio: Floats) -> Floats:
            quiet = none_but * (1 - cause)
            return np.asarray(
                satisfied * quiet + dissatisfied * (any_told_but * (1 - cause + cause * ratio) - quiet)
            )

        nats = np.log(likelihood(missed, missed_ratio) / likelihood(wrong, wrong_ratio))
        nats *= self._share(beliefs, np.floor(responses.observed[response]), nats)
        kinds = self._block.beliefs.kind[beliefs]
        nats += self._values["practice"][kinds]
        self._age(beliefs, responses.learned[response])
        crowded = np.exp2(-np.abs(nats) / self._memory[kinds])
        late = responses.learned[response] - responses.observed[response]
        aged = self._faded(late, beliefs)
        term = nats * aged
        self._inferred[beliefs] = self._inferred[beliefs] * crowded + term
        for turns in self._turns:
            turns.prolong(beliefs, crowded, term, self._values["change"], aged)

    def _counting(self, beliefs: Whole) -> Floats:
        """Return what counts of the inferred log-odds: less of what came before a turn."""
        (up, kept_up, mass_up), (down, kept_down, mass_down) = (turns.of(beliefs) for turns in self._turns)
        total, up_first = self._inferred[beliefs], mass_up >= mass_down
        outer, inner = np.where(up_first, up, down), np.where(up_first, down, up)
        kept_outer = np.where(up_first, kept_up, kept_down)
        kept_inner = np.where(up_first, kept_down, kept_up)
        total = outer + kept_outer * (total - outer)
        return np.asarray(inner + kept_inner * (total - inner))

    def _share(self, beliefs: Whole, session: Floats, nats: Floats) -> Floats:
        """Return what earlier evidence of its day and sign leaves of each new item; note that it was heard."""
        same = (self._session[beliefs] == session)[:, None]
        heard_for, heard_against = (np.where(same, heard[beliefs], 0.0) for heard in self._heard)
        self._session[beliefs] = session
        self._heard[0][beliefs] = heard_for + np.maximum(nats, 0.0)
        self._heard[1][beliefs] = heard_against + np.maximum(-nats, 0.0)
        return np.asarray(1 / (1 + np.where(nats > 0, heard_for, heard_against) / self._values["session"]))
