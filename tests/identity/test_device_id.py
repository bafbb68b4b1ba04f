import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.identity.device_id import agree, compact, guid, is_guid, statement
from nacd.identity.outcome import Absent, Bad
from nacd.values import DeviceId, DeviceIdKind

G = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
H = "7b0e9a52-1c34-4d6f-8a90-5e2f1b3c4d5e"
INTUNE = DeviceId(guid=G)
ENTRA = DeviceId(guid=G, kind=DeviceIdKind.ENTRA)


@pytest.mark.parametrize(
    "text",
    [
        f"ID:Microsoft Endpoint Manager:GUID:{G}",
        f"ID:Microsoft%20Endpoint%20Manager:GUID:{G}",
        f"id:microsoft endpoint manager:guid:{G.upper()}",
        f"ID:Microsoft Endpoint Manager:GUID{G}",
        f"ID:Intune:GUID:{G}",
        f"ID:Intune:DeviceID:{G}",
        f"IntuneDeviceId://{G}",
        f"IntuneDeviceID://{{{G}}}/",
        f"  ID : Intune : GUID : {G} ",
    ],
)
def test_each_known_form_states_the_intune_id(text: str) -> None:
    assert statement(text) == INTUNE


@pytest.mark.parametrize(
    "text",
    [
        "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1104",
        f"tag:microsoft.com,2022-09-14:sid:{G}",
        f"https://example.com/{G}",
        f"https://example.com/?x=IntuneDeviceId://{G}",
        G,
        "ID:STU",
        "",
    ],
)
def test_a_guid_without_a_known_prefix_is_never_picked_up(text: str) -> None:
    assert isinstance(statement(text), Absent)


def test_an_id_of_another_product_is_not_taken_for_an_intune_id() -> None:
    found = statement(f"ID:Jamf:GUID:{G}")
    assert isinstance(found, Absent)
    assert "another product" in found.detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IntuneDeviceId://00000000-0000-0000-0000-000000000000", "nil GUID"),
        ("IntuneDeviceId://{{DeviceId}}", "never filled in"),
        ("ID:Microsoft Endpoint Manager:GUID:{{AAD_Device_ID}}", "never filled in"),
        ("ID:Microsoft Endpoint Manager:GUID:%7B%7BDeviceId%7D%7D", "never filled in"),
        ("{{DeviceId}}", "never filled in"),
        ("urn:x:{{AzureADDeviceId}}", "never filled in"),
        ("IntuneDeviceId://", "not a GUID"),
        ("ID:Intune:GUID:1234", "not a GUID"),
        (f"ID:Intune:GUID:{G}0", "not a GUID"),
    ],
)
def test_a_known_prefix_without_a_proper_guid_is_bad(text: str, words: str) -> None:
    found = statement(text)
    assert isinstance(found, Bad)
    assert words in found.detail


def test_a_configured_prefix_states_an_entra_id() -> None:
    assert statement(f"device://contoso/{G}", ["device://contoso/"]) == ENTRA
    assert isinstance(statement(f"device://fabrikam/{G}", ["device://contoso/"]), Absent)


def test_a_configured_entra_prefix_wins_over_the_built_in_intune_form() -> None:
    assert statement(f"IntuneDeviceId://{G}", ["IntuneDeviceId://"]) == ENTRA


def test_the_longest_configured_prefix_is_taken() -> None:
    assert statement(f"device://contoso/{G}", ["device://", "device://contoso/"]) == ENTRA


def test_the_same_id_said_twice_is_one_id() -> None:
    assert agree([INTUNE, INTUNE]) == INTUNE


def test_two_different_ids_of_one_register_are_bad() -> None:
    found = agree([INTUNE, DeviceId(guid=H)])
    assert isinstance(found, Bad)
    assert G in found.detail
    assert H in found.detail


def test_two_different_entra_ids_are_bad_even_beside_an_intune_id() -> None:
    assert isinstance(agree([INTUNE, ENTRA, DeviceId(guid=H, kind=DeviceIdKind.ENTRA)]), Bad)


def test_an_intune_id_wins_over_an_entra_id() -> None:
    assert agree([DeviceId(guid=H, kind=DeviceIdKind.ENTRA), INTUNE]) == INTUNE
    assert agree([ENTRA]) == ENTRA
    assert isinstance(agree([]), Absent)


@given(st.uuids().filter(lambda u: u.int), st.booleans(), st.booleans())
def test_any_guid_is_read_in_either_case_with_or_without_braces(value: object, upper: bool, braces: bool) -> None:
    text = str(value).upper() if upper else str(value)
    text = f"{{{text}}}" if braces else text
    assert is_guid(text)
    assert guid(text, DeviceIdKind.INTUNE) == DeviceId(guid=str(value))


@given(st.text(max_size=300))
def test_any_text_is_a_statement_or_none(text: str) -> None:
    assert isinstance(statement(text), DeviceId | Bad | Absent)
    assert isinstance(statement("IntuneDeviceId://" + text), DeviceId | Bad)
    assert " " not in compact(text)
