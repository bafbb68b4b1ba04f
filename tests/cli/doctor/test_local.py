"""The window of the list and the pace of polling, out of what the daemon keeps."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.cli.doctor.local import polling, window
from nacd.cli.doctor.site import Site, configuration
from nacd.compliance.bulk_plan import BulkWindow
from nacd.server.lookups.building import DATABASE
from nacd.store.verdicts import VerdictStore, tenant_key

HOUR_S = 3600.0


@pytest.fixture
def site(place: Any) -> Site:
    return configuration(place.config)[1]


@pytest.fixture
def key(site: Site) -> str:
    """The tenant's key on the disk."""
    section = site.sections["intune"]
    return tenant_key("intune", section.cloud, section.tenant)


@pytest.fixture
def keep(place: Any, key: str) -> Callable[[BulkWindow], None]:
    """Puts a window into the state folder, as the daemon does."""

    def put(kept: BulkWindow) -> None:
        store = VerdictStore(place.folder / "state" / DATABASE, report=lambda _: None)
        assert store.keep_bulk_window(key, kept)
        store.close()

    return put


def test_without_a_state_folder_nothing_is_known_of_the_window(site: Site) -> None:
    found = window("intune", site.sections["intune"], site)
    assert (found.status, found.detail) == ("skipped", "not known: nothing was kept yet in this state folder")
    assert window("intune", site.sections["intune"], Site()).status == "skipped"


def test_the_window_is_told_in_hours_and_minutes(site: Site, keep: Any) -> None:
    now = time.time()
    keep(BulkWindow(opened_at=now - HOUR_S, last_try_at=now - HOUR_S, last_success_at=now - HOUR_S))
    found = window("intune", site.sections["intune"], site)
    assert found.status == "ok"
    assert found.detail.splitlines() == ["last whole list 60 min ago, last try 60 min ago", "next try in 3 h 14 min"]


def test_a_list_that_never_came_is_tried_now(site: Site, keep: Any) -> None:
    keep(BulkWindow())
    assert window("intune", site.sections["intune"], site).detail.splitlines() == [
        "last whole list never, last try never",
        "next try now",
    ]


def test_a_window_that_somebody_else_used_up_is_a_warning(site: Site, keep: Any) -> None:
    now = time.time()
    keep(BulkWindow(opened_at=now - HOUR_S, last_try_at=now - HOUR_S, last_quota_at=now - 600))
    found = window("intune", site.sections["intune"], site)
    assert found.status == "warning"
    assert "refused for its quota 10 min ago" in found.detail
    assert "another nacd, or another product" in found.fix


def test_the_window_can_be_read_while_a_daemon_writes(site: Site, place: Any, key: str) -> None:
    store = VerdictStore(place.folder / "state" / DATABASE, report=lambda _: None)
    try:
        now = time.time()
        assert store.keep_bulk_window(key, BulkWindow(opened_at=now, last_try_at=now, last_success_at=now))
        assert window("intune", site.sections["intune"], site).status == "ok"
    finally:
        store.close()


def test_a_file_that_is_no_database_is_a_warning(site: Site, place: Any) -> None:
    (place.folder / "state" / DATABASE).write_text("not a database " * 100)
    found = window("intune", site.sections["intune"], site)
    assert found.status == "warning"
    assert DATABASE in found.detail
    assert (place.folder / "state" / DATABASE).read_text().startswith("not a database")


def test_the_list_does_not_matter_where_graph_alone_is_asked(place: Any) -> None:
    place.write(more=", source: graph")
    site = configuration(place.config)[1]
    found = window("intune", site.sections["intune"], site)
    assert found.detail == "not needed: graph alone is asked about devices"


# -- polling ------------------------------------------------------------------------------------


def soon() -> float:
    return time.monotonic() + 10


def test_without_a_daemon_the_most_that_can_be_polled_is_told(site: Site) -> None:
    found = polling("intune", site, soon())
    assert found.status == "ok"
    first, second = found.detail.splitlines()
    assert first == "every 5 min with 50 questions a second: enough for 15000 live devices"
    assert second.startswith("how many there are is not known: no daemon runs on ")
    assert "no state folder" in polling("intune", Site(), soon()).detail


Daemon = Callable[[bytes], None]


@pytest.fixture
def daemon(tmp_path: Path) -> Any:
    """``daemon(b'{...}')``: something that listens where the daemon does and says this, once."""
    listeners: list[socket.socket] = []

    def listen(said: bytes) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "state" / "control.sock"))
        listener.listen()
        listeners.append(listener)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        threading.Thread(target=serve, daemon=True).start()

    yield listen
    for listener in listeners:
        listener.close()


def test_live_devices_that_can_be_polled_are_counted(site: Site, daemon: Daemon) -> None:
    daemon(b'{"answer": {"intune": {"live": {"devices": 15000}}}}\n')
    found = polling("intune", site, soon())
    assert found.status == "ok"
    assert found.detail.endswith("\nthe running daemon watches 15000 now")


def test_an_interval_that_the_budget_cannot_meet_is_told_with_the_one_that_it_can(site: Site, daemon: Daemon) -> None:
    daemon(b'{"answer": {"intune": {"live": {"devices": 15001}}}}\n')
    found = polling("intune", site, soon())
    assert found.status == "warning"
    assert "15001 live devices are too many for every 5 min with 50 questions a second" in found.detail
    assert found.fix == "set `poll.interval` to 301s or more, or `budget.polling` higher"


def test_what_the_daemon_says_of_its_pace_is_believed(site: Site, daemon: Daemon) -> None:
    slow = "tenant `intune`: 900 devices cannot be asked about every 300 s within the budget for polling: ..."
    daemon(b'{"answer": {"intune": {"live": {"devices": 900}, "too_slow": ["%b"]}}}\n' % slow.encode())
    found = polling("intune", site, soon())
    assert found.status == "warning"
    assert found.detail == f"{slow}\nthe running daemon watches 900 now"
    assert "`poll.groups`" in found.fix


@pytest.mark.parametrize("said", [b'{"error": "no such order"}\n', b'{"answer": []}\n', b"{\n", b""])
def test_a_daemon_that_says_something_else_is_no_failure(site: Site, daemon: Daemon, said: bytes) -> None:
    daemon(said)
    found = polling("intune", site, soon())
    assert found.status == "ok"
    assert "how many there are is not known: " in found.detail
