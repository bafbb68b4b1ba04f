"""A simulated Microsoft: sign-in, Graph and Intune Compliance Retrieval on one HTTPS port, and a door for orders.

It is for demos, trials and tests, and says so in its banner and in every answer. It binds to
loopback unless forced. State is in memory and gone when it stops. A second port, plain HTTP and
always loopback, takes orders as JSON (``orders``). Several may run side by side, each a tenant.

Knows: the listeners and the scene. Refuses to know: what the answers look like.
"""

from __future__ import annotations

import ipaddress
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from nacd.sim.microsoft.answers import CR_PATH
from nacd.sim.microsoft.credentials import credential_name
from nacd.sim.microsoft.desk import Desk
from nacd.sim.microsoft.faults import WHOLE_PORT, Fault, FaultBoard, make_fault
from nacd.sim.microsoft.login import Login
from nacd.sim.microsoft.port import TlsServer
from nacd.sim.microsoft.state import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    App,
    Past,
    Seen,
    SimDevice,
    TenantState,
    Tuning,
)
from nacd.sim.orders import BANNER, obey, orders_handler
from nacd.sim.pki import MARKER_FILE, write_demo_pki
from nacd.sim.presented import server_context

__all__ = ["BANNER", "IntuneSimulator", "obey"]

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_OLD_UNIT = ("404", "reset", "redirect", "refused")


class IntuneSimulator:
    """The simulator, as a context manager or by ``start`` and ``stop``.

    folder: a demo PKI (written there when the folder has none); without one, a temporary folder.
    port, management_port, second_port (where a moved scale unit lives): 0 picks a free one. host:
    loopback, unless ``force``. public_host: the name clients call it by. tenant: its domain; tenant_id: its
    GUID, by default made of the domain. clock: seconds since the epoch, the machine's.
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
        tenant_id: str = "",
        app: App | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not force and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the simulator listens on loopback only, not on `{host}`, unless it is forced")
        self.state: TenantState = TenantState(clock)
        self.tenant = tenant
        self.tenant_id = tenant_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, tenant.lower()))
        self.client_id = (app or App()).client_id
        self.state.register_app(app or App(client_id=CLIENT_ID, secret=CLIENT_SECRET))
        self._folder = Path(folder) if folder is not None else None
        self._ports = (port, management_port, second_port)
        self._host = host
        self._public_host = public_host
        self._board = FaultBoard()
        self._desk = Desk(state=self.state, faults=self._board, login=Login(self.state, (tenant, self.tenant_id)))
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._listeners: dict[str, TlsServer] = {}
        self._second_origin = ""
        self._chain = "good"
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
        self._chain = "good"
        self._desk.origin = self._desk.cr_origin = self._listen(self._ports[0])
        self._second_origin = self._listen(self._ports[2])
        server = ThreadingHTTPServer(("127.0.0.1", self._ports[1]), orders_handler(self))
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
        context = server_context("good", self.folder, self._public_host)
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

    def past(self, guid: str) -> list[Past]:
        """What was true of a device, oldest first, also of one that is gone: at most PAST_LENGTH changes."""
        return self.state.past(guid)

    def at_time(self, guid: str, at: float) -> Past | None:
        """What was true of a device at ``at``, seconds since the epoch; None before it was enrolled."""
        return self.state.at_time(guid, at)

    def register_app(self, app: App) -> None:
        """Add an app registration, or replace the one with its client id."""
        self.state.register_app(app)

    def change_app(self, client_id: str = "", **values: object) -> App:
        """Change some fields of an app (default: the first one), or register one. Raises ValueError, TypeError."""
        return self.state.change_app(client_id or self.client_id, **values)

    def refuse_credential(self, credential: str, code: int = 7000222, *, client_id: str = "") -> App:
        """Refuse one secret, or the certificate with this thumbprint (hex) or PEM, by an AADSTS code; 0: good again.

        Raises LookupError when the app has no such credential.
        """
        app = self.state.app(client_id or self.client_id)
        if app is None:
            raise LookupError(f"no app `{client_id}`")
        refused = {**app.refused, credential_name(app, credential): code}
        self.state.register_app(changed := replace(app, refused=refused))
        return changed

    def revoke_tokens(self, service: str = "") -> None:
        """No token given so far is good any more: of ``graph``, ``compliance``, or both. Raises ValueError."""
        self._desk.login.revoke(service)

    def present(self, chain: str) -> None:
        """Present another certificate from now on: see ``presented.CHAINS``. Open connections are cut."""
        context = server_context(chain, self.folder, self._public_host)
        with self._lock:
            self._chain = chain
            for listener in self._listeners.values():
                listener.context = context
                listener.cut_connections()

    def tune(self, **values: object) -> Tuning:
        """Turn knobs that a real service may turn: see ``Tuning``."""
        return self.state.tune(**values)

    def fault(self, kind: str, **parameters: object) -> Fault:
        """Switch a fault on: see ``faults.KINDS`` and ``Fault``."""
        fault = make_fault(kind, **parameters)
        self._board.add(fault)
        if fault.kind == "outage" and fault.mode in WHOLE_PORT:
            self._close_ports(tuple(self._listeners) if fault.mode == "refused" else ())
        return fault

    def clear_faults(self, kind: str = "") -> None:
        """Switch faults off, all or of one kind; a closed port opens again."""
        self._board.clear(kind)
        if not self._board.is_on("refused"):
            self._open_ports()

    def faults(self) -> list[Fault]:
        """The faults that are on."""
        return self._board.on()

    def history(self, kind: str = "", *, after: int = 0) -> list[Seen]:
        """Requests in the order they came, all or of one kind, with a number above ``after``; the newest only."""
        return self.state.history(kind, after)

    def forget_history(self) -> None:
        """Empty the history; the scene stays."""
        self.state.forget_history()

    def move_scale_unit(self, old: str = "404") -> str:
        """Intune moves the tenant to the other port; discovery knows. What the old one does: 404, reset, redirect,
        or refused, which closes it: the second port only, as the first is sign-in and Graph as well."""
        if old not in _OLD_UNIT:
            raise ValueError(f"`old` is one of {', '.join(_OLD_UNIT)}, not `{old}`")
        here = self._desk.cr_origin == self._desk.origin
        if here and old == "refused":
            raise ValueError(
                "the first port is sign-in and Graph too; move away and then back, to refuse at the second"
            )
        self._desk.old_unit = old
        self._desk.cr_origin = self._second_origin if here else self._desk.origin
        self._open_ports()
        if old == "refused":
            self._close_ports((self._second_origin,))
        return self.compliance_url

    def reset(self) -> None:
        """Forget devices, faults, tuning, quota and history; Intune lives at the first port again, and all TLS is
        good. Apps stay as they are, but no credential is refused any more."""
        self.state.reset()
        self._desk.cr_origin, self._desk.old_unit = self._desk.origin, "404"
        for app in self.state.apps():
            self.state.register_app(replace(app, refused={}))
        if self._chain != "good":
            self.present("good")
        self.clear_faults()

    def _close_ports(self, origins: Sequence[str]) -> None:
        """Close these; with none, only cut what is open."""
        with self._lock:
            for origin, listener in self._listeners.items():
                if origin in origins:
                    _close(listener)
                elif not origins:
                    listener.cut_connections()

    def _open_ports(self) -> None:
        with self._lock:
            for origin, closed in list(self._listeners.items()):
                refused = self._desk.old_unit == "refused" and origin == self._second_origin != self._desk.cr_origin
                if closed.fileno() < 0 and not refused and not self._desk.stopping.is_set():
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
