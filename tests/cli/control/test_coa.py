"""`nacd coa` and `nacd reassess` against a running daemon: what a switch is asked, and what people are told of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.das import ACK, Answer, always, nak
from tests.cli.control.lab import ACCEPT, Lab, Plugged, until
from tests.peers.conftest import Launcher


@pytest.fixture
def on(lab: Lab) -> Plugged:
    return lab.plug_in()


@pytest.fixture
def scripted(lab: Lab) -> Iterator[Any]:
    """The switch, to be given a script; it is a good one again afterwards."""
    yield lab.switch
    lab.switch.script = None


# -- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["reauthenticate", "disconnect", "bounce"])
def test_a_nas_is_asked_and_its_answer_is_told(lab: Lab, on: Plugged, verb: str) -> None:
    since, asked = lab.recorded, len(lab.switch.das.asked)
    said = lab.nacd("coa", verb, on.session)
    assert said.code == 0, said
    assert said.out.startswith(f"session {on.session}  switch GigabitEthernet1/0/")
    assert f" {on.mac} " in said.out
    assert "  acknowledged, after " in said.out
    assert len(lab.switch.das.asked) == asked + 1
    assert (f"coa.{verb}", "root (uid 0)", "1 acknowledged") in lab.orders(since)


@pytest.mark.parametrize("spelled", ["{mac}", "{lower}", "{bare}"])
def test_a_mac_is_all_its_sessions_in_any_spelling(lab: Lab, on: Plugged, spelled: str) -> None:
    lower = on.mac.replace("-", ":").lower()
    said = lab.nacd("coa", "reauthenticate", spelled.format(mac=on.mac, lower=lower, bare=lower.replace(":", "")))
    assert (said.code, said.out.startswith(f"session {on.session}  ")) == (0, True)


def test_json_is_one_document_and_progress_goes_beside_it(lab: Lab, on: Plugged) -> None:
    said = lab.nacd("coa", "reauthenticate", on.session, "--json")
    (asked,) = said.json["asked"]
    assert asked.items() >= {"session": on.session, "mac": on.mac, "meaning": "acknowledged", "done": True}.items()
    assert f"session {on.session}" in said.err


def test_what_a_nas_refuses_is_not_done_and_its_reason_is_told(lab: Lab, on: Plugged, scripted: Any) -> None:
    scripted.script = always(nak(506))
    said = lab.nacd("coa", "reauthenticate", on.session)
    assert said.code == 1
    assert "(Error-Cause 506)" in said.out


def test_a_device_with_many_sessions_has_a_line_each_as_it_is_answered_and_a_sum(lab: Lab, scripted: Any) -> None:
    device = lab.device()
    for number in range(1, 6):
        assert lab.login_at(device, port=600 + number) == ACCEPT
    until(lambda: len(lab.sessions(device.mac)) == 5, "five sessions")
    scripted.script = lambda heard: (nak(503),) if heard.first("NAS-Port") == 603 else (ACK,)
    said = lab.nacd("coa", "disconnect", device.mac)
    lines = said.out.splitlines()
    assert [line.split("]")[0] for line in lines[:5]] == [f"[{number}/5" for number in range(1, 6)]
    assert lines[5] == "disconnect: 5 of 5 done"


@pytest.mark.parametrize(
    ("words", "code", "err"),
    [
        (
            ("disconnect", "99999"),
            1,
            "there is no session 99999: `nacd sessions list --all` shows those that there were",
        ),
        (("bounce", "02-00-00-00-00-99"), 1, "no session is up of 02-00-00-00-00-99: `nacd sessions list` shows those"),
        (
            ("bounce", "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"),
            1,
            "one that logs in by its mac alone is found by that mac",
        ),
        (("disconnect", "laptop"), 2, "`laptop` is neither an intune device id, nor `entra:` and its id, nor a mac"),
        (("disconnect", "1", "--tenant", "other"), 2, "there is no tenant `other`; there are: intune"),
        (("release", "sideways"), 2, "`sideways` is neither `down` nor `up`"),
        (("disconnect",), 2, "Missing argument 'SESSION|DEVICE|MAC'"),
    ],
)
def test_who_is_not_there_and_what_makes_no_sense_are_said(
    lab: Lab, words: tuple[str, ...], code: int, err: str
) -> None:
    said = lab.nacd("coa", *words)
    assert (said.code, said.out, err in said.err.replace("{", "").replace("}", "")) == (code, "", True), said


def test_a_session_that_has_ended_is_not_asked_for(lab: Lab, on: Plugged) -> None:
    lab.switch.unplug(on.mac).result(5)
    until(lambda: not lab.sessions(on.mac), "its Stop is not counted")
    said = lab.nacd("coa", "disconnect", on.session)
    assert (said.code, f"session {on.session} has ended: " in said.err) == (1, True)


# -- again ----------------------------------------------------------------------------------------


def test_a_device_is_asked_about_and_its_sessions_decided_again(lab: Lab, on: Plugged) -> None:
    said = lab.nacd("reassess", on.mac)
    key = on.mac.replace("-", "").lower()
    assert said.code == 0
    assert said.err.splitlines() == [f"asking Intune about mac:{key} ...", "deciding 1 session again ..."]
    verdict, decided = said.out.splitlines()
    assert verdict.startswith(f"mac:{key}  compliant as of 20")
    assert decided == f"session {on.session}  profile `corporate` stays"


def test_what_is_new_about_a_device_changes_its_session(lab: Lab, on: Plugged) -> None:
    lab.verdict(on, compliant=False)
    said = lab.nacd("reassess", on.session)
    assert "noncompliant" in said.out
    lab.wait_for_vlan(on.mac, "999")


# -- how things are -------------------------------------------------------------------------------


def test_how_changing_goes_is_told_in_a_few_lines(lab: Lab, on: Plugged) -> None:
    said = lab.nacd("coa", "status")
    titles = [line[:11].strip() for line in said.out.splitlines()[:7]]
    assert titles == ["sessions", "changes", "guard down", "guard up", "to decide", "requests", "disk"]
    assert "live " in said.out
    found: Any = lab.nacd("coa", "status", "--json").json
    assert found.keys() >= {"climbs", "held", "guards", "lanes", "queued", "requests", "sessions", "problem"}


def test_a_nas_that_does_not_answer_is_in_the_list_of_those_that_are_waited_for(
    lab: Lab, on: Plugged, scripted: Any
) -> None:
    scripted.script = always(Answer(silent_tries=1))
    asked = len(lab.switch.das.heard)
    waiting = lab.start("coa", "reauthenticate", on.session)
    until(lambda: len(lab.switch.das.heard) > asked, "it is not asked")
    said = lab.nacd("coa", "status")
    assert said.out.splitlines()[-2].split() == ["NAS", "ADDRESS", "PORT", "WAITING", "UNDER", "WAY", "UNANSWERED"]
    assert said.out.splitlines()[-1].split()[:2] == ["switch", "127.0.0.1"]
    out, _ = waiting.communicate(timeout=30)
    assert (waiting.returncode, "acknowledged" in out) == (0, True), out


# -- what is held ---------------------------------------------------------------------------------


def test_nothing_is_held_and_that_is_said(lab: Lab) -> None:
    assert lab.nacd("coa", "release", "up").out == "the guard holds nothing up\n"
    said = lab.nacd("coa", "discard")
    assert (said.code, said.out) == (0, "the guard holds nothing\n")


@pytest.fixture
def guarded(tmp_path: Path, launch: Launcher, microsoft: Any) -> Iterator[Lab]:
    """One change at once, and one a second for what Intune was just asked about."""

    def strict(config: dict[str, Any], policy: dict[str, Any]) -> None:
        config["sessions"]["guard"] = {"down": {"max_flips": 1, "confirmed_per_s": 1}}

    built = Lab(tmp_path, launch, microsoft, strict)
    yield built
    built.close()


def test_what_the_guard_holds_is_let_go_by_a_person_who_sees_how_it_goes(guarded: Lab) -> None:
    everybody = [guarded.plug_in() for _ in range(12)]
    for each in everybody:
        guarded.verdict(each, compliant=False)

    def status() -> Any:
        return guarded.nacd("coa", "status", "--json").json

    until(lambda: status()["guards"]["down"]["held"] >= 5, "nothing is held")
    assert "HELD: nacd coa release down (by itself in " in guarded.nacd("coa", "status").out
    pending = guarded.nacd("sessions", "list", "--pending")
    assert "quarantine, held: many sessions change at once" in pending.out
    since = guarded.recorded
    said = guarded.nacd("coa", "release", "down", "--wait")
    count = int(said.out.split()[2])
    assert (said.code, count >= 1) == (0, True)
    assert said.out == f"let go: {count} held change{'s' if count > 1 else ''}\n"
    assert said.err.splitlines()[-1].startswith("0 to go")
    assert guarded.daemon.recorded({"code": "A4011I"}, since=since)["by"] == "root (uid 0)"
    moved = [each for each in everybody if guarded.vlan(each.mac) == "999"]
    assert len(moved) >= count
