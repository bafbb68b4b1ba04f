"""YAML text to plain values, with the place of every key and value.

Knows: YAML by events (so that depth, size and aliases are bounded before anything is built), the scalars
of the YAML 1.2 core schema, and the words that YAML 1.1 readers take for something else: those are
refused, because an editor, a linter or a colleague's script would not see what nacd sees. Refuses to
know: what any key means, except that some must never be shown.

Lines and columns count from 1, columns in characters. Sequences become tuples, mappings dicts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

from nacd.config.findings import comments
from nacd.config.findings.comments import Comment
from nacd.errors import ConfigError, Problem

MAX_OCTETS: Final = 10 * 1024 * 1024
MAX_DEPTH: Final = 32
MAX_NODES: Final = 200_000
MAX_PROBLEMS: Final = 100

SECRET_KEYS: Final = frozenset({"secret", "next_secret", "passphrase", "password", "private_key", "pfx"})
"""Keys whose values are never shown, whatever is wrong with them."""

PathTo: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = "str | int | float | bool | tuple[Plain, ...] | dict[str, Plain] | None"


class Spot(NamedTuple):
    """A place in a file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file's content: plain values, and where each of them stands.

    flawed: paths of values that have a problem already; what is said of them later is an echo. comments: those to nacd.
    """

    file: str
    value: dict[str, Plain]
    values: Mapping[PathTo, Spot]
    keys: Mapping[PathTo, Spot]
    flawed: frozenset[PathTo] = frozenset()
    comments: tuple[Comment, ...] = ()

    def known(self, path: PathTo) -> PathTo:
        """The longest part of the path that stands in the file."""
        while path not in self.values:
            path = path[:-1]
        return path

    def spot(self, path: PathTo, *, key: bool = False) -> Spot:
        """Where the value (or its key) stands; the nearest thing around it when it is absent."""
        path = self.known(path)
        return self.keys.get(path, self.values[path]) if key else self.values[path]

    def problem(self, path: PathTo, message: str, *, key: bool = False, code: str = "") -> Problem:
        """A problem there; with a code, a finding."""
        line, column = self.spot(path, key=key)
        return Problem(file=self.file, line=line, column=column, message=message, code=code)


def parse(octets: bytes, file: str) -> tuple[Document, tuple[Problem, ...]]:
    """Read one YAML file whose top is a mapping.

    Returns the document and the problems that let reading go on (duplicate keys, surprises).
    Raises ConfigError when there is nothing to go on with: no UTF-8, no YAML, no mapping, too large.
    """
    text = _text(octets, file)
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as wrong:
        raise ConfigError((*builder.problems, _syntax(wrong, text, file))) from None
    except yaml.YAMLError:
        raise ConfigError((*builder.problems, _problem(file, Spot(1, 1), "this is not YAML"))) from None
    return replace(builder.document(), comments=comments.to_nacd(text, builder.holding)), tuple(builder.problems)


def _problem(file: str, spot: Spot, message: str) -> Problem:
    return Problem(file=file, line=spot.line, column=spot.column, message=message)


# -- characters -----------------------------------------------------------------------------

_UNWANTED = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\u2028\u2029\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]"
)


def _text(octets: bytes, file: str) -> str:
    if len(octets) > MAX_OCTETS:
        raise ConfigError((_problem(file, Spot(1, 1), f"the file is larger than {MAX_OCTETS >> 20} MiB"),))
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError((_problem(file, Spot(1, 1), "the file is UTF-16: save it as UTF-8"),))
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        before = octets[: wrong.start].decode("utf-8-sig", "replace")
        message = f"octet 0x{octets[wrong.start]:02x} is not UTF-8: save the file as UTF-8"
        raise ConfigError((_problem(file, _end(before), message),)) from None
    found = [match for _, match in zip(range(MAX_PROBLEMS), _UNWANTED.finditer(text), strict=False)]
    if found:
        message = "invisible or control character U+{:04X}: remove it, or write it as an escape in double quotes"
        raise ConfigError(tuple(_problem(file, _end(text[: m.start()]), message.format(ord(m.group()))) for m in found))
    return text


def _spot(mark: Any) -> Spot:
    return Spot(mark.line + 1, mark.column + 1) if mark else Spot(1, 1)


def shown(text: str) -> str:
    """The user's word in backticks, cut short when it is long."""
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _end(text: str) -> Spot:
    return Spot(text.count("\n") + 1, len(text) - text.rfind("\n"))


# -- syntax errors in words -----------------------------------------------------------------

_SYNTAX: Final = (
    ("could not find expected ':'", "a `key: value` line lacks its `:`, or the line above it is not finished"),
    ("mapping values are not allowed", "a `:` where none can stand: quote the value, or mend the indentation"),
    (
        "did not find expected key",
        "this line does not fit the indentation above it, or a bracket before it is not closed",
    ),
    ("did not find expected ',' or '}'", "`,` or `}` is missing here: the `{` of line {line} is not closed"),
    ("did not find expected ',' or ']'", "`,` or `]` is missing here: the `[` of line {line} is not closed"),
    (
        "did not find expected '-' indicator",
        "`- ` is missing here: the list that begins in line {line} goes on with something else",
    ),
    ("block sequence entries are not allowed", "a list item cannot begin here: put it on a line of its own"),
    ("found unexpected end of stream", "the quote that opens here is never closed"),
    ("unknown escape character", "a `\\` that means nothing in double quotes: use single quotes"),
    ("cannot start any token", "this character cannot begin a value: quote the value"),
    ("undefined tag handle", "tags (`!`) are not used here: quote the value if it begins with `!`"),
    ("did not find expected alphabetic or numeric", "a value that begins with `*` or `&` must be quoted"),
)


def _syntax(wrong: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """libyaml's error in words. Its own text never quotes the file, so no secret comes out here."""
    mark = wrong.problem_mark or wrong.context_mark
    spot = _spot(mark)
    lines = text.splitlines()
    line = lines[spot.line - 1] if spot.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or line[spot.column - 1 : spot.column] == "\t":
        column = line.index("\t") + 1
        return _problem(file, Spot(spot.line, column), "a tab indents this line: YAML wants spaces")
    opened = _spot(wrong.context_mark) if wrong.context_mark else spot
    said = str(wrong.problem or "")
    if "unexpected end of stream" in said:
        spot = opened
    for sign, words in _SYNTAX:
        if sign in said:
            return _problem(file, spot, words.replace("{line}", str(opened.line)))
    return _problem(file, spot, f"this is not YAML: {said}" if said else "this is not YAML")


# -- scalars --------------------------------------------------------------------------------

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}\.[0-9]{0,18})")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

_SURPRISES: Final = (
    (
        re.compile(r"y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF"),
        "is true or false to some YAML readers and text to others: write `true` or `false`, or quote it",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "is a base-60 number to some YAML readers: quote it",
    ),
    (re.compile(r"[-+]?0[0-9_]+"), "is an octal number to some YAML readers: drop the leading zero, or quote it"),
    (
        re.compile(r"[-+]?0[ob][0-9_]+"),
        "is a number to some YAML readers and text to others: write it out, or quote it",
    ),
    (
        re.compile(r"[-+]?[0-9]+_[0-9_]*"),
        "is a number to some YAML readers and text to others: drop the `_`, or quote it",
    ),
    (
        re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+"),
        "is a number to some YAML readers and text to others: quote it",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?"), "is a date to some YAML readers: quote it"),
    (re.compile(r"<<|="), "has a special meaning to some YAML readers: nacd merges nothing, write the keys out"),
)


_MAY_SURPRISE: Final = frozenset("yYnNoO0123456789+-.<=")


def _surprise(text: str) -> str:
    """Why other YAML readers see something else in this plain scalar; ``""`` when they do not."""
    if text[:1] not in _MAY_SURPRISE:  # most words do not, and there are many
        return ""
    return next((why for pattern, why in _SURPRISES if pattern.fullmatch(text)), "")


def _resolved(text: str) -> Plain:
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


# -- building -------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Frame:
    """A mapping or sequence not finished yet. ``key`` is the mapping's key whose value comes next."""

    path: PathTo
    mapping: dict[str, Plain] | None
    items: list[Plain] = field(default_factory=list)
    key: str = ""
    has_key: bool = False
    seen: dict[str, Spot] = field(default_factory=dict)


class _Builder:
    """Takes YAML events one by one; keeps its own stack, so depth is a number and not a crash."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self.holding: list[tuple[int, int]] = []
        """From where to where scalars stand that hold a ``#``, which begins no comment there."""
        self._file = file
        self._stack: list[_Frame] = []
        self._values: dict[PathTo, Spot] = {}
        self._keys: dict[PathTo, Spot] = {}
        self._flawed: set[PathTo] = set()
        self._top: Plain = None
        self._nodes = 0
        self._documents = 0

    def document(self) -> Document:
        if not self._documents or () not in self._values:
            self._stop(Spot(1, 1), "the file is empty")
        if not isinstance(self._top, dict):
            what = "a list" if isinstance(self._top, tuple) else "a single value"
            self._stop(self._values[()], f"the file must consist of `key: value` lines, this is {what}")
        return Document(
            file=self._file,
            value=self._top if isinstance(self._top, dict) else {},
            values=self._values,
            keys=self._keys,
            flawed=frozenset(self._flawed),
        )

    def take(self, event: yaml.Event) -> None:
        spot = _spot(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(spot, "a second document begins here: one file holds one")
        elif isinstance(event, yaml.AliasEvent):
            if self._wants_key():
                self._stop(spot, "a key cannot begin with `*`: quote it")
            self._add("", spot, "aliases (`*`) are not used here: write the value out, or quote it if it is text")
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, spot)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()

    def _node(self, event: yaml.NodeEvent, spot: Spot) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(spot, f"the file has more than {MAX_NODES:,} values")
        flaw = ""
        if event.anchor is not None:
            flaw = "anchors (`&`) are not used here: quote the value if it is text"
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            flaw = "tags (`!`) are not used here: quote the value if it is text"
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, spot, flaw)
        else:
            self._open(spot, flaw, is_mapping=isinstance(event, yaml.MappingStartEvent))

    def _scalar(self, event: yaml.ScalarEvent, spot: Spot, flaw: str) -> None:
        text, plain = event.value, event.style in ("", None)
        if "#" in text and event.start_mark and event.end_mark:
            self.holding.append((event.start_mark.index, event.end_mark.index))
        if self._wants_key():
            surprise = _surprise(text) if plain else ""
            if surprise:
                flaw = flaw or f"{shown(text)} {surprise}"
            elif plain and not isinstance(_resolved(text), str):
                flaw = flaw or f"the key {shown(text)} is a number or a boolean: quote it"
            self._take_key(text, spot, flaw)
            return
        path = self._next_path()
        named = "this value" if SECRET_KEYS.intersection(map(str, path)) else shown(text)
        if plain and text in _NULL:
            what = f"`{path[-1]}` has no value" if path and isinstance(path[-1], str) else "this item has no value"
            self._add(None, spot, flaw or f"{what}: give it one, or remove it")
        elif plain:
            surprise = _surprise(text)
            self._add(_resolved(text), spot, flaw or (surprise and f"{named} {surprise}"))
        else:
            self._add(text, spot, flaw)

    def _wants_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].mapping is not None and not self._stack[-1].has_key

    def _take_key(self, key: str, spot: Spot, flaw: str) -> None:
        frame = self._stack[-1]
        if not flaw and key in frame.seen:
            flaw = f"{shown(key)} is set twice, first in line {frame.seen[key].line}"
        if flaw:
            self._remark(spot, flaw)
        frame.seen.setdefault(key, spot)
        frame.key, frame.has_key = key, True
        self._keys.setdefault((*frame.path, key), spot)
        if flaw:
            self._flawed.add((*frame.path, key))

    def _next_path(self) -> PathTo:
        if not self._stack:
            return ()
        frame = self._stack[-1]
        return (*frame.path, frame.key if frame.mapping is not None else len(frame.items))

    def _add(self, value: Plain, spot: Spot, flaw: str) -> None:
        path = self._next_path()
        self._values.setdefault(path, spot)
        if flaw:
            self._remark(spot, flaw)
            self._flawed.add(path)
        self._attach(value)

    def _attach(self, value: Plain) -> None:
        if not self._stack:
            self._top = value
            return
        frame = self._stack[-1]
        if frame.mapping is None:
            frame.items.append(value)
        else:
            frame.mapping.setdefault(frame.key, value)
            frame.has_key = False

    def _open(self, spot: Spot, flaw: str, *, is_mapping: bool) -> None:
        if self._wants_key():
            self._stop(spot, "a key must be a word, not a list or a mapping")
        if len(self._stack) >= MAX_DEPTH:
            self._stop(spot, f"nested more than {MAX_DEPTH} deep")
        path = self._next_path()
        self._values.setdefault(path, spot)
        if flaw:
            self._remark(spot, flaw)
            self._flawed.add(path)
        self._stack.append(_Frame(path=path, mapping={} if is_mapping else None))

    def _close(self) -> None:
        frame = self._stack.pop()
        self._attach(tuple(frame.items) if frame.mapping is None else frame.mapping)

    def _remark(self, spot: Spot, message: str) -> None:
        self.problems.append(_problem(self._file, spot, message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise ConfigError(tuple(self.problems))

    def _stop(self, spot: Spot, message: str) -> None:
        raise ConfigError((*self.problems, _problem(self._file, spot, message)))
