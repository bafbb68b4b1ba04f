import re
from pathlib import Path

import pytest

import nacd
from nacd.server import log
from nacd.server.logs.levels import ALL, AREAS, Levels, Shown, WrongLevels, read


def levels(said: str = "info") -> Levels:
    found = Levels()
    for area in ("lookup", "audit"):
        found.know(area)
    found.begin(said)
    return found


def test_levels_are_written_for_all_and_by_area() -> None:
    assert read("warning,lookup=debug") == {ALL: "warning", "lookup": "debug"}
    assert read("lookup=debug") == {ALL: "info", "lookup": "debug"}


@pytest.mark.parametrize("said", ["loud", "lookup=loud", "=debug", "lokup=debug"])
def test_what_names_no_level_is_refused(said: str) -> None:
    with pytest.raises(WrongLevels):
        read(said)


def test_every_area_that_speaks_anywhere_can_be_named_from_the_start_on() -> None:
    sources = (path.read_text(encoding="utf-8") for path in Path(nacd.__file__).parent.rglob("*.py"))
    assert {area for text in sources for area in re.findall(r'\blogger\("(\w+)"\)', text)} | {"log"} == set(AREAS)
    log.start(as_json=True)
    assert {each.area for each in log.levels().shown(0.0)} >= set(AREAS)


def test_an_area_says_as_much_as_its_level_lets_through() -> None:
    found = levels("warning,lookup=debug")
    assert found.lets_through("lookup", "debug", 0)
    assert not found.lets_through("audit", "info", 0)
    assert found.lets_through("audit", "exception", 0)


def test_a_level_for_a_while_ends_by_itself_and_is_told_once() -> None:
    found = levels()
    found.put("lookup", "debug", 100.0)
    assert (found.of("lookup", 99.9), found.of("lookup", 100.0), found.of("audit", 0)) == ("debug", "info", "info")
    assert found.over(99.0) == ()
    assert found.over(100.0) == (Shown(area="lookup", level="info"),)
    assert found.over(101.0) == ()


def test_a_level_for_all_does_not_reach_an_area_with_its_own() -> None:
    found = levels("info,audit=error")
    found.put(ALL, "debug", 100.0)
    assert (found.of("lookup", 0), found.of("audit", 0)) == ("debug", "error")


def test_what_is_shown_says_for_how_long_and_what_comes_then() -> None:
    found = levels()
    found.put("lookup", "debug", 100.0)
    assert found.shown(40.0) == (
        Shown(area=ALL, level="info"),
        Shown(area="audit", level="info"),
        Shown(area="lookup", level="debug", left_s=60.0, then="info"),
    )


def test_a_level_for_good_takes_the_place_of_one_for_a_while() -> None:
    found = levels()
    found.put("lookup", "debug", 100.0)
    found.put("lookup", "error", 0.0)
    assert found.of("lookup", 0) == "error"


def test_an_area_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(WrongLevels, match="audit, lookup"):
        levels().put("lokup", "debug", 0.0)
