"""CEF events, read back by a reader that was written from the format's description alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from nacd.audit.catalogue import EVENTS
from nacd.audit.mapping import cef
from nacd.audit.mapping.record import Record
from tests.audit.mapping.samples import HOSTILE, VERSION, made, records, sample

# ArcSight's dictionary, "Common Event Format Implementation Standard" version 26: the producer's keys used here.
_KEYS = (
    "act app cat cnt deviceInboundInterface dhost dst end externalId msg outcome reason rt shost smac src start suser"
)
DICTIONARY = {*_KEYS.split(), "c6a2", "c6a2Label", "c6a3", "c6a3Label"} | {
    f"cs{n}{tail}" for n in range(1, 7) for tail in ("", "Label")
}


def read_cef(octets: bytes) -> tuple[list[str], dict[str, str]]:
    """Header and extension. A `|` or `=` counts where an even number of backslashes stands before it."""
    text = octets.decode("utf-8")
    assert text.startswith("CEF:0|")
    parts, at = [], 0
    for _ in range(7):
        part = ""
        while text[at] != "|":
            if text[at] == "\\":
                assert text[at + 1] in "\\|", "an escape that the header does not have"
                at += 1
            part += text[at]
            at += 1
        parts.append(part)
        at += 1
    rest = text[at:]
    found: dict[str, str] = {}
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", rest))
    keys = [key for key in keys if not _escaped(rest, key.end() - 1)]
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        assert key[1] not in found, f"`{key[1]}` is there twice"
        value = rest[key.end() : following.start() if following else len(rest)]
        assert not re.search(r"(?<!\\)(?:\\\\)*=", value)
        found[key[1]] = re.sub(r"\\(.)", r"\1", value)
    return parts, found


def _escaped(text: str, at: int) -> bool:
    backslashes = len(text[:at]) - len(text[:at].rstrip("\\"))
    return backslashes % 2 == 1


@pytest.mark.parametrize("code", EVENTS)
def test_every_event_of_the_table_is_an_event_with_known_keys(code: str) -> None:
    header, extension = read_cef(cef.event(sample(code), VERSION))
    severity = {"I": "3", "W": "6", "E": "8"}[code[-1]]
    assert header == ["CEF:0", "nacd", "nacd", VERSION, code, EVENTS[code].name, severity]
    assert set(extension) <= DICTIONARY
    assert extension["externalId"] == "18"
    assert extension["rt"] == "1795375260123"


def test_a_value_that_looks_like_another_key_stays_a_value() -> None:
    record = made({"code": "A1003W", "event": "access.eap_failed", "why": "x", "endpoint": {"user_name": HOSTILE}})
    _, extension = read_cef(cef.event(record, VERSION))
    assert "src" not in extension
    assert extension["msg"] == "x"
    assert "msg=x src=1.2.3.4" in extension["suser"]
    assert "\\" in extension["suser"]


def test_values_are_as_long_as_the_dictionary_allows() -> None:
    record = made({"code": "A1001I", "event": "access.accept", "why": "=" * 5_000, "decision": {"effect": "e" * 500}})
    _, extension = read_cef(cef.event(record, VERSION))
    assert (len(extension["msg"]), len(extension["act"])) == (1_023, 63)


def test_addresses_of_version_six_have_their_own_keys() -> None:
    record = made({"code": "A1001I", "event": "access.accept", "nas": {"source": "2001:db8::1"}})
    _, extension = read_cef(cef.event(record, VERSION))
    assert (extension["c6a3"], "dst" in extension) == ("2001:db8::1", False)


@settings(max_examples=400, deadline=None)
@given(records())
def test_whatever_a_stranger_said_it_is_one_event_with_known_keys(record: Record) -> None:
    octets = cef.event(record, VERSION)
    assert not re.search(rb"[\x00-\x1f\x7f]", octets)
    header, extension = read_cef(octets)
    assert header[:4] == ["CEF:0", "nacd", "nacd", VERSION]
    assert set(extension) <= DICTIONARY
