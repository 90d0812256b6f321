"""`sam local invoke` against the local cloud: what a container needs to reach it and to find its tables."""

import json
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from samtranslator.yaml_helper import yaml_parse

from tests.stack import Stack
from tests.toolchain.sam import Build


def gateway() -> str:
    """The host's address on Docker's default bridge, as containers see it."""
    command = ["docker", "network", "inspect", "bridge", "-f", "{{range .IPAM.Config}}{{.Gateway}}{{end}}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if found:
        return found
    # An engine that made the bridge itself may not list the address.
    shown = subprocess.run(["ip", "-4", "-o", "addr", "show", "docker0"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[3].split("/")[0]


@contextmanager
def reachable(endpoint: str, address: str) -> Iterator[str]:
    """The local cloud listens on 127.0.0.1 only; while this lasts, Docker's bridge reaches it, and nobody else."""
    target = urlsplit(endpoint)

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
    try:
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def deployed_environment(stack: Stack, endpoint: str) -> dict[str, dict[str, str]]:
    """For `--env-vars`: each function's variables as deployed, with the cloud's address as the container sees it."""
    resources = stack.client("cloudformation").describe_stack_resources(StackName="nightclass")["StackResources"]
    functions = {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in resources
        if one["ResourceType"] == "AWS::Lambda::Function"
    }
    found: dict[str, dict[str, str]] = {}
    for logical, physical in functions.items():
        answer = stack.client("lambda").get_function_configuration(FunctionName=physical)
        variables = answer["Environment"]["Variables"]
        found[logical] = {
            **{name: value.replace(stack.endpoint, endpoint) for name, value in variables.items()},
            "AWS_ENDPOINT_URL": endpoint,
        }
    return found


def template_with_endpoint(build: Build) -> Path:
    """The built template, its functions declaring AWS_ENDPOINT_URL: `--env-vars` sets only what is declared."""
    template: dict[str, Any] = yaml_parse(build.template.read_text())
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
    path = build.directory / "template.local.json"
    path.write_text(json.dumps(template, default=str))
    return path
