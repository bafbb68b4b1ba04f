"""The manual pages say what the command line and the reference say."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nacd.cli.main import app
from tools.man import roff
from tools.man.pages import Stamp, pages

STAMP = Stamp(date="2026-11-22", version="1.2.3")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages(STAMP)


def test_every_command_and_option_is_on_the_page(made: dict[str, str]) -> None:
    import typer

    group = typer.main.get_command(app)
    page = made["nacd.1"]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        if command.hidden:
            continue
        assert f'.SS "nacd {roff.escaped(name)}' in page
        for each in command.params:
            for option in (text for text in each.opts if text.startswith("--") and text != "--help"):
                assert f"\\fB{roff.escaped(option)}\\fR" in page, f"{name} {option}"


@pytest.mark.parametrize(
    ("name", "words"), [("nacd.yaml.5", ("secret", "dynauth")), ("policy.yaml.5", ("vlan", "rules"))]
)
def test_every_setting_of_the_reference_is_on_its_page(made: dict[str, str], name: str, words: tuple[str, ...]) -> None:
    for word in words:
        assert f"\\fB{word}" in made[name]
    assert "<a id" not in made[name]
    assert "](#" not in made[name]


def test_a_page_bears_its_day_and_version(made: dict[str, str]) -> None:
    assert made["nacd.1"].startswith('.TH "NACD" 1 "2026-11-22" "nacd 1.2.3" "nacd"\n')


def test_no_line_is_taken_for_a_request_of_troff() -> None:
    assert roff.escaped(".so /etc/passwd") == "\\&.so /etc/passwd"
    assert roff.inline(".TH x").startswith("\\&.")
    assert roff.escaped("'br") == "\\&\\(aqbr"
    assert roff.escaped("a\\b-c") == "a\\eb\\-c"


def test_helps_stress_becomes_bold() -> None:
    assert roff.of_rich("say [b]nacd check[/] now") == "say \\fBnacd check\\fR now"


def test_a_row_of_a_table_becomes_an_entry() -> None:
    table = ["| setting | what it is | default |", "|---|---|---|", "| `vlan` | its [VLAN](x) | - |"]
    assert list(roff.of_markdown(table)) == [".TP", "\\fBvlan\\fR", "its VLAN"]


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff: only its warnings are missing")
@pytest.mark.parametrize("name", ["nacd.1", "nacd.yaml.5", "policy.yaml.5"])
def test_groff_finds_nothing_wrong(made: dict[str, str], name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(made[name])
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=100n", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if "can't break line" not in line] == []
