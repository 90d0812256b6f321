"""The process of the console: one port of 127.0.0.1."""

import asyncio
import json
import signal
import socket
import sys

import hypercorn.asyncio
import hypercorn.config

from local.commands.instance import Instance
from local.console.app import make_app
from local.console.process import listener
from local.console.sources import Sources


def serve(instance: Instance, port: int) -> None:
    """Serve until SIGTERM, SIGINT or the end of stdin.

    Raises:
        ConsoleError: the port is taken.
    """
    asyncio.run(_run(listener(port), instance))


async def _run(listening: socket.socket, instance: Instance) -> None:
    port: int = listening.getsockname()[1]
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listening.fileno()}"]
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    config.include_server_header = False
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    # Whoever started us is gone when the other end of stdin closes, however it died.
    loop.add_reader(sys.stdin.fileno(), stopping.set)
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{port}/"}) + "\n")
    sys.stdout.flush()
    app = make_app(Sources.of(instance), port)
    await hypercorn.asyncio.serve(app, config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]
