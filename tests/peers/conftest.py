"""The laboratory: a PKI, the simulated Microsoft, nacd as a process of its own, and a wiretap.

Nothing here knows nacd from inside: it is started by its command line, spoken to over UDP, and
believed only for what is in its audit file and in captured packets.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID, Authority, intune_uri
from tests.peers.wire import PRINTER, SECRET, SERVER_NAME, Radclient, Supplicant, Tap, field_fits
from tests.records import is_bookkeeping

UNKNOWN_GUID = "c0ffee00-1111-4222-8333-444455556666"
DAY_S = 86_400.0


# -- certificates -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A certificate chain and its key, as files."""

    chain: Path
    key: Path


class Certificates:
    """Everything signed for one test session. ``client(name)`` and ``server(kind)`` write files on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server_root = Authority.root("lab server root")
        self._devices_root = Authority.root("lab devices root")
        self._devices = self._devices_root.intermediate("lab devices issuing")
        self._users = Authority.root("lab users root")
        self._strangers = Authority.root("lab strangers root")
        self._issued: dict[str, Credential] = {}
        roots = {"server-ca": self._server_root, "devices-ca": self._devices_root, "users-ca": self._users}
        for name, authority in roots.items():
            (folder / f"{name}.pem").write_bytes(authority.root_pem)
        # What a supplicant that trusts somebody else has in its store.
        (folder / "other-ca.pem").write_bytes(self._strangers.root_pem)

    def server(self, kind: str = "p256") -> Credential:
        """nacd's own certificate, behind an intermediate (``rsa4096``: three) with a key of the same kind."""

        def issue() -> Any:
            above = self._server_root.intermediates(2, key=kind) if kind == "rsa4096" else self._server_root
            return above.intermediate("lab server issuing", key=kind).issue_server(SERVER_NAME, key=kind)

        return self._once(f"server-{kind}", issue)

    def client(self, name: str) -> Credential:
        """``compliant-p256 (-rsa2048, -rsa4096) noncompliant unknown expired stranger server-eku user``."""
        good = [intune_uri(COMPLIANT_GUID)]
        issue: dict[str, Callable[[], Any]] = {
            "compliant-p256": lambda: self._devices.issue_client("laptop-one", uris=good),
            "compliant-rsa2048": lambda: self._devices.issue_client("laptop-one", uris=good, key="rsa2048"),
            "compliant-rsa4096": lambda: self._devices_root.intermediates(3, key="rsa4096").issue_client(
                "laptop-one", uris=good, key="rsa4096"
            ),
            "noncompliant": lambda: self._devices.issue_client("laptop-two", uris=[intune_uri(NONCOMPLIANT_GUID)]),
            "unknown": lambda: self._devices.issue_client("laptop-new", uris=[intune_uri(UNKNOWN_GUID)]),
            "expired": lambda: self._devices.issue_client(
                "laptop-old", uris=good, starts_s=-30 * DAY_S, lasts_s=29 * DAY_S
            ),
            "stranger": lambda: self._strangers.issue_client("laptop-strange", uris=good),
            "server-eku": lambda: self._devices.issue_client("laptop-one", uris=good, eku=("serverAuth",)),
            "user": lambda: self._users.issue_client("alice", uris=good, upn="alice@example.test"),
        }
        return self._once(f"client-{name}", issue[name])

    def _once(self, name: str, issue: Callable[[], Any]) -> Credential:
        if name not in self._issued:
            chain, key = issue().write(self.folder, name)
            self._issued[name] = Credential(chain=chain, key=key)
        return self._issued[name]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("pki"))


# -- Microsoft ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def microsoft() -> Iterator[Any]:
    """The simulated Intune on loopback with one compliant and one noncompliant device; a test that changes it
    puts it back by ``seed``."""
    from nacd.sim.intune import IntuneSimulator

    with IntuneSimulator() as simulator:
        seed(simulator)
        yield simulator


def seed(simulator: Any) -> None:
    """Back to the two devices that every test may count on."""
    simulator.reset()
    simulator.put_device(guid=COMPLIANT_GUID, compliant=True, name="laptop-one")
    simulator.put_device(guid=NONCOMPLIANT_GUID, compliant=False, name="laptop-two")


# -- the daemon ---------------------------------------------------------------------------------

POLICY = {
    "profiles": {
        "corporate": {"vlan": 120, "session_timeout": "8h"},
        "quarantine": {"vlan": 999, "session_timeout": "10m"},
        "printers": {"vlan": 140},
    },
    "rules": [
        {
            "name": "compliant device",
            "when": {"access": "dot1x", "identity": "certificate", "compliance": "compliant"},
            "then": "corporate",
        },
        {"name": "known printers", "when": {"access": "mab", "mac_in": "printers.csv"}, "then": "printers"},
        {
            "name": "intune unreachable",
            "when": {"identity": "certificate", "compliance": "unavailable"},
            "then": "quarantine",
        },
        {
            "name": "fix your device",
            "when": {"access": "dot1x", "compliance": ["noncompliant", "unknown", "not_managed"]},
            "then": "quarantine",
        },
    ],
}


@dataclass(slots=True, kw_only=True)
class Daemon:
    """One nacd, as its own process. Addresses are (host, port)."""

    folder: Path
    process: subprocess.Popen[bytes]
    audit_file: Path
    auth: list[tuple[str, int]] = field(default_factory=list)
    accounting: list[tuple[str, int]] = field(default_factory=list)

    @property
    def log_text(self) -> str:
        """Everything it wrote to standard output and standard error."""
        return (self.folder / "nacd.log").read_text(encoding="utf-8", errors="backslashreplace")

    def address(self, *, accounting: bool = False, ipv6: bool = False) -> tuple[str, int]:
        """Where to send: the first address of that role and family."""
        for host, port in self.accounting if accounting else self.auth:
            if (":" in host) == ipv6:
                return host, port
        raise AssertionError("nacd does not listen there")

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(sorted({port for _, port in (*self.auth, *self.accounting)}))

    def log(self, event: str = "") -> list[dict[str, Any]]:
        """The lines of its log, all or those with these words in their sentence."""
        lines = [json.loads(line) for line in self.log_text.splitlines() if line.startswith("{")]
        return [line for line in lines if event in line["event"]]

    def audit(self, *codes: str) -> list[dict[str, Any]]:
        """The audit records so far, of these codes or all but the trail's own; a line still being written is left."""
        text = self.audit_file.read_text(encoding="utf-8") if self.audit_file.exists() else ""
        records = [json.loads(line) for line in text.split("\n")[:-1] if line]
        return [record for record in records if record["code"] in codes or (not codes and not is_bookkeeping(record))]

    def recorded(self, wanted: Mapping[str, object], *, since: int = 0, within_s: float = 20.0) -> dict[str, Any]:
        """The newest record after ``since`` (a count) whose fields are as ``wanted``; waits for it.

        wanted: dotted path -> the value, or a compiled pattern that is searched for in the field's text.
        """
        deadline = time.monotonic() + within_s
        while True:
            for record in reversed(self.audit()[since:]):
                if all(field_fits(record, path, value) for path, value in wanted.items()):
                    return record
            if time.monotonic() > deadline:
                found = "\n".join(json.dumps(record) for record in self.audit()[since:])
                raise AssertionError(
                    f"no audit record with {wanted}; there are:\n{found}\nlog:\n{self.log_text[-3000:]}"
                )
            time.sleep(0.05)

    def wait_until_ready(self, ready: Path, within_s: float = 60.0) -> None:
        deadline = time.monotonic() + within_s
        while not ready.is_file() or not ready.read_text(encoding="utf-8").strip():
            if self.process.poll() is not None:
                raise AssertionError(f"nacd ended with {self.process.returncode}:\n{self.log_text}")
            if time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"nacd was not ready within {within_s:.0f} s:\n{self.log_text}")
            time.sleep(0.02)
        said = json.loads(ready.read_text(encoding="utf-8"))
        self.auth = [(str(host), int(port)) for host, port in said["auth"]]
        self.accounting = [(str(host), int(port)) for host, port in said["accounting"]]

    def stop(self) -> int:
        """SIGTERM and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
                raise AssertionError(f"nacd did not stop on SIGTERM:\n{self.log_text}") from None
        return int(self.process.returncode)


def private_file(path: Path, text: str) -> str:
    """Write a file that only we may read; its ``file:`` reference."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return f"file:{path}"


def lab_config(
    folder: Path, certificates: Certificates, microsoft: Any, server: Credential, ipv6: bool
) -> dict[str, Any]:
    """The configuration of the laboratory, as an admin would write it."""
    secret = private_file(folder / "radius.secret", SECRET)
    nas = {"secret": secret, "vendor": "generic", "groups": ["lab", "wired"]}
    listen = "127.0.0.1:0"
    clients = [
        {"name": "lab", "network": "127.0.0.1/32", "message_authenticator": "require", **nas},
        {"name": "legacy", "network": "127.0.0.2/32", "message_authenticator": "accept", **nas},
    ]
    server_keys: dict[str, Any] = {"auth": listen, "accounting": listen}
    if ipv6:
        clients.append({"name": "lab6", "network": "::1/128", "message_authenticator": "require", **nas})
        server_keys = {"auth": [listen, "[::1]:0"], "accounting": [listen, "[::1]:0"]}
    return {
        "server": server_keys,
        "clients": clients,
        "eap": {
            "certificate": str(server.chain),
            "private_key": f"file:{server.key}",
            "client_cas": [
                {"file": str(certificates.folder / "devices-ca.pem"), "may_assert": ["intune_id"]},
                {"file": str(certificates.folder / "users-ca.pem"), "may_assert": []},
            ],
        },
        "intune": microsoft_keys(folder, microsoft),
        "compliance": {"lookup_deadline": "2s"},
        "policy": "policy.yaml",
        "audit": {"file": str(folder / "audit.jsonl")},
        "state": str(folder / "state"),
    }


def microsoft_keys(folder: Path, microsoft: Any) -> dict[str, Any]:
    """``intune:`` that leads to the simulator and to nobody else."""
    (folder / "microsoft-ca.pem").write_bytes(Path(microsoft.ca_file).read_bytes())
    base = str(microsoft.base_url).rstrip("/")
    return {
        "cloud": "custom",
        "tenant": microsoft.tenant,
        "client_id": microsoft.client_id,
        "credential": {"secret": private_file(folder / "app.secret", CLIENT_SECRET)},
        "authority": base,
        "graph": base,
        "resource": "https://api.manage.microsoft.com/",
        "host_suffixes": [".manage.example.test"],
        "allowed_hosts": [base.removeprefix("https://")],
        "ca_file": str(folder / "microsoft-ca.pem"),
    }


class Launcher:
    """Starts daemons and ends them all when its fixture ends."""

    def __init__(self, folder: Path, certificates: Certificates, microsoft: Any, ipv6: bool) -> None:
        self._folder = folder
        self._certificates = certificates
        self._microsoft = microsoft
        self._ipv6 = ipv6
        self._running: list[Daemon] = []

    def __call__(
        self,
        *,
        server: Credential | None = None,
        change: Callable[[dict[str, Any], dict[str, Any]], None] = lambda config, policy: None,
        before: Sequence[str] = (),
    ) -> Daemon:
        """Start one. ``change(config, policy)`` may alter both; ``before``: words in front of the command."""
        folder = self._folder / f"nacd-{len(self._running)}"
        (folder / "state").mkdir(parents=True)
        config = lab_config(
            folder, self._certificates, self._microsoft, server or self._certificates.server(), self._ipv6
        )
        policy = json.loads(json.dumps(POLICY))
        change(config, policy)
        config = json.loads(json.dumps(config))  # YAML would write what stands twice as an alias
        (folder / "nacd.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        (folder / "policy.yaml").write_text(yaml.safe_dump(policy, sort_keys=False), encoding="utf-8")
        (folder / "printers.csv").write_text(f"mac\n{PRINTER}\n", encoding="utf-8")
        return self._start(folder, Path(config["audit"]["file"]), before)

    def again(self, daemon: Daemon) -> Daemon:
        """Start once more what has ended, with the same files."""
        return self._start(daemon.folder, daemon.audit_file, ())

    def _start(self, folder: Path, audit_file: Path, before: Sequence[str]) -> Daemon:
        ready = folder / "ready.json"
        ready.unlink(missing_ok=True)
        words = [*before, sys.executable, "-m", "nacd", "serve", "--config", str(folder / "nacd.yaml"), "--demo"]
        words += ["--log-format", "json"]
        with (folder / "nacd.log").open("ab") as log:
            process = subprocess.Popen(
                words,
                cwd=Path(__file__).resolve().parents[2],
                env={**os.environ, "NACD_READY_FILE": str(ready), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        daemon = Daemon(folder=folder, process=process, audit_file=audit_file)
        self._running.append(daemon)
        daemon.wait_until_ready(ready)
        return daemon

    def close(self) -> None:
        for daemon in self._running:
            daemon.stop()


@pytest.fixture(scope="module")
def launch(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, microsoft: Any, has_ipv6: bool
) -> Iterator[Launcher]:
    """``launch(change=...)``: a nacd of this module's own."""
    launcher = Launcher(tmp_path_factory.mktemp("lab"), certificates, microsoft, has_ipv6)
    yield launcher
    launcher.close()


@pytest.fixture(scope="module")
def nacd(launch: Launcher) -> Daemon:
    """The module's usual nacd."""
    return launch()


# -- tools ---------------------------------------------------------------------------------------


@pytest.fixture
def tap(peer: Callable[[str], Any], tmp_path: Path, may_capture: None) -> Tap:
    return Tap(tmp_path, peer("dumpcap"), peer("tshark"))


@pytest.fixture
def supplicant(peer: Callable[[str], Any], tmp_path: Path, certificates: Certificates) -> Supplicant:
    return Supplicant(peer("eapol_test"), tmp_path, certificates.folder / "server-ca.pem")


def cannot(reason: str) -> None:
    """The rule of ``tests/conftest.py``: a skip that says why, with CI=true a failure."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(f"{reason} (CI=true: this may not be skipped)", pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def may_capture() -> None:
    """Capturing needs root (or a dumpcap with capabilities, which an unpacked one does not have)."""
    if os.geteuid() != 0:
        cannot("capturing on loopback needs root")


@pytest.fixture
def radclient(peer: Callable[[str], Any]) -> Radclient:
    return Radclient(peer("radclient"))


@pytest.fixture
def need_ipv6(has_ipv6: bool) -> None:
    if not has_ipv6:
        cannot("this machine has no ::1")
