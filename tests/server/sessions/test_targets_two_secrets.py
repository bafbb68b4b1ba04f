"""With which of two secrets a session's NAS is asked, and which one is tried after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nacd.config.load import load
from nacd.server.assembly import Assembled, assemble
from nacd.server.dac.lanes import NO_OVERLAP
from nacd.server.sessions.targets import Asked, Targets
from nacd.values import NO_SECRET, Instant, Secret
from tests.server.sessions.nases import DIGEST, NOW, PROFILES, session

WORDS = {name: f"the-secret-named-{name.lower()}" for name in ("OLD", "NEW", "DAS", "DAS_NEW")}
OLD, NEW, DAS, DAS_NEW = (Secret(word.encode()) for word in WORDS.values())
CLIENTS = """\
clients:
  - {name: plain, network: 10.0.0.0/24, secret: "env:OLD", vendor: generic, dynauth: {}}
  - {name: two, network: 10.0.1.0/24, secret: "env:OLD", next_secret: "env:NEW", vendor: generic, dynauth: {}}
  - {name: own, network: 10.0.2.0/24, secret: "env:OLD", next_secret: "env:NEW", vendor: generic,
     dynauth: {secret: "env:DAS"}}
  - {name: own two, network: 10.0.3.0/24, secret: "env:OLD", vendor: generic,
     dynauth: {secret: "env:DAS", next_secret: "env:DAS_NEW"}}
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""


@pytest.fixture
def assembled(tmp_path: Path) -> Assembled:
    (tmp_path / "nacd.yaml").write_text(CLIENTS)
    (tmp_path / "policy.yaml").write_text(PROFILES)
    loaded = load(tmp_path / "nacd.yaml", WORDS)
    return assemble(replace(loaded, digest=DIGEST), Instant(wall=NOW, monotonic=0.0))


def ask(targets: Targets, name: str, source: str) -> tuple[Secret, Secret]:
    """The secret to ask with, and the one to try after it."""
    there = session("generic", source)
    asked = replace(there, place=replace(there.place, nas=name))
    said = targets.request(targets.rungs(asked, "staff", "fix")[0], asked, "fix")
    assert isinstance(said, Asked)
    return said.secret, said.overlap.other


@pytest.mark.parametrize(
    ("name", "source", "secrets"),
    [
        ("plain", "10.0.0.7", (OLD, NO_SECRET)),
        ("two", "10.0.1.7", (OLD, NEW)),
        ("own", "10.0.2.7", (DAS, NO_SECRET)),
        ("own two", "10.0.3.7", (DAS, DAS_NEW)),
    ],
)
def test_the_secret_in_force_comes_first_and_dynauths_own_stands_above_the_nas(
    assembled: Assembled, name: str, source: str, secrets: tuple[Secret, Secret]
) -> None:
    assert ask(Targets(assembled), name, source) == secrets


def test_what_a_nas_sends_with_is_tried_first_until_it_has_answered(assembled: Assembled) -> None:
    targets = Targets(assembled)
    client = assembled.table.find("10.0.1.7")
    assert client is not None
    targets.seen.saw(client, NEW, "10.0.1.7", NOW)
    assert ask(targets, "two", "10.0.1.7") == (NEW, OLD)
    assert ask(targets, "two", "10.0.1.8") == (OLD, NEW)
    targets.renew(assembled)
    assert ask(targets, "two", "10.0.1.7") == (NEW, OLD)


def test_what_it_answered_with_is_tried_first_from_then_on(assembled: Assembled) -> None:
    targets = Targets(assembled)
    there = session("generic", "10.0.3.7")
    asked = replace(there, place=replace(there.place, nas="own two"))
    said = targets.request(targets.rungs(asked, "staff", "fix")[0], asked, "fix")
    assert isinstance(said, Asked)
    said.overlap.answered(DAS_NEW)
    assert ask(targets, "own two", "10.0.3.7") == (DAS_NEW, DAS)
    assert ask(targets, "own two", "10.0.3.8") == (DAS, DAS_NEW)


def test_a_nas_with_one_secret_is_asked_as_ever(assembled: Assembled) -> None:
    there = session("generic", "10.0.0.7")
    asked = replace(there, place=replace(there.place, nas="plain"))
    targets = Targets(assembled)
    said = targets.request(targets.rungs(asked, "staff", "fix")[0], asked, "fix")
    assert isinstance(said, Asked)
    assert said.overlap is NO_OVERLAP
