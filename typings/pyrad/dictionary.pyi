from typing import TextIO

from pyrad.bidict import BiDict

class ParseError(Exception):
    msg: str | None
    file: str
    line: int
    def __init__(self, msg: str | None = ..., *, file: str = ..., line: int = ...) -> None: ...

class Attribute:
    name: str
    code: int
    type: str
    vendor: str
    encrypt: int
    has_tag: bool
    values: BiDict
    sub_attributes: dict[int, str]
    parent: Attribute | None
    is_sub_attribute: bool
    def __init__(
        self,
        name: str,
        code: int,
        datatype: str,
        is_sub_attribute: bool = ...,
        vendor: str = ...,
        values: dict[str, object] | None = ...,
        encrypt: int = ...,
        has_tag: bool = ...,
    ) -> None: ...

class Dictionary:
    vendors: BiDict
    attrindex: BiDict
    attributes: dict[str, Attribute]
    skipped_attributes: set[str]
    def __init__(self, dict: str | TextIO | None = ..., *dicts: str | TextIO) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, key: str) -> Attribute: ...
    def __contains__(self, key: object) -> bool: ...
    def ReadDictionary(self, file: str | TextIO) -> None: ...
