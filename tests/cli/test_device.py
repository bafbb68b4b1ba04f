"""`nacd device` as a person uses it: what is asked, what is said, what is done, and every way in which it is not."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from nacd.intune.graph.actions import PRIVILEGED, READ
from nacd.values import NIL_GUID
from tests.actions.fixtures import simulated_microsoft, stage
from tests.actions.stage import ENTRA, LAPTOP, NOBODYS, PHONE, SECRET, Stage

__all__ = ["simulated_microsoft", "stage"]

HOME = Path(__file__).parents[2]
QUESTION = b"to go on: "
CODE, AGAIN = b"(not shown): ", b"Once more: "


@pytest.fixture
def device(nacd: Any, stage: Stage) -> Callable[..., Any]:
    """``device("show", ID)`` without a terminal."""

    def run(*words: object) -> Any:
        return nacd("device", *words, "--config", stage.config)

    return run


# Its terminal has to be its controlling one, or Ctrl-C would be a character like any other.
_AT_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "nacd", *sys.argv[1:]])
"""


def at_a_terminal(
    stage: Stage, *words: str, types: bytes = b"", code: Sequence[bytes] = (), hangs_up: bool = False
) -> tuple[int, str]:
    """Run it in a terminal and type when it asks; exit code and all that the terminal showed.

    types: at the question for the name. code: at the questions for an unlock code.
    """
    to_type = [*zip((CODE, AGAIN), code, strict=False), (QUESTION, types)]
    command = [sys.executable, "-c", _AT_ITS_TERMINAL, "device", *words, "--config", str(stage.config)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=HOME, start_new_session=True) as ran:
        os.close(theirs)
        shown, until = b"", time.monotonic() + 30
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            try:
                part = os.read(ours, 4096)
            except OSError:  # what a terminal says when nobody holds its other end
                break
            if not part:
                break
            shown += part
            if to_type and to_type[0][0] in shown:
                if hangs_up:
                    ran.terminate()
                os.write(ours, to_type.pop(0)[1])
        if time.monotonic() >= until:
            ran.kill()
        ended = ran.wait(10)
    os.close(ours)
    return ended, shown.decode("utf-8", "replace")


# -- looking --------------------------------------------------------------------------------


def test_show_says_what_intune_knows(device: Any, stage: Stage) -> None:
    done = device("show", LAPTOP)
    assert done.exit_code == 0
    for words in ("LAPTOP-7", "alice@example.test", "Windows 10.0", "company", "(just now)", LAPTOP, ENTRA, "D46E0E"):
        assert words in done.output
    assert not stage.done()


def test_an_entra_id_will_do(device: Any) -> None:
    assert LAPTOP in device("show", ENTRA).output


def test_what_a_device_calls_itself_cannot_play_with_the_terminal(device: Any, stage: Stage) -> None:
    stage.microsoft.put_device(LAPTOP, name="\x1b[2J\u202elive")
    assert "name        ?[2J?live" in device("show", LAPTOP).output


def test_nor_can_it_in_what_goes_wrong(device: Any, stage: Stage) -> None:
    stage.microsoft.put_device(LAPTOP, name="\x1b]0;owned\x07\x9b2J\nall is well", entra_id=ENTRA)
    stage.microsoft.put_device(PHONE, name="\u202ephone", entra_id=ENTRA)
    done = device("show", ENTRA)
    assert done.exit_code == 1
    assert "(?]0;owned??2J?all is well)" in done.output
    assert done.output.replace("\n", "").isprintable()


# -- what is harmless is done at once -------------------------------------------------------


def test_sync_is_done_at_once(device: Any, stage: Stage) -> None:
    done = device("sync", LAPTOP)
    assert (done.exit_code, stage.done()) == (0, [("syncDevice", LAPTOP)])
    assert "sync LAPTOP-7: Intune has taken it" in done.output


def test_notify_says_what_the_file_says_or_the_options(device: Any, stage: Stage) -> None:
    assert device("notify", PHONE).exit_code == 0
    assert device("notify", PHONE, "--title", "Hello", "--text", "one\ntwo").exit_code == 0
    first, second = (seen.body for seen in stage.microsoft.history("action"))
    assert first["notificationTitle"] == "Your device has no network access"
    assert second == {"notificationTitle": "Hello", "notificationBody": "one\ntwo"}


def test_a_notification_that_is_too_long_is_wrong_usage_and_asks_nobody(device: Any, stage: Stage) -> None:
    done = device("notify", PHONE, "--title", "x" * 51)
    assert (done.exit_code, stage.microsoft.history()) == (2, [])
    assert "at most 50 characters" in done.output


# -- what is not harmless -------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "segment"), [("lock", "remoteLock"), ("retire", "retire"), ("wipe", "wipe")])
def test_the_name_typed_back_lets_it_happen(stage: Stage, verb: str, segment: str) -> None:
    code, shown = at_a_terminal(stage, verb, LAPTOP, types=b"  LAPTOP-7 \n")
    assert code == 0, shown
    assert stage.done() == [(segment, LAPTOP)]
    for words in ("LAPTOP-7", "alice@example.test", "Windows", "company", "last sync", verb.upper()):
        assert words in shown
    assert [record["code"] for record in stage.records()] == ["D0001I", "D0002I"]


@pytest.mark.parametrize(
    ("verb", "types"),
    [
        ("wipe", b"laptop-7\n"),
        ("retire", b"LAPTOP-77\n"),
        ("lock", b"yes\n"),
        ("wipe", b"\n"),
        ("wipe", b"\x04"),  # Ctrl-D
        ("wipe", b"\x03"),  # Ctrl-C
        ("wipe", b"\xff\n"),
    ],
)
def test_anything_else_typed_does_not(stage: Stage, verb: str, types: bytes) -> None:
    code, shown = at_a_terminal(stage, verb, LAPTOP, types=types)
    assert code == 1, shown
    assert "not done" in shown
    assert not stage.done()
    assert [record["code"] for record in stage.records()] == ["D0005I"]


def test_a_terminal_that_goes_away_does_nothing(stage: Stage) -> None:
    code, _shown = at_a_terminal(stage, "wipe", LAPTOP, hangs_up=True)
    assert code != 0
    assert not stage.done()


@pytest.mark.parametrize("name", ["", "\u202eevil"])
def test_a_device_whose_name_nobody_can_type_is_confirmed_by_its_id(stage: Stage, name: str) -> None:
    stage.microsoft.put_device(LAPTOP, name=name)
    code, shown = at_a_terminal(stage, "wipe", LAPTOP, types=b"\n")
    assert (code, stage.done()) == (1, [])
    assert "Type the device's Intune id" in shown
    assert at_a_terminal(stage, "wipe", LAPTOP, types=f"{LAPTOP}\n".encode())[0] == 0
    assert stage.done() == [("wipe", LAPTOP)]


def test_a_name_in_another_alphabet_can_be_typed(stage: Stage) -> None:
    stage.microsoft.put_device(LAPTOP, name="Büro-Gerät 7")
    assert at_a_terminal(stage, "lock", LAPTOP, types="Büro-Gerät 7\n".encode())[0] == 0


@pytest.mark.parametrize("verb", ["lock", "retire", "wipe"])
def test_without_a_terminal_nothing_is_done(device: Any, stage: Stage, verb: str) -> None:
    done = device(verb, LAPTOP)
    assert (done.exit_code, stage.microsoft.history()) == (2, [])
    assert "no terminal" in done.output


@pytest.mark.parametrize("switch", ["--yes", "-y", "--force"])
def test_no_switch_avoids_the_question(device: Any, switch: str) -> None:
    done = device("wipe", LAPTOP, switch)
    assert done.exit_code == 2
    assert "No such option" in done.output


def test_a_wipe_keeps_what_it_was_told_to_keep(stage: Stage) -> None:
    words = ("--keep-enrollment-data", "--mac-unlock-code")
    code, shown = at_a_terminal(stage, "wipe", LAPTOP, *words, types=b"LAPTOP-7\n", code=[b"123456\n"] * 2)
    assert code == 0, shown
    (seen,) = stage.microsoft.history("action")
    assert seen.body == {"keepEnrollmentData": True, "keepUserData": False, "macOsUnlockCode": "123456"}
    assert "all but enrollment is lost" in shown
    record = stage.records()[-1]
    assert (record["keep_enrollment_data"], record["with_unlock_code"]) == (True, True)
    assert "123456" not in shown
    assert "123456" not in stage.audit.read_text().replace(record["request_id"], "")


@pytest.mark.parametrize(
    ("typed", "ends", "said"),
    [
        ([b"letmein\n"] * 2, 2, "six digits"),
        ([b"\n"] * 2, 2, "six digits"),
        ([b"123456\n", b"123457\n"], 2, "the two unlock codes differ"),
        ([b"\x03"], 1, "no unlock code was typed"),  # Ctrl-C
        ([b"\x04"], 1, "no unlock code was typed"),  # Ctrl-D
    ],
)
def test_without_an_unlock_code_typed_twice_nothing_is_done(
    stage: Stage, typed: list[bytes], ends: int, said: str
) -> None:
    code, shown = at_a_terminal(stage, "wipe", LAPTOP, "--mac-unlock-code", code=typed)
    assert (code, stage.microsoft.history()) == (ends, [])
    assert said in shown


def test_an_unlock_code_cannot_be_written_where_every_user_sees_it(device: Any, stage: Stage) -> None:
    """Of a running command, `ps` shows all words to everybody."""
    for words in (("--mac-unlock-code", "123456"), ("--mac-unlock-code=123456",)):
        done = device("wipe", LAPTOP, *words)
        assert (done.exit_code, stage.microsoft.history()) == (2, [])


# -- what goes wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["show", "sync", "notify"])
def test_a_device_that_is_not_enrolled(device: Any, stage: Stage, verb: str) -> None:
    done = device(verb, NOBODYS)
    assert (done.exit_code, stage.done()) == (1, [])
    assert "no device with the Intune id or Entra id" in done.output


@pytest.mark.parametrize("wrong", ["LAPTOP-7", "D4-6E-0E-02-28-96", "1234"])
def test_a_name_or_a_mac_is_no_id(device: Any, stage: Stage, wrong: str) -> None:
    done = device("sync", wrong)
    assert (done.exit_code, stage.microsoft.history()) == (2, [])
    assert "is no device id" in done.output


def test_a_missing_permission_is_named(device: Any, stage: Stage) -> None:
    stage.grant(READ)
    done = device("sync", LAPTOP)
    assert done.exit_code == 1
    assert f"application permission `{PRIVILEGED}`" in done.output


def test_being_throttled_says_when_again(device: Any, stage: Stage) -> None:
    stage.microsoft.fault("throttle", service="graph", only="action", seconds=60)
    done = device("sync", LAPTOP)
    assert done.exit_code == 1
    assert "again after" in done.output


def test_not_knowing_has_an_exit_code_of_its_own(device: Any, stage: Stage) -> None:
    stage.microsoft.fault("outage", service="graph", only="action", mode="reset_after")
    done = device("sync", LAPTOP)
    assert done.exit_code == 4
    assert "unknown whether it was done" in done.output
    assert stage.records()[-1]["request_id"] in done.output


@pytest.mark.parametrize("full", [False, True])
def test_an_interruption_under_way_is_not_knowing(
    device: Any, stage: Stage, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    def interrupted(*_words: Any) -> Any:
        if full:
            stage.audit.unlink()
            stage.audit.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("nacd.intune.graph.actions.GraphActions.act", interrupted)
    done = device("sync", LAPTOP)
    assert done.exit_code == 4
    assert "unknown whether it was done: it was interrupted" in done.output
    assert ("not recorded" in done.output) is full


def test_without_a_record_nothing_is_done(device: Any, stage: Stage) -> None:
    stage.write(audit__file="/dev/full")
    for verb in ("show", "sync"):
        done = device(verb, LAPTOP)
        assert done.exit_code == 3
        assert "no record of it can be written" in done.output
    assert not stage.done()


def test_a_bad_configuration_is_said_with_its_place(device: Any, stage: Stage) -> None:
    stage.write(intune__client_id="x")
    done = device("sync", LAPTOP)
    assert done.exit_code == 1
    assert f"{stage.config}:" in done.output
    assert "a GUID is wanted here" in done.output


def test_a_secret_that_the_daemons_user_may_read_is_not_used(device: Any, stage: Stage) -> None:
    (stage.folder / "app.secret").chmod(0o640)
    done = device("show", LAPTOP)
    assert (done.exit_code, stage.microsoft.history()) == (1, [])
    assert "is open to its group" in done.output
    assert "`chmod 600 " in done.output


def test_a_file_that_others_may_write_leads_nobodys_secrets_anywhere(device: Any, stage: Stage) -> None:
    stage.config.chmod(0o666)
    done = device("show", LAPTOP)
    assert (done.exit_code, stage.microsoft.history(), stage.records()) == (1, [], [])
    assert "others may write" in done.output


def test_nothing_shown_tells_the_secret(device: Any, stage: Stage) -> None:
    stage.microsoft.fault("token", code=7000215)
    for verb in ("show", "sync"):
        done = device(verb, LAPTOP)
        assert SECRET not in done.output + stage.audit.read_text()
        assert "secret is wrong" in done.output


def test_several_tenants_want_a_name(device: Any, stage: Stage) -> None:
    app: Any = stage.load().document.value["intune"]
    credential = {"managed_identity": "system"}
    stage.write(intune=None, tenants={"here": app, "there": app | {"credential": credential}})
    assert device("sync", LAPTOP).exit_code == 2
    assert device("sync", LAPTOP, "--tenant", "here").exit_code == 0


# -- help -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["show", "sync", "notify", "lock", "retire", "wipe"])
def test_every_verb_explains_itself_and_names_its_permission(nacd: Any, verb: str) -> None:
    done = nacd("device", verb, "--help")
    assert done.exit_code == 0
    assert "DeviceManagementManagedDevices." in done.output


def test_the_help_says_what_is_harmless_and_what_is_not(nacd: Any) -> None:
    said = " ".join(nacd("device", "--help").output.split())
    assert "EVERYTHING ON IT IS LOST" in said
    assert "Changes nothing" in said
    assert "4 unknown whether it was done" in said


def test_a_sync_of_the_nil_guid_reaches_no_device_without_an_entra_id(device: Any, stage: Stage) -> None:
    stage.microsoft.put_device(PHONE, entra_id=NIL_GUID)
    done = device("sync", NIL_GUID)
    assert (done.exit_code, stage.done()) == (2, [])
    assert "the nil GUID names no device" in done.output
