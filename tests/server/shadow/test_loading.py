"""The candidate is read as the live policy is, and whatever is wrong with it stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.errors import ConfigError
from nacd.server.shadow import loading
from nacd.server.shadow.loading import NO_SHADOW, Faulty, Ready, find
from tests.server.conftest import pki, site
from tests.server.house import PRINTER_MAC, Site

__all__ = ["pki", "site"]
NEXT = """\
profiles:
  corporate: {vlan: 120, session_timeout: 8h}
  printers:  {vlan: 150}
rules:
  - {name: known printers, when: {access: mab, mac_in: next/printers.csv}, then: printers}
  - {name: everybody, when: {access: dot1x}, then: corporate}
"""


@pytest.fixture
def tried(site: Site) -> Callable[[str], Any]:
    """What becomes of this candidate."""
    (site.folder / "next").mkdir()
    site.write("next/printers.csv", f"mac,note\n{PRINTER_MAC},third floor\n")
    site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: next.yaml")

    def told(text: str) -> Any:
        site.write("next.yaml", text)
        return find(site.assemble())

    return told


def lines(found: Faulty | Ready, site: Site) -> list[str]:
    problems = found.problems if isinstance(found, Faulty) else found.notes
    return [str(each).replace(f"{site.folder}/", "") for each in problems]


def test_without_the_setting_there_is_none(site: Site) -> None:
    assert find(site.assemble()) is NO_SHADOW


def test_one_that_is_sound_has_its_own_profiles_and_lists(tried: Callable[[str], Any], site: Site) -> None:
    found = tried(NEXT)
    assert isinstance(found, Ready)
    assert (found.rules, found.profiles, found.notes) == (2, 2, ())
    assert found.file == str(site.folder / "next.yaml")
    assert found.live_digest == site.assemble().loaded.digest != found.digest


def test_its_digest_covers_its_lists(tried: Callable[[str], Any], site: Site) -> None:
    before = tried(NEXT).digest
    site.write("next/printers.csv", "mac\n00-11-85-AA-BB-CD\n")
    assert tried(NEXT).digest != before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NEXT.replace("then: printers", "then: printer"), "next.yaml:5:82: there is no profile `printer`"),
        (NEXT.replace("next/printers.csv", "nowhere.csv"), "next.yaml:5:"),
        ("rules: [", "next.yaml:"),
        ("- 1\n- 2\n", "next.yaml:"),
        ("\x00\xff", "next.yaml"),
        ("", "next.yaml"),
    ],
)
def test_one_that_is_faulty_is_none_and_says_why_with_its_place(
    tried: Callable[[str], Any], site: Site, text: str, told: str
) -> None:
    found = tried(text)
    assert isinstance(found, Faulty)
    assert any(line.startswith(told) for line in lines(found, site)), lines(found, site)


def test_a_file_that_is_not_there_is_a_fault_and_not_a_refusal(site: Site) -> None:
    site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: next.yaml")
    found = find(site.assemble())
    assert isinstance(found, Faulty)
    assert lines(found, site) == ["next.yaml: cannot be read: no such file or directory"]


def test_a_folder_in_its_place_too(site: Site) -> None:
    site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: state")
    (site.folder / "state").mkdir()
    assert isinstance(find(site.assemble()), Faulty)


def test_a_profile_that_a_nas_cannot_be_told_is_a_note_and_the_shadow_is_there(
    tried: Callable[[str], Any], site: Site
) -> None:
    found = tried(NEXT.replace("printers:  {vlan: 150}", "printers:  {group_policy: PRINTERS}"))
    assert isinstance(found, Ready)
    assert any("(rule `known printers` gives it to NAS `switch`)" in line for line in lines(found, site))


def test_what_the_lint_says_of_it_is_a_note(tried: Callable[[str], Any], site: Site) -> None:
    found = tried(NEXT.replace("{access: dot1x}, then: corporate", "{access: dot1x}, then: deny"))
    assert any(line.startswith("next.yaml:2:3: no rule uses profile `corporate`") for line in lines(found, site))


def test_a_configuration_that_has_changed_since_is_not_mixed_with_the_one_in_force(
    tried: Callable[[str], Any], site: Site
) -> None:
    assert isinstance(tried(NEXT), Ready)
    assembled = site.assemble()
    site.change("state: state", "state: state2")
    found = find(assembled)
    assert isinstance(found, Faulty)
    assert lines(found, site) == ["nacd.yaml: has changed while it was loaded: the shadow would not belong to it"]


def test_the_live_policy_is_refused_as_ever(tried: Callable[[str], Any], site: Site) -> None:
    tried(NEXT)
    site.change("then: printers", "then: nowhere", file="policy.yaml")
    with pytest.raises(ConfigError, match="there is no profile `nowhere`"):
        site.assemble()


def test_an_error_of_nacd_itself_while_it_is_read_stops_nothing_either(
    tried: Callable[[str], Any], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecursionError("deep")

    monkeypatch.setattr(loading, "load", broken)
    found = tried(NEXT)
    assert isinstance(found, Faulty)
    assert lines(found, site) == ["next.yaml: cannot be read: an error in nacd itself (RecursionError)"]
