"""A hundred reloads under load: no request is lost, and each is decided by one policy, whole.

Two policies that never agree take turns: profile, rule, VLAN and Session-Timeout of an answer each say which of them
made it. FreeRADIUS's radclient asks without repeating itself, eapol_test logs in; what they got, and what nacd recorded
about it, must be of one kind for every single request.
"""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.peers.conftest import Certificates, Daemon, Launcher
from tests.peers.wire import SECRET, EapResult, Supplicant

pytestmark = [pytest.mark.peer, pytest.mark.slow]

RELOADS = 100
BY_COMMAND = 5
PER_RUN = 250
TOGETHER = 12
KINDS = {"a": (101, 1001), "b": (202, 2002)}
"""VLAN and Session-Timeout of everything that a policy gives for a MAB; of a login by certificate one more each."""


def policy(kind: str) -> dict[str, Any]:
    vlan, timeout_s = KINDS[kind]
    return {
        "profiles": {
            f"{kind}-printers": {"vlan": vlan, "session_timeout": f"{timeout_s}s"},
            f"{kind}-laptops": {"vlan": vlan + 1, "session_timeout": f"{timeout_s + 1}s"},
        },
        "rules": [
            {"name": f"{kind} mab", "when": {"access": "mab"}, "then": f"{kind}-printers"},
            {
                "name": f"{kind} dot1x",
                "when": {"access": "dot1x", "identity": "certificate"},
                "then": f"{kind}-laptops",
            },
        ],
    }


def kind_of(vlan: int, timeout_s: int) -> str:
    """Which policy gives both of them; ``mixture`` if none does."""
    for kind, (own_vlan, own_timeout_s) in KINDS.items():
        if (vlan - own_vlan, timeout_s - own_timeout_s) in ((0, 0), (1, 1)):
            return kind
    return "mixture"


# -- load ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Asked:
    """What whoever asked got: the kind of each answer by MAC, and the MACs that got none."""

    answered: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


class Printers(threading.Thread):
    """radclient after radclient, each with requests of MACs that nobody has had before."""

    def __init__(self, program: Any, address: tuple[str, int], folder: Path, stop: threading.Event) -> None:
        super().__init__()
        self._program, self._address, self._folder, self._stop_asking = program, address, folder, stop
        self._numbers = itertools.count(1)
        self.asked = Asked()
        self.trouble = ""

    def run(self) -> None:
        while not self._stop_asking.is_set() and not self.trouble:
            self._ask([next(self._numbers) for _ in range(PER_RUN)])

    def _ask(self, numbers: list[int]) -> None:
        macs = [f"02-00-{n >> 24 & 255:02X}-{n >> 16 & 255:02X}-{n >> 8 & 255:02X}-{n & 255:02X}" for n in numbers]
        packets = [
            f"User-Name = {mac.replace('-', '').lower()}\nUser-Password = {mac.replace('-', '').lower()}\n"
            f"Calling-Station-Id = {mac}\nService-Type = Call-Check\nNAS-Port-Type = Ethernet\nNAS-Port = {number}\n"
            "Message-Authenticator = 0x00\n"
            for mac, number in zip(macs, numbers, strict=True)
        ]
        file = self._folder / "printers.txt"
        file.write_text("\n".join(packets), encoding="utf-8")
        host, port = self._address
        words = ["-4", "-x", "-r", "1", "-t", "10", "-p", TOGETHER, "-f", file, f"{host}:{port}", "auth", SECRET]
        done = self._program.run(words, timeout=120)
        self._take(done.stdout + done.stderr, macs)

    def _take(self, output: str, macs: list[str]) -> None:
        waiting: dict[str, str] = {}
        for way, identifier, body in re.findall(
            r"^(Sent|Received) Access-\w+ Id (\d+) .*\n((?:\t.*\n?)*)", output, re.MULTILINE
        ):
            if way == "Sent":
                found = re.search(r'Calling-Station-Id = "?([0-9A-F-]{17})', body)
                assert found, body
                waiting[identifier] = found[1]
                continue
            vlan = re.search(r'Tunnel-Private-Group-Id(?::\d+)? = "(\d+)"', body)
            timeout = re.search(r"Session-Timeout = (\d+)", body)
            kind = kind_of(int(vlan[1]), int(timeout[1])) if vlan and timeout else "no accept"
            self.asked.answered[waiting.pop(identifier)] = kind
        self.asked.lost += [mac for mac in macs if mac not in self.asked.answered]
        if not output:
            self.trouble = "radclient said nothing"


class Laptops(threading.Thread):
    """One eapol_test after the other."""

    def __init__(self, supplicant: Supplicant, network: str, address: tuple[str, int], stop: threading.Event) -> None:
        super().__init__()
        self._supplicant, self._network, self._address, self._stop_asking = supplicant, network, address, stop
        self.asked = Asked()
        self.keys: Counter[tuple[int, int]] = Counter()
        self.failed: list[str] = []

    def run(self) -> None:
        for number in itertools.count(1):
            if self._stop_asking.is_set():
                return
            mac = f"00:16:3e:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
            result = self._supplicant.login(self._address, self._network, mac=mac, timeout_s=15)
            name = mac.replace(":", "-").upper()
            if result.accepted:
                self.asked.answered[name] = _kind(result)
                self.keys[result.keys] += 1
            else:
                self.asked.lost.append(name)
                self.failed.append(result.output[-1500:])


def _kind(result: EapResult) -> str:
    vlan = re.findall(r"Attribute 81 \(Tunnel-Private-Group-Id\).*\n\s+Value: ([0-9a-f]+)", result.output)
    timeout = re.findall(r"Attribute 27 \(Session-Timeout\).*\n\s+Value: (\d+)", result.output)
    assert vlan, result.output[-3000:]
    assert timeout, result.output[-3000:]
    text = bytes.fromhex(vlan[-1]).lstrip(b"\x01").decode()
    return kind_of(int(text), int(timeout[-1]))


# -- the daemon -----------------------------------------------------------------------------------


class Record:
    """The audit file, read as it grows."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._file = daemon.audit_file.open("rb")
        self._rest = b""
        self.records: list[dict[str, Any]] = []

    def read(self) -> list[dict[str, Any]]:
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        self.records += [json.loads(line) for line in lines]
        return self.records

    def loaded(self) -> list[dict[str, Any]]:
        return [each for each in self.read() if each["code"] == "A9003I"]

    def wait_for(self, count: int, within_s: float = 20.0) -> None:
        deadline = time.monotonic() + within_s
        while len(self.loaded()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"no {count} configurations were loaded:\n{self._daemon.log_text[-3000:]}")
            time.sleep(0.005)


def change(config: dict[str, Any], written: dict[str, Any]) -> None:
    config.pop("intune")
    config["clients"][0]["mab_password"] = "any"
    config["overload"] = {"port_rate": 1000, "port_burst": 1000}
    written.clear()
    written.update(policy("a"))


def reload(daemon: Daemon, *, by_command: bool) -> None:
    if not by_command:
        daemon.process.send_signal(signal.SIGHUP)
        return
    words = [sys.executable, "-m", "nacd", "reload", "--config", str(daemon.folder / "nacd.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is in force" in done.stdout


def test_a_hundred_reloads_lose_no_request_and_mix_no_decision(
    launch: Launcher,
    peer: Any,
    supplicant: Supplicant,
    certificates: Certificates,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon = launch(change=change)
    record = Record(daemon)
    stop = threading.Event()
    printers = Printers(peer("radclient"), daemon.address(), tmp_path, stop)
    network = supplicant.network(certificates.client("compliant-p256"))
    laptops = Laptops(supplicant, network, daemon.address(), stop)
    began = time.monotonic()
    for load in (printers, laptops):
        load.start()
    try:
        for number in range(1, RELOADS + 1):
            text = yaml.safe_dump(policy("ab"[number % 2]), sort_keys=False)
            draft = daemon.folder / "policy.part"
            draft.write_text(text, encoding="utf-8")
            draft.replace(daemon.folder / "policy.yaml")
            reload(daemon, by_command=number % (RELOADS // BY_COMMAND) == 0)
            record.wait_for(number + 1)
    finally:
        stop.set()
        for load in (printers, laptops):
            load.join(120)
    took_s = time.monotonic() - began
    assert daemon.stop() == 0
    assert not printers.trouble

    loaded = record.loaded()
    digests = {
        kind: {each["configuration"]["policy_digest"] for each in loaded[first::2]}
        for first, kind in ((0, "a"), (1, "b"))
    }
    assert [each["configuration"]["generation"] for each in loaded] == list(range(1, RELOADS + 2))
    assert [len(each) for each in digests.values()] == [1, 1]
    (of_a,), (of_b,) = digests["a"], digests["b"]
    decided = _decided(record, {of_a: "a", of_b: "b"})

    answered = printers.asked.answered | laptops.asked.answered
    lost = printers.asked.lost + laptops.asked.lost
    mixed = [mac for mac, kind in answered.items() if kind not in KINDS or decided.get(mac) != [kind]]
    dropped = [each for each in record.records if each["code"] == "A3001W"]
    with capsys.disabled():
        kinds = Counter(answered.values())
        print(
            f"\n{RELOADS} reloads in {took_s:.0f} s; {len(printers.asked.answered)} requests of radclient and"
            f" {len(laptops.asked.answered)} logins of eapol_test answered: {kinds['a']} by policy a, {kinds['b']} by"
            f" policy b; lost {len(lost)}, decided by a mixture {len(mixed)}, dropped by nacd {len(dropped)}"
        )
    assert not lost, laptops.failed[:1]
    assert not mixed
    assert not dropped
    assert set(decided) == set(answered)
    assert set(laptops.keys) == {(1, 0)}
    assert min(Counter(answered.values()).values()) > 100
    assert len(laptops.asked.answered) > 20
    assert not daemon.log("bug")


def _decided(record: Record, kinds: dict[str, str]) -> dict[str, list[str]]:
    """By MAC: of which kind each decision about it is, by digest, rule, profile and every attribute alike."""
    decided: dict[str, list[str]] = {}
    for each in record.read():
        if each["code"] not in ("A1001I", "A1002I", "A1003W", "A1004W"):
            continue
        decision = each.get("decision", {})
        given = {one["name"]: one["value"] for one in each.get("reply", {}).get("attributes", [])}
        said = {
            kinds.get(decision.get("policy_digest", ""), "unknown policy"),
            decision.get("rule", "none").partition(" ")[0],
            decision.get("profile", "none").partition("-")[0],
            kind_of(int(given.get("Tunnel-Private-Group-Id", 0)), int(given.get("Session-Timeout", 0))),
        }
        decided.setdefault(each["endpoint"]["mac"], []).append(said.pop() if len(said) == 1 else f"mixture {said}")
    return decided
