"""The local cloud's own doors beside AWS's APIs open to programs of this machine, to no page in a browser."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.stack import Stack

_DOORS: dict[str, dict[str, object] | None] = {
    "/_nightclass/mails": {"limit": 1},
    "/_nightclass/timeline": {"limit": 1},
    "/_nightclass/events": {"eventIds": []},
    "/_nightclass/tokens": {"pool": "none"},
    "/_ministack/ses/messages": None,
}


def knock(stack: Stack, door: str, host: str | None = None, origin: str | None = None) -> tuple[int, str]:
    """Status and text of a door's answer to this Host and Origin."""
    address = urlsplit(stack.endpoint)
    line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    headers = {"Host": host or address.netloc} | ({"Origin": origin} if origin is not None else {})
    try:
        asked = _DOORS[door]
        line.request("GET" if asked is None else "POST", door, None if asked is None else json.dumps(asked), headers)
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


@pytest.mark.parametrize("door", _DOORS)
def test_doors_open_to_no_other_name_and_to_no_page(stack: Stack, door: str) -> None:
    port = urlsplit(stack.endpoint).port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1.evil.example:{port}"):
        assert knock(stack, door, host)[0] == 403, host
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{port}", ""):
        status, text = knock(stack, door, origin=origin)
        assert status == 403, origin
        assert len(text) < 80


@pytest.mark.parametrize("door", [door for door in _DOORS if not door.endswith("tokens")])
def test_doors_open_to_programs_of_this_machine(stack: Stack, door: str) -> None:
    port = urlsplit(stack.endpoint).port
    assert knock(stack, door)[0] == 200
    assert knock(stack, door, f"localhost:{port}")[0] == 200


@pytest.mark.parametrize("body", ["", "[]", "no JSON", '"text"', '{"limit": "many"}'])
def test_what_no_door_understands(stack: Stack, body: str) -> None:
    address = urlsplit(stack.endpoint)
    line = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    line.request("POST", "/_nightclass/timeline", body)
    assert line.getresponse().status in {200, 400, 404}
    line.close()
