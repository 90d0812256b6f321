"""Reading training data from S3: one CSV object, or every CSV object below a folder, checked against the schema."""

from __future__ import annotations

import csv
import io
import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.personalize.avro import within
from local.personalize.errors import JobFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.personalize.avro import Field, Schema
    from local.personalize.json_value import Json

READ_BYTES = 2**20
DENIED = "Insufficient privileges for accessing data in Amazon S3."
REFUSALS = frozenset({"AccessDenied", "AccessDeniedException", "NoSuchEntity"})
STS_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)
S3_CONFIG = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}, connect_timeout=5)


class S3:
    """The S3 endpoint as one job sees it: with the credentials of the job's role."""

    def __init__(self, endpoint: str, region: str, role: str) -> None:
        own: dict[str, Any] = {}
        if boto3.Session().get_credentials() is None:
            own = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        place: dict[str, Any] = {"endpoint_url": endpoint, "region_name": region}
        keys = _assumed(boto3.client("sts", config=STS_CONFIG, **place, **own), role) or own
        self._client: Any = boto3.client("s3", config=S3_CONFIG, **place, **keys)

    def objects(self, location: str, suffix: str, *, deep: bool = False) -> list[tuple[str, str]]:
        """Bucket and key of the object at `location`, or of every object with that suffix in the folder it names.

        Args:
            location: `s3://bucket/path`.
            suffix: Of the file names, in lower case.
            deep: Whether sub-folders are read, too.

        Raises:
            JobFailed: Nothing there, or no access.
        """
        bucket, _, path = location.removeprefix("s3://").partition("/")
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=path)
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        except (ClientError, BotoCoreError) as error:
            raise JobFailed(_reason(error, location)) from error
        if path in keys and not path.endswith("/"):
            return [(bucket, path)]
        folder = path if path.endswith("/") or not path else f"{path}/"
        found = [
            (bucket, key)
            for key in keys
            if key.startswith(folder) and key.lower().endswith(suffix) and (deep or "/" not in key.removeprefix(folder))
        ]
        if not found:
            raise JobFailed(f"No {suffix.lstrip('.').upper()} files were found at {location}.")
        return found

    @contextmanager
    def text(self, bucket: str, key: str) -> Iterator[io.TextIOWrapper]:
        """The text of an object, streamed while the context is open.

        Raises:
            JobFailed: No access, or not UTF-8.
        """
        try:
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            with io.TextIOWrapper(io.BufferedReader(body, READ_BYTES), "utf-8-sig", newline="") as text:
                yield text
        except (ClientError, BotoCoreError) as error:
            raise JobFailed(_reason(error, f"s3://{bucket}/{key}")) from error
        except UnicodeDecodeError as error:
            raise JobFailed(f"The file s3://{bucket}/{key} is not encoded in UTF-8.") from error

    def write(self, location: str, text: str) -> None:
        """Put one object.

        Raises:
            JobFailed: No access.
        """
        bucket, _, key = location.removeprefix("s3://").partition("/")
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=text.encode())
        except (ClientError, BotoCoreError) as error:
            raise JobFailed(_reason(error, location)) from error


def _assumed(sts: Any, role: str) -> dict[str, Any]:  # noqa: ANN401 - boto3 makes its clients at run time
    """The role's credentials, or none where the endpoint offers no STS (an S3 server on its own).

    Raises:
        JobFailed: The role may not be assumed.
    """
    try:
        given = sts.assume_role(RoleArn=role, RoleSessionName="personalize")["Credentials"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in REFUSALS:
            raise JobFailed(f"{DENIED} (The role {role} cannot be assumed.)") from error
        return {}
    except BotoCoreError:
        return {}
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def _reason(error: ClientError | BotoCoreError, location: str) -> str:
    if not isinstance(error, ClientError):
        return f"{DENIED} ({location}: {error})"
    code = error.response.get("Error", {}).get("Code", "")
    if code in {"NoSuchBucket", "NoSuchKey", "404"}:
        return f"The location {location} does not exist."
    return f"{DENIED} ({location}: {code})"


def read_table(source: S3, location: str, schema: Schema, *, deep: bool = False) -> dict[str, list[Any]]:
    """Every row at the location as columns by field name; empty cells are None where the schema allows null.

    Args:
        source: Where to read.
        location: A CSV object, or a folder of such.
        schema: Its fields in the order of the files' columns.
        deep: Whether sub-folders are read, too.

    Raises:
        JobFailed: Names the file, the row and the column at fault, as a job's `failureReason`.
    """
    columns: dict[str, list[Any]] = {field.name: [] for field in schema.fields}
    for bucket, key in source.objects(location, ".csv", deep=deep):
        file = f"s3://{bucket}/{key}"
        with source.text(bucket, key) as text:
            header, rows = _parsed(text, file)
        _check_header(header, list(columns), file)
        width = len(header)
        if set(map(len, rows)) - {width}:
            number, ragged = next((at, row) for at, row in enumerate(rows, 2) if len(row) != width)
            raise JobFailed(f"Row {number} of {file} has {len(ragged)} columns, its header {width}.")
        cells = list(zip(*rows, strict=True)) if rows else [()] * width
        for field in schema.fields:
            columns[field.name] += converted(cells[header.index(field.name)], field, file)
    return columns


def _parsed(text: io.TextIOWrapper, file: str) -> tuple[list[str], list[list[str]]]:
    first = text.readline()
    if '"' in first:
        raise JobFailed(f"The column headers of {file} must not be enclosed in quotation marks.")
    try:
        return [name.strip() for name in first.split(",")], [row for row in csv.reader(text, strict=True) if row]
    except csv.Error as error:
        raise JobFailed(f"The file {file} is not valid CSV: {error}.") from error


def _check_header(header: list[str], wanted: list[str], file: str) -> None:
    missing = [name for name in wanted if name not in header]
    if missing:
        raise JobFailed(f"Input CSV is missing the following columns: [{', '.join(missing)}].")
    if len(set(header)) < len(header):
        raise JobFailed(f"The header of {file} has a column twice.")
    if [name for name in header if name in wanted] != wanted:
        raise JobFailed(f"The columns of {file} are not in the order of the schema: {', '.join(wanted)}.")


def converted(cells: tuple[str, ...], field: Field, file: str) -> list[Any]:
    """A column's cells as values of its field's type; empty cells as None.

    Raises:
        JobFailed: Names the first row that has no such value.
    """
    convert = CONVERSIONS[field.type]
    if "" not in cells or field.nullable:
        try:
            # What holds for the joined text holds for each cell, at a fraction of the cost.
            plain = field.type in SURE_DIGITS and max(map(len, cells), default=0) <= SURE_DIGITS[field.type]
            quick = int if plain and "".join(cells).isdecimal() else convert
            if field.type != "string" or max(map(len, cells), default=0) <= field.limit:
                return [quick(cell) if cell else None for cell in cells]
        except ValueError:
            pass  # Found again below, with its row.
    return [_value(cell, field, convert, f"row {row} of {file}") for row, cell in enumerate(cells, 2)]


def _value(cell: str, field: Field, convert: Callable[[str], Any], place: str) -> Json:
    if cell == "":
        if field.nullable:
            return None
        raise JobFailed(f"The column {field.name} has no value in {place}, and its schema does not allow null.")
    if field.type == "string" and len(cell) > field.limit:
        raise JobFailed(f"Length cannot be more than {field.limit} characters for {field.name}.")
    try:
        return convert(cell)
    except ValueError as error:
        raise JobFailed(f"'{cell[:80]}' in {place} is no {field.type}, the type of {field.name}.") from error


def _whole(cell: str, type_name: str) -> int:
    number = int(cell) if cell.lstrip("+-").isdecimal() else None
    if number is None or not within(number, type_name):
        raise ValueError(cell)
    return number


def _real(cell: str, type_name: str) -> float:
    number = float(cell)
    if not within(number, type_name):
        raise ValueError(cell)
    return number


def _truth(cell: str) -> bool:
    if cell.lower() not in {"true", "false"}:
        raise ValueError(cell)
    return cell.lower() == "true"


SURE_DIGITS = {"int": 9, "long": 18}
"""Whole numbers of so many digits are surely within their type."""


def extra_text(values: dict[str, Any]) -> str:
    """Further columns of an interaction as one text that is equal for equal columns."""
    present = {name: value for name, value in values.items() if value is not None}
    return json.dumps(present, sort_keys=True) if present else ""


CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "long": partial(_whole, type_name="long"),
    "int": partial(_whole, type_name="int"),
    "float": partial(_real, type_name="float"),
    "double": partial(_real, type_name="double"),
    "boolean": _truth,
}
