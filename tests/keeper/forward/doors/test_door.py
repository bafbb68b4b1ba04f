"""Trust and our own certificate, in words where they cannot be used."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.keeper.forward.doors.door import Trouble, context_of
from tests.keeper.forward.lab import Pki


def test_nothing_older_than_tls_1_2_and_only_the_configured_ca(to: Callable[..., Any], pki: Pki) -> None:
    context = context_of(to("https://127.0.0.1/x"))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


def test_a_key_that_does_not_belong_is_told_without_being_shown(to: Callable[..., Any], pki: Pki) -> None:
    keys = {"certificate": str(pki.client[0]), "private_key": f"file:{pki.server[1]}"}
    with pytest.raises(Trouble, match="cannot be used") as trouble:
        context_of(to("https://127.0.0.1/x", **keys))
    assert "PRIVATE" not in str(trouble.value)


def test_a_ca_file_that_holds_no_ca_is_told(to: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing here")
    with pytest.raises(Trouble, match="cannot be used"):
        context_of(to("https://127.0.0.1/x", ca_file="empty.pem"))
