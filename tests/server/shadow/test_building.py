"""What a shadow may know of devices: what memory would answer a login with, and it leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nacd.audit.repeats import Repeats
from nacd.compliance.cache import Lifetimes, VerdictCache
from nacd.compliance.question import Question
from nacd.server.drops import Drops
from nacd.server.lookups.lookup import LookupOptions
from nacd.server.lookups.tenants import Lookups
from nacd.server.recorder import Recorder
from nacd.server.shadow import building
from nacd.session.macs.machines import Machines
from nacd.store.trail.log import AuditLog
from nacd.values import (
    AccessKind,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    IdentitySource,
    Instant,
    MacAddress,
)
from tests.replay.conftest import GUID
from tests.server.conftest import pki, site
from tests.server.house import Register, Site, lookups_of

__all__ = ["pki", "site"]
DEVICE = Question(tenant="intune", key=f"guid:{GUID}", subject=DeviceId(guid=GUID))
MAC = Question(tenant="intune", key="mac:001122334455", subject=MacAddress("00-11-22-33-44-55"))


def at(seconds: float) -> Instant:
    return Instant(wall=1_790_000_000.0 + seconds, monotonic=seconds)


def known(lookups: Lookups, asked: Question, *, as_of: float = 0.0) -> VerdictCache:
    cache = lookups.by_tenant["intune"].knowledge.cache
    verdict = Compliance(
        state=ComplianceState.COMPLIANT, as_of=at(as_of).wall, source=ComplianceSource.LIVE, provider="nac"
    )
    cache.replace(asked.key, verdict, cache.ask(), at(as_of))
    return cache


def peeking(site: Site, register: Register, machines: Machines) -> tuple[Lookups, Callable[..., Any]]:
    lookups = lookups_of(register, lambda: at(0), LookupOptions(deadline_s=1.0, threads=1, max_waiting=10))
    recorder = Recorder(
        log=AuditLog(site.audit), repeats=Repeats(), drops=Drops(), continue_when_full=False, warn_at_percent=99
    )
    return lookups, building.build(recorder, lookups, machines, lambda: at(0))._peek


def test_a_fresh_verdict_is_known_an_old_one_and_a_stranger_are_not(site: Site) -> None:
    register = Register()
    lookups, peek = peeking(site, register, Machines())
    cache = known(lookups, DEVICE)
    found = peek(DEVICE, at(1))
    assert (found.state, found.source) == (ComplianceState.COMPLIANT, ComplianceSource.CACHE)
    assert peek(DEVICE, at(7 * 86_400)) is None
    assert peek(MAC, at(1)) is None
    assert peek(Question(tenant="nobody", key=DEVICE.key, subject=DEVICE.subject), at(1)) is None
    assert register.calls == []
    assert len(cache) == 1


def test_looking_keeps_no_verdict_in_memory_longer_than_it_would_be() -> None:
    """The one that nobody has used goes first; having been looked at by a shadow is no use."""

    def left_after(look: Callable[[VerdictCache, str], object]) -> list[bool]:
        cache = VerdictCache(Lifetimes(), capacity=4)
        verdict = Compliance(state=ComplianceState.COMPLIANT, as_of=at(0).wall, source=ComplianceSource.LIVE)
        for number in range(40):
            cache.replace(f"k{number}", verdict, cache.ask(), at(0))
            look(cache, "k0")
        return [cache.peek(f"k{number}", at(0)) is not None for number in range(40)]

    untouched = left_after(lambda cache, key: None)
    assert left_after(lambda cache, key: cache.peek(key, at(0))) == untouched
    assert left_after(lambda cache, key: cache.find(key, at(0))) != untouched


def test_of_a_mac_that_a_device_was_seen_with_nothing_is_known(site: Site) -> None:
    """A login would take the worse of two verdicts, and perhaps look for one of them on the disk."""
    machines = Machines()
    lookups, peek = peeking(site, Register(), machines)
    known(lookups, MAC)
    assert peek(MAC, at(1)).state is ComplianceState.COMPLIANT
    device = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
    machines.learn(AccessKind.DOT1X, device, "00-11-22-33-44-55", "intune", at(0).wall)
    assert peek(MAC, at(1)) is None
