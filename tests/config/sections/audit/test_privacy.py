"""What may be written under `audit.privacy`, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nacd.audit.privacy.kinds import Kind, Treatment
from nacd.config.load import load
from nacd.config.sections.audit.privacy import Privacy
from nacd.errors import ConfigError
from nacd.server.trail.building import options
from tests.server.house import Pki, Site

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture
def site(tmp_path: Path, pki: Pki) -> Site:
    made = Site(tmp_path, pki)
    made.write("secrets/pseudonyms", KEY, 0o600)
    return made


def told(site: Site, privacy: str) -> Privacy:
    site.change("audit: {file: audit.jsonl", f"audit: {{file: audit.jsonl, privacy: {privacy}")
    return load(site.config).settings.audit.privacy


def refused(site: Site, privacy: str) -> str:
    with pytest.raises(ConfigError) as wrong:
        told(site, privacy)
    (problem,) = wrong.value.problems
    return str(problem)


def test_nothing_is_hidden_by_default_and_no_record_is_gone_over(site: Site) -> None:
    settings = load(site.config).settings
    assert not settings.audit.privacy.choice.hides
    assert options(settings.audit).veil is None


def test_groups_and_fields_are_chosen(site: Site) -> None:
    found = told(
        site, '{users: hash, macs: remove, fields: {endpoint.client_agent: remove}, key: "file:secrets/pseudonyms"}'
    )
    assert dict(found.choice.kinds) == {Kind.USER: Treatment.HASH, Kind.MAC: Treatment.REMOVE}
    assert dict(found.choice.fields) == {"endpoint.client_agent": Treatment.REMOVE}
    assert options(load(site.config).settings.audit).veil is not None
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("privacy", "words"),
    [
        ("{users: hash}", "`hash` needs `key`"),
        ("{fields: {nas.location: hash}}", "`hash` needs `key`"),
        ("{users: maybe}", "`maybe`"),
        ("{fields: {endpoint.usr_name: remove}}", "no field of any record, did you mean `endpoint.user_name`?"),
        ("{fields: {colour: remove}}", "no field of any record: docs/audit-events.md has them all"),
        ("{fields: {seq: remove}}", "cannot be hidden"),
        ("{fields: {link: remove}}", "cannot be hidden"),
        ("{fields: {checkpoint.signature: remove}}", "cannot be hidden"),
        ("{fields: {endpoint.mac: keep}}", "`keep`"),
        ('{macs: hash, key: "file:secrets/app"}', "this key is too short, 32 octets are wanted"),
    ],
)
def test_what_cannot_be_is_an_error_at_its_place(site: Site, privacy: str, words: str) -> None:
    said = refused(site, privacy)
    assert words in said
    assert said.startswith(f"{site.config}:")
    _, line, column, *_ = said.removeprefix(str(site.folder)).split(":")
    text: Any = site.config.read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert "privacy" in text
    assert 0 < int(column) <= len(text)
