"""Who waits for whom: a function outlasts its clients, a state outlasts its function."""

from campus.clients import _TIMING
from tests.contract.checks.machine import invoked, machines, states
from tests.contract.project import Project, contract

# Pauses between a client's tries, and what the function does besides.
SPARE_SECONDS = 5


def _timeout(project: Project, function: str) -> int:
    return int({**project.function_globals, **project.functions[function]}["Timeout"])


@contract
def functions_outlast_a_service_that_does_not_answer(project: Project) -> list[str]:
    """All tries of one call end within the function's time, so that silence is an outcome and not a timeout."""
    findings = []
    for name in project.functions:
        for service in sorted({use.service for use in project.effects(name).uses} & set(_TIMING)):
            timing = _TIMING[service]
            tries, once = timing["retries"]["total_max_attempts"], timing["connect_timeout"] + timing["read_timeout"]
            needed = tries * once + SPARE_SECONDS
            if _timeout(project, name) < needed:
                findings.append(f"{name}: gives {service} {needed} s and has {_timeout(project, name)} s itself")
    return findings


@contract
def states_outlast_their_functions(project: Project) -> list[str]:
    """A function that takes all its time is told apart from one that never answered."""
    return [
        f"{name}: waits {state['TimeoutSeconds']} s for {function}, which may take {_timeout(project, function)} s"
        for _, _, definition in machines(project)
        for name, state in states(definition)
        if (function := invoked(state)) and state["TimeoutSeconds"] <= _timeout(project, function)
    ]
