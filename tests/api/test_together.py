"""Many callers at the same moment: one key for many requests, a key that ends while it is used."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from beliefgraph.api.app import create_app
from beliefgraph.api.keys import KeyFile
from beliefgraph.api.limits import Limits
from bench.service import in_thread, open_hashed

T = TypeVar("T")
CALLERS = 16


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """Return the file of keys of a service."""
    return KeyFile(tmp_path / "keys.jsonl")


@pytest.fixture
def client(tmp_path: Path, keys: KeyFile) -> Iterator[httpx.Client]:
    """Return a client of a service on a socket, which many threads may use."""
    _, key = keys.create("acme", ["read", "write"])
    app = create_app(lambda: open_hashed(tmp_path / "beliefs.db"), keys=keys, limits=Limits(rate_per_s=0))
    with in_thread(app) as address:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"{address}/v1/users/ada", headers=headers, timeout=60) as client:
            yield client


def _together(work: Callable[[int], T]) -> list[T]:
    """Do something in many threads that begin at the same moment."""
    begin, found = threading.Barrier(CALLERS), {}

    def one(number: int) -> None:
        begin.wait()
        found[number] = work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(CALLERS)]


def _statuses(answers: list[httpx.Response]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def test_one_idempotency_key_does_one_thing(client: httpx.Client) -> None:
    """The same request by many at once is done once, and answered alike to all."""
    client.post("/beliefs", json={"id": "b1", "statement": "likes tea"}).raise_for_status()
    client.post("/responses", json={"id": "r1", "text": "Here.", "beliefs": ["b1"]}).raise_for_status()
    said = {"kind": "rating", "value": -1, "response": "r1"}
    answers = _together(lambda _: client.post("/signals", json=said, headers={"Idempotency-Key": "k1"}))
    assert {201: CALLERS} == _statuses(answers)
    assert 1 == len({answer.text for answer in answers})
    assert 1 == len(client.get("/signals").json()["items"])


def test_one_idempotency_key_for_different_things_is_refused(client: httpx.Client) -> None:
    """Of different requests with one key, one is done; the others are told so, and do nothing."""

    def ask(number: int) -> httpx.Response:
        body: dict[str, Any] = {"statement": f"likes tea number {number}"}
        return client.post("/beliefs", json=body, headers={"Idempotency-Key": "k1"})

    answers = _together(ask)
    assert {201: 1, 409: CALLERS - 1} == _statuses(answers)
    (held,) = client.get("/beliefs").json()["items"]
    (done,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert done["statement"] == held["statement"]


def test_a_key_ends_while_it_is_used(client: httpx.Client, keys: KeyFile) -> None:
    """Every request that is sent after a key was revoked is refused; what was answered before is recorded, no more."""
    key, shown = keys.create("acme", ["write"])
    revoked = threading.Event()

    def use(number: int) -> tuple[int, list[int]]:
        held, after = 0, []
        for count in range(200):
            late = revoked.is_set()
            answer = client.post(
                "/beliefs",
                json={"id": f"b-{number}-{count}", "statement": f"likes tea {number} {count}"},
                headers={"Authorization": f"Bearer {shown}"},
            )
            held += answer.status_code == 201
            if late:
                after.append(answer.status_code)
                break
            if number == 0 and count == 2:
                keys.revoke(key.id)
                revoked.set()
        return held, after

    found = _together(use)
    assert {401} == {status for _, after in found for status in after}
    listed = client.get("/beliefs", params={"limit": 1000}).json()["items"]
    assert sum(held for held, _ in found) == len(listed)
    assert len(listed) >= 3
