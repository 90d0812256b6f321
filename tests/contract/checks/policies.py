"""Who may do what, against the table that somebody signed: every statement, principal, resource and condition."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.project import Project, contract, listed, statements, text
from tests.contract.reviewed import table, where

VERSION = "2012-10-17"
IDENTITY = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
ARN = {"arn:${AWS::Partition}:": "arn:…:", "${AWS::Region}:${AWS::AccountId}:": "…:"}


@dataclass(frozen=True, order=True)
class Permission:
    """One action on one resource under one condition; `why` is the table's reason, and no part of what is compared."""

    owner: str
    verb: str
    action: str
    resource: str
    who: str
    condition: str
    why: str = field(default="", compare=False)

    def __str__(self) -> str:
        asked = f" if {self.condition}" if self.condition else ""
        return f"{self.who} {self.verb} {self.action} at {self.resource or 'it'}{asked}".strip()


@contract
def everybody_may_do_what_was_reviewed(project: Project) -> list[str]:
    """Every permission stands in tests/contract/reviewed/policies.yaml, one line each with its reason, and no other."""
    given, signed = set(_given(project)), {one: one for one in _signed()}
    findings = [
        f"{one.owner}: gone is: {one}; it was there because: {one.why}" for one in sorted(signed) if one not in given
    ]
    return findings + [
        f"{one.owner}: {one}; nobody has signed that. If it is meant, it needs a line in {where('policies')}"
        for one in sorted(given)
        if one not in signed and not _follows_from_the_sources(project, one)
    ]


@contract
def policies_are_plain_statements(project: Project) -> list[str]:
    """What allows all but something (NotAction, NotResource, NotPrincipal), or comes from elsewhere, cannot be read."""
    findings = []
    for owner, document in documents(project):
        if not isinstance(document, Mapping) or "Statement" not in document:
            findings.append(f"{owner}: {json.dumps(document, default=str)} is not a policy of its own")
            continue
        if document.get("Version") != VERSION:
            findings.append(
                f"{owner}: policy version {document.get('Version')}; {VERSION} is the one that knows variables"
            )
        for statement in statements(document):
            findings += [f"{owner}: {key} in a statement" for key in sorted(set(statement) - KNOWN)]
            findings += [f"{owner}: a statement without Action"] * ("Action" not in statement)
            if statement.get("Effect") not in ("Allow", "Deny"):
                findings.append(
                    f"{owner}: a statement whose Effect is {statement.get('Effect')}, so that nobody can deploy it"
                )
    return findings


@contract
def the_lake_is_listed_by_prefix(project: Project) -> list[str]:
    """Who may list the bucket sees the folders that it works in; a bare grant shows every run, and every erasure."""
    return [
        f"{owner}: lists the whole bucket; s3:prefix limits it, and S3 asks with the key's prefix for its 404, too"
        for owner, document in documents(project)
        for one in statements(document)
        if "Principal" not in one and any(action.startswith("s3:List") for action in listed(one.get("Action")))
        if not listed(one.get("Condition", {}).get("StringLike", {}).get("s3:prefix"))
    ]


def documents(project: Project) -> Iterator[tuple[str, Any]]:
    """Owner and document of every policy of the template, of whatever resource."""
    for name, resource in project.template["Resources"].items():
        properties = resource.get("Properties") or {}
        if resource.get("Type") in IDENTITY:
            yield from ((name, policy) for policy in listed(properties.get("Policies")))
        elif resource.get("Type") == "AWS::IAM::Role":
            yield f"{name} assumed", properties.get("AssumeRolePolicyDocument")
            yield from ((name, policy.get("PolicyDocument")) for policy in properties.get("Policies", []))
        elif "PolicyDocument" in properties:
            yield name, properties["PolicyDocument"]


def _given(project: Project) -> Iterator[Permission]:
    for owner, document in documents(project):
        for one in statements(document) if isinstance(document, Mapping) else []:
            verb = "may" if one.get("Effect") == "Allow" else "may not"
            principals = list(_principals(one["Principal"])) if "Principal" in one else [""]
            yield from _permissions(
                owner, verb, one.get("Action"), one.get("Resource"), principals, one.get("Condition")
            )


def _signed() -> Iterator[Permission]:
    for owner, lines in table("policies").items():
        for line in lines if owner != "shared" else []:
            verb = "may" if "may" in line else "may not"
            who = listed(line.get("who", ""))
            yield from _permissions(owner, verb, line[verb], line.get("at"), who, line.get("if"), line["why"])


def _permissions(
    owner: str,
    verb: str,
    actions: object,
    resources: object,
    principals: Iterable[str],
    condition: object,
    why: str = "",
) -> Iterator[Permission]:
    for action in listed(actions):
        for resource in [_short(text(at)) for at in listed(resources)] or [""]:
            for who in principals:
                yield Permission(owner, verb, str(action), resource, who, _condition(condition), why)


def _principals(principal: object) -> Iterator[str]:
    if not isinstance(principal, Mapping):
        yield text(principal)
        return
    for kind, names in principal.items():
        # A service needs no word before it; an account, or an identity provider, does.
        yield from (text(name) if kind == "Service" else f"{kind} {text(name)}" for name in listed(names))


def _condition(condition: object) -> str:
    if not isinstance(condition, Mapping):
        return "" if condition is None else text(condition)
    return " and ".join(
        f"{test} {key} {' or '.join(sorted(_short(text(value)) for value in listed(values)))}"
        for test, asked in sorted(condition.items())
        for key, values in sorted(asked.items())
    )


def _short(arn: str) -> str:
    for long, short in ARN.items():
        arn = arn.replace(long, short)
    return arn


def _follows_from_the_sources(project: Project, one: Permission) -> bool:
    """Whether another contract derives the permission from what the handlers and state machines do."""
    if one.verb != "may" or one.condition or one.who:
        return False
    if one.owner in project.functions and one.action.startswith("dynamodb:"):
        return one.resource in set(_tables_and_indexes(project))
    machines = dict(project.resources("AWS::Serverless::StateMachine"))
    functions = {f"${{{name}.Arn}}" for name in project.functions}
    return one.owner in machines and one.action == "lambda:InvokeFunction" and one.resource in functions


def _tables_and_indexes(project: Project) -> Iterator[str]:
    for name, at in project.resources("AWS::DynamoDB::Table"):
        arn = f"${{{name}.Arn}}"
        yield from (arn, *(f"{arn}/index/{index['IndexName']}" for index in at.get("GlobalSecondaryIndexes", [])))
