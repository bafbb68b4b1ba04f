"""`nacd check` and `nacd schema`."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest


def test_a_sound_configuration_is_counted(nacd: Any, site: Any) -> None:
    done = nacd("check", "--config", site.config)
    assert done.exit_code == 0
    assert "configuration is sound: 2 NASes, 5 rules, 3 profiles, policy " in done.output
    assert "this is the CA of the demo: use your own (serve takes it with --demo alone)" in done.output


def test_every_problem_has_its_place_and_all_are_told_at_once(nacd: Any, site: Any, tmp_path: Path) -> None:
    text = site.config.read_text().replace("vendor: aruba", "vendor: arbua").replace("may_assert: []", "may_asert: []")
    bad = site.folder / "bad.yaml"
    bad.write_text(text)
    done = nacd("check", "--config", bad)
    assert done.exit_code == 1
    problems = [line for line in done.output.splitlines() if line.startswith(f"{bad}:")]
    assert len(problems) >= 2
    assert "`may_assert`" in done.output
    assert "nacd serve would refuse this configuration" in done.output


def test_a_file_that_is_not_there(nacd: Any, tmp_path: Path) -> None:
    assert nacd("check", "--config", tmp_path / "nowhere.yaml").exit_code == 1


@pytest.mark.parametrize("which", ["nacd", "policy"])
def test_schemas_are_json(nacd: Any, which: str) -> None:
    done = nacd("schema", which)
    assert done.exit_code == 0
    assert "$schema" in json.loads(done.output)


def test_a_schema_there_is_none_of(nacd: Any) -> None:
    done = nacd("schema", "polizy")
    assert done.exit_code == 2
    assert "there are: nacd, policy" in done.output


# -- a shadow policy ----------------------------------------------------------------------------


@pytest.fixture
def shadowed(site: Any) -> Any:
    """A configuration beside the site's own that names a shadow; its text is up to the test."""
    config = site.folder / "shadowed.yaml"
    config.write_text(site.config.read_text() + "shadow: next.yaml\n")
    return config


def test_a_sound_shadow_is_told_beside_the_configuration(nacd: Any, site: Any, shadowed: Path) -> None:
    (site.folder / "next.yaml").write_text((site.folder / "policy.yaml").read_text())
    done = nacd("check", "--config", shadowed)
    assert done.exit_code == 0
    assert re.search(r"^shadow is sound: 5 rules, 3 profiles, policy [0-9a-f]{12}$", done.output, re.MULTILINE)


@pytest.mark.parametrize("text", ["", "rules: [", "rules: [{name: a, when: {acess: mab}, then: deny}]\n"])
def test_whatever_is_wrong_with_a_shadow_is_a_note(nacd: Any, site: Any, shadowed: Path, text: str) -> None:
    (site.folder / "next.yaml").write_text(text)
    done = nacd("check", "--config", shadowed)
    notes = [line for line in done.output.splitlines() if line.endswith("(note, shadow)")]
    assert notes
    assert all(line.startswith(str(site.folder / "next.yaml")) for line in notes)
    assert "with the shadow; nacd serve would run without it" in done.output
    assert "configuration is sound" in done.output
    assert done.exit_code == 0


def test_a_shadow_that_is_not_there_is_a_note(nacd: Any, site: Any, shadowed: Path) -> None:
    (site.folder / "next.yaml").unlink(missing_ok=True)
    done = nacd("check", "--config", shadowed)
    assert "next.yaml: cannot be read: no such file or directory (note, shadow)" in done.output
    assert done.exit_code == 0


# -- findings -------------------------------------------------------------------------------


@pytest.fixture
def own(site: Any, tmp_path: Path) -> Path:
    """A copy of the configuration, for tests that write into it."""
    return Path(shutil.copytree(site.folder, tmp_path / "own")) / site.config.name


def findings(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.endswith("(note)")]


def test_findings_have_place_code_and_why_and_stop_nothing(nacd: Any, own: Path) -> None:
    done = nacd("check", "--config", own)
    assert done.exit_code == 0
    (said,) = [line for line in findings(done.output) if "[unsigned-accepted]" in line]
    assert said.startswith(f"{own}:5:")
    (why,) = [line for line in done.output.splitlines() if line.startswith("  unsigned-accepted: ")]
    assert "can be forged on the way" in why
    assert "Update the NAS" in why


def test_strict_fails_until_every_finding_is_mended_or_accepted(nacd: Any, own: Path) -> None:
    done = nacd("check", "--strict", "--config", own)
    assert done.exit_code == 1
    assert "findings are neither mended nor accepted" in done.output
    assert "configuration is sound" not in done.output
    accept_all(nacd, own)
    done = nacd("check", "--strict", "--config", own)
    assert done.exit_code == 0, done.output
    assert findings(done.output) == []
    assert "accepted by comments (--all shows them)" in done.output
    assert "configuration is sound" in done.output


def accept_all(nacd: Any, own: Path) -> None:
    """A comment at the end of the line of each finding; one above it for each further one."""
    found = json.loads(nacd("check", "--json", "--config", own).output)["findings"]
    for file in {each["file"] for each in found}:
        lines = Path(file).read_text().split("\n")
        places = sorted({(each["line"], each["code"]) for each in found if each["file"] == file}, reverse=True)
        for line, code in places:
            indent = " " * (len(lines[line - 1]) - len(lines[line - 1].lstrip()))
            lines.insert(line - 1, f"{indent}# nacd: allow {code} a test")
        Path(file).write_text("\n".join(lines))


def test_all_shows_what_is_accepted_with_its_reason(nacd: Any, own: Path) -> None:
    accept_all(nacd, own)
    done = nacd("check", "--all", "--config", own)
    (said,) = [line for line in done.output.splitlines() if "[unsigned-accepted]" in line]
    assert ": a test)" in said
    assert "(accepted in line " in said


def test_json_has_every_finding_with_all_that_is_known_of_it(nacd: Any, own: Path) -> None:
    done = nacd("check", "--json", "--config", own)
    assert done.exit_code == 0
    told = json.loads(done.output)
    assert (told["sound"], told["nases"], told["rules"], told["problems"]) == (True, 2, 5, [])
    assert told["problems_without_demo"][0]["line"] > 0
    (unsigned,) = [each for each in told["findings"] if each["code"] == "unsigned-accepted"]
    assert (unsigned["severity"], unsigned["accepted"], unsigned["line"]) == ("warning", False, 5)
    assert unsigned["why"]
    assert unsigned["do"]
    accept_all(nacd, own)
    told = json.loads(nacd("check", "--json", "--strict", "--config", own).output)
    assert told["sound"]
    assert {each["reason"] for each in told["findings"]} == {"a test"}
    assert all(each["accepted"] and each["accepted_in_line"] < each["line"] for each in told["findings"])


def test_json_of_a_configuration_that_is_refused(nacd: Any, own: Path) -> None:
    own.write_text(own.read_text().replace("vendor: aruba", "vendor: arbua"))
    done = nacd("check", "--json", "--config", own)
    assert done.exit_code == 1
    told = json.loads(done.output)
    assert (told["sound"], told["findings"]) == (False, [])
    assert "`arbua`" in told["problems"][0]["message"]
