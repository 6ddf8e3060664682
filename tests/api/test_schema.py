"""The whole OpenAPI description: complete, and true of what the service does with valid and invalid requests."""

from collections.abc import Iterator
from typing import Any

import pytest
from schemathesis import GenerationMode

from beliefgraph.api.app import create_app
from bench.fuzz import Found, Fuzzed, fuzzed
from bench.service import in_thread

DESCRIBED: dict[str, Any] = create_app(lambda: pytest.fail("nothing is opened")).openapi()
LABELS: list[str] = [
    f"{method.upper()} {path}" for path, methods in DESCRIBED["paths"].items() for method in methods
]


WITHOUT_EXAMPLE = {
    *("NewBelief.id", "NewResponse.id", "NewSignal.id", "NewSignal.belief", "Supposition.belief"),
    *("Amendment.statement", "Resolution.scope", "EventResult.field", "EventResult.reason"),
}
"""Fields that exclude another one, or are seldom there: an example of the whole record is better without them."""


def _erases(label: str) -> bool:
    return label.startswith("DELETE")


ORDERED: list[str] = sorted(LABELS, key=_erases)
"""What erases comes last."""


@pytest.fixture(scope="module")
def service() -> Iterator[Fuzzed]:
    """Return a service on a scratch store, asked over a socket."""
    with fuzzed() as found:
        yield found


@pytest.mark.parametrize("label", ORDERED)
def test_every_answer_is_as_described(service: Fuzzed, label: str) -> None:
    """No server error, nothing that is not described, no nonsense accepted; `python -m bench --only fuzz` asks more."""
    (operation,) = [one for one in service.operations() if one.label == label]
    found = Found()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        service.ask(operation, mode, 5, found)
    assert {} == found.faults
    assert found.requests > 0


def test_a_fault_is_seen() -> None:
    """A service that breaks its description is caught: an undescribed status, a server error, nonsense accepted."""
    from fastapi import FastAPI, Response

    app = FastAPI()

    @app.get("/things/{number}")
    def thing(number: str) -> Response:
        return Response(status_code={"0": 500, "1": 418}.get(number[:1], 200))

    faulty = app.openapi()
    schema = faulty["paths"]["/things/{number}"]["get"]["parameters"][0]["schema"]
    schema.clear()
    schema.update({"type": "integer", "minimum": 0, "maximum": 9})
    faulty["paths"]["/things/{number}"]["get"]["responses"] = {"200": {"description": "A thing."}}
    with in_thread(app) as address:
        service = Fuzzed(address, faulty)
        (operation,) = service.operations()
        found = Found()
        service.ask(operation, GenerationMode.POSITIVE, 20, found)
        service.ask(operation, GenerationMode.NEGATIVE, 20, found)
    titles = {name.partition(": ")[2] for name in found.faults}
    assert {"Server error", "Undocumented status code", "Schema-violating request accepted"} <= titles


def _fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in DESCRIBED["components"]["schemas"].items():
        for field, said in schema.get("properties", {}).items():
            yield f"{name}.{field}", said


def test_every_field_and_parameter_is_described_with_an_example() -> None:
    """A person, or a generator of clients, needs nothing else."""
    parameters = [
        (f"{operation['operationId']}.{one['name']}", {**one, **one["schema"]})
        for methods in DESCRIBED["paths"].values()
        for operation in methods.values()
        for one in operation.get("parameters", [])
    ]
    gaps = [name for name, said in [*_fields(), *parameters] if not _is_described(said)]
    assert [] == gaps
    wanting = {name for name, said in [*_fields(), *parameters] if not _has_example(said)}
    assert WITHOUT_EXAMPLE == wanting


def _is_described(said: dict[str, Any]) -> bool:
    """Say whether a field is described, or is a record that is."""
    name = said.get("$ref", "").rpartition("/")[2]
    return bool({**DESCRIBED["components"]["schemas"].get(name, {}), **said}.get("description"))


def _has_example(said: dict[str, Any]) -> bool:
    """Say whether a field has an example, or holds records, whose fields have theirs."""
    return bool(said.get("examples") or said.get("example") is not None or "$ref" in str(said)) or (
        said.get("type") in ("boolean", "object") or "enum" in said or "default" in said
    )


def test_operations_have_names_to_generate_a_client_from() -> None:
    """Each has an id of its own, a plain name; a summary; a description; and one tag that is described."""
    operations = [one for methods in DESCRIBED["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name.islower() for name in names)
    tags = {one["name"] for one in DESCRIBED["tags"] if one["description"]}
    for one in operations:
        assert one["summary"] and one["description"] and len(one["tags"]) == 1, one["operationId"]
        assert set(one["tags"]) <= tags, one["operationId"]
