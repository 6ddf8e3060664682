"""Another cross-encoder by name: its labels are read by name, and its contradictions stay in doubt."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from beliefgraph import BeliefGraph, Parameters, SelfModel
from beliefgraph.graph.errors import ModelUnavailableError
from beliefgraph.ingest.classifier import CrossEncoderRelater
from beliefgraph.ingest.parameters import load_parameters
from tests.cross_encoders import NLI, ScriptedCrossEncoder, install
from tests.embedders import FormGate, WordEmbedder

NAME = "somebody/nli-model"
OLD, NEW = "I want comments in code", "I want no comments in code"
SURE = (0.99, 0.0, 0.01)
SCRIPT = {
    (OLD, NEW): SURE,
    (NEW, OLD): SURE,
    ("poodle", "dog"): (0.0, 0.9, 0.1),
    ("dog", "poodle"): (0.1, 0.3, 0.6),
}


@contextmanager
def _opened(
    monkeypatch: pytest.MonkeyPatch, parameters: Parameters | Path | None = None
) -> Iterator[SelfModel]:
    install(monkeypatch, ScriptedCrossEncoder(SCRIPT))
    with BeliefGraph.open(
        ":memory:", embedder=WordEmbedder(), relater=NAME, gate=FormGate(), parameters=parameters
    ) as graph:
        yield graph.user("ada")


@pytest.mark.parametrize(
    "labels", [NLI, ("ENTAILMENT", "NEUTRAL", "CONTRADICTION"), ("neutral", "Contradiction", "entailment")]
)
def test_labels_are_read_by_name(monkeypatch: pytest.MonkeyPatch, labels: Sequence[str]) -> None:
    """Whatever the order and the case of the labels, a relation says the same, in both directions."""
    install(monkeypatch, ScriptedCrossEncoder(SCRIPT, labels))
    there, back, against = CrossEncoderRelater(NAME).relate(
        [("poodle", "dog"), ("dog", "poodle"), (OLD, NEW)]
    )
    assert (0.3, 0.6, 0.05) == pytest.approx((there.equivalent, there.entails, there.contradiction))
    assert (0.3, 0.6, 0.05) == pytest.approx((back.equivalent, back.entailed, back.contradiction))
    assert 0.99 == pytest.approx(against.contradiction)
    for each in (there, back, against):
        assert 1.0 == pytest.approx(each.equivalent + each.entails + each.contradiction + each.neutral)


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (("LABEL_0", "LABEL_1", "LABEL_2"), "LABEL_0, LABEL_1, LABEL_2"),
        (("entailment", "not_entailment"), "entailment, not_entailment"),
        (("LABEL_0",), "LABEL_0"),
        (None, "(none)"),
    ],
)
def test_other_labels_are_refused(
    monkeypatch: pytest.MonkeyPatch, labels: Sequence[str] | None, named: str
) -> None:
    """A model whose labels do not say which is which is not guessed at: the error names them and what is needed."""
    install(monkeypatch, ScriptedCrossEncoder({}, labels))
    with pytest.raises(ModelUnavailableError) as caught:
        CrossEncoderRelater(NAME).relate([(OLD, NEW)])
    needed = "it needs entailment, contradiction and neutral, by these names: a model for natural-language inference"
    assert f"the cross-encoder {NAME} has the labels {named}; {needed}" == str(caught.value)


def test_a_name_of_nothing_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be loaded is said with the name of the model."""
    install(monkeypatch, OSError("no such repository"))
    with pytest.raises(ModelUnavailableError, match=f"the cross-encoder {NAME} cannot be loaded"):
        CrossEncoderRelater(NAME).relate([(OLD, NEW)])


def test_the_settings_name_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """BELIEFGRAPH_RELATER names what `relater` names when a graph is opened; it is loaded with the first pair."""
    names = install(monkeypatch, ScriptedCrossEncoder(SCRIPT))
    monkeypatch.setenv("BELIEFGRAPH_RELATER", NAME)
    with BeliefGraph.open(":memory:", embedder=WordEmbedder()) as graph:
        assert [] == names
        assert 0.99 == pytest.approx(graph.relate(OLD, NEW).contradiction)
        assert [NAME] == names


@pytest.mark.parametrize("kind", ["statement", "correction"])
@pytest.mark.parametrize("new", [NEW, "I want no comments in code any more"])
def test_its_contradictions_stay_in_doubt(monkeypatch: pytest.MonkeyPatch, kind: str, new: str) -> None:
    """However sure it is, nothing moves and nothing is retired by it alone, also when the text says that it changed."""
    monkeypatch.setitem(SCRIPT, (new, OLD), SURE)
    monkeypatch.setitem(SCRIPT, (OLD, new), SURE)
    with _opened(monkeypatch) as ada:
        old = ada.believe(OLD)
        ada.signal(kind, text=new)
        after = ada.belief(old.id)
        assert pytest.approx(old.confidence) == after.confidence
        assert "held" == after.standing
        (conflict,) = ada.conflicts()
        assert ("suspected", "nli-model") == (conflict.status, conflict.detector)
        assert conflict.strength == load_parameters().text.uncalibrated < load_parameters().text.confirmed
        assert [] == ada.resolve_conflicts()
        ada.resolve(conflict.id, dismiss=True)
        assert "suspected" == ada.resolve(conflict.id, undo=True).status


def test_who_measured_it_sets_its_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With limits of one's own its contradictions count."""
    own = tmp_path / "own.toml"
    own.write_text('version = "mine"\n[text]\nconfirmed = 0.97\nuncalibrated = 0.995\n', encoding="utf-8")
    with _opened(monkeypatch, own) as ada:
        ada.believe(OLD)
        ada.signal("statement", text=NEW)
        (conflict,) = ada.conflicts()
        assert "confirmed" == conflict.status
        assert pytest.approx(0.99) == conflict.strength
