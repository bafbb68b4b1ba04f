"""A stage for device actions: the simulated Microsoft with an app registration for actions, and an actions.yaml."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from nacd.config.actions_file import LoadedActions, load_actions
from nacd.intune.graph.actions import PRIVILEGED, READ, READ_WRITE, GraphActions
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.state import App
from tests.records import told

LAPTOP = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
PHONE = "7c1d9a52-0f3e-4d6a-8b27-93e4d5f60718"
ENTRA = "d4b1c2a3-5e6f-4708-9a1b-2c3d4e5f6071"
NOBODYS = "99999999-8888-4777-8666-555555555555"
CLIENT_ID = "00000000-0000-4000-8000-0000000000bb"
SECRET = "secret-of-the-app-for-actions"
ALL_ROLES = (READ, PRIVILEGED, READ_WRITE)


@dataclass(slots=True)
class Stage:
    """One test's files and tenant. changes: laid over the configuration, by dotted path; None takes a key away."""

    folder: Path
    microsoft: IntuneSimulator
    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "actions.yaml"

    @property
    def audit(self) -> Path:
        return self.folder / "log" / "audit.jsonl"

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    def grant(self, *roles: str) -> None:
        """What the app may do, from now on (a token in somebody's hand keeps what it says)."""
        self.microsoft.register_app(App(client_id=CLIENT_ID, secret=SECRET, intune_roles=(), graph_roles=roles))

    def write(self, **changes: Any) -> Path:
        """``write(service__rate=50)``: actions.yaml anew."""
        self.changes |= {name.replace("__", "."): value for name, value in changes.items()}
        key = self.folder / "app.secret"
        key.touch(mode=0o600)
        key.write_text(SECRET)
        settings: dict[str, Any] = {
            "intune": {
                "cloud": "custom",
                "tenant": self.microsoft.tenant,
                "client_id": CLIENT_ID,
                "credential": {"secret": f"file:{key}"},
                "ca_file": self.microsoft.ca_file,
                "authority": self.microsoft.base_url,
                "graph": self.microsoft.base_url,
            },
            "audit": {"file": str(self.audit)},
            "service": {
                "socket": str(self.socket),
                "senders": [os.getuid()],
                "state": str(self.folder / "state"),
                "rate": 50,
            },
        }
        for name, value in self.changes.items():
            *above, last = name.split(".")
            section = settings
            for step in above:
                section = section.setdefault(step, {})
            section.pop(last, None) if value is None else section.__setitem__(last, value)
        self.config.write_text(yaml.safe_dump(settings))
        return self.config

    def load(self, **changes: Any) -> LoadedActions:
        return load_actions(self.write(**changes))

    def graph(self, **changes: Any) -> GraphActions:
        from nacd.actions.tenants import tenants

        return next(iter(tenants(self.load(**changes)).values()))

    def records(self) -> list[dict[str, Any]]:
        """The audit file, without what the trail says of itself."""
        if not self.audit.exists():
            return []
        return told(self.audit.read_text())

    def done(self) -> list[tuple[str, str]]:
        """The actions that Microsoft saw: verb and device."""
        return [(seen.verb, seen.value) for seen in self.microsoft.history("action")]


def soon(seconds: float = 10.0) -> float:
    """A deadline, monotonic."""
    return time.monotonic() + seconds


def eventually(condition: Callable[[], Any], within_s: float = 20.0) -> Any:
    """What the condition becomes; fails when that stays nothing."""
    until = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.005)
    return found
