"""Telling the languages of downloadable access lists apart."""

from __future__ import annotations

import pytest

from nacd.vendor.filter_lines import EXAMPLES, LANGUAGES, first_foreign, other_language

LINES = {
    "cisco": [
        "permit ip any any",
        "deny tcp any host 10.0.0.1 eq 443",
        "permit udp any any range 67 68",
        "permit icmp any 10.0.0.0 0.0.0.255 echo",
        "permit 50 any any",
        "remark only DNS",
    ],
    "ipfilter-in": [
        "permit in ip from any to any",
        "deny in 17 from 10.0.0.0/8 to any 53",
        "permit in tcp from any 1024-65535 to !10.0.0.1 443,8443 established",
    ],
    "ipfilter": ["permit out ip from 10.0.0.1 to any", "deny out icmp from any to any"],
    "junos": [
        "Match Destination-ip 10.0.0.1, Destination-port 443 Action allow",
        "match ip-protocol 17,action deny",
        "Match Source-vlan 5 Action deny, forwarding-class best-effort",
    ],
}


@pytest.mark.parametrize(
    ("language", "line"), [(language, line) for language, lines in LINES.items() for line in lines]
)
def test_a_line_is_of_its_own_language_and_of_no_unrelated_one(language: str, line: str) -> None:
    readers = {name for name in LANGUAGES if not first_foreign([line], name)}
    assert readers == ({"ipfilter", "ipfilter-in"} if language == "ipfilter-in" else {language})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_of_a_language_is_of_that_language(language: str) -> None:
    assert not first_foreign([EXAMPLES[language]], language)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "permit",
        "permit ip any",
        "permitt ip any any",
        "permit ip any any\n",
        "permit in ip from any",
        "Match Destination-ip 10.0.0.1",
        "access-list 1 permit any",
        "10 permit ip any any",
    ],
)
def test_a_half_line_is_of_no_language(line: str) -> None:
    assert all(first_foreign([line], language) == 1 for language in LANGUAGES)


def test_the_first_foreign_line_is_counted_from_one() -> None:
    assert first_foreign(["permit ip any any", "permit in ip from any to any"], "cisco") == 2
    assert first_foreign([], "cisco") == 0


def test_another_language_must_hold_all_the_lines() -> None:
    assert other_language(["permit in ip from any to any"], "cisco") == "ipfilter"
    assert other_language(["permit ip any any"], "junos") == "cisco"
    assert other_language(["permit ip any any", "permit in ip from any to any"], "junos") == ""
