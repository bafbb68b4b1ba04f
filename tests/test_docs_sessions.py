"""What the page of sessions claims: settings, Error-Causes, reasons, sentences of records, commands."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from nacd.audit import events, session_events
from nacd.audit.session_catalogue import ROWS
from nacd.cli.main import app
from nacd.config.load import load
from nacd.radius.dynauth import errors
from nacd.radius.dynauth.transaction import Ignored
from nacd.server.assembly import assemble
from nacd.server.dac import sender
from nacd.server.people.door import _LOOKUPS
from nacd.server.sessions.closed_loop import ClosedLoop
from nacd.server.sessions.loop.gate import Gate, Wanted
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.targets import Targets
from nacd.session import ladder
from nacd.session.guard import Flip, Guard, Guards, Hold, Ruling
from nacd.session.windows import Window, Windows
from nacd.sessions import Grounds, Meaning, Names, Outcome, Pending, Phase, Place, Session, Standing, Verb
from nacd.values import (
    AccessKind,
    AccessRequest,
    Assurance,
    AuditEvent,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    Device,
    DeviceId,
    Effect,
    IdentitySource,
    Instant,
    Named,
    Nas,
)
from tests.server.sessions.test_orders import ORDERS
from tests.server.sessions.wired import SECRET, configured
from tests.test_docs import DOCS, HOME, SCHEMA, leaves, resolved

PAGE = (DOCS / "sessions.md").read_text(encoding="utf-8")


def table(*titles: str) -> dict[str, list[str]]:
    """Rows of the one table with these first titles, by their first cell without backticks."""
    head = f"| {' | '.join(titles)} |"
    assert PAGE.count(f"\n{head}") == 1, head
    rows: dict[str, list[str]] = {}
    for line in PAGE.split(f"\n{head}", 1)[1].splitlines()[2:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        assert cells[0] not in rows, cells[0]
        rows[cells[0].strip("`")] = cells[1:]
    return rows


# -- settings -------------------------------------------------------------------------------------


def test_every_setting_of_sessions_and_control_is_there_with_its_default() -> None:
    known = dict(
        each for section in ("sessions", "control") for each in leaves(resolved(SCHEMA["properties"][section]), section)
    )
    told = {name: cells[0] for name, cells in table("setting", "default", "effect").items()}
    assert told == {name: str(default) if default not in (None, []) else "-" for name, default in known.items()}


def test_every_key_of_dynauth_is_there_and_a_default_that_is_a_number_is_the_one_of_the_schema() -> None:
    known = SCHEMA["$defs"]["Dynauth"]["properties"]
    told = table("key of `dynauth`", "default", "effect")
    assert set(told) == set(known)
    for name, cells in told.items():
        if cells[0].isdecimal() or known[name].get("default") is not None:
            assert cells[0] == str(known[name]["default"]), name


def test_settings_that_the_text_names_exist() -> None:
    known = {
        name
        for section in ("sessions", "control", "compliance")
        for name, _ in leaves(resolved(SCHEMA["properties"][section]), section)
    }
    sections = {name.rpartition(".")[0] for name in known} | {"control.sock", "sessions.sqlite"}
    named = set(re.findall(r"`((?:sessions|control|compliance)\.[a-z_.]+)`", PAGE))
    assert named - known - sections == set()


# -- words ----------------------------------------------------------------------------------------


def test_every_phase_verb_and_meaning_is_explained() -> None:
    assert set(table("phase", "meaning")) == {phase.value for phase in Phase}
    assert set(table("verb", "what happens", "it has worked when", "how long that may take")) == {
        verb.value for verb in Verb
    }
    assert set(table("`answer.meaning`", "what nacd does next")) == {meaning.value for meaning in Meaning}


def test_every_error_cause_is_there_with_its_name_and_what_it_means() -> None:
    told = {number: cells[:2] for number, cells in table("Error-Cause", "name", "`answer.meaning`", "look at").items()}
    bare = errors.refused(errors.NONE)
    assert told.pop("none") == [bare.name, f"`{bare.meaning}`"]
    assert told == {str(number): [cause.name, f"`{cause.meaning}`"] for number, cause in errors.CAUSES.items()}


def test_what_follows_from_an_answer_is_what_the_ladder_does() -> None:
    """The column `what nacd does next`, put to the ladder: with two rungs, in the middle of the first."""
    wanted = decided("quarantine", ComplianceState.NONCOMPLIANT, ComplianceSource.LIVE, NOW.wall)
    rungs = (Verb.REAUTHENTICATE, Verb.DISCONNECT)
    terms = ladder.Terms()
    ready = ladder.Climb(pending=Pending(wanted=wanted, since=NOW.wall))
    asked = ladder.step(ready, ladder.TimePassed(), rungs, terms, NOW.wall).climb
    moves = {
        meaning: ladder.step(asked, Outcome(meaning=meaning, detail="x"), rungs, terms, NOW.wall) for meaning in Meaning
    }
    following = {meaning for meaning, move in moves.items() if move.do == ladder.Ask(verb=Verb.DISCONNECT)}
    assert following == {Meaning.NEXT_VERB, Meaning.CONFIGURATION, Meaning.ALARM}
    assert {meaning for meaning, move in moves.items() if move.alarm} == {Meaning.CONFIGURATION, Meaning.ALARM}
    assert moves[Meaning.NARROW].do == ladder.Ask(verb=Verb.REAUTHENTICATE, narrow=True)
    assert isinstance(moves[Meaning.GONE].do, ladder.NoSuchSession)
    for meaning in (Meaning.LATER, Meaning.UNANSWERED):
        assert moves[meaning].do == ladder.Wait(until=NOW.wall + 10.0)
    assert terms.pauses_s == (10.0, 30.0, 90.0)
    assert "after 10, 30 and 90 s" in PAGE
    assert terms.again_s == 600.0


HELD = table("`held.why`", "meaning", "ends")


def holds() -> Iterator[Ruling]:
    """Everything that the guard has to say when it holds something."""
    guard = Guard(max_flips=1, max_flip_percent=100, window_s=300, hold_s=3600, confirmed_per_s=1)
    yield guard.ask(Flip(id=1, down=True), 100, 1.0, trouble=True)
    yield from guard.ask_all([Flip(id=number, down=True) for number in (2, 3)], 100, 1.0)
    yield from guard.ask_all([Flip(id=number, down=True, confirmed_live=True) for number in (4, 5)], 100, 1.0)
    guard.discard()
    yield guard.ask(Flip(id=2, down=True), 100, 1.0)


def test_every_reason_of_the_guard_is_explained_in_its_words() -> None:
    said = {ruling.why for ruling in holds() if isinstance(ruling, Hold)}
    assert len(said) == 4
    assert said < set(HELD)


def test_every_reason_why_a_nas_cannot_be_asked_is_explained_in_its_words(tmp_path: Path) -> None:
    configured(tmp_path, {"mute": 0, "sw": 3799})
    file = tmp_path / "nacd.yaml"
    file.write_text(file.read_text().replace(", address: 127.0.0.1", ""))
    targets = Targets(assemble(load(file, {"NAS": SECRET}), NOW))
    some = example_session()
    places = {"mute": "10.0.0.1", "sw": "10.9.9.9", "gone": "10.0.0.1"}
    said = {targets.why_not(replace(some, place=Place(nas=nas, source=ip))) for nas, ip in places.items()}
    dotted = {re.sub(r"`(mute|sw|gone|10.9.9.9)`", "...", each.replace(", where it came from,", "")) for each in said}
    told = {f"`{clause}" if clause.startswith("dynauth`") else clause for clause in "; ".join(HELD).split("; ")}
    assert len(dotted) == 3
    assert dotted <= told


def test_a_closed_window_is_explained_in_its_words() -> None:
    closed = Windows(windows=(Window(days=frozenset({0}), begins=0, ends=1),))
    gate = Gate(
        guards=Guards(down=Guard(1, 1, 1, 1, 1), up=Guard(1, 1, 1, 1, 1)),
        down=closed,
        up=closed,
        local_minutes=lambda _: 60,
        trouble=lambda _: False,
        telling=Telling(None, None),
    )
    ruling = gate.window(Wanted(id=1, down=True), NOW)
    assert isinstance(ruling, Hold)
    assert ruling.why in HELD


def test_every_trigger_is_explained() -> None:
    """They stand as second argument wherever sessions are decided again."""
    found = set()
    for path in sorted((HOME / "nacd" / "server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if called in ("decide", "reassess"):
                found |= {each.value for each in node.args[1:2] if isinstance(each, ast.Constant)}
    assert len(found) >= 5
    assert set(table("`change.trigger`", "what happened")) == found


def test_every_reason_to_ignore_a_datagram_is_explained_and_no_other() -> None:
    told = set(re.findall(r"coa_[a-z_]+", " ".join(table("`packets.reason`", "meaning"))))
    sent = set(re.findall(r'"(coa_[a-z_]+)"', inspect.getsource(sender)))
    assert len(sent) > 5
    assert told == sent | {f"coa_{each}" for each in Ignored}


# -- records --------------------------------------------------------------------------------------

NOW = Instant(wall=1_790_000_000.0, monotonic=500.0)
GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
IDENTITY = Device(id=DeviceId(guid=GUID), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
NAS = Nas(name="campus", vendor="cisco-ios")


def decided(profile: str, state: ComplianceState, source: ComplianceSource, as_of: float) -> Standing:
    return Standing(
        effect=Effect.ALLOW,
        rule="fix your device" if state is ComplianceState.NONCOMPLIANT else "compliant device",
        profile=profile,
        policy_digest="d",
        compliance=Compliance(state=state, as_of=as_of, source=source, detail="asked by id", provider="nac"),
        at=as_of,
    )


def example_session() -> Session:
    """As it is when the change begins."""
    wanted = decided("quarantine", ComplianceState.NONCOMPLIANT, ComplianceSource.LIVE, NOW.wall - 3.0)
    return Session(
        id=4711,
        place=Place(nas="campus", source="10.20.0.1", port_id="Gi1/0/1", port_type="Ethernet"),
        names=Names(acct_session_id="0000001A"),
        phase=Phase.LIVE,
        authorized_at=NOW.wall - 3600.0,
        standing=decided("corporate", ComplianceState.COMPLIANT, ComplianceSource.LIVE, NOW.wall - 3600.0),
        grounds=Grounds(access=AccessKind.DOT1X, nas=NAS, identity=IDENTITY),
        wish=Pending(wanted=wanted, since=NOW.wall),
    )


def example() -> Iterator[AuditEvent]:
    """What the table of the page shows, by the builders themselves."""
    session = example_session()
    assert isinstance(session.wish, Pending)
    wanted = session.wish.wanted
    verb, reasons = Verb.REAUTHENTICATE, ("compliance is noncompliant",)
    yield session_events.change_wanted(session=session, wanted=wanted, trigger="verdict", reasons=reasons, now=NOW)
    target: dict[str, Any] = {"host": "10.20.0.1", "port": 1700, "request": "coa", "step": 0, "tries": 1, "shown": ()}
    yield session_events.asked(session=session, verb=verb, now=later(0.004), **target)
    outcome = Outcome(meaning=Meaning.ACKNOWLEDGED, took_s=0.017)
    yield session_events.answered(session=session, verb=verb, outcome=outcome, now=later(0.021))
    yield events.decision(
        request=AccessRequest(nas=NAS, source="10.20.0.1", source_port=1645),
        named=Named(access=AccessKind.DOT1X, identity=IDENTITY, attempts=()),
        compliance=wanted.compliance,
        decision=Decision(
            effect=Effect.ALLOW, rule=wanted.rule, profile="quarantine", reasons=reasons, policy_digest="d"
        ),
        rendered=None,
        shown=[],
        latency_ms=1.0,
        now=later(1.63),
    )
    climb = ladder.Climb(pending=Pending(wanted=wanted, since=NOW.wall))
    done = ladder.step(climb, ladder.Seen(standing=wanted), (), ladder.Terms(), NOW.wall).do
    assert isinstance(done, ladder.Converged)
    yield session_events.converged(
        session=replace(session, standing=wanted), wanted=wanted, how=done.how, took_s=1.641, now=later(1.641)
    )


def later(seconds: float) -> Instant:
    return Instant(wall=NOW.wall + seconds, monotonic=NOW.monotonic + seconds)


def test_the_worked_example_is_what_the_builders_say() -> None:
    shown = PAGE.split("<!-- example: begin -->\n")[1].split("<!-- example: end -->")[0].splitlines()[2:]
    made = [
        f"| {str(event.fields['time'])[11:23]} | `{event.code}` `{event.fields['event']}` | {event.fields['why']} |"
        for event in example()
    ]
    assert shown == made


def test_every_event_of_sessions_is_named_on_the_page() -> None:
    assert [row.name for row in ROWS if f"`{row.name}`" not in PAGE] == []


# -- commands -------------------------------------------------------------------------------------


def commands() -> set[str]:
    """What follows `nacd` on the page, as far as it is words of a command."""
    text = re.sub(r"<!--.*?-->", "", PAGE, flags=re.DOTALL)
    found = re.findall(r"(?:`|^    )nacd ([a-z]+(?: [a-z]+)?)", text, re.MULTILINE)
    return {each.strip() for each in found}


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_on_the_page_exists(command: str) -> None:
    words = command.split()
    root = typer.main.get_command(app)
    known: Any = root.commands.get(words[0])  # type: ignore[attr-defined]
    assert known is not None, command
    if len(words) > 1 and hasattr(known, "commands"):
        assert words[1] in known.commands, command


def test_the_page_names_commands_at_all() -> None:
    assert {"sessions list", "coa release", "coa status", "overrides lift"} <= commands()


def test_every_order_stands_with_the_role_that_it_needs() -> None:
    needed = {f"{name}": role for name, role in ORDERS.items()} | {name: role.word for name, role in _LOOKUPS.items()}
    told: dict[str, str] = {}
    for role, (cell,) in table("role", "may").items():
        for group in cell.split(";"):
            first, *others = (words.split() for words in re.findall(r"`(?:nacd )?([a-z ]+)`", group))
            for words in (first, *([*first[:-1], *each] for each in others)):
                told[".".join(words).replace("overrides.", "override.")] = role
    assert told.pop("allow") == "config"
    assert told.pop("quarantine") == told.pop("block") == needed.pop("override.put")
    assert told == needed


def test_what_passes_the_guard_is_what_the_page_says() -> None:
    """Ordered by a person: an override and its end; not `nacd reassess`."""
    text = " ".join(PAGE.split())
    assert "their end, and `nacd coa reauthenticate`, `disconnect` and `bounce` pass guard and windows;" in text
    ordered = inspect.getsource(ClosedLoop._take_turns).split("ordered=True")
    assert len(ordered) == 2
    assert "take_override" in ordered[0]
    assert "ordered" not in inspect.getsource(ClosedLoop.reassess)
