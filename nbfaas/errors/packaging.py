"""What can't be shipped."""

from __future__ import annotations

from nbfaas.agent.culprit import Reason
from nbfaas.agent.units import format_bytes
from nbfaas.errors.base import NbfaasError


class PackagingError(NbfaasError):
    """The function or its arguments can't be shipped."""


class NotPicklable(PackagingError):
    """Something that was to be shipped can't be pickled.

    ``path`` leads to the culprit inside the object, as Python would write it:
    ``score → global 'client' → client.pool``. What to do instead, a ``reason`` may know itself.
    """

    def __init__(self, what: str, path: str, reason: str) -> None:
        fix = (reason.fix if isinstance(reason, Reason) else "") or (
            "Create it inside the function, or pass what it is made from (a path, a URL, a key)."
        )
        super().__init__(f"{what} can't be pickled, because of {path}: {reason}. {fix}")
        self.what = what
        self.path = path
        self.reason = reason


class PayloadTooLarge(PackagingError):
    """What was to be shipped exceeds the limit."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(
            f"{what} is {format_bytes(size)} when pickled; the limit is {format_bytes(limit)}. Put "
            "large data on a volume (volumes={'/data': './data'}), or raise the limit with "
            "nbfaas.config.payload_limit."
        )
        self.size = size
        self.limit = limit


class PythonMismatch(PackagingError):
    """The image's Python differs in its minor version from the notebook's."""

    def __init__(self, image: str, image_python: str, host_python: str) -> None:
        super().__init__(
            f"image {image!r} has Python {image_python}, this notebook runs Python {host_python}. "
            "Functions are shipped as bytecode, which differs between minor versions. Use an image "
            f"with Python {host_python} (for example image='python:{host_python}-slim', or leave "
            "image out), or start the notebook with the image's Python."
        )
        self.image_python = image_python
        self.host_python = host_python


class MissingPackage(PackagingError):
    """The function needs a module that its image does not have.

    ``package`` is what pip calls it; ``base`` the image as Python; ``having`` a runtime that has
    it; ``by_magic``: whether the options stand behind ``%%faas``. ``fix`` is an image that has the
    module, ``advice`` the remedy in words.
    """

    def __init__(
        self,
        function: str,
        module: str,
        image: str,
        package: str | None = None,
        base: str = "Image.python()",
        having: str | None = None,
        by_magic: bool = False,
    ) -> None:
        name = module.partition(".")[0]
        fix = self.fix = f"{base}.pip_install({package or name!r})"
        way = f"img = {fix} in another cell, then %%faas --image img" if by_magic else (
            f"@remote(image={fix})"
        )  # fmt: skip
        other = f"%%faas --image {having}" if by_magic else f"@remote(image={having!r})"
        self.advice = f"Add it: {way}." + (f" Or use {other}, which has it." if having else "")
        self.advice += (
            f" If {name!r} is a file or folder of yours: {base}.add_local_python_source({name!r})."
        )
        if name == "nbfaas":
            self.advice = (
                "Of nbfaas, a sandbox has Context and Event only: it can't start further sandboxes "
                "or emit events. Do that in an ordinary cell, and call helpers directly."
            )
        super().__init__(
            f"function {function!r} needs the module {module!r}, which image {image!r} does not "
            f"have. {self.advice}"
        )
        self.function = function
        self.module = module
        self.image = image


class LoadFailed(PackagingError):
    """The function arrived in the sandbox, but its code raised before it could be called."""

    def __init__(self, function: str, cause: str, traceback_text: str = "") -> None:
        super().__init__(
            f"function {function!r} could not be loaded in its sandbox: {cause}. What the "
            "function refers to (globals, modules, classes) must be importable there."
        )
        self.function = function
        self.traceback_text = traceback_text
