"""The stage of the soak: the simulated Microsoft, and nacd as a process that is killed and started again.

Knows: nacd's command line, its control socket, and what the kernel says of it. Refuses to know: nacd's
code, RADIUS, and when anything happens (``trouble``). Everything lives in one folder.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.pki import SERVER_NAME, Authority, intune_uri
from tools.scenarios.microsoft import Microsoft
from tools.scenarios.supplicant import client_context
from tools.soak import scene
from tools.soak.clocked import write_offset
from tools.soak.scene import DOT1X, Device

HOME = Path(__file__).resolve().parents[2]
_READY_S = 60.0


class Stage:
    """``with Stage(folder, devices) as stage``: everything runs, nacd is ready."""

    def __init__(self, folder: Path, devices: Sequence[Device]) -> None:
        self.folder = folder
        self.devices = devices
        self.contexts: dict[int, ssl.SSLContext] = {}
        self.server = ("127.0.0.1", _free_port())
        self.accounting = ("127.0.0.1", _free_port())
        self.starts = 0
        self._offset = folder / "clock"
        self._running: subprocess.Popen[bytes] | None = None
        self.microsoft = Microsoft(folder, [device.order for device in devices if device.enrolled])

    def __enter__(self) -> Self:
        try:
            self._certify()
            self._write_config()
            self.launch()
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """End Microsoft, which cuts every call that hangs there, then nacd."""
        self.microsoft.stop()
        if self._running is not None and self._running.poll() is None:
            self.stop(signal.SIGTERM)

    # -- nacd

    def launch(self) -> None:
        """Start the daemon; it is ready some time later."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        environment = {**os.environ, "NACD_READY_FILE": str(ready)}
        words = [sys.executable, "-m", "tools.soak.clocked", str(self._offset)]
        words += ["serve", "--config", str(self.folder / "nacd.yaml"), "--demo"]
        with (self.folder / "nacd.log").open("ab") as log:
            self._running = subprocess.Popen(
                [*words, "--log-format", "json"],
                cwd=HOME,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.starts += 1

    def wait_ready(self) -> None:
        """Until the daemon listens. Raises RuntimeError with its last words when it does not."""
        ready, deadline = self.folder / "ready.json", time.monotonic() + _READY_S
        while not ready.is_file() or not ready.read_text(encoding="utf-8").strip():
            if not self.alive or time.monotonic() > deadline:
                raise RuntimeError(f"nacd did not start:\n{(self.folder / 'nacd.log').read_text()[-3000:]}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals) -> None:
        """End the daemon by that signal and wait for its end."""
        assert self._running is not None
        self._running.send_signal(how)
        try:
            self._running.wait(20)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait(5)
            raise RuntimeError(f"nacd did not end within 20 s after {how.name}") from None

    @property
    def alive(self) -> bool:
        """Whether nacd runs."""
        return self._running is not None and self._running.poll() is None

    def resident_octets(self) -> int:
        """Memory of the daemon by the kernel's books, 0 when it is gone."""
        assert self._running is not None
        try:
            for line in Path(f"/proc/{self._running.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return 0

    def set_clock(self, offset_s: float) -> None:
        """Let the daemon's wall clock differ by this from the machine's."""
        write_offset(self._offset, offset_s)

    def refresh(self, device: str) -> dict[str, Any]:
        """What ``nacd cache refresh`` sends and gets, without half a second of starting it. Raises OSError."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(str(self.folder / "state/control.sock"))
            sock.sendall(json.dumps({"order": "cache.refresh", "device": device}).encode() + b"\n")
            said = b"".join(iter(lambda: sock.recv(1 << 16), b""))
        if not said:
            raise ConnectionError("no answer at the control socket")
        answer: dict[str, Any] = json.loads(said)
        return answer

    # -- setting the stage

    def _certify(self) -> None:
        server_root, devices_root = Authority.root("soak server root"), Authority.root("soak devices root")
        issuing = devices_root.intermediate("soak devices issuing")
        (self.folder / "server-ca.pem").write_bytes(server_root.root_pem)
        (self.folder / "devices-ca.pem").write_bytes(devices_root.root_pem)
        server_root.intermediate("soak server issuing").issue_server(SERVER_NAME).write(self.folder, "server")
        chain = self.folder / "client.pem"
        for device in self.devices:
            if device.access == DOT1X:
                issued = issuing.issue_client(f"laptop-{device.number}", uris=[intune_uri(device.guid)])
                chain.write_bytes(issued.chain_pem + issued.key_pem)
                context = client_context(self.folder / "server-ca.pem", chain, tls12=device.number % 2 == 1)
                self.contexts[device.number] = context
        chain.unlink(missing_ok=True)

    def _write_config(self) -> None:
        folder, base = self.folder, self.microsoft.base_url.rstrip("/")
        (folder / "state").mkdir()
        self.set_clock(0)
        (folder / "policy.yaml").write_text(yaml.safe_dump(scene.policy(), sort_keys=False), encoding="utf-8")
        (folder / "microsoft-ca.pem").write_bytes(self.microsoft.ca_file.read_bytes())
        # Both places where Compliance Retrieval can live: it says where it goes, and comes back.
        second = self.microsoft.order("POST", "/move")["compliance_url"]
        self.microsoft.order("POST", "/move")
        hosts = [base.removeprefix("https://"), str(second).removeprefix("https://").partition("/")[0]]
        config = {
            "server": {"auth": f"{self.server[0]}:{self.server[1]}", "accounting": f"127.0.0.1:{self.accounting[1]}"},
            "clients": scene.clients(_private(folder / "radius.secret", scene.SECRET.decode())),
            "eap": {
                "certificate": str(folder / "server.pem"),
                "private_key": f"file:{folder / 'server.key'}",
                "client_cas": [{"file": str(folder / "devices-ca.pem"), "may_assert": ["intune_id"]}],
            },
            "intune": {
                "cloud": "custom",
                "tenant": self.microsoft.tenant,
                "client_id": self.microsoft.client_id,
                "credential": {"secret": _private(folder / "app.secret", CLIENT_SECRET)},
                "authority": base,
                "graph": base,
                "resource": "https://api.manage.microsoft.com/",
                "host_suffixes": [".manage.example.test"],
                "allowed_hosts": hosts,
                "ca_file": str(folder / "microsoft-ca.pem"),
            },
            "compliance": scene.compliance_section(),
            "policy": "policy.yaml",
            "audit": {"file": str(folder / "audit.jsonl"), "rotate": {"size": "16MiB"}},
            "state": str(folder / "state"),
        }
        (folder / "nacd.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _private(path: Path, words: str) -> str:
    path.write_text(words, encoding="utf-8")
    path.chmod(0o600)
    return f"file:{path}"
