"""Nights that fail on the local cloud, branch by branch: red and saying why while the old model serves; then resumed.

Each ends with the rows and the model of a clean night over the same data, and no finished step is done twice. What was
made how often is in the table at the end of the session.
"""

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.integration.faults.proxy import Answer, Call, Proxy
from tests.integration.nights import FULL_NIGHT, Branch, Counts, School, job, under
from tests.integration.test_three_nights import load, made
from tests.stack import running

CAMPAIGN = "student-ranking-recommendation"
# So short that 120 polls, the deadline of an import, are over in seconds; Lambda's own time comes on top.
QUICK = ("--time-scale", "0.0005", "--parameter", "PollSeconds=10", "--parameter", "EnableReranking=false")
ROWS = 1500
CLEAN: Counts = (3, 2, 1)
NO_SPACE = "<Error><Code>InsufficientStorage</Code><Message>No space left on device</Message></Error>"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A school after two clean nights: the first model, and what every night below is compared with."""
    proxies = {"PERSONALIZE": Proxy(), "S3": Proxy()}
    urls = {f"AWS_ENDPOINT_URL_{name}": proxy.url for name, proxy in proxies.items()}
    folder = tmp_path_factory.mktemp("failed")
    with socket.create_server(("127.0.0.1", 0)) as free:  # the deployment itself goes through S3's proxy
        port = free.getsockname()[1]
    for proxy in proxies.values():
        proxy.stand_before(f"http://127.0.0.1:{port}")
    options = ("--port", str(port), *QUICK)
    with running(folder / "state", *options, PERSONALIZE_ALLOW_FAULTS="1", **urls) as stack:
        school = School(stack, proxies["PERSONALIZE"], proxies["S3"])
        load(stack, folder / "term.csv", made()[:ROWS])
        with school.personalize.faulty(school.count):
            assert school.run("nightly").exit_code == 0
            school.calls.clear()
            school.clean = json.loads(school.run(*FULL_NIGHT).stdout)
        school.clean |= {"data": school.data(school.clean["runId"]), "answers": school.answers()}
        assert school.made == CLEAN
        yield school
    for proxy in proxies.values():
        proxy.close()


@pytest.fixture
def branch(school: School, record_property: Callable[[str, object], None]) -> Iterator[Branch]:
    """A branch, without faults before and after."""
    with school.personalize.faulty(school.count):
        yield Branch(school, record_property)
    school.faults()
    assert school.personalize.errors + school.s3.errors == []


def test_an_import_job_fails(branch: Branch) -> None:
    with under(branch.school, job("DatasetImportJob", "*-itm-*", "fail", "The CSV is damaged.")):
        why = "items: CREATE FAILED: The CSV is damaged."
        run_id = branch.fails("Import datasets", "ImportFailed", why, (3, 0, 0))
    branch.resumes("import CREATE FAILED", run_id, (1, 2, 1))


def test_a_training_fails(branch: Branch) -> None:
    with under(branch.school, job("SolutionVersion", "*-rec-*", "fail", "Out of capacity.")):
        why = f"{CAMPAIGN}: CREATE FAILED: Out of capacity."
        run_id = branch.fails("Train models", "TrainingFailed", why, (3, 2, 0))
    branch.resumes("training CREATE FAILED", run_id, (0, 1, 1))


def test_a_training_is_stopped(branch: Branch) -> None:
    with under(branch.school, job("SolutionVersion", "*-pop-*", "stop")):
        why = "student-ranking-popularity: CREATE STOPPED: Personalize gave no reason"
        run_id = branch.fails("Train models", "TrainingFailed", why, (3, 2, 0))
    branch.resumes("training CREATE STOPPED", run_id, (0, 1, 1))


def test_a_status_is_unknown(branch: Branch) -> None:
    def forged(call: Call) -> Answer:
        answer = branch.school.count(call)
        if call.operation != "DescribeSolutionVersion":
            return answer
        document = answer.document
        document["solutionVersion"]["status"] = "CREATE PONDERED"
        return Answer(200, answer.headers, json.dumps(document).encode())

    with branch.school.personalize.faulty(forged):
        why = "Personalize answered the unknown status 'CREATE PONDERED'"
        run_id = branch.fails("Train models", "UnknownStatusError", why, (3, 2, 0))
    with branch.school.personalize.faulty(branch.school.count):
        branch.resumes("unknown status", run_id, (0, 0, 1))


def test_an_import_hangs_beyond_its_deadline(branch: Branch) -> None:
    with under(branch.school, job("DatasetImportJob", "*-usr-*", "hang")):
        why = "users: not finished after 120 polls; last: CREATE IN_PROGRESS"
        run_id = branch.fails("Import datasets", "ImportFailed", why, (3, 0, 0))
    branch.resumes("import hangs", run_id, (0, 2, 1))


def test_a_campaign_cannot_be_updated(branch: Branch) -> None:
    with under(branch.school, job("Campaign", CAMPAIGN, "fail", "No instances left.")):
        why = f"{CAMPAIGN}: CREATE FAILED: No instances left."
        run_id = branch.fails("Update campaigns", "PromotionFailed", why, CLEAN)
    branch.resumes("campaign update failed", run_id, (0, 0, 1))


def test_three_calls_in_ten_are_throttled(branch: Branch) -> None:
    school = branch.school
    school.calls.clear()
    with under(school, {"operation": "*", "effect": "throttle", "share": 0.3}):
        result = school.run(*FULL_NIGHT)
    assert result.exit_code == 0, result.stderr
    assert school.calls["ThrottlingException"] > 10
    assert school.made == CLEAN
    branch.figures("30 % throttled", CLEAN, (0, 0, 0))
    branch.same_as_clean(json.loads(result.stdout))


def test_the_lake_is_full(branch: Branch) -> None:
    written: list[str] = []

    def full(call: Call) -> Answer:
        if call.method != "PUT" or len(written) < 2:
            written.extend([call.path] * (call.method == "PUT"))
            return call.forward()
        return Answer(507, {"Content-Type": "application/xml"}, NO_SPACE.encode())

    with branch.school.s3.faulty(full):
        why = "(InsufficientStorage) when calling the PutObject operation: No space left on device"
        run_id = branch.fails("Generate training data", "ClientError", why, (0, 0, 0))
    branch.resumes("lake full", run_id, CLEAN)


def test_the_disk_of_personalize_is_full(branch: Branch) -> None:
    with under(branch.school, job("DatasetImportJob", "*-int-*", "full disk")):
        why = "interactions: CREATE FAILED: The job could not read or write its files: No space left on device."
        run_id = branch.fails("Import datasets", "ImportFailed", why, (3, 0, 0))
    branch.resumes("Personalize's disk full", run_id, (1, 2, 1))
