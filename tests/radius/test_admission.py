import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.radius.admission import Admission, Admitted, Drop, Fresh, Resend
from nacd.radius.clients import Client, ClientTable, MessageAuthenticatorRule
from nacd.radius.dedup import DedupTable
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.radius.packet import Role
from nacd.values import Instant
from tests.radius.conftest import SECRET

At = Callable[[float], Instant]
MakeClient = Callable[..., Client]
MakeRequest = Callable[..., bytes]

NAS = "10.0.0.1"
OTHER_NAS = "10.0.0.2"
STRANGER = "192.0.2.66"
START = Instant(wall=0.0, monotonic=0.0)


class Door:
    """An admission with its tables in view."""

    def __init__(self, client: Client) -> None:
        self.ledger = MessageAuthenticatorLedger()
        self.dedup = DedupTable()
        self.admission = Admission(ClientTable([client]), self.ledger, self.dedup)

    def receive(
        self, datagram: bytes, source: str = NAS, port: int = 1645, role: Role = Role.AUTH, now: Instant = START
    ) -> Admitted:
        return self.admission.receive(datagram, source, port, role, now)

    def reason(self, datagram: bytes, source: str = NAS, role: Role = Role.AUTH) -> str:
        """Why the datagram is dropped; it must not have touched the dedup table."""
        before = len(self.dedup)
        dropped = self.receive(datagram, source, role=role)
        assert isinstance(dropped, Drop)
        assert len(self.dedup) == before
        return dropped.reason


@pytest.fixture
def door(client: Client) -> Door:
    return Door(client)


@pytest.fixture
def door_with(make_client: MakeClient) -> Callable[[MessageAuthenticatorRule], Door]:
    def make(rule: MessageAuthenticatorRule) -> Door:
        return Door(make_client(rule=rule))

    return make


DoorWith = Callable[[MessageAuthenticatorRule], Door]
REQUIRE, AUTO, ACCEPT = MessageAuthenticatorRule


def test_a_signed_request_of_a_known_nas_is_fresh(door: Door, make_request: MakeRequest) -> None:
    admitted = door.receive(make_request((1, b"nemo")))
    assert isinstance(admitted, Fresh)
    assert admitted.client.nas.name == "switch"
    assert admitted.packet.first(1) == b"nemo"


def test_a_stranger_is_dropped_before_anything_is_read_or_kept(door: Door, make_request: MakeRequest) -> None:
    assert door.receive(make_request(), STRANGER) == Drop(reason="unknown_nas", nas="")
    assert door.receive(b"garbage", STRANGER) == Drop(reason="unknown_nas", nas="")
    assert len(door.dedup) == 0


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [(b"", "too_short"), (bytes(20), "bad_length"), (b"\x01\x01\x00\x15" + bytes(17), "bad_attribute_length")],
)
def test_what_is_no_packet_is_dropped_with_its_reason(door: Door, datagram: bytes, reason: str) -> None:
    assert door.reason(datagram) == reason


@pytest.mark.parametrize(("code", "role"), [(4, Role.AUTH), (1, Role.ACCT), (2, Role.AUTH), (43, Role.AUTH)])
def test_a_code_of_another_service_is_dropped(door: Door, make_request: MakeRequest, code: int, role: Role) -> None:
    assert door.reason(make_request(code=code), role=role) == "wrong_code"


@pytest.mark.parametrize("rule", list(MessageAuthenticatorRule))
@pytest.mark.parametrize(("code", "role"), [(1, Role.AUTH), (12, Role.AUTH), (12, Role.ACCT), (4, Role.ACCT)])
def test_a_wrong_signature_is_dropped_under_every_rule(
    door_with: DoorWith, make_request: MakeRequest, rule: MessageAuthenticatorRule, code: int, role: Role
) -> None:
    datagram = make_request((1, b"nemo"), code=code, secret=b"another secret")
    assert door_with(rule).reason(datagram, role=role) == "bad_message_authenticator"


@pytest.mark.parametrize("rule", list(MessageAuthenticatorRule))
def test_two_signatures_are_dropped_even_when_one_is_right(
    door_with: DoorWith, make_request: MakeRequest, rule: MessageAuthenticatorRule
) -> None:
    assert door_with(rule).reason(make_request((80, bytes(16)))) == "repeated_message_authenticator"


def test_a_signature_of_another_length_is_dropped(door: Door, make_request: MakeRequest) -> None:
    assert door.reason(make_request((80, bytes(15)), sign=False)) == "bad_message_authenticator"


@pytest.mark.parametrize("rule", list(MessageAuthenticatorRule))
@pytest.mark.parametrize("eap", [b"", b"\x02\x01\x00\x05\x01"])
def test_eap_without_a_signature_is_dropped_under_every_rule(
    door_with: DoorWith, make_request: MakeRequest, rule: MessageAuthenticatorRule, eap: bytes
) -> None:
    datagram = make_request((79, eap), sign=False)
    assert door_with(rule).reason(datagram) == "eap_without_message_authenticator"


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("rule", list(MessageAuthenticatorRule))
def test_status_without_a_signature_is_dropped_under_every_rule(
    door_with: DoorWith, make_request: MakeRequest, rule: MessageAuthenticatorRule, role: Role
) -> None:
    datagram = make_request(code=12, sign=False)
    assert door_with(rule).reason(datagram, role=role) == "status_without_message_authenticator"


def test_under_require_an_unsigned_request_is_dropped_and_the_admin_told_what_to_set(
    door: Door, make_request: MakeRequest
) -> None:
    dropped = door.receive(make_request((1, b"nemo"), sign=False))
    assert isinstance(dropped, Drop)
    assert dropped.reason == "no_message_authenticator"
    for word in ("`switch`", NAS, "Message-Authenticator", "`message_authenticator: auto`"):
        assert word in dropped.detail


def test_under_auto_an_address_that_signed_must_go_on_signing(door_with: DoorWith, make_request: MakeRequest) -> None:
    door = door_with(AUTO)
    unsigned = make_request((1, b"nemo"), sign=False)
    assert isinstance(door.receive(unsigned), Fresh)
    assert isinstance(door.receive(make_request((1, b"nemo"), identifier=8)), Fresh)
    dropped = door.receive(make_request((1, b"nemo"), identifier=9, sign=False))
    assert isinstance(dropped, Drop)
    assert dropped.reason == "no_message_authenticator"
    assert "`message_authenticator: accept`" in dropped.detail
    assert isinstance(door.receive(unsigned, OTHER_NAS), Fresh)


def test_under_auto_a_signature_that_eap_or_status_forced_teaches_nothing(
    door_with: DoorWith, make_request: MakeRequest
) -> None:
    door = door_with(AUTO)
    assert isinstance(door.receive(make_request((79, b"\x02\x01\x00\x05\x01"))), Fresh)
    assert isinstance(door.receive(make_request(code=12, identifier=8)), Fresh)
    assert isinstance(door.receive(make_request((1, b"nemo"), identifier=9, sign=False)), Fresh)


def test_a_forged_signature_teaches_nothing(door_with: DoorWith, make_request: MakeRequest) -> None:
    door = door_with(AUTO)
    assert door.reason(make_request(secret=b"guess")) == "bad_message_authenticator"
    assert len(door.ledger) == 0


def test_under_accept_an_unsigned_request_is_taken(door_with: DoorWith, make_request: MakeRequest) -> None:
    door = door_with(ACCEPT)
    assert isinstance(door.receive(make_request((1, b"nemo"))), Fresh)
    assert isinstance(door.receive(make_request((1, b"nemo"), identifier=8, sign=False)), Fresh)


@pytest.mark.parametrize("rule", [AUTO, ACCEPT])
def test_proxy_state_without_a_signature_is_dropped(
    door_with: DoorWith, make_request: MakeRequest, rule: MessageAuthenticatorRule
) -> None:
    door = door_with(rule)
    assert door.reason(make_request((33, b""), sign=False)) == "proxy_state_without_message_authenticator"
    assert isinstance(door.receive(make_request((33, b""))), Fresh)


def test_an_unsigned_probe_is_counted_apart(make_client: MakeClient, make_request: MakeRequest) -> None:
    door = Door(make_client(probe_users=frozenset({"dummy"})))
    assert door.reason(make_request((1, b"dummy"), sign=False)) == "no_message_authenticator_probe"
    assert door.reason(make_request((1, b"nemo"), sign=False)) == "no_message_authenticator"
    assert door.reason(make_request(sign=False)) == "no_message_authenticator"


def test_accounting_needs_its_authenticator_and_no_signature(door: Door, make_request: MakeRequest) -> None:
    signed = make_request((44, b"abc"), code=4)
    bare = make_request((44, b"abc"), code=4, sign=False)
    assert isinstance(door.receive(signed, role=Role.ACCT), Fresh)
    assert isinstance(door.receive(bare, role=Role.ACCT), Fresh)
    forged = bare[:-1] + b"d"
    assert door.reason(forged, role=Role.ACCT) == "bad_accounting_authenticator"


def reject(request: bytes) -> bytes:
    """An answer to these octets, by hand (RFC 2865 section 3)."""
    start = bytes((3, request[1], 0, 20))
    return start + hashlib.md5(start + request[4:20] + SECRET).digest()


def test_a_request_sent_fifty_times_is_worked_on_once(door: Door, make_request: MakeRequest, at: At) -> None:
    datagram = make_request((1, b"nemo"))
    first = door.receive(datagram)
    assert isinstance(first, Fresh)
    waiting = [door.receive(datagram, now=at(0.1)) for _ in range(25)]
    assert waiting == [Drop(reason="duplicate_in_progress", nas="switch", repeats=first.key.place)] * 25
    answer = reject(datagram)
    door.admission.remember(first.key, answer, at(1))
    assert [door.receive(datagram, now=at(2)) for _ in range(24)] == [Resend(octets=answer, nas="switch")] * 24


def test_a_request_that_got_no_answer_is_worked_on_again(door: Door, make_request: MakeRequest) -> None:
    datagram = make_request((1, b"nemo"))
    first = door.receive(datagram)
    assert isinstance(first, Fresh)
    door.admission.forget(first.key)
    assert isinstance(door.receive(datagram), Fresh)


def test_a_forgery_in_the_same_place_does_not_push_the_real_request_out(
    door: Door, make_request: MakeRequest, at: At
) -> None:
    real = make_request((1, b"nemo"))
    first = door.receive(real)
    assert isinstance(first, Fresh)
    door.dedup.remember(first.key, reject(real), at(0))
    assert door.reason(make_request(authenticator=bytes(16), secret=b"guess")) == "bad_message_authenticator"
    assert door.receive(real) == Resend(octets=reject(real), nas="switch")


def test_status_is_answered_anew_each_time(door: Door, make_request: MakeRequest) -> None:
    datagram = make_request(code=12)
    assert isinstance(door.receive(datagram), Fresh)
    assert isinstance(door.receive(datagram), Fresh)
    assert len(door.dedup) == 0


def test_the_same_octets_on_both_ports_do_not_meet(door: Door, make_request: MakeRequest) -> None:
    access = make_request((1, b"nemo"))
    accounting = make_request((1, b"nemo"), code=4)
    assert isinstance(door.receive(access), Fresh)
    assert isinstance(door.receive(accounting, role=Role.ACCT), Fresh)


@settings(max_examples=40)
@given(st.binary(max_size=60), st.sampled_from(list(Role)), st.sampled_from((NAS, STRANGER, "")))
def test_no_octets_raise_and_none_unsigned_get_in(client: Client, datagram: bytes, role: Role, source: str) -> None:
    door = Door(client)
    assert isinstance(door.receive(datagram, source, role=role), Drop)
    assert len(door.dedup) == 0


@pytest.mark.parametrize("rule", [AUTO, ACCEPT])
def test_an_unsigned_packet_cannot_push_a_signed_request_out_of_the_dedup_table(
    door_with: DoorWith, make_request: MakeRequest, rule: MessageAuthenticatorRule
) -> None:
    """Whoever can fake the NAS's address, but lacks the secret, must not make a retransmission look new."""
    door = door_with(rule)
    signed = make_request((79, b"\x02\x01\x00\x05\x01"), identifier=7)  # EAP: `auto` does not learn from it
    fresh = door.receive(signed)
    assert isinstance(fresh, Fresh)
    door.admission.remember(fresh.key, reject(signed), START)
    forged = bytes([1, 7]) + (31).to_bytes(2, "big") + bytes(range(16)) + b"\x01\x0bforgedone"
    assert isinstance(door.receive(forged), Fresh)
    again = door.receive(signed)
    assert isinstance(again, Resend)
    assert again.octets == reject(signed)
