"""A Personalize account in memory, behind the real boto3 client: botocore still checks every request."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders

from campus.clients import client
from retraining.gate import METRIC
from tests.unit.retraining.holdings import Holdings

PREFIX = "arn:aws:personalize:ap-southeast-1:000000000000:"

# Operation → (member of the answer that holds the ARN, kind of resource, request member that names it).
CREATES = {
    "CreateDatasetGroup": ("datasetGroupArn", "dataset-group", "name"),
    "CreateSchema": ("schemaArn", "schema", "name"),
    "CreateDataset": ("datasetArn", "dataset", "name"),
    "CreateEventTracker": ("eventTrackerArn", "event-tracker", "name"),
    "CreateFilter": ("filterArn", "filter", "name"),
    "CreateDatasetImportJob": ("datasetImportJobArn", "dataset-import-job", "jobName"),
    "CreateSolution": ("solutionArn", "solution", "name"),
    "CreateSolutionVersion": ("solutionVersionArn", "solution-version", "name"),
    "CreateCampaign": ("campaignArn", "campaign", "name"),
}
DESCRIBES = {
    "DescribeDatasetGroup": ("datasetGroupArn", "datasetGroup"),
    "DescribeSchema": ("schemaArn", "schema"),
    "DescribeDataset": ("datasetArn", "dataset"),
    "DescribeEventTracker": ("eventTrackerArn", "eventTracker"),
    "DescribeFilter": ("filterArn", "filter"),
    "DescribeDatasetImportJob": ("datasetImportJobArn", "datasetImportJob"),
    "DescribeSolution": ("solutionArn", "solution"),
    "DescribeSolutionVersion": ("solutionVersionArn", "solutionVersion"),
    "DescribeCampaign": ("campaignArn", "campaign"),
}
# Operations of personalize-runtime by path → member of the answer.
RUNTIME = {"/recommendations": "itemList", "/personalize-ranking": "personalizedRanking"}


class RefusedError(Exception):
    """An error answer."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class RawBody(bytes):
    """What AWSResponse wants of an urllib3 response."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield bytes(self)


@dataclass
class Account:
    """Resources by ARN. Each becomes ACTIVE after `patience` descriptions, unless `endings` says otherwise."""

    patience: int = 1
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # Part of an ARN → (status, failureReason) that such a resource ends with; "CREATE IN_PROGRESS" hangs.
    endings: dict[str, tuple[str, str]] = field(default_factory=dict)
    # Operation → errors, raised one a call until none is left.
    refusals: dict[str, list[RefusedError]] = field(default_factory=dict)
    # Part of an ARN → NDCG@25.
    ndcg: dict[str, float] = field(default_factory=lambda: {"popularity": 0.2, "recommendation": 0.5, "ranking": 0.4})
    # Parts of versions' ARNs, and users, that campaigns have no answer for.
    silent: set[str] = field(default_factory=set)
    holdings: Holdings = field(default_factory=Holdings)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def count(self, operation: str) -> int:
        """Calls of an operation so far."""
        return sum(name == operation for name, _ in self.calls)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Resources whose ARN begins with a kind."""
        return [made for arn, made in self.resources.items() if arn.removeprefix(PREFIX).startswith(f"{kind}/")]

    def answer(self, operation: str, given: dict[str, Any]) -> Mapping[str, Any]:
        """Answer one request."""
        with self._lock:
            self.calls.append((operation, given))
            if self.refusals.get(operation):
                raise self.refusals[operation].pop(0)
            if operation in RUNTIME:
                return self._served(operation, given)
            if operation.startswith("/"):
                self.holdings.single(operation, given)
                return {}
            if operation in CREATES:
                return self._create(operation, given)
            if operation in DESCRIBES:
                key, member = DESCRIBES[operation]
                return {member: self._described(given[key])}
            answered: Mapping[str, Any] = getattr(self, f"_{operation}")(given)
            return answered

    def _served(self, operation: str, given: dict[str, Any]) -> Mapping[str, Any]:
        """What a campaign answers, which is nothing where its version, or the student, is among the silent."""
        campaign = given.get("campaignArn", "")
        version = self.resources[campaign]["solutionVersionArn"]
        known = not any(one in version or one == given["userId"] for one in self.silent)
        return {RUNTIME[operation]: [{"itemId": "item-1", "score": 0.5}] if known else []}

    def _create(self, operation: str, given: dict[str, Any]) -> Mapping[str, Any]:
        key, kind, named = CREATES[operation]
        arn = self._arn(kind, given, given[named])
        if arn in self.resources:
            raise RefusedError("ResourceAlreadyExistsException", f"{arn} exists")
        now = time.time()
        self.resources[arn] = {**given, key: arn, "creationDateTime": now, "lastUpdatedDateTime": now, "asked": 0}
        if kind == "dataset-import-job":
            self.holdings.import_job(given)
        if kind == "event-tracker":
            self.resources[arn]["trackingId"] = "tracking-1"
        return {key: arn}

    def _arn(self, kind: str, given: Mapping[str, Any], name: str) -> str:
        if kind == "dataset":
            group = given["datasetGroupArn"].rpartition("/")[2]
            return f"{PREFIX}dataset/{group}/{given['datasetType'].upper()}"
        if kind == "solution-version":
            number = sum(given["solutionArn"] == made.get("solutionArn") for made in self.of_kind("solution"))
            if any(made.get("name") == name and "solutionVersionArn" in made for made in self.of_kind("solution")):
                raise RefusedError("ResourceAlreadyExistsException", f"{name} exists")
            return f"{given['solutionArn']}/v{number}"
        return f"{PREFIX}{kind}/{name}"

    def _described(self, arn: str) -> Mapping[str, Any]:
        if arn not in self.resources:
            raise RefusedError("ResourceNotFoundException", f"{arn} does not exist")
        made = self.resources[arn]
        made["asked"] += 1
        if "deleted" in made:
            if made["asked"] > made["deleted"]:
                del self.resources[arn]
                raise RefusedError("ResourceNotFoundException", f"{arn} does not exist")
            return made
        update = made.get("latestCampaignUpdate")
        if update:
            update["asked"] += 1
            self._settle(arn, update)
            if update["status"] == "ACTIVE":
                made["solutionVersionArn"] = update["solutionVersionArn"]
        else:
            self._settle(arn, made)
        made.setdefault("trainingHours", 1.5)
        return made

    def _settle(self, arn: str, thing: dict[str, Any]) -> None:
        """The status of a resource or an update; an ending also matches the version it is about."""
        if thing.get("status") == "ACTIVE":
            return
        ends = [at for at in self.endings if at in arn or at in thing.get("solutionVersionArn", "")]
        if thing["asked"] <= self.patience:
            thing["status"] = "CREATE PENDING" if thing["asked"] == 1 else "CREATE IN_PROGRESS"
        elif ends:
            thing["status"], thing["failureReason"] = self.endings[ends[0]]
        else:
            thing["status"] = "ACTIVE"

    def _ListEventTrackers(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802 - the operation's name
        of_group = [one for one in self.of_kind("event-tracker") if one["datasetGroupArn"] == given["datasetGroupArn"]]
        return {"eventTrackers": of_group}

    def _ListDatasetImportJobs(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        of_dataset = [one for one in self.of_kind("dataset-import-job") if one["datasetArn"] == given["datasetArn"]]
        return {"datasetImportJobs": [self._described(one["datasetImportJobArn"]) for one in of_dataset]}

    def _ListSolutions(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        made = [one for one in self.of_kind("solution") if "solutionVersionArn" not in one]
        return {"solutions": [one for one in made if one["datasetGroupArn"] == given["datasetGroupArn"]]}

    def _ListSolutionVersions(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        found = [
            {"status": "CREATE PENDING", **made}
            for made in self.of_kind("solution")
            if "solutionVersionArn" in made and made["solutionArn"] == given["solutionArn"]
        ]
        return {"solutionVersions": found}

    def _GetSolutionMetrics(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        arn = given["solutionVersionArn"]
        ndcg = next(value for part, value in self.ndcg.items() if part in arn)
        return {"solutionVersionArn": arn, "metrics": {METRIC: ndcg, "coverage": 0.5}}

    def _UpdateCampaign(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        self.resources[given["campaignArn"]]["latestCampaignUpdate"] = {**given, "asked": 0, "status": "CREATE PENDING"}
        return {"campaignArn": given["campaignArn"]}

    def _DeleteCampaign(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        made = self.resources[given["campaignArn"]]
        made |= {"status": "DELETE PENDING", "deleted": made["asked"] + self.patience}
        return {}

    def _UpdateSolution(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        self.resources[given["solutionArn"]]["performAutoTraining"] = given["performAutoTraining"]
        return {"solutionArn": given["solutionArn"]}

    def _UpdateDataset(self, given: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: N802
        self.resources[given["datasetArn"]]["latestDatasetUpdate"] = {**given, "status": "CREATE IN_PROGRESS"}
        return {"datasetArn": given["datasetArn"]}


@contextmanager
def serving(account: Account) -> Iterator[Account]:
    """Let boto3's personalize clients talk to the account; it knows operations of the two others by their path."""

    def send(request: AWSRequest, **_: object) -> AWSResponse:
        target = request.headers.get("X-Amz-Target") or urlsplit(str(request.url)).path
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        try:
            status, body = 200, dict(account.answer(operation, json.loads(request.body)))
        except RefusedError as error:
            status, body = error.status, {"__type": error.code, "message": str(error)}
        return AWSResponse(str(request.url), status, HTTPHeaders(), RawBody(json.dumps(body).encode()))

    clients: list[Any] = [client("personalize"), client("personalize-events"), client("personalize-runtime")]
    for one in clients:
        one.meta.events.register_first(f"before-send.{one.meta.service_model.service_name}.*", send)
    try:
        yield account
    finally:
        for one in clients:
            one.meta.events.unregister(f"before-send.{one.meta.service_model.service_name}.*", send)
