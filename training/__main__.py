"""`python -m training`: train the network from its base, export it in int8, and calibrate it.

Two to three hours on two cores, half of that with `--half` where the processor computes in bfloat16.
`--public` names the folder of the public sets (SNLI and MNLI dev, and for the gate EURTAD), laid out as the README
beside this file says. `--quick` trains on next to nothing, to see that it works, and ships nothing.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax

from beliefgraph.ingest.classifier import Classifier
from beliefgraph.ingest.embedder import SentenceTransformerEmbedder
from beliefgraph.ingest.parameters import load_parameters
from beliefgraph.ingest.relate import makes_exception, says_change
from training.export import (
    SHIPPED,
    export,
    exported_logits,
    fit_changed,
    fit_gate,
    fit_relations,
    fit_situated,
    write_calibration,
)
from training.fit import Example, from_pair, logits_of, train
from training.leaks import HELD_OUT
from training.lives import Topic, read_life
from training.meeting import Meeting, meetings, met_in, read_across
from training.model import Network, base_folder
from training.scenes import negated, read_scenes, read_sets, substituted
from training.statements import (
    LABELS,
    Cluster,
    Pair,
    draw,
    inflect,
    read_clusters,
    read_poles,
    read_written,
    scoped,
    verbs_of,
)
from training.strangers import Strangers

DATA = Path(__file__).parent / "data"
_CALIBRATION = ("calibration", "calibration_more")
_CALIBRATION_LIVES = ("life_calibration", "life_calibration2", "life_calibration3", "life_calibration4")
NAME = "beliefgraph-relations-2026.11.5"
_SEED = 20261123
_SCENES_EACH = {"equivalent": 4, "entails": 4, "contradiction": 5, "neutral": 5}
_EACH = {"equivalent": 4, "entails": 6, "contradiction": 6, "neutral": 7}
_OF_POLES = {"equivalent": 3, "entails": 4, "contradiction": 3, "neutral": 3}


def main() -> None:
    """Run the whole training, or with `--calibrate` only fit the calibration of a network saved before."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--public", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--quick", action="store_true", help="a smoke test")
    parser.add_argument("--weights", type=Path, help="where to keep the float weights, or to take them from")
    parser.add_argument(
        "--calibrate", action="store_true", help="export and calibrate --weights, do not train"
    )
    parser.add_argument("--half", action="store_true", help="compute in bfloat16")
    options = parser.parse_args()
    network = Network(base_folder())
    if options.calibrate:
        network.load_state_dict(torch.load(options.weights))
    else:
        _train(network, options.public, quick=options.quick, half=options.half)
    if options.weights is not None and not options.calibrate:
        torch.save(network.state_dict(), options.weights)
    with tempfile.TemporaryDirectory() as scratch:
        ship(network, Path(scratch) if options.quick else SHIPPED)


def _train(network: Network, public: Path, *, quick: bool, half: bool) -> None:
    """First plain sentences with the statements among them, then statements and the gate, with some sentences again.

    What the network then still takes for contradictions though it is of different topics is learned in half a pass.
    """
    rng = random.Random(_SEED)
    lessons = _Lessons(public, rng, quick=quick)
    passes = 1 if quick else 2
    train(network, [lessons.with_scenes()], rate=1e-4, seed=_SEED, half=half)
    train(network, [lessons.of_statements() for _ in range(passes)], rate=1e-4, seed=_SEED + 1, half=half)
    mistaken = lessons.mistaken(network)
    print(f"{len(mistaken)} pairs of different topics taken for contradictions", flush=True)
    last = lessons.of_statements(mistaken)
    train(network, [rng.sample(last, len(last) // 2)], rate=8e-5, seed=_SEED + 2, half=half)


class _Lessons:
    """What is drawn from for each pass of the training; `quick`: next to nothing."""

    def __init__(self, public: Path, rng: random.Random, *, quick: bool) -> None:
        self._public, self._rng = public, rng
        self._written, self._poles = (
            clusters[: 20 if quick else None] for clusters in (read_written(), read_poles())
        )
        self._clusters = [*self._written, *self._poles]
        self._contexts = read_sets("contexts.txt")
        self._scenes = read_scenes(public)
        self._short = read_scenes(public, longest=18)
        self._changed = [*negated(self._scenes), *substituted([pair.first for pair in self._scenes], rng)]
        self._size = 200 if quick else 14_000
        self._strangers = Strangers(self._clusters, SentenceTransformerEmbedder().encode)

    def mistaken(self, network: Network) -> list[Pair]:
        """Return near pairs of different topics that a network takes for contradictions."""

        def judge(pairs: Sequence[tuple[str, str]]) -> list[float]:
            relations = logits_of(network, pairs)[:, : len(LABELS)].softmax(dim=1)
            return [float(said) for said in relations[:, LABELS.index("contradiction")]]

        return self._strangers.mistaken(self._size, self._rng, judge)

    def with_scenes(self) -> list[Example]:
        """Return plain sentences in their relations, and statements."""
        rng, size = self._rng, self._size
        drawn = draw(self._clusters, rng, each=_SCENES_EACH)
        return _examples([*drawn, *rng.sample(self._scenes, size), *rng.sample(self._changed, size * 2 // 3)])

    def of_statements(self, beside: Sequence[Pair] = ()) -> list[Example]:
        """Return statements in their relations, near ones of other topics, some sentences, and the gate's texts."""
        rng, size = self._rng, self._size
        near = [*self._strangers.draw(size // 2, rng), *beside]
        drawn = draw(self._written, rng, each=_EACH, beside=near)
        drawn += draw(self._poles, rng, each=_OF_POLES)
        drawn += scoped(drawn, self._contexts, rng)
        some = [*rng.sample(self._short, size // 14), *rng.sample(self._changed, size // 28)]
        return [*_examples([*drawn, *some]), *self._of_gate()]

    def _of_gate(self) -> list[Example]:
        return _gate_examples(self._clusters, [pair.first for pair in self._short], self._public, self._rng)


def _examples(pairs: list[Pair]) -> list[Example]:
    return [from_pair(pair) for pair in pairs]


def _gate_examples(
    clusters: list[Cluster], sentences: list[str], public: Path, rng: random.Random
) -> list[Example]:
    """Return single texts with whether they are lasting: hand-written, statements, plain sentences, requests.

    Every hand-written text comes once: repeated, they are learned by heart.
    """
    verbs = verbs_of(clusters)
    own = [
        inflect(
            rng.choice(cluster.statements()),
            rng.choices(("i", "subjectless", "user", "she"), (6, 2, 1, 1))[0],
            verbs,
            rng,
        )
        for cluster in rng.sample(clusters, min(1000, len(clusters)))
    ]
    lasting = [*_lines("lasting"), *own]
    passing = [*_lines("passing"), *rng.sample(sentences, 150), *requests(public)]
    texts = [*((text, 1) for text in lasting), *((text, 0) for text in passing)]
    return [Example((_varied(text, rng),), target) for text, target in texts]


def requests(public: Path) -> Iterator[str]:
    """Yield what users first ask of a booking system in the even dialogues of EURTAD: requests of the moment."""
    path = public / "eurtad" / "annotated.jsonl"
    for place, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        dialogue = json.loads(line)
        if dialogue["set"] in ("MWoZ", "SGD") and place % 2 == 0:
            yield from (turn["utterance"] for turn in dialogue.get("turns", ())[:1])


def _lines(name: str, folder: str = "gate") -> list[str]:
    return (DATA / folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def _varied(text: str, rng: random.Random) -> str:
    """Change case and final punctuation, so that neither gives the answer away."""
    if rng.random() < 0.3:
        text = text.lower()
    return (
        text.rstrip(".!")
        if rng.random() < 0.2
        else f"{text}."
        if rng.random() < 0.15 and text[-1:].isalnum()
        else text
    )


def ship(network: Network, folder: Path) -> None:
    """Export a network and calibrate what was exported on the held-out calibration set."""
    digest = export(network, folder)
    sets = [list(read_clusters(HELD_OUT / f"{name}.txt")) for name in _CALIBRATION]
    pairs = draw([cluster for clusters in sets for cluster in clusters], random.Random(_SEED), each=_EACH)
    lasting = _lines("calibration_lasting", "held_out")
    texts = [*lasting, *_lines("calibration_passing", "held_out")]
    relations = exported_logits(
        folder, [[(pair.first, pair.second), (pair.second, pair.first)] for pair in pairs]
    )
    mean = (relations[:, 0, : len(LABELS)] + relations[:, 1, [0, 2, 1, 3, 4]]) / 2
    said = exported_logits(folder, [[(text,)] for text in texts])[:, 0, len(LABELS)]
    calibration: dict[str, Any] = {
        "name": NAME,
        "sha256": digest,
        **fit_relations(mean, np.array([LABELS.index(pair.label) for pair in pairs])),
        **fit_gate(said, np.arange(len(texts)) < len(lasting)),
    }
    calibration |= _situated(sets, folder, calibration)
    write_calibration(calibration, folder)
    print(json.dumps(calibration, indent=2))
    if folder == SHIPPED:
        print("text.changed, for the parameters:", json.dumps(_of_changes(), indent=2))


def _situated(sets: list[list[Cluster]], folder: Path, calibration: dict[str, Any]) -> dict[str, Any]:
    """Fit what cosine and lead say of a contradiction, on these statements and lives, as they meet in a self-model."""
    encode = SentenceTransformerEmbedder().encode
    across = read_across(HELD_OUT / "calibration_across.txt")
    found = [meeting for clusters in sets for meeting in meetings(clusters, encode, across)]
    found += [meeting for life in _lives() for meeting in met_in(life, encode)]
    both = exported_logits(folder, [[each.pair, each.pair[::-1]] for each in found])
    mean = (both[:, 0, : len(LABELS)] + both[:, 1, [0, 2, 1, 3, 4]]) / 2
    scaled = mean / calibration["temperature"] + np.array(calibration["bias"])
    relations = softmax(scaled, axis=1)
    cosines, leads = (np.array([getattr(each, name) for each in found]) for name in ("cosine", "lead"))
    real = np.array([each.real for each in found])
    plain = np.array(
        [not _changed(each) and not _excepted(each) for each in found]
    )  # markers are weighed after it
    return dict(fit_situated(relations[plain], cosines[plain], leads[plain], real[plain]))


def _lives() -> list[list[Topic]]:
    return [read_life(HELD_OUT / f"{name}.txt") for name in _CALIBRATION_LIVES]


def _changed(meeting: Meeting) -> bool:
    return says_change(meeting.pair[0], load_parameters().text)


def _excepted(meeting: Meeting) -> bool:
    return makes_exception(*meeting.pair, load_parameters().text)


def _of_changes() -> dict[str, float]:
    """Fit, with the calibration that was written, what it says that a text says that something changed."""
    encode, classifier = SentenceTransformerEmbedder().encode, Classifier()
    found = [each for life in _lives() for each in met_in(life, encode) if _changed(each)]
    relations = classifier.relate([each.pair for each in found])
    said = np.array(
        [
            classifier.situate(relation, each.cosine, each.lead).contradiction
            for each, relation in zip(found, relations, strict=True)
        ]
    )
    places = {text: place for place, text in enumerate(dict.fromkeys(each.pair[0] for each in found))}
    texts = np.array([places[each.pair[0]] for each in found])
    return fit_changed(said / (1.0 - said), texts, np.array([each.real for each in found]))


if __name__ == "__main__":
    main()
