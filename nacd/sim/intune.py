"""A simulated Microsoft: sign-in, Graph and Intune Compliance Retrieval on one HTTPS port, and a door for orders.

It is for demos, trials and tests, and says so in its banner and in every answer. It binds to
loopback unless forced. State is in memory and gone when it stops. A second port, plain HTTP and
always loopback, takes orders as JSON:

    GET  /devices                 PUT /devices {"guid": ..., "macs": [...], "compliant": true}
    DELETE /devices/GUID          GET /faults    POST /faults {"kind": "latency", "ms": 900}
    DELETE /faults                GET /tuning    POST /tuning {"page_size": 2}
    POST /move {"old": "404"}     GET /history   DELETE /history    POST /reset

Knows: the listeners and the scene. Refuses to know: what the answers look like.
"""

from __future__ import annotations

import ipaddress
import json
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from nacd.sim.microsoft.answers import CR_PATH
from nacd.sim.microsoft.faults import KINDS, Fault, FaultBoard, make_fault
from nacd.sim.microsoft.login import Login
from nacd.sim.microsoft.port import Desk, TlsServer
from nacd.sim.microsoft.state import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    App,
    Seen,
    SimDevice,
    TenantState,
    Tuning,
    as_json,
)
from nacd.sim.pki import MARKER_FILE, write_demo_pki

BANNER = "this is a simulator of Microsoft Intune for demos, trials and tests; it is not Microsoft, and not safe"
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_OLD_UNIT = ("404", "reset", "redirect")


class IntuneSimulator:
    """The simulator, as a context manager or by ``start`` and ``stop``.

    folder: a demo PKI (written there when the folder has none); without one, a temporary folder.
    port, management_port, second_port (where a moved scale unit lives): 0 picks a free one. host:
    loopback, unless ``force``. public_host: the name clients call it by. clock: seconds since the
    epoch, for the bulk quota and token lifetimes.
    Raises ValueError for a host that is not loopback, OSError for a port that is taken.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        port: int = 0,
        management_port: int = 0,
        second_port: int = 0,
        host: str = "127.0.0.1",
        force: bool = False,
        public_host: str = "localhost",
        tenant: str = TENANT,
        app: App | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not force and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the simulator listens on loopback only, not on `{host}`, unless it is forced")
        self.state = TenantState(clock)
        self.tenant = tenant
        self.client_id = (app or App()).client_id
        self.state.register_app(app or App(client_id=CLIENT_ID, secret=CLIENT_SECRET))
        self._folder = Path(folder) if folder is not None else None
        self._ports = (port, management_port, second_port)
        self._host = host
        self._public_host = public_host
        self._board = FaultBoard()
        self._desk = Desk(state=self.state, faults=self._board, login=Login(self.state, (tenant,)))
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._listeners: dict[str, TlsServer] = {}
        self._second_origin = ""
        self._management: ThreadingHTTPServer | None = None
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    # -- where it is

    @property
    def base_url(self) -> str:
        """``https://localhost:PORT``: root of sign-in, Graph and Intune alike."""
        return self._desk.origin

    @property
    def authority(self) -> str:
        """What MSAL calls the authority: base_url and the tenant."""
        return f"{self.base_url}/{self.tenant}"

    @property
    def compliance_url(self) -> str:
        """Where Compliance Retrieval is now, as discovery says; moves with ``move_scale_unit``."""
        return self._desk.cr_origin + CR_PATH

    @property
    def unit_hosts(self) -> tuple[str, str]:
        """``host:port`` of the two places where Compliance Retrieval can be: what a client must be allowed to ask."""
        return self._desk.origin.removeprefix("https://"), self._second_origin.removeprefix("https://")

    @property
    def management_url(self) -> str:
        """``http://127.0.0.1:PORT`` of the door for orders."""
        if self._management is None:
            raise RuntimeError("the simulator is not started")
        return f"http://127.0.0.1:{self._management.server_address[1]}"

    @property
    def ca_file(self) -> str:
        """Path of the root that signed the port's certificate."""
        return str(self.folder / "web-ca.pem")

    @property
    def folder(self) -> Path:
        """The demo PKI in use."""
        if self._folder is None:
            raise RuntimeError("the simulator is not started")
        return self._folder

    # -- start and stop

    def start(self) -> None:
        """Open the ports."""
        if self._folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="nacd-sim-")
            self._folder = Path(self._temporary.name)
        if not (self._folder / MARKER_FILE).exists():
            write_demo_pki(self._folder)
        self._desk.stopping.clear()
        self._desk.login.own_origins = ()
        self._desk.origin = self._desk.cr_origin = self._listen(self._ports[0])
        self._second_origin = self._listen(self._ports[2])
        server = ThreadingHTTPServer(("127.0.0.1", self._ports[1]), _management_handler(self))
        server.daemon_threads = True
        self._management = server
        _run(server)

    def stop(self) -> None:
        """Close the ports and forget the temporary folder."""
        self._desk.stopping.set()
        with self._lock:
            for listener in self._listeners.values():
                _close(listener)
            self._listeners.clear()
        if self._management is not None:
            self._management.shutdown()
            self._management.server_close()
            self._management = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary, self._folder = None, None

    def _listen(self, port: int) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "web.pem", self.folder / "web.key")
        listener = TlsServer((self._host, port), context, self._desk)
        taken = listener.server_address[1]
        origin = listener.origin = f"https://{self._public_host}:{taken}"
        names = dict.fromkeys((self._public_host, *_LOOPBACK_NAMES))
        self._desk.login.own_origins += tuple(f"https://{name}:{taken}" for name in names)
        self._listeners[origin] = listener
        _run(listener)
        return origin

    # -- the scene

    def put_device(
        self, guid: str, *, macs: Sequence[str] = (), compliant: bool = True, registered: bool = True, **more: object
    ) -> SimDevice:
        """Enrol a device or put it anew. more: other fields of ``SimDevice``. Raises ValueError, TypeError."""
        return self.state.put_device(guid=guid, macs=list(macs), compliant=compliant, registered=registered, **more)

    def change_device(self, guid: str, **values: object) -> SimDevice:
        """Change some fields of a device and leave the others as they are."""
        return self.state.put_device(guid=guid, **values)

    def remove_device(self, guid: str) -> bool:
        """Retire a device; False when it was not there."""
        return self.state.remove_device(guid)

    def register_app(self, app: App) -> None:
        """Add an app registration, or replace the one with its client id."""
        self.state.register_app(app)

    def tune(self, **values: object) -> Tuning:
        """Turn knobs that a real service may turn: see ``Tuning``."""
        return self.state.tune(**values)

    def fault(self, kind: str, **parameters: object) -> Fault:
        """Switch a fault on: see ``faults.KINDS`` and ``Fault``."""
        fault = make_fault(kind, **parameters)
        self._board.add(fault)
        if fault.mode == "refused":
            self._close_ports()
        return fault

    def clear_faults(self, kind: str = "") -> None:
        """Switch faults off, all or of one kind; a closed port opens again."""
        self._board.clear(kind)
        if not any(fault.mode == "refused" for fault in self._board.on()):
            self._open_ports()

    def faults(self) -> list[Fault]:
        """The faults that are on."""
        return self._board.on()

    def history(self, kind: str = "") -> list[Seen]:
        """Requests in the order they came, all or of one kind."""
        return self.state.history(kind)

    def forget_history(self) -> None:
        """Empty the history; the scene stays."""
        self.state.forget_history()

    def move_scale_unit(self, old: str = "404") -> str:
        """Intune moves the tenant to the other port; discovery knows, the old one answers 404, reset or redirect."""
        if old not in _OLD_UNIT:
            raise ValueError(f"`old` is one of {', '.join(_OLD_UNIT)}, not `{old}`")
        self._desk.old_unit = old
        here = self._desk.cr_origin == self._desk.origin
        self._desk.cr_origin = self._second_origin if here else self._desk.origin
        return self.compliance_url

    def reset(self) -> None:
        """Forget devices, faults, tuning, quota and history; Intune lives at the first port again."""
        self.clear_faults()
        self.state.reset()
        self._desk.cr_origin = self._desk.origin

    def _close_ports(self) -> None:
        with self._lock:
            for listener in self._listeners.values():
                _close(listener)

    def _open_ports(self) -> None:
        with self._lock:
            for origin, closed in list(self._listeners.items()):
                if closed.fileno() < 0 and not self._desk.stopping.is_set():
                    self._listeners[origin] = again = closed.reopened()
                    _run(again)


def _run(server: ThreadingHTTPServer) -> None:
    name = f"nacd-sim-{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=name, daemon=True).start()


def _close(listener: TlsServer) -> None:
    if listener.fileno() >= 0:
        listener.shutdown()
        listener.server_close()
        listener.cut_connections()


# -- the door for orders --------------------------------------------------------------------


def _management_handler(simulator: IntuneSimulator) -> type[BaseHTTPRequestHandler]:
    class Orders(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 1 << 16

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

        def _serve(self) -> None:
            length = self.headers.get("Content-Length", "0")
            octets = self.rfile.read(int(length)) if length.isdecimal() and int(length) <= 1 << 20 else b""
            status, body = self._answer(octets)
            text = json.dumps(body, indent=1).encode() + b"\n"
            self.send_response(status)
            self.send_header("X-Simulator", "nacd")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names that http.server looks for

        def _answer(self, octets: bytes) -> tuple[int, object]:
            # a web page in the admin's browser must not give orders under a name of its own
            if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in ("localhost", "127.0.0.1"):
                return 403, {"error": "call this door `localhost` or `127.0.0.1`"}
            parts = urlsplit(self.path)
            try:
                values = json.loads(octets or b"{}")
                if not isinstance(values, dict):
                    return 400, {"error": "the body is a JSON object"}
                values |= dict(parse_qsl(parts.query))
                return 200, obey(simulator, self.command, unquote(parts.path), values)
            except LookupError as unknown:
                return 404, {"error": str(unknown.args[0])}
            except (ValueError, TypeError) as wrong:
                return 400, {"error": str(wrong)}

    return Orders


def obey(simulator: IntuneSimulator, method: str, path: str, values: dict[str, object]) -> object:
    """Carry out one order of the management door. Raises ValueError for bad values, LookupError for no such order."""
    order = (method, "/" + path.strip("/").partition("/")[0])
    rest = path.strip("/").partition("/")[2]
    if order == ("GET", "/"):
        return {"simulator": BANNER, "base_url": simulator.base_url, "faults": dict(KINDS)}
    if order == ("GET", "/devices"):
        return [as_json(device) for device in simulator.state.devices()]
    if order in (("PUT", "/devices"), ("POST", "/devices")):
        return as_json(simulator.state.put_device(**values))
    if order == ("DELETE", "/devices"):
        return {"removed": simulator.remove_device(rest)}
    if order == ("GET", "/faults"):
        return [str(fault) for fault in simulator.faults()]
    if order == ("POST", "/faults"):
        return {"on": str(simulator.fault(str(values.pop("kind", "")), **values))}
    if order == ("DELETE", "/faults"):
        simulator.clear_faults(rest)
        return {"on": [str(fault) for fault in simulator.faults()]}
    if order == ("GET", "/tuning"):
        return as_json(simulator.state.tuning)
    if order == ("POST", "/tuning"):
        return as_json(simulator.tune(**values))
    if order == ("POST", "/move"):
        return {"compliance_url": simulator.move_scale_unit(str(values.get("old", "404")))}
    if order == ("GET", "/history"):
        return [as_json(seen) for seen in simulator.history(str(values.get("kind", "")))]
    if order == ("DELETE", "/history"):
        simulator.forget_history()
        return {}
    if order == ("POST", "/reset"):
        simulator.reset()
        return {}
    raise LookupError(f"no order `{method} {path}`")
