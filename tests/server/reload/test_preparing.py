"""A configuration read anew, beside the one in force."""

from __future__ import annotations

import errno
import sys
import threading
from pathlib import Path

import pytest

from nacd.eap.conversation import Ongoing
from nacd.errors import ConfigError
from nacd.server.assembly import Assembled
from nacd.server.clock import instant, random_octets
from nacd.server.lookups import building
from nacd.server.reload import preparing
from nacd.server.reload.generation import Shared
from nacd.server.reload.preparing import Files, cannot
from tests.server.house import Site

NO_INTUNE = """\
server: {auth: "127.0.0.1:0", accounting: "127.0.0.1:0"}
clients:
  - {name: switch, network: 127.0.0.1, secret: "file:secrets/nas", vendor: cisco-ios}
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""
POLICY = "profiles:\n  p: {vlan: 1}\nrules:\n  - {name: all, when: {access: mab}, then: p}\n"


@pytest.fixture
def before(site: Site) -> Assembled:
    site.write("nacd.yaml", NO_INTUNE)
    site.write("policy.yaml", POLICY)
    return site.assemble()


@pytest.fixture
def files(site: Site, before: Assembled) -> Files:
    asking = building.build(before, instant, report=lambda _: None)
    shared = Shared(ongoing=Ongoing(), random=random_octets)
    return Files(config=site.config, allow_demo=True, shared=shared, asking=asking, clock=instant)


def test_what_is_prepared_has_its_number_its_changes_and_its_text_in_the_archive(
    site: Site, files: Files, before: Assembled
) -> None:
    site.change("vlan: 1", "vlan: 2", file="policy.yaml")
    made = files.prepare(before, 5)
    assert made.generation.number == 5
    assert "profile `p` changed" in made.changes
    assert (site.folder / "state" / "policies" / f"{made.generation.policy_digest}.txt").is_file()
    assert made.block["generation"] == 5
    assert made.block["digest"] == made.generation.assembled.loaded.config_digest


def test_faults_are_raised_and_nothing_is_archived(site: Site, files: Files, before: Assembled) -> None:
    site.change("then: p", "then: q", file="policy.yaml")
    with pytest.raises(ConfigError, match="`q`"):
        files.prepare(before, 2)
    assert not (site.folder / "state" / "policies").exists()


def test_the_interpreter_is_shared_fairly_meanwhile_and_as_usual_afterwards(
    site: Site, files: Files, before: Assembled, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, meanwhile = sys.getswitchinterval(), []
    real = preparing.load

    def load(path: Path) -> object:
        meanwhile.append(sys.getswitchinterval())
        return real(path)

    monkeypatch.setattr(preparing, "load", load)
    work = threading.Thread(target=lambda: files.prepare(before, 2))
    work.start()
    work.join(20)
    assert meanwhile[0] < usual / 5
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_what_could_not_be_written_is_named() -> None:
    assert cannot(OSError(errno.ENOSPC, "No space left on device", "/x")) == "`/x`: no space left on device"
    assert cannot(OSError("odd")) == "odd"
