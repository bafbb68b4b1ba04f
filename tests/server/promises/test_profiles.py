"""Which NAS may be given which profile: whoever fetches an access list by a profile of others is told nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nacd.config.load import load
from nacd.server.promises.profiles import reach
from nacd.values import Authentication, Nas
from tests.server.house import Site

SWITCH = Nas(name="switch", vendor="cisco-ios", groups=frozenset({"wired"}))
OTHER = Nas(name="other", vendor="cisco-ios", groups=frozenset({"lobby"}))
VPN = Nas(name="concentrator", vendor="cisco-asa", authentication=Authentication.DONE_BY_NAS)


def monitored(site: Site, text: str) -> None:
    end = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    site.change("profiles:\n", f"monitor: {text}\nprofiles:\n  open: {{}}\n".replace("END", end), file="policy.yaml")


def test_the_profile_of_a_groups_monitor_is_for_the_nases_of_this_group(site: Site) -> None:
    monitored(site, '{groups: {wired: {until: "END", profile: open}}}')
    is_reached = reach(load(site.config))
    assert [is_reached(nas, "open") for nas in (SWITCH, OTHER, VPN)] == [True, False, False]


def test_the_profile_of_the_monitor_everywhere_is_for_all_but_those_that_are_enforced(site: Site) -> None:
    monitored(site, '{until: "END", profile: open, enforce: [wired]}')
    is_reached = reach(load(site.config))
    assert [is_reached(nas, "open") for nas in (SWITCH, OTHER, VPN)] == [False, True, True]


def test_the_rules_are_walked_through_once_for_a_nas_and_a_profile(site: Site) -> None:
    is_reached = reach(load(site.config))
    assert [is_reached(VPN, "printers") for _ in range(3)] == [False] * 3
    assert is_reached(SWITCH, "printers")
    assert is_reached.cache_info().misses == 2  # type: ignore[attr-defined]
    assert not is_reached(SWITCH, "no such profile")
