"""Batches over HTTPS to a collector that is no code of nacd: storms, refusals, slowness, lies."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from nacd.audit.mapping.record import read
from nacd.keeper.forward.building import door
from nacd.keeper.forward.cursor import Place
from nacd.keeper.forward.doors.door import Event, Refused, Trouble
from tests.keeper.forward.lab import Pki, Sink, Trail, serving, until


def whole(sink: Sink, trail: Trail) -> bool:
    return set(sink.seqs) == set(range(1, trail.seq + 1))


def events(*texts: str) -> list[Event]:
    made = []
    for number, text in enumerate(texts, start=1):
        line = json.dumps({"code": "A1001I", "event": "access.accept", "why": text, "seq": number}).encode()
        record = read(line)
        assert record is not None
        made.append(Event(record.line, record, Place(seq=number)))
    return made


def test_every_record_is_posted_once_and_in_order(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    trail.grow(1_200)
    with serving(courier(to(sink.url, batch={"records": 100}))):
        until(lambda: whole(sink, trail))
    assert sink.seqs == list(range(1, trail.seq + 1))
    assert {post.headers["content-type"] for post in sink.posts} == {"application/x-ndjson"}
    assert max(len(post.events) for post in sink.posts) == 100


def test_a_storm_of_503_loses_nothing_and_its_retry_after_is_kept(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    sink.answers += [503, 503, (503, {"Retry-After": "1"}, b""), 429]
    trail.grow(50)
    with serving(courier(to(sink.url))):
        until(lambda: len(sink.posts) == 3)
        asked = time.monotonic()
        until(lambda: len(sink.posts) > 3)
        assert time.monotonic() - asked > 0.9
        until(lambda: whole(sink, trail))


def test_an_answer_that_breaks_off_is_no_answer_and_the_batch_comes_again(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    sink.answers += ["die", "silent"]
    trail.grow(20)
    with serving(courier(to(sink.url, timeout="1s"))):
        until(lambda: whole(sink, trail))
    assert len(sink.posts) == 3
    assert sink.posts[0].body == sink.posts[2].body


def test_an_answer_without_end_is_given_up(sink: Sink, to: Callable[..., Any]) -> None:
    sink.answers += ["endless"]
    with pytest.raises(Trouble, match="longer than"):
        door(to(sink.url)).send(events("a"))


def test_what_is_too_much_at_once_is_halved_until_it_fits(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    sink.judge = lambda post: 413 if len(post.body) > 5_000 else 200
    trail.grow(300)
    with serving(courier(to(sink.url))):
        until(lambda: whole(sink, trail))
    assert sink.seqs == list(range(1, trail.seq + 1))
    assert said == []


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_poisoned_record_is_passed_over_said_and_counted(
    status: int, sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    sink.judge = lambda post: status if b"poison" in post.body else 200
    trail.grow(40)
    trail.grow(1, poison="poison")
    trail.grow(40)
    one = courier(to(sink.url))
    with serving(one):
        until(lambda: set(sink.seqs) == set(range(1, trail.seq + 1)) - {42})
    assert said == [
        (
            "forward.set_aside",
            {"destination": "siem", "problem": f"`127.0.0.1` refuses it with status {status}", "seq": 42},
        )
    ]
    assert one.standing().kept.set_aside == 1


def test_a_collector_that_refuses_everything_loses_nothing_by_it(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    sink.judge = lambda _post: 400
    trail.grow(100)
    one = courier(to(sink.url))
    with serving(one):
        until(lambda: "10 one after the other" in one.standing().kept.problem)
        sink.judge = lambda _post: 200
        until(lambda: whole(sink, trail))
    assert not said.of("forward.set_aside")
    assert one.standing().kept.problem == ""


def test_waiting_for_a_poisoned_record_is_a_choice(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    sink.judge = lambda post: 400 if b"poison" in post.body else 200
    trail.grow(1, poison="poison")
    trail.grow(5)
    one = courier(to(sink.url, when_refused="wait"))
    with serving(one):
        until(lambda: len(sink.posts) > 8)
        assert set(sink.seqs) == {1}
    assert said == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int, sink: Sink, to: Callable[..., Any]) -> None:
    sink.answers += [(status, {"Location": sink.url + "/elsewhere"}, b"")]
    with pytest.raises(Trouble, match="final address"):
        door(to(sink.url)).send(events("a"))
    assert [post.path for post in sink.posts] == ["/in"]


@pytest.mark.parametrize("status", [401, 403, 404, 500, 502])
def test_other_refusals_are_trouble_and_no_verdict_on_a_record(status: int, sink: Sink, to: Callable[..., Any]) -> None:
    sink.answers += [status]
    with pytest.raises(Trouble, match=f"status {status}"):
        door(to(sink.url)).send(events("a"))


def test_a_certificate_by_a_stranger_or_for_another_name_gets_no_record(pki: Pki, to: Callable[..., Any]) -> None:
    for certificate in (pki.stranger, pki.misnamed):
        other = Sink(certificate)
        try:
            with pytest.raises(Trouble, match="is not trusted"):
                door(to(other.url)).send(events("a"))
            assert other.posts == []
        finally:
            other.close()


def test_nacd_shows_its_own_certificate_where_one_is_asked_for(pki: Pki, to: Callable[..., Any]) -> None:
    asking = Sink(pki.server, client_ca=pki.ca)
    try:
        with pytest.raises(Trouble):
            door(to(asking.url)).send(events("a"))
        keys = {"certificate": str(pki.client[0]), "private_key": f"file:{pki.client[1]}"}
        door(to(asking.url, **keys)).send(events("a"))
        assert len(asking.taken) == 1
        with pytest.raises(Trouble, match="cannot be used"):
            door(to(asking.url, **{**keys, "private_key": f"file:{pki.server[1]}"})).send(events("a"))
    finally:
        asking.close()


@pytest.mark.parametrize(
    ("login", "header", "value"),
    [
        ({}, "authorization", "Bearer s3cret-token"),
        ({"scheme": "Splunk"}, "authorization", "Splunk s3cret-token"),
        ({"scheme": "", "header": "X-Api-Key"}, "x-api-key", "s3cret-token"),
        (
            {"scheme": "Basic", "user": "nacd"},
            "authorization",
            "Basic " + base64.b64encode(b"nacd:s3cret-token").decode(),
        ),
    ],
)
def test_each_kind_of_login_is_the_header_that_it_should_be(
    login: dict[str, str], header: str, value: str, sink: Sink, to: Callable[..., Any]
) -> None:
    door(to(sink.url, http={"login": {"secret": "env:TOKEN", **login}, "headers": {"X-Tenant": "campus"}})).send(
        events("a")
    )
    assert sink.posts[0].headers[header] == value
    assert sink.posts[0].headers["x-tenant"] == "campus"


def test_gzip_is_said_and_what_arrives_is_the_same(sink: Sink, to: Callable[..., Any]) -> None:
    door(to(sink.url, http={"gzip": True})).send(events("a", "b"))
    assert sink.posts[0].headers["content-encoding"] == "gzip"
    assert [event["why"] for event in sink.posts[0].events] == ["a", "b"]


def test_retry_after_as_a_date_is_understood_and_nonsense_is_not(sink: Sink, to: Callable[..., Any]) -> None:
    waits = []
    for header in (formatdate(time.time() + 30, usegmt=True), "99999999", "soon", "-5", "٣"):
        sink.answers += [(429, {"Retry-After": header.encode().decode("latin-1")}, b"")]
        with pytest.raises(Trouble) as trouble:
            door(to(sink.url)).send(events("a"))
        waits.append(trouble.value.wait_s)
    assert 20 < waits[0] <= 31
    assert waits[1:] == [600.0, 0.0, 0.0, 0.0]


def test_plain_http_stays_on_this_machine(to: Callable[..., Any]) -> None:
    plain = Sink(None)
    try:
        door(to(plain.url)).send(events("a"))
        assert len(plain.taken) == 1
    finally:
        plain.close()


def test_bulk_takes_what_was_there_already_and_refuses_what_elasticsearch_refuses(
    sink: Sink, to: Callable[..., Any]
) -> None:
    way = door(to(sink.url, http={"body": "bulk"}))

    def answer(*statuses: int) -> tuple[int, dict[str, str], bytes]:
        items = [{"create": {"status": status, "error": {"type": "why"}}} for status in statuses]
        return 200, {}, json.dumps({"errors": True, "items": items}).encode()

    sink.answers += [answer(201, 409)]
    way.send(events("a", "b"))
    sink.answers += [answer(201, 400)]
    with pytest.raises(Refused):
        way.send(events("a", "b"))
    for bad in (answer(201, 429), answer(201), (200, {}, b"no json")):
        sink.answers += [bad]
        with pytest.raises(Trouble):
            way.send(events("a", "b"))
