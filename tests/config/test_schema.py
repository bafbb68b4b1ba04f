from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.config.schema import schemas

SHIPPED = Path(__file__).parents[2] / "config"


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_shipped_schema_is_the_one_the_models_make(name: str) -> None:
    assert json.loads((SHIPPED / name).read_text()) == schemas()[name]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_mapping_is_closed_and_every_key_described(name: str) -> None:
    for node in nodes(schemas()[name]):
        if "properties" in node and node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert all(field.get("description") for field in node["properties"].values())


@pytest.mark.parametrize("name", sorted(schemas()))
def test_null_is_offered_nowhere(name: str) -> None:
    assert all(node.get("type") != "null" for node in nodes(schemas()[name]))
    assert "null" not in json.dumps(schemas()[name]).replace("not null", "")


def test_defaults_are_written_as_an_admin_would() -> None:
    sections = schemas()["nacd.schema.json"]["$defs"]
    assert sections["Lifetimes"]["properties"]["compliant"]["default"] == "1h"
    assert sections["Server"]["properties"]["auth"]["default"] == ["0.0.0.0:1812"]
    assert sections["Conversations"]["properties"]["memory"]["default"] == "256MiB"


def test_conditions_offer_one_word_or_a_list_of_them() -> None:
    access = schemas()["policy.schema.json"]["$defs"]["When"]["properties"]["access"]
    one, many = access["anyOf"]
    assert one["enum"] == many["items"]["enum"] == ["dot1x", "mab", "vpn"]
