"""Single steps at Personalize: what exists is adopted, what contradicts is refused."""

import json
from typing import Any

import pytest

from campus import tables
from retraining import campaigns, imports, names, polling, preparation, schemas, training
from retraining.progress import Progress, UnknownStatusError, progress
from tests.unit.retraining.account import PREFIX, Account, RefusedError

RUN = "261122-020000-3f9a"
MODEL = {"kind": "recommendation", "name": "student-ranking-recommendation", "recipe": "aws-user-personalization-v2"}
SOLUTION = f"{PREFIX}solution/student-ranking-recommendation"
CAMPAIGN = "student-ranking-recommendation"


def prepared(account: Account) -> None:
    """Prepare until nothing is missing."""
    account.patience = 0
    for _ in range(4):
        step = preparation.prepare()
    assert step == {"outcome": "ACTIVE"}


def trained(account: Account) -> str:
    """A version that is ACTIVE; answers its ARN."""
    account.patience = 0
    training.train(RUN, 0, MODEL)
    return str(training.train(RUN, 0, MODEL)["arn"])


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("ACTIVE", "ACTIVE"),
        ("CREATE PENDING", "IN_PROGRESS"),
        ("CREATE IN_PROGRESS", "IN_PROGRESS"),
        ("CREATE STOPPING", "IN_PROGRESS"),
        ("CREATE STOPPED", "FAILED"),
        ("CREATE FAILED", "FAILED"),
        ("DELETE PENDING", "FAILED"),
        ("DELETE IN_PROGRESS", "FAILED"),
    ],
)
def test_every_documented_status_has_an_outcome(status: str, outcome: str) -> None:
    assert progress({"status": status})["outcome"] == outcome


@pytest.mark.parametrize("status", ["A", "active", "ACTIVE ", "CREATE PAUSED", ""])
def test_an_unknown_status_is_never_waited_for(status: str) -> None:
    with pytest.raises(UnknownStatusError):
        progress({"status": status})


def test_preparation_makes_everything_once(account: Account) -> None:
    prepared(account)
    made = len(account.resources)
    assert preparation.prepare() == {"outcome": "ACTIVE"}
    kinds = sorted({arn.removeprefix(PREFIX).partition("/")[0] for arn in account.resources})
    assert kinds == ["dataset", "dataset-group", "event-tracker", "filter", "schema"]
    assert len(account.resources) == made == 1 + 3 + 3 + 1 + len(account.of_kind("filter"))
    assert account.count("CreateDataset") == 3
    tracker = tables.operations().get_item(Key=preparation.TRACKER)["Item"]
    assert tracker["trackingId"] == "tracking-1"


def test_preparation_says_what_it_waits_for(account: Account) -> None:
    assert preparation.prepare() == {"outcome": "IN_PROGRESS", "reason": "dataset group: CREATE PENDING"}


def declared_before(account: Account, dataset: str, columns: dict[str, object]) -> dict[str, Any]:
    """Let a prepared dataset have an older schema; answers the dataset."""
    text = json.dumps({"fields": [{"name": name, "type": kind} for name, kind in columns.items()]})
    older = f"{PREFIX}schema/older"
    account.resources[older] = {"schemaArn": older, "schema": text, "asked": 0}
    found: dict[str, Any] = account.resources[names.dataset_arn(dataset)]
    found["schemaArn"] = older
    return found


def test_a_dataset_with_fewer_columns_is_moved_to_the_declared_schema(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(account)
    monkeypatch.setitem(schemas._FIELDS["users"], "LOCALE", {"type": ["string", "null"]})
    wanted = names.arn(f"schema/{names.schema_name('users', schemas.schema('users'))}")
    dataset = declared_before(account, "users", {"USER_ID": "string"})
    assert preparation.prepare()["outcome"] == "IN_PROGRESS"
    assert dataset["latestDatasetUpdate"]["schemaArn"] == wanted
    dataset["latestDatasetUpdate"] |= {"status": "CREATE FAILED", "failureReason": "a bad day"}
    refused = preparation.prepare()
    assert refused["outcome"] == "FAILED"
    assert f"from schema {PREFIX}schema/older to {wanted}: CREATE FAILED: a bad day" in refused["reason"]
    assert account.count("UpdateDataset") == 1


@pytest.mark.parametrize(
    ("dataset", "columns", "sentence"),
    [
        (
            "users",
            {"USER_ID": "string", "LOCALE": "string", "AGE": "int"},
            "column AGE is no longer declared",
        ),
        (
            "users",
            {"USER_ID": "string", "LOCALE": "int"},
            'column LOCALE is declared as {"categorical": true, "type": "string"} and was {"type": "int"}',
        ),
        ("users", {"USER_ID": "string"}, "the new column LOCALE does not allow null"),
        (
            "interactions",
            {"USER_ID": "string", "ITEM_ID": "string", "EVENT_TYPE": "string", "TIMESTAMP": "long"},
            "the schema of an Interactions dataset is never replaced",
        ),
    ],
)
def test_a_schema_that_leads_nowhere_is_refused_by_name(
    account: Account, dataset: str, columns: dict[str, object], sentence: str
) -> None:
    prepared(account)
    declared_before(account, dataset, columns)
    refused = preparation.prepare()
    assert refused["outcome"] == "FAILED"
    assert refused["reason"].startswith(f"dataset {dataset}: cannot move from schema {PREFIX}schema/older to ")
    assert sentence in refused["reason"]
    assert account.count("UpdateDataset") == 0


def test_a_schema_of_another_name_with_the_same_columns_is_left_alone(account: Account) -> None:
    prepared(account)
    found = account.resources[names.dataset_arn("items")]
    account.resources[f"{PREFIX}schema/theirs"] = {**account.resources[found["schemaArn"]]}
    found["schemaArn"] = f"{PREFIX}schema/theirs"
    assert preparation.prepare() == {"outcome": "ACTIVE"}
    assert account.count("UpdateDataset") == 0


def test_an_import_whose_answer_was_lost_is_adopted(account: Account) -> None:
    first = imports.start(RUN, "items", "FULL")
    again = imports.start(RUN, "items", "FULL")
    assert again["arn"] == first["arn"]
    assert account.count("CreateDatasetImportJob") == 1


def test_a_job_of_that_name_with_other_data_is_refused(account: Account) -> None:
    imports.start(RUN, "items", "FULL")
    (job,) = account.of_kind("dataset-import-job")
    job["dataSource"] = {"dataLocation": "s3://elsewhere/"}
    assert imports.start(RUN, "items", "FULL")["outcome"] == "FAILED"


@pytest.mark.parametrize(
    "error",
    [
        RefusedError("LimitExceededException", "More than 5 resources with PENDING or IN_PROGRESS status"),
        RefusedError("ResourceInUseException"),
        RefusedError("ThrottlingException"),
        RefusedError("InternalFailure", status=500),
    ],
)
@pytest.mark.usefixtures("_no_sleep")
def test_what_passes_by_itself_is_busy(account: Account, error: RefusedError) -> None:
    account.refusals["CreateDatasetImportJob"] = [error] * 3
    assert imports.start(RUN, "items", "FULL")["outcome"] == "BUSY"
    account.refusals.clear()
    assert imports.start(RUN, "items", "FULL")["outcome"] == "IN_PROGRESS"


def test_what_does_not_pass_is_raised(account: Account) -> None:
    account.refusals["CreateDatasetImportJob"] = [RefusedError("InvalidInputException", "bad role")]
    with pytest.raises(Exception, match="bad role"):
        imports.start(RUN, "items", "FULL")


@pytest.mark.usefixtures("_no_sleep")
def test_a_poll_without_an_answer_is_still_in_progress(account: Account) -> None:
    arn = str(imports.start(RUN, "items", "FULL")["arn"])
    account.refusals["DescribeDatasetImportJob"] = [RefusedError("ThrottlingException", "slow down")] * 3
    step = polling.check("import", arn)
    assert step["outcome"] == "IN_PROGRESS"
    assert "slow down" in step["reason"]


def test_only_known_things_are_polled() -> None:
    with pytest.raises(ValueError, match="moon"):
        polling.check("moon", "arn")


def test_a_training_is_adopted_not_doubled(account: Account) -> None:
    version = trained(account)
    assert training.train(RUN, 0, MODEL)["arn"] == version
    assert account.count("CreateSolutionVersion") == 1
    account.resources[version]["status"] = "CREATE FAILED"
    account.endings[version] = ("CREATE FAILED", "bad luck")
    assert training.train(RUN, 0, MODEL)["arn"] != version
    assert account.resources[f"{SOLUTION}/v2"]["name"] == f"student-ranking-rec-{RUN}-2"


def test_a_solution_that_trains_by_itself_is_stopped_from_it(account: Account) -> None:
    trained(account)
    account.resources[SOLUTION]["performAutoTraining"] = True
    training.train(RUN, 0, MODEL)
    assert account.resources[SOLUTION]["performAutoTraining"] is False


def test_a_solution_of_another_recipe_is_refused(account: Account) -> None:
    trained(account)
    step = training.train(RUN, 0, {**MODEL, "recipe": "aws-sims"})
    assert step["outcome"] == "FAILED"
    assert "recipe/aws-user-personalization-v2, not" in step["reason"]


def promote(version: str) -> Progress:
    """By a run that holds its lease."""
    return campaigns.promote(CAMPAIGN, version, lambda: None)


def promoted(account: Account, version: str) -> Progress:
    """A campaign that serves `version`."""
    account.patience = 0
    promote(version)
    return promote(version)


def test_promotion_is_over_when_the_version_is_deployed_not_when_the_campaign_is_active(account: Account) -> None:
    arn = str(promoted(account, f"{SOLUTION}/v1")["arn"])
    account.patience = 2
    step = promote(f"{SOLUTION}/v2")
    assert step["previousSolutionVersionArn"] == f"{SOLUTION}/v1"
    assert account.resources[arn]["status"] == "ACTIVE"
    outcomes = [polling.check("campaign", arn, f"{SOLUTION}/v2")["outcome"] for _ in range(3)]
    assert outcomes == ["IN_PROGRESS", "IN_PROGRESS", "ACTIVE"]
    assert account.resources[arn]["solutionVersionArn"] == f"{SOLUTION}/v2"


def test_a_promotion_whose_answer_was_lost_is_adopted(account: Account) -> None:
    promoted(account, f"{SOLUTION}/v1")
    account.patience = 5
    promote(f"{SOLUTION}/v2")
    assert promote(f"{SOLUTION}/v2")["outcome"] == "IN_PROGRESS"
    assert account.count("UpdateCampaign") == 1


def test_another_update_under_way_is_waited_for(account: Account) -> None:
    promoted(account, f"{SOLUTION}/v1")
    account.patience = 3
    promote(f"{SOLUTION}/v2")
    assert promote(f"{SOLUTION}/v3")["outcome"] == "BUSY"


def test_somebody_elses_update_ends_the_promotion(account: Account) -> None:
    arn = str(promoted(account, f"{SOLUTION}/v1")["arn"])
    promote(f"{SOLUTION}/v2")
    step = polling.check("campaign", arn, f"{SOLUTION}/v3")
    assert step["outcome"] == "FAILED"
    assert "somebody else" in step["reason"]


def test_the_longest_names_fit() -> None:
    assert len("g" * 36 + "-int-" + RUN + "-9") <= 63
