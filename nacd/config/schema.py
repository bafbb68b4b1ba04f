"""JSON Schema for editors, made from the same models that check the files.

Knows: how to make a schema an editor likes (durations as text, no ``null``, an example for every key). Refuses to
know: checks that a schema cannot say; those are made when nacd loads the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from nacd.config.cases.text import CasesText
from nacd.config.editor import examples
from nacd.config.editor.hover import hovers
from nacd.config.fields import ListenAddress, between, written
from nacd.config.policy_text import PolicyText
from nacd.config.sections.actions import ActionSettings
from nacd.config.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Defaults as an admin would write them; no titles, the key says it already."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """Keys stay in the order in which they are told to people."""
        return value

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return written(dft)
        if isinstance(dft, BaseModel):
            return {key: value for key, value in self._keys(dft) if value not in (None, [], {})}
        if isinstance(dft, ListenAddress):
            return str(dft)
        if isinstance(dft, tuple | frozenset):
            return [self.encode_default(item) for item in dft]
        return super().encode_default(dft) if not isinstance(dft, Path) else str(dft)

    def _keys(self, section: BaseModel) -> Iterator[tuple[str, Any]]:
        """A section as it would stand in the file, by the words of the file."""
        for name, field in type(section).model_fields.items():
            value = getattr(section, name)
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            as_default = "default" in extra and value == field.default
            yield field.alias or name, extra["default"] if as_default else self.encode_default(value)

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        """Bounds of durations stand beside: JSON Schema has no word for them."""
        node = super().generate_inner(schema)
        bounds = schema["function"]["function"] if schema["type"] == "function-after" else None
        if isinstance(bounds, between):
            node = {**node, examples.LEAST: written(bounds.low), examples.MOST_LONG: written(bounds.high)}
        return node


def schemas() -> Mapping[str, dict[str, Any]]:
    """File name to JSON Schema, for every file that an admin writes."""
    return {
        "nacd.schema.json": _schema(Settings, "nacd.yaml"),
        "policy.schema.json": _schema(PolicyText, "policy.yaml"),
        "policy-cases.schema.json": _schema(CasesText, "policy-cases.yaml"),
        "actions.schema.json": _schema(ActionSettings, "actions.yaml"),
    }


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = model.model_json_schema(schema_generator=_Generator, mode="validation")
    plain = hovers(examples.complete(_without_null(schema)))
    return {"$schema": DIALECT, **plain, "title": title}


def _without_null(node: Any) -> Any:
    """``null`` is how the models say "absent"; in a file a key without value is an error."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_null(item) for key, item in node.items() if not (key == "default" and item is None)}
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if "anyOf" in kept and isinstance(kept["anyOf"], list):
        del kept["anyOf"]
        kept = {**choices[0], **kept} if len(choices) == 1 else {**kept, "anyOf": choices}
    return kept
