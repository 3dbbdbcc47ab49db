"""The store's SQL, each statement in a file of its own."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> str:
    """The statement in ``sql/<name>.sql``."""
    return files(__package__).joinpath("sql", f"{name}.sql").read_text("utf-8")


@cache
def migrations() -> tuple[str, ...]:
    """The scripts that make the schema, in order; the schema's version is how many were run."""
    folder = files(__package__).joinpath("migrations")
    scripts = sorted((entry for entry in folder.iterdir()), key=lambda entry: entry.name)
    return tuple(entry.read_text("utf-8") for entry in scripts if entry.name.endswith(".sql"))
