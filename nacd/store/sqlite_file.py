"""One SQLite file on disk: made for our eyes only, checked before it is believed, moved aside when it is bad.

Knows: paths, modes, the lock beside the file, what makes a file ours (application id, version, the very schema).
Refuses to know: what is in the tables, when to try again, whom to tell.

Three rules of SQLite shape this module (https://www.sqlite.org/howtocorrupt.html). POSIX locks are gone as soon as
*any* descriptor of a file is closed by the process, so nothing here opens the database but SQLite itself. A
write-ahead log belongs to its database by name, so both are moved together. And a connection that is closed last
removes the log by name, so no file is moved while a connection to it is open.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote

OLDEST_SQLITE: Final = (3, 37, 0)
"""STRICT tables."""
KEPT_ASIDE: Final = 3
BUSY_TIMEOUT_S: Final = 5.0
LOG_LIMIT_OCTETS: Final = 16 * 1024 * 1024
"""What the log is cut back to once it has been carried over."""

Row: TypeAlias = tuple[object, ...]

_NOT_SQLITE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """application_id: 31 bits that name our files. steps: scripts of SQL; the n-th leads to version n.

    log_pages: pages in the write-ahead log after which SQLite carries them over into the database. cache_kib: memory of
    the connection that writes, for pages of the file.
    """

    application_id: int
    steps: tuple[str, ...]
    log_pages: int = 1_000
    cache_kib: int = 2_000

    def version(self) -> int:
        """The version that all steps lead to."""
        return len(self.steps)

    def tables(self, version: int) -> list[Row]:
        """What SQLite says of a file that went through the steps to this version."""
        model = sqlite3.connect(":memory:")
        try:
            for step in self.steps[:version]:
                model.executescript(step)
            return _tables(model)
        finally:
            model.close()


def is_bad(error: sqlite3.Error) -> bool:
    """Whether this error says that the file is no good, whatever one does."""
    return primary_code(error) in _NOT_SQLITE


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code (https://www.sqlite.org/rescode.html), 0 if the error has none."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def words(error: sqlite3.Error | OSError) -> str:
    """The error in the words of who raised it."""
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error).lower()


# -- the lock ------------------------------------------------------------------------------------


def lock(path: Path) -> int:
    """Lock ``<path>.lock`` for this process; the descriptor that holds the lock.

    Makes the folder if need be. Raises OSError in words if it cannot, or if another nacd holds it.
    """
    beside = path.with_name(f"{path.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise OSError("another nacd has it") from error
        raise
    return descriptor


# -- opening -------------------------------------------------------------------------------------


def open_for_writing(path: Path, schema: Schema) -> sqlite3.Connection:
    """Open the file, making it or bringing it to the present version.

    The caller holds the lock. Raises ValueError in words if what is there is no good (to be moved aside), OSError
    in words if the disk or the folder does not let us.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise OSError(f"SQLite {sqlite3.sqlite_version} is too old, it takes {oldest}")
    _stand_ready(path)
    connection = _open(path, "rw")
    try:
        _check_and_migrate(connection, path, schema)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {schema.log_pages}")
        connection.execute(f"PRAGMA cache_size = -{schema.cache_kib}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT_OCTETS}")
        # A file or folder that cannot be written is found now, not at the first verdict.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except (sqlite3.Error, ValueError, OSError) as error:
        connection.close()
        raise _told(path, error) from error
    return connection


def log_of(path: Path) -> Path:
    """The write-ahead log of the database at ``path``."""
    return path.with_name(f"{path.name}-wal")


def forget_log(path: Path) -> None:
    """Remove a log before SQLite plays it into another database than its own. Raises OSError."""
    for beside in _family(path)[1:]:
        beside.unlink(missing_ok=True)


def open_for_reading(path: Path, schema: Schema) -> sqlite3.Connection:
    """Open a file that another process may be writing. Nothing is made, moved or changed.

    Raises OSError in words if there is none or it may not be read, ValueError in words if it is not ours.
    """
    _must_be_a_file(path)
    if not os.access(path, os.R_OK):
        raise PermissionError("this account may not read it")
    connection = _open(path, "ro")
    try:
        _check(connection, path, schema)
    except (sqlite3.Error, ValueError) as error:
        connection.close()
        raise _told(path, error) from error
    return connection


def reader(path: Path) -> sqlite3.Connection:
    """One more connection, for reading, to a file that this process has open already. Raises sqlite3.Error."""
    return _connect(path, "ro")


def _told(path: Path, error: sqlite3.Error | ValueError | OSError) -> ValueError | OSError:
    """ValueError if the file is no good, OSError if it may be; both in words."""
    if isinstance(error, ValueError):
        return ValueError(f"`{path}` {error}")
    if isinstance(error, sqlite3.Error) and is_bad(error):
        return ValueError(f"`{path}` cannot be read: {words(error)}")
    return OSError(words(error))


def _open(path: Path, mode: str) -> sqlite3.Connection:
    try:
        return _connect(path, mode)
    except sqlite3.Error as error:
        raise _told(path, error) from error


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.path.abspath(path))}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    # Before anything is read: a schema that somebody planted must not run functions.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _stand_ready(path: Path) -> None:
    """See to it that there is a file of our own, 0600, that no link leads away from."""
    for beside in _family(path)[1:]:
        _must_be_a_file(beside, missing_ok=True)
    try:
        _must_be_a_file(path)
    except FileNotFoundError:
        # A log that lost its database stays where it is: SQLite drops the one it finds beside an empty file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        _sync_folder(path.parent)
        return
    for each in _family(path):
        # SQLite gives the log the mode of its database; one from elsewhere may be open to others.
        if each.exists() and stat.S_IMODE(each.stat().st_mode) & 0o177:
            each.chmod(0o600)


def _must_be_a_file(path: Path, *, missing_ok: bool = False) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        if missing_ok:
            return
        raise
    if stat.S_ISREG(mode):
        return
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link"}
    raise ValueError(f"`{path}` is {kinds.get(stat.S_IFMT(mode), 'no regular file')}")


def _check_and_migrate(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    application_id, version = _marks(connection)
    if application_id or version or _tables(connection):  # otherwise it is as new as a file can be
        if application_id != schema.application_id:
            raise ValueError("is a database of another program")
        if version > schema.version():
            # Not bad, and not to be moved aside: whoever takes the newer nacd back finds it as it was.
            raise OSError(
                f"it has version {version}, of a newer nacd, and this one knows {schema.version()}: it is left as it"
                " is; take the newer nacd again, or move the file away"
            )
        if version <= 0:
            raise ValueError(f"has version {version}, this nacd knows {schema.version()}")
        if _tables(connection) != schema.tables(version):
            raise ValueError("has tables that nacd did not make")
    if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
        raise OSError("this file system does not allow a write-ahead log")
    missing = schema.steps[version:]
    for number, step in enumerate(missing, start=version + 1):
        marks = f"PRAGMA application_id = {schema.application_id}; PRAGMA user_version = {number};"
        # One transaction a step: a crash leaves this version or the one before, never half of one.
        connection.executescript(f"BEGIN IMMEDIATE; {step} {marks} COMMIT;")
    if missing:
        # The tables have their place in the file before the log can take the last of the disk.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    _check(connection, path, schema)


def _check(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    """Header and schema only: reading all of a million rows would keep the first request waiting."""
    application_id, version = _marks(connection)
    if application_id != schema.application_id:
        raise ValueError("is a database of another program")
    if version != schema.version():
        raise ValueError(f"has version {version}, this nacd knows {schema.version()}")
    if _tables(connection) != schema.tables(version):
        raise ValueError("has tables that nacd did not make")
    # SQLite would read the rest of a page that was cut off as zeros. A full disk may have cut it too; then the whole
    # page still is in the log.
    log = log_of(path)
    (page_octets,) = connection.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size % page_octets and not (log.exists() and log.stat().st_size):
        raise ValueError("ends in the middle of a page")


def _marks(connection: sqlite3.Connection) -> tuple[int, int]:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(application_id), int(version)


def _tables(connection: sqlite3.Connection) -> list[Row]:
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name").fetchall()
    # What ANALYZE by an admin leaves is no table of anybody's.
    return [row for row in found if not str(row[1]).startswith("sqlite_stat")]


# -- moving aside --------------------------------------------------------------------------------


def move_aside(path: Path, at: str) -> Path:
    """Rename the file, with its log, to ``<name>.bad-<at>``, and let only the last three such files live.

    at: the time, as text that sorts. No connection to the file may be open. Raises OSError.
    """
    aside = path.with_name(f"{path.name}.bad-{at}")
    turn = 0
    while os.path.lexists(aside):
        turn += 1
        aside = path.with_name(f"{path.name}.bad-{at}-{turn}")
    for each, target in zip(_family(path), _family(aside), strict=True):
        if os.path.lexists(each):
            each.rename(target)
    _family(aside)[2].unlink(missing_ok=True)  # an index into the log, made anew by whoever opens it
    _sync_folder(path.parent)
    _forget_all_but(_set_aside(path), KEPT_ASIDE)
    return aside


def _set_aside(path: Path) -> list[Path]:
    """Oldest first."""
    names = [each.name for each in path.parent.iterdir() if each.name.startswith(f"{path.name}.bad-")]
    return [path.with_name(name) for name in sorted(names) if not name.endswith(("-wal", "-shm"))]


def _forget_all_but(aside: Sequence[Path], kept: int) -> None:
    for each in aside[:-kept]:
        for member in _family(each):
            # A folder that somebody put there is not ours to empty.
            if os.path.lexists(member) and not stat.S_ISDIR(member.lstat().st_mode):
                member.unlink()


def _family(path: Path) -> tuple[Path, Path, Path]:
    return path, log_of(path), path.with_name(f"{path.name}-shm")


def _sync_folder(folder: Path) -> None:
    """So that the name of a new file outlives a crash of the machine, as its rows will."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
