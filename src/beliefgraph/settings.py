"""The settings of a process: read once, at the edge, from the environment. Nothing else reads it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from beliefgraph.graph.errors import InvalidInputError

_OWN = (
    *("STORE", "MODEL", "RELATER", "PARAMETERS", "POPULATION", "BANK", "SQLITE_SYNCHRONOUS"),
    *("NEO4J_TIMEOUT_S", "API_KEYS", "LOG_LEVEL", "THREADS", "RATE_LIMIT", "CORS_ORIGINS"),
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
    bank: str | None = None
    api_keys: str | None = None
    log_level: str = "INFO"
    threads: int = 16
    rate_limit: float = 1000.0
    cors_origins: tuple[str, ...] = ()
    traces: bool = False
    sqlite_synchronous: str = "FULL"
    neo4j_uri: str | None = None
    neo4j_user: str | None = None
    neo4j_password: str | None = field(default=None, repr=False)
    neo4j_database: str | None = None
    neo4j_timeout_s: float = 30.0

    @property
    def target(self) -> str:
        """Return the store to use: the one named, a named Neo4j, or the file in the user's data folder."""
        return self.store or self.neo4j_uri or str(default_file())

    @property
    def target_name(self) -> str:
        """Return the setting that names the store to use."""
        return "BELIEFGRAPH_STORE" if self.store or not self.neo4j_uri else "NEO4J_URI"

    @property
    def keys_file(self) -> str:
        """Return the file of the keys of callers over HTTP: the one named, or the one in the user's data folder."""
        return self.api_keys or str(default_keys_file())


def default_file() -> Path:
    """Return the embedded store's place in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("beliefgraph", appauthor=False) / "beliefs.db"


def default_keys_file() -> Path:
    """Return the place of the keys of callers over HTTP, in the user's data folder."""
    return default_file().with_name("keys.jsonl")


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
        bank=own.get("BANK") or None,
        api_keys=own.get("API_KEYS") or None,
        log_level=_one_of("BELIEFGRAPH_LOG_LEVEL", own.get("LOG_LEVEL") or "INFO", _LEVELS),
        threads=_number("BELIEFGRAPH_THREADS", own.get("THREADS") or "16", least=1, most=1000),
        rate_limit=float(
            _number("BELIEFGRAPH_RATE_LIMIT", own.get("RATE_LIMIT") or "1000", least=0, most=10**6)
        ),
        cors_origins=_origins("BELIEFGRAPH_CORS_ORIGINS", own.get("CORS_ORIGINS") or ""),
        sqlite_synchronous=_one_of(
            "BELIEFGRAPH_SQLITE_SYNCHRONOUS", own.get("SQLITE_SYNCHRONOUS") or "FULL", _SYNCHRONOUS
        ),
        traces=_wants_traces(given),
        neo4j_uri=given.get("NEO4J_URI") or None,
        neo4j_user=given.get("NEO4J_USERNAME") or given.get("NEO4J_USER") or None,
        neo4j_password=given.get("NEO4J_PASSWORD") or None,
        neo4j_database=given.get("NEO4J_DATABASE") or None,
        neo4j_timeout_s=float(
            _number("BELIEFGRAPH_NEO4J_TIMEOUT_S", own.get("NEO4J_TIMEOUT_S") or "30", least=1, most=3600)
        ),
    )


def read_target_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a store that is copied to: NEO4J_TARGET_USERNAME goes before NEO4J_USERNAME, and so on."""
    given = os.environ if environment is None else environment
    own = {
        f"NEO4J_{name}": value
        for name in ("USERNAME", "PASSWORD", "DATABASE")
        if (value := given.get(f"NEO4J_TARGET_{name}"))
    }
    return read_settings({**given, **own})


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value.upper() not in allowed:
        raise InvalidInputError(name, f"must be one of {', '.join(allowed)}", got=repr(value[:40]))
    return value.upper()


def _number(name: str, value: str, *, least: int, most: int) -> int:
    if not value.isascii() or not value.isdigit() or not least <= int(value[:12]) <= most:
        raise InvalidInputError(name, f"must be a whole number from {least} to {most}", got=repr(value[:40]))
    return int(value)


def _origins(name: str, value: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in value.split(",") if origin.strip())
    for origin in origins:
        scheme, _, host = origin.partition("://")
        if scheme not in ("http", "https") or not host or "/" in host or "*" in host:
            raise InvalidInputError(
                name, "must be origins parted by commas, as in https://app.example.org", got=repr(origin[:80])
            )
    return origins


def _wants_traces(given: Mapping[str, str]) -> bool:
    """Say whether OpenTelemetry's own settings name an exporter; what else they say its library reads itself."""
    named = given.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or given.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    disabled = given.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return bool(named) and not disabled and given.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
