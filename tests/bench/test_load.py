"""The load tells a right answer from every other: figures of a server that answers wrongly would be worth nothing."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from tools.bench import load, radius, site

Answer = Callable[[bytes], bytes]


def accept(request: bytes, code: int = radius.ACCESS_ACCEPT, secret: bytes = site.SECRET) -> bytes:
    """An empty, sealed answer."""
    head = bytes((code, request[1])) + (20).to_bytes(2)
    return head + hashlib.md5(head + request[4:20] + secret, usedforsecurity=False).digest()


@pytest.fixture
def server() -> Iterator[Callable[[Answer], int]]:
    """``server(answer)``: the port of one that answers so (``b""``: not at all)."""
    threads: list[tuple[socket.socket, threading.Thread]] = []

    def start(answer: Answer) -> int:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                request, peer = sock.recvfrom(4096)
                if request == b"end":
                    return
                octets = answer(request)
                if octets:
                    sock.sendto(octets, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append((sock, thread))
        return int(sock.getsockname()[1])

    yield start
    for sock, thread in threads:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", sock.getsockname())
        thread.join()
        sock.close()


def requests(count: int) -> list[bytes]:
    return [radius.mab_request(load.identifier(n), site.mac(n % site.ENDPOINTS), site.SECRET) for n in range(count)]


def closed(port: int, count: int = 40, silence_s: float = 10.0) -> load.Outcome:
    return load.closed(requests(count), port, site.SECRET, radius.ACCESS_ACCEPT, 16, silence_s)


def test_every_right_answer_is_counted_in_a_closed_loop(server: Callable[[Answer], int]) -> None:
    outcome = closed(server(accept), 5_000)
    assert (outcome.answered, outcome.wrong, outcome.lost) == (5_000, 0, 0)
    assert outcome.is_clean


def test_every_right_answer_has_a_latency_in_an_open_loop(server: Callable[[Answer], int]) -> None:
    outcome = load.opened(requests(500), server(accept), site.SECRET, radius.ACCESS_ACCEPT, rate=5_000)
    assert (outcome.answered, outcome.wrong, outcome.lost) == (500, 0, 0)
    assert len(outcome.latencies_ns) == 500
    assert min(outcome.latencies_ns) > 0


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: accept(request, code=radius.ACCESS_REJECT),
        lambda request: accept(request, secret=b"somebody else's secret"),
        lambda request: accept(request)[:-1] + bytes([accept(request)[-1] ^ 1]),
        lambda request: accept(request) + b"\0",
        lambda request: accept(bytes([1, request[1] ^ 0x80]) + request[2:]),
    ],
    ids=["a reject", "another secret", "a flipped bit", "a wrong length", "another identifier"],
)
def test_a_wrong_answer_spoils_the_run(server: Callable[[Answer], int], answer: Answer) -> None:
    outcome = closed(server(answer))
    assert outcome.wrong > 0
    assert not outcome.is_clean


def test_a_request_without_an_answer_is_lost(server: Callable[[Answer], int]) -> None:
    silent_about = requests(1)[0][1]
    outcome = closed(server(lambda request: b"" if request[1] == silent_about else accept(request)), silence_s=0.2)
    assert outcome.lost > 0
    assert not outcome.is_clean
