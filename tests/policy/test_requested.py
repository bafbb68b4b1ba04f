from __future__ import annotations

import pytest

from nacd.policy.evaluate import evaluate
from nacd.policy.requested import (
    BssidMatches,
    ClientPlatform,
    ClientPlatformVersion,
    ClientVersion,
    DeviceIn,
    MacIn,
    MacMatches,
    PortTypeIs,
    SsidIs,
    TunnelGroupIs,
    version_text,
)
from nacd.values import Link

MAC = "00-11-22-33-44-55"


def test_mac_patterns_are_whole_addresses_or_beginnings(facts) -> None:
    test = MacMatches(patterns=("AA-BB-CC-*", MAC)).test()
    assert test(facts(mac="AA-BB-CC-01-02-03"))
    assert test(facts(mac=MAC))
    assert not test(facts(mac="AA-BB-CD-01-02-03"))


def test_a_list_of_macs_names_its_file_and_never_shows_its_content(facts) -> None:
    condition = MacIn(files=("printers.csv",), macs=frozenset({MAC}))
    assert condition.test()(facts(mac=MAC))
    assert condition.seen(facts(mac=MAC)) == f"mac `{MAC}` is in `printers.csv`"
    assert condition.seen(facts(mac="AA-BB-CC-01-02-03")) == "mac `AA-BB-CC-01-02-03` is not in `printers.csv`"
    assert MAC not in repr(condition)


def test_what_is_listed_until_a_day_counts_no_more_from_the_moment_it_is_over(facts, rule, policy) -> None:
    listed = MacIn(files=("l.csv",), macs=frozenset({MAC, "AA-BB-CC-00-00-01"}), ends=frozenset({(MAC, 100.0)}))
    before, after = facts(mac=MAC, at=99.999), facts(mac=MAC, at=100.0)
    assert listed.test()(before)
    assert not listed.test()(after)
    assert listed.test()(facts(mac="AA-BB-CC-00-00-01", at=100.0))
    assert listed.seen(after) == f"mac `{MAC}` is in `l.csv`, and its time is over"
    made = policy(rule("listed", listed), rule("other"))
    assert [evaluate(made, each).rule for each in (before, after)] == ["listed", "other"]
    assert made.depends_on_time
    assert not policy(rule("r", MacIn(files=("l.csv",), macs=frozenset({MAC})))).depends_on_time


def test_a_device_is_listed_by_its_guid(facts, device, rule, policy) -> None:
    listed = DeviceIn(files=("d.csv",), macs=frozenset({device.id.guid}))
    assert listed.test()(facts())
    assert listed.seen(facts()) == f"device `{device.id.guid}` is in `d.csv`"
    assert evaluate(policy(rule("listed", listed)), facts()).rule == "listed"
    assert not DeviceIn(files=("d.csv",), macs=frozenset()).test()(facts())


LINK = Link(
    port_type="Virtual",
    bssid="AA-BB-CC-00-00-01",
    tunnel_group="STAFF",
    client_platform="mac-intel",
    client_platform_version="14.4.1",
    client_agent="AnyConnect Darwin_i386 4.10.05085",
)


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        (PortTypeIs(names=frozenset({"Virtual"})), PortTypeIs(names=frozenset({"Ethernet"}))),
        (BssidMatches(patterns=("AA-BB-*",)), BssidMatches(patterns=("AA-BC-*",))),
        (TunnelGroupIs(names=frozenset({"STAFF"})), TunnelGroupIs(names=frozenset({"staff"}))),
        (ClientPlatform(patterns=("MAC*",)), ClientPlatform(patterns=("win",))),
        (
            ClientPlatformVersion(version=(14, 4), below=False),
            ClientPlatformVersion(version=(14, 4, 1), below=True),
        ),
        (ClientVersion(version=(4, 10), below=False), ClientVersion(version=(4, 10), below=True)),
    ],
)
def test_how_it_is_attached_is_asked_by_its_link_and_what_is_absent_never_holds(facts, condition, other) -> None:
    assert condition.test()(facts(link=LINK))
    assert not other.test()(facts(link=LINK))
    assert not condition.test()(facts())
    assert not other.test()(facts())
    assert condition.seen(facts()) == f"there is no {condition.key}"


def test_the_version_of_a_client_is_the_first_number_that_stands_by_itself() -> None:
    assert version_text("AnyConnect Windows 4.10.05085") == "4.10.05085"
    assert version_text("Cisco Secure Client x86_64 5.1.2 beta") == "5.1.2 beta"
    assert version_text("AnyConnect") == ""


def test_the_name_of_a_network_counts_with_its_case(facts) -> None:
    assert not SsidIs(names=frozenset({"corp"})).test()(facts(ssid="Corp"))
