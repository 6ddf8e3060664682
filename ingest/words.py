"""What a direct word about a belief weighs: a confirmation, a denial, a correction, a rating of the belief itself."""

import math

from beliefgraph.graph.ledger import sigmoid
from beliefgraph.graph.model import Signal
from beliefgraph.ingest.parameters import Parameters


def accident_of(parameters: Parameters, signal: Signal) -> float:
    """Return the probability, said by a tag, that the signal is a slip."""
    tagged = [tag.accident for name in signal.tags if (tag := parameters.tags.get(name)) and tag.accident]
    return max(tagged, default=0.0)


def word_nats(parameters: Parameters, signal: Signal) -> float:
    """Return what a word about a belief itself weighs, in nats (0: it says nothing of the belief's truth)."""
    words, kind = parameters.words, parameters.signal(signal.kind)
    if signal.kind == "confirm":
        plain = words.confirm
    elif signal.kind in ("deny", "correction"):
        plain = words.deny
    else:
        plain = words.rating * kind.goodness_of(signal.value) if kind.emits else 0.0
    accident = accident_of(parameters, signal)
    given_true = (1 - accident) * sigmoid(plain) + accident / 2
    given_false = (1 - accident) * sigmoid(-plain) + accident / 2
    return math.log(given_true / given_false)
