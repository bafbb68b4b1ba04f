"""What the tests of this folder share: a tenant of the simulator, and a memory for its address."""

from __future__ import annotations

import threading
import time
from typing import Any

from nacd.intune.cloud import cloud
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions, SecretCredential
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.scene import CLIENT_ID, CLIENT_SECRET, TENANT
from nacd.values import Compliance, ComplianceState, DeviceId, MacAddress, Secret

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER_GUID = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
DEVICE = DeviceId(guid=GUID)
MAC = MacAddress("00-26-B4-24-FE-B4")


class Notebook:
    """An ``EndpointMemory`` on paper."""

    def __init__(self, base: str = "") -> None:
        self.base = base
        self.written: list[str] = []

    def recall(self) -> str:
        return self.base

    def keep(self, base: str) -> None:
        self.base = base
        self.written.append(base)


def tenant(microsoft: IntuneSimulator, **changes: Any) -> IntuneOptions:
    """How the simulator's tenant is asked."""
    custom = {"login": microsoft.base_url, "graph": microsoft.base_url, "resource": f"{microsoft.base_url}/"}
    chosen: dict[str, Any] = {
        "cloud": cloud("custom", custom),
        "tenant": TENANT,
        "client_id": CLIENT_ID,
        "credentials": (SecretCredential(secret=Secret(CLIENT_SECRET.encode())),),
        "allowed_hosts": microsoft.unit_hosts,
        "ca_file": microsoft.ca_file,
    }
    return IntuneOptions(**(chosen | changes))


_strangers: set[threading.Thread] = set()


def know_strangers() -> None:
    """Threads that are there before this folder's tests begin ask somebody else, and are not waited for."""
    _strangers.update(threading.enumerate())


def settle() -> None:
    """Let what earlier sources still ask in the background come to its end, so that it is nobody else's history."""
    for thread in threading.enumerate():
        if thread.name != "intune-flight" or thread in _strangers:
            continue
        while not thread.is_alive() and thread in threading.enumerate():
            time.sleep(0.001)  # it is only about to start, or to end
        if thread.is_alive():
            thread.join(20.0)


def ask(source: IntuneSource, subject: DeviceId | MacAddress = DEVICE, deadline_s: float = 10.0) -> Compliance:
    """One question, with time enough for a busy machine."""
    return source.lookup(subject, deadline_s, time.time)


def assert_unavailable(verdict: Compliance, *words: str) -> None:
    """Nobody said anything about the device, and the detail says why in these words."""
    assert verdict.state is ComplianceState.UNAVAILABLE
    assert verdict.provider == ""
    for word in words:
        assert word in verdict.detail
