"""What is counted and logged of a running service: what an operator needs, and nothing that a caller wrote."""

import json
import logging
import math
import time
from pathlib import Path

import pytest

from beliefgraph import BeliefGraph, StoreUnavailableError
from beliefgraph.api.limits import Limits
from beliefgraph.api.logs import JsonLines
from beliefgraph.ingest.relate import Relation
from tests.api.served import Api, serving, tell_story

ADA = "/v1/users/ada"
LONG, SHORT = "wants long answers", "wants short answers"
CONTRADICTION = Relation(equivalent=0.01, entails=0.01, contradiction=0.97, neutral=0.01)


def _counted(api: Api, wanted: str) -> list[str]:
    return [line for line in api.send("GET", "/metrics").text.splitlines() if line.startswith(wanted)]


def _conflicts_become(api: Api, suspected: float, confirmed: float) -> None:
    """Wait until so many undecided conflicts are counted."""
    expected = [
        f'beliefgraph_conflicts_open{{status="{status}"}} {"NaN" if math.isnan(count) else count}'
        for status, count in (("suspected", suspected), ("confirmed", confirmed))
    ]
    until = time.monotonic() + 20
    while expected != (found := _counted(api, "beliefgraph_conflicts_open")):
        assert time.monotonic() < until, found
        time.sleep(0.01)


@pytest.mark.parametrize("store", ["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def test_open_conflicts_are_those_of_the_store(
    tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    """Conflicts of beliefs count, of every user and tenant, until they are decided; a new process counts them too."""
    target = request.getfixturevalue("neo4j_address").uri if store == "neo4j" else None
    pairs = {(LONG, SHORT): CONTRADICTION, (SHORT, LONG): CONTRADICTION}
    often = Limits(rate_per_s=0, census_s=0.01)
    with serving(tmp_path, target=target, script=pairs, limits=often) as api:
        zeta = api.as_(api.key("zeta", "admin"))
        for one, user in ((api, "ada"), (api, "bob"), (zeta, "ada")):
            for statement in (LONG, SHORT):
                one.post(f"/v1/users/{user}/beliefs", {"statement": statement})
        _conflicts_become(api, 0.0, 3.0)
        (conflict,) = api.get(f"{ADA}/conflicts")["items"]
        for _ in range(2):  # the same decision again is the same decision
            api.post(f"{ADA}/conflicts/{conflict['id']}/resolution", {"dismiss": True}, 200)
        _conflicts_become(api, 0.0, 2.0)
    with serving(tmp_path, target=target, limits=often) as api:
        _conflicts_become(api, 0.0, 2.0)


@pytest.mark.parametrize(
    "error", [StoreUnavailableError("a store", "it is away"), RuntimeError("our mistake")]
)
def test_what_cannot_be_counted_is_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A number of before is not shown as if it were one of now; requests are answered, and counting goes on after."""

    def fail(*_: object, **__: object) -> None:
        raise error

    with serving(tmp_path, limits=Limits(rate_per_s=0, census_s=0.01)) as api:
        _conflicts_become(api, 0.0, 0.0)
        with monkeypatch.context() as away:
            away.setattr(BeliefGraph, "undecided_conflicts", fail)
            _conflicts_become(api, math.nan, math.nan)
        _conflicts_become(api, 0.0, 0.0)


def test_methods_that_callers_make_up_are_neither_counted_nor_logged(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """A method is any word; those that no route has are one in the metrics and in the log, so that neither grows."""
    caplog.set_level(logging.INFO, logger="beliefgraph.api")
    for word in ("SECRET-ONE", "SECRET-TWO"):
        api.send(word, "/health/live", status=405)
        api.send(word, f"{ADA}/beliefs", status=405)
    assert "SECRET" not in api.send("GET", "/metrics").text
    assert len(_counted(api, 'beliefgraph_requests_total{method="_OTHER",route="/health/live"')) == 1
    assert "SECRET" not in _logged(caplog)


def test_every_route_is_counted_and_logged_under_its_name(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Pages and the description too; what is no route is `unmatched`, a method that a route has not is the route's."""
    caplog.set_level(logging.INFO, logger="beliefgraph.api")
    for method, path, status, route in (
        *(("GET", path, 200, path) for path in ("/", "/docs", "/openapi.json", "/version", "/health/live")),
        ("POST", "/openapi.json", 405, "/openapi.json"),
        ("GET", "/nowhere", 404, "unmatched"),
    ):
        caplog.clear()
        api.send(method, path, status=status)
        assert json.loads(_logged(caplog).splitlines()[-1])["route"] == route
        wanted = f'beliefgraph_requests_total{{method="{method}",route="{route}",status="{status}"}}'
        assert [f"{wanted} 1.0"] == _counted(api, wanted)


def test_the_log_holds_nothing_that_was_sent(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """No statement, comment, answer, key, id of a user or query: of requests that succeed and of those that fail."""
    caplog.set_level(logging.DEBUG, logger="beliefgraph")
    tell_story(api, "ada-lovelace")
    at = "/v1/users/ada-lovelace"
    api.post(f"{at}/personalize", {"query": "runnable secrets"}, 200)
    api.problem("GET", f"{at}/beliefs/secret-belief?secret=1", status=422)
    api.problem("POST", f"{at}/signals", {"kind": "secret"}, status=422)
    api.problem("POST", f"{at}/beliefs", b'{"statement": "secret', status=400)
    api.problem("GET", "/secret/place", status=404)
    api.problem("GET", f"{at}/beliefs", status=401, Authorization="Bearer bg_secret_secret")
    logged = _logged(caplog)
    assert 10 == logged.count('"event": "request"')
    key = api.headers["Authorization"].removeprefix("Bearer ")
    for sent in (key, "runnable", "short answers", "cursor back", "no example", "lovelace", "secret"):
        assert sent not in logged.lower(), sent


def _logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return the log as an operator has it."""
    lines = [JsonLines().format(record) for record in caplog.records if record.name.startswith("beliefgraph")]
    assert all(json.loads(line)["event"] for line in lines)
    return "\n".join(lines)
