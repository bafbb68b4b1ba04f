"""Octets to a tree, in both notations, and what is refused."""

from __future__ import annotations

import contextlib
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.intune.nac.document import Node, UnreadableError, document

XML, JSON = "application/xml", "application/json"


def shape(node: Node) -> object:
    return node.text.strip() or {child.name: shape(child) for child in node.children}


@pytest.mark.parametrize("kind", ["application/xml", "text/xml", "application/vnd.ise+xml"])
def test_names_are_local_and_lower_case(kind: str) -> None:
    root = document(b'<p:ISE_API xmlns:p="urn:x"><p:Name>Attributes</p:Name></p:ISE_API>', kind)
    assert root.name == "ise_api"
    assert root.value("name") == "Attributes"


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf<ise_api><a>1</a></ise_api>",
        b'\r\n <?xml version="1.0" encoding="utf-8"?><ise_api><a>1</a></ise_api>',
        '<?xml version="1.0" encoding="utf-16"?><ise_api><a>1</a></ise_api>'.encode("utf-16"),
        b"<ise_api><!-- c --><a><![CDATA[1]]></a></ise_api>",
        b'<ise_api xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><a i:nil="true"/><a>1</a><b/></ise_api>',
    ],
)
def test_what_does_not_matter_is_tolerated(body: bytes) -> None:
    assert document(body, XML).value("a") == "1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<ise_api>",
        b"<ise_api/><ise_api/>",
        b"<html/>",
        b"not xml",
        b'<!DOCTYPE ise_api [<!ENTITY a "b">]><ise_api><a>&a;</a></ise_api>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x><ise_api/>'.encode("utf-16"),
        b"<ise_api><a>&undefined;</a></ise_api>",
        b'<?xml version="1.0" encoding="nonsense"?><ise_api/>',
        b"<ise_api>" + b"<a>" * 100 + b"</a>" * 100 + b"</ise_api>",
        b"<ise_api>" + b"<a/>" * 60_000 + b"</ise_api>",
    ],
)
def test_xml_that_is_not_an_answer_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        document(body, XML)


@pytest.mark.parametrize("kind", ["text/html", "application/xhtml+xml", "text/plain", "", "application/octet-stream"])
def test_other_content_types_are_refused_whatever_they_hold(kind: str) -> None:
    with pytest.raises(UnreadableError, match="proxy"):
        document(b"<ise_api><name>attributes</name></ise_api>", kind)


def test_json_gives_the_same_tree() -> None:
    body = {"name": "attributes", "DeviceList": [{"guid": "g", "Compliance": {"status": True}, "x": None}]}
    root = document(json.dumps(body).encode(), JSON)
    wrapped = document(json.dumps({"ise_api": body}).encode(), "application/json")
    for one in (root, wrapped):
        device = one.one("devicelist").one("device")
        assert device.value("guid") == "g"
        assert device.one("compliance").value("status") == "true"
        assert device.value("x") == ""


@pytest.mark.parametrize("body", [b"[]", b"1", b"", b"{", b"[" * 100_000, b'{"a": [[1]]}', b'{"a": 1' + b"0" * 5000])
def test_json_that_is_not_an_answer_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        document(body, JSON)


@pytest.mark.parametrize("value", [b"{}", b"0", b"[]", b'{"a":0}'])
@pytest.mark.parametrize("name", [b"deviceList", b"x"])
def test_json_with_more_values_than_an_answer_has_is_refused_before_any_is_made(name: bytes, value: bytes) -> None:
    body = b'{"name":"attributes","' + name + b'":[' + b",".join([value] * (2_000_000 // (len(value) + 1))) + b"]}"
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError, match="more than 50000 values"):
            document(body, JSON)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_json_of_a_full_page_is_read() -> None:
    device = {"guid": "g", "Attributes": {"register_status": True, "Compliance": {"status": True}}}
    root = document(json.dumps({"name": "attributes", "deviceList": [device] * 5_000}).encode(), JSON)
    assert len(root.one("devicelist").children) == 5_000


def test_text_in_many_pieces_is_one_text() -> None:
    assert document(b"<ise_api><a>b" + b"&amp;c" * 1_000 + b"</a></ise_api>", XML).value("a") == "b" + "&c" * 1_000


@pytest.mark.parametrize("inside", ["<x/>", "text", "<![CDATA[text]]>"])
def test_what_is_nil_holds_nothing(inside: str) -> None:
    body = f'<ise_api xmlns:i="x"><a i:nil="true">{inside}</a></ise_api>'.encode()
    with pytest.raises(UnreadableError, match="`a` is nil and holds something"):
        document(body, XML)
    assert document(b'<ise_api xmlns:i="x"><a i:nil="true"> </a></ise_api>', XML).value("a") == ""


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"x", "text/\x1b[2J"), (b"<\xc2\x9b31m/>", XML), ("<a\u202e/>".encode(), XML), (b"<p:a\xc2\x9b31m/>", XML)],
)
def test_what_an_answer_names_is_printable_in_the_words_about_it(body: bytes, kind: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        document(body, kind)
    assert caught.value.detail.isprintable()
    assert str(caught.value) == caught.value.detail


def test_equal_json_names_do_not_silently_become_one() -> None:
    with pytest.raises(UnreadableError, match="2 times"):
        document(b'{"status": false, "status": true}', JSON).value("status")


def test_equal_elements_are_refused_where_one_is_wanted_and_nil_ones_do_not_count() -> None:
    with pytest.raises(UnreadableError, match="`a` is there 2 times"):
        document(b"<ise_api><a>1</a><a>1</a></ise_api>", XML).one("a")
    assert document(b"<ise_api><a/><a>1</a></ise_api>", XML).value("a") == "1"


@settings(max_examples=150)
@given(st.binary(max_size=80), st.sampled_from([XML, JSON]))
def test_no_octets_raise_anything_else(octets: bytes, kind: str) -> None:
    for body in (octets, b"<ise_api>" + octets + b"</ise_api>", b'{"a":' + octets + b"}"):
        with contextlib.suppress(UnreadableError):
            assert isinstance(document(body, kind), Node)


@pytest.mark.parametrize("inner", ["true<x/>", "<x>true</x>", "tr<x>no</x>ue"])
def test_a_value_that_holds_elements_is_no_value(inner: str) -> None:
    root = document(f"<ise_api><name>{inner}</name></ise_api>".encode(), "application/xml")
    with pytest.raises(UnreadableError, match="`name` holds elements"):
        root.value("name")


def test_a_json_object_where_a_value_belongs_is_no_value() -> None:
    root = document(b'{"ise_api": {"name": {"a": "b"}}}', "application/json")
    with pytest.raises(UnreadableError, match="`name` holds elements"):
        root.value("name")
