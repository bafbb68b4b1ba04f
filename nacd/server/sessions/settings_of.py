"""From what the admin wrote about sessions to what each room calls its options. One small function a room.

Knows: both vocabularies, ``config``'s and the rooms'. Refuses to know: whether the result works (``assembly``), and
which session it is for.
"""

from __future__ import annotations

from collections.abc import Sequence

from nacd.config import settings
from nacd.config.sections import sessions
from nacd.config.sections.week import DAYS
from nacd.config.sections.week import Window as WrittenWindow
from nacd.server.dac.lanes import Target
from nacd.session.ageing import Patience
from nacd.session.guard import Guard, Guards
from nacd.session.ladder import Terms
from nacd.session.windows import Window, Windows
from nacd.sessions import Verb
from nacd.vendor.dynauth_model import Dynauth, Inclusion


def guards(wanted: sessions.Guards) -> Guards:
    """What holds a mass change, both ways."""
    return Guards(down=_guard(wanted.down), up=_guard(wanted.up))


def _guard(wanted: sessions.GuardDown | sessions.GuardUp) -> Guard:
    return Guard(
        max_flips=wanted.max_flips,
        max_flip_percent=wanted.max_flip_percent,
        window_s=wanted.window.total_seconds(),
        hold_s=wanted.hold.total_seconds(),
        confirmed_per_s=wanted.confirmed_per_s,
    )


def windows(wanted: Sequence[WrittenWindow]) -> Windows:
    """When NASes may be asked, of one direction."""
    return Windows(
        windows=tuple(
            Window(days=frozenset(DAYS.index(day) for day in each.days), begins=each.begins, ends=each.ends)
            for each in wanted
        )
    )


def terms(wanted: sessions.Sessions, *, bounce: bool = False) -> Terms:
    """How patient a ladder is. bounce: nothing about this very port forbids that it goes down for a moment."""
    within = wanted.seen_within
    return Terms(
        seen_within_s={
            Verb.REAUTHENTICATE: within.reauthenticate.total_seconds(),
            Verb.DISCONNECT: within.disconnect.total_seconds(),
            Verb.BOUNCE: within.bounce.total_seconds(),
        },
        bounce=bounce and wanted.bounce,
    )


def patience(wanted: sessions.Sessions, interval_s: float = 0.0) -> Patience:
    """How long a session may be silent. interval_s: between two Interims of its NAS, 0.0 if nobody knows."""
    return Patience(interval_s=interval_s, silent_s=wanted.silent_for.total_seconds())


def target(wanted: settings.Dynauth, vendor: Dynauth, *, nas: str, host: str, port: int) -> Target:
    """Whom to send a request. nas: its name. host, port: where it is, unless the configuration knows better."""
    host = wanted.address or host
    of_one_family = bool(wanted.source) and (":" in host) == (":" in str(wanted.source))
    return Target(
        nas=nas,
        host=host,
        port=wanted.port or port,
        source=str(wanted.source) if of_one_family else "",
        rate_per_s=wanted.rate,
        concurrent=wanted.concurrent,
        omit_event_timestamp=vendor.event_timestamp is Inclusion.OMIT,
        omit_message_authenticator=vendor.message_authenticator is Inclusion.OMIT,
    )
