"""Deploys the very template that goes to AWS onto a local endpoint, without the SAM CLI."""

import hashlib
import io
import json
import re
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse
from yaml import YAMLError

from local.cloud import ACCOUNT_ID, REGION, client

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_POLL_SECONDS = 0.1
_PATIENCE: dict[str, Any] = {"connect_timeout": 5, "retries": {"total_max_attempts": 1}}
_EPOCH = (1980, 1, 1, 0, 0, 0)
_EXECUTE_API = re.compile(r"^https://(\w+)\.execute-api\.[\w-]+\.amazonaws\.com(?:/(\w+))?/?$")
_API_LINK = re.compile(r"https://(\w+)\.execute-api\.[\w-]+\.amazonaws\.com(?=/)")
_QUEUE_URL = re.compile(r"^https?://[^/]+(/\d{12}/[^/]+)$")


class DeployError(Exception):
    """The stack could not be deployed; the message is the reason in one line."""


def deploy(
    endpoint: str,
    *,
    template: Path,
    parameters: Mapping[str, str],
    stack_name: str = "nightclass",
    artifacts_dir: Path | None = None,
) -> dict[str, str]:
    """Package the template's artifacts, create or update the stack, and wait for it.

    Args:
        endpoint: base URL of the local cloud.
        template: the SAM template; its local paths are relative to it.
        parameters: values of template parameters; the others keep their defaults.
        stack_name: CloudFormation stack.
        artifacts_dir: where the packaged template is left for inspection.

    Returns:
        The stack's outputs; addresses of APIs and queues name the local endpoint.

    Raises:
        DeployError: broken template, missing artifact, unreachable endpoint or failed stack.
    """
    try:
        packaging = _Packaging(
            client(endpoint, "s3", **_PATIENCE), f"{stack_name}-artifacts-{ACCOUNT_ID}-{REGION}", template
        )
        body = packaging.template_body(parameters)
        if artifacts_dir is not None:
            artifacts_dir.mkdir(parents=True, exist_ok=True)
            (artifacts_dir / f"{stack_name}.json").write_text(body)
        url = f"{endpoint}/{packaging.bucket}/{packaging.upload(body.encode(), '.json')}"
        outputs = _apply(client(endpoint, "cloudformation", **_PATIENCE), stack_name, url, parameters)
    except ClientError as error:
        raise DeployError(_one_line(error.response["Error"]["Message"])) from error
    except BotoCoreError as error:
        raise DeployError(_one_line(error)) from error
    return {name: local_address(endpoint, value) for name, value in outputs.items()}


@dataclass
class _Packaging:
    """Uploads what a template refers to on disk and points it at the uploads, as `sam package` does."""

    s3: "S3Client"
    bucket: str
    template: Path
    _uploaded: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        with suppress(self.s3.exceptions.BucketAlreadyOwnedByYou):
            self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        self._uploaded.update(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def template_body(self, parameters: Mapping[str, str]) -> str:
        """The template as JSON, local paths replaced; it must declare the parameters."""
        try:
            document = yaml_parse(self.template.read_text())
            resources = document["Resources"].values()
        except (OSError, YAMLError, UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
            raise DeployError(f"cannot read {self.template}: {_one_line(error)}") from error
        if unknown := sorted(parameters.keys() - document.get("Parameters", {}).keys()):
            raise DeployError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        self._replace(document.get("Globals", {}).get("Function", {}), "CodeUri", self._code)
        for resource in resources:
            properties = resource.get("Properties") or {}
            match resource.get("Type"):
                case "AWS::Serverless::Function":
                    self._replace(properties, "CodeUri", self._code)
                case "AWS::Serverless::LayerVersion":
                    self._replace(properties, "ContentUri", self._layer)
                case "AWS::Serverless::StateMachine":
                    self._replace(properties, "DefinitionUri", self._definition)
        return json.dumps(document, default=str)

    def upload(self, data: bytes, suffix: str) -> str:
        """Store `data` under its own hash; the key."""
        key = hashlib.sha256(data).hexdigest() + suffix
        if key not in self._uploaded:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
            self._uploaded.add(key)
        return key

    def _replace(self, properties: dict[str, Any], name: str, package: Any) -> None:  # noqa: ANN401
        value = properties.get(name)
        if isinstance(value, str) and not value.startswith("s3://"):
            properties[name] = package(self.template.parent / value)

    def _code(self, folder: Path) -> str:
        return f"s3://{self.bucket}/{self.upload(zipped(folder), '.zip')}"

    def _layer(self, folder: Path) -> str:
        """An empty layer: locally the environment's own packages serve."""
        return f"s3://{self.bucket}/{self.upload(zipped(None), '.zip')}"

    def _definition(self, path: Path) -> dict[str, str]:
        try:
            return {"Bucket": self.bucket, "Key": self.upload(path.read_bytes(), path.suffix)}
        except OSError as error:
            raise DeployError(f"cannot read {path}: {error.strerror}") from error


def zipped(folder: Path | None) -> bytes:
    """The folder's files, without what Python compiled: the same bytes for the same content."""
    if folder is not None and not folder.is_dir():
        raise DeployError(f"no such folder: {folder}")
    files = sorted(folder.rglob("*")) if folder is not None else []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            if folder is None or not path.is_file() or "__pycache__" in path.parts or path.suffix == ".pyc":
                continue
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _apply(
    cloudformation: "CloudFormationClient", stack_name: str, url: str, parameters: Mapping[str, str]
) -> dict[str, str]:
    """Create or update the stack from the template at `url`; its outputs."""
    current = _stack(cloudformation, stack_name)
    if current is not None and current["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"):
        # A first deployment that failed leaves a stack that can only be deleted.
        cloudformation.delete_stack(StackName=stack_name)
        current = _settled(cloudformation, stack_name)
        current = None if current is None or current["StackStatus"] == "DELETE_COMPLETE" else current
    operation = cloudformation.create_stack if current is None else cloudformation.update_stack
    try:
        started = operation(
            StackName=stack_name,
            TemplateURL=url,
            Parameters=[{"ParameterKey": name, "ParameterValue": str(value)} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
        stack = current
    else:
        stack = _settled(cloudformation, started["StackId"])
        if stack is None or stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise DeployError(_reason(cloudformation, started["StackId"], stack))
    outputs = stack.get("Outputs", []) if stack else []
    return {one["OutputKey"]: one["OutputValue"] for one in outputs}


def _stack(cloudformation: "CloudFormationClient", name: str) -> Any:  # noqa: ANN401
    try:
        return cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _settled(cloudformation: "CloudFormationClient", name: str) -> Any:  # noqa: ANN401
    while (stack := _stack(cloudformation, name)) is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
        time.sleep(_POLL_SECONDS)
    return stack


def _reason(cloudformation: "CloudFormationClient", stack_id: str, stack: Any) -> str:  # noqa: ANN401
    """What failed first, and why."""
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    for event in sorted(events, key=lambda event: event["Timestamp"]):
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason.lower():
            return _one_line(f"{event['LogicalResourceId']}: {reason}")
    return _one_line((stack or {}).get("StackStatusReason") or "the stack vanished")


def local_address(endpoint: str, value: str) -> str:
    """An output that is an address in AWS, as it is reached here."""
    if api := _EXECUTE_API.match(value):
        return f"{endpoint}/_aws/execute-api/{api[1]}/{api[2] or '$default'}"
    if queue := _QUEUE_URL.match(value):
        return endpoint + queue[1]
    return value


def local_links(endpoint: str, text: str) -> str:
    """A text with links to the API, as they are followed here."""
    return _API_LINK.sub(lambda api: f"{endpoint}/_aws/execute-api/{api[1]}/$default", text)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
