"""Which texts of a schema are dates and times: msgspec says so only where a timezone is asked for,
and a form should offer a date wherever one is wanted. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def mark_dates(
    types: Sequence[Any], schemas: Sequence[dict[str, Any]], definitions: dict[str, Any]
) -> None:
    """Add the ``format`` to the schemas that msgspec has made of ``types``, in place."""
    import msgspec

    marking = _Marking(definitions)
    for kind, schema in zip(msgspec.inspect.multi_type_info(types), schemas, strict=True):
        marking.mark(kind, schema)


class _Marking:
    """Walks along a type and its schema."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._seen: set[str] = set()

    def mark(self, kind: Any, schema: Any) -> None:
        import msgspec.inspect as about

        if not isinstance(schema, dict):
            return
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name in self._definitions:
            if name in self._seen:
                return
            self._seen.add(name)
            schema = self._definitions[name]
        match kind:
            case about.Metadata():
                self.mark(kind.type, schema)
            case about.DateTimeType() | about.TimeType() if schema.get("type") == "string":
                is_time = isinstance(kind, about.TimeType)
                schema.setdefault("format", "time" if is_time else "date-time")
            case about.UnionType():
                for branch in schema.get("anyOf", ()):
                    for each in kind.types:
                        if _alike(each, branch):
                            self.mark(each, branch)
            case about.ListType() | about.VarTupleType() | about.SetType() | about.FrozenSetType():
                self.mark(kind.item_type, schema.get("items"))
            case about.TupleType():
                for each, inner in zip(kind.item_types, schema.get("prefixItems", ())):  # noqa: B905
                    self.mark(each, inner)
            case about.DictType():
                self.mark(kind.value_type, schema.get("additionalProperties"))
            case about.StructType() | about.DataclassType() | about.TypedDictType():
                for field in kind.fields:
                    self.mark(field.type, schema.get("properties", {}).get(field.encode_name))


def _alike(kind: Any, branch: dict[str, Any]) -> bool:
    """Whether a branch of a schema is that of an alternative of a union, of which there is at most
    one text, one list, and so on; of objects there may be several, with names."""
    import msgspec.inspect as about

    match kind:
        case about.Metadata():
            return _alike(kind.type, branch)
        case about.DateTimeType() | about.TimeType():
            return branch.get("type") == "string"
        case about.StructType() | about.DataclassType() | about.TypedDictType():
            return str(branch.get("$ref", "")).rpartition("/")[2].endswith(kind.cls.__name__)
        case about.DictType():
            return branch.get("type") == "object"
    return branch.get("type") == "array"
