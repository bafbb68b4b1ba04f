"""Who signs, who does not, and since when."""

from __future__ import annotations

from nacd.radius.ledger import MessageAuthenticatorLedger, Signs, Unsigned


def test_only_an_address_that_signed_of_its_own_accord_must_sign() -> None:
    ledger = MessageAuthenticatorLedger()
    ledger.signed("switch", "10.0.0.1", 1.0, eap=False)
    ledger.signed("switch", "10.0.0.2", 1.0, eap=True)  # EAP forces a signature: it shows nothing of the rest
    assert ledger.requires("switch", "10.0.0.1")
    assert not ledger.requires("switch", "10.0.0.2")
    assert not ledger.requires("switch", "10.0.0.3")


def test_who_signs_is_never_pushed_out_and_without_room_the_whole_client_must_sign() -> None:
    ledger = MessageAuthenticatorLedger(capacity=2)
    for source in ("10.0.0.1", "10.0.0.2"):
        ledger.signed("switch", source, 1.0, eap=False)
    ledger.signed("plant", "10.9.0.1", 2.0, eap=True)  # shows nothing, and finds no room
    assert not ledger.requires("plant", "10.9.0.1")
    ledger.signed("plant", "10.9.0.1", 3.0, eap=False)
    assert ledger.requires("switch", "10.0.0.1")
    assert ledger.requires("plant", "10.9.0.77")
    assert not ledger.requires("core", "10.8.0.1")
    assert ledger.everywhere() == ("plant",)


def test_a_nas_can_be_forgotten_by_one_address_or_by_all() -> None:
    ledger = MessageAuthenticatorLedger(capacity=3)
    for source in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"):
        ledger.signed("switch", source, 1.0, eap=False)
        ledger.unsigned("switch", source, 1.0, taken=False)
    assert ledger.forget("switch", "10.0.0.1") == 1
    assert ledger.requires("switch", "10.0.0.1")  # all of them must, until all are forgotten
    assert ledger.forget("switch") == 2
    assert not ledger.requires("switch", "10.0.0.2")
    assert (ledger.signing(), ledger.bare(), ledger.everywhere()) == ((), (), ())
    assert ledger.forget("nobody") == 0


def test_both_tables_stay_within_their_capacity() -> None:
    ledger = MessageAuthenticatorLedger(capacity=50)
    for number in range(500):
        ledger.signed("switch", f"10.0.{number // 256}.{number % 256}", 1.0, eap=False)
        ledger.unsigned("switch", f"10.1.{number // 256}.{number % 256}", 1.0, taken=False)
    assert (len(ledger), len(ledger.bare())) == (50, 50)


def test_no_flood_of_forged_addresses_makes_it_forget_who_signs() -> None:
    ledger = MessageAuthenticatorLedger(capacity=2)
    ledger.signed("switch", "10.0.0.1", 1.0, eap=False)
    for number in range(100):
        ledger.unsigned("switch", f"10.1.0.{number}", 2.0, taken=True)
    assert ledger.requires("switch", "10.0.0.1")


def test_requests_are_counted_by_address_with_their_first_and_last_moment() -> None:
    ledger = MessageAuthenticatorLedger()
    ledger.signed("switch", "10.0.0.1", 1.0, eap=True)
    ledger.signed("switch", "10.0.0.1", 2.0, eap=False)
    ledger.unsigned("switch", "10.0.0.1", 3.0, taken=True)
    ledger.unsigned("switch", "10.0.0.1", 4.0, taken=False)
    assert ledger.signing() == (Signs(nas="switch", source="10.0.0.1", first=1.0, last=2.0, signed=1, eap=1),)
    assert ledger.bare() == (Unsigned(nas="switch", source="10.0.0.1", first=3.0, last=4.0, taken=1, refused=1),)
    assert ledger.since == 1.0


def test_an_address_is_news_once_when_it_signs_of_its_own_accord() -> None:
    ledger = MessageAuthenticatorLedger()
    for at in (1.0, 2.0, 3.0):
        ledger.signed("switch", "10.0.0.1", at, eap=at == 1.0)
    assert [each.source for each in ledger.news()] == ["10.0.0.1"]
    assert list(ledger.news()) == []


def test_an_address_that_belongs_to_another_client_now_begins_anew() -> None:
    ledger = MessageAuthenticatorLedger()
    ledger.signed("old", "10.0.0.1", 1.0, eap=False)
    ledger.signed("new", "10.0.0.1", 5.0, eap=True)
    assert not ledger.requires("new", "10.0.0.1")
    assert ledger.signing()[0].first == 5.0


def test_what_was_known_before_a_restart_counts_and_is_no_news() -> None:
    before = MessageAuthenticatorLedger()
    before.signed("switch", "10.0.0.1", 1.0, eap=False)
    before.unsigned("switch", "10.0.0.2", 2.0, taken=True)
    after = MessageAuthenticatorLedger()
    after.recall(before.signing(), before.bare(), before.since, ["plant"])
    assert (after.signing(), after.bare(), after.since) == (before.signing(), before.bare(), 1.0)
    assert after.requires("switch", "10.0.0.1")
    assert after.requires("plant", "10.9.0.1")
    assert list(after.news()) == []


def test_forged_addresses_of_one_client_push_out_nothing_of_another() -> None:
    ledger = MessageAuthenticatorLedger(capacity=4)
    ledger.unsigned("plant", "10.9.0.1", 100.0, taken=True)
    for number in range(50):
        ledger.unsigned("campus", f"10.1.0.{number}", 200.0 + number, taken=False)
    assert [(each.nas, each.source) for each in ledger.bare()] == [
        ("plant", "10.9.0.1"),
        *(("campus", f"10.1.0.{number}") for number in (47, 48, 49)),
    ]
    ledger.unsigned("core", "10.2.0.1", 300.0, taken=True)
    assert [each.source for each in ledger.bare()] == ["10.9.0.1", "10.1.0.48", "10.1.0.49", "10.2.0.1"]
