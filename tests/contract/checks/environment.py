"""Environment ↔ settings: every setting a handler can reach is set, and nothing is set that nobody reads."""

import ast
import re

from tests.contract.codebase import Codebase
from tests.contract.project import Project, contract, text

# Read by Powertools itself.
POWERTOOLS = {
    "POWERTOOLS_SERVICE_NAME": "logger",
    "POWERTOOLS_METRICS_NAMESPACE": "metrics",
}
# What a variable holds that is not named after a parameter or resource of its own.
HELD = {
    "POWERTOOLS_SERVICE_NAME": "nightclass",
    "POWERTOOLS_METRICS_NAMESPACE": "Nightclass",
    "EVENT_BUS": "${EventBusName}",
    "DATASET_GROUP": "${DatasetGroupName}",
    "PERSONALIZE_ARN_PREFIX": "arn:${AWS::Partition}:personalize:${AWS::Region}:${AWS::AccountId}:",
    "PERSONALIZE_ROLE_ARN": "${PersonalizeRole.Arn}",
    "CONFIGURATION_SET": "${MailConfigurationSet}",
    "SENDER": "noreply@${SenderDomain}",
    "UNSUBSCRIBE_URL": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/unsubscribe",
    # The queues whose messages name a student; an erasure looks through them.
    "DEAD_LETTER_URLS": "${MailDeadLetters},${AnnouncementDeadLetters},${InteractionDeadLetters},${DeadLetters}",
    # Twice the longest step's timeout: a run that died frees the lease, a run that works never loses it.
    "LEASE_SECONDS": "1800",
}


def variables(code: Codebase) -> dict[str, str]:
    """Environment variable of each attribute of `campus.settings.Settings`."""
    found: dict[str, str] = {}
    for node in ast.walk(code.trees["campus.settings"]):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=attribute)],
                value=ast.Call(func=ast.Name(id="Variable"), args=[ast.Constant(value=str(name)), *_]),
            ):
                found[attribute] = name
    return found


def reads(project: Project, function: str) -> set[str]:
    """The variables that a function can read."""
    effects = project.effects(function)
    names = variables(project.code)
    touched = {symbol.name for symbol in effects.touched if symbol.module == "campus.observability"}
    read = {names[setting] for setting in effects.settings if setting in names}
    return read | {name for name, reader in POWERTOOLS.items() if reader in touched}


@contract
def every_setting_read_is_set(project: Project) -> list[str]:
    """A setting that a handler reaches stands in its Environment or in Globals."""
    return [
        f"{name}: reads {variable}, which its Environment does not set"
        for name in project.functions
        for variable in sorted(reads(project, name) - {*project.environment(name), *project.global_environment})
    ]


@contract
def every_variable_is_read(project: Project) -> list[str]:
    """A variable of a function is read by it; one of Globals by at least two."""
    read = {name: reads(project, name) for name in project.functions}
    findings = [
        f"{name}: {variable} is set and never read"
        for name in project.functions
        for variable in project.environment(name)
        if variable not in read[name] and project.entry(name)[0] in project.code.trees
    ]
    for variable in project.global_environment:
        readers = [name for name, variables_read in read.items() if variable in variables_read]
        if len(readers) < 2 and variable not in POWERTOOLS:
            findings.append(f"Globals: {variable} is read by {', '.join(readers) or 'nobody'}")
    return findings


@contract
def variables_hold_what_they_name(project: Project) -> list[str]:
    """`MAIL_QUEUE_URL` is a reference to MailQueue, and a limit to its parameter: no constant, and nobody else's."""
    everywhere = {
        "Globals": project.global_environment,
        **{name: project.environment(name) for name in project.functions},
    }
    findings = []
    for owner, given in everywhere.items():
        for variable, value in given.items():
            resource = "".join(word.capitalize() for word in re.sub(r"_(URL|ARN|ID)$", "", variable).split("_"))
            asked = HELD.get(variable, f"${{{resource}}}")
            if text(value) != asked:
                findings.append(f"{owner}: {variable} is {text(value)}, not {asked}")
    return findings


@contract
def every_setting_has_a_variable_and_a_reader(project: Project) -> list[str]:
    """`campus.settings` lists nothing that no function reads or that the template never sets."""
    somewhere = {*project.global_environment}.union(*(project.environment(name) for name in project.functions))
    everybody = set().union(*(reads(project, name) for name in project.functions))
    names = variables(project.code)
    return [f"settings.{at}: the template never sets {name}" for at, name in names.items() if name not in somewhere] + [
        f"settings.{at}: no handler reads it" for at, name in names.items() if name not in everybody
    ]
