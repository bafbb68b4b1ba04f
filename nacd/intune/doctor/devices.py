"""One real question about a device, by GUID and by MAC, of each source that is configured.

Knows: what an answer means for somebody who looks for a fault, the mix-up of Intune ids and Entra ids. Refuses to
know: how the question is asked: the sources that serve logins are used.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

from nacd.intune.doctor.step import Finding, Status, failed, good, timely, warning
from nacd.intune.graph.source import GraphSource
from nacd.values import Compliance, ComplianceState, DeviceId, DeviceIdKind, MacAddress

_LOOK_AGAIN_S = 0.05
_MOST = 0.8
"""What part of its time a question has used up at least, when it ended for want of time."""
_DEVICES = "Intune admin center > Devices > All devices > (the device) > Hardware"


class Source(Protocol):
    """Whoever can be asked about a device."""

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """Ask once; trouble comes back as ``unavailable``."""
        ...


def ask(
    source: Source,
    subject: DeviceId | MacAddress,
    deadline_s: float,
    graph: Source | None = None,
    login_s: float = math.inf,
) -> Finding:
    """What this source says of the device. graph: asked whether an unknown GUID is an Entra id; None = nobody is.

    deadline_s: seconds for the whole, a third of them for the second question. login_s: how long a login waits.
    """
    until = time.monotonic() + deadline_s
    said, first_s = _timed(source, subject, deadline_s if graph is None else deadline_s * 2 / 3)
    took_s = first_s
    if took_s > login_s / 2 and said.state is not ComplianceState.UNAVAILABLE:
        # The first question fetched a token and shook hands; the daemon's have not to. So it counts how the next goes.
        given_s = max(0.0, min(login_s, until - time.monotonic()))
        again, took_s = _timed(source, subject, given_s)
        if again.state is ComplianceState.UNAVAILABLE and took_s < given_s * _MOST:
            said = again  # not slow: it fails now
        elif again.state is ComplianceState.UNAVAILABLE:
            took_s = max(first_s, math.nextafter(login_s, math.inf))  # a login would have given up here
    return timely(_judged(said, subject, took_s, until, graph), took_s, login_s)


def _timed(source: Source, subject: DeviceId | MacAddress, deadline_s: float) -> tuple[Compliance, float]:
    started = time.monotonic()
    said = source.lookup(subject, deadline_s, time.time)
    return said, time.monotonic() - started


def _judged(
    said: Compliance, subject: DeviceId | MacAddress, took_s: float, until: float, graph: Source | None
) -> Finding:
    line = f"{subject}  {said.state}, in {took_s * 1000:.0f} ms"
    detail = "\n".join(part for part in (line, said.detail, _facts(said)) if part)
    if said.state is ComplianceState.UNAVAILABLE:
        return failed(detail, "see the steps above; when they are all well, ask again: it may be this one question")
    if said.state is ComplianceState.NOT_MANAGED and isinstance(subject, DeviceId):
        return _unknown_guid(subject, detail, until, graph)
    if said.state is ComplianceState.NOT_MANAGED:
        return warning(detail, _mac_fix(subject))
    if said.state is ComplianceState.UNKNOWN:
        return warning(detail, f"{_DEVICES}: Intune has not judged it yet, or several devices share this address")
    return good(detail)


def unlisted(graph: GraphSource, until: float) -> str:
    """Why Graph cannot be asked by address yet, ``""`` when it can; waits for its list until ``until`` (monotonic)."""
    graph.warm()
    while True:
        listed = graph.status().devices
        if listed.there:
            return ""
        if listed.problem:
            return f"graph's list of devices cannot be had: {listed.problem}"
        if time.monotonic() >= until:
            return "graph's list of devices is still being read"
        time.sleep(_LOOK_AGAIN_S)


def _unknown_guid(subject: DeviceId, detail: str, until: float, graph: Source | None) -> Finding:
    """A GUID that nobody knows: an empty answer looks the same for an Entra id and for a device that is gone."""
    if graph is not None and subject.kind is DeviceIdKind.INTUNE:
        left_s = max(0.0, until - time.monotonic())
        entra = graph.lookup(DeviceId(guid=subject.guid, kind=DeviceIdKind.ENTRA), left_s, time.time)
        if entra.state not in (ComplianceState.NOT_MANAGED, ComplianceState.UNAVAILABLE):
            words = f"graph knows this GUID as an Entra device id ({entra.state}): it is no Intune device id"
            fix = "in the certificate profile write {{DeviceId}} (Intune), not {{AAD_Device_ID}} (Entra)"
            return warning(f"{detail}\n{words}", fix)
    fix = f"{_DEVICES} > Intune Device ID must show this GUID; an Entra device id looks alike and is not it"
    return warning(detail, fix)


def _mac_fix(mac: DeviceId | MacAddress) -> str:
    if isinstance(mac, MacAddress) and mac.locally_administered:
        return "this MAC is random or made up: switch private addresses off for this network, or use certificates"
    return f"{_DEVICES} > Wi-Fi MAC must show it; docks, adapters and wired ports are often not known to Intune"


def _facts(said: Compliance) -> str:
    device = said.device
    named = f"{device.operating_system} {device.os_version}".strip()
    return ", ".join(part for part in (device.name, named, device.owner) if part)


def missing() -> Finding:
    """Nobody named a device."""
    return Finding(status=Status.SKIPPED, detail="not asked: name one with --device GUID and --mac MAC")
