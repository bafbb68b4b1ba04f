"""What the fake Dynamic Authorization Server finds wrong with a request that pyrad wrote, or somebody bent."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from nacd.sim.das.heard import DEMANDS, Heard, attributes, faults
from tests.sim.das.asking import COA, DISCONNECT, SECRET, request


def judged(octets: bytes, demands: frozenset[str] = DEMANDS) -> list[str]:
    return faults(octets, SECRET, demands, time.time(), 300.0)


def bent(octets: bytes, at: int) -> bytes:
    at %= len(octets)
    return octets[:at] + bytes((octets[at] ^ 0xFF,)) + octets[at + 1 :]


@pytest.mark.parametrize("code", [DISCONNECT, COA])
def test_a_right_request_has_no_faults(code: int) -> None:
    octets = request(("User-Name", "nemo"), code=code).RequestPacket()
    assert judged(octets) == []
    heard = Heard(octets=octets, peer=("127.0.0.1", 1), at=0.0, attributes=attributes(octets, SECRET))
    assert heard.verb == {DISCONNECT: "disconnect", COA: "coa"}[code]
    assert heard.first("User-Name") == "nemo"
    assert [name for name, _ in heard.attributes] == ["Message-Authenticator", "Event-Timestamp", "User-Name"]


# Made when they are judged: a request is good for five minutes.
@pytest.mark.parametrize(
    ("made", "wrong"),
    [
        (lambda: b"", ["length"]),
        (lambda: bytes(19), ["length"]),
        (lambda: b"\x01" + request().RequestPacket()[1:], ["code"]),
        (
            lambda: request(secret=b"another").RequestPacket(),
            ["request authenticator", "message authenticator"],
        ),
        (lambda: bent(request(("User-Name", "nemo")).RequestPacket(), 5), ["request authenticator"]),
        (lambda: bent(request().RequestPacket(), 30), ["request authenticator", "message authenticator"]),
        (lambda: bent(request().RequestPacket(), 21), ["attributes"]),
        (lambda: request(signed=False).RequestPacket(), ["no message authenticator"]),
        (lambda: request(timestamp=None).RequestPacket(), ["no event timestamp"]),
        (lambda: request(timestamp=-86_400).RequestPacket(), ["event timestamp"]),
        (lambda: request(timestamp=86_400).RequestPacket(), ["event timestamp"]),
    ],
)
def test_each_fault_is_named(made: Callable[[], bytes], wrong: list[str]) -> None:
    assert judged(made()) == wrong


def test_what_is_not_demanded_may_be_missing_but_not_wrong() -> None:
    assert judged(request(signed=False, timestamp=None).RequestPacket(), frozenset()) == []
    assert judged(request(timestamp=-86_400).RequestPacket(), frozenset()) == ["event timestamp"]
