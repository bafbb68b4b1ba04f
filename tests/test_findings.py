"""The table of findings, and that every finding comes from it."""

from __future__ import annotations

import ast
import re

from nacd.findings import FINDINGS, Code, Severity
from tests.test_architecture import sources

FOR_EVER = """
    rule-never-matches rule-shadowed rule-partly-shadowed rule-not-here rules-not-compared no-rules state-never-comes
    state-without-rule facts-seldom-told hours-always verdict-not-asked accept-any-state accept-unproved mac-cloned
    mac-pattern not-lets-in profile-unused redirect-without-acl list-empty networks-overlap network-wide secret-short
    secret-reused secret-file-open unsigned-accepted unsigned-until-seen mab-password-unchecked no-ca-names-devices
    group-empty tenant-unreachable tenant-id-missing dictionary-skipped metrics-open control-folder override-unsayable
    dynauth-unknown credential-expires certificate-expires certificate-no-name certificate-wildcard
    certificate-long-lifetime certificate-self-signed certificate-order certificate-unused certificate-incomplete
    sender-is-root monitor-on monitor-ended monitor-outlived forward-in-clear
    allowance-unreadable allowance-without-reason allowance-unknown-code allowance-unused too-many
"""


def test_no_code_that_was_ever_given_out_is_gone() -> None:
    """They stand in comments of configurations: add to this list, never take away."""
    assert set(FOR_EVER.split()) <= {code.value for code in Code}


def test_every_code_has_one_row_with_words_for_people() -> None:
    assert list(FINDINGS) == list(Code)
    for code, row in FINDINGS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)+", code), code
        assert row.severity in Severity
        for text in (row.title, row.why, row.do):
            assert text == text.strip(), code
            assert not text.endswith("."), code
            assert len(text) > 8, code
        assert len({row.title, row.why, row.do}) == 3


def test_what_is_said_of_comments_cannot_be_accepted_and_a_switched_off_policy_neither() -> None:
    refused = {code for code in Code if code.startswith("allowance-")} | {Code.TOO_MANY, Code.MONITOR_ON}
    assert {code for code, row in FINDINGS.items() if not row.acceptable} == refused


def test_every_code_is_found_somewhere_and_nobody_makes_up_others() -> None:
    used: set[str] = set()
    for source in sources():
        if source.name == "findings":
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code":
                used.add(node.attr)
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                assert node.value.value not in [*Code], f"{source}: write the member of `Code`"
    assert set(Code.__members__) <= used
