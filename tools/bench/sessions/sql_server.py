"""FreeRADIUS with its SQLite session database, as its own documentation sets it up.

Knows: the configuration of rlm_sql_sqlite; schema, queries and the policy that names a session are the package's own
files. Refuses to know: load and measuring. Nothing but accounting is configured, and nothing but the database is
written, which favours FreeRADIUS: nacd writes its audit line, too.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.bench import meter, site
from tools.bench.compliance.daemon import free_port
from tools.bench.servers import freeradius
from tools.bench.servers.server import Server, launch

_RADIUSD: Final = """\
prefix = {folder}
name = freeradius
logdir = {folder}
raddbdir = {folder}
run_dir = {folder}
libdir = {libraries}
pidfile = {folder}/freeradius.pid
max_request_time = 30
cleanup_delay = 0
max_requests = 65536
hostname_lookups = no
log {{
    destination = files
    file = {folder}/freeradius.log
    auth = no
}}
security {{
    max_attributes = 200
    reject_delay = 0
    status_server = no
    allow_core_dumps = no
}}
proxy_requests = no
client {nas} {{
    ipaddr = 127.0.0.1
    secret = {secret}
    require_message_authenticator = yes
    shortname = {nas}
}}
instantiate {{
    expr
}}
modules {{
    expr {{
    }}
    always ok {{
        rcode = ok
    }}
    sql {{
        dialect = "sqlite"
        driver = "rlm_sql_sqlite"
        sqlite {{
            filename = "{database}"
            busy_timeout = 2000
        }}
        open_query = "PRAGMA synchronous = {synchronous}"
        radius_db = "radius"
        acct_table1 = "radacct"
        acct_table2 = "radacct"
        postauth_table = "radpostauth"
        authcheck_table = "radcheck"
        groupcheck_table = "radgroupcheck"
        authreply_table = "radreply"
        groupreply_table = "radgroupreply"
        usergroup_table = "radusergroup"
        client_table = "nas"
        group_attribute = "SQL-Group"
        delete_stale_sessions = yes
        read_clients = no
        pool {{
            start = 1
            min = 1
            max = 1
            spare = 1
            uses = 0
            lifetime = 0
            idle_timeout = 0
        }}
        $INCLUDE {packaged}/mods-config/sql/main/sqlite/queries.conf
    }}
}}
policy {{
    $INCLUDE {packaged}/policy.d/accounting
}}
server bench {{
    listen {{
        type = acct
        ipaddr = 127.0.0.1
        port = {acct}
        recv_buff = 4194304
    }}
    preacct {{
        acct_unique
    }}
    accounting {{
        sql
    }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """How SQLite keeps what it commits, in its own words."""

    journal_mode: str
    synchronous: str = "FULL"


def missing() -> str:
    """Why this cannot be measured here; ``""`` when it can."""
    if why := freeradius.missing():
        return why
    return "" if (freeradius.libraries() / "rlm_sql_sqlite.so").is_file() else "FreeRADIUS lacks rlm_sql_sqlite"


def start(stack: ExitStack, folder: Path, cores: meter.Cores, durability: Durability) -> Server:
    """Start one in ``folder``, with an empty database, to be ended with ``stack``. Raises NotUpError."""
    folder.mkdir(parents=True)
    database, port = folder / "radius.sqlite", free_port()
    _make(database, durability)
    text = _RADIUSD.format(
        folder=folder,
        libraries=freeradius.libraries(),
        packaged=freeradius.packaged(),
        nas=site.NAS_NAME,
        secret=site.SECRET.decode(),
        database=database,
        synchronous=durability.synchronous,
        acct=port,
    )
    (folder / "radiusd.conf").write_text(text, encoding="utf-8")
    (folder / "dictionary").write_text("", encoding="utf-8")
    log = folder / "freeradius.log"
    process = launch(
        stack,
        [str(freeradius.PEERS / "bin/freeradius"), "-f", "-s", "-d", str(folder), "-n", "radiusd"],
        cores=cores,
        environment=freeradius.environment(),
        output=folder / "output.log",
        is_ready=lambda: log.is_file() and "Ready to process requests" in log.read_text(errors="replace"),
    )
    server = Server(
        name=f"freeradius sqlite {durability.journal_mode}",
        process=process,
        auth_port=0,
        acct_port=port,
        log=log,
        audit=None,
        accounting=database,
    )
    server.settle()
    return server


def counted(database: Path) -> tuple[int, int]:
    """Sessions in the database, and those of them that have ended."""
    reading = sqlite3.connect(database)
    try:
        (found,) = reading.execute("SELECT count(*), count(acctstoptime) FROM radacct").fetchall()
    finally:
        reading.close()
    return int(found[0]), int(found[1])


def _make(database: Path, durability: Durability) -> None:
    schema = freeradius.packaged() / "mods-config/sql/main/sqlite/schema.sql"
    made = sqlite3.connect(database)
    try:
        (mode,) = made.execute(f"PRAGMA journal_mode = {durability.journal_mode}").fetchone()
        if str(mode).upper() != durability.journal_mode:
            raise RuntimeError(f"the journal mode is `{mode}`")
        made.executescript(schema.read_text(encoding="utf-8"))
    finally:
        made.close()
