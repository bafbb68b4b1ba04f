"""From actions.yaml to what can act."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from nacd.actions.tenants import graph_options, tenants
from nacd.config.actions_file import LoadedActions
from nacd.errors import ConfigError
from nacd.intune.options import ManagedIdentity
from tests.actions.stage import Stage


def expired(stage: Stage) -> dict[str, str]:
    """A certificate that ended yesterday, with its key."""
    key, name = rsa.generate_private_key(65_537, 2048), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    end = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(end - timedelta(days=9)).not_valid_after(end)
    (stage.folder / "old.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (stage.folder / "old.key").touch(mode=0o600)
    (stage.folder / "old.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"certificate": "old.pem", "private_key": "file:old.key"}


def said(loaded: LoadedActions) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        tenants(loaded)
    return [problem.message for problem in refused.value.problems]


def test_one_section_is_the_tenant_that_the_daemon_calls_intune(stage: Stage) -> None:
    assert list(tenants(stage.load())) == ["intune"]


def test_several_tenants_keep_their_names(stage: Stage) -> None:
    app: Any = stage.load().document.value["intune"]
    loaded = stage.load(intune=None, tenants={"here": app, "there": copy.deepcopy(app)})
    assert list(tenants(loaded)) == ["here", "there"]


@pytest.mark.parametrize("cloud", ["global", "usgov_high", "usgov_dod", "china"])
def test_every_cloud_is_known_by_name_alone(stage: Stage, cloud: str) -> None:
    app = stage.load(intune__cloud=cloud, intune__authority=None, intune__graph=None).settings.apps["intune"]
    chosen = graph_options(app)
    assert chosen.cloud.name == cloud
    assert chosen.graph_hosts.refusal(f"{chosen.cloud.graph}/v1.0/x") == ""


def test_a_second_credential_stands_behind_the_first(stage: Stage) -> None:
    app = stage.load(intune__next_credential={"managed_identity": "system"}).settings.apps["intune"]
    assert len(graph_options(app).credentials) == 2
    assert graph_options(app).credentials[1] == ManagedIdentity()


def test_a_credential_that_cannot_work_is_told_with_its_place(stage: Stage) -> None:
    (stage.folder / "app.pem").write_text("no certificate")
    (stage.folder / "app.key").touch(mode=0o600)
    (stage.folder / "app.key").write_text("no key")
    credential = {"certificate": "app.pem", "private_key": "file:app.key"}
    loaded = stage.load(intune__credential=credential)
    assert said(loaded) == ["certificate or key cannot be read: damaged, another format, or a wrong passphrase"]


def test_a_second_credential_that_cannot_work_is_told_at_its_own_place(stage: Stage) -> None:
    (stage.folder / "app.pem").write_text("no certificate")
    (stage.folder / "app.key").touch(mode=0o600)
    (stage.folder / "app.key").write_text("no key")
    loaded = stage.load(intune__next_credential={"certificate": "app.pem", "private_key": "file:app.key"})
    with pytest.raises(ConfigError) as refused:
        tenants(loaded)
    (problem,) = refused.value.problems
    assert problem == loaded.problem(problem.message, "intune", "next_credential")


def test_a_certificate_that_has_expired_is_told_unless_another_credential_is_good(stage: Stage) -> None:
    old = expired(stage)
    assert list(tenants(stage.load(intune__next_credential=old))) == ["intune"]
    words = "the certificate of this credential has expired: Microsoft refuses it"
    assert said(stage.load(intune__credential=dict(old))) == [words, words]
    assert said(stage.load(intune__next_credential=None)) == [words]


def test_a_ca_file_that_is_none_is_told(stage: Stage) -> None:
    (stage.folder / "ca.pem").write_text("no certificate")
    assert said(stage.load(intune__ca_file="ca.pem"))


def test_nothing_is_asked_before_there_is_something_to_do(stage: Stage) -> None:
    tenants(stage.load())
    assert not stage.microsoft.history()
