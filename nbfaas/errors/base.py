"""The root of all errors, and what is wrong with options and settings."""

from __future__ import annotations


class NbfaasError(Exception):
    """Anything that nbfaas itself raises."""


class ReadableKeyError(KeyError):
    """A ``KeyError`` that is shown as its message, and not as the repr of that."""

    def __str__(self) -> str:
        return str(self.args[0])


class OptionError(NbfaasError, ValueError):
    """An option of a function has a value that makes no sense."""

    def __init__(self, option: str, value: object, wanted: str) -> None:
        super().__init__(f"{option}={value!r} is not valid: {wanted}")
        self.option = option
        self.value = value


class ConfigurationError(NbfaasError):
    """A setting has a value that makes no sense, or settings contradict each other."""
