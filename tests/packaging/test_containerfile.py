"""The Containerfile, read: no engine runs where these tests do, so what it promises is held against its text."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of each, with continued lines joined and comments left out."""
    text = (HOME / "packaging/Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = []
    for line in filter(str.strip, joined.splitlines()):
        word, _, rest = line.strip().partition(" ")
        found.append((word, " ".join(rest.split())))
    return found


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    start = max(at for at, (word, _) in enumerate(found) if word == "FROM")
    return found[start:]


def one(word: str) -> str:
    (rest,) = (rest for each, rest in last_stage() if each == word)
    return rest


def test_every_base_has_a_registry_and_a_tag_that_is_not_latest() -> None:
    for word, rest in instructions():
        if word == "FROM":
            assert re.match(r"[a-z.]+/[a-z/]+:(?!latest)[\w.-]+( AS \w+)?$", rest), rest


def test_it_runs_as_nobody_who_may_do_anything() -> None:
    uid, _, gid = one("USER").partition(":")
    assert uid.isdigit()
    assert gid.isdigit()
    assert int(uid) > 0


def test_no_build_tool_stays_in_the_last_stage() -> None:
    assert not re.search(r"apt-get|gcc|build-essential", " ".join(rest for _, rest in last_stage()))
    assert any("pip uninstall --yes pip" in rest for word, rest in last_stage() if word == "RUN")
    copied = [rest for word, rest in last_stage() if word == "COPY"]
    assert copied == ["--from=build /opt/nacd /opt/nacd"]


def test_what_is_copied_into_the_build_is_enough_for_the_wheel(tmp_path: Path) -> None:
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            *sources, place = rest.split()
            for name in sources:
                target = tmp_path / place / name if place == "./" else tmp_path / place
                copy = shutil.copytree if (HOME / name).is_dir() else shutil.copyfile
                copy(HOME / name, target)
    # Without site's own paths: through them the rest of the checkout would be found.
    paths = [str(tmp_path), sysconfig.get_path("purelib")]
    text = f"import sys; sys.path[:0] = {paths!r}; from tools.packaging.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-S", "-c", text, "wheel", "--folder", str(tmp_path / "wheel")],
        cwd=tmp_path,
        env={**os.environ, "NACD_COMMIT": "0" * 40},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "wheel").glob("nacd-*.whl"))


def test_nacd_is_the_first_process_so_that_signals_reach_it() -> None:
    assert json.loads(one("ENTRYPOINT")) == ["nacd"]  # not through a shell
    assert json.loads(one("CMD"))[0] == "serve"
    assert one("STOPSIGNAL") == "SIGTERM"


def test_its_health_is_asked_of_the_daemon_itself() -> None:
    words = json.loads(one("HEALTHCHECK").split(" CMD ", 1)[1])
    assert words == ["nacd", "reload", "--status"]


def test_it_is_built_in_the_format_that_has_a_health_check() -> None:
    """podman's own leaves it out, with a warning among a hundred lines."""
    for told in ("packaging/Containerfile", "docs/install.md"):
        (command,) = re.findall(r"podman build .*", (HOME / told).read_text(encoding="utf-8"))
        assert "--format docker" in command


def test_what_is_written_is_in_volumes_so_that_the_rest_may_be_read_only() -> None:
    assert json.loads(one("VOLUME")) == ["/var/lib/nacd", "/var/log/nacd"]
    assert "PYTHONDONTWRITEBYTECODE=1" in one("ENV")


def test_everything_is_installed_by_hash() -> None:
    for word, rest in instructions():
        if word == "RUN":
            for command in re.split(r"&&|;", rest):
                if re.search(r"\bpip\b.*\binstall\b", command):
                    assert "--require-hashes" in command or "--no-index" in command, command


def test_what_it_copies_is_there() -> None:
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (HOME / source).exists(), source
