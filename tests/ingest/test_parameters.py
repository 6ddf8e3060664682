"""Parameters: what ships, what may be overridden, and every wrong entry named."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beliefgraph import InvalidInputError, UnknownSignalKindError
from beliefgraph.ingest.attribution import Emission
from beliefgraph.ingest.parameters import load_parameters, save_parameters
from beliefgraph.ingest.signal_parameters import SignalParameters
from tests.worlds import PARAMETERS, parameters_with

KINDS = (
    "rating", "stars", "answer", "accept", "copy", "save", "share", "click", "dwell", "edit", "regenerate", "abandon",
    "ignore", "correction", "statement", "confirm", "deny", "set",
)  # fmt: skip
TAGS = (
    "inaccurate", "not_what_i_asked", "ignored_preference", "too_long", "too_short", "too_general", "bad_format",
    "wrong_tone", "outdated", "mistake",
)  # fmt: skip


def own(tmp_path: Path, text: str) -> Path:
    """Write a parameters file with a version of its own."""
    place = tmp_path / "own.toml"
    place.write_text(f'version = "own"\n{text}', encoding="utf-8")
    return place


def test_what_ships_knows_every_kind_and_tag_of_the_interface() -> None:
    """The kinds and tags that the interface promises are there, out of the box."""
    assert set(KINDS) <= set(PARAMETERS.signals)
    assert set(TAGS) <= set(PARAMETERS.tags)
    assert set(PARAMETERS.text.cues) <= set(PARAMETERS.tags)
    assert (6.0, 0.8) == (PARAMETERS.memory.nats, PARAMETERS.attribution.adherence)


def test_an_override_holds_what_differs_only(tmp_path: Path) -> None:
    """Tables are merged to the depth of the entry; lists and values are replaced; the rest is as shipped."""
    text = """
    [memory]
    nats = 4.0
    [signals.wave]
    goodness = 0.5
    satisfied = 0.3
    dissatisfied = 0.1
    about = ["response"]
    [signals.rating]
    accident = 0.1
    [kinds.skill]
    base_rate = {inferred = 0.3}
    [text.cues]
    too_long = ["zu lang"]
    """
    parameters = load_parameters(own(tmp_path, text))
    assert ("own", 4.0) == (parameters.version, parameters.memory.nats)
    assert "wave" in parameters.signals
    assert (0.1, PARAMETERS.signal("rating").satisfied) == (
        parameters.signal("rating").accident,
        parameters.signal("rating").satisfied,
    )
    assert (0.3, 0.5) == (parameters.base_rate("inferred", "skill"), parameters.base_rate("stated", "skill"))
    assert ["zu lang"] == parameters.text.cues["too_long"]
    assert PARAMETERS.text.cues["too_short"] == parameters.text.cues["too_short"]
    assert PARAMETERS.tags == parameters.tags


def test_a_file_from_before_a_parameter_was_there(tmp_path: Path) -> None:
    """What an older file does not know is as shipped."""
    text = '[habits]\nkinds = ["rating", "stars"]\nshare = 0.1\nsteady = 0.9\nsignals = 20.0\n'
    habits, shipped = load_parameters(own(tmp_path, text)).habits, PARAMETERS.habits
    assert (0.1, shipped.noted, shipped.foretells) == (habits.share, habits.noted, habits.foretells)


@pytest.mark.parametrize("text", ["", 'version = "{shipped}"\n', "version = 5\n", 'version = ""\n'])
def test_a_file_needs_a_version_of_its_own(text: str, tmp_path: Path) -> None:
    """Without a version of its own a file is refused: every revision names where its numbers are from."""
    place = tmp_path / "own.toml"
    place.write_text(text.replace("{shipped}", PARAMETERS.version), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="version"):
        load_parameters(place)


WRONG: list[tuple[str, str]] = [
    ("memory.nats", "[memory]\nnats = 0.0"),
    ("memory.nats", "[memory]\nnats = inf"),
    ("memory.nats", "[memory]\nnats = nan"),
    ("memory.nats", '[memory]\nnats = "6"'),
    ("memory.nat", "[memory]\nnat = 5.0"),
    ("surprise", "[surprise]\na = 1"),
    ("attribution.adherence", "[attribution]\nadherence = 1.5"),
    ("attribution.form_fault", "[attribution]\nform_fault = 1.0"),
    ("sources.stated.confidence", "[sources.stated]\nconfidence = 0.0"),
    ("sources.guessed", "[sources.guessed]\nconfidence = 0.5\nbase_rate = 0.5"),
    ("kinds.fact.half_life_days", "[kinds.fact]\nhalf_life_days = 0.0"),
    ("kinds.fact.half_life_days", "[kinds.fact]\nhalf_life_days = nan"),
    ("kinds.fact.base_rate.guessed", "[kinds.fact]\nbase_rate = {guessed = 0.5}"),
    ("words.deny", "[words]\ndeny = 1.0"),
    ("signals.rating.satisfied", "[signals.rating]\nsatisfied = 1.0"),
    ("signals.rating", "[signals.rating]\ngoodness = 1.0"),
    ("signals.rating.scale.0.1", "[signals.rating]\nscale = [[0.0, -2.0], [1.0, 1.0]]"),
    ("signals.rating", "[signals.rating]\nscale = [[1.0, -1.0], [0.0, 1.0]]"),
    ("signals.rating", "[signals.rating]\nscale = [[1.0, -1.0]]"),
    ("signals.rating.about.0", '[signals.rating]\nabout = ["everything"]'),
    ("signals.wave.about", "[signals.wave]\ngoodness = 0.5"),
    ("signals.rating.text", '[signals.rating]\ntext = "poem"'),
    ("tags.too_long.form", "[tags.too_long]\nform = 0.0"),
    ("tags.too_long.accident", "[tags.too_long]\naccident = 1.0"),
    ("accident_contexts.0.factor", '[[accident_contexts]]\nkey = "a"\nvalue = "b"\nfactor = 0.0'),
    ("text.cues", '[text.cues]\nno_such_tag = ["a"]'),
    ("text.restates", "[text]\nrestates = 2.0"),
    ("serving.limit", "[serving]\nlimit = 0"),
]


@pytest.mark.parametrize(("field", "text"), WRONG)
def test_a_wrong_entry_is_named(field: str, text: str, tmp_path: Path) -> None:
    """Each wrong or unknown entry is refused by its full name, with the file's."""
    with pytest.raises(InvalidInputError) as caught:
        load_parameters(own(tmp_path, text))
    assert re.search(rf"own\.toml: {re.escape(field)}\b", str(caught.value)) or field in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """No file, a folder, no TOML and no text are each refused plainly."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.toml").write_text("version = ", encoding="utf-8")
    for name, why in (
        ("none.toml", "No such file"),
        ("", "directory"),
        ("binary", "TOML"),
        ("broken.toml", "TOML"),
    ):
        with pytest.raises(InvalidInputError, match=why):
            load_parameters(tmp_path / name)


def test_parameters_are_frozen() -> None:
    """No part of the parameters can be set."""
    for place, name in (
        (PARAMETERS, "version"),
        (PARAMETERS.memory, "nats"),
        (PARAMETERS.signal("rating"), "accident"),
    ):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(place, name, 1.0)


def test_an_unknown_kind_is_refused_by_name() -> None:
    """An unknown kind is an error of its own that lists those there are."""
    with pytest.raises(UnknownSignalKindError, match="rating") as caught:
        PARAMETERS.signal("wink")
    assert "wink" == caught.value.kind


SCALES: list[tuple[str, float, float]] = [
    ("rating", -1, -1), ("rating", 0, 0), ("rating", 0.5, 0.5), ("stars", 1, -1), ("stars", 3, 0), ("stars", 4, 0.5),
    ("answer", 0, -1), ("answer", 1, 1), ("dwell", 0, -1), ("dwell", 12, 0), ("dwell", 36, 0.35), ("dwell", 180, 1),
    ("dwell", 80_000, 1), ("edit", 0, 1), ("edit", 0.15, 0), ("edit", 0.6, -1), ("edit", 1, -1), ("edit", 0.375, -0.5),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "goodness"), SCALES)
def test_values_read_as_goodness(kind: str, value: float, goodness: float) -> None:
    """Values lie on straight lines between the points of the scale."""
    assert pytest.approx(goodness, abs=1e-12) == PARAMETERS.signal(kind).goodness_of(value)


def ratio(emission: Emission) -> float:
    """Return P(signal | satisfied) over P(signal | dissatisfied)."""
    return emission.likelihood(False) / emission.likelihood(True)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_evidence_is_tempered_by_goodness(first: float, second: float) -> None:
    """The better a rating, the more it speaks for satisfaction; 0 says nothing; ±1 says all there is."""
    rating = PARAMETERS.signal("rating")
    low, high = sorted((first, second))
    assert ratio(rating.emission(low, 1.0, None)) <= ratio(rating.emission(high, 1.0, None)) + 1e-12
    assert pytest.approx(1.0) == ratio(rating.emission(0.0, 1.0, None))
    full = rating.emission(1.0, 1.0, None)
    assert (rating.satisfied, rating.dissatisfied) == (full.satisfied, full.dissatisfied)
    worst = rating.emission(-1.0, 1.0, None)
    assert pytest.approx([1 - rating.satisfied, 1 - rating.dissatisfied]) == [
        worst.satisfied,
        worst.dissatisfied,
    ]


def test_a_fixed_goodness_is_the_strength() -> None:
    """A kind that just happens is as likely as its rates say, tempered by how good or bad it is."""
    half = SignalParameters(
        goodness=-0.5, satisfied=0.04, dissatisfied=0.16, accident=0.1, about=["response"]
    )
    emission = half.emission(None, 2.0, None)
    assert pytest.approx([0.2, 0.4, 0.2]) == [emission.satisfied, emission.dissatisfied, emission.accident]
    assert pytest.approx(0.5) == half.emission(None, 1.0, 0.5).accident
    assert pytest.approx(0.95) == half.emission(None, 100.0, None).accident


def test_contexts_multiply_the_accident_rate() -> None:
    """A phone slips more often; a context that nobody listed changes nothing."""
    assert (3.0, 1.0, 1.0) == tuple(
        PARAMETERS.accident_factor(context) for context in ({"device": "mobile"}, {"device": "desk"}, {})
    )


def test_good_outcomes() -> None:
    """A kind's good outcome is likelier with satisfaction, and never certain."""
    for kind in ("rating", "stars", "answer", "dwell", "edit"):
        signal: Any = PARAMETERS.signal(kind)
        assert 0 < signal.good_outcome(0.0) < signal.good_outcome(0.5) < signal.good_outcome(1.0) < 1
        assert signal.has_outcome
    assert not PARAMETERS.signal("copy").has_outcome
    assert not PARAMETERS.signal("statement").emits


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that write the same file beside each other both leave it whole; a write that fails leaves what was there."""
    place = tmp_path / "fitted.toml"
    first, second = (parameters_with(memory__nats=nats, version=f"fit {nats}") for nats in (4.0, 5.0))
    with ThreadPoolExecutor(2) as pool:
        for saved in [pool.submit(save_parameters, each, place) for each in (first, second) * 20]:
            saved.result()
    assert load_parameters(place) in (first, second)
    before = place.read_bytes()
    monkeypatch.setattr("os.fsync", _full_disk)
    with pytest.raises(OSError, match="full"):
        save_parameters(parameters_with(version="third"), place)
    assert ([place], before) == (list(tmp_path.iterdir()), place.read_bytes())


def _full_disk(_: int) -> None:
    raise OSError("the disk is full")
