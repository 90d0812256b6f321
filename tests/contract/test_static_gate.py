"""The parts of the static gate that are ours: grammars, state machine tasks, expressions, translation."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from cfnlint.api import lint

from tests.contract.project import Project
from tests.static import asl, grammar
from tests.static.translation import REGION, TranslationError, translate


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.read()


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 2 * * ? *)",
        "cron(0/15 8-17 ? * MON-FRI 2026)",
        "cron(30 6 L * ? *)",
        "cron(0 9 15W JAN,JUL ? 2026-2030)",
        "cron(0 0 ? * 6#3 *)",
        "cron(0 0 ? * FRIL *)",
        "rate(1 hour)",
        "rate(5 minutes)",
        "at(2026-11-22T02:00:00)",
    ],
)
def test_a_schedule_that_scheduler_takes_passes(expression: str) -> None:
    assert grammar.schedule_problems(expression) == []


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 2 * * *)",
        "cron(0 2 * * * *)",
        "cron(0 2 ? * ? *)",
        "cron(60 2 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 2 32 * ? *)",
        "cron(0 2 ? * 0 *)",
        "cron(0 2 ? * MONDAY *)",
        "cron(17-8 2 * * ? *)",
        "cron(0/0 2 * * ? *)",
        "cron(0 2 * * ? 1969)",
        "cron(0  2 * * ? *)",
        "rate(5 minute)",
        "rate(1 hours)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "at(2026-13-01T02:00:00)",
        "every night",
    ],
)
def test_a_schedule_that_scheduler_refuses_is_found(expression: str) -> None:
    assert grammar.schedule_problems(expression)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["api.student"], "detail-type": ["student.enrolled"]},
        {"detail": {"classId": [{"prefix": "math-"}, {"anything-but": ["x"]}], "score": [{"numeric": [">", 0]}]}},
        {"$or": [{"source": ["a"]}, {"detail": {"trigger": [{"exists": False}]}}]},
    ],
)
def test_a_pattern_that_eventbridge_takes_passes(pattern: dict[str, Any]) -> None:
    assert grammar.pattern_problems(pattern) == []


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        [],
        {"detail_type": ["student.enrolled"]},
        {"source": "api.student"},
        {"source": []},
        {"source": [{"begins": "api."}]},
        {"source": [{"prefix": "a", "suffix": "b"}]},
        {"detail": {"score": [{"numeric": ">0"}]}},
        {"detail": {}},
    ],
)
def test_a_pattern_that_would_never_match_is_found(pattern: object) -> None:
    assert grammar.pattern_problems(pattern)


def task(**fields: Any) -> dict[str, Any]:
    return {"States": {"Do": {"Type": "Task", "TimeoutSeconds": 60, **fields}}}


CRAWLER = "arn:aws:states:::aws-sdk:glue:startCrawler"


def test_a_task_that_fits_its_service_passes() -> None:
    assert asl.task_problems(task(Resource=CRAWLER, Arguments={"Name": "lake"})) == []
    invoke = {"FunctionName": "${TrainModelFunctionArn}", "Payload": {"anything": 1}}
    assert asl.task_problems(task(Resource="arn:aws:states:::lambda:invoke", Arguments=invoke)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"Resource": "arn:aws:states:::aws-sdk:glue:startCrawlers", "Arguments": {"Name": "lake"}},
        {"Resource": "arn:aws:states:::aws-sdk:glu:startCrawler", "Arguments": {"Name": "lake"}},
        {"Resource": "arn:aws:states:::aws-sdk:glue:StartCrawler", "Arguments": {"Name": "lake"}},
        {"Resource": CRAWLER, "Arguments": {"CrawlerName": "lake"}},
        {"Resource": CRAWLER, "Arguments": {}},
        {"Resource": CRAWLER, "Arguments": {"name": "lake"}},
        {"Resource": "lambda:invoke", "Arguments": {}},
        {"Resource": CRAWLER, "Arguments": {"Name": "lake"}, "TimeoutSeconds": None},
    ],
)
def test_a_task_that_would_fail_at_night_is_found(fields: dict[str, Any]) -> None:
    definition = task(**fields)
    if fields.get("TimeoutSeconds", 60) is None:
        del definition["States"]["Do"]["TimeoutSeconds"]
    assert asl.task_problems({"States": {"Outer": {"Type": "Map", "ItemProcessor": definition}}})


@pytest.mark.parametrize("expression", ["{% $merge([$run, {'a': 1}] %}", "{% $states.input.polls + %}", "{% 1"])
def test_an_expression_that_does_not_parse_is_found(expression: str) -> None:
    assert asl.expression_problems({"States": {"Set": {"Type": "Pass", "Assign": {"x": ["{% 1 + 1 %}"]}}}}) == []
    assert asl.expression_problems({"States": {"Set": {"Type": "Pass", "Assign": {"x": [expression]}}}})


def _lint(project: Project, breakage: Callable[[dict[str, Any]], None]) -> set[str]:
    """Rules of cfn-lint that complain about the translation of a broken template."""
    template = copy.deepcopy(project.template)
    breakage(template["Resources"])
    # One small definition: the point is the template.
    small = {"QueryLanguage": "JSONata", "StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    translated = translate(template, dict.fromkeys(project.definitions, small))
    keep = {
        "PutStudentFunction",
        "PutStudentFunctionRole",
        "StudentsTable",
        "OperationsTable",
        "FunctionLogs",
        "ApiLogs",
    }
    translated["Resources"] = {name: at for name, at in translated["Resources"].items() if name in keep}
    translated.pop("Outputs")
    return {match.rule.id for match in lint(json.dumps(translated, default=str), regions=[REGION])}


def test_the_translation_shows_what_the_template_hides(project: Project) -> None:
    def no_breakage(_: dict[str, Any]) -> None: ...

    def bad_action(resources: dict[str, Any]) -> None:
        resources["PutStudentFunction"]["Properties"]["Policies"][0]["Statement"][0]["Action"] = "dynamodb:PutItme"

    def bad_reference(resources: dict[str, Any]) -> None:
        statement = resources["PutStudentFunction"]["Properties"]["Policies"][0]["Statement"][0]
        statement["Resource"] = {"Fn::GetAtt": ["StudentTable", "Arn"]}

    content = _lint(project, no_breakage)
    assert "W3037" in _lint(project, bad_action) - content
    assert "E1010" in _lint(project, bad_reference) - content


def test_a_template_that_sam_refuses_says_why(project: Project) -> None:
    template = copy.deepcopy(project.template)
    template["Resources"]["PutClassFunction"]["Properties"]["Events"]["Route"]["Type"] = "HttpsApi"
    with pytest.raises(TranslationError, match="PutClassFunction"):
        translate(template, project.definitions)


def test_a_state_machine_without_its_definition_is_refused(project: Project) -> None:
    with pytest.raises(TranslationError, match="NightlyRetraining"):
        translate(project.template, {})
