"""What is wrong with a magic or its cell."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError


class MagicError(NbfaasError):
    """A magic was written in a way that makes no sense."""


class CellError(MagicError):
    """The cell can't be run in a sandbox as it is."""


class NamesNotPulled(MagicError):
    """``--pull`` asked for names that the cell did not define, or that can't be brought back.

    ``missing`` are the names that the cell did not define, ``refused`` maps others to the reason.
    """

    def __init__(self, missing: tuple[str, ...], refused: dict[str, str]) -> None:
        parts = []
        if missing:
            names = ", ".join(map(repr, missing))
            parts.append(f"the cell ended without defining {names}")
        parts += [f"{name!r} can't be brought back: {reason}" for name, reason in refused.items()]
        super().__init__(
            f"--pull: {'; '.join(parts)}. The cell has run, and the other names were brought back."
        )
        self.missing = missing
        self.refused = refused
