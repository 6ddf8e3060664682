"""The map of a product's own log: which of its columns and words stand for which of ours. Data and its checks alone."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.ingest.parameters import Parameters
from beliefgraph.ingest.validation import invalid_input

RESPONSE, LEFT_OUT = "response", "-"
"""What a row can mean besides a kind of signal."""
ExportField = Literal["user", "kind", "response", "value", "text", "tags", "source", "at"]


def _meaning(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


def _columns(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Meaning(_Frozen):
    """What an event of the product is here: a kind of signal, a response, or to be left out (`-`).

    `value` is the value that the event itself stands for (thumbs_up: 1), `values` what words in its value column do.
    """

    kind: str
    value: float | None = None
    values: dict[str, float] = {}


Means = Annotated[Meaning, BeforeValidator(_meaning)]


class ExportMap(_Frozen):
    """How to read an export: which column is which field, and which of its words stand for ours.

    `columns`: field to column, or to several (the first that a file has); `kinds`: event to meaning; `values`: words to
    numbers; `tags`: words to reasons; `rows`: the name of a file to what each of its rows means.
    """

    columns: dict[
        ExportField, Annotated[tuple[str, ...], BeforeValidator(_columns), Field(min_length=1)]
    ] = {}
    kinds: dict[str, Means] = {}
    values: dict[str, float] = {}
    tags: dict[str, str] = {}
    rows: dict[str, Means] = {}

    def over(self, below: "ExportMap") -> "ExportMap":
        """Return both maps in one; this one's entries win."""
        return ExportMap(
            columns={**below.columns, **self.columns},
            kinds={**below.kinds, **self.kinds},
            values={**below.values, **self.values},
            tags={**below.tags, **self.tags},
            rows={**below.rows, **self.rows},
        )

    def check(self, parameters: Parameters) -> None:
        """Check that it names kinds and tags that there are. Raises `InvalidInputError`."""
        known = {*parameters.signals, RESPONSE, LEFT_OUT}
        for place, meanings in (("kinds", self.kinds), ("rows", self.rows)):
            for name, meaning in meanings.items():
                if meaning.kind not in known:
                    kinds = ", ".join(sorted(parameters.signals))
                    wanted = f"must be response, - (to leave it out) or a kind of signal: one of {kinds}"
                    raise InvalidInputError(f"{place}.{name}", wanted, got=repr(meaning.kind))
        for word, tag in self.tags.items():
            if tag not in parameters.tags:
                wanted = f"must be one of {', '.join(sorted(parameters.tags))}"
                raise InvalidInputError(f"tags.{word}", wanted, got=repr(tag))


def load_map(path: Path | str) -> ExportMap:
    """Read a map from a TOML or JSON file. Raises `InvalidInputError` naming the field."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        found = json.loads(text) if Path(path).suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise InvalidInputError("mapping", f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise InvalidInputError("mapping", f"{path} is neither TOML nor JSON (*.json): {error}") from None
    return make_map(found, f"mapping {path}: ")


def make_map(found: Any, prefix: str = "") -> ExportMap:
    """Check a map. Raises `InvalidInputError` naming the field."""
    try:
        return ExportMap.model_validate(found)
    except ValidationError as error:
        raise invalid_input(error, prefix=prefix) from None
