"""The shipped network: symmetric where it must be, summing to one, and right where it is plain."""

import hashlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import beliefgraph.ingest.classifier as home
from beliefgraph.ingest.classifier import Classifier
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.relate import Relation

LIMITS = load_parameters().text


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """Give the network, loaded once."""
    return Classifier()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Works night shifts", "I work nights"),
        ("Has a poodle", "Has a dog"),
        ("Prefers tea to coffee", "Prefers coffee to tea"),
        ("a", "b"),
    ],
)
def test_a_relation_is_consistent(classifier: Classifier, first: str, second: str) -> None:
    """Probabilities sum to one; equivalence and contradiction do not hang on the order; entailment turns round."""
    there, back = classifier.relate([(first, second), (second, first)])
    assert math.isclose(1.0, there.equivalent + there.entails + there.contradiction + there.neutral)
    assert there.entailed <= there.neutral
    assert pytest.approx(there.equivalent, abs=1e-6) == back.equivalent
    assert pytest.approx(there.contradiction, abs=1e-6) == back.contradiction
    assert pytest.approx(there.entails, abs=1e-6) == back.entailed


def test_neighbours_in_a_batch_change_nothing(classifier: Classifier) -> None:
    """A pair is read alone, so that what comes out is the same in any company, also after forgetting."""
    pair = ("Likes jazz", "Can't stand jazz")
    (alone,) = classifier.relate([pair])
    classifier.forget()
    company = [("Has a cat", f"Lives at {number} in a very long street in Leeds") for number in range(9)]
    assert alone == classifier.relate([*company, pair])[-1]


def test_plain_contradictions_beat_other_contexts(classifier: Classifier) -> None:
    """An opposite is likelier a contradiction than another object is."""
    opposite, other = classifier.relate(
        [("Never drinks alcohol", "Drinks beer every evening"), ("Has a dog", "Likes Belgian chocolate")]
    )
    assert opposite.contradiction > 0.5 > other.contradiction


@pytest.mark.parametrize("text", ["I'm vegetarian", "stop using emojis", "Works night shifts"])
def test_lasting_statements_pass_the_gate(classifier: Classifier, text: str) -> None:
    """What speaks of the user lastingly is worth believing."""
    assert classifier.lasting([text])[0] >= LIMITS.lasting


@pytest.mark.parametrize("text", ["thanks", "There is no example in it", "what is the capital of France?"])
def test_remarks_do_not(classifier: Classifier, text: str) -> None:
    """Thanks, remarks about the answer and questions are not."""
    assert classifier.lasting([text])[0] < LIMITS.passing


def test_the_weights_are_those_of_the_card() -> None:
    """The calibration names the digest of the weights beside it."""
    folder = Path(home.__file__).parent / "relation_model"
    digest = hashlib.sha256((folder / "relation.onnx").read_bytes()).hexdigest()
    assert json.loads((folder / "calibration.json").read_text(encoding="utf-8"))["sha256"] == digest


@given(
    st.lists(st.floats(0.001, 1.0), min_size=5, max_size=5),
    st.floats(-1.0, 1.0),
    st.floats(-1.0, 1.0),
)
def test_a_situated_contradiction_is_a_probability(weights: list[float], low: float, high: float) -> None:
    """Nearer texts contradict each other more likely, never more than paraphrase leaves room; parts sum to 1."""
    equivalent, entails, entailed, contradiction, neutral = (each / sum(weights) for each in weights)
    read = Relation(equivalent, entails, contradiction, neutral + entailed, entailed)
    far, near = (Classifier().situate(read, cosine, 0.0) for cosine in sorted((low, high)))
    behind, ahead = (Classifier().situate(read, high, lead) for lead in (-0.2, 0.1))
    assert behind.contradiction <= ahead.contradiction
    assert far.contradiction <= near.contradiction
    same = equivalent + entails + entailed
    assert near.contradiction <= contradiction / (contradiction + same) + 1e-9
    assert 0.0 == far.equivalent or min(low, high) >= 0.33
    assert pytest.approx(1.0) == near.equivalent + near.entails + near.contradiction + near.neutral
    assert -1e-9 <= near.entailed <= near.neutral + 1e-9
