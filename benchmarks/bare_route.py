"""A bare starlette route, what HTTP alone costs here: uvicorn's own protocol, starlette's routing,
request and response, and nothing behind them.

``python -m benchmarks.bare_route`` serves it until it is ended; it prints its port.
"""

from __future__ import annotations

import asyncio


async def bare_server() -> tuple[int, asyncio.Server]:
    """uvicorn's own protocol, with starlette's own routing, request and response."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import ServerState

    async def orders(request: Request) -> JSONResponse:
        return JSONResponse({"total": (await request.json())["total"]})

    app = Starlette(routes=[Route("/orders", orders, methods=["POST"])])
    config = Config(
        app, http="httptools", ws="none", lifespan="off", log_config=None, proxy_headers=False
    )
    config.load()
    loop = asyncio.get_running_loop()
    state = ServerState()
    server = await loop.create_server(
        lambda: HttpToolsProtocol(config, state, {}, loop), "127.0.0.1", 0
    )
    return int(server.sockets[0].getsockname()[1]), server


async def _main() -> None:
    port, server = await bare_server()
    print(port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
