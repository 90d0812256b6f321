"""SQS queues and the event source mappings that read them."""

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_SHORTEST_WAIT_SECONDS = 1.0


def keep_queue_urls_across_ports() -> None:
    """A queue keeps its URL for life.

    AWS: queue URLs never change.
    Emulator: keys its queues by a URL with its own port, so that after a restart on another port event source
    mappings find none and the URLs in functions' environments name none. SDK calls go to the endpoint, never to a
    queue URL, so any constant authority will do; answers to callers still carry the address they called.
    """
    from ministack.services import sqs

    sqs.DEFAULT_HOST, sqs.DEFAULT_PORT = "sqs.localhost", "80"
    sqs._CANONICAL_NETLOC = "sqs.localhost:80"
    sqs._HOST_EXPLICIT = False


def lose_no_message() -> None:
    """A message sent while an event source mapping deletes another one stays in the queue.

    AWS: a queue loses nothing.
    Emulator: SendMessage and PutEvents append on the event loop while a mapping's thread replaces the whole list;
    what arrives in between vanishes. Here the mappings' reads and deletes take their turn on the event loop.
    """
    from ministack.services import sqs

    sqs._receive_messages_for_esm = _on_the_event_loop(sqs._receive_messages_for_esm)
    sqs._delete_messages_for_esm = _on_the_event_loop(sqs._delete_messages_for_esm)


def receive_again_after_a_restart() -> None:
    """What was in flight when the emulator ended is received again at once.

    AWS: does not end.
    Emulator: keeps the message invisible for its visibility timeout, though nobody works on it any more.
    """
    from ministack.services import sqs

    restore = sqs.load_persisted_state

    def load(state: object) -> None:
        restore(state)
        now = time.time()
        for queue in sqs._queues.all_values():
            for message in queue["messages"]:
                if message.get("receive_count"):
                    message["visible_at"] = min(message["visible_at"], now)

    sqs.load_persisted_state = load


def retry_failed_messages_in_scaled_time(time_scale: float) -> None:
    """What a function failed on comes back after its remaining visibility timeout, in scaled time.

    AWS: the message stays invisible for the queue's visibility timeout (minutes), then is received again.
    Emulator: the same, in real time; a poison message would need a quarter of an hour to reach its dead-letter queue.
    Messages in flight keep the real timeout, so that nothing is delivered twice. No wait shrinks below a second: what
    some messages wait for (a mail's outcome, SES's rate) takes real time, and they would use up their receives before.
    """
    from ministack.services import lambda_svc, sqs

    run = lambda_svc._run_sqs_batch

    def reappear(queue_url: str, handles: set[str]) -> None:
        now = time.time()
        for message in sqs._get_q(queue_url)["messages"]:
            if message.get("receipt_handle") in handles:
                timeout = max(message["visible_at"] - now, 0)
                wait = max(timeout * time_scale, min(timeout, _SHORTEST_WAIT_SECONDS))
                message["visible_at"] = now + wait
                asyncio.get_running_loop().call_later(wait, lambda_svc.esm_wake.set)

    def run_batch(
        esm: dict[str, Any], func: dict[str, Any], event: object, batch: list[dict[str, Any]], url: str, name: str
    ) -> None:
        handles = {message["receipt_handle"] for message in batch}
        run(esm, func, event, batch, url, name)
        _on_the_event_loop(reappear)(url, handles)

    lambda_svc._run_sqs_batch = run_batch
    lambda_svc._ESM_BACKOFF_SECONDS = max(lambda_svc._ESM_BACKOFF_SECONDS * time_scale, 0.05)


def _on_the_event_loop(function: Callable[P, T]) -> Callable[P, T]:
    """The function, run by the emulator's event loop when called from another thread."""
    import ministack.app

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        async def turn() -> T:
            return function(*args, **kwargs)

        if ministack.app._MAIN_LOOP.is_closed():
            raise SystemExit  # the emulator is ending, and this thread with it
        return asyncio.run_coroutine_threadsafe(turn(), ministack.app._MAIN_LOOP).result()

    return call
