from __future__ import annotations

import os
import pwd
import signal
import stat
import threading
import time
from pathlib import Path, PurePosixPath

import pytest

from nacd.cli.setup.writing import PRIVATE, AlreadyThere, File, Moved, account_of, undisturbed, write

FILES = (
    File(path=PurePosixPath("a.yaml"), octets=b"a\n"),
    File(path=PurePosixPath("secrets/s"), octets=b"s\n", mode=PRIVATE),
    File(path=PurePosixPath("z/z.yaml"), octets=b"z\n"),
)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_there_with_its_permissions_whatever_the_umask(tmp_path: Path) -> None:
    for mask in (0o000, 0o077):
        folder = tmp_path / f"{mask:o}" / "new"
        before = os.umask(mask)
        try:
            assert write(folder, FILES) == ()
        finally:
            os.umask(before)
        assert everything(folder) == {"a.yaml": b"a\n", "secrets/s": b"s\n", "z/z.yaml": b"z\n"}
        assert (mode(folder / "a.yaml"), mode(folder / "secrets/s"), mode(folder / "secrets")) == (0o644, 0o600, 0o700)


@pytest.mark.parametrize("there", ["a.yaml", "secrets/s", "z/z.yaml"])
def test_what_is_there_is_named_and_nothing_is_changed(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine\n")
    with pytest.raises(AlreadyThere) as refused:
        write(tmp_path, FILES)
    assert [str(path) for path in refused.value.paths] == [there]
    assert everything(tmp_path) == {there: b"mine\n"}


def test_a_link_that_leads_nowhere_is_something_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(AlreadyThere):
        write(tmp_path, FILES)


def test_what_is_there_word_for_word_stays(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a\n")
    number = (tmp_path / "a.yaml").stat().st_ino
    assert write(tmp_path, FILES) == ()
    assert (tmp_path / "a.yaml").stat().st_ino == number


def test_what_is_there_is_put_aside_under_a_free_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine\n")
    (tmp_path / "a.yaml.old").write_text("older\n")
    moved = write(tmp_path, FILES, aside=True)
    assert moved == (Moved(old=PurePosixPath("a.yaml"), new=PurePosixPath("a.yaml.old.2")),)
    found = everything(tmp_path)
    assert (found["a.yaml"], found["a.yaml.old"], found["a.yaml.old.2"]) == (b"a\n", b"older\n", b"mine\n")


def test_what_fails_half_way_leaves_all_as_it_was(tmp_path: Path) -> None:
    """The last file has no place: where its folder would be, there is a file."""
    (tmp_path / "a.yaml").write_text("mine\n")
    (tmp_path / "z").write_text("no folder\n")
    with pytest.raises(OSError, match="exists"):
        write(tmp_path, FILES, aside=True)
    assert everything(tmp_path) == {"a.yaml": b"mine\n", "z": b"no folder\n"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "z"]


def test_a_full_disk_leaves_nothing_behind(small_disk: Path) -> None:
    big = File(path=PurePosixPath("big"), octets=b"x" * 300_000)
    with pytest.raises(OSError, match="No space left"):
        write(small_disk / "etc" / "nacd", (*FILES, big))
    assert list(small_disk.iterdir()) == []


def test_a_folder_in_which_nobody_may_write_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match=r"directory|exists"):
        write(tmp_path / "file" / "nacd", FILES)
    assert everything(tmp_path) == {"file": b"x"}


class Interrupted(File):
    """Ctrl-C comes while this file is written."""

    def __getattribute__(self, name: str) -> object:
        if name == "octets":
            raise KeyboardInterrupt
        return super().__getattribute__(name)


def test_ctrl_c_while_it_writes_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "etc" / "nacd", (*FILES, Interrupted(path=PurePosixPath("last"), octets=b"")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_places_are_given_waits_until_all_have_theirs() -> None:
    reached = False

    def place() -> None:
        nonlocal reached
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            reached = True

    over = threading.Event()
    other = threading.Thread(target=over.wait)  # takes a signal that the main thread alone does not want
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            place()
    finally:
        over.set()
        other.join()
    assert reached


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_is_private_goes_to_the_account_that_the_folders_group_names(tmp_path: Path) -> None:
    account = pwd.getpwnam("daemon")  # on every Debian, with a group of its own
    folder = tmp_path / "etc"
    folder.mkdir()
    os.chown(folder, 0, account.pw_gid)
    write(folder, FILES)
    theirs = {path.name for path in folder.rglob("*") if path.stat().st_uid == account.pw_uid}
    assert theirs == {"secrets", "s"}
    assert {path.stat().st_uid for path in folder.rglob("*") if path.name not in theirs} == {0}


def test_a_group_that_is_nobodys_own_gets_nothing(tmp_path: Path) -> None:
    assert account_of(tmp_path) is None
