"""Answers as octets, signed.

Knows: the order of a reply, its two signatures, how keys are hidden in it. Refuses to know: why this
is the answer. Every reply to an Access-Request starts with Message-Authenticator (CVE-2024-3596) and
returns each Proxy-State as it came (RFC 2865 section 5.33).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nacd.errors import BadValue, ReplyTooLong
from nacd.radius.authenticators import (
    ZERO_AUTHENTICATOR,
    hmac_md5,
    response_authenticator,
    salt_encrypt,
)
from nacd.radius.clients import Client
from nacd.radius.dictionary import Dictionary
from nacd.radius.packet import (
    ATTRIBUTE_MAX,
    EAP_KEY_NAME,
    EAP_MESSAGE,
    HEADER_LENGTH,
    MAX_LENGTH,
    MESSAGE_AUTHENTICATOR,
    PROXY_STATE,
    REPLY_MESSAGE,
    STATE,
    VENDOR_SPECIFIC,
    Code,
    Packet,
    Role,
    attribute,
)
from nacd.radius.reader import walk
from nacd.values import Reply, ReplyCode

_CODES: Final = {
    ReplyCode.ACCEPT: Code.ACCESS_ACCEPT,
    ReplyCode.REJECT: Code.ACCESS_REJECT,
    ReplyCode.CHALLENGE: Code.ACCESS_CHALLENGE,
}

_UNSIGNED: Final = attribute(MESSAGE_AUTHENTICATOR, ZERO_AUTHENTICATOR)

_MICROSOFT: Final = (311).to_bytes(4)
_MPPE_SEND_KEY: Final = 16
_MPPE_RECV_KEY: Final = 17
_MSK_LENGTH: Final = 64


class _Hide:
    """Hides values of one packet. Salts are all different (RFC 2548 section 2.4.2): a random start, then counting."""

    __slots__ = ("_authenticator", "_next", "_random", "_secret")

    def __init__(self, authenticator: bytes, secret: bytes, random: Callable[[int], bytes]) -> None:
        self._authenticator = authenticator
        self._secret = secret
        self._random = random
        self._next = -1

    def __call__(self, clear: bytes) -> bytes:
        if self._next < 0:
            self._next = int.from_bytes(self._random(2))
        salt = 0x8000 | self._next & 0x7FFF
        self._next += 1
        return salt_encrypt(clear, salt.to_bytes(2), self._authenticator, self._secret)


def encode(
    reply: Reply, packet: Packet, client: Client, dictionary: Dictionary, random: Callable[[int], bytes]
) -> bytes:
    """The signed answer to the Access-Request ``packet``.

    random: octets nobody can foresee, for salts. Keys leave in an Access-Accept only. Beside an
    EAP-Message no Reply-Message is sent (RFC 3579 section 2.6.5). A Reject that has no room beside the Proxy-State of
    the request goes out bare; of anything else raises ReplyTooLong. Raises BadValue or UnknownAttribute for an
    attribute of ``reply`` that cannot be encoded.
    """
    secret = client.secret.reveal()
    hide = _Hide(packet.authenticator, secret, random)
    body = [_UNSIGNED]
    eap = reply.eap
    for start in range(0, len(eap), ATTRIBUTE_MAX):
        body.append(attribute(EAP_MESSAGE, eap[start : start + ATTRIBUTE_MAX]))
    if reply.state:
        body.append(_short(STATE, reply.state, "State"))
    body.append(_without_reply_message(reply.fixed) if eap else reply.fixed)
    for wanted in reply.attributes:
        if not (eap and wanted.name.lower() == "reply-message"):
            body.append(dictionary.encode(wanted, hide))
    if reply.code is ReplyCode.ACCEPT:
        msk = reply.msk.reveal()
        if msk:
            body.append(_mppe_keys(msk, hide))
        if reply.key_name:
            body.append(_short(EAP_KEY_NAME, reply.key_name, "EAP-Key-Name"))
    proxies = _proxy_states(packet)
    whole = b"".join(body) + proxies
    if reply.code is ReplyCode.REJECT and HEADER_LENGTH + len(whole) > MAX_LENGTH:
        # What comes back of the request has room in the answer; what is ours beside it may not.
        whole = _UNSIGNED + proxies
    return _signed(_CODES[reply.code], packet, whole, secret)


def accounting_response(packet: Packet, client: Client) -> bytes:
    """The answer that says an Accounting-Request is stored (RFC 2866 section 4.2)."""
    return _sealed(Code.ACCOUNTING_RESPONSE, packet, _proxy_states(packet), client.secret.reveal())


def status_response(packet: Packet, client: Client, role: Role) -> bytes:
    """The answer to Status-Server on this port (RFC 5997 section 3), signed as an Access-Accept is."""
    code = Code.ACCESS_ACCEPT if role is Role.AUTH else Code.ACCOUNTING_RESPONSE
    return _signed(code, packet, _UNSIGNED + _proxy_states(packet), client.secret.reveal())


def _signed(code: Code, packet: Packet, body: bytes, secret: bytes) -> bytes:
    """Fill in the Message-Authenticator that ``body`` starts with, then seal."""
    header = _header(code, packet, body)
    # The value octets are zero in ``body`` already, as RFC 3579 section 3.2 wants them for the digest.
    signature = hmac_md5(secret, header + packet.authenticator + body)
    signed = body[:2] + signature + body[len(_UNSIGNED) :]
    return header + response_authenticator(header, packet.authenticator, signed, secret) + signed


def _sealed(code: Code, packet: Packet, body: bytes, secret: bytes) -> bytes:
    header = _header(code, packet, body)
    return header + response_authenticator(header, packet.authenticator, body, secret) + body


def _header(code: Code, packet: Packet, body: bytes) -> bytes:
    length = HEADER_LENGTH + len(body)
    if length > MAX_LENGTH:
        raise ReplyTooLong(f"an answer of {length} octets does not fit, a packet holds {MAX_LENGTH}")
    return bytes((code, packet.identifier, length >> 8, length & 0xFF))


def _proxy_states(packet: Packet) -> bytes:
    return b"".join([attribute(PROXY_STATE, value) for value in packet.all(PROXY_STATE)])


def _mppe_keys(msk: bytes, hide: Callable[[bytes], bytes]) -> bytes:
    """MS-MPPE-Recv-Key and MS-MPPE-Send-Key out of the keying material (RFC 3748 section 7.10, RFC 2548)."""
    if len(msk) != _MSK_LENGTH:
        raise BadValue(f"keying material of {len(msk)} octets instead of {_MSK_LENGTH}")
    receive = attribute(_MPPE_RECV_KEY, hide(msk[:32]))
    send = attribute(_MPPE_SEND_KEY, hide(msk[32:]))
    return attribute(VENDOR_SPECIFIC, _MICROSOFT + receive) + attribute(VENDOR_SPECIFIC, _MICROSOFT + send)


def _short(type_code: int, value: bytes, name: str) -> bytes:
    if len(value) > ATTRIBUTE_MAX:
        raise BadValue(f"`{name}` of {len(value)} octets is too long, {ATTRIBUTE_MAX} fit")
    return attribute(type_code, value)


def _without_reply_message(fixed: bytes) -> bytes:
    if REPLY_MESSAGE not in fixed:
        return fixed
    return b"".join([attribute(found, value) for found, value in walk(fixed) if found != REPLY_MESSAGE])
