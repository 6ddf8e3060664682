"""The image and the composition, as far as they can be checked without an engine: nothing in them names what is not."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from beliefgraph.settings import read_settings

ROOT = Path(__file__).parents[1]
COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile with their arguments, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in lines if line.strip())]


def _of(name: str) -> list[str]:
    return [rest for found, rest in _instructions() if found == name]


def _environment() -> dict[str, str]:
    (last,) = [rest for rest in _of("ENV") if "BELIEFGRAPH_STORE" in rest]
    return dict(one.split("=", 1) for one in shlex.split(last))


def test_the_image_is_made_of_what_is_there() -> None:
    """Every source that is copied exists, passes .dockerignore, and together they are what the build reads."""
    sources = [one for rest in _of("COPY") if "--from" not in rest for one in rest.split()[:-1]]
    passing = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert passing == set(sources)
    assert all((ROOT / source).exists() for source in sources)
    rooms = {link.readlink().name for link in (ROOT / "src" / "beliefgraph").iterdir() if link.is_symlink()}
    assert rooms <= set(sources)
    assert {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]} <= set(sources)


def test_the_image_installs_what_the_project_has() -> None:
    """The extras exist, and both stages use one Python that the project supports."""
    (extras,) = [found for rest in _of("RUN") for found in re.findall(r"'\.\[(.*?)\]'", rest)]
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    bases = {rest.split()[0] for rest in _of("FROM")}
    assert {"python:3.12-slim"} == bases
    supported = [one.rpartition(" ")[2] for one in PROJECT["project"]["classifiers"] if "Python :: 3." in one]
    assert "3.12" in supported


def test_the_service_runs_as_nobody_in_particular() -> None:
    """The user is made, is not root, and is set before the command."""
    names = [name for name, _ in _instructions()]
    (user,) = _of("USER")
    assert any(
        f"useradd --system --uid 10001 --home-dir /data --create-home {user}" in run for run in _of("RUN")
    )
    assert names.index("USER") < names.index("CMD")


def test_the_command_and_the_health_check_are_right() -> None:
    """The command parses, its port is the one that is exposed and asked, and the check raises when it is not ready."""
    (command,) = _of("CMD")
    program, *arguments = json.loads(command)
    assert program in PROJECT["project"]["scripts"]
    parsed = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == parsed.returncode, parsed.stderr
    assert ["8000"] == _of("EXPOSE")
    assert "8000" == arguments[arguments.index("--port") + 1]
    (check,) = _of("HEALTHCHECK")
    python, flag, code = json.loads(check[check.index("[") :])
    assert ("python", "-c") == (python, flag)
    compile(code, "HEALTHCHECK", "exec")
    assert "http://127.0.0.1:8000/health/ready" in code


def test_every_setting_is_known() -> None:
    """What the image and the composition set is read as meant; keys are wanted, since it listens to all."""
    settings = read_settings(_environment())
    assert ("/data/beliefs.db", "/data/keys.jsonl") == (settings.target, settings.keys_file)
    settings = read_settings({**_environment(), **COMPOSED["services"]["beliefgraph"]["environment"]})
    host = settings.target.removeprefix("bolt://").partition(":")[0]
    assert host in COMPOSED["services"]
    assert "neo4j" == settings.neo4j_user
    assert settings.api_keys is not None


@pytest.mark.neo4j
def test_the_database_takes_its_settings(neo4j_jars: Path, tmp_path: Path) -> None:
    """Neo4j itself finds nothing wrong with them, next to what the image sets, and Java with the flags that follow."""
    given = {**COMPOSED["services"]["neo4j"]["environment"]}
    named = {name.removeprefix("NEO4J_"): value for name, value in given.items() if name[:6] == "NEO4J_"}
    del named["AUTH"]
    settings = {
        re.sub("_+", lambda found: "." if len(found[0]) == 1 else "_", n): v for n, v in named.items()
    }
    lines = ["server.jvm.additional=-XX:+UseG1GC", *(f"{name}={value}" for name, value in settings.items())]
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "neo4j.conf").write_text("\n".join(lines) + "\n")
    checked = subprocess.run(
        ["java", "-cp", f"{neo4j_jars}/*", "org.neo4j.server.startup.Neo4jCommand", "console", "--dry-run"],
        env={**os.environ, "NEO4J_HOME": str(tmp_path), "NEO4J_CONF": str(tmp_path / "conf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == checked.returncode, checked.stdout[-2000:] + checked.stderr[-2000:]
    flags = [word for word in checked.stdout.split() if word.startswith("-X")]
    assert {"-XX:+UseParallelGC", "-Xmx1048576k"} <= set(flags)
    started = subprocess.run(["java", *flags, "-version"], capture_output=True, text=True, check=False)
    assert 0 == started.returncode, started.stderr


_DURATION = r"\d+(ms|s|m|h)"
_SERVICE: dict[str, str] = {
    "build": r"\.",
    "image": r"[a-z0-9./-]+:[\w.-]+",
    "restart": "unless-stopped",
    "depends_on": r"\{.*\}",
    "environment": r"\{.*\}",
    "mem_limit": r"[1-9]\d*[mg]",
    "stop_grace_period": _DURATION,
    "ports": r"\[.*\]",
    "volumes": r"\[.*\]",
    "healthcheck": r"\{.*\}",
}
_HEALTHCHECK = {
    "test": r"\['CMD-SHELL', .*\]",
    "interval": _DURATION,
    "timeout": _DURATION,
    "retries": r"\d+",
    "start_period": _DURATION,
}


def _wrong(given: dict[str, Any], allowed: dict[str, str]) -> list[str]:
    """Return the keys that the specification of Compose does not have, or that have a value of another form."""
    return [
        key
        for key, value in given.items()
        if key not in allowed or not re.fullmatch(allowed[key], str(value), re.DOTALL)
    ]


def test_the_composition_is_valid() -> None:
    """It has no key but those of the Compose specification that we use, each with a value of its form."""
    assert {"services", "volumes"} == set(COMPOSED)
    for name, service in COMPOSED["services"].items():
        assert [] == _wrong(service, _SERVICE), name
        assert 1 == len({"build", "image"} & set(service)), name
        assert [] == _wrong(service.get("healthcheck", {}), _HEALTHCHECK), name
        for key, value in service["environment"].items():
            assert re.fullmatch(r"\w+", key), name
            assert isinstance(value, str), key
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service["ports"]), name
        assert all(re.fullmatch(r"[\w-]+:/\w+", one) for one in service["volumes"]), name
    assert {None} == set(COMPOSED["volumes"].values())
    assert ["memlimit"] == _wrong({"memlimit": "2g"}, _SERVICE)


def test_the_database_is_bounded_and_kept() -> None:
    """Both services have a limit of memory, the database one above what it takes, and its data outlives it."""
    given = {name: int(one["mem_limit"].removesuffix("g")) for name, one in COMPOSED["services"].items()}
    database = COMPOSED["services"]["neo4j"]
    heap = int(database["environment"]["NEO4J_server_memory_heap_max__size"].removesuffix("g"))
    cache = int(database["environment"]["NEO4J_server_memory_pagecache_size"].removesuffix("m")) / 1024
    assert {"beliefgraph", "neo4j"} == set(given)
    assert heap + cache < given["neo4j"]
    assert ["neo4j-data:/data"] == database["volumes"]


def test_nothing_is_reached_from_elsewhere() -> None:
    """Every published port is bound to this machine; volumes are declared; the service waits for a healthy database."""
    for name, service in COMPOSED["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert {one.partition(":")[0] for one in service["volumes"]} <= set(COMPOSED["volumes"])
    assert {"neo4j": {"condition": "service_healthy"}} == COMPOSED["services"]["beliefgraph"]["depends_on"]
    assert "healthcheck" in COMPOSED["services"]["neo4j"]


def test_secrets_come_from_the_environment() -> None:
    """The password is a variable of .env.example, wanted by whoever connects with it, and stands in no file."""
    services = COMPOSED["services"]
    for given in (
        services["beliefgraph"]["environment"]["NEO4J_PASSWORD"],
        services["neo4j"]["environment"]["NEO4J_AUTH"].removeprefix("neo4j/"),
    ):
        assert re.fullmatch(r"\$\{NEO4J_PASSWORD:\?[^}]+\}", given)
    wanted = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    offered = {
        line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line
    }
    assert wanted == offered
