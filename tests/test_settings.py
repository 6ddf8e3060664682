"""Settings: read once from the environment, named in full when wrong, without secrets in what they show."""

from dataclasses import replace
from pathlib import Path

import pytest

from beliefgraph import BeliefGraph, InvalidInputError
from beliefgraph.settings import _OWN, Settings, default_file, read_settings, read_target_settings
from tests.embedders import WordEmbedder


def test_nothing_set_is_the_embedded_file_of_the_user() -> None:
    """Without settings the store is the file in the user's data folder, fully durable."""
    settings = read_settings({})
    assert Settings() == settings
    assert str(default_file()) == settings.target
    assert ("FULL", "INFO") == (settings.sqlite_synchronous, settings.log_level)


def test_every_setting_is_read() -> None:
    """Each name of the interface sets its field; an empty value is as none."""
    settings = read_settings(
        {
            "BELIEFGRAPH_STORE": "a.db",
            "BELIEFGRAPH_MODEL": "model",
            "BELIEFGRAPH_PARAMETERS": "p.toml",
            "BELIEFGRAPH_API_KEYS": "keys",
            "BELIEFGRAPH_LOG_LEVEL": "debug",
            "BELIEFGRAPH_SQLITE_SYNCHRONOUS": "normal",
            "BELIEFGRAPH_NEO4J_TIMEOUT_S": "5",
            "NEO4J_URI": "neo4j://here",
            "NEO4J_USERNAME": "neo4j",
            "NEO4J_PASSWORD": "hidden",
            "NEO4J_DATABASE": "graph",
            "PATH": "/bin",
        }
    )
    assert (
        Settings(
            store="a.db",
            model="model",
            parameters="p.toml",
            api_keys="keys",
            log_level="DEBUG",
            sqlite_synchronous="NORMAL",
            neo4j_uri="neo4j://here",
            neo4j_user="neo4j",
            neo4j_password="hidden",  # noqa: S106 - not a password of anything
            neo4j_database="graph",
            neo4j_timeout_s=5.0,
        )
        == settings
    )
    assert "a.db" == settings.target
    assert "hidden" not in repr(settings)
    assert Settings() == read_settings(dict.fromkeys(("BELIEFGRAPH_STORE", "NEO4J_URI"), ""))


def test_every_setting_is_in_the_readme(repository: Path) -> None:
    """The table of settings names each that there is."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    table = [line for line in readme.splitlines() if line.startswith("| `")]
    assert [] == [name for name in _OWN if not any(f"| `BELIEFGRAPH_{name}` |" in line for line in table)]


def test_customary_names_of_neo4j() -> None:
    """A named Neo4j is the target where no store is named, and NEO4J_USER does for NEO4J_USERNAME."""
    settings = read_settings({"NEO4J_URI": "bolt://here", "NEO4J_USER": "someone"})
    assert ("bolt://here", "someone") == (settings.target, settings.neo4j_user)
    assert "first" == read_settings({"NEO4J_USER": "second", "NEO4J_USERNAME": "first"}).neo4j_user


def test_a_target_may_have_settings_of_its_own() -> None:
    """What a copy leads to has its own user, password and database where they are named, else those of all."""
    given = {"NEO4J_USERNAME": "one", "NEO4J_PASSWORD": "hidden", "NEO4J_DATABASE": "graph"}
    own = {"NEO4J_TARGET_USERNAME": "two", "NEO4J_TARGET_PASSWORD": "", "NEO4J_TARGET_DATABASE": "copies"}
    assert read_settings(given) == read_target_settings(given)
    expected = replace(read_settings(given), neo4j_user="two", neo4j_database="copies")
    assert expected == read_target_settings({**given, **own})
    assert "secret" == read_target_settings({**given, "NEO4J_TARGET_PASSWORD": "secret"}).neo4j_password


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BELIEFGRAPH_STOER", "a.db"),
        ("BELIEFGRAPH_", "a"),
        ("BELIEFGRAPH_store", "a.db"),
        ("BELIEFGRAPH_LOG_LEVEL", "LOUD"),
        ("BELIEFGRAPH_SQLITE_SYNCHRONOUS", "OFF"),
        ("BELIEFGRAPH_NEO4J_TIMEOUT_S", "0"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    """An unknown name of ours, or a value out of range, is an error that names it."""
    with pytest.raises(InvalidInputError) as caught:
        read_settings({name: value})
    assert name == caught.value.field


def test_the_environment_is_read_when_a_graph_is_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Store and parameters of the environment are those of a graph that is opened without any."""
    own = tmp_path / "own.toml"
    own.write_text('version = "mine"\n', encoding="utf-8")
    monkeypatch.setenv("BELIEFGRAPH_STORE", str(tmp_path / "env.db"))
    monkeypatch.setenv("BELIEFGRAPH_PARAMETERS", str(own))
    with BeliefGraph.open(embedder=WordEmbedder()) as graph:
        assert "mine" == graph.parameters.version
        graph.user("ada").believe("wants examples")
    assert (tmp_path / "env.db").exists()
    monkeypatch.setenv("BELIEFGRAPH_TYPO", "1")
    with pytest.raises(InvalidInputError, match="BELIEFGRAPH_TYPO"):
        BeliefGraph.open(embedder=WordEmbedder())


def test_the_data_folder_is_made_when_the_default_file_is_used() -> None:
    """Opening the default file makes its folder; opening a file in a folder that is not there does not."""
    with BeliefGraph.open(embedder=WordEmbedder()) as graph:
        graph.user("ada").believe("wants examples")
    assert default_file().exists()
