"""Just enough of DynamoDB, S3 and Secrets Manager to export from, answered from memory: they cost next to nothing.

Interactions are made up page by page, the same ones for the same number of rows; what is put into the bucket is counted
and thrown away.
"""

import contextlib
import hashlib
import http.client
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

TABLE = "interactions"
BEGIN = 1_700_000_000
# DynamoDB ends a page after 1 MB; an item of ours has about 330 bytes.
_PAGE = 3_200
_ROWS_OF_A_USER = 40
_ITEMS = 500
_NO_SUCH_KEY = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
_EMPTY_LIST = b"<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"


@dataclass
class Bucket:
    """What was put: lines without the header of each object."""

    lines: int = 0
    bytes: int = 0


@contextlib.contextmanager
def serving(rows: int) -> Iterator[str]:
    """A process that has so many interactions; yields its endpoint."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(rows, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def put(endpoint: str) -> Bucket:
    """What has been put so far."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    connection.request("GET", "/_put")
    with contextlib.closing(connection), connection.getresponse() as answer:
        return Bucket(**json.load(answer))


def page(rows: int, request: Mapping[str, Any]) -> str:
    """The answer to a Scan."""
    if request["TableName"] != TABLE:
        return '{"Items": [], "Count": 0, "ScannedCount": 0}'
    segment, segments = request.get("Segment", 0), request.get("TotalSegments", 1)
    start = int(request.get("ExclusiveStartKey", {}).get("occurrence", {}).get("S", rows * segment // segments))
    end = rows * (segment + 1) // segments
    last = min(start + _PAGE, end)
    items = ",".join(item(number) for number in range(start, last))
    key = {"userId": {"S": ""}, "occurrence": {"S": str(last)}}
    more = f', "LastEvaluatedKey": {json.dumps(key)}' if last < end else ""
    return f'{{"Items": [{items}], "Count": {last - start}, "ScannedCount": {last - start}{more}}}'


def item(number: int) -> str:
    """An interaction as engagement writes it."""
    at, identity = BEGIN + number, f"{number:032x}"
    return (
        f'{{"userId":{{"S":"student-{number // _ROWS_OF_A_USER:06d}"}},"occurrence":{{"S":"{at}#{identity}"}},'
        f'"itemId":{{"S":"course-{number * 7919 % _ITEMS:03d}"}},"eventType":{{"S":"student.enrolled"}},'
        f'"occurredAt":{{"N":"{at}"}},"recordedAt":{{"N":"{at}000"}},"interactionId":{{"S":"{identity}"}},'
        f'"classId":{{"S":"course-{number % _ITEMS:03d}"}},"recordedDay":{{"S":"2023-11-14#{number % 8}"}}}}'
    )


def _serve(rows: int, announce: Connection) -> None:
    put = Bucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self._body())
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            if operation == "GetSecretValue":
                self._answer(200, json.dumps({"SecretString": "measured"}).encode())
            elif operation == "Query":
                self._answer(200, b'{"Items": [], "Count": 0, "ScannedCount": 0}')
            else:
                self._answer(200, page(rows, request).encode())

        def do_PUT(self) -> None:
            body = self._body()
            put.lines += body.count(b"\n") - 1 if urlsplit(self.path).path.endswith(".csv") else 0
            put.bytes += len(body)
            self._answer(200, b"", ETag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')

        def do_GET(self) -> None:
            if self.path == "/_put":
                self._answer(200, json.dumps(vars(put)).encode())
            elif "list-type" in self.path:
                self._answer(200, _EMPTY_LIST)
            else:
                self._answer(404, _NO_SUCH_KEY)

        def log_message(self, *_: object) -> None:
            return

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    announce.send(server.server_port)
    server.serve_forever()
