"""A question and an answer, taken apart."""

from __future__ import annotations

import pytest

from nacd.sim.microsoft.exchange import Request, json_answer


def question(body: bytes = b"", path: str = "/v1.0/x/syncDevice", kind: str = "action") -> Request:
    return Request(
        method="POST",
        path=path,
        query={},
        authorization="",
        body=body,
        origin="",
        service="graph",
        kind=kind,
        value="",
    )


@pytest.mark.parametrize(
    ("body", "value"), [(b"", {}), (b'{"a": 1}', {"a": 1}), (b"[1]", None), (b"{", None), (b"\xff", None)]
)
def test_a_body_is_an_object_or_nothing(body: bytes, value: object) -> None:
    assert question(body).json_body() == value


def test_the_verb_is_the_end_of_the_path_and_only_of_an_action() -> None:
    assert question().verb == "syncDevice"
    assert question(path="/v1.0/x/microsoft.graph.wipe").verb == "wipe"
    assert question(kind="guid").verb == ""


def test_json_is_answered_compactly() -> None:
    answer = json_answer(403, {"a": [1, None]})
    assert (answer.status, answer.body) == (403, b'{"a":[1,null]}')
    assert answer.content_type.startswith("application/json")
