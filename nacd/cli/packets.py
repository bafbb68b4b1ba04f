"""Captured Access-Requests, each taken in as the daemon would take it and then explained.

Knows: which datagrams of a capture are Access-Requests, which NAS sent each, and what can be said of
one that is dropped. Refuses to know: containers and frames (``capture``), and the judgement (``judgement``).
Passwords stay hidden: what the dictionaries call a secret is ``***``, and EAP is told by its method alone.
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from nacd.cli import capture
from nacd.cli.capture import Datagram, NotCapture
from nacd.cli.judgement import Assumption, WrongUsage, nas_line, say, say_field, tell, value_text
from nacd.eap import message as eap_messages
from nacd.eap.message import EapMethod, identity_text, method_name
from nacd.errors import BadEap, BadPacket
from nacd.identity.access_kind import Refused, access_kind
from nacd.radius.admission import Admission, Drop, Fresh, Role
from nacd.radius.attributes import access_request, describe
from nacd.radius.clients import Client, ClientTable
from nacd.radius.dedup import DedupTable
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.radius.packet import Code, decode
from nacd.server.assembly import Assembled
from nacd.server.clock import instant
from nacd.values import AccessKind, AccessRequest, Attribute, NoCertificate

MOST_SHOWN: Final = 20
_USUAL_PORTS: Final = frozenset({1812, 1645})
_NO_SOURCE: Final = "192.0.2.1"
_LONGEST_VALUE: Final = 120
_WHY_MALFORMED: Final = {
    "too_short": "it is shorter than a RADIUS header (20 octets)",
    "bad_length": "its Length field is below 20 or larger than what was received",
    "too_long": "its Length field is above 4,096",
    "bad_attribute_length": "the lengths of its attributes do not add up to its Length",
    "attribute_zero": "it has an attribute of type 0",
    "too_many_attributes": "it has more attributes than any request needs",
    "wrong_code": "it is no Access-Request",
}


def tell_each(assembled: Assembled, path: Path, chosen: Client | None, assumed: Assumption) -> None:
    """Explain every Access-Request in the file, twenty at most. chosen: the NAS, whatever the source address.

    Raises NotCapture, OSError, and WrongUsage where nothing says which NAS sent it.
    """
    captured = capture.read(path)
    ports = _USUAL_PORTS | {address.port for address in assembled.loaded.settings.server.auth}
    requests = [one for one in captured.datagrams if _is_access_request(one, ports)]
    if captured.fragments:
        say(f"{captured.fragments} IP fragments left out: nacd explain does not put them together")
    if not requests:
        seen = f"{captured.frames} frames, {len(captured.datagrams)} UDP datagrams"
        raise NotCapture(f"there is no Access-Request in it ({seen})")
    first_seen: dict[tuple[str, int, bytes], int] = {}
    for shown, one in enumerate(requests[:MOST_SHOWN]):
        say("" if shown else f"Access-Requests: {len(requests)}, frames: {captured.frames}")
        origin = f" from {one.source} port {one.source_port}" if one.source else ""
        say(f"frame {one.frame}{origin}")
        earlier = first_seen.setdefault((one.source, one.source_port, one.payload), one.frame)
        if earlier != one.frame:
            say_field("packet", f"a retransmission of frame {earlier}: it gets the same answer")
            continue
        _tell_one(assembled, one, chosen, assumed)
    if len(requests) > MOST_SHOWN:
        say(f"{len(requests) - MOST_SHOWN} more Access-Requests are not shown; cut the capture down to see them")


def _is_access_request(one: Datagram, ports: Iterable[int]) -> bool:
    """By its port, malformed or not; on a strange port only if it reads exactly."""
    if one.payload[:1] != bytes((Code.ACCESS_REQUEST,)):
        return not one.source  # a file with one datagram was meant, whatever it is
    if not one.source or one.destination_port in ports:
        return True
    try:
        decode(one.payload)
    except BadPacket:
        return False
    return True


def _tell_one(assembled: Assembled, one: Datagram, chosen: Client | None, assumed: Assumption) -> None:
    source = one.source or _NO_SOURCE
    client = chosen or (assembled.table.find(one.source) if one.source else _only(assembled))
    if client is None:
        names = ", ".join(known.nas.name for known in assembled.clients)
        if not one.source:
            raise WrongUsage(f"the file does not say where the packet came from: say --nas with one of: {names}")
        say_field("dropped", f"in silence (unknown_nas): no NAS has the address {one.source}")
        say_field("", f"with --nas it is taken for one of: {names}")
        return
    say_field("nas", nas_line(client.nas))
    if one.cut:
        say_field("packet", "the capture kept only a part of it: capture with a larger snapshot length")
    admitted = _admit(one, source, client)
    if isinstance(admitted, Drop):
        why = admitted.detail or _WHY_MALFORMED.get(admitted.reason, "malformed")
        say_field("dropped", f"in silence ({admitted.reason}): {why}")
        return
    for attribute in describe(admitted.packet, assembled.dictionary):
        say(f"  {_attribute_text(attribute)}")
    request = access_request(admitted.packet, client, source, one.source_port, assembled.dictionary)
    if admitted.packet.code != Code.ACCESS_REQUEST:
        say_field("packet", "Status-Server: nacd answers that it is there; no rule is asked")
        return
    _tell_request(assembled, request, assumed)


def _only(assembled: Assembled) -> Client | None:
    return assembled.clients[0] if len(assembled.clients) == 1 else None


def _admit(one: Datagram, source: str, client: Client) -> Fresh | Drop:
    """Through the daemon's own door, as the first packet it ever saw from there."""
    mine = replace(client, networks=(ipaddress.ip_network(source),))
    door = Admission(ClientTable([mine]), MessageAuthenticatorLedger(), DedupTable())
    admitted = door.receive(one.payload, source, one.source_port, Role.AUTH, instant())
    if not isinstance(admitted, Fresh | Drop):
        raise TypeError("a door that has seen nothing resends nothing")
    return admitted


def _tell_request(assembled: Assembled, request: AccessRequest, assumed: Assumption) -> None:
    kind = access_kind(request)
    if isinstance(kind, Refused):
        say_field("decision", f"Access-Reject before any rule is tried ({kind.code})")
        say_field("", kind.reason)
        return
    if request.has_eap:
        say_field("EAP", _eap_text(request))
        if kind is not AccessKind.MAB:
            _tell_later(request, kind)
            return
        say_field("", "explained as if its password (EAP-MD5) is the MAC, as it must be")
    tell(assembled, request, kind, NoCertificate(), assumed)


def _tell_later(request: AccessRequest, kind: AccessKind) -> None:
    """An EAP login is many packets, and the one with the certificate is encrypted since TLS 1.3."""
    say_field("access", kind.value)
    ssid = f" --ssid {shlex.quote(request.ssid)}" if request.ssid else ""
    say_field("decision", "not by this packet alone: the certificate travels in later ones, encrypted in TLS 1.3")
    say_field("", f"ask with --certificate FILE --nas {request.nas.name} --access {kind.value}{ssid}")


def _eap_text(request: AccessRequest) -> str:
    if not request.eap:
        return "EAP-Start"
    try:
        message = eap_messages.decode(request.eap)
    except BadEap as bad:
        return f"unreadable: {bad.reason}"
    text = f"{message.code.name.title()} {message.identifier}, {method_name(message.method)}"
    return f"{text} `{identity_text(message.body)}`" if message.method == EapMethod.IDENTITY else text


def _attribute_text(attribute: Attribute) -> str:
    """One attribute; octets that no dictionary knows are counted, not shown: nobody knows what they hold."""
    value = attribute.value
    if isinstance(value, bytes) and (attribute.name.startswith("Attr-") or attribute.name in _LONG):
        return f"{attribute.name} = ({len(value)} octets)"
    text = value_text(attribute)
    return f"{text[:_LONGEST_VALUE]}..." if len(text) > _LONGEST_VALUE else text


_LONG: Final = frozenset({"EAP-Message", "Vendor-Specific", "CHAP-Challenge"})
