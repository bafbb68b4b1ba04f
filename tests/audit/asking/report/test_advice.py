"""Every reason that nacd's EAP server gives has its words."""

from __future__ import annotations

import ast

from nacd.audit.asking.report.advice import ADVICE, UNKNOWN, advice
from tests.sources import PACKAGE

_MAKERS = {"Failure", "complaint", "_about_server"}


def reasons() -> set[str]:
    """Every code of a failure in the source of `nacd.eap`."""
    found = set()
    for path in (PACKAGE / "eap").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _MAKERS:
                named = [each.value for each in node.keywords if each.arg == "code"] or node.args[:1]
                found |= {each.value for each in named if isinstance(each, ast.Constant) and each.value}
    return {str(each) for each in found}


def test_every_reason_has_its_words_and_no_words_are_left_over() -> None:
    found = reasons()
    assert len(found) > 25
    assert found == set(ADVICE)


def test_words_fit_on_a_line() -> None:
    assert max(len(each.what) for each in ADVICE.values()) <= 60
    assert max(len(each.do) for each in ADVICE.values()) <= 80


def test_a_reason_of_another_version_is_told_as_such() -> None:
    assert advice("from_the_future") == UNKNOWN
