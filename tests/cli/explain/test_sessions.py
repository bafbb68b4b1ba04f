"""`nacd explain --session` against a running daemon: why it has what it has, and what would change that."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.control.lab import Lab, until


def explain(lab: Lab, *words: object) -> Any:
    return lab.nacd("explain", *words)


def test_a_session_tells_its_grounds_its_verdict_and_what_the_policy_says_now(lab: Lab) -> None:
    on = lab.plug_in()
    said = explain(lab, "--session", on.session)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"session     {on.session}, ")
    assert "then        Access-Accept by rule `good`, profile `corporate`, " in said.out
    assert ", the one in force)" in said.out
    assert "compliance  compliant as of " in said.out
    assert re.search(r"   1 good +matches: access is `mab`; compliance is `compliant`", said.out)
    assert "now         Access-Accept by rule `good`, profile `corporate`: the same" in said.out
    assert "wanted      nothing: its NAS is asked for nothing" in said.out


def test_what_would_change_it_is_told_for_each_verdict(lab: Lab) -> None:
    on = lab.plug_in()
    found = explain(lab, "--session", on.session, "--json").json
    by_state = {each["compliance"]: each for each in found["by_compliance"]}
    assert by_state["noncompliant"]["profile"] == "quarantine"
    assert by_state["not_managed"]["effect"] == "deny"
    assert (found["subject"], found["id"], found["now"]["same"]) == ("session", on.session, True)
    assert found["full"]["grounds"]["access"] == "mab"


def test_an_order_stands_above_the_rules_and_is_told_with_its_end(lab: Lab) -> None:
    on = lab.plug_in()
    assert lab.nacd("quarantine", on.mac, "--reason", "a strange noise", "--until", "2h").code == 0
    lab.wait_for_vlan(on.mac, "999")

    def logged_in_again() -> bool:
        return any(each["rule"] == "override-quarantine" for each in lab.sessions(on.mac))

    until(logged_in_again, "it does not come to live under the order")
    id = lab.sessions(on.mac)[-1]["id"]
    found = explain(lab, "--session", id, "--json").json
    assert (found["now"]["above_policy"], found["override"]["reason"]) == (True, "a strange noise")
    (turn,) = [each for each in found["turns"] if each["rule"] == "good"]
    assert turn["at"] == pytest.approx(found["override"]["until"])
    after = explain(lab, "--session", id, "--at", "3h").out
    assert "now         Access-Accept by rule `good`, profile `corporate`: another decision" in after
    assert ": all of it as of then" in after


def test_a_session_that_is_not_there_is_an_error_of_its_own(lab: Lab) -> None:
    said = explain(lab, "--session", 999_999)
    assert (said.code, said.out) == (1, "")
    assert "there is no session 999999" in said.err


def test_without_a_daemon_it_is_said_that_it_must_run(nacd: Any, tmp_path: Path) -> None:
    done = nacd("explain", "--session", "1", "--state", tmp_path)
    assert done.exit_code == 3
    assert "a session is explained by the daemon that has it: it must run" in done.output


@pytest.mark.parametrize(
    "words", [("--nas", "switch"), ("--live",), ("--compliance", "compliant"), ("--access", "vpn")]
)
def test_a_session_stands_alone(nacd: Any, words: tuple[str, ...]) -> None:
    done = nacd("explain", "--session", "1", *words)
    assert done.exit_code == 2
    assert "--session stands alone" in done.output
