from __future__ import annotations

from typing import Any

import pytest

from nacd.config.editor.examples import MOST, complete, examples

TIME = {"type": "string", "x-usual": ["90s", "5m", "7d"]}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"type": "string", "examples": ["own"], "default": "other"}, ["own"]),
        ({"enum": ["a", "b"], "default": "b"}, ["a", "b"]),
        ({"const": "graph"}, ["graph"]),
        ({"type": "boolean", "default": True}, [False, True]),
        ({"type": "integer", "default": 5}, [5]),
        (TIME, ["90s", "5m", "7d"]),
        ({**TIME, "x-least": "2m", "x-most": "1d"}, ["5m"]),
        ({**TIME, "default": "3h"}, ["3h"]),
        ({"type": "array", "default": [], "items": {"enum": ["a", "b"]}}, [["a"]]),
        ({"anyOf": [{"enum": ["a", "b", "c"]}, {"type": "array", "items": {"enum": ["a"]}}]}, ["a", "b", ["a"]]),
        ({"type": "object", "additionalProperties": {"type": "integer", "default": 1}}, [{"name": 1}]),
        ({"type": "string"}, []),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, []),
    ],
)
def test_what_stands_first_is_what_is_shown(node: dict[str, Any], expected: list[Any]) -> None:
    assert examples(node, {}) == expected


def test_a_mapping_is_made_of_what_it_cannot_do_without() -> None:
    properties = {name: {"type": "string", "examples": [name.upper()]} for name in "abc"}
    node = {"type": "object", "properties": properties}
    assert examples({**node, "required": ["b"]}, {}) == [{"b": "B"}]
    assert examples(node, {}) == [{"a": "A", "b": "B"}]
    assert examples({**node, "maxProperties": 1}, {}) == [{"a": "A"}]


def test_what_is_referred_to_is_found() -> None:
    assert examples({"$ref": "#/$defs/X"}, {"X": {"const": 1}}) == [1]


def test_the_same_is_not_shown_twice_and_one_is_not_true() -> None:
    assert examples({"examples": [1, True, 1, "1"]}, {}) == [1, True, "1"]
    assert len(examples({"enum": list(range(50))}, {})) == MOST


def test_a_schema_is_completed_and_what_served_for_it_is_gone() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}, "examples": dict(TIME), "default": {"type": "string"}},
        "$defs": {"A": {"type": "object", "properties": {"t": dict(TIME)}, "required": ["t"]}},
    }
    done = complete(schema)
    assert done["properties"]["a"]["examples"] == [{"t": "90s"}]
    assert done["properties"]["examples"] == {"type": "string", "examples": ["90s", "5m", "7d"]}
    assert "examples" not in done["properties"]["default"]
    assert done["$defs"]["A"]["properties"]["t"]["examples"] == ["90s", "5m", "7d"]
