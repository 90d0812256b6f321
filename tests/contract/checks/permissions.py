"""IAM ↔ code: each function may do exactly what its sources do, on exactly the resources it does it to."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import botocore.session
from botocore import xform_name

from tests.contract.calls import Use
from tests.contract.checks.environment import variables
from tests.contract.project import Project, Properties, contract, listed, referent, statements, text

# Operations whose permission has another name (service authorization reference), and boto3's own transfer methods.
OTHERWISE = {
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:upload_fileobj": "s3:PutObject",
    "s3:upload_file": "s3:PutObject",
    "s3:download_fileobj": "s3:GetObject",
    "s3:download_file": "s3:GetObject",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "dynamodb:batch_writer": "dynamodb:BatchWriteItem",
}
# Granted beside another one without a call of its own: a missing key answers 404, not 403; a broken upload is cleared;
# whoever names a version deletes that; a mail with headers of its own may count as raw.
COMPANIONS = {
    "s3:ListBucket": "s3:GetObject",
    "s3:AbortMultipartUpload": "s3:PutObject",
    "s3:DeleteObjectVersion": "s3:DeleteObject",
    "ses:SendRawEmail": "ses:SendEmail",
}
# What hands PersonalizeRole over.
PASSING = {"personalize:CreateDatasetImportJob", "personalize:CreateDataDeletionJob"}
# A transaction is authorised by its actions.
BY_PARTS = {"dynamodb:TransactWriteItems", "dynamodb:TransactGetItems"}


@dataclass(frozen=True, order=True)
class Grant:
    """An action on a resource in `!Sub` notation; "" is any resource."""

    action: str
    resource: str = ""

    def covers(self, other: "Grant") -> bool:
        """Whether one stands for the other, as far as both know their resource."""
        same = not self.resource or not other.resource or self.resource == other.resource
        anywhere = (
            "?" in (self.resource + other.resource) and self.resource.split("/")[0] == other.resource.split("/")[0]
        )
        return self.action == other.action and (same or anywhere)


@cache
def _operations(service: str) -> tuple[str, dict[str, str]]:
    model = botocore.session.Session().get_service_model(service)
    return model.signing_name, {xform_name(name): name for name in model.operation_names}


@cache
def _reference() -> dict[str, Any]:
    """The service authorization reference as cfn-lint carries it: actions with their resource types."""
    data: dict[str, Any] = json.loads((files("cfnlint") / "data/AdditionalSpecs/Policies.json").read_text())
    return data


def resource_types(action: str) -> list[str]:
    """ARN kinds an action is authorised on (`dataset-group`, `solution`…); [] where only `*` is possible."""
    service, _, name = action.partition(":")
    known = _reference()[service]["Actions"].get(name.lower(), {}).get("Resources", [])
    formats = _reference()[service]["Resources"]
    return sorted({match[1] for kind in known for match in _kinds(formats[kind.lower()]["ARNFormats"])})


def _kinds(formats: list[str]) -> Iterator[re.Match[str]]:
    for pattern in formats:
        if found := re.match(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:([a-z-]+)/", pattern):
            yield found


def function_statements(project: Project, function: str) -> list[Properties]:
    """The statements of a function's own policies, and of those that are attached to its role."""
    inline = [one for policy in project.functions[function].get("Policies", []) for one in statements(policy)]
    attached = [one for roles, one in _attached(project) if f"{function}Role" in roles]
    return inline + attached


def _attached(project: Project) -> Iterator[tuple[set[str], Properties]]:
    """Roles and statement of policies that stand by themselves."""
    for _, policy in project.resources("AWS::IAM::Policy"):
        roles = {referent(role) for role in policy["Roles"]}
        yield from ((roles, one) for one in statements(policy["PolicyDocument"]))


def granted(statements_: list[Properties]) -> set[Grant]:
    """Action by resource of Allow statements."""
    return {
        Grant(action, text(resource))
        for one in statements_
        if one["Effect"] == "Allow"
        for action in listed(one["Action"])
        for resource in listed(one["Resource"])
    }


def needed(project: Project, function: str) -> set[Grant]:
    """What a function's sources do, and what its event sources need of it."""
    needs = {grant for use in project.effects(function).uses if (grant := _grant(project, function, use))}
    if any(need.action in PASSING for need in needs):
        needs.add(Grant("iam:PassRole"))
    for name, source in project.event_sources("DynamoDB"):
        destination = source.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if name == function and destination:
            needs.add(Grant("sqs:SendMessage", text(destination)))
    return needs


def _grant(project: Project, function: str, use: Use) -> Grant | None:
    prefix, operations = _operations(use.service)
    operation = operations.get(use.operation, use.operation)
    action = OTHERWISE.get(f"{prefix}:{operation}", f"{prefix}:{operation}")
    if action in BY_PARTS:
        return None
    if prefix != "dynamodb" or not use.table:
        return Grant(action)
    environment = {**project.global_environment, **project.environment(function)}
    table = referent(environment.get(variables(project.code).get(use.table, "")))
    return Grant(action, f"${{{table}.Arn}}" + (f"/index/{use.index}" if use.index else ""))


def _written(project: Project) -> list[str]:
    """Functions whose handler exists, so that its sources can be followed."""
    return [name for name in project.functions if project.entry(name)[0] in project.code.trees]


@contract
def functions_may_do_what_they_do(project: Project) -> list[str]:
    """Every AWS call below a handler is allowed by its function's policy."""
    findings = []
    for name in _written(project):
        have = granted(function_statements(project, name))
        findings += [
            f"{name}: calls {need.action} {need.resource}, which its policy does not allow"
            for need in sorted(needed(project, name))
            if not any(grant.covers(need) for grant in have)
        ]
    return findings


@contract
def functions_may_do_no_more(project: Project) -> list[str]:
    """Every action of a policy, on DynamoDB every resource too, is used by the function's sources."""
    findings = []
    for name in _written(project):
        needs = needed(project, name)
        for grant in sorted(granted(function_statements(project, name))):
            precise = grant if grant.action.startswith(("dynamodb:", "sqs:")) else Grant(grant.action)
            companion = Grant(COMPANIONS.get(grant.action, ""))
            if not any(need.covers(precise) or need.covers(companion) for need in needs):
                findings.append(f"{name}: {grant.action} on {grant.resource} is allowed and never used")
    return findings


def every_statement(project: Project) -> Iterator[tuple[str, Properties]]:
    """Owner and Allow statement of every function, state machine and role."""
    for name, properties in project.resources("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
        for policy in properties.get("Policies", []):
            yield from ((name, one) for one in statements(policy))
    for name, role in project.resources("AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            yield from ((name, one) for one in statements(policy["PolicyDocument"]))
    yield from ((", ".join(sorted(roles)), one) for roles, one in _attached(project))


@contract
def every_function_has_its_own_policy(project: Project) -> list[str]:
    """No shared role, no AWS managed policy, no policy template."""
    findings = [f"Globals: {key}" for key in ("Role", "Policies") if key in project.function_globals]
    for name, function in project.functions.items():
        policies = function.get("Policies", [])
        if (
            "Role" in function
            or not policies
            or not all(isinstance(one, dict) and "Statement" in one for one in policies)
        ):
            findings.append(f"{name}: policies are not statements of its own")
    return findings


@contract
def no_action_is_a_wildcard(project: Project) -> list[str]:
    """`personalize:*` grows with every launch of AWS."""
    return [
        f"{name}: {action}"
        for name, statement in every_statement(project)
        for action in listed(statement["Action"])
        if "*" in action
    ]


@contract
def resources_are_named(project: Project) -> list[str]:
    """`Resource: *` only for actions that know no resource (service authorization reference)."""
    return [
        f"{name}: {action} on every resource; it can be limited to {resource_types(action)}"
        for name, statement in every_statement(project)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
        if resource_types(action) or not action.startswith(("personalize:", "logs:", "xray:", "ses:GetAccount"))
    ]


@contract
def personalize_permissions_name_the_right_kinds(project: Project) -> list[str]:
    """Each action is allowed on every kind of ARN it is authorised on, and no statement names another kind."""
    findings = []
    for name in project.functions:
        have = [
            grant for grant in granted(function_statements(project, name)) if grant.action.startswith("personalize:")
        ]
        for action in sorted({grant.action for grant in have}):
            kinds = {_kind(grant.resource) for grant in have if grant.action == action and grant.resource != "*"}
            findings += [
                f"{name}: {action} is also authorised on {kind}/…" for kind in set(resource_types(action)) - kinds
            ]
        for statement in function_statements(project, name):
            used = {kind for action in listed(statement["Action"]) for kind in resource_types(action)}
            stray = {_kind(text(at)) for at in listed(statement["Resource"]) if ":personalize:" in text(at)} - used
            findings += [f"{name}: none of {listed(statement['Action'])} knows {kind}/…" for kind in sorted(stray)]
    return findings


def _kind(arn: str) -> str:
    found = re.search(r":([a-z-]+)/", arn)
    return found[1] if found else arn


@contract
def passed_roles_are_bound(project: Project) -> list[str]:
    """iam:PassRole: one role of ours, to Personalize only."""
    findings = []
    roles = dict(project.resources("AWS::IAM::Role"))
    for name, statement in every_statement(project):
        if "iam:PassRole" not in listed(statement["Action"]):
            continue
        if [referent(role) for role in listed(statement["Resource"])] != [
            "PersonalizeRole"
        ] or "PersonalizeRole" not in roles:
            findings.append(f"{name}: passes {statement['Resource']}")
        if statement.get("Condition") != {"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}}:
            findings.append(f"{name}: passes a role to any service")
    return findings


@contract
def mails_come_from_our_address(project: Project) -> list[str]:
    """ses:SendEmail on our identity and configuration set, under the one sender."""
    findings = []
    for name, statement in every_statement(project):
        if not any(action.startswith("ses:Send") for action in listed(statement["Action"])):
            continue
        sender = statement.get("Condition", {}).get("StringEquals", {}).get("ses:FromAddress")
        if text(sender) != text(project.environment(name).get("SENDER")):
            findings.append(f"{name}: may send as {text(sender)}")
    return findings
