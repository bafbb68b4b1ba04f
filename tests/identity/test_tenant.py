"""Whose endpoint it is: the CA, else the tenant id in the certificate, else the NAS's group; never what is typed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd.identity.name import name
from nacd.identity.rules import CaRule, IdentityRules
from nacd.identity.tenant import Chosen, Contradiction, NoTenant, Tenant, TenantRules
from nacd.values import (
    AccessKind,
    AccessRequest,
    AttemptOutcome,
    CertificateFacts,
    DeviceIdKind,
    Nas,
    NoCertificate,
    Unidentified,
)

CONTOSO_ID = "aaaaaaaa-0000-4000-8000-000000000001"
FABRIKAM_ID = "bbbbbbbb-0000-4000-8000-000000000002"
CONTOSO = Tenant(name="contoso", id=CONTOSO_ID, groups=frozenset({"hq"}))
FABRIKAM = Tenant(name="fabrikam", id=FABRIKAM_ID, groups=frozenset({"plant"}))
NAS = Nas(name="switch", vendor="generic")
BOTH = TenantRules((CONTOSO, FABRIKAM), {"contoso-ca": "contoso"})


def shown(anchor: str = "any-ca", *ids: str) -> CertificateFacts:
    uri = "IntuneDeviceId://2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    return CertificateFacts(
        subject="CN=x",
        issuer="CN=ca",
        serial="1",
        fingerprint="f",
        not_before=0.0,
        not_after=9e9,
        anchor=anchor,
        tenant_ids=ids,
        san_uris=(uri,),
    )


def test_one_tenant_needs_nothing_to_be_chosen() -> None:
    alone = TenantRules((Tenant(name="intune"),))
    assert alone.of(NoCertificate(), NAS) == Chosen(name="intune")
    assert alone.of(shown(), NAS) == Chosen(name="intune")


def test_without_tenants_nobody_is_asked() -> None:
    assert TenantRules().of(shown(), NAS) == NoTenant(reason="nobody is asked: there is no `intune` section")


def test_the_ca_goes_before_the_group_of_the_nas() -> None:
    assert BOTH.of(shown("contoso-ca"), replace(NAS, groups=frozenset({"plant"}))) == Chosen(name="contoso")


def test_the_tenant_id_in_the_certificate_goes_before_the_group() -> None:
    assert BOTH.of(shown("any-ca", FABRIKAM_ID), replace(NAS, groups=frozenset({"hq"}))) == Chosen(name="fabrikam")


def test_without_a_certificate_the_group_decides() -> None:
    assert BOTH.of(NoCertificate(), replace(NAS, groups=frozenset({"plant", "wired"}))) == Chosen(name="fabrikam")


def test_nothing_that_says_so_is_no_tenant_and_two_groups_are_none_either() -> None:
    nowhere = BOTH.of(NoCertificate(), NAS)
    assert isinstance(nowhere, NoTenant)
    assert "neither the certificate nor a group of NAS `switch`" in nowhere.reason
    both = BOTH.of(NoCertificate(), replace(NAS, groups=frozenset({"plant", "hq"})))
    assert both == NoTenant(reason="NAS `switch` is in groups of several tenants: contoso, fabrikam")


@pytest.mark.parametrize(
    "certificate",
    [
        shown("contoso-ca", FABRIKAM_ID),
        shown("contoso-ca", "cccccccc-0000-4000-8000-000000000003"),
        shown("any-ca", "cccccccc-0000-4000-8000-000000000003"),
        shown("any-ca", CONTOSO_ID, FABRIKAM_ID),
    ],
)
def test_a_certificate_that_contradicts_itself_or_is_a_strangers_belongs_to_nobody(
    certificate: CertificateFacts,
) -> None:
    assert isinstance(BOTH.of(certificate, replace(NAS, groups=frozenset({"hq"}))), Contradiction)


def test_a_certificate_of_a_foreign_tenant_is_not_judged_by_the_only_tenant_there_is() -> None:
    alone = TenantRules((CONTOSO,))
    assert isinstance(alone.of(shown("any-ca", FABRIKAM_ID), NAS), Contradiction)
    assert alone.of(shown("any-ca", CONTOSO_ID), NAS) == Chosen(name="contoso")


def test_a_tenant_whose_id_is_not_told_takes_certificates_of_any_id() -> None:
    alone = TenantRules((Tenant(name="intune"),), {"ca": "intune"})
    assert alone.of(shown("ca", FABRIKAM_ID), NAS) == Chosen(name="intune")
    assert alone.of(shown("other", FABRIKAM_ID), NAS) == Chosen(name="intune")


def test_a_group_does_not_give_a_certificate_to_a_tenant_whose_id_is_known_to_be_another() -> None:
    rules = TenantRules((CONTOSO, replace(FABRIKAM, id="")))
    strange = shown("any-ca", FABRIKAM_ID)
    refused = rules.of(strange, replace(NAS, groups=frozenset({"hq"})))
    assert isinstance(refused, Contradiction)
    assert FABRIKAM_ID in refused.detail
    assert "`contoso`" in refused.detail
    assert rules.of(strange, replace(NAS, groups=frozenset({"plant"}))) == Chosen(name="fabrikam")


def test_the_realm_that_the_endpoint_types_changes_nothing() -> None:
    rules = IdentityRules(tenants=BOTH)
    typed = AccessRequest(
        nas=replace(NAS, groups=frozenset({"hq"})),
        source="10.0.0.1",
        source_port=1,
        user_name="host@fabrikam",
        calling_station_id="00-50-56-00-00-01",
    )
    assert name(typed, AccessKind.MAB, NoCertificate(), rules).tenant == "contoso"


def test_a_contradiction_ends_naming_and_says_why() -> None:
    rules = IdentityRules(tenants=BOTH, cas={"contoso-ca": CaRule(may_assert=frozenset({DeviceIdKind.INTUNE}))})
    request = AccessRequest(nas=NAS, source="10.0.0.1", source_port=1, has_eap=True)
    named = name(request, AccessKind.DOT1X, shown("contoso-ca", FABRIKAM_ID), rules)
    assert isinstance(named.identity, Unidentified)
    assert named.attempts[-1].outcome is AttemptOutcome.BAD
    assert FABRIKAM_ID in named.identity.reason
    assert named.tenant == ""


@pytest.mark.parametrize(
    ("tenants", "bound", "words"),
    [
        ((CONTOSO, replace(FABRIKAM, id=CONTOSO_ID)), {}, "belongs to two tenants: `contoso` and `fabrikam`"),
        ((CONTOSO, replace(FABRIKAM, groups=frozenset({"hq"}))), {}, "the group `hq` belongs to two tenants"),
        ((CONTOSO,), {"ca": "contsoo"}, "is bound to the tenant `contsoo`, and there is none of that name"),
    ],
)
def test_tenants_that_cannot_be_told_apart_are_refused(tenants, bound, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TenantRules(tenants, bound)
