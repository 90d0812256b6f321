"""The limit of one caller, over HTTP."""

import time

from campus import throttle
from tests.stack import Stack, eventually


def test_who_asks_too_often_is_told_when_to_come_back_and_is_let_in_then(stack: Stack) -> None:
    token, other = stack.token("sv-voi-vang"), stack.token("sv-tu-tu")
    assert stack.call("GET", "/ranking/sv-voi-vang", token=token).status == 200
    # As if the whole burst had been used in this moment.
    environment = stack.client("lambda").list_functions()["Functions"]
    [limits] = [one["Environment"]["Variables"] for one in environment if "GetRecommendation" in one["FunctionName"]]
    burst = 1000 * int(limits["REQUEST_BURST"]) / float(limits["REQUESTS_PER_SECOND"])
    key = {"pk": f"CALLER#{throttle.digest('sv-voi-vang')}", "sk": "REQUESTS"}
    # Requests of a slow machine take longer than an interval, so the row is a little further ahead.
    ahead = int(time.time() * 1000 + burst) + 1_000
    stack.table("operations").update_item(
        Key=key, UpdateExpression="SET nextAt = :ahead", ExpressionAttributeValues={":ahead": ahead}
    )

    for path in ("/ranking/sv-voi-vang", "/ranking/sv-tu-tu", "/classes/khong-co/ranking"):
        refused = stack.call("GET", path, token=token)
        assert refused.status == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["cache-control"] == "private, no-store"
        assert set(refused.body) == {"message"}
    assert stack.call("GET", "/ranking/sv-tu-tu", token=other).status == 200
    assert stack.call("GET", "/ranking/sv-voi-vang").status == 401
    eventually(lambda: stack.call("GET", "/ranking/sv-voi-vang", token=token).status, lambda status: status == 200)
