from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.audit.redaction import HIDDEN, attribute, clean, secret_name, text
from nacd.values import Attribute, Secret


@pytest.mark.parametrize(
    "name",
    [
        "User-Password",
        "Tunnel-Password",
        "MS-MPPE-Recv-Key",
        "client_secret",
        "passphrase",
        "private_key",
        "msk",
        "PSK",
    ],
)
def test_a_name_that_speaks_of_a_secret_loses_its_value(name: str) -> None:
    assert secret_name(name)
    assert clean({name: "x", "inner": {name: ["x"]}}) == {name: HIDDEN, "inner": {name: HIDDEN}}
    assert attribute(Attribute(name=name, value="x")) == {"name": name, "value": HIDDEN}


@pytest.mark.parametrize(
    "name", ["acct_session_id", "rule", "Class", "EAP-Key-Name", "Cisco-AVPair", "State", "compliance"]
)
def test_other_names_keep_theirs(name: str) -> None:
    assert clean({name: "x"}) == {name: "x"}


def test_a_secret_never_passes_whatever_its_name() -> None:
    hidden = clean({"why": Secret(b"hunter2"), "list": [Secret(b"hunter2")], "deep": {"a": (Secret(b"hunter2"),)}})
    assert hidden == {"why": HIDDEN, "list": [HIDDEN], "deep": {"a": [HIDDEN]}}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("psk=hunter2", "psk=***"),
        ("aaa:psk*hunter2", "aaa:psk****"),
        ("device-password=hunter2", "device-password=***"),
        ("url-redirect=https://portal.example.com/?a=b", "url-redirect=https://portal.example.com/?a=b"),
        ("ip:inacl#1=permit ip any any", "ip:inacl#1=permit ip any any"),
        (b"\x01\xff", "0x01ff"),
        (120, 120),
    ],
)
def test_a_reply_attribute_is_shown_as_people_write_it_without_keys_inside(
    value: str | int | bytes, shown: object
) -> None:
    assert attribute(Attribute(name="Cisco-AVPair", value=value))["value"] == shown


def test_a_tag_is_shown_where_there_is_one() -> None:
    assert attribute(Attribute(name="Tunnel-Type", value="VLAN", tag=3)) == {
        "name": "Tunnel-Type",
        "value": "VLAN",
        "tag": 3,
    }


def test_long_text_says_how_much_was_left_out() -> None:
    assert text("x" * 5000) == "x" * 4096 + "… (904 more characters)"


def test_what_json_cannot_hold_is_changed_rather_than_lost() -> None:
    cyclic: list[object] = []
    cyclic.append(cyclic)
    assert clean({"big": 2**64}) == {"big": "0x10000000000000000"}
    shown = clean({"a\ud800": "b\udfff", "n": float("nan"), "o": object(), "s": {2, 1}, "c": cyclic})
    assert shown["a\\ud800"] == "b\\udfff"
    assert shown["n"] is None
    assert shown["o"] == "<object>"
    assert shown["s"] == ["1", "2"]


_json = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.builds(Secret, st.binary())
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.dictionaries(st.text(st.characters(codec=None)), _json, max_size=4))
def test_any_fields_can_be_written_as_a_line_and_read_back(fields: Mapping[str, object]) -> None:
    assert orjson.loads(orjson.dumps(clean(fields))) == clean(fields)
