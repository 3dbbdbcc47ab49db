"""One output of a cell that is changed in place."""

from __future__ import annotations

import uuid
from typing import Any


class Live:
    """An output with an id: shown once, then updated, from any thread."""

    def __init__(self, shell: Any) -> None:
        self._publish = shell.display_pub.publish
        self._id = f"nbfaas-{uuid.uuid4().hex[:12]}"
        self._shown = False

    def __repr__(self) -> str:
        return f"<Live {self._id}{'' if self._shown else ' not shown yet'}>"

    def show(self, text: str, html: str) -> None:
        data = {"text/plain": text, "text/html": html}
        update, self._shown = self._shown, True
        self._publish(data, transient={"display_id": self._id}, update=update)
