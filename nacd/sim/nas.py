"""A simulated NAS: switch, wireless controller or VPN concentrator, as far as RADIUS can tell.

Knows: how such a box asks (MAB, VPN authorize-only, EAP, accounting, Status-Server) and how it
distrusts replies. Refuses to know: what the server decides, and anything of its code: packets are
built with pyrad, replies are verified by hand (``nas_reply``). One NAS, one thread.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Literal, Self, TypeAlias

from pyrad.packet import AccessRequest, AccountingRequest, AcctPacket, AuthPacket, Packet, StatusServer

from nacd.sim.nas_reply import EAP_MESSAGE, MESSAGE_AUTHENTICATOR, Reply, Value, dictionary, distrust, take_apart

Key: TypeAlias = str | int | tuple[int, int]
Pairs: TypeAlias = Sequence[tuple[Key, Value]]
"""Attributes to send: by name, number, or (vendor, number). Octets go out as they are."""

MessageAuthenticator: TypeAlias = Literal["first", "last", "absent", "wrong"]

_CHUNK = 253


@dataclass(slots=True)
class Nas:
    """A NAS at work. timeout_s is per try; source: local address to send from; address: NAS-IP-Address to claim.

    message_authenticator: where it stands in Access-Requests, or ``absent`` or ``wrong``. nas_port, nas_port_id:
    where the endpoint is plugged in. Raises OSError for an address that cannot be used.
    """

    server: str
    secret: bytes = field(repr=False)
    port: int = 1812
    accounting_port: int = 1813
    name: str = "sim-nas"
    address: str = ""
    source: str = ""
    timeout_s: float = 3.0
    tries: int = 3
    message_authenticator: MessageAuthenticator = "first"
    proxy_states: tuple[bytes, ...] = ()
    framed_mtu: int = 0
    ssid: str = ""
    nas_port: int = 50_101
    nas_port_id: str = "GigabitEthernet1/0/1"
    extra: Pairs = ()
    _sockets: dict[int, socket.socket] = field(default_factory=dict, repr=False)
    _identifier: int = field(default_factory=lambda: os.urandom(1)[0], repr=False)
    _last: tuple[Packet, bytes, int] | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets; the next request opens new ones, from another port."""
        for one in self._sockets.values():
            one.close()
        self._sockets.clear()

    # -- what a NAS asks

    def mab(
        self,
        mac: str,
        *,
        method: Literal["pap", "chap", "none"] = "pap",
        spelling: str = "aabbccddeeff",
        password: str | None = None,
        call_check: bool = True,
        extra: Pairs = (),
    ) -> Reply:
        """MAC authentication bypass: the MAC is name and, unless given, password. spelling: see ``spell_mac``."""
        user = spell_mac(mac, spelling)
        authenticator = os.urandom(16)
        secret_word = (user if password is None else password).encode()
        pairs: list[tuple[Key, Value]] = [("User-Name", user), *self._port_pairs(mac)]
        pairs.append(("Service-Type", "Call-Check" if call_check else "Framed"))
        if method == "pap":
            pairs.append((2, AuthPacket(secret=self.secret, authenticator=authenticator).PwCrypt(secret_word)))
        elif method == "chap":
            challenge, one = os.urandom(16), os.urandom(1)
            answer = hashlib.md5(one + secret_word + challenge, usedforsecurity=False).digest()
            pairs += [(3, one + answer), (60, challenge)]
        return self.exchange([*pairs, *extra], authenticator=authenticator)

    def vpn(
        self,
        user: str,
        *,
        device_uid: str = "",
        device_mac: str = "",
        platform: str = "win",
        public_ip: str = "198.51.100.37",
        tunnel_group: str = "DefaultWEBVPNGroup",
        service_type: str = "Authorize-Only",
        session: str = "c6128564000040006450e9f1",
        pairs: Sequence[str] = (),
        extra: Pairs = (),
    ) -> Reply:
        """An ASA's authorize-only question for an AnyConnect client: no password, device facts in ``mdm-tlv``.

        device_uid goes into device-uid and device-uid-global, as an MDM-provisioned id does.
        ``service_type=""`` leaves it out. pairs: further Cisco-AVPairs.
        """
        facts = [f"mdm-tlv=device-platform={platform}", "mdm-tlv=ac-user-agent=AnyConnect Windows 4.10.04065"]
        if device_mac:
            mac = spell_mac(device_mac, "aa-bb-cc-dd-ee-ff")
            facts += [f"mdm-tlv=device-mac={mac}", f"mdm-tlv=device-public-mac={mac}"]
        if device_uid:
            facts += [f"mdm-tlv=device-uid-global={device_uid}", f"mdm-tlv=device-uid={device_uid}"]
        facts += [f"audit-session-id={session}", f"ip:source-ip={public_ip}", "coa-push=true", *pairs]
        asked: list[tuple[Key, Value]] = [
            ("User-Name", user),
            *self._box_pairs(),
            ("NAS-Port", 1_310_720),
            ("NAS-Port-Type", "Virtual"),
            ("Called-Station-Id", "192.0.2.1"),
            ("Calling-Station-Id", public_ip),
            ("Tunnel-Client-Endpoint", public_ip),
            *([("Service-Type", service_type)] if service_type else []),
            *(("Cisco-AVPair", fact) for fact in facts),
            ("ASA-TunnelGroupName", tunnel_group),
            ("ASA-ClientType", 2),
        ]
        return self.exchange([*asked, *extra])

    def eap(self, eap: bytes, *, user: str, mac: str, state: bytes = b"", extra: Pairs = ()) -> Reply:
        """Hand one EAP packet of a supplicant on, with the State of the last Challenge."""
        pairs: list[tuple[Key, Value]] = [("User-Name", user), *self._port_pairs(mac), ("Service-Type", "Framed")]
        pairs += [(EAP_MESSAGE, eap[at : at + _CHUNK]) for at in range(0, len(eap), _CHUNK)]
        if not eap:
            pairs.append((EAP_MESSAGE, b""))  # EAP-Start, RFC 3579 section 2.1
        if state:
            pairs.append((24, state))
        return self.exchange([*pairs, *extra])

    def accounting(
        self, status: str, *, session_id: str = "", user: str = "", mac: str = "", extra: Pairs = ()
    ) -> Reply:
        """``Start``, ``Interim-Update``, ``Stop``, ``Accounting-On`` or ``Accounting-Off``."""
        pairs: list[tuple[Key, Value]] = [
            ("Acct-Status-Type", status),
            *(self._port_pairs(mac) if mac else self._box_pairs()),
        ]
        pairs += [("Acct-Session-Id", session_id)] if session_id else []
        pairs += [("User-Name", user)] if user else []
        pairs += [("Acct-Delay-Time", 0), ("Event-Timestamp", int(time.time()))]
        return self.exchange([*pairs, *extra], code=AccountingRequest)

    def status(self, *, accounting: bool = False) -> Reply:
        """Status-Server (RFC 5997), to either port."""
        return self.exchange(self._box_pairs(), code=StatusServer, accounting=accounting)

    # -- how it asks

    def exchange(
        self, pairs: Pairs, *, code: int = AccessRequest, authenticator: bytes = b"", accounting: bool = False
    ) -> Reply:
        """Send any request and wait for its verified answer. Raises KeyError for an unknown name."""
        packet = self._packet(code, authenticator or os.urandom(16))
        tail = [(33, state) for state in self.proxy_states]
        for key, value in [*pairs, *self.extra, *tail]:
            _add(packet, key, value)
        octets = self._encode(packet, code)
        to = self.accounting_port if accounting or code == AccountingRequest else self.port
        self._last = (packet, octets, to)
        return self._send(packet, octets, to)

    def send_again(self) -> Reply:
        """The last request once more: the same octets from the same port, as a retransmission is."""
        if self._last is None:
            raise ValueError("nothing was sent yet")
        return self._send(*self._last)

    def send_octets(self, octets: bytes, *, accounting: bool = False) -> bytes:
        """Any octets at all; the first datagram that comes back, unverified, ``b""`` for silence."""
        to = self._socket(self.accounting_port if accounting else self.port)
        to.settimeout(self.timeout_s)
        try:
            to.send(octets)
            return to.recv(65_535)
        except (TimeoutError, ConnectionRefusedError):
            return b""

    @property
    def last_octets(self) -> bytes:
        """The last request as it went out."""
        return self._last[1] if self._last else b""

    def _packet(self, code: int, authenticator: bytes) -> Packet:
        self._identifier = (self._identifier + 1) % 256
        kind = AcctPacket if code == AccountingRequest else AuthPacket
        given = None if code == AccountingRequest else authenticator
        return kind(code=code, id=self._identifier, secret=self.secret, authenticator=given, dict=dictionary())

    def _encode(self, packet: Packet, code: int) -> bytes:
        manner = "absent" if code == AccountingRequest else self.message_authenticator
        if manner == "last":
            packet[MESSAGE_AUTHENTICATOR] = [bytes(16)]
            packet.message_authenticator = True
        elif manner != "absent":
            packet.add_message_authenticator()
        octets = packet.RequestPacket()
        if manner == "wrong":
            octets = octets[:22] + bytes([octets[22] ^ 1]) + octets[23:]
        return octets

    def _send(self, packet: Packet, octets: bytes, to: int) -> Reply:
        began, discarded = time.monotonic(), list[str]()
        one = self._socket(to)
        for attempt in range(1, self.tries + 1):
            until = time.monotonic() + self.timeout_s
            try:
                one.send(octets)
                while (left := until - time.monotonic()) > 0:
                    one.settimeout(left)
                    received = one.recv(65_535)
                    why = distrust(received, octets, self.secret)
                    if not why:
                        reply = take_apart(received, packet)
                        waited = time.monotonic() - began
                        return replace(reply, tries=attempt, waited_s=waited, discarded=tuple(discarded))
                    discarded.append(why)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                discarded.append("port unreachable")
                time.sleep(min(0.05, max(0.0, until - time.monotonic())))
        return Reply(tries=self.tries, waited_s=time.monotonic() - began, discarded=tuple(discarded))

    def _socket(self, port: int) -> socket.socket:
        if port not in self._sockets:
            family, kind, protocol, _, target = socket.getaddrinfo(self.server, port, type=socket.SOCK_DGRAM)[0]
            one = socket.socket(family, kind, protocol)
            try:
                if self.source:
                    one.bind((self.source, 0))
                one.connect(target)
            except OSError:
                one.close()
                raise
            self._sockets[port] = one
        return self._sockets[port]

    def _box_pairs(self) -> list[tuple[Key, Value]]:
        pairs: list[tuple[Key, Value]] = [("NAS-Identifier", self.name)]
        if self.address:
            six = ipaddress.ip_address(self.address).version == 6
            pairs.append(("NAS-IPv6-Address" if six else "NAS-IP-Address", self.address))
        return pairs

    def _port_pairs(self, mac: str) -> list[tuple[Key, Value]]:
        called = "02-00-5E-00-00-01" + (f":{self.ssid}" if self.ssid else "")
        pairs = self._box_pairs()
        pairs += [("NAS-Port", self.nas_port), ("NAS-Port-Id", self.nas_port_id)]
        pairs += [("NAS-Port-Type", "Wireless-802.11" if self.ssid else "Ethernet"), ("Called-Station-Id", called)]
        pairs += [("Calling-Station-Id", spell_mac(mac, "AA-BB-CC-DD-EE-FF"))]
        return pairs + ([("Framed-MTU", self.framed_mtu)] if self.framed_mtu else [])


def spell_mac(mac: str, pattern: str) -> str:
    """The MAC in the pattern's separators and case: ``aabb.ccdd.eeff``, ``AA-BB-CC-DD-EE-FF`` and so on."""
    digits = re.sub(r"[-:.\s]", "", mac)
    if not re.fullmatch(r"[0-9A-Fa-f]{12}", digits):
        raise ValueError(f"`{mac}` is no MAC address")
    digits = digits.upper() if pattern[:1].isupper() else digits.lower()
    rest = iter(digits)
    return "".join(next(rest) if letter.isalnum() else letter for letter in pattern)


def _add(packet: Packet, key: Key, value: Value) -> None:
    """Octets go in by number: by name, pyrad would read some of them as hex or decimal text."""
    if isinstance(key, str) and not isinstance(value, bytes):
        packet.AddAttribute(key, value)
        return
    if isinstance(key, str):
        attribute = dictionary().attributes[key.partition(":")[0]]
        vendor = dictionary().vendors.GetForward(attribute.vendor) if attribute.vendor else 0
        key = (vendor, attribute.code) if vendor else attribute.code
    if not isinstance(value, bytes):
        raise TypeError(f"attribute {key} by number wants octets")
    packet.setdefault(key, []).append(value)
