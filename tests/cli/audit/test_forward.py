"""`nacd audit forward`: how far each destination is, and a test event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.cli.audit.app import app
from nacd.keeper.forward.building import FOLDER
from nacd.keeper.forward.cursor import Cursor, Kept, Place
from tests.keeper.forward.lab import Sink, Trail, make_pki

RUN = CliRunner()


@pytest.fixture
def lab(tmp_path: Path) -> tuple[Path, Sink, Trail]:
    trail = Trail(tmp_path / "log")
    trail.grow(30)
    pki = make_pki(tmp_path)
    sink = Sink(pki.server)
    config = tmp_path / "nacd.yaml"
    config.write_text(
        f"state: {tmp_path / 'state'}\naudit:\n  file: {trail.live}\n  forward:\n"
        f"    - {{name: siem, url: '{sink.url}', ca_file: ca.pem, timeout: 2s}}\n"
        "    - {name: away, url: 'syslog+tcp://127.0.0.1:1'}\n"
        "policy: policy.yaml\nserver: {}\nclients: []\n"
    )
    return config, sink, trail


def test_a_test_event_is_sent_and_each_step_told(lab: tuple[Path, Sink, Trail]) -> None:
    config, sink, _ = lab
    done = RUN.invoke(app, ["forward", "-c", str(config), "--test", "siem"])
    assert done.exit_code == 0, done.output
    assert [line.split()[:2] for line in done.output.splitlines()] == [
        ["ok", "name"], ["ok", "connection"], ["ok", "tls"], ["ok", "event"],
    ]  # fmt: skip
    assert sink.taken[0].events[0]["event"] == "forward.test"


def test_a_test_that_fails_says_so_and_an_unknown_name_too(lab: tuple[Path, Sink, Trail]) -> None:
    config, _, _ = lab
    done = RUN.invoke(app, ["forward", "-c", str(config), "--test", "away", "--json"])
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert (told["well"], told["steps"][-1]["step"]) == (False, "connection")
    done = RUN.invoke(app, ["forward", "-c", str(config), "--test", "nobody"])
    assert done.exit_code == 2
    assert "there is `siem`, `away`" in done.output
    assert RUN.invoke(app, ["forward", "-c", str(config), "--test", "siem", "--status"]).exit_code == 2


def test_status_says_how_far_each_is_and_what_is_wrong(lab: tuple[Path, Sink, Trail], tmp_path: Path) -> None:
    config, _, trail = lab
    folder = tmp_path / "state" / FOLDER
    place = Place(writer=trail.made.writer, file="audit.jsonl", first_seq=1, seq=20)
    Cursor(folder, "siem").keep(Kept(place=place, at=1_790_000_000.0, sent=20, lost=3, set_aside=1))
    done = RUN.invoke(app, ["forward", "-c", str(config)])
    assert done.exit_code == 0, done.output
    assert "up to record 20, 11 behind" in done.output
    assert "sent 20, lost 3, passed over 1" in done.output
    assert "nothing was sent yet" in done.output
    Cursor(folder, "away").keep(Kept(at=1.0, problem="`127.0.0.1` refuses\x1b[31m it", since=1_790_000_000.0))
    done = RUN.invoke(app, ["forward", "-c", str(config), "--json"])
    assert done.exit_code == 1
    told = {each["name"]: each for each in json.loads(done.output)["destinations"]}
    assert told["away"]["behind"] == 31
    done = RUN.invoke(app, ["forward", "-c", str(config)])
    assert "takes nothing since 2026-09-21" in done.output
    assert "\x1b" not in done.output


def test_a_configuration_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["forward", "-c", str(tmp_path / "none.yaml")])
    assert done.exit_code == 1
