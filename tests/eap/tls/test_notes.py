"""What OpenSSL's callbacks write down, in real handshakes of both versions."""

from __future__ import annotations

import ssl
import sys
from contextlib import suppress

import pytest
from OpenSSL import SSL
from OpenSSL._util import lib

from nacd.eap.tls import notes
from nacd.values import EapFailed

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])


def shaken(context, moment, supplicant, folder, version):
    """What is written down of one handshake; the other side is Python's own TLS."""
    told = notes.Notes()
    server = SSL.Connection(context, None)
    server.set_app_data(told)
    server.set_accept_state()
    lib.X509_VERIFY_PARAM_set_time(lib.SSL_get0_param(server._ssl), int(moment.timestamp()))
    (folder / "both.pem").write_bytes(supplicant.pem + supplicant.key_pem)
    using = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    using.check_hostname, using.verify_mode = False, ssl.CERT_NONE
    using.minimum_version = using.maximum_version = VERSIONS[version]
    using.load_cert_chain(folder / "both.pem")
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = using.wrap_bio(inward, outward)
    for _ in range(4):
        with suppress(ssl.SSLError):
            client.do_handshake()
        if outward.pending:
            server.bio_write(outward.read())
        with suppress(SSL.Error):
            server.do_handshake()
        with suppress(SSL.Error):
            inward.write(server.bio_read(65_536))
    return told


@BOTH
def test_a_note_that_cannot_be_taken_lets_nobody_in(kit, pki, site, outcome, version, monkeypatch):
    def broken(_ssl):
        raise LookupError("no such connection")

    said = []
    monkeypatch.setattr(sys, "unraisablehook", lambda hint: said.append(str(hint.exc_value)))
    monkeypatch.setattr(notes, "_notes_of", broken)
    stranger = pki.issue("Stranger", ca=True)
    assert isinstance(outcome(*kit.alone(pki, stranger), version=version), EapFailed)
    assert set(said) == {"no such connection"}


@BOTH
def test_the_first_complaint_is_kept_with_its_certificate_and_an_alert_goes_out(kit, pki, site, tmp_path, version):
    context = kit.tls_context(site.server, {"a": [site.root]}).context
    leaf, _ = kit.alone(pki, pki.issue("Stranger", ca=True))
    told = shaken(context, kit.NOW, leaf, tmp_path, version)
    assert [one.to_cryptography() for one in told.refused] == [leaf.cert]
    assert (told.error, told.depth) == (20, 0)  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, of the leaf
    assert (told.sent_alert, told.peer_alert) == (48, notes.NO_ALERT)  # unknown_ca, RFC 8446 section 6.2


@BOTH
def test_a_good_chain_leaves_no_note(kit, pki, site, tmp_path, version):
    context = kit.tls_context(site.server, {"a": [site.root]}).context
    told = shaken(context, kit.NOW, kit.alone(pki, site.root)[0], tmp_path, version)
    assert (told.refused, told.error, told.sent_alert, told.peer_alert) == ([], 0, notes.NO_ALERT, notes.NO_ALERT)
