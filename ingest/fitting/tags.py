"""What a reason chip says of the cause, fitted: how often it is given for each, by expectation and maximization.

A chip is given for a cause that nobody sees. What is foreseen of a response says how likely each cause was beforehand
(the shares of ingest/attribution.py), the chips that came say the rest: Dempster, Laird and Rubin, Maximum likelihood
from incomplete data via the EM algorithm, JRSS B 39, 1977. Expected counts add up over users. Under a weak Dirichlet
prior at the shipped ratios, chips of which there are few records keep what they have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from beliefgraph.ingest.fitting.blocks import Block, Floats, Whole
from beliefgraph.ingest.fitting.forward import evidence_of, run
from beliefgraph.ingest.fitting.histories import Vocabulary
from beliefgraph.ingest.fitting.rates import LEAST, Tables
from beliefgraph.ingest.parameters import Parameters

CAUSES = ("wrong", "missed", "form", "other")
"""The causes of a dissatisfaction, by the names of a tag's ratios."""
_PRIOR_SIGNALS = 50.0
"""So many chips, for each cause, is the prior worth."""
_ROUNDS = 50
_LEAST_RATIO, _MOST_RATIO = 0.02, 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """Responses with a reason chip, one a row: the chip, the shares of the causes beforehand, how surely it was one.

    `shares` are (rows, causes) and sum to 1; `dissatisfied` is the probability that any cause had fired, given the
    signals; `user` numbers the users of the block. Chips that call a signal an accident are left out.
    """

    tag: Whole
    shares: Floats
    dissatisfied: Floats
    user: Whole

    def __add__(self, other: "Tagged") -> "Tagged":
        """Return the responses of both groups of users."""
        return Tagged(
            tag=np.concatenate([self.tag, other.tag]),
            shares=np.concatenate([self.shares, other.shares]),
            dissatisfied=np.concatenate([self.dissatisfied, other.dissatisfied]),
            user=np.concatenate([self.user, other.user + self.user.max(initial=-1) + 1]),
        )


def tagged(block: Block, values: Tables, vocabulary: Vocabulary) -> Tagged:
    """Return what a block's responses with chips say, under one draw of the parameters."""
    edges, responses = block.edges, block.responses
    foreseen = run(block, values, vocabulary)
    then, satisfied = foreseen.then[:, 0], foreseen.satisfied[:, 0]
    known = np.where(np.isnan(edges.adherence), values["adherence"][0, 0], edges.adherence)
    wrong, missed, form, other = (values["faults"][row, 0] for row in range(4))
    hazards = np.zeros((len(responses.day), len(CAUSES)))
    np.add.at(hazards[:, 0], edges.response, -np.log1p(-edges.weight * (1 - then) * known * wrong))
    np.add.at(hazards[:, 1], edges.response, -np.log1p(-edges.weight * then * (1 - known) * missed))
    hazards[:, 2], hazards[:, 3] = -np.log1p(-form), -np.log1p(-other)
    if_satisfied, if_not = (each[:, 0] for each in evidence_of(block, values, vocabulary))
    mass = if_not * (1 - satisfied)
    slips = [vocabulary.tags[name] for name in vocabulary.slips]
    rows = np.flatnonzero((responses.tag >= 0) & ~np.isin(responses.tag, slips))
    return Tagged(
        tag=responses.tag[rows],
        shares=hazards[rows] / hazards[rows].sum(axis=1, keepdims=True),
        dissatisfied=(mass / (mass + if_satisfied * satisfied))[rows],
        user=responses.user[rows],
    )


def ratios(parameters: Parameters) -> Floats:
    """Return the ratios of all tags: (tags, causes)."""
    return np.array([[getattr(tag, cause) for cause in CAUSES] for tag in parameters.tags.values()])


def fit_ratios(found: Tagged, parameters: Parameters) -> Mapping[str, float]:
    """Return the most probable ratios of the tags of which there are records enough, by dotted name.

    What matters is how a tag's ratios compare with each other; on average over the causes that there were they stay
    what they are, so that a chip says as much as before of whether she was dissatisfied at all.
    """
    usual, names = ratios(parameters), list(parameters.tags)
    given = np.bincount(found.tag, found.dissatisfied, len(names))
    enough = np.bincount(found.tag, minlength=len(names)) >= LEAST
    if not enough.any():
        return {}
    often = given / given.sum()
    prior = _likelihoods(often, usual)
    likely = prior
    for _ in range(_ROUNDS):
        counts = expected(found, likely)
        likely = (counts + _PRIOR_SIGNALS * prior) / (counts.sum(axis=0) + _PRIOR_SIGNALS)
    share = expected(found, likely).sum(axis=0)
    share /= share.sum()
    fitted = likely[enough] / (likely[enough] @ share)[:, None] * (usual[enough] @ share)[:, None]
    fitted = np.clip(fitted, _LEAST_RATIO, _MOST_RATIO)
    return {
        f"tags.{names[place]}.{cause}": round(float(value), 3)
        for place, row in zip(np.flatnonzero(enough), fitted, strict=True)
        for cause, value in zip(CAUSES, row, strict=True)
    }


def expected(found: Tagged, likely: Floats) -> Floats:
    """Return how often, as expected, each tag was given for each cause; counts of groups of users add up."""
    shares = found.shares * likely[found.tag]
    shares *= (found.dissatisfied / shares.sum(axis=1))[:, None]
    return np.array([np.bincount(found.tag, column, len(likely)) for column in shares.T]).T


def _likelihoods(often: Floats, several: Floats) -> Floats:
    """Return P(tag | cause) of tags that are given so often and have these ratios: (tags, causes)."""
    joint = np.maximum(often, 1e-12)[:, None] * several
    return np.asarray(joint / joint.sum(axis=0))


def surprise(found: Tagged, parameters: Parameters, often: Floats) -> Floats:
    """Return the log loss of each chip that came, given the response it came on, where tags are given so `often`."""
    likely = _likelihoods(often, ratios(parameters))
    return np.asarray(-np.log((found.shares * likely[found.tag]).sum(axis=1)))


def how_often(found: Sequence[Tagged], tags: int) -> Floats:
    """Return which share of the chips each tag is."""
    counts = np.sum([np.bincount(each.tag, minlength=tags) for each in found], axis=0) + 1.0
    return np.asarray(counts / counts.sum())
