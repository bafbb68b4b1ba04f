"""``nacd audit forward``: how far each destination is, and a test event for one of them.

Knows: how it is printed, exit codes. Refuses to know: how anything is sent (``keeper/forward``). Asks no daemon:
what it shows lies in the state folder, and is up to a second old.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nacd.config.sections.audit.forwarding import Destination
from nacd.errors import ConfigError
from nacd.keeper.forward.building import FOLDER
from nacd.keeper.forward.cursor import Cursor
from nacd.keeper.forward.following import newest
from nacd.keeper.forward.trial import trial
from nacd.keeper.settings import Wanted, read


def run(config: Path, *, test: str = "", as_json: bool = False) -> int:
    """test: the destination that gets a test event; else how all stand. Returns the exit code: 1 if something is wrong,
    2 for a destination that there is not."""
    try:
        wanted = read(config)
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem)
        return 1
    if test:
        return _test(wanted, test, as_json=as_json)
    return _status(wanted, as_json=as_json)


def _test(wanted: Wanted, name: str, *, as_json: bool) -> int:
    found = next((each for each in wanted.audit.forward if each.name == name), None)
    if found is None:
        known = ", ".join(f"`{each.name}`" for each in wanted.audit.forward) or "none"
        print(f"there is no destination `{_shown(name)}` in `audit.forward`; there is {known}")
        return 2
    steps = []
    for step in trial(found, time.time()):
        steps.append(step)
        if not as_json:
            print(f"{'ok  ' if step.well else 'NOT '} {step.name:<11} {_shown(step.words)}")
    well = bool(steps) and steps[-1].well and steps[-1].name == "event"
    if as_json:
        told = [{"step": step.name, "well": step.well, "words": step.words} for step in steps]
        print(json.dumps({"destination": name, "well": well, "steps": told}))
    return 0 if well else 1


def _status(wanted: Wanted, *, as_json: bool) -> int:
    last = newest(wanted.audit.file)
    told = [_standing(each, wanted, last) for each in wanted.audit.forward]
    if as_json:
        print(json.dumps({"newest": last, "destinations": told}))
    elif not told:
        print("nothing is forwarded: `audit.forward` is empty")
    else:
        for each in told:
            _print(each)
    return 1 if any(each["problem"] for each in told) else 0


def _standing(destination: Destination, wanted: Wanted, last: int) -> dict[str, Any]:
    kept = Cursor(wanted.state / FOLDER, destination.name).read()
    seq = kept.place.seq if kept.place is not None else 0
    return {
        "name": destination.name,
        "url": destination.url,
        "format": destination.format,
        "seq": seq,
        "behind": max(0, last - seq),
        "at": _time(kept.at),
        "sent": kept.sent,
        "lost": kept.lost,
        "set_aside": kept.set_aside,
        "problem": kept.note or kept.problem,
        "since": _time(kept.since),
    }


def _print(told: dict[str, Any]) -> None:
    print(f"{told['name']}: {_shown(told['url'])} ({told['format']})")
    if not told["at"]:
        print("  nothing was sent yet")
    else:
        print(f"  up to record {told['seq']}, {told['behind']} behind, as of {told['at']}")
        print(f"  sent {told['sent']}, lost {told['lost']}, passed over {told['set_aside']}")
    if told["problem"]:
        since = f" since {told['since']}" if told["since"] else ""
        print(f"  takes nothing{since}: {_shown(told['problem'])}")


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""


def _shown(words: str) -> str:
    """Some of it was said by a server: no terminal obeys it."""
    return "".join(char if char.isprintable() else "?" for char in words)
