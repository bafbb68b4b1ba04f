"""Answers are counted by what leaves: not by what was decided, and not before it leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from nacd.radius.admission import Role
from nacd.server.metrics.requests.words import OUTCOMES
from nacd.server.recorder import Recorder
from nacd.values import AuditEvent, Instant
from tests.server.house import PRINTER_MAC, House, mab_datagram
from tests.server.test_worker import ACCEPT, REJECT, Witness


def answers(house: House) -> dict[str, int]:
    """What was counted, by outcome."""

    def counted() -> dict[str, int]:
        whole = Counter[str]()
        for cell in house.worker.counts.cells:
            for numbers in cell.answers.values():
                whole.update(dict(zip(OUTCOMES, numbers, strict=True)))
        return {outcome: count for outcome, count in whole.items() if count}

    return house.do(counted)


def test_an_accept_that_a_full_disk_turned_into_a_reject_is_counted_as_that(
    full_disk: Callable[[], None], build: Callable[..., House]
) -> None:
    house = build()
    nas = house.nas()
    assert nas.mab(PRINTER_MAC).code == REJECT
    assert answers(house) == {"reject": 1}
    full_disk()
    house.tick()
    assert nas.mab(PRINTER_MAC).code == ACCEPT
    assert answers(house) == {"reject": 1, "accept": 1}


def test_an_accept_that_goes_out_without_its_record_is_counted_as_an_accept(
    full_disk: Callable[[], None], build: Callable[..., House]
) -> None:
    house = build(continue_when_full=True)
    assert house.nas().mab(PRINTER_MAC).code == ACCEPT
    assert answers(house) == {"accept": 1}


def test_an_answer_is_counted_when_it_leaves_and_not_when_it_is_made(house: House) -> None:
    def made() -> int:
        house.worker.receive(mab_datagram(), Witness(house.site), Role.AUTH)
        house.worker.answer(house.worker.next())
        return sum(sum(numbers) for cell in house.worker.counts.cells for numbers in cell.answers.values())

    assert house.do(made) == 0
    house.do(house.worker.flush)
    assert answers(house) == {"accept": 1}


def test_an_answer_that_an_error_of_nacd_keeps_back_is_counted_as_none(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Recorder, events: Sequence[AuditEvent], now: Instant) -> bool:
        raise ZeroDivisionError

    def asked() -> None:
        house.worker.receive(mab_datagram(), Witness(house.site), Role.AUTH)
        house.worker.answer(house.worker.next())
        with pytest.raises(ZeroDivisionError):
            house.worker.flush()

    monkeypatch.setattr(Recorder, "take", broken)
    house.do(asked)
    assert answers(house) == {"none": 1}


def test_a_refusal_that_is_held_back_is_counted_once(build: Callable[..., House]) -> None:
    house = build()
    nas = house.nas()
    for number in range(12):
        nas.mab(f"00-11-22-33-44-{number:02x}")
    assert sum(answers(house).values()) == 12
