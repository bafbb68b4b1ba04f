"""All destinations together, as the keeper runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nacd.config.sections.audit.trail import Audit
from nacd.keeper import hosting
from nacd.keeper.forward.building import Forwarder, build, door, shape_of
from nacd.keeper.forward.doors.datagram import Datagrams
from nacd.keeper.forward.doors.posted import Posted
from nacd.keeper.forward.doors.stream import Stream
from nacd.keeper.settings import Wanted
from tests.keeper.forward.lab import Pki, Sink, Trail, free_port, until


def wanted(trail: Trail, tmp_path: Path, *destinations: Any) -> Wanted:
    audit = Audit.model_construct(file=trail.live, forward=tuple(destinations))
    return Wanted(audit=audit, state=tmp_path / "state")


def test_the_keeper_finds_it_where_it_looks() -> None:
    assert hosting.builder() is build


def test_nothing_to_forward_is_nothing_to_run(trail: Trail, tmp_path: Path, said: Any) -> None:
    assert build(wanted(trail, tmp_path), said) is None


def test_each_url_has_its_door(to: Callable[..., Any]) -> None:
    urls = {
        "syslog+tls://127.0.0.1": Stream, "syslog+tcp://127.0.0.1:601": Stream,
        "syslog+udp://127.0.0.1": Datagrams, "https://127.0.0.1/x": Posted,
    }  # fmt: skip
    assert {url: type(door(to(url))) for url in urls} == urls


def test_the_shape_of_messages_is_as_configured(to: Callable[..., Any]) -> None:
    shape = shape_of(to("syslog+udp://127.0.0.1", syslog={"facility": "local3", "hostname": "nac1", "enterprise": 99}))
    assert (shape.facility, shape.hostname, shape.enterprise, shape.longest) == (19, "nac1", 99, 8_192)
    assert shape_of(to("syslog+tls://127.0.0.1")).longest == 65_536


def test_two_destinations_run_apart_and_one_that_is_away_holds_nobody_up(
    sink: Sink, trail: Trail, to: Callable[..., Any], tmp_path: Path, said: Any
) -> None:
    away = to(f"syslog+tcp://127.0.0.1:{free_port()}", name="away")
    running = build(wanted(trail, tmp_path, to(sink.url), away), said)
    assert isinstance(running, Forwarder)
    running.begin()
    try:
        trail.grow(50)
        until(lambda: trail.seq in sink.seqs)
        until(
            lambda: (
                {queue.destination: bool(queue.problem) for queue in running.queues()} == {"siem": False, "away": True}
            )
        )
        until(lambda: dict(running.unsent(1, trail.seq)) == {"away": trail.seq})
        assert running.unsent(trail.seq + 1, trail.seq + 10) == {"siem": 10, "away": 10}
        assert {queue.destination: queue.sent for queue in running.queues()} == {"siem": trail.seq, "away": 0}
    finally:
        running.close(10)


def test_a_reload_leaves_alone_what_is_as_it_was_and_ends_what_is_gone(
    sink: Sink, trail: Trail, to: Callable[..., Any], tmp_path: Path, said: Any, pki: Pki
) -> None:
    second = Sink(pki.server)
    running = Forwarder(wanted(trail, tmp_path, to(sink.url)), said)
    running.begin()
    try:
        until(lambda: sink.seqs == [1])
        before = running._running["siem"].thread
        running.renew(wanted(trail, tmp_path, to(sink.url), to(second.url, name="second")))
        until(lambda: second.seqs == [1])
        assert running._running["siem"].thread is before
        running.renew(wanted(trail, tmp_path, to(second.url, name="second")))
        trail.grow(1)
        until(lambda: second.seqs == [1, 2])
        assert sink.seqs == [1]
    finally:
        running.close(10)
        second.close()


def test_it_ends_within_the_time_it_is_given(
    sink: Sink, trail: Trail, to: Callable[..., Any], tmp_path: Path, said: Any
) -> None:
    running = Forwarder(wanted(trail, tmp_path, to(sink.url)), said)
    running.begin()
    until(lambda: sink.seqs == [1])
    threads = [each.thread for each in running._running.values()]
    running.close(10)
    assert not any(thread.is_alive() for thread in threads)
