"""The door of a NAS that has two secrets: either is believed, everything in the answer is made with the one that the
request was made with, and who has neither hears what a stranger hears.
"""

import hashlib
import hmac
import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.radius import reply as replies
from nacd.radius.admission import Admission, Admitted, Drop, Fresh, Resend
from nacd.radius.attributes import access_request
from nacd.radius.clients import Client, ClientTable, MessageAuthenticatorRule
from nacd.radius.dedup import DedupTable
from nacd.radius.dictionary import Dictionary
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.radius.overlap.seen import SecretsSeen
from nacd.radius.packet import Role
from nacd.values import Instant, PapPassword, Reply, ReplyCode, Secret
from tests.radius.overlap.test_password import hide

MakeClient = Callable[..., Client]
MakeRequest = Callable[..., bytes]

NAS = "10.0.0.1"
OLD, NEW, WRONG = b"the-old-one-of-both", b"the-new-one-of-both", b"neither-of-the-two!"
START = Instant(wall=1_000.0, monotonic=0.0)
REQUIRE, AUTO, ACCEPT = MessageAuthenticatorRule


class Door:
    def __init__(self, client: Client) -> None:
        self.seen, self.dedup = SecretsSeen(), DedupTable()
        self.admission = Admission(ClientTable([client]), MessageAuthenticatorLedger(), self.dedup, self.seen)

    def receive(self, datagram: bytes, role: Role = Role.AUTH, port: int = 1645) -> Admitted:
        return self.admission.receive(datagram, NAS, port, role, START)

    def secret(self, datagram: bytes, role: Role = Role.AUTH, port: int = 1645) -> bytes:
        """With which secret this request is answered."""
        admitted = self.receive(datagram, role, port)
        assert isinstance(admitted, Fresh), admitted
        return admitted.client.secret.reveal()


@pytest.fixture
def make_door(make_client: MakeClient) -> Callable[..., Door]:
    def make(rule: MessageAuthenticatorRule = REQUIRE) -> Door:
        return Door(replace(make_client(rule=rule), secret=Secret(OLD), next_secret=Secret(NEW)))

    return make


MakeDoor = Callable[..., Door]


@pytest.mark.parametrize("secret", [OLD, NEW])
@pytest.mark.parametrize(
    ("code", "role", "sign"),
    [
        (1, Role.AUTH, True),
        (4, Role.ACCT, True),
        (4, Role.ACCT, False),
        (12, Role.AUTH, True),
        (12, Role.ACCT, True),
    ],
)
def test_either_secret_is_believed_whatever_proves_it(
    make_door: MakeDoor, make_request: MakeRequest, secret: bytes, code: int, role: Role, sign: bool
) -> None:
    door = make_door()
    assert door.secret(make_request((1, b"nemo"), code=code, secret=secret, sign=sign), role) == secret
    assert len(door.seen) == 1


@pytest.mark.parametrize("before", [OLD, NEW])
@pytest.mark.parametrize(
    ("code", "sign", "reason"),
    [
        (1, True, "bad_message_authenticator"),
        (4, True, "bad_message_authenticator"),
        (4, False, "bad_accounting_authenticator"),
        (12, True, "bad_message_authenticator"),
    ],
)
def test_who_has_neither_is_dropped_and_leaves_no_trace(
    make_door: MakeDoor, make_request: MakeRequest, before: bytes, code: int, sign: bool, reason: str
) -> None:
    door = make_door()
    door.secret(make_request((1, b"nemo"), secret=before))
    kept = len(door.dedup)
    dropped = door.receive(
        make_request((1, b"nemo"), code=code, secret=WRONG, sign=sign), Role.ACCT if code == 4 else Role.AUTH
    )
    assert isinstance(dropped, Drop)
    assert dropped.reason == reason
    assert "neither of this client's two secrets" in dropped.detail
    assert len(door.dedup) == kept
    assert door.secret(make_request((1, b"a"), secret=before, identifier=9)) == before


def test_both_signatures_of_an_accounting_request_have_to_be_of_one_secret(
    make_door: MakeDoor, make_request: MakeRequest
) -> None:
    signed = bytearray(make_request((1, b"nemo"), code=4, secret=OLD))
    signed[4:20] = hashlib.md5(bytes(signed[:4]) + bytes(16) + bytes(signed[20:]) + NEW).digest()
    dropped = make_door().receive(bytes(signed), Role.ACCT)
    assert isinstance(dropped, Drop)
    assert dropped.reason == "bad_accounting_authenticator"


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from([OLD, NEW, WRONG]), st.sampled_from([1, 4, 12])), max_size=30))
def test_in_any_order_each_is_answered_with_its_own_secret_and_the_wrong_one_never(
    make_door: MakeDoor, make_request: MakeRequest, asked: list[tuple[bytes, int]]
) -> None:
    door = make_door()
    for number, (secret, code) in enumerate(asked):
        datagram = make_request((1, b"nemo"), code=code, secret=secret, identifier=number)
        admitted = door.receive(datagram, Role.ACCT if code == 4 else Role.AUTH)
        if secret is WRONG:
            assert isinstance(admitted, Drop)
        else:
            assert isinstance(admitted, Fresh)
            assert admitted.client.secret.reveal() == secret


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_password_keys_and_signatures_are_made_with_the_secret_of_the_request(
    make_door: MakeDoor, make_request: MakeRequest, dictionary: Dictionary, secret: bytes
) -> None:
    authenticator = bytes(range(16))
    door = make_door()
    door.secret(make_request(secret=OLD if secret is NEW else NEW, identifier=1))
    admitted = door.receive(make_request((2, hide(b"001b44113ab7", secret, authenticator)), secret=secret))
    assert isinstance(admitted, Fresh)
    request = access_request(admitted.packet, admitted.client, NAS, 1645, dictionary)
    assert request.credential == PapPassword(password=Secret(b"001b44113ab7"))
    reply = Reply(code=ReplyCode.ACCEPT, msk=Secret(bytes(range(64))))
    octets = replies.encode(reply, admitted.packet, admitted.client, dictionary, bytes)
    body = octets[20:]
    right = hashlib.md5(octets[:4] + authenticator + body + secret).digest()
    assert octets[4:20] == right
    zeroed = octets[:4] + authenticator + body[:2] + bytes(16) + body[18:]
    assert body[2:18] == hmac.new(secret, zeroed, hashlib.md5).digest()
    # MS-MPPE-Recv-Key (RFC 2548 section 2.4.2): what it hides is the first half of the keying material.
    value = body[18 + 8 : 18 + 8 + 50]
    clear, last = b"", authenticator + value[:2]
    for start in range(2, 50, 16):
        block = value[start : start + 16]
        clear += bytes(a ^ b for a, b in zip(block, hashlib.md5(secret + last).digest(), strict=True))
        last = block
    assert clear[:33] == bytes((32, *range(32)))


# -- what nothing signs -------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_an_unsigned_request_is_answered_with_the_secret_that_hid_its_password(
    make_door: MakeDoor, make_request: MakeRequest, secret: bytes
) -> None:
    for proved in (b"", OLD, NEW):
        door = make_door(ACCEPT)
        if proved:
            door.secret(make_request(secret=proved, identifier=1))
        hidden = hide(b"001b44113ab7", secret, bytes(range(16)))
        assert door.secret(make_request((1, b"001b44113ab7"), (2, hidden), sign=False)) == secret
        assert len(door.seen) == bool(proved)  # it has proved nothing


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_a_nas_that_signs_nothing_is_seen_with_the_secret_that_hid_its_password(
    make_door: MakeDoor, make_request: MakeRequest, secret: bytes
) -> None:
    door = make_door(ACCEPT)
    door.secret(make_request((2, hide(b"001b44113ab7", secret, bytes(range(16)))), sign=False))
    admitted = door.receive(make_request((1, b"nemo"), sign=False, identifier=8))  # tells nothing
    assert isinstance(admitted, Fresh)
    client = replace(admitted.client, secret=Secret(OLD), next_secret=Secret(NEW))
    (one,) = door.seen.sightings(client, (Secret(OLD), Secret(NEW)))
    assert (one.source, one.by_next) == (NAS, secret is NEW)
    assert (one.old_at, one.next_at) == ((0.0, 1_000.0) if secret is NEW else (1_000.0, 0.0))


def test_where_nothing_tells_what_the_address_proved_last_counts_and_else_the_first(
    make_door: MakeDoor, make_request: MakeRequest
) -> None:
    silent = make_request((1, b"nemo"), sign=False)
    door = make_door(ACCEPT)
    numbers = itertools.count(2000)
    assert door.secret(silent, port=next(numbers)) == OLD
    door.secret(make_request(code=4, secret=NEW, sign=False), Role.ACCT)
    assert door.secret(silent, port=next(numbers)) == NEW
    garbage = make_request((1, b"nemo"), (2, hide(b"good", WRONG, bytes(range(16)))), sign=False)
    assert door.secret(garbage, port=next(numbers)) == NEW


def test_what_must_be_signed_is_dropped_as_with_one_secret(make_door: MakeDoor, make_request: MakeRequest) -> None:
    hidden = hide(b"001b44113ab7", NEW, bytes(range(16)))
    for rule, attributes, reason in (
        (REQUIRE, ((2, hidden),), "no_message_authenticator"),
        (ACCEPT, ((79, b"eap"),), "eap_without_message_authenticator"),
        (ACCEPT, ((33, b"proxy"),), "proxy_state_without_message_authenticator"),
    ):
        dropped = make_door(rule).receive(make_request((1, b"nemo"), *attributes, sign=False))
        assert isinstance(dropped, Drop)
        assert dropped.reason == reason


def test_a_nas_that_signs_with_the_new_secret_has_shown_that_it_can(
    make_door: MakeDoor, make_request: MakeRequest
) -> None:
    door = make_door(AUTO)
    door.secret(make_request((1, b"nemo"), secret=NEW))
    dropped = door.receive(make_request((1, b"nemo"), sign=False, identifier=8))
    assert isinstance(dropped, Drop)
    assert dropped.reason == "no_message_authenticator"


# -- repeats ------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_a_repeat_is_answered_from_memory_with_the_same_octets(
    make_door: MakeDoor, make_request: MakeRequest, secret: bytes
) -> None:
    door = make_door()
    datagram = make_request((1, b"nemo"), code=4, secret=secret)
    admitted = door.receive(datagram, Role.ACCT)
    assert isinstance(admitted, Fresh)
    again = door.receive(datagram, Role.ACCT)
    assert isinstance(again, Drop)
    assert again.reason == "duplicate_in_progress"
    octets = replies.accounting_response(admitted.packet, admitted.client)
    door.admission.remember(admitted.key, octets, START)
    assert door.receive(datagram, Role.ACCT) == Resend(octets=octets, nas="switch")


def test_the_same_request_signed_anew_with_the_other_secret_is_answered_anew(
    make_door: MakeDoor, make_request: MakeRequest, dictionary: Dictionary
) -> None:
    door = make_door()
    admitted = door.receive(make_request((1, b"nemo"), secret=OLD))
    assert isinstance(admitted, Fresh)
    reject = Reply(code=ReplyCode.REJECT)
    octets = replies.encode(reject, admitted.packet, admitted.client, dictionary, bytes)
    door.admission.remember(admitted.key, octets, START)
    datagram = make_request((1, b"nemo"), secret=NEW)
    assert door.secret(datagram) == NEW
    again = door.receive(datagram)
    assert isinstance(again, Drop)
    assert again.reason == "duplicate_in_progress"


def test_an_answer_made_with_a_secret_that_was_taken_away_is_not_sent_again(
    make_client: MakeClient, make_request: MakeRequest, dictionary: Dictionary
) -> None:
    before = replace(make_client(rule=ACCEPT), secret=Secret(OLD), next_secret=Secret(NEW))
    after = replace(make_client(rule=ACCEPT), secret=Secret(NEW))
    door = Door(before)
    datagram = make_request((1, b"nemo"), sign=False)
    admitted = door.receive(datagram)
    assert isinstance(admitted, Fresh)
    octets = replies.encode(Reply(code=ReplyCode.REJECT), admitted.packet, admitted.client, dictionary, bytes)
    door.admission.remember(admitted.key, octets, START)
    again = door.admission.receive(datagram, NAS, 1645, Role.AUTH, START, ClientTable([after]))
    assert isinstance(again, Fresh)
    assert again.client.secret == Secret(NEW)


def test_of_a_nas_with_one_secret_nothing_is_remembered(make_client: MakeClient, make_request: MakeRequest) -> None:
    door = Door(make_client())
    assert isinstance(door.receive(make_request((1, b"nemo"))), Fresh)
    assert len(door.seen) == 0


def test_an_empty_next_secret_is_refused(make_client: MakeClient) -> None:
    with pytest.raises(ValueError, match="`switch` has an empty secret"):
        replace(make_client(), next_secret=Secret(b""))
