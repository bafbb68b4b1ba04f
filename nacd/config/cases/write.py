"""A case as an admin would write it.

Knows: how facts and a decision are spelled in ``policy-cases.yaml``; the reverse of ``file``. Refuses to know: where
the facts come from, and where the text goes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final, get_args

from nacd.config.cases.file import SOME_DEVICE, YEAR_S
from nacd.config.fields import written
from nacd.config.rules.words import PortTypeWord
from nacd.policy.answered import NO_VERDICT, SYSTEMS, system
from nacd.policy.requested import version_text
from nacd.policy.words import version
from nacd.values import (
    Assurance,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Device,
    Effect,
    Facts,
    Link,
    Unidentified,
)

HEAD: Final = """\
# yaml-language-server: $schema=policy-cases.schema.json
#
# What the policy is to say of logins that count. `nacd test` tries them, `nacd check` too.
"""
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]*( [A-Za-z0-9_.@-]+)*")
_NOT_TEXT: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def text(cases: Iterable[str]) -> str:
    """The whole file."""
    return f"{HEAD}\ncases:\n" + "\n".join(cases)


def case(name: str, facts: Facts, decision: Decision, *, zone: tzinfo | None, tells_compliance: bool) -> str:
    """One case. zone: whose clock the policy means, None if it asks none. tells_compliance: also that nobody asked."""
    expect = {"rule": decision.rule}
    if decision.effect is Effect.ALLOW:
        expect["profile"] = decision.profile
    else:
        expect["effect"] = "deny"
    return (
        f"  - name: {_quoted(name)}\n"
        f"    given: {_flow(_given(facts, zone, tells_compliance))}\n"
        f"    expect: {_flow(expect)}\n"
    )


def _given(facts: Facts, zone: tzinfo | None, tells_compliance: bool) -> Mapping[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {"access": facts.access.value, "nas": facts.nas.name}
    identity, shown = facts.identity, facts.certificate
    found["identity"] = "none" if isinstance(identity, Unidentified) else identity.source.value
    if not isinstance(identity, Unidentified) and identity.assurance is not Assurance[identity.source.name]:
        found["assurance"] = identity.assurance.name.lower()
    if isinstance(identity, Device) and identity.id.guid != SOME_DEVICE:
        found["device"] = identity.id.guid
    found |= {"mac": facts.mac, "inventory": facts.inventory[1:] or facts.inventory}
    found |= {"user": facts.user, "ssid": facts.ssid}
    found |= _link(facts.link)
    if isinstance(shown, CertificateFacts):
        found |= {"subject": shown.subject, "issuer": shown.issuer} | _first_of_each(shown)
        if 0.0 <= shown.not_after - facts.at < YEAR_S:
            found["expires_in"] = _ago(shown.not_after, facts.at)
    found["tenant"] = facts.tenant if facts.compliance.state is not ComplianceState.NOT_ASKED else ""
    found |= _answer(facts.compliance, facts.at, tells_compliance)
    if zone is not None:
        found["time"] = datetime.fromtimestamp(facts.at, zone).strftime("%Y-%m-%d %H:%M")
    return {key: value for key, value in found.items() if value}


def _link(link: Link) -> Mapping[str, str]:
    """A case has no words for what is no version, or no usual kind of port: no rule can ask for it either."""
    versions = {
        "client_platform_version": link.client_platform_version,
        "client_version": version_text(link.client_agent),
    }
    return {
        "port_type": link.port_type if link.port_type in get_args(PortTypeWord) else "",
        "bssid": link.bssid,
        "tunnel_group": link.tunnel_group,
        "client_platform": link.client_platform,
    } | {key: ".".join(map(str, version(text))) for key, text in versions.items()}


def _first_of_each(shown: CertificateFacts) -> dict[str, str]:
    """A case has one of each; whoever needs more has to try the record itself."""
    many = {
        "template": shown.templates,
        "eku": shown.ekus,
        "san_dns": shown.san_dns,
        "san_uri": shown.san_uris,
        "san_upn": shown.san_upns,
    }
    return {key: next(iter(texts), "") for key, texts in many.items()}


def _answer(told: Compliance, at: float, tells_compliance: bool) -> Mapping[str, str | tuple[str, ...]]:
    if told.state in NO_VERDICT:
        is_told = tells_compliance or told.state is not ComplianceState.NOT_ASKED
        return {"compliance": told.state.value} if is_told else {}
    device = told.device
    spelled = system(device.operating_system)
    return {
        "compliance": told.state.value,
        "compliance_age": _ago(at, told.as_of) if told.as_of < at else "",
        "compliance_source": told.source.value if told.source is not ComplianceSource.LIVE else "",
        "os": spelled if spelled in SYSTEMS else "",
        "os_version": device.os_version,
        "ownership": device.owner,
        "last_sync": _ago(at, device.last_sync) if device.last_sync else "",
        "device_name": device.name,
        "device_user": device.user,
        "user_group": device.in_groups or ("none" if device.outside_groups else ""),
    }


def _ago(at: float, date: float) -> str:
    return written(timedelta(milliseconds=max(0, round((at - date) * 1000))))


def _flow(values: Mapping[str, str | tuple[str, ...]]) -> str:
    return "{" + ", ".join(f"{key}: {_spelled(value)}" for key, value in values.items()) + "}"


def _spelled(value: str | tuple[str, ...]) -> str:
    return _quoted(value) if isinstance(value, str) else f"[{', '.join(map(_quoted, value))}]"


def _quoted(value: str) -> str:
    plain = _PLAIN.fullmatch(value) and value.casefold() not in _NOT_TEXT
    return value if plain else json.dumps(value, ensure_ascii=False)
