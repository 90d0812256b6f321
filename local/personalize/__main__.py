"""The service alone: `python -m local.personalize --port 0 --state-dir DIR`; prints its URL when it is ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from local.personalize.service import DEFAULT_ACCOUNT, DEFAULT_REGION, DEFAULT_TIME_SCALE, PersonalizeService

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m local.personalize", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--state-dir", type=Path, default=Path(".nightclass/personalize"))
    parser.add_argument("--time-scale", type=float, default=DEFAULT_TIME_SCALE)
    parser.add_argument("--region", default=os.environ.get("AWS_DEFAULT_REGION", DEFAULT_REGION))
    parser.add_argument("--account-id", default=DEFAULT_ACCOUNT)
    parser.add_argument("--s3-endpoint", help="default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, then AWS itself")
    parser.add_argument("--allow-faults", action="store_true", help="open POST /_personalize/faults")
    given = parser.parse_args()
    endpoint = given.s3_endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    service = PersonalizeService(
        given.state_dir,
        time_scale=given.time_scale,
        region=given.region,
        account_id=given.account_id,
        s3_endpoint_url=lambda: endpoint or f"https://s3.{given.region}.amazonaws.com",
        allow_faults=given.allow_faults,
    )
    asyncio.run(_serve(service, given.port))


async def _serve(service: PersonalizeService, port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port))
    configuration = Config()
    configuration.bind = [f"fd://{listener.detach()}"]
    configuration.accesslog = configuration.errorlog = None
    bound = socket.socket(fileno=os.dup(int(configuration.bind[0].removeprefix("fd://")))).getsockname()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    service.start()
    sys.stdout.write(json.dumps({"ready": True, "endpoint": f"http://127.0.0.1:{bound[1]}"}) + "\n")
    sys.stdout.flush()
    try:
        await serve(application(service), configuration, shutdown_trigger=stopped.wait)
    finally:
        service.close()


def application(service: PersonalizeService) -> ASGIFramework:
    """The service as an ASGI application."""

    async def answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status, headers, content = await service.handle(scope["method"], scope["path"], names, body, {})
        raw = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        raw.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": raw, "trailers": False})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return cast("ASGIFramework", answer)


if __name__ == "__main__":
    main()
