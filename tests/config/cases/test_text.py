"""A case as it is written: its words, and what is said to one who writes others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nacd.config.cases.text import Given, moment
from nacd.config.policy_conditions import When

CASE = "cases:\n  - {name: a, given: {access: dot1x, nas: sw, identity: certificate}, expect: {rule: good}}\n"


def test_every_condition_of_a_rule_can_be_given_or_says_how_it_is() -> None:
    keys = {field.alias or name for name, field in When.model_fields.items()}
    assert keys <= set(Given.model_fields) | set(Given.hints)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("nas: sw", "nas: sw, group: wired", "2:47: `group` is no key here: the groups are those of the `nas`"),
        ("nas: sw", "naas: sw", "2:38: `naas` is no key here, did you mean `nas`?"),
        ("identity: certificate", "identity: cert", "2:57: `cert` is not known here: use `certificate`"),
        ("access: dot1x", "access: [dot1x, mab]", "2:31: one value is wanted here: a case is one login"),
        ("access: dot1x, ", "", "2:22: `access` is missing: how the endpoint comes"),
        ("given:", "when:", "2:15: `when` is no key here: write `given`"),
        ("expect: {rule: good}", "expect: {then: corp}", "`then` is no key here: write `profile`, or `effect: deny`"),
        ("nas: sw", "nas: sw, time: noon", '`noon` is no time: write as in `"mon 09:00"`'),
        ("nas: sw", "nas: sw, compliance_age: 4", "`4` has no unit"),
        ("nas: sw", "nas: sw, mac: printer", "`printer` is no MAC address"),
        ("rule: good", "attributes: {Service-Type: 6}", "the attribute `Service-Type` cannot be set here"),
        ("cases:", "tests:", "1:1: `tests` is no key here: write `cases`"),
    ],
)
def test_what_is_wrong_has_its_place_and_a_way_out(
    refused: Callable[[str], list[str]], old: str, new: str, said: str
) -> None:
    assert any(said in line for line in refused(CASE.replace(old, new, 1))), refused(CASE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("mon 09:00", datetime(2026, 1, 5, 8, 0, tzinfo=UTC)),
        ("sun 23:59", datetime(2026, 1, 11, 22, 59, tzinfo=UTC)),
        ("2026-07-01 00:30", datetime(2026, 6, 30, 22, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_that_of_the_clock_of_the_policy(text: str, at: datetime) -> None:
    assert moment(text, ZoneInfo("Europe/Berlin")) == at.timestamp()


@pytest.mark.parametrize(
    "text", ["mon", "monday 09:00", "mon 24:00", "mon 9:00", "2026-02-30 09:00", "2026-02-03T09:00", ""]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"no time|an end|in no calendar|time of day"):
        moment(text, UTC)


def test_a_session_timeout_may_be_expected_though_no_profile_may_send_it_raw(
    refused: Callable[[str], list[str]],
) -> None:
    assert refused(CASE.replace("rule: good", "attributes: {Session-Timeout: 28800}")) == []
