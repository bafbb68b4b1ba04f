"""Where the command line looks for the running daemon."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.cli.control import place
from nacd.cli.control.place import NoPlace, socket_of
from nacd.server.control import SOCKET_NAME
from tests.cli.control.lab import Lab, another


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither by the environment nor by a daemon of this machine."""
    monkeypatch.delenv("NACD_SOCKET", raising=False)
    monkeypatch.setattr(place, "USUAL", tmp_path / "run" / "control.sock")


def written(folder: Path, text: str) -> Path:
    file = folder / "nacd.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_the_command_line_says_counts_more_than_the_environment_and_that_more_than_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = written(tmp_path, "state: /var/lib/nacd\n")
    assert socket_of(config, None, None) == Path("/var/lib/nacd") / SOCKET_NAME
    monkeypatch.setenv("NACD_SOCKET", "/srv/of-the-environment")
    assert socket_of(config, None, None) == Path("/srv/of-the-environment")
    assert socket_of(config, Path("/srv/state"), None) == Path("/srv/state") / SOCKET_NAME
    assert socket_of(config, Path("/srv/state"), Path("/srv/named")) == Path("/srv/named")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("state: state\n", "state/control.sock"),
        ("state: state\ncontrol: {}\n", "state/control.sock"),
        ("state: state\ncontrol: {socket: run/nacd.sock}\n", "run/nacd.sock"),
        ("control: {socket: /run/nacd/nacd.sock}\n", "/run/nacd/nacd.sock"),
        ("state: state\nclients: nonsense\nno_such_key: 7\n", "state/control.sock"),
    ],
)
def test_the_configuration_names_it_though_the_rest_of_it_is_wrong(tmp_path: Path, text: str, where: str) -> None:
    assert socket_of(written(tmp_path, text), None, None) == tmp_path / where


@pytest.mark.parametrize("text", ["clients: []\n", "state: ''\n", "state: [a]\n"])
def test_a_configuration_that_does_not_say_is_named_with_the_way_out(tmp_path: Path, text: str) -> None:
    with pytest.raises(NoPlace, match=r"nacd\.yaml` names no `state`: name the daemon's socket with --socket"):
        socket_of(written(tmp_path, text), None, None)


def test_a_configuration_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(NoPlace, match=r"nacd\.yaml:2:\d+: [\s\S]*\nname the daemon's socket with --socket"):
        socket_of(written(tmp_path, "state: a\n  b: [\n"), None, None)


def test_without_a_configuration_the_usual_place_is_tried(tmp_path: Path) -> None:
    nowhere = tmp_path / "none.yaml"
    with pytest.raises(NoPlace, match=r"none\.yaml`: no such file or directory, and there is no `.*run/control\.sock`"):
        socket_of(nowhere, None, None)
    place.USUAL.parent.mkdir()
    place.USUAL.touch()
    assert socket_of(nowhere, None, None) == place.USUAL


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that its owner alone may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.usefixtures("as_root")
def test_a_socket_that_one_may_not_reach_is_said_with_who_may(closed: Path) -> None:
    said = another("games", "sessions", "list", socket=str(closed / "control.sock"))
    assert (said.code, said.out) == (3, "")
    assert said.err == (
        f"`{closed}/control.sock` cannot be used by you: root and the daemon's own user may, and whoever is named under"
        " `control` in its configuration: try sudo\n"
    )


@pytest.mark.usefixtures("as_root")
def test_whoever_may_not_read_the_configuration_is_told_what_to_name(closed: Path) -> None:
    config = written(closed, "state: state\n")
    said = another("games", "sessions", "list", "--config", config)
    assert said.code in (1, 3)  # 3 on a machine that has a folder at the usual place
    assert "--socket" in said.err or "/run/nacd/control.sock" in said.err
    assert "Traceback" not in said.err


def test_an_explicit_state_folder_is_not_overruled_by_the_environment(lab: Lab, tmp_path: Path) -> None:
    said = lab.nacd("sessions", "list", "--state", tmp_path)
    assert (said.code, said.err) == (3, f"no daemon runs on `{tmp_path}`: there is no `{tmp_path}/control.sock`\n")
