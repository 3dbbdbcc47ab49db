"""The manifest of a deployed function: all that is to be known of it without unpickling anything.

It is JSON, in the function's image and in the catalog.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from nbfaas.errors.deploy import ManifestUnreadable
from nbfaas.model.function import Entry, Isolation
from nbfaas.model.trigger_spec import TriggerSpec

SCHEMA = 1


_MB = 1024 * 1024


class RetriesManifest(msgspec.Struct, frozen=True):
    """``retry_on`` are names of exception types: ``builtins:ValueError``."""

    max_retries: Annotated[int, Meta(ge=0)]
    initial_delay: Annotated[float, Meta(ge=0)]
    backoff_coefficient: Annotated[float, Meta(ge=1)]
    max_delay: Annotated[float, Meta(ge=0)]
    retry_on: tuple[str, ...]


class VolumeManifest(msgspec.Struct, frozen=True):
    target: str
    source: str
    read_only: bool


class OptionsManifest(msgspec.Struct, frozen=True):
    """``FunctionOptions`` without the image. Bytes, cores and seconds as there. What is read has
    these bounds, whoever wrote it: to Docker a limit of 0 means that there is none."""

    cpu: Annotated[float, Meta(ge=0.01)]
    memory: Annotated[int, Meta(ge=16 * _MB)]
    pids: Annotated[int, Meta(ge=1, le=4096)]
    scratch: Annotated[int, Meta(ge=_MB)]
    timeout: Annotated[float, Meta(gt=0)] | None
    retries: RetriesManifest
    max_containers: Annotated[int, Meta(ge=1)] | None
    env: tuple[tuple[str, str], ...]
    volumes: tuple[VolumeManifest, ...]
    network: bool
    isolation: Isolation
    trust: tuple[str, ...]


class ImageManifest(msgspec.Struct, frozen=True):
    """What the image was asked to have, and, in ``packages``, what was installed for that: names
    of distributions and versions. ``sources`` are the names of local modules, ``sources_hash`` says
    what is in them; where they lie on the deploying machine is left out."""

    kind: str
    name: str
    python: Annotated[str, Meta(pattern=r"\A[0-9]+\.[0-9]+\Z")]
    pip: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    sources_hash: str = ""
    env: tuple[tuple[str, str], ...] = ()
    packages: dict[str, str] = {}


class FunctionManifest(msgspec.Struct, frozen=True, kw_only=True):
    """``name`` and ``version`` (``v3``) are those of the catalog, ``function`` is the name in the
    notebook. ``content_hash`` is over all that decides what the function does (see
    ``content_hash_of``). ``data_schema`` is what the signature says of the data, as JSON Schema;
    None for handlers, which say nothing. ``doc`` is the docstring. ``source`` is for people, and is
    never run. When it was made is told by the image's label and the catalog: here it would make
    another layer of the same function."""

    schema: int = SCHEMA
    name: str
    version: str
    content_hash: str = ""
    function: str
    entry: Entry
    filename: str = ""
    requires: tuple[str, ...] = ()
    options: OptionsManifest
    image: ImageManifest
    triggers: tuple[TriggerSpec, ...] = ()
    secrets: tuple[str, ...] = ()
    takes_context: bool = False
    data_schema: dict[str, Any] | None = None
    doc: str = ""
    payload_hash: str
    payload_size: int
    source: str = ""
    cloudpickle: str = ""
    nbfaas: str = ""
    agent: str = ""

    def to_json(self) -> bytes:
        """Indented, keys in a fixed order: it is read by people too."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def sealed(self) -> FunctionManifest:
        """With its content hash."""
        return msgspec.structs.replace(self, content_hash=content_hash_of(self))

    def __repr__(self) -> str:
        return (
            f"<FunctionManifest {self.name} {self.version} {self.content_hash[:12]}, "
            f"{self.payload_size} bytes>"
        )


# What says by what and under which name it was deployed, or follows from the rest.
_NOT_HASHED = frozenset(
    {
        "name",
        "version",
        "content_hash",
        "source",
        "cloudpickle",
        "nbfaas",
        "agent",
        "payload_size",
        "takes_context",
        "data_schema",
        "doc",
    }
)


def content_hash_of(manifest: FunctionManifest) -> str:
    """SHA-256, 64 hex digits: over payload, entry, options, packages, triggers and the names of
    secrets; not over the name, the time, Docker's ids or the versions of nbfaas."""
    fields: dict[str, Any] = {
        name: getattr(manifest, name)
        for name in manifest.__struct_fields__
        if name not in _NOT_HASHED
    }
    return hashlib.sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()


def read_manifest(data: bytes, where: str) -> FunctionManifest:
    """``where`` is what errors call the place it was read from. Raises ``ManifestUnreadable``."""
    try:
        schema = msgspec.json.decode(data, type=_Schema).schema
        if schema > SCHEMA:
            raise ManifestUnreadable(where, f"a newer nbfaas has written it (schema {schema})")
        found = msgspec.json.decode(data, type=FunctionManifest)
        msgspec.convert(found.data_schema, _DataSchema | None)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ManifestUnreadable(where, str(error)) from error
    return found


class _Schema(msgspec.Struct):
    schema: int


class _DataSchema(msgspec.Struct, rename={"definitions": "$defs", "all_of": "allOf"}):
    """What is looked for in a ``data_schema``, which need not be one that deploying has made."""

    properties: dict[str, dict[str, Any] | bool] = {}
    required: tuple[str, ...] = ()
    definitions: dict[str, dict[str, Any] | bool] = {}
    all_of: tuple[dict[str, Any] | bool, ...] = ()
