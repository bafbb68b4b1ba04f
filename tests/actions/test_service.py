"""The service from socket to Graph: what is done, what is refused, and what is left when it ends."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nacd.actions.service import REFUSALS_PER_MINUTE, Service
from nacd.cli.actions import build
from nacd.store.handover import Handover, request
from tests.actions.stage import ENTRA, LAPTOP, NOBODYS, PHONE, Stage, eventually
from tests.records import told

SYNC, NOTIFY = "syncDevice", "sendCustomNotificationToCompanyPortal"


@dataclass(slots=True)
class Running:
    """A service in a thread. said: its lines for the operator, in the end also how it ended."""

    stage: Stage
    service: Service
    said: list[str] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)

    def ask(self, verb: str, device: str, tenant: str = "intune") -> str:
        return Handover(self.stage.socket).ask(verb, device, tenant)

    def send(self, octets: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(octets, str(self.stage.socket))

    def counted(self, **wanted: int) -> dict[str, int]:
        """Wait until these counts are reached."""
        return dict(
            eventually(lambda: all(self.service.counts[name] >= count for name, count in wanted.items()))
            and self.service.counts
        )


@contextmanager
def running(stage: Stage, **changes: Any) -> Iterator[Running]:
    here = Running(stage, build(stage.load(**changes)))
    here.service._say = here.said.append
    thread = threading.Thread(target=lambda: here.ended.append(here.service.run()))
    thread.start()
    try:
        yield here
    finally:
        here.service.stop()
        thread.join(30)
    assert not thread.is_alive()


def codes(stage: Stage) -> list[str]:
    return [record["code"] for record in stage.records()]


def test_sync_and_notify_are_done_and_recorded(stage: Stage) -> None:
    with running(stage) as here:
        assert here.ask("sync", LAPTOP) == ""
        assert here.ask("notify", PHONE) == ""
        here.counted(done=2)
    assert sorted(stage.done()) == sorted([(SYNC, LAPTOP), (NOTIFY, PHONE)])
    assert sorted(codes(stage)) == ["D0001I", "D0001I", "D0002I", "D0002I"]
    first = next(record for record in stage.records() if record["verb"] == "sync")
    assert (first["device"]["id"], first["tenant"], first["by"]) == (LAPTOP, "intune", "service")
    assert first["who"]["uid"] == os.getuid()
    assert here.ended == [True]


def test_the_user_is_told_what_the_file_says(stage: Stage) -> None:
    with running(stage, notify__title="Kein Netz", notify__text="Bitte melden.") as here:
        here.ask("notify", PHONE)
        here.counted(done=1)
    (seen,) = stage.microsoft.history("action")
    assert seen.body == {"notificationTitle": "Kein Netz", "notificationBody": "Bitte melden."}


def test_the_same_is_done_once_in_an_hour(stage: Stage) -> None:
    with running(stage) as here:
        for _ in range(5):
            here.ask("sync", LAPTOP)
        here.ask("notify", LAPTOP)
        here.counted(done=2, repeated=4)
    assert sorted(stage.done()) == sorted([(SYNC, LAPTOP), (NOTIFY, LAPTOP)])
    assert codes(stage).count("D0007I") == 4


def test_a_restart_does_not_make_it_twice(stage: Stage) -> None:
    with running(stage) as here:
        here.ask("sync", LAPTOP)
        here.counted(done=1)
    with running(stage) as here:
        here.ask("sync", LAPTOP)
        here.counted(repeated=1)
    assert stage.done() == [(SYNC, LAPTOP)]


def test_the_daemon_finds_a_service_that_was_started_anew(stage: Stage) -> None:
    hand = Handover(stage.socket)
    with running(stage) as here:
        assert hand.ask("sync", LAPTOP, "intune") == ""
        here.counted(done=1)
    with running(stage) as here:
        assert hand.ask("sync", PHONE, "intune") == ""
        here.counted(done=1)
    hand.close()


def test_an_account_that_may_not_ask_is_refused_and_recorded(stage: Stage) -> None:
    with running(stage, service__senders=[54_321]) as here:
        here.ask("sync", LAPTOP)
        here.counted(refused_sender=1)
    assert not stage.microsoft.history()
    (record,) = stage.records()
    assert (record["code"], record["kind"], record["who"]["uid"]) == ("D0006W", "sender", os.getuid())


@pytest.mark.parametrize("verb", ["lock", "retire", "wipe"])
def test_no_request_can_name_another_verb(stage: Stage, verb: str) -> None:
    with running(stage) as here:
        here.send(request(verb, LAPTOP, "intune"))
        here.counted(refused_unreadable=1)
    assert not stage.done()
    assert "another verb than sync and notify" in stage.records()[0]["why"]


def test_an_entra_id_is_not_resolved_for_the_daemon(stage: Stage) -> None:
    with running(stage) as here:
        here.ask("sync", ENTRA)
        here.counted(failed=1)
    assert not stage.microsoft.history("graph_list")
    assert "not enrolled" in stage.records()[-1]["why"]


def test_a_thousand_datagrams_of_junk_change_nothing(stage: Stage) -> None:
    junk = random.Random(4)
    with running(stage) as here:
        for number in range(1000):
            octets = junk.randbytes(junk.randrange(1, 2000))
            here.send(octets if number % 3 else request("sync", LAPTOP, "intune")[: junk.randrange(1, 60)])
        here.counted(refused_unreadable=1000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(1000):
            here.send(junk.randbytes(600))
        here.counted(refused_unreadable=2000)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024
        here.ask("sync", LAPTOP)
        here.counted(done=1)
    refused = [record for record in stage.records() if record["code"] == "D0006W"]
    assert len(refused) <= REFUSALS_PER_MINUTE + 5
    assert sum(record.get("count", 1) for record in refused) == 2000


def test_a_full_queue_refuses_and_says_so(stage: Stage) -> None:
    stage.microsoft.fault("latency", service="graph", only="action", ms=60_000, times=4)
    with running(stage, service__max_waiting=3) as here:
        for number in range(12):
            here.ask("sync", f"00000000-0000-4000-8000-{number:012x}")
        here.counted(refused_full=4)
        stage.microsoft.fault("outage", mode="refused")  # cuts the four that hang
        stage.microsoft.clear_faults()
    refused = [record for record in stage.records() if record["code"] == "D0006W"]
    assert all("wait already" in record["why"] for record in refused)


def test_a_tenant_that_hangs_leaves_the_others_their_share_of_the_waiting_room(stage: Stage) -> None:
    app: Any = stage.load().document.value["intune"]
    stage.microsoft.fault("latency", service="graph", only="action", ms=60_000, times=2)
    with running(
        stage, intune=None, tenants={"hangs": app, "works": copy.deepcopy(app)}, service__max_waiting=8
    ) as here:
        for number in range(12):
            device = f"00000000-0000-4000-8000-{number:012x}"
            eventually(lambda device=device: here.ask("sync", device, "hangs") == "")
        here.counted(refused_full=6)  # two are under way, four wait
        here.ask("sync", LAPTOP, "works")
        here.counted(done=1)
        stage.microsoft.fault("outage", mode="refused")  # cuts the two that hang
        stage.microsoft.clear_faults()
    assert (SYNC, LAPTOP) in stage.done()


def test_a_full_table_refuses_and_says_so(stage: Stage) -> None:
    with running(stage, service__max_devices=10) as here:
        for number in range(11):
            here.ask("sync", f"00000000-0000-4000-8000-{number:012x}")
        here.counted(failed=10, refused_full=1)
    assert "the most there may be" in next(r["why"] for r in stage.records() if r["code"] == "D0006W")


def test_a_refusal_by_graph_is_recorded_and_may_be_repeated_after_a_rest(stage: Stage) -> None:
    with running(stage) as here:
        here.ask("sync", NOBODYS)
        here.counted(failed=1)
        here.ask("sync", NOBODYS)
        here.counted(repeated=1)
    assert codes(stage) == ["D0001I", "D0003W", "D0007I"]
    assert any(f"again in {left} s" in stage.records()[-1]["why"] for left in range(290, 301))


def test_what_perhaps_was_done_is_not_repeated_in_the_hour(stage: Stage) -> None:
    stage.microsoft.fault("outage", service="graph", only="action", mode="reset_after", times=1)
    with running(stage) as here:
        here.ask("sync", LAPTOP)
        here.counted(unknown=1)
        here.ask("sync", LAPTOP)
        here.counted(repeated=1)
    assert codes(stage) == ["D0001I", "D0004E", "D0007I"]
    assert any(f"again in {left} s" in stage.records()[-1]["why"] for left in range(3570, 3601))


def test_while_graph_is_down_each_request_fails_and_the_service_lives(stage: Stage) -> None:
    with running(stage) as here:
        stage.microsoft.fault("outage", mode="refused")
        here.ask("sync", LAPTOP)
        here.counted(failed=1)
        stage.microsoft.clear_faults()
        here.service._tenants["intune"]._poster._tokens._failures.clear()  # its pause of some seconds, cut short
        here.ask("sync", PHONE)
        here.counted(done=1)
    assert stage.done() == [(SYNC, PHONE)]


def test_a_pause_that_graph_asks_for_holds_for_all_devices(stage: Stage) -> None:
    stage.microsoft.fault("throttle", service="graph", only="action", seconds=60, times=1)
    with running(stage) as here:
        here.ask("sync", LAPTOP)
        here.counted(failed=1)
        here.ask("sync", PHONE)
        here.counted(failed=2)
    assert len(stage.microsoft.history("action")) == 1
    assert "asked for a pause" in stage.records()[-1]["why"]


def test_the_rate_holds_over_all_devices(stage: Stage) -> None:
    begun = time.monotonic()
    with running(stage, service__rate=20) as here:
        for number in range(11):
            here.ask("sync", f"00000000-0000-4000-8000-{number:012x}")
        here.counted(failed=11)
        assert time.monotonic() - begun >= 0.5  # a lower bound: eleven slots at 20/s


def test_without_a_record_nothing_is_done(stage: Stage) -> None:
    """The disk fills up while it runs."""
    with running(stage) as here:
        stage.audit.unlink()
        stage.audit.symlink_to("/dev/full")
        here.ask("sync", LAPTOP)
        here.counted(failed=1)
        assert "sync of" in here.said[0]
        assert "no space" in here.said[0]
        stage.audit.unlink()
        here.ask("sync", PHONE)
        here.counted(done=1)
    assert stage.done() == [(SYNC, PHONE)]


def test_a_disk_that_is_really_full_stops_actions_until_there_is_room(stage: Stage, small_disk: Path) -> None:
    filler = small_disk / "filler"
    with running(stage, audit__file=str(small_disk / "audit.jsonl")) as here:
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 512):
                continue
        here.ask("sync", LAPTOP)
        here.counted(failed=1)
        assert not stage.done()
        filler.unlink()
        here.ask("sync", PHONE)
        here.counted(done=1)
    assert stage.done() == [(SYNC, PHONE)]
    records = told((small_disk / "audit.jsonl").read_text())
    assert [record["device"]["id"] for record in records] == [PHONE, PHONE]


def test_a_state_that_cannot_be_kept_refuses(stage: Stage) -> None:
    with running(stage) as here:
        os.close(here.service._asked._fd)
        here.service._asked._fd = os.open("/dev/full", os.O_WRONLY)
        here.ask("sync", LAPTOP)
        here.counted(refused_full=1)
    assert not stage.done()
    assert "cannot be kept on disk" in stage.records()[0]["why"]


def test_the_end_records_what_was_waiting(stage: Stage) -> None:
    with running(stage, service__rate=1) as here:
        for device in (LAPTOP, PHONE, NOBODYS):
            here.ask("sync", device)
        here.counted(done=1)
        eventually(lambda: len(here.service._asked) == 3)
    stopped = [record for record in stage.records() if "the service was stopped" in record["why"]]
    assert {record["device"]["id"] for record in stopped} == {PHONE, NOBODYS}
    with running(stage) as here:
        here.ask("sync", PHONE)
        here.counted(done=1)


def test_a_bug_ends_the_service_instead_of_one_thread_in_silence(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _seen: None)  # it prints the bug

    class Broken:
        def act(self, *_words: object) -> Any:
            raise AssertionError("a bug")

    with running(stage) as here:
        here.service._tenants = {"intune": Broken()}  # type: ignore[dict-item]
        here.ask("sync", LAPTOP)
        eventually(lambda: here.ended)
    assert here.ended == [False]


def test_one_tenant_that_hangs_does_not_slow_another(stage: Stage) -> None:
    app: Any = stage.load().document.value["intune"]
    other = copy.deepcopy(app) | {"graph": "https://localhost:9", "authority": "https://localhost:9"}
    changes: dict[str, Any] = {"intune": None, "tenants": {"here": app, "gone": other}}
    stage.microsoft.fault("latency", service="graph", only="action", ms=60_000, value=LAPTOP)
    with running(stage, **changes) as here:
        for number in range(4):
            here.ask("sync", f"00000000-0000-4000-8000-{number:012x}", "gone")
        here.ask("sync", PHONE, "here")
        here.counted(done=1, failed=4)
    assert stage.done() == [(SYNC, PHONE)]


def test_a_tenant_that_is_not_in_the_file_is_refused(stage: Stage) -> None:
    with running(stage) as here:
        here.ask("sync", LAPTOP, "other")
        here.counted(refused_unreadable=1)


def test_two_services_of_one_file_are_refused(stage: Stage) -> None:
    with running(stage), pytest.raises(OSError, match="another service listens there"):
        build(stage.load())
