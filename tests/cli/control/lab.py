"""A whole nacd as a process of its own, a switch with endpoints at it, and the command line that talks to both.

Nothing here is a stand-in of ours: Microsoft, the switch and the endpoints are those of ``nacd.sim``.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import pty
import pwd
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.sim.das import Endpoint, Switch
from nacd.sim.nas import Nas
from tests.peers.conftest import Daemon, Launcher
from tests.peers.wire import SECRET

WITHIN_S = 20.0
ACCEPT, REJECT = 2, 3
ALLOWED = {"read": ["games"], "coa": ["daemon"], "config": ["bin"]}
HOME = Path(__file__).resolve().parents[3]

AS_ANOTHER = """
import os, pwd, sys
import encodings.utf_8_sig
import zoneinfo, pydantic.fields, rich.console, rich.text, rich.panel, rich.markup, typer.rich_utils
import nacd.cli.main, nacd.cli.control.order, nacd.cli.control.place, nacd.cli.control.table, nacd.config.load
who = pwd.getpwnam(sys.argv[1])
os.chdir("/")
os.setgroups([int(group) for group in sys.argv[2].split(",") if group])
os.setgid(who.pw_gid)
os.setuid(who.pw_uid)
sys.argv = ["nacd", *sys.argv[3:]]
nacd.cli.main.main()
"""
"""The command line of another user, who need not be able to read the project: all of it is there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command ended with. out: standard output. err: standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """One endpoint that is on. session: its number in nacd."""

    mac: str
    guid: str
    session: int


def quick(config: dict[str, Any], policy: dict[str, Any]) -> None:
    """Devices are asked about every second, and verdicts are old after one."""
    config["compliance"] |= {
        "lifetimes": {"compliant": "1s", "noncompliant": "1s", "not_managed": "1s"},
        "poll": {"interval": "1s"},
    }
    config["sessions"] = {
        "seen_within": {"reauthenticate": "2s", "disconnect": "2s", "bounce": "2s"},
        "overrides": {"quarantine": "quarantine"},
        "guard": {"down": {"max_flips": 1000, "max_flip_percent": 100}},
    }
    policy["rules"] = [
        {"name": "good", "when": {"access": "mab", "compliance": "compliant"}, "then": "corporate"},
        {"name": "bad", "when": {"access": "mab", "compliance": ["noncompliant", "unavailable"]}, "then": "quarantine"},
    ]


class Lab:
    """One daemon. change: of its configuration and policy. folder: everybody may enter it."""

    def __init__(
        self,
        folder: Path,
        launch: Launcher,
        microsoft: Any,
        change: Callable[[dict[str, Any], dict[str, Any]], None] = lambda config, policy: None,
        before: tuple[str, ...] = (),
    ) -> None:
        self.socket = folder / "control.sock"
        self._microsoft = microsoft
        self._numbers = itertools.count(1)
        nas = Nas(server="127.0.0.1", secret=SECRET.encode(), port=1, accounting_port=1, timeout_s=3.0)
        self.switch = Switch(nas)
        self.switch.__enter__()

        def changed(config: dict[str, Any], policy: dict[str, Any]) -> None:
            client = config["clients"][0]
            config["clients"] = [
                client | {"vendor": "cisco-ios", "name": "switch", "dynauth": {"port": self.switch.das.port}},
                client | {"vendor": "cisco-ios", "name": "elsewhere", "network": "127.0.0.2/32"},
            ]
            config["control"] = {"socket": str(self.socket), **ALLOWED}
            quick(config, policy)
            change(config, policy)

        self.daemon: Daemon = launch(change=changed, before=before)
        nas.port, nas.accounting_port = self.daemon.auth[0][1], self.daemon.accounting[0][1]

    def close(self) -> None:
        self.switch.__exit__(None, None, None)
        assert self.switch.troubles == []

    # -- the network ---------------------------------------------------------------------------------

    def device(self) -> Plugged:
        """A compliant device that nobody has seen yet."""
        number = next(self._numbers)
        made = Plugged(mac=f"00-50-56-{number >> 16:02X}-{number >> 8 & 255:02X}-{number & 255:02X}", session=0,
                       guid=f"50a40001-0000-4000-8000-{number:012d}")  # fmt: skip
        self.verdict(made, compliant=True)
        return made

    def verdict(self, device: Plugged, *, compliant: bool) -> None:
        self._microsoft.put_device(
            guid=device.guid, compliant=compliant, name=f"laptop {device.mac}", macs=[device.mac]
        )

    def plug_in(self, device: Plugged | None = None) -> Plugged:
        """It logs in and is let in."""
        found = device or self.device()

        def login(nas: Nas) -> Any:
            return nas.mab(found.mac)

        name = found.mac.replace("-", "").lower()
        assert self.switch.plug_in(Endpoint(mac=found.mac, login=login, user=name)).result(10) is not None
        until(lambda: bool(self.sessions(found.mac)), f"{found.mac} has no session")
        return Plugged(mac=found.mac, guid=found.guid, session=self.sessions(found.mac)[-1]["id"])

    def login_at(self, device: Plugged, port: int, source: str = "127.0.0.1", session: int = 0) -> int:
        """It logs in at a port that ``switch`` knows nothing of, or at another NAS; the code of the reply.

        session: its number at the switch; 0 for a new one.
        """
        at, name = self.daemon.auth[0][1], f"GigabitEthernet1/0/{port}"
        named = (("Cisco-AVPair", f"audit-session-id={session or next(self._numbers):024X}"),)
        with Nas(server="127.0.0.1", secret=SECRET.encode(), port=at, source=source, nas_port=port, nas_port_id=name,
                 extra=named) as nas:  # fmt: skip
            return nas.mab(device.mac).code

    def vlan(self, mac: str) -> str:
        """What the switch has given it, ``""`` if it is not on."""
        session = self.switch.session(mac)
        return str(session.reply.first("Tunnel-Private-Group-Id")) if session is not None else ""

    def wait_for_vlan(self, mac: str, vlan: str) -> None:
        until(lambda: self.vlan(mac) == vlan, f"{mac} does not come to VLAN {vlan!r}, it is in {self.vlan(mac)!r}")

    # -- people --------------------------------------------------------------------------------------

    def nacd(self, *words: object, env: Mapping[str, str] | None = None) -> Said:
        """The command line in this process, at the daemon's socket."""
        around = {"NACD_SOCKET": str(self.socket), "COLUMNS": "200", **(env or {})}
        done = CliRunner(env=around).invoke(app, [str(word) for word in words])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(code=done.exit_code, out=done.stdout, err=done.stderr)

    def sessions(self, mac: str) -> list[Any]:
        """As ``nacd sessions list`` has them."""
        found: list[Any] = self.nacd("sessions", "list", "--mac", mac, "--json").json["sessions"]
        return found

    def start(self, *words: object, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """The command line as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "nacd", *map(str, words)],
            cwd=HOME,
            env={**os.environ, "NACD_SOCKET": str(self.socket), "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def watch(self, *words: object) -> subprocess.Popen[str]:
        """``nacd sessions watch`` as a process of its own, once the daemon tells it of changes."""
        before = self._watches()
        started = self.start("sessions", "watch", *words)
        until(lambda: self._watches() > before, "nobody watches")
        return started

    def _watches(self) -> int:
        return sum(1 for line in self.daemon.log("order") if line.get("order") == "sessions.watch")

    def by(self, user: str, *words: object, groups: tuple[int, ...] = ()) -> Said:
        """The command line of another user. groups: supplementary ones that this process has besides."""
        return another(user, *words, groups=groups, socket=str(self.socket))

    def orders(self, since: int) -> list[tuple[str, str, str]]:
        """(order, by, outcome) of each order that was recorded after the first ``since`` records."""
        found = [each for each in self.daemon.audit()[since:] if each["code"] == "A4022I"]
        return [(each["order"]["name"], each["by"], each["order"]["outcome"]) for each in found]

    @property
    def recorded(self) -> int:
        return len(self.daemon.audit())


def another(user: str, *words: object, groups: tuple[int, ...] = (), socket: str = "") -> Said:
    """The command line of another user, at this socket or wherever it looks for itself. Needs root."""
    env = {name: value for name, value in os.environ.items() if name not in ("NACD_SOCKET", "NACD_CONFIG")}
    given = [*map(str, words), *(("--socket", socket) if socket else ())]
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, user, ",".join(map(str, groups)), *given],
        cwd=HOME,
        env={**env, "PYTHONPATH": str(HOME), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def at_terminal(columns: int, socket: Path, *words: object) -> str:
    """What the command line writes to a terminal so wide, without its colours."""
    pid, master = pty.fork()
    if not pid:
        os.environ |= {"NACD_SOCKET": str(socket), "NO_COLOR": "1", "TERM": "dumb"}
        os.environ.pop("COLUMNS", None)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.chdir(HOME)
        os.execv(sys.executable, [sys.executable, "-m", "nacd", *map(str, words)])
    octets = b""
    try:
        while more := os.read(master, 1 << 16):
            octets += more
    except OSError:  # EIO: the other end is closed, as a terminal says it (pty(7))
        pass
    os.close(master)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, octets
    return octets.decode().replace("\r\n", "\n")


def until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def uid(user: str) -> int:
    return pwd.getpwnam(user).pw_uid
