"""The journal's answers, each from a connection that only reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from nbfaas.database import Connections
from nbfaas.journal.commit import living_sessions
from nbfaas.journal.database import KIND, explained, query
from nbfaas.journal.entry import LEFT_OUT, Counts, JournaledInvocation
from nbfaas.model.invocation import AttemptStats, InvocationState


class Reader:
    """Answers from the file at ``path``. May be used from any thread; raises ``JournalError``."""

    def __init__(self, path: Path) -> None:
        self._connections = Connections(path, KIND, lambda error: explained(error, path))

    def __repr__(self) -> str:
        return f"<Reader {self._connections.path}>"

    def find(self, invocation: str) -> JournaledInvocation | None:
        rows = self._invocations(query("find"), {"id": invocation})
        return rows[0] if rows else None

    def latest(self, limit: int, filters: dict[str, str | None]) -> list[JournaledInvocation]:
        """The latest queued first; ``filters``: what columns must equal, None for no matter."""
        wanted = {column: value for column, value in filters.items() if value is not None}
        conditions = " AND ".join(f"{column} = :{column}" for column in wanted)
        statement = query("latest")
        if conditions:
            statement = statement.replace("true -- filters", conditions)
        return self._invocations(statement, {"limit": limit, "left_out": LEFT_OUT, **wanted})

    def attempts(self, invocation: str) -> tuple[AttemptStats, ...]:
        with self._connections.one() as connection:
            rows = connection.execute(query("attempts"), {"id": invocation}).fetchall()
        return tuple(_attempt(*row) for row in rows)

    def log(self, invocation: str) -> bytes:
        with self._connections.one() as connection:
            rows = connection.execute(query("log"), {"id": invocation}).fetchall()
        return rows[0][0] if rows else b""

    def counts(self) -> Counts:
        with self._connections.one() as connection:
            by_state = dict(connection.execute(query("counts")).fetchall())
            unfinished = connection.execute(query("unfinished")).fetchall()
            alive = living_sessions(connection)
        lost = sum(count for session, count in unfinished if session not in alive)
        return Counts({InvocationState(state): n for state, n in by_state.items()}, lost)

    def close(self) -> None:
        """Close the connections that are not in use; the next question opens another."""
        self._connections.close()

    def _invocations(
        self, statement: str, parameters: dict[str, object]
    ) -> list[JournaledInvocation]:
        with self._connections.one() as connection:
            rows = connection.execute(statement, parameters).fetchall()
            unfinished = any(row[4] for row in rows)
            alive = living_sessions(connection) if unfinished else set()
        return [_invocation(row, alive) for row in rows]


def _invocation(row: tuple[Any, ...], alive: set[int]) -> JournaledInvocation:
    (id_, function, version, state, unfinished, session, run_id, position, queued_at) = row[:9]
    (finished_at, attempts, error, result, result_note, failure, log) = row[9:]
    return JournaledInvocation(
        id=id_,
        function=function,
        version=version,
        state=InvocationState(state),
        lost=bool(unfinished) and session not in alive,
        run_id=run_id,
        index=position,
        queued_at=queued_at,
        finished_at=finished_at,
        attempts=attempts,
        error=error,
        result=result,
        result_note=result_note,
        failure=None if failure is None else msgspec.json.decode(failure),
        log=log,
    )


def _attempt(attempt: int, state: str, *rest: Any) -> AttemptStats:
    sandbox, started_at, queued, wall, user, system, overhead, peak_memory, cold, error = rest
    return AttemptStats(
        attempt=attempt,
        state=InvocationState(state),
        sandbox=sandbox,
        started_at=started_at,
        queued=queued,
        wall=wall,
        user=user,
        system=system,
        overhead=overhead,
        peak_memory=peak_memory,
        cold_start=bool(cold),
        error=error,
    )
