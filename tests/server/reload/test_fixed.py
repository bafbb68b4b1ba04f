"""What a reload can change, and what is built once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nacd.server.reload import fixed
from nacd.server.reload.fixed import EFFECTS, Effect
from tests.server.house import Site

HOME = Path(__file__).resolve().parents[3]


def test_every_setting_of_the_file_is_in_the_table() -> None:
    assert {way.partition(".")[0] for way in EFFECTS} == set(fixed.tops())


def test_the_table_in_the_documentation_is_this_one() -> None:
    """With the same paths and the same words; ``*`` is spelled as a name in capitals there."""
    text = (HOME / "docs" / "reload.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_A-Z.*]+)` \| (reload|restart) \|", text, re.MULTILINE))
    assert rows == {way: str(effect) for way, effect in EFFECTS.items()}


@pytest.mark.parametrize(
    ("way", "effect"),
    [
        (("clients",), Effect.RELOAD),
        (("server", "auth"), Effect.RESTART),
        (("intune",), Effect.RESTART),
        (("intune", "credential", "secret"), Effect.RELOAD),
        (("intune", "cloud"), Effect.RESTART),
        (("tenants", "north"), Effect.RESTART),
        (("tenants", "north", "credential"), Effect.RELOAD),
        (("tenants", "north", "tenant"), Effect.RESTART),
        (("compliance", "poll", "interval"), Effect.RESTART),
        (("compliance", "poll", "groups", "wired"), Effect.RELOAD),
        (("sessions", "guard", "down", "max_flips"), Effect.RELOAD),
    ],
)
def test_a_setting_is_as_the_nearest_row_above_it(way: tuple[str, ...], effect: Effect) -> None:
    assert fixed.effect(way) is effect


def test_a_setting_that_nobody_knows_is_a_bug() -> None:
    with pytest.raises(KeyError):
        fixed.effect(("unheard_of",))


def test_what_cannot_change_is_told_with_its_place_and_what_can_is_not(site: Site) -> None:
    before = site.assemble()
    site.change("state: state", "state: other").change("name: switch,", "name: switch-1,")
    (problem,) = fixed.unchangeable(before, site.assemble())
    lines = site.config.read_text(encoding="utf-8").splitlines()
    assert lines[problem.line - 1] == "state: other"
    assert "`state`" in problem.message
    assert "restart" in problem.message


def test_a_tenant_that_comes_or_goes_needs_a_restart(site: Site) -> None:
    before = site.assemble()
    text = site.config.read_text(encoding="utf-8")
    section = text[text.index("intune:") : text.index("policy: policy.yaml")]
    site.write("nacd.yaml", text.replace(section, ""))
    site.write("policy.yaml", "profiles:\n  p: {vlan: 1}\nrules:\n  - {name: all, when: {access: mab}, then: p}\n")
    assert [each.message.split("`")[1] for each in fixed.unchangeable(before, site.assemble())] == ["intune"]


def test_the_same_file_differs_in_nothing(site: Site) -> None:
    settings = site.assemble().loaded.settings
    assert list(fixed.differences(settings, site.assemble().loaded.settings)) == []
