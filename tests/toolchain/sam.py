"""The SAM CLI in its own environment: it pins another botocore than the local cloud."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.stack import ROOT

SAM: Final = ROOT / ".venv-sam" / "bin" / "sam"
# `sam build` wants the interpreter of the template's Runtime on the PATH; this one is there.
MINOR: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
PARAMETERS: Final = (f"PythonRuntime={MINOR}", "Architecture=x86_64")


@dataclass(frozen=True)
class Build:
    """A build directory of `sam build`."""

    directory: Path

    @property
    def template(self) -> Path:
        """The template that names the artefacts."""
        return self.directory / "template.yaml"

    @property
    def layer(self) -> Path:
        """What is mounted at /opt."""
        return self.directory / "DependenciesLayer"

    def files(self, logical_id: str) -> list[Path]:
        """Files of an artefact, relative to it."""
        root = self.directory / logical_id
        return sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())


def sam(
    *command: str, configured: bool = True, timeout: float = 280, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `sam`; no telemetry, no account, the project's samconfig.toml if `configured`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    surroundings = {
        "HOME": os.environ.get("HOME", "/"),
        "PATH": path,
        "LANG": "C.UTF-8",
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "DOCKER_"))},
        **environment,
    }
    return subprocess.run(
        [str(SAM), *command, *(("--config-file", str(ROOT / "samconfig.toml")) if configured else ())],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
