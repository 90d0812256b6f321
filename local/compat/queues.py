"""SQS queues."""


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
