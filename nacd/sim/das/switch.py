"""A switch with endpoints on it: they log in, are accounted for, and come back when a request says so.

Knows: a session from login to Stop, which requests fit it (RFC 5176 section 3), and what each verb does to it.
Refuses to know: what the server decides. One thread asks the server, one after another, as ``Nas`` wants it.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from nacd.sim.das.answers import ACK, Answer, Script, nak
from nacd.sim.das.heard import DEMANDS, Demand, Heard
from nacd.sim.das.listener import Das
from nacd.sim.nas import Key, Nas, spell_mac
from nacd.sim.nas_reply import Reply, Value

MISSING_ATTRIBUTE, NAS_MISMATCH, NO_SESSION, SEVERAL_SESSIONS = 402, 403, 503, 508
_ACCEPT = 2
_COMMAND = "subscriber:command="
_AUDIT = "audit-session-id="
_OF_THE_NAS = frozenset({"NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address"})
_NEITHER = frozenset({"Message-Authenticator", "Event-Timestamp", "Proxy-State"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Whatever is plugged in. login: how it logs in through that NAS; user: its name in accounting.

    port: of the switch, 0: one of its own. It says so in NAS-Port and, by name, in NAS-Port-Id.
    """

    mac: str
    login: Callable[[Nas], Reply]
    user: str = ""
    port: int = 0


@dataclass(slots=True, kw_only=True)
class Session:
    """One endpoint that was let in. reply: the Accept. pushed: attributes of the last CoA-Request that changed it."""

    endpoint: Endpoint
    session_id: str
    audit_session_id: str
    port: int
    reply: Reply
    started: float = field(default_factory=time.monotonic)
    pushed: tuple[tuple[str, Value], ...] = ()


class Switch:
    """A NAS that can be asked to change its sessions; it listens while it is entered.

    script: answers instead of doing anything, for a switch that lies or is broken; ``None`` or what it gives None
    for: it does what it is asked. back_s: how long an endpoint needs until it logs in again. accounts: Start,
    Interim-Update and Stop. host, port, demands: of its Dynamic Authorization Server.
    """

    def __init__(
        self,
        nas: Nas,
        *,
        script: Callable[[Heard], Sequence[Answer] | None] | Script | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        demands: frozenset[Demand] = DEMANDS,
        back_s: float = 0.0,
        accounts: bool = True,
    ) -> None:
        self.nas = nas
        self.das = Das(nas.secret, self._answer, host=host, port=port, demands=demands)
        self.logins: list[tuple[str, Reply]] = []
        """(MAC, the last reply) of every login, in order."""
        self.troubles: list[BaseException] = []
        """What went wrong in the worker's own time."""
        self.script = script
        self._back_s = back_s
        self._accounts = accounts
        self._numbers = itertools.count(1)
        self._ports: dict[str, int] = {}
        self._boot = _boot_name()
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        self.das.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.das.close()
        self._worker.shutdown(cancel_futures=True)
        self.nas.close()

    @property
    def sessions(self) -> list[Session]:
        """Those that are on now."""
        with self._lock:
            return list(self._sessions.values())

    def session(self, mac: str) -> Session | None:
        """The session of that endpoint."""
        plain = spell_mac(mac, "aabbccddeeff")
        return next((one for one in self.sessions if spell_mac(one.endpoint.mac, "aabbccddeeff") == plain), None)

    def plug_in(self, endpoint: Endpoint) -> Future[Session | None]:
        """It logs in; None: it was not let in. The future fails with what ``endpoint.login`` raises."""
        return self._worker.submit(self._log_in, endpoint)

    def unplug(self, mac: str) -> Future[None]:
        """The cable is out. Raises KeyError if there is no such session."""
        found = self.session(mac)
        if found is None:
            raise KeyError(mac)
        return self._worker.submit(self._end, found, "Lost-Carrier")

    def interim(self, mac: str) -> Future[None]:
        """An Interim-Update. Raises KeyError if there is no such session."""
        found = self.session(mac)
        if found is None:
            raise KeyError(mac)
        return self._worker.submit(self._account, "Interim-Update", found)

    def restart(self) -> Future[None]:
        """Power is gone and comes back: no session is left, nobody says Stop, and the switch says Accounting-On."""
        return self._worker.submit(self._boot_again)

    # -- what it is asked, in the listener's thread

    def _answer(self, heard: Heard) -> Sequence[Answer]:
        scripted = self.script(heard) if self.script is not None else None
        if scripted is not None:
            return scripted
        named = [(name, value) for name, value in heard.attributes if _names(name, value)]
        if any(name == "NAS-Identifier" and value != self.nas.name for name, value in named):
            return (nak(NAS_MISMATCH),)
        about = [(name, value) for name, value in named if name not in _OF_THE_NAS]
        if not about:
            return (nak(MISSING_ATTRIBUTE),)
        with self._lock:
            fitting = [one for one in self._sessions.values() if all(_fits(one, *each) for each in about)]
            if len(fitting) != 1:
                return (nak(SEVERAL_SESSIONS if fitting else NO_SESSION),)
            return (self._obey(heard, fitting[0]),)

    def _obey(self, heard: Heard, session: Session) -> Answer:
        if heard.verb == "disconnect":
            self._sessions.pop(session.session_id)
            self._later(self._come_back, session, "Admin-Reset")
            return ACK
        pairs = [str(value) for value in heard.all("Cisco-AVPair")]
        command = next((pair.removeprefix(_COMMAND) for pair in pairs if pair.startswith(_COMMAND)), "")
        if command == "reauthenticate":
            self._later(self._log_in_again, session)
            return ACK
        if command == "bounce-host-port":
            self._sessions.pop(session.session_id)
            self._later(self._come_back, session, "Lost-Carrier")
            return ACK
        rest = tuple(each for each in heard.attributes if each[0] not in _NEITHER and not _names(*each))
        if not rest:
            return nak(MISSING_ATTRIBUTE)
        session.pushed = rest
        self._later(self._account, "Interim-Update", session)
        return ACK

    def _later(self, what: Callable[..., None], *about: object) -> None:
        def done(future: Future[None]) -> None:
            if not future.cancelled() and (trouble := future.exception()) is not None:
                self.troubles.append(trouble)

        self._worker.submit(what, *about).add_done_callback(done)

    # -- what it does, in the worker's thread

    def _log_in(self, endpoint: Endpoint) -> Session | None:
        number = next(self._numbers)
        session = Session(
            endpoint=endpoint,
            session_id=f"{self._boot}-{number:08X}",
            audit_session_id=f"{self._boot}{number:016X}",
            port=endpoint.port or self._ports.setdefault(endpoint.mac, len(self._ports) + 1),
            reply=Reply(),
        )
        if not self._ask(session):
            return None
        with self._lock:
            self._sessions[session.session_id] = session
        self._account("Start", session)
        return session

    def _ask(self, session: Session) -> bool:
        """Log in under this session's names; whether it may stay."""
        kept = self.nas.extra
        self.nas.extra = (*kept, *_names_of(session))
        self._at_port_of(session)
        try:
            session.reply = session.endpoint.login(self.nas)
        finally:
            self.nas.extra = kept
        self.logins.append((session.endpoint.mac, session.reply))
        return session.reply.code == _ACCEPT

    def _at_port_of(self, session: Session) -> None:
        self.nas.nas_port, self.nas.nas_port_id = session.port, _port_id(session)

    def _log_in_again(self, session: Session) -> None:
        time.sleep(self._back_s)
        if self._ask(session):
            self._account("Interim-Update", session)
        else:
            self._end(session, "Admin-Reset")

    def _come_back(self, session: Session, cause: str) -> None:
        self._account("Stop", session, cause)
        time.sleep(self._back_s)
        self._log_in(session.endpoint)

    def _boot_again(self) -> None:
        with self._lock:
            self._sessions.clear()
        self._boot = _boot_name()
        self.das.forget()
        if self._accounts:
            self.nas.accounting("Accounting-On")

    def _end(self, session: Session, cause: str) -> None:
        with self._lock:
            self._sessions.pop(session.session_id, None)
        self._account("Stop", session, cause)

    def _account(self, status: str, session: Session, cause: str = "") -> None:
        if not self._accounts:
            return
        extra: list[tuple[Key, Value]] = [("Cisco-AVPair", f"{_AUDIT}{session.audit_session_id}")]
        extra += [("Class", value) for value in session.reply.all("Class") if isinstance(value, bytes)]
        if status != "Start":
            extra.append(("Acct-Session-Time", int(time.monotonic() - session.started)))
        if cause:
            extra.append(("Acct-Terminate-Cause", cause))
        user, mac = session.endpoint.user, session.endpoint.mac
        self._at_port_of(session)
        self.nas.accounting(status, session_id=session.session_id, user=user, mac=mac, extra=extra)


def _boot_name() -> str:
    """What the names of this boot's sessions begin with."""
    return os.urandom(4).hex().upper()


def _names_of(session: Session) -> Iterable[tuple[Key, Value]]:
    """What the session is called in an Access-Request."""
    return (
        ("Acct-Session-Id", session.session_id),
        ("Cisco-AVPair", f"{_AUDIT}{session.audit_session_id}"),
    )


_NAMING = _OF_THE_NAS | {"Acct-Session-Id", "Calling-Station-Id", "User-Name", "NAS-Port", "NAS-Port-Id"}


def _names(name: str, value: Value) -> bool:
    """Whether the attribute says which NAS or which session is meant."""
    return name in _NAMING or (name == "Cisco-AVPair" and str(value).startswith(_AUDIT))


def _port_id(session: Session) -> str:
    return f"GigabitEthernet1/0/{session.port}"


def _fits(session: Session, name: str, value: Value) -> bool:
    """Whether the session is what the attribute says."""
    if name == "Acct-Session-Id":
        return value == session.session_id
    if name == "Cisco-AVPair":
        return value == f"{_AUDIT}{session.audit_session_id}"
    if name == "User-Name":
        return value == session.endpoint.user
    if name == "NAS-Port":
        return value == session.port
    if name == "NAS-Port-Id":
        return value == _port_id(session)
    if name == "Calling-Station-Id":
        try:
            return spell_mac(str(value), "aabbccddeeff") == spell_mac(session.endpoint.mac, "aabbccddeeff")
        except ValueError:
            return False
    return False
