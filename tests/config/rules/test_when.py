from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nacd.policy.answered import UserGroupIs
from nacd.policy.certified import EkuIs, ExpiresIn, SanUri, TemplateIs
from nacd.policy.conditions import AccessIs, Condition, LocationIn, Not, RealmIs
from nacd.policy.requested import BssidMatches, ClientVersion, PortTypeIs, SsidIs
from nacd.values import AccessKind
from tests.config.conftest import Site

DOT1X = AccessIs(kinds=(AccessKind.DOT1X,))


def write(site: Site, when: str, then: str = "corp") -> Site:
    site.write(
        "policy.yaml", f"profiles: {{corp: {{vlan: 1}}}}\nrules:\n  - {{name: a, when: {{{when}}}, then: {then}}}\n"
    )
    return site


def conditions(site: Site, when: str, then: str = "corp") -> tuple[Condition, ...]:
    (rule,) = write(site, when, then).load().policy.rules
    return rule.conditions


def test_what_must_not_hold_is_a_condition_of_its_own(site) -> None:
    guest, vpn = SsidIs(names=frozenset({"Guest"})), AccessIs(kinds=(AccessKind.VPN,))
    assert conditions(site, "access: dot1x, not: {ssid: Guest, access: vpn}") == (
        DOT1X,
        Not(inner=guest),
        Not(inner=vpn),
    )
    assert conditions(site, "not: {ssid: Guest}", "deny") == (Not(inner=guest),)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("access: dot1x, not: {group: wird}", "there is no group `wird`, did you mean `wired`?"),
        ("access: dot1x, not: {nas: x}", "there is no nas `x`"),
        ("access: dot1x, not: {os: Windows}", "nobody tells `os`: NAC 2.0 tells compliance only"),
        ('access: dot1x, not: {during: {from: "07:00", to: "19:00"}}', "`during` needs to know whose clock"),
        ("access: dot1x, not: {mac_in: none.csv}", "`none.csv`: the list cannot be read"),
        ("access: dot1x, not: {}", "nothing is asked here: name what must not hold"),
        (
            "not: {ssid: Guest}",
            "`not` says who stays out, and nothing says who comes in: only",
        ),
        ("not: {ssid: Guest}, mac: '*'", "these conditions leave nothing out"),
    ],
)
def test_what_not_refers_to_is_checked_too(site, when: str, said: str) -> None:
    (found,) = write(site, when).problems()
    assert said in found


def test_a_version_under_not_means_one_of_the_system_above(site) -> None:
    site.change("intune:\n", "intune:\n  source: graph\n")
    version = 'not: {os_version: {below: "10.0.19045"}}'
    assert len(conditions(site, f"access: dot1x, os: Windows, {version}")) == 3
    (found,) = write(site, f"access: dot1x, {version}").problems()
    assert "write `os` beside it" in found


def test_a_remark_on_not_stands_where_it_is_written(site) -> None:
    (note,) = write(site, "access: dot1x, not: {user: x}").notes()
    assert note == "policy.yaml:3:49: rule `a`: this lets in also where there is no `user`"


def test_a_row_of_a_list_ends_with_its_day_where_the_policy_is(site) -> None:
    site.write("l.csv", "mac,expires\nAA-BB-CC-00-00-01,2027-05-31\nAA-BB-CC-00-00-02,\n")
    site.write("m.csv", "mac\nAA-BB-CC-00-00-03\n")
    (listed,) = conditions(site, "mac_in: [l.csv, m.csv]")
    midnight = datetime(2027, 6, 1, tzinfo=UTC).timestamp()
    assert (len(listed.macs), listed.ends) == (3, {("AA-BB-CC-00-00-01", midnight)})
    policy = site.folder / "policy.yaml"
    policy.write_text("time_zone: Europe/Berlin\n" + policy.read_text())
    (rule,) = site.load().policy.rules
    assert rule.conditions[0].ends == {("AA-BB-CC-00-00-01", midnight - 2 * 3600)}
    assert site.load().policy.depends_on_time
    site.write("m.csv", "mac\nAA-BB-CC-00-00-01\n")  # there it stays for ever
    assert conditions(site, "mac_in: [l.csv, m.csv]")[0].ends == frozenset()


def test_a_list_of_devices_is_one_of_devices(site) -> None:
    site.write("d.csv", "device\n6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11\n")
    assert conditions(site, "device_in: d.csv")[0].macs == {"6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"}
    assert "is no MAC address" in write(site, "mac_in: d.csv").problems()[0]
    assert (
        "a list of MACs and of devices at once" in write(site, "device_in: d.csv, not: {mac_in: d.csv}").problems()[0]
    )


def test_a_place_is_one_where_a_nas_stands_or_one_around_it(site) -> None:
    site.change("name: sw,", "name: sw, location: berlin/b7/f2,")
    for place in ("berlin", "berlin/b7", "berlin/b7/f2"):
        assert conditions(site, f"location: {place}") == (LocationIn(places=frozenset({place})),)
    assert "there is no location `berlin/b8`, did you mean" in write(site, "location: berlin/b8").problems()[0]
    assert "there is no vendor `cisco`" in write(site, "not: {vendor: cisco}", "deny").problems()[0]


def test_a_location_that_is_none_is_refused(site) -> None:
    for text in ("berlin//b7", "/berlin", "berlin /b7"):
        site.change("name: sw,", f"name: sw, location: {text},")
        assert "is no place" in site.problems()[0]
        site.change(f" location: {text},", "")


@pytest.mark.parametrize(
    ("when", "condition"),
    [
        ("port_type: Wireless-802.11", PortTypeIs(names=frozenset({"Wireless-802.11"}))),
        ("bssid: aabb.cc*", BssidMatches(patterns=("AA-BB-CC-*",))),
        ("realm: Contoso.COM", RealmIs(names=frozenset({"contoso.com"}))),
        ('client_version: {at_least: "4.10"}', ClientVersion(version=(4, 10), below=False)),
        ("eku: [clientauth, 1.2.3]", EkuIs(names=frozenset({"1.3.6.1.5.5.7.3.2", "1.2.3"}))),
        ("template: Workstation", TemplateIs(names=frozenset({"workstation"}))),
        ("expires_in: {below: 7d}", ExpiresIn(limit_s=604_800.0, below=True)),
        ("san_uri: 'IntuneDeviceId://*'", SanUri(patterns=("IntuneDeviceId://*",))),
    ],
)
def test_conditions_are_made_of_what_is_written(site, when: str, condition: Condition) -> None:
    assert conditions(site, when) == (condition,)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("port_type: ethernet", "did you mean `Ethernet`?"),
        ("realm: '*@contoso.com'", "is no realm: write what stands behind `@`"),
        ("eku: client", "`client` is no key usage"),
        ("expires_in: 7d", "write `{at_least: 7d}` or `{below: 7d}`"),
        ("san: x", "write `san_dns`, `san_uri` or `san_upn`"),
    ],
)
def test_what_cannot_be_a_condition_is_told(site, when: str, said: str) -> None:
    assert said in write(site, when).problems()[0]


# -- groups of users ------------------------------------------------------------------------

STAFF, GUESTS = "6b4b9f4e-7a0d-4a63-9a39-000000000001", "6b4b9f4e-7a0d-4a63-9a39-000000000002"


def with_groups(site: Site, when: str, table: str = f"{{staff: {STAFF}}}") -> Site:
    site.change("intune:\n", "intune:\n  source: graph\n")
    site.write(
        "policy.yaml",
        f"user_groups: {table}\nprofiles: {{corp: {{vlan: 1}}}}\nrules:\n"
        f"  - {{name: a, when: {{identity: certificate, compliance: compliant, {when}}}, then: corp}}\n",
    )
    return site


def test_groups_are_written_by_the_names_of_the_policy_or_by_their_ids(site) -> None:
    loaded = with_groups(site, f"user_group: [staff, {GUESTS.upper()}]").load()
    *_, condition = loaded.policy.rules[0].conditions
    assert condition == UserGroupIs(ids=frozenset({STAFF, GUESTS}), called=((STAFF, "staff"),))
    assert loaded.policy.user_groups == {STAFF, GUESTS}


def test_under_not_groups_are_asked_about_too(site) -> None:
    loaded = with_groups(site, "not: {user_group: staff}").load()
    *_, condition = loaded.policy.rules[0].conditions
    assert isinstance(condition, Not)
    assert loaded.policy.user_groups == {STAFF}
    assert [note for note in site.notes() if "lets in" in note] == []


@pytest.mark.parametrize(
    ("when", "table", "said"),
    [
        ("user_group: stuff", f"{{staff: {STAFF}}}", "there is no group `stuff`, did you mean `staff`?"),
        ("user_group: nobody", "{}", "write its object id, or name it under `user_groups`"),
        ("user_group: staff", "{staff: staff@contoso.com}", "a GUID is wanted here"),
        ("user_groups: staff", f"{{staff: {STAFF}}}", "write `user_group`"),
    ],
)
def test_a_group_that_nobody_knows_is_refused_with_the_way_out(site, when: str, table: str, said: str) -> None:
    problems = with_groups(site, when, table).problems()
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("policy.yaml:") for problem in problems)


def test_no_more_groups_than_can_be_asked_about(site) -> None:
    ids = [f"6b4b9f4e-7a0d-4a63-9a39-{number:012d}" for number in range(101)]
    (said,) = with_groups(site, f"user_group: [{', '.join(ids)}]").problems()
    assert "rules ask about more than 100 groups: each 20 of them are a question more about each device" in said
    site.change(f", {ids[-1]}", "", file="policy.yaml")
    assert len(site.load().policy.user_groups) == 100


def test_groups_take_a_source_that_can_tell_them(site) -> None:
    site.write(
        "policy.yaml",
        f"profiles: {{corp: {{vlan: 1}}}}\nrules:\n  - {{name: a, when: {{user_group: {STAFF}}}, then: corp}}\n",
    )
    (said,) = site.problems()
    assert "nobody tells `user_group`: NAC 2.0 tells compliance only; Microsoft Graph does" in said
