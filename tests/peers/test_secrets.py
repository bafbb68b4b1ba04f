"""No secret leaves nacd: whatever it writes and prints in a busy day is searched for every secret that it was given, in
plain, in hex and in base64."""

from __future__ import annotations

import base64
import http.server
import json
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from nacd.sim.das import Das, Switch
from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.nas import Nas
from tests.peers.conftest import Certificates, Daemon, Launcher, private_file
from tests.peers.wire import PRINTER, SECRET, Radclient, Supplicant

pytestmark = [pytest.mark.peer, pytest.mark.slow]

WORDS = {
    "next secret": "the-next-radius-secret-4f2a-of-the-lab",
    "dynauth secret": "the-dynauth-secret-77c1-of-the-lab",
    "forwarding token": "the-token-of-the-siem-9b3e-of-the-lab",
    "privacy key": "the-key-of-all-pseudonyms-0d5c-of-the-lab",
    "user's password": "the-password-of-alice-e81d-in-the-vpn",
    "wrong MAB password": "the-wrong-mab-password-c40b-of-a-thing",
    "secret in a variable": "the-secret-in-the-environment-5a5a",
}


class Siem:
    """Takes everything that is posted, and keeps the bodies."""

    def __init__(self) -> None:
        bodies = self.bodies = list[bytes]()
        tokens = self.tokens = set[str]()

        class Taker(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                tokens.add(self.headers.get("Authorization", ""))
                bodies.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taker)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/in"


@pytest.fixture
def siem() -> Iterator[Siem]:
    made = Siem()
    yield made
    made.server.shutdown()
    made.server.server_close()


def audit_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def forms(secret: bytes) -> set[bytes]:
    """As it may stand in a text. Of base64 all three ways that its octets may fall, without their edges."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), secret.hex(":").encode()}
    for shift in range(3):
        plain = base64.b64encode(b"\0" * shift + secret)
        found |= {plain[4 if shift else 0 : -4], plain[4 if shift else 0 : -4].translate(bytes.maketrans(b"+/", b"-_"))}
    return {each for each in found if len(each) >= 12}


def of_pem(text: str) -> Iterator[bytes]:
    """The lines that only this key has (the first is alike in all of a kind), and some of its octets."""
    lines = [line for line in text.splitlines() if line and not line.startswith("-----")]
    yield from (line.encode() for line in lines[1:-1] or lines)
    whole = base64.b64decode("".join(lines))
    yield whole[len(whole) // 2 :][:24]


def secrets_of(pems: dict[str, str]) -> dict[str, set[bytes]]:
    plain = {**WORDS, "RADIUS secret": SECRET, "the app's secret": CLIENT_SECRET}
    found = {name: forms(word.encode()) for name, word in plain.items()}
    for name, pem in pems.items():
        found[name] = {form for part in of_pem(pem) for form in forms(part)}
    return found


def run(daemon: Daemon, *words: str) -> bytes:
    line = [sys.executable, "-m", "nacd", *words, "--config", str(daemon.folder / "nacd.yaml")]
    done = subprocess.run(line, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def busy_day(
    daemon: Daemon, switch: Switch, radclient: Radclient, supplicant: Supplicant, certificates: Certificates
) -> bytes:
    """Logins that succeed and fail, accounting, a CoA, a reload, a reload that is refused. What was printed."""
    said = run(daemon, "log", "level", "debug")
    for name in ("compliant-p256", "stranger", "noncompliant"):
        supplicant.login(daemon.address(), supplicant.network(certificates.client(name)))
    nas = switch.nas
    nas.mab(PRINTER)
    nas.mab(PRINTER, password=WORDS["wrong MAB password"])
    nas.mab("00-50-56-00-00-77", method="chap")
    nas.accounting("Start", user="nemo", mac=PRINTER, session_id="s-1")
    vpn = [("User-Name", "alice"), ("User-Password", WORDS["user's password"]), ("NAS-Port-Type", "Virtual")]
    vpn += [("Calling-Station-Id", "198.51.100.9"), ("Message-Authenticator", "0x00")]
    for service in ("Framed-User", "Login-User"):
        radclient.ask(daemon.address(), "auth", [*vpn, ("Service-Type", service)], wait_s=5)
    radclient.ask(daemon.address(), "auth", vpn, secret="not-the-secret-of-anybody", wait_s=0.5)
    said += run(daemon, "coa", "disconnect", PRINTER) + run(daemon, "coa", "bounce", PRINTER)
    file = daemon.folder / "nacd.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("lookup_deadline: 2s", "lookup_deadline: 3s"), encoding="utf-8")
    said += run(daemon, "reload")
    config = yaml.safe_load(text)
    config["clients"][0]["secret"] = SECRET  # itself, where a reference belongs
    config["clients"][1]["pasword"] = WORDS["next secret"]
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    said += run(daemon, "reload") + run(daemon, "check") + run(daemon, "check", "--json")
    said += run(daemon, "support-bundle", "--out", str(daemon.folder / "broken.tar.gz"))
    file.write_text(text, encoding="utf-8")
    said += run(daemon, "check", "--json", "--all") + run(daemon, "doctor", "--json") + run(daemon, "clients", "report")
    said += run(daemon, "explain", "--mac", PRINTER, "--nas", "lab") + run(daemon, "sessions", "--json")
    said += run(daemon, "audit", "forward") + run(daemon, "audit", "verify") + run(daemon, "version")
    log = str(daemon.folder / "nacd.log")
    said += run(
        daemon, "support-bundle", "--out", str(daemon.folder / "whole.tar.gz"), "--log", log, "--with-identities"
    )
    return said


def test_no_secret_leaves_by_any_output(
    launch: Launcher,
    radclient: Radclient,
    supplicant: Supplicant,
    certificates: Certificates,
    siem: Siem,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pems = {"audit key": audit_key()}
    monkeypatch.setenv("NACD_TEST_SECRET", WORDS["secret in a variable"])
    nas = Nas(server="127.0.0.1", secret=SECRET.encode(), port=1, accounting_port=1, timeout_s=3.0)
    with Switch(nas) as switch, Das(WORDS["dynauth secret"].encode()) as das:

        def everywhere(config: dict[str, Any], policy: dict[str, Any]) -> None:
            folder = Path(config["state"]).parent

            def kept(name: str, words: str) -> str:
                return private_file(folder / f"{name.replace(' ', '-')}.secret", words)

            first, second = config["clients"][:2]
            first |= {"vendor": "cisco-ios", "next_secret": kept("next", WORDS["next secret"])}
            first["dynauth"] = {"port": das.port, "secret": kept("dynauth", WORDS["dynauth secret"])}
            second |= {"secret": "env:NACD_TEST_SECRET"}
            config["compliance"]["lookup_deadline"] = "2s"
            login = {"secret": kept("siem", WORDS["forwarding token"])}
            config["audit"] |= {
                "key": kept("audit", pems["audit key"]),
                "forward": [{"name": "siem", "url": siem.url, "http": {"login": login}}],
                "privacy": {"users": "hash", "key": kept("privacy", WORDS["privacy key"])},
            }

        daemon = launch(change=everywhere)
        nas.port, nas.accounting_port = daemon.auth[0][1], daemon.accounting[0][1]
        pems["EAP key"] = certificates.server().key.read_text(encoding="utf-8")
        said = busy_day(daemon, switch, radclient, supplicant, certificates)
        deadline = time.monotonic() + 15
        while not any(b"access.accept" in body for body in siem.bodies) and time.monotonic() < deadline:
            time.sleep(0.05)
        daemon.stop()
    outputs: dict[str, bytes] = {"what commands printed": said, "forwarded": b"\n".join(siem.bodies)}
    for path in (
        daemon.folder / "nacd.log",
        *daemon.folder.glob("audit*.jsonl*"),
        *(daemon.folder / "state").rglob("*"),
    ):
        if path.is_file():
            outputs[str(path.relative_to(daemon.folder))] = path.read_bytes()
    for name in ("whole", "broken"):
        with tarfile.open(daemon.folder / f"{name}.tar.gz") as packed:
            for member in packed.getmembers():
                file = packed.extractfile(member)
                outputs[f"{name} bundle: {member.name}"] = file.read() if file is not None else b""
    assert siem.tokens == {f"Bearer {WORDS['forwarding token']}"}
    told = {record["event"] for record in daemon.audit()}
    wanted = {"access.accept", "access.eap_failed", "access.refused", "accounting.start", "session.asked"}
    wanted |= {"session.answered", "order.given", "configuration.loaded", "configuration.refused"}
    assert wanted <= told, wanted - told
    assert b"access.accept" in outputs["forwarded"]
    found = [
        f"{name} in {where}: ...{octets[max(0, octets.find(form) - 60) : octets.find(form) + 10]!r}"
        for name, spelled in secrets_of(pems).items()
        for form in spelled
        for where, octets in outputs.items()
        if form in octets
    ]
    assert not found, "\n".join(found)
    assert len(outputs) > 15
    json.loads(daemon.audit_file.read_text(encoding="utf-8").splitlines()[-1])


@pytest.mark.parametrize("shift", range(3))
def test_the_search_finds_a_secret_wherever_base64_cuts_it(shift: int) -> None:
    secret = b"the-secret-that-is-searched-for"
    hidden = base64.b64encode(b"x" * shift + secret + b" and more")
    assert any(form in hidden for form in forms(secret))


def test_the_search_knows_keys_by_their_lines_and_by_their_octets() -> None:
    pem = audit_key()
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))
    spelled: Callable[[bytes], bool] = lambda text: any(f in text for f in secrets_of({"k": pem})["k"])  # noqa: E731
    assert spelled(pem.encode())
    assert spelled(der.hex().encode())
    assert not spelled(audit_key().encode())
