"""The fake Dynamic Authorization Server on its socket, asked by pyrad."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nacd.sim.das.answers import ACK, Answer, Script, always, nak, one_by_one
from nacd.sim.das.listener import Das
from tests.sim.das.asking import COA, SECRET, Asker, request


@pytest.fixture
def listening() -> Iterator[Callable[..., tuple[Das, Asker]]]:
    """``listening(script)``: a server, and somebody who asks it."""
    running: list[tuple[Das, Asker]] = []

    def start(script: Script = always(ACK)) -> tuple[Das, Asker]:  # noqa: B008
        das = Das(SECRET, script).__enter__()
        running.append((das, Asker((das.host, das.port))))
        return running[-1]

    yield start
    for das, asker in running:
        das.close()
        asker.sock.close()


def test_it_answers_by_its_script_and_remembers_what_it_was_asked(listening: Callable[..., tuple[Das, Asker]]) -> None:
    das, asker = listening(one_by_one(nak(405), ACK))
    assert asker.ask(request(("User-Name", "one"), identifier=1)) == (42, [405])
    assert asker.ask(request(("User-Name", "two"), identifier=2, code=COA)) == (44, [])
    assert [(heard.verb, heard.first("User-Name")) for heard in das.asked] == [("disconnect", "one"), ("coa", "two")]
    assert {heard.peer[0] for heard in das.heard} == {"127.0.0.1"}


def test_what_is_not_believed_goes_unanswered_and_is_kept(listening: Callable[..., tuple[Das, Asker]]) -> None:
    das, asker = listening()
    asker.send(request(secret=b"another").RequestPacket())
    asker.send(b"junk")
    assert asker.ask(request(identifier=9)) == (41, [])
    assert [heard.faults for heard in das.heard] == [
        ("request authenticator", "message authenticator"),
        ("length",),
        (),
    ]
    assert len(das.asked) == 1


def test_a_repetition_gets_what_the_first_one_got_and_asks_the_script_no_second_time(
    listening: Callable[..., tuple[Das, Asker]],
) -> None:
    das, asker = listening(one_by_one(nak(506), ACK))
    octets = request(identifier=3).RequestPacket()
    for _ in range(3):
        asker.send(octets)
    answers = [asker.receive() for _ in range(3)]
    assert {answer[0][0] for answer in answers if answer} == {42}
    assert [heard.transmission for heard in das.wait_for(3)] == [1, 2, 3]
    assert len(das.asked) == 1


def test_it_can_stay_silent_until_a_request_is_repeated(listening: Callable[..., tuple[Das, Asker]]) -> None:
    _, asker = listening(always(Answer(silent_tries=1)))
    octets = request().RequestPacket()
    asker.send(octets)
    assert asker.receive(0.1) is None
    asker.send(octets)
    assert asker.receive() is not None


def test_an_identifier_that_comes_again_for_another_request_is_a_fault(
    listening: Callable[..., tuple[Das, Asker]],
) -> None:
    das, asker = listening()
    assert asker.ask(request(("User-Name", "one")))[0] == 41
    asker.send(request(("User-Name", "two")).RequestPacket())
    assert das.wait_for(2)[1].faults == ("identifier again",)


def test_answers_come_late_twice_and_from_elsewhere(listening: Callable[..., tuple[Das, Asker]]) -> None:
    script = always(Answer(after_s=0.2, copies=2), Answer(elsewhere=True))
    das, asker = listening(script)
    asker.send(request().RequestPacket())
    ports = [answer[1][1] for _ in range(3) if (answer := asker.receive())]
    assert len(ports) == 3
    assert ports[0] != das.port
    assert ports[1:] == [das.port, das.port]


def test_it_says_when_what_is_waited_for_does_not_come(listening: Callable[..., tuple[Das, Asker]]) -> None:
    das, _ = listening()
    with pytest.raises(TimeoutError, match="0 of 1"):
        das.wait_for(1, within_s=0.05)


def test_after_a_start_it_knows_no_request_any_more(listening: Callable[..., tuple[Das, Asker]]) -> None:
    das, asker = listening(one_by_one(nak(506), ACK))
    octets = request(identifier=3).RequestPacket()
    asker.send(octets)
    assert asker.receive() is not None
    das.forget()
    asker.send(octets)
    answer = asker.receive()
    assert answer is not None
    assert answer[0][0] == 41
    assert [heard.transmission for heard in das.heard] == [1, 1]
