"""What an order is about, in every way people write it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.server.people.command import NotDone, OrderRefused
from nacd.server.people.shown import fits, row
from nacd.server.people.subject import MOST, SessionNumber, key_of, machine, sessions_of, subject
from nacd.sessions import AccountingKind
from nacd.store.live.filters import Filter
from nacd.values import DeviceId, DeviceIdKind, MacAddress
from tests.server.people import stage as staging
from tests.server.people.stage import Stage
from tests.store.live.stage import accounted, authorized, guid, mac, place

GUID = guid(1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("17", SessionNumber(17)),
        ("9223372036854775807", SessionNumber(2**63 - 1)),
        (GUID.upper(), DeviceId(guid=GUID)),
        ("{" + GUID + "}", DeviceId(guid=GUID)),
        (f"entra:{GUID}", DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA)),
        ("001122334455", MacAddress("00-11-22-33-44-55")),
        ("00:11:22:aa:bb:cc", MacAddress("00-11-22-AA-BB-CC")),
        ("0011.22aa.bbcc", MacAddress("00-11-22-AA-BB-CC")),
    ],
)
def test_a_subject_is_a_session_a_device_or_a_mac(written: str, meant: Any) -> None:
    assert subject({"subject": written}) == meant


@pytest.mark.parametrize("written", ["", "laptop-7", "-1", "17a", "entra:laptop", "1" * 20, "\u0661\u0662", 17, None])
def test_what_is_none_of_them_is_refused(written: Any) -> None:
    with pytest.raises(OrderRefused):
        subject({"subject": written})


def test_a_machine_is_no_session() -> None:
    with pytest.raises(OrderRefused, match="`17` is neither"):
        machine("17")


def test_the_key_of_a_device_names_its_register() -> None:
    assert key_of(DeviceId(guid=GUID)) == f"guid:{GUID}"
    assert key_of(DeviceId(guid=GUID, kind=DeviceIdKind.ENTRA)) == f"entra:{GUID}"


def test_a_device_or_a_mac_is_all_its_sessions_that_are_up(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(authorized(1), authorized(1, where=place(1, nas="sw-2"), token="a" * 32), authorized(2))
        await stage.write(accounted(2, AccountingKind.STOP))
        device = await sessions_of(stage.book, DeviceId(guid=GUID), "")
        assert [each.id for each in device] == [1, 2]
        assert [each.id for each in await sessions_of(stage.book, MacAddress(mac(1)), "campus")] == [1, 2]
        with pytest.raises(NotDone, match="no session is up of"):
            await sessions_of(stage.book, DeviceId(guid=GUID), "elsewhere")
        with pytest.raises(NotDone, match="no session is up of"):
            await sessions_of(stage.book, MacAddress(mac(2)), "")
        with pytest.raises(NotDone, match="session 3 has ended"):
            await sessions_of(stage.book, SessionNumber(3), "")
        with pytest.raises(NotDone, match="there is no session 99"):
            await sessions_of(stage.book, SessionNumber(99), "")

    staging.within(tmp_path, story)


def test_a_device_that_a_rule_let_in_without_asking_anybody_is_found_and_shown(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        asked = authorized(1)
        await stage.write(replace(asked, grounds=replace(asked.grounds, key="")))
        (found,) = await sessions_of(stage.book, DeviceId(guid=GUID), "")
        assert row(found)["device"] == f"guid:{GUID}"
        assert fits(found, Filter(device=f"guid:{GUID}"))

    staging.within(tmp_path, story)


def test_a_mac_with_more_sessions_than_an_order_may_touch_is_refused(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        many = [
            authorized(1, where=place(1, nas=f"sw-{number}"), token=f"{number:032x}") for number in range(1, MOST + 2)
        ]
        await stage.write(*many)
        with pytest.raises(NotDone, match=f"more than {MOST} sessions are up"):
            await sessions_of(stage.book, MacAddress(mac(1)), "")

    staging.within(tmp_path, story)
