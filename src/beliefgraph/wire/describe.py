"""From the records of the library to models of the wire: types are taken over, every field must be described.

A record that gains a field nobody described is an error when its model is made, not a gap in the documentation.
Which records there are, and in which words, is said in records.py and its neighbours. The way back, from an answer to
the record, is `Dictionary.restore`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model, model_validator

Model = type[BaseModel]
M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about a field: its meaning, and an example (None: the example of the record that it holds)."""

    meaning: str
    example: Any = None


@dataclass(frozen=True, slots=True)
class Worked:
    """A field that a record has no attribute for: its type, its meaning, an example, and how it comes about."""

    type: Any
    said: Said
    of: Callable[[Any], Any]


class Dictionary:
    """Models by the records that they show, and the words for fields that mean the same in every record."""

    def __init__(self, words: Mapping[str, Said]) -> None:
        self._words = words
        self._models: dict[type, Model] = {}
        self._sources: dict[Model, type] = {}

    def record(
        self,
        source: type,
        /,
        *,
        also: Sequence[str] = (),
        worked: Mapping[str, Worked] | None = None,
        **words: Said,
    ) -> Model:
        """Make the model that shows a dataclass: the fields of its `repr`, some others, those that are worked out.

        Raises `TypeError` for a field without a description and a description without a field.
        """
        hints = get_type_hints(source)
        shown = [field.name for field in fields(source) if field.repr or field.name in also]
        _check(source, shown, words)
        annotated = {
            name: (
                _described(self._translated(hints[name]), words.get(name) or self._word(source, name)),
                ...,
            )
            for name in shown
        }
        worked = worked or {}
        annotated |= {name: (_described(one.type, one.said), ...) for name, one in worked.items()}
        model = _model(source.__name__, source.__doc__, annotated, read=_reader(shown, worked))
        self._models[source], self._sources[model] = model, source
        return model

    def restore(self, source: type[R], answer: Any) -> R:
        """Return the record that an answer shows. Fields that are not shown have their default, or else None.

        Raises `ValidationError` (pydantic) for an answer that shows no such record.
        """
        restored: R = self._restored(self._models[source].model_validate(answer))
        return restored

    def _restored(self, shown: Any) -> Any:
        """Return records for models, at every depth."""
        if isinstance(shown, BaseModel):
            source = self._sources.get(type(shown))
            found = {name: self._restored(getattr(shown, name)) for name in type(shown).model_fields}
            return tuple(found.values()) if source is None else _filled(source, found)
        if isinstance(shown, list | tuple):
            return type(shown)(self._restored(one) for one in shown)
        return {k: self._restored(one) for k, one in shown.items()} if isinstance(shown, dict) else shown

    def body(
        self, source: Model, /, *, without: tuple[str, ...] = (), **words: Said
    ) -> Callable[[type[M]], type[M]]:
        """Add the fields of an event to the model of a request, in the words of this dictionary.

        Raises `TypeError` as `record` does.
        """
        given = {field: info for field, info in source.model_fields.items() if field not in without}
        given |= {"at": given.pop("at")} if "at" in given else {}  # comes last
        _check(source, list(given), words)
        annotated: dict[str, Any] = {
            field: (
                _described(info.rebuild_annotation(), words.get(field) or self._word(source, field)),
                ... if info.is_required() else info.get_default(call_default_factory=True),
            )
            for field, info in given.items()
        }

        def completed(request: type[M]) -> type[M]:
            name, doc = request.__name__, request.__doc__
            return create_model(
                name, __base__=request, __doc__=doc, __module__=request.__module__, **annotated
            )

        return completed

    def _word(self, source: type, name: str) -> Said:
        if name not in self._words:
            raise TypeError(f"{source.__name__}.{name} has no description")
        return self._words[name]

    def _translated(self, hint: Any) -> Any:
        """Return the type of a field on the wire: records become their models, pairs of records objects."""
        origin, arguments = get_origin(hint), get_args(hint)
        if isinstance(hint, NewType):
            return self._translated(hint.__supertype__)
        if origin is None or origin is Literal:
            return JsonValue if hint is Any else self._models.get(hint, hint)
        inner = tuple(one if one is Ellipsis else self._translated(one) for one in arguments)
        if origin in (Union, UnionType):
            return Union[inner]  # noqa: UP007 - made at run time
        if origin is tuple and Ellipsis not in arguments:
            return _pair(inner) if len(set(arguments)) > 1 else _so_many(inner)
        return {Mapping: dict, Sequence: list}.get(origin, origin)[inner]


def example_of(annotation: Any) -> Any:
    """Return an example of what a type holds, made of the examples of its fields; None where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {
            name: info.examples[0] if info.examples else example_of(info.annotation)
            for name, info in annotation.model_fields.items()
        }
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return next((example_of(one) for one in arguments if one is not NoneType), None)
    if origin in (tuple, list):
        inner = example_of(arguments[0])
        return [] if inner is None else [inner]
    return None


def envelope(name: str, doc: str, /, **shown: tuple[Any, Said]) -> Model:
    """Make the model of an answer that no record of the library is: its fields with their types and words."""
    return _model(name, doc, {field: (_described(*one), ...) for field, one in shown.items()})


def _described(kind: Any, said: Said) -> Any:
    examples = None if said.example is None else [said.example]
    return Annotated[kind, Field(description=said.meaning, examples=examples)]


def _model(
    name: str,
    doc: str | None,
    annotated: Mapping[str, tuple[Any, Any]],
    *,
    read: Callable[[Any], Any] | None = None,
) -> Model:
    config = ConfigDict(frozen=True, from_attributes=True, allow_inf_nan=False, protected_namespaces=())
    validators: dict[str, Any] = {} if read is None else {"_read": model_validator(mode="before")(read)}
    fields: dict[str, Any] = dict(annotated)
    return create_model(name, __config__=config, __doc__=doc, __validators__=validators, **fields)


def _reader(shown: list[str], worked: Mapping[str, Worked]) -> Callable[[Any], Any] | None:
    """Return what reads a record with fields that are worked out; None when attributes are enough."""
    if not worked:
        return None

    def read(record: Any) -> Any:
        if isinstance(record, Mapping):  # an answer that is read back
            return record
        return {name: getattr(record, name) for name in shown} | {
            name: one.of(record) for name, one in worked.items()
        }

    return read


def _filled(source: type, shown: Mapping[str, Any]) -> Any:
    """Return a record of what is shown of it; what is not has its default, or else None."""
    given: dict[str, Any] = {}
    for one in fields(source):
        if one.name in shown:
            given[one.name] = shown[one.name]
        elif one.init and one.default is MISSING and one.default_factory is MISSING:
            given[one.name] = None
    return source(**given)


def _so_many(kinds: tuple[Any, ...]) -> Any:
    """Return the type of a list of a fixed length; generators of clients know no other tuple."""
    return Annotated[tuple[kinds[0], ...], Field(min_length=len(kinds), max_length=len(kinds))]  # type: ignore[valid-type]


def _pair(models: tuple[Any, ...]) -> Model:
    """Return the model of records that come together: an object with their kinds as names."""
    names = [model.__name__.lower() for model in models]
    first_lines = [(model.__doc__ or "").partition("\n")[0] for model in models]
    annotated = {
        name: (_described(model, Said(line)), ...)
        for name, model, line in zip(names, models, first_lines, strict=True)
    }

    def read(records: Any) -> Any:
        if isinstance(records, Mapping):  # an answer that is read back
            return records
        return dict(zip(names, records, strict=True))

    title = "With".join(model.__name__ for model in models)
    return _model(title, f"A {names[0]} with its {names[1]}.", annotated, read=read)


def _check(source: type, shown: list[str], words: Mapping[str, Said]) -> None:
    unknown = sorted(set(words) - set(shown))
    if unknown:
        raise TypeError(f"{source.__name__} has no field {', '.join(unknown)} to describe")
