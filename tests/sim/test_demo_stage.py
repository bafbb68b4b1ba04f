"""The stage is set with a stand-in for the daemon: what stands where, and that nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.demo_stage import PRINTER, Stage, StageError, stage

# Says that it is ready, as the daemon does, and waits.
STAND_IN = """
import json, os, sys, time
ready = os.environ["NACD_READY_FILE"]
with open(ready + ".part", "w") as file:
    json.dump({"auth": [["127.0.0.1", 11]], "accounting": [["127.0.0.1", 12]]}, file)
os.rename(ready + ".part", ready)
print("configuration", sys.argv[1], flush=True)
time.sleep(60)
"""
DAEMON = (sys.executable, "-c", STAND_IN)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "audit.jsonl").write_text("yesterday\n")
    (folder / "demo-state").mkdir()
    (folder / "demo-state" / "sessions.db").write_text("yesterday\n")
    with stage(folder, DAEMON) as on:
        yield on
    assert on.process.poll() is not None  # taken down with the stage


def test_secrets_are_new_marked_and_closed(set_up: Stage) -> None:
    for name in ("switch", "vpn"):
        file = set_up.folder / "secrets" / name
        assert file.read_text().startswith("nacd-demo-")
        assert len(file.read_text()) > 30
        assert file.stat().st_mode & 0o777 == 0o600
    assert (set_up.folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert set_up.switch.secret != set_up.concentrator.secret


def test_the_configuration_names_no_secret(set_up: Stage) -> None:
    text = (set_up.folder / "nacd.yaml").read_text() + (set_up.folder / "policy.yaml").read_text()
    for file in (set_up.folder / "secrets").iterdir():
        assert file.read_text() not in text
    assert "nacd serve` takes it with --demo alone" in text


def test_nases_ask_where_the_daemon_listens(set_up: Stage) -> None:
    assert (set_up.auth, set_up.accounting) == (("127.0.0.1", 11), ("127.0.0.1", 12))
    assert (set_up.switch.port, set_up.concentrator.accounting_port) == (11, 12)
    assert set_up.switch.source != set_up.concentrator.source


def test_yesterdays_records_and_sessions_are_gone(set_up: Stage) -> None:
    assert set_up.audit() == []
    assert not (set_up.folder / "demo-state").exists()


def test_a_record_is_waited_for_and_half_a_line_is_none(set_up: Stage) -> None:
    def write() -> None:
        with set_up.audit_file.open("a") as file:
            file.write(json.dumps({"event": "server.started"}) + "\n" + '{"event": "access.')
            file.flush()
            time.sleep(0.1)
            file.write('accept"}\n')

    writer = threading.Thread(target=write)
    writer.start()
    assert set_up.record_after(0) == {"event": "access.accept"}
    writer.join()
    set_up.audit_file.unlink()


def test_a_record_about_another_nas_is_not_the_one(set_up: Stage) -> None:
    records = [{"event": "session.converged", "nas": {"name": name}} for name in ("demo-vpn", "demo-switch")]
    set_up.audit_file.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert set_up.record_after(0, "session.converged", nas="demo-switch") == records[1]
    set_up.audit_file.unlink()


def test_the_switch_takes_orders_where_the_configuration_says(set_up: Stage) -> None:
    assert f"dynauth: {{port: {set_up.ports.das.port}}}" in (set_up.folder / "nacd.yaml").read_text()


def test_suggestions_name_files_that_are_there_and_no_secret(set_up: Stage) -> None:
    said = "\n".join((*set_up.scenery(), *set_up.suggestions()))
    assert PRINTER in said
    assert str(set_up.folder / "nacd.yaml") in said
    for file in (set_up.folder / "secrets").iterdir():
        assert file.read_text() not in said
    for name in ("server-ca.pem", "compliant.pem", "compliant.key"):
        assert (set_up.pki.folder / name).is_file()


def test_the_daemon_gets_the_configuration_as_its_last_word(set_up: Stage) -> None:
    deadline = time.monotonic() + 5
    while not (said := (set_up.folder / "nacd.log").read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert said == f"configuration {set_up.folder / 'nacd.yaml'}\n"


def test_a_folder_with_real_keys_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "server.key").write_text("precious")
    with pytest.raises(StageError, match="no demo PKI"), stage(tmp_path, DAEMON):
        pass
    assert (tmp_path / "pki" / "server.key").read_text() == "precious"


def test_a_daemon_that_ends_at_once_breaks_the_stage(tmp_path: Path) -> None:
    daemon = (sys.executable, "-c", "raise SystemExit('the port is taken')")
    with pytest.raises(StageError, match="the port is taken"), stage(tmp_path, daemon):
        pass


def test_a_daemon_that_does_not_listen_to_reason_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    from nacd.sim import demo_stage

    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    patient = process.wait
    monkeypatch.setattr(process, "wait", lambda timeout: patient(min(timeout, 0.2) if timeout > 5 else timeout))
    demo_stage._stop(process)
    assert process.returncode == -9
    process.stdout.close()
