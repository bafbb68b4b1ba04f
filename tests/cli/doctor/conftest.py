"""A configuration on disk that asks a simulated Microsoft, and ``nacd doctor`` about it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, TENANT

RADIUS_SECRET = "planted-radius-secret-4711"
_TENANT = """\
  {{cloud: custom, tenant: {tenant}, client_id: {client_id}, credential: {{secret: "file:app.secret",
   expires: "{expires}"}}, authority: {root}, graph: {root}, resource: "https://api.manage.microsoft.com/",
   host_suffixes: [.manage.microsoft.com], allowed_hosts: {hosts}, ca_file: {ca_file}{more}}}
"""
_REST = """\
clients: [{name: switch, network: 10.1.0.1, secret: "file:radius.secret", vendor: cisco-ios}]
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""
POLICY = """\
profiles: {corporate: {vlan: 120}}
rules: [{name: healthy, when: {compliance: compliant}, then: corporate}]
"""


@dataclass(frozen=True, slots=True)
class Place:
    """One configuration. sim: whom it asks."""

    folder: Path
    sim: IntuneSimulator

    @property
    def config(self) -> Path:
        return self.folder / "nacd.yaml"

    def write(self, *tenants: str, more: str = "", rest: str = "", expires: str = "2099-12-31") -> Path:
        """The configuration anew; without names one ``intune`` section. more: keys of each, beginning with a comma."""
        section = _TENANT.format(
            tenant=TENANT,
            client_id=CLIENT_ID,
            root=self.sim.base_url,
            hosts=json.dumps(self.sim.unit_hosts),
            ca_file=self.sim.ca_file,
            more=more,
            expires=expires,
        )
        named = "tenants:\n" + "".join(f"  {name}:\n  {section}" for name in tenants)
        self.config.write_text((named if tenants else f"intune:\n{section}") + _REST + rest)
        return self.config

    def secret(self, name: str, text: str) -> None:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text)


@pytest.fixture(scope="session")
def running() -> Iterator[IntuneSimulator]:
    with IntuneSimulator() as simulator:
        yield simulator


@pytest.fixture
def place(running: IntuneSimulator, tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path, running)
    made.secret("app.secret", CLIENT_SECRET)
    made.secret("radius.secret", RADIUS_SECRET)
    (tmp_path / "policy.yaml").write_text(POLICY)
    made.write()
    (tmp_path / "state").mkdir()
    yield made
    running.reset()
    running.present("good")


@dataclass(frozen=True, slots=True)
class Done:
    """What came out, in both forms of report."""

    exit_code: int
    text: str

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    def steps(self, tenant: str = "intune") -> dict[str, dict[str, Any]]:
        """Of a tenant, or of the machine itself for ``""``."""
        rows = self.report["tenants"][tenant]["steps"] if tenant else self.report["steps"]
        return {row["name"]: row for row in rows}


Doctor = Callable[..., Done]


@pytest.fixture
def doctor(place: Place) -> Doctor:
    """``doctor("--json")``: in this process, nobody at the terminal. words: as written on the command line."""

    def run(*words: str, typed: str = "") -> Done:
        done = CliRunner(env={**os.environ, "TERM": "dumb"}).invoke(
            app, ["doctor", "--config", str(place.config), *words], input=typed
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.output)

    return run
