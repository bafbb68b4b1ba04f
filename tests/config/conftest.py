"""A site: a folder with a small valid configuration that a test can spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from nacd.config.fields import Surroundings
from nacd.config.load import Loaded, load
from nacd.config.wording import read
from nacd.config.yaml import parse
from nacd.errors import ConfigError

CONFIG = """\
clients:
  - {name: sw, network: 10.0.0.0/24, secret: "file:secrets/sw", vendor: cisco-ios, groups: [wired]}
  - {name: vpn, network: 10.9.0.4, secret: "env:VPN_SECRET", vendor: cisco-asa, authentication: done_by_nas}
intune:
  tenant: contoso.onmicrosoft.com
  client_id: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11
  credential: {secret: "env:APP_SECRET"}
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""
POLICY = """\
profiles:
  corp: {vlan: 120, session_timeout: 8h}
rules:
  - {name: good, when: {access: dot1x, identity: certificate, compliance: compliant}, then: corp}
"""
SECRET = "correct-horse-battery-staple"


class Site:
    """A configuration on disk, written anew for each test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"VPN_SECRET": SECRET, "APP_SECRET": "x"}
        self.write("nacd.yaml", CONFIG)
        self.write("policy.yaml", POLICY)
        self.write("secrets/sw", SECRET + "\n", mode=0o600)

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def change(self, old: str, new: str, *, file: str = "nacd.yaml") -> Site:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return self

    def load(self) -> Loaded:
        return load(self.folder / "nacd.yaml", self.environment)

    def problems(self) -> list[str]:
        """What is said of a configuration that is refused."""
        with pytest.raises(ConfigError) as refused:
            self.load()
        assert SECRET not in str(refused.value)
        return [str(problem).replace(f"{self.folder}/", "") for problem in refused.value.problems]

    def notes(self) -> list[str]:
        """Place and words of each, without its code."""
        return [str(replace(note, code="")).replace(f"{self.folder}/", "") for note in self.load().notes]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def example(tmp_path: Path) -> Site:
    """The examples that are shipped, with the files they speak of."""
    site = Site(tmp_path)
    for path in (Path(__file__).parents[2] / "config").iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path / path.name)
    for name in ("campus", "wifi", "vpn"):
        site.write(f"secrets/{name}", SECRET, mode=0o600)
    for name in ("server.pem", "server.key", "devices-ca.pem", "users-ca.pem", "app.pem", "app.key"):
        site.write(f"certs/{name}", "PEM", mode=0o600)
    return site


@pytest.fixture
def section(tmp_path: Path) -> Callable[..., object]:
    """Reads one model from YAML: the value, or the list of messages."""

    def build(model: type[BaseModel], text: str, environment: dict[str, str] | None = None) -> object:
        document, problems = parse(text.encode(), "f")
        value, more = read(model, document, Surroundings(folder=tmp_path, environment=environment or {}))
        found = [
            f"{p.line}:{p.column}: {p.message}" for p in sorted((*problems, *more), key=lambda p: (p.line, p.column))
        ]
        return found or value

    return build
