"""What a container of `sam local invoke` needs: a way to the local cloud, and the names of the deployed tables."""

import json
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from samtranslator.yaml_helper import yaml_parse

DESKTOP = "host.docker.internal"


def gateway() -> str:
    """This machine's address on Docker's default bridge; Docker Desktop's name for it where there is no bridge."""
    with suppress(OSError, subprocess.CalledProcessError, IndexError):
        command = ["ip", "-4", "-o", "addr", "show", "docker0"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return shown.split()[3].split("/")[0]
    return DESKTOP


@contextmanager
def reachable(endpoint: str) -> Iterator[str]:
    """The local cloud listens on 127.0.0.1 only: while this lasts, containers reach it, and nobody else does.

    Yields:
        The endpoint as a container has to call it.
    """
    target = urlsplit(endpoint)
    address = gateway()
    if address == DESKTOP:
        # Docker Desktop hands calls to this name on to 127.0.0.1 by itself.
        yield f"http://{DESKTOP}:{target.port}"
        return

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((str(target.hostname), int(target.port or 80))) as upstream:
                back = threading.Thread(target=_pump, args=(upstream, self.request), daemon=True)
                back.start()
                _pump(self.request, upstream)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server((address, 0), Forward) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{address}:{server.server_address[1]}"
        finally:
            server.shutdown()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def deployed_environment(endpoint: str, seen_from_container: str, stack: str = "nightclass") -> dict[str, Any]:
    """For `--env-vars`: each function's variables as deployed, addresses as a container has to call them."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="ap-southeast-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    found: dict[str, Any] = {}
    for resource in client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]:
        if resource["ResourceType"] == "AWS::Lambda::Function":
            function = client("lambda").get_function_configuration(FunctionName=resource["PhysicalResourceId"])
            variables = function["Environment"]["Variables"].items()
            here = {name: value.replace(endpoint, seen_from_container) for name, value in variables}
            found[resource["LogicalResourceId"]] = {**here, "AWS_ENDPOINT_URL": seen_from_container}
    return found


def template_with_endpoint(built: Path) -> Path:
    """A copy of the built template that declares AWS_ENDPOINT_URL, as `--env-vars` sets only what is declared."""
    template: dict[str, Any] = yaml_parse(built.read_text())
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
    path = built.with_name("template.local.json")
    path.write_text(json.dumps(template, default=str))
    return path
