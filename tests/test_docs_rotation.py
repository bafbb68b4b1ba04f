"""What docs/rotation.md claims: examples that load, commands that exist, events under the names and codes they have."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from nacd.audit.catalogue import EVENTS
from nacd.cli.main import app
from nacd.config.load import load
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.sim.pki import write_demo_pki

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "rotation.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = sorted(set(re.findall(r"^(?:\$ |    )(nacd [a-z].*)$|`(nacd [a-z][^`]*)`", PAGE, re.MULTILINE)))
CLIENT = "name: campus-switches\n    network: 10.20.0.0/16\n    vendor: cisco-ios\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that the examples name."""
    folder = tmp_path_factory.mktemp("site")
    certs, secrets = folder / "certs", folder / "secrets"
    write_demo_pki(certs)
    other = write_demo_pki(folder / "next")
    shutil.copy(other.devices_ca, certs / "devices-ca-2028.pem")
    secrets.mkdir()
    for name in ("campus", "campus-2028", "app", "app-2029"):
        (secrets / name).write_text(f"sixteen or more of {name}", encoding="utf-8")
    for name in ("audit.key", "audit-2028.key"):
        assert CliRunner().invoke(app, ["audit", "keygen", "--out", str(secrets / name)]).exit_code == 0
    for path in (*secrets.iterdir(), certs / "server.key"):
        path.chmod(0o600)
    (folder / "policy.yaml").write_text(
        json.dumps(
            {"profiles": {"all": {"vlan": 1}}, "rules": [{"name": "all", "when": {"access": "mab"}, "then": "all"}]}
        )
    )
    return folder


def whole(snippet: str) -> dict[str, Any]:
    """A configuration with this part in its place; a part of a client is indented as it stands there."""
    usual: dict[str, Any] = {
        "clients": [{"name": "a", "network": "10.1.0.1", "secret": "file:secrets/campus", "vendor": "generic"}],
        "policy": "policy.yaml",
        "audit": {"file": "audit.jsonl"},
        "state": "state",
    }
    if snippet.startswith(" "):
        snippet = f"clients:\n  - {CLIENT}{snippet}"
    return {**usual, **yaml.safe_load(snippet)}


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_every_example_loads(number: int, site: Path) -> None:
    (site / "nacd.yaml").write_text(json.dumps(whole(SNIPPETS[number])), encoding="utf-8")
    assemble(load(site / "nacd.yaml", os.environ), instant(), allow_demo=True)


def test_the_page_has_examples() -> None:
    assert len(SNIPPETS) == 5


@pytest.mark.parametrize("command", [line or inline for line, inline in COMMANDS])
def test_every_command_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    options = [word for word in words if word.startswith("--")]
    verbs: list[str] = []
    for word in words:
        if word.startswith("-") or len(verbs) == 2 or not word.isalpha():
            break
        verbs.append(word)
    done = CliRunner().invoke(app, [*verbs, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 0, f"{verbs}: {done.output}"
    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.output)
    assert [option for option in options if option not in shown] == []


def test_events_are_called_as_they_are() -> None:
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`(?: \(?|\s\()?(A\d{4}[IWE])", PAGE))
    assert len(named) >= 8
    assert {(EVENTS[code].name, code) for _, code in named} == named


def test_every_event_about_secrets_certificates_and_credentials_is_on_the_page() -> None:
    ours = {row.name for code, row in EVENTS.items() if "A9160" <= code < "A9180"}
    assert {name for name in ours if f"`{name}`" not in PAGE} == set()
