"""One HTTP connection: uvicorn's protocol, with the deadlines and caps that it lacks.

What a client may not do (a head that never ends, too many headers, a body that trickles) is
decided here, below the application. The application in turn tells which request is running, so
that it is cancelled when its client goes away.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from nbfaas.gateway.limits import Limits
from nbfaas.gateway.response_transport import ResponseTransport, refusal

if TYPE_CHECKING:
    from uvicorn.config import Config

    from nbfaas.gateway.connections import Connections

LOGGER = logging.getLogger("nbfaas.gateway")
_LINGER = (
    2.0  # seconds that the rest of a refused request is read for, so that the client hears why
)
_OVERHEAD = 6  # bytes on the wire for each byte of a body: chunks of one byte take that much
_SLACK = 512 * 1024

_IDLE, _HEAD, _BODY = "idle", "head", "body"


class GatewayProtocol(HttpToolsProtocol):
    """``running`` is the request that is being served; ``gone``: the client went away."""

    def __init__(
        self, limits: Limits, config: Config, state: Connections, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(config=config, server_state=state, app_state={}, _loop=loop)
        self.logger = LOGGER
        self.access_log = False
        self.gone = False
        self._all = state
        self._limits = limits
        self._running: tuple[RequestResponseCycle, asyncio.Task[Any]] | None = None
        self._out = ResponseTransport(self)
        self._phase = _IDLE
        self._message = 0  # counts requests
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for: tuple[int, str] = (0, "")
        self._deaf = False  # whatever comes in now is ignored
        self._verdict = (400, "this is no HTTP request")
        self._hung_up = False  # nothing more is written
        self._stalled: asyncio.TimerHandle | None = None
        self._pending: bytes | None = None  # a refusal that has to wait for an earlier response
        self._head_size = self._header_count = self._received = self._body_size = 0
        self._body_before = 0  # at the last look at the clock

    # -- what the application says

    def began(self, scope: Any, request: asyncio.Task[Any]) -> None:
        """``request`` serves the request of ``scope``, and is to be cancelled with it."""
        self._running = scope["state"]["cycle"], request

    def ended(self) -> None:
        """It is about to be answered, if at all; head and body go out together."""
        self._running = None
        self._out.hold()

    def streams(self, scope: Any, request: asyncio.Task[Any]) -> None:
        """Its answer goes out piece by piece; until it is over, it is to be cancelled as above."""
        self._out.flush()
        self.began(scope, request)

    @property
    def closing(self) -> bool:
        """The gateway is about to hang up."""
        return self._all.closing

    # -- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._all.closing or len(self.connections) > 2 * self._limits.connections:
            transport.abort()
        elif len(self.connections) > self._limits.connections:
            self._deaf = True
            detail = f"there are {self._limits.connections} connections, and no more may be"
            self._write_refusal(503, detail, b"retry-after: 1\r\n")
            self.close_gently()
        else:
            self._arm((1, _HEAD), self._limits.header_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._disarm()
        self._unset_keepalive_if_required()
        if self._stalled is not None:
            self._stalled.cancel()
        self.pipeline.clear()
        super().connection_lost(exc)
        self._all.left()
        if self._running is not None:
            cycle, request = self._running
            cycle.disconnected = True
            request.cancel()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._received += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._hang_up_after_response()  # what follows would not be HTTP/1.1
        except httptools.HttpParserError:
            self._refuse(*self._verdict)
        else:
            self._watch()

    def _hang_up_after_response(self) -> None:
        self._deaf = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    # -- the parser's calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._phase = _HEAD
        self._message += 1
        self._head_size = self._header_count = self._received = self._body_size = 0
        self._body_before = 0  # at the last look at the clock
        self.scope["state"] = {"connection": self}

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._head_size += len(url)
        if self._head_size > self._limits.header_size:
            self._overflow(414, f"the URL has more than {self._limits.header_size:,} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_count += 1
        self._head_size += len(name) + len(value) + 4
        if self._header_count > self._limits.header_count:
            self._overflow(431, f"there are more than {self._limits.header_count} headers")
        if self._head_size > self._limits.header_size:
            self._overflow(431, f"the headers have more than {self._limits.header_size:,} bytes")
        if self._phase is _HEAD:  # a trailer must not pass for a header that was checked
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._unset_keepalive_if_required()
        super().on_headers_complete()
        self._phase = _BODY
        self.cycle.transport = cast(asyncio.Transport, self._out)
        self.scope["state"]["cycle"] = self.cycle

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._phase = _IDLE

    def on_response_complete(self) -> None:
        self._out.flush()
        if self._hung_up:
            self.server_state.total_requests += 1
            self.pipeline.clear()
            return
        if self._deaf and not self.pipeline:
            self.server_state.total_requests += 1
            if self._pending is not None:
                self.transport.write(self._pending)
                self.close_gently()
            return
        super().on_response_complete()

    # -- deadlines and caps

    def _watch(self) -> None:
        """After each piece of input: is the deadline the right one, and the size within bounds?"""
        if self._phase is _IDLE:
            if self._message >= self._timer_for[0]:  # empty lines before a request are none
                self._disarm()
            return
        if self._phase is _HEAD:
            if self._received > self._limits.header_size + _SLACK // 8:
                # One endless header: the parser would keep collecting it.
                self._refuse(431, f"the headers have more than {self._limits.header_size:,} bytes")
                return
            seconds = self._limits.header_deadline
        else:
            if self._received > self._head_size + _OVERHEAD * self._body_size + _SLACK:
                self._refuse(400, "the body is wrapped in far more than it has bytes")
                return
            seconds = self._limits.body_deadline
        if self._timer is None or self._timer_for != (self._message, self._phase):
            self._arm((self._message, self._phase), seconds)

    def _arm(self, what: tuple[int, str], seconds: float) -> None:
        self._disarm()
        self._timer_for = what
        self._timer = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._phase is _BODY:
            came, self._body_before = self._body_size - self._body_before, self._body_size
            # Nothing was read, since an earlier request is being answered; or it is just large.
            if self.pipeline or came >= self._limits.body_pace:
                self._arm(self._timer_for, self._limits.body_deadline)
                return
            limit = self._limits.body_deadline
            self._refuse(408, f"the body did not arrive within {limit:g} s")
        elif self._phase is _HEAD:
            limit = self._limits.header_deadline
            self._refuse(408, f"the headers did not arrive within {limit:g} s")
        else:
            self.transport.close()  # it never said a word

    def _overflow(self, status: int, detail: str) -> None:
        self._verdict = status, detail
        raise OverflowError(detail)  # stops the parser, which turns it into an error of its own

    def _refuse(self, status: int, detail: str) -> None:
        """Answer the request that is being received with a problem, and hang up; an earlier one
        that is being served is answered first."""
        self._deaf = True
        self._disarm()
        cycle = self.cycle
        if self._phase is _BODY:  # so the application has the request
            if self.pipeline:
                self.pipeline.popleft()  # or would have had it next
                self._pending = refusal(status, detail)
                return
            cycle.disconnected = True  # what is still sent goes nowhere
            cycle.message_event.set()
            if self._running is not None:
                self._running[1].cancel()
            if cycle.response_started:
                self.transport.abort()
                return
        elif cycle is not None and not cycle.response_complete:
            self._pending = refusal(status, detail)
            return
        self._write_refusal(status, detail)
        self.close_gently()

    def _write_refusal(self, status: int, detail: str, header: bytes = b"") -> None:
        self.transport.write(refusal(status, detail, header))

    # -- the end

    def shutdown(self) -> None:
        """Hang up as soon as what is being served is answered."""
        if self._running is not None:
            self._running[0].keep_alive = False
            self.pipeline.clear()
        super().shutdown()

    def close_gently(self) -> None:
        """Close so that what was written arrives: a socket that is closed while input is unread
        resets the connection, and the client would never see why it was refused."""
        self._out.flush()
        self._disarm()
        self._unset_keepalive_if_required()
        unread = self._deaf or self._phase is not _IDLE
        self._deaf = self._hung_up = True
        if unread and not self.transport.is_closing() and self.transport.can_write_eof():
            try:
                self.transport.write_eof()
            except OSError:  # the client was faster
                self.transport.abort()
                return
            self.flow.resume_reading()
            self._timer = self.loop.call_later(_LINGER, self._close)
        else:
            self._close()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
        self._watch_writing()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def _watch_writing(self, before: int | None = None) -> None:
        """Cut off a client that takes nothing of its answer for the length of a deadline."""
        unsent = self.transport.get_write_buffer_size()
        if before is None and self._stalled is not None:
            return
        self._stalled = None
        if unsent == before:
            self.transport.abort()
        elif unsent:
            seconds = self._limits.body_deadline
            self._stalled = self.loop.call_later(seconds, self._watch_writing, unsent)
