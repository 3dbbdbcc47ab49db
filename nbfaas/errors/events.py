"""What is wrong with events, rules and triggers."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError


class BadPattern(NbfaasError, ValueError):
    """An event pattern makes no sense.

    ``place`` leads to the culprit inside the pattern, as a JSON path: ``$.data.total[0].numeric``.
    """

    def __init__(self, place: str, problem: str, fix: str = "") -> None:
        hint = f" {fix}" if fix else ""
        super().__init__(f"the event pattern is not valid at {place}: {problem}.{hint}")
        self.place = place
        self.problem = problem
        self.fix = fix


class BadTransformer(NbfaasError, ValueError):
    """An input transformer makes no sense; ``place`` is where, as a JSON path."""

    def __init__(self, place: str, problem: str, fix: str = "") -> None:
        hint = f" {fix}" if fix else ""
        super().__init__(f"the input transformer is not valid at {place}: {problem}.{hint}")
        self.place = place
        self.problem = problem
        self.fix = fix
