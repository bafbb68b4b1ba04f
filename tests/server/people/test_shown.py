"""Sessions as JSON can say them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from nacd.server.people import shown
from nacd.sessions import AccountingKind, NotOurs, Pending, Phase, Session
from nacd.store.live.filters import Filter
from nacd.values import Assurance, ComplianceState
from tests.server.people.stage import Stage, within
from tests.session.making import after
from tests.store.live.stage import NOW, accounted, authorized, guid, mac, place, standing


def session(**more: Any) -> Session:
    return replace(after(authorized(1)), id=17, **more)


def test_plain_is_what_json_has() -> None:
    found = shown.plain(session())
    assert orjson.loads(orjson.dumps(found)) == found
    assert found["phase"] == "authorized"
    assert found["grounds"]["identity"]["assurance"] == "certificate"
    assert found["wish"] is None
    assert shown.plain({ComplianceState.COMPLIANT: (Assurance.MAC, frozenset({"b", "a"}))}) == {
        "compliant": ["mac", ["a", "b"]]
    }


def test_a_row_says_what_is_wanted_and_why_it_is_held() -> None:
    wish = Pending(wanted=standing(""), since=NOW, verb="disconnect", tries=2, held="the guard", detail="busy")
    row = shown.row(session(wish=wish))
    assert row["pending"].items() >= {"profile": "", "verb": "disconnect", "tries": 2, "held": "the guard"}.items()
    assert orjson.dumps(row)


def test_a_row_of_a_session_that_is_not_ours_has_what_its_nas_said() -> None:
    found = after(accounted(1, AccountingKind.START, acct_session_id="A1", user_name="joe"))
    row = shown.row(found)
    assert (row["ours"], row["user"], row["mac"], row["profile"]) == (False, "joe", mac(1), "")


FILTERS = [
    Filter(),
    Filter(device=f"guid:{guid(1)}"),
    Filter(device=f"guid:{guid(2)}"),
    Filter(tenant="campus"),
    Filter(mac=mac(1)),
    Filter(mac=mac(9)),
    Filter(user="jane@example.org"),
    Filter(user="joe"),
    Filter(nas="sw-2"),
    Filter(phase=Phase.LIVE),
    Filter(phase=Phase.ENDED),
    Filter(profile="corporate"),
    Filter(profile="quarantine"),
    Filter(nas="sw-1", phase=Phase.LIVE),
]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_whoever_watches_hears_of_what_the_database_would_find(tmp_path: Path, wanted: Filter) -> None:
    async def story(stage: Stage) -> None:
        await stage.write(
            authorized(1),
            authorized(2, where=place(2, nas="sw-2")),
            accounted(2, AccountingKind.START, where=place(2, nas="sw-2")),
            accounted(3, AccountingKind.STOP),
            accounted(4, AccountingKind.START, acct_session_id="A4", user_name="joe"),
        )
        every = stage.store.find(Filter(), 100)
        assert len(every) == 4
        assert [each for each in every if shown.fits(each, wanted)] == list(stage.store.find(wanted, 100))

    within(tmp_path, story)


def test_pending_is_looked_at_too() -> None:
    wish = Pending(wanted=standing("quarantine"), since=NOW)
    assert shown.fits(session(wish=wish), Filter(pending=True))
    assert not shown.fits(session(), Filter(pending=True))
    assert not shown.fits(session(grounds=NotOurs()), Filter(tenant="campus"))
