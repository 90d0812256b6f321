"""Alarms: as reviewed, on metrics that exist, over times CloudWatch looks back, with a line for whoever is woken."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.project import Project, Properties, contract, text
from tests.contract.reviewed import table, where

DAY, WEEK = 86_400, 604_800
OPERATIONS = "docs/operations.md"
SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


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


@contract
def alarms_ring_as_reviewed(project: Project) -> list[str]:
    """What an alarm watches and when it rings is a sentence of tests/contract/reviewed/alarms.yaml, with its reason."""
    signed, given = table("alarms"), dict(project.resources("AWS::CloudWatch::Alarm"))
    findings = [
        f"{name} is gone: {line['why']} ({where('alarms')})" for name, line in signed.items() if name not in given
    ]
    for name, alarm in given.items():
        told, line = sentences(alarm), signed.get(name)
        if line is None:
            findings.append(f"{name}: nobody has signed it; it needs a line in {where('alarms')}: {told}")
        elif told != (asked := {key: value for key, value in line.items() if key != "why"}):
            findings.append(f"{name} is {told}, and {asked} in {where('alarms')}: {line['why']}")
    return findings


def sentences(alarm: Properties) -> dict[str, str]:
    """When an alarm rings, in words; for a sum of several metrics, each of them by its name in the sum."""
    queries = {str(query.get("Id")): query for query in alarm.get("Metrics", [])}
    sums = [query for query in queries.values() if "Expression" in query]
    if len(sums) > 1 or any(query.get("ReturnData", True) != ("Expression" in query) for query in queries.values()):
        return {"rings": f"on another metric than its sum: {alarm.get('Metrics')}"}
    watched = text(sums[0]["Expression"]) if sums else _metric(alarm, alarm.get("Statistic"), alarm.get("Period"))
    periods = alarm.get("EvaluationPeriods")
    told = {
        "rings": f"{watched} {SIGNS.get(str(alarm.get('ComparisonOperator')), '?')} {alarm.get('Threshold')}, "
        f"{alarm.get('DatapointsToAlarm', periods)} of {periods}, silence {alarm.get('TreatMissingData')}"
    }
    for name, query in queries.items():
        if stat := query.get("MetricStat"):
            told[name] = _metric(stat.get("Metric", {}), stat.get("Stat"), stat.get("Period"))
    return told


def _metric(metric: Properties, statistic: object, period: object) -> str:
    of = ", ".join(f"{one.get('Name')} {_named(one.get('Value'))}" for one in metric.get("Dimensions", []))
    return f"{statistic} of {metric.get('Namespace')} {metric.get('MetricName')} ({of}) in {period} s"


def _named(value: object) -> str:
    match value:
        case {"Fn::Select": [at, {"Fn::Split": [sign, whole]}]}:
            return f"{text(whole)}, part {at} by {sign}"
    return text(value)


def _watched(project: Project) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any], int]]:
    """Alarm's name, its properties, and every metric with its period."""
    for name, alarm in project.resources("AWS::CloudWatch::Alarm"):
        if "MetricName" in alarm:
            yield name, alarm, alarm, alarm["Period"]
        for query in alarm.get("Metrics", []):
            if stat := query.get("MetricStat"):
                yield name, alarm, stat["Metric"], stat["Period"]
