from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import TypeAdapter

from nacd.config import schema as editors
from nacd.config.fields import Surroundings
from nacd.config.sections.base import Section

HOME = Path(__file__).parents[2]
SHIPPED = HOME / "config"
NAMED = {"nacd.yaml": "nacd", "policy.yaml": "policy", "policy-cases.yaml": "policy-cases", "actions.yaml": "actions"}
"""What nacd looks for; other names (`policy-next.yaml`) say by their schema line what they are."""
FILES = (
    "certs/server.pem certs/devices-ca.pem certs/roots.pem certs/app.pem certs/app-2028.pem certs/actions.pem"
    " certs/siem-ca.pem certs/forward.pem"
    " policy.yaml policy-next.yaml docks.csv dictionaries/dictionary"
)
SECRETS = (
    "certs/server.key certs/app.key certs/app-2028.key secrets/campus secrets/wifi-coa secrets/app secrets/app.pfx"
    " certs/forward.key secrets/pseudonyms.key"
    " secrets/actions secrets/actions-2028 secrets/actions.key secrets/campus-2028 secrets/wifi-coa-2028"
)
SIGNING_KEYS = "secrets/audit.key secrets/audit-2027.key credentials/audit-key"
CREDENTIALS = "pseudonyms siem hec campus campus-2028 wifi-coa server.key app.key app-secret app.pfx app.pfx.passphrase"


schemas = cache(editors.schemas)


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)


def fields(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every mapping of one schema, as ``Section.key``, also of those that stand in a choice or a list."""
    schema = schemas()[name]
    for section, made in {**schema.get("$defs", {}), name.partition(".")[0]: schema}.items():
        for key, field in made.get("properties", {}).items():
            yield f"{section}.{key}", field


def sections(above: type[Section] = Section) -> Mapping[str, type[Section]]:
    found = {below.__name__: below for below in above.__subclasses__()}
    return found | {name: each for below in found.values() for name, each in sections(below).items()}


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    """A folder with every file and secret that an example names."""
    folder = tmp_path_factory.mktemp("named")
    for file in (*FILES.split(), *SECRETS.split(), *(f"credentials/{name}" for name in CREDENTIALS.split())):
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text("mac\n" if file.endswith(".csv") else "a text of thirty-two octets or more\n", encoding="utf-8")
        path.chmod(0o600)
    for file in SIGNING_KEYS.split():
        (folder / file).write_bytes(
            Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (folder / file).chmod(0o600)
    environment = {"CAMPUS_SECRET": "text", "CREDENTIALS_DIRECTORY": str(folder / "credentials")}
    return Surroundings(folder=folder, environment=environment)


def plain(value: Any) -> Any:
    """As the reader of YAML gives it to the models."""
    if isinstance(value, list):
        return tuple(plain(item) for item in value)
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", sorted(schemas()))
def test_the_shipped_schema_is_the_one_the_models_make(name: str) -> None:
    assert json.loads((SHIPPED / name).read_text()) == schemas()[name]


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas()[name])


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_mapping_is_closed(name: str) -> None:
    for node in nodes(schemas()[name]):
        if "properties" in node and node.get("type") == "object":
            assert node["additionalProperties"] is False


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_key_says_what_it_is_for(name: str) -> None:
    silent = [place for place, field in fields(name) if not field.get("description")]
    assert not silent, "give these fields a `description`"
    for place, field in fields(name):
        said = field["description"]
        assert said == said.strip(), place
        assert not said.endswith("."), place


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_key_has_an_example(name: str) -> None:
    assert not [place for place, field in fields(name) if not field.get("examples")], (
        "give these fields `examples=[...]`"
    )


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_number_says_of_what(name: str) -> None:
    numbers = [place for place, field in fields(name) if field.get("type") in ("integer", "number")]
    known = dict(fields(name))
    without = [place for place in numbers if not known[place].get("x-unit")]
    assert not without, 'give these fields `json_schema_extra={"x-unit": "requests a second"}`'


@pytest.mark.parametrize("name", sorted(schemas()))
def test_what_may_be_left_out_has_its_default_there(name: str) -> None:
    """Absent and nothing else (None) is the one default that is told in words, where it has no word of its own."""
    known = sections() | {name.partition(".")[0]: next(iter(roots(name)))}
    lost = []
    for place, field in fields(name):
        section, _, key = place.rpartition(".")
        [model] = [each for word, each in known[section].model_fields.items() if (each.alias or word) == key]
        extra = model.json_schema_extra
        has_word = isinstance(extra, dict) and "default" in extra
        has_one = not model.is_required() and (model.default is not None or has_word)
        if has_one != ("default" in field):
            lost.append(place)
    assert not lost


def roots(name: str) -> Iterator[type[Section]]:
    keys = set(schemas()[name]["properties"])
    return (each for each in sections().values() if set(each.model_fields) == keys)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_example_and_every_default_is_right_for_the_schema(name: str) -> None:
    schema = schemas()[name]
    for place, field in fields(name):
        judge = jsonschema.Draft202012Validator({**field, "$defs": schema.get("$defs", {})})
        for value in (*field["examples"], *([field["default"]] if "default" in field else [])):
            assert not list(judge.iter_errors(value)), f"{place}: {value}"


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_example_and_every_default_is_taken_by_nacd(name: str, around: Surroundings) -> None:
    known = sections() | {name.partition(".")[0]: next(iter(roots(name)))}
    wrong = []
    for place, field in fields(name):
        section, _, key = place.rpartition(".")
        [model] = [each for word, each in known[section].model_fields.items() if (each.alias or word) == key]
        reader: TypeAdapter[Any] = TypeAdapter(Annotated[model.annotation, None, *model.metadata])
        for value in (*field["examples"], *([field["default"]] if field.get("default") else [])):
            try:
                reader.validate_python(plain(value), context=around)
            except ValueError as refused:
                wrong.append(f"{place}: {value}: {refused}")
    assert not wrong, "\n".join(wrong)
    assert not around.problems


@pytest.mark.parametrize("name", sorted(schemas()))
def test_null_is_offered_nowhere(name: str) -> None:
    assert all(node.get("type") != "null" for node in nodes(schemas()[name]))
    assert "null" not in json.dumps(schemas()[name]).replace("not null", "")


def test_defaults_are_written_as_an_admin_would() -> None:
    sections = schemas()["nacd.schema.json"]["$defs"]
    assert sections["Lifetimes"]["properties"]["compliant"]["default"] == "1h"
    assert sections["Server"]["properties"]["auth"]["default"] == ["0.0.0.0:1812"]
    assert sections["Conversations"]["properties"]["memory"]["default"] == "256MiB"
    assert sections["Eap"]["properties"]["conversations"]["default"]["memory"] == "256MiB"


def test_bounds_of_durations_are_told() -> None:
    lifetime = schemas()["nacd.schema.json"]["$defs"]["Lifetimes"]["properties"]["compliant"]
    assert (lifetime["x-least"], lifetime["x-most"]) == ("1s", "7d")


def test_conditions_offer_one_word_or_a_list_of_them() -> None:
    access = schemas()["policy.schema.json"]["$defs"]["When"]["properties"]["access"]
    one, many = access["anyOf"]
    assert one["enum"] == many["items"]["enum"] == ["dot1x", "mab", "vpn"]


# -- the files that are shipped ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=str(path.relative_to(HOME))) for path in sorted(SHIPPED.rglob("*.yaml"))]
)
def test_every_example_file_tells_editors_its_schema_and_keeps_to_it(path: Path) -> None:
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    said, _, file = first.partition("$schema=")
    assert said == "# yaml-language-server: "
    there = (path.parent / file).resolve()
    name = there.name
    assert (there.parent, name in schemas()) == (SHIPPED, True)
    assert name == f"{NAMED[path.name]}.schema.json" if path.name in NAMED else True
    judge = jsonschema.Draft202012Validator(schemas()[name])
    written = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    for problem in judge.iter_errors(typed(written)):
        pytest.fail(f"{list(problem.absolute_path)}: {problem.message}")


def typed(value: Any) -> Any:
    """Text as YAML 1.2 reads it: numbers and booleans."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return found if isinstance(found, bool | int | float) else value
