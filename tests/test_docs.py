"""What the pages for admins claim of the configuration: settings that exist, defaults that hold, examples that load."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from nacd.config.load import load
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.sim.pki import DemoPki, write_demo_pki

HOME = Path(__file__).resolve().parent.parent
DOCS = HOME / "docs"
PAGES = ("microsoft.md", "compliance.md", "deployment.md", "sessions.md", "policy.md", "shadow.md")
SCHEMA = json.loads((HOME / "config" / "nacd.schema.json").read_text(encoding="utf-8"))
SECRETS = ("campus", "plant", "app-secret")
CREDENTIAL = {"certificate": "certs/app.pem", "private_key": "cred:app.key"}
BASE: Mapping[str, Any] = {
    "clients": [{"name": "campus-switches", "network": "10.20.0.0/16", "secret": "cred:campus", "vendor": "cisco-ios"}],
    "eap": {
        "certificate": "certs/server.pem",
        "private_key": "cred:server.key",
        "client_cas": [{"file": "certs/devices-ca.pem", "may_assert": ["intune_id"]}],
    },
    "intune": {
        "tenant": "contoso.onmicrosoft.com",
        "client_id": "00000000-0000-0000-0000-000000000000",
        "credential": CREDENTIAL,
        "fallback": "graph",
    },
    "actions": {"socket": "/run/nacd-actions/actions.sock"},
    "policy": "policy.yaml",
    "audit": {"file": "audit.jsonl"},
    "state": "state",
}
POLICY = {
    "profiles": {"all": {"vlan": 1}, "quarantine": {"vlan": 999}},
    "rules": [{"name": "all", "when": {"access": "dot1x"}, "then": "all"}],
}


class Snippet(NamedTuple):
    """A fenced block whose first line is a comment with the name of the file that it belongs into."""

    where: str
    file: str
    text: str


def snippets() -> Iterator[Snippet]:
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        for found in re.finditer(r"^```yaml\n# (nacd|policy)\.yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, found.start()) + 1
            yield Snippet(f"{page}:{line}", found[1], found[2])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that the examples name."""
    folder = tmp_path_factory.mktemp("site")
    certs, credentials = folder / "certs", folder / "credentials"
    demo: DemoPki = write_demo_pki(certs)
    shutil.copy(write_demo_pki(folder / "fabrikam").devices_ca, certs / "fabrikam-ca.pem")
    shutil.copy(demo.app, certs / "app-2028.pem")
    credentials.mkdir(mode=0o700)
    for name in ("app.key", "app-2028.key", "server.key"):
        shutil.copy(certs / f"{name.partition('-')[0].removesuffix('.key')}.key", credentials / name)
    for name in SECRETS:
        (credentials / name).write_text(f"sixteen or more of {name}", encoding="utf-8")
    for path in credentials.iterdir():
        path.chmod(0o600)
    (folder / "cleaners.csv").write_text("mac\n00-1B-A9-12-34-56\n", encoding="utf-8")
    return folder


def whole(base: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with this part of a configuration in its place: mappings are joined, anything else is replaced."""
    joined = dict(base)
    for key, value in part.items():
        known = joined.get(key)
        both = isinstance(known, dict) and isinstance(value, dict) and key not in ("intune", "tenants")
        joined[key] = whole(known, value) if both and isinstance(known, dict) else value
    if "tenants" in part:
        joined.pop("intune", None)
    return joined


@pytest.mark.parametrize("snippet", [pytest.param(each, id=each.where) for each in snippets()])
def test_every_example_passes_the_check_in_a_whole_configuration(snippet: Snippet, site: Path) -> None:
    part = yaml.safe_load(snippet.text)
    config = whole(BASE, part) if snippet.file == "nacd" else BASE
    policy = snippet.text if snippet.file == "policy" else json.dumps(POLICY)
    if snippet.file == "policy":
        config = whole(config, {"clients": [{**BASE["clients"][0], "groups": ["campus", "wired"]}]})
    # JSON is YAML, and quotes every text: `06:00` is none to some readers.
    (site / "nacd.yaml").write_text(json.dumps(config), encoding="utf-8")
    (site / "policy.yaml").write_text(policy, encoding="utf-8")
    environment = {**os.environ, "CREDENTIALS_DIRECTORY": str(site / "credentials")}
    assemble(load(site / "nacd.yaml", environment), instant(), allow_demo=True)


def test_the_pages_hold_examples() -> None:
    assert {snippet.where.partition(":")[0] for snippet in snippets()} == set(PAGES) - {"deployment.md"}


# -- tables of settings ---------------------------------------------------------------------------


def rows() -> dict[str, str]:
    """Setting to default, out of every table of compliance.md whose first column is `setting`."""
    found: dict[str, str] = {}
    inside = False
    for line in (DOCS / "compliance.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        inside = line.startswith("|") and (inside or cells[0] == "setting")
        if inside and (named := re.fullmatch(r"`([a-z_.]+)`", cells[0])):
            assert named[1] not in found, f"`{named[1]}` is there twice"
            found[named[1]] = cells[1]
    return found


def resolved(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node of the schema with what it refers to, its own words first."""
    if "$ref" not in node:
        return dict(node)
    there = SCHEMA["$defs"][node["$ref"].rpartition("/")[2]]
    return {**resolved(there), **{key: value for key, value in node.items() if key != "$ref"}}


def leaves(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """Every setting under this node, and its default (None without one)."""
    for name, value in node["properties"].items():
        below = resolved(value)
        if "properties" in below:
            yield from leaves(below, f"{path}.{name}")
        else:
            yield f"{path}.{name}", value.get("default")


SETTINGS = {
    name: default
    for section in ("compliance", "intune")
    for name, default in leaves(resolved(SCHEMA["properties"][section]), section)
}


def test_every_setting_in_a_table_exists_and_every_setting_is_in_a_table() -> None:
    assert set(rows()) == set(SETTINGS)


def test_every_default_in_a_table_is_the_one_of_the_schema() -> None:
    assert rows() == {
        name: str(default) if default not in (None, [], {}) else "-" for name, default in SETTINGS.items()
    }


# -- links ----------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page: its headings, as GitHub spells them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [HOME / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        if file.startswith("http"):
            continue
        there = page.parent / file if file else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert not broken
