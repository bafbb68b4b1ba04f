"""RFC 5424 messages and their framing, read back by a reader that was written from the RFC's grammar alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.audit.catalogue import EVENTS
from nacd.audit.mapping import syslog
from nacd.audit.mapping.formats import FORMATS
from nacd.audit.mapping.record import Record
from nacd.audit.mapping.syslog import Shape
from tests.audit.mapping.samples import HOSTILE, VERSION, made, records, sample

SHAPE = Shape(hostname="nac1.example.net", version=VERSION)
_MESSAGE = re.compile(
    rb"<(?P<pri>[0-9]{1,3})>1 (?P<time>-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)"
    rb" (?P<host>[\x21-\x7e]{1,255}) (?P<app>[\x21-\x7e]{1,48}) (?P<proc>[\x21-\x7e]{1,128}) (?P<id>[\x21-\x7e]{1,32})"
    rb' (?P<sd>-|(?:\[[\x21-\x7e]{1,32}(?: [\x21-\x7e]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\])+)(?: (?P<msg>.*))?',
    re.DOTALL,
)


def read_syslog(octets: bytes) -> dict[str, bytes]:
    found = _MESSAGE.fullmatch(octets)
    assert found, octets[:200]
    return {name: value or b"" for name, value in found.groupdict().items()}


def unframed(stream: bytes) -> list[bytes]:
    """Octet counting: MSG-LEN SP SYSLOG-MSG, one behind the other."""
    found = []
    while stream:
        length, _, stream = stream.partition(b" ")
        assert length.isdigit()
        assert not length.startswith(b"0")
        found.append(stream[: int(length)])
        assert len(found[-1]) == int(length)
        stream = stream[int(length) :]
    return found


@pytest.mark.parametrize("code", EVENTS)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_event_in_every_format_is_one_message(code: str, format_: str) -> None:
    record = sample(code)
    body = FORMATS[format_](record, VERSION)
    read = read_syslog(syslog.message(SHAPE, record, body))
    severity = {"I": 6, "W": 4, "E": 3}[code[-1]]
    assert (int(read["pri"]), read["id"], read["msg"]) == (10 * 8 + severity, code.encode(), body)
    assert read["time"] == b"2026-11-22T19:21:00.123Z"
    assert b'seq="18"' in read["sd"]


@pytest.mark.parametrize(("facility", "number"), [("authpriv", 10), ("local7", 23), ("user", 1)])
def test_facilities_have_the_numbers_of_the_rfc(facility: str, number: int) -> None:
    message = syslog.message(Shape(facility=syslog.FACILITIES[facility]), sample("A1001I"), b"x")
    assert int(read_syslog(message)["pri"]) // 8 == number


def test_a_message_that_is_too_long_is_cut_between_characters_and_says_how_long_it_was() -> None:
    shape = Shape(hostname="h", longest=2_048, version=VERSION)
    body = ("é" * 3_000).encode()
    message = syslog.message(shape, sample("A1001I"), body)
    read = read_syslog(message)
    assert 2_030 < len(message) <= 2_048
    assert b'cut="6000"' in read["sd"]
    assert body.startswith(read["msg"])
    assert set(read["msg"].decode()) == {"é"}


@given(st.integers(1_300, 2_100))
def test_a_message_is_never_longer_than_allowed_and_cut_only_if_it_has_to_be(length: int) -> None:
    shape = Shape(hostname="h" * 300, longest=2_048, version=VERSION)
    message = syslog.message(shape, sample("A1001I"), b"x" * length)
    assert len(message) <= 2_048
    cut = b"cut=" in read_syslog(message)["sd"]
    assert cut == (
        len(syslog.message(Shape(hostname="h" * 300, version=VERSION), sample("A1001I"), b"x" * length)) > 2_048
    )


def test_a_host_name_that_is_none_is_made_one() -> None:
    read = read_syslog(syslog.message(Shape(hostname="my host\n<1>"), sample("A1001I"), b"x"))
    assert read["host"] == b"my?host?<1>"
    assert read_syslog(syslog.message(Shape(hostname=""), sample("A1001I"), b"x"))["host"] == b"-"


@given(st.text(max_size=40))
def test_a_parameter_reads_back_as_it_was(text: str) -> None:
    escaped = syslog.parameter(text)
    assert re.fullmatch(r'(?:[^"\\\]]|\\["\\\]])*', escaped, re.DOTALL)
    assert re.sub(r'\\(["\\\]])', r"\1", escaped) == text


@settings(max_examples=200, deadline=None)
@given(st.lists(records(), min_size=1, max_size=4), st.sampled_from(sorted(FORMATS)))
def test_no_stranger_ends_a_message_or_begins_another(many: list[Record], format_: str) -> None:
    bodies = [FORMATS[format_](record, VERSION) for record in many]
    messages = [syslog.message(SHAPE, record, body) for record, body in zip(many, bodies, strict=True)]
    counted = unframed(b"".join(syslog.counted(message) for message in messages))
    lines = b"".join(syslog.line(message) for message in messages).split(b"\n")
    assert counted == messages
    assert lines == [*messages, b""]
    assert [read_syslog(message)["msg"] for message in counted] == bodies


def test_a_forged_message_in_a_name_stays_in_its_message() -> None:
    record = made({"code": "A1003W", "event": "access.eap_failed", "endpoint": {"user_name": HOSTILE}})
    for convert in FORMATS.values():
        assert syslog.line(syslog.message(SHAPE, record, convert(record, VERSION))).count(b"\n") == 1
