"""Started, kept and stopped; what keeps it from starting is said in words."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.errors import AuditRefused
from nacd.server import daemon
from nacd.server.reload.reloader import Reloader
from nacd.server.shadow.beside import Shadow
from nacd.sim.nas import Nas
from tests.server.house import PRINTER_MAC, SECRET, Site, soon

ACCEPT, REJECT = 2, 3


def serve(site: Site, monkeypatch: pytest.MonkeyPatch, story: Callable[[Nas], None], by: int = signal.SIGTERM) -> None:
    """Run the daemon in this process; tell the story from outside; stop it with a signal."""
    ready = site.folder / "ready.json"
    monkeypatch.setenv("NACD_READY_FILE", str(ready))
    trouble: list[BaseException] = []

    def tell() -> None:
        if not soon(ready.exists, 10):
            return  # it did not start: `run` below says why
        where = json.loads(ready.read_text(encoding="utf-8"))
        (host, auth), (_, accounting) = where["auth"][0], where["accounting"][0]
        try:
            with Nas(host, SECRET, auth, accounting, source="127.0.0.1", timeout_s=2, tries=1) as nas:
                story(nas)
        except BaseException as wrong:
            trouble.append(wrong)
        finally:
            os.kill(os.getpid(), by)

    outside = threading.Thread(target=tell)
    outside.start()
    try:
        asyncio.run(daemon.run(site.assemble()))
    finally:
        outside.join(15)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the daemon gives it up for good when it is stopped
    for wrong in trouble:
        raise wrong


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop_and_records_both(
    site: Site, monkeypatch: pytest.MonkeyPatch, by: signal.Signals
) -> None:
    def story(nas: Nas) -> None:
        assert nas.mab(PRINTER_MAC).code == ACCEPT
        assert nas.status().code == ACCEPT

    serve(site, monkeypatch, story, by)
    records = site.records()
    assert [record["event"] for record in records] == [
        "service.started",
        "configuration.loaded",
        "access.accept",
        "service.stopped",
    ]
    assert by.name in records[-1]["why"]


def test_the_policy_that_decides_is_archived_with_digest_time_and_account(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(site, monkeypatch, assert_accepted)
    digest = site.assemble().loaded.digest
    folder = site.folder / "state" / "policies"
    loadings: list[dict[str, Any]] = [json.loads(line) for line in (folder / "loaded.jsonl").read_text().splitlines()]
    (own,) = (entry for entry in loadings if entry["digest"] == digest)
    (decided,) = (record for record in site.records() if record["event"] == "access.accept")
    assert decided["decision"]["policy_digest"] == digest
    assert own["file"] == str(site.folder / "policy.yaml")
    assert pwd.getpwuid(os.geteuid()).pw_name in own["by"]
    assert own["time"].endswith("Z")
    kept = [hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.txt")]
    assert hashlib.sha256((site.folder / "policy.yaml").read_bytes()).hexdigest() in kept


def chargeable_identity(site: Site, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a printer's Accept carries in one run of the daemon."""
    given: list[str] = []

    def story(nas: Nas) -> None:
        reply = nas.mab(PRINTER_MAC, extra=[("Chargeable-User-Identity", b"\0")])
        given.append(bytes(reply.first("Chargeable-User-Identity")).decode())

    serve(site, monkeypatch, story)
    return given[0]


def test_the_chargeable_identity_of_a_device_outlives_a_restart(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = chargeable_identity(site, monkeypatch)
    assert len(first) == 32
    assert len((site.folder / "state" / "chargeable.key").read_bytes()) == 32
    (site.folder / "ready.json").unlink()
    assert chargeable_identity(site, monkeypatch) == first


def test_a_damaged_chargeable_key_is_told_and_does_not_stop_the_daemon(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: io.StringIO
) -> None:
    (site.folder / "state").mkdir()
    (site.folder / "state" / "chargeable.key").write_bytes(b"half a k")
    assert len(chargeable_identity(site, monkeypatch)) == 32
    assert "has 8 octets instead of 32" in said.getvalue()


def assert_accepted(nas: Nas) -> None:
    assert nas.mab(PRINTER_MAC).code == ACCEPT


def test_drops_are_in_the_audit_file_when_it_stops(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(nas: Nas) -> None:
        nas.timeout_s = 0.2
        nas.message_authenticator = "absent"
        assert nas.mab(PRINTER_MAC).code == 0

    serve(site, monkeypatch, story)
    (drop,) = (record for record in site.records() if record["event"] == "packets.dropped")
    assert (drop["nas"]["name"], drop["packets"]["reason"]) == ("switch", "no_message_authenticator")


def test_a_bug_that_lasts_in_one_part_keeps_no_other_from_its_turn(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: io.StringIO
) -> None:
    turns: list[str] = []

    def broken(self: object, *_: object) -> None:
        turns.append("broken")
        raise ZeroDivisionError("of the tests own")

    def story(nas: Nas) -> None:
        site.audit.rename(site.folder / "moved")
        assert soon(site.audit.exists, 10), "the audit file is looked after"
        assert soon(lambda: turns.count("shadow") > 1, 10), "and so is what comes last"

    monkeypatch.setattr(Reloader, "expire", broken)
    monkeypatch.setattr(Shadow, "tick", lambda self, now: turns.append("shadow"))
    serve(site, monkeypatch, story)
    assert turns.count("broken") > 1
    assert said.getvalue().count("is tried again each second") == 1


def test_a_hangup_does_not_end_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(nas: Nas) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        assert nas.mab(PRINTER_MAC).code == ACCEPT

    serve(site, monkeypatch, story)


def test_a_port_that_is_taken_is_said_in_words_with_exit_code_three(site: Site) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        site.change('accounting: "127.0.0.1:0"', f'accounting: "127.0.0.1:{port}"')
        done = subprocess.run(
            [sys.executable, "-m", "nacd", "serve", "--demo", "--config", str(site.config)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 3
    assert f"not started: cannot listen on `127.0.0.1:{port}`: address already in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert not site.audit.exists()


def test_an_audit_file_that_another_nacd_holds_keeps_it_from_starting(site: Site) -> None:
    from nacd.store.trail.log import AuditLog

    held = AuditLog(site.audit)
    try:
        with pytest.raises(AuditRefused, match="in use by another nacd"):
            asyncio.run(daemon.run(site.assemble()))
    finally:
        held.close()


def test_a_state_folder_that_cannot_be_written_is_named(site: Site) -> None:
    site.write("state", "a file, no folder")
    with pytest.raises(OSError, match=r"cannot write `.*state") as refused:
        asyncio.run(daemon.run(site.assemble()))
    assert "not a directory" in str(refused.value.strerror)


def test_sockets_are_closed_when_it_cannot_start(site: Site, free_udp_port: Callable[..., int]) -> None:
    port = free_udp_port()
    site.change('auth: "127.0.0.1:0"', f'auth: "127.0.0.1:{port}"')
    site.write("state", "a file, no folder")
    with pytest.raises(OSError, match="cannot write"):
        asyncio.run(daemon.run(site.assemble()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", port))


def test_the_ready_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NACD_READY_FILE", str(tmp_path / "ready.json"))
    daemon._say_ready({"auth": [("127.0.0.1", 1)], "accounting": []})
    assert json.loads((tmp_path / "ready.json").read_text()) == {"auth": [["127.0.0.1", 1]], "accounting": []}
    assert list(tmp_path.iterdir()) == [tmp_path / "ready.json"]


def test_a_limit_that_held_somebody_back_is_said_once_with_its_name(
    site: Site, monkeypatch: pytest.MonkeyPatch, said: io.StringIO
) -> None:
    site.change("policy: policy.yaml", "overload: {port_rate: 1, port_burst: 2}\npolicy: policy.yaml")

    def begin_too_often(nas: Nas) -> None:
        codes = [nas.mab(PRINTER_MAC).code for _ in range(4)]
        assert REJECT in codes
        assert soon(lambda: "the limit `overload.port_rate` is reached" in said.getvalue())
        nas.mab(PRINTER_MAC)

    serve(site, monkeypatch, begin_too_often)
    assert said.getvalue().count("is reached") == 1
