from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from nacd.config.policy_conditions import Asked, When
from nacd.config.rules.words import SystemWord, VerdictSourceWord
from nacd.config.sections.week import DAYS
from nacd.policy.answered import DEVICE_KEYS, SYSTEMS
from nacd.policy.conditions import Positive
from nacd.values import ComplianceSource


def test_each_condition_takes_one_value_or_a_list(section) -> None:
    when = section(
        When, "access: dot1x\nidentity: [certificate, vpn]\nmac: aabb.cc*\nuser: '*@contoso.com'\nassurance: vpn\n"
    )
    assert (when.access, when.identity, when.mac) == (("dot1x",), ("certificate", "vpn"), ("AA-BB-CC-*",))
    assert when.compliance is None


def test_conditions_on_the_answer(section) -> None:
    when = section(
        When,
        "compliance_age: {at_most: 4h}\ncompliance_source: live\ntenant: [a, b]\nos: [windows, mac os x]\n"
        'os_version: {below: "10.0.19045"}\nownership: company\nlast_sync: {over: 7d}\ndevice_name: PC-*\n'
        "device_user: ['*@contoso.com']\n",
    )
    assert (when.compliance_age.at_most, when.compliance_age.over) == (timedelta(hours=4), None)
    assert (when.last_sync.at_most, when.last_sync.over) == (None, timedelta(days=7))
    assert (when.compliance_source, when.tenant, when.os) == (("live",), ("a", "b"), ("Windows", "macOS"))
    assert (when.os_version.below, when.os_version.at_least) == ("10.0.19045", None)
    assert (when.ownership, when.device_name, when.device_user) == (("company",), ("PC-*",), ("*@contoso.com",))


def test_the_words_are_those_that_the_policy_knows() -> None:
    assert set(Asked.model_fields) == {kind.key for kind in get_args(Positive)}
    assert set(When.model_fields) == {*Asked.model_fields, "without"}
    assert set(When.model_fields) >= DEVICE_KEYS
    assert get_args(SystemWord) == SYSTEMS
    assert {*get_args(VerdictSourceWord), ComplianceSource.NONE} == set(ComplianceSource)


@pytest.mark.parametrize("key", ["jailbroken", "Model", "serial_number", "email"])
def test_a_fact_that_nobody_tells_is_refused_by_name(section, key: str) -> None:
    (said,) = section(When, f"{key}: x\n")
    assert said.startswith(f"1:1: `{key}` is no key here: nobody tells it: NAC 2.0 tells compliance only")
    assert "`device_user`" in said


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("operating_system", "os"),
        ("platform", "os"),
        ("owner", "ownership"),
        ("last_checkin", "last_sync"),
        ("upn", "device_user"),
        ("max_age", "compliance_age"),
        ("OS_Version", "os_version"),
    ],
)
def test_another_word_for_a_condition_leads_to_it(section, key: str, word: str) -> None:
    (said,) = section(When, f"{key}: x\n")
    assert f"`{word}`" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("compliance_age: 4h", "write `{at_most: 4h}` or `{over: 4h}`"),
        ("compliance_age: {}", "write one of `at_most` and `over`, as in `{at_most: 4h}`"),
        ("last_sync: {at_most: 4h, over: 2h}", "write one of `at_most` and `over`, as in `{at_most: 4h}`"),
        ("last_sync: {at_most: 4}", "`4` has no unit"),
        ("last_sync: {at_most: 0s}", "this duration is outside `1s`"),
        ("last_sync: {max: 4h}", "`max` is no key here: write `at_most`"),
        ("last_sync: {older_than: 4h}", "`older_than` is no key here: write `over`"),
        ("compliance_source: none", "`none` is not known here"),
        ("os: Windws", "did you mean `Windows`?"),
        ("os: [windows, 7]", "one word is wanted here"),
        ("os: []", "this list is empty"),
        ("os_version: 10.0", 'write `{at_least: "10.0.19045"}`'),
        ("os_version: {at_least: 10.0}", 'write `"10.0"`'),
        ("os_version: {at_least: 10.x}", "`10.x` is no version"),
        ("os_version: {}", "write one of `at_least` and `below`"),
        ("ownership: corporate", "`corporate` is not known here"),
        ("device_name: ''", "this text is empty"),
    ],
)
def test_conditions_on_the_answer_that_cannot_be(section, text: str, said: str) -> None:
    problems = section(When, f"{text}\n")
    assert len(problems) == 1
    assert said in problems[0]


def test_a_condition_of_no_value_or_an_unknown_one(section) -> None:
    assert "this list is empty" in section(When, "access: []\n")[0]
    assert section(When, "access: wired\n") == ["1:9: `wired` is not known here: use `dot1x`, `mab` or `vpn`"]
    assert "did you mean `noncompliant`?" in section(When, "compliance: non-compliant\n")[0]
    assert "`noncompliant`, `in_grace`" in section(When, "compliance: healthy\n")[0]


def test_hours_of_some_days_one_or_many(section) -> None:
    when = section(When, 'during: {days: [mon, fri], from: "07:00", to: "19:00"}\n')
    (times,) = when.during
    assert (times.days, times.begins, times.ends) == (("mon", "fri"), 420, 1140)
    many = section(When, 'during:\n  - {from: "22:00", to: "05:00"}\n  - {days: sat, from: "00:00", to: "24:00"}\n')
    assert [times.days for times in many.during] == [DAYS, ("sat",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{days: [mon], to: "19:00"}', "1:9: `from` is missing: when they begin"),
        ('{from: "07:00"}', "1:9: `to` is missing: when it ends"),
        ('{from: "7", to: "19:00"}', "1:16: `7` is no time of day"),
        ("{from: 07:00, to: '19:00'}", "1:16: `07:00` is a base-60 number to some YAML readers: quote it"),
        ('{from: "24:00", to: "19:00"}', '1:16: `24:00` is an end: write `"00:00"`'),
        ('{days: [mon, thr], from: "07:00", to: "19:00"}', "1:22: `thr` is not known here: use `mon`, `tue`"),
        ('{day: mon, from: "07:00", to: "19:00"}', "1:10: `day` is no key here, did you mean `days`?"),
        ('{from: "07:00", to: "19:00", zone: x}', "1:38: `zone` is no key here"),
        ("[]", "1:9: this list is empty"),
        ("weekdays", "1:9: `key: value` pairs are wanted here"),
        ('[{from: "07:00", to: "19:00"}, {from: "x", to: "19:00"}]', "1:47: `x` is no time of day"),
    ],
)
def test_hours_that_are_none_are_told_where_they_stand(section, text: str, said: str) -> None:
    (found,) = section(When, f"during: {text}\n")
    assert found.startswith(said)


@pytest.mark.parametrize("key", ["time", "hours", "days", "schedule"])
def test_other_words_for_hours_lead_to_during(section, key: str) -> None:
    assert section(When, f"{key}: x\n") == [f"1:1: `{key}` is no key here: write `during`"]


def test_what_must_not_hold_is_written_in_the_same_words(section) -> None:
    when = section(When, "access: dot1x\nnot: {ssid: Guest, mac: [aabb.cc*], compliance_age: {over: 4h}}\n")
    assert (when.without.ssid, when.without.mac) == (("Guest",), ("AA-BB-CC-*",))
    assert when.without.compliance_age.over == timedelta(hours=4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{acess: mab}", "1:7: `acess` is no key here, did you mean `access`?"),
        ("{access: wired}", "1:15: `wired` is not known here: use `dot1x`, `mab` or `vpn`"),
        ("{not: {access: mab}}", "1:7: `not` is no key here: what must not be not so must be so"),
        ("[{access: mab}]", "1:6: `key: value` pairs are wanted here"),
        ("mab", "1:6: `key: value` pairs are wanted here"),
    ],
)
def test_what_is_wrong_under_not_is_told_where_it_stands(section, text: str, said: str) -> None:
    (found,) = section(When, f"not: {text}\n")
    assert found.startswith(said)


@pytest.mark.parametrize("key", ["unless", "except", "none_of"])
def test_other_words_for_not_lead_to_it(section, key: str) -> None:
    assert section(When, f"{key}: x\n") == [f"1:1: `{key}` is no key here: write `not`"]
