"""The lease: no holder loses it while it waits, and whether one still runs is asked about our machines only."""

from typing import Any

from tests.contract.checks.machine import MACHINE
from tests.contract.checks.permissions import function_statements, granted
from tests.contract.project import Project, contract

# As nightly_retraining.asl.yaml says: the n-th wait grows to this many times PollSeconds.
LONGEST_WAIT = 5


@contract
def the_lease_outlasts_every_wait(project: Project) -> list[str]:
    """Nobody renews it during a wait; the longest one that parameters allow ends before LEASE_SECONDS have passed."""
    parameters: dict[str, Any] = project.template["Parameters"]
    waits = {
        "PollSeconds": LONGEST_WAIT * parameters["PollSeconds"].get("MaxValue", float("inf")),
        "ExportMarginSeconds": parameters["ExportMarginSeconds"].get("MaxValue", float("inf")),
    }
    return [
        f"{name}: its lease of {seconds} s may expire in a wait of {wait} s ({parameter})"
        for name in project.functions
        if (seconds := project.environment(name).get("LEASE_SECONDS"))
        for parameter, wait in waits.items()
        if wait >= int(seconds)
    ]


@contract
def the_holder_of_the_lease_is_one_of_our_executions(project: Project) -> list[str]:
    """states:DescribeExecution on the executions of every machine of ours, by its own name, and of no other."""
    prefix = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:"
    ours = {f"{prefix}${{{name}.Name}}:*" for name, _ in project.resources(MACHINE)}
    findings = []
    for name in project.functions:
        grants = granted(function_statements(project, name))
        asked = {grant.resource for grant in grants if grant.action == "states:DescribeExecution"}
        if asked and asked != ours:
            findings.append(f"{name}: looks up {sorted(asked)}")
    return findings
