"""The record of actions: who wanted what done to which device, and what became of it.

Knows: what a record holds, and that the file is shared by the command line and the service. Refuses to know: Graph,
and why somebody wants something.

Theory: the file is opened for one record and closed again, because its lock lets one process write and two want to.
A record is written before an action is sent (`requested`) and after (`done`, `failed`, `unknown`): the first with
nothing after it says that the machine stopped in between.
"""

from __future__ import annotations

import os
import pwd
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from nacd.errors import AuditRefused
from nacd.store.trail.log import AuditLog
from nacd.store.trail.writing.options import Options
from nacd.values import AuditEvent, AuditValue

REQUESTED: Final = "D0001I"
DONE: Final = "D0002I"
FAILED: Final = "D0003W"
UNKNOWN: Final = "D0004E"
DECLINED: Final = "D0005I"
REFUSED: Final = "D0006W"
REPEATED: Final = "D0007I"

EVENTS: Final[Mapping[str, str]] = {
    REQUESTED: "action requested",
    DONE: "action done",
    FAILED: "action failed",
    UNKNOWN: "action unknown",
    DECLINED: "action declined",
    REFUSED: "request refused",
    REPEATED: "request repeated",
}
"""Code to name. `D` is for device actions; the last letter is as in the daemon's own codes."""

_HEAD: Final = "audit"
_PATIENCE_S = 2.0
_AGAIN_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who wants it. uid: of the process that asked. sudo_user: who stands behind it, ``""`` if nobody says so."""

    uid: int
    user: str = ""
    sudo_user: str = ""


def who(uid: int, sudo_user: str = "") -> Who:
    """The account behind a number; the number itself as text where it has no name."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Who(uid=uid, user=name, sudo_user=sudo_user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action, as far as it is known. by: ``command`` or ``service``. name: the device's, ``""`` if not looked up.
    more: what else the record should say (options of a wipe); never a secret."""

    verb: str
    device: str
    tenant: str
    who: Who
    by: str
    name: str = ""
    more: Mapping[str, AuditValue] = field(default_factory=dict)


@cache
def _version() -> str:
    try:
        return version("nacd")
    except PackageNotFoundError:
        return "unknown"


class Journal:
    """Appends records to the actions' audit file. Thread-safe."""

    def __init__(self, path: Path, state: Path | None = None) -> None:
        """Nothing is opened yet. state: the service's folder, where it is kept how far the file has come."""
        self._path = path
        self._state = state
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """Where the records are."""
        return self._path

    def write(self, code: str, deed: Deed, why: str = "", **more: AuditValue) -> None:
        """One record, in the file when this returns; ``REQUESTED`` outlives a power cut then, for the deed follows.

        why: a sentence. Raises AuditRefused, and then nothing may be done.
        """
        fields: dict[str, AuditValue] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "code": code,
            "event": EVENTS[code],
            "why": why,
            "verb": deed.verb,
            "device": {"id": deed.device, "name": deed.name},
            "tenant": deed.tenant,
            "by": deed.by,
            "who": {"uid": deed.who.uid, "user": deed.who.user, "sudo_user": deed.who.sudo_user},
            **deed.more,
            **more,
        }
        self._append(AuditEvent(code=code, fields=fields))

    def check(self) -> None:
        """Whether a record could be begun now. Raises AuditRefused if not; writes nothing."""
        with self._lock:
            self._opened().close()

    def _append(self, event: AuditEvent) -> None:
        with self._lock:
            log = self._opened()
            try:
                log.append(event)
                if event.code == REQUESTED:
                    log.keep()
            finally:
                log.close()

    def _options(self) -> Options:
        """The head is left alone by whoever may not use the service's folder: it is behind the file then."""
        mine = self._state is not None and os.access(self._state, os.R_OK | os.W_OK | os.X_OK)
        head = self._state / _HEAD if self._state is not None and mine else None
        return Options(head=head, version=_version())

    def _opened(self) -> AuditLog:
        """The file with its lock; waits a moment for the other process that writes it."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                # A file that root makes goes to the owner of its folder: the service could not write it otherwise.
                return AuditLog(self._path, hand_over=True, options=self._options())
            except AuditRefused as refused:
                if not isinstance(refused.__cause__, BlockingIOError) or time.monotonic() > until:
                    raise
                time.sleep(_AGAIN_S)
