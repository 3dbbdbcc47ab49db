"""What can go wrong with deployed functions: the catalog, their images, and registries."""

from __future__ import annotations

from collections.abc import Iterable

from nbfaas.errors.base import NbfaasError, ReadableKeyError
from nbfaas.errors.simulator import nearest


class DeployError(NbfaasError):
    """A function can't be deployed, found, distributed or changed as asked."""


class NotDeployable(DeployError):
    """The function has something that would have no meaning elsewhere."""

    def __init__(self, function: str, reason: str, fix: str) -> None:
        super().__init__(f"function {function!r} can't be deployed: {reason}. {fix}".rstrip())
        self.function = function
        self.reason = reason


class BadDeployment(DeployError, ValueError):
    """A name, an alias, a weight or a reference that makes no sense."""

    def __init__(self, what: str, value: object, wanted: str) -> None:
        super().__init__(f"{what}={value!r} is not valid: {wanted}")
        self.what = what
        self.value = value


class RunsInImageOnly(DeployError):
    """A deployed function was called as if it were defined here."""

    def __init__(self, name: str, what: str = "called here") -> None:
        super().__init__(
            f"the deployed function {name!r} can't be {what}: it exists in its image only. Use "
            "its remote(…), spawn(…) or map(…)."
        )


class NotDeployed(DeployError, ReadableKeyError):
    """No function was deployed under this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"no function is deployed as {name!r}; {nearest(name, known)}. Deploy one with "
            "function.deploy(name), or get it from a registry with `nbfaas pull`."
        )
        self.name = name


class UnknownVersion(DeployError, ReadableKeyError):
    """A deployed function has no such version or alias."""

    def __init__(self, name: str, reference: str, known: Iterable[str]) -> None:
        super().__init__(f"{name!r} has no version or alias {reference!r}; "
                         f"{nearest(reference, known)}")  # fmt: skip
        self.name = name
        self.reference = reference


class VersionInUse(DeployError):
    """A version that an alias leads to can't be removed."""

    def __init__(self, name: str, version: str, aliases: Iterable[str]) -> None:
        self.name = name
        self.version = version
        self.aliases = tuple(aliases)
        super().__init__(
            f"{name} {version} is in use: {', '.join(self.aliases)} leads to it. Move the alias "
            f"(`nbfaas alias {name} {self.aliases[0]} VERSION`) or remove it "
            f"(`nbfaas rm {name}:{self.aliases[0]}`) first."
        )


class NothingToRollBack(DeployError):
    """An alias has led nowhere else before."""

    def __init__(self, name: str, alias: str) -> None:
        super().__init__(
            f"the alias {alias!r} of {name!r} can't be rolled back: no earlier version that it led "
            f"to is left. `nbfaas alias {name} {alias} VERSION` moves it to any version."
        )


class IntegrityError(DeployError):
    """What was fetched or kept is not what was pinned."""

    def __init__(self, what: str, reason: str, fix: str) -> None:
        super().__init__(f"{what} is not what was deployed: {reason}. It is not used. {fix}")
        self.what = what
        self.reason = reason


class ManifestUnreadable(DeployError):
    """The image has no manifest of a function, or one that can't be read."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} has no manifest of a function that can be read: {reason}")
        self.where = where


class CatalogUnavailable(DeployError):
    """The file that lists the deployed functions can't be used."""

    def __init__(self, path: str, reason: str, fix: str) -> None:
        super().__init__(f"the catalog {path} can't be used: {reason}. {fix}")
        self.path = path
        self.reason = reason


class NotAllowed(DeployError):
    """A version that came from a registry asks for what such versions are not given here. ``asks``
    are in words, ``keys`` is what would allow them, as TOML: ``network = true``."""

    def __init__(self, version: str, asks: Iterable[str], keys: str) -> None:
        self.asks = tuple(asks)
        self.keys = keys
        super().__init__(
            f"{version} came from a registry and asks for {', '.join(self.asks)}, which is not "
            f"allowed here. If you trust whoever pushed it: allow = {{ {keys} }} in nbfaas.toml "
            "for a server; elsewhere nbfaas.config.allow, or NBFAAS_ALLOW as JSON."
        )
        self.version = version


class RegistryUnavailable(DeployError):
    """A registry does not answer, or not as one does."""

    def __init__(self, registry: str, reason: str, fix: str = "") -> None:
        super().__init__(
            f"the registry {registry} can't be reached: {reason}. "
            + (fix or "Is nbfaas.config.registry right, and is it running?")
        )
        self.registry = registry
        self.reason = reason


class RegistryRefused(DeployError):
    """A registry answers, and says no."""

    def __init__(self, registry: str, what: str, reason: str) -> None:
        super().__init__(
            f"the registry {registry} refused {what}: {reason}. If it asks for credentials: "
            f"`docker login {registry}`."
        )
        self.registry = registry
        self.reason = reason


class NotInRegistry(DeployError, ReadableKeyError):
    """A registry has no such image."""

    def __init__(self, registry: str, reference: str, known: Iterable[str]) -> None:
        super().__init__(
            f"the registry {registry} has no {reference!r}; {nearest(reference, known)}"
        )
        self.registry = registry
        self.reference = reference
