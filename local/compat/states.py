"""Step Functions."""

import json
import time
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


def let_expressions_wait_for_the_processor() -> None:
    """An expression has a second of processor time.

    AWS: ends a JSONata expression after a second, on machines that do nothing else.
    Emulator: after a second on the clock, so on a busy machine any expression, and with it the night, may fail.
    """
    from jsonata import jexception, timebox  # type: ignore[import-untyped]

    class ProcessorTime(timebox.Timebox):  # type: ignore[misc]
        def __init__(self, expression: Any, timeout: int | None = None, depth: int | None = None) -> None:  # noqa: ANN401
            super().__init__(expression, None, depth)
            self._limit = timeout
            self._began = time.thread_time()

        def check_runaway(self) -> None:
            super().check_runaway()
            if self._limit is not None and (time.thread_time() - self._began) * 1000 > self._limit:
                raise jexception.JException("D1012", -1, self._limit)

    timebox.Timebox = ProcessorTime
