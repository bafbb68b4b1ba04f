"""What is remembered of NASes that have two secrets."""

from collections.abc import Callable
from dataclasses import replace

from nacd.radius.clients import Client
from nacd.radius.overlap.seen import Changed, SecretsSeen
from nacd.values import NO_SECRET, Secret

MakeClient = Callable[..., Client]
OLD, NEW, NEWER = Secret(b"the-old-one-of-all"), Secret(b"the-new-one-of-all"), Secret(b"the-newest-of-them")
AT = "10.0.0.5"


def two(make_client: MakeClient, first: Secret = OLD, second: Secret = NEW, name: str = "switch") -> Client:
    return replace(make_client(name), secret=first, next_secret=second)


def test_the_secret_that_an_address_proved_last_is_expected_of_it(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen()
    assert seen.expected(client, AT) is client
    seen.saw(client, NEW, AT, 1.0)
    assert seen.expected(client, AT).secret == NEW
    assert seen.expected(client, AT).next_secret == OLD
    assert seen.expected(client, AT) is seen.expected(client, AT)
    assert seen.expected(client, "10.0.0.6") is client
    seen.saw(client, OLD, AT, 2.0)
    assert seen.expected(client, AT) is client


def test_a_change_is_told_once_however_often_it_goes_to_and_fro(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen()
    for at, secret in enumerate([OLD, OLD, NEW, OLD, NEW, NEW], start=1):
        seen.saw(client, secret, AT, float(at))
    assert list(seen.changes()) == [Changed(nas="switch", source=AT, to_next=True, at=3.0, before_at=2.0)]
    assert list(seen.changes()) == []
    (one,) = seen.sightings(client, (OLD, NEW))
    assert (one.by_next, one.old_at, one.next_at, one.answers_next) == (True, 4.0, 6.0, None)


def test_whoever_comes_with_the_new_one_at_once_has_changed_nothing(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen()
    seen.saw(client, NEW, AT, 1.0)
    assert list(seen.changes()) == []
    (one,) = seen.sightings(client, (OLD, NEW))
    assert (one.by_next, one.old_at, one.next_at) == (True, 0.0, 1.0)


def test_the_next_change_is_seen_anew_and_knows_what_stays(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen()
    seen.saw(client, OLD, AT, 1.0)
    seen.saw(client, NEW, AT, 2.0)
    assert len(list(seen.changes())) == 1
    later = two(make_client, NEW, NEWER)
    assert seen.sightings(later, (NEW, NEWER)) == ()
    seen.saw(later, NEW, AT, 3.0)
    seen.saw(later, NEWER, AT, 4.0)
    (change,) = seen.changes()
    assert (change.to_next, change.before_at) == (True, 3.0)


def test_the_same_pair_in_other_places_is_the_same_pair(make_client: MakeClient) -> None:
    seen = SecretsSeen()
    seen.saw(two(make_client), NEW, AT, 1.0)
    turned = two(make_client, NEW, OLD)
    (one,) = seen.sightings(turned, (NEW, OLD))
    assert (one.by_next, one.old_at) == (False, 1.0)
    assert seen.expected(turned, AT) is turned


def test_an_address_that_belongs_to_another_nas_now_starts_anew(make_client: MakeClient) -> None:
    seen = SecretsSeen()
    seen.saw(two(make_client), NEW, AT, 1.0)
    other = two(make_client, name="router")
    assert seen.expected(other, AT) is other
    seen.saw(other, OLD, AT, 2.0)
    assert list(seen.changes()) == []
    assert seen.sightings(two(make_client), (OLD, NEW)) == ()


def test_what_is_remembered_is_bounded_and_the_one_silent_for_longest_goes(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen(capacity=3)
    for number in range(3):
        seen.saw(client, OLD, f"10.0.0.{number}", 1.0)
    seen.saw(client, OLD, "10.0.0.0", 2.0)
    seen.saw(client, OLD, "10.0.0.9", 3.0)
    assert {each.source for each in seen.sightings(client, (OLD, NEW))} == {"10.0.0.0", "10.0.0.2", "10.0.0.9"}
    assert (len(seen), seen.forgotten) == (3, 1)
    for number in range(10):
        seen.answered("switch", f"10.0.1.{number}", OLD)
    assert len(seen.sightings(client, (OLD, NEW))) == 6


def test_a_nas_is_asked_with_what_it_answered_with_else_with_what_it_sends(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen()
    assert seen.ask_with("switch", AT, AT, (OLD, NEW)) == (OLD, NEW)
    seen.saw(client, NEW, AT, 1.0)
    assert seen.ask_with("switch", AT, AT, (OLD, NEW)) == (NEW, OLD)
    assert seen.ask_with("switch", "192.0.2.1", AT, (OLD, NEW)) == (NEW, OLD)
    assert seen.ask_with("router", AT, AT, (OLD, NEW)) == (OLD, NEW)
    # Many NASes keep the secret for CoA in a place of its own.
    seen.answered("switch", AT, OLD)
    assert seen.ask_with("switch", AT, AT, (OLD, NEW)) == (OLD, NEW)
    (one,) = seen.sightings(client, (OLD, NEW))
    assert (one.by_next, one.answers_next) == (True, False)
    assert seen.ask_with("switch", AT, AT, (NEWER, NO_SECRET)) == (NEWER, NO_SECRET)


def test_since_when_both_are_valid_is_counted_from_the_newest_pair() -> None:
    seen = SecretsSeen()
    assert seen.since("switch") == 0.0
    seen.watch("switch", (OLD, NEW), 5.0)
    seen.watch("switch", (OLD, NEW), 6.0)
    assert seen.since("switch") == 5.0
    seen.watch("switch", (NEW, NEWER), 7.0)
    assert seen.since("switch") == 7.0


def test_a_password_that_nothing_signs_says_that_the_old_secret_is_in_use(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen()
    seen.saw_unsigned(client, OLD, AT, 1.0)
    (one,) = seen.sightings(client, (OLD, NEW))
    assert (one.source, one.by_next, one.old_at, one.next_at) == (AT, False, 1.0, 0.0)
    seen.saw_unsigned(client, NEW, AT, 2.0)
    seen.saw_unsigned(client, NEW, AT, 3.0)
    (one,) = seen.sightings(client, (OLD, NEW))
    assert (one.by_next, one.old_at, one.next_at) == (True, 1.0, 3.0)
    assert list(seen.changes()) == []
    assert seen.expected(client, AT) is client
    assert seen.sightings(two(make_client, NEW, NEWER), (NEW, NEWER)) == ()


def test_what_nothing_signs_delays_the_end_of_the_old_secret_and_never_hastens_it(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen()
    seen.saw(client, OLD, AT, 1.0)
    seen.saw_unsigned(client, NEW, AT, 2.0)
    (one,) = seen.sightings(client, (OLD, NEW))
    assert one.by_next is False
    seen.saw(client, NEW, AT, 3.0)
    seen.saw_unsigned(client, OLD, AT, 4.0)
    (one,) = seen.sightings(client, (OLD, NEW))
    assert (one.by_next, one.old_at) == (False, 4.0)
    seen.saw(client, NEW, AT, 5.0)
    (one,) = seen.sightings(client, (OLD, NEW))
    assert one.by_next is True


def test_unsigned_addresses_are_no_more_than_there_is_room_for(make_client: MakeClient) -> None:
    client, seen = two(make_client), SecretsSeen(capacity=2)
    for number in range(3):
        seen.saw_unsigned(client, OLD, f"10.0.0.{number}", 1.0)
    assert [each.source for each in seen.sightings(client, (OLD, NEW))] == ["10.0.0.1", "10.0.0.2"]
    assert seen.forgotten == 1
