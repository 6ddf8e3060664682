"""What later evidence says of a belief as it was born, where practice makes beliefs true in time."""

import math

import pytest

from beliefgraph.graph.ids import BeliefId, UserId
from beliefgraph.graph.ledger import RESPONSE, Item, logit
from beliefgraph.ingest.aggregate import TurnedOut, base_rate, of_birth


def _items(*nats: float) -> list[Item]:
    return [
        Item(belief_id=BeliefId("b"), slot=RESPONSE, id=f"r{number}", nats=each, observed_us=number)
        for number, each in enumerate(nats)
    ]


def test_the_first_answer_says_all_of_birth_and_later_ones_less() -> None:
    """Each further exercise may have taught what it shows: it says less of birth, and never the other way."""
    for sign in (1.0, -1.0):
        said = [nats for _, nats in of_birth(_items(*[sign] * 6), 0.5)]
        assert sign == pytest.approx(said[0])
        assert [abs(nats) for nats in said] == sorted((abs(nats) for nats in said), reverse=True)
        assert all(nats * sign > 0 for nats in said)


def test_what_a_later_answer_says_is_the_formula() -> None:
    """Of birth an item is the log-ratio of its likelihoods, learned meanwhile with probability T = 1 − e^(−k·g)."""
    learned = 1 - math.exp(-2 * 0.5)
    true, false = math.exp(0.8), 1.0
    expected = math.log(true / (learned * true + (1 - learned) * false))
    assert expected == pytest.approx(of_birth(_items(0.0, 0.0, 0.8), 0.5)[2][1])


def test_without_practice_every_answer_counts_in_full() -> None:
    """With g near 0 nothing is learned between two exercises, so what an item says it says of birth."""
    said = [nats for _, nats in of_birth(_items(1.0, -1.0, 0.5), 1e-12)]
    assert [1.0, -1.0, 0.5] == pytest.approx(said)


def test_a_rate_is_where_beliefs_turn_out_as_sure_as_they_were_born() -> None:
    """Of users of whom as much was learned for as against, the rate is a half; of more for it, it is higher."""
    even = [TurnedOut(user=UserId(f"u{n}"), stated=0.0, learned=1.0 if n % 2 else -1.0) for n in range(40)]
    more = [TurnedOut(user=UserId(f"v{n}"), stated=0.0, learned=1.0) for n in range(20)]
    assert base_rate(even, 0.5, 20.0) == pytest.approx(0.5)
    assert logit(base_rate([*even, *more], 0.5, 20.0)) > 0.2
