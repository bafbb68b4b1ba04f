"""Which records fit a question."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.audit.asking.filters import Query, WrongQuestion, clause, field, matcher, words

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
RECORD: dict[str, Any] = {
    "code": "A1002I",
    "event": "access.reject",
    "time": "2026-11-22T12:00:00.000Z",
    "why": "the certificate expired",
    "nas": {"name": "campus-3", "source": "10.20.0.1", "groups": ["wired", "campus"]},
    "identity": {"id": GUID},
    "decision": {"effect": "deny", "rule": "Default-Deny", "profile": ""},
    "certificate": {"serial": "0a0b"},
    "latency_ms": 12.5,
    "monitored": False,
    "seq": 18,
}


def fits(**changes: Any) -> bool:
    return Query(**changes).fits(RECORD)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("device", GUID.upper()),
        ("device", f"{{{GUID}}}"),
        ("device", f"entra:{GUID}"),
        ("nas", "CAMPUS-3"),
        ("nas", "campus*"),
        ("nas", "10.20.*"),
        ("site", "wired"),
        ("rule", "default-deny"),
        ("rule", "*deny"),
        ("effect", "deny"),
        ("code", "a1002i"),
        ("code", "A1002I"),
        ("code", "access.*"),
        ("serial", "0A:0B"),
        ("serial", "0x0A0B"),
        ("serial", "A0B"),
    ],
)
def test_a_value_is_found_however_it_is_written(kind: str, value: str) -> None:
    assert fits(clauses=(clause(kind, [value]),))


@pytest.mark.parametrize(
    ("kind", "value"), [("nas", "campus"), ("rule", "deny*"), ("code", "access.rejec"), ("effect", "allow")]
)
def test_a_part_of_a_value_is_not_the_value(kind: str, value: str) -> None:
    assert not fits(clauses=(clause(kind, [value]),))


def test_values_of_one_option_are_alternatives_and_options_are_not() -> None:
    assert fits(clauses=(clause("nas", ["other", "campus-3"]), clause("effect", ["deny"])))
    assert not fits(clauses=(clause("nas", ["other", "campus-3"]), clause("effect", ["allow"])))


@pytest.mark.parametrize(
    "said",
    [
        "decision.rule=default-deny",
        "decision.rule!=other",
        "decision.profile=",
        "no.such.field=",
        "nas.groups=campus",
        "nas.groups[]=campus",
        "why~EXPIRED",
        "latency_ms>12",
        "latency_ms<12.6",
        "latency_ms=12.5",
        "time>2026-11-22t11",
        "monitored=false",
        "seq=18",
    ],
)
def test_any_field_can_be_asked_for(said: str) -> None:
    assert fits(fields=(field(said),))


@pytest.mark.parametrize(
    "said", ["decision.rule=other", "decision.rule!=default-deny", "why~valid", "latency_ms>13", "nas=x", "why>3"]
)
def test_a_field_that_does_not_fit_leaves_the_record_out(said: str) -> None:
    assert not fits(fields=(field(said),))


def test_words_are_looked_for_in_every_text_and_number() -> None:
    assert fits(words=("certificate exp", "campus-3", "18"))
    assert not fits(words=("certificate exp", "certificate-"))


def test_a_span_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    noon_ms = 1_795_348_800_000
    assert fits(since_ms=noon_ms, until_ms=noon_ms + 1)
    assert not fits(since_ms=noon_ms + 1)
    assert not fits(until_ms=noon_ms)
    assert not Query(since_ms=0).fits({"why": "it does not say when"})


def test_a_record_has_a_number() -> None:
    assert fits(seq=18)
    assert not fits(seq=1)


def test_words_that_look_like_something_are_taken_for_it() -> None:
    clauses, rest = words([GUID, "00:50:b6:aa:bb:cc", "A1003W", "access.*", "Expired", " "])
    assert [each.kind for each in clauses] == ["device", "mac", "code", "code"]
    assert rest == ("expired",)


def test_names_of_people_and_hosts_with_a_point_in_them_are_no_events() -> None:
    assert words(["alice.smith", "Example.com"]) == ((), ("alice.smith", "example.com"))


@pytest.mark.parametrize(
    ("kind", "value"), [("device", "pc-1"), ("mac", "00-50"), ("effect", "maybe"), ("user", " "), ("mac", "*")]
)
def test_what_cannot_be_asked_is_told(kind: str, value: str) -> None:
    with pytest.raises(WrongQuestion, match=kind):
        clause(kind, [value])


@pytest.mark.parametrize("said", ["decision", "=x", "a b=c", "9=3"])
def test_a_field_without_path_or_value_is_told(said: str) -> None:
    with pytest.raises(WrongQuestion, match=r"decision\.profile=quarantine"):
        field(said)


@pytest.mark.parametrize(
    ("asked", "value", "fits"),
    [
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "abcbxc", True),
        ("a*b*c", "acb", False),
        ("*ab*ab", "abab", True),
        ("*ab*ab", "aab", False),
        ("a*a", "a", False),
        ("*", "", True),
        ("**", "x\ny", True),
        ("x*", "ax", False),
        ("*.b*", "a.b.b.c", True),
        ("*a*a*a*a*a*a*a*a*b", "a" * 253, False),
    ],
)
def test_stars_stand_for_anything_and_many_of_them_take_no_time(asked: str, value: str, fits: bool) -> None:
    assert matcher((asked, "no such"))(value) is fits
