"""The folders in which sandboxes' sockets live: private to the user, one for each owner."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from nbfaas.backends.owner import Owner
from nbfaas.errors import BackendUnavailable

# A Unix socket's path has at most 107 bytes; this is what follows the root:
# "/<owner, up to 50>/<token, 12>/agent.sock".
_ROOT_LIMIT = 107 - len("/") - 50 - len("/") - 12 - len("/agent.sock")


def runtime_root() -> Path:
    """The user's folder for all owners: under XDG_RUNTIME_DIR if there is one, else under /tmp."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.path.isdir(runtime) and os.stat(runtime).st_uid == os.getuid():
        root = Path(runtime) / "nbfaas"
        if len(bytes(root)) <= _ROOT_LIMIT:
            return root
    root = scratch_root()
    if len(bytes(root)) <= _ROOT_LIMIT:
        return root
    return Path("/tmp") / f"nbfaas-{os.getuid()}"  # noqa: S108 - checked by _private_folder


def scratch_root() -> Path:
    """The user's folder for what may be large: processes' home folders."""
    return Path(tempfile.gettempdir()) / f"nbfaas-{os.getuid()}"


def owner_folder(root: Path, owner: Owner) -> Path:
    """The owner's folder under ``root``, created (mode 0700) if need be.

    Raises ``BackendUnavailable`` if someone else has taken the name.
    """
    _private_folder(root)
    folder = root / owner.folder
    _private_folder(folder)
    return folder


def remove_if_empty(folder: Path) -> None:
    """Remove an owner's folder and the root above it, unless others still use them."""
    for path in (folder, folder.parent):
        try:
            path.rmdir()
        except OSError:
            return


def sweep_folders() -> int:
    """Remove the folders of owners that are no longer alive; return how many."""
    removed = 0
    for root in {runtime_root(), scratch_root()}:
        if not root.is_dir():
            continue
        for folder in root.iterdir():
            owner = Owner.parse(folder.name)
            if owner is not None and not owner.is_alive():
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _private_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        # In a folder that everybody may write to, the name could have been taken by another user,
        # who could then swap the sockets.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise BackendUnavailable(
                "sandbox", f"{path} is not a folder that only you can use", f"Remove {path}."
            ) from None
    except OSError as error:
        raise BackendUnavailable(
            "sandbox",
            f"the folder {path} can't be created ({error.strerror})",
            "Set XDG_RUNTIME_DIR or TMPDIR to a folder that you can write to.",
        ) from error
