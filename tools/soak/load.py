"""The load of the soak: gateways and switches that ask about devices at a steady rate, and what came back.

Knows: what a VPN gateway's authorize-only question, a MAB and an EAP-TLS login look like, which VLAN an answer gives,
and that a device's new session ends its old one. Refuses to know: whether the answer is right (``judge``),
retransmissions (``tools/scenarios/nas``), nacd's code.
"""

from __future__ import annotations

import random
import ssl
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.scenarios import wire
from tools.scenarios.loop import Loop
from tools.scenarios.nas import Retries, Switch, Traffic
from tools.scenarios.supplicant import Supplicant, identity_response
from tools.soak.scene import DOT1X, GATEWAYS, MAB, SECRET, SWITCHES, VPN, Device, gateway_address, switch_address

_TIMEOUT_S = 2.0
_TRIES = 8
_MAX_ROUNDS = 40
_CISCO = (9).to_bytes(4, "big")
_TUNNEL_CLIENT_ENDPOINT = 66
_START, _STOP = 1, 2
# EAP-TLS costs fifty times what the others do: a hundredth of the requests is a fair share.
_DOT1X_SHARE, _MAB_SHARE = 0.01, 0.2


@dataclass(slots=True)
class Asked:
    """One login on the wire. sent, answered: seconds since the epoch on the machine's clock, 0.0 for never.

    code: the last RADIUS code, 0 when the NAS gave up. problem: why the supplicant did not believe its Success.
    """

    session: str
    device: Device
    access: str
    key: str
    sent: float
    answered: float = 0.0
    code: int = 0
    vlan: str = ""
    problem: str = ""


class Load:
    """Asks ``rate`` times a second between ``begin`` and ``end`` (monotonic seconds), about devices drawn by seed."""

    def __init__(
        self,
        loop: Loop,
        server: tuple[str, int],
        accounting: tuple[str, int],
        devices: Sequence[Device],
        contexts: Mapping[int, ssl.SSLContext],
        seed: int,
    ) -> None:
        self.asked: dict[str, Asked] = {}
        self.vlans: Counter[str] = Counter()
        self.open = 0
        self.traffic, self.accounted = Traffic(), Traffic()
        self._present: dict[int, str] = {}
        self._in_eap: set[int] = set()
        self._loop = loop
        self._contexts = contexts
        self._random = random.Random(seed)
        self._by_access = {access: [one for one in devices if one.access == access] for access in (VPN, MAB)}
        self._dot1x = [one for one in devices if one.number in contexts]
        retries = Retries(loop, _TIMEOUT_S)

        def nas(source: str, server: tuple[str, int], traffic: Traffic) -> Switch:
            return Switch(loop, retries, source=source, server=server, secret=SECRET, traffic=traffic, tries=_TRIES)

        gateways = [gateway_address(number) for number in range(GATEWAYS)]
        switches = [switch_address(number) for number in range(SWITCHES)]
        self._gateways = [nas(source, server, self.traffic) for source in gateways]
        self._switches = [nas(source, server, self.traffic) for source in switches]
        self._accounts = {source: nas(source, accounting, self.accounted) for source in (*gateways, *switches)}

    def run(self, rate: float, begin: float, end: float) -> None:
        """Put the first question on the loop; each puts the next one there."""
        self._ahead(0, rate, begin, end)

    def _ahead(self, number: int, rate: float, begin: float, end: float) -> None:
        # Reckoned from the beginning each time: thousands of small steps added up miss the end by one.
        due = begin + number / rate
        if due < end:
            self._loop.at(due, lambda: self._next(number, rate, begin, end))

    def close(self) -> None:
        """Close every socket."""
        for nas in (*self._gateways, *self._switches, *self._accounts.values()):
            nas.close()

    def _next(self, number: int, rate: float, begin: float, end: float) -> None:
        self._ahead(number + 1, rate, begin, end)
        drawn = self._random.random()
        if drawn < _DOT1X_SHARE and (laptop := self._laptop()):
            _EapLogin(self, laptop, self._switches[laptop.number % SWITCHES], self._contexts[laptop.number])
            return
        access = MAB if drawn < _DOT1X_SHARE + _MAB_SHARE else VPN
        device = self._random.choice(self._by_access[access])
        asked = self.begin(device)
        if access == MAB:
            user = device.mac.replace("-", "").lower().encode()
            attributes = _wired(device, user, asked.session) + wire.integer(wire.SERVICE_TYPE, 10)
            self._switches[device.number % SWITCHES].ask(
                wire.ACCESS_REQUEST, attributes, lambda answer: self.end(asked, answer), user
            )
        else:
            self._gateways[device.number % GATEWAYS].ask(
                wire.ACCESS_REQUEST, _vpn(device, asked.session), lambda answer: self.end(asked, answer)
            )

    def _laptop(self) -> Device | None:
        """One that is in the middle of no EAP login, None when all are.

        A supplicant has one login at a time: with its second one a server gives up the first, and is right.
        """
        if not self._dot1x:
            return None
        drawn = self._random.randrange(len(self._dot1x))
        in_turn = (*self._dot1x[drawn:], *self._dot1x[:drawn])
        return next((one for one in in_turn if one.number not in self._in_eap), None)

    def begin(self, device: Device) -> Asked:
        """Note that a login begins now."""
        session = f"soak-{len(self.asked):07}"
        asked = Asked(session=session, device=device, access=device.access, key=device.key, sent=time.time())
        self.asked[session] = asked
        self.open += 1
        if device.access == DOT1X:
            self._in_eap.add(device.number)
        return asked

    def end(self, asked: Asked, answer: bytes | None) -> None:
        """Note how it ended. answer: the verified reply, None when the NAS gave up."""
        self.open -= 1
        self._in_eap.discard(asked.device.number)
        if answer is None:
            self.vlans["silence"] += 1
            return
        asked.answered, asked.code = time.time(), answer[0]
        asked.vlan = wire.vlan_of(answer)
        self.vlans[asked.vlan or "no VLAN"] += 1
        if asked.code == wire.ACCEPT:
            self._account(asked.device, asked.session)

    def _account(self, device: Device, session: str) -> None:
        """The endpoint is in a new session, so its old one is over."""
        if device.access == VPN:
            nas, named = self._accounts[gateway_address(device.number % GATEWAYS)], _vpn_session
        else:
            nas, named = self._accounts[switch_address(device.number % SWITCHES)], _wired_session
        before, self._present[device.number] = self._present.get(device.number, ""), session
        for status, number in ((_STOP, before), (_START, session)):
            if number:
                record = wire.integer(wire.ACCT_STATUS_TYPE, status) + named(device, number)
                nas.ask(wire.ACCOUNTING_REQUEST, record, _no_matter)


class _EapLogin:
    """One EAP-TLS login; its questions carry one Acct-Session-Id, as a switch's do."""

    def __init__(self, load: Load, device: Device, switch: Switch, context: ssl.SSLContext) -> None:
        self._load = load
        self._switch = switch
        self._asked = load.begin(device)
        identity = f"host/laptop-{device.number}"
        self._attributes = _wired(device, identity.encode(), self._asked.session)
        self._attributes += wire.integer(wire.SERVICE_TYPE, 2) + wire.integer(wire.FRAMED_MTU, 1500)
        self._supplicant = Supplicant(context)
        self._rounds = 0
        self._send(identity_response(identity), b"")

    def _send(self, eap: bytes, state: bytes) -> None:
        self._rounds += 1
        attributes = self._attributes + wire.eap_message(eap)
        if state:
            attributes += wire.attribute(wire.STATE, state)
        self._switch.ask(wire.ACCESS_REQUEST, attributes, self._hear)

    def _hear(self, answer: bytes | None) -> None:
        if answer is None or answer[0] != wire.CHALLENGE:
            if answer is not None and answer[0] == wire.ACCEPT:
                believed = self._supplicant.believes(wire.eap_of(answer)[0]) and wire.has_mppe_keys(answer)
                self._asked.problem = "" if believed else "an Accept that no supplicant may believe"
            self._load.end(self._asked, answer)
            return
        eap, state = wire.eap_of(answer)
        response = self._supplicant.answer(eap)
        if self._supplicant.problem or not state or self._rounds > _MAX_ROUNDS:
            self._asked.problem = self._supplicant.problem or "a challenge without State, or no end of them"
            self._load.end(self._asked, answer)
            return
        self._send(response, state)


def _vpn(device: Device, session: str) -> bytes:
    """What an ASA asks once it has authenticated the user itself: no password, the client's device id in mdm-tlv."""
    pairs = ("mdm-tlv=device-platform=win", f"mdm-tlv=device-uid=ID:Intune:DeviceID:{device.guid}")
    return b"".join(
        (
            _vpn_session(device, session),
            wire.integer(wire.SERVICE_TYPE, 17),
            *(_av_pair(pair) for pair in pairs),
        )
    )


def _vpn_session(device: Device, session: str) -> bytes:
    """Its names, as in accounting, too."""
    public = f"198.51.{100 + device.number // 250}.{1 + device.number % 250}"
    return b"".join(
        (
            wire.text(wire.USER_NAME, f"user-{device.number}"),
            wire.text(wire.NAS_IDENTIFIER, f"gateway-{device.number % GATEWAYS}"),
            wire.integer(wire.NAS_PORT, device.number),
            wire.integer(wire.NAS_PORT_TYPE, 5),
            wire.text(wire.CALLED_STATION_ID, "192.0.2.1"),
            wire.text(wire.CALLING_STATION_ID, public),
            wire.text(_TUNNEL_CLIENT_ENDPOINT, public),
            wire.text(wire.ACCT_SESSION_ID, session),
            _av_pair(f"audit-session-id=0a{session.encode().hex()}"),
        )
    )


def _wired_session(device: Device, session: str) -> bytes:
    return _wired(device, device.mac.replace("-", "").lower().encode(), session)


def _wired(device: Device, user: bytes, session: str) -> bytes:
    return b"".join(
        (
            wire.attribute(wire.USER_NAME, user),
            wire.text(wire.NAS_IDENTIFIER, f"switch-{device.number % SWITCHES}"),
            wire.integer(wire.NAS_PORT, 50_000 + device.number),
            wire.text(wire.NAS_PORT_ID, f"GigabitEthernet1/0/{device.number}"),
            wire.integer(wire.NAS_PORT_TYPE, 15),
            wire.text(wire.CALLED_STATION_ID, "02-00-5E-00-00-01"),
            wire.text(wire.CALLING_STATION_ID, device.mac),
            wire.text(wire.ACCT_SESSION_ID, session),
        )
    )


def _no_matter(answer: bytes | None) -> None:
    """What is never answered is counted in the traffic."""


def _av_pair(pair: str) -> bytes:
    """Cisco-AVPair: vendor 9, type 1 (RFC 2865 section 5.26)."""
    body = pair.encode()
    return wire.attribute(wire.VENDOR_SPECIFIC, _CISCO + bytes((1, len(body) + 2)) + body)
