"""The lake: CSV parts first, the manifest last, so that what has no manifest was never exported.

training-data/<dataset>/run=<runId>/part-<segment>-<number>.csv   what Personalize imports
training-data/events/run=<runId>/events.jsonl                     a quiet night's interactions, ready for PutEvents
quarantine/<runId>/<dataset>-<segment>-<number>.jsonl             what it must not see, with the reason
manifests/<runId>/share-<worker>.json                             what a worker of a shared export wrote
manifests/<runId>.json                                            rows, bytes, SHA-256 and cut-off of the run
"""

import csv
import hashlib
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.exceptions import ClientError

from campus.clients import client
from campus.settings import settings
from retraining.rows import COLUMNS, Row

Part = dict[str, Any]


class MissingExportError(RuntimeError):
    """An export that a run needs is not, or no longer, in the lake."""


# Memory per open writer; a part is one PutObject, so no upload is ever half done.
PART_BYTES = 4 * 1024 * 1024


_prove: ContextVar[Callable[[], object]] = ContextVar("prove", default=lambda: None)


@contextmanager
def proving(prove: Callable[[], object]) -> Iterator[None]:
    """Have every write proved first: stopping an execution does not stop the function that is at work for it."""
    before = _prove.set(prove)
    try:
        yield
    finally:
        _prove.reset(before)


def prefix(dataset: str, run_id: str) -> str:
    """The folder of one dataset of one run, as Personalize's import is pointed to."""
    return f"training-data/{dataset}/run={run_id}/"


def location(dataset: str, run_id: str) -> str:
    """The same as an S3 URL."""
    return f"s3://{settings.lake_bucket}/{prefix(dataset, run_id)}"


def quarantine(run_id: str) -> str:
    """The folder of a run's rejected rows."""
    return f"quarantine/{run_id}/"


class _Parts:
    """Objects `<stem>-<number><suffix>` of about `PART_BYTES` each, written as the text comes."""

    def __init__(self, stem: str, suffix: str, header: str = "") -> None:
        self._stem, self._suffix, self._header = stem, suffix, header
        self._buffer = io.StringIO()
        self._rows = 0
        self.written: list[Part] = []

    def row_added(self) -> None:
        self._rows += 1
        if self._buffer.tell() >= PART_BYTES:
            self.close()

    def close(self) -> None:
        """Write what is still in memory."""
        if not self._rows:
            return
        body = (self._header + self._buffer.getvalue()).encode()
        key = f"{self._stem}-{len(self.written):05d}{self._suffix}"
        _put(key, body)
        digest = hashlib.sha256(body).hexdigest()
        self.written.append({"key": key, "rows": self._rows, "bytes": len(body), "sha256": digest})
        self._buffer, self._rows = io.StringIO(), 0


class CsvParts(_Parts):
    """The accepted rows of one dataset, as read by one segment."""

    def __init__(self, dataset: str, run_id: str, segment: int) -> None:
        super().__init__(f"{prefix(dataset, run_id)}part-{segment:02d}", ".csv", ",".join(COLUMNS[dataset]) + "\n")

    def add(self, row: Row) -> None:
        """Append one row."""
        csv.writer(self._buffer, lineterminator="\n").writerow(row)
        self.row_added()


class QuarantineParts(_Parts):
    """The rejected rows of one dataset, as read by one segment."""

    def __init__(self, dataset: str, run_id: str, segment: int) -> None:
        super().__init__(f"{quarantine(run_id)}{dataset}-{segment:02d}", ".jsonl")

    def add(self, reason: str, row: Mapping[str, object]) -> None:
        """Append one rejected row; ids of students must be pseudonyms here, too."""
        self._buffer.write(json.dumps({"reason": reason, **row}, ensure_ascii=False, default=str) + "\n")
        self.row_added()


def remove_leftovers(folder: str, keep: set[str]) -> None:
    """Delete what an earlier try of the same run left in the folder and this one did not write again."""
    s3 = client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=settings.lake_bucket, Prefix=folder):
        for found in page.get("Contents", []):
            if found["Key"] not in keep:
                _prove.get()()
                s3.delete_object(Bucket=settings.lake_bucket, Key=found["Key"])


def write_events(run_id: str, events: Sequence[Mapping[str, Any]]) -> None:
    """Keep what a quiet night's PutEvents are to send, in the order they are sent in."""
    body = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events).encode()
    _put(_events_key(run_id), body)


def read_events(run_id: str) -> list[dict[str, Any]]:
    """The same again."""
    answer = client("s3").get_object(Bucket=settings.lake_bucket, Key=_events_key(run_id))
    return [json.loads(line) for line in answer["Body"].read().splitlines()]


def read_rows(dataset: str, manifest: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of a finished export, part by part."""
    for part in manifest["datasets"][dataset]["parts"]:
        body = client("s3").get_object(Bucket=settings.lake_bucket, Key=part["key"])["Body"].read().decode()
        for row in itertools.islice(csv.reader(io.StringIO(body)), 1, None):
            yield tuple(row)


def write_manifest(manifest: Mapping[str, Any]) -> None:
    """Make the export of `manifest["runId"]` exist."""
    write_json(manifest_key(manifest["runId"]), manifest)


def read_manifest(run_id: str) -> dict[str, Any] | None:
    """The manifest of a finished export; None where there is none."""
    return read_json(manifest_key(run_id))


def write_json(key: str, document: Mapping[str, Any]) -> None:
    """Put a document."""
    _put(key, json.dumps(document, ensure_ascii=False, indent=1).encode(), "application/json")


def read_json(key: str) -> dict[str, Any] | None:
    """A document; None where there is none."""
    try:
        answer = client("s3").get_object(Bucket=settings.lake_bucket, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}:
            return None
        raise
    document: dict[str, Any] = json.loads(answer["Body"].read())
    return document


def existing_manifest(run_id: str) -> dict[str, Any]:
    """The manifest of an export that must be there; raises MissingExportError."""
    manifest = read_manifest(run_id)
    if manifest is None:
        raise MissingExportError(f"run {run_id} has no manifest in the lake")
    return manifest


def _put(key: str, body: bytes, content_type: str = "text/csv") -> None:
    _prove.get()()
    client("s3").put_object(Bucket=settings.lake_bucket, Key=key, Body=body, ContentType=content_type)


def _events_key(run_id: str) -> str:
    return f"{prefix('events', run_id)}events.jsonl"


def manifest_key(run_id: str) -> str:
    """Where the manifest of a run lies."""
    return f"manifests/{run_id}.json"
