"""Images and backends: the places where functions run."""

from __future__ import annotations

import difflib

from nbfaas.errors.base import ConfigurationError, NbfaasError


class ImageError(NbfaasError):
    """An image can't be had."""


class ImageNotFound(ImageError):
    """There is no such runtime, and no such image on this machine or in a registry."""

    def __init__(self, image: str, known: tuple[str, ...] = (), detail: str = "") -> None:
        near = difflib.get_close_matches(image, known, 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        runtimes = f" Runtimes: {', '.join(known)}." if known else ""
        reason = f" ({detail})" if detail else ""
        if image.startswith("sha256:"):  # a version's id, which no registry knows
            message = f"there is no image {image!r} on this machine{reason}."
        else:
            message = (
                f"there is no runtime or image {image!r}{reason}.{meant}{runtimes} See `nbfaas "
                f"images ls`; fetch a registry's image with `docker pull {image}`."
            )
        super().__init__(message)
        self.image = image
        self.detail = detail


class ImageBuildFailed(ImageError):
    """An image could not be built; ``log`` has the end of the build's output."""

    def __init__(self, image: str, step: str, log: str) -> None:
        tail = "\n".join(log.strip().splitlines()[-15:])
        super().__init__(f"image {image!r} could not be built: {step} failed.\n{tail}")
        self.image = image
        self.log = log


class VolumeError(ImageError):
    """A volume can't be mounted as asked."""

    def __init__(self, target: str, reason: str, fix: str) -> None:
        super().__init__(f"the volume at {target!r} can't be mounted: {reason}. {fix}")


class BackendError(NbfaasError):
    """The place where sandboxes live does not do what it should."""


class BackendUnavailable(BackendError):
    """The chosen backend can't be reached."""

    def __init__(self, backend: str, reason: str, fix: str) -> None:
        super().__init__(f"the {backend} backend is not available: {reason}. {fix}")
        self.backend = backend
        self.reason = reason


class InsufficientResources(BackendError):
    """A function asks for more than nbfaas may use on this machine; it could never start."""

    def __init__(self, function: str, asked: str, available: str, setting: str) -> None:
        super().__init__(
            f"function {function!r} asks for {asked}, but nbfaas may use {available} on this "
            f"machine, so it could never start. Ask for less, or raise nbfaas.config.{setting}."
        )


class SandboxStartFailed(BackendError):
    """A sandbox could not be started."""

    def __init__(self, image: str, reason: str, log: str = "") -> None:
        log = f"\nIt wrote:\n{log.strip()}" if log.strip() else ""
        super().__init__(
            f"no sandbox could be started from {image!r}: {reason}. `%faas doctor` checks the "
            f"parts one by one.{log}"
        )


class DataFolderUnusable(ConfigurationError):
    """The folder of nbfaas's data can't be made, or not be written to."""

    def __init__(self, path: str, reason: str, fix: str) -> None:
        super().__init__(f"the data folder {path} can't be used: {reason}. {fix}")
        self.path = path
        self.reason = reason
