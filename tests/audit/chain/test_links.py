"""The end of every line: its number and its link, to the octet."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from nacd.audit.chain import links
from nacd.audit.line import line
from nacd.values import AuditEvent


def record(number: int) -> bytes:
    return line(AuditEvent(code="A0000I", fields={"code": "A0000I", "number": number, "text": 'ä","link":"'}))


def test_seq_and_link_are_the_last_two_fields_and_the_rest_is_as_it_was() -> None:
    (text, seq, link) = links.chained([record(7)], 17, b"a" * 64)
    assert text.startswith(record(7)[:-2])
    assert text == record(7)[:-2] + b',"seq":18,"link":"' + link + b'"}\n'
    assert (seq, len(link)) == (18, 64)
    assert list(json.loads(text)) == ["code", "number", "text", "seq", "link"]


def test_a_link_is_sha256_of_the_link_before_and_the_body() -> None:
    text, _, link = links.chained([record(1)], 0, links.FIRST)
    body = text[: text.rindex(b',"link":"')]
    assert link == hashlib.sha256(b"0" * 64 + body).hexdigest().encode()
    assert links.link_after(links.FIRST, links.body_of(text)) == link


def test_a_link_can_be_checked_with_the_tools_of_every_machine(tmp_path: Path) -> None:
    text, _, link = links.chained([record(1), record(2)], 0, links.FIRST)
    (tmp_path / "t").write_bytes(text)
    script = (
        """before=$(head -1 t | sed 's/.*,"link":"\\([0-9a-f]*\\)"}$/\\1/');"""
        """{ printf %s "$before"; tail -1 t | sed 's/,"link":"[0-9a-f]*"}$//' | tr -d '\\n'; } | sha256sum"""
    )
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.split()[0] == link.decode()


def test_several_lines_are_chained_as_one_after_the_other() -> None:
    together = links.chained([record(1), record(2), record(3)], 4, b"b" * 64)
    text, seq, link = b"", 4, b"b" * 64
    for number in (1, 2, 3):
        more, seq, link = links.chained([record(number)], seq, link)
        text += more
    assert together == (text, seq, link)


def test_a_record_without_fields_stays_json() -> None:
    text, _, _ = links.chained([b"{}\n"], 0, links.FIRST)
    assert list(json.loads(text)) == ["seq", "link"]
    linked = links.split(text)
    assert linked is not None
    assert linked.body == b'{"seq":1'


def test_what_was_chained_is_taken_apart_again() -> None:
    text, seq, link = links.chained([record(1)], 0, links.FIRST)
    assert links.split(text) == (seq, link, text[: -links.TAIL])
    assert (links.seq_of(text), links.link_of(text), links.body_of(text)) == (seq, link, text[: -links.TAIL])


def test_no_octet_of_a_line_can_be_changed_unseen() -> None:
    """Changed, it is no line of the trail, or its link is not that of its body."""
    text, _, _ = links.chained([record(1)], 0, links.FIRST)
    for at in range(len(text)):
        for other in (text[at] ^ 1, text[at] ^ 0x20, 0, 0x0A):
            changed = text[:at] + bytes([other]) + text[at + 1 :]
            if changed != text:
                linked = links.split(changed)
                assert linked is None or links.link_after(links.FIRST, linked.body) != linked.link


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\n",
        b"{}\n",
        b'{"a":1}\n',
        b'{"a":1,"seq":1,"link":"' + b"a" * 64 + b'"}',
        b'{"a":1,"seq":1,"link":"' + b"a" * 64 + b'"}\n\n',
        b'{"a":1,"seq":1,"link":"' + b"A" * 64 + b'"}\n',
        b'{"a":1,"seq":1,"link":"' + b"a" * 63 + b'"}\n',
        b'{"a":1,"seq":01,"link":"' + b"a" * 64 + b'"}\n',
        b'{"a":1,"seq":0,"link":"' + b"a" * 64 + b'"}\n',
        b'{"a":1,"seq":-1,"link":"' + b"a" * 64 + b'"}\n',
        b'{"a":1,"seq":1 ,"link":"' + b"a" * 64 + b'"}\n',
        b'{"a":1,"seq":1,"link":"' + b"a" * 64 + b'"} \n',
        b' {"a":1,"seq":1,"link":"' + b"a" * 64 + b'"}\n',
    ],
)
def test_a_line_that_does_not_end_as_the_trails_do_is_none_of_it(broken: bytes) -> None:
    assert links.split(broken) is None
    with pytest.raises(ValueError, match="`seq` and `link`"):
        links.body_of(broken)
