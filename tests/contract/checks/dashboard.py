"""The dashboard and the saved queries: they show what exists, where CloudWatch can draw it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.project import Project, contract, referent

WIDTH = 24
# Metrics by dimension, from "CloudWatch metrics" of each service's guide.
DOCUMENTED: Mapping[tuple[str, str], frozenset[str]] = {
    ("AWS/SQS", "QueueName"): frozenset({"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}),
    ("AWS/States", "StateMachineArn"): frozenset({"ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut"}),
    ("AWS/ApiGateway", "ApiId"): frozenset({"Count", "4xx", "5xx", "Latency", "IntegrationLatency"}),
}
_REFERENCE = re.compile(r"\$\{([A-Za-z]\w*)[^}]*\}")


@contract
def the_dashboard_can_be_drawn(project: Project) -> list[str]:
    """The body is JSON, and every widget lies within the page and on no other."""
    findings = []
    for name, widgets in _dashboards(project):
        if widgets is None:
            findings.append(f"{name}: the body is no JSON")
            continue
        taken: dict[tuple[int, int], str] = {}
        for widget in widgets:
            title = widget["properties"]["title"]
            if widget["x"] + widget["width"] > WIDTH:
                findings.append(f"{name}: {title} leaves the page")
            for place in _places(widget):
                if (other := taken.setdefault(place, title)) != title:
                    findings.append(f"{name}: {title} lies on {other}")
                    break
    return findings


@contract
def the_dashboard_shows_metrics_that_exist(project: Project) -> list[str]:
    """A metric of ours that some function names, or one that a service's guide names with this dimension."""
    shipped = "".join(text for path, text in project.sources.items() if path.startswith("functions/"))
    findings = []
    for name, widgets in _dashboards(project):
        for namespace, metric, dimension, *_ in _metrics(widgets or []):
            known = (
                f'"{metric}"' in shipped and dimension == "service"
                if namespace == "Nightclass"
                else metric in DOCUMENTED.get((namespace, dimension), ())
            )
            if not known:
                findings.append(f"{name}: nothing reports {namespace} {metric} by {dimension}")
    return findings


@contract
def the_dashboard_shows_every_alarm_and_queue(project: Project) -> list[str]:
    """Whoever looks sees all of them, also those added last."""
    bodies = "".join(_body(dashboard) for _, dashboard in project.resources("AWS::CloudWatch::Dashboard"))
    shown = set(_REFERENCE.findall(bodies))
    watched = project.resources("AWS::CloudWatch::Alarm", "AWS::SQS::Queue")
    return [f"the dashboard does not show {name}" for name, _ in watched if name not in shown]


@contract
def saved_queries_ask_logs_of_ours(project: Project) -> list[str]:
    """A query names log groups of this stack, and stands in the folder that the documents name."""
    groups = {name for name, _ in project.resources("AWS::Logs::LogGroup")}
    findings = []
    for name, query in project.resources("AWS::Logs::QueryDefinition"):
        asked = {referent(group) for group in query.get("LogGroupNames", [])}
        if not asked or asked - groups:
            findings.append(f"{name}: asks {sorted(asked) or 'nothing'}")
        if not str(query["Name"]).startswith("Nightclass/"):
            findings.append(f"{name}: is not in the folder Nightclass")
    return findings


def _dashboards(project: Project) -> Iterator[tuple[str, list[dict[str, Any]] | None]]:
    """Name and widgets; None where the body cannot be read."""
    for name, dashboard in project.resources("AWS::CloudWatch::Dashboard"):
        try:
            yield name, json.loads(_REFERENCE.sub(r"\1", _body(dashboard)))["widgets"]
        except (ValueError, KeyError):
            yield name, None


def _body(dashboard: Mapping[str, Any]) -> str:
    body = dashboard["DashboardBody"]
    return str(body["Fn::Sub"] if isinstance(body, dict) else body)


def _metrics(widgets: list[dict[str, Any]]) -> Iterator[list[str]]:
    for widget in widgets:
        yield from widget["properties"].get("metrics", [])


def _places(widget: Mapping[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(widget["x"], widget["x"] + widget["width"]):
        for y in range(widget["y"], widget["y"] + widget["height"]):
            yield x, y
