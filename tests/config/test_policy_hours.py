"""The condition `during` as it is written in a policy: whose clock, and what is refused or noted with its place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest

from nacd.policy.during import During, Hours
from tests.config.test_policy_file import CORP, PROFILES, noted, refused

OFFICE = '  - {name: a, when: {access: vpn, during: {days: [mon, tue], from: "07:00", to: "19:00"}}, then: corp}\n'


def test_hours_are_those_of_the_time_zone(site) -> None:
    site.write("policy.yaml", "time_zone: Europe/Berlin\n" + PROFILES + OFFICE)
    policy = site.load().policy
    ((_, during),) = (rule.conditions for rule in policy.rules)
    assert during == During(
        hours=(Hours(days=frozenset({0, 1}), begins=420, ends=1140),),
        zone=ZoneInfo("Europe/Berlin"),
        zone_name="Europe/Berlin",
    )
    assert policy.depends_on_time
    assert noted(site, "time_zone: Europe/Berlin\n" + PROFILES + OFFICE) == []


@pytest.mark.parametrize("zone", ["UTC", "utc", "Etc/UTC", "Asia/Kathmandu"])
def test_any_time_zone_of_the_database_will_do(site, zone: str) -> None:
    assert noted(site, f"time_zone: {zone}\n" + PROFILES + OFFICE) == []


def test_hours_without_a_time_zone_are_refused_once(site) -> None:
    second = OFFICE.replace("name: a", "name: b")
    assert refused(site, PROFILES + OFFICE + second) == [
        "4:35: `during` needs to know whose clock: write `time_zone` above, as in `time_zone: Europe/Berlin`"
    ]


def test_a_time_zone_is_asked_for_also_by_a_rule_that_is_wrong_otherwise(site) -> None:
    said = refused(site, PROFILES + OFFICE.replace("corp}", "crop}"))
    assert [line.split(":")[1] for line in said] == ["35", "98"]


def test_a_time_zone_that_no_rule_needs_may_stand_there_or_not(site) -> None:
    assert noted(site, "time_zone: Europe/Berlin\n" + CORP) == []
    assert noted(site, CORP) == []


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berln", "`Europe/Berln` is no time zone: did you mean `Europe/Berlin`?"),
        ("../../etc/passwd", "`../../etc/passwd` is no time zone: write a name such as `Europe/Berlin`"),
        ("Europe", "`Europe` is no time zone: "),
        ("/usr/share/zoneinfo/UTC", "`/usr/share/zoneinfo/UTC` is no time zone: "),
    ],
)
def test_a_time_zone_that_is_none_is_told_with_a_way_out(site, zone: str, said: str) -> None:
    (found,) = refused(site, f"time_zone: {zone}\n" + PROFILES + OFFICE)
    assert found.startswith("1:12: " + said)


def nacd(site, program: str, *words: str, **environment: str) -> str:
    """What the command prints, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words, "--config", str(site.folder / "nacd.yaml")],
        env={**os.environ, **site.environment, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


RUN = "from nacd.cli.main import app; app()"


def check(site, zone: str) -> str:
    """What `nacd check` prints on a machine that has no time zones: neither the system's nor the package `tzdata`."""
    site.write("policy.yaml", f"time_zone: {zone}\n" + PROFILES + OFFICE)
    return nacd(site, f"import sys; sys.modules['tzdata'] = None; {RUN}", "check", PYTHONTZPATH="")


@pytest.mark.slow
def test_a_machine_without_time_zones_is_told_what_to_install_and_has_utc_all_the_same(site) -> None:
    said = "1:12: `Europe/Berlin` cannot be looked up: this machine has no time zones, install `tzdata`"
    assert said in check(site, "Europe/Berlin")
    assert "configuration is sound" in check(site, "UTC")


def test_hours_alone_let_nobody_in(site) -> None:
    rule = '  - {name: a, when: {during: {from: "07:00", to: "19:00"}}, then: THEN}\n'
    (said,) = refused(site, "time_zone: UTC\n" + PROFILES + rule.replace("THEN", "corp"))
    assert said == "5:21: these conditions leave nothing out: only `then: deny` may do that"
    site.write("policy.yaml", "time_zone: UTC\n" + PROFILES + rule.replace("THEN", "deny"))
    assert site.load().policy.rules[0].then == "deny"


def test_hours_of_the_whole_week_are_noted_where_they_stand(site) -> None:
    rule = '  - {name: a, when: {access: vpn, during: {from: "07:00", to: "07:00"}}, then: corp}\n'
    said = noted(site, "time_zone: UTC\n" + PROFILES + rule)
    assert said == ["5:43: rule `a`: these hours are the whole week: they leave nothing out"]


@pytest.mark.slow
def test_explain_says_what_time_it_is_there_and_which_hours_the_rule_wants(site) -> None:
    """Of two rules that share the week between them one matches, whenever this runs."""
    rules = "".join(
        f'  - {{name: {name}, when: {{access: mab, during: {{from: "{begins}", to: "{ends}"}}}}, then: corp}}\n'
        for name, begins, ends in (("day", "06:00", "18:00"), ("night", "18:00", "06:00"))
    )
    site.write("policy.yaml", "time_zone: Asia/Kathmandu\n" + PROFILES + rules)
    said = nacd(site, RUN, "explain", "--mac", "00-1B-A9-12-34-56", "--nas", "sw")
    now = r"it is `(?:mon|tue|wed|thu|fri|sat|sun) \d\d:\d\d` in Asia/Kathmandu"
    by_day = re.search(rf"day +matches: access is `mab`; {now}$", said, re.MULTILINE)
    at_night = re.search(rf"day +no: {now}, the rule wants `06:00 to 18:00` in Asia/Kathmandu$", said, re.MULTILINE)
    assert bool(by_day) != bool(at_night), said
    assert f"Access-Accept by rule `{'day' if by_day else 'night'}`" in said
