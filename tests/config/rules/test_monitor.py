"""Monitor mode as an admin writes it: where, until when, what is answered; and what nobody may write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from nacd.config.rules.monitor import MonitorText, places, seconds
from nacd.policy.monitor.scopes import Monitor, Scope

PROFILES = "profiles:\n  corp: {vlan: 120}\n  open: {}\n  phones: {vlan: 20}\n"
RULES = "rules:\n  - {name: a, when: {access: vpn}, then: corp}\n  - {name: p, when: {access: mab}, then: phones}\n"
EVERYWHERE = 'monitor: {until: "2026-12-31", profile: open}\n'


def refused(site, text: str) -> list[str]:
    site.write("policy.yaml", text)
    return [said.removeprefix("policy.yaml:") for said in site.problems()]


def read(site, text: str):
    site.write("policy.yaml", text)
    return site.load().policy.monitors


def test_a_day_ends_when_it_is_over_where_the_policy_is(site) -> None:
    (found,) = read(site, EVERYWHERE + PROFILES + RULES).all
    assert found == Monitor(scope=Scope.EVERYWHERE, until=datetime(2027, 1, 1, tzinfo=UTC).timestamp(), profile="open")
    (found,) = read(site, "time_zone: Europe/Berlin\n" + EVERYWHERE + PROFILES + RULES).all
    assert found.until == datetime(2027, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


def test_the_day_on_which_clocks_change_is_a_whole_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert seconds(date(2026, 10, 25), berlin) - seconds(date(2026, 10, 24), berlin) == 25 * 3_600


def test_a_time_says_its_zone_itself(site) -> None:
    text = EVERYWHERE.replace("2026-12-31", "2026-12-31T18:00+01:00")
    (found,) = read(site, "time_zone: America/New_York\n" + text + PROFILES + RULES).all
    assert found.until == datetime(2026, 12, 31, 18, tzinfo=timezone(timedelta(hours=1))).timestamp()
    (found,) = read(site, EVERYWHERE.replace("2026-12-31", "2026-12-31 18:00:30Z") + PROFILES + RULES).all
    assert found.until == datetime(2026, 12, 31, 18, 0, 30, tzinfo=UTC).timestamp()


def test_everywhere_groups_and_rules(site) -> None:
    text = (
        'monitor:\n  until: "2026-12-31"\n  profile: open\n  keep: phones\n  enforce: []\n'
        '  groups:\n    wired: {until: "2026-12-24", profile: phones, keep: [corp]}\n'
        + PROFILES
        + "rules:\n  - name: a\n    when: {access: vpn}\n    then: deny\n"
        '    monitor: {until: "2026-12-01", profile: open}\n'
    )
    some = read(site, text)
    assert [(each.scope, each.name, each.profile, set(each.keep)) for each in some.all] == [
        (Scope.EVERYWHERE, "", "open", {"phones"}),
        (Scope.GROUP, "wired", "phones", {"corp"}),
        (Scope.RULE, "a", "open", set()),
    ]
    assert list(places(some.all, ["a"]).values()) == [
        ("monitor",),
        ("monitor", "groups", "wired"),
        ("rules", 0, "monitor"),
    ]


def test_groups_alone_will_do_and_enforced_groups_are_known(site) -> None:
    text = 'monitor: {groups: {wired: {until: "2026-12-24", profile: open}}}\n'
    assert [each.scope for each in read(site, text + PROFILES + RULES).all] == [Scope.GROUP]
    text = 'monitor: {until: "2026-12-24", profile: open, enforce: wired}\n'
    assert read(site, text + PROFILES + RULES).enforced == {"wired"}


def test_without_monitor_there_is_none(site) -> None:
    assert not read(site, PROFILES + RULES)


def test_a_profile_that_only_a_monitor_gives_is_in_use(site) -> None:
    site.write("policy.yaml", EVERYWHERE + PROFILES + RULES)
    assert not [note for note in site.notes() if "`open`" in note]


def test_the_digest_of_the_policy_covers_it(site) -> None:
    site.write("policy.yaml", EVERYWHERE + PROFILES + RULES)
    before = site.load().digest
    site.change("2026-12-31", "2026-12-30", file="policy.yaml")
    assert site.load().digest != before


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "{profile: open}",
            "1:10: `until` is missing: when it ends: a date (that whole day, by `time_zone`, or UTC without one) or a"
            " time with its zone, at most 90 days ahead",
        ),
        (
            '{until: "2026-12-31"}',
            "1:10: `profile` is missing: profile that every decision is answered with until then, also one that"
            " accepts",
        ),
        ("{enforce: [wired]}", "1:10: nothing is monitored here: write `until` and `profile`, or `groups`"),
        (
            '{until: "2026-12-31T18:00", profile: open}',
            "1:18: `2026-12-31T18:00` says no time zone: write `Z` or `+01:00` behind it, or the date alone",
        ),
        (
            "{until: 2w, profile: open}",
            '1:18: `2w` is no end of a monitor: write a date or a time with its zone, in quotes, as in `"2026-12-31"`'
            ' (that whole day) or `"2026-12-31T18:00+01:00"`',
        ),
        ('{until: "2026-02-30", profile: open}', "1:18: `2026-02-30` is in no calendar"),
        ('{until: "0001-01-01", profile: open}', "1:18: `0001-01-01` is no end of a monitor: its year is wrong"),
        ('{until: "9999-12-31", profile: open}', "1:18: `9999-12-31` is no end of a monitor: its year is wrong"),
        ('{until: "2026-12-31", profile: opne}', "1:41: there is no profile `opne`, did you mean `open`?"),
        ('{until: "2026-12-31", profile: deny}', "1:41: a monitor lets in: `deny` is no profile"),
        (
            '{until: "2026-12-31", profile: open, keep: [x]}',
            "1:54: there is no profile `x`: there is `corp`, `open`, `phones`",
        ),
        (
            '{until: "2026-12-31", profile: open, enforce: wierd}',
            "1:56: no NAS is in the group `wierd`, did you mean `wired`?",
        ),
        (
            '{groups: {wierd: {until: "2026-12-31", profile: open}}}',
            "1:20: no NAS is in the group `wierd`, did you mean `wired`?",
        ),
        (
            '{enforce: [wired], groups: {wired: {until: "2026-12-31", profile: open}}}',
            "1:10: the group `wired` stands under `groups` and under `enforce`: it is either",
        ),
        (
            '{keep: [corp], groups: {wired: {until: "2026-12-31", profile: open}}}',
            "1:10: `keep` belongs to `until` and `profile`: write it in the group",
        ),
        ('{end: "2026-12-31", profile: open}', "1:11: `end` is no key here: write `until`"),
        ("true", "1:10: `key: value` pairs are wanted here"),
    ],
)
def test_what_nobody_may_write(site, written: str, said: str) -> None:
    assert said in refused(site, f"monitor: {written}\n" + PROFILES + RULES)


def test_a_rules_monitor_is_checked_at_its_place(site) -> None:
    text = PROFILES + "rules:\n  - {name: a, when: {access: vpn}, then: deny, monitor: {profile: opne}}\n"
    said = refused(site, text)
    assert any(each.startswith("6:57: `until` is missing") for each in said), said
    assert "6:67: there is no profile `opne`, did you mean `open`?" in said
    text = text.replace("profile: opne", 'until: "2026-12-31", profile: open, keep: [corp]')
    assert any("a rule decides one thing" in each for each in refused(site, text))


def test_both_are_optional() -> None:
    assert MonitorText.model_fields["until"].default is None
