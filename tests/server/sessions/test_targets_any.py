"""Any session at any NAS, asked anything: it fits into a packet, and a codec of somebody else reads what is shown."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from importlib import resources

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyrad.dictionary import Dictionary as Foreign
from pyrad.packet import CoAPacket

from nacd.radius.dynauth.transaction import check, sign
from nacd.server.sessions.targets import Asked, Targets
from nacd.sessions import Grounds, Names, NotOurs, Place, Session, Verb
from nacd.values import AccessKind
from nacd.vendor.dynauth import LeftOut
from tests.server.sessions.nases import NOW, VENDORS, certificate, pending, session, standing

TEXTS = st.text(max_size=260) | st.sampled_from(["", "aa:bb:cc:00:11:22", "AABB.CC00.1122", "1", "192.0.2.1", "::1"])
NAMINGS = st.builds(Names, acct_session_id=TEXTS, acct_multi_session_id=TEXTS, audit_session_id=TEXTS, user_name=TEXTS)
PLACES = st.builds(
    Place,
    nas=st.just(""),
    source=st.just(""),
    nas_identifier=TEXTS,
    nas_address=TEXTS,
    port=TEXTS,
    port_id=TEXTS,
    port_type=st.sampled_from(["", "Ethernet", "Wireless-802.11", "Virtual", "99"]),
    calling_station_id=TEXTS,
    framed_address=TEXTS,
)
KNOWN = ("staff", "fix", "far", "bare", "marked", "split", "joined")
ANY_PROFILE = st.sampled_from(("", "renamed", *KNOWN))
NEVER = {"Class", "State", "Event-Timestamp", "Message-Authenticator", "User-Password", "MS-MPPE-Send-Key"}


@st.composite
def any_session(draw: st.DrawFn, name: str) -> Session:
    made = session(name, access=draw(st.sampled_from(AccessKind)), voice=draw(st.booleans()))
    own = draw(st.booleans())
    where = replace(draw(PLACES), nas=name, source=made.place.source)
    grounds = replace(made.grounds, certificate=certificate(draw(st.floats(0, 2 * NOW))))  # type: ignore[type-var]
    return replace(
        made,
        place=made.place if own else where,
        names=made.names if own else draw(NAMINGS),
        standing=draw(st.sampled_from((made.standing, standing("fix", digest="older"), NotOurs()))),
        grounds=draw(st.sampled_from((made.grounds, grounds, NotOurs()))),
        wish=pending(draw(ANY_PROFILE), draw(st.integers(0, 100_000))),
    )


@pytest.fixture(scope="module")
def foreign() -> Foreign:
    """Our dictionaries as pyrad reads them."""
    read = Foreign()
    files = [file for file in resources.files("nacd.radius.dictionaries").iterdir() if file.name.endswith(".dict")]
    for file in sorted(files, key=lambda file: (file.name != "rfc.dict", file.name)):
        read.ReadDictionary(io.StringIO(file.read_text("utf-8")))
    return read


def typed(value: object, kind: str) -> object:
    """As pyrad gives it: a number by its name where it has one."""
    return str(value) if kind in ("integer", "string", "ipaddr", "ipv6addr") else value


def assert_it_is_read_as_shown(said: Asked, foreign: Foreign) -> None:
    assert check(said.code, said.attributes) is said.code
    secret = said.secret.reveal()
    signed = sign(said.code, said.attributes, identifier=7, secret=secret, event_timestamp=int(NOW)).octets
    read = CoAPacket(packet=signed, secret=secret, dict=foreign)
    assert read.VerifyCoARequest()
    assert read.verify_message_authenticator()
    theirs = Counter(
        (name, typed(value, foreign[name].type))
        for name in map(str, read.keys())
        if name not in ("Message-Authenticator", "Event-Timestamp")
        for value in read[name]
    )
    assert theirs == Counter((each.name, typed(each.value, foreign[each.name].type)) for each in said.shown)
    assert NEVER.isdisjoint(each.name for each in said.shown)


@pytest.mark.parametrize("vendor", VENDORS)
@given(data=st.data(), before=ANY_PROFILE, after=ANY_PROFILE, narrow=st.booleans())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_request_can_be_sent_and_pyrad_reads_in_it_what_is_shown(
    targets: Targets, foreign: Foreign, vendor: str, data: st.DataObject, before: str, after: str, narrow: bool
) -> None:
    asked = data.draw(any_session(vendor))
    possible, left_out = targets.rungs(asked, before, after), targets.left_out(asked, before, after)
    assert all(each.reason for each in left_out)
    assert {each.number for each in possible}.isdisjoint(each.number for each in left_out)
    for rung in possible:
        said = targets.request(rung, asked, after, narrow)
        if isinstance(said, LeftOut):
            # Named once, it fits; only a second name may be missing.
            assert narrow, said
            assert said.reason
            continue
        assert_it_is_read_as_shown(said, foreign)
        assert (said.target.nas, said.target.host) == (vendor, asked.place.source)


@pytest.mark.parametrize("after", KNOWN)
@given(data=st.data(), before=st.sampled_from(KNOWN))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_profile_that_is_pushed_can_be_read(
    targets: Targets, foreign: Foreign, after: str, data: st.DataObject, before: str
) -> None:
    asked = replace(
        data.draw(any_session("cisco-asa")), names=Names(audit_session_id=data.draw(st.text("0aF", min_size=1)))
    )
    (push,) = [rung for rung in targets.rungs(session("cisco-asa", access=AccessKind.VPN), after, after) if rung.push]
    said = targets.request(push, asked, after)
    if isinstance(said, LeftOut):
        assert not isinstance(asked.grounds, Grounds) or asked.grounds.access is not AccessKind.VPN or after == "bare"
        return
    assert_it_is_read_as_shown(said, foreign)
    assert push.verb is Verb.PUSH
    assert ("Session-Timeout" in {each.name for each in said.shown}) >= (after in ("staff", "fix"))
