"""What can go wrong with exported functions and their tests."""

from __future__ import annotations

from collections.abc import Iterable

from nbfaas.errors.deploy import DeployError


class NotAnExport(DeployError):
    """A folder does not hold an exported function."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(
            f"{folder} holds no exported function: {reason}. `nbfaas export NAME {folder}` writes "
            "one; for a function in a file give path/to/file.py:function."
        )
        self.folder = folder
        self.reason = reason


class ExportRefused(DeployError):
    """An export would overwrite what it has not written."""

    def __init__(self, folder: str, files: Iterable[str], reason: str) -> None:
        self.folder = folder
        self.files = tuple(files)
        shown = ", ".join(self.files[:5]) + (", …" if len(self.files) > 5 else "")
        super().__init__(
            f"nothing is exported to {folder}: {reason} ({shown}). Move these files away, or "
            "export to another folder."
        )


class RuntimeDiffers(DeployError):
    """An exported function can't be given the packages that it was deployed with."""

    def __init__(self, function: str, differences: Iterable[str]) -> None:
        self.function = function
        self.differences = tuple(differences)
        super().__init__(
            f"{function} can't be given the runtime that it was deployed with: "
            f"{'; '.join(self.differences)}. Deploy the function again from where it is written, "
            "and export that version; or use the exported version's own image (`nbfaas pull`)."
        )


class NothingToTest(DeployError):
    """There is no saved event that a function could be tested with."""

    def __init__(self, function: str, folder: str, reason: str) -> None:
        super().__init__(
            f"there is nothing to test {function!r} with in {folder}: {reason}. Save events in the "
            "simulator or with nbfaas.events.save(event, name), or write them there: each file is "
            "a CloudEvent as JSON. `--event NAME` takes one whatever the function's triggers say."
        )
        self.function = function
        self.folder = folder


class BadExpectation(DeployError, ValueError):
    """What is expected of an event makes no sense."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"the expectation {path} makes no sense: {problem.rstrip('.')}. It is a JSON object "
            "with result, error, matches or triggers; `nbfaas test --update` writes one."
        )
        self.path = path
        self.problem = problem
