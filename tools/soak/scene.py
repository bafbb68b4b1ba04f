"""The scene of the soak: which devices there are, what nacd is told of them, and what it has to do with each verdict.

Knows: names, addresses, lifetimes, nacd's configuration and policy. Refuses to know: processes, sockets, time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

VPN, MAB, DOT1X = "vpn", "mab", "dot1x"
SECRET: Final = b"soak-secret-of-thirty-two-octets"
GATEWAYS, SWITCHES = 4, 6

PROFILES: Final[Mapping[str, str]] = {
    "good": "110",
    "good-stale": "111",
    "bad": "120",
    "bad-stale": "121",
    "listed": "122",
    "in-grace": "130",
    "not-managed": "140",
    "not-managed-stale": "141",
    "unknown": "150",
    "unavailable": "160",
    "not-asked": "170",
}
"""Each profile with its VLAN: what went over the wire tells which rule decided."""

_RULES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("good", "compliant", ("live", "cache")),
    ("good-stale", "compliant", ("stale",)),
    ("bad", "noncompliant", ("live", "cache")),
    ("bad-stale", "noncompliant", ("stale",)),
    ("listed", "noncompliant", ("bulk",)),
    ("in-grace", "in_grace", ()),
    ("not-managed", "not_managed", ("live", "cache")),
    ("not-managed-stale", "not_managed", ("stale",)),
    ("unknown", "unknown", ()),
    ("unavailable", "unavailable", ()),
    ("not-asked", "not_asked", ()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What nacd promises, in seconds; the judge counts with these and with nothing that nacd says.

    lifetimes: by state. call_s: a question to Intune ends after this at the latest. slack_s: what the machine may be
    late between a decision and its record, and between a change at Intune and its note.
    """

    lifetimes: Mapping[str, float]
    stale_for_s: float = 15.0
    deadline_s: float = 1.0
    stale_wait_s: float = 0.2
    call_s: float = 15.0
    slack_s: float = 0.75


TERMS: Final = Terms(lifetimes={"compliant": 5.0, "noncompliant": 2.0, "not_managed": 2.0, "unknown": 1.0})


def profile_for(state: str, source: str) -> str:
    """The profile that the policy gives for this verdict, ``""`` for a verdict that no rule knows."""
    for profile, wanted, sources in _RULES:
        if wanted == state and (not sources or source in sources):
            return profile
    return ""


def policy() -> dict[str, Any]:
    """A rule for each state, and for how the verdict came; everybody is let in, so that each decision is recorded
    by itself."""
    rules = []
    for profile, state, sources in _RULES:
        for access, more in ((VPN, {}), (DOT1X, {}), (MAB, {"group": "managed"})):
            when: dict[str, Any] = {"access": access, **more, "compliance": state}
            if sources:
                when["compliance_source"] = list(sources)
            rules.append({"name": f"{profile} by {access}", "when": when, "then": profile})
    return {"profiles": {name: {"vlan": int(vlan)} for name, vlan in PROFILES.items()}, "rules": rules}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device, and how it comes to the network. key: what nacd's record names it by, a GUID or a MAC.

    enrolled: whether Intune ever hears of it.
    """

    number: int
    access: str
    guid: str
    mac: str
    enrolled: bool = True

    @property
    def key(self) -> str:
        """A GUID, or a MAC as twelve digits."""
        return self.mac.replace("-", "") if self.access == MAB else self.guid

    @property
    def order(self) -> dict[str, object]:
        """How it is put before the simulator."""
        return {"guid": self.guid, "macs": [self.mac.replace("-", "")], "compliant": True}


def devices(vpn: int = 200, mab: int = 60, dot1x: int = 40, ghosts: int = 10) -> list[Device]:
    """The fleet. Ghosts name an id that Intune never knew."""
    made: list[Device] = []
    for access, count, enrolled in ((VPN, vpn, True), (MAB, mab, True), (DOT1X, dot1x, True), (VPN, ghosts, False)):
        for _ in range(count):
            number = len(made)
            digits = f"{0x005056:06X}{number:06X}"
            mac = "-".join(digits[at : at + 2] for at in range(0, 12, 2))
            guid = f"50a4{number:04x}-0000-4000-8000-{number:012x}"
            made.append(Device(number=number, access=access, guid=guid, mac=mac, enrolled=enrolled))
    return made


def gateway_address(number: int) -> str:
    """The source address of the n-th VPN gateway."""
    return f"127.2.{number}.1"


def switch_address(number: int) -> str:
    """The source address of the n-th switch."""
    return f"127.3.{number}.1"


def compliance_section(terms: Terms = TERMS) -> dict[str, Any]:
    """The section ``compliance`` of nacd's configuration: short lifetimes, so that much happens."""
    return {
        "lifetimes": {state: f"{seconds:g}s" for state, seconds in terms.lifetimes.items()},
        "stale_for": f"{terms.stale_for_s:g}s",
        "stale_wait": f"{terms.stale_wait_s * 1000:g}ms",
        "lookup_deadline": f"{terms.deadline_s:g}s",
        "poll": {"interval": "5s", "bulk": "1m"},
        "budget": {"logins": 1000, "polling": 100},
        "threads": 32,
    }


def clients(secret: str) -> list[dict[str, Any]]:
    """The section ``clients``. secret: a reference to it."""
    common = {"secret": secret, "vendor": "generic", "message_authenticator": "require", "timeout": "2s"}
    gateways = [
        {"name": f"gateway-{number}", "network": f"{gateway_address(number)}/32", "groups": ["vpn"]}
        | {"authentication": "done_by_nas", **common}
        for number in range(GATEWAYS)
    ]
    switches = [
        {"name": f"switch-{number}", "network": f"{switch_address(number)}/32", "groups": ["managed"], **common}
        for number in range(SWITCHES)
    ]
    return gateways + switches
