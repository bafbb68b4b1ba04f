from nacd.audit.catalogue import EVENTS, FIELDS
from nacd.audit.privacy.kinds import CHOOSABLE, INDISPENSABLE, NAMING, OF_THE_TRAIL, TOLD_BY_VALUE, WORDS


def test_every_field_of_these_tables_is_one_of_a_record() -> None:
    assert set(NAMING) <= set(FIELDS)
    assert set(TOLD_BY_VALUE) <= set(NAMING)
    assert set(WORDS) - set(FIELDS) <= {"seq", "link", "request_id"}


def test_no_field_is_both_a_name_and_a_word_that_is_never_looked_at() -> None:
    assert not set(NAMING) & WORDS


def test_what_verifies_orders_or_replays_the_trail_cannot_be_chosen() -> None:
    for name in ("seq", "link", "time", "code", "event", "decision.policy_digest", "retired.last_link"):
        assert name in INDISPENSABLE
        assert name not in CHOOSABLE


def test_every_field_of_an_ordinary_record_can_be_chosen_or_is_needed() -> None:
    for row in EVENTS.values():
        if row.code not in OF_THE_TRAIL:
            assert set(row.fields) <= CHOOSABLE | INDISPENSABLE, row.code
    assert {"endpoint.client_agent", "why", "by", "nas.location"} <= CHOOSABLE
