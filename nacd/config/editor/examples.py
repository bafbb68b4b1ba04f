"""An example for every key of a JSON Schema: its own, or one made of what the schema says anyway.

Knows: words, defaults, bounds, and what a mapping cannot do without. Refuses to know: any key, and which file it is.

A key says best for itself what to write (``examples`` of its field). Where it does not, in this order: its words, its
default, the ``x-usual`` of its type within ``x-least`` to ``x-most``, or, of a mapping or a list, the examples of what
it is made of. Text without any of these has no example, and a test names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from nacd.config.fields import duration

Node: TypeAlias = dict[str, Any]
MOST: Final = 8
"""Examples of one key; more than these nobody reads."""
USUAL: Final = "x-usual"
"""What values of a type look like, for a key of that type without examples of its own."""
LEAST: Final = "x-least"
MOST_LONG: Final = "x-most"
"""Bounds of a duration, as it is written; JSON Schema has no word for them."""

_NAMES: Final = ("properties", "$defs")
_VALUES: Final = ("examples", "default", "enum", "const")


def complete(schema: Node) -> Node:
    """The same schema with ``examples`` at every key for which any can be made."""
    definitions: Mapping[str, Node] = schema.get("$defs", {})
    done = _walked(schema, definitions)
    return done if isinstance(done, dict) else schema


def _walked(node: Any, definitions: Mapping[str, Node]) -> Any:
    if isinstance(node, list):
        return [_walked(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    walked: Node = {}
    for key, item in node.items():
        if key in _NAMES:  # a setting may be called `default`, too
            walked[key] = {name: _walked(inner, definitions) for name, inner in item.items()}
        else:
            walked[key] = item if key in _VALUES else _walked(item, definitions)
    for name, value in node.get("properties", {}).items() if node.get("type") == "object" else ():
        found = examples(value, definitions)
        if found:
            walked["properties"][name]["examples"] = found
    walked.pop(USUAL, None)
    return walked


def examples(node: Node, definitions: Mapping[str, Node]) -> list[Any]:
    """What may stand at this node, at most ``MOST``; ``[]`` when nothing can be told."""
    found = list(_examples(node, definitions))
    return [each for at, each in enumerate(found) if not _stood(each, found[:at])][:MOST]


def _stood(value: object, before: list[Any]) -> bool:
    """``1`` and ``True`` are two things here."""
    return any(type(each) is type(value) and each == value for each in before)


def _examples(node: Node, definitions: Mapping[str, Node]) -> Iterator[Any]:
    if "examples" in node:
        yield from node["examples"]
    elif "const" in node:
        yield node["const"]
    elif "enum" in node:
        yield from node["enum"]
    elif node.get("type") == "boolean":
        yield from (not node.get("default", False), node.get("default", False))
    elif node.get("default") not in (None, [], {}, ""):
        yield node["default"]
    elif USUAL in node:
        yield from (each for each in node[USUAL] if _within(each, node))
    elif "$ref" in node:
        yield from examples(definitions[node["$ref"].rpartition("/")[2]], definitions)
    elif "anyOf" in node or "oneOf" in node:
        for choice in node.get("anyOf") or node["oneOf"]:
            yield from examples(choice, definitions)[:2]
    elif node.get("type") == "array":
        yield from ([each] for each in examples(node["items"], definitions)[:1])
    elif node.get("type") == "object":
        yield from _mapping(node, definitions)


def _within(written: str, node: Node) -> bool:
    if LEAST not in node:
        return True
    return duration(node[LEAST]) <= duration(written) <= duration(node[MOST_LONG])


def _mapping(node: Node, definitions: Mapping[str, Node]) -> Iterator[Node]:
    """What it cannot do without; where it can do without any, the first two of its keys, or one if it takes one."""
    if isinstance(inner := node.get("additionalProperties"), dict):
        yield from ({"name": each} for each in examples(inner, definitions)[:1])
        return
    keys = node.get("required") or list(node.get("properties", {}))[: node.get("maxProperties", 2)]
    made = {key: found[0] for key in keys if (found := examples(node["properties"][key], definitions))}
    if made:
        yield made
