"""The few names of MSAL that nacd uses (it ships no types)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

class _Response(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    def raise_for_status(self) -> None: ...

class _HttpClient(Protocol):
    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> _Response: ...
    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Response: ...
    def close(self) -> None: ...

class ConfidentialClientApplication:
    def __init__(
        self,
        client_id: str,
        client_credential: str | Mapping[str, str | bool | Callable[[], str]] | None = None,
        authority: str | None = None,
        *,
        http_client: _HttpClient | None = None,
        instance_discovery: bool | None = None,
        app_name: str | None = None,
        app_version: str | None = None,
    ) -> None: ...
    def acquire_token_for_client(self, scopes: Sequence[str]) -> dict[str, Any] | None: ...

class SystemAssignedManagedIdentity(dict[str, str | None]):
    def __init__(self) -> None: ...

class UserAssignedManagedIdentity(dict[str, str | None]):
    def __init__(
        self, *, client_id: str | None = None, resource_id: str | None = None, object_id: str | None = None
    ) -> None: ...

class ManagedIdentityClient:
    def __init__(
        self,
        managed_identity: SystemAssignedManagedIdentity | UserAssignedManagedIdentity,
        *,
        http_client: _HttpClient,
    ) -> None: ...
    def acquire_token_for_client(self, *, resource: str) -> dict[str, Any]: ...
