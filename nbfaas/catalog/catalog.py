"""``Catalog``: versions, aliases and pins, in one file that several processes may use at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbfaas.catalog.aliases import (
    aliases_of,
    all_aliases,
    find_alias,
    move_alias,
    moves_of,
    remove_alias,
    roll_back,
)
from nbfaas.catalog.choice import choose, draw_for
from nbfaas.catalog.database import Database, Transaction
from nbfaas.catalog.names import LATEST, check_alias, check_name, check_weight, version_number
from nbfaas.catalog.rows import Alias, Deployment, Move, Pin, Version
from nbfaas.errors import (
    BadDeployment,
    IntegrityError,
    NotDeployed,
    UnknownVersion,
    VersionInUse,
)
from nbfaas.model.manifest import FunctionManifest, read_manifest

PUSHED, PULLED = "pushed", "pulled"
_VERSION = (
    "SELECT name, number, content_hash, image_id, agent, created_at, manifest FROM version "
    "WHERE name = ?"
)


class Catalog:
    """``<data_dir>/catalog.db``. Methods block for some milliseconds; any thread may call them.

    All raise ``CatalogUnavailable``. What takes a function's name raises ``NotDeployed``, what
    takes a version or an alias ``UnknownVersion``.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path)
        self._clock = clock

    def __repr__(self) -> str:
        return f"<Catalog {self._database.path}>"

    # -- versions

    def add(self, manifest: FunctionManifest, image_id: str) -> Version:
        """Note a version under the number that its manifest has.

        Raises ``IntegrityError`` if that number has other contents already.
        """
        name, number = check_name(manifest.name), version_number(manifest.version)
        if number is None:
            raise BadDeployment("version", manifest.version, "v1, v2, …")
        with self._database.transaction() as on:
            there = self._find(on, name, number)
            if there is not None:
                if there.content_hash != manifest.content_hash:
                    reason = f"it has the content hash {manifest.content_hash[:12]}, the one known "
                    reason += f"here has {there.content_hash[:12]}"
                    fix = "Deploy under another name, or remove the version that is known here."
                    raise IntegrityError(f"{name} v{number}", reason, fix)
                on.run(
                    "UPDATE version SET image_id = ? WHERE name = ? AND number = ?",
                    (image_id, name, number),
                )
            else:
                on.run(
                    "INSERT INTO function VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
                    "SET last_number = max(last_number, excluded.last_number)",
                    (name, number),
                )
                on.run(
                    "INSERT INTO version (name, number, content_hash, agent, image_id, manifest, "
                    "created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        name,
                        number,
                        manifest.content_hash,
                        manifest.agent,
                        image_id,
                        manifest.to_json(),
                        self._clock(),
                    ),
                )
            found = self._find(on, name, number)
            assert found is not None
            return found

    def next_number(self, name: str) -> int:
        """The number that the next version gets. To be asked for, and used, under a lock."""
        with self._database.reading() as on:
            row = on.row("SELECT last_number FROM function WHERE name = ?", (name,))
            return 1 if row is None else int(row[0]) + 1

    def same(self, name: str, content_hash: str, agent: str) -> Version | None:
        """The latest version with these contents."""
        with self._database.reading() as on:
            row = on.row(
                f"{_VERSION} AND content_hash = ? AND agent = ? ORDER BY number DESC LIMIT 1",
                (name, content_hash, agent),
            )
            return None if row is None else _version(row)

    def versions(self, name: str) -> list[Version]:
        """The newest first."""
        with self._database.reading() as on:
            self._known(on, name)
            return [_version(row) for row in on.rows(f"{_VERSION} ORDER BY number DESC", (name,))]

    def version(self, name: str, reference: str | None = None, key: str | None = None) -> Version:
        """``v3``, ``latest`` (or None), or where an alias leads: for ``key``, or at random."""
        with self._database.reading() as on:
            return self._resolve(on, name, reference, key)

    def functions(self) -> list[Deployment]:
        """All functions that have a version, by name."""
        with self._database.reading() as on:
            led = all_aliases(on)
            rows = on.rows(
                "SELECT name, count(*), max(number), max(created_at) FROM version GROUP BY name "
                "ORDER BY name"
            )
            return [
                Deployment(
                    row[0],
                    row[1],
                    row[2],
                    row[3],
                    tuple(each for each in led if each.function == row[0]),
                )
                for row in rows
            ]

    def remove(self, name: str, reference: str | None = None) -> tuple[Version, ...]:
        """Forget a version, or all of them if ``reference`` is None, and return what was forgotten.
        Raises ``VersionInUse`` while an alias leads there."""
        with self._database.transaction() as on:
            self._known(on, name)
            if reference is None:
                gone = [_version(row) for row in on.rows(_VERSION, (name,))]
            else:
                gone = [self._resolve(on, name, reference, None)]
            for version in gone:
                led = [a.alias for a in aliases_of(on, name) if version.number in a.versions]
                if led:
                    raise VersionInUse(name, version.label, led)
                on.run("DELETE FROM version WHERE name = ? AND number = ?", (name, version.number))
            return tuple(gone)

    # -- aliases

    def set_alias(
        self,
        name: str,
        alias: str,
        version: str | None,
        other: str | None = None,
        weight: float | None = None,
    ) -> Alias:
        """Lead an alias to a version; or to two, where ``weight`` is the share of ``other``. With
        ``version`` None the first is the one that it leads to already.

        Raises ``BadDeployment``.
        """
        check_alias(alias)
        if version is None and other is None:
            raise BadDeployment(
                "version", None, "the one that the alias shall lead to, or a canary"
            )
        if (other is None) != (weight is None):
            raise BadDeployment("weight", weight, "a second version and its share go together")
        share = 0.0 if weight is None else check_weight(weight)
        with self._database.transaction() as on:
            if version is None:
                first = self._alias(on, name, alias).version
            else:
                first = self._resolve(on, name, version, None).number
            second = None if other is None else self._resolve(on, name, other, None).number
            if second == first:
                both = f"both would be v{first}: a canary is another version"
                raise BadDeployment("other", other, both)
            move_alias(on, name, alias, (first, second, share), self._clock())
            return self._alias(on, name, alias)

    def alias(self, name: str, alias: str) -> Alias:
        with self._database.reading() as on:
            return self._alias(on, name, alias)

    def aliases(self, name: str) -> tuple[Alias, ...]:
        with self._database.reading() as on:
            self._known(on, name)
            return aliases_of(on, name)

    def rollback(self, name: str, alias: str) -> Alias:
        """Lead an alias to where it led before it was last set. Raises ``NothingToRollBack``."""
        with self._database.transaction() as on:
            self._alias(on, name, alias)
            roll_back(on, name, alias, self._clock())
            return self._alias(on, name, alias)

    def remove_alias(self, name: str, alias: str) -> None:
        with self._database.transaction() as on:
            self._alias(on, name, alias)
            remove_alias(on, name, alias, self._clock())

    def moves(self, name: str) -> list[Move]:
        """What became of the function's aliases, the newest first."""
        with self._database.reading() as on:
            self._known(on, name)
            return moves_of(on, name)

    # -- registries

    def pin(self, version: Version, repository: str, digest: str, how: str) -> Pin:
        """Note under which digest a registry has a version."""
        pin = Pin(repository, digest, how, self._clock())
        with self._database.transaction() as on:
            on.run(
                "INSERT OR REPLACE INTO pin VALUES (?, ?, ?, ?, ?, ?)",
                (version.name, version.number, repository, digest, how, pin.at),
            )
        return pin

    def pins(self, version: Version) -> tuple[Pin, ...]:
        """The latest first."""
        with self._database.reading() as on:
            rows = on.rows(
                "SELECT repository, digest, how, at FROM pin WHERE name = ? AND number = ? "
                "ORDER BY at DESC",
                (version.name, version.number),
            )
            return tuple(Pin(*row) for row in rows)

    def came_from_registry(self, version: Version) -> bool:
        """Whether somebody else has made it: it was pulled, and not deployed here too."""
        return any(pin.how == PULLED for pin in self.pins(version))

    def adopt(self, version: Version) -> None:
        """The same was deployed here: its image is no longer one that was pulled."""
        with self._database.transaction() as on:
            on.run(
                "DELETE FROM pin WHERE how = ? AND name = ? AND number = ?",
                (PULLED, version.name, version.number),
            )

    # -- within a transaction

    def _known(self, on: Transaction, name: str) -> None:
        if on.row("SELECT 1 FROM version WHERE name = ? LIMIT 1", (name,)) is None:
            names = on.rows("SELECT DISTINCT name FROM version ORDER BY name")
            raise NotDeployed(name, [row[0] for row in names])

    def _find(self, on: Transaction, name: str, number: int) -> Version | None:
        row = on.row(f"{_VERSION} AND number = ?", (name, number))
        return None if row is None else _version(row)

    def _resolve(
        self, on: Transaction, name: str, reference: str | None, key: str | None
    ) -> Version:
        self._known(on, name)
        number = None if reference is None else version_number(reference)
        if reference is None or reference == LATEST:
            row = on.row("SELECT max(number) FROM version WHERE name = ?", (name,))
            number = None if row is None else row[0]
        elif number is None:
            alias = self._alias(on, name, reference)
            draw = random.random() if key is None else draw_for(alias, key)  # noqa: S311
            number = choose(alias, draw)
        found = None if number is None else self._find(on, name, number)
        if found is None:
            raise UnknownVersion(name, str(reference), self._references(on, name))
        return found

    def _alias(self, on: Transaction, name: str, alias: str) -> Alias:
        self._known(on, name)
        found = find_alias(on, name, alias)
        if found is None:
            raise UnknownVersion(name, alias, self._references(on, name))
        return found

    def _references(self, on: Transaction, name: str) -> list[str]:
        rows = on.rows("SELECT number FROM version WHERE name = ? ORDER BY number DESC", (name,))
        return [
            *(alias.alias for alias in aliases_of(on, name)),
            *(f"v{row[0]}" for row in rows),
        ]


def _version(row: tuple[Any, ...]) -> Version:
    name, number, content_hash, image_id, agent, created_at, data = row
    manifest = read_manifest(data, f"the catalog's entry for {name} v{number}")
    return Version(name, number, content_hash, image_id, agent, created_at, manifest)
