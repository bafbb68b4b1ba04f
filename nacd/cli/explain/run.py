"""``nacd explain``: what would you do, and by which rule?

Knows: what can be asked about (a certificate, a MAC, captured packets, an audit record, a session), which options go
together, and how it ends. Refuses to know: the judgement itself (``judgement``) and what is special about any of them.
Opens no port, changes nothing, and asks nobody at Microsoft unless told to.

Exit codes: 0 explained, 1 it cannot be (a file, the configuration, the record), 2 wrong usage, 3 no daemon where one
is needed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from nacd.cli.control.order import NobodyListens, OrderFailed
from nacd.cli.control.place import NoPlace
from nacd.cli.explain import certificates, macs, packets, sessions, trust
from nacd.cli.explain.capture import NotCapture
from nacd.cli.explain.daemon import Socket
from nacd.cli.explain.judgement import POSSIBLE_STATES, Assumption, Scene, WrongUsage
from nacd.cli.explain.logins import chosen
from nacd.cli.explain.moments import NoMoment, moment
from nacd.cli.explain.sheet import Sheet, moment_text
from nacd.cli.replay import told
from nacd.cli.replay.records import CannotRead
from nacd.config.load import load
from nacd.errors import ConfigError
from nacd.identity.mac import NotMac, parse
from nacd.server.assembly import assemble
from nacd.server.clock import instant
from nacd.values import Instant

EXPLAINED, CANNOT, USAGE, NO_DAEMON = 0, 1, 2, 3
"""Exit codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: exactly one of certificate, mac, packet, record and session; the rest is the scene.

    at: as people write a moment, ``""`` for now. socket, state: where the daemon is, if not where the configuration
    says.
    """

    certificate: Path | None = None
    mac: str = ""
    packet: Path | None = None
    record: str = ""
    session: int = 0
    nas: str = ""
    access: str = "dot1x"
    ssid: str = ""
    compliance: str = ""
    live: bool = False
    at: str = ""
    as_json: bool = False
    socket: Path | None = None
    state: Path | None = None


def run(config: Path, question: Question) -> int:
    """Explain. Returns an exit code."""
    try:
        now = instant()
        _check(question, now)
        sheet = Sheet(as_json=question.as_json)
        code = _told(config, question, sheet, now)
        sheet.close()
    except (WrongUsage, NoMoment) as wrong:
        print(wrong, file=sys.stderr)
        return USAGE
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        return CANNOT
    except NobodyListens as nobody:
        print(f"{nobody}\na session is explained by the daemon that has it: it must run", file=sys.stderr)
        return NO_DAEMON
    except OrderFailed as failed:
        print(failed, file=sys.stderr)
        return USAGE if failed.is_usage else CANNOT
    except (CannotRead, NoPlace) as cannot:
        print(cannot, file=sys.stderr)
        return CANNOT
    except (NotCapture, trust.NotCertificate) as cannot:
        print(f"`{question.packet or question.certificate}`: {cannot}", file=sys.stderr)
        return CANNOT
    except BrokenPipeError:
        raise  # `| head` has seen enough; typer ends quietly
    except OSError as cannot:
        print(f"`{cannot.filename or '?'}` cannot be read: {(cannot.strerror or 'error').lower()}", file=sys.stderr)
        return CANNOT
    return code


def _told(config: Path, question: Question, sheet: Sheet, real: Instant) -> int:
    """Raises whatever keeps it from being told."""
    wall = moment(question.at, real.wall) if question.at else real.wall
    now = Instant(wall=wall, monotonic=real.monotonic)
    socket = Socket(config=config, state=question.state, named=question.socket)
    sheet.put(subject=_subject(question), at=moment_text(wall))
    if question.at:
        sheet.field("at", f"{moment_text(wall)}: all of it as of then")
    if question.session:
        sessions.tell(socket, sheet, question.session, wall if question.at else 0.0)
        return EXPLAINED
    assembled = assemble(load(config), real, allow_demo=True)
    loaded = assembled.loaded
    sheet.put(policy={"file": loaded.policy_document.file, "digest": loaded.digest})
    scene = Scene(
        assembled=assembled,
        sheet=sheet,
        now=now,
        assumed=Assumption(state=question.compliance, live=question.live),
    )
    if question.record:
        return told.tell(assembled, question.record, sheet, wall if question.at else 0.0)
    if question.packet is not None:
        packets.tell_each(scene, question.packet, chosen(assembled, question.nas) if question.nas else None)
    elif question.certificate is not None:
        certificates.tell(scene, question.certificate, chosen(assembled, question.nas), question.access, question.ssid)
    else:
        asked = macs.Asked(mac=question.mac, nas=question.nas, access=question.access, ssid=question.ssid)
        macs.tell(scene, socket, asked)
    return EXPLAINED


def _subject(question: Question) -> str:
    named = ("certificate", "mac", "packet", "record", "session")
    return next(name for name in named if getattr(question, name))


def _check(question: Question, now: Instant) -> None:
    """Raises WrongUsage, NoMoment."""
    subjects = (question.certificate, question.mac, question.packet, question.record, question.session)
    if sum(map(bool, subjects)) != 1:
        raise WrongUsage("ask about exactly one of --certificate, --mac, --packet, --record and --session")
    alone = bool(question.nas or question.ssid or question.compliance or question.live or question.access != "dot1x")
    if question.record and alone:
        raise WrongUsage("a record says itself from where it came and what Intune said: --record stands alone")
    if question.session and alone:
        raise WrongUsage("the daemon knows where a session is and what Intune said: --session stands alone")
    if question.access not in ("dot1x", "vpn"):
        raise WrongUsage(f"--access is dot1x or vpn, not `{question.access}`")
    states = [state.value for state in POSSIBLE_STATES]
    if question.compliance and question.compliance not in states:
        raise WrongUsage(f"--compliance is one of {', '.join(states)}, not `{question.compliance}`")
    if question.compliance and question.live:
        raise WrongUsage("--compliance assumes an answer and --live asks for one: give one of them")
    if question.at and question.live:
        raise WrongUsage("--live asks what is so now, and --at is about another time: give one of them")
    if question.packet is not None and (question.ssid or question.access != "dot1x"):
        raise WrongUsage("--ssid and --access are read from the packet itself")
    if question.mac and isinstance(said := parse(question.mac), NotMac):
        raise WrongUsage(f"--mac `{question.mac}` is no MAC address: {said.reason}")
    if question.at:
        moment(question.at, now.wall)
