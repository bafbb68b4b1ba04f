"""The conditions as the manual words them, written with no regard to speed."""

from __future__ import annotations

import fnmatch

from nacd.policy.answered import (
    ComplianceIs,
    DeviceNameMatches,
    DeviceUserMatches,
    LastSync,
    OwnershipIs,
    SystemIs,
    SystemVersion,
    UserGroupIs,
    VerdictAge,
    VerdictFrom,
)
from nacd.policy.certified import (
    EkuIs,
    ExpiresIn,
    IssuerMatches,
    SanDns,
    SanUpn,
    SanUri,
    SubjectMatches,
    TemplateIs,
)
from nacd.policy.conditions import (
    AccessIs,
    AssuranceAtLeast,
    Condition,
    GroupIs,
    IdentityFrom,
    LocationIn,
    NasIs,
    Not,
    RealmIs,
    TenantIs,
    UserMatches,
    VendorIs,
)
from nacd.policy.during import During
from nacd.policy.requested import (
    BssidMatches,
    ClientPlatform,
    ClientPlatformVersion,
    ClientVersion,
    DeviceIn,
    InventoryHas,
    MacIn,
    MacMatches,
    PortTypeIs,
    SsidIs,
    TunnelGroupIs,
)
from nacd.values import (
    CertificateFacts,
    ComplianceState,
    Facts,
    Unidentified,
)

NOW = 1_000.0  # a Thursday, 00:16 in UTC
NO_VERDICT = (ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED)


def plainly_holds(condition: Condition, facts: Facts) -> bool:
    """The conditions as the manual words them, written with no regard to speed."""

    def globs(text: str, patterns: tuple[str, ...]) -> bool:
        return bool(text) and any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)

    def within(age_s: float, condition: VerdictAge | LastSync) -> bool:
        if age_s < -300.0:  # clocks differ by less: that date is wrong, and tells no age
            return False
        return age_s > condition.limit_s if condition.over else age_s <= condition.limit_s

    told, device = facts.compliance, facts.compliance.device
    verdict = told.state not in NO_VERDICT
    nobody = isinstance(facts.identity, Unidentified)
    shown = isinstance(facts.certificate, CertificateFacts)
    match condition:
        case Not(inner=UserGroupIs(ids=ids)):
            return all(id in device.outside_groups for id in ids) and verdict
        case Not():
            return not plainly_holds(condition.inner, facts)
        case AccessIs():
            return facts.access in list(condition.kinds)
        case NasIs():
            return facts.nas.name in condition.names
        case GroupIs():
            return any(group in condition.groups for group in facts.nas.groups)
        case IdentityFrom():
            return ("none" if nobody else str(facts.identity.source)) in condition.sources
        case AssuranceAtLeast():
            return (0 if nobody else int(facts.identity.assurance)) >= int(condition.level)
        case ComplianceIs():
            return facts.compliance.state in list(condition.states)
        case MacMatches():
            return globs(facts.mac, condition.patterns)
        case MacIn() | DeviceIn():
            found = (
                facts.mac if isinstance(condition, MacIn) else "" if nobody else str(getattr(facts.identity, "id", ""))
            )
            return found in condition.macs and all(each != found or end > NOW for each, end in condition.ends)
        case InventoryHas():
            return any(word in condition.names for word in facts.inventory)
        case IssuerMatches():
            return shown and globs(facts.certificate.issuer, condition.patterns)
        case SubjectMatches():
            return shown and globs(facts.certificate.subject, condition.patterns)
        case UserMatches():
            return globs(facts.user, condition.patterns)
        case SsidIs():
            return facts.ssid in condition.names
        case TenantIs():
            return facts.tenant in condition.names
        case During():
            return any(3 in each.days and each.ends > 16 for each in condition.hours)
        case TemplateIs():
            return shown and any(text.lower() in condition.names for text in facts.certificate.templates)
        case EkuIs():
            return shown and any(text in condition.names for text in facts.certificate.ekus)
        case SanDns() | SanUri() | SanUpn():
            kind = {SanDns: "san_dns", SanUri: "san_uris", SanUpn: "san_upns"}[type(condition)]
            return shown and any(globs(text, condition.patterns) for text in getattr(facts.certificate, kind))
        case ExpiresIn():
            return shown and (facts.certificate.not_after - NOW < condition.limit_s) == condition.below
        case VendorIs():
            return facts.nas.vendor in condition.names
        case LocationIn():
            inside = facts.nas.location.split("/")
            return any(inside[: len(place.split("/"))] == place.split("/") for place in condition.places)
        case RealmIs():
            return facts.user.lower().split("@")[-1] in condition.names and "@" in facts.user
        case PortTypeIs():
            return facts.link.port_type in condition.names
        case BssidMatches():
            return globs(facts.link.bssid, condition.patterns)
        case TunnelGroupIs():
            return facts.link.tunnel_group in condition.names
        case ClientPlatform():
            return globs(facts.link.client_platform, condition.patterns)
        case ClientPlatformVersion() | ClientVersion():
            text = facts.link.client_platform_version
            if isinstance(condition, ClientVersion):
                text = next((word for word in facts.link.client_agent.split(" ") if word[0:1].isdigit()), "")
            numbers = [int(part) for part in text.split(".") if part.isdigit()]
            return bool(numbers) and (numbers < list(condition.version)) == condition.below
        case VerdictAge():
            return verdict and bool(told.as_of) and within(NOW - told.as_of, condition)
        case VerdictFrom():
            return verdict and told.source in condition.sources
        case SystemIs():
            return device.operating_system.title().replace("Ios", "iOS") in condition.systems
        case SystemVersion():
            numbers = [int(part) for part in device.os_version.split(" ")[0].split(".") if part]
            return bool(numbers) and (numbers < list(condition.version)) == condition.below
        case OwnershipIs():
            return device.owner in condition.owners
        case LastSync():
            return bool(device.last_sync) and within(NOW - device.last_sync, condition)
        case DeviceNameMatches():
            return globs(device.name, condition.patterns)
        case DeviceUserMatches():
            return globs(device.user, condition.patterns)
        case UserGroupIs():
            return any(id in device.in_groups for id in condition.ids) and verdict
