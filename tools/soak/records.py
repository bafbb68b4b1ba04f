"""nacd's audit trail and log as an independent reader sees them: lines of JSON, and nothing of nacd's code.

Knows: names of fields out of ``docs/audit-events.md``. Refuses to know: whether what they say is right (``judge``).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

DECISIONS: Final = frozenset({"A1001I", "A1002I"})
_BUG: Final = "A9009E"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One decision. time, as_of: seconds since the epoch on nacd's clock; as_of 0.0: nobody was asked.

    key: GUID, or MAC as twelve digits, lower case. vlan: the one among the reply's attributes. line: for people.
    """

    place: int
    code: str
    time: float
    session: str
    access: str
    key: str
    state: str
    source: str
    as_of: float
    age_s: float
    detail: str
    rule: str
    profile: str
    vlan: str
    reply: str
    line: str


@dataclass(slots=True)
class AuditFile:
    """Everything that was read. others: records that are no decisions, by session. broken: lines that are no JSON.
    files: how many they lie in."""

    decisions: list[Record]
    others: dict[str, list[str]]
    bugs: list[str]
    broken: list[str]
    files: int = 1


def read_audit(live: Path) -> AuditFile:
    """The whole trail in its order: full files, compressed or not, and the live one."""
    files = trail(live)
    found = AuditFile(decisions=[], others={}, bugs=[], broken=[], files=len(files))
    for place, line in enumerate(_lines(files), start=1):
        try:
            fields = json.loads(line)
        except ValueError:
            found.broken.append(line[:200])
            continue
        code = str(fields["code"])
        if code in DECISIONS:
            found.decisions.append(record(place, fields, line.strip()))
        elif code == _BUG:
            found.bugs.append(line.strip())
        else:
            session = str(fields.get("session", {}).get("acct_session_id", ""))
            found.others.setdefault(session, []).append(code)
    return found


def trail(live: Path) -> list[Path]:
    """Its files, the oldest first: by the number of the first record, which a name ends with; clocks are set here."""
    full = {}
    for path in sorted(live.parent.glob(f"{live.stem}-*-*{live.suffix}*")):
        first = path.name.partition(live.suffix)[0].rpartition("-")[2]
        if path.suffix in (live.suffix, ".gz"):
            full[int(first)] = path  # the file itself, or what is compressed of it
    return [*(full[first] for first in sorted(full)), live]


def _lines(files: Sequence[Path]) -> Iterator[str]:
    for path in files:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            yield from lines


def record(place: int, fields: Mapping[str, Any], line: str) -> Record:
    """One decision out of its fields. Raises KeyError when one that is promised is not there."""
    identity, compliance, decision = fields["identity"], fields["compliance"], fields["decision"]
    vlans = [one["value"] for one in fields["reply"]["attributes"] if one["name"] == "Tunnel-Private-Group-Id"]
    return Record(
        place=place,
        code=str(fields["code"]),
        time=seconds(fields["time"]),
        session=str(fields["session"]["acct_session_id"]),
        access=str(fields["access"]),
        key=str(identity["id"] or identity["mac"].replace("-", "")).lower(),
        state=str(compliance["state"]),
        source=str(compliance["source"]),
        as_of=seconds(compliance["as_of"]) if compliance["as_of"] else 0.0,
        age_s=float(compliance["age_s"]),
        detail=str(compliance["detail"]),
        rule=str(decision["rule"]),
        profile=str(decision["profile"]),
        vlan=str(vlans[0]) if vlans else "",
        reply=str(fields["reply"]["code"]),
        line=line,
    )


def seconds(text: str) -> float:
    """RFC 3339 as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def complaints(log: Path) -> Iterator[str]:
    """Lines of the log that speak of a bug: tracebacks, and what is logged as an error with an exception."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if "Traceback" in line or '"exception"' in line or line.startswith(("Exception", "Task exception")):
            yield line[:2000]
