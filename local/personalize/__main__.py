"""The service alone: `python -m local.personalize --port 0 --state-dir DIR`; prints its URL when it is ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
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


PROGRAM = "python -m local.personalize"
USAGE = """Point unmodified boto3 clients at it:
  AWS_ENDPOINT_URL_PERSONALIZE=URL AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME=URL AWS_ENDPOINT_URL_PERSONALIZE_EVENTS=URL
One line of JSON on standard output says when it is ready, and at which URL. SIGTERM or SIGINT end it; the state stays.
"""


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    given = _arguments()
    endpoint = given.s3_endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    try:
        listener = socket.create_server(("127.0.0.1", given.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"{PROGRAM}: cannot listen on port {given.port}: {getattr(error, 'strerror', None) or error}")
    try:
        service = PersonalizeService(
            given.state_dir,
            time_scale=given.time_scale,
            region=given.region,
            account_id=given.account_id,
            s3_endpoint_url=lambda: endpoint or f"https://s3.{given.region}.amazonaws.com",
            allow_faults=given.allow_faults,
        )
    except OSError as error:
        sys.exit(f"{PROGRAM}: {error.strerror}: {error.filename}")
    asyncio.run(_serve(service, listener))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Amazon Personalize on this machine: its API, statuses and quotas, with models that really learn.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0, the default, takes any free one")
    parser.add_argument(
        "--state-dir", type=Path, default=Path(".nightclass/personalize"), help="kept between starts (%(default)s)"
    )
    parser.add_argument(
        "--time-scale",
        type=_scale,
        default=DEFAULT_TIME_SCALE,
        help="factor on every nominal duration: a training's 900 s last 4.5 s at the default %(default)s",
    )
    parser.add_argument(
        "--region", default=os.environ.get("AWS_DEFAULT_REGION", DEFAULT_REGION), help="in ARNs (%(default)s)"
    )
    parser.add_argument("--account-id", default=DEFAULT_ACCOUNT, help="in ARNs (%(default)s)")
    parser.add_argument(
        "--s3-endpoint", help="where CSV files are; default AWS_ENDPOINT_URL_S3, then AWS_ENDPOINT_URL, then AWS itself"
    )
    parser.add_argument("--allow-faults", action="store_true", help="open POST /_personalize/faults, for tests")
    return parser.parse_args()


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 <= scale < math.inf:
        raise ValueError(text)
    return scale


async def _serve(service: PersonalizeService, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    configuration = Config()
    configuration.bind = [f"fd://{listener.detach()}"]
    configuration.accesslog = configuration.errorlog = None
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    service.start()
    sys.stdout.write(json.dumps({"ready": True, "endpoint": f"http://127.0.0.1:{port}"}) + "\n")
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
