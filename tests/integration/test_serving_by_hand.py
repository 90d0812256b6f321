"""What serves, by hand, on the local cloud: taken back, parked, unparked; rankings answer all the while."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_three_nights import load, made, night
from tests.stack import Stack, running

CAMPAIGN = "student-ranking-recommendation"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose campaigns nobody else needs."""
    with running(tmp_path_factory.mktemp("by-hand") / "state") as deployed:
        yield deployed


def ask(stack: Stack, *command: str) -> dict[str, Any]:
    """A command's answer."""
    answer: dict[str, Any] = json.loads(stack.nightclass(*command, "--json", timeout=300).stdout)
    return answer


def deployed(stack: Stack) -> str | None:
    """The version that the campaign serves; None without a campaign."""
    personalize = stack.client("personalize")
    arns = {one["name"]: one["campaignArn"] for one in personalize.list_campaigns()["campaigns"]}
    if CAMPAIGN not in arns:
        return None
    return str(personalize.describe_campaign(campaignArn=arns[CAMPAIGN])["campaign"]["solutionVersionArn"])


def test_taken_back_parked_and_unparked(school: Stack, tmp_path: Path) -> None:
    assert ask(school, "status")["campaigns"] == "none"
    load(school, tmp_path / "term.csv", made())
    first = night(school)
    assert first["canaries"] == {"verdict": "PASSED", "why": "5 students with a history got an answer"}
    second = night(school, "--force")
    assert (second["status"], second["previousSolutionVersionArn"]) == ("PROMOTED", first["solutionVersionArn"])
    assert deployed(school) == second["solutionVersionArn"]

    back = ask(school, "rollback")
    assert (back["status"], back["solutionVersionArn"]) == ("ROLLED_BACK", first["solutionVersionArn"])
    assert deployed(school) == first["solutionVersionArn"]
    assert ask(school, "recommend", "s1")["source"] == "campaign"
    again = school.nightclass("rollback", check=False)
    assert (again.returncode, "no version before the one that serves" in again.stderr) == (1, True)

    assert ask(school, "park")["status"] == "PARKED"
    assert deployed(school) is None
    status = ask(school, "status")
    assert (status["campaigns"], status["rankings"]) == ("parked", "popular items, and the last good answers of a day")
    assert status["next"].startswith("`nightclass unpark` ")
    assert status["next"].endswith(first["solutionVersionArn"].rpartition("/")[2])
    assert ask(school, "recommend", "s2")["source"] == "popular"

    assert ask(school, "unpark")["status"] == "UNPARKED"
    assert ask(school, "status")["campaigns"] == "serving"
    assert deployed(school) == first["solutionVersionArn"]
    assert ask(school, "recommend", "s2")["source"] == "campaign"


def test_the_age_alarm_reckons_with_the_deployed_policy(school: Stack) -> None:
    alarms = school.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (overdue,) = [
        query["Expression"] for alarm in alarms for query in alarm.get("Metrics", []) if query["Id"] == "overdue"
    ]
    assert overdue == "age - 7 * 24 - 36"
