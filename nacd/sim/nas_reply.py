"""Replies as a NAS reads them: which it must not believe, and what a believed one says.

Knows: authenticators, the walk over attributes, salt-encrypted keys, names. Refuses to know: sockets,
and which request makes which answer. Verification is by hand on ``hashlib``; values are decoded by pyrad.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from pyrad import tools
from pyrad.dictionary import Attribute, Dictionary
from pyrad.packet import AuthPacket, Packet, PacketError

Value: TypeAlias = str | int | bytes

CODE_NAMES = {
    0: "no answer",
    2: "Access-Accept",
    3: "Access-Reject",
    5: "Accounting-Response",
    11: "Access-Challenge",
}
MESSAGE_AUTHENTICATOR = 80
EAP_MESSAGE = 79
_SEND_KEY, _RECV_KEY = (311, 16), (311, 17)


@cache
def dictionary() -> Dictionary:
    """The simulated NAS's own dictionary."""
    return Dictionary(str(Path(__file__).with_name("dictionary")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One verified answer, or none: then ``code`` is 0 and ``code_name`` says ``no answer``.

    attributes: name and value in the order of the wire; tags as ``Name:1``, unknown ones as
    ``Attr-200`` or ``Attr-26.9.200``. message_authenticator: ``first``, ``later`` or ``absent``.
    recv_key, send_key: MS-MPPE keys, decrypted. discarded: why earlier datagrams were not believed.
    """

    code: int = 0
    attributes: tuple[tuple[str, Value], ...] = ()
    octets: bytes = b""
    message_authenticator: str = "absent"
    eap: bytes = b""
    state: bytes = b""
    recv_key: bytes = field(default=b"", repr=False)
    send_key: bytes = field(default=b"", repr=False)
    tries: int = 1
    waited_s: float = 0.0
    discarded: tuple[str, ...] = ()

    @property
    def code_name(self) -> str:
        """``Access-Accept`` and so on."""
        return CODE_NAMES.get(self.code, f"code {self.code}")

    def all(self, name: str) -> list[Value]:
        """Every value of an attribute, whatever its tag."""
        return [value for key, value in self.attributes if key == name or key.partition(":")[0] == name]

    def first(self, name: str) -> Value:
        """The first value, ``""`` when there is none."""
        return next(iter(self.all(name)), "")


def distrust(octets: bytes, request: bytes, secret: bytes) -> str:
    """Why a NAS must not believe this datagram; ``""`` when it may (RFC 2865 section 3, RFC 3579 section 3.2)."""
    if len(octets) < 20 or not 20 <= (length := struct.unpack("!H", octets[2:4])[0]) <= min(len(octets), 4096):
        return "bad length"
    octets = octets[:length]
    if octets[1] != request[1]:
        return "another identifier"
    wanted = hashlib.md5(octets[:4] + request[4:20] + octets[20:] + secret, usedforsecurity=False).digest()
    if not hmac.compare_digest(wanted, octets[4:20]):
        return "bad Response Authenticator"
    attributes = list(walk(octets))
    if not attributes and length > 20:
        return "attributes do not fill the packet"
    found = [(at, value) for at, number, value in attributes if number == MESSAGE_AUTHENTICATOR]
    for at, value in found:
        zeroed = octets[: at + 2] + bytes(16) + octets[at + 18 :]
        # the answer to an Accounting-Request is signed over zeros, every other over the Request Authenticator
        vector = bytes(16) if request[0] == 4 else request[4:20]
        signed = zeroed[:4] + vector + zeroed[20:]
        if len(value) != 16 or not hmac.compare_digest(hmac.new(secret, signed, "md5").digest(), value):
            return "bad Message-Authenticator"
    if not found and any(number == EAP_MESSAGE for _, number, _ in attributes):
        return "EAP-Message without Message-Authenticator"
    if _proxy_states(octets) != _proxy_states(request):
        return "Proxy-State is not what was sent"
    return ""


def _proxy_states(octets: bytes) -> list[bytes]:
    return [value for _, number, value in walk(octets) if number == 33]


def walk(octets: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(offset, number, value) of each attribute; nothing at all when the lengths do not add up."""
    found, at = [], 20
    while at < len(octets):
        if at + 2 > len(octets) or octets[at + 1] < 2 or at + octets[at + 1] > len(octets):
            return
        found.append((at, octets[at], octets[at + 2 : at + octets[at + 1]]))
        at += octets[at + 1]
    yield from found


def take_apart(octets: bytes, request: Packet) -> Reply:
    """Read a believed reply. A key that does not decrypt stays ``b""``."""
    octets = octets[: struct.unpack("!H", octets[2:4])[0]]
    raw = [(number, value) for _, number, value in walk(octets)]
    keys: dict[tuple[int, int], bytes] = {}
    named: list[tuple[str, Value]] = []
    for key, value in _split_vendors(raw):
        if key in (_SEND_KEY, _RECV_KEY) and isinstance(key, tuple):
            keys[key] = _unsalted(request, value)
        named.append(_named(key, value))
    numbers = [number for number, _ in raw]
    place = "absent"
    if MESSAGE_AUTHENTICATOR in numbers:
        place = "first" if numbers[0] == MESSAGE_AUTHENTICATOR else "later"
    return Reply(
        code=octets[0],
        attributes=tuple(named),
        octets=octets,
        message_authenticator=place,
        eap=b"".join(value for number, value in raw if number == EAP_MESSAGE),
        state=next((value for number, value in raw if number == 24), b""),
        send_key=keys.get(_SEND_KEY, b""),
        recv_key=keys.get(_RECV_KEY, b""),
    )


def _split_vendors(raw: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int | tuple[int, int], bytes]]:
    for number, value in raw:
        if number != 26 or len(value) < 6 or len(list(walk(bytes(20) + value[4:]))) == 0:
            yield number, value
            continue
        vendor = struct.unpack("!L", value[:4])[0]
        for _, inner, octets in walk(bytes(20) + value[4:]):
            yield (vendor, inner), octets


def _unsalted(request: Packet, value: bytes) -> bytes:
    """Decrypt an MPPE key (RFC 2548 section 2.4.2): pyrad's reader does it, with the request's authenticator."""
    reader = AuthPacket(secret=request.secret, dict=dictionary())
    reader.request_authenticator = request.authenticator
    try:
        return reader.SaltDecrypt(value)
    except PacketError:
        return b""


def _named(key: int | tuple[int, int], octets: bytes) -> tuple[str, Value]:
    known = dictionary().attrindex
    if not known.HasBackward(key):
        number = f"26.{key[0]}.{key[1]}" if isinstance(key, tuple) else str(key)
        return f"Attr-{number}", octets
    name = str(known.GetBackward(key))
    attribute = dictionary().attributes[name]
    tag = ""
    if attribute.has_tag and octets and octets[0] <= 0x1F:
        tag = f":{octets[0]}" if octets[0] else ""
        octets = bytes(1) + octets[1:] if attribute.type == "integer" else octets[1:]
    return name + tag, _decoded(attribute, octets)


def _decoded(attribute: Attribute, octets: bytes) -> Value:
    if attribute.values.HasBackward(octets):
        return str(attribute.values.GetBackward(octets))
    try:
        value = tools.DecodeAttr(attribute.type, octets)
    except ValueError:
        return octets
    return value if isinstance(value, (str, int, bytes)) else octets
