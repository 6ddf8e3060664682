"""The client alone: errors come back as they were raised, a broken connection doubles nothing, limits are named."""

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from beliefgraph import (
    AccessDeniedError,
    BeliefGraph,
    InvalidInputError,
    NotFoundError,
    NotServedError,
    ServiceError,
    StoreUnavailableError,
)
from beliefgraph.api import problems
from beliefgraph.api.problems import ProblemError, problem_of
from beliefgraph.client import refusals, transport
from beliefgraph.client.graph import NOT_SERVED, RemoteGraph
from beliefgraph.client.refusals import error_of
from beliefgraph.client.selfmodel import RemoteSelfModel
from beliefgraph.graph import errors
from beliefgraph.selfmodel import SelfModel
from bench.service import in_thread
from tests.api.served import EXAMPLES, open_scripted
from tests.embedders import WordEmbedder
from tests.worlds import Clock

RAISED: list[errors.BeliefGraphError] = [
    errors.NotFoundError("belief", "b1", user_id="ada"),
    errors.NotFoundError("user", "ada"),
    errors.InvalidInputError("confidence", "must be a number", got="'x'"),
    errors.InvalidInputError("statement", "is required"),
    errors.DuplicateIdError("signal", "s1"),
    errors.DuplicateIdError("signal", "s1", by_key=True),
    errors.UnknownSignalKindError("it's", ["rating", "stars"]),
    errors.ChangedMeanwhileError("ada", 3, 5),
]


def _document(problem: ProblemError) -> dict[str, Any]:
    kind = problem.kind
    written = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": problem.detail}
    found: dict[str, Any] = json.loads(json.dumps({**written, "request_id": "q1", **problem.members}))
    return found


@pytest.mark.parametrize("raised", RAISED, ids=str)
def test_an_error_comes_back_as_it_was_raised(raised: errors.BeliefGraphError) -> None:
    """Class, message and facts survive the way over HTTP."""
    back = error_of(_document(problem_of(raised)), target="http://x", user_id="ada")
    assert (type(raised), str(raised), vars(raised)) == (type(back), str(back), vars(back))


def test_every_problem_of_the_service_is_known_to_the_client() -> None:
    """No kind of problem falls through to "failed" but those that are the service's own mistakes."""
    mine = {
        "internal-error",
        "unknown-route",
        "method-not-allowed",
        "malformed-body",
        "malformed-request",
        "unsupported-media-type",
    }
    for kind in problems.KINDS:
        document = {
            **_document(ProblemError(kind)),
            "what": "belief",
            "id": "b1",
            "expected_seq": 1,
            "seq": 2,
        }
        document.update(expected="must be one of a, b", got="'c'", field="kind")
        found = error_of(document, target="http://x", user_id="ada")
        assert (kind.name in mine) == isinstance(found, ServiceError), kind.name
    assert problems.TYPE_PREFIX == refusals.PREFIX
    assert problems.MEDIA_TYPE == refusals.MEDIA_TYPE


def _face(one: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(one) if not name.startswith("_")}


def test_the_client_has_the_whole_face() -> None:
    """Whatever a self-model can be asked is sent, or goes through a part that is; signatures and names are the same."""
    sent = {"_apply", "_edit", "_suppose", "_resolve", "_links"}
    through_those = {
        *(
            "believe",
            "respond",
            "signal",
            "retract",
            "amend",
            "what_if",
            "resolve",
            "conflicts",
            "duplicates",
        ),
        *("provenance", "user_id"),  # of provenance_of; what it was made with
    }
    own = set(vars(RemoteSelfModel))
    assert sent <= own
    assert through_those == _face(SelfModel) - own
    assert _face(SelfModel) == _face(RemoteSelfModel)
    for name in own & _face(SelfModel):
        wanted, found = (inspect.signature(getattr(one, name)) for one in (SelfModel, RemoteSelfModel))
        assert wanted == found, name


def test_what_the_graph_of_a_service_lacks_is_named() -> None:
    """A graph behind a service has the names of one on a store but those listed, which need the store or its models."""
    assert set(NOT_SERVED) == _face(BeliefGraph) - _face(RemoteGraph) - {"open"}
    assert set() == _face(RemoteGraph) - _face(BeliefGraph)


def test_what_needs_the_store_says_so(tmp_path: Path) -> None:
    """A clear error names what is not served; a typing mistake stays an AttributeError."""
    with served(tmp_path) as graph:
        attempts: list[Callable[[], object]] = [lambda: graph.verify().ok, lambda: graph.relate("a", "b")]
        for attempt in attempts:
            with pytest.raises(NotServedError, match="not served over HTTP"):
                attempt()
        with pytest.raises(AttributeError, match="nothing"):
            graph.nothing()
        with pytest.raises(InvalidInputError, match="bank"):
            graph.user("ada").onboard(bank="bank.yaml")


def test_how_a_service_is_named() -> None:
    """A service wants to be told of its key, or that there is none; a store wants none."""
    for target, options in (
        ("https://example.org", {}),
        ("beliefs.db", {"api_key": "x"}),
        ("http://127.0.0.1:1", {"api_key": None, "embedder": WordEmbedder()}),
        ("http://127.0.0.1:1", {"api_key": 5}),
    ):
        with pytest.raises(InvalidInputError):
            BeliefGraph.open(target, **options)


def test_a_service_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts it is an unavailable store, whose message holds neither key nor user."""
    monkeypatch.setattr(transport, "_FIRST_WAIT_S", 0.0)
    with (
        BeliefGraph.open("http://127.0.0.1:1", api_key="secret") as graph,
        pytest.raises(StoreUnavailableError) as raised,
    ):
        graph.user("ada").beliefs()
    assert "http://127.0.0.1:1" in str(raised.value)
    assert "secret" not in str(raised.value) and "ada" not in str(raised.value)


def test_what_answers_is_none_of_ours(tmp_path: Path) -> None:
    """Another server, or a proxy before ours, is a failed service and not a crash."""
    with served(tmp_path) as graph:
        graph._service.close()
        for status in (502, 200):

            def answer(_: httpx.Request, status: int = status) -> httpx.Response:
                return httpx.Response(status, text="<html>")

            _answering(graph, answer)
            with pytest.raises(ServiceError):
                graph.user("ada").beliefs()


@contextmanager
def served(folder: Path, *, key: str | None = None, keys: Any = None) -> Iterator[RemoteGraph]:
    """Serve a scratch store; yield its client."""
    from beliefgraph.api.app import create_app
    from beliefgraph.api.limits import Limits

    clock = Clock()
    app = create_app(
        lambda: open_scripted(folder / "beliefs.db", clock), keys=keys, limits=Limits(rate_per_s=0)
    )
    with in_thread(app) as address, BeliefGraph.open(address, api_key=key) as graph:
        yield graph


def _answering(graph: RemoteGraph, answer: Callable[[httpx.Request], httpx.Response]) -> None:
    old = graph._service._client
    graph._service._client = httpx.Client(
        base_url=old.base_url, headers=old.headers, transport=httpx.MockTransport(answer)
    )


def test_a_broken_connection_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is lost once after it was given; each write is there once, and is answered as the first time."""
    monkeypatch.setattr(transport, "_FIRST_WAIT_S", 0.0)
    with served(tmp_path) as graph:
        real, lost = graph._service._client, set()

        def flaky(request: httpx.Request) -> httpx.Response:
            answer = real.send(request)
            if id(request) in lost:
                return answer
            lost.add(id(request))
            kept.append(request)
            raise httpx.ReadError("lost on the way")

        kept: list[httpx.Request] = []
        _answering(graph, flaky)
        ada = graph.user("ada")
        held = ada.believe(EXAMPLES)
        response = ada.respond("Here.", beliefs=[held.id])
        outcome = ada.signal("rating", -1, response=response.id, text="I live in Oslo now")
        ada.amend(held.id, confidence=0.6)
        ada.retract(outcome.signal.id)
        assert [2, 1, 2] == [len(ada.beliefs()), len(ada.responses()), len(ada.signals())]
        revisions = ada.revisions(held.id)
        assert list(range(1, len(revisions) + 1)) == [one.ordinal for one in revisions]
        with closing(real), pytest.raises(StoreUnavailableError):
            ada.erase()  # not sent twice, for its answer could not be told apart from nothing there


def test_a_refused_key(tmp_path: Path) -> None:
    """An unknown key, and one without the scope, are access denied; nothing was done."""
    from beliefgraph.api.keys import KeyFile

    keys = KeyFile(tmp_path / "keys.jsonl")
    _, reader = keys.create("acme", ["read"])
    with served(tmp_path, key="nonsense", keys=keys) as graph, pytest.raises(AccessDeniedError):
        graph.user("ada").beliefs()
    with served(tmp_path, key=reader, keys=keys) as graph:
        with pytest.raises(AccessDeniedError, match="lacks the scope write"):
            graph.user("ada").believe(EXAMPLES)
        assert [] == list(graph.users())
        with pytest.raises(NotFoundError):
            graph.user("ada").belief("b1")


def test_the_whole_graph(tmp_path: Path) -> None:
    """Users, a log, the audit and the curve of the tenant."""
    lines: list[str | bytes] = [
        '{"type": "belief", "user": "ada", "id": "b1", "statement": "likes tea"}',
        b'{"type": "response", "user": "ada", "id": "r1", "text": "Tea.", "beliefs": [{"id": "b1"}]}',
        "",
        '{"type": "signal", "user": "ada", "id": "s1", "response": "r1", "kind": "rating", "value": 1}',
        "nonsense",
        '{"type": "belief", "user": "bob", "statement": "likes tea"}',
    ]
    with served(tmp_path) as graph:
        report = graph.ingest(lines)
        assert ({"belief": 2, "response": 1, "signal": 1}, 1) == (dict(report.applied), report.rejected)
        assert [(5, "nonsense")] == [(one.line, one.raw) for one in report.rejects]
        assert ["ada", "bob"] == list(graph.users())
        assert ["bob"] == list(graph.users(after="ada"))
        assert (1, 1) == (graph.audit().total.received, graph.audit(user="ada").total.moved)
        assert "closed for 1 of 1 signals" in str(graph.audit())
        assert 1 == graph.curve().interactions == graph.user("ada").curve().interactions
        assert graph.curve().line
        assert graph.ingest(lines, strict=True).stopped
        ada = graph.user("ada")
        assert 3 <= ada.sequence()
        with pytest.raises(errors.ChangedMeanwhileError):
            ada.amend("b1", confidence=0.5, if_sequence=1)
        assert (1, 1, 1) == ((erased := ada.erase()).beliefs, erased.responses, erased.signals)
        assert (0, 0) == (ada.sequence(), ada.erase().beliefs)
        assert ([], [], []) == (list(ada.beliefs()), ada.conflicts(), ada.export())
