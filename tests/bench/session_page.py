"""What the page of a quick run has to say of sessions."""

from __future__ import annotations

import re

_SIDES = {"nacd": 1, "FreeRADIUS SQLite, WAL": 1, "FreeRADIUS SQLite, rollback journal": 2}
"""How often each waits for the disk at least, for as many records as are under way, or for one."""


def judge_sessions(text: str) -> None:
    """What a quick run has to say of sessions, whatever the figures."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| (\w*) \|$", text, re.M)
    synced = [(row[0], row[1], row[2]) for row in rows if row[0].startswith("fsync and fdatasync, ")]
    assert len(synced) == 6
    for what, among, figure in synced:
        side = what.removeprefix("fsync and fdatasync, ")
        records, window = (int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*(?= )", among))
        syncs = int(figure.partition(", one")[0].replace(",", ""))
        # nobody answers what is not on the disk: nacd all that are under way at once, FreeRADIUS each by itself
        assert syncs >= (records / window if side == "nacd" else records * _SIDES[side])
    first = {row[0]: row[1:] for row in reversed(rows)}
    assert first["size on disk"][0] == "2,000 sessions"
    assert first["resident memory of a daemon with them"][3] == "ok"
    for start in ("warm", "cold"):
        assert first[f"exec until the first accounting answer, {start}"][3] in ("ok", "MISSED")
    flipped = first["down: release until nothing is wanted any more, by the session database"]
    assert re.fullmatch(r"\d+ sessions on 20 NASes", flipped[0])
    assert flipped[3] in ("ok", "MISSED")
