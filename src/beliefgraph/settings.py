"""The settings of a process: read once, at the edge, from the environment. Nothing else reads it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from beliefgraph.graph.errors import InvalidInputError

_OWN = (
    "STORE",
    "MODEL",
    "RELATER",
    "PARAMETERS",
    "POPULATION",
    "API_KEYS",
    "LOG_LEVEL",
    "SQLITE_SYNCHRONOUS",
)
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_SYNCHRONOUS = ("FULL", "NORMAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. Secrets do not show in `repr`."""

    store: str | None = None
    model: str | None = None
    relater: str | None = None
    parameters: str | None = None
    population: str | None = None
    api_keys: str | None = None
    log_level: str = "WARNING"
    sqlite_synchronous: str = "FULL"
    neo4j_uri: str | None = None
    neo4j_user: str | None = None
    neo4j_password: str | None = field(default=None, repr=False)
    neo4j_database: str | None = None

    @property
    def target(self) -> str:
        """Return the store to use: the one named, a named Neo4j, or the file in the user's data folder."""
        return self.store or self.neo4j_uri or str(default_file())


def default_file() -> Path:
    """Return the embedded store's place in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("beliefgraph", appauthor=False) / "beliefs.db"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises `InvalidInputError` for an unknown BELIEFGRAPH_ name or a value out of range."""
    given = os.environ if environment is None else environment
    own = {
        name.removeprefix("BELIEFGRAPH_"): value
        for name, value in given.items()
        if name.startswith("BELIEFGRAPH_")
    }
    for name in sorted(own):
        if name not in _OWN:
            known = ", ".join(f"BELIEFGRAPH_{known}" for known in _OWN)
            raise InvalidInputError(f"BELIEFGRAPH_{name}", f"is not a setting; there are {known}")
    return Settings(
        store=own.get("STORE") or None,
        model=own.get("MODEL") or None,
        relater=own.get("RELATER") or None,
        parameters=own.get("PARAMETERS") or None,
        population=own.get("POPULATION") or None,
        api_keys=own.get("API_KEYS") or None,
        log_level=_one_of("BELIEFGRAPH_LOG_LEVEL", own.get("LOG_LEVEL") or "WARNING", _LEVELS),
        sqlite_synchronous=_one_of(
            "BELIEFGRAPH_SQLITE_SYNCHRONOUS", own.get("SQLITE_SYNCHRONOUS") or "FULL", _SYNCHRONOUS
        ),
        neo4j_uri=given.get("NEO4J_URI") or None,
        neo4j_user=given.get("NEO4J_USERNAME") or given.get("NEO4J_USER") or None,
        neo4j_password=given.get("NEO4J_PASSWORD") or None,
        neo4j_database=given.get("NEO4J_DATABASE") or None,
    )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value.upper() not in allowed:
        raise InvalidInputError(name, f"must be one of {', '.join(allowed)}", got=repr(value[:40]))
    return value.upper()
