from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrad import dictionary as pyrad_dictionary
from pyrad import packet as pyrad_packet

from nacd.errors import BadValue, UnknownAttribute
from nacd.radius.dictionary import Dictionary, load
from nacd.radius.packet import attribute, decode
from nacd.radius.reader import vendor_walk
from nacd.values import Attribute

Value = str | int | bytes
AsPyrad = Callable[[bytes], pyrad_packet.Packet]


@pytest.fixture(scope="session")
def as_pyrad(oracle: pyrad_dictionary.Dictionary) -> AsPyrad:
    """Attributes of ours inside a packet that pyrad reads."""

    def read(octets: bytes) -> pyrad_packet.Packet:
        datagram = bytes((2, 1)) + (20 + len(octets)).to_bytes(2) + bytes(16) + octets
        decode(datagram)
        return pyrad_packet.Packet(packet=datagram, dict=oracle)

    return read


@pytest.mark.parametrize(
    ("name", "value", "tag"),
    [
        ("User-Name", "nemo", 0),
        ("Session-Timeout", 3600, 0),
        ("Termination-Action", "RADIUS-Request", 0),
        ("Tunnel-Type", "VLAN", 1),
        ("Tunnel-Medium-Type", "IEEE-802", 31),
        ("Tunnel-Private-Group-Id", "120", 1),
        ("Tunnel-Private-Group-Id", "120", 0),
        ("Framed-IP-Address", "10.0.0.1", 0),
        ("NAS-IPv6-Address", "2001:db8::1", 0),
        ("Framed-IPv6-Prefix", "2001:db8::/48", 0),
        ("Event-Timestamp", 1_700_000_000, 0),
        ("Cisco-AVPair", "url-redirect-acl=REDIRECT", 0),
    ],
)
def test_pyrad_reads_what_we_encode(
    dictionary: Dictionary, as_pyrad: AsPyrad, name: str, value: Value, tag: int
) -> None:
    got = as_pyrad(dictionary.encode(Attribute(name=name, value=value, tag=tag)))
    assert got[f"{name}:{tag}" if tag else name] == [value]


UNSEEN = {"ARAP-Password", "MS-CHAP-Response", "MS-CHAP2-Response"}
"""Not hidden on the wire, yet shown to nobody."""


@settings(max_examples=80)
@given(st.data())
def test_any_attribute_we_encode_pyrad_encodes_alike_and_we_describe_back(
    dictionary: Dictionary, oracle: pyrad_dictionary.Dictionary, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(dictionary.names())))
    definition = dictionary.definition(name)
    values: dict[str, st.SearchStrategy[Value]] = {
        "integer": st.integers(0, 0xFFFFFF),
        "date": st.integers(0, 2**32 - 1),
        "string": st.text(min_size=1, max_size=60),
        "ipaddr": st.ip_addresses(v=4).map(str),
        "octets": st.binary(min_size=1, max_size=240).filter(lambda octets: not octets.startswith(b"0x")),
    }
    if definition.type not in values or definition.hidden or definition.within or name in UNSEEN:
        return
    value = data.draw(values[definition.type])
    tag = data.draw(st.integers(0, 31)) if definition.tagged else 0
    wanted = Attribute(name=name, value=value, tag=tag)
    try:
        octets = dictionary.encode(wanted)
    except BadValue as refused:
        assert "is set by nacd itself" in str(refused)  # noqa: PT017 the only refusal there may be
        return
    other = pyrad_packet.Packet(code=2, id=1, secret=b"", authenticator=bytes(16), dict=oracle)
    other.AddAttribute(f"{name}:{tag}" if tag else name, value)
    assert other.ReplyPacket()[20:] == octets
    number, carried = octets[0], octets[2:]
    described = dictionary.describe(number, carried)
    names = {found.lower() for found in dictionary.names()}
    assert described.name.lower() in names
    assert dictionary.encode(described) == octets


def test_a_long_rule_spans_several_attributes(dictionary: Dictionary, as_pyrad: AsPyrad) -> None:
    rules = "\0".join(f"permit in ip from any to 10.0.{number}.0/24" for number in range(20))
    pieces = as_pyrad(dictionary.encode(Attribute(name="NAS-Filter-Rule", value=rules)))[92]
    assert [len(piece) for piece in pieces[:-1]] == [253] * (len(pieces) - 1)
    assert b"".join(pieces) == rules.encode()


@pytest.mark.parametrize(("name", "fits"), [("Filter-Id", 253), ("Cisco-AVPair", 247), ("Class", 253)])
def test_what_does_not_fit_one_attribute_is_refused_with_the_limit(
    dictionary: Dictionary, name: str, fits: int
) -> None:
    assert len(dictionary.encode(Attribute(name=name, value="x" * fits))) == 255
    with pytest.raises(BadValue, match=f"`{name}` of {fits + 1} octets is too long, {fits} fit"):
        dictionary.encode(Attribute(name=name, value="x" * (fits + 1)))


def test_the_tag_counts_towards_the_length(dictionary: Dictionary) -> None:
    assert len(dictionary.encode(Attribute(name="Tunnel-Private-Group-Id", value="x" * 252, tag=1))) == 255
    with pytest.raises(BadValue, match="254 octets"):
        dictionary.encode(Attribute(name="Tunnel-Private-Group-Id", value="x" * 253, tag=1))


def test_text_that_begins_like_a_tag_gets_tag_zero(dictionary: Dictionary) -> None:
    assert dictionary.encode(Attribute(name="Tunnel-Private-Group-Id", value="\x0120")) == b"\x51\x06\x00\x0120"
    assert dictionary.encode(Attribute(name="Tunnel-Private-Group-Id", value="120")) == b"\x51\x05120"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Attribute(name="Session-Timeout", value=1, tag=1), "`Session-Timeout` takes no tag"),
        (Attribute(name="Tunnel-Type", value=13, tag=32), "tag `32`"),
        (Attribute(name="Tunnel-Type", value=13, tag=-1), "tag `-1`"),
        (Attribute(name="Tunnel-Preference", value=2**24, tag=1), "at most 16777215"),
        (Attribute(name="Filter-Id", value=""), "must not be empty"),
        (Attribute(name="Service-Type", value="Nonsense"), "named value of `Service-Type`"),
        (Attribute(name="Message-Authenticator", value=bytes(16)), "set by nacd itself"),
        (Attribute(name="proxy-state", value=b"x"), "set by nacd itself"),
        (Attribute(name="User-Password", value="x"), "set by nacd itself"),
        (Attribute(name="Tunnel-Password", value="x"), "cannot be encoded ahead"),
    ],
)
def test_what_cannot_be_encoded_is_refused_in_words(dictionary: Dictionary, wanted: Attribute, words: str) -> None:
    with pytest.raises(BadValue) as caught:
        dictionary.encode(wanted)
    assert words in str(caught.value)


def test_an_unknown_name_is_refused_with_the_nearest(dictionary: Dictionary) -> None:
    with pytest.raises(UnknownAttribute, match="`Sesion-Timeout`; did you mean `Session-Timeout`"):
        dictionary.encode(Attribute(name="Sesion-Timeout", value=1))
    with pytest.raises(UnknownAttribute, match=r"no dictionary has an attribute `zzzzzzzzzz`$"):
        dictionary.encode(Attribute(name="zzzzzzzzzz", value=1))


def test_names_are_found_in_any_case(dictionary: Dictionary) -> None:
    assert dictionary.encode(Attribute(name="session-TIMEOUT", value=1)) == b"\x1b\x06\0\0\0\1"


def test_values_have_names_and_unknown_ones_their_number(dictionary: Dictionary) -> None:
    assert dictionary.value_name("Service-Type", 10) == "Call-Check"
    assert dictionary.value_name("Service-Type", 4242) == "4242"
    assert dictionary.value_name("Acct-Status-Type", 7) == "Accounting-On"
    assert dictionary.value_name("No-Such-Attribute", 1) == "1"


def test_attributes_are_described(dictionary: Dictionary) -> None:
    pair = (9).to_bytes(4) + attribute(1, b"a=b")
    assert dictionary.describe(26, pair) == Attribute(name="Cisco-AVPair", value="a=b")
    assert dictionary.describe(1, b"a=b", vendor=9) == Attribute(name="Cisco-AVPair", value="a=b")
    assert dictionary.describe(26, pair + attribute(2, b"x")).name == "Vendor-Specific"
    assert dictionary.describe(26, b"\0").name == "Vendor-Specific"
    assert dictionary.describe(250, b"x") == Attribute(name="Attr-250", value=b"x")
    assert dictionary.describe(26, (99).to_bytes(4) + attribute(7, b"x")).name == "Attr-26.99.7"
    assert dictionary.describe(6, b"\0\x0a") == Attribute(name="Service-Type", value=b"\0\x0a")
    assert dictionary.describe(81, b"\x01120") == Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1)
    assert dictionary.describe(64, b"\x01\0\0\x0d") == Attribute(name="Tunnel-Type", value="VLAN", tag=1)
    assert dictionary.describe(69, b"\x01" + bytes(18)) == Attribute(name="Tunnel-Password", value="***")
    assert dictionary.describe(25, vendor=311, octets=bytes(50)).value == "***"


@settings(max_examples=60)
@given(st.integers(0, 255), st.binary(max_size=253), st.sampled_from((0, 9, 311, 14823, 99)))
def test_anything_can_be_described(dictionary: Dictionary, number: int, octets: bytes, vendor: int) -> None:
    assert dictionary.describe(number, octets, vendor).name


def test_vendor_attributes_are_wrapped_with_their_number(dictionary: Dictionary) -> None:
    octets = dictionary.encode(Attribute(name="Aruba-User-Role", value="staff"))
    assert octets[0] == 26
    assert vendor_walk(octets[2:]) == (14823, ((1, b"staff"),))


def test_what_lies_in_an_extended_attribute_is_encoded_and_described_by_name(dictionary: Dictionary) -> None:
    assert dictionary.encode(Attribute(name="Frag-Status", value="More-Data-Request")) == b"\xf1\x07\x01\0\0\0\x03"
    assert dictionary.encode(Attribute(name="IP-Port-Limit", value=400)) == b"\xf1\x09\x05\x02\x06\0\0\x01\x90"
    assert dictionary.describe_extended((241, 1), b"\0\0\0\x03").value == "More-Data-Request"
    assert dictionary.describe_extended((241, 1), b"\x03") == Attribute(name="Frag-Status", value=b"\x03")
    assert dictionary.describe_extended((241, 6, 3), bytes((192, 0, 2, 1))) == Attribute(
        name="IP-Port-Range-Ext-IPv4-Addr", value="192.0.2.1"
    )
    assert dictionary.describe_extended((241, 26, 99999, 7), b"x").name == "Attr-241.26.99999.7"
    assert dictionary.describe_extended((241, 5, 200), b"x").name == "Attr-241.5.200"


def test_a_list_of_tlvs_has_no_value_of_its_own(dictionary: Dictionary) -> None:
    with pytest.raises(BadValue, match="`IP-Port-Limit-Info` has the type `tlv`"):
        dictionary.encode(Attribute(name="IP-Port-Limit-Info", value=b"\x02\x06\0\0\0\1"))


def test_every_value_in_our_files_belongs_to_an_attribute_of_ours() -> None:
    """pyrad only logs a value of an unknown attribute: a misspelling would be lost."""
    files = list(resources.files("nacd.radius").joinpath("dictionaries").iterdir())
    lines = [(file.name, line.split("#")[0].split()) for file in files for line in file.read_text("utf-8").splitlines()]
    attributes = {words[1] for _, words in lines if words[:1] == ["ATTRIBUTE"]}
    orphans = [(file, words) for file, words in lines if words[:1] == ["VALUE"] and words[1] not in attributes]
    assert orphans == []


def test_no_two_of_our_attributes_share_a_number_or_a_name(
    oracle: pyrad_dictionary.Dictionary, dictionary: Dictionary
) -> None:
    defined: dict[str, list[list[str]]] = {".dict": [], ".extended": []}
    for file in resources.files("nacd.radius").joinpath("dictionaries").iterdir():
        lines = file.read_text("utf-8").splitlines()
        defined[Path(file.name).suffix] += [line.split() for line in lines if line.startswith("ATTRIBUTE")]
    count = len(defined[".dict"])
    assert len(oracle.attributes) == count
    assert len(oracle.attrindex.backward) == count
    within = defined[".extended"]
    assert len({words[1] for words in within}) == len({words[2] for words in within}) == len(within)
    assert len(dictionary.names()) == count + len(within)


# -- folders of the admin -------------------------------------------------------------------


def test_an_extra_folder_adds_attributes_and_values_and_ours_win(tmp_path: Path) -> None:
    (tmp_path / "dictionary").write_text("$INCLUDE dictionary.acme\n$INCLUDE dictionary.missing\n")
    (tmp_path / "dictionary.acme").write_text(
        "VENDOR Acme 99999\nBEGIN-VENDOR Acme\nATTRIBUTE Acme-Role 1 string\nEND-VENDOR Acme\n"
        "ATTRIBUTE Session-Timeout 200 string\n"
        "VALUE Service-Type Acme-Service 9000\nVALUE Service-Type Not-A-Check 10\n"
    )
    extended = load([tmp_path])
    assert extended.skipped == ()
    assert vendor_walk(extended.encode(Attribute(name="Acme-Role", value="x"))[2:]) == (99999, ((1, b"x"),))
    assert extended.encode(Attribute(name="Session-Timeout", value=1))[0] == 27
    assert extended.value_name("Service-Type", 10) == "Call-Check"
    assert extended.value_name("Service-Type", 9000) == "Acme-Service"


def test_a_bad_file_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "dictionary.bad").write_text("ATTRIBUTE Broken one string\n")
    (tmp_path / "dictionary.binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "dictionary.loop").write_text("$INCLUDE dictionary.loop\n")
    (tmp_path / "dictionary.modern").write_text("ATTRIBUTE Modern-Prefix 201 ipv4prefix\nATTRIBUTE Far 3000 string\n")
    (tmp_path / "good.dict").write_text("ATTRIBUTE Good 202 string\n")
    extended = load([tmp_path, tmp_path / "nowhere"])
    told = "\n".join(extended.skipped)
    for name in ("dictionary.bad", "dictionary.binary", "dictionary.loop", "dictionary.modern", "nowhere"):
        assert name in told
    assert "Good" in extended.names()
    assert "Broken" not in extended.names()
    assert "Far" not in extended.names()


def test_without_extra_folders_nothing_is_skipped(dictionary: Dictionary) -> None:
    assert dictionary.skipped == ()
    assert {"User-Name", "MS-MPPE-Recv-Key", "Cisco-AVPair", "Aruba-User-Role"} <= set(dictionary.names())
