"""From the text of ``policy-cases.yaml`` to cases, or every problem with its place.

Knows: what a case refers to (NASes, rules, profiles, tenants) and what cannot be true of one login at a time. Refuses
to know: what the policy says of a case (``replay/``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

from nacd.config import wording
from nacd.config.cases.text import NO_GROUP, CasesText, CaseText, Expect, Given, moment
from nacd.config.fields import Surroundings
from nacd.config.load import Loaded
from nacd.config.rules.when import object_id
from nacd.config.rules.words import clock
from nacd.config.settings import Client
from nacd.config.yaml import Document, PathTo, parse
from nacd.errors import Problem
from nacd.policy.answered import DEVICE_KEYS, NO_VERDICT
from nacd.policy.model import DEFAULT_DENY
from nacd.policy.requested import in_inventory
from nacd.replay.cases import Case, Expected
from nacd.values import (
    NOT_ASKED,
    AccessKind,
    Assurance,
    Authentication,
    Certificate,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceFacts,
    DeviceId,
    Endpoint,
    Facts,
    Identity,
    IdentitySource,
    Link,
    MacAddress,
    Nas,
    NoCertificate,
    Unidentified,
)

NAME: Final = "policy-cases.yaml"
"""What the file is called beside its policy."""
SOME_DEVICE: Final = "00000000-0000-4000-8000-000000000001"
_SOME_TIME: Final = "mon 12:00"
YEAR_S: Final = 365 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesFile:
    """One file of cases read. The cases count only when there are no problems."""

    document: Document
    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]

    def problem(self, case: Case, key: str, message: str) -> Problem:
        """A problem of one case, where it was written. key: as in ``Miss``."""
        path: PathTo = ("cases", case.number)
        path = (*path, "given") if key == "given" else (*path, "expect", key)
        return self.document.problem(path, f"case `{case.name}`: {message}")


def read(path: Path, octets: bytes, loaded: Loaded) -> CasesFile:
    """Read cases for a configuration. Raises ConfigError when the file is no YAML mapping in UTF-8."""
    document, problems = parse(octets, str(path))
    reader = _Reader(document, loaded, list(problems))
    cases = reader.cases()
    return CasesFile(document=document, cases=cases, problems=tuple(reader.problems))


@dataclass(slots=True)
class _Reader:
    """Collects problems on one file."""

    document: Document
    loaded: Loaded
    problems: list[Problem]
    clients: Mapping[str, Client] = field(init=False)
    zone: tzinfo = field(init=False)

    def __post_init__(self) -> None:
        self.clients = {client.name: client for client in self.loaded.settings.clients}
        self.zone = zone_of(self.loaded)

    def cases(self) -> tuple[Case, ...]:
        """Every case that could be read, under unique names."""
        around = Surroundings(folder=Path(), environment={})
        _, problems = wording.read(CasesText, self.document, around)
        self.problems.extend(problems)
        written = self.document.value.get("cases")
        found: dict[str, Case] = {}
        for number in range(len(written) if isinstance(written, tuple) else 0):
            path: PathTo = ("cases", number)
            case = wording.read_part(CaseText, self.document, path, around)
            if case is None:
                continue
            line = self.document.spot(path).line
            if case.name in found:
                self._refuse(
                    (*path, "name"), f"a case called `{case.name}` stands in line {found[case.name].line} already"
                )
                continue
            self._expect((*path, "expect"), case.expect)
            facts = self._facts((*path, "given"), case.given)
            if facts is not None:
                found[case.name] = Case(
                    name=case.name,
                    number=number,
                    line=line,
                    facts=facts,
                    tells_compliance=case.given.compliance is not None,
                    expected=_expected(case.expect),
                )
        return tuple(found.values())

    # -- expect -----------------------------------------------------------------------------

    def _expect(self, path: PathTo, expect: Expect) -> None:
        if expect.model_fields_set == set():
            self._refuse(path, "nothing is expected: write `rule`, `effect`, `profile`, `attributes` or `monitored`")
        rules = [rule.name for rule in self.loaded.policy.rules]
        self._name((*path, "rule"), "rule", expect.rule, (*rules, DEFAULT_DENY))
        self._name((*path, "profile"), "profile", expect.profile, self.loaded.profiles)
        if expect.effect == "deny" and (expect.profile or expect.attributes):
            self._refuse((*path, "effect"), "what is denied gets no profile and no attributes: expect one or the other")

    def _name(self, path: PathTo, what: str, name: str | None, known: Iterable[str]) -> None:
        names = tuple(known)
        if name is not None and name not in names:
            self._refuse(path, f"there is no {what} `{name}`{wording.did_you_mean(name, names)}")

    # -- given ------------------------------------------------------------------------------

    def _facts(self, path: PathTo, given: Given) -> Facts | None:
        before = len(self.problems)
        self._name((*path, "nas"), "nas", given.nas, self.clients)
        tenants = self.loaded.settings.tenant_sections
        self._name((*path, "tenant"), "tenant", given.tenant, tenants)
        self._possible(path, given)
        if len(self.problems) > before:
            return None
        client = self.clients[given.nas]
        in_groups, asked = self._groups(given), self.loaded.policy.user_groups
        at = moment(given.time or _SOME_TIME, self.zone)
        certificate = _certificate(given, at)
        return Facts(
            access=AccessKind(given.access),
            nas=Nas(
                name=client.name,
                vendor=client.vendor,
                groups=frozenset(client.groups),
                authentication=Authentication(client.authentication),
                location=client.location or "",
            ),
            identity=_identity(given),
            certificate=certificate,
            compliance=_with_groups(_compliance(given, at), in_groups, asked),
            mac=given.mac or "",
            user=given.user or "",
            ssid=given.ssid or "",
            tenant=given.tenant or (next(iter(tenants)) if len(tenants) == 1 else ""),
            at=at,
            link=_link(given),
            inventory=in_inventory(given.inventory or ()),
        )

    def _groups(self, given: Given) -> frozenset[str] | None:
        """Object ids of the groups that the user is in; None where nobody knows."""
        if given.user_group is None:
            return None
        named = [self._group_id(name) for name in given.user_group if name != NO_GROUP]
        return frozenset(filter(None, named))

    def _group_id(self, name: str) -> str:
        table = self.loaded.policy_document.value.get("user_groups")
        known = table.get(name) if isinstance(table, dict) else None
        return object_id(known if isinstance(known, str) else name)

    def _group_names(self, path: PathTo, given: Given) -> None:
        names = given.user_group or ()
        for number, name in enumerate(names):
            if name == NO_GROUP and len(names) > 1:
                self._refuse((*path, number), f"`{NO_GROUP}` stands alone")
            elif name != NO_GROUP and not self._group_id(name):
                table = self.loaded.policy_document.value.get("user_groups")
                near = wording.did_you_mean(name, table if isinstance(table, dict) else ())
                self._refuse((*path, number), f"the policy names no group `{name}` under `user_groups`{near}")

    def _possible(self, path: PathTo, given: Given) -> None:
        """What cannot be true of one login at a time."""
        client = self.clients.get(given.nas)
        if client is not None and client.authentication == "done_by_nas" and given.access != "vpn":
            self._refuse((*path, "access"), f"NAS `{given.nas}` authenticates by itself: access is `vpn`")
        if given.identity == "mac" and given.mac is None:
            self._refuse((*path, "identity"), "a MAC names the endpoint: write which, as `mac`")
        if given.inventory and given.mac is None:
            self._refuse((*path, "inventory"), "a MAC stands in the inventory: write which, as `mac`")
        if given.device and given.identity not in ("certificate", "vpn"):
            self._refuse(
                (*path, "device"), "only a certificate or a VPN names a device: mend `identity`, or leave it out"
            )
        if given.identity == "none" and given.compliance not in (None, "not_asked"):
            self._refuse((*path, "compliance"), "nothing names the endpoint, so nobody is asked: it is `not_asked`")
        if given.identity == "none" and given.assurance:
            self._refuse((*path, "assurance"), "what nothing names has no assurance: leave it out")
        self._group_names((*path, "user_group"), given)
        told = given.compliance is not None and ComplianceState(given.compliance) not in NO_VERDICT
        for key in ("compliance_age", "compliance_source", *sorted(DEVICE_KEYS)):
            if getattr(given, key) is not None and not told:
                self._refuse((*path, key), f"only with a verdict there is a `{key}`: write what `compliance` is")
        if given.time is None and self.loaded.policy.asks_the_clock:
            self._refuse(path, 'the policy asks what time it is: write `time`, as in `"mon 09:00"`')

    def _refuse(self, path: PathTo, message: str) -> None:
        self.problems.append(self.document.problem(path, message))


def zone_of(loaded: Loaded) -> tzinfo:
    """Whose clock the policy means, also by whose days rows of its lists end; UTC if it names none."""
    return clock(loaded.policy_document.value.get("time_zone"))[0]


def _link(given: Given) -> Link:
    return Link(
        port_type=given.port_type or "",
        bssid=given.bssid or "",
        tunnel_group=given.tunnel_group or "",
        client_platform=given.client_platform or "",
        client_platform_version=given.client_platform_version or "",
        client_agent=given.client_version or "",
    )


def _identity(given: Given) -> Identity:
    if given.identity == "none":
        return Unidentified(reason="the case says so")
    source = IdentitySource(given.identity)
    assurance = Assurance[(given.assurance or given.identity).upper()]
    if source is IdentitySource.MAC:
        return Endpoint(mac=MacAddress(given.mac or ""), assurance=assurance)
    return Device(id=DeviceId(guid=given.device or SOME_DEVICE), source=source, assurance=assurance)


def _certificate(given: Given, at: float) -> Certificate:
    named = (given.subject, given.issuer, given.template, given.eku, given.san_dns, given.san_uri, given.san_upn)
    if given.identity != "certificate" and not any(named) and given.expires_in is None:
        return NoCertificate()
    left_s = YEAR_S if given.expires_in is None else given.expires_in.total_seconds()
    return CertificateFacts(
        subject=given.subject or "",
        issuer=given.issuer or "",
        serial="01",
        fingerprint="00" * 32,
        not_before=at - YEAR_S,
        not_after=at + left_s,
        san_uris=_some(given.san_uri),
        san_dns=_some(given.san_dns),
        san_upns=_some(given.san_upn),
        templates=_some(given.template),
        ekus=_some(given.eku),
    )


def _some(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _compliance(given: Given, at: float) -> Compliance:
    if given.compliance is None:
        return NOT_ASKED
    state = ComplianceState(given.compliance)
    if state in NO_VERDICT:
        return Compliance(state=state, as_of=at, source=ComplianceSource.NONE)
    sync = given.last_sync
    return Compliance(
        state=state,
        as_of=at - (given.compliance_age or timedelta()).total_seconds(),
        source=ComplianceSource(given.compliance_source or "live"),
        device=DeviceFacts(
            name=given.device_name or "",
            operating_system=given.os or "",
            os_version=given.os_version or "",
            owner=given.ownership or "",
            user=given.device_user or "",
            last_sync=at - sync.total_seconds() if sync is not None else 0.0,
        ),
    )


def _with_groups(known: Compliance, inside: frozenset[str] | None, asked: frozenset[str]) -> Compliance:
    """The verdict with the groups of the device's user. inside: None where nobody knows."""
    if inside is None:
        return known
    outside = tuple(sorted(asked - inside))
    return replace(known, device=replace(known.device, in_groups=tuple(sorted(inside)), outside_groups=outside))


def _expected(expect: Expect) -> Expected:
    attributes: dict[str, Any] = expect.attributes or {}
    return Expected(
        rule=expect.rule or "",
        effect=expect.effect or "",
        profile=expect.profile or "",
        attributes={name: tuple(map(str, values)) for name, values in attributes.items()},
        monitored=expect.monitored,
    )
