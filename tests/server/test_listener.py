"""Where a bug ends, and how a listener stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from nacd.radius.admission import Role
from nacd.server import sockets
from nacd.sim.nas_reply import Reply
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, House, Register, mab_datagram, soon

ACCEPT = 2


@pytest.mark.parametrize(
    "bug", [ZeroDivisionError("of the tests"), requests.ConnectionError("of the tests"), TimeoutError("of the tests")]
)
def test_a_bug_ends_in_silence_and_a_record_never_in_an_accept(
    house: House, register: Register, bug: Exception
) -> None:
    """Also a bug that looks like a network error: some of those are OSErrors."""
    register.bug = bug
    assert house.nas(timeout_s=0.2).mab(LAPTOP_MAC).code == 0
    assert soon(lambda: house.records() != [])
    (record,) = house.records()
    assert (record["event"], record["bug"]["type"]) == ("service.bug", type(bug).__name__)
    assert record["nas"]["source"] == "127.0.0.1"
    assert "of the tests" not in str(record)


def test_a_bug_before_the_wait_ends_the_same_way(house: House) -> None:
    def broken_clock(_count: int) -> bytes:
        raise ZeroDivisionError

    conversations = house.in_force.current.authorizer._conversations
    assert conversations is not None
    conversations._random = broken_clock
    nas = house.nas(timeout_s=0.2)
    assert nas.eap(b"", user="x", mac=LAPTOP_MAC).code == 0
    house.settle()
    assert [record["event"] for record in house.records()] == ["service.bug"]
    assert nas.mab(PRINTER_MAC).code == ACCEPT


def test_who_waits_for_intune_keeps_nobody_else_waiting(house: House, register: Register) -> None:
    register.open.clear()
    slow, quick = house.nas(), house.nas()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(slow.mab, LAPTOP_MAC)
        assert soon(lambda: register.calls != [])
        assert quick.mab(PRINTER_MAC).code == ACCEPT
        assert not waiting.done()
        register.open.set()
        assert waiting.result(5).code == ACCEPT


def test_a_burst_larger_than_one_wakeup_is_answered_whole(house: House) -> None:
    nas = house.nas()
    nas.mab(PRINTER_MAC)  # opens the socket
    sock = nas._socket(house.ports[0])
    sock.settimeout(3)
    for identifier in range(200):
        sock.send(mab_datagram(identifier=identifier))
    answered = {sock.recv(4096)[1] for _ in range(200)}
    assert answered == set(range(200))


def test_closing_lets_requests_under_way_be_answered(house: House, register: Register) -> None:
    register.open.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(house.nas().mab, LAPTOP_MAC)
        assert soon(lambda: register.calls != [])
        closing = asyncio.run_coroutine_threadsafe(house.listener.close(3.0), house._loop)
        register.open.set()
        closing.result(5)
        reply: Reply = waiting.result(5)
    assert reply.code == ACCEPT


def test_what_is_not_answered_in_time_is_never_answered_or_recorded(
    build: Callable[..., House], register: Register
) -> None:
    house = build(deadline_s=5.0)
    register.open.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(house.nas(timeout_s=0.4).mab, LAPTOP_MAC)
        assert soon(lambda: register.calls != [])
        asyncio.run_coroutine_threadsafe(house.listener.close(0.05), house._loop).result(5)
        register.open.set()
        assert waiting.result(5).code == 0
    assert house.records() == []


def test_a_listener_serves_several_sockets(house: House) -> None:
    more = sockets.bind("127.0.0.1", 0)
    house.do(lambda: house.listener.listen(more, Role.AUTH))
    nas = house.nas()
    nas.port = more.getsockname()[1]
    assert nas.status().code == ACCEPT


def test_an_error_at_the_end_of_a_slice_silences_nobody_after_it(house: House) -> None:
    """Also one that comes while the error is being reported: the listener must come back for what waits."""
    broken = [True]
    flush, ended = house.worker.flush, house.listener._ended

    def failing_flush(*, hurry: bool = False) -> None:
        if broken[0]:
            raise ZeroDivisionError
        flush(hurry=hurry)

    def failing_report(error: Exception, source: str) -> None:
        if broken[0]:
            raise OSError(28, "no space left on device")
        ended(error, source)

    house.worker.flush, house.listener._ended = failing_flush, failing_report  # type: ignore[method-assign]
    house.do(lambda: asyncio.get_running_loop().set_exception_handler(lambda *_: None))
    nas = house.nas(timeout_s=0.3)
    assert nas.mab(PRINTER_MAC).code == 0
    broken[0] = False
    assert nas.mab(PRINTER_MAC).code == ACCEPT
