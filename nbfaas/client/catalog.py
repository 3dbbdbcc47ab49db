"""Changing the catalog of a server: deploying there, leading aliases. Once each, over the link."""

from __future__ import annotations

import concurrent.futures
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbfaas.client.uploads import Uploads
from nbfaas.errors.serve import ServerGone
from nbfaas.model.failures import told
from nbfaas.model.session import Answered, Cancel, CatalogChange, Command, Deploy, Lead, RollBack
from nbfaas.remote.deploy import Deployed

if TYPE_CHECKING:
    from nbfaas.remote.deploy import NewVersion, Stages


class ServerCatalog:
    """Methods block; any thread but the loop's may call them. All raise ``ServerGone``, and what is
    raised there. ``send`` gets the commands."""

    def __init__(
        self,
        url: str,
        send: Callable[[Command], None],
        new_id: Callable[[], str],
        check_may_wait: Callable[[str], None],
        uploads: Uploads,
    ) -> None:
        self._url = url
        self._send = send
        self._new_id = new_id
        self._check_may_wait = check_may_wait
        self._uploads = uploads
        self._asked: dict[str, concurrent.futures.Future[Answered]] = {}

    def __repr__(self) -> str:
        return f"<ServerCatalog of {self._url}, {len(self._asked)} changes under way>"

    def deploy(self, new: NewVersion, alias: str | None, stages: Stages) -> Deployed:
        """Have the server make a version. Raises ``PythonMismatch``, ``PayloadTooLarge``, and what
        deploying raises. Ctrl-C has it given up, unless it is nearly done."""
        from nbfaas.images.sources import Sources

        manifest = new.manifest
        sources = Sources(str(new.spec), new.spec.python_sources).files
        data = manifest.to_json()
        size = len(data) + len(new.payload) + sum(map(len, sources.values()))
        self._uploads.check(manifest.function, manifest.entry, size)
        change = Deploy(self._new_id(), data, new.payload, sources, alias)
        began = time.perf_counter()
        answer = self._ask(change)
        deployed = answer.deployed
        assert deployed is not None
        sending = time.perf_counter() - began - sum(deployed.stages.values())
        return Deployed(
            manifest.name,
            deployed.version,
            deployed.content_hash,
            deployed.image,
            deployed.digest,
            deployed.built,
            {**stages.seconds, "sending": max(0.0, sending), **deployed.stages},
            alias,
            self._url,
            answer.served,
        )

    def set_alias(
        self,
        function: str,
        alias: str,
        version: str | None = None,
        canary: str | None = None,
        weight: float | None = None,
    ) -> tuple[str, str]:
        """Where it leads now, as ``prod → v3``; and how the function is served."""
        answer = self._ask(Lead(self._new_id(), function, alias, version, canary, weight))
        return answer.alias, answer.served

    def rollback(self, function: str, alias: str) -> tuple[str, str]:
        """The same of an alias that is to lead where it led before."""
        answer = self._ask(RollBack(self._new_id(), function, alias))
        return answer.alias, answer.served

    def _ask(self, change: CatalogChange) -> Answered:
        self._check_may_wait(change.id)
        asked: concurrent.futures.Future[Answered] = concurrent.futures.Future()
        self._asked[change.id] = asked
        try:
            self._send(change)
            answer = asked.result()
        except KeyboardInterrupt:
            with contextlib.suppress(ServerGone):
                self._send(Cancel((change.id,)))
            raise
        except ServerGone as gone:
            gone.add_note(
                "(Whether it was done nevertheless, %faas versions tells, once connected again. "
                "The same function deployed again is the same version.)"
            )
            raise
        finally:
            self._asked.pop(change.id, None)
        if answer.error is not None:
            error = told(answer.error)
            for note in (*answer.notes, f"(On the server {self._url}.)"):
                error.add_note(note)
            raise error
        return answer

    # -- on the loop's thread

    def answered(self, answer: Answered) -> None:
        asked = self._asked.get(answer.id)
        if asked is not None and not asked.done():
            asked.set_result(answer)

    def fail_all(self, gone: ServerGone) -> None:
        """Nothing more will be heard of what is under way."""
        for asked in list(self._asked.values()):
            if not asked.done():
                asked.set_exception(gone.again())
