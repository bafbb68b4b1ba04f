from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from nacd.policy.answered import (
    DEVICE_KEYS,
    NO_VERDICT,
    SYSTEMS,
    AnswerCondition,
    ComplianceIs,
    DeviceNameMatches,
    DeviceUserMatches,
    LastSync,
    OwnershipIs,
    SystemIs,
    SystemVersion,
    UserGroupIs,
    VerdictAge,
    VerdictFrom,
    groups_asked,
    reachable,
    system,
)
from nacd.policy.conditions import Not
from nacd.policy.implies import implies
from nacd.policy.implies import reachable as states_of
from nacd.policy.words import version
from nacd.values import NOT_ASKED, Compliance, ComplianceSource, ComplianceState, DeviceFacts, Facts

NOW = 1_790_000_000.0
HOUR = 3_600.0
LAPTOP = DeviceFacts(
    name="LAPTOP-7",
    operating_system="Windows",
    os_version="10.0.19045.4046",
    owner="company",
    user="alice@contoso.com",
    last_sync=NOW - 2 * HOUR,
)
Answered = Callable[..., Facts]


@pytest.fixture(scope="module")
def answered(facts: Callable[..., Facts]) -> Answered:
    """A compliant laptop, asked an hour ago through Graph, unless told otherwise."""

    def build(*, at: float = NOW, **changes: Any) -> Facts:
        usual = {
            "state": ComplianceState.COMPLIANT,
            "as_of": NOW - HOUR,
            "source": ComplianceSource.CACHE,
            "device": LAPTOP,
        }
        return facts(compliance=Compliance(**(usual | changes)), at=at)

    return build


ALL_HOLD: tuple[AnswerCondition, ...] = (
    VerdictAge(limit_s=HOUR, over=False),
    VerdictFrom(sources=(ComplianceSource.CACHE,)),
    SystemIs(systems=frozenset({"Windows"})),
    SystemVersion(version=(10,), below=False),
    OwnershipIs(owners=("company",)),
    LastSync(limit_s=HOUR, over=True),
    DeviceNameMatches(patterns=("laptop-*",)),
    DeviceUserMatches(patterns=("*@CONTOSO.com",)),
)
each = pytest.mark.parametrize("condition", ALL_HOLD, ids=lambda condition: condition.key)


@each
def test_every_condition_on_the_answer_holds_for_what_it_names_and_waits(condition, answered) -> None:
    assert condition.test()(answered())
    assert condition.waits
    assert not condition.settled_by_nas


@each
@pytest.mark.parametrize("state", sorted(NO_VERDICT))
def test_without_a_verdict_none_of_them_holds_whatever_else_is_there(condition, answered, state) -> None:
    """Also when a value carries an older answer's facts along: nothing of it may count."""
    facts = answered(state=ComplianceState(state))
    assert not condition.test()(facts)
    assert "no" in condition.seen(facts)


@each
def test_a_verdict_that_nobody_dated_sent_or_described_meets_none_of_them(condition, facts) -> None:
    bare = Compliance(state=ComplianceState.UNKNOWN, as_of=0.0, source=ComplianceSource.NONE)
    assert not condition.test()(facts(compliance=bare, at=NOW))


def test_an_age_is_at_most_the_limit_or_over_it_and_never_both(answered) -> None:
    at_most, over = VerdictAge(limit_s=4 * HOUR, over=False), VerdictAge(limit_s=4 * HOUR, over=True)
    for age_s, young in ((0.0, True), (4 * HOUR, True), (4 * HOUR + 1, False)):
        facts = answered(as_of=NOW - age_s)
        assert at_most.test()(facts) is young
        assert over.test()(facts) is not young


def test_a_verdict_from_the_future_is_new_not_of_negative_age(answered) -> None:
    ahead = answered(as_of=NOW + 300)
    assert VerdictAge(limit_s=1.0, over=False).test()(ahead)
    assert VerdictAge(limit_s=1.0, over=False).seen(ahead) == "the verdict is `0s` old"


def test_a_date_far_in_the_future_is_wrong_and_tells_no_age(answered) -> None:
    """Else a verdict, or a sync, that is dated into the year 9999 would be new for ever."""
    for ahead_s, known in ((300.0, True), (301.0, False), (365 * 24 * HOUR, False)):
        facts = answered(as_of=NOW + ahead_s, device=DeviceFacts(last_sync=NOW + ahead_s))
        for over in (False, True):
            assert VerdictAge(limit_s=HOUR, over=over).test()(facts) is (known and not over)
            assert LastSync(limit_s=HOUR, over=over).test()(facts) is (known and not over)
    assert VerdictAge(limit_s=HOUR, over=True).seen(facts) == "there is no verdict that has an age"
    assert LastSync(limit_s=HOUR, over=True).seen(facts) == "there is no last_sync"


def test_where_the_present_is_not_known_nothing_has_an_age(answered) -> None:
    for over in (False, True):
        assert not VerdictAge(limit_s=HOUR, over=over).test()(answered(at=0.0))
        assert not LastSync(limit_s=HOUR, over=over).test()(answered(at=0.0))


def test_a_device_that_never_told_when_it_synced_did_not_sync_long_ago(answered) -> None:
    silent = answered(device=DeviceFacts(name="x"))
    for over in (False, True):
        assert not LastSync(limit_s=HOUR, over=over).test()(silent)
    assert LastSync(limit_s=HOUR, over=True).seen(silent) == "there is no last_sync"


def test_a_stale_verdict_can_be_told_from_a_fresh_one(answered) -> None:
    fresh = VerdictFrom(sources=(ComplianceSource.LIVE, ComplianceSource.CACHE))
    assert not fresh.test()(answered(source=ComplianceSource.STALE))
    assert fresh.seen(answered(source=ComplianceSource.STALE)) == "the verdict's source is `stale`"
    assert fresh.wanted() == "`live` or `cache`"


@pytest.mark.parametrize(
    ("written", "name"),
    [("windows", "Windows"), ("IOS", "iOS"), ("Mac OS X", "macOS"), ("Chrome OS", "ChromeOS"), ("ipados", "iPadOS"),
     ("AndroidForWork", "Android"), ("BeOS", "BeOS"), ("", "")],
)  # fmt: skip
def test_systems_are_known_by_their_usual_spellings(written: str, name: str) -> None:
    assert system(written) == name
    assert {system(known) for known in SYSTEMS} == set(SYSTEMS)


def test_an_ipad_is_no_iphone(answered) -> None:
    ipad = answered(device=DeviceFacts(operating_system="iPadOS"))
    assert not SystemIs(systems=frozenset({"iOS"})).test()(ipad)
    assert SystemIs(systems=frozenset({"iOS", "iPadOS"})).test()(ipad)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("10.0.19045.4046", (10, 0, 19045, 4046)),
        ("14.4.1 (23E224)", (14, 4, 1)),
        ("13", (13,)),
        ("17.0.0", (17,)),
        ("0", (0,)),
        ("", ()),
        ("unknown", ()),
        ("10.0b3", ()),
        ("1.2.3.4.5.6.7.8.9", ()),
        ("9999999999", ()),
    ],
)
def test_a_version_is_the_dotted_number_in_front(text: str, numbers: tuple[int, ...]) -> None:
    assert version(text) == numbers


def test_versions_are_compared_number_by_number(answered) -> None:
    at_least, below = (SystemVersion(version=(17, 9), below=below) for below in (False, True))
    for text, new in (("17.10", True), ("17.9", True), ("17.9.0", True), ("17.8.9", False), ("9.12", False)):
        facts = answered(device=DeviceFacts(os_version=text))
        assert at_least.test()(facts) is new
        assert below.test()(facts) is not new
    odd = answered(device=DeviceFacts(os_version="rolling"))
    assert not at_least.test()(odd)
    assert not below.test()(odd)
    assert (at_least.wanted(), below.wanted()) == ("at least `17.9`", "below `17.9`")


def test_each_says_what_it_saw(answered) -> None:
    assert [condition.seen(answered()) for condition in ALL_HOLD] == [
        "the verdict is `1h` old",
        "the verdict's source is `cache`",
        "os is `Windows`",
        "os_version is `10.0.19045.4046`",
        "ownership is `company`",
        "last_sync was `2h` ago",
        "device_name is `LAPTOP-7`",
        "device_user is `alice@contoso.com`",
    ]


def test_compliance_says_the_detail_behind_an_outage(facts, compliance) -> None:
    condition = ComplianceIs(states=(ComplianceState.COMPLIANT,))
    late = facts(compliance=compliance("unavailable", "timeout"))
    assert not condition.test()(late)
    assert condition.seen(late) == "compliance is `unavailable` (timeout)"


def test_what_needs_a_verdict_leaves_the_states_without_one_out() -> None:
    good_or_none = ComplianceIs(states=(ComplianceState.COMPLIANT, ComplianceState.UNAVAILABLE))
    nothing_said = ComplianceIs(states=(ComplianceState.NOT_ASKED, ComplianceState.UNAVAILABLE))
    age = VerdictAge(limit_s=1.0, over=True)
    assert reachable(()) == set(ComplianceState)
    assert reachable((nothing_said,)) == NO_VERDICT
    assert reachable((age,)) == set(ComplianceState) - NO_VERDICT
    assert reachable((age, good_or_none)) == {ComplianceState.COMPLIANT}
    assert reachable((nothing_said, age)) == set()


def test_the_keys_of_facts_that_graph_alone_tells() -> None:
    assert {condition.key for condition in ALL_HOLD} - DEVICE_KEYS == {"compliance_age", "compliance_source"}
    assert NOT_ASKED.state in NO_VERDICT


# -- groups ---------------------------------------------------------------------------------

STAFF, GUESTS = "6b4b9f4e-7a0d-4a63-9a39-000000000001", "6b4b9f4e-7a0d-4a63-9a39-000000000002"
IN_STAFF = UserGroupIs(ids=frozenset({STAFF}), called=((STAFF, "staff"),))
EITHER = UserGroupIs(ids=frozenset({STAFF, GUESTS}), called=((STAFF, "staff"),))


@pytest.mark.parametrize(
    ("inside", "outside", "staff", "not_staff", "either", "neither"),
    [
        ((), (), False, False, False, False),
        ((STAFF,), (GUESTS,), True, False, True, False),
        ((GUESTS,), (STAFF,), False, True, True, False),
        ((), (STAFF, GUESTS), False, True, False, True),
        ((), (STAFF,), False, True, False, False),
        ((), (GUESTS,), False, False, False, False),
    ],
)
def test_a_group_of_which_nobody_knows_is_neither_held_nor_missed(
    answered: Answered,
    inside: tuple[str, ...],
    outside: tuple[str, ...],
    staff: bool,
    not_staff: bool,
    either: bool,
    neither: bool,
) -> None:
    known = answered(device=replace(LAPTOP, in_groups=inside, outside_groups=outside))
    assert (IN_STAFF.test()(known), Not(inner=IN_STAFF).test()(known)) == (staff, not_staff)
    assert (EITHER.test()(known), Not(inner=EITHER).test()(known)) == (either, neither)


@pytest.mark.parametrize("state", sorted(NO_VERDICT))
def test_without_a_verdict_no_group_is_known(answered: Answered, state: ComplianceState) -> None:
    device = replace(LAPTOP, in_groups=(STAFF,), outside_groups=(GUESTS,))
    known = answered(state=state, device=device)
    for ids in ({STAFF}, {GUESTS}):
        condition = UserGroupIs(ids=frozenset(ids))
        assert not condition.test()(known)
        assert not Not(inner=condition).test()(known)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"in_groups": (STAFF,)}, "the device's user is in group `staff`"),
        ({"in_groups": (STAFF, GUESTS)}, f"the device's user is in group `{GUESTS}` and `staff`"),
        ({"outside_groups": (STAFF, GUESTS)}, f"the device's user is not in group `{GUESTS}` or `staff`"),
        ({}, f"nobody knows whether the device's user is in group `{GUESTS}` or `staff`: nobody was asked"),
        (
            {"outside_groups": (STAFF,), "groups_doubt": "graph is throttling"},
            f"nobody knows whether the device's user is in group `{GUESTS}`: graph is throttling",
        ),
        ({"user": ""}, f"nobody knows whether the device's user is in group `{GUESTS}` or `staff`: it has none"),
    ],
)
def test_groups_are_told_by_their_names_where_they_have_any(
    answered: Answered, changes: dict[str, Any], said: str
) -> None:
    assert EITHER.seen(answered(device=replace(LAPTOP, **changes))) == said


def test_a_rule_tells_which_groups_it_asks_about() -> None:
    assert groups_asked((IN_STAFF, ComplianceIs(states=()), EITHER)) == {STAFF, GUESTS}
    assert EITHER.wanted() == f"`{GUESTS}` or `staff`"


def test_fewer_groups_imply_more_and_not_the_other_way_round() -> None:
    assert implies(IN_STAFF, EITHER, {})
    assert not implies(EITHER, IN_STAFF, {})
    assert implies(Not(inner=EITHER), Not(inner=IN_STAFF), {})
    assert states_of((Not(inner=IN_STAFF),)).isdisjoint(NO_VERDICT)
