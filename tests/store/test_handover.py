"""The daemon's hand to the service for device actions: it never waits, never raises, and finds a restarted service."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.store.handover import MAX_OCTETS, Handover, request

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


@pytest.fixture
def path() -> Iterator[Path]:
    """A short one: a Unix socket's address holds 107 octets."""
    with tempfile.TemporaryDirectory(prefix="nacd-") as folder:
        yield Path(folder) / "s"


def service(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(path))
    listening.setblocking(False)
    return listening


def test_a_request_is_one_datagram_of_json(path: Path) -> None:
    with service(path) as listening:
        assert Handover(path).ask("sync", GUID, "contoso") == ""
        assert json.loads(listening.recv(1000)) == {"verb": "sync", "device": GUID, "tenant": "contoso"}


def test_without_a_service_it_says_so(path: Path) -> None:
    said = Handover(path).ask("sync", GUID, "contoso")
    assert said == f"the service for device actions cannot be reached at `{path}`: no such file or directory"


def test_a_missing_service_is_tried_once_a_second_at_most(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    hand = Handover(path)
    assert hand.ask("sync", GUID, "contoso")
    with service(path):
        assert "no such file" in hand.ask("sync", GUID, "contoso"), "not tried again yet"
        now[0] += 1.0
        assert hand.ask("sync", GUID, "contoso") == ""


def test_a_service_started_anew_is_found_at_once(path: Path) -> None:
    hand = Handover(path)
    with service(path):
        assert hand.ask("sync", GUID, "contoso") == ""
    path.unlink()
    with service(path) as again:
        assert hand.ask("notify", GUID, "contoso") == ""
        assert b"notify" in again.recv(1000)


def test_a_service_that_died_is_said_and_found_again_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    hand = Handover(path)
    with service(path):
        hand.ask("sync", GUID, "contoso")
    assert "connection refused" in hand.ask("sync", GUID, "contoso")
    path.unlink()
    now[0] += 2.0
    with service(path):
        assert hand.ask("sync", GUID, "contoso") == ""


def test_a_service_that_does_not_read_blocks_nobody(path: Path) -> None:
    hand = Handover(path)
    with service(path) as deaf:
        said = ""
        for _ in range(100_000):
            if said := hand.ask("sync", GUID, "contoso"):
                break
        assert said == "the service for device actions has its hands full"
        deaf.recv(1000)
        assert hand.ask("sync", GUID, "contoso") == "", "and it goes on as soon as there is room"


@pytest.mark.parametrize("wrong", ["x" * 200, "with\0zero", ""])
def test_a_path_that_can_be_none_raises_nothing(wrong: str) -> None:
    assert "cannot be reached" in Handover(Path(wrong)).ask("sync", GUID, "contoso")


@pytest.mark.parametrize("tenant", ["Büro", "\udc80", "\x00", '"'])
def test_any_tenant_name_makes_readable_json(tenant: str) -> None:
    assert json.loads(request("sync", GUID, tenant))["tenant"] == tenant


def test_a_request_that_the_service_would_not_read_is_not_sent(path: Path) -> None:
    with service(path) as listening:
        assert f"longer than {MAX_OCTETS} octets" in Handover(path).ask("sync", GUID, "x" * 600)
        with pytest.raises(BlockingIOError):
            listening.recv(1000)


def test_no_descriptor_is_left_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    hand, before = Handover(path), len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        hand.ask("sync", GUID, "contoso")
        now[0] += 2.0
    with service(path):
        hand.ask("sync", GUID, "contoso")
        hand.close()
        hand.close()
    assert len(os.listdir("/proc/self/fd")) == before
