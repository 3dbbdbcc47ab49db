"""A function that a server serves, as the notebook that works there holds it."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from nbfaas.client.staying import stays_here
from nbfaas.client.uploads import ServedVersion
from nbfaas.errors import NotConnected, NotDeployable, OptionError, RunsInImageOnly
from nbfaas.model.function import Entry, FunctionOptions, FunctionVersion, Volume
from nbfaas.packager.report import ShippedItem, ShippingReport
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.options import parse_options
from nbfaas.service import current_service

if TYPE_CHECKING:
    from nbfaas.client.asking import ServerClient
    from nbfaas.remote.deploy import Deployed


class _Told(msgspec.Struct, frozen=True):
    name: str
    reference: str
    version: str
    content_hash: str
    entry: Entry
    parameters: list[str] | None = None
    data_schema: dict[str, Any] | None = None


class ServerFunction(RemoteFunction[..., Any]):
    """It has ``remote``, ``spawn`` and ``map``, and can be given to the decorators of ``on``. Which
    version runs, with which secrets and limits, is the server's to decide, at each call."""

    def __init__(
        self, client: ServerClient, reference: str, options: FunctionOptions | None = None
    ) -> None:
        """Raises ``ServerRefused``, ``ServerUnreachable``."""
        quoted = urllib.parse.quote(reference, safe=":")
        self._told = msgspec.convert(client.get(f"/functions/{quoted}"), _Told)
        self._client = client
        self._reference = reference
        super().__init__(self._not_here, options or FunctionOptions(), self._told.name)
        self.data_schema = self._told.data_schema

    def version(self) -> FunctionVersion:
        """What the server is asked for. Raises ``NotConnected`` if functions run elsewhere now."""
        place = current_service()
        if (now := None if place is None else place.server) != self._client.url:
            raise NotConnected(self._reference, self._client.url, now)
        if self._version is None:
            told = self._told
            self._version = ServedVersion(
                told.name, told.version, b"", self.options, told.entry, reference=self._reference
            )
        return self._version

    def with_options(self, **options: Any) -> ServerFunction:
        """The same function with ``trust=``, which is about this process; all else was decided when
        it was deployed."""
        if others := options.keys() - {"trust"}:
            wanted = "the function has the options it was deployed with; only trust= is yours"
            raise OptionError(min(others), options[min(others)], wanted)
        return ServerFunction(self._client, self._reference, parse_options(self.options, options))

    def shipped(self) -> ShippingReport:
        return ShippingReport(self.name, (ShippedItem("function", self._told.reference, 0),), 0)

    def mount(self, volume: Volume) -> None:
        """It has the volumes that it was deployed with; the server says if one is missing."""

    def deploy(self, name: str | None = None, *, alias: str | None = None) -> Deployed:
        raise NotDeployable(self.name, "it is deployed already", "Deploy where its code is.")

    def _not_here(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RunsInImageOnly(self.name)

    def __reduce__(self) -> NoReturn:
        raise stays_here("a function of a server", self._client.url)

    def _signature(self) -> str:
        parameters = self._told.parameters
        return "(event)" if parameters is None else f"({', '.join(parameters)})"

    def __repr__(self) -> str:
        told = self._told
        return (
            f"<ServerFunction {self._reference}{self._signature()} now {told.version} "
            f"{told.content_hash[:12]} at {self._client.url}>"
        )
