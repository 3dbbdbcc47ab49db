"""SQL in files of its own: statements by name, and the scripts that make a schema."""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files


class Statements:
    """The SQL of a package: called with a name, it is the statement in ``sql/<name>.sql``. Each
    file is read once."""

    def __init__(self, package: str) -> None:
        self.package = package
        self._read: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Statements of {self.package}>"

    def __call__(self, name: str) -> str:
        statement = self._read.get(name)
        if statement is None:
            statement = files(self.package).joinpath("sql", f"{name}.sql").read_text("utf-8")
            self._read[name] = statement
        return statement

    @cached_property
    def migrations(self) -> tuple[str, ...]:
        """The scripts in ``migrations/``, in order; a schema's version is how many were run."""
        folder = files(self.package).joinpath("migrations")
        scripts = sorted(folder.iterdir(), key=lambda entry: entry.name)
        return tuple(entry.read_text("utf-8") for entry in scripts if entry.name.endswith(".sql"))
