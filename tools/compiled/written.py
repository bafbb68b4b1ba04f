"""Dataclasses whose ``__init__`` is written out, so that a compiler can see it.

Knows: what ``dataclasses`` and ``nacd.quick`` make of a class at import. Refuses to know: the compiler.

Both make ``__init__`` out of text while Python runs, where no compiler looks. Here the same text goes into the source
before it is compiled: an assignment for each field, which for a compiled class is a store into a struct. Every line
stays where it was, so that a traceback names the line that people read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_QUICK = "quick"
_FLAGS = {"frozen", "slots", "kw_only", "eq", "weakref_slot"}


class NotWrittenError(Exception):
    """A class that cannot be written out; the text says which and why."""


def bases(sources: Iterable[str]) -> frozenset[str]:
    """Names of classes that others are derived from, in any of these modules."""
    every = (each for source in sources for each in ast.walk(ast.parse(source)) if isinstance(each, ast.ClassDef))
    return frozenset(ast.unparse(base).rpartition(".")[2] for each in every for base in each.bases)


def written_out(source: str, left: frozenset[str]) -> str:
    """The module with the ``__init__`` of each of its dataclasses. Raises NotWrittenError.

    left: names of classes that stay as they are, because others derive from them and call what they inherit.
    """
    lines = source.split("\n")
    for each in ast.parse(source).body:
        if isinstance(each, ast.ClassDef) and _dataclass(each) is not None:
            lines.append(_hints(each))
            if _is_quick(each) or (each.name not in left and _plain(each) and not _defines(each, "__init__")):
                _write(each, lines)
    return "\n".join(lines)


def _dataclass(kind: ast.ClassDef) -> ast.expr | None:
    return next((each for each in kind.decorator_list if ast.unparse(each).startswith("dataclass")), None)


def _is_quick(kind: ast.ClassDef) -> bool:
    return any(ast.unparse(each) == _QUICK for each in kind.decorator_list)


def _hints(kind: ast.ClassDef) -> str:
    """Compiled classes keep but a hint of their hints; whoever asks ``typing.get_type_hints`` wants the text."""
    hints = {name: annotation for name, annotation, _ in _fields(kind)}
    return f"setattr({kind.name}, '__annotations__', {hints!r})"


def _write(kind: ast.ClassDef, lines: list[str]) -> None:
    decorator = _dataclass(kind)
    if not isinstance(decorator, ast.Call) or {each.arg for each in decorator.keywords} - _FLAGS:
        raise NotWrittenError(f"{kind.name}: its decorator says more than is known here")
    place = kind.end_lineno or 0
    if lines[place].strip():
        raise NotWrittenError(f"{kind.name}: no empty line behind it")
    for each in kind.decorator_list:
        if ast.unparse(each) == _QUICK:
            lines[each.lineno - 1] = ""
    lines[decorator.lineno - 1] = lines[decorator.lineno - 1].replace("dataclass(", "dataclass(init=False, ", 1)
    lines[place] = _init(kind, is_kw_only=any(each.arg == "kw_only" for each in decorator.keywords))


def _defines(kind: ast.ClassDef, name: str) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == name for each in kind.body)


def _plain(kind: ast.ClassDef) -> bool:
    """Only ``Generic[...]`` above it: a base of its own would bring fields that are not written here."""
    return all(ast.unparse(each).startswith("Generic[") for each in kind.bases)


def _init(kind: ast.ClassDef, *, is_kw_only: bool) -> str:
    parameters, body = list[str](), list[str]()
    for name, annotation, value in _fields(kind):
        is_given, factory, default = _said(value)
        if not is_given:
            body += [f"self.{name} = {default or f'({factory})()'}"] if default or factory else []
        elif factory:
            parameters.append(f"{name}: {annotation} | None = None")
            body.append(f"self.{name} = ({factory})() if {name} is None else {name}")
        else:
            parameters.append(f"{name}: {annotation}" + (f" = {default}" if default else ""))
            body.append(f"self.{name} = {name}")
    if _defines(kind, "__post_init__"):
        body.append("self.__post_init__()")
    star = ["*"] if is_kw_only and parameters else []
    heading = f"    def __init__({', '.join(['self', *star, *parameters])}) -> None:"
    return f"{heading} {'; '.join(body) or 'pass'}  # type: ignore"


def _fields(kind: ast.ClassDef) -> Iterator[tuple[str, str, ast.expr | None]]:
    for each in kind.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            annotation = ast.unparse(each.annotation)
            if not annotation.startswith("ClassVar"):
                yield each.target.id, annotation, each.value


def _said(value: ast.expr | None) -> tuple[bool, str, str]:
    """Whether ``__init__`` takes it; its default's factory; its default. ``""`` for what there is not."""
    if value is None:
        return True, "", ""
    if not (isinstance(value, ast.Call) and ast.unparse(value.func) == "field"):
        return True, "", ast.unparse(value)
    said = {each.arg: ast.unparse(each.value) for each in value.keywords}
    return said.get("init") != "False", said.get("default_factory", ""), said.get("default", "")
