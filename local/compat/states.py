"""Step Functions."""

import json
from typing import Any

import yaml


def read_definitions_in_yaml() -> None:
    """A state machine's definition may be YAML.

    AWS: `DefinitionS3Location` and `DefinitionString` hold JSON or YAML; substitutions are made in the text first.
    Emulator: stores the text and parses it as JSON when the machine runs.
    """
    from ministack.services.cloudformation import provisioners

    read = provisioners._sfn_definition

    def definition(props: dict[str, Any]) -> str:
        text = read(props)
        try:
            json.loads(text)
        except ValueError:
            try:
                return json.dumps(yaml.safe_load(text))
            except yaml.YAMLError as error:
                raise ValueError(f"Invalid State Machine Definition: {error}") from error
        return str(text)

    provisioners._sfn_definition = definition
