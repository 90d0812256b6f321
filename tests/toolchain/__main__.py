"""`python -m tests.toolchain`: lets `sam local invoke` work on the running local cloud, until Ctrl-C.

Needs `nightclass up` and `sam build` before it, and a container engine.
"""

import json
import subprocess
import sys
import threading
from contextlib import suppress

import click

from tests.stack import ROOT
from tests.toolchain.container import deployed_environment, reachable, template_with_endpoint


def main() -> int:
    """Open the way, write what `sam local invoke` needs, say how to call it, and wait."""
    built = ROOT / ".aws-sam" / "build" / "template.yaml"
    if not built.exists():
        click.echo("nothing is built yet: sam build", err=True)
        return 1
    command = [sys.executable, "-m", "local", "status", "--json"]
    status = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if status.returncode:
        return 1
    endpoint = json.loads(status.stdout)["endpoint"]
    with reachable(endpoint) as seen_from_container:
        variables = ROOT / ".aws-sam" / "environment.json"
        variables.write_text(json.dumps(deployed_environment(endpoint, seen_from_container), indent=2))
        template = template_with_endpoint(built)
        click.echo(f"containers reach the local cloud at {seen_from_container}; in another terminal, for instance:")
        options = f"-t {template.relative_to(ROOT)} --env-vars {variables.relative_to(ROOT)}"
        overrides = "--parameter-overrides PythonRuntime=python3.13 Architecture=x86_64  # as in sam build"
        click.echo(
            f"  .venv-sam/bin/sam local invoke PutStudentFunction {options} -e events/put_student.json {overrides}"
        )
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
