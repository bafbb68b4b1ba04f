"""The settings of one file out of its JSON Schema: mappings with their keys, each with what people ask about it.

Knows: how the schema says type, bounds, unit, default and examples. Refuses to know: any key, and how a page looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Node: TypeAlias = Mapping[str, Any]
NAME: Final = "NAME"
"""Stands in a path for a word that the admin chooses."""
_TOO_MANY_WORDS: Final = 20
_FEW: Final = 4
"""A mapping with no more keys is told again rather than referred to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key. path: from the top of the file. unit: ``""`` for what has none. default: None for none in the schema.

    leads_to: the path of the mapping that stands here, ``""`` where none does.
    """

    path: str
    key: str
    kind: str
    unit: str
    required: bool
    default: Any
    examples: tuple[Any, ...]
    description: str
    leads_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One mapping. path: ``""`` at the top. same_as: the path of one told before, with the same keys.

    without: keys that the other has and this one has not. variant: its place among several that may stand at the same
    path, from 1; 0 where it is the only one.
    """

    path: str
    description: str
    settings: tuple[Setting, ...]
    same_as: str = ""
    without: tuple[str, ...] = ()
    variant: int = 0

    def within(self, other: Mapped) -> bool:
        """Whether the other has all its keys, with the same words."""
        mine, theirs = (
            {(each.key, each.description, str(each.default)) for each in one.settings} for one in (self, other)
        )
        return len(mine) > _FEW and mine <= theirs


def mappings(schema: Node) -> tuple[Mapped, ...]:
    """Every mapping of the file, those above before those within."""
    reader = _Reader(schema.get("$defs", {}))
    reader.read(schema, "")
    return tuple(reader.found)


class _Reader:
    def __init__(self, definitions: Mapping[str, Node]) -> None:
        self._definitions = definitions
        self._told: dict[str, str] = {}
        self.found: list[Mapped] = []

    def read(self, node: Node, path: str, variant: int = 0) -> None:
        below: list[tuple[Node, str]] = []
        settings = []
        for key, field in node["properties"].items():
            place = f"{path}.{key}" if path else key
            inner = list(self._within(field, place))
            below += inner
            settings.append(
                Setting(
                    path=place,
                    key=key,
                    kind=self.kind(field),
                    unit=_unit(field),
                    required=key in node.get("required", ()),
                    default=field.get("default"),
                    examples=tuple(field["examples"]),
                    description=field["description"],
                    leads_to=inner[0][1] if inner else "",
                )
            )
        description = node.get("description", "").partition("\n\n")[0]
        made = Mapped(path=path, description=description, settings=tuple(settings), variant=variant)
        for other in self.found:
            if made.within(other):
                mine = {each.key for each in settings}
                left_out = tuple(each.key for each in other.settings if each.key not in mine)
                same = Mapped(path=path, description=description, settings=(), same_as=other.path, without=left_out)
                self.found.append(same)
                return
        self.found.append(made)
        for place in dict.fromkeys(place for _, place in below):
            self._enter([node for node, where in below if where == place], place)

    def _enter(self, ways: list[Node], path: str) -> None:
        """All that may stand at one path."""
        names = [node["$ref"].rpartition("/")[2] for node in ways]
        if all(name in self._told for name in names):
            self.found.append(Mapped(path=path, description="", settings=(), same_as=self._told[names[0]]))
            return
        for number, name in enumerate(names, 1):
            self._told[name] = path
            self.read(self._definitions[name], path, number if len(names) > 1 else 0)

    def _within(self, node: Node, path: str) -> Iterator[tuple[Node, str]]:
        """References to mappings that may stand here, each with the path of what is in them."""
        if "$ref" in node:
            yield node, path
        for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
            found = list(self._within(choice, path))
            # Of one and a list of them the list says more.
            yield from () if self._alike(node) and choice.get("type") != "array" else found
        if node.get("type") == "array":
            yield from self._within(node["items"], f"{path}[]")
        if isinstance(inner := node.get("additionalProperties"), dict):
            yield from self._within(inner, f"{path}.{NAME}")

    def _alike(self, node: Node) -> bool:
        """Whether one of something or a list of them may stand here."""
        choices = node.get("anyOf", ())
        return len(choices) == 2 and any(
            many.get("type") == "array" and _bare(many["items"]) == _bare(one)
            for one, many in (choices, tuple(reversed(choices)))
        )

    def kind(self, node: Node) -> str:
        """The type in words, with its bounds."""
        if "$ref" in node or node.get("type") == "object":
            return "mapping"
        if "anyOf" in node or "oneOf" in node:
            choices = node.get("anyOf") or node["oneOf"]
            if self._alike(node):
                one = next(choice for choice in choices if choice.get("type") != "array")
                return f"{self.kind(one)}; or a list"
            return " or ".join(dict.fromkeys(map(self.kind, choices)))
        if node.get("type") == "array":
            return f"list: {self.kind(node['items'])}"
        return _plain(node)


def _bare(node: Node) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key not in ("examples", "description")}


def _plain(node: Node) -> str:
    if "const" in node:
        return f"`{str(node['const']).lower() if isinstance(node['const'], bool) else node['const']}`"
    if "enum" in node:
        words = list(dict.fromkeys(str(word) for word in node["enum"]))[:_TOO_MANY_WORDS]
        return ", ".join(f"`{word}`" for word in words)
    if node.get("type") == "boolean":
        return "`true`, `false`"
    if "x-least" in node:
        return f"{node['x-type']}, `{node['x-least']}` to `{node['x-most']}`"
    if node.get("type") in ("integer", "number"):
        word = "whole number" if node["type"] == "integer" else "number"
        if "minimum" in node and "maximum" in node:
            return f"{word}, {node['minimum']:,} to {node['maximum']:,}"
        return word
    if isinstance(node.get("type"), list):
        return " or ".join({"string": "text", "integer": "number"}[each] for each in node["type"])
    return str(node.get("x-type", "text"))


def _unit(node: Node) -> str:
    kind = node.get("x-type")
    if kind in ("time", "size"):
        return {"time": "`d` `h` `m` `s` `ms`", "size": "`KiB` `MiB` `GiB`"}[kind]
    return str(node.get("x-unit", ""))
