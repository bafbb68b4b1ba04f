from __future__ import annotations

import pytest

from nacd.config.sections.intune import Intune, ManagedIdentity, PemCredential, PfxCredential

TENANT = "tenant: contoso.com\nclient_id: 6B4B9F4E-7A0D-4A63-9A39-5D5E7C7A1C11\n"


@pytest.fixture
def files(tmp_path):
    for name in ("a.pem", "b.pem", "key", "app.pfx"):
        (tmp_path / name).write_bytes(b"x\n")
        (tmp_path / name).chmod(0o600)


@pytest.mark.parametrize(
    ("credential", "kind"),
    [
        ("{certificate: a.pem, private_key: 'file:key'}", PemCredential),
        ("{pfx: 'file:app.pfx', passphrase: 'env:P'}", PfxCredential),
        ("{managed_identity: system}", ManagedIdentity),
        ("{managed_identity: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11}", ManagedIdentity),
    ],
)
def test_kinds_of_credential(section, files, credential: str, kind: type) -> None:
    intune = section(Intune, f"{TENANT}credential: {credential}\n", {"P": "p"})
    assert isinstance(intune.credential, kind)
    assert intune.client_id == "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"


def test_a_pfx_keeps_its_last_octet_even_if_it_is_a_newline(section, files) -> None:
    assert section(Intune, f"{TENANT}credential: {{pfx: 'file:app.pfx'}}\n").credential.pfx.reveal() == b"x\n"


@pytest.mark.parametrize("credential", ["{}", "x", "{secret: 'env:S', pfx: 'file:app.pfx'}", "[a]"])
def test_exactly_one_credential(section, files, credential: str) -> None:
    (said,) = section(Intune, f"{TENANT}credential: {credential}\n", {"S": "s"})
    assert said.startswith("3:13: name one credential:")


def test_a_mistake_inside_a_credential_has_its_own_place(section, files) -> None:
    said = section(Intune, TENANT + "credential: {certificate: a.pem, private_kye: 'file:key'}\n")
    assert said == [
        "3:13: `private_key` is missing: reference to its private key (PEM)",
        "3:34: `private_kye` is no key here, did you mean `private_key`?",
    ]


def test_a_tenant_has_one_id_however_it_is_written(section) -> None:
    app = "client_id: 6B4B9F4E-7A0D-4A63-9A39-5D5E7C7A1C11\ncredential: {managed_identity: system}\n"
    one, other = "6B4B9F4E-7A0D-4A63-9A39-5D5E7C7A1C00", "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c01"
    (said,) = section(Intune, f"{app}tenant: {one}\ntenant_id: {other}\n")
    assert "`tenant` and `tenant_id` are two different ids" in said
    assert section(Intune, f"{app}tenant: {one}\n").known_id == one.lower()
    assert section(Intune, f"{app}tenant: {one}\ntenant_id: {one}\n").known_id == one.lower()
    assert section(Intune, f"{app}tenant: contoso.com\ntenant_id: {other}\n").known_id == other
    assert section(Intune, f"{app}tenant: contoso.com\n").known_id == ""


def test_a_custom_cloud_names_all_its_places(section) -> None:
    text = TENANT + "credential: {managed_identity: system}\ncloud: custom\n"
    (said,) = section(Intune, text)
    assert "needs `authority`, `resource`, `graph`, `host_suffixes`" in said
    text += "authority: https://login.test\nresource: https://api.test/\n"
    assert section(Intune, text + "endpoint: https://nac.test/\n").resource == "https://api.test/"
    whole = section(
        Intune, text + "graph: https://graph.test\nhost_suffixes: .manage.test\nallowed_hosts: [nac.test]\n"
    )
    assert whole.host_suffixes == (".manage.test",)


@pytest.mark.parametrize("asks", ["source: graph", "fallback: graph"])
def test_a_custom_cloud_says_where_graph_is_when_graph_is_asked_about_devices(section, asks: str) -> None:
    text = TENANT + "credential: {managed_identity: system}\ncloud: custom\nauthority: https://login.test\n"
    text += f"resource: https://api.test/\nendpoint: https://nac.test/\n{asks}\n"
    (said,) = section(Intune, text)
    assert "needs `graph`" in said
    assert section(Intune, text + "graph: https://graph.test\n").graph == "https://graph.test"


def test_china_needs_its_resource_and_a_resource_its_slash(section) -> None:
    text = TENANT + "credential: {managed_identity: system}\ncloud: china\n"
    assert "needs `resource`" in section(Intune, text)[0]
    assert "write `https://x/`" in section(Intune, text + "resource: https://x\n")[0]


@pytest.mark.parametrize("proxy", ["https://proxy.test:3128", "proxy.test:3128", "socks5://proxy.test"])
def test_a_proxy_that_cannot_be_used_is_refused_at_its_place_and_the_one_way_is_named(section, proxy: str) -> None:
    (said,) = section(Intune, f"{TENANT}credential: {{managed_identity: system}}\nproxy: {proxy}\n")
    assert said.startswith("4:8: a URL is wanted here: `http://HOST:PORT`")
    assert "https://" not in said


@pytest.mark.parametrize("tenant", ["common", "Organizations", "a b", "-x", "https://x"])
def test_a_tenant_is_one_tenant(section, tenant: str) -> None:
    text = TENANT.replace("contoso.com", f'"{tenant}"') + "credential: {managed_identity: system}\n"
    assert "tenant" in section(Intune, text)[0]
