"""The ledger of Message-Authenticator goes on record and to the disk."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from nacd.radius.clients import Client, MessageAuthenticatorRule
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server.signing.watch import Signing, recalled
from nacd.values import AuditEvent, Instant, Nas, Secret

START = Instant(wall=1_000.0, monotonic=100.0)


def after(seconds: float) -> Instant:
    return Instant(wall=START.wall + seconds, monotonic=START.monotonic + seconds)


class Notebook:
    """What goes on record, and what people hear."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self.heard: list[str] = []

    def take(self, events: Sequence[AuditEvent], now: Instant) -> bool:
        self.events += events
        return True

    def warn_seldom(self, key: str, text: str, now: Instant, **context: object) -> bool:
        self.heard.append(text)
        return True


class Stage:
    def __init__(self, state: Path, rule: MessageAuthenticatorRule = MessageAuthenticatorRule.AUTO) -> None:
        client = Client(
            nas=Nas(name="switch", vendor="generic"),
            networks=(ipaddress.ip_network("10.0.0.0/24"),),
            secret=Secret(b"s3cr3t"),
            message_authenticator=rule,
        )
        self.ledger = MessageAuthenticatorLedger()
        self.notebook = Notebook()
        self.signing = Signing(self.ledger, state, lambda: [client], self.notebook)

    def ticks(self, *seconds: float) -> None:
        async def run(second: float) -> None:
            self.signing.tick(after(second))
            await asyncio.get_running_loop().shutdown_default_executor()  # what was begun is done
            await asyncio.sleep(0)  # and told

        for each in seconds:
            asyncio.run(run(each))


def test_who_signs_of_its_own_accord_is_on_record_once_and_on_disk_a_second_later(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.ledger.signed("switch", "10.0.0.1", START.wall, eap=False)
    stage.ticks(0.0, 1.0, 2.0)
    assert [event.fields["event"] for event in stage.notebook.events] == ["client.signs"]
    assert recalled(tmp_path).requires("switch", "10.0.0.1")


def test_what_a_person_has_had_forgotten_does_not_come_back_by_a_crash(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.ledger.signed("switch", "10.0.0.1", START.wall, eap=False)
    stage.ticks(0.0, 1.0)
    stage.ledger.forget("switch")
    stage.ticks(2.0, 3.0)
    assert not recalled(tmp_path).requires("switch", "10.0.0.1")


def test_a_nas_that_is_not_under_auto_is_no_news(tmp_path: Path) -> None:
    stage = Stage(tmp_path, MessageAuthenticatorRule.ACCEPT)
    stage.ledger.signed("switch", "10.0.0.1", START.wall, eap=False)
    stage.ticks(0.0)
    assert stage.notebook.events == []


def test_counts_are_kept_every_five_minutes_and_at_the_end(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.ledger.unsigned("switch", "10.0.0.2", START.wall, taken=True)
    stage.ticks(0.0, 299.0)
    assert recalled(tmp_path).bare() == ()
    stage.ticks(300.0)
    assert recalled(tmp_path).bare() == stage.ledger.bare()
    stage.ledger.unsigned("switch", "10.0.0.3", START.wall, taken=True)
    stage.signing.close()
    assert len(recalled(tmp_path).bare()) == 2


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "nowhere")
    stage.ledger.signed("switch", "10.0.0.1", START.wall, eap=False)
    stage.ticks(0.0, 1.0)
    assert "who signs cannot be kept" in stage.notebook.heard[0]


def test_what_the_disk_did_not_take_is_handed_to_it_again_half_a_minute_later(tmp_path: Path) -> None:
    state = tmp_path / "nowhere"
    stage = Stage(state)
    stage.ledger.signed("switch", "10.0.0.1", START.wall, eap=False)
    stage.ticks(0.0, 1.0)
    state.mkdir()
    stage.ticks(2.0, 29.0)
    assert not recalled(state).requires("switch", "10.0.0.1")
    stage.ticks(31.0)
    assert recalled(state).requires("switch", "10.0.0.1")


def test_counting_begins_when_the_clock_is_set_and_not_in_1970(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.ledger.signed("switch", "10.0.0.1", START.wall, eap=True)
    stage.ticks(0.0)
    assert stage.ledger.since == START.wall
    today = 1_795_000_000.0
    stage.ticks(today - START.wall, today + 60.0 - START.wall)
    assert stage.ledger.since == today


def test_while_nobody_has_come_nothing_is_written(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.ticks(0.0, 300.0)
    assert list(tmp_path.iterdir()) == []


def test_addresses_that_came_too_fast_for_records_are_counted_and_said(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for number in range(10_003):
        stage.ledger.signed("switch", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1_000.0, eap=False)
    stage.ticks(0)
    assert len(stage.notebook.events) == 10_000
    assert stage.notebook.heard == ["3 addresses have begun to sign without a record: too many at once"]
    stage.ticks(1)
    assert len(stage.notebook.heard) == 1
