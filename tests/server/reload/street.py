"""A daemon in this process that is told to reload, and a NAS that does something in the middle of a login."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from nacd.cli.control.order import give
from nacd.server import daemon
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import Reply
from tests.server.house import SECRET, Site, soon

ACCEPT, REJECT, CHALLENGE, SILENCE = 2, 3, 11, 0


@dataclass(slots=True, kw_only=True)
class Daemon:
    """What a story may do with it. port: where it takes Access-Requests."""

    site: Site
    port: int

    def give(self, order: str, **fields: Any) -> Any:
        return give(self.site.folder / "state", order, **fields)

    def nas(self, secret: bytes = SECRET, source: str = "127.0.0.1", name: str = "switch", **how: Any) -> Nas:
        return Nas("127.0.0.1", secret, self.port, self.port, source=source, name=name, timeout_s=2, tries=1, **how)

    def recorded(self, event: str) -> list[dict[str, Any]]:
        """Whole lines only."""
        lines = self.site.audit.read_text(encoding="utf-8").split("\n")[:-1]
        return [record for record in map(json.loads, lines) if record["event"] == event]


def live(site: Site, monkeypatch: pytest.MonkeyPatch, story: Callable[[Daemon], None]) -> None:
    """Run the daemon in this process; tell the story from outside; stop it."""
    ready = site.folder / "ready.json"
    monkeypatch.setenv("NACD_READY_FILE", str(ready))
    trouble: list[BaseException] = []

    def tell() -> None:
        if not soon(ready.exists, 10):
            return  # it did not start: `run` below says why
        try:
            where = json.loads(ready.read_text(encoding="utf-8"))
            story(Daemon(site=site, port=where["auth"][0][1]))
        except BaseException as wrong:
            trouble.append(wrong)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    outside = threading.Thread(target=tell)
    outside.start()
    try:
        asyncio.run(daemon.run(site.assemble(), allow_demo=True))
    finally:
        outside.join(30)
    for wrong in trouble:
        raise wrong


@dataclass(slots=True)
class Interrupting(Nas):
    """Does something once, after this many answers in EAP."""

    after: int = 1
    then: Callable[[Nas], None] = field(default=lambda nas: None)
    answers: int = 0

    def eap(self, eap: bytes, **more: Any) -> Reply:
        reply = Nas.eap(self, eap, **more)
        self.answers += 1
        if self.answers == self.after:
            self.then(self)
        return reply
