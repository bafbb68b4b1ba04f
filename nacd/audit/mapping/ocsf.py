"""A record as an event of the Open Cybersecurity Schema Framework, version 1.5.0 (schema.ocsf.io).

Knows: which attribute of which class holds what of ours. Refuses to know: which class an event is of (``kinds``).

Everything that is no head stays under ``unmapped``, so nothing is lost. ``metadata.uid`` is the record's link, which is
never twice in a trail: a collector can throw away what it has already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from nacd.audit.mapping import kinds
from nacd.audit.mapping.kinds import Kind, kind
from nacd.audit.mapping.record import Record, address, block, dumped, mac, matching, milliseconds, whole, word, words

VERSION: Final = "1.5.0"
_SEVERITIES: Final = {"information": (1, "Informational"), "warning": (3, "Medium"), "error": (4, "High")}
_STATUSES: Final = {"unknown": (0, "Unknown"), "success": (1, "Success"), "failure": (2, "Failure")}
_PROTOCOLS: Final = {"dot1x": (9, "EAP"), "mab": (7, "PAP"), "vpn": (10, "RADIUS")}
_OBSERVED: Final = {1: "Hostname", 2: "IP Address", 3: "MAC Address", 4: "User Name", 10: "Resource UID"}
_HEX: Final = re.compile(r"[0-9a-fA-F]{2,128}")
Event = dict[str, Any]


def event(record: Record, version: str) -> bytes:
    """The event as JSON, one line without its newline. version: of nacd. Total."""
    known = kind(record.name)
    severity_id, severity = _SEVERITIES[record.severity]
    status_id, status = _STATUSES[known.outcome]
    category = known.ocsf // 1000
    made: Event = {
        "activity_id": known.activity,
        "activity_name": known.activity_name,
        "category_uid": category,
        "category_name": kinds.CATEGORIES[category],
        "class_uid": known.ocsf,
        "class_name": kinds.CLASSES[known.ocsf],
        "type_uid": known.ocsf * 100 + known.activity,
        "type_name": f"{kinds.CLASSES[known.ocsf]}: {known.activity_name}",
        "time": record.milliseconds,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": record.why,
        "metadata": _metadata(record, version),
    }
    if detail := _detail(record.fields):
        made["status_detail"] = detail
    if count := whole(record.fields, "count"):
        made["count"] = count
        for name, field in (("start_time", "first"), ("end_time", "last")):
            if at := milliseconds(word(record.fields, field)):
                made[name] = at
    if latency := whole(record.fields, "latency_ms"):
        made["duration"] = latency
    made.update(_of_class(record, known))
    if known.ocsf == kinds.LIFECYCLE:
        made["app"] = {"name": "nacd", "version": version}
    if observed := _observables(made):
        made["observables"] = observed
    made["unmapped"] = record.rest
    return dumped(made)


def _metadata(record: Record, version: str) -> Event:
    product = {"name": "nacd", "vendor_name": "nacd", "version": version}
    made: Event = {"version": VERSION, "product": product, "log_name": "audit"}
    if record.code:
        made["event_code"] = record.code
    if record.seq:
        made["sequence"] = record.seq
    if record.link:
        made["uid"] = record.link
    if record.time:
        made["original_time"] = record.time
    return made


def _of_class(record: Record, known: Kind) -> Event:
    fields = record.fields
    if known.ocsf == kinds.AUTHENTICATION:
        return _authentication(fields)
    if known.ocsf == kinds.AUTHORIZE:
        return _authorize(fields)
    if known.ocsf == kinds.NETWORK:
        return _network(fields)
    if known.ocsf == kinds.ENTITY:
        return _entity(fields)
    if known.ocsf == kinds.API:
        operation = word(block(fields, "order"), "name") or "order"
        here = {"name": "control socket"}
        return {"api": {"operation": operation}, "actor": _actor(fields), "src_endpoint": here}
    return {}


def _authentication(fields: Mapping[str, Any]) -> Event:
    access = word(fields, "access", 20)
    number, protocol = _PROTOCOLS.get(access, (10, "RADIUS"))
    made: Event = {
        "user": _user(fields),
        "service": {"name": "RADIUS"},
        "auth_protocol_id": number,
        "auth_protocol": protocol,
        "is_remote": access == "vpn",
        **_ends(fields),
    }
    if session := word(block(fields, "session"), "acct_session_id"):
        made["session"] = {"uid": session, "is_vpn": access == "vpn"}
    if certificate := _certificate(block(fields, "certificate")):
        made["certificate"] = certificate
    return made


def _authorize(fields: Mapping[str, Any]) -> Event:
    wanted = block(fields, "wanted") or block(fields, "standing")
    given = word(wanted, "profile") or word(wanted, "effect") or "none"
    made: Event = {"user": _user(fields), "privileges": [given], **_ends(fields)}
    if session := word(block(fields, "session"), "acct_session_id"):
        made["session"] = {"uid": session}
    return made


def _network(fields: Mapping[str, Any]) -> Event:
    made: Event = {"connection_info": {"direction_id": 0, "direction": "Unknown"}, **_ends(fields)}
    if not ("src_endpoint" in made or "dst_endpoint" in made):
        made["src_endpoint"] = {"name": "unknown"}
    return made


def _entity(fields: Mapping[str, Any]) -> Event:
    """What a person changed: an override, or an entry of the inventory."""
    override = block(fields, "override")
    uid = word(override, "subject") or word(block(fields, "mab"), "mac")
    made: Event = {"entity": {"name": uid or "inventory", "type": "override" if override else "inventory entry"}}
    if uid:
        made["entity"]["uid"] = uid
    if word(fields, "by"):
        made["actor"] = _actor(fields)
    return made


def _user(fields: Mapping[str, Any]) -> Event:
    endpoint, identity = block(fields, "endpoint"), block(fields, "identity")
    name = word(endpoint, "user") or word(endpoint, "user_name") or word(identity, "id") or word(endpoint, "mac")
    made: Event = {"name": name or "unknown"}
    if tenant := word(identity, "tenant"):
        made["org"] = {"name": tenant}
    return made


def _actor(fields: Mapping[str, Any]) -> Event:
    return {"user": {"name": word(fields, "by") or "unknown"}}


def _ends(fields: Mapping[str, Any]) -> Event:
    """Who came (the endpoint), and where (the NAS)."""
    made: Event = {}
    if source := _endpoint(fields):
        made["src_endpoint"] = source
    if target := _nas(block(fields, "nas")):
        made["dst_endpoint"] = target
    return made


def _endpoint(fields: Mapping[str, Any]) -> Event:
    endpoint, identity = block(fields, "endpoint"), block(fields, "identity")
    device = block(block(fields, "compliance"), "device")
    made: Event = {}
    if found := mac(endpoint, "mac"):
        made["mac"] = found
    if uid := word(identity, "id"):
        made["uid"] = uid
    for told in ("framed_address", "calling_station_id", "tunnel_client_endpoint"):
        if ip := address(word(endpoint, told, 64)):
            made["ip"] = ip
            break
    if name := word(device, "name") or made.get("mac", ""):
        made["name"] = name  # the schema asks for more than a MAC
    return made


def _nas(nas: Mapping[str, Any]) -> Event:
    made: Event = {}
    if name := word(nas, "name"):
        made["name"] = name
    if ip := address(word(nas, "source", 64)):
        made["ip"] = ip
    if port := word(nas, "port_id") or word(nas, "port"):
        made["interface_name"] = port
    return made


def _certificate(shown: Mapping[str, Any]) -> Event:
    """The schema asks for issuer and serial number: without them it stays under ``unmapped``."""
    issuer, serial = word(shown, "issuer"), word(shown, "serial")
    if not issuer or not serial:
        return {}
    made: Event = {"issuer": issuer, "serial_number": serial, "subject": word(shown, "subject")}
    if fingerprint := matching(shown, "fingerprint", _HEX):
        made["fingerprints"] = [{"algorithm_id": 3, "algorithm": "SHA-256", "value": fingerprint}]
    for name, field in (("created_time", "not_before"), ("expiration_time", "not_after")):
        if at := milliseconds(word(shown, field)):
            made[name] = at
    return made


def _detail(fields: Mapping[str, Any]) -> str:
    """Why it went as it did, as a short word or the rule's reasons."""
    found = word(fields, "refusal") or word(block(fields, "eap"), "failure")
    return found or "; ".join(words(block(fields, "decision"), "reasons"))


def _observables(made: Event) -> list[Event]:
    """What a search goes by: MAC, addresses, names."""
    found: list[Event] = []
    for end in ("src_endpoint", "dst_endpoint"):
        there = made.get(end, {})
        for part, type_id in (("mac", 3), ("ip", 2), ("uid", 10)):
            if part in there:
                found.append(_observable(f"{end}.{part}", type_id, there[part]))
    if "user" in made:
        found.append(_observable("user.name", 4, made["user"]["name"]))
    if "user" in made.get("actor", {}):
        found.append(_observable("actor.user.name", 4, made["actor"]["user"]["name"]))
    return found


def _observable(name: str, type_id: int, value: str) -> Event:
    return {"name": name, "type_id": type_id, "type": _OBSERVED[type_id], "value": value}
