from __future__ import annotations

from typing import Any

import pytest

from nacd.config.editor.hover import hovers
from nacd.config.schema import schemas


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ({"type": "integer", "x-unit": "questions a second", "default": 50}, "in questions a second, default `50`"),
        ({"type": "integer", "minimum": 1, "maximum": 9, "x-unit": "octets"}, "in octets, from 1 to 9"),
        ({"x-least": "1s", "x-most": "7d", "default": "1h"}, 'a time from `1s` to `7d`, default `"1h"`'),
        ({"type": "boolean", "default": False}, "default `false`"),
    ],
)
def test_unit_bounds_and_default_stand_behind_the_description(field: dict[str, Any], said: str) -> None:
    schema = {"properties": {"a": {**field, "description": "what it is"}}, "$defs": {}}
    assert hovers(schema)["properties"]["a"]["markdownDescription"] == f"what it is\n\n{said}"


def test_what_has_no_more_to_say_stays_as_it_is() -> None:
    schema = {"properties": {"a": {"description": "what it is", "default": []}}, "$defs": {}}
    assert hovers(schema) == schema


def test_the_schemas_have_them_also_within() -> None:
    made = schemas()["nacd.schema.json"]
    interval = made["$defs"]["Poll"]["properties"]["interval"]
    assert interval["markdownDescription"].endswith('\n\na time from `1s` to `1d`, default `"5m"`')
