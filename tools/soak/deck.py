"""The deck of troubles: every way in which Intune, nacd's host or its operator can make life hard for verdicts.

Knows: orders of the simulator's management door, and how long each trouble may be felt. Refuses to know: when they are
played (``trouble``).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

Order: TypeAlias = tuple[str, str, Mapping[str, Any]]
_NOT_READ: Final = ("html", "truncated", "huge", "empty", "doctype", "guid_mismatch", "nil_status", "nil_register")
_NOT_READ_EITHER: Final = ("no_status", "no_register", "odd_status", "text_type")
_READ: Final = ("bom", "digits", "lower_case", "capitals", "no_namespace", "prefixed", "unknown_elements", "spaced")
_READ_TOO: Final = ("two_agree", "json")
LIES: Final = ("nil_list", "empty_list", "no_list", "not_registered")
"""Bodies in which Intune itself says that a device is not managed: whoever reads them right believes it."""
UNDECIDED: Final = ("two_devices",)
_HANGS_S: Final = 17.0
_REFUSED_S: Final = 32.0
_LONG_S: Final = 10.0
_LONGEST_SHORT_AFTER_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that goes wrong.

    begin, end: orders for the simulator; all faults end anyway. act: what is done to nacd at the beginning: ``term``,
    ``kill`` (and start again), ``clock``, ``refresh``, ``command``. lasts: seconds, drawn between. excuses: False for
    what nobody may notice. after_s: seconds after its end for which nacd was asked to leave Intune alone, or in
    which a question put before its end may still hang. first: also in a run of a minute.
    """

    name: str
    begin: tuple[Order, ...] = ()
    end: tuple[Order, ...] = ()
    act: str = ""
    lasts: tuple[float, float] = (1.0, 2.5)
    excuses: bool = True
    after_s: float = 0.0
    first: bool = False


def _fault(kind: str, **values: Any) -> Order:
    return ("POST", "/faults", {"kind": kind, **values})


_REVOKE: Final[Order] = ("POST", "/revoke", {})


def _body(variant: str, *, excuses: bool) -> Trouble:
    orders = (_fault("body", variant=variant, only="single"),)
    return Trouble(name=f"body {variant}", begin=orders, excuses=excuses)


def _outages() -> list[Trouble]:
    modes = ("reset", "reset_after", "refused", "503", "500")
    found = [Trouble(name=f"outage {mode}", begin=(_fault("outage", mode=mode),)) for mode in modes]
    found[2] = replace(found[2], first=True)
    found += [
        Trouble(name="outage silent", begin=(_fault("outage", mode="silent"),), after_s=_HANGS_S),
        Trouble(name="outage of Intune alone", begin=(_fault("outage", service="compliance", mode="reset"),)),
        Trouble(name="outage of 25 s", begin=(_fault("outage", mode="503"),), lasts=(22, 25), after_s=_LONG_S),
        Trouble(name="SIGKILL in an outage", begin=(_fault("outage", mode="reset"),), act="kill", first=True),
        Trouble(name="SIGTERM in an outage", begin=(_fault("outage", mode="503"),), act="term"),
        Trouble(name="SIGKILL", act="kill"),
        Trouble(name="restart after a move", begin=(("POST", "/move", {"old": "404"}),), act="term"),
    ]
    return found


def _slowness() -> list[Trouble]:
    soon, late, never = 200, 1500, 9000
    return [
        Trouble(name=f"latency {soon} ms", begin=(_fault("latency", ms=soon),)),
        Trouble(name=f"latency {late} ms", begin=(_fault("latency", ms=late),), after_s=2.0, first=True),
        Trouble(name=f"latency {never} ms", begin=(_fault("latency", ms=never),), after_s=_HANGS_S),
        Trouble(name="drip 1 ms", begin=(_fault("drip", ms=1, only="single"),), after_s=3.0, first=True),
        Trouble(name="drip 8 ms", begin=(_fault("drip", ms=8, only="single"),), after_s=_HANGS_S),
        Trouble(name="drip 40 ms", begin=(_fault("drip", ms=40, only="single"),), after_s=_HANGS_S),
        Trouble(name="busy", begin=(_fault("busy", seconds=2),), after_s=3.0),
    ]


def _throttling() -> list[Trouble]:
    def one(manner: str, after_s: float, *, first: bool = False) -> Trouble:
        order = _fault("throttle", retry_after=manner, seconds=2, only="single")
        return Trouble(name=f"throttle, {manner}", begin=(order,), after_s=after_s, first=first)

    return [one("seconds", 3.0, first=True), one("date", 4.0), one("none", 31.0), one("garbage", 31.0)]


def _refusals() -> list[Trouble]:
    found = [
        Trouble(name=f"AADSTS{code}, tokens in hand", begin=(_fault("token", code=code),), excuses=False)
        for code in (7000215, 90002)
    ]
    found += [
        Trouble(name=f"AADSTS{code}, tokens revoked", begin=(_fault("token", code=code), _REVOKE), after_s=_REFUSED_S)
        for code in (7000222, 700016, 7000112, 53003)
    ]
    login = {"service": "login"}
    found += [
        Trouble(name="all tokens revoked", begin=(_REVOKE,), first=True),
        Trouble(name="login slow", begin=(_fault("latency", ms=700, **login), _REVOKE), after_s=2.0),
        Trouble(name="login throttles", begin=(_fault("throttle", seconds=2, **login), _REVOKE), after_s=3.0),
        Trouble(name="login down", begin=(_fault("outage", mode="503", **login), _REVOKE), after_s=6.0),
        Trouble(name="one 401", begin=(_fault("status", code=401, only="single", times=1),)),
        Trouble(name="status 404", begin=(_fault("status", code=404, service="compliance"),)),
        Trouble(name="status 502", begin=(_fault("status", code=502, only="single"),)),
        Trouble(name="status 400", begin=(_fault("status", code=400, only="single"),)),
        Trouble(name="redirect", begin=(_fault("redirect", only="single"),)),
    ]
    return found


def _discovery() -> list[Trouble]:
    graph = {"service": "graph"}
    quiet = [
        Trouble(name="Graph down", begin=(_fault("outage", mode="503", **graph),), excuses=False),
        Trouble(name="Graph slow", begin=(_fault("latency", ms=3000, **graph),), excuses=False),
        Trouble(name="Graph says HTML", begin=(_fault("body", variant="html", **graph),), excuses=False),
    ]
    for word in ("foreign_host", "empty", "next_link_loop"):
        begin, end = ("POST", "/tuning", {"discovery": word}), ("POST", "/tuning", {"discovery": "both"})
        quiet.append(Trouble(name=f"discovery {word}, restart", begin=(begin,), end=(end,), act="term"))
    return quiet


def _others() -> list[Trouble]:
    found = [_body(word, excuses=True) for word in (*_NOT_READ, *_NOT_READ_EITHER, *UNDECIDED)]
    found += [_body(word, excuses=False) for word in (*_READ, *_READ_TOO, *LIES)]
    found = [replace(one, first=one.name in ("body truncated", "body digits", "body two_devices")) for one in found]
    for seconds in (-1800, 1800, 7200):
        begin, end = (("POST", "/tuning", {"clock_offset_s": at}) for at in (seconds, 0))
        found.append(Trouble(name=f"Intune's clock {seconds:+} s", begin=(begin,), end=(end,), excuses=False))
    step = Trouble(name="nacd's clock stepped", act="clock", excuses=False)
    found += [replace(step, first=True), replace(step, first=True), step, step, step]
    found += [
        Trouble(name="cache refresh", act="refresh", lasts=(0.1, 0.2), excuses=False, first=True),
        Trouble(name="nacd cache refresh", act="command", excuses=False, first=True),
        Trouble(name="new bulk window", begin=(("POST", "/bulk-window", {}),), excuses=False),
    ]
    return found


def draw(chance: random.Random, *, short: bool) -> list[Trouble]:
    """The deck in the order it is played. short: what belongs into a minute first, and nothing that lasts longer."""
    deck = [*_outages(), *_slowness(), *_throttling(), *_refusals(), *_discovery(), *_others()]
    chance.shuffle(deck)
    if short:
        deck = [one for one in deck if one.after_s <= _LONGEST_SHORT_AFTER_S and one.lasts[1] < 5]
        # What changes most about all that follows comes early: another clock, another life.
        deck.sort(key=lambda one: (not one.first, one.act not in ("clock", "kill")))
    return deck
