"""Queues, consumers and dead letters: nothing is lost silently and nothing is retried for ever."""

import ast
from collections.abc import Iterator

from tests.contract.project import Project, Properties, contract, listed, referent, statements, text

QUEUE = "AWS::SQS::Queue"
FOURTEEN_DAYS = 1_209_600
DEFAULT_TIMEOUT = 3
# EventBridge's own limits: a queue that is away for a day loses nothing. A training asked for is moot after an hour.
RETRIES_TO_QUEUES = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
RETRIES_TO_MACHINES = {"MaximumEventAgeInSeconds": 3_600, "MaximumRetryAttempts": 20}


def queues(project: Project) -> dict[str, Properties]:
    """Properties of every queue by logical id."""
    return dict(project.resources(QUEUE))


def arns(project: Project) -> set[str]:
    """What names each queue, function and state machine by its ARN."""
    machines = {f"${{{name}}}" for name, _ in project.resources("AWS::Serverless::StateMachine")}
    return machines | {f"${{{name}.Arn}}" for name in (*queues(project), *project.functions)}


def dead_letter_queues(project: Project) -> set[str]:
    """Queues that something gives up into."""
    found = {referent(queue.get("RedrivePolicy", {}).get("deadLetterTargetArn")) for queue in queues(project).values()}
    found |= {referent(target.get("DeadLetterConfig", {}).get("Arn")) for _, target in rule_targets(project)}
    for _, schedule in project.resources("AWS::Scheduler::Schedule"):
        found.add(referent(schedule["Target"].get("DeadLetterConfig", {}).get("Arn")))
    for _, source in project.event_sources("DynamoDB"):
        found.add(referent(source.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")))
    return found - {""}


def rule_targets(project: Project) -> Iterator[tuple[str, Properties]]:
    """Rule id and target of every rule."""
    for name, rule in project.resources("AWS::Events::Rule"):
        for target in rule.get("Targets", []):
            yield name, target


@contract
def consumers_have_time_before_a_message_returns(project: Project) -> list[str]:
    """Visibility timeout ≥ six times the consumer's, as the Lambda guide asks; with far more a retry comes too late."""
    findings = []
    for name, source in project.event_sources("SQS"):
        timeout = int({**project.function_globals, **project.functions[name]}.get("Timeout", DEFAULT_TIMEOUT))
        queue = referent(source["Queue"])
        visibility = queues(project).get(queue, {}).get("VisibilityTimeout", 30)
        if not 6 * timeout <= visibility <= 12 * timeout:
            findings.append(f"{queue}: visible again after {visibility} s, {name} may take {timeout} s")
    return findings


@contract
def consumed_queues_redrive(project: Project) -> list[str]:
    """A queue that a function reads gives a poison message up into a queue of its own after a few tries."""
    findings = []
    for _, source in project.event_sources("SQS"):
        queue = referent(source["Queue"])
        redrive = queues(project).get(queue, {}).get("RedrivePolicy", {})
        letters = referent(redrive.get("deadLetterTargetArn"))
        if text(source["Queue"]) not in arns(project):
            findings.append(f"{queue}: {text(source['Queue'])} is no ARN")
        if letters not in queues(project):
            findings.append(f"{queue}: no dead-letter queue")
        elif text(redrive["deadLetterTargetArn"]) != f"${{{queue.removesuffix('Queue')}DeadLetters.Arn}}":
            findings.append(f"{queue}: gives up into {letters}, where nobody looks for it")
        if not 3 <= int(redrive.get("maxReceiveCount", 0)) <= 10:
            findings.append(f"{queue}: maxReceiveCount {redrive.get('maxReceiveCount')}")
    return findings


@contract
def every_queue_is_read(project: Project) -> list[str]:
    """What nobody reads fills up, rings nowhere, and is gone after its retention; dead letters are read by people."""
    read = {referent(source["Queue"]) for _, source in project.event_sources("SQS")} | dead_letter_queues(project)
    return [f"{name}: nobody reads it" for name in queues(project) if name not in read]


@contract
def mail_that_waits_is_queued_anew_before_the_redrive(project: Project) -> list[str]:
    """A parked mail is put on the queue again while it has receives left, two of them for workers that die."""
    last = next(
        int(ast.unparse(node.value))
        for node in project.code.trees["notifications.inbox"].body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAST_RECEIPT"
    )
    receives = queues(project)["MailQueue"]["RedrivePolicy"]["maxReceiveCount"]
    return [] if receives >= last + 2 else [f"MailQueue: gives up after {receives}, queued anew at {last}"]


@contract
def dead_letters_are_kept_and_watched(project: Project) -> list[str]:
    """Fourteen days to look, and an alarm that says so."""
    watched = {
        referent(dimension.get("Value"))
        for _, alarm in project.resources("AWS::CloudWatch::Alarm")
        for dimension in alarm.get("Dimensions", [])
        if alarm.get("AlarmActions")
    }
    findings = []
    for name in sorted(dead_letter_queues(project)):
        if queues(project).get(name, {}).get("MessageRetentionPeriod") != FOURTEEN_DAYS:
            findings.append(f"{name}: dead letters are not kept for 14 days")
        if name not in watched:
            findings.append(f"{name}: no alarm watches it")
    return findings


@contract
def waiting_messages_are_kept_and_watched(project: Project) -> list[str]:
    """What a function reads is kept as long as SQS can, and whoever is woken learns that it is not read."""
    watched = {
        referent(dimension["Value"])
        for _, alarm in project.resources("AWS::CloudWatch::Alarm")
        for dimension in alarm.get("Dimensions", [])
        if alarm.get("MetricName") == "ApproximateAgeOfOldestMessage"
    }
    findings = []
    for name in sorted({referent(source["Queue"]) for _, source in project.event_sources("SQS")}):
        if queues(project).get(name, {}).get("MessageRetentionPeriod") != FOURTEEN_DAYS:
            findings.append(f"{name}: messages are not kept for 14 days")
        if name not in watched:
            findings.append(f"{name}: no alarm watches the age of its messages")
    return findings


@contract
def rules_that_lose_events_are_noticed(project: Project) -> list[str]:
    """An alarm on the events that a rule could not even hand to its dead-letter queue, by the dimensions of its bus.

    "EventBridge metrics": RuleName alone is a rule on the default bus, EventBusName and RuleName one on any other.
    """
    watched = set()
    for _, alarm in project.resources("AWS::CloudWatch::Alarm"):
        for query in alarm.get("Metrics", []):
            metric = query.get("MetricStat", {}).get("Metric", {})
            if metric.get("MetricName") == "InvocationsFailedToBeSentToDlq":
                watched.add(tuple((one["Name"], text(one["Value"])) for one in metric["Dimensions"]))
    findings = []
    for name, rule in project.resources("AWS::Events::Rule"):
        bus = rule.get("EventBusName")
        of_bus = [("EventBusName", text(bus))] if bus else []
        # Ref of a rule on a bus of one's own is "bus|rule", its ARN ends in "rule/bus/rule".
        value = {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": [name, "Arn"]}]}]} if bus else {"Ref": name}
        if (*of_bus, ("RuleName", text(value))) not in watched:
            findings.append(f"{name}: no alarm on the events that it loses")
    return findings


@contract
def consumers_report_single_failures(project: Project) -> list[str]:
    """One bad record does not send its batch back; two workers at most or more, never a reservation."""
    findings = []
    for kind in ("SQS", "DynamoDB"):
        for name, source in project.event_sources(kind):
            if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                findings.append(f"{name}: does not report single failures")
    for name, source in project.event_sources("SQS"):
        if source.get("ScalingConfig", {}).get("MaximumConcurrency", 0) < 2:
            findings.append(f"{name}: MaximumConcurrency must be 2 or more")
    return findings


@contract
def nothing_reserves_concurrency(project: Project) -> list[str]:
    """A new account has ten executions in all, and cannot deploy a reservation."""
    owners = {"Globals": project.function_globals, **project.functions}
    return [
        f"{name}: ReservedConcurrentExecutions" for name, at in owners.items() if "ReservedConcurrentExecutions" in at
    ]


@contract
def streams_give_up_into_a_queue(project: Project) -> list[str]:
    """A stream's poison record would block its shard for a day."""
    findings = []
    for name, source in project.event_sources("DynamoDB"):
        destination = source.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if referent(destination) not in queues(project):
            findings.append(f"{name}: no OnFailure queue")
        if not 0 <= source.get("MaximumRetryAttempts", -1) <= 10:
            findings.append(f"{name}: MaximumRetryAttempts is not bounded")
    return findings


@contract
def rule_targets_retry_and_give_up(project: Project) -> list[str]:
    """Every target of a rule has a dead-letter queue, and is tried for as long as its event is worth something."""
    findings = []
    for name, target in rule_targets(project):
        if referent(target.get("DeadLetterConfig", {}).get("Arn")) not in queues(project):
            findings.append(f"{name}/{target['Id']}: no dead-letter queue")
        asked = RETRIES_TO_QUEUES if referent(target.get("Arn")) in queues(project) else RETRIES_TO_MACHINES
        if target.get("RetryPolicy") != asked:
            findings.append(f"{name}/{target['Id']}: retries {target.get('RetryPolicy')}, not {asked}")
    return findings


@contract
def rules_may_write_to_their_queues(project: Project) -> list[str]:
    """A rule that a queue's policy does not name loses its events without a trace, even into its dead-letter queue."""
    allowed: set[tuple[str, str]] = set()
    for _, policy in project.resources("AWS::SQS::QueuePolicy"):
        attached = {referent(queue) for queue in policy["Queues"]}
        for statement in statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow" and statement.get("Principal") == {"Service": "events.amazonaws.com"}:
                named = {referent(resource) for resource in listed(statement["Resource"])} & attached
                sources = listed(statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn"))
                allowed |= {(referent(source), queue) for source in sources for queue in named}
    needed: set[tuple[str, str]] = set()
    missing = []
    for name, target in rule_targets(project):
        reached = (target["Arn"], target.get("DeadLetterConfig", {}).get("Arn"))
        needed |= {(name, queue) for arn in reached if (queue := referent(arn)) in queues(project)}
        missing += [f"{name}: {text(arn)} is no ARN" for arn in reached if text(arn) not in arns(project)]
    missing += [f"{rule}: may not send to {queue}" for rule, queue in sorted(needed - allowed)]
    return missing + [f"{rule}: may send to {queue} and never does" for rule, queue in sorted(allowed - needed)]


@contract
def queue_policies_name_one_queue(project: Project) -> list[str]:
    """SQS answers a statement of several resources with `Invalid value for the parameter Policy`, at deployment."""
    findings = []
    for name, policy in project.resources("AWS::SQS::QueuePolicy"):
        attached = [referent(queue) for queue in policy["Queues"]]
        for statement in statements(policy["PolicyDocument"]):
            resource = statement["Resource"]
            if resource != "*" and (isinstance(resource, list) or attached != [referent(resource)]):
                findings.append(f"{name}: {statement['Sid']} names other queues than the one that it stands at")
    return findings


@contract
def queues_are_encrypted(project: Project) -> list[str]:
    """At rest by SQS's own keys, in transit by a policy that refuses plain HTTP."""
    tls_only = set()
    for _, policy in project.resources("AWS::SQS::QueuePolicy"):
        for statement in statements(policy["PolicyDocument"]):
            if refuses_plain_http(statement):
                attached = {referent(queue) for queue in policy["Queues"]}
                named = {referent(resource) for resource in listed(statement["Resource"])}
                tls_only |= attached if statement["Resource"] == "*" else attached & named
    plain = [
        f"{name}: not encrypted" for name, queue in queues(project).items() if not queue.get("SqsManagedSseEnabled")
    ]
    return plain + [f"{name}: accepts plain HTTP" for name in queues(project) if name not in tls_only]


def refuses_plain_http(statement: Properties) -> bool:
    """A Deny for everybody and every action where the transport is not TLS."""
    return (
        statement["Effect"] == "Deny"
        and statement.get("Principal") == "*"
        and text(statement.get("Action")) in ("*", "sqs:*", "s3:*")
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )
