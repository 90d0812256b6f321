"""The running stack behind proxies."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from boto3.dynamodb.conditions import Key

from tests.integration.faults.proxy import Proxy
from tests.integration.faults.scenario import Entry, Figures, Scenario
from tests.stack import Stack, eventually

_CALM_SECONDS = 90


@dataclass
class Rig:
    """The stack of the fault suite; every scenario has students and a class of its own on it."""

    stack: Stack
    proxies: Mapping[str, Proxy]
    figures: list[Figures] = field(default_factory=list)

    def publish(self, entries: Sequence[Entry]) -> None:
        """Put events on the bus at once, past every proxy."""
        for start in range(0, len(entries), 10):
            answer = self.events.put_events(Entries=entries[start : start + 10])
            assert answer["FailedEntryCount"] == 0, answer

    @cached_property
    def sqs(self) -> Any:
        return self.stack.client("sqs")

    @cached_property
    def events(self) -> Any:
        return self.stack.client("events")

    @cached_property
    def tables(self) -> Mapping[str, Any]:
        return {name: self.stack.table(name) for name in self.stack.ready["tables"]}

    @cached_property
    def queues(self) -> dict[str, str]:
        """URLs of the stack's queues by their logical ids."""
        urls = self.sqs.list_queues(QueueNamePrefix="nightclass-")["QueueUrls"]
        return {url.rsplit("/", 1)[1].split("-")[1]: url for url in urls}

    def messages(self, queue: str) -> int:
        """Messages on a queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queues[queue], AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def dead_letters(self) -> Counter[str]:
        """Messages on each dead-letter queue."""
        return Counter({name: self.messages(name) for name in self.queues if name.endswith("DeadLetters")})

    def accepted(self) -> list[dict[str, Any]]:
        """Every mail that the local SES took."""
        with urllib.request.urlopen(f"{self.stack.endpoint}/_ministack/ses/messages", timeout=30) as answer:
            accounts = json.load(answer)["messages"]
        return [mail for mails in accounts.values() for mail in mails]

    def pending(self) -> int:
        """Events that are committed and not yet on the bus."""
        query = {"IndexName": "byState", "KeyConditionExpression": Key("state").eq("OUTBOX#PENDING")}
        return len(self.tables["operations"].query(**query)["Items"])

    def wait_until_calm(self) -> None:
        """Until the outbox and every queue are empty."""
        working = [name for name in self.queues if not name.endswith("DeadLetters")]

        def moving() -> str | None:
            busy = (f"{name}: {count}" for name in working if (count := self.messages(name)))
            return "outbox" if self.pending() else next(busy, None)

        eventually(moving, lambda found: found is None, _CALM_SECONDS, pause=0.3)

    def mailer_away(self) -> AbstractContextManager[None]:
        """Nobody reads the MailQueue for as long as the block lasts."""
        return self.nobody_reads("MailQueue")

    @contextmanager
    def nobody_reads(self, queue: str) -> Iterator[None]:
        """The queue's consumer is away for as long as the block lasts."""
        functions = self.stack.client("lambda")
        mappings = functions.list_event_source_mappings()["EventSourceMappings"]
        (reader,) = (one["UUID"] for one in mappings if f"-{queue}-" in one["EventSourceArn"])
        functions.update_event_source_mapping(UUID=reader, Enabled=False)
        try:
            yield
        finally:
            functions.update_event_source_mapping(UUID=reader, Enabled=True)

    def ses(self, method: str, path: str, body: object = None) -> Any:
        """Ask the local SES by its side door."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.stack.endpoint}/_ses/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    @contextmanager
    def account(self, **limits: object) -> Iterator[None]:
        """SES allows the account this for as long as the block lasts, and mailers know it from their first mail on."""
        before = {"MaxSendRate": self.quota()["MaxSendRate"]}
        self.ses("PUT", "account", {**before, **limits})
        self.renew_mailers()
        try:
            yield
        finally:
            self.ses("PUT", "account", {**before, "ProductionAccessEnabled": True})
            self.renew_mailers()

    def quota(self) -> Mapping[str, float]:
        """MaxSendRate, Max24HourSend, SentLast24Hours."""
        quota: Mapping[str, float] = self.stack.client("sesv2").get_account()["SendQuota"]
        return quota

    def renew_mailers(self) -> None:
        """Mailers begin in fresh environments: what one knows of the account it knows for a minute."""
        functions = self.stack.client("lambda")
        (mailer,) = (one for one in functions.list_functions()["Functions"] if "SendEmail" in one["FunctionName"])
        # Of no consequence in itself; AWS begins anew after any change.
        functions.update_function_configuration(
            FunctionName=mailer["FunctionName"], MemorySize=mailer["MemorySize"] + 1
        )

    @contextmanager
    def scenario(self, name: str, students: int) -> Iterator[Scenario]:
        """A scenario: its block publishes and does harm; afterwards every figure must be in order."""
        scenario = Scenario(self, name, students)
        scenario.enter_people()
        dead = self.dead_letters()
        for proxy in self.proxies.values():
            proxy.errors.clear()
        begin = time.monotonic()
        yield scenario
        self.wait_until_calm()
        figures = scenario.counted(time.monotonic() - begin)
        self.figures.append(figures)
        errors = [error for proxy in self.proxies.values() for error in proxy.errors]
        assert not errors, "\n".join(errors)
        ledger = scenario.ledger()
        assert (figures.duplicates, figures.lost, figures.interactions) == (0, 0, 0), f"{figures}; ledger: {ledger}"
        assert (died := self.dead_letters() - dead) == scenario.dead_letters, f"{died}; wanted {scenario.dead_letters}"
        assert set(ledger) == scenario.statuses, f"{ledger}; wanted {scenario.statuses}"
