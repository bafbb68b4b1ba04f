"""pydantic's errors as problems with a place and a way out.

Knows: every kind of error our models can meet, and how to find key or value in the document. Refuses to
know: what the settings mean; and it never shows a value that stands under a secret's key.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from nacd.config.fields import Surroundings
from nacd.config.sections.base import Section
from nacd.config.yaml import SECRET_KEYS, Document, PathTo, shown
from nacd.errors import Problem
from nacd.policy.words import any_of

_KEY: Final = "[key]"
"""How pydantic marks that the key of a mapping, not its value, is meant."""

M = TypeVar("M", bound=BaseModel)


def read(model: type[M], document: Document, around: Surroundings) -> tuple[M | None, tuple[Problem, ...]]:
    """The document as a model; or None and every problem in it."""
    try:
        return model.model_validate(document.value, context=around), ()
    except ValidationError as wrong:
        return None, tuple(_problems(model, document, wrong))


def read_part(model: type[M], document: Document, path: PathTo, around: Surroundings) -> M | None:
    """One part of a document whose problems have been told already."""
    value: Any = document.value
    for step in path:
        value = value[step]
    try:
        return model.model_validate(value, context=around)
    except ValidationError:
        return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``, did you mean `x`?`` or, when nothing is near, what there is."""
    words = sorted(known)
    near = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.7)
    if near:
        return f", did you mean `{near[0]}`?"
    return f": there is {', '.join(f'`{w}`' for w in words[:20])}" if words else ""


def _problems(model: type[BaseModel], document: Document, wrong: ValidationError) -> Iterator[Problem]:
    for error in wrong.errors(include_url=False):
        path = _path(error)
        key = error["type"] == "extra_forbidden" or _KEY in error["loc"]
        if error["type"] == "too_short" and error["input"]:
            continue  # pydantic counts only the items that are right; the wrong ones are told one by one
        written = _as_written(document, path)
        stands = document.known(written)
        if any(stands[:length] in document.flawed for length in range(1, len(stands) + 1)):
            continue
        for line in _message(model, error, path).split("\n"):
            yield document.problem(written, line, key=key)


def _path(error: Mapping[str, Any]) -> PathTo:
    """Where it is in the document. Steps in angle brackets are pydantic's and ours, not the admin's, unless the last
    one is the very word that he wrote and nobody knows."""
    steps, last = error["loc"][:-1], error["loc"][-1:]
    path = tuple(step for step in steps if step != _KEY and not str(step).startswith("<"))
    foreign = error["type"] == "extra_forbidden"
    return path + tuple(step for step in last if foreign or (step != _KEY and not str(step).startswith("<")))


def _as_written(document: Document, path: PathTo) -> PathTo:
    """One mapping may stand where a list of them may, and pydantic counts it as the first of one."""
    steps: PathTo = ()
    for step in path:
        if step != 0 or (*steps, step) in document.values:
            steps = (*steps, step)
    return steps


def _message(model: type[BaseModel], error: Mapping[str, Any], path: PathTo) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(model, path)
    if kind == "missing":
        return _missing(model, path)
    if kind == "value_error":
        return str(context["error"])
    if kind == "nacd":
        return str(error["msg"])
    if kind == "literal_error":
        return _no_such_word(error["input"], re.findall(r"'([^']*)'", context["expected"]), path)
    if kind in _BOUNDS:
        bound = next(iter(context.values()))
        return _BOUNDS[kind].format(bound=f"{bound:,}".removesuffix(".0"), value=f"`{error['input']}`")
    return _SHAPES.get(kind, "this value has the wrong shape")


_BOUNDS: Final = {
    "greater_than_equal": "{value} is too small: at least {bound}",
    "less_than_equal": "{value} is too large: at most {bound}",
}
_SHAPES: Final = {
    "model_type": "`key: value` pairs are wanted here",
    "model_attributes_type": "`key: value` pairs are wanted here",
    "dict_type": "`key: value` pairs are wanted here",
    "tuple_type": "a list is wanted here: `[one, two]`, or lines that begin with `- `",
    "int_type": "a whole number is wanted here",
    "float_type": "a number is wanted here",
    "bool_type": "`true` or `false` is wanted here",
    "string_type": "text is wanted here",
    "too_short": "this list is empty: at least one is needed",
}


def _missing(model: type[BaseModel], path: PathTo) -> str:
    for section in _sections(model, path[:-1]):
        field = _fields(section).get(str(path[-1]))
        if field is not None and field.description:
            return f"`{path[-1]}` is missing: {field.description}"
    return f"`{path[-1]}` is missing"


def _unknown_key(model: type[BaseModel], path: PathTo) -> str:
    word = str(path[-1])
    sections = list(_sections(model, path[:-1]))
    for section in sections:
        if issubclass(section, Section) and word.lower() in section.hints:
            return f"{shown(word)} is no key here: {section.hints[word.lower()]}"
    known = {name for section in sections for name in _fields(section)}
    return f"{shown(word)} is no key here{did_you_mean(word, known)}"


def _no_such_word(written: object, words: list[str], path: PathTo) -> str:
    choice = any_of(words)
    if not isinstance(written, str):
        return f"one word is wanted here: {choice}"
    said = "this value" if SECRET_KEYS.intersection(map(str, path)) else shown(written)
    near = difflib.get_close_matches(written.lower(), words, n=1, cutoff=0.7)
    return f"{said} is not known here, did you mean `{near[0]}`?" if near else f"{said} is not known here: use {choice}"


def _fields(section: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """By the words an admin writes: some are no names in Python (``from``)."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _sections(annotation: Any, path: PathTo) -> Iterator[type[BaseModel]]:
    """The models that may stand at a path; more than one where there is a choice."""
    if get_origin(annotation) is Annotated:
        yield from _sections(get_args(annotation)[0], path)
    elif get_origin(annotation) in (Union, types.UnionType):
        for choice in get_args(annotation):
            yield from _sections(choice, path)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not path:
            yield annotation
        elif field := _fields(annotation).get(str(path[0])):
            yield from _sections(field.annotation, path[1:])
    elif path and get_origin(annotation) in (tuple, dict):
        arguments = get_args(annotation)
        yield from _sections(arguments[1] if get_origin(annotation) is dict else arguments[0], path[1:])
