from nacd.radius.ledger import MessageAuthenticatorLedger


def test_only_an_address_that_signed_must_sign() -> None:
    ledger = MessageAuthenticatorLedger()
    ledger.learn("10.0.0.1")
    assert ledger.requires("10.0.0.1")
    assert not ledger.requires("10.0.0.2")


def test_the_address_silent_for_longest_goes_first() -> None:
    ledger = MessageAuthenticatorLedger(capacity=2)
    for source in ("10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.3"):
        ledger.learn(source)
    assert ledger.requires("10.0.0.1")
    assert not ledger.requires("10.0.0.2")
    assert ledger.requires("10.0.0.3")


def test_the_ledger_stays_within_its_capacity() -> None:
    ledger = MessageAuthenticatorLedger(capacity=50)
    for number in range(500):
        ledger.learn(f"10.0.{number // 256}.{number % 256}")
    assert len(ledger) == 50
