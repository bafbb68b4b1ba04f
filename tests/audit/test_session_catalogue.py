from nacd.audit.catalogue import EVENTS
from nacd.audit.session_catalogue import FIELDS, ROWS


def test_every_row_is_an_event_of_the_one_table_in_the_order_of_the_codes() -> None:
    assert [row.code for row in ROWS] == sorted(row.code for row in ROWS)
    assert all(EVENTS[row.code] is row for row in ROWS)


def test_every_record_about_a_session_names_it_its_nas_and_the_decision_it_lives_under() -> None:
    for row in ROWS:
        if row.name.startswith("session."):
            wanted = {"nacd_session", "nas.name", "nas.port_id", "identity.id", "standing.profile", "standing.rule"}
            assert wanted <= set(row.fields), row.name


def test_the_two_decisions_of_a_change_have_the_same_fields() -> None:
    parts = [
        {name.removeprefix(f"{which}.") for name in FIELDS if name.startswith(f"{which}.")}
        for which in ("standing", "wanted")
    ]
    assert parts[0] == parts[1]
