import base64
import json

import pytest

from nacd.cli.bundle.hiding import Names, configuration, references, scrubbed, spellings
from nacd.values import Secret

NAMES = Names(Secret(b"k" * 32), keep=False)
KNOWN = frozenset({"clients", "secret", "key", "name", "url", "headers", "tenant"})


def shown(value: object, known: frozenset[str] | None = KNOWN) -> str:
    return json.dumps(configuration(value, known, NAMES))


@pytest.mark.parametrize(
    "settings",
    [
        {"clients": [{"secret": "hunter2-plain"}]},
        {"clients": [{"secret": ["hunter2-plain"]}]},
        {"clients": [{"secret": "env:hunter2-plain"}]},
        {"clients": [{"pasword": "hunter2-plain"}]},
        {"clients": [{"sekret": ("hunter2-plain",)}]},
        {"key": "hunter2-plain"},
        {"url": "https://nacd:hunter2-plain@siem.example.net/x"},
        {"url": "https://siem.example.net/x?api=1&sig=hunter2-plain"},
        {"headers": {"X-Api": "hunter2-plain"}},
    ],
)
def test_a_secret_that_stands_in_the_configuration_itself_is_hidden(settings: dict[str, object]) -> None:
    assert "hunter2" not in shown(settings)


def test_references_and_plain_settings_stay() -> None:
    settings = {"clients": [{"name": "campus", "secret": "file:secrets/campus", "key": "env:NAC_KEY"}]}
    assert json.loads(shown(settings)) == settings
    assert set(references(settings)) == {"file:secrets/campus", "env:NAC_KEY"}


def test_a_policy_shows_no_password_of_an_attribute_and_no_mac() -> None:
    policy = {
        "profiles": {"x": {"attributes": {"Tunnel-Password": "hunter2", "Cisco-AVPair": "psk=hunter2"}}},
        "rules": [{"when": {"mac": "00-50-B6-AA-BB-CC", "group": "6b4b9f4e-7a0d-4a63-9a39-000000000001"}}],
    }
    said = shown(policy, None)
    assert "hunter2" not in said
    assert "00-50" not in said
    assert "6b4b9f4e-7a0d-4a63-9a39-000000000001" in said


def test_a_secret_is_found_plain_in_hex_and_in_base64() -> None:
    secret = b"correct horse battery"
    text = b" ".join((secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret)))
    octets, count = scrubbed(text, spellings([Secret(secret), Secret(b"tiny")]))
    assert b"orrect" not in octets
    assert secret.hex().encode() not in octets
    assert count >= 3


@pytest.mark.parametrize("ascii_", [True, False])
def test_a_secret_is_found_as_json_writes_it(ascii_: bool) -> None:
    secret = 'pa"ss\\wörd of ours'
    text = json.dumps({"said": f"no {secret} here"}, ensure_ascii=ascii_).encode()
    octets, count = scrubbed(text, spellings([Secret(secret.encode())]))
    assert json.loads(octets) == {"said": "no *** here"}
    assert count == 1


def test_names_stay_only_when_that_is_wanted() -> None:
    record = {
        "code": "A1002I",
        "why": "endpoint 00-50-B6-AA-BB-CC",
        "endpoint": {"mac": "00-50-B6-AA-BB-CC"},
        "link": "x",
    }
    assert "00-50" not in json.dumps(NAMES.record(record))
    assert "link" not in NAMES.record(record)
    assert Names(Secret(b"k" * 32), keep=True).record(record) == record
    assert "0050b6aabbcc" not in NAMES.line("asked for 0050b6aabbcc of alice@example.com")
    assert "alice" not in NAMES.line("asked for 0050b6aabbcc of alice@example.com")
