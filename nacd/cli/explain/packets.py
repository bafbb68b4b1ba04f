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

from nacd.cli.explain import capture
from nacd.cli.explain.capture import Datagram, NotCapture
from nacd.cli.explain.judgement import Scene, WrongUsage, tell
from nacd.cli.explain.logins import tell_refused
from nacd.cli.explain.sheet import Sheet, nas_document, nas_line, value_text
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
from nacd.server.promises.profiles import reach
from nacd.values import NO_SECRET, AccessKind, AccessRequest, Attribute, NoCertificate
from nacd.vendor.download import AccessLists, NoPage, is_list_name

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


def tell_each(scene: Scene, path: Path, chosen: Client | None) -> None:
    """Explain every Access-Request in the file, twenty at most. chosen: the NAS, whatever the source address.

    Raises NotCapture, OSError, and WrongUsage where nothing says which NAS sent it.
    """
    captured = capture.read(path)
    sheet = scene.sheet
    ports = _USUAL_PORTS | {address.port for address in scene.assembled.loaded.settings.server.auth}
    requests = [one for one in captured.datagrams if _is_access_request(one, ports)]
    if captured.fragments:
        sheet.say(f"{captured.fragments} IP fragments left out: nacd explain does not put them together")
    if not requests:
        seen = f"{captured.frames} frames, {len(captured.datagrams)} UDP datagrams"
        raise NotCapture(f"there is no Access-Request in it ({seen})")
    sheet.put(requests=len(requests), frames=captured.frames, fragments=captured.fragments)
    first_seen: dict[tuple[str, int, bytes], int] = {}
    for shown, one in enumerate(requests[:MOST_SHOWN]):
        sheet.say("" if shown else f"Access-Requests: {len(requests)}, frames: {captured.frames}")
        origin = f" from {one.source} port {one.source_port}" if one.source else ""
        sheet.say(f"frame {one.frame}{origin}")
        below = sheet.part("packets")
        below.put(frame=one.frame, source=one.source, source_port=one.source_port)
        earlier = first_seen.setdefault((one.source, one.source_port, one.payload), one.frame)
        if earlier != one.frame:
            sheet.field("packet", f"a retransmission of frame {earlier}: it gets the same answer")
            below.put(retransmission_of=earlier)
            continue
        _tell_one(replace(scene, sheet=below), one, chosen)
    if len(requests) > MOST_SHOWN:
        sheet.say(f"{len(requests) - MOST_SHOWN} more Access-Requests are not shown; cut the capture down to see them")


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


def _tell_one(scene: Scene, one: Datagram, chosen: Client | None) -> None:
    assembled, sheet = scene.assembled, scene.sheet
    source = one.source or _NO_SOURCE
    client = chosen or (assembled.table.find(one.source) if one.source else _only(assembled))
    if client is None:
        names = ", ".join(known.nas.name for known in assembled.clients)
        if not one.source:
            raise WrongUsage(f"the file does not say where the packet came from: say --nas with one of: {names}")
        _tell_dropped(sheet, "unknown_nas", f"no NAS has the address {one.source}")
        sheet.field("", f"with --nas it is taken for one of: {names}")
        return
    sheet.field("nas", nas_line(client.nas))
    sheet.put(nas=nas_document(client.nas))
    if one.cut:
        sheet.field("packet", "the capture kept only a part of it: capture with a larger snapshot length")
    admitted = _admit(one, source, client)
    if isinstance(admitted, Drop):
        _tell_dropped(sheet, admitted.reason, admitted.detail or _WHY_MALFORMED.get(admitted.reason, "malformed"))
        return
    told = [_attribute_text(attribute) for attribute in describe(admitted.packet, assembled.dictionary)]
    for text in told:
        sheet.say(f"  {text}")
    sheet.put(attributes=told)
    _tell_secret(sheet, admitted.client, client)
    request = access_request(admitted.packet, admitted.client, source, one.source_port, assembled.dictionary)
    if admitted.packet.code != Code.ACCESS_REQUEST:
        sheet.field("packet", "Status-Server: nacd answers that it is there; no rule is asked")
        return
    _tell_request(scene, request)


def _tell_secret(sheet: Sheet, used: Client, configured: Client) -> None:
    """Of a NAS that is being changed over: with which of its two secrets this one was made."""
    if configured.next_secret is not NO_SECRET:
        which = "secret" if used.secret == configured.secret else "next_secret"
        sheet.field("secret", f"made with `{which}`")
        sheet.put(made_with=which)


def _tell_dropped(sheet: Sheet, code: str, why: str) -> None:
    sheet.field("dropped", f"in silence ({code}): {why}")
    sheet.put(dropped={"code": code, "detail": why})


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


def _tell_request(scene: Scene, request: AccessRequest) -> None:
    sheet = scene.sheet
    if is_list_name(request.user_name):
        _tell_list(scene, request)
        return
    kind = access_kind(request)
    if isinstance(kind, Refused):
        tell_refused(sheet, kind.code, kind.reason)
        return
    if request.has_eap:
        sheet.field("EAP", _eap_text(request))
        if kind is not AccessKind.MAB:
            _tell_later(sheet, request, kind)
            return
        sheet.field("", "explained as if its password (EAP-MD5) is the MAC, as it must be")
    tell(scene, request, kind, NoCertificate())


def _tell_list(scene: Scene, request: AccessRequest) -> None:
    """A NAS that fetches an access list: no rule is asked."""
    page = AccessLists(scene.assembled.rendered, reach(scene.assembled.loaded)).page(request)
    if isinstance(page, NoPage):
        tell_refused(scene.sheet, page.code, page.reason)
        return
    more = ", and more to follow" if page.state else ""
    scene.sheet.field("decision", f"lines of the access list `{page.listed.name}`{more}; no rule is asked")
    scene.sheet.put(access_list=page.listed.name)


def _tell_later(sheet: Sheet, request: AccessRequest, kind: AccessKind) -> None:
    """An EAP login is many packets, and the one with the certificate is encrypted since TLS 1.3."""
    sheet.field("access", kind.value)
    ssid = f" --ssid {shlex.quote(request.ssid)}" if request.ssid else ""
    sheet.field("decision", "not by this packet alone: the certificate travels in later ones, encrypted in TLS 1.3")
    sheet.field("", f"ask with --certificate FILE --nas {request.nas.name} --access {kind.value}{ssid}")
    sheet.put(access=kind.value)


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
