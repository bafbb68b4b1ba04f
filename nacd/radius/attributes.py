"""From a verified packet to a request in names.

Knows: which attribute carries what, per RFC and for the two vendors whose attributes name an endpoint.
Refuses to know: what follows from it. One walk over the attributes; the first of a kind counts; an
attribute of the wrong size counts as absent (RFC 6929 section 2.8), a malformed Vendor-Specific likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from nacd.errors import BadPacket, BadValue
from nacd.radius import extended
from nacd.radius.authenticators import unhide_password
from nacd.radius.clients import Client
from nacd.radius.datatypes import ipv4_text, ipv6_text, text
from nacd.radius.dictionary import Dictionary
from nacd.radius.packet import (
    CHARGEABLE_USER_IDENTITY,
    EAP_KEY_NAME,
    EAP_MESSAGE,
    MESSAGE_AUTHENTICATOR,
    STATE,
    USER_NAME,
    VENDOR_SPECIFIC,
    Packet,
)
from nacd.radius.reader import Attributes, vendor_walk
from nacd.values import (
    AccessRequest,
    AccountingRequest,
    Attribute,
    ChapResponse,
    Credential,
    NoCredential,
    OtherCredential,
    PapPassword,
    Secret,
)

_CISCO: Final = 9
_MICROSOFT: Final = 311
_CISCO_VPN: Final = 3076

_PAP: Final = "User-Password"
_CHAP: Final = "CHAP-Password"
_NO_CREDENTIAL: Final = NoCredential()
_PAIR_NAME: Final = "audit-session-id="

_Found: TypeAlias = dict[str, Any]
"""Fields of the request to be, by name; lists under ``_``-names until the walk is over."""

_Read: TypeAlias = Callable[[_Found, bytes, Dictionary], None]


def access_request(packet: Packet, client: Client, source: str, port: int, dictionary: Dictionary) -> AccessRequest:
    """An Access-Request in names. source, port: where the packet came from. Raises nothing for odd contents."""
    found: _Found = {}
    _walk(packet, _ACCESS_TEXTS, _ACCESS, found, dictionary)
    eap = found.pop("_eap", None)
    passwords = found.pop("_passwords", ())
    challenge = found.pop("_chap_challenge", b"") or packet.authenticator
    _keep_octets(found, packet)
    return AccessRequest(
        nas=client.nas,
        source=source,
        source_port=port,
        class_values=tuple(found.pop("_class", ())),
        cisco_av_pairs=tuple(found.pop("_pairs", ())),
        has_eap=eap is not None,
        signed=packet.has(MESSAGE_AUTHENTICATOR),
        eap=b"".join(eap) if eap else b"",
        credential=_credential(passwords, challenge, packet, client) if passwords else _NO_CREDENTIAL,
        **found,
    )


def _walk(
    packet: Packet, texts: Mapping[int, str], others: Mapping[int, _Read], found: _Found, dictionary: Dictionary
) -> None:
    """One walk over the attributes. Plain texts, which most are, are read here and now."""
    for type_code, value in packet.attributes:
        field = texts.get(type_code)
        if field is not None:
            if field not in found:
                found[field] = value.decode("utf-8", "backslashreplace")
            continue
        read = others.get(type_code)
        if read is not None:
            read(found, value, dictionary)


def _keep_octets(found: _Found, packet: Packet) -> None:
    """A peer chooses its User-Name, and a NAS is asked by it: what only looks like an escape must not be one."""
    if "\\x" in found.get("user_name", ""):
        found["user_name_octets"] = next(value.hex() for code, value in packet.attributes if code == USER_NAME)


def accounting_request(
    packet: Packet, client: Client, source: str, port: int, dictionary: Dictionary
) -> AccountingRequest:
    """An Accounting-Request in names (RFC 2866). ``status_type`` is ``""`` when the NAS sent none."""
    found: _Found = {}
    _walk(packet, _ACCOUNTING_TEXTS, _ACCOUNTING, found, dictionary)
    pairs = found.pop("_pairs", ())
    _keep_octets(found, packet)
    return AccountingRequest(
        nas=client.nas,
        source=source,
        source_port=port,
        status_type=found.pop("status_type", ""),
        class_values=tuple(found.pop("_class", ())),
        audit_session_id=next((pair.removeprefix(_PAIR_NAME) for pair in pairs if pair.startswith(_PAIR_NAME)), ""),
        **found,
    )


def describe(packet: Packet, dictionary: Dictionary) -> tuple[Attribute, ...]:
    """Every attribute in words, in the order of the wire, secrets hidden; for people to read.

    What lies in extended attributes is named one by one; an invalid one is shown as the octets it is.
    """
    described: list[Attribute] = []
    for raw, inside in extended.parts(packet.attributes, dictionary.tlvs):
        described.extend(dictionary.describe_extended(path, octets) for path, octets in inside)
        for type_code, value in () if inside else raw:
            described.extend(_described(type_code, value, dictionary))
    return tuple(described)


def _described(type_code: int, value: bytes, dictionary: Dictionary) -> Iterator[Attribute]:
    vendor = 0
    inner: Attributes = ()
    if type_code == VENDOR_SPECIFIC:
        with suppress(BadPacket):
            vendor, inner = vendor_walk(value)
    if vendor and inner:
        yield from (dictionary.describe(sub_type, octets, vendor) for sub_type, octets in inner)
    else:
        yield dictionary.describe(type_code, value)


def _credential(passwords: list[tuple[str, bytes]], challenge: bytes, packet: Packet, client: Client) -> Credential:
    """What the request offers as proof. Anything odd becomes a method nobody speaks, never no password:
    a bad proof must not be taken for an absent one."""
    if len(passwords) > 1:
        return OtherCredential(method="several passwords")
    method, value = passwords[0]
    if method == _PAP:
        try:
            clear = unhide_password(value, packet.authenticator, client.secret.reveal())
        except BadValue:
            return OtherCredential(method="malformed User-Password")
        return PapPassword(password=Secret(clear))
    if method == _CHAP:
        if len(value) != 17:
            return OtherCredential(method="malformed CHAP-Password")
        return ChapResponse(identifier=value[0], response=value[1:], challenge=challenge)
    return OtherCredential(method=method)


# -- readers: one per kind of attribute -----------------------------------------------------


def _text(field: str) -> _Read:
    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        if field not in found:
            found[field] = text(value)

    return read


def _tagged_text(field: str) -> _Read:
    """Text that may have a tag before it: a first octet up to 0x1F (RFC 2868 section 3.3)."""

    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        if field not in found:
            found[field] = text(value[1:] if value and value[0] <= 0x1F else value)

    return read


def _number(field: str) -> _Read:
    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        if len(value) == 4 and field not in found:
            found[field] = int.from_bytes(value)

    return read


def _number_text(field: str) -> _Read:
    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        if len(value) == 4 and field not in found:
            found[field] = str(int.from_bytes(value))

    return read


def _value_name(field: str, name: str) -> _Read:
    def read(found: _Found, value: bytes, dictionary: Dictionary) -> None:
        if len(value) == 4 and field not in found:
            found[field] = dictionary.value_name(name, int.from_bytes(value))

    return read


def _address(field: str, render: Callable[[bytes], str]) -> _Read:
    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        if field not in found:
            address = render(value)
            if address:
                found[field] = address

    return read


def _octets(field: str) -> _Read:
    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        found.setdefault(field, value)

    return read


def _each(field: str) -> _Read:
    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        found.setdefault(field, []).append(value)

    return read


def _password(method: str) -> _Read:
    def read(found: _Found, value: bytes, _: Dictionary) -> None:
        found.setdefault("_passwords", []).append((method, value))

    return read


def _presence(field: str) -> _Read:
    def read(found: _Found, _value: bytes, _: Dictionary) -> None:
        found[field] = True

    return read


def _pair(found: _Found, value: bytes, _: Dictionary) -> None:
    found.setdefault("_pairs", []).append(text(value))


def _vendor_specific(readers: Mapping[tuple[int, int], _Read]) -> _Read:
    vendors = frozenset(vendor.to_bytes(4) for vendor, _ in readers)

    def read(found: _Found, value: bytes, dictionary: Dictionary) -> None:
        if value[:4] not in vendors:
            return
        try:
            vendor, inner = vendor_walk(value)
        except BadPacket:
            return
        for sub_type, octets in inner:
            reader = readers.get((vendor, sub_type))
            if reader is not None:
                reader(found, octets, dictionary)

    return read


_TEXTS: Final[Mapping[int, str]] = {
    USER_NAME: "user_name",
    30: "called_station_id",
    31: "calling_station_id",
    32: "nas_identifier",
    44: "acct_session_id",
    87: "nas_port_id",
}
_ACCESS_TEXTS: Final[Mapping[int, str]] = {**_TEXTS, 77: "connect_info", 126: "operator_name"}
_ACCOUNTING_TEXTS: Final[Mapping[int, str]] = {
    **_TEXTS,
    50: "acct_multi_session_id",
    CHARGEABLE_USER_IDENTITY: "chargeable_user_identity",
}

_BOTH: Final[Mapping[int, _Read]] = {
    4: _address("nas_address", ipv4_text),
    5: _number_text("nas_port"),
    25: _each("_class"),
    95: _address("nas_address", ipv6_text),
}

_ACCESS: Final[Mapping[int, _Read]] = {
    **_BOTH,
    2: _password(_PAP),
    3: _password(_CHAP),
    6: _value_name("service_type", "Service-Type"),
    12: _number("framed_mtu"),
    STATE: _octets("state"),
    60: _octets("_chap_challenge"),
    61: _value_name("nas_port_type", "NAS-Port-Type"),
    66: _tagged_text("tunnel_client_endpoint"),
    70: _password("ARAP"),
    CHARGEABLE_USER_IDENTITY: _presence("chargeable_identity_requested"),
    EAP_MESSAGE: _each("_eap"),
    EAP_KEY_NAME: _presence("key_name_requested"),
    103: _password("Digest"),
    VENDOR_SPECIFIC: _vendor_specific(
        {
            (_CISCO, 1): _pair,
            (_MICROSOFT, 1): _password("MS-CHAP"),
            (_MICROSOFT, 25): _password("MS-CHAPv2"),
            (_CISCO_VPN, 146): _text("tunnel_group"),
        }
    ),
}

_ACCOUNTING: Final[Mapping[int, _Read]] = {
    **_BOTH,
    8: _address("framed_address", ipv4_text),
    40: _value_name("status_type", "Acct-Status-Type"),
    41: _number("delay_s"),
    46: _number("session_time_s"),
    49: _value_name("terminate_cause", "Acct-Terminate-Cause"),
    55: _number("event_timestamp"),
    61: _value_name("nas_port_type", "NAS-Port-Type"),
    168: _address("framed_address", ipv6_text),
    VENDOR_SPECIFIC: _vendor_specific({(_CISCO, 1): _pair}),
}
