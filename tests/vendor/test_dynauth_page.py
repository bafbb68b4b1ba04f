"""The documentation of what NASes are asked: made from the vendor data, and held against it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nacd.config.load import vendors
from nacd.sessions import Verb
from nacd.vendor.dynauth_model import Dynauth, parse_dynauth
from nacd.vendor.dynauth_page import BEGIN, END, rewritten, tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sessions.md"
ORIGIN = {"source": "a manual", "standing": "documented"}
MADE_UP: dict[str, Any] = {
    "port": {"number": 1700, **ORIGIN},
    "class": {"use": "group_policy", **ORIGIN},
    "event_timestamp": {"use": "ok", **ORIGIN},
    "message_authenticator": {"use": "omit", "source": "a | b", "standing": "assumed"},
    "voice": [{"name": "Cisco-AVPair", "values": ["b", "a"], **ORIGIN}, {"name": "Odd-Voice", "values": [], **ORIGIN}],
    "identify": [{"by": ["audit_session_id", "user_name"], "required": True}, {"by": ["nas_port"]}],
    "narrow": [{"by": ["framed_address"]}],
    "ladder": [
        {"verb": "push", "packet": "coa", "access": ["vpn"], "unchanged": ["Class"], **ORIGIN},
        {
            "verb": "bounce",
            "packet": "coa",
            "port": 3799,
            "attributes": [{"name": "Cisco-AVPair", "value": "x=y"}],
            **ORIGIN,
        },
        {"verb": "disconnect", "packet": "disconnect", "narrow": [], **ORIGIN},
    ],
}


def shipped() -> tuple[Dynauth, ...]:
    return tuple(parse_dynauth(name, rows) for name, rows in vendors().items() if "dynauth" in rows)


def test_the_page_of_sessions_holds_what_the_vendor_data_says() -> None:
    """Otherwise: .venv/bin/python -c "from tests.vendor.test_dynauth_page import rewrite; rewrite()"."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == rewritten(page, shipped())


def rewrite() -> None:
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), shipped()), encoding="utf-8")


def test_every_vendor_and_every_verb_of_it_has_a_row() -> None:
    rows = [line.split(" | ") for line in tables(shipped()).splitlines()]
    for each in shipped():
        told = [row[1] for row in rows if row[0] == f"| `{each.vendor}`"]
        assert told[:-1] == [str(row.verb) for row in each.ladder], each.vendor


def test_a_row_says_what_is_sent_where_for_whom_and_from_which_source() -> None:
    told = tables([parse_dynauth("made-up", {"dynauth": MADE_UP})]).splitlines()
    assert told[2:5] == [
        "| `made-up` | push | CoA-Request | 1700 | vpn | `audit_session_id` or `user_name`; `nas_port` if known<br>"
        "after 508 also: `framed_address` | `Class` | a manual (documented) |",
        "| `made-up` | bounce | CoA-Request<br>`Cisco-AVPair = x=y` | 3799 | all | `audit_session_id` or `user_name`;"
        " `nas_port` if known<br>after 508 also: `framed_address` | - | a manual (documented) |",
        "| `made-up` | disconnect | Disconnect-Request | 1700 | all | `audit_session_id` or `user_name`; `nas_port` if"
        " known | - | a manual (documented) |",
    ]
    assert told[-1] == (
        "| `made-up` | 1700 (documented: a manual) | it chooses the group, no token (documented: a manual) | ok"
        " (documented: a manual) | omit (assumed: a \\| b) | `Cisco-AVPair`: `a` or `b` (documented: a manual)<br>"
        "`Odd-Voice`: any value (documented: a manual) |"
    )
    assert {row.split(" | ")[1] for row in told[2:5]} < {str(verb) for verb in Verb}


def test_only_what_is_between_the_marks_is_made_anew() -> None:
    page = f"before\n{BEGIN}\nwritten before\n{END}\nafter\n"
    made = rewritten(page, shipped())
    assert made.startswith(f"before\n{BEGIN}\n\n| vendor |")
    assert made.endswith(f" |\n\n{END}\nafter\n")
    assert "written before" not in made
    assert rewritten(made, shipped()) == made


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_page_without_the_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="the page has no"):
        rewritten(page, shipped())
