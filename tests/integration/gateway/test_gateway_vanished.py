"""Clients whose machine vanishes without a word."""

from __future__ import annotations

import asyncio
import socket

from running_gateway import running

from nbfaas.gateway import Limits


async def test_the_kernel_is_asked_to_break_connections_whose_other_machine_is_gone():
    async with running(limits=Limits(body_deadline=12.0)) as place:
        _, writer = await asyncio.open_connection("127.0.0.1", place.port)
        async with asyncio.timeout(20):
            while not (there := place.gateway._server._state.connections):
                await asyncio.sleep(0.01)
        accepted = next(iter(there)).transport.get_extra_info("socket")

        def asked(option: int) -> int:
            return accepted.getsockopt(socket.IPPROTO_TCP, option)

        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert asked(socket.TCP_USER_TIMEOUT) == 12_000
        probes = asked(socket.TCP_KEEPIDLE), asked(socket.TCP_KEEPINTVL), asked(socket.TCP_KEEPCNT)
        assert probes == (4, 4, 2)
        writer.close()
        await writer.wait_closed()
