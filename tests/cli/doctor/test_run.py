"""`nacd doctor` as an admin meets it: what it says and how it exits."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.cli.doctor.run import begin, said_by
from nacd.intune.doctor.step import Begun, Step
from nacd.sim.microsoft.state import CLIENT_SECRET, App
from tests.cli.doctor.conftest import RADIUS_SECRET

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
PLANTED = "planted-Secret-7f3a-do-not-show"


def test_a_healthy_site_exits_with_zero(doctor: Any, place: Any) -> None:
    place.sim.put_device(GUID, macs=["00-50-56-C0-FF-EE"])
    done = doctor("--device", GUID.upper(), "--mac", "0050.56c0.ffee")
    assert done.exit_code == 0
    assert "all is well" in done.text
    assert f"{GUID}  compliant, in " in done.text
    assert "00-50-56-C0-FF-EE  compliant, in " in done.text


def test_json_is_one_document_with_every_step(doctor: Any) -> None:
    done = doctor("--json")
    assert done.exit_code == 0
    assert done.report["ok"] is True
    assert list(done.steps("")) == ["config", "versions"]
    steps = done.steps()
    assert [*steps][:2] == ["trust", "clock"]
    assert [*steps][-2:] == ["bulk window", "polling"]
    for row in steps.values():
        assert list(row) == ["name", "status", "detail", "fix", "took_ms"]
        assert row["status"] in ("ok", "warning", "failed", "skipped")
        assert bool(row["fix"]) is (row["status"] in ("warning", "failed"))


def test_a_failure_exits_with_one_and_has_its_fix_on_the_next_line(doctor: Any, place: Any) -> None:
    place.sim.fault("token", code=7000222)
    done = doctor()
    assert done.exit_code == 1
    lines = done.text.splitlines()
    (where,) = (number for number, line in enumerate(lines) if "✗ intune token" in line)
    assert "the client secret has expired" in lines[where]
    assert "(AADSTS7000222)" in lines[where]
    assert "scope https://api.manage.microsoft.com//.default" in lines[where + 1]
    assert lines[where + 2].lstrip().startswith("→ Entra admin center > App registrations > ")
    assert "something is wrong: 2 failed (intune: graph token, intune: intune token), " in lines[-1]


def test_a_warning_is_no_failure(doctor: Any, place: Any) -> None:
    place.write(expires=time.strftime("%Y-%m-%d", time.gmtime(time.time() + 10 * 86_400)))
    done = doctor("--json")
    assert done.exit_code == 0
    assert done.report["ok"] is True
    assert done.steps()["credential"]["status"] == "warning"


def test_a_next_credential_is_examined_too(doctor: Any, place: Any) -> None:
    place.secret("next.secret", PLANTED)
    place.write(more=', next_credential: {secret: "file:next.secret"}')
    done = doctor("--json")
    assert done.exit_code == 1
    assert "(AADSTS7000215)" in done.steps()["next graph token"]["detail"]
    assert done.steps()["mdminfo"]["status"] == "ok"
    assert PLANTED not in done.text


def test_graph_is_examined_where_it_is_used(doctor: Any, place: Any) -> None:
    place.sim.put_device(GUID)
    place.write(more=", fallback: graph")
    assert doctor("--json", "--device", GUID).steps()["device by graph"]["status"] == "ok"
    place.write(more=", source: graph")
    steps = doctor("--json", "--device", GUID).steps()
    assert steps["device by graph"]["status"] == "ok"
    assert steps["bulk window"]["detail"] == "not needed: graph alone is asked about devices"


def test_every_tenant_is_examined_and_one_broken_one_fails_the_whole(doctor: Any, place: Any) -> None:
    config = place.write("good", "bad")
    text = config.read_text()
    place.secret("wrong.secret", PLANTED)
    head, tail = text.split("  bad:")
    config.write_text(f"{head}  bad:{tail.replace('file:app.secret', 'file:wrong.secret')}")
    done = doctor("--json")
    assert done.exit_code == 1
    assert done.steps("good")["mdminfo"]["status"] == "ok"
    assert done.steps("bad")["graph token"]["status"] == "failed"
    alone = doctor("--json", "--tenant", "good")
    assert alone.exit_code == 0
    assert list(alone.report["tenants"]) == ["good"]


def test_a_tenant_there_is_none_of_is_wrong_usage(doctor: Any, place: Any) -> None:
    place.write("berlin", "paris")
    done = doctor("--tenant", "rome")
    assert done.exit_code == 2
    assert "no tenant is called `rome`; there are: berlin, paris" in done.text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--device", "laptop"), "--device: `laptop` is not a GUID"),
        (("--device", "00000000-0000-0000-0000-000000000000"), "--device: the nil GUID names no device"),
        (("--mac", "printer"), "--mac: `printer` is no mac address"),
    ],
)
def test_a_device_that_is_none_is_wrong_usage(doctor: Any, words: tuple[str, ...], said: str) -> None:
    done = doctor(*words)
    assert done.exit_code == 2
    assert said in done.text


def test_without_a_tenant_nothing_is_examined(doctor: Any, place: Any) -> None:
    text = place.config.read_text()
    rules = "profiles: {corporate: {vlan: 120}}\nrules: [{name: all, when: {access: mab}, then: corporate}]\n"
    (place.folder / "policy.yaml").write_text(rules)
    place.config.write_text(text[text.index("clients:") :])
    done = doctor("--json")
    assert done.exit_code == 0
    assert done.report["tenants"] == {}
    assert done.steps("")["intune"]["status"] == "skipped"


# -- the list -----------------------------------------------------------------------------------


def test_the_list_is_not_asked_for_without_being_told(doctor: Any, place: Any) -> None:
    place.sim.forget_history()
    doctor()
    assert place.sim.history("bulk") == []


def test_the_list_is_not_asked_for_when_nobody_can_confirm_it(doctor: Any, place: Any) -> None:
    place.sim.forget_history()
    done = doctor("--bulk")
    assert done.exit_code == 2
    assert "The question opens a window of four hours" in done.text
    assert "nobody is here to confirm it: say --yes as well" in done.text
    assert place.sim.history() == []


def test_with_yes_one_page_of_the_list_is_asked_for(doctor: Any, place: Any) -> None:
    place.sim.put_device(GUID, compliant=False)
    place.sim.forget_history()
    done = doctor("--bulk", "--yes", "--json")
    assert done.exit_code == 0
    assert done.steps()["bulk page"]["detail"].startswith("1 devices that are not compliant")
    assert len(place.sim.history("bulk")) == 1


@pytest.mark.parametrize(("typed", "exit_code", "asked"), [("y\n", 0, 1), ("n\n", 2, 0)])
def test_on_a_terminal_the_list_is_asked_for_after_a_yes(place: Any, typed: str, exit_code: int, asked: int) -> None:
    place.sim.forget_history()
    done, text = at_a_terminal(place.config, "--bulk", typed=typed)
    assert "Ask all the same?" in text
    assert done == exit_code
    assert len(place.sim.history("bulk")) == asked


def test_on_a_terminal_what_is_being_done_stands_below(place: Any) -> None:
    place.sim.fault("latency", service="graph", ms=400)
    done, text = at_a_terminal(place.config)
    assert done == 0
    assert "asking graph where intune is ..." in text


def at_a_terminal(config: Path, *words: str, typed: str = "") -> tuple[int, str]:
    """Exit code and everything that was shown, of a program of its own at a terminal of its own."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nacd", "doctor", "--config", str(config), *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    ) as running:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown, until = bytearray(), time.monotonic() + 60
        while time.monotonic() < until:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                octets = os.read(ours, 65_536)
            except OSError:  # the last one has left the terminal
                break
            if not octets:
                break
            shown += octets
        os.close(ours)
        return running.wait(30), shown.decode()


# -- what goes wrong with doctor itself ---------------------------------------------------------


def test_an_examination_that_is_stuck_is_given_up_and_is_a_failure() -> None:
    has_begun, release = threading.Event(), threading.Event()

    def stuck() -> Iterator[Begun | Step]:
        yield Begun(name="tls", doing="shaking hands")
        has_begun.set()
        release.wait(30)

    waiting = begin(stuck)
    assert has_begun.wait(30)
    try:
        begun, step = said_by(waiting, time.monotonic())
    finally:
        release.set()
    assert isinstance(begun, Begun)
    assert isinstance(step, Step)
    assert (step.status, step.detail) == ("failed", "gave up: it takes too long")


def test_a_bug_is_a_failure_and_never_half_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def broken() -> Iterator[Begun | Step]:
        yield Begun(name="tls", doing="shaking hands")
        raise KeyError("a bug")

    _, step = said_by(begin(broken), time.monotonic() + 10)
    assert isinstance(step, Step)
    assert (step.status, step.detail) == ("failed", "stopped by a bug")


# -- what is never shown ------------------------------------------------------------------------


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize(
    "trouble",
    [
        {},
        {"kind": "token", "code": 7000215},
        {"kind": "token", "code": 999999},
        {"kind": "outage", "mode": "503"},
        {"kind": "outage", "mode": "reset"},
        {"kind": "status", "service": "all", "code": 403},
        {"kind": "body", "service": "all", "variant": "html"},
    ],
    ids=str,
)
def test_no_secret_is_ever_printed(doctor: Any, place: Any, form: tuple[str, ...], trouble: dict[str, Any]) -> None:
    place.secret("next.secret", PLANTED)
    place.write(more=', next_credential: {secret: "file:next.secret"}, fallback: graph')
    if trouble:
        place.sim.fault(**trouble)
    done = doctor(*form, "--device", GUID, "--mac", "00-50-56-C0-FF-EE", "--bulk", "--yes")
    assert done.exit_code == 1
    for secret in (PLANTED, CLIENT_SECRET, RADIUS_SECRET, "Bearer ", "eyJ"):
        assert secret not in done.text


def test_a_missing_consent_is_a_failure_with_the_permission_to_add(doctor: Any, place: Any) -> None:
    place.sim.register_app(App(intune_roles=()))
    try:
        done = doctor("--json")
    finally:
        place.sim.register_app(App())
    assert done.exit_code == 1
    assert "get_device_compliance" in done.steps()["roles"]["fix"]


def test_it_works_beside_a_running_daemon_and_says_what_that_one_watches(place: Any, doctor: Any) -> None:
    place.write(rest='server: {auth: "127.0.0.1:0", accounting: "127.0.0.1:0"}\n')
    door = place.folder / "state" / "control.sock"
    command = [sys.executable, "-m", "nacd", "serve", "--config", str(place.config)]
    with (place.folder / "serve.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as daemon:
        try:
            until = time.monotonic() + 30
            while not door.exists() and time.monotonic() < until and daemon.poll() is None:
                time.sleep(0.05)
            steps = doctor("--json").steps()
        finally:
            daemon.terminate()
            daemon.wait(15)
    said = (place.folder / "serve.log").read_text()
    assert steps["polling"]["detail"].endswith("\nthe running daemon watches 0 now"), said
    assert steps["bulk window"]["detail"].startswith(("last whole list", "not known")), said
    assert steps["mdminfo"]["status"] == "ok"


@pytest.mark.slow
def test_when_everything_hangs_it_ends_within_a_minute(place: Any) -> None:
    place.sim.fault("outage", mode="silent")
    place.write("one", "two", more=", fallback: graph")
    command = [sys.executable, "-m", "nacd", "doctor", "--config", str(place.config), "--device", GUID, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "does not answer in time" in done.stdout


def test_an_intune_slower_than_the_configured_deadline_is_not_well(doctor: Any, place: Any) -> None:
    place.sim.put_device(GUID)
    place.write(rest="compliance: {lookup_deadline: 200ms}\n")
    place.sim.fault("latency", service="compliance", ms=400)
    done = doctor("--device", GUID)
    assert done.exit_code == 1
    assert "logins wait 0.2 s only: every one would be `unavailable`" in done.text
    assert "something is wrong: 1 failed (intune: device)" in done.text
