"""A steady load on GET /ranking, then five times as much: who is answered, who is told to come later.

Requests are sent when they are due, whatever became of those before (an open loop), and spread evenly over the callers.
"""

import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import quote
from urllib.request import Request

import click

from local.bench.people import student
from local.cloud import loopback
from local.commands.instance import Instance

CALLERS = 5
PER_SECOND = 2
"""RequestsPerSecond and RequestBurst: so few that a laptop can ask for more than they allow."""
BURST = 5
TIMES = 5
_THREADS = 64
_TIMEOUT = 40


@dataclass
class Measured:
    """One load.

    Attributes:
        asked: requests a second, of all callers.
        seconds: how long they came.
        statuses: answers by status; 0 for none.
        milliseconds: of all answers but 429, sorted.
        most_admitted: answers but 429 to the caller who got most of them.
        allowed: as many as one caller may get in that time.
        without_hint: 429 answers without Retry-After.
    """

    asked: float
    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    most_admitted: int = 0
    allowed: float = 0
    without_hint: int = 0

    def quantile(self, share: float) -> float:
        """Milliseconds within which such a share of the answers came."""
        return self.milliseconds[min(int(share * len(self.milliseconds)), len(self.milliseconds) - 1)]


def measure(instance: Instance, seconds: float = 60, shown: Callable[[str], None] = click.echo) -> list[Measured]:
    """Half of what the callers may ask in the long run, then five times that.

    Args:
        instance: a running local cloud with these limits, and `CALLERS` people in it.
        seconds: of each load.
        shown: takes the table, line by line.
    """
    tokens = {user: instance.token(user) for user in map(student, range(CALLERS))}
    steady = PER_SECOND * CALLERS / 2
    shown(f"requests   {CALLERS} callers, each allowed {PER_SECOND}/s and {BURST} at once")
    shown("           asked/s   seconds   answered     429   5xx   none     p50 ms     p99 ms   most of one caller")
    found = []
    for asked in (steady, TIMES * steady):
        one = _load(instance, tokens, asked, seconds)
        one.allowed = BURST + PER_SECOND * one.seconds
        found.append(one)
        answered = sum(count for status, count in one.statuses.items() if 200 <= status < 300)
        broken = sum(count for status, count in one.statuses.items() if status >= 500)
        later, none = one.statuses[429], one.statuses[0]
        shown(
            f"           {asked:>7g} {seconds:>9g} {answered:>10,} {later:>7,} {broken:>5} {none:>6}"
            f" {one.quantile(0.5):>10.0f} {one.quantile(0.99):>10.0f}   {one.most_admitted} of {one.allowed:.0f}"
        )
    return found


def _load(instance: Instance, tokens: dict[str, str], asked: float, seconds: float) -> Measured:
    measured, lock = Measured(asked, seconds), threading.Lock()
    admitted: Counter[str] = Counter()
    url = instance.outputs["ApiUrl"].rstrip("/")

    def ask(user: str) -> None:
        request = Request(f"{url}/ranking/{quote(user, safe='')}")  # noqa: S310 - the local cloud
        request.add_header("Authorization", f"Bearer {tokens[user]}")
        begin, hinted = time.perf_counter(), True
        try:
            with loopback.open(request, timeout=_TIMEOUT) as answer:
                status = answer.status
                answer.read()
        except urllib.error.HTTPError as error:
            status, hinted = error.code, "retry-after" in error.headers
        except OSError:
            status = 0
        took = (time.perf_counter() - begin) * 1000
        with lock:
            measured.statuses[status] += 1
            if status == 429:
                measured.without_hint += not hinted
            else:
                admitted[user] += 1
                measured.milliseconds.append(took)

    begin = time.monotonic()
    with ThreadPoolExecutor(_THREADS) as pool:
        users = list(tokens)
        for number in range(round(asked * seconds)):
            time.sleep(max(0.0, begin + number / asked - time.monotonic()))
            pool.submit(ask, users[number % len(users)])
    measured.seconds = time.monotonic() - begin
    measured.milliseconds.sort()
    measured.most_admitted = max(admitted.values(), default=0)
    return measured
