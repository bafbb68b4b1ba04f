"""A device whose compliance changes while it is on the network, and what nacd's audit file says of that.

Knows: the settings that make a laboratory quick, how to flip the device at the simulated Intune, and the events of
one change in their order. Refuses to know: which NAS holds the session, and nacd from inside.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nacd.sim.pki import COMPLIANT_GUID
from tests.peers.conftest import seed

WITHIN_S = 25.0
"""Two polls, a request and a commit, on a machine that is busy with other things."""


def quick(config: dict[str, Any]) -> None:
    """Devices are asked about once a second, and no verdict is good for longer."""
    compliance = config.setdefault("compliance", {})
    compliance["poll"] = {"interval": "1s"}
    compliance["lifetimes"] = dict.fromkeys(("compliant", "noncompliant", "not_managed", "unknown"), "1s")
    compliance["reauth_query_interval"] = "1s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the audit file has of one change, in order; flip_to_converged_s: by the clock on the wall."""

    wanted: Mapping[str, Any]
    asked: Mapping[str, Any]
    answered: Mapping[str, Any]
    converged: Mapping[str, Any]
    flip_to_converged_s: float


class Device:
    """The laptop ``laptop-one`` as Intune sees it."""

    def __init__(self, microsoft: Any, nacd: Any) -> None:
        self._microsoft = microsoft
        self._nacd = nacd
        self.since = 0
        """How many audit records there were at the last flip."""
        self._flipped_at = 0.0

    def flip(self, *, compliant: bool) -> None:
        """From now on Intune says so."""
        self.since = len(self._nacd.audit())
        self._flipped_at = time.time()
        self._microsoft.change_device(COMPLIANT_GUID, compliant=compliant)

    def recorded(self, event: str, **wanted: object) -> Mapping[str, Any]:
        """The record of that event since the flip; waits for it. A double underscore in a name stands for a dot."""
        fields = {name.replace("__", "."): value for name, value in wanted.items()}
        record: Mapping[str, Any] = self._nacd.recorded({"event": event, **fields}, since=self.since, within_s=WITHIN_S)
        return record

    def changed(self, before: str, after: str) -> Change:
        """Wait until nacd has carried the flip through; before, after: profiles."""
        wanted = self.recorded("session.change_wanted", standing__profile=before, wanted__profile=after)
        asked = self.recorded("session.asked", asked__verb="disconnect")
        answered = self.recorded("session.answered", answer__meaning="acknowledged")
        converged = self.recorded("session.converged", wanted__profile=after)
        took_s = datetime.datetime.fromisoformat(converged["time"]).timestamp() - self._flipped_at
        number = {record["nacd_session"] for record in (wanted, asked, answered, converged)}
        assert len(number) == 1, "these are records about one session"
        print(f"\n{before} -> {after}: {took_s:.2f} s from the flip at Intune to converged ({converged['why']})")
        return Change(wanted=wanted, asked=asked, answered=answered, converged=converged, flip_to_converged_s=took_s)


@contextmanager
def device(microsoft: Any, nacd: Any) -> Iterator[Device]:
    """It, compliant. When this is over nacd is stopped, so that it asks about nobody any more, and Intune as it was."""
    seed(microsoft)
    try:
        yield Device(microsoft, nacd)
        assert nacd.stop() == 0
    finally:
        nacd.stop()
        seed(microsoft)


def wait_until(what: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
