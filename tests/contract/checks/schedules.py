"""Schedules: grammar, zone, flexible window, retries, dead letters, and the night's hour."""

from tests.contract.checks.queues import queues
from tests.contract.project import Project, contract, referent, text
from tests.static import grammar

SCHEDULE = "AWS::Scheduler::Schedule"
NIGHTLY = "cron(0 2 * * ? *)"


@contract
def schedule_expressions_are_valid(project: Project) -> list[str]:
    """EventBridge Scheduler refuses a bad cron at deploy time only; no linter reads it."""
    return [
        f"{name}: {problem}"
        for name, schedule in project.resources(SCHEDULE)
        for problem in grammar.schedule_problems(str(schedule.get("ScheduleExpression")))
    ]


@contract
def time_zones_exist(project: Project) -> list[str]:
    """Zones are names of the IANA database."""
    findings = []
    for name, schedule in project.resources(SCHEDULE):
        zone = str(project.default(schedule.get("ScheduleExpressionTimezone", "UTC")))
        findings += [f"{name}: {problem}" for problem in grammar.zone_problems(zone)]
    return findings


@contract
def the_night_starts_at_two_local_time(project: Project) -> list[str]:
    """The retraining starts at 02:00 of a zone that is a parameter."""
    nightly = [
        (name, schedule)
        for name, schedule in project.resources(SCHEDULE)
        if referent(schedule["Target"]["Arn"]) == "NightlyRetraining"
    ]
    findings = [] if len(nightly) == 1 else [f"NightlyRetraining: {len(nightly)} schedules start it"]
    for name, schedule in nightly:
        if schedule.get("ScheduleExpression") != NIGHTLY:
            findings.append(f"{name}: {schedule.get('ScheduleExpression')}, not {NIGHTLY}")
        zone = referent(schedule.get("ScheduleExpressionTimezone"))
        if zone not in project.template["Parameters"]:
            findings.append(f"{name}: its time zone is no parameter")
        if schedule["Target"].get("Input") != '{"trigger": "schedule"}':
            findings.append(f"{name}: input {schedule['Target'].get('Input')}")
    return findings


@contract
def schedules_are_exact_and_give_up_into_a_queue(project: Project) -> list[str]:
    """No flexible window; bounded retries; what could not be started is kept."""
    findings = []
    for name, schedule in project.resources(SCHEDULE):
        target = schedule["Target"]
        if schedule.get("FlexibleTimeWindow") != {"Mode": "OFF"}:
            findings.append(f"{name}: flexible time window")
        if referent(target.get("DeadLetterConfig", {}).get("Arn")) not in queues(project):
            findings.append(f"{name}: no dead-letter queue")
        if not {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"} <= set(target.get("RetryPolicy", {})):
            findings.append(f"{name}: no retry policy")
    return findings


@contract
def schedules_may_start_their_target(project: Project) -> list[str]:
    """The scheduler's role reaches every target and its dead-letter queue, and nothing else."""
    needed: dict[str, set[tuple[str, str]]] = {}
    for _, schedule in project.resources(SCHEDULE):
        target = schedule["Target"]
        action = "lambda:InvokeFunction" if referent(target["Arn"]) in project.functions else "states:StartExecution"
        grants = needed.setdefault(referent(target["RoleArn"]), set())
        grants.add((action, text(target["Arn"])))
        grants.add(("sqs:SendMessage", text(target.get("DeadLetterConfig", {}).get("Arn"))))
    findings = []
    for role, grants in needed.items():
        allowed = project.grants(role)
        findings += [f"{role}: lacks {action} on {where}" for action, where in sorted(grants - allowed)]
        findings += [f"{role}: {action} on {where} is not needed" for action, where in sorted(allowed - grants)]
    return findings
