"""The words that requests are counted by, held against the places that say them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nacd
from nacd.audit.catalogue import EVENTS
from nacd.radius.dynauth.transaction import Ignored
from nacd.server.metrics.requests.words import DROPS, EAP_CODES, EAP_FAILED, KINDS, OF_EVENT, OUTCOMES, UNKNOWN

PACKAGE = Path(nacd.__file__).parent
FAILS = {"complaint", "_about_server"}


def calls(*folders: str) -> Iterator[ast.Call]:
    for folder in folders:
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield node


def named(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def words(node: ast.expr | None) -> set[str]:
    """Every text that this expression may be."""
    if node is None:
        return set()
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)


def test_every_code_of_a_failure_of_eap_is_known() -> None:
    said: set[str] = set()
    for call in calls("eap"):
        if named(call) in FAILS:
            said |= words(call.args[0])
        elif named(call) == "Failure":
            said |= words(keyword(call, "code"))
    assert "unknown_ca" in said
    assert said - {""} == set(EAP_CODES)


def test_every_reason_for_silence_is_known() -> None:
    said = {f"coa_{each}" for each in Ignored}
    for call in calls("radius", "server"):
        name = named(call)
        if name == "BadPacket":
            said |= words(call.args[0])
        elif name == "Drop":
            said |= words(keyword(call, "reason"))
        elif name == "_drop" and len(call.args) > 1:
            said |= words(call.args[1])
        elif name == "lost":
            said |= words(call.args[0])
        elif name == "_report" and len(call.args) > 1:
            said |= words(call.args[1])
        elif name == "_junk":
            said |= {each for each in words(call.args[2]) if each != "coa_"}
    said |= {f"overload_{limit}" for limit in ("max_requests", "memory", "max_per_nas")} - {"overload_"}
    said |= {"no_message_authenticator", "no_message_authenticator_probe"}
    said |= {"bad_message_authenticator", "repeated_message_authenticator"}
    assert said - {"overload_"} == set(DROPS)


def test_every_answer_with_a_record_has_an_outcome() -> None:
    answers = {code for code, event in EVENTS.items() if code.startswith("A100") and event.name.startswith("access.")}
    assert set(OF_EVENT) == answers
    assert set(OF_EVENT.values()) <= set(range(len(OUTCOMES)))
    assert EVENTS[EAP_FAILED].name == "access.eap_failed"
    assert UNKNOWN in KINDS
