"""Event classes ↔ publishers ↔ rules ↔ consumers ↔ fixtures ↔ policy conditions."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.events.models import EventPattern

from campus.events import EVENT_CLASSES, EventClass, parse
from campus.validation import InvalidInputError
from tests.contract.kinds import Symbol
from tests.contract.project import Project, contract, listed, referent, statements, text
from tests.static import grammar

BUS = "StudentEventBus"
RELAY = "RelayEventsFunction"
REPORTS = "MailFeedbackRule"


def rules(project: Project) -> dict[str, dict[str, Any]]:
    """Rules on our bus by logical id."""
    every = project.resources("AWS::Events::Rule")
    return {name: rule for name, rule in every if referent(rule.get("EventBusName")) == BUS}


def matched(project: Project, event: Mapping[str, Any]) -> list[str]:
    """Logical ids of the rules whose pattern an event matches."""
    as_delivered: Any = dict(event)
    return [
        name
        for name, rule in rules(project).items()
        if EventPattern.load(json.dumps(rule["EventPattern"])).matches_event(as_delivered)
    ]


def sample(kind: EventClass) -> dict[str, Any]:
    """An event of a class as far as patterns look at it."""
    return {"source": kind.source, "detail-type": kind.detail_type, "detail": {}}


def _routed(project: Project) -> Iterator[tuple[EventClass, str, dict[str, Any]]]:
    """Each class with each target of each rule it matches."""
    for kind in EVENT_CLASSES:
        for name in matched(project, sample(kind)):
            for target in rules(project)[name].get("Targets", []):
                yield kind, name, target


@contract
def event_patterns_are_valid(project: Project) -> list[str]:
    """EventBridge silently matches nothing where a key is mistyped; no linter looks inside a pattern."""
    findings = []
    for name, rule in project.resources("AWS::Events::Rule"):
        findings += [f"{name}: {problem}" for problem in grammar.pattern_problems(_deployed(rule.get("EventPattern")))]
    for name, source in project.event_sources("DynamoDB"):
        for entry in source.get("FilterCriteria", {}).get("Filters", []):
            problems = grammar.filter_problems(entry["Pattern"])
            findings += [f"{name}: {problem}" for problem in problems]
    return findings


def _deployed(pattern: object) -> object:
    """A pattern in which every reference is the text it will be."""
    match pattern:
        case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Sub": _}:
            return text(pattern)
        case dict():
            return {key: _deployed(value) for key, value in pattern.items()}
        case list():
            return [_deployed(value) for value in pattern]
    return pattern


@contract
def every_event_has_one_rule(project: Project) -> list[str]:
    """Each event class matches exactly one rule of the bus, and each rule is some class's."""
    found = {kind.detail_type: matched(project, sample(kind)) for kind in EVENT_CLASSES}
    findings = [f"{kind}: matches {names or 'no rule'}, not one" for kind, names in found.items() if len(names) != 1]
    used = {name for names in found.values() for name in names}
    return findings + [f"{name}: matches no event of campus.events" for name in rules(project) if name not in used]


@contract
def patterns_name_source_and_type(project: Project) -> list[str]:
    """A rule takes one event class by its source and type; without the source, or by a prefix, it takes anybody's."""
    exact = [{"source": [kind.source], "detail-type": [kind.detail_type]} for kind in EVENT_CLASSES]
    return [
        f"{name}: its pattern is {rule.get('EventPattern')}, and no event class's source and type"
        for name, rule in rules(project).items()
        if rule.get("EventPattern") not in exact
    ]


@contract
def rules_stand_on_the_right_bus(project: Project) -> list[str]:
    """Our events travel on our bus; from the account's default bus, where every service talks, SES's reports alone."""
    return [
        f"{name}: stands on {text(rule.get('EventBusName', 'the default bus'))}"
        for name, rule in project.resources("AWS::Events::Rule")
        if referent(rule.get("EventBusName")) != BUS and not (name == REPORTS and "EventBusName" not in rule)
    ]


@contract
def rules_are_named_after_their_event(project: Project) -> list[str]:
    """`student.enrolled` is `StudentEnrolledRule`."""
    findings = []
    for kind in EVENT_CLASSES:
        words = kind.detail_type.split(".")
        expected = "".join(word[0].upper() + word[1:] for word in words) + "Rule"
        findings += [f"{name}: should be {expected}" for name in matched(project, sample(kind)) if name != expected]
    return findings


@contract
def every_event_has_a_publisher(project: Project) -> list[str]:
    """A function behind the API builds each event class."""
    behind_the_api = {name for name, _ in project.event_sources("HttpApi")}
    return [
        f"{kind.__name__}: no function behind the API builds it"
        for kind in EVENT_CLASSES
        if not any(Symbol("campus.events", kind.__name__) in project.effects(name).built for name in behind_the_api)
    ]


@contract
def every_event_has_a_consumer(project: Project) -> list[str]:
    """Each target of a rule is a queue that a function reads, or a state machine."""
    consumed = {referent(source["Queue"]) for _, source in project.event_sources("SQS")}
    machines = {name for name, _ in project.resources("AWS::Serverless::StateMachine")}
    found = {
        kind: [referent(target["Arn"]) for at, _, target in _routed(project) if at is kind] for kind in EVENT_CLASSES
    }
    findings = [f"{kind.__name__}: nobody consumes it" for kind, targets in found.items() if not targets]
    return findings + [
        f"{kind.__name__}: its target {target} is read by nobody"
        for kind, targets in found.items()
        for target in targets
        if target not in consumed | machines
    ]


@contract
def every_event_has_a_fixture(project: Project) -> list[str]:
    """`events/<detail-type>.json` is an EventBridge event that parses as its class and matches its one rule."""
    findings = []
    for kind in EVENT_CLASSES:
        fixture = project.fixtures.get(kind.detail_type)
        if fixture is None:
            findings.append(f"events/{kind.detail_type}.json: missing")
            continue
        try:
            parsed = type(parse(fixture))
        except (InvalidInputError, KeyError, TypeError) as error:
            findings.append(f"events/{kind.detail_type}.json: {error!r}")
            continue
        if parsed is not kind or len(matched(project, fixture)) != 1:
            findings.append(
                f"events/{kind.detail_type}.json: is a {parsed.__name__}, matches {matched(project, fixture)}"
            )
    return findings


@contract
def every_handler_has_a_fixture(project: Project) -> list[str]:
    """`events/<handler>.json`, or the fixture of a route, lets `sam local invoke` call every function."""
    return [
        f"{name}: no events/{verb}.json"
        for name in project.functions
        if (verb := project.entry(name)[0].rpartition(".")[2]) not in project.fixtures
    ]


@contract
def route_fixtures_are_of_their_route(project: Project) -> list[str]:
    """Each route has a request of payload 2.0, `<handler>.json` or `<handler>.<which>.json`; each such is a route's."""
    routes: dict[str, set[str]] = {}
    for name, route in project.event_sources("HttpApi"):
        verb = project.entry(name)[0].rpartition(".")[2]
        routes.setdefault(verb, set()).add(f"{route['Method']} {route['Path']}")
    findings = []
    for verb, expected in routes.items():
        fixtures = [at for name, at in project.fixtures.items() if name.split(".")[0] == verb]
        found = {str(at.get("routeKey")) for at in fixtures if at.get("version") == "2.0"}
        findings += [f"events/{verb}.json: {sorted(found)}, not {sorted(expected)} of payload 2.0"] * (
            found != expected
        )
    served = {at for expected in routes.values() for at in expected}
    return findings + [
        f"events/{name}.json: no function serves {at.get('routeKey')}"
        for name, at in project.fixtures.items()
        if at.get("version") == "2.0" and at.get("routeKey") not in served
    ]


@contract
def publishers_may_send_only_our_sources(project: Project) -> list[str]:
    """Who may PutEvents may do so on our bus, as sources and types of our event classes; the relay as all of them."""
    ours = {
        "events:source": {kind.source for kind in EVENT_CLASSES},
        "events:detail-type": {kind.detail_type for kind in EVENT_CLASSES},
    }
    findings = []
    for name, function in project.functions.items():
        for statement in (one for policy in function.get("Policies", []) for one in statements(policy)):
            if "events:PutEvents" not in listed(statement["Action"]):
                continue
            for key, known in ours.items():
                allowed = set(listed(statement.get("Condition", {}).get("StringEquals", {}).get(key)))
                if not allowed or not allowed <= known or (name == RELAY and allowed != known):
                    findings.append(f"{name}: {key} is {sorted(allowed)}; ours are {sorted(known)}")
            if [text(resource) for resource in listed(statement["Resource"])] != [f"${{{BUS}.Arn}}"]:
                findings.append(f"{name}: PutEvents on something else than {BUS}")
    return findings


@contract
def the_bus_keeps_an_archive(project: Project) -> list[str]:
    """Events can be replayed for a stated time, and are gone after it."""
    archives = [archive for _, archive in project.resources("AWS::Events::Archive")]
    kept = [archive.get("RetentionDays") for archive in archives if referent(archive.get("SourceArn")) == BUS]
    return (
        [] if kept and all(isinstance(days, int) and 1 <= days <= 90 for days in kept) else [f"{BUS}: archive {kept}"]
    )
