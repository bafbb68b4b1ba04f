"""What becomes of a datagram before anybody believes it.

Knows: the order of the checks. Refuses to know: what the request asks for. The order is the point:
known NAS, exact decode, a code of this role, Message-Authenticator, accounting authenticator, and only
then dedup. Nothing unverified writes into any table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from nacd.errors import BadPacket
from nacd.radius.authenticators import MaVerdict, is_answer, verify_accounting, verify_message_authenticator
from nacd.radius.clients import Client, ClientTable, MessageAuthenticatorRule
from nacd.radius.datatypes import text
from nacd.radius.dedup import DedupTable, InProgress, Place, Replay, RequestKey
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.radius.overlap.password import hidden_with
from nacd.radius.overlap.seen import SecretsSeen
from nacd.radius.packet import EAP_MESSAGE, MESSAGE_AUTHENTICATOR, PROXY_STATE, USER_NAME, Code, Packet, Role, decode
from nacd.values import NO_SECRET, Instant

__all__ = ["Admission", "Admitted", "Drop", "Fresh", "Resend", "Role"]

_CODES: Final = {
    Role.AUTH: frozenset({Code.ACCESS_REQUEST, Code.STATUS_SERVER}),
    Role.ACCT: frozenset({Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER}),
}

_BAD_SIGNATURE: Final = {
    MaVerdict.INVALID: (
        "bad_message_authenticator",
        "Message-Authenticator does not verify: the shared secrets differ, or the packet was changed on its way",
    ),
    MaVerdict.WRONG_LENGTH: ("bad_message_authenticator", "Message-Authenticator does not have 16 octets"),
    MaVerdict.REPEATED: ("repeated_message_authenticator", "more than one Message-Authenticator"),
}


_UNSIGNED: Final = frozenset(
    {
        "no_message_authenticator",
        "no_message_authenticator_probe",
        "proxy_state_without_message_authenticator",
        "eap_without_message_authenticator",
    }
)
_OTHER_MAY_FIT: Final = frozenset({"bad_message_authenticator", "bad_accounting_authenticator"})


class Fresh(NamedTuple):
    """A verified request to work on. ``key`` goes back into the dedup table with the answer.

    ``client.secret`` is the one that the request was made with, of two: everything in the answer is made with it.
    """

    packet: Packet
    client: Client
    key: RequestKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """A retransmission of an answered request: send the same octets."""

    octets: bytes
    nas: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """To be dropped in silence and counted.

    reason: a stable word for counters. nas: name of the NAS, ``""`` when unknown. detail: a sentence
    for people where there is more to say. repeats: the place of the request under way that this repeats.
    """

    reason: str
    nas: str
    detail: str = ""
    repeats: Place | None = None


Admitted: TypeAlias = Fresh | Resend | Drop


class Admission:
    """The door. Ledger, dedup table and the secrets seen outlive a change of clients, so they come from outside."""

    def __init__(
        self,
        clients: ClientTable,
        ledger: MessageAuthenticatorLedger,
        dedup: DedupTable,
        seen: SecretsSeen | None = None,
    ) -> None:
        self._clients = clients
        self._ledger = ledger
        self._dedup = dedup
        self._seen = seen if seen is not None else SecretsSeen()

    def receive(
        self, datagram: bytes, source: str, port: int, role: Role, now: Instant, clients: ClientTable | None = None
    ) -> Admitted:
        """Decide over one datagram from ``source``:``port``. Raises nothing, whatever the octets.

        clients: those that count now, if they are others than in the beginning.
        """
        client = (self._clients if clients is None else clients).find(source)
        if client is None:
            return Drop(reason="unknown_nas", nas="")
        nas = client.nas.name
        try:
            packet = decode(datagram)
        except BadPacket as bad:
            return Drop(reason=bad.reason, nas=nas)
        if packet.code not in _CODES[role]:
            return Drop(reason="wrong_code", nas=nas, detail=f"code `{packet.code}` on the {role} port")
        has_two = client.next_secret is not NO_SECRET
        if has_two:
            tried = self._of_two(packet, client, source, now)
            if isinstance(tried, Drop):
                return self._refused(tried, source, now)
            client = tried
        else:
            refused = self._unverified(packet, client, source)
            if refused is not None:
                return self._refused(refused, source, now)
        signed = packet.code != Code.ACCESS_REQUEST or packet.has(MESSAGE_AUTHENTICATOR)
        if not signed:
            self._ledger.unsigned(nas, source, now.wall, taken=True)
        elif packet.code == Code.ACCESS_REQUEST:
            self._ledger.signed(nas, source, now.wall, eap=packet.has(EAP_MESSAGE))
        place = (role, source, port, packet.identifier, signed)
        key = RequestKey(place=place, authenticator=packet.authenticator)
        if packet.code == Code.STATUS_SERVER:
            # Asks how things are now; an old answer would be a lie (RFC 5997 section 4.2).
            return Fresh(packet=packet, client=client, key=key)
        verdict = self._dedup.admit(key, now)
        if isinstance(verdict, Replay):
            if not is_answer(verdict.octets, packet, client.secret.reveal()):
                # Made with the other secret of two, or with one that was taken away since: it would mean nothing.
                self._dedup.forget(key)
                self._dedup.admit(key, now)
                return Fresh(packet=packet, client=client, key=key)
            return Resend(octets=verdict.octets, nas=nas)
        if isinstance(verdict, InProgress):
            return Drop(reason="duplicate_in_progress", nas=nas, repeats=place)
        return Fresh(packet=packet, client=client, key=key)

    def remember(self, key: RequestKey, octets: bytes, now: Instant) -> None:
        """Keep the answer that was given, for retransmissions."""
        self._dedup.remember(key, octets, now)

    def forget(self, key: RequestKey) -> None:
        """No answer was given: let a retransmission be tried anew."""
        self._dedup.forget(key)

    def _of_two(self, packet: Packet, client: Client, source: str, now: Instant) -> Client | Drop:
        """The client with that of its two secrets in front which made this packet; what it proved last is tried first.

        Who has neither hears what a stranger hears.
        """
        first = self._seen.expected(client, source)
        refused = self._unverified(packet, first, source)
        if refused is None:
            return self._proved(packet, client, first, source, now)
        if refused.reason not in _OTHER_MAY_FIT:
            return refused
        second = self._seen.turned(first) if first is client else client
        if self._unverified(packet, second, source) is None:
            return self._proved(packet, client, second, source, now)
        return replace(refused, detail=f"{refused.detail}; neither of this client's two secrets fits")

    def _proved(self, packet: Packet, client: Client, used: Client, source: str, now: Instant) -> Client:
        """Remember what was proved. An unsigned request proves nothing: its password tells, else what its address
        proved last counts, else ``secret``."""
        if packet.code == Code.ACCESS_REQUEST and not packet.has(MESSAGE_AUTHENTICATOR):
            mine = used.secret.reveal()
            hid = hidden_with(packet, mine, used.next_secret.reveal())
            if not hid:
                return used
            if hid != mine:
                used = self._seen.turned(client) if used is client else client
            self._seen.saw_unsigned(client, used.secret, source, now.wall)
            return used
        self._seen.saw(client, used.secret, source, now.wall)
        return used

    def _refused(self, drop: Drop, source: str, now: Instant) -> Drop:
        if drop.reason in _UNSIGNED:
            self._ledger.unsigned(drop.nas, source, now.wall, taken=False)
        return drop

    def _unverified(self, packet: Packet, client: Client, source: str) -> Drop | None:
        """Why this packet is not to be believed; None when it is."""
        secret = client.secret.reveal()
        nas = client.nas.name
        verdict = verify_message_authenticator(packet, secret)
        if verdict in _BAD_SIGNATURE:
            reason, detail = _BAD_SIGNATURE[verdict]
            return Drop(reason=reason, nas=nas, detail=detail)
        if packet.code == Code.ACCOUNTING_REQUEST:
            if not verify_accounting(packet, secret):
                detail = "the Request Authenticator does not verify: the shared secrets differ"
                return Drop(reason="bad_accounting_authenticator", nas=nas, detail=detail)
            return None
        if verdict is MaVerdict.ABSENT:
            return self._unsigned(packet, client, source)
        return None

    def _unsigned(self, packet: Packet, client: Client, source: str) -> Drop | None:
        """What an Access-Request or Status-Server without Message-Authenticator is worth."""
        nas = client.nas.name
        if packet.code == Code.STATUS_SERVER:
            detail = "Status-Server without Message-Authenticator (RFC 5997 section 3)"
            return Drop(reason="status_without_message_authenticator", nas=nas, detail=detail)
        if packet.has(EAP_MESSAGE):
            detail = "EAP-Message without Message-Authenticator (RFC 3579 section 3.1)"
            return Drop(reason="eap_without_message_authenticator", nas=nas, detail=detail)
        rule = client.message_authenticator
        learnt = rule is MessageAuthenticatorRule.AUTO and self._ledger.requires(nas, source)
        if learnt or rule is MessageAuthenticatorRule.REQUIRE:
            reason = "no_message_authenticator"
            if client.probe_users and text(packet.first(USER_NAME)) in client.probe_users:
                reason = "no_message_authenticator_probe"
            return Drop(reason=reason, nas=nas, detail=_unsigned_detail(nas, source, learnt=learnt))
        if packet.has(PROXY_STATE):
            # The collision of CVE-2024-3596 is built in Proxy-State.
            detail = "Proxy-State without Message-Authenticator (CVE-2024-3596)"
            return Drop(reason="proxy_state_without_message_authenticator", nas=nas, detail=detail)
        return None


def _unsigned_detail(nas: str, source: str, *, learnt: bool) -> str:
    if learnt:
        return (
            f"NAS `{nas}` ({source}) sent an Access-Request without Message-Authenticator though it has sent signed"
            " ones before; if it has been downgraded on purpose, set `message_authenticator: accept` for this client"
        )
    return (
        f"NAS `{nas}` ({source}) sent an Access-Request without Message-Authenticator; turn Message-Authenticator on"
        " in the NAS, or set `message_authenticator: auto` for this client if the NAS cannot send it"
    )
