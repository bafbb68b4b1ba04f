from __future__ import annotations

import pytest
import yaml

from nacd.cli.setup.spelling import noted, reference, schema_line, spelt
from nacd.config.yaml import parse


@pytest.mark.parametrize(
    "text", ["campus", "on", "no", "12:34", "0x10", "1_000", "a: b", "a #b", "2001:db8::/32", "ä", "'", '"']
)
def test_text_comes_back_as_it_was_from_every_reader(text: str) -> None:
    document, problems = parse(f"key: {spelt(text)}\nlist: [{spelt(text)}]\n".encode(), "f")
    assert not problems
    assert document.value == {"key": text, "list": (text,)}
    assert yaml.safe_load(f"key: {spelt(text)}") == {"key": text}


@pytest.mark.parametrize("text", ["campus", "10.20.0.0/16", "certs/server.pem", "/etc/nacd/x.pem", "120"])
def test_what_nobody_can_misread_stands_plain(text: str) -> None:
    assert spelt(text) == text


def test_a_reference_stands_in_quotes() -> None:
    assert reference("secrets/a") == '"file:secrets/a"'


def test_comments_begin_in_one_column_and_never_touch_the_value() -> None:
    assert noted("a: 1", "why").index("#") == noted("bbb: 22", "why").index("#")
    assert " # why" in noted("x" * 60, "why")


def test_the_schema_line_is_the_one_that_editors_read() -> None:
    assert schema_line("policy") == "# yaml-language-server: $schema=schemas/policy.schema.json\n"
