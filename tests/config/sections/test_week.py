from __future__ import annotations

import pytest

from nacd.config.sections.week import DAYS, Window, hour


def test_some_hours_of_some_days(section) -> None:
    window = section(Window, 'days: [mon, sun]\nfrom: "22:00"\nto: "05:30"\n')
    assert (window.days, window.begins, window.ends) == (("mon", "sun"), 22 * 60, 5 * 60 + 30)


def test_without_days_it_is_every_day_and_one_day_needs_no_list(section) -> None:
    assert section(Window, 'from: "00:00"\nto: "24:00"\n').days == DAYS
    assert section(Window, 'days: wed\nfrom: "00:00"\nto: "01:00"\n').days == ("wed",)


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("09:05", 545), ("23:59", 1439), ("24:00", 1440)])
def test_an_hour_is_minutes_since_midnight(text: str, minutes: int) -> None:
    assert hour(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "9:05", "24:01", "25:00", "12:60", "12", "12:00:00", "١٢:٠٠", " 12:00", 720, None, ()]
)
def test_what_is_no_hour_is_said_with_a_way_out(text: object) -> None:
    with pytest.raises(ValueError, match='in quotes, as in `"22:30"`'):
        hour(text)


def test_hours_without_quotes_are_refused_because_other_readers_take_them_for_numbers(section) -> None:
    assert section(Window, 'from: 22:00\nto: "05:30"\n') == [
        "1:7: `22:00` is a base-60 number to some YAML readers: quote it"
    ]


def test_days_that_are_none_or_stand_twice_are_told(section) -> None:
    hours = 'from: "22:00"\nto: "23:00"\n'
    assert section(Window, hours + "days: [mon, wend]\n") == ["3:13: `wend` is not known here, did you mean `wed`?"]
    assert section(Window, hours + "days: [mon, tue, mon]\n") == ["3:7: `mon` stands here twice"]
    (said,) = section(Window, hours + "days: []\n")
    assert "this list is empty" in said


def test_keys_are_known_by_the_words_an_admin_writes(section) -> None:
    said = section(Window, 'begins: "22:00"\ntoo: "23:00"\n')
    assert "1:1: `begins` is no key here: there is `days`, `from`, `to`" in said
    assert "2:1: `too` is no key here, did you mean `to`?" in said
    assert any(line.startswith("1:1: `from` is missing: when it begins") for line in said)
