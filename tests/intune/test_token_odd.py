"""Answers of a login service that are no tokens and no refusals: said in words, and not asked for again at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.flight import Flights
from nacd.intune.options import IntuneOptions
from nacd.intune.token import TokenSource

GOOD = {"access_token": "a.b.c", "expires_in": 3599, "token_type": "Bearer"}
ENDPOINTS = {"authorization_endpoint": 5, "token_endpoint": 5, "issuer": 5}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("token", GOOD | {"access_token": ""}),
        ("token", GOOD | {"expires_in": float("inf")}),
        ("token", GOOD | {"expires_in": "soon"}),
        ("token", GOOD | {"id_token": "z"}),
        ("token", GOOD | {"id_token": 5}),
        ("token", GOOD | {"scope": None}),
        ("openid", {}),
        ("openid", ENDPOINTS),
    ],
)
def test_an_odd_answer_of_the_login_service_is_an_outage_and_not_asked_for_again_at_once(
    options: Callable[..., IntuneOptions],
    microsoft: Any,
    wire: Any,
    what: str,
    said: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bugs: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", bugs.append)
    microsoft.always(what, wire.Said(kind="application/json", body=said))
    tokens = TokenSource(options(), HttpClient(ca_file=options().ca_file), Flights())
    for _ in range(2):
        with pytest.raises(SourceError, match="no token for intune"):
            tokens.token(Audience.INTUNE, time.monotonic() + 5)
    assert microsoft.count(what) == 1
    assert not bugs
