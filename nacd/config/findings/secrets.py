"""Where the secrets of a configuration were named, and what is to be said of how they are kept.

Knows: every secret in the settings, with its path. Refuses to know: what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nacd.config.sections.base import Section
from nacd.config.yaml import PathTo
from nacd.values import Secret


def remarks(settings: Section, kept: Iterable[tuple[Secret, str]]) -> Iterator[tuple[PathTo, str]]:
    """Path and message. kept: what was remarked when a secret was read."""
    said = list(kept)
    for path, secret in _secrets(settings) if said else ():
        yield from ((path, message) for noted, message in said if noted is secret)


def of_client(client: Section) -> Iterator[tuple[PathTo, Secret]]:
    """Every secret of one NAS, with its path from there: those that are valid, and those that it is asked with."""
    yield from _secrets(client)


def _secrets(value: object, path: PathTo = ()) -> Iterator[tuple[PathTo, Secret]]:
    """Every secret in the settings, with its path in the file."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _secrets(item, (*path, number))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets(item, (*path, name))
