"""How to break schedules, events, the state machine and permissions."""

from tests.contract.mutations import GONE, Breakages, definition, edit, fixture, grant, prop, top, whole

SCHEDULES: Breakages = {
    "schedule_expressions_are_valid": [
        ("five fields", prop("NightlySchedule.ScheduleExpression", "cron(0 2 * * *)")),
        ("no question mark", prop("NightlySchedule.ScheduleExpression", "cron(0 2 * * * *)")),
        ("a wrong unit", prop("RelaySweep.ScheduleExpression", "rate(5 minute)")),
    ],
    "time_zones_exist": [("a mistyped zone", top("Parameters.ScheduleTimeZone.Default", "Asia/Ho_Chi_Min"))],
    "the_night_starts_at_two_local_time": [
        ("at three", prop("NightlySchedule.ScheduleExpression", "cron(0 3 * * ? *)")),
        ("a fixed zone", prop("NightlySchedule.ScheduleExpressionTimezone", "UTC")),
        ("another input", prop("NightlySchedule.Target.Input", "{}")),
        ("never", whole("NightlySchedule", GONE)),
    ],
    "schedules_are_exact_and_give_up_into_a_queue": [
        ("flexible", prop("NightlySchedule.FlexibleTimeWindow.Mode", "FLEXIBLE")),
        ("no dead letters", prop("RelaySweep.Target.DeadLetterConfig", GONE)),
        ("no retry policy", prop("NightlySchedule.Target.RetryPolicy", GONE)),
    ],
    "schedules_may_start_their_target": [
        ("may not start", prop("SchedulerRole.Policies.0.PolicyDocument.Statement.0", GONE)),
        ("may do more", prop("SchedulerRole.Policies.0.PolicyDocument.Statement.2.Action", "sqs:DeleteMessage")),
    ],
}

EVENTS: Breakages = {
    "event_patterns_are_valid": [
        ("a mistyped key", prop("StudentEnrolledRule.EventPattern", {"detail_type": ["student.enrolled"]})),
        ("a scalar", prop("StudentEnrolledRule.EventPattern.source", "api.student")),
        (
            "a broken filter",
            prop(
                "RelayEventsFunction.Events.Outbox.Properties.FilterCriteria.Filters.0.Pattern", '{"event":["INSERT"]}'
            ),
        ),
    ],
    "every_event_has_one_rule": [
        ("a changed detail type", prop("StudentEnrolledRule.EventPattern.detail-type", ["student.enroled"])),
        ("two rules", prop("TeacherSendAnnouncementRule.EventPattern", {"source": [{"prefix": "api."}]})),
    ],
    "rules_are_named_after_their_event": [
        ("swapped patterns", prop("StudentEnrolledRule.EventPattern", {"detail-type": ["ranking.requestUpdate"]})),
    ],
    "every_event_has_a_publisher": [
        ("no route", prop("PublishAnnouncementFunction.Events", {})),
    ],
    "every_event_has_a_consumer": [
        ("nobody reads", prop("FanOutAnnouncementFunction.Events", {})),
        ("no rule", whole("RankingRequestUpdateRule", GONE)),
    ],
    "every_event_has_a_fixture": [
        ("a fixture fewer", fixture("student.enrolled", "", GONE)),
        ("another source", fixture("teacher.sendAnnouncement", "source", "api.student")),
        ("a bad field", fixture("student.submitAssignment", "detail.fileUrl", "not a url")),
    ],
    "every_handler_has_a_fixture": [("a fixture fewer", fixture("get_recommendation", "", GONE))],
    "route_fixtures_are_of_their_route": [("another route", fixture("rank_items", "routeKey", "GET /"))],
    "publishers_may_send_only_our_sources": [
        ("any source", grant("RelayEventsFunction", "events:PutEvents", "Condition", {})),
        (
            "any type of a source",
            grant(
                "RecordRunFunction", "events:PutEvents", "Condition", {"StringEquals": {"events:source": "api.ranking"}}
            ),
        ),
        ("any bus", grant("RelayEventsFunction", "events:PutEvents", "Resource", "*")),
    ],
    "the_bus_keeps_an_archive": [("no archive", whole("StudentEventArchive", GONE))],
}

_LOOK_UP = "LeaseHolderPolicy.PolicyDocument.Statement.0"

MACHINE: Breakages = {
    "every_state_machine_has_its_definition": [
        ("another file", prop("NightlyRetraining.DefinitionUri", "statemachines/none.asl.yaml")),
    ],
    "substitutions_are_declared_and_used": [
        ("one fewer", prop("NightlyRetraining.DefinitionSubstitutions.PollSeconds", GONE)),
        ("one more", prop("NightlyRetraining.DefinitionSubstitutions.Nothing", "x")),
    ],
    "substitutions_name_what_they_hold": [
        (
            "its neighbour's",
            prop(
                "NightlyRetraining.DefinitionSubstitutions.TrainModelFunctionArn",
                {"Fn::GetAtt": ["CheckDataFunction", "Arn"]},
            ),
        ),
    ],
    "handlers_name_their_states": [
        ("another state", edit("functions/retraining/train_model.py", '"Train model"', '"Train"')),
        ("a state more", definition("States.Another", {"Type": "Task", "Arguments": "${CheckDataFunctionArn}"})),
    ],
    "states_are_named_after_their_function": [
        ("a renamed state", definition("States.Check data.Arguments.FunctionName", "${PlanTrainingFunctionArn}")),
        ("a function without a state", prop("SendEmailFunction.Handler", "retraining.send_email.handler")),
    ],
    "state_machines_may_call_exactly_their_functions": [
        ("may not invoke", grant("NightlyRetraining", "lambda:InvokeFunction", "Resource.0", GONE)),
        ("no crawler", grant("NightlyRetraining", "glue:StartCrawler", "Action", "glue:GetCrawler")),
        ("no training", grant("EraseStudent", "states:StartExecution", "Action", "states:StopExecution")),
    ],
    "an_update_request_starts_the_retraining": [
        ("a role that may not", prop("RankingUpdateRole.Policies", [])),
    ],
}

LEASE: Breakages = {
    "the_lease_outlasts_every_wait": [
        ("polls without a limit", top("Parameters.PollSeconds.MaxValue", GONE)),
        ("a longer margin", top("Parameters.ExportMarginSeconds.MaxValue", 3600)),
        ("a shorter lease", prop("AcquireLeaseFunction.Environment.Variables.LEASE_SECONDS", "1500")),
    ],
    "the_holder_of_the_lease_is_one_of_our_executions": [
        ("any execution", prop(f"{_LOOK_UP}.Resource", "arn:aws:states:*:*:execution:*")),
        ("one machine's", prop(f"{_LOOK_UP}.Resource.1", GONE)),
    ],
}

PATIENCE: Breakages = {
    "functions_outlast_a_service_that_does_not_answer": [
        ("hurried polls", prop("CheckStatusFunction.Timeout", 30)),
    ],
    "states_outlast_their_functions": [
        ("a hurried state", definition("States.Check data.TimeoutSeconds", 60)),
    ],
}

PERMISSIONS: Breakages = {
    "functions_may_do_what_they_do": [
        ("a role less", prop("LeaseHolderPolicy.Roles.1", GONE)),
        ("no write", grant("PutStudentFunction", "dynamodb:UpdateItem", "Action", "dynamodb:GetItem")),
        (
            "another table",
            grant("PutStudentFunction", "dynamodb:UpdateItem", "Resource", {"Fn::GetAtt": ["OperationsTable", "Arn"]}),
        ),
        ("a call more", edit("functions/publishing/roster.py", ".get_item(Key=key", ".delete_item(Key=key")),
    ],
    "functions_may_do_no_more": [
        (
            "a spare action",
            grant("PutStudentFunction", "dynamodb:UpdateItem", "Action", ["dynamodb:UpdateItem", "dynamodb:Scan"]),
        ),
        ("a call fewer", edit("functions/campus/bus.py", 'client("events").put_events', "_put")),
    ],
    "every_function_has_its_own_policy": [
        ("a managed policy", prop("PutClassFunction.Policies", ["AmazonDynamoDBFullAccess"])),
        ("a shared role", prop("PutClassFunction.Role", "arn:aws:iam::123456789012:role/all")),
    ],
    "no_action_is_a_wildcard": [
        ("everything", grant("TrainModelFunction", "personalize:CreateSolution", "Action", "personalize:*"))
    ],
    "resources_are_named": [("everywhere", grant("PutStudentFunction", "dynamodb:UpdateItem", "Resource", "*"))],
    "personalize_permissions_name_the_right_kinds": [
        (
            "a kind that does not exist",
            grant(
                "EvaluateModelFunction",
                "personalize:GetSolutionMetrics",
                "Resource",
                "arn:aws:personalize:ap-southeast-1:123456789012:solution-version/*",
            ),
        ),
    ],
    "passed_roles_are_bound": [
        ("any role", grant("ImportDatasetFunction", "iam:PassRole", "Resource", "*")),
        ("to any service", grant("ImportDatasetFunction", "iam:PassRole", "Condition", GONE)),
    ],
    "mails_come_from_our_address": [("any sender", grant("SendEmailFunction", "ses:SendEmail", "Condition", GONE))],
}
