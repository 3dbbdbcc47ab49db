"""What a remote function becomes where it is referred to inside a sandbox."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn


class RemoteCallInSandbox(RuntimeError):
    """A function that runs in a sandbox tried to start another one."""

    def __init__(self, name: str, attribute: str) -> None:
        super().__init__(
            f"{name}.{attribute} was used inside a sandbox, which can't start further sandboxes. "
            f"Call it directly, {name}(...): it then runs as plain Python in this sandbox."
        )


class LocalFunction:
    """A plain function under a remote function's name: calling it calls the function."""

    def __init__(self, fn: Callable[..., Any], name: str) -> None:
        self.fn = fn
        self.name = name
        functools.update_wrapper(self, fn, updated=())

    def __repr__(self) -> str:
        return f"<LocalFunction {self.name}>"

    def __reduce__(self) -> tuple[object, ...]:
        return LocalFunction, (self.fn, self.name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def _refuse(self, attribute: str) -> NoReturn:
        raise RemoteCallInSandbox(self.name, attribute)

    @property
    def remote(self) -> NoReturn:
        self._refuse("remote")

    @property
    def spawn(self) -> NoReturn:
        self._refuse("spawn")

    @property
    def map(self) -> NoReturn:
        self._refuse("map")

    @property
    def starmap(self) -> NoReturn:
        self._refuse("starmap")

    def with_options(self, **options: object) -> LocalFunction:
        """Options are the sandbox's, and this one is running already; they change nothing here."""
        return self
