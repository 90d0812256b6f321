"""A school whose nights fail on request: what they do, what they leave, and what a resume makes of them."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from boto3.dynamodb.conditions import Key
from click.testing import CliRunner, Result

from local.__main__ import nightclass
from local.commands.instance import Instance
from tests.integration.faults.proxy import Answer, Call, Proxy
from tests.stack import Stack, eventually

READERS = ("s1", "s2", "s3")
FULL_NIGHT = ("nightly", "--force", "--full")
# What a full night makes at Personalize once its resources are there.
MADE = ("CreateDatasetImportJob", "CreateSolutionVersion", "UpdateCampaign")
Counts = tuple[int, int, int]


@dataclass
class School:
    """The stack, with proxies before S3 and Personalize's control plane that count."""

    stack: Stack
    personalize: Proxy
    s3: Proxy
    calls: Counter[str] = field(default_factory=Counter)
    clean: dict[str, Any] = field(default_factory=dict)

    def run(self, *arguments: str) -> Result:
        """A command, in this process."""
        options = ("--json", "--state-dir", str(self.stack.state_dir))
        return CliRunner().invoke(nightclass, [*arguments, *options], prog_name="nightclass")

    def count(self, call: Call) -> Answer:
        """Let a call through; done ones are counted by operation, others by what was wrong."""
        answer = call.forward()
        self.calls[call.operation if answer.status == 200 else answer.document["__type"].rpartition("#")[2]] += 1
        return answer

    @cached_property
    def tokens(self) -> dict[str, str]:
        """What some students show the API."""
        instance = Instance.of(self.stack.state_dir)
        return {reader: instance.token(reader) for reader in READERS}

    @property
    def made(self) -> Counts:
        """How often each of `MADE` has succeeded."""
        imports, versions, updates = (self.calls[operation] for operation in MADE)
        return imports, versions, updates

    def faults(self, *rules: dict[str, Any]) -> None:
        """The rules that local Personalize follows from now on."""
        address = f"{self.stack.endpoint}/_personalize/faults"
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20261122/ap-southeast-1/personalize/aws4_request"}
        for method, body in (("DELETE", b""), ("POST", json.dumps(rules).encode())):
            request = urllib.request.Request(address, body, signed, method=method)
            urllib.request.urlopen(request, timeout=10).close()

    def latest(self) -> dict[str, Any]:
        """The record of the run that the latest execution is about."""
        machine = {"stateMachineArn": self.stack.ready["stateMachineArn"], "maxResults": 1}
        (execution,) = self.stack.client("stepfunctions").list_executions(**machine)["executions"]
        found = self.stack.table("operations").query(
            IndexName="byState", KeyConditionExpression=Key("state").eq("RUN"), ScanIndexForward=False
        )["Items"]
        return next(record for record in found if record["executionArn"] == execution["executionArn"])

    def data(self, run_id: str) -> dict[str, Any]:
        """Rows and fingerprint of every dataset as a run exported it."""
        lake = {"Bucket": self.stack.ready["bucket"], "Key": f"manifests/{run_id}.json"}
        manifest = json.load(self.stack.client("s3").get_object(**lake)["Body"])
        return {name: found["total"] for name, found in manifest["datasets"].items()}

    def served(self) -> str:
        """The version that the campaign has deployed."""
        personalize = self.stack.client("personalize")
        (campaign,) = personalize.list_campaigns()["campaigns"]
        found = personalize.describe_campaign(campaignArn=campaign["campaignArn"])["campaign"]
        return str(found["solutionVersionArn"])

    def answers(self) -> list[Any]:
        """What some students are recommended, without the version's name; it must come from the campaign."""
        bodies = [
            self.stack.call("GET", f"/ranking/{reader}?numResults=5", token=token).body
            for reader, token in self.tokens.items()
        ]
        assert [(one["source"], one["modelVersion"]) for one in bodies] == [
            ("campaign", self.served().rpartition("/")[2])
        ] * len(READERS)
        return [one["recommendations"] for one in bodies]

    def failures(self) -> list[int]:
        """RunFailed of every run whose record was written, as embedded in the functions' logs."""
        logs = self.stack.client("logs")
        found: list[int] = []
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName="/aws/cloudformation/nightclass/FunctionLogs", filterPattern='"RunFailed"'
        ):
            for event in page["events"]:
                if event["message"].startswith("{"):
                    found += json.loads(event["message"]).get("RunFailed", [])
        return [int(value) for value in found]


@dataclass
class Branch:
    """One way to fail, with the figures about it."""

    school: School
    record_property: Callable[[str, object], None]
    began: float = field(default_factory=time.monotonic)

    def fails(self, state: str, error: str, why: str, made: Counts) -> str:
        """A night that ends red in a state; answers its run id."""
        school = self.school
        before, failures = school.served(), school.failures()
        school.calls.clear()
        result = school.run(*FULL_NIGHT)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"FAILED in state {state!r}: {error}: " in result.stderr
        record = school.latest()
        assert (record["status"], record["error"]) == ("FAILED", error)
        assert why in record["why"]
        assert school.made == made
        # Nobody holds the lease, the alarm has its metric, and the old model answers.
        assert (
            "owner"
            not in school.stack.table("operations").get_item(Key={"pk": "LEASE", "sk": "nightly_retraining"})["Item"]
        )
        assert eventually(school.failures, lambda now: len(now) > len(failures)) == [*failures, 1]
        assert school.served() == before
        assert school.answers() == school.clean["answers"]
        return str(record["runId"])

    def resumes(self, name: str, run_id: str, made: Counts) -> None:
        """The run goes on to what a clean night ends with, and makes only what is missing."""
        school = self.school
        failed = school.made
        school.calls.clear()
        result = school.run("resume", run_id)
        assert result.exit_code == 0, result.stderr
        record = json.loads(result.stdout)
        assert (record["status"], record["runId"], record["resumed"]) == ("PROMOTED", run_id, True)
        assert school.made == made
        self.same_as_clean(record)
        self.figures(name, failed, made)

    def same_as_clean(self, record: dict[str, Any]) -> None:
        """Rows, fingerprints, metrics and recommendations."""
        school = self.school
        assert (record["rows"], school.data(record["runId"])) == (school.clean["rows"], school.clean["data"])
        for part in ("metrics", "baselineMetrics", "verdictWhy"):
            assert record[part] == school.clean[part]
        assert school.served() == record["solutionVersionArn"] != school.clean["solutionVersionArn"]
        assert school.answers() == school.clean["answers"]

    def figures(self, name: str, failed: Counts, resumed: Counts) -> None:
        """A line of the table."""
        columns = ("imports", "trainings", "updates")
        line: dict[str, object] = {"night": name} | dict(zip(columns, failed, strict=True))
        line |= {f"{column} resumed": count for column, count in zip(columns, resumed, strict=True)}
        throttled = sum(count for error, count in self.school.calls.items() if error == "ThrottlingException")
        line |= {"throttled": throttled, "seconds": time.monotonic() - self.began}
        self.record_property("failed nights", line)


def job(kind: str, name: str, effect: str, reason: str = "An injected fault.") -> dict[str, Any]:
    """A rule of the fault door."""
    return {"job": kind, "name": name, "effect": effect, "reason": reason}


@contextmanager
def under(school: School, *rules: dict[str, Any]) -> Iterator[None]:
    """Faults for as long as the block lasts."""
    school.faults(*rules)
    yield
    school.faults()
