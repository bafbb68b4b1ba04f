"""What is asked of a page."""

from __future__ import annotations

import pytest

from nacd.server.metrics.serving.page import Asked, Shown


@pytest.mark.parametrize(
    ("query", "accept", "json"),
    [
        ("", "", False),
        ("verbose", "", True),
        ("x=1&verbose", "text/html", True),
        ("verbosely", "", False),
        ("", "text/html, application/json;q=0.9", True),
    ],
)
def test_json_is_for_whoever_asks_for_it(query: str, accept: str, json: bool) -> None:
    assert Asked(query=query, accept=accept).wants_json is json


def test_a_page_is_plain_text_and_well_unless_it_says_otherwise() -> None:
    assert (Shown(body=b"").status, Shown(body=b"").content_type) == (200, "text/plain; charset=utf-8")
