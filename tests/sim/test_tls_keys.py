"""Keys worked out from the key log, held against OpenSSL's exporter and against published vectors."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.sim.tls_keys import Keys, exporter, keys_from_log, prf, server_random_in


def test_the_prf_agrees_with_a_published_vector() -> None:
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = b"test label" + bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    wanted = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af"
    assert prf(secret, seed, 100, "sha256").hex().startswith(wanted)
    assert len(prf(secret, seed, 100, "sha256")) == 100


def talk(server: Any, supplicant: Any) -> None:
    eap = supplicant.start()
    while eap:
        eap = supplicant.receive(server.receive(eap))


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_the_keys_are_those_of_openssls_exporter(lan: Any, tls: str) -> None:
    server, supplicant = lan.eap_server(tls=tls), lan.supplicant()
    talk(server, supplicant)
    material, session_id = server.keys()
    assert supplicant.keys == Keys(msk=material[:64], emsk=material[64:], session_id=session_id)


def test_an_exporter_of_another_context_or_label_gives_another_key() -> None:
    made = {
        exporter(bytes(32), label, context, 32, hashing)
        for label in (b"one", b"two")
        for context in (b"", b"\x0d")
        for hashing in ("sha256", "sha384")
    }
    assert len(made) == 8


def test_without_a_key_log_nothing_is_known() -> None:
    assert keys_from_log("", "TLSv1.3", "TLS_AES_256_GCM_SHA384", b"") == Keys()
    assert keys_from_log("# only a comment", "TLSv1.2", "x", b"") == Keys()


@pytest.mark.parametrize("records", [b"", b"\x16" + bytes(50), b"\x15\x03\x03" + bytes(50)])
def test_what_is_no_server_hello_has_no_server_random(records: bytes) -> None:
    assert server_random_in(records) == b""
