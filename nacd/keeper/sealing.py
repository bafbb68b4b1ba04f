"""A full file, compressed: written aside, read back, and only then is the plain one deleted.

Knows: gzip of many members, each of whole lines, and in which order things must be on the disk. Refuses to know: when a
file is due, and what is said of it.

    pack      NAME.gz.part is written and synced, has the owner, mode and time of the plain file, and gets its name
    compare   both are read, to the last octet; what differs is not believed
    unlink    the plain file goes

Wherever this is interrupted, either the plain file is there alone (with a ``.part`` that nobody counts on), or both are
and are compared, or the compressed one is alone and has been compared.

Level 6: on records of logins (1.8 KB each) a core compresses 235 MiB a second to a 16th; level 9 makes half that speed
for 4 % less, level 3 twice that speed for a quarter more.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.store.full_files.folder import PACKED, PART, Folder

LEVEL: Final = 6
MEMBER_OCTETS: Final = 262_144
"""About how much text a member has: whoever looks for one line need not decompress more than that."""
_READ_OCTETS: Final = 262_144
_LONGEST_OCTETS: Final = 4 << 20
"""No line is nearly as long; what lies here may still be anything."""
_SYNC_OCTETS: Final = 4 << 20
"""Written before the disk is waited for: one sync of a whole file would keep those of the daemon waiting."""
_GZIP: Final = zlib.MAX_WBITS | 16

Going: TypeAlias = Callable[[], None]
"""Called every few milliseconds; raises what ends the work."""


class InUse(Exception):
    """Somebody still writes to this file."""


class NotTheSame(Exception):
    """The compressed file does not hold what the plain one does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is in a file. records: lines. octets, sha256 (hex): of its text."""

    records: int
    octets: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What has become of it. packed_octets: of the compressed file."""

    text: Text
    packed_octets: int


def pack(folder: Folder, name: str, going: Going) -> None:
    """Write the compressed form beside it. Raises OSError, InUse, Strange, and whatever going raises; nothing is left
    behind then."""
    part = name + PACKED + PART
    folder.delete(part)
    with folder.reading(name) as plain:
        try:
            fcntl.flock(plain, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse from None
        packed = folder.make(part)
        try:
            _compress(plain, packed, going)
            _dress(packed, os.fstat(plain))
            os.fsync(packed)
            # What is compared afterwards is to come from the disk.
            os.posix_fadvise(packed, 0, 0, os.POSIX_FADV_DONTNEED)
        except BaseException:
            with suppress(OSError):
                folder.delete(part)
            raise
        finally:
            os.close(packed)
    folder.rename(part, name + PACKED)


def compare(folder: Folder, name: str, going: Going) -> Sealed:
    """What is in both forms. Raises NotTheSame, OSError, Strange."""
    with folder.reading(name) as plain:
        expected = _text(_chunks(plain), going)
    with folder.reading(name + PACKED) as packed:
        found = _text(_unpacked(packed, expected.octets), going)
        size = os.fstat(packed).st_size
    if found != expected:
        raise NotTheSame(f"`{name}{PACKED}` does not hold the text of `{name}`")
    return Sealed(text=expected, packed_octets=size)


def unlink(folder: Folder, name: str) -> None:
    """The plain form goes, once both have been compared. Raises OSError."""
    folder.delete(name)
    folder.sync()


# -- text ---------------------------------------------------------------------------------------


def _compress(plain: int, packed: int, going: Going) -> None:
    rest, unsynced = b"", 0
    for chunk in _chunks(plain):
        going()
        text = rest + chunk
        cut = text.rfind(b"\n") + 1
        if len(text) > _LONGEST_OCTETS:
            cut = cut or len(text)
        elif cut < MEMBER_OCTETS // 2:
            rest = text  # a long line, or the end
            continue
        unsynced += _member(packed, text[:cut])
        rest = text[cut:]
        if unsynced >= _SYNC_OCTETS:
            os.fdatasync(packed)
            unsynced = 0
    if rest or not os.fstat(packed).st_size:
        _member(packed, rest)


def _member(packed: int, text: bytes) -> int:
    member = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    octets = member.compress(text) + member.flush()
    left = memoryview(octets)
    while left:
        left = left[os.write(packed, left) :]
    return len(octets)


def _dress(packed: int, plain: os.stat_result) -> None:
    """Owner, mode and time of the plain file. Who is not root cannot give a file away: it stays ours then."""
    with suppress(PermissionError):
        os.fchown(packed, plain.st_uid, plain.st_gid)
    os.fchmod(packed, stat.S_IMODE(plain.st_mode))
    os.utime(packed, ns=(plain.st_atime_ns, plain.st_mtime_ns))


def _chunks(fd: int) -> Iterator[bytes]:
    at = 0
    while chunk := os.pread(fd, _READ_OCTETS, at):
        at += len(chunk)
        yield chunk


def _unpacked(fd: int, most: int) -> Iterator[bytes]:
    """The text of a compressed file, ``most`` octets and a little at most, whatever lies there. Raises NotTheSame."""
    member, given, whole = zlib.decompressobj(_GZIP), 0, False
    for chunk in _chunks(fd):
        octets = chunk
        while octets:
            try:
                text = member.decompress(octets, _READ_OCTETS)
            except zlib.error as bad:
                raise NotTheSame(f"the compressed form is damaged: {bad}") from None
            given += len(text)
            yield text
            if given > most:
                raise NotTheSame("the compressed form holds more than the plain one")
            whole = member.eof
            octets = member.unused_data if whole else member.unconsumed_tail
            if whole:
                member = zlib.decompressobj(_GZIP)
    if not whole:
        raise NotTheSame("the compressed form ends in the middle")


def _text(chunks: Iterator[bytes], going: Going) -> Text:
    digest, octets, records = hashlib.sha256(), 0, 0
    for chunk in chunks:
        going()
        digest.update(chunk)
        octets += len(chunk)
        records += chunk.count(b"\n")
    return Text(records=records, octets=octets, sha256=digest.hexdigest())
