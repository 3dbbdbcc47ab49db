"""Connections that only read, used again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nbfaas.database.opening import FileKind, open_reader
from nbfaas.database.transaction import Connection


class Connections:
    """To the file at ``path``, for any thread. What SQLite raises becomes what ``explained`` makes
    of it; a connection on which anything went wrong is not used again."""

    def __init__(
        self, path: Path, kind: FileKind, explained: Callable[[BaseException], Exception]
    ) -> None:
        self.path = path
        self._kind = kind
        self._explained = explained
        self._idle: list[Connection] = []

    def __repr__(self) -> str:
        return f"<Connections {self.path}, {len(self._idle)} idle>"

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """A connection that nobody else uses during the block."""
        import apsw

        connection = None
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = open_reader(self.path, self._kind)
            yield connection
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, apsw.Error):
                raise self._explained(error) from error
            raise
        self._idle.append(connection)

    def close(self) -> None:
        """Close those that are not in use; the next question opens another."""
        while self._idle:
            self._idle.pop().close()
