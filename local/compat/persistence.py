"""What the emulator writes at its end."""

import json
import types
from collections.abc import Callable
from typing import TextIO


def save_quickly() -> None:
    """Saving a term's tables takes seconds.

    AWS: not our concern.
    Emulator: copies every item in Python and encodes it in Python, minutes after a large load, in which whoever waits
    for the process to end loses patience and kills it.
    """
    from ministack.core import persistence
    from ministack.services import dynamodb

    def dump(state: object, file: TextIO, default: Callable[[object], object]) -> None:
        file.write(json.dumps(state, default=default))

    # json.dumps encodes in C, json.dump in Python.
    persistence.json = types.SimpleNamespace(**{**vars(json), "dump": dump})
    # The state is encoded at once and nothing else runs: no copy needed.
    no_copy = types.SimpleNamespace(deepcopy=lambda value: value)
    dynamodb.get_state = types.FunctionType(dynamodb.get_state.__code__, {**vars(dynamodb), "copy": no_copy})
