"""What is built: the same octets each time, with terms that may be handed out, and nothing of the tests' own."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import pytest

from tests.packaging.conftest import AT, OLD, TARGET
from tests.test_project_files import MACHINE_PATHS
from tools.compiled.build import extensions
from tools.packaging import __main__ as builder
from tools.packaging import deb, licences, locked, tree, wheel
from tools.packaging.locked import Target

Built = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_a_package_built_twice_is_the_same(debs: dict[str, Path], copy: Path | None, tmp_path: Path) -> None:
    again = deb.build(tmp_path, TARGET, version=OLD, at=AT, copy=copy, quick=True)
    assert again.read_bytes() == debs[OLD].read_bytes()


@pytest.mark.slow
def test_the_package_says_what_it_needs_and_names_every_licence(
    debs: dict[str, Path], copy: Path | None, tmp_path: Path
) -> None:
    field = subprocess.run(
        ["dpkg-deb", "--field", str(debs[OLD]), "Depends"], capture_output=True, text=True, check=True
    ).stdout
    assert field.startswith("python3 (>= 3.11~), python3.11,")
    subprocess.run(["dpkg-deb", "-x", str(debs[OLD]), str(tmp_path)], check=True)
    terms = (tmp_path / "usr/share/doc/nacd/copyright").read_text(encoding="utf-8")
    for name in locked.needed(TARGET):
        assert f"\n {name} ".lower() in terms.lower().replace("_", "-"), name
    site = tmp_path / tree.site(TARGET)
    assert not [path for path in site.iterdir() if path.name in ("example", "tests", "pip", "pytest", "mypy", "mypyc")]
    if copy is not None:
        assert {str(path.relative_to(site)) for path in site.glob("nacd/**/*.so")} == {
            str(path) for path in extensions(copy) if path.parts[0] == "nacd"
        }
        assert f"Files: {tree.site(TARGET)}/*__mypyc*.so {tree.site(TARGET)}/nacd/*.so\n" in terms
        assert "Jukka Lehtosalo" in terms


@pytest.mark.slow
def test_nothing_of_ours_in_the_package_names_a_path_of_the_machine_that_built_it(
    debs: dict[str, Path], tmp_path: Path
) -> None:
    subprocess.run(["dpkg-deb", "--raw-extract", str(debs[OLD]), str(tmp_path)], check=True)
    site = tmp_path / tree.site(TARGET)
    ours = [
        path
        for path in sorted(tmp_path.rglob("*"))
        if path.is_file() and (site not in path.parents or site / "nacd" in path.parents or "__mypyc" in path.name)
    ]
    assert {site / "nacd" / "account.py", tmp_path / "usr/bin/nacd"} <= set(ours)
    texts = {path: path.read_text(encoding="utf-8", errors="ignore") for path in ours}
    assert not [path for path, text in texts.items() if MACHINE_PATHS.search(text) or str(tmp_path.parent) in text]


def test_the_package_wants_the_glibc_that_its_newest_library_names(tmp_path: Path) -> None:
    site = tmp_path / tree.site(TARGET)
    site.mkdir(parents=True)
    assert tree.oldest_glibc(tmp_path, TARGET) == 28
    (site / "one.so").write_bytes(b"\0GLIBC_2.2.5\0GLIBC_2.34\0")
    (site / "other.so.1").write_bytes(b"..\0GLIBC_2.9\0")
    assert tree.oldest_glibc(tmp_path, TARGET) == 34


def test_a_package_for_another_python_is_not_compiled_and_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert builder.compiled(Target(python="3.99", architecture="amd64")) is None
    assert "deb: the hot path is not compiled: this is Python 3." in capfd.readouterr().err


def test_a_wheel_built_twice_is_the_same_and_knows_its_commit(built: Built, tmp_path: Path) -> None:
    both = [tmp_path / "one", tmp_path / "other"]
    for folder in both:
        done = built("wheel", "--folder", str(folder))
        assert done.returncode == 0, done.stderr
    (one,), (other,) = (list(folder.glob("*.whl")) for folder in both)
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as packed:
        names = packed.namelist()
        assert json.loads(packed.read("nacd/built.json"))["commit"] == wheel.commit()
    assert "nacd/vendor/profiles/cisco-ios.yaml" in names
    assert not [name for name in names if not name.startswith(("nacd/", "nacd-"))]


def test_what_the_pages_name_in_config_is_in_the_package_beside_them(tmp_path: Path) -> None:
    tree.documents(tmp_path)
    named = {
        path
        for page in tmp_path.rglob("*.md")
        for path in re.findall(r"\bconfig/(?:cookbook|grafana|prometheus)/[\w./-]*\w", page.read_text(encoding="utf-8"))
    }
    assert {"config/prometheus/nacd.rules.yml", "config/grafana/nacd.json", "config/cookbook/campus"} <= named
    assert not [path for path in named if not (tmp_path / path).exists()]
    links = re.findall(r"\]\((\.\./config/[^)]+)\)", (tmp_path / "docs/alerts.md").read_text(encoding="utf-8"))
    assert links
    assert all((tmp_path / "docs" / link).is_file() for link in links)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()} == {0o644}


def test_what_runs_is_locked_and_no_tool_of_ours_is_among_it() -> None:
    needed = locked.needed(TARGET)
    assert {"pyopenssl", "cffi", "pydantic-core"} <= set(needed)
    assert not {"pytest", "ruff", "mypy", "hatchling", "pip"} & set(needed)
    assert set(needed) <= set(locked.entries())


@pytest.mark.parametrize("name", locked.needed(TARGET))
def test_every_bundled_package_may_be_handed_out_with_ours(name: str) -> None:
    assert licences.of(distribution(name)).expression


@pytest.mark.parametrize("stated", ["License-Expression: AGPL-3.0-only", "License: Proprietary", "Author: somebody"])
def test_a_licence_that_nobody_has_looked_at_stops_the_build(tmp_path: Path, stated: str) -> None:
    info = tmp_path / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: thing\nVersion: 1.0\n{stated}\n", encoding="utf-8")
    with pytest.raises(licences.Unknown, match="`thing` comes under"):
        licences.of(PathDistribution(info))


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef nacd"), ("fish", "complete")])
def test_completion_is_for_nacd_by_its_name(shell: str, word: str) -> None:
    script = tree.completion(shell)
    assert word in script
    assert "_NACD_COMPLETE" in script
