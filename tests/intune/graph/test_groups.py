"""Groups of a device's user, asked of the simulated Graph: what is told, and every way in which it is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from nacd.intune.graph.source import GraphSource
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import App
from nacd.values import Compliance, ComplianceState, DeviceId, DeviceIdKind, MacAddress

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "3a6d3c1e-8a41-4b7f-9e05-61d0c7b3a955"
ENTRA = "77777777-8a41-4b7f-9e05-61d0c7b3a9aa"
USER = "88888888-8a41-4b7f-9e05-61d0c7b3a9bb"
DEVICE = DeviceId(guid=GUID)
MAC = MacAddress("D4-6E-0E-02-28-96")
ROLES = ("DeviceManagementManagedDevices.Read.All", "User.Read.All", "GroupMember.Read.All")


def group(number: int) -> str:
    return f"6b4b9f4e-7a0d-4a63-9a39-{number:012d}"


STAFF, GUESTS = group(1), group(2)
Build = Callable[..., GraphSource]


@pytest.fixture
def build(simulator: IntuneSimulator, scene: Any) -> Build:
    """``build(groups, roles=...)``: Graph asked about these groups; one device of a user who is in STAFF."""
    simulator.put_device(GUID, macs=[MAC.hex12], entra_id=ENTRA, user_id=USER, user_groups=[STAFF.upper()])

    def make(groups: tuple[str, ...] = (STAFF, GUESTS), roles: tuple[str, ...] = ROLES) -> GraphSource:
        simulator.register_app(App(graph_roles=roles))
        return GraphSource(scene.options_for(simulator, user_groups=frozenset(groups)))

    return make


def ask(source: GraphSource, subject: DeviceId | MacAddress = DEVICE, deadline_s: float = 8.0) -> Compliance:
    return source.lookup(subject, deadline_s, time.time)


def asked(simulator: IntuneSimulator) -> int:
    return len(simulator.history("member_groups"))


def unknown(verdict: Compliance, *words: str) -> None:
    """What is said of the device stands, and of no group anything is known."""
    assert verdict.state is ComplianceState.COMPLIANT
    assert (verdict.device.in_groups, verdict.device.outside_groups) == ((), ())
    for word in words:
        assert word in verdict.device.groups_doubt


@pytest.mark.parametrize("subject", [DEVICE, DeviceId(guid=ENTRA, kind=DeviceIdKind.ENTRA), MAC], ids=str)
def test_a_user_is_in_some_and_outside_the_others(
    simulator: IntuneSimulator, build: Build, subject: DeviceId | MacAddress
) -> None:
    told = ask(build(), subject).device
    assert (told.in_groups, told.outside_groups, told.groups_doubt) == ((STAFF,), (GUESTS,), "")
    assert asked(simulator) == 1


def test_nobody_is_asked_where_no_rule_asks(simulator: IntuneSimulator, build: Build) -> None:
    told = ask(build(())).device
    assert (told.in_groups, told.outside_groups, asked(simulator)) == ((), (), 0)


@pytest.mark.parametrize(("count", "questions"), [(1, 1), (20, 1), (21, 2), (100, 5)])
def test_twenty_groups_are_one_question(simulator: IntuneSimulator, build: Build, count: int, questions: int) -> None:
    told = ask(build(tuple(group(number) for number in range(1, count + 1)))).device
    assert (told.in_groups, len(told.outside_groups)) == ((STAFF,), count - 1)
    assert asked(simulator) == questions


def test_a_device_without_a_user_is_in_no_group_and_outside_none(simulator: IntuneSimulator, build: Build) -> None:
    source = build()
    simulator.change_device(GUID, user="", user_id="")
    unknown(ask(source))
    assert asked(simulator) == 0


def test_a_device_that_is_not_managed_has_no_user_to_ask_about(simulator: IntuneSimulator, build: Build) -> None:
    assert ask(build(), DeviceId(guid=OTHER)).state is ComplianceState.NOT_MANAGED
    assert asked(simulator) == 0


def test_two_devices_of_one_mac_and_of_two_users_have_no_groups_in_common(
    simulator: IntuneSimulator, build: Build
) -> None:
    simulator.put_device(OTHER, macs=[MAC.hex12], user="bob@example.test", user_groups=[STAFF])
    unknown(ask(build(), MAC))
    assert asked(simulator) == 0


# -- refusals -------------------------------------------------------------------------------


def test_a_missing_permission_is_named_and_devices_are_asked_about_as_ever(
    simulator: IntuneSimulator, build: Build
) -> None:
    source = build(roles=ROLES[:2])
    unknown(
        ask(source),
        "graph refuses to tell groups (status 403): it needs the permissions User.Read.All and GroupMember.Read.All",
        "the token lacks GroupMember.Read.All (it has: DeviceManagementManagedDevices.Read.All, User.Read.All)",
        "grant admin consent",
    )
    unknown(ask(source), "not asked again for 300 s")
    assert (asked(simulator), len(simulator.history("graph_device"))) == (1, 2)
    assert source.status().paused_s == 0.0


@pytest.mark.parametrize("roles", [("User.Read.All", "Group.Read.All"), ("Directory.Read.All",)])
def test_more_than_is_needed_is_enough(build: Build, roles: tuple[str, ...]) -> None:
    assert ask(build(roles=(ROLES[0], *roles))).device.in_groups == (STAFF,)


def test_throttling_leaves_groups_alone_for_as_long_as_graph_wants(simulator: IntuneSimulator, build: Build) -> None:
    source = build()
    simulator.fault("throttle", only="member_groups", seconds=40, times=1)
    unknown(ask(source), "graph is throttling questions about groups (status 429)")
    unknown(ask(source), "not asked again for 40 s")
    assert (asked(simulator), source.status().paused_s) == (1, 0.0)


def test_without_a_time_it_is_left_alone_for_a_little(simulator: IntuneSimulator, build: Build) -> None:
    source = build()
    simulator.fault("throttle", only="member_groups", retry_after="none", times=1)
    unknown(ask(source), "status 429")
    unknown(ask(source), "not asked again for")
    assert asked(simulator) == 1


def test_a_user_who_is_gone_is_in_no_known_group(simulator: IntuneSimulator, build: Build) -> None:
    source = build()
    simulator.fault("status", only="member_groups", code=404, envelope="plain")
    unknown(ask(source), "graph knows no such user (any more)")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "code": 400}, "graph refuses the question about groups (status 400)"),
        ({"kind": "status", "code": 401}, "graph refuses the token (status 401)"),
        ({"kind": "status", "code": 404, "envelope": "html"}, "not graph's: is a proxy in between"),
        ({"kind": "status", "code": 500}, "graph is failing (status 500)"),
        ({"kind": "status", "code": 503}, "graph is failing (status 503)"),
        ({"kind": "redirect"}, "redirects elsewhere (status 302), which is not followed"),
        ({"kind": "outage", "mode": "reset"}, "cut the connection"),
        ({"kind": "body", "variant": "html"}, "not json: is a proxy"),
        ({"kind": "body", "variant": "truncated"}, "graph's answer"),
        ({"kind": "body", "variant": "list"}, "graph's answer is no json object"),
        ({"kind": "body", "variant": "huge"}, "longer than"),
    ],
)
def test_whatever_fails_is_told_and_the_verdict_stands(
    simulator: IntuneSimulator, build: Build, fault: dict[str, Any], words: str
) -> None:
    source = build()
    simulator.fault(**fault, only="member_groups")
    unknown(ask(source), words)


def test_a_slow_answer_about_groups_costs_no_verdict(simulator: IntuneSimulator, build: Build) -> None:
    source = build()
    ask(source)
    simulator.fault("latency", only="member_groups", ms=5_000)
    unknown(ask(source, deadline_s=1.5))


def test_what_half_of_the_questions_said_is_kept(simulator: IntuneSimulator, build: Build) -> None:
    source = build(tuple(group(number) for number in range(1, 31)))
    simulator.fault("status", only="member_groups", code=500, after=1)
    told = ask(source).device
    assert (told.in_groups, len(told.outside_groups)) == ((STAFF,), 19)
    assert told.groups_doubt.startswith("graph is failing (status 500): a fault of the simulator")


def test_after_a_refused_token_the_next_question_has_another(simulator: IntuneSimulator, build: Build) -> None:
    source = build()
    ask(source)
    simulator.fault("status", only="member_groups", code=401, times=1)
    tokens = len(simulator.history("token"))
    unknown(ask(source), "status 401")
    ask(source)
    assert len(simulator.history("token")) == tokens + 1
