"""Tenants of one configuration: told apart, led to, and their secrets watched like everybody's."""

from __future__ import annotations

import pytest

SECTION = "client_id: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11, credential: {secret: "
APP = '"env:APP_SECRET"}'
ID = "tenant_id: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c0"
EAP = """\
eap:
  certificate: server.pem
  private_key: "env:APP_SECRET"
  client_cas:
    - {file: server.pem, may_assert: [intune_id], CA}
"""


@pytest.fixture
def tenants(site):
    """Writes tenants (name -> settings beside its domain) in the place of ``intune``, with EAP where a CA is given."""

    def write(*, ca: str | None = None, credential: str = APP, **sections: str):
        path = site.folder / "nacd.yaml"
        head, _, rest = path.read_text().partition("intune:")
        lines = [
            f"  {name}: {{tenant: {name}.example, {SECTION}{credential}{', ' if more else ''}{more}}}"
            for name, more in sections.items()
        ]
        rest = rest[rest.index("policy:") :]
        eap = "" if ca is None else EAP.replace(", CA", ca)
        path.write_text("\n".join([f"{head}tenants:", *lines, f"{eap}{rest}"]))
        site.write("server.pem", "PEM")
        return site

    return write


def test_a_secret_of_a_tenant_open_to_its_group_is_noted_at_its_place(tenants) -> None:
    site = tenants(credential='"file:secrets/app"}', a="groups: [wired]")
    site.write("secrets/app", "x", mode=0o640)
    (note,) = site.notes()
    assert note.startswith("nacd.yaml:5:")
    assert "the secret file `secrets/app` is open to its group (mode 0640)" in note


def test_a_group_of_two_tenants_is_refused_at_its_place(tenants) -> None:
    (said,) = tenants(a="groups: [wired]", b="groups: [lab, wired]").problems()
    assert said.startswith("nacd.yaml:6:")
    assert "a tenant of the group `wired` stands in line 5, column" in said


def test_a_group_that_no_nas_is_in_is_noted_with_the_one_that_was_meant(tenants) -> None:
    notes = tenants(a="groups: [wierd]").notes()
    assert [note.partition(": ")[2] for note in notes] == ["no NAS is in the group `wierd`, did you mean `wired`?"]


def test_a_tenant_that_nothing_leads_to_is_noted(tenants) -> None:
    (note,) = tenants(a="groups: [wired]", b=f"{ID}1").notes()
    assert note == "nacd.yaml:6:3: nothing leads to the tenant `b`: no client ca, no tenant id, no group of a NAS"


@pytest.mark.parametrize("sections", [{"b": "groups: [wired]"}, {"b": f"{ID}1"}])
def test_a_group_or_with_eap_an_id_leads_to_a_tenant(tenants, sections: dict[str, str]) -> None:
    assert not [note for note in tenants(ca=", tenant: a", a=f"{ID}2", **sections).notes() if "leads" in note]


def test_of_several_tenants_each_should_tell_its_id_where_certificates_are_shown(tenants) -> None:
    notes = tenants(ca=", tenant: a", a="groups: [wired]", b=f"{ID}1").notes()
    assert [note.partition(": ")[2] for note in notes] == [
        "without its `tenant_id`, certificates of other tenants cannot be told from those of this one"
    ]
    assert notes[0].startswith("nacd.yaml:5:")


def test_an_only_tenant_needs_nothing_to_be_told_from_others(tenants) -> None:
    assert tenants(ca="", a="source: nac").notes() == []
