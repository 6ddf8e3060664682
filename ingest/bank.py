"""Banks of questions that a product asks to get to know a user: read from YAML, every mistake named by line and field.

A bank has beliefs, which are statements about the user in the product's words, and questions; each answer speaks for
some of the beliefs, or against them, with a strength. What is asked, and when, is decided elsewhere (onboarding.py).
"""

from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from beliefgraph.graph.errors import InvalidInputError
from beliefgraph.graph.ids import fingerprint, normal_form
from beliefgraph.graph.model import Kind
from beliefgraph.ingest.events import Identifier, Text
from beliefgraph.ingest.validation import invalid_input

MOST_BYTES = 262_144
MOST_TOLD = 8
"""Beliefs that the answers to one question may speak of, taken together."""
_SHIPPED = "assistant.yaml"


def _short_enough(value: str) -> str:
    if len(value) > 500 or any(not character.isprintable() for character in value):
        raise ValueError("must be at most 500 characters on one line")
    return value


def _says_something(value: float) -> float:
    if value == 0.5:
        raise ValueError("must not be 0.5, which says nothing: leave the belief out")
    return value


def _identifier(value: str) -> str:
    if not all(character.isalnum() or character in "-_" for character in value):
        raise ValueError("must be made of letters, digits, - and _")
    return value


def _statement_alone(value: Any) -> Any:
    """Let a belief be written as its statement alone."""
    return {"statement": value} if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_identifier)]
Line = Annotated[Text, AfterValidator(_short_enough)]
Strength = Annotated[float, Field(ge=0.02, le=0.98, strict=True), AfterValidator(_says_something)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BankBelief(_Frozen):
    """A statement that an answer can speak for."""

    statement: Line
    kind: Kind = "preference"


class Answer(_Frozen):
    """One answer: its words, and how sure it makes us of each belief that we gave an even chance."""

    say: Line
    speaks: dict[Name, Strength] = {}


class Question(_Frozen):
    """A question with its answers."""

    ask: Line
    answers: Annotated[dict[Name, Answer], Field(min_length=2, max_length=12)]

    @cached_property
    def beliefs(self) -> tuple[str, ...]:
        """Return the ids of the beliefs that any answer speaks of, in their order."""
        return tuple(dict.fromkeys(belief for answer in self.answers.values() for belief in answer.speaks))


Beliefs = Annotated[
    dict[Name, Annotated[BankBelief, BeforeValidator(_statement_alone)]], Field(max_length=500)
]


class Bank(_Frozen):
    """What a product asks. `beliefs` and `questions` are in the bank's order."""

    name: Identifier
    beliefs: Beliefs
    questions: Annotated[dict[Name, Question], Field(max_length=200)] = {}

    @model_validator(mode="after")
    def _fits_together(self) -> "Bank":
        for name, question in self.questions.items():
            _check_question(self, name, question)
        seen: dict[str, str] = {}
        for name, belief in self.beliefs.items():
            other = seen.setdefault(normal_form(belief.statement), name)
            if other != name:
                raise InvalidInputError(f"beliefs.{name}", f"says the same as {other}")
        return self

    @property
    def digest(self) -> str:
        """Return a digest of what the bank holds."""
        return fingerprint(self.model_dump(mode="json"))


def _check_question(bank: Bank, name: str, question: Question) -> None:
    place = f"questions.{name}.answers"
    for answer_name, answer in question.answers.items():
        for belief in answer.speaks:
            if belief not in bank.beliefs:
                raise InvalidInputError(f"{place}.{answer_name}.speaks.{belief}", "is not among the beliefs")
    if not question.beliefs:
        raise InvalidInputError(place, "must speak for some belief: as it is, no answer tells anything")
    if len(question.beliefs) > MOST_TOLD:
        raise InvalidInputError(
            place, f"must speak of at most {MOST_TOLD} beliefs (got {len(question.beliefs)})"
        )
    for belief in question.beliefs:
        strengths = [answer.speaks.get(belief, 0.5) for answer in question.answers.values()]
        if min(strengths) > 0.5 or max(strengths) < 0.5:
            side = "for" if min(strengths) > 0.5 else "against"
            raise InvalidInputError(
                place,
                f"must not all speak {side} {belief}: then asking already moves it, whatever she answers",
            )


def load_bank(source: Bank | Path | str | None = None) -> Bank:
    """Read a bank from a YAML file; None: the one that ships, for an AI assistant; a bank is returned as it is.

    Raises `InvalidInputError` naming the file, the line and the field.
    """
    if isinstance(source, Bank):
        return source
    if source is None:
        return parse_bank(
            files("beliefgraph.ingest").joinpath(_SHIPPED).read_text(encoding="utf-8"), _SHIPPED
        )
    if not isinstance(source, Path | str):
        raise InvalidInputError("bank", "must be a path or a Bank")
    path = Path(source)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        text = raw.decode()
    except OSError as error:
        raise InvalidInputError("bank", f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInputError("bank", f"{path} is not UTF-8") from None
    return parse_bank(text, str(path))


def parse_bank(text: str, name: str = "bank") -> Bank:
    """Read a bank from YAML text. Raises `InvalidInputError`; `name` says where the text comes from."""
    if len(text.encode()) > MOST_BYTES:
        raise InvalidInputError(name, f"must be at most {MOST_BYTES:,} bytes")
    lines: dict[str, int] = {}
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = None if root is None else _Tree(lines).read(root, "")
        return Bank.model_validate({} if content is None else content)
    except yaml.MarkedYAMLError as error:
        line = 0 if error.problem_mark is None else error.problem_mark.line + 1
        raise InvalidInputError(f"{name}, line {line}", f"is not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise InvalidInputError(name, "is not YAML: it holds characters that no text has") from None
    except RecursionError:
        raise InvalidInputError(name, "is nested too deeply") from None
    except ValidationError as error:
        raise _located(invalid_input(error), name, lines) from None
    except _WrongYaml as error:
        raise InvalidInputError(f"{name}, line {error.line}, {error.field}", error.problem) from None


def _located(error: InvalidInputError, name: str, lines: Mapping[str, int]) -> InvalidInputError:
    """Name the line of the field at fault, or of the nearest thing around it that is there."""
    field = error.field.removesuffix(".[key]")
    around = field
    while around and around not in lines:
        around = around.rpartition(".")[0]
    return InvalidInputError(f"{name}, line {lines.get(around, 1)}, {field}", error.expected, got=error.got)


class _WrongYaml(Exception):
    def __init__(self, line: int, field: str, problem: str) -> None:
        self.line, self.field, self.problem = line, field, problem
        super().__init__(problem)


class _Tree:
    """Turns YAML's nodes into mappings, lists, numbers and texts, and notes the line of each field.

    Words that YAML takes for something else (yes, no, dates) stay the texts that they are. Names given twice and
    aliases are refused: the one would be lost in silence, the other can grow without bound.
    """

    def __init__(self, lines: dict[str, int]) -> None:
        self._lines = lines
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, field: str) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(field, line)
        if id(node) in self._seen:
            raise _WrongYaml(line, field, "must be written out: aliases are not read")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, field)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(each, f"{field}.{place}") for place, each in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, field: str) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise _WrongYaml(line, field or "bank", "must have texts as names")
            name = str(key.value)
            inner = f"{field}.{name}" if field else name
            if name in content:
                raise _WrongYaml(line, inner, "is there twice")
            self._lines[inner] = line
            content[name] = self.read(value, inner)
        return content


def _scalar(node: yaml.Node) -> Any:
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        try:
            return float(node.value)
        except ValueError:
            return node.value
    return node.value
