"""Alarms: on metrics that exist, over times that CloudWatch looks back, and with a line for whoever is woken."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.project import Project, contract

DAY, WEEK = 86_400, 604_800
OPERATIONS = "docs/operations.md"


@contract
def alarms_look_back_no_further_than_cloudwatch(project: Project) -> list[str]:
    """PutMetricAlarm: period × periods is at most seven days, and a day where the period is below an hour."""
    findings = []
    for name, alarm, _, period in _watched(project):
        whole = period * alarm["EvaluationPeriods"]
        if whole > (WEEK if period >= 3600 else DAY):
            findings.append(f"{name}: looks back {whole} s in periods of {period} s")
    return findings


@contract
def alarms_watch_metrics_that_are_emitted(project: Project) -> list[str]:
    """A metric of ours that no function names is missing for ever, and its alarm sleeps."""
    shipped = "".join(text for path, text in project.sources.items() if path.startswith("functions/"))
    return [
        f"{name}: no function emits {metric['MetricName']}"
        for name, _, metric, _ in _watched(project)
        if metric["Namespace"] == "Nightclass" and f'"{metric["MetricName"]}"' not in shipped
    ]


@contract
def alarms_are_explained(project: Project) -> list[str]:
    """Whoever is woken finds the alarm's name and what to do."""
    text = project.documents.get(OPERATIONS, "")
    names = [name for name, _ in project.resources("AWS::CloudWatch::Alarm")]
    return [f"{OPERATIONS}: no word on {name}" for name in names if f"`{name}`" not in text]


def _watched(project: Project) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any], int]]:
    """Alarm's name, its properties, and every metric with its period."""
    for name, alarm in project.resources("AWS::CloudWatch::Alarm"):
        if "MetricName" in alarm:
            yield name, alarm, alarm, alarm["Period"]
        for query in alarm.get("Metrics", []):
            if stat := query.get("MetricStat"):
                yield name, alarm, stat["Metric"], stat["Period"]
