"""``context.logger``: a logger of the standard library that works without being configured."""

from __future__ import annotations

import logging
import sys


def function_logger(name: str) -> logging.Logger:
    """The logger ``name``. Unless the function has set it up otherwise, records of INFO and above
    are written to stderr, which is the invocation's output, as ``INFO name: text``."""
    logger = logging.getLogger(name)
    if not any(isinstance(handler, _OutputHandler) for handler in logger.handlers):
        logger.addHandler(_OutputHandler(logger))
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    return logger


class _OutputHandler(logging.Handler):
    """Writes what no other handler will: once the function has called ``logging.basicConfig``, or
    given the logger a handler of its own, nothing is written twice."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if self._others():
            return
        try:
            # Looked up each time: the function may have put another stream in its place.
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # noqa: BLE001 - a logger never fails the code that logs
            self.handleError(record)

    def _others(self) -> bool:
        logger: logging.Logger | None = self._logger
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False
