"""The template against the forms that somebody signed, its references, its parameters and what it shows."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.forms import FILE, Part, named
from tests.contract.project import Project, contract, referent, text
from tests.contract.reviewed import table, where

SECRET = "AWS::SecretsManager::Secret"
NEEDED = "needed"
# In `!Sub`; `${!Name}` is the text ${Name}.
_VARIABLE = re.compile(r"\$\{([A-Za-z][\w:]*)[^}]*\}")
_RESOLVED = re.compile(r"\{\{resolve:[^}]*\}\}")
# What a parameter may say beyond its line: words for whoever deploys, and limits that are added.
FREE = {"Description", "ConstraintDescription", "MinValue", "MaxValue", "MinLength", "MaxLength"}


@contract
def resources_are_as_reviewed(project: Project) -> list[str]:
    """Every property is one that tests/contract/reviewed/resources.yaml lists for its kind, with what it must say."""
    forms, findings = table("resources"), []
    for kind, owner, value in _parts(project):
        if kind not in forms:
            findings.append(f"{owner} is a {kind}; nobody has reviewed that kind, which needs a form in {FILE}")
        else:
            findings += Part(project, owner.split(".")[0], owner, value).deviations(forms[kind])
    return findings


@contract
def what_nothing_refers_to_is_there(project: Project) -> list[str]:
    """A policy, rule or schedule that is deleted breaks no reference; resources.yaml says what is lost with it."""
    forms, there = table("resources"), project.template["Resources"]
    findings = [f"{name} is gone: {why} ({FILE})" for name, why in forms[NEEDED].items() if name not in there]
    return findings + [
        f"{FILE} has a line for {name}, a {kind} that is gone"
        for kind, form in forms.items()
        if kind != NEEDED
        for name in sorted(named(form))
        if name not in there
    ]


@contract
def references_lead_somewhere(project: Project) -> list[str]:
    """A reference to what was deleted fails at deploy time only, and SAM asks for nobody's existence."""
    template = project.template
    # SAM makes the role of a function or state machine.
    roles = {
        f"{name}Role" for name, _ in project.resources("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
    }
    known = {*template["Resources"], *template.get("Parameters", {}), *roles}
    conditions = template.get("Conditions", {})
    findings = [f"{at}: there is no {name}" for at, name in _references(template, "template") if name not in known]
    for name, resource in template["Resources"].items():
        if "Condition" in resource and resource["Condition"] not in conditions:
            findings.append(f"{name}: there is no condition {resource['Condition']}")
    return findings


@contract
def parameters_are_as_reviewed(project: Project) -> list[str]:
    """A default is a value like any other, and a limit keeps whoever deploys from the cliff (parameters.yaml)."""
    signed, given = table("parameters"), project.template.get("Parameters", {})
    findings = [
        f"{name}: nobody has reviewed it; a line in {where('parameters')}" for name in given if name not in signed
    ]
    for name, line in signed.items():
        if name not in given:
            findings.append(f"{name} is gone: {line['why']}")
            continue
        asked = {key: value for key, value in line.items() if key != "why"}
        for key in sorted({*asked, *given[name]} - (FREE - set(asked))):
            said, told = given[name].get(key), asked.get(key)
            if said != told or type(said) is not type(told):
                findings.append(f"{name}: {key} is {said!r}, and {told!r} in {where('parameters')}: {line['why']}")
        default, lowest, highest = (given[name].get(key) for key in ("Default", "MinValue", "MaxValue"))
        if isinstance(default, int | float) and not (lowest or 0) <= default <= (highest or math.inf):
            findings.append(f"{name}: {default} lies outside its own limits, so that no stack can be made")
    return findings


@contract
def outputs_show_no_secret(project: Project) -> list[str]:
    """Whoever may describe the stack reads outputs, parameters, and what a dynamic reference resolved to."""
    secrets = {name for name, _ in project.resources(SECRET)}
    findings = [
        f"{at}: {found}; a secret is read at run time, with GetSecretValue"
        for at, value in _texts(project.template, "template")
        for found in _RESOLVED.findall(value)
    ]
    for name, output in project.template.get("Outputs", {}).items():
        whole = text(output.get("Value"))
        if referent(output.get("Value")) in secrets or re.search(r"secret|password|token", whole, re.IGNORECASE):
            findings.append(f"output {name}: shows {whole}")
        if "Export" in output:
            findings.append(f"output {name}: exported, so that no other stack lets go of it")
    return findings


def _parts(project: Project) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Kind, name and content of all that has a form: the template, its resources, and the events of functions."""
    yield "Template", "Template", project.template
    for name, resource in project.template["Resources"].items():
        around = {key: value for key, value in resource.items() if key not in ("Type", "Properties")}
        yield str(resource.get("Type")), name, {**around, **(resource.get("Properties") or {})}
        if resource.get("Type") == "AWS::Serverless::Function":
            for event, source in (resource["Properties"].get("Events") or {}).items():
                yield f"{source.get('Type')} event", f"{name}.{event}", source.get("Properties") or {}


def _references(node: object, at: str) -> Iterator[tuple[str, str]]:
    match node:
        case {"Ref": str(name)}:
            yield from [] if name.startswith("AWS::") else [(at, name)]
        case {"Fn::GetAtt": [str(name), *_]}:
            yield at, name
        case {"Fn::GetAtt": str(dotted)}:
            yield at, dotted.split(".")[0]
        case {"Fn::Sub": str(pattern)}:
            yield from ((at, name) for name in _VARIABLE.findall(pattern) if not name.startswith("AWS::"))
        case Mapping():
            for key, value in node.items():
                yield from _references(value, f"{at}.{key}")
        case list():
            for index, value in enumerate(node):
                yield from _references(value, f"{at}.{index}")


def _texts(node: object, at: str) -> Iterator[tuple[str, str]]:
    match node:
        case str():
            yield at, node
        case Mapping():
            for key, value in node.items():
                yield from _texts(value, f"{at}.{key}")
        case list():
            for index, value in enumerate(node):
                yield from _texts(value, f"{at}.{index}")
