"""``nacd explain --mac``: what is known of a MAC, and what it would get.

Knows: what the daemon can tell of it, and at which NASes the question makes sense. Refuses to know: the judgement.

What the daemon knows (machine, sessions, orders, verdicts) is told when it is there. The logins are judged by the
configuration on disk, without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nacd.cli.explain.daemon import Socket, Unheard, heard
from nacd.cli.explain.judgement import Scene, tell_named
from nacd.cli.explain.judgement import tell as judged
from nacd.cli.explain.logins import chosen, kind_of, request_of
from nacd.cli.explain.sessions import tell_session
from nacd.cli.explain.sheet import Sheet, moment_text, nas_document, nas_line
from nacd.config.fields import written
from nacd.identity.mac import parse
from nacd.radius.clients import Client
from nacd.values import (
    AccessKind,
    Assurance,
    Authentication,
    Device,
    DeviceId,
    DeviceIdKind,
    IdentitySource,
    MacAddress,
    Named,
    NoCertificate,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """mac: in any spelling. nas: ``""`` for those that it is live on, or the only one there is."""

    mac: str
    nas: str
    access: str
    ssid: str


def tell(scene: Scene, socket: Socket, asked: Asked) -> None:
    """Raises WrongUsage, OSError."""
    mac = parse(asked.mac)
    assert isinstance(mac, MacAddress)  # noqa: S101  checked with the options
    if asked.nas:
        chosen(scene.assembled, asked.nas)
    known = heard(socket, "explain.mac", mac=mac.text, at=scene.now.wall)
    clients = _clients(scene, asked.nas, known)
    sheet = scene.sheet
    sheet.put(mac=mac.text, daemon="" if not isinstance(known, Unheard) else known.why)
    if isinstance(known, Unheard):
        sheet.field("daemon", f"says nothing: {known.why}")
        sheet.field("", "so machine, sessions, overrides and verdicts of this MAC are not known here")
    else:
        _tell_known(sheet, known)
    machine = _machine(known)
    for client in clients:
        _tell_logins(scene, client, asked, mac, machine)


def _tell_managed(scene: Scene) -> None:
    """That what a rule gives by MAB may be taken away again."""
    wanted = scene.assembled.loaded.settings.mab
    if wanted.managed_devices == "refuse":
        words = f"an Accept above becomes Access-Reject (managed-device) for {written(wanted.managed_for)} after it"
        scene.sheet.field("managed", f"{words} came with its certificate (`mab.managed_devices`), unless its entry in")
        scene.sheet.field("", "the inventory says --even-if-managed")


def _clients(scene: Scene, named: str, known: Any) -> tuple[Client, ...]:
    """At which NASes it is asked what it would get. Raises WrongUsage where nothing tells."""
    if not named and isinstance(known, Mapping):
        live = {each["nas"] for each in known["sessions"]}
        found = tuple(client for client in scene.assembled.clients if client.nas.name in live)
        if found:
            return found
    return (chosen(scene.assembled, named),)


def _tell_known(sheet: Sheet, known: Mapping[str, Any]) -> None:
    machine = known["machine"]
    words = "no device has proved itself with this MAC"
    if machine is not None:
        whose = f" of tenant `{machine['tenant']}`" if machine["tenant"] else ""
        words = f"{machine['device']}{whose}, which was seen with this MAC last, {moment_text(machine['at'])}"
    sheet.field("machine", words)
    for each in known["verdicts"]:
        detail = f": {each['detail']}" if each["detail"] else ""
        as_of = moment_text(each["as_of"])
        sheet.field("verdict", f"{each['key']} is {each['state']} as of {as_of}, source {each['source']}{detail}")
    if not known["verdicts"]:
        sheet.field("verdict", "none: nobody was asked about it, or it is forgotten")
    for each in known["overrides"]:
        until = moment_text(each["until"]) or "it is lifted"
        about = f"{each['subject_kind']} {each['subject']}"
        sheet.field("override", f"{each['id']}: {each['effect']} of {about} by {each['by']} until {until}")
        sheet.field("", f"because: {each['reason']}; it stands above the rules below")
    if not known["overrides"]:
        sheet.field("override", "none")
    if not known["sessions"]:
        sheet.field("session", "none is up")
    for each in known["sessions"]:
        tell_session(sheet, each)
    sheet.put(known=known)


def _machine(known: Any) -> Mapping[str, Any] | None:
    return known["machine"] if isinstance(known, Mapping) else None


def _tell_logins(
    scene: Scene, client: Client, asked: Asked, mac: MacAddress, machine: Mapping[str, Any] | None
) -> None:
    """MAB or VPN by this MAC; and 802.1X of the machine that has it, as far as that can be told."""
    below = scene.sheet.part("logins")
    here = replace(scene, sheet=below)
    below.field("nas", nas_line(client.nas))
    below.put(nas=nas_document(client.nas))
    request = request_of(client, asked.access, asked.ssid, mac=mac.text)
    kind = kind_of(request, below)
    if isinstance(kind, AccessKind):
        judged(here, request, kind, NoCertificate())
        if machine is not None and kind is AccessKind.MAB:
            _tell_managed(here)
    if machine is None or asked.access != "dot1x" or client.nas.authentication is Authentication.DONE_BY_NAS:
        return
    below = scene.sheet.part("logins")
    below.field("nas", nas_line(client.nas))
    below.field("", "802.1X of the machine, without its certificate: rules on what stands in that do not match")
    below.put(nas=nas_document(client.nas))
    named = Named(
        access=AccessKind.DOT1X,
        identity=Device(
            id=DeviceId(guid=machine["guid"], kind=DeviceIdKind(machine["register"])),
            source=IdentitySource.CERTIFICATE,
            assurance=Assurance.CERTIFICATE,
        ),
        attempts=(),
        mac=mac.text,
        tenant=machine["tenant"],
    )
    tell_named(
        replace(here, sheet=below), request_of(client, asked.access, asked.ssid, mac=mac.text, has_eap=True), named
    )
