"""What is wrong with templates, bursts and saved events."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nbfaas.errors.base import NbfaasError, ReadableKeyError


class SimulatorError(NbfaasError):
    """An event can't be made, saved or tried out as asked."""


class UnknownTemplate(SimulatorError, ReadableKeyError):
    """No template has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"no template is called {name!r}; {nearest(name, known)}")
        self.name = name


class BadTemplateParameter(SimulatorError, ValueError):
    """A template has no such parameter, or it is given a value that makes no sense."""

    def __init__(self, template: str, parameter: str, problem: str) -> None:
        super().__init__(f"the template {template!r}: {parameter}: {problem}")
        self.template = template
        self.parameter = parameter
        self.problem = problem


class BadBurst(SimulatorError, ValueError):
    """A burst's option, or one of its variations, makes no sense."""

    def __init__(self, option: str, value: object, wanted: str) -> None:
        super().__init__(f"the burst's {option}={value!r} is not valid: {wanted}")
        self.option = option
        self.value = value


class BadEventName(SimulatorError, ValueError):
    """An event can't be saved under this name."""

    def __init__(self, name: object) -> None:
        super().__init__(
            f"{name!r} can't be the name of a saved event: it becomes the name of a file, so use "
            "letters, digits, and inside also blanks and . _ - + @, at most 100 of them"
        )
        self.name = name


class UnknownSavedEvent(SimulatorError, ReadableKeyError):
    """No event is saved under this name."""

    def __init__(self, name: str, folder: str, known: Iterable[str]) -> None:
        super().__init__(f"no event is saved as {name!r} in {folder}; {nearest(name, known)}")
        self.name = name


class SavedEventUnusable(SimulatorError):
    """The file of a saved event can't be read or written, or holds no CloudEvent."""

    def __init__(self, path: str, reason: str, fix: str) -> None:
        super().__init__(f"the saved event {path} can't be used: {reason}. {fix}")
        self.path = path
        self.reason = reason


class UnknownFunction(SimulatorError, ReadableKeyError):
    """No function of this session has this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"no function of this session is called {name!r}; {nearest(name, known)}. Run its "
            "cell, or import its module, first."
        )
        self.name = name


def nearest(name: str, known: Iterable[str]) -> str:
    """``did you mean 'a'? There are 'a', 'b'``."""
    names = list(known)
    if not names:
        return "there is none yet"
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    listed = ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
    there = f"there are {listed}" if len(names) > 1 else f"there is {listed}"
    return f"did you mean {close[0]!r}? {there[0].upper()}{there[1:]}" if close else there
