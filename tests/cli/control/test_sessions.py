"""`nacd sessions` against a running daemon: who is there, one of them in full, and changes as they happen."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.cli.control.lab import Lab, at_terminal, until


def test_a_session_is_listed_with_where_who_and_what_it_has(lab: Lab) -> None:
    on = lab.plug_in()
    said = lab.nacd("sessions", "list", "--mac", on.mac)
    titles, row = said.out.splitlines()
    assert (said.code, said.err) == (0, "")
    assert titles.split() == [
        "SESSION", "PHASE", "NAS", "PORT", "MAC", "USER", "PROFILE", "COMPLIANCE", "SINCE", "SEEN", "WANTED",
    ]  # fmt: skip
    assert row.split()[0] == str(on.session)
    assert row.split()[2] == "switch"
    assert {on.mac, "corporate", "compliant"} <= set(row.split())


def test_alone_it_is_the_list(lab: Lab) -> None:
    on = lab.plug_in()
    said = lab.nacd("sessions")
    assert (said.code, said.out.split()[0]) == (0, "SESSION")
    assert on.mac in said.out


@pytest.mark.parametrize(
    "named",
    [
        ("--mac", "{plain}"),
        ("--device", "{mac}"),
        ("--user", "{plain}"),
        ("--nas", "switch", "--mac", "{mac}", "--phase", "live"),
        ("--profile", "corporate", "--mac", "{mac}", "--tenant", "intune"),
    ],
)
def test_it_is_found_by_whatever_is_named_of_it(lab: Lab, named: tuple[str, ...]) -> None:
    on = lab.plug_in()
    words = [word.format(mac=on.mac, plain=on.mac.replace("-", "").lower()) for word in named]
    until(lambda: lab.sessions(on.mac)[0]["phase"] == "live", "its Start is not counted")
    found = lab.nacd("sessions", "list", *words, "--json").json["sessions"]
    assert [each["id"] for each in found] == [on.session]


@pytest.mark.parametrize(
    ("named", "code", "out", "err"),
    [
        (("--nas", "nowhere"), 0, "no session is up that fits what is named", ""),
        (("--nas", "nowhere", "--all"), 0, "no session is there that fits what is named", ""),
        (("--phase", "gone"), 2, "", "there is no phase `gone`; there are authorized, live, ended, aged"),
        (("--mac", "laptop"), 2, "", "`laptop` is no mac"),
        (("--device", "laptop"), 2, "", "`laptop` is neither an intune device id"),
        (("--tenant", "elsewhere"), 2, "", "there is no tenant `elsewhere`; there are: intune"),
    ],
)
def test_what_fits_nobody_and_what_makes_no_sense_are_said(
    lab: Lab, named: tuple[str, ...], code: int, out: str, err: str
) -> None:
    said = lab.nacd("sessions", "list", *named)
    assert (said.code, out in said.out, err in said.err) == (code, True, True), said


def test_pages_follow_one_another(lab: Lab) -> None:
    for _ in range(3):
        lab.plug_in()
    everybody = [each["id"] for each in lab.nacd("sessions", "list", "--json").json["sessions"]]
    seen: list[int] = []
    after = 0
    while True:
        said = lab.nacd("sessions", "list", "--limit", 2, "--after", after, "--json").json
        seen += [each["id"] for each in said["sessions"]]
        after = said["next"]
        if not after:
            break
    assert seen == everybody
    assert f"--after {everybody[0]}" in lab.nacd("sessions", "list", "--limit", 1).err


def test_json_is_one_document_with_no_names_but_these(lab: Lab) -> None:
    on = lab.plug_in()
    said = lab.nacd("sessions", "list", "--mac", on.mac, "--json")
    (row,) = said.json["sessions"]
    assert sorted(row) == [
        "access", "address", "authorized_at", "calling_station_id", "cause", "compliance", "device", "ended_at",
        "ends_at", "id", "mac", "nas", "ours", "pending", "phase", "port", "profile", "rule", "seen_at",
        "started_at", "tenant", "user",
    ]  # fmt: skip
    assert said.err == ""


def test_a_terminal_of_eighty_columns_is_enough_and_numbers_and_macs_are_whole(lab: Lab) -> None:
    on = lab.plug_in()
    lines = at_terminal(80, lab.socket, "sessions", "list", "--mac", on.mac).splitlines()
    assert max(map(len, lines)) <= 80
    assert {str(on.session), on.mac, "corporate"} <= set(lines[1].split())


def test_one_session_is_shown_in_full_with_its_dates_in_their_zone(lab: Lab) -> None:
    on = lab.plug_in()
    said = lab.nacd("sessions", "show", on.session)
    assert (said.code, said.out.splitlines()[0].startswith(f"session {on.session}  ")) == (0, True)
    assert f"endpoint    {on.mac}" in said.out
    assert "decision    allow, profile corporate, by rule good, 20" in said.out
    (when,) = [line for line in said.out.splitlines() if line.strip().startswith("when")]
    assert all(part.strip().endswith("Z") for part in when.split(","))
    full: Any = lab.nacd("sessions", "show", on.session, "--json").json
    assert full["full"]["grounds"]["mac"] == on.mac


def test_a_number_that_no_session_has_is_said_with_where_to_look(lab: Lab) -> None:
    said = lab.nacd("sessions", "show", 99999)
    assert (said.code, said.out) == (1, "")
    assert said.err == "there is no session 99999: `nacd sessions list --all` shows those that there were\n"


def test_changes_are_told_as_they_happen_to_those_that_are_named_alone(lab: Lab) -> None:
    on, other = lab.plug_in(), lab.plug_in()
    watch = lab.watch("--mac", on.mac, "--json")
    assert watch.stdout is not None
    try:
        assert lab.nacd("coa", "disconnect", other.session).code == 0
        lab.verdict(on, compliant=False)
        told: list[Any] = []
        while not told or told[-1]["what"] != "authorized":
            told.append(json.loads(watch.stdout.readline()))
    finally:
        watch.send_signal(signal.SIGINT)
        _, err = watch.communicate(timeout=10)
    assert (watch.returncode, err) == (0, "")
    assert {each["session"]["mac"] for each in told} == {on.mac}
    assert told[0]["what"] == "wanted"
    assert told[-1]["words"] == "profile quarantine, rule bad"
    assert all(sorted(each) == ["at", "session", "what", "words"] for each in told)


def test_a_watch_of_the_other_filters_hears_what_fits(lab: Lab) -> None:
    on = lab.plug_in()
    name = on.mac.replace("-", "").lower()
    filters = (("--user", name), ("--nas", "switch", "--profile", "quarantine", "--device", on.mac), ("--mac", on.mac))
    watches = [lab.watch(*words) for words in filters]
    try:
        lab.verdict(on, compliant=False)
        for watch in watches:
            assert watch.stdout is not None
            while "profile quarantine, rule bad" not in (line := watch.stdout.readline()):
                assert line
            assert line.split()[0].endswith("Z")
            assert line.split()[1] == "authorized"
    finally:
        for watch in watches:
            watch.send_signal(signal.SIGINT)
            watch.communicate(timeout=10)


def test_a_watch_ends_with_the_pipe_that_it_is_read_through(lab: Lab) -> None:
    on = lab.plug_in()
    watch = lab.watch("--mac", on.mac)
    assert watch.stdout is not None
    watch.stdout.close()
    lab.verdict(on, compliant=False)
    lab.wait_for_vlan(on.mac, "999")
    assert watch.wait(10) == 0
    assert watch.stderr is not None
    assert watch.stderr.read() == ""
    watch.stderr.close()
