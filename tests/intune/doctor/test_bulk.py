"""One page of the list."""

from __future__ import annotations

import uuid
from typing import Any

from nacd.intune.client import HttpClient
from nacd.intune.doctor.bulk import one_page
from nacd.intune.token import TokenSource
from tests.intune.doctor.conftest import soon


def test_the_first_page_is_counted(sim: Any, options: Any, http: HttpClient, tokens: TokenSource) -> None:
    sim.tune(page_size=2)
    for compliant in (False, False, True):
        sim.put_device(str(uuid.uuid4()), compliant=compliant)
    found = one_page(options(), sim.compliance_url, http, tokens, soon())
    assert (found.status, found.detail) == (
        "ok",
        "2 devices that are not compliant on the first page, and that is all",
    )


def test_further_pages_are_told_and_not_asked_for(
    sim: Any, options: Any, http: HttpClient, tokens: TokenSource
) -> None:
    sim.tune(page_size=2)
    for _ in range(3):
        sim.put_device(str(uuid.uuid4()), compliant=False)
    sim.forget_history()
    assert "and there are more pages" in one_page(options(), sim.compliance_url, http, tokens, soon()).detail
    assert len(sim.history("bulk")) == 1


def test_a_used_up_window_is_no_failure(sim: Any, options: Any, http: HttpClient, tokens: TokenSource) -> None:
    sim.tune(bulk_free_s=0.0)
    assert one_page(options(), sim.compliance_url, http, tokens, soon()).status == "ok"
    found = one_page(options(), sim.compliance_url, http, tokens, soon())
    assert found.status == "warning"
    assert "the window is used up (status 503)" in found.detail
    assert "another nacd or another product" in found.fix


def test_another_refusal_is_one(sim: Any, options: Any, http: HttpClient, tokens: TokenSource) -> None:
    sim.fault("status", code=403)
    found = one_page(options(), sim.compliance_url, http, tokens, soon())
    assert found.status == "failed"
    assert "get_device_compliance" in found.fix


def test_an_unreadable_page_is_told(sim: Any, options: Any, http: HttpClient, tokens: TokenSource) -> None:
    sim.fault("body", variant="truncated")
    found = one_page(options(), sim.compliance_url, http, tokens, soon())
    assert found.status == "failed"
    assert "the same window answers" in found.fix
