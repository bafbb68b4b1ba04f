"""XML or JSON octets as one plain tree. Pure.

Knows: both notations, what must not be in them, and how much of it is too much. Refuses to know: what the elements
mean. Names are matched by their local part in lower case; namespaces differ between the versions of the
service and say nothing more.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from nacd.errors import SourceError
from nacd.intune.refusals import printable

_DEPTH_LIMIT = 32
_NODE_LIMIT = 50_000
_XML_TYPES = frozenset({"application/xml", "text/xml"})
_JSON_TYPES = frozenset({"application/json", "text/json"})
_BOM = b"\xef\xbb\xbf"


class UnreadableError(SourceError):
    """An answer that cannot be understood. ``detail`` says what is wrong with it, printable whatever it quotes."""

    def __init__(self, detail: str) -> None:
        super().__init__(printable(detail))


@dataclass(slots=True)
class Node:
    """An element: lower-case local name, text, children. Built once, then only read."""

    name: str
    nil: bool = False
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def value(self, name: str) -> str:
        """Text of the only child of this name, ``""`` if there is none. Raises UnreadableError for more than text."""
        found = self.one(name)
        if found.children:
            raise UnreadableError(f"`{name}` holds elements where a value belongs")
        return found.text.strip()

    def present(self, name: str) -> list[Node]:
        """Children of this name that are not absent."""
        return [child for child in self.children if child.name == name and not child.absent]

    @property
    def absent(self) -> bool:
        """Nil or empty: the same as not being there."""
        return self.nil or self.empty

    @property
    def empty(self) -> bool:
        """Neither children nor text."""
        return not (self.children or self.text.strip())

    def one(self, name: str) -> Node:
        """The only child of this name; an empty node if there is none."""
        found = self.present(name)
        if len(found) > 1:
            raise UnreadableError(f"`{name}` is there {len(found)} times")
        return found[0] if found else Node(name)


def document(body: bytes, content_type: str) -> Node:
    """The root element (``ise_api``), by content type. Raises UnreadableError."""
    if content_type in _XML_TYPES or (content_type.endswith("+xml") and "html" not in content_type):
        root = _xml(body)
        if root.name != "ise_api":
            raise UnreadableError(f"the answer's root is `{root.name[:40]}`, not `ise_api`")
        return root
    if content_type in _JSON_TYPES or content_type.endswith("+json"):
        root = _json(body)
        return root.one("ise_api") if root.present("ise_api") else root
    raise UnreadableError(
        f"the answer is `{content_type[:60] or 'of no type'}`, not xml: is a proxy or tls inspection in between?"
    )


def _xml(body: bytes) -> Node:
    top = Node("")
    path = [top]
    texts: list[list[str]] = [[]]  # pieces: joined once, for a long text in many pieces is copied at each `+=`
    made = itertools.count()

    def opened(name: str, attributes: dict[str, str]) -> None:
        if len(path) > _DEPTH_LIMIT or next(made) > _NODE_LIMIT:
            raise UnreadableError("the xml is too deep or has too many elements")
        nil = any(_local(key) == "nil" and value.strip().lower() in ("true", "1") for key, value in attributes.items())
        node = Node(_local(name), nil=nil)
        path[-1].children.append(node)
        path.append(node)
        texts.append([])

    def closed(_name: str) -> None:
        node = path.pop()
        node.text = "".join(texts.pop())
        if node.nil and not node.empty:
            raise UnreadableError(f"`{node.name[:40]}` is nil and holds something")

    def text(characters: str) -> None:
        texts[-1].append(characters)

    def doctype(*_: object) -> None:
        raise UnreadableError("the xml has a doctype")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(body.removeprefix(_BOM).lstrip(), True)
    except (expat.ExpatError, ValueError, LookupError) as trouble:
        raise UnreadableError("the answer is not well-formed xml") from trouble
    return top.children[0]


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def read_json(body: bytes, pairs: Callable[[list[tuple[str, Any]]], Any] = dict, whose: str = "the answer") -> Any:
    """JSON octets as Python values. pairs: makes an object. Raises UnreadableError, also for
    more values than an answer has.

    The values are counted before any is made, by what stands between them: two million octets of ``[{},{},...]`` cost
    seconds otherwise. What looks the same inside of a text counts too, which only leans towards refusing.
    """
    if sum(body.count(mark) for mark in (b",", b"{", b"[")) > _NODE_LIMIT:
        raise UnreadableError(f"{whose} has more than {_NODE_LIMIT} values")
    try:
        return json.loads(body.removeprefix(_BOM), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as trouble:
        raise UnreadableError(f"{whose} is not json") from trouble


def _json(body: bytes) -> Node:
    document = read_json(body, _Pairs)
    if not isinstance(document, _Pairs):
        raise UnreadableError("the json is no object")
    try:
        return _from_json("", document)
    except RecursionError as trouble:
        raise UnreadableError("the answer is not json") from trouble


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its repeats: two equal names must not silently become one."""


def _from_json(name: str, value: Any) -> Node:
    """The same tree as XML would give. A plain list under ``deviceList`` is a list of ``device``."""
    node = Node(_local(name))
    if value is None:
        node.nil = True
    elif isinstance(value, _Pairs):
        for key, inner in value:
            repeats = inner if isinstance(inner, list) and not isinstance(inner, _Pairs) else [inner]
            if _local(key) == "devicelist" and repeats is inner:
                devices = Node("devicelist")
                devices.children = [_from_json("device", device) for device in repeats]
                node.children.append(devices)
            else:
                node.children.extend(_from_json(key, item) for item in repeats)
    elif isinstance(value, bool):
        node.text = "true" if value else "false"
    elif isinstance(value, str | int | float):
        node.text = str(value)
    else:
        raise UnreadableError("the json has a list where a value belongs")
    return node
