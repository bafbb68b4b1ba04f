"""Reading the ``dynauth:`` section of a vendor's rows, and refusing every mistake in it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.sessions import Verb
from nacd.values import AccessKind, Attribute
from nacd.vendor.dynauth_model import (
    ClassUse,
    Identification,
    Inclusion,
    PacketKind,
    Selector,
    Spelling,
    parse_dynauth,
)
from nacd.vendor.model import Standing

SHIPPED = Path(__file__).resolve().parent.parent.parent / "nacd" / "vendor" / "profiles"
SECTION: dict[str, Any] = {
    "port": {"number": 1700, "source": "page 1", "standing": "documented"},
    "class": {"use": "free", "source": "page 2", "standing": "assumed"},
    "event_timestamp": {"use": "required", "source": "page 3", "standing": "documented"},
    "message_authenticator": {"use": "omit", "source": "page 4", "standing": "assumed"},
    "voice": [{"name": "Cisco-AVPair", "values": ["voice"], "source": "page 5", "standing": "documented"}],
    "identify": [{"by": ["calling_station_id", "user_name"], "spelling": "lower-plain", "required": True}],
    "narrow": [{"by": ["nas_port"]}],
    "ladder": [
        {
            "verb": "reauthenticate",
            "packet": "coa",
            "access": ["dot1x", "mab"],
            "attributes": [{"name": "Cisco-AVPair", "value": "again"}, {"name": "Number", "value": 12}],
            "unchanged": ["Filter-Id"],
            "source": "page 6",
            "standing": "documented",
        },
        {"verb": "push", "packet": "coa", "source": "page 7", "standing": "assumed"},
        {
            "verb": "disconnect",
            "packet": "disconnect",
            "port": 3799,
            "identify": [{"by": ["acct_session_id"], "required": True}],
            "narrow": [],
            "source": "page 8",
            "standing": "assumed",
        },
    ],
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    section = copy.deepcopy(SECTION)
    change(section)
    return {"title": "a made-up vendor", "dynauth": section}


def test_the_section_becomes_values() -> None:
    dynauth = parse_dynauth("made-up", {"dynauth": SECTION})
    assert (dynauth.vendor, dynauth.port, dynauth.class_use) == ("made-up", 1700, ClassUse.FREE)
    assert (dynauth.event_timestamp, dynauth.message_authenticator) == (Inclusion.REQUIRED, Inclusion.OMIT)
    assert dynauth.class_attribute.source == "page 2"
    assert dynauth.voice[0].values == {"voice"}
    first, push, last = dynauth.ladder
    assert (first.number, first.verb, first.packet, first.port) == (0, Verb.REAUTHENTICATE, PacketKind.COA, 1700)
    assert first.access == {AccessKind.DOT1X, AccessKind.MAB}
    assert first.attributes == (Attribute(name="Cisco-AVPair", value="again"), Attribute(name="Number", value=12))
    assert first.unchanged == {"Filter-Id"}
    assert first.identify == (
        Selector(
            names=(Identification.CALLING_STATION_ID, Identification.USER_NAME),
            required=True,
            spelling=Spelling.LOWER_PLAIN,
        ),
    )
    assert first.narrow == (Selector(names=(Identification.NAS_PORT,)),)
    assert push.access == set(AccessKind)
    assert (last.number, last.port, last.standing) == (2, 3799, Standing.ASSUMED)
    assert last.identify == (Selector(names=(Identification.ACCT_SESSION_ID,), required=True),)
    assert last.narrow == ()


@pytest.mark.parametrize(
    "path", sorted(set(SHIPPED.glob("*.yaml")) - {SHIPPED / "palo-alto.yaml"}), ids=lambda path: path.stem
)
def test_every_shipped_vendor_says_where_each_row_is_from(path: Path) -> None:
    dynauth = parse_dynauth(path.stem, yaml.safe_load(path.read_text()))
    rows = (dynauth.default_port, dynauth.class_attribute, dynauth.timestamp, dynauth.signature)
    for row in (*rows, *dynauth.voice, *dynauth.ladder):
        assert row.source
        assert row.standing in Standing


LADDER = "ladder"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.update(colour="red"), "the section has an unknown key `colour`"),
        (lambda s: s.pop("port"), "`port` must be a mapping"),
        (lambda s: s["port"].update(number=0), "`port` needs a `number` from 1 to 65535"),
        (lambda s: s["port"].update(number="1700"), "`number` in `port` must be of type int"),
        (lambda s: s["port"].update(number=True), "`number` in `port` must be of type int"),
        (lambda s: s["port"].pop("source"), "`port` needs `source` and `standing`"),
        (lambda s: s["class"].update(use="ours"), "`ours` in `class` is none of free, group_policy, unknown"),
        (lambda s: s["class"].update(standing="sure"), "`sure` in `class` is none of documented, assumed"),
        (lambda s: s["event_timestamp"].pop("use"), "in `event_timestamp` is none of required, ok, omit"),
        (lambda s: s.update(message_authenticator="ok"), "`message_authenticator` in the section must be of type dict"),
        (lambda s: s["voice"].append("phone"), "a row of `voice` must be a mapping"),
        (lambda s: s["voice"][0].pop("name"), "a row of `voice` needs a `name`"),
        (lambda s: s.update(ladder=[]), "`ladder` needs at least one verb"),
        (lambda s: s[LADDER].append(7), "row 4 of `ladder` must be a mapping"),
        (lambda s: s[LADDER][0].update(verb="shout"), "`shout` in row 1 of `ladder` is none of reauthenticate"),
        (lambda s: s[LADDER][0].update(packet="dm"), "`dm` in `reauthenticate` is none of coa, disconnect"),
        (lambda s: s[LADDER][0].update(packet="disconnect"), "`reauthenticate` cannot be a Disconnect-Request"),
        (lambda s: s[LADDER][0].update(access=["wifi"]), "`wifi` in `reauthenticate` is none of dot1x, mab, vpn"),
        (lambda s: s[LADDER][0].update(access=[]), "`reauthenticate` is for no kind of access"),
        (lambda s: s[LADDER][0].pop("attributes"), "`reauthenticate` is a CoA-Request and needs `attributes`"),
        (lambda s: s[LADDER][0]["attributes"][0].pop("value"), "needs `name` and `value`"),
        (lambda s: s[LADDER][0]["attributes"][0].update(value=True), "needs `name` and `value`"),
        (lambda s: s[LADDER][0]["attributes"][0].update(name="User-Password"), "must not name `User-Password`"),
        (lambda s: s[LADDER][0]["attributes"][0].update(name="state"), "must not name `state`"),
        (lambda s: s[LADDER][0].pop("source"), "`reauthenticate` needs `source` and `standing`"),
        (lambda s: s[LADDER][0].update(verb="push"), "`push` stands twice for dot1x"),
        (lambda s: s[LADDER][2].update(attributes=[{"name": "Filter-Id", "value": "x"}]), "RFC 5176 section 3"),
        (lambda s: s[LADDER][2].update(port=70_000), "`port` of `disconnect` is outside 1 to 65535"),
        (lambda s: s[LADDER][2].update(identify=[]), "`disconnect` requires nothing that names a session"),
        (lambda s: s["identify"][0].update(required=False), "`push` requires nothing that names a session"),
        (
            lambda s: s[LADDER][2].update(identify=[{"by": ["nas_address"], "required": True}]),
            "`disconnect` requires nothing that names a session",
        ),
        (
            lambda s: s[LADDER][2].update(identify=[{"by": ["acct_session_id", "nas_identifier"], "required": True}]),
            "`disconnect` requires nothing that names a session",
        ),
        (lambda s: s["identify"][0].update(by=[]), "an identification of `reauthenticate` needs `by`"),
        (lambda s: s["identify"][0].update(by=["colour"]), "`colour` in `by` of `reauthenticate` is none of"),
        (lambda s: s["identify"][0].update(spelling="dots"), "`dots` in `spelling` of `reauthenticate` is none of"),
        (lambda s: s["narrow"][0].update(spelling="upper-plain"), "is for calling_station_id and user_name"),
        (lambda s: s["narrow"][0].update(required=True), "`narrow` of `reauthenticate` cannot require anything"),
    ],
)
def test_a_mistake_in_the_section_is_refused_in_words(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(ValueError) as refusal:
        parse_dynauth("made-up", changed(change))
    assert words in str(refusal.value)
    assert "vendor `made-up`, dynauth: " in str(refusal.value)


def test_rows_without_the_section_are_refused() -> None:
    with pytest.raises(ValueError, match="vendor `made-up`, dynauth: the section must be a mapping"):
        parse_dynauth("made-up", {"title": "a made-up vendor"})


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["coa", "disconnect", "push"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = st.sampled_from(
    [(key,) for key in SECTION]
    + [(LADDER, row, key) for row in range(3) for key in (*SECTION[LADDER][0], "port", "identify", "narrow")]
    + [("identify", 0, key) for key in ("by", "required", "spelling")]
    + [("voice", 0, key) for key in ("name", "values", "source", "standing")]
)


@given(place=PLACES, value=PLAIN)
@settings(max_examples=400, deadline=None)
def test_whatever_stands_in_the_section_is_read_or_refused_in_words(place: tuple[Any, ...], value: Any) -> None:
    def put(section: dict[str, Any]) -> None:
        inner: Any = section
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value

    said = ""
    try:
        parse_dynauth("made-up", changed(put))
    except ValueError as refusal:
        said = str(refusal)
    assert not said or said.startswith("vendor `made-up`, dynauth: ")
