"""`nacd quarantine | block | allow` and `nacd overrides` against a running daemon: a person's word above the policy.

That an override counts for every login on every NAS and in every order of events is a property elsewhere; here people
give the orders, and endpoints feel them.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from nacd.cli.control.overrides import with_zone
from tests.cli.control.lab import ACCEPT, REJECT, Lab, Plugged, at_terminal

PLACES = ((701, "127.0.0.1"), (702, "127.0.0.1"), (1, "127.0.0.2"))
"""Ports of two NASes."""


@pytest.fixture
def on(lab: Lab) -> Plugged:
    return lab.plug_in()


def put(lab: Lab, *words: object) -> int:
    """The override's number."""
    said = lab.nacd(*words)
    assert said.code == 0, said
    return int(said.out.split()[1].rstrip(":"))


def test_a_quarantine_is_in_force_at_once_and_until_it_is_lifted(lab: Lab, on: Plugged) -> None:
    said = lab.nacd("quarantine", on.mac, "--reason", "malware")
    number = int(said.out.split()[1].rstrip(":"))
    assert said.out.splitlines() == [
        f"override {number}: quarantine of mac {on.mac}, profile quarantine, until it is lifted: nacd overrides lift"
        f" {number}",
        f"sessions that are up: {on.session} (how they go: nacd sessions watch)",
    ]
    lab.wait_for_vlan(on.mac, "999")
    assert f"override    {number}: quarantine by root (uid 0) until it is lifted: malware" in (
        lab.nacd("sessions", "show", lab.sessions(on.mac)[-1]["id"]).out
    )
    said = lab.nacd("overrides", "lift", number)
    assert said.out.splitlines() == [
        f"lifted: override {number}, quarantine of {on.mac}",
        "its sessions are decided by the policy again (how they go: nacd sessions watch)",
    ]
    lab.wait_for_vlan(on.mac, "120")


def test_a_block_ends_the_session_and_refuses_each_later_login(lab: Lab, on: Plugged) -> None:
    since = lab.recorded
    number = put(lab, "block", on.mac.replace("-", ":").lower(), "--reason", "stolen")
    lab.wait_for_vlan(on.mac, "")
    assert [lab.login_at(on, port, source) for port, source in PLACES] == [REJECT] * 3
    record = lab.daemon.recorded({"code": "A4020I"}, since=since)
    assert (record["override"]["id"], record["by"]) == (number, "root (uid 0)")
    assert lab.daemon.recorded({"decision.rule": "override-block"}, since=since)["code"] == "A1002I"
    said = lab.nacd("block", on.mac, "--reason", "still stolen")
    assert "it has no session now; the next login gets it" in said.out
    for each in (number, int(said.out.split()[1].rstrip(":"))):
        assert lab.nacd("overrides", "lift", each).code == 0
    assert [lab.login_at(on, port, source) for port, source in PLACES] == [ACCEPT] * 3


def test_the_newest_order_counts_and_older_ones_come_back_one_by_one(lab: Lab, on: Plugged) -> None:
    blocked = put(lab, "block", on.mac, "--reason", "stolen")
    lab.wait_for_vlan(on.mac, "")
    said = lab.nacd("allow", on.mac, "--reason", "surgery", "--until", "2h", "--profile", "printers")
    allowed = int(said.out.split()[1].rstrip(":"))
    assert (
        f"set aside while this one is in force: override {blocked}, block until it is lifted, by root (uid 0): stolen"
        in said.out.splitlines()
    )
    lab.plug_in(on)
    assert lab.vlan(on.mac) == "140"
    said = lab.nacd("overrides", "lift", allowed)
    assert said.out.splitlines()[1:] == [
        f"STILL IN FORCE about it: override {blocked}, block until it is lifted, by root (uid 0): stolen"
    ]
    lab.wait_for_vlan(on.mac, "")
    assert lab.nacd("overrides", "lift", blocked).code == 0
    lab.plug_in(on)
    assert lab.vlan(on.mac) == "120"


def test_a_block_after_an_allow_keeps_out(lab: Lab, on: Plugged) -> None:
    put(lab, "allow", on.mac, "--reason", "surgery", "--until", "2h", "--profile", "printers")
    lab.wait_for_vlan(on.mac, "140")
    put(lab, "block", on.mac, "--reason", "stolen")
    lab.wait_for_vlan(on.mac, "")


def test_the_same_order_twice_is_two_and_lifting_one_leaves_the_other_in_force(lab: Lab, on: Plugged) -> None:
    first = put(lab, "quarantine", on.mac, "--reason", "malware")
    lab.wait_for_vlan(on.mac, "999")
    second = put(lab, "quarantine", on.mac, "--reason", "malware")
    assert second != first
    asked = len(lab.switch.das.asked)
    said = lab.nacd("overrides", "lift", first, "--json").json
    assert [each["id"] for each in said["others"]] == [second]
    assert lab.nacd("reassess", on.mac).out.splitlines()[-1].endswith("profile `quarantine` stays")
    assert (lab.vlan(on.mac), len(lab.switch.das.asked)) == ("999", asked)
    again = lab.nacd("overrides", "lift", first)
    assert (again.code, again.err) == (1, f"override {first} was lifted before, by `root (uid 0)`\n")
    assert lab.nacd("overrides", "lift", second).code == 0
    lab.wait_for_vlan(on.mac, "120")


def test_an_order_ends_by_itself(lab: Lab, on: Plugged) -> None:
    put(lab, "quarantine", on.mac, "--reason", "malware", "--until", "3s")
    lab.wait_for_vlan(on.mac, "999")
    lab.wait_for_vlan(on.mac, "120")


# -- what is wrong with an order ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (("block", "laptop-7", "--reason", "x"), "`laptop-7` is neither an intune device id, nor `entra:` and its id"),
        (("block", "17", "--reason", "x"), "`17` is neither an intune device id"),
        (("block", "{mac}", "--reason", " "), "say why: `reason` is for whoever reads this later"),
        (
            ("block", "{mac}", "--reason", "x", "--until", "soon"),
            "`soon` is neither a duration (`4h`, `2d`) nor a time",
        ),
        (
            ("block", "{mac}", "--reason", "x", "--until", "2020-01-01T00:00Z"),
            "`2020-01-01T00:00Z` is over already: it",
        ),
        (("block", "{mac}", "--reason", "x", "--until", "9999d"), "an override ends within ten years"),
        (("block", "{mac}", "--reason", "x", "--tenant", "other"), "there is no tenant `other`; there are: intune"),
        (("quarantine", "{mac}", "--reason", "x", "--profile", "nope"), "has no profile `nope`; it has: corporate, pr"),
        (("allow", "{mac}", "--reason", "x"), "`allow` breaks the glass, so it needs an end: add --until 2h"),
        (("allow", "{mac}", "--reason", "x", "--until", "2h"), "name a profile, or set `sessions.overrides.allow`"),
        (("block", "{mac}"), "Missing option '--reason'"),
    ],
)
def test_an_order_that_is_not_whole_says_what_it_lacks_and_changes_nothing(
    lab: Lab, words: tuple[str, ...], err: str
) -> None:
    mac = lab.device().mac
    said = lab.nacd(*(word.format(mac=mac) for word in words))
    assert (said.code, said.out, err in said.err) == (2, "", True), said
    assert not [each for each in lab.nacd("overrides", "list", "--json").json["overrides"] if each["subject"] == mac]


def test_one_that_is_not_there_cannot_be_lifted(lab: Lab) -> None:
    said = lab.nacd("overrides", "lift", 99999)
    assert (said.code, said.err) == (1, "there is no override 99999\n")


# -- its end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["2h", "soon", "2026-11-23T06:00:00+01:00", "2026-11-23T06:00Z", "25:00"])
def test_what_has_a_zone_or_is_no_time_goes_to_the_daemon_as_it_is(written: str) -> None:
    assert with_zone(written) == written


@pytest.mark.parametrize("written", ["2099-11-23 06:00", "2099-11-23T06:00", "2099-11-23T06:00:00"])
def test_a_time_without_a_zone_is_this_machines(written: str) -> None:
    at = datetime.fromisoformat(with_zone(written))
    assert at.utcoffset() is not None
    assert at.replace(tzinfo=None) == datetime(2099, 11, 23, 6)


@pytest.mark.parametrize("hours", [-3, -1, 1, 3])
def test_a_time_without_a_day_is_the_next_one(hours: int) -> None:
    now = datetime.now().astimezone()
    written = (now + timedelta(hours=hours)).strftime("%H:%M")
    at = datetime.fromisoformat(with_zone(written))
    assert at.strftime("%H:%M") == written
    assert timedelta() < at - now <= timedelta(days=1, hours=1)  # a clock may be put back in between


def test_what_an_end_is_understood_as_is_said(lab: Lab, on: Plugged) -> None:
    said = lab.nacd("block", on.mac, "--reason", "x", "--until", "2031-07-01 06:00")
    assert said.err.startswith("--until 2031-07-01 06:00 is understood as 2031-07-01T06:00:00")
    end = datetime.fromisoformat(said.err.split()[-1])
    assert re.search(r"until 2031-\d\d-\d\dT\d\d:00:00Z", said.out)
    (order,) = lab.nacd("overrides", "list", "--json").json["overrides"][-1:]
    assert order["until"] == end.timestamp()


def test_an_end_is_told_in_the_zone_of_the_machine_too(lab: Lab, on: Plugged) -> None:
    berlin = lab.start("block", on.mac, "--reason", "x", "--until", "2031-07-01 06:00", env={"TZ": "Europe/Berlin"})
    out, err = berlin.communicate(timeout=30)
    assert err == "--until 2031-07-01 06:00 is understood as 2031-07-01T06:00:00+02:00\n"
    assert "until 2031-07-01T04:00:00Z (2031-07-01 06:00+02:00 here), in " in out


# -- the list -------------------------------------------------------------------------------------


def test_those_in_force_are_listed_and_all_of_them_when_asked(lab: Lab, on: Plugged) -> None:
    lifted, kept = (put(lab, "quarantine", on.mac, "--reason", reason) for reason in ("first", "second"))
    lab.nacd("overrides", "lift", lifted)
    mine = {lifted: "lifted 20", kept: "in force"}

    def rows(*words: str) -> dict[int, str]:
        lines = lab.nacd("overrides", *words).out.splitlines()
        return {int(line.split()[0]): line for line in lines[1:] if int(line.split()[0]) in mine}

    assert rows().keys() == rows("list").keys() == {kept}
    everything = rows("list", "--all", "--limit", "1000")
    assert {number: mine[number] in line for number, line in everything.items()} == {lifted: True, kept: True}
    assert f"quarantine  {on.mac}" in everything[kept]
    assert "no end" in everything[kept]
    found: Any = lab.nacd("overrides", "list", "--json").json
    assert sorted(found) == ["next", "overrides"]
    assert sorted(found["overrides"][0]) == [
        "at", "by", "effect", "id", "in_force", "lifted_at", "lifted_by", "profile", "reason", "subject",
        "subject_kind", "tenant", "until",
    ]  # fmt: skip


def test_on_a_narrow_terminal_the_number_and_whom_it_is_about_are_whole(lab: Lab, on: Plugged) -> None:
    number = put(lab, "quarantine", on.mac, "--reason", "a reason that goes on for longer than a line has room " * 4)
    lines = at_terminal(80, lab.socket, "overrides").splitlines()
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if line.startswith(f"{number} ")]
    assert {"quarantine", on.mac} <= set(row.split())
    assert row.endswith("…")
