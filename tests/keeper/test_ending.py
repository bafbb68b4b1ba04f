"""Which record was a file's last."""

from __future__ import annotations

import gzip

from nacd.keeper.ending import Ending, ending
from nacd.store.full_files.folder import Folder
from tests.keeper.trails import Trail


def going() -> None:
    """Nothing ends the work."""


def last_of(text: bytes) -> Ending:
    line = text.splitlines()[-1]
    body, _, end = line.rpartition(b',"link":"')
    return Ending(seq=int(body.rpartition(b":")[2]), link=end[:64].decode())


def test_it_is_read_from_either_form(trail: Trail, folder: Folder) -> None:
    name, following = trail.full(300), trail.full()
    text = trail.texts[name]
    assert ending(folder, folder.look().full[0], following, going) == last_of(text)
    (trail.folder / name).unlink()
    half = len(text) // 2
    (trail.folder / f"{name}.gz").write_bytes(gzip.compress(text[:half]) + gzip.compress(text[half:]))
    assert ending(folder, folder.look().full[0], following, going) == last_of(text)


def test_the_next_file_tells_it_when_the_file_itself_cannot_be_read(trail: Trail, folder: Folder) -> None:
    name, following = trail.full(), trail.full()
    expected = last_of(trail.texts[name])
    (trail.folder / name).write_bytes(b"rubbish\n")
    assert ending(folder, folder.look().full[0], following, going) == expected
    (trail.folder / name).unlink()
    (trail.folder / f"{name}.gz").write_bytes(b"\x1f\x8b rubbish")
    assert ending(folder, folder.look().full[0], following, going) == expected
    (trail.folder / following).rename(trail.folder / "x")
    (trail.folder / f"{following}.gz").write_bytes(gzip.compress(trail.texts[following]))
    assert ending(folder, folder.look().full[0], f"{following}.gz", going) == expected


def test_nobody_tells_it_when_both_are_damaged(trail: Trail, folder: Folder) -> None:
    name, following = trail.full(), trail.full()
    for each in (name, following):
        (trail.folder / each).write_bytes(b"rubbish\n")
    assert ending(folder, folder.look().full[0], following, going) is None
    (trail.folder / following).write_bytes(b'[1,"seq":3,"link":"' + b"0" * 64 + b'"}\n')
    assert ending(folder, folder.look().full[0], following, going) is None
    (trail.folder / following).write_bytes(b'{no JSON,"seq":3,"link":"' + b"0" * 64 + b'"}\n')
    assert ending(folder, folder.look().full[0], following, going) is None
    (trail.folder / following).unlink()
    assert ending(folder, folder.look().full[0], following, going) is None
