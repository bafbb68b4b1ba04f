"""Minding a keeper: the real one, and ones that behave as badly as they can."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nacd.config.fields import Surroundings
from nacd.config.sections.audit.trail import Audit
from nacd.server.clock import instant
from nacd.server.keeper import minding as minds
from nacd.server.keeper.minding import Minding
from nacd.values import AuditEvent, Instant

BEGUN = 1_763_800_000
NAME = f"audit-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(BEGUN))}-000000000001.jsonl"
STATUS = (
    '{"status":{"waiting":0,"oldest_waiting_s":0,"files":1,"octets":1,"sealed":0,"retired":0,"problem":"","queues":[]}}'
)
ALIVE = f"import sys, time\nsay = lambda w: print(w, flush=True)\nsay('{STATUS}')\n"


@dataclass
class Recorded:
    """What the trail was given. on_disk: whether it gets there."""

    events: list[AuditEvent] = field(default_factory=list)
    retired: list[dict[str, Any]] = field(default_factory=list)
    on_disk: bool = True

    def take(self, events: tuple[AuditEvent, ...], now: Instant) -> bool:
        del now
        self.events.extend(events)
        return True

    def retire(self, **told: Any) -> asyncio.Future[bool]:
        self.retired.append(told)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        done.set_result(self.on_disk)
        return done

    def names(self) -> list[str]:
        return [str(event.fields["event"]) for event in self.events]


@dataclass
class Stage:
    """A site with a keeper; ``play`` runs it."""

    folder: Path
    trail: Recorded = field(default_factory=Recorded)
    generation: int = 1

    @property
    def audit(self) -> Audit:
        told = {"file": str(self.folder / "audit.jsonl"), "keep": {"for": "1m"}}
        return Audit.model_validate(told, context=Surroundings(folder=self.folder, environment={}))

    def trail_of(self, files: int, octets: bytes = b"{}\n") -> None:
        """So many full files of fifty records, a year old, and a live one that is written now."""
        for number in range(files):
            begun = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(BEGUN + 3_600 * number))
            path = self.folder / f"audit-{begun}-{50 * number + 1:012}.jsonl"
            path.write_bytes(octets)
            os.utime(path, (BEGUN + 3_600 * (number + 1),) * 2)
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        first = {"code": "A9101I", "time": now, "event": "audit.file_begun", "writer": "ab" * 8, "previous": {}}
        body = json.dumps({**first, "seq": 50 * files + 1}, separators=(",", ":"))[:-1].encode()
        (self.folder / "audit.jsonl").write_bytes(body + b',"link":"' + b"0" * 64 + b'"}\n')

    def play(self, story: Callable[[Minding], Awaitable[None]], code: str = "", **more: Any) -> None:
        """code: what the keeper is, in Python; the real one when there is none."""
        config = self.folder / "nacd.yaml"
        config.write_text("audit: {file: audit.jsonl}\nstate: state\n")
        (self.folder / "audit.jsonl").touch()
        if code:
            more["program"] = (sys.executable, "-c", code)

        async def run() -> None:
            minding = Minding(
                config,
                self.folder / "audit.jsonl",
                self.trail,
                instant,
                lambda: self.generation,
                audit=lambda: self.audit,
                **{"first_s": 0.05, **more},
            )
            minding.begin()
            try:
                await asyncio.wait_for(story(minding), 60)
            finally:
                await minding.close()

        asyncio.run(run())


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def until(holds: Callable[[], Any], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - it is about a process, and nobody tells of that
            await asyncio.sleep(0.01)


def pid(minding: Minding) -> int:
    process = minding._process
    assert process is not None
    return process.pid


def is_there(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_real_one_comes_up_and_is_gone_after_the_end(stage: Stage) -> None:
    seen: list[int] = []

    async def story(minding: Minding) -> None:
        assert not minding.now.up
        await until(lambda: minding.now.up)
        assert minding.now.wanted
        assert minding.now.restarts == 0
        seen.append(pid(minding))

    stage.play(story)
    assert not is_there(seen[0])
    assert stage.trail.events == []


def test_one_that_is_killed_is_followed_by_another_and_both_is_recorded(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        for number in (1, 2):
            await until(lambda: minding.now.up)
            os.kill(pid(minding), signal.SIGKILL)
            await until(lambda number=number: minding.now.restarts == number and minding.now.up)

    stage.play(story)
    assert stage.trail.names() == ["keeper.failed", "keeper.resumed"] * 2
    assert stage.trail.events[0].fields["keeper"] == {"reason": "it was ended by signal 9", "restarts": 0}


@pytest.mark.slow
def test_the_real_one_that_hangs_is_replaced(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        await until(lambda: minding.now.up)
        first = pid(minding)
        os.kill(first, signal.SIGSTOP)
        await until(lambda: minding.now.restarts == 1 and minding.now.up, 50)
        assert not is_there(first)

    stage.play(story, silent_s=14.0)
    assert stage.trail.events[0].fields["keeper"]["reason"] == "it said nothing for 14 s"  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("say('rubbish')", "it said what it may not say: a line is no JSON"),
        ("""say('{"say":"access.accept"}')""", "it said what it may not say: it says what it may not"),
        ("say('x' * 200_000)", "it said a line that is too long"),
        ("sys.exit(3)", "it ended with code 3"),
        ("sys.stdout.write('{\"wa'); sys.stdout.flush(); sys.exit(0)", "it ended with code 0"),
        ("import os; os.close(1); time.sleep(60)", "it has closed its output"),
        ("time.sleep(60)", "it said nothing for 1 s"),
    ],
)
def test_one_that_misbehaves_is_begun_anew_with_the_reason(stage: Stage, does: str, reason: str) -> None:
    async def story(minding: Minding) -> None:
        await until(lambda: minding.now.restarts)

    # One that says something else must not be taken for silent because its interpreter is slow to begin.
    stage.play(story, ALIVE + does, silent_s=1.0 if "nothing" in reason else 30.0)
    assert stage.trail.events[0].fields["keeper"] == {"reason": reason, "restarts": 0}


def test_one_that_never_comes_up_is_tried_ever_more_seldom_and_said_once(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        await until(lambda: minding.now.restarts >= 4)
        assert not minding.now.up
        assert minding.now.last_error == "it ended with code 7"

    stage.play(story, "import sys; sys.exit(7)")
    assert stage.trail.names() == ["keeper.failed"]


def test_a_program_that_is_not_there_is_no_end_of_the_daemon(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        await until(lambda: minding.now.restarts >= 2)

    stage.play(story, program=("/nowhere/python",))
    assert "it cannot be started: no such file" in str(stage.trail.events[0].fields["why"])


def test_a_flood_of_records_is_slowed_down_and_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minds, "RECORDS_AT_ONCE", 5.0)

    async def story(minding: Minding) -> None:
        began = instant().monotonic
        await until(lambda: len(stage.trail.events) >= 8)
        assert instant().monotonic - began >= 1.0  # three more than five, at two a second
        assert minding.now.restarts == 0
        assert any("more than 120 events a minute" in text for text in minding._warned)

    word = '{"say":"audit.sealed","file":"f","records":1,"octets":1,"packed_octets":1,"sha256":"x"}'
    stage.play(story, ALIVE + f"while True: say('{word}')")


def test_a_flood_of_words_is_not_taken_in(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        await until(lambda: stage.trail.events)
        before = len(stage.trail.events)
        await asyncio.sleep(1.5)
        assert len(stage.trail.events) - before <= 600

    word = '{"say":"audit.seal_failed","file":"f","problem":"p"}'
    stage.play(story, ALIVE + f"while True: say('{word}')")


def test_what_it_says_becomes_a_record(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        await until(lambda: stage.trail.events)
        assert minding.now.up

    word = '{"say":"audit.index_failed","file":"f","problem":"p"}'
    stage.play(story, ALIVE + f"say('{word}'); sys.stdin.read()")
    assert stage.trail.names() == ["audit.index_failed"]


ASK = """
import json
def ask(file, first, last, link="ab" * 32):
    rest = {"last_link": link, "why": "because"}
    say(json.dumps({"retire": {"file": file, "first_seq": first, "last_seq": last, **rest}}))
    answer = json.loads(sys.stdin.readline())
    say(json.dumps({"say": "audit.index_failed", "file": file, "problem": json.dumps(answer)}))
"""


def answers(stage: Stage, asks: str, **more: Any) -> list[str]:
    """What the daemon answers to these wishes."""
    count = asks.count("ask(")

    async def story(minding: Minding) -> None:
        await until(lambda: len(stage.trail.events) == count)
        assert minding.now.restarts == 0

    stage.play(story, f"{ALIVE}{ASK}{asks}; sys.stdin.read()", **more)
    return [event.fields["kept"]["problem"] for event in stage.trail.events]  # type: ignore[index,call-overload,misc]


def test_a_file_may_go_when_the_trail_has_it_on_disk(stage: Stage) -> None:
    stage.trail_of(2)
    assert answers(stage, f"ask('{NAME}', 1, 50)") == [f'{{"retired": "{NAME}"}}']
    told = {"file": NAME, "first_seq": 1, "last_seq": 50, "last_link": "ab" * 32, "why": "audit.keep.for: 1m"}
    assert stage.trail.retired == [told]  # why: not what the keeper says


def test_one_that_asks_again_is_answered_without_a_second_record(stage: Stage) -> None:
    stage.trail_of(2)
    assert len(answers(stage, f"ask('{NAME}', 1, 50); ask('{NAME}', 1, 50)")) == 2
    assert len(stage.trail.retired) == 1


def test_what_is_not_on_disk_is_refused(stage: Stage) -> None:
    stage.trail_of(2)
    stage.trail.on_disk = False
    assert "does not take the record" in answers(stage, f"ask('{NAME}', 1, 50)")[0]


@pytest.mark.parametrize(
    ("file", "first", "last"),
    [
        ("audit.jsonl", 1, 50),
        (f"{NAME}.gz", 1, 50),
        (f"../{NAME}", 1, 50),
        ("/etc/passwd", 1, 50),
        ("audit.jsonl.1", 1, 50),
        (NAME, 2, 50),
        (NAME, 1, 0),
    ],
)
def test_what_is_no_full_file_of_this_trail_is_refused(stage: Stage, file: str, first: int, last: int) -> None:
    stage.trail_of(2)
    assert '"refused"' in answers(stage, f"ask({file!r}, {first}, {last})")[0]
    assert stage.trail.retired == []


def test_another_configuration_in_force_is_told(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        await until(lambda: minding.now.up)
        stage.generation = 2
        await until(lambda: stage.trail.events)

    code = """
heard = sys.stdin.readline().strip()
word = '{"say":"audit.index_failed","file":"f","problem":"%s"}'
say(word % {'{"reload":true}': 'to reload'}.get(heard, 'something else'))
sys.stdin.read()
"""
    stage.play(story, ALIVE + code)
    assert stage.trail.events[0].fields["kept"]["problem"] == "to reload"  # type: ignore[index,call-overload]


def test_one_that_does_not_want_to_end_is_killed(stage: Stage) -> None:
    seen: list[int] = []

    async def story(minding: Minding) -> None:
        await until(lambda: minding.now.up)
        seen.append(pid(minding))

    code = ALIVE + "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    stage.play(story, code)
    assert not is_there(seen[0])


def test_an_end_while_one_is_being_started_needs_no_patience(stage: Stage) -> None:
    async def story(minding: Minding) -> None:
        await asyncio.sleep(0)
        await minding.close()
        process = minding._process
        assert process is None or process.returncode == 0  # not killed

    stage.play(story)


def test_a_log_that_is_no_file_needs_none(stage: Stage) -> None:
    async def story() -> None:
        minding = Minding(
            stage.folder / "nacd.yaml", Path("/dev/null"), stage.trail, instant, lambda: 1, audit=lambda: stage.audit
        )
        minding.begin()
        assert not minding.now.wanted
        await minding.close()

    asyncio.run(story())


def test_it_is_given_no_files_of_the_daemon_but_three(stage: Stage) -> None:
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
    for each in held:
        os.set_inheritable(each, True)

    async def story(minding: Minding) -> None:
        await until(lambda: stage.trail.events)

    code = """
import os
count = len(os.listdir('/proc/self/fd')) - 1
say('{"say":"audit.strange_files","names":[],"count":%d}' % count)
sys.stdin.read()
"""
    try:
        stage.play(story, ALIVE + code)
    finally:
        for each in held:
            os.close(each)
    assert stage.trail.events[0].fields["kept"]["strange_count"] == 3  # type: ignore[index,call-overload]
