"""`python -m training`: train the network from its base, export it in int8, calibrate it, and write its card.

About an hour on two cores. `--public` names the folder of the public sets (SNLI and MNLI dev, and for the gate
EURTAD), laid out as the README beside this file says. `--quick` trains on next to nothing, to see that it works, and
ships nothing.
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from beliefgraph.ingest.embedder import SentenceTransformerEmbedder
from training.export import (
    SHIPPED,
    export,
    exported_logits,
    fit_gate,
    fit_relations,
    fit_situated,
    write_calibration,
)
from training.fit import Example, from_pair, train
from training.meeting import meetings
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

DATA = Path(__file__).parent / "data"
NAME = "beliefgraph-relations-2026.11"
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
    options = parser.parse_args()
    network = Network(base_folder())
    if options.calibrate:
        network.load_state_dict(torch.load(options.weights))
    else:
        _train(network, options.public, quick=options.quick)
        if options.weights is not None:
            torch.save(network.state_dict(), options.weights)
    with tempfile.TemporaryDirectory() as scratch:
        ship(network, Path(scratch) if options.quick else SHIPPED)


def _train(network: Network, public: Path, *, quick: bool) -> None:
    """First plain sentences with the statements among them, then statements and the gate, with some sentences again."""
    rng = random.Random(_SEED)
    written, poles = (clusters[: 20 if quick else None] for clusters in (read_written(), read_poles()))
    clusters = [*written, *poles]
    contexts = read_sets("contexts.txt")
    scenes = read_scenes(public)
    short = read_scenes(public, longest=18)
    changed = [*negated(scenes), *substituted([pair.first for pair in scenes], rng)]
    size = 200 if quick else 14_000

    def with_scenes() -> list[Example]:
        drawn = draw(clusters, rng, each=_SCENES_EACH)
        return _examples([*drawn, *rng.sample(scenes, size), *rng.sample(changed, size * 2 // 3)])

    def of_statements() -> list[Example]:
        drawn = [*draw(written, rng, each=_EACH), *draw(poles, rng, each=_OF_POLES)]
        drawn += scoped(drawn, contexts, rng)
        some = [*rng.sample(short, size // 14), *rng.sample(changed, size // 28)]
        return [
            *_examples([*drawn, *some]),
            *_gate_examples(clusters, [pair.first for pair in short], public, rng),
        ]

    train(network, [with_scenes()], rate=1e-4, seed=_SEED)
    train(network, [of_statements() for _ in range(1 if quick else 4)], rate=1e-4, seed=_SEED + 1)


def _examples(pairs: list[Pair]) -> list[Example]:
    return [from_pair(pair) for pair in pairs]


def _gate_examples(
    clusters: list[Cluster], sentences: list[str], public: Path, rng: random.Random
) -> list[Example]:
    """Return single texts with whether they are lasting: hand-written, statements, plain sentences, requests."""
    verbs = verbs_of(clusters)
    own = [
        inflect(
            rng.choice(cluster.statements()),
            rng.choices(("i", "subjectless", "user", "she"), (6, 2, 1, 1))[0],
            verbs,
            rng,
        )
        for cluster in rng.sample(clusters, min(500, len(clusters)))
    ]
    lasting = [*_lines("lasting") * 2, *own]
    passing = [*_lines("passing") * 2, *rng.sample(sentences, 150), *requests(public)]
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
    clusters = list(read_clusters(DATA / "held_out" / "calibration.txt"))
    pairs = draw(clusters, random.Random(_SEED), each=_EACH)
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
    calibration |= _situated(clusters, folder, calibration)
    write_calibration(calibration, folder)
    print(json.dumps(calibration, indent=2))


def _situated(clusters: list[Cluster], folder: Path, calibration: dict[str, Any]) -> dict[str, Any]:
    """Fit what the cosine says of a contradiction on the same statements, as they meet in one self-model."""
    found = meetings(clusters, SentenceTransformerEmbedder().encode)
    both = exported_logits(folder, [[each.pair, each.pair[::-1]] for each in found])
    mean = (both[:, 0, : len(LABELS)] + both[:, 1, [0, 2, 1, 3, 4]]) / 2
    scaled = mean / calibration["temperature"] + np.array(calibration["bias"])
    against = scaled[:, LABELS.index("contradiction")]
    others = np.delete(scaled, LABELS.index("contradiction"), axis=1)
    log_odds = against - np.logaddexp.reduce(others, axis=1)
    cosines = np.array([each.cosine for each in found])
    return dict(fit_situated(log_odds, cosines, np.array([each.real for each in found])))


if __name__ == "__main__":
    main()
