"""Parameters fitted to what a store's users did, and whether they are better for users who were not fitted to.

Users are split by a digest of their id: the same are held out every time. Both parameters foresee every signal and
every judgement of the held-out users, in order, each before it came; only what is better there may be adopted. The
fit lies in `beliefgraph.ingest.fitting`, the picture in picture.py, reinterpretation in `beliefgraph.ingest`.
"""

import functools
import hashlib
import operator
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from beliefgraph.comparison import JUDGEMENTS, SIGNALS, Comparison, Drawing, compare, predict_outcomes
from beliefgraph.graph.clock import from_us
from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.store import Reader, Store, scopes
from beliefgraph.ingest.fitting.blocks import SIGNALS_A_BLOCK, Block, block
from beliefgraph.ingest.fitting.histories import History, Vocabulary, read_history, vocabulary
from beliefgraph.ingest.fitting.rates import changed, free_rates, tables
from beliefgraph.ingest.fitting.search import FittedRate, fit
from beliefgraph.ingest.fitting.tags import CAUSES, fit_ratios, how_often, surprise, tagged
from beliefgraph.ingest.parameters import Parameters, Provenance, Recalibration, save_parameters
from beliefgraph.scoring import Floats
from beliefgraph.stages import Estimate

SHARE = 0.2
"""Which share of the users is held out."""
LEAST_USERS = 20
"""With fewer users on either side nothing is fitted: there would be nothing to tell better from luckier."""
TOLD = 0.05
"""A rate of which the histories said a smaller share than this stays as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was fitted, and how it does on held-out users.

    `compared` has `signals` (was the next signal foreseen?) and, where people judged beliefs, `judgements` (were
    confidences right?). `better` says whether the log loss of signals fell for certain, and that of judgements did not
    rise for certain. `recalibrated` names the kinds of signals whose prediction got a map on top, `tags` has the ratios
    of reason chips that were fitted, by dotted name; empty where they did not help. `rejected` counts the lines of a
    log that could not be applied.
    """

    parameters: Parameters
    rates: tuple[FittedRate, ...]
    compared: Mapping[str, Comparison]
    better: bool
    provenance: Provenance
    recalibrated: tuple[str, ...] = ()
    tags: Mapping[str, float] = field(default_factory=dict)
    rejected: int = 0

    def save(self, path: Path | str) -> None:
        """Write the parameters for BELIEFGRAPH_PARAMETERS. Raises `InvalidInputError` if they are not better."""
        if not self.better:
            raise InvalidInputError(
                "parameters", "must be better on held-out users to be written; these are not"
            )
        save_parameters(self.parameters, path)

    def as_json(self) -> dict[str, Any]:
        """Return every field by its name."""
        return {
            "version": self.parameters.version,
            "better": self.better,
            "provenance": self.provenance.model_dump(),
            "rates": [
                {
                    "name": each.rate.name,
                    "before": each.rate.usual,
                    "after": each.value,
                    "low": each.low,
                    "high": each.high,
                    "told": each.told,
                    "records": each.rate.records,
                }
                for each in self.rates
            ],
            "compared": {name: _json(asdict(each)) for name, each in self.compared.items()},
            "recalibrated": list(self.recalibrated),
            "tags": dict(self.tags),
            "rejected": self.rejected,
        }

    def __str__(self) -> str:
        """Return plain tables: what was fitted, and the scores before and after."""
        lines = [f"{'parameter':<40}{'before':>11}{'after':>11}   90 % interval      told"]
        for each in self.rates:
            kept = "" if each.told >= TOLD else "   kept"
            lines.append(
                f"{each.rate.name:<40}{each.rate.usual:>11.4g}{each.value:>11.4g}"
                f"   {each.low:<7.4g}–{each.high:>8.4g}{each.told:>8.0%}{kept}"
            )
        lines.append(
            f"told: how much of what is known of it the histories said; less than {TOLD:.0%}: kept as it was"
        )
        for name, comparison in self.compared.items():
            lines += ["", f"{_TITLES[name]}: {comparison.outcomes:,} of {comparison.users:,} held-out users"]
            lines.append(f"{'':<12}{'log loss':>16}{'Brier':>16}{'ECE':>16}")
            for when, quality in (("before", comparison.before), ("after", comparison.after)):
                cells = (quality.log_loss, quality.brier, quality.ece)
                lines.append(f"{when:<12}" + "".join(f"{_shown(cell):>16}" for cell in cells))
            lines.append(
                f"{'gain':<12}{_shown(comparison.gain, '+.4f'):>16}   (log loss; ± half of a 95 % interval)"
            )
        if self.tags:
            lines += [
                "",
                f"{'reason chip':<24}{'wrong':>9}{'missed':>9}{'form':>9}{'other':>9}   for each cause",
            ]
            for name in dict.fromkeys(each.split(".")[1] for each in self.tags):
                ratios = [self.tags[f"tags.{name}.{cause}"] for cause in CAUSES]
                lines.append(f"{name:<24}" + "".join(f"{ratio:>9.3g}" for ratio in ratios))
        if self.recalibrated:
            lines += ["", f"A map on top helps for {', '.join(self.recalibrated)}."]
        if JUDGEMENTS not in self.compared:
            lines += [
                "",
                "Nobody confirmed, denied or edited a belief: only the prediction of signals is calibrated.",
            ]
        if self.rejected:
            lines += [
                "",
                f"{self.rejected:,} lines of the log could not be applied (`ingest` says which and why).",
            ]
        verdict = (
            "better on held-out users" if self.better else "not better on held-out users: not to be adopted"
        )
        return "\n".join([*lines, "", f"{self.parameters.version}: {verdict}"])

    def plot(self, path: Path | str) -> None:
        """Draw the reliability diagram, before and after. Needs matplotlib."""
        from beliefgraph.picture import draw_reliability

        draw_reliability(
            {
                _TITLES[name]: {"before": each.before.reliability, "after": each.after.reliability}
                for name, each in self.compared.items()
            },
            path,
        )


_TITLES = {
    SIGNALS: "Prediction of signals",
    JUDGEMENTS: "Beliefs, as their users confirmed, denied or edited them",
}


def _shown(estimate: Estimate, form: str = ".4f") -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–" if estimate.value is None else format(estimate.value, form)
    return f"{format(estimate.value, form)} ±{(estimate.high - estimate.low) / 2:.4f}"


def _json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return {name: _json(each) for name, each in value.items()} if isinstance(value, dict) else value


# Reading


@dataclass(slots=True, kw_only=True)
class _Side:
    """The users on one side of the split, as blocks; the last ones wait until they have signals enough together."""

    blocks: list[Block] = field(default_factory=list)
    waiting: list[History] = field(default_factory=list)
    signals: int = 0
    users: int = 0

    def add(self, history: History) -> None:
        if not history.tells:
            return
        self.users += 1
        self.waiting.append(history)
        self.signals += history.signals
        if self.signals >= SIGNALS_A_BLOCK:
            self.close()

    def close(self) -> None:
        if self.waiting:
            self.blocks.append(block(self.waiting))
            self.waiting, self.signals = [], 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The users of a store, those to fit to and those held out, with a digest of what was read."""

    train: list[Block]
    test: list[Block]
    train_users: int
    test_users: int
    digest: str


def held_out(user_id: str, share: float) -> bool:
    """Say whether a user is held out: told by a digest of her id, so the same every time.

    >>> held_out("ada", 1.0), held_out("ada", 0.0)
    (True, False)
    """
    return int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:4]) < share * 2**32


def gather(
    store: Store, tenant: str, words: Vocabulary, share: float, on_user: Callable[[], None]
) -> Gathered:
    """Read every user of a tenant, each on a view of her own."""
    train, test, digest = _Side(), _Side(), hashlib.sha256()

    def read(reader: Reader) -> tuple[History, int]:
        return read_history(reader, words), reader.head().seq

    for scope in scopes(store, tenant):
        history, seq = store.read(scope, read)
        digest.update(f"{scope.user_id}\0{seq}\0".encode())
        (test if held_out(scope.user_id, share) else train).add(history)
        on_user()
    train.close()
    test.close()
    return Gathered(
        train=train.blocks,
        test=test.blocks,
        train_users=train.users,
        test_users=test.users,
        digest=digest.hexdigest(),
    )


def check_share(share: float) -> None:
    """Raise `InvalidInputError` unless a share of the users can be held out."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0.0 < share < 1.0:
        raise InvalidInputError("share", "must be a number between 0 and 1", got=str(share)[:80])


# Fitting and comparing


def calibrate(
    store: Store,
    tenant: str,
    parameters: Parameters,
    *,
    share: float = SHARE,
    on_user: Callable[[], None] = lambda: None,
    on_round: Callable[[], None] = lambda: None,
) -> Calibration:
    """Fit the parameters to a tenant's users and compare both on those held out. Writes nothing.

    Raises `InvalidInputError` when there are too few users.
    """
    check_share(share)
    words = vocabulary(parameters)
    return calibrated(gather(store, tenant, words, share, on_user), words, on_round=on_round)


def calibrated(
    found: Gathered, words: Vocabulary, *, on_round: Callable[[], None] = lambda: None
) -> Calibration:
    """Fit the parameters of a vocabulary to users who were gathered, and compare. Raises `InvalidInputError`."""
    for side, users in (("to fit to", found.train_users), ("held out", found.test_users)):
        if users < LEAST_USERS:
            raise InvalidInputError(
                "users", f"must be at least {LEAST_USERS} {side} with signals on responses", got=str(users)
            )
    parameters = words.parameters
    rates = free_rates(parameters, words, found.train)
    result = fit(found.train, rates, words, on_round=on_round)
    kept = [each for each in result.rates if each.told >= TOLD]
    values = {each.rate.name: round(each.value, 6) for each in kept}
    fitted = changed(parameters, values, recalibration={})
    tags = _tags(found, words, fitted)
    fitted = changed(fitted, tags)
    maps = _recalibration(found, words, fitted)
    fitted = changed(fitted, {}, recalibration={name: each.model_dump() for name, each in maps.items()})
    provenance = _provenance(found, parameters)
    held = sorted({**values, **tags}.items())
    name = hashlib.sha256(f"{found.digest}{held}".encode()).hexdigest()[:8]
    fitted = changed(
        fitted,
        {},
        version=f"{_root(parameters.version)}-fitted-{provenance.until[:10]}-{name}",
        provenance=provenance.model_dump(),
    )
    compared = compare(found.test, (parameters, fitted), words)
    return Calibration(
        parameters=fitted,
        rates=result.rates,
        compared=compared,
        better=_is_better(compared),
        provenance=provenance,
        recalibrated=tuple(maps),
        tags=dict(tags),
    )


def _root(version: str) -> str:
    """Return the version without the population's and without that of an earlier fit."""
    return version.partition("+")[0].partition("-fitted-")[0]


def _provenance(found: Gathered, parameters: Parameters) -> Provenance:
    every = [*found.train, *found.test]
    judged = sum(int((~np.isnan(each.words.truth)).sum()) for each in every)
    return Provenance(
        started_from=parameters.version,
        users=found.train_users,
        held_out_users=found.test_users,
        signals=sum(each.count for each in every),
        judgements=judged,
        since=_moment(min(each.since_us for each in every)),
        until=_moment(max(each.until_us for each in every)),
        digest=found.digest,
    )


def _moment(at_us: int) -> str:
    moment: datetime = from_us(at_us)
    return moment.isoformat(timespec="seconds")


def _is_better(compared: Mapping[str, Comparison]) -> bool:
    """Say whether signals are foreseen better for certain, and judgements not worse for certain."""
    if SIGNALS not in compared:
        return False
    signals, judgements = compared[SIGNALS].gain, compared.get(JUDGEMENTS)
    surely = signals.low is not None and signals.low > 0.0
    harmless = judgements is None or judgements.gain.high is None or judgements.gain.high >= 0.0
    return surely and harmless


# Reason chips


def _tags(found: Gathered, words: Vocabulary, fitted: Parameters) -> Mapping[str, float]:
    """Return the ratios of reason chips, if those make the chips of held-out users less surprising for certain."""
    values = tables(fitted, words)
    sides = [[tagged(each, values, words) for each in side] for side in (found.train, found.test)]
    if not all(sides):
        return {}
    seen, unseen = (functools.reduce(operator.add, side) for side in sides)
    ratios = fit_ratios(seen, fitted)
    if not ratios or not len(unseen.tag):
        return {}
    often = how_often([seen], len(words.tags))
    gained = surprise(unseen, fitted, often) - surprise(unseen, changed(fitted, ratios), often)
    gain = Drawing(np.unique(unseen.user, return_inverse=True)[1]).mean(gained)
    return ratios if gain.low is not None and gain.low > 0 else {}


# A map on top


_LEAST_MAPPED = 500
_POINTS = 30
"""Between so many quantiles of what was foreseen the isotonic map is drawn straight."""


def _recalibration(found: Gathered, words: Vocabulary, fitted: Parameters) -> dict[str, Recalibration]:
    """Return, for each kind of signal whose prediction it helps on held-out users, a map.

    A logistic one (Platt's), or an isotonic one where that is better still for certain.
    """
    seen, unseen = (predict_outcomes(side, [fitted], words)[SIGNALS] for side in (found.train, found.test))
    maps: dict[str, Recalibration] = {}
    for place, name in enumerate(words.signals):
        here, there = seen.kinds == place, unseen.kinds == place
        outcomes, foreseen = seen.outcomes[here], seen.probabilities[here, 0]
        if min(here.sum(), there.sum()) < _LEAST_MAPPED or not 0 < outcomes.mean() < 1:
            continue
        plain, good = unseen.probabilities[there, 0], unseen.outcomes[there] > 0
        drawing = Drawing(np.unique(unseen.users[there], return_inverse=True)[1])
        best = plain
        for each in (_platt(foreseen, outcomes), _isotonic(foreseen, outcomes)):
            if each is not None:
                mapped = each(plain)
                gained = np.log(np.where(good, mapped, 1 - mapped)) - np.log(np.where(good, best, 1 - best))
                gain = drawing.mean(gained)
                if gain.low is not None and gain.low > 0:
                    maps[name], best = each, mapped
    return maps


def _platt(foreseen: Floats, outcomes: Floats) -> Recalibration | None:
    from sklearn.linear_model import LogisticRegression

    platt = LogisticRegression(C=1e6).fit(_log_odds(foreseen)[:, None], outcomes)
    slope, offset = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    return Recalibration(slope=round(slope, 4), offset=round(offset, 4)) if slope > 0 else None


def _isotonic(foreseen: Floats, outcomes: Floats) -> Recalibration | None:
    from sklearn.isotonic import IsotonicRegression

    isotonic = IsotonicRegression(y_min=0.01, y_max=0.99, out_of_bounds="clip").fit(foreseen, outcomes)
    at = np.unique(np.quantile(foreseen, np.linspace(0, 1, _POINTS + 1)).round(4))
    came = isotonic.predict(at).round(4)
    points = [(float(p), float(q)) for p, q in zip(at, came, strict=True) if 0 < p < 1]
    return Recalibration(points=points) if len(points) > 1 else None


def _log_odds(probabilities: Floats) -> Floats:
    return np.asarray(np.log(probabilities / (1 - probabilities)))
