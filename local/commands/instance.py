"""The running local cloud of a state directory, as `up` wrote it down for the other commands."""

import fcntl
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import click
from click.core import ParameterSource

from local.cloud import client
from local.commands.options import CommandError
from local.identity import issue_token

_RUNTIME = "runtime.json"
_LOCK = "up.lock"
_OFFICE = "console"


@dataclass(frozen=True)
class Instance:
    """A running local cloud with the stack deployed.

    Attributes:
        pid: process of `nightclass up`.
        port: port on 127.0.0.1.
        endpoint: base URL of every AWS service.
        time_scale: factor on every wait and job duration.
        started_at: epoch seconds.
        outputs: the stack's outputs; addresses name the local endpoint.
        console_url: where the console's pages are; None where it is not served.
    """

    pid: int
    port: int
    endpoint: str
    time_scale: float
    started_at: int
    outputs: Mapping[str, str]
    console_url: str | None = None

    @classmethod
    def of(cls, state_dir: Path) -> Self:
        """The instance that runs on a state directory.

        Raises:
            CommandError: none runs, or it is not ready yet.
        """
        if not is_locked(state_dir):
            raise CommandError(f"nothing runs on {state_dir}; `nightclass up --state-dir {state_dir}` starts it")
        try:
            return cls(**json.loads((state_dir / _RUNTIME).read_text()))
        except (FileNotFoundError, ValueError):
            raise CommandError(f"the local cloud on {state_dir} is still starting or already stopping") from None

    def write(self, state_dir: Path) -> None:
        """Let the other commands find this instance."""
        draft = state_dir / f"{_RUNTIME}.new"
        draft.write_text(json.dumps(asdict(self), indent=2))
        draft.replace(state_dir / _RUNTIME)

    def ready(self) -> dict[str, Any]:
        """What `up` prints once everything answers."""
        outputs = self.outputs
        return {
            "ready": True,
            "endpoint": self.endpoint,
            "apiUrl": outputs["ApiUrl"],
            "consoleUrl": self.console_url,
            "eventBus": outputs["EventBusName"],
            "stateMachineArn": outputs["StateMachineArn"],
            "tables": {
                "students": outputs["StudentsTable"],
                "interactions": outputs["InteractionsTable"],
                "classActivity": outputs["ClassActivityTable"],
                "operations": outputs["OperationsTable"],
            },
            "bucket": outputs["LakeBucket"],
            "datasetGroupArn": outputs["DatasetGroupArn"],
            "campaignName": outputs["CampaignName"],
        }

    def client(self, service: str, **options: Any) -> Any:  # noqa: ANN401 - typed where it is assigned
        """A boto3 client of this account, with settings of botocore's Config.

        It talks to `AWS_ENDPOINT_URL_<SERVICE>` where that is set.
        """
        return client(self.endpoint, service, **options)

    def operation(self, pk: str, sk: str) -> Mapping[str, Any]:
        """A row of Operations as DynamoDB writes it; empty where there is none."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        answer = self.client("dynamodb").get_item(TableName=self.outputs["OperationsTable"], Key=key)
        found: Mapping[str, Any] = answer.get("Item", {})
        return found

    def token(self, user: str, role: str | None = None, expires_in: int = 3600) -> str:
        """An access token of `user`, who is created where needed."""
        pool, app = self.outputs["UserPoolId"], self.outputs["UserPoolClientId"]
        return issue_token(self.endpoint, pool, app, user, role, expires_in)

    def office_token(self, expires_in: int = 3600) -> str:
        """An access token of the school's office: an admin of the laptop's own, who may ask about everybody.

        So nobody whose name is merely asked for becomes a user of the pool.
        """
        return self.token(_OFFICE, "admin", expires_in)


@contextmanager
def occupied(state_dir: Path) -> Iterator[None]:
    """Hold a state directory for one `up`; the lock is the kernel's, so it ends with the process, however it ends.

    Raises:
        CommandError: another one holds it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / _LOCK).open("w") as lock:
        if not _lock(lock.fileno(), fcntl.LOCK_EX):
            where = ""
            if (state_dir / _RUNTIME).exists():
                runtime = json.loads((state_dir / _RUNTIME).read_text())
                where = f" at {runtime['endpoint']} (process {runtime['pid']})"
            raise CommandError(f"the local cloud of {state_dir} runs already{where}")
        try:
            yield
        finally:
            (state_dir / _RUNTIME).unlink(missing_ok=True)


def given_directory(context: click.Context) -> Path | None:
    """The --state-dir of a command, or of its group, that otherwise works in a directory of its own."""
    inner: click.Context | None = context
    while inner is not None:
        if inner.get_parameter_source("state_dir") is ParameterSource.COMMANDLINE:
            return Path(inner.params["state_dir"])
        inner = inner.parent
    return None


@contextmanager
def own_directory(kept: Path | None) -> Iterator[Path]:
    """The directory to keep, or else a temporary one."""
    if kept is not None:
        yield kept
    else:
        with tempfile.TemporaryDirectory(prefix="nightclass-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)


def is_locked(state_dir: Path) -> bool:
    """Whether an `up` holds the state directory."""
    try:
        with (state_dir / _LOCK).open() as lock:
            return not _lock(lock.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _lock(descriptor: int, kind: int) -> bool:
    """Try for a moment, because somebody may just be looking."""
    deadline = time.monotonic() + 0.3
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            threading.Event().wait(0.02)
        else:
            return True
