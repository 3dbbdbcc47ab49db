"""Files of SQLite: made for their owner alone, migrated once, refused untouched."""

from __future__ import annotations

import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import failing_disk
import pytest

from nbfaas.database import (
    Connections,
    FileKind,
    Statements,
    Trouble,
    explained,
    make_folder,
    make_private,
    open_reader,
    open_writer,
    set_aside,
    transaction,
    trouble_of,
    value,
)

NOTE = "INSERT INTO note (text) VALUES (?)"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Writes a file of the package ``package_of_notes``."""
    package = tmp_path / "importable" / "package_of_notes"
    for folder in ("sql", "migrations"):
        (package / folder).mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(package.parent))

    def write(name: str, text: str) -> None:
        (package / name).write_text(text)

    write("migrations/0001_notes.sql", "CREATE TABLE note (text); CREATE TABLE log (text);")
    write("migrations/README", "no script")
    write("sql/all.sql", "SELECT text FROM note")
    yield write
    sys.modules.pop(package.name, None)


@pytest.fixture
def kind(script: Callable[[str, str], None]) -> FileKind:
    return FileKind(
        "file of notes",
        Statements("package_of_notes"),
        ("journal_mode = WAL", "synchronous = NORMAL"),
        first=("auto_vacuum = INCREMENTAL",),
        application=0x6E6F7465,
        busy_timeout=0.05,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "notes.db"
    make_folder(path)
    make_private(path)
    return path


def write_note(path: Path, kind: FileKind, text: str) -> None:
    connection = open_writer(path, kind)
    connection.execute(NOTE, (text,))
    connection.close()


def test_a_new_file_is_its_owners_alone_with_its_log(path: Path, kind: FileKind) -> None:
    connection = open_writer(path, kind)
    modes = {stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert value(connection, "PRAGMA auto_vacuum") == 2
    assert value(connection, "PRAGMA synchronous") == 1
    assert value(connection, "PRAGMA application_id") == kind.application
    connection.close()


def test_a_file_gets_the_scripts_that_it_has_not_seen(path: Path, kind, script) -> None:
    write_note(path, kind, "kept")
    script("migrations/0002_when.sql", "ALTER TABLE note ADD COLUMN at;")
    later = replace(kind, statements=Statements("package_of_notes"))
    for _ in range(2):
        connection = open_writer(path, later)
        assert connection.execute("SELECT text, at FROM note").fetchall() == [("kept", None)]
        assert value(connection, "PRAGMA user_version") == 2
        connection.close()
    with pytest.raises(Exception, match="a newer nbfaas") as caught:
        open_writer(path, kind)
    assert trouble_of(caught.value) is Trouble.NEWER


def test_a_script_that_fails_leaves_the_schema_as_it_was(path: Path, kind, script) -> None:
    write_note(path, kind, "kept")
    script("migrations/0002_bad.sql", "CREATE TABLE half (x); CREATE TABLE note (again);")
    with pytest.raises(apsw.SQLError):
        open_writer(path, replace(kind, statements=Statements("package_of_notes")))
    connection = open_writer(path, kind)
    assert value(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == 0
    connection.close()


def test_many_may_open_a_new_file_at_once(path: Path, kind: FileKind) -> None:
    patient = replace(kind, busy_timeout=60.0)
    together = threading.Barrier(8)
    failed: list[BaseException] = []

    def open_it() -> None:
        together.wait(60)
        try:
            write_note(path, patient, "x")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    connection = open_reader(path, kind)
    assert value(connection, "SELECT count(*) FROM note") == 8
    connection.close()


def test_a_file_of_something_else_is_not_changed(path: Path, kind: FileKind) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE mine (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(Exception, match="the file is no file of notes") as caught:
        open_writer(path, kind)
    assert trouble_of(caught.value) is Trouble.FOREIGN
    assert path.read_bytes() == before


def test_a_damaged_file_and_its_log_are_left_or_put_aside(path: Path, kind: FileKind) -> None:
    for again in (False, True):
        path.write_bytes(b"no database at all " * 400)
        log = path.with_name("notes.db-wal")
        log.write_bytes(b"a log")
        with pytest.raises(apsw.NotADBError) as caught:
            open_writer(path, kind)
        assert trouble_of(caught.value) is Trouble.DAMAGED
        assert (path.read_bytes()[:11], log.read_bytes()) == (b"no database", b"a log")
        aside = set_aside(path, 0.0)
        assert aside.name.startswith("notes.db.damaged-")
        assert aside.name.endswith("-2") == again
        assert not path.exists()
        assert aside.with_name(aside.name + "-wal").read_bytes() == b"a log"


def test_a_file_that_is_missing_is_not_made(path: Path, kind: FileKind) -> None:
    path.unlink()
    for opened in (open_writer, open_reader):
        with pytest.raises(apsw.CantOpenError) as caught:
            opened(path, kind)
        assert trouble_of(caught.value) is Trouble.FOLDER
    assert not path.exists()


def test_a_transaction_is_done_or_not(path: Path, kind: FileKind) -> None:
    connection = open_writer(path, kind)
    with pytest.raises(apsw.SQLError), transaction(connection):
        connection.execute(f"{NOTE}; SELECT unknown", ("lost",))
    with transaction(connection):
        connection.execute(NOTE, ("kept",))
    assert connection.execute(kind.statements("all")).fetchall() == [("kept",)]
    connection.close()


def test_a_full_disk_is_what_a_transaction_raises(path: Path, kind: FileKind) -> None:
    with failing_disk.inserted() as disk:
        connection = open_writer(path, kind)
        disk.failures["xWrite"] = apsw.FullError
        with pytest.raises(apsw.FullError) as caught, transaction(connection):
            connection.execute(NOTE, ("x" * 10_000,))
        assert trouble_of(caught.value) is Trouble.FULL
        disk.failures.clear()
        with transaction(connection):
            connection.execute(NOTE, ("later",))
        connection.close()


def test_who_waits_for_a_lock_is_told(path: Path, kind: FileKind) -> None:
    first, second = open_writer(path, kind), open_writer(path, kind)
    with transaction(first), pytest.raises(apsw.BusyError) as caught, transaction(second):
        pass
    reason, fix = explained(caught.value, lambda *told: told, {})
    assert (reason, "close that program" in fix) == ("another program has locked the file", True)
    assert explained(caught.value, lambda *told: told, {Trouble.LOCKED: "Wait."})[1] == "Wait."
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (OSError(28, "No space left on device"), Trouble.FULL),
        (PermissionError(13, "Permission denied"), Trouble.FOLDER),
        (apsw.ReadOnlyError(), Trouble.FOLDER),
        (apsw.IOError(), Trouble.DISK),
        (apsw.CorruptError(), Trouble.DAMAGED),
        (apsw.ConstraintError("NOT NULL"), Trouble.OTHER),
        (ValueError("x"), Trouble.OTHER),
    ],
)
def test_every_error_is_some_trouble(error: Exception, trouble: Trouble) -> None:
    assert trouble_of(error) is trouble
    reason, fix = explained(error, lambda *told: told, {})
    assert reason
    assert fix.endswith(".")


def test_readers_are_used_again_unless_something_went_wrong(path: Path, kind: FileKind) -> None:
    write_note(path, kind, "x")
    connections = Connections(path, kind, lambda error: RuntimeError(f"told: {error}"))
    with connections.one() as first, connections.one() as second:
        assert first is not second
        assert first.execute(kind.statements("all")).fetchall() == [("x",)]
    assert repr(connections).endswith("2 idle>")
    with pytest.raises(RuntimeError, match="told: no such table"), connections.one() as one:
        one.execute("SELECT * FROM unknown")
    with pytest.raises(RuntimeError, match="readonly"), connections.one() as one:
        one.execute("DELETE FROM note")
    assert repr(connections).endswith("0 idle>")
    with pytest.raises(ZeroDivisionError), connections.one():
        raise ZeroDivisionError
    connections.close()
    path.unlink()
    with pytest.raises(RuntimeError, match="unable to open"), connections.one():
        pass


def test_a_statement_that_is_not_there_is_named(kind: FileKind) -> None:
    assert kind.statements("all") is kind.statements("all")
    with pytest.raises(FileNotFoundError, match=r"missing\.sql"):
        kind.statements("missing")
