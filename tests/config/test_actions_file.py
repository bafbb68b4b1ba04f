"""actions.yaml from disk: every problem with its place, and secrets that the daemon's user could read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from nacd.config.actions_file import load_actions
from nacd.errors import ConfigError
from tests.conftest import unavailable

SECRET = "correct-horse-battery-staple"
CONFIG = """\
intune:
  tenant: contoso.onmicrosoft.com
  client_id: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11
  credential: {secret: "file:app.secret"}
audit: {file: audit.jsonl}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write(tmp_path / "app.secret", SECRET, 0o600)
    return write(tmp_path / "actions.yaml", CONFIG)


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load_actions(path, {})
    assert SECRET not in str(refused.value)
    return [str(problem).replace(f"{path.parent}/", "") for problem in refused.value.problems]


def notes(path: Path) -> list[str]:
    return [str(note).replace(f"{path.parent}/", "") for note in load_actions(path, {}).notes]


def test_a_sound_file_has_nothing_said_of_it(config: Path) -> None:
    loaded = load_actions(config, {})
    assert loaded.notes == ()
    assert SECRET not in repr(loaded)


def test_every_problem_is_told_at_once_with_its_place(config: Path) -> None:
    text = CONFIG.replace("tenant: contoso", "tennant: contoso").replace("file: audit", "flie: audit")
    assert problems(write(config, text)) == [
        "actions.yaml:2:3: `tenant` is missing: tenant, by domain or id",
        "actions.yaml:2:3: `tennant` is no key here, did you mean `tenant`?",
        "actions.yaml:5:8: `file` is missing: JSON lines are appended to this file; without a record nothing is done",
        "actions.yaml:5:9: `flie` is no key here, did you mean `file`?",
    ]


def test_a_file_that_is_not_there_or_no_yaml_is_said(config: Path) -> None:
    assert problems(config.with_name("other.yaml")) == ["other.yaml: cannot be read: no such file or directory"]
    assert problems(write(config, "intune: [\n"))[0].startswith("actions.yaml:")


def test_a_secret_that_stands_in_the_file_is_refused_and_not_repeated(config: Path) -> None:
    (said,) = problems(write(config, CONFIG.replace("file:app.secret", SECRET)))
    assert "a secret is named, not written here" in said


def test_a_secret_open_to_everybody_is_refused(config: Path) -> None:
    config.with_name("app.secret").chmod(0o604)
    assert "open to every user" in problems(config)[0]


@pytest.mark.parametrize("mode", [0o640, 0o660, 0o620])
def test_a_secret_open_to_its_group_is_refused(config: Path, mode: int) -> None:
    """Which groups the daemon has, nobody can tell: systemd gives it some."""
    config.with_name("app.secret").chmod(mode)
    (said,) = problems(config)
    assert said.startswith("actions.yaml:4:")
    assert f"is open to its group (mode {mode:04o}): `chmod 600 app.secret`" in said


@pytest.mark.parametrize("tenants", [False, True])
def test_a_secret_of_the_daemons_user_is_refused(config: Path, tenants: bool) -> None:
    if os.geteuid() != 0:
        unavailable("giving a file to somebody else needs root")
    text = CONFIG + "service: {socket: s, state: ., senders: [12345]}\n"
    if tenants:
        body = CONFIG.split("audit:")[0].replace("\n", "\n  ").rstrip()
        text = "tenants:\n  a:" + body.removeprefix("intune:") + "\n" + text[text.index("audit:") :]
    write(config, text)
    assert notes(config) == []
    os.chown(config.with_name("app.secret"), 12_345, -1)
    (said,) = problems(config)
    assert "belongs to `12345`, the daemon's user" in said
    assert "`chown root app.secret`" in said


def test_a_daemon_that_runs_as_root_is_remarked_on(config: Path) -> None:
    write(config, CONFIG + "service: {socket: s, state: ., senders: [nacd, 0]}\n")
    (said,) = notes(config)
    assert said.startswith("actions.yaml:6:")
    assert "the daemon runs as root" in said


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_a_file_that_others_may_write_is_not_read(config: Path, mode: int) -> None:
    """Root would send its secrets to whoever wrote himself in."""
    config.chmod(mode)
    (said,) = problems(config)
    assert (
        said == f"actions.yaml: not read: others may write `actions.yaml` (mode {mode:04o}): `chmod go-w actions.yaml`"
    )
    config.chmod(0o644)
    config.parent.chmod(0o777)
    assert "others may write" in problems(config)[0]
    config.parent.chmod(0o1777)  # as /tmp: others cannot put theirs in its place
    assert notes(config) == []


def test_a_file_of_somebody_else_is_not_read(config: Path) -> None:
    if os.geteuid() != 0:
        unavailable("giving a file to somebody else needs root")
    os.chown(config, 12_345, -1)
    assert "belongs to uid 12345, neither to root nor to you" in problems(config)[0]
    os.chown(config, 0, -1)
    os.chown(config.parent, 12_345, -1)
    assert "belongs to uid 12345" in problems(config)[0]


@pytest.mark.parametrize("tenants", [False, True])
def test_a_file_of_roots_that_others_may_write_is_not_believed(config: Path, tenants: bool) -> None:
    roots = write(config.parent / "roots.pem", "", 0o666)
    text = CONFIG.replace("  tenant:", "  ca_file: roots.pem\n  tenant:")
    if tenants:
        text = text.replace("intune:\n", "tenants:\n one:\n")
    write(config, text)
    (said,) = problems(config)
    assert said.endswith("not read: others may write `roots.pem` (mode 0666): `chmod go-w roots.pem`")
    roots.chmod(0o644)
    assert notes(config) == []
    config.parent.chmod(0o755)
    (config.parent / "open").mkdir()
    roots.rename(config.parent / "open" / "roots.pem")
    (config.parent / "open").chmod(0o777)
    (said,) = problems(write(config, text.replace("roots.pem", "open/roots.pem")))
    assert "not read: others may write `open` (mode 0777)" in said


def test_a_link_is_judged_by_what_it_leads_to(config: Path) -> None:
    link = config.with_name("link.yaml")
    link.symlink_to(config)
    assert notes(link) == []
    config.chmod(0o666)
    assert "others may write" in problems(link)[0]


def test_a_secret_of_root_is_fine_where_the_daemon_is_somebody_else(config: Path) -> None:
    write(config, CONFIG + "service: {socket: s, state: ., senders: [no-such-account]}\n")
    assert notes(config) == []


def test_the_shipped_example_is_sound(tmp_path: Path) -> None:
    for path in (Path(__file__).parents[2] / "config").glob("actions.*"):
        shutil.copy(path, tmp_path / path.name)
    for name in ("certs/actions.pem", "secrets/actions.key"):
        (tmp_path / name).parent.mkdir()
        write(tmp_path / name, "PEM", 0o600)
    settings = load_actions(tmp_path / "actions.yaml", {}).settings
    assert settings.service is not None
    assert str(settings.service.socket) == "/run/nacd-actions/actions.sock"
