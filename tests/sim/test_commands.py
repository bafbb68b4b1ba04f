"""What people see of the simulators: lines and exit codes."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from nacd.sim.commands import Target, describe_reply, run_intune, run_nas, run_pki, run_supplicant
from nacd.sim.nas_reply import Reply
from nacd.sim.pki import DemoPki

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


@pytest.fixture
def deaf() -> Any:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        yield Target(secret=b"hidden-secret", port=one.getsockname()[1], timeout_s=0.03, tries=2)


def test_pki_lists_what_it_wrote_and_refuses_to_overwrite(tmp_path: Path) -> None:
    lines: list[str] = []
    assert run_pki(tmp_path / "demo", say=lines.append) == 0
    for name in re.findall(r"\b[a-z-]+\.pem\b", "\n".join(lines)):
        assert (tmp_path / "demo" / name).is_file()
    (tmp_path / "own.key").write_text("mine")
    assert run_pki(tmp_path, say=lines.append) == 2


def test_intune_says_what_it_is_and_what_it_was_asked(tmp_path: Path, demo_pki: DemoPki) -> None:
    devices = tmp_path / "devices.json"
    devices.write_text(json.dumps([{"guid": GUID, "compliant": False}]))
    lines: list[str] = []
    stop = threading.Event()
    values = {
        "folder": demo_pki.folder,
        "port": 0,
        "management_port": 0,
        "second_port": 0,
        "devices": devices,
        "tenant": "fabrikam.example",
        "client_id": "00000000-0000-4000-8000-0000000000bb",
        "stop": stop,
    }
    running = threading.Thread(target=run_intune, kwargs=values | {"say": lines.append})
    running.start()
    until = time.monotonic() + 5
    while not any("devices" in line for line in lines) and time.monotonic() < until:
        time.sleep(0.01)
    text = "\n".join(lines)
    assert "not Microsoft" in text
    (url,) = re.findall(r"Intune +(https://localhost:\d+)", text)
    session = requests.Session()
    session.trust_env = False
    assert re.search(r"tenant +fabrikam\.example \([0-9a-f-]{36}\)", text)
    assert re.search(r"client id +00000000-0000-4000-8000-0000000000bb", text)
    session.get(f"{url}/fabrikam.example/v2.0/.well-known/openid-configuration", verify=str(demo_pki.web_ca))
    while not any(line.startswith("login") for line in lines) and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    running.join(5)
    assert any(line.startswith("login      openid") and line.endswith("200") for line in lines)


@pytest.mark.parametrize("content", ["{", '[{"guid": "x"}]', '[{"guid": 1, "compliant": "no"}]', "[1]"])
def test_intune_does_not_start_on_a_wrong_list_of_devices(tmp_path: Path, content: str) -> None:
    devices, lines = tmp_path / "devices.json", list[str]()
    devices.write_text(content)
    assert run_intune(folder=tmp_path, devices=devices, say=lines.append) == 2
    assert lines[0].startswith("not started: ")


def test_intune_does_not_start_beyond_loopback() -> None:
    lines: list[str] = []
    assert run_intune(host="0.0.0.0", say=lines.append) == 2
    assert "loopback" in lines[0]


@pytest.mark.parametrize(
    ("question", "words"), [("mab", "MAB"), ("vpn", "VPN"), ("accounting", "Start"), ("status", "Status")]
)
def test_nas_says_what_it_asked_and_that_nobody_answered(deaf: Target, question: Any, words: str) -> None:
    lines: list[str] = []
    assert run_nas(deaf, question, say=lines.append) == 1
    assert words in lines[0]
    assert lines[1].startswith("no answer after ")
    assert "hidden-secret" not in "\n".join(lines)


def test_nas_names_wrong_input(deaf: Target) -> None:
    lines: list[str] = []
    assert run_nas(deaf, "mab", mac="zz", say=lines.append) == 2
    assert "`zz` is no MAC address" in lines[-1]


def test_supplicant_says_how_the_login_went(deaf: Target, demo_pki: DemoPki) -> None:
    lines: list[str] = []
    code = run_supplicant(
        deaf,
        identity="host/laptop-one",
        certificate=demo_pki.compliant,
        key=demo_pki.compliant_key,
        ca=demo_pki.server_ca,
        say=lines.append,
    )
    assert code == 1
    assert lines[1].startswith("1 rounds, ")
    assert "EAP: pending" in lines


def test_supplicant_names_a_key_that_does_not_fit(deaf: Target, demo_pki: DemoPki) -> None:
    lines: list[str] = []
    code = run_supplicant(
        deaf,
        identity="x",
        certificate=demo_pki.compliant,
        key=demo_pki.user_key,
        ca=demo_pki.server_ca,
        say=lines.append,
    )
    assert (code, lines[0].startswith("not asked: ")) == (2, True)


def test_a_reply_is_told_without_its_keys() -> None:
    reply = Reply(
        code=2,
        attributes=(
            ("Tunnel-Private-Group-Id:1", "120"),
            ("Class", b"corporate"),
            ("Attr-200", b"\xff\x00"),
            ("MS-MPPE-Send-Key", b"\x80\x00secret"),
            ("EAP-Message", b"\x03\x01\x00\x04"),
        ),
        waited_s=0.004,
        tries=2,
        message_authenticator="first",
        discarded=("bad length",),
    )
    assert describe_reply(reply) == [
        "Access-Accept after 4 ms, 2 tries, Message-Authenticator first",
        "  Tunnel-Private-Group-Id:1 = 120",
        "  Class = corporate",
        "  Attr-200 = 0xff00",
        "  not believed: bad length",
    ]
