"""What the laboratory speaks and listens with: a wiretap judged by tshark, eapol_test, radclient, audit fields."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SECRET = "lab-secret-of-thirty-two-letters"  # the same for every NAS, so that one capture can be judged as a whole
SERVER_NAME = "radius.example.test"
PRINTER = "00-1B-A9-12-34-56"

# -- the wiretap --------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Wiretap:
    """What dumpcap caught, and tshark's opinion of it."""

    file: Path
    tshark: Any
    ports: tuple[int, ...]

    def fields(self, wanted: str, *fields: str, secret: str = SECRET) -> list[list[str]]:
        """The fields of every packet that fits the display filter; several values of one field with commas."""
        words = ["-r", self.file, "-n", "-o", f"radius.shared_secret:{secret}"]
        words += ["-o", "radius.validate_authenticator:TRUE", "-Y", wanted, "-T", "fields"]
        for port in self.ports:
            words += ["-d", f"udp.port=={port},radius"]
        for name in fields:
            words += ["-e", name]
        done = self.tshark.run(words, timeout=60)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def faults(self, secret: str = SECRET) -> list[list[str]]:
        """Packets that are malformed, carry an expert error, or are signed wrongly."""
        wrong = "_ws.malformed || _ws.expert.severity == error || radius.authenticator.invalid == 1"
        return self.fields(wrong, "frame.number", "radius.code", "_ws.expert.message", secret=secret)


class Tap:
    """``with tap(ports): ...`` captures on loopback while the block runs."""

    def __init__(self, folder: Path, dumpcap: Any, tshark: Any) -> None:
        self._folder = folder
        self._dumpcap = dumpcap
        self._tshark = tshark

    def start(
        self, ports: Sequence[int], interface: str = "lo", hosts: Sequence[str] = ()
    ) -> tuple[Wiretap, subprocess.Popen[str]]:
        """hosts: only what comes from or goes to one of them; else a stranger with the same port is heard, too."""
        file = self._folder / f"tap-{len(list(self._folder.glob('tap-*')))}.pcapng"
        wanted = " or ".join(f"udp port {port}" for port in ports)
        if hosts:
            wanted = f"({wanted}) and ({' or '.join(f'host {host}' for host in hosts)})"
        said = file.with_suffix(".said")
        with said.open("w") as log:
            running = self._dumpcap.popen(["-q", "-i", interface, "-f", wanted, "-w", file], stdout=log, stderr=log)
        deadline = time.monotonic() + 10.0
        while "File:" not in said.read_text():
            if running.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"dumpcap does not capture: {said.read_text()}")
            time.sleep(0.02)
        return Wiretap(file=file, tshark=self._tshark, ports=tuple(ports)), running

    def stop(self, running: subprocess.Popen[str]) -> None:
        time.sleep(0.6)  # the kernel hands packets over in blocks: let the last one close
        running.send_signal(signal.SIGINT)
        running.wait(10)


# -- eapol_test ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class EapResult:
    """What eapol_test said."""

    output: str
    code: int

    @property
    def accepted(self) -> bool:
        return self.code == 0 and self.output.rstrip().endswith("SUCCESS")

    @property
    def keys(self) -> tuple[int, int]:
        """MPPE keys that fit the MSK, and those that do not."""
        found = re.findall(r"MPPE keys OK: (\d+)\s+mismatch: (\d+)", self.output)
        assert found, self.output[-3000:]
        return int(found[-1][0]), int(found[-1][1])

    @property
    def versions(self) -> set[str]:
        return set(re.findall(r"SSL: Using TLS version (\S+)", self.output))

    @property
    def handshakes(self) -> list[str]:
        """One entry a finished handshake: ``0`` full, ``1`` resumed."""
        return re.findall(r"Handshake finished - resumed=(\d)", self.output)


TLS_PHASE1 = {
    "": "tls_disable_tlsv1_3=0",
    "TLSv1.2": "tls_disable_tlsv1_3=1",
    # OpenSSL takes the first unbroken run of versions, so the old ones must be off too.
    "TLSv1.3": "tls_disable_tlsv1_0=1 tls_disable_tlsv1_1=1 tls_disable_tlsv1_2=1 tls_disable_tlsv1_3=0",
}


class Supplicant:
    """eapol_test with an EAP-TLS (or other) network block of our choice."""

    def __init__(self, program: Any, folder: Path, trusted: Path) -> None:
        self._program = program
        self._folder = folder
        self._trusted = trusted

    def network(self, credential: Any, tls: str = "", **keys: str) -> str:
        """A ``network`` block. ``keys`` are written as they are: quote what needs quotes."""
        block = {
            "key_mgmt": "WPA-EAP",
            "eap": "TLS",
            "identity": '"host/laptop-one"',
            "ca_cert": f'"{self._trusted}"',
            "domain_match": f'"{SERVER_NAME}"',
            "phase1": f'"{TLS_PHASE1[tls]}"',
        }
        if credential is not None:
            block |= {"client_cert": f'"{credential.chain}"', "private_key": f'"{credential.key}"'}
        block |= keys
        return "network={\n" + "".join(f"    {key}={value}\n" for key, value in block.items() if value) + "}\n"

    def login(
        self,
        address: tuple[str, int],
        network: str,
        *options: str,
        mac: str = "00:16:3e:11:22:33",
        secret: str = SECRET,
        timeout_s: int = 10,
    ) -> EapResult:
        """One run of eapol_test against that server."""
        config = self._folder / f"eapol-{len(list(self._folder.glob('eapol-*')))}.conf"
        config.write_text(network, encoding="utf-8")
        words = ["-c", config, f"-a{address[0]}", f"-p{address[1]}", f"-s{secret}", f"-M{mac}", f"-t{timeout_s}"]
        words += ["-N61:d:15", "-N32:s:lab-switch", *options]
        done = self._program.run(words, timeout=timeout_s + 20)
        return EapResult(output=done.stdout + done.stderr, code=done.returncode)


# -- radclient ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiusAnswer:
    """What radclient received: the reply's name (``""`` = no answer) and its attributes in order."""

    code: str
    attributes: list[tuple[str, str]]
    output: str

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.attributes if known == name]


class Radclient:
    """FreeRADIUS's radclient: any packet, from any loopback address, and it verifies the answer's signatures."""

    def __init__(self, program: Any) -> None:
        self._program = program

    def ask(
        self,
        address: tuple[str, int],
        kind: str,
        attributes: Sequence[tuple[str, str]],
        *,
        secret: str = SECRET,
        wait_s: float = 2.0,
        tries: int = 1,
    ) -> RadiusAnswer:
        """Send one packet. ``kind``: auth, acct, status. Values are written as radclient wants them."""
        host, port = address
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        text = "\n".join(f"{name} = {value}" for name, value in attributes) + "\n"
        family = "-6" if ":" in host else "-4"
        words = [family, "-x", "-t", wait_s, "-r", tries, where, kind, secret]
        done = self._program.run(words, timeout=wait_s * tries + 20, input=text)
        output = done.stdout + done.stderr
        received = re.search(r"^Received (\S+) Id \d+ .*\n((?:\t.*\n?)*)", output, re.MULTILINE)
        if received is None:
            assert "No reply from server" in output or "is invalid" in output, output
            return RadiusAnswer(code="", attributes=[], output=output)
        found = re.findall(r"^\t(\S+?)(?::\d+)? [:+]?= (.*)$", received[2], re.MULTILINE)
        return RadiusAnswer(code=received[1], attributes=[(n, v.strip('"')) for n, v in found], output=output)


# -- audit records ------------------------------------------------------------------------------


def field_fits(record: Mapping[str, Any], path: str, wanted: object) -> bool:
    """Whether the field at a dotted path is that value, or has in its text what a compiled pattern looks for."""
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(wanted, re.Pattern):
        return isinstance(value, str) and wanted.search(value) is not None
    return bool(value == wanted)
