"""What training holds of a held-out set: nearly the same statements are found, others are not."""

from pathlib import Path

import pytest

from training.leaks import HELD_OUT, Known, held_out, main, unknown, without, words_of
from training.statements import RELATIONS, Cluster, read_clusters


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("=I play chess online", "Plays chess online", True),
        ("Takes {P} tea with milk", "I take my tea with milk", True),
        ("Plays chess online", "Plays chess at the club", False),
        ("Likes tea", "Likes coffee", False),
    ],
)
def test_nearly_the_same(one: str, other: str, same: bool) -> None:
    """Person, article and ending make no difference; another word does."""
    assert same == bool(Known([[one]]).groups_with(other))
    assert same == (words_of(one) == words_of(other))


def test_a_pair_is_known_only_when_one_cluster_holds_both() -> None:
    """One statement in common says nothing of a relation, nor do two of different clusters."""
    cluster = Cluster(same=["Drinks green tea daily"], against=["Hates green tea"])
    both = Cluster(same=["=I drink green tea daily"], apart=["=I hate green tea"])
    halves = [Cluster(same=["=I drink green tea daily"]), Cluster(same=["=I hate green tea"])]
    assert [] == unknown([cluster], [both])
    assert [cluster] == unknown([cluster], halves)


def test_a_line_loses_what_is_known() -> None:
    """Statements go one by one; without its anchor, or with nothing left beside it, a line goes whole."""
    known = Known([["Drinks green tea daily"]])
    assert ("Owns a kettle ~ Owns a cup", 1) == without(
        "Owns a kettle ! =I drink green tea daily ~ Owns a cup", known
    )
    assert None is without("=I drink green tea daily ~ Owns a cup", known)[0]
    assert None is without("Owns a kettle ! =I drink green tea daily", known)[0]


def test_files_are_written_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command takes held-out statements out of a file of clusters, and leaves the rest."""
    taken = next(line[0] for line in held_out() if len(words_of(line[0])) > 3)
    path = tmp_path / "clusters.txt"
    path.write_text(f"Grows giant pumpkins every summer ~ {taken} ! Grows no pumpkins\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["leaks", "--drop", str(path)])
    main()
    assert "Grows giant pumpkins every summer ! Grows no pumpkins\n" == path.read_text(encoding="utf-8")


def test_the_newer_files_hold_nothing_of_the_fresh_sets() -> None:
    """From file 25 on, no statement of the training data is nearly the same as one of the fresh held-out sets."""
    newer = [
        path for path in RELATIONS.glob("clusters*.txt") if int(path.stem.removeprefix("clusters")) >= 25
    ]
    assert newer and (HELD_OUT / "validation_fresh.txt").exists()
    known = Known(held_out())
    for path in newer:
        for cluster in read_clusters(path):
            assert not any(known.groups_with(text) for text in cluster.statements()), path.name
