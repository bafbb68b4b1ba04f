"""Logins that nobody has made: the request that a NAS would send about a certificate or a MAC.

Knows: what such requests carry. Refuses to know: what becomes of them.
"""

from __future__ import annotations

from nacd.cli.explain.judgement import WrongUsage
from nacd.cli.explain.sheet import Sheet
from nacd.identity.access_kind import Refused, access_kind
from nacd.radius.clients import Client
from nacd.server.assembly import Assembled
from nacd.values import AccessKind, AccessRequest

_SOME_BSSID = "02-00-00-00-00-00"


def chosen(assembled: Assembled, wanted: str) -> Client:
    """The NAS of this name, or the only one there is. Raises WrongUsage with the names to choose from."""
    names = ", ".join(client.nas.name for client in assembled.clients)
    if not wanted:
        if len(assembled.clients) == 1:
            return assembled.clients[0]
        raise WrongUsage(f"which NAS would ask? say --nas with one of: {names}")
    for client in assembled.clients:
        if client.nas.name == wanted:
            return client
    raise WrongUsage(f"no NAS is called `{wanted}`; there are: {names}")


def request_of(client: Client, access: str, ssid: str, *, mac: str = "", has_eap: bool = False) -> AccessRequest:
    """The request that this NAS would send. access: ``dot1x`` (with a MAC and no EAP: MAB) or ``vpn``."""
    source = str(client.networks[0].network_address)
    called = f"{_SOME_BSSID}:{ssid}" if ssid else ""
    port = "Wireless-802.11" if ssid else "Ethernet"
    if access == "vpn":
        pairs = (f"mdm-tlv=device-mac={mac}",) if mac else ()
        return AccessRequest(
            nas=client.nas,
            source=source,
            source_port=0,
            nas_port_type="Virtual",
            called_station_id=called,
            cisco_av_pairs=pairs,
            has_eap=has_eap,
        )
    return AccessRequest(
        nas=client.nas,
        source=source,
        source_port=0,
        user_name=mac,
        service_type="Call-Check" if mac and not has_eap else "Framed-User",
        nas_port_type=port,
        called_station_id=called,
        calling_station_id=mac,
        has_eap=has_eap,
    )


def kind_of(request: AccessRequest, sheet: Sheet) -> AccessKind | Refused:
    """How it comes; a refusal before the rules is told."""
    kind = access_kind(request)
    if isinstance(kind, Refused):
        tell_refused(sheet, kind.code, kind.reason)
    return kind


def tell_refused(sheet: Sheet, code: str, reason: str, why: str = "") -> None:
    """It comes to no rule. why: what stands between, in a few words."""
    sheet.field("decision", f"Access-Reject before any rule is tried{f': {why}' if why else ''} ({code})")
    if not why:
        sheet.field("", reason)
    sheet.put(decision={"effect": "deny", "rule": "", "profile": "", "reasons": [reason]}, refused=code)
