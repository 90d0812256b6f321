"""The process of the local cloud: the emulator, its repairs and Amazon Personalize behind one port of 127.0.0.1."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from local.cloud import ACCOUNT_ID, REGION
from local.cloud.nursery import Nursery
from local.personalize.service import PersonalizeService

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
# What AWS has no API for: our own doors, and the emulator's.
_DOORS: Final = ("/_nightclass/", "/_ministack/")


def serve(state_dir: Path, port: int, time_scale: float) -> None:
    """Serve until SIGTERM, SIGINT or the end of stdin, then save the state and end every function process.

    Raises:
        OSError: the port is taken.
    """
    listener = _bind(port)
    endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    temporary = state_dir / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    os.environ.update(_settings(state_dir, endpoint, time_scale))
    try:
        asyncio.run(_run(listener, endpoint, state_dir, time_scale))
    finally:
        _end_functions()
        shutil.rmtree(temporary, ignore_errors=True)


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(256)
    except (OSError, OverflowError) as error:
        raise OSError(f"cannot listen on 127.0.0.1:{port}: {getattr(error, 'strerror', None) or error}") from error
    return listener


def _settings(state_dir: Path, endpoint: str, time_scale: float) -> dict[str, str]:
    """What the emulator reads at import, and what every function process inherits."""
    return {
        # The emulator: one port of loopback, state in our directory.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": endpoint.rsplit(":", 1)[1],
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state_dir / "aws"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state_dir / "s3"),
        "TMPDIR": str(state_dir / "tmp"),
        "SFN_WAIT_SCALE": repr(time_scale),
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": repr(max(60 * time_scale, 0.1)),
        "LOG_LEVEL": "WARNING",
        # No container engine is asked for, even where one runs.
        "DOCKER_HOST": f"unix://{state_dir / 'no-container-engine'}",
        # Functions and our own clients: this account only, whatever the user's home directory configures.
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


async def _run(listener: socket.socket, endpoint: str, state_dir: Path, time_scale: float) -> None:
    import hypercorn.asyncio
    import hypercorn.config
    import ministack.app

    from local import compat
    from local.cloud.archive import archived_events, latest_events
    from local.cloud.inbox import latest_mails
    from local.cloud.tokens import token_answer

    compat.apply(time_scale)
    nursery = Nursery() if sys.platform == "linux" else None
    compat.functions.start_quickly(nursery.start if nursery is not None else None)
    personalize = _personalize(state_dir, time_scale, endpoint)

    own_answers = {
        "/_nightclass/tokens": token_answer,
        "/_nightclass/events": archived_events,
        "/_nightclass/timeline": latest_events,
        "/_nightclass/mails": latest_mails,
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(_DOORS) and not _is_from_a_program(scope, listener.getsockname()[1]):
            await _say(send, 403, {"message": "this door opens to programs of this machine only"})
        elif own := own_answers.get(path):
            await _answer(own, receive, send)
        else:
            await ministack.app.app(scope, receive, send)

    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 3
    config.loglevel = "WARNING"

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    threading.Thread(target=_watch_stdin, args=(loop, stopping), daemon=True).start()
    sys.stdout.write(json.dumps({"endpoint": endpoint}) + "\n")
    sys.stdout.flush()
    personalize.start()
    try:
        await hypercorn.asyncio.serve(app, config, shutdown_trigger=stopping.wait)  # type: ignore[arg-type]
    finally:
        personalize.close()
        if nursery is not None:
            nursery.close()


def _is_from_a_program(scope: Scope, port: int) -> bool:
    """Whether no web page asks: a browser names the page (Origin), or the name that it was led here by (Host).

    A name whose owner has it resolve to 127.0.0.1 would else read every mail (DNS rebinding).
    """
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    ours = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
    return b"origin" not in headers and headers.get(b"host") in ours


async def _answer(answer: Callable[[dict[str, Any]], dict[str, Any]], receive: Receive, send: Send) -> None:
    """Answer the JSON of a request with JSON; 404 where the answer raises LookupError, 400 for what it cannot read."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    try:
        status, document = 200, answer(json.loads(body))
    except LookupError as error:
        status, document = 404, {"message": f"there is no {error}"}
    except (ValueError, TypeError, AttributeError) as error:
        status, document = 400, {"message": f"not understood: {error}"}
    await _say(send, status, document)


async def _say(send: Send, status: int, document: Mapping[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(document).encode()})


def _watch_stdin(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """Stop when the process that started us is gone: its end of the pipe closes however it died."""
    if sys.stdin.isatty():
        return
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stopping.set)


def _personalize(state_dir: Path, time_scale: float, endpoint: str) -> PersonalizeService:
    """Amazon Personalize behind the emulator's router; all its three APIs sign as `personalize`."""
    import ministack.app
    from ministack.core import router

    service = PersonalizeService(
        state_dir / "personalize",
        time_scale=time_scale,
        region=REGION,
        account_id=ACCOUNT_ID,
        s3_endpoint_url=lambda: os.environ.get("AWS_ENDPOINT_URL_S3", endpoint),
    )
    ministack.app.SERVICE_HANDLERS["personalize"] = service.handle
    router.SERVICE_PATTERNS["personalize"] = {"target_prefixes": ["AmazonPersonalize"]}
    return service


def _end_functions() -> None:
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if runtime is not None:
        runtime.reset()
