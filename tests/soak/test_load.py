"""The load of the soak asks for nothing that no real endpoint would ask for."""

from __future__ import annotations

import socket
import ssl
import time
from collections import Counter
from contextlib import ExitStack, closing

import pytest

from tools.scenarios.loop import Loop
from tools.soak import load as soak_load
from tools.soak.load import Load
from tools.soak.scene import DOT1X, MAB, devices


def test_a_laptop_begins_no_second_eap_login_while_it_is_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak_load, "_DOT1X_SHARE", 1.0)
    fleet = devices(vpn=1, mab=1, dot1x=3, ghosts=0)
    contexts = {one.number: ssl.create_default_context() for one in fleet if one.access == DOT1X}
    with ExitStack() as house, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = silent.getsockname()
        loop = Loop()
        load = house.enter_context(closing(Load(loop, server, server, fleet, contexts, seed=7)))
        begin = time.monotonic()
        load.run(rate=200, begin=begin, end=begin + 0.1)
        while len(load.asked) < 20:
            loop.run(time.monotonic() + 0.01)
        in_eap = [asked for asked in load.asked.values() if asked.access == DOT1X]
        assert Counter(asked.device.number for asked in in_eap) == dict.fromkeys(contexts, 1)
        assert [asked.access for asked in load.asked.values()][3:] == [MAB] * 17

        load.end(in_eap[1], None)
        load.run(rate=200, begin=time.monotonic(), end=time.monotonic() + 0.001)
        while len(load.asked) < 21:
            loop.run(time.monotonic() + 0.01)
        assert list(load.asked.values())[-1].device == in_eap[1].device
