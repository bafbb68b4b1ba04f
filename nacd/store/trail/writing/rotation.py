"""A full file gets its name, and a new one its place.

Knows: two renames in one folder, and how they are taken back. Refuses to know: when a file is full.

The new file is there and locked before anything is renamed, so a disk without room keeps the old one where it is.
Killed between the two renames, nacd leaves a full file under its name and no live one, which its next start knows.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from nacd.store.trail.writing.opening import folder_of, fresh


def turn_over(path: Path, fd: int, name: str) -> int:
    """Give the file at ``path`` (open as fd) this name, and lay a new one in its place. Returns the new one, open.

    Raises OSError; everything is as it was then.
    """
    draft = f".{path.name}.next"
    folder = folder_of(path)
    try:
        there, here = os.stat(path.name, dir_fd=folder, follow_symlinks=False), os.fstat(fd)
        if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
            raise OSError("somebody has just moved it away")
        if _is_there(name, folder):
            raise OSError(f"`{name}` is there already")
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)
        made = fresh(folder, draft, fd)
        try:
            os.rename(path.name, name, src_dir_fd=folder, dst_dir_fd=folder)
            try:
                os.rename(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.rename(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
                raise
        except OSError:
            os.close(made)
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=folder)
            raise
        return made
    finally:
        os.close(folder)


def name_of(path: Path, inode: tuple[int, int]) -> str:
    """What somebody has called a file that was at ``path`` before; its old name where that cannot be found out."""
    with suppress(OSError):
        for each in os.scandir(path.parent):
            there = each.stat(follow_symlinks=False)
            if (there.st_dev, there.st_ino) == inode:
                return each.name
    return path.name


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
