"""The whole OpenAPI description: complete, and true of what the service does with valid and invalid requests."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode

from beliefgraph.api import bodies
from beliefgraph.api.app import create_app
from bench.fuzz import Found, Fuzzed, fuzzed
from bench.service import in_thread

DESCRIBED: dict[str, Any] = create_app(lambda: pytest.fail("nothing is opened")).openapi()
LABELS: list[str] = [
    f"{method.upper()} {path}" for path, methods in DESCRIBED["paths"].items() for method in methods
]


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


SCHEMAS: dict[str, Any] = DESCRIBED["components"]["schemas"]
FIELDS: list[tuple[str, dict[str, Any]]] = [
    (f"{name}.{field}", said)
    for name, schema in SCHEMAS.items()
    for field, said in schema.get("properties", {}).items()
]
PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    (f"{operation['operationId']}.{one['name']}", {"description": one["description"], **one["schema"]})
    for methods in DESCRIBED["paths"].values()
    for operation in methods.values()
    for one in operation.get("parameters", [])
]


def test_every_field_and_parameter_is_described_with_an_example() -> None:
    """A person, or a generator of clients, needs nothing else; a field that holds records has theirs."""
    assert len(FIELDS) > 200
    assert len(PARAMETERS) > 50
    everything = [*FIELDS, *PARAMETERS]
    assert [] == [name for name, said in everything if not said.get("description") and not _of_record(said)]
    assert [] == [name for name, said in everything if not _of_record(said) and _example(said) is None]


def test_every_example_is_valid() -> None:
    """What is shown of a field, or of a whole body, is what its schema allows."""
    wrong = []
    for name, said in [*FIELDS, *PARAMETERS, *SCHEMAS.items()]:
        checked = Draft202012Validator({**said, "components": DESCRIBED["components"]})
        wrong += [(name, example) for example in said.get("examples", []) if not checked.is_valid(example)]
    assert [] == wrong


def _of_record(said: dict[str, Any]) -> bool:
    """Say whether a field holds records, whose own fields are described."""
    named = {part.partition("'")[0] for part in str(said).split("#/components/schemas/")[1:]}
    return bool(named) and all(SCHEMAS[name].get("properties") for name in named)


def _example(said: dict[str, Any]) -> Any:
    return next(iter(said.get("examples", [])), said.get("example"))


def test_no_body_is_taken_unread() -> None:
    """Where a body may be sent it is described, and so what it says is not overlooked."""
    assert [] == [
        one["operationId"]
        for methods in DESCRIBED["paths"].values()
        for method, one in methods.items()
        if method in ("post", "patch") and "requestBody" not in one
    ]


def test_bodies_are_shown_whole() -> None:
    """The example of each body is one that the service takes, as a whole."""
    for methods in DESCRIBED["paths"].values():
        for operation in methods.values():
            content = operation.get("requestBody", {}).get("content", {})
            for named in (one["schema"].get("$ref", "") for one in content.values()):
                if named:
                    name = named.rpartition("/")[2]
                    fields = SCHEMAS[name]["properties"].items()
                    of_fields = {field: _example(said) for field, said in fields}
                    shown = SCHEMAS[name].get("examples", [of_fields])[0]
                    getattr(bodies, name).model_validate(shown)


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
