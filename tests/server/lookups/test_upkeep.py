"""Credentials that end are said 30, 7 and 1 day ahead, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nacd.intune.credentials import CredentialStatus
from nacd.server.lookups.upkeep import Upkeep
from nacd.store.verdicts import VerdictStore
from nacd.values import Compliance, ComplianceSource, ComplianceState, Instant
from tests.server.house import Clock

DAY = 86_400.0


@dataclass
class Status:
    credentials: tuple[CredentialStatus, ...] = ()
    consent: str = ""


@dataclass
class Source:
    stands: Status = field(default_factory=Status)

    def status(self) -> Status:
        return self.stands


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: "".join(capsys.readouterr())


def upkeep(tmp_path: Path, clock: Clock, source: Source) -> Upkeep:
    store = VerdictStore(tmp_path / "verdicts.sqlite", report=lambda _: None)
    sources: Any = {"contoso": source}
    return Upkeep(sources=sources, store=store, stale_for_s=DAY, clock=clock)


def credential(clock: Clock, days: float) -> CredentialStatus:
    return CredentialStatus(
        kind="certificate", expires_at=clock().wall + days * DAY, in_use=True, refused="", problem=""
    )


def test_each_step_before_the_end_is_said_once(tmp_path: Path, said: Callable[[], str]) -> None:
    clock, source = Clock(), Source()
    source.stands.credentials = (credential(clock, 31),)
    keeper = upkeep(tmp_path, clock, source)
    heard = []
    for days in (0, 1.5, 1, 20, 1, 4, 3):
        clock.ahead_s += days * DAY
        keeper.look()
        heard.append(said().count("the credential of tenant `contoso` (certificate)"))
    assert heard == [0, 1, 0, 0, 0, 1, 1]


def test_a_clock_that_is_set_far_ahead_costs_nobody_what_is_known(tmp_path: Path) -> None:
    clock, jumped_s = Clock(), [0.0]
    store = VerdictStore(tmp_path / "verdicts.sqlite", report=lambda _: None)

    def jumping() -> Instant:
        now = clock()
        return Instant(wall=now.wall + jumped_s[0], monotonic=now.monotonic)

    def kept(key: str) -> bool:
        return isinstance(store.find("contoso", key), Compliance)

    def keep(key: str) -> None:
        verdict = Compliance(state=ComplianceState.COMPLIANT, as_of=jumping().wall, source=ComplianceSource.LIVE)
        assert store.put("contoso", key, verdict).result(10.0)

    keeper = Upkeep(sources={}, store=store, stale_for_s=DAY, clock=jumping)
    keep("guid:before")
    jumped_s[0] = 30 * DAY
    keep("guid:meanwhile")
    assert keeper.forget() == 0
    assert kept("guid:before")
    jumped_s[0] = 0.0
    clock.ahead_s = 9 * DAY
    keep("guid:after")
    assert keeper.forget() == 1
    assert not kept("guid:before")


def test_missing_consent_is_said_when_it_shows_and_not_each_hour(tmp_path: Path, said: Callable[[], str]) -> None:
    clock, source = Clock(), Source()
    keeper = upkeep(tmp_path, clock, source)
    keeper.look()
    source.stands.consent = "consent missing: get_device_compliance"
    keeper.look()
    keeper.look()
    assert said().count("consent missing: get_device_compliance") == 1
