"""What an answer leaves behind."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from nacd import admit
from nacd.admit import Ticket
from nacd.sessions import Grounds, Place
from nacd.store.live.codec import Codec
from nacd.values import (
    NO_LINK,
    NOT_ASKED,
    AccessKind,
    AccessRequest,
    AccountingRequest,
    Authentication,
    CertificateFacts,
    Decision,
    Effect,
    Facts,
    Link,
    Named,
    Nas,
    Unidentified,
)

T = 1_800_000_000.0
SWITCH = Nas(name="switch", vendor="generic")
REQUEST = AccessRequest(
    nas=SWITCH,
    source="10.0.0.1",
    source_port=40_000,
    user_name="host/laptop",
    nas_port="7",
    nas_port_type="Ethernet",
    calling_station_id="00-11-85-AA-BB-CC",
    acct_session_id="0001",
    cisco_av_pairs=("audit-session-id=0A01",),
)
NAMED = Named(access=AccessKind.DOT1X, identity=Unidentified(reason="a test"), attempts=(), mac="00-11-85-AA-BB-CC")
DECISION = Decision(effect=Effect.ALLOW, rule="r", profile="corporate", reasons=("so",), policy_digest="d")
CERTIFICATE = CertificateFacts(
    anchor="a",
    issuer="CN=ca",
    subject="CN=laptop",
    serial="01",
    fingerprint="f",
    not_before=T - 1,
    not_after=T + 100,
    common_name="laptop",
)


def authorized(timeout_s: int = 0, named: Named = NAMED, ticket: Ticket = admit.NO_TICKET) -> admit.Authorized:
    known = admit.grounds(REQUEST, named, "mac:001185AABBCC", admit.link(REQUEST))
    return admit.authorized(REQUEST, known, admit.standing(DECISION, NOT_ASKED, T, timeout_s), ticket, voice=False)


@given(st.binary(min_size=16, max_size=16), st.lists(st.binary(max_size=40), max_size=3))
def test_the_token_of_an_accept_is_found_again_among_all_that_a_nas_returns(token: bytes, others: list[bytes]) -> None:
    (attribute,) = Ticket(token=token.hex()).attributes
    assert isinstance(attribute.value, bytes)
    assert attribute.name == "Class"
    strange = [each for each in others if not each.startswith(b"nacd:")]
    assert admit.token_in([*strange, attribute.value]) == token.hex()


@given(st.binary(max_size=60))
def test_what_others_put_into_class_is_no_token(value: bytes) -> None:
    if value.startswith(b"nacd:") and len(value) == 21:
        value = value[:-1]
    assert admit.token_in([value]) == ""


def test_an_accept_without_token_and_name_carries_nothing_more() -> None:
    assert admit.NO_TICKET.attributes == ()


def test_a_session_ends_with_its_timeout_or_its_certificate_whichever_is_first() -> None:
    shown = replace(NAMED, certificate=CERTIFICATE)
    assert authorized().ends_at == 0.0
    assert authorized(50).ends_at == T + 50
    assert authorized(50, shown).ends_at == T + 50
    assert authorized(500, shown).ends_at == T + 100
    assert authorized(0, shown).ends_at == T + 100


def test_all_names_and_the_place_of_a_request_are_kept() -> None:
    begun = authorized(ticket=Ticket(token="ab" * 16, chargeable="c"))
    assert begun.place == Place(
        nas="switch", source="10.0.0.1", port="7", port_type="Ethernet", calling_station_id="00-11-85-AA-BB-CC"
    )
    names = begun.names
    assert (names.acct_session_id, names.audit_session_id, names.user_name) == ("0001", "0A01", "host/laptop")
    assert (names.token, names.chargeable_user_identity) == ("ab" * 16, "c")


def test_an_address_that_names_nobody_is_not_kept_as_a_calling_station() -> None:
    assert admit.place(replace(REQUEST, calling_station_id="00-00-00-00-00-00")).calling_station_id == ""


def test_accounting_is_placed_by_the_same_words() -> None:
    record = AccountingRequest(
        nas=SWITCH, source="10.0.0.1", source_port=1, status_type="Start", nas_port="7", framed_address="192.0.2.9"
    )
    assert admit.place(record) == Place(nas="switch", source="10.0.0.1", port="7", framed_address="192.0.2.9")


def test_the_policy_sees_the_same_facts_when_a_decision_is_made_again() -> None:
    shown = replace(NAMED, certificate=CERTIFICATE, user="ada", tenant="main")
    assert admit.facts(admit.grounds(REQUEST, shown, "", admit.link(REQUEST)), NOT_ASKED, T) == Facts(
        access=AccessKind.DOT1X,
        nas=SWITCH,
        identity=shown.identity,
        certificate=CERTIFICATE,
        compliance=NOT_ASKED,
        mac=shown.mac,
        user="ada",
        ssid="",
        tenant="main",
        at=T,
        link=Link(port_type="Ethernet"),
    )


CONCENTRATOR = Nas(name="asa", vendor="cisco-asa", authentication=Authentication.DONE_BY_NAS)
TOLD = (
    "mdm-tlv=device-platform=win",
    "mdm-tlv=device-platform-version=10.0.19045 ",
    "mdm-tlv=ac-user-agent=AnyConnect Windows 4.10.05085",
    "mdm-tlv=device-platform=linux-64",
)


def test_how_an_endpoint_is_attached_is_what_its_nas_says() -> None:
    radio = replace(REQUEST, nas_port_type="Wireless-802.11", called_station_id="aa-bb-cc-00-00-01:Corp")
    assert admit.link(radio) == Link(port_type="Wireless-802.11", bssid="AA-BB-CC-00-00-01")
    cable = replace(REQUEST, called_station_id="AA-BB-CC-00-00-01")
    assert admit.link(cable) == Link(port_type="Ethernet")


def test_what_a_vpn_client_says_of_itself_counts_where_its_nas_was_declared() -> None:
    vpn = replace(REQUEST, nas=CONCENTRATOR, nas_port_type="Virtual", cisco_av_pairs=TOLD, tunnel_group="STAFF")
    assert admit.link(vpn) == Link(
        port_type="Virtual",
        tunnel_group="STAFF",
        client_platform="win",
        client_platform_version="10.0.19045",
        client_agent="AnyConnect Windows 4.10.05085",
    )
    assert admit.link(replace(vpn, nas=SWITCH)) == Link(port_type="Virtual", tunnel_group="STAFF")


def test_a_session_of_before_there_were_links_is_read_and_has_none() -> None:
    codec = Codec(Grounds)
    known = admit.grounds(REQUEST, NAMED, "", admit.link(REQUEST))
    assert codec.unpack(codec.pack(known)) == known
    older = codec.pack(replace(known, user="ada", ssid="x", link=NO_LINK))
    assert len(older) == [each.name for each in fields(Grounds)].index("link")
    assert codec.unpack(older).link == NO_LINK
