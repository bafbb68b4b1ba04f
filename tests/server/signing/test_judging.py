"""Which NASes can be set to require: by what came, and for how long."""

from __future__ import annotations

import ipaddress

import pytest

from nacd.radius.clients import Client, MessageAuthenticatorRule
from nacd.radius.ledger import Signs, Unsigned
from nacd.server.signing.judging import Verdict, judge
from nacd.values import Nas, Secret

DAY = 86_400.0
NOW = 100 * DAY


def client(name: str, rule: MessageAuthenticatorRule = MessageAuthenticatorRule.AUTO) -> Client:
    return Client(
        nas=Nas(name=name, vendor="generic"),
        networks=(ipaddress.ip_network("10.0.0.0/24"),),
        secret=Secret(b"s3cr3t"),
        message_authenticator=rule,
    )


def signs(nas: str = "a", source: str = "10.0.0.1") -> Signs:
    return Signs(nas=nas, source=source, first=NOW - 30 * DAY, last=NOW, signed=5)


def unsigned(days_ago: float, nas: str = "a") -> Unsigned:
    return Unsigned(nas=nas, source="10.0.0.2", first=NOW - 30 * DAY, last=NOW - days_ago * DAY, taken=1)


@pytest.mark.parametrize(
    ("signing", "bare", "watched_days", "verdict"),
    [
        ([signs()], [], 30, Verdict.SAFE),
        ([signs()], [unsigned(8)], 30, Verdict.SAFE),
        ([signs()], [unsigned(6)], 30, Verdict.UNSIGNED),
        ([], [unsigned(1)], 30, Verdict.UNSIGNED),
        ([signs()], [], 2, Verdict.TOO_EARLY),
        ([], [], 30, Verdict.SILENT),
        ([], [unsigned(20)], 30, Verdict.SILENT),
        ([signs("another")], [unsigned(1, "another")], 30, Verdict.SILENT),
    ],
)
def test_a_nas_is_safe_when_it_was_heard_and_nothing_came_unsigned_for_days(
    signing: list[Signs], bare: list[Unsigned], watched_days: float, verdict: Verdict
) -> None:
    (judged,) = judge([client("a")], signing, bare, NOW - watched_days * DAY, NOW, 7)
    assert judged.verdict is verdict


def test_who_is_set_to_require_needs_nobody_and_comes_last() -> None:
    clients = [client("set", MessageAuthenticatorRule.REQUIRE), client("safe"), client("bad")]
    judged = judge(clients, [signs("safe"), signs("set")], [unsigned(1, "bad"), unsigned(1, "set")], 1.0, NOW, 7)
    assert [(each.client.nas.name, each.verdict.value) for each in judged] == [
        ("bad", "unsigned"),
        ("safe", "safe"),
        ("set", "required"),
    ]


def test_a_nas_that_came_yesterday_has_not_been_quiet_for_a_week() -> None:
    new = Signs(nas="a", source="10.0.0.1", first=NOW - DAY, last=NOW, signed=5)
    (judged,) = judge([client("a")], [signs("another"), new], [], NOW - 30 * DAY, NOW, 7)
    assert judged.verdict is Verdict.TOO_EARLY
