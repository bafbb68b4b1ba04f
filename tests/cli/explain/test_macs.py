"""`nacd explain --mac`: what the daemon knows of it, and what it would get, with and without the daemon."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.control.lab import Lab


def asked(lab: Lab, *words: object) -> Any:
    return lab.nacd("explain", "--config", lab.daemon.folder / "nacd.yaml", *words)


def test_it_is_judged_at_the_nas_that_it_is_live_on(lab: Lab) -> None:
    on = lab.plug_in()
    said = asked(lab, "--mac", on.mac)
    assert said.code == 0
    assert "machine     no device has proved itself with this MAC" in said.out
    assert f"verdict     mac:{on.mac.replace('-', '')} is compliant as of " in said.out
    assert f"session     {on.session}, " in said.out
    assert "nas         `switch` (cisco-ios" in said.out
    assert "Access-Accept  corporate" in said.out
    assert "`elsewhere`" not in said.out


def test_another_nas_can_be_named_and_json_has_both(lab: Lab) -> None:
    on = lab.plug_in()
    found = asked(lab, "--mac", on.mac, "--nas", "elsewhere", "--json").json
    assert [each["nas"]["name"] for each in found["logins"]] == ["elsewhere"]
    assert [each["id"] for each in found["known"]["sessions"]] == [on.session]
    assert found["known"]["verdicts"][0]["state"] == "compliant"
    assert (found["mac"], found["daemon"]) == (on.mac, "")


def test_an_order_about_it_is_told(lab: Lab) -> None:
    on = lab.device()
    assert lab.nacd("block", on.mac, "--reason", "stolen").code == 0
    said = asked(lab, "--mac", on.mac, "--nas", "switch")
    assert f"block of mac {on.mac} by " in said.out
    assert "because: stolen; it stands above the rules below" in said.out


def test_a_mac_that_is_not_live_needs_a_nas(lab: Lab) -> None:
    said = asked(lab, "--mac", "00-50-56-00-00-77")
    assert said.code == 2
    assert "say --nas with one of: switch, elsewhere" in said.err


def test_without_the_daemon_it_is_judged_all_the_same_and_said_what_is_missing(explain: Any) -> None:
    done = explain("--mac", "00-11-85-AA-BB-CC", "--nas", "switch")
    assert done.exit_code == 0
    assert "daemon      says nothing: " in done.output
    assert "so machine, sessions, overrides and verdicts of this MAC are not known here" in done.output
    assert "Access-Accept by rule `printers`" in done.output
    found = json.loads(explain("--mac", "00-11-85-AA-BB-CC", "--nas", "switch", "--json").output)
    assert found["daemon"]
    assert found["logins"][0]["decision"]["rule"] == "printers"


@pytest.mark.parametrize("at", ["2026-11-23T18:30Z", "2h"])
def test_it_may_be_about_another_time(explain: Any, at: str) -> None:
    done = explain("--mac", "00-11-85-AA-BB-CC", "--nas", "switch", "--at", at)
    assert done.exit_code == 0
    assert ": all of it as of then" in done.output


def test_another_time_and_asking_now_do_not_go_together(explain: Any) -> None:
    done = explain("--mac", "00-11-85-AA-BB-CC", "--nas", "switch", "--at", "2h", "--live")
    assert done.exit_code == 2
    assert "--live asks what is so now" in done.output
