"""The SAM template as plain CloudFormation, offline: what `sam validate` does inside, with the definition inlined.

cfn-lint no longer expands SAM, so that a Ref to nothing or a mistyped IAM action shows only here.
"""

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Template = dict[str, Any]
REGION = "ap-southeast-1"


class TranslationError(ValueError):
    """SAM does not accept the template; the message has one line a cause."""


def read_template(path: Path) -> Template:
    """The template with `!Ref` and its like in their long form."""
    from samtranslator.yaml_helper import yaml_parse

    template: Template = yaml_parse(path.read_text())
    return template


def read_definition(path: Path) -> dict[str, Any]:
    """An Amazon States Language file in YAML, as the dict that Step Functions would get."""
    definition: dict[str, Any] = yaml.safe_load(path.read_text())
    return definition


def translate(template: Template, definitions: Mapping[str, Mapping[str, Any]]) -> Template:
    """Expand SAM.

    Args:
        template: as `read_template` gives it; left as it is.
        definitions: parsed state machine definitions by their DefinitionUri.

    Returns:
        The CloudFormation template; every state machine carries its definition as a string.

    Raises:
        TranslationError: SAM does not accept the template, or a definition is missing.
    """
    # The translator makes a boto3 session for the partition's name, and nothing else of it.
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform

    expanded = copy.deepcopy(template)
    for name, resource in expanded["Resources"].items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                properties["CodeUri"] = "s3://bucket/key"
            case "AWS::Serverless::LayerVersion":
                properties["ContentUri"] = "s3://bucket/key"
            case "AWS::Serverless::StateMachine":
                uri = properties.pop("DefinitionUri", None)
                if uri not in definitions:
                    raise TranslationError(f"{name}: no definition at {uri}")
                properties["Definition"] = copy.deepcopy(definitions[uri])
    parameters = {name: given.get("Default", "") for name, given in template.get("Parameters", {}).items()}
    pseudo = {"AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": "123456789012"}
    try:
        translated: Template = transform(expanded, parameters | pseudo, _NoManagedPolicies())
    except InvalidDocumentException as error:
        raise TranslationError("\n".join(str(cause.message) for cause in error.causes)) from None
    for resource in translated["Resources"].values():
        # The translator joins the definition from hundreds of lines, which is too deep for cfn-lint.
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            lines = resource["Properties"]["DefinitionString"]["Fn::Join"][1]
            resource["Properties"]["DefinitionString"] = json.dumps(json.loads("".join(lines)))
    return translated


class _NoManagedPolicies:
    """We name no AWS managed policy, so that none has to be looked up in IAM."""

    def load(self) -> dict[str, str]:
        return {}
