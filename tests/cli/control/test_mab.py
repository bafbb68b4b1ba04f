"""`nacd mab` against a running daemon: a helpdesk lets a printer in, and takes it out again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nacd.cli.control.mab import _said
from tests.cli.control.lab import ACCEPT, REJECT, Lab, Plugged
from tests.peers.conftest import Launcher


def with_inventory(config: dict[str, Any], policy: dict[str, Any]) -> None:
    config["control"]["helpdesk"] = ["games"]
    config["control"]["read"] = []
    policy["rules"] = [
        {"name": "known printers", "when": {"access": "mab", "inventory": "printers"}, "then": "printers"},
        {"name": "whatever else is known", "when": {"access": "mab", "inventory": "any"}, "then": "quarantine"},
    ]


@pytest.fixture(scope="module")
def desk(open_folder: Path, launch: Launcher, microsoft: Any) -> Iterator[Lab]:
    folder = open_folder / "desk"  # other users knock here
    folder.mkdir(mode=0o755)
    built = Lab(folder, launch, microsoft, with_inventory)
    yield built
    built.close()


def printer(desk: Lab) -> Plugged:
    number = next(desk._numbers)
    return Plugged(mac=f"00-11-85-00-{number >> 8:02X}-{number & 255:02X}", guid="", session=0)


def add(desk: Lab, who: Plugged, *more: object) -> str:
    said = desk.nacd("mab", "add", who.mac, "--owner", "radiology", "--reason", "ticket 4711", *more)
    assert said.code == 0, said
    return said.out


def test_an_entry_counts_at_the_next_login_and_its_end_ends_the_session(desk: Lab) -> None:
    who = printer(desk)
    assert desk.login_at(who, 7) == REJECT
    assert add(desk, who, "--tag", "Printers") == f"added: {who.mac} of radiology, tagged printers\n"
    desk.plug_in(who)
    assert desk.vlan(who.mac) == "140"
    said = desk.nacd("mab", "remove", who.mac.lower().replace("-", ":"))
    assert said.out == f"removed: {who.mac} of radiology, tagged printers\n"
    desk.wait_for_vlan(who.mac, "")
    assert desk.login_at(who, 7) == REJECT
    wanted = desk.daemon.recorded({"code": "A4001I", "endpoint.mac": who.mac})
    assert wanted["change"]["trigger"] in ("inventory", "round")  # a round at the start may be there first


def test_a_change_of_tags_moves_the_session(desk: Lab) -> None:
    who = printer(desk)
    add(desk, who, "--tag", "printers")
    desk.plug_in(who)
    out = add(desk, who, "--tag", "lab")
    assert out.splitlines() == [
        f"changed: {who.mac} of radiology, tagged lab",
        f"before: {who.mac} of radiology, tagged printers, by root (uid 0): ticket 4711",
    ]
    desk.wait_for_vlan(who.mac, "999")


def test_an_end_takes_effect_at_its_moment_also_on_the_session_that_is_up(desk: Lab) -> None:
    who = printer(desk)
    add(desk, who, "--tag", "printers")
    desk.plug_in(who)
    assert desk.vlan(who.mac) == "140"
    began = time.time()
    add(desk, who, "--tag", "printers", "--until", "3s")
    desk.wait_for_vlan(who.mac, "")
    assert time.time() >= began + 3.0
    assert desk.login_at(who, 7) == REJECT
    assert desk.daemon.recorded({"code": "A6003I", "mab.mac": who.mac})["mab"]["owner"] == "radiology"
    listed = desk.nacd("mab", "list", "--expired", "--json").json["entries"]
    assert who.mac in [each["mac"] for each in listed]


def test_the_list_shows_whose_why_and_until_when(desk: Lab) -> None:
    who = printer(desk)
    assert desk.nacd("mab", "list", "--tag", "nobody").out == "no entry is like that\n"
    add(desk, who, "--tag", "shown", "--until", "2d")
    titles, row = desk.nacd("mab", "list", "--tag", "shown").out.splitlines()
    assert titles.split() == ["MAC", "OWNER", "TAGS", "UNTIL", "STATE", "ENTERED", "BY", "REASON"]
    assert row.startswith(f"{who.mac}  radiology  shown")
    assert row.rstrip().endswith("ticket 4711")


def test_what_names_no_machine_is_refused_with_the_way_out(desk: Lab) -> None:
    for mac, words in {
        "DA-A1-19-00-00-01": "say --allow-randomised if it is fixed for good",
        "01-00-5E-00-00-01": "is a group address: no machine sends from it",
        "00-00-00-00-00-00": "a placeholder, not the address of anything",
    }.items():
        said = desk.nacd("mab", "add", mac, "--owner", "o", "--reason", "r")
        assert (said.code, words in said.err) == (2, True), said


def test_a_list_is_tried_out_then_taken_then_found_as_it_was(desk: Lab, tmp_path: Path) -> None:
    macs = [printer(desk).mac for _ in range(30)]
    path = tmp_path / "beds.csv"
    path.write_text("mac;owner;tags\n" + "".join(f"{mac.replace('-', '')};ward 3;beds printers\n" for mac in macs))
    words = ("mab", "import", path, "--reason", "list of may")
    assert desk.nacd(*words, "--dry-run").out.startswith(
        "30 would be added, 0 would be changed, 0 stand there already;"
    )
    assert desk.nacd("mab", "list", "--tag", "beds", "--json").json["entries"] == []
    assert desk.nacd(*words).out.startswith("30 added, 0 changed, 0 stand there already;")
    assert desk.nacd(*words).out.startswith("0 added, 0 changed, 30 stand there already;")
    assert desk.login_at(Plugged(mac=macs[7], guid="", session=0), 7) == ACCEPT
    assert desk.daemon.recorded({"code": "A6004I", "mab.added": 30})["mab"] == {"added": 30, "changed": 0, "left": 0}


def test_a_list_with_a_wrong_line_is_told_with_line_and_column_and_nothing_is_taken(desk: Lab, tmp_path: Path) -> None:
    before = desk.nacd("mab", "list", "--owner", "ward 3", "--json").json["entries"]
    path = tmp_path / "wrong.csv"
    path.write_text(
        f"owner,mac,until\nward 3,{printer(desk).mac},2d\nward 3,nonsense,\nward 3,{printer(desk).mac},soon\n"
    )
    said = desk.nacd("mab", "import", path, "--reason", "r")
    assert (said.code, said.out) == (1, "")
    first, last = said.err.splitlines()
    assert first == f"{path}:3:8: `nonsense` is no MAC: not twelve hexadecimal digits in a known spelling"
    assert last == "nothing was taken from the list"
    path.write_text(path.read_text().replace("nonsense", printer(desk).mac))
    said = desk.nacd("mab", "import", path, "--reason", "r")
    assert (said.code, said.err.splitlines()[0].startswith(f"{path}:4:8: `soon` is neither a duration")) == (1, True)
    assert desk.nacd("mab", "list", "--owner", "ward 3", "--json").json["entries"] == before


@pytest.mark.usefixtures("as_root")
def test_the_helpdesk_may_do_this_and_nothing_else(desk: Lab) -> None:
    who = printer(desk)
    said = desk.by("games", "mab", "add", who.mac, "--owner", "lab", "--reason", "4713", "--tag", "printers")
    assert said.code == 0, said
    assert desk.login_at(who, 7) == ACCEPT
    assert desk.daemon.recorded({"code": "A6001I", "mab.mac": who.mac})["by"].startswith("games (uid ")
    assert desk.by("games", "mab", "list").code == 0
    managed = ("mab", "add", who.mac, "--owner", "lab", "--reason", "4713", "--even-if-managed")
    for words in (managed, ("sessions", "list"), ("block", who.mac, "--reason", "r"), ("overrides", "list")):
        said = desk.by("games", *words)
        assert (said.code, "this needs the role" in said.err) == (1, True), said


def test_wrong_usage_is_told_before_anybody_is_asked(desk: Lab) -> None:
    assert desk.nacd("mab", "remove").code == 2
    assert desk.nacd("mab", "remove", "00-11-85-AA-BB-CC", "--expired").code == 2
    assert desk.nacd("mab", "add", "00-11-85-AA-BB-CC").code == 2


def test_a_day_alone_means_its_end() -> None:
    end = datetime.fromisoformat(_said("2027-05-31"))
    assert end.tzinfo is not None
    assert end.astimezone().replace(tzinfo=None) == datetime(2027, 6, 1)
    assert _said("2d") == "2d"
    assert datetime.fromisoformat(_said("2027-05-31 06:00")) - end == -timedelta(hours=18)
    assert _said("2027-02-31") == "2027-02-31"
