"""The readers of text, each alone: Microsoft's answers and configuration.

Knows: what each of them promises (its own exceptions and no other), and one independent second opinion for each.
Refuses to know: octets of the network (``rooms``, ``door``, ``tls``).
"""

from __future__ import annotations

import json
import re
import time
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit
from xml.sax import parseString
from xml.sax.handler import ContentHandler

from nacd.config.load import load
from nacd.config.yaml import parse as parse_yaml
from nacd.errors import ConfigError, SourceError
from nacd.intune import refusals
from nacd.intune.client import HttpAnswer
from nacd.intune.cloud import cloud
from nacd.intune.flight import Flights
from nacd.intune.nac import answers, bulk
from nacd.intune.nac.discovery import SERVICE, Discovery
from nacd.intune.options import IntuneOptions, SecretCredential
from nacd.intune.token import Bearer
from nacd.sim.microsoft import answers as microsoft
from nacd.sim.microsoft.state import SimDevice
from nacd.sim.pki import COMPLIANT_GUID
from nacd.values import ComplianceState, DeviceId, MacAddress, Secret
from tools.fuzz import mutate
from tools.fuzz.engine import Target
from tools.fuzz.seeds import standstill
from tools.fuzz.site import CONFIG, POLICY, SECRETS, Site
from tools.fuzz.wire import check

_ANSWER_TEXT = """
true false 1 0 guid status register_status deviceList device Attributes Compliance macaddress 001B44113AB7 paging_info
ise_api < > /> </ <device> </device> <guid> </guid> &#x74; <![CDATA[ ]]> <!-- --> " { } [ ] , : null \\ud800 1e999 NaN -
999999999999999999999999999999 é \ufeff \0 https:// // .. ? nextLink providerName ComplianceRetrievalService error
message RetryAfter xmlns:i= &a; api_path redirect_url //[ @odata. https://a]b
"""
_ANSWER_WORDS = [
    *_ANSWER_TEXT.encode().split(),
    *(b" ", b' i:nil="true"', b"Activity ID: ", b" - Operation ID", b"<!DOCTYPE a>", b"Mon, 01 Jan 2029 00:00:00 GMT"),
    COMPLIANT_GUID.encode(),
]
_YAML_TEXT = """
on yes ~ null 12:34:56 0x1F 1_000 1e5 2026-11-22 << *a !!int { } [ ] ' " # -1 .inf .nan 1h 0s 10.0.0.0/8 ::1/128 é
\ufeff \\x 99999999999999999999999999999999999999999999999999
"""
_YAML_WORDS = [
    *_YAML_TEXT.encode().split(),
    *(b"&a ", b"!x ", b": ", b"- ", b"\n", b"  ", b"\t", b"|\n", b">-\n", b"? ", b"---\n", b"...\n", b"8 days"),
    *(b"%YAML 1.1\n", b"\xe2\x80\xa8"),
    *(word.encode() for word in re.findall(r"[A-Za-z_]{3,}", CONFIG + POLICY)),
]


class _Graph(Bearer):
    """Graph, which says the same whatever it is asked, to whoever may be asked."""

    def __init__(self, options: IntuneOptions) -> None:
        self._may = options.graph_hosts
        self.body = b""

    def get(self, url: str, accept: str, until: float) -> HttpAnswer:
        del accept, until
        if refusal := self._may.refusal(url):
            raise SourceError(refusal)
        return HttpAnswer(status=200, body=self.body)


class Answers(Target):
    """What Microsoft, or something in between, may answer: devices, the service, Graph's list, errors, dates.

    An input: one octet for kind of answer and way of asking, then the body.
    """

    name = "intune"
    stages = ("answer read", "verdict given", "compliant")
    _TYPES: Final = ("application/xml", "application/json", "text/xml", "application/problem+json")
    _TRUE: Final = frozenset({"true", "1"})

    def __init__(self) -> None:
        self._subjects = (DeviceId(guid=COMPLIANT_GUID), MacAddress("00-1B-44-11-3A-B7"))
        self._mutate = mutate.text(_ANSWER_WORDS)
        credential = SecretCredential(secret=Secret(b"of no use"))
        self._options = IntuneOptions(cloud=cloud("global"), tenant="contoso", client_id="a", credentials=(credential,))
        self._graph = _Graph(self._options)

    def seeds(self) -> list[bytes]:
        with standstill():
            return self._made()

    def _made(self) -> list[bytes]:
        good = SimDevice(guid=COMPLIANT_GUID, compliant=True)
        bad = SimDevice(guid="7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813", compliant=False)
        xml = [
            microsoft.device_list([good]),
            microsoft.device_list([good, bad], paging_info="7", busy_wait_s=3),
            microsoft.device_list([bad], mac="001B44113AB7"),
            microsoft.device_list([]),
        ]
        spoilt = ["truncated", "bom", "nil_status", "nil_list", "no_list", "no_status", "odd_status", "two_devices"]
        xml += [microsoft.spoil(one, xml[0])[0] for one in [*spoilt, "lower_case", "no_namespace", "not_registered"]]
        made = [bytes((kind,)) + body for body in xml for kind in (0, 8)]
        made += [b"\x80" + body for body in xml[:4]]
        made += [b"\x01" + microsoft.device_list_json([good, bad]), b"\x09" + microsoft.device_list_json([good])]
        made.append(b"\x10" + microsoft.mdminfo(500))
        ours, others = "https://a.manage.microsoft.com/x", "https://fef.manage.microsoft.com/TrafficGateway"
        following = "https://graph.microsoft.com/v1.0/next?$skiptoken=x"
        lists = [
            microsoft.endpoints(others, "providerName", ["NACAPIService"]),
            microsoft.endpoints(ours, "serviceName", [SERVICE], following),
            *[microsoft.endpoints(others, "providerName", ["NACAPIService"], following)] * 3,
        ]
        made += [b"\x20" + microsoft.as_octets(one) for one in lists]
        errors = (microsoft.intune_error("no", 30), microsoft.graph_error("Forbidden", "no role"))
        made += [b"\x30" + microsoft.as_octets(one) for one in errors] + [b"\x30" + microsoft.HTML]
        return [*made, b"@120", b"@Mon, 23 Nov 2026 07:00:00 GMT"]

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        head = seed[:1] if chance.random() < 0.95 else bytes((int(chance.random() * 256),))
        return head + self._mutate(seed[1:], chance)

    def execute(self, octets: bytes) -> int:
        head, body = octets[0] if octets else 0, octets[1:]
        try:
            return self._read(head >> 4 & 7, head, body)
        except SourceError as expected:
            check(bool(expected.detail) and len(expected.detail) < 4096, "a refusal without words, or without end")
            return 0

    def _read(self, what: int, head: int, body: bytes) -> int:
        content_type = self._TYPES[head & 3]
        if what == 1:
            service = answers.read_service(body, content_type)
            check(not service.api_path or service.api_path.startswith("/"), "a path that is none")
            check("//" not in service.api_path and "/../" not in service.api_path + "/", "a path that climbs")
            return 1
        if what == 2:
            return self._discover(body)
        if what == 3:
            said = refusals.error_text(body)
            check(len(said.message) <= 200 and said.message.isprintable(), "an error text for no screen")
            check(0.0 <= said.retry_after_s < 1e9, "a pause out of bounds")
            return 1
        if what >= 4:
            header = body.decode("latin-1")
            pause = refusals.retry_after_s({"retry-after": header, "date": header[::-1]}, 1.7e9)
            check(pause >= 0.0, "a pause that is over before it begins")
            return 1
        if head & 0x80:
            return self._list(body, content_type)
        listed = answers.read_devices(body, content_type)
        subject = self._subjects[head >> 3 & 1]
        verdict = answers.judge(subject, listed)
        if verdict.state is ComplianceState.COMPLIANT:
            guid = subject.guid if isinstance(subject, DeviceId) else ""
            check(self._says_so(body, content_type, guid), "compliant, and nothing in the answer says so")
            return 7
        return 3 if verdict.state in (ComplianceState.NONCOMPLIANT, ComplianceState.NOT_MANAGED) else 1

    def _list(self, body: bytes, content_type: str) -> int:
        """The list of all that are not compliant, whose pages are all the same: one is a list, two are a circle."""
        page = HttpAnswer(status=200, headers={"content-type": content_type}, body=body)
        found = bulk.read(lambda _query: page, time.monotonic(), lambda _seconds: None)
        if not isinstance(found, bulk.Listed):
            return 1
        ids = {
            text.strip().strip("{} ").lower() for name, text in self._pairs(body, content_type) if name.endswith("guid")
        }
        check(found.guids <= ids, "a device is listed that stands nowhere in the answer")
        return 3 if found.guids else 1

    def _discover(self, body: bytes) -> int:
        """The whole look for the service, in its own thread, as the daemon does it."""
        self._graph.body = body
        try:
            base = Discovery(self._options, self._graph, Flights()).fresh(time.monotonic() + 10.0)
        except SourceError as expected:
            check("bug" not in expected.detail, "a bug ended the look for the service")
            raise
        host = urlsplit(base).hostname or ""
        check(base.startswith("https://") and host.endswith(".manage.microsoft.com"), f"`{base}` is believed")
        return 3

    def _says_so(self, body: bytes, content_type: str, guid: str) -> bool:
        """Another parser's opinion: registered, compliant, and this device's id, all in so many words."""
        said: dict[str, set[str]] = {}
        for name, text in self._pairs(body, content_type):
            said.setdefault(name.rpartition(":")[2].lower(), set()).add(text.strip().lower())
        right = bool(said.get("status", set()) & self._TRUE) and bool(said.get("register_status", set()) & self._TRUE)
        return right and (not guid or guid in {text.strip("{} ") for text in said.get("guid", set())})

    def _pairs(self, body: bytes, content_type: str) -> list[tuple[str, str]]:
        pairs = _json_pairs(body) if "json" in content_type else _xml_pairs(body)
        return [(name.lower(), text) for name, text in pairs]


class _Pairs(ContentHandler):
    """Name and text of every element, names as they are written: nobody has to declare a prefix."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._open: list[tuple[str, list[str]]] = []

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802 - the library's name
        del attrs
        self._open.append((name, []))

    def characters(self, content: str) -> None:
        for _, pieces in self._open:
            pieces.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802
        self.found.append((name, "".join(self._open.pop()[1])))


def _xml_pairs(body: bytes) -> list[tuple[str, str]]:
    pairs = _Pairs()
    parseString(body.removeprefix(b"\xef\xbb\xbf").lstrip(), pairs)
    return pairs.found


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for key, value in pairs:
            values = value if isinstance(value, list) else [value]
            found.extend((key, "true" if one is True else str(one)) for one in values)
        return {}

    json.loads(body.removeprefix(b"\xef\xbb\xbf"), object_pairs_hook=keep)
    return found


class Configurations(Target):
    """``nacd.yaml`` and ``policy.yaml``: whatever is wrong with them is a list of problems, each with its place."""

    name = "yaml"
    stages = ("YAML read", "without a problem", "configuration loaded")

    def __init__(self) -> None:
        self._site = Site()
        self._count = 0
        self._mutate = mutate.text(_YAML_WORDS)

    def seeds(self) -> list[bytes]:
        odd = "a: [1, {b: c}, 'd']\nlist:\n  - x\n  - {y: z}\nn: 12\nf: 1.5\nt: true\ne: \nlong: " + "9" * 5_000 + "\n"
        deep = "a: " + "[" * 40 + "]" * 40 + "\n"
        small = [
            "a: 1\nb: {c: [d, e]}\n",
            "- a\n",
            "a\n",
            odd,
            deep,
            "a: &x [1]\nb: *x\n",
            "%TAG ! tag:x,2000:\n---\n!a b: c\n",
        ]
        whole = [b"\x01" + CONFIG.encode(), b"\x02" + POLICY.encode()]
        return [b"\0" + one.encode() for one in small * 4] + whole * 3

    def mutate(self, seed: bytes, chance: Random) -> bytes:
        broken = self._mutate if seed[:1] == b"\0" or chance.random() < 0.3 else mutate.octets
        return seed[:1] + broken(seed[1:], chance)

    def execute(self, octets: bytes) -> int:
        kind, body = (octets[0] if octets else 0) % 3, octets[1:]
        try:
            if kind == 0:
                return self._parse(body)
            return self._load(kind, body)
        except ConfigError as refused:
            self._check(refused, body)
            return 0

    def _parse(self, body: bytes) -> int:
        document, problems = parse_yaml(body, "fuzz.yaml")
        lines = body.count(b"\n") + body.count(b"\r") + body.count(b"\xc2\x85") + 1
        for spot in document.values.values():
            check(1 <= spot.line <= lines + 1 and spot.column >= 1, f"a value in line {spot.line} of {lines}")
        for problem in problems:
            check(bool(problem.message) and 1 <= problem.line <= lines + 1, "a problem without words or place")
        return 1 | (0 if problems else 2)

    def _load(self, kind: int, body: bytes) -> int:
        folder = self._site.folder
        (folder / "broken.yaml").write_bytes(
            body if kind == 1 else CONFIG.replace("policy.yaml", "broken-policy.yaml").encode()
        )
        if kind == 2:
            (folder / "broken-policy.yaml").write_bytes(body)
        load(folder / "broken.yaml", {})
        return 7

    def _check(self, refused: ConfigError, body: bytes) -> None:
        check(bool(refused.problems) and len(refused.problems) <= 201, "a refusal without problems, or without end")
        for problem in refused.problems:
            check(bool(problem.message) and bool(problem.file), "a problem without words or file")
            check(problem.line >= 0 and problem.column >= 0, "a problem at no place")
        shown = str(refused)
        leaked = [source for source, secret in SECRETS.items() if secret.decode() in shown and secret not in body]
        check(not leaked, "a secret stands in an error text")

    def close(self) -> None:
        self._site.close()
