"""How the endpoint came to the NAS: dot1x, mab or vpn, or not at all.

Knows: Service-Type (RFC 2865 section 5.6), NAS-Port-Type Virtual, and what makes a request MAB. Refuses to
know: users' passwords. nacd checks none; the only password it looks at is the MAC repeated by a MAB.

Theory: Service-Type says what the NAS wants, so it is judged first; a request for anything but network
access is refused before any credential is looked at, since an Accept would open the NAS's own console. The word
Login is no proof of that: some access points call each 802.1X login so, and EAP at a port opens the port alone.
A NAS marked ``done_by_nas`` is a VPN concentrator that has done the authentication. Elsewhere MAB is what
the NAS calls so (Call-Check) or what looks exactly so: User-Name and Calling-Station-Id name one MAC.
"""

from __future__ import annotations

from dataclasses import dataclass

from nacd.identity.mac import NotMac, parse, password_matches
from nacd.identity.outcome import quoted
from nacd.values import (
    AccessKind,
    AccessRequest,
    Authentication,
    MacAddress,
    NoCredential,
    OtherCredential,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """This request is answered with a Reject. code: short stable word; reason: a sentence for people."""

    code: str
    reason: str


_NETWORK_ACCESS = frozenset({"", "framed", "call-check"})
# Cisco's `authorize-only` server groups send Authorize-Only; ocserv sends Authenticate-Only.
_DONE_BY_NAS = frozenset({"", "framed", "authenticate-only", "authorize-only"})
_WHY_NOT = {
    "login": "it asks for a login on a host behind the NAS",
    "callback-login": "it asks for a call back",
    "callback-framed": "it asks for a call back",
    "callback-nas-prompt": "it asks for a call back to the NAS's own prompt",
    "callback-administrative": "it asks for a call back to the NAS's own administration",
    "outbound": "it asks for an outgoing line",
    "administrative": "it asks for administration of the NAS itself",
    "nas-prompt": "it asks for a prompt on the NAS itself",
    "authenticate-only": "it asks for a check alone, which only a NAS with `authentication: done_by_nas` may send",
    "authorize-only": "it asks for authorization alone, which only a NAS with `authentication: done_by_nas` may send",
    "framed-management": "it asks for administration of the NAS itself",
    "call-check": "this NAS does the authentication itself (`authentication: done_by_nas`), so it has no MAB",
}


def access_kind(request: AccessRequest) -> AccessKind | Refused:
    """The access kind of ``request``, with a MAB's PAP or CHAP password checked; ``Refused`` says why not.

    A MAB by EAP-MD5 is recognised here; its password is checked by the EAP conversation.
    """
    service = _service(request.service_type)
    done_by_nas = request.nas.authentication is Authentication.DONE_BY_NAS
    granted = _DONE_BY_NAS if done_by_nas else _NETWORK_ACCESS
    if service not in granted and (done_by_nas or not _is_8021x_called_login(request, service)):
        why = _WHY_NOT.get(service, "nacd grants network access only")
        return Refused(code="service_type", reason=f"Service-Type {quoted(request.service_type)} is refused: {why}")
    if done_by_nas:
        return AccessKind.VPN
    if service == "call-check":
        return _mab(request, called_so=True)
    virtual = request.nas_port_type.casefold() == "virtual"
    if request.has_eap:
        if request.nas.eap_md5_mab and not virtual and isinstance(_one_mac(request), MacAddress):
            return AccessKind.MAB
        return AccessKind.VPN if virtual else AccessKind.DOT1X
    # A VPN's User-Name may be anything; only a port with a MAC on it can be authenticated by MAC.
    if not virtual and isinstance(parse(request.user_name), MacAddress):
        return _mab(request, called_so=False)
    return _password_login(request)


def _is_8021x_called_login(request: AccessRequest, service: str) -> bool:
    """Cisco's autonomous access points and ArubaOS send Login with every EAP packet of an endpoint. A login on the NAS
    itself comes from a Virtual or Async port, or names none."""
    return service == "login" and request.has_eap and request.nas_port_type.startswith(("Wireless", "Ethernet"))


def _service(text: str) -> str:
    """Dictionaries write ``Framed`` or ``Framed-User``; both are meant."""
    return text.strip().casefold().removesuffix("-user")


def _one_mac(request: AccessRequest) -> MacAddress | Refused:
    """The MAC that User-Name and Calling-Station-Id both name (RFC 2865 section 5.6, Call Check)."""
    user, calling = parse(request.user_name), parse(request.calling_station_id)
    if isinstance(calling, NotMac):
        shown = quoted(request.calling_station_id)
        return Refused(code="mab_no_mac", reason=f"MAB with Calling-Station-Id {shown}: {calling.reason}")
    if isinstance(user, NotMac):
        return Refused(code="mab_no_mac", reason=f"MAB with User-Name {quoted(request.user_name)}: {user.reason}")
    if user != calling:
        shown = f"User-Name names {user} but Calling-Station-Id names {calling}"
        return Refused(code="mab_mismatch", reason=f"MAB in which {shown}")
    return calling


def _mab(request: AccessRequest, *, called_so: bool) -> AccessKind | Refused:
    mac = _one_mac(request)
    if isinstance(mac, Refused):
        return mac
    if request.has_eap:
        if request.nas.eap_md5_mab:
            return AccessKind.MAB
        way_out = f"if NAS {quoted(request.nas.name)} does MAB by EAP-MD5, set `eap_md5_mab: true` for it"
        return Refused(code="mab_by_eap", reason=f"MAB (Service-Type Call-Check) that uses EAP: {way_out}")
    if isinstance(request.credential, OtherCredential):
        method = quoted(request.credential.method)
        return Refused(code="mab_password", reason=f"MAB with {method}, which nacd does not speak; use PAP or CHAP")
    if request.nas.mab_password == "any":  # noqa: S105
        return AccessKind.MAB
    if isinstance(request.credential, NoCredential):
        if called_so:  # a call check has nothing to prove: RFC 2865 section 5.6 asks for the name alone
            return AccessKind.MAB
        return Refused(
            code="mab_password", reason=f"MAB of {mac} without a password and without Service-Type Call-Check"
        )
    if not password_matches(request, mac):
        way_out = f"if NAS {quoted(request.nas.name)} sends a fixed one, set `mab_password: any` for it"
        return Refused(code="mab_password", reason=f"MAB of {mac} whose password is not that MAC; {way_out}")
    return AccessKind.MAB


def _password_login(request: AccessRequest) -> Refused:
    match request.credential:
        case OtherCredential(method=method):
            what = f"a password ({quoted(method)})"
        case NoCredential():
            what = "no password and no EAP"
        case _:
            what = "a password"
    nas = quoted(request.nas.name)
    return Refused(
        code="no_access_kind",
        reason=f"User-Name {quoted(request.user_name)} comes with {what}, "
        "and nacd checks no user passwords: use EAP-TLS; "
        f"if NAS {nas} is a VPN concentrator that authenticates by itself, set `authentication: done_by_nas` for it",
    )
