"""Which user a sandbox runs as, so that it can use the volumes it was given; never root."""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from nbfaas.errors import VolumeError
from nbfaas.model.function import Volume

User = tuple[int, int]
NOBODY: User = (65534, 65534)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
# What a sandbox needs for itself, and what Docker mounts.
_RESERVED = ("/", "/tmp", "/run/nbfaas", "/opt/nbfaas", "/proc", "/sys", "/dev")  # noqa: S108


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the host's that is to be mounted, and who may do what in it."""

    volume: Volume
    uid: int
    gid: int
    mode: int

    def allows(self, user: User) -> bool:
        """Whether the user, without any privilege, may use the folder as the volume asks."""
        uid, gid = user
        shift = 6 if uid == self.uid else 3 if gid == self.gid else 0
        wanted = 0o5 if self.volume.read_only else 0o7
        return (self.mode >> shift) & wanted == wanted


def look_at(volumes: Iterable[Volume]) -> list[Folder]:
    """Check the volumes, and look at the folders among them. Raises ``VolumeError``."""
    folders = []
    for volume in volumes:
        _check_target(volume)
        if not volume.is_host_folder:
            if not _NAME.fullmatch(volume.source):
                raise VolumeError(
                    volume.target,
                    f"{volume.source!r} is no name for a volume",
                    "Names have at least two letters, digits, _ . or -; a folder of this machine "
                    "is given by its absolute path.",
                )
            continue
        try:
            found = os.stat(volume.source)
        except OSError as error:
            raise VolumeError(
                volume.target,
                f"the folder {volume.source} can't be used ({error.strerror})",
                f"Create it: mkdir -p {volume.source}",
            ) from None
        if not stat.S_ISDIR(found.st_mode):
            raise VolumeError(
                volume.target,
                f"{volume.source} is not a folder",
                "Mount the folder that it is in.",
            )
        folders.append(Folder(volume, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)))
    return folders


def choose_user(host: User, folders: list[Folder]) -> User:
    """The user to run as: ``host`` itself if that is not root, else nobody, or the owner of a
    folder that is to be written. Raises ``VolumeError`` if no such user may use all folders."""
    if host[0] != 0:
        candidates = [host]
    else:
        written = [(f.uid, f.gid) for f in folders if not f.volume.read_only]
        read = [(f.uid, f.gid) for f in folders if f.volume.read_only]
        candidates = [user for user in (*written, NOBODY, *read) if user[0] != 0]
    for user in candidates:
        if all(folder.allows(user) for folder in folders):
            return user
    default = host if host[0] != 0 else NOBODY
    refused = next((f for f in folders if not f.allows(default)), folders[0])
    raise VolumeError(refused.volume.target, *_why_refused(refused, default))


def _why_refused(folder: Folder, user: User) -> tuple[str, str]:
    source = folder.volume.source
    what = "read" if folder.volume.read_only else "written"
    reason = (
        f"{source} belongs to user {folder.uid} (mode {folder.mode:o}), and can't be {what} by "
        f"user {user[0]}, as which the function runs"
    )
    if folder.volume.read_only:
        return reason, f"Let it be read: chmod -R o+rX {source}"
    return reason, f"Hand it over: chown -R {user[0]}:{user[1]} {source}"


def _check_target(volume: Volume) -> None:
    target = posixpath.normpath(volume.target)
    taken = target in _RESERVED or target.startswith(("/proc/", "/sys/", "/run/nbfaas/"))
    if not target.startswith("/") or taken:
        raise VolumeError(
            volume.target,
            "this place in the sandbox is not free" if taken else "this is not an absolute path",
            "Choose another one, for example '/data'.",
        )
