"""Every audit event there is: its stable code, name, meaning and fields, in one table.

Knows: what a record of each kind holds. Refuses to know: how it is filled (``events``) and where it goes
(``store/``). The documentation is generated from here, so a field not listed here does not exist.

A code is ``A``, four digits and a letter: I (as wished), W (look at it some day), E (look at it now).
Codes and field names are an interface: they are added to, never reused for something else. A dot goes
into an object, ``[]`` into each element of a list. The rows of sessions are in ``session_catalogue``, those
of a shadow policy in ``shadow_events``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nacd.audit import session_catalogue, shadow_events
from nacd.audit.chain import events as chain_events
from nacd.audit.forwarding import events as forwarding_events
from nacd.audit.keeping import events as keeping_events
from nacd.audit.kind import HEAD as _HEAD
from nacd.audit.kind import Event
from nacd.audit.kind import event as _event
from nacd.audit.mab import events as mab_events
from nacd.audit.reload import events as reload_events
from nacd.audit.rotation import events as rotation_events
from nacd.audit.signing import events as signing_events
from nacd.audit.verdicts import events as verdict_events

_FIELDS = {
    "time": "when the event happened: RFC 3339, UTC, milliseconds",
    "code": "stable code of the event, as in this table",
    "event": "name of the event, for people",
    "why": "one sentence for people: what happened and why",
    "access": "access kind: `dot1x`, `mab` or `vpn`; empty when none was found",
    "occasion": "what led to the decision: `request`, `late_answer` (Intune answered after the deadline), `reassess`",
    "refusal": "short stable word for the reason of a refusal",
    "access_list.name": "name of the access list, as its NAS was told it",
    "access_list.lines": "how many lines the list has",
    "access_list.packets": "how many answers it took",
    "request_id": "id of the packet this comes of, the same in every line of the log about it; of accounting too",
    "latency_ms": "from the arrival of the packet to the record, milliseconds",
    "nas.name": "name of the NAS in nacd's configuration",
    "nas.vendor": "vendor of the NAS in nacd's configuration",
    "nas.source": "address the packet came from; it chose the NAS and the shared secret",
    "nas.source_port": "UDP port the packet came from",
    "nas.identifier": "NAS-Identifier as sent: the NAS's own word",
    "nas.address": "NAS-IP-Address or NAS-IPv6-Address as sent: the NAS's own word",
    "nas.port": "NAS-Port as sent",
    "nas.port_id": "NAS-Port-Id as sent",
    "nas.port_type": "NAS-Port-Type as sent, by its dictionary name",
    "nas.groups": "groups of the NAS in nacd's configuration",
    "nas.location": "where the NAS stands, by nacd's configuration",
    "endpoint.user_name": "User-Name as sent; under EAP it is what the peer calls itself",
    "endpoint.user": "the proved user: UPN of the certificate, or the name a VPN concentrator authenticated",
    "endpoint.mac": "MAC of the endpoint, canonical; empty when the request names none",
    "endpoint.calling_station_id": "Calling-Station-Id as sent; for a VPN an address",
    "endpoint.called_station_id": "Called-Station-Id as sent",
    "endpoint.ssid": "SSID out of Called-Station-Id",
    "endpoint.tunnel_client_endpoint": "Tunnel-Client-Endpoint as sent",
    "endpoint.bssid": "MAC of the access point's radio; empty where no rule was tried, as with all of `endpoint` below",
    "endpoint.tunnel_group": "tunnel group of a VPN",
    "endpoint.client_platform": "what the VPN client says it runs on (`device-platform`)",
    "endpoint.client_platform_version": "version of that",
    "endpoint.client_agent": "what the VPN client calls itself (`ac-user-agent`)",
    "endpoint.inventory": "how the MAC stood in the inventory: `any` and its tags; empty when it did not",
    "endpoint.framed_address": "Framed-IP-Address as sent in accounting",
    "session.acct_session_id": "Acct-Session-Id as sent",
    "session.audit_session_id": "Cisco's audit-session-id as sent",
    "session.time_s": "Acct-Session-Time, seconds",
    "session.delay_s": "Acct-Delay-Time, seconds",
    "session.event_timestamp": "Event-Timestamp of the NAS's clock, seconds since the epoch; 0 when not sent",
    "session.terminate_cause": "Acct-Terminate-Cause, by its dictionary name",
    "session.status_type": "Acct-Status-Type as sent",
    "identity.kind": "`device` (named by id), `endpoint` (named by MAC) or `unidentified`",
    "identity.id": "device id, empty unless kind is `device`",
    "identity.register": "register of the device id: `intune` or `entra`",
    "identity.mac": "MAC that names the endpoint, empty unless kind is `endpoint`",
    "identity.source": "where the identity was read: `certificate`, `vpn` or `mac`",
    "identity.assurance": "how far it can be trusted: `certificate`, `vpn`, `mac` or `none`",
    "identity.detail": "why nothing names it, or why Intune is not asked about this MAC",
    "identity.tenant": "tenant that is asked about it, by its name in nacd's configuration; empty when nobody is",
    "identity.attempts[].source": "identity source tried",
    "identity.attempts[].outcome": "`found`, `absent` (the next source was tried) or `bad` (naming ended)",
    "identity.attempts[].detail": "the outcome in words",
    "certificate.subject": "subject of the client certificate (RFC 4514)",
    "certificate.issuer": "issuer of the client certificate (RFC 4514)",
    "certificate.serial": "serial number, hex",
    "certificate.fingerprint": "SHA-256 over the certificate, hex",
    "certificate.not_before": "start of validity",
    "certificate.not_after": "end of validity",
    "certificate.anchor": "entry of `client_cas` its chain ended in",
    "certificate.common_name": "most specific common name",
    "certificate.san_uris": "URIs of the subject alternative name",
    "certificate.san_dns": "DNS names of the subject alternative name",
    "certificate.san_upns": "user principal names of the subject alternative name",
    "certificate.templates": "OIDs and names of the AD CS templates",
    "certificate.tenant_ids": "ids of the tenants that the issuing Intune wrote into it",
    "certificate.ekus": "extended key usages, as dotted OIDs",
    "eap.failure": "short stable word for what went wrong in EAP",
    "eap.peer_identity": "EAP identity as sent: what the peer calls itself",
    "eap.tls_version": "TLS version agreed on",
    "eap.cipher": "TLS cipher suite agreed on",
    "compliance.state": "what Intune says: `compliant`, `noncompliant`, `in_grace`, `not_managed`, `unknown`, "
    "`unavailable`, `not_asked`",
    "compliance.detail": "what stands behind it, in words",
    "compliance.provider": "who said so: `nac` (Compliance Retrieval) or `graph`; empty when nobody did",
    "compliance.source": "`live`, `cache`, `stale`, `bulk` or `none`",
    "compliance.as_of": "when Intune said so, or was asked in vain; empty when not asked",
    "compliance.age_s": "age of that knowledge, seconds; -1 when not asked",
    "compliance.grace_until": "when `in_grace` ends; empty when nobody told",
    "compliance.device.name": "name of the device in Intune",
    "compliance.device.operating_system": "its operating system, in Intune's words",
    "compliance.device.os_version": "version of that, as Intune has it",
    "compliance.device.owner": "`company`, `personal` or `unknown`",
    "compliance.device.user": "its primary user in Intune (user principal name)",
    "compliance.device.last_sync": "when it last reported to Intune; empty when not told",
    "compliance.device.in_groups": "object ids of the groups that its user is in, of those that the policy asks"
    " about; only where it asks about groups",
    "compliance.device.outside_groups": "those that its user is not in; what stands in neither is not known",
    "compliance.device.groups_doubt": "why groups are not known; empty where nothing failed",
    "decision.effect": "`allow` or `deny`",
    "decision.rule": "rule of the policy that decided, or `default-deny`",
    "decision.profile": "authorization profile given; empty on deny",
    "decision.reasons": "why the rule matched",
    "decision.policy_digest": "digest of the policy in force",
    "reply.code": "Access-Accept or Access-Reject",
    "reply.attributes[].name": "reply attribute by its dictionary name",
    "reply.attributes[].value": "its value; `***` where it is a secret",
    "reply.attributes[].tag": "its tag (RFC 2868), when it has one",
    "reply.omitted": "optional intentions of the profile that this vendor cannot express",
    "reply.actions": "what `nacd actions` is asked to do with the device (`sync`, `notify`), by `on_quarantine`",
    "reply.octets": "length of the answer that did not fit, octets; 0 when unknown",
    "monitored": "`true`: answered with the profile of a [monitor](monitor.md), whatever was decided; `false`: a "
    "monitor is in force at this NAS and has changed nothing here; missing: none is",
    "monitor.scope": "how far the monitor reaches: `everywhere`, `group` or `rule`",
    "monitor.name": "name of that group or rule; empty for `everywhere`",
    "monitor.until": "when the monitor ends",
    "monitor.profile": "profile that was answered",
    "monitor.would.event": "code of the record that the decision would have been told by",
    "monitor.would.code": "what the decision would have answered: Access-Accept or Access-Reject",
    "monitor.would.attributes[].name": "attribute of that answer by its dictionary name",
    "monitor.would.attributes[].value": "its value; `***` where it is a secret",
    "monitor.would.attributes[].tag": "its tag (RFC 2868), when it has one",
    "monitor.would.omitted": "as `reply.omitted`, of that answer",
    "monitor.would.actions": "as `reply.actions`, of that answer; nobody was asked for them",
    "chargeable_user_identity": "Chargeable-User-Identity (RFC 4372): given in this Accept because the NAS asked, or "
    "sent back by it in accounting; it ties the sessions of one endpoint together without naming it",
    "packets.reason": "stable word for why packets were dropped",
    "packets.detail": "the reason in words, with the setting to change",
    "count": "how many times, without the record that was written by itself",
    "first": "time of the first one",
    "last": "time of the last one",
    "repeated.code": "code of the event that was repeated",
    "repeated.event": "name of the event that was repeated",
    "repeated.why": "sentence of the first record",
    "repeated.by_code": "records not written, by event code",
    "repeated.by_nas": "records not written, by NAS; `other` for those past the hundredth",
    "service.version": "version of nacd",
    "service.detail": "what was started or stopped, in words",
    "nacd_session": session_catalogue.NACD_SESSION,
    "audit.lost": "records that could not be written",
    "audit.by_code": "records that could not be written, by event code",
    "audit.since": "since when records could not be written",
    "bug.type": "type of the exception",
    "bug.where": "where it was raised: file, line, function",
}

_NAS = tuple(f for f in _FIELDS if f.startswith("nas."))
_ENDPOINT = tuple(f for f in _FIELDS if f.startswith("endpoint.") and f != "endpoint.framed_address")
_SESSION = ("session.acct_session_id", "session.audit_session_id")
_REQUEST = (*_HEAD, "access", *_NAS, *_ENDPOINT, *_SESSION)
_IDENTITY = tuple(f for f in _FIELDS if f.startswith("identity."))
_CERTIFICATE = tuple(f for f in _FIELDS if f.startswith("certificate."))
_EAP = ("eap.peer_identity", "eap.tls_version", "eap.cipher")
_COMPLIANCE = tuple(f for f in _FIELDS if f.startswith("compliance."))
_DECISION = tuple(f for f in _FIELDS if f.startswith("decision."))
_REPLY = tuple(f for f in _FIELDS if f.startswith("reply.") and f != "reply.octets")
_MONITOR = ("monitored", *(f for f in _FIELDS if f.startswith("monitor.")))
_NAMED = (*_REQUEST, *_IDENTITY, *_CERTIFICATE)
_DECIDED = (
    *_NAMED,
    "request_id",
    "occasion",
    *_EAP,
    *_COMPLIANCE,
    *_DECISION,
    *_REPLY,
    "chargeable_user_identity",
    "latency_ms",
)
_ACCOUNTING = (
    *_HEAD,
    "nas.name",
    "nas.vendor",
    "nas.source",
    "nas.source_port",
    "nas.identifier",
    "nas.address",
    "nas.port",
    "nas.port_id",
    "endpoint.user_name",
    "endpoint.mac",
    "endpoint.calling_station_id",
    "endpoint.called_station_id",
    "endpoint.framed_address",
    *(f for f in _FIELDS if f.startswith("session.")),
    *("chargeable_user_identity", "nacd_session", "request_id"),
)
_SPAN = ("count", "first", "last")
_WHERE = ("nas.name", "nas.source")


_ALL = (
    _event("A1001I", "access.accept", "A request was answered with Access-Accept.", *_DECIDED, "monitored"),
    _event(
        "A1002I",
        "access.reject",
        "The policy decided to deny; the answer was Access-Reject.",
        *_DECIDED,
        "monitored",
    ),
    _event(
        "A1003W",
        "access.eap_failed",
        "The endpoint could not prove who it is; the answer was Access-Reject.",
        *_REQUEST,
        *_EAP,
        *("eap.failure", "certificate.subject", "certificate.issuer"),
        *("latency_ms", "request_id", "monitored"),
    ),
    _event(
        "A1004W",
        "access.refused",
        "A request that is no network access nacd knows, or a MAB with a wrong password; the answer was Access-Reject.",
        *_REQUEST,
        "refusal",
        *("latency_ms", "request_id", "monitored"),
    ),
    _event(
        "A1005E",
        "access.reply_too_long",
        "The answer did not fit into one RADIUS packet; Access-Reject was sent in its place.",
        *_NAMED,
        *(*_DECISION, "request_id"),
        "reply.octets",
        "reply.attributes[].name",
        "reply.attributes[].value",
        "reply.attributes[].tag",
    ),
    _event(
        "A1006I",
        "access.list_downloaded",
        "A NAS asked for an access list that an Access-Accept had named, and has been sent all of it.",
        *_REQUEST,
        "access_list.name",
        "access_list.lines",
        "access_list.packets",
        *("latency_ms", "request_id"),
    ),
    _event(
        "A1007W",
        "access.monitored",
        "A [monitor](monitor.md) answered with Access-Accept and its own profile; `decision` is what was decided and"
        " not enforced.",
        *_DECIDED,
        *_MONITOR,
    ),
    _event(
        "A1008W",
        "access.managed",
        "A MAB request was refused, which a rule would have let in: this MAC is known by the certificate of a device.",
        *_DECIDED,
        "monitored",
    ),
    _event(
        "A1010W",
        "access.repeated",
        "Further refusals equal to one already written, counted while a window was open.",
        *_REQUEST,
        *(f for f in _FIELDS if f.startswith("repeated.") and ".by_" not in f),
        *("refusal", "certificate.issuer", "eap.failure", "compliance.state", "decision.rule", "decision.reasons"),
        *_SPAN,
    ),
    _event(
        "A1011W",
        "access.port_over_budget",
        "One NAS port caused more different refusals than are written in one window; the rest were counted.",
        *_REQUEST,
        "repeated.by_code",
        *_SPAN,
    ),
    _event(
        "A1012W",
        "access.repeats_overflow",
        "More different refusals at a time than can be told apart; the rest were counted.",
        *_HEAD,
        "repeated.by_code",
        "repeated.by_nas",
        *_SPAN,
    ),
    _event("A2001I", "accounting.start", "A session began.", *_ACCOUNTING),
    _event("A2002I", "accounting.interim", "A session goes on.", *_ACCOUNTING),
    _event("A2003I", "accounting.stop", "A session ended.", *_ACCOUNTING),
    _event("A2004I", "accounting.nas_on", "A NAS says it has started; its earlier sessions are over.", *_ACCOUNTING),
    _event("A2005I", "accounting.nas_off", "A NAS says it stops; its sessions are over.", *_ACCOUNTING),
    _event("A2006W", "accounting.other", "An Accounting-Request of a status type nacd does not act on.", *_ACCOUNTING),
    _event(
        "A3001W",
        "packets.dropped",
        "Packets dropped in silence since the last report, for one reason.",
        *_HEAD,
        *_WHERE,
        "packets.reason",
        "packets.detail",
        *_SPAN,
    ),
    _event(
        "A3002W",
        "packets.probe",
        "A NAS's health probe got no answer, so the NAS may believe that nacd is dead.",
        *_HEAD,
        *_WHERE,
        "endpoint.user_name",
        "packets.reason",
        "packets.detail",
    ),
    *session_catalogue.ROWS,
    *shadow_events.ROWS,
    *mab_events.ROWS,
    *verdict_events.ROWS,
    _event("A9001I", "service.started", "nacd started.", *_HEAD, "service.version", "service.detail"),
    _event("A9002I", "service.stopped", "nacd stopped.", *_HEAD, "service.version", "service.detail"),
    *reload_events.ROWS[:2],
    _event(
        "A9005E",
        "audit.resumed",
        "Records can be written again; those lost in between are counted here.",
        *_HEAD,
        *("audit.lost", "audit.by_code", "audit.since"),
    ),
    *reload_events.ROWS[2:],
    _event(
        "A9009E",
        "service.bug",
        "An error in nacd itself; the packet got no answer.",
        *_HEAD,
        *_WHERE,
        *("bug.type", "bug.where", "request_id"),
    ),
    *chain_events.ROWS,
    *forwarding_events.ROWS,
    *rotation_events.ROWS,
    *signing_events.ROWS,
    *keeping_events.ROWS,
)

EVENTS: Mapping[str, Event] = MappingProxyType({event.code: event for event in _ALL})
"""Every event by its code."""

_ROOMS = (
    *(session_catalogue, shadow_events, mab_events, reload_events, chain_events),
    *(verdict_events, rotation_events, keeping_events, forwarding_events),
)
FIELDS: Mapping[str, str] = MappingProxyType(
    {**_FIELDS, **{name: meaning for room in _ROOMS for name, meaning in room.FIELDS.items()}}
)
"""Every field by its dotted path, with its meaning."""


def document() -> str:
    """The events and fields as Markdown, for the documentation."""
    lines = [
        "# Audit events",
        "",
        "One JSON object a line. Codes and field names are stable. The last letter of a code is I (as wished), "
        "W (look at it some day) or E (look at it now). A dot goes into an object, `[]` into each element of a list. "
        "A field without a value is empty, not missing; `certificate` is missing when none was shown, "
        "`compliance.device` when nothing is known of the device (Microsoft Graph alone tells it), `monitored` and "
        "`monitor` where no monitor is in force.",
        "",
        "| code | event | severity | meaning |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{event.code}` | `{event.name}` | {event.severity} | {event.meaning} |" for event in EVENTS.values()]
    lines += ["", "## Fields of each event", ""]
    for event in EVENTS.values():
        lines += [
            f"### {event.code} {event.name}",
            "",
            event.meaning,
            "",
            ", ".join(f"`{f}`" for f in event.fields),
            "",
        ]
    lines += ["## Fields", "", "| field | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in FIELDS.items()]
    return "\n".join(lines) + "\n"
