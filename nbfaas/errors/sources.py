"""What keeps the sources of events from working."""

from __future__ import annotations

from nbfaas.errors.delivery import TriggerError


class PathUnreadable(TriggerError, OSError):
    """A file or folder that a file trigger has to look at can't be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path} can't be read: {reason}. Until it can, no file of this trigger is looked at, "
            "because what is not seen would be taken for deleted. Make it readable for this user "
            "(`chmod`, `chown`), or choose a pattern that leaves it out."
        )
        self.path = path
        self.reason = reason
