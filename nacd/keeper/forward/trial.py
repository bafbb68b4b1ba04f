"""One test event to one destination, step by step, each with what happened in words.

Knows: the order in which such a thing goes wrong: name, connection, TLS, login, answer. Refuses to know: printing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from nacd.audit.forwarding.events import trial as test_event
from nacd.audit.line import line
from nacd.audit.mapping.formats import FORMATS
from nacd.audit.mapping.record import read
from nacd.config.sections.audit.forwarding import Destination
from nacd.intune.presented import presented
from nacd.keeper.forward.building import door, own_version
from nacd.keeper.forward.cursor import Place
from nacd.keeper.forward.doors.door import Event, Refused, Trouble, context_of
from nacd.keeper.forward.doors.stream import Stream, words_of
from nacd.values import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """name: `name`, `connection`, `tls`, `event`. words: what was seen, or why it went wrong."""

    name: str
    well: bool
    words: str


def trial(destination: Destination, wall: float) -> Iterator[Step]:
    """The steps, up to the first that goes wrong. wall: the time that the event tells, seconds since the epoch."""
    host, port, encrypted = destination.host, destination.port, destination.scheme in ("syslog+tls", "https")
    through_proxy = destination.scheme == "https" and destination.http.proxy is not None
    timeout_s = destination.timeout.total_seconds()
    if not through_proxy:
        step = _resolved(host, port)
        yield step
        if step.well and destination.scheme != "syslog+udp":
            step = _connected(host, port, timeout_s)
            yield step
        if not step.well:
            return
    if encrypted:
        proxy = destination.http.proxy or ""
        seen = presented(host, port, time.monotonic() + timeout_s, proxy)
        yield Step(name="tls", well=bool(seen.fingerprints), words=seen.words(root_missing=False))
        if not seen.fingerprints:
            return
    yield _sent(destination, wall)


def _resolved(host: str, port: int) -> Step:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as trouble:
        return Step(name="name", well=False, words=f"`{host}` cannot be resolved: {trouble.strerror or trouble}")
    addresses = ", ".join(dict.fromkeys(str(each[4][0]) for each in found))
    return Step(name="name", well=True, words=f"`{host}` is {addresses}")


def _connected(host: str, port: int, timeout_s: float) -> Step:
    try:
        with socket.create_connection((host, port), timeout_s) as opened:
            near = opened.getsockname()[0]
    except OSError as trouble:
        return Step(name="connection", well=False, words=words_of(trouble, host))
    return Step(name="connection", well=True, words=f"port {port} answers, from here as {near}")


def _sent(destination: Destination, wall: float) -> Step:
    event = test_event(destination=destination.name, now=Instant(wall=wall, monotonic=0.0))
    record = read(line(event).rstrip(b"\n"))
    if record is None:
        raise AssertionError("a record of our own is no record")
    octets = FORMATS[destination.format](record, own_version())
    way = door(destination)
    try:
        if destination.scheme in ("syslog+tls", "https"):
            context_of(destination)
        way.send([Event(octets, record, Place())])
        if isinstance(way, Stream):
            way.confirm()
            words = "the event was sent and has been read"
        elif destination.scheme == "syslog+udp":
            words = "the event was sent; over udp nobody can tell whether it arrives"
        else:
            words = "the event was taken"
    except (Trouble, Refused) as trouble:
        return Step(name="event", well=False, words=str(trouble))
    finally:
        way.close()
    return Step(name="event", well=True, words=f"{words} ({len(octets)} octets of `{destination.format}`)")
