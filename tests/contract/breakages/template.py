"""How to break what is kept, who is trusted, the queues and the API."""

from tests.contract.mutations import GONE, Break, Breakages, edit, prop, top, whole
from tests.contract.project import Project

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
MAILS, INTERACTIONS = ({"Fn::GetAtt": [queue, "Arn"]} for queue in ("MailQueue", "InteractionQueue"))


def body(old: str, new: str) -> Break:
    """The dashboard's text reads otherwise."""

    def apply(project: Project) -> Project:
        told = project.template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
        assert old in told, f"the dashboard no longer says {old!r}"
        return prop("Dashboard.DashboardBody.Fn::Sub", told.replace(old, new))(project)

    return apply


STORAGE: Breakages = {
    "data_outlives_the_stack": [
        ("a table goes with the stack", top("Resources.StudentsTable.DeletionPolicy", "Delete")),
        ("the bucket is replaced", top("Resources.LakeBucket.UpdateReplacePolicy", GONE)),
        ("the pseudonym key goes", top("Resources.PseudonymKey.DeletionPolicy", GONE)),
    ],
    "data_has_no_physical_name": [("a named table", prop("StudentsTable.TableName", "Students"))],
    "tables_are_recoverable_and_encrypted": [
        ("no recovery", prop("InteractionsTable.PointInTimeRecoverySpecification", GONE)),
        ("no encryption", prop("OperationsTable.SSESpecification.SSEEnabled", False)),
        ("provisioned", prop("ClassActivityTable.BillingMode", "PROVISIONED")),
    ],
    "operations_expire": [
        ("nothing expires", prop("OperationsTable.TimeToLiveSpecification", GONE)),
        ("students expire", prop("StudentsTable.TimeToLiveSpecification", {"AttributeName": "at", "Enabled": True})),
    ],
    "the_lake_is_private_versioned_and_swept": [
        ("public", prop("LakeBucket.PublicAccessBlockConfiguration.BlockPublicPolicy", False)),
        ("no versions", prop("LakeBucket.VersioningConfiguration.Status", "Suspended")),
        ("plain HTTP", prop("LakeBucketPolicy.PolicyDocument.Statement.0.Condition", GONE)),
        ("kept for ever", prop("LakeBucket.LifecycleConfiguration", GONE)),
    ],
    "logs_expire_and_functions_log_there": [
        ("a log is kept for ever", prop("FunctionLogs.RetentionInDays", GONE)),
        ("functions log elsewhere", top("Globals.Function.LoggingConfig.LogGroup", GONE)),
    ],
    "everything_is_traced": [
        ("functions untraced", top("Globals.Function.Tracing", GONE)),
        ("execution data in logs", prop("NightlyRetraining.Logging.IncludeExecutionData", True)),
        ("machine untraced", prop("NightlyRetraining.Tracing.Enabled", False)),
    ],
    "alarms_reach_somebody": [("an alarm without action", prop("ApiErrorsAlarm.AlarmActions", GONE))],
    "no_secret_stands_in_the_template": [
        ("a resolved secret", top("Globals.Function.Environment.Variables.KEY", "{{resolve:secretsmanager:x}}")),
        ("a written secret", prop("PseudonymKey.SecretString", "hunter2")),
    ],
}

ALARMS: Breakages = {
    "alarms_look_back_no_further_than_cloudwatch": [
        ("more than a week", prop("NoSuccessfulRunAlarm.EvaluationPeriods", 169)),
        ("more than a day of minutes", prop("NoSuccessfulRunAlarm.Period", 2700)),
        ("in an expression", prop("MailBouncedAlarm.EvaluationPeriods", 8)),
    ],
    "alarms_watch_metrics_that_are_emitted": [
        ("another name", prop("NoSuccessfulRunAlarm.MetricName", "RunsSucceeded")),
        ("another name in an expression", prop("ModelTooOldAlarm.Metrics.1.MetricStat.Metric.MetricName", "Age")),
        ("no longer emitted", edit("functions/retraining/summary.py", '"ModelAgeHours"', '"ModelAge"')),
        ("no longer counted", edit("functions/retraining/summary.py", '"RejectedRows"', '"RowsRejected"')),
    ],
    "alarms_are_explained": [("a new alarm", whole("AnotherAlarm", {"Type": "AWS::CloudWatch::Alarm"}))],
}

DASHBOARD: Breakages = {
    "the_dashboard_can_be_drawn": [
        ("no JSON", body('"widgets": [', '"widgets": [,')),
        ("a widget leaves the page", body('"x": 18, "y": 3', '"x": 19, "y": 3')),
        ("two widgets in one place", body('"x": 6, "y": 9', '"x": 5, "y": 9')),
    ],
    "the_dashboard_shows_metrics_that_exist": [
        ("nobody emits it", body('"ModelAgeHours"', '"ModelAge"')),
        ("of another dimension", body('"Ndcg", "service"', '"Ndcg", "model"')),
        ("no such metric of SQS", body('"ApproximateAgeOfOldestMessage"', '"AgeOfOldestMessage"')),
        ("a machine's metric by name", body('"ExecutionsFailed", "StateMachineArn"', '"ExecutionsFailed", "Name"')),
    ],
    "saved_queries_ask_logs_of_ours": [
        ("all logs", prop("ErrorsQuery.LogGroupNames", GONE)),
        ("somebody else's", prop("RequestsQuery.LogGroupNames", ["/aws/lambda/another"])),
        ("no folder", prop("RedNightsQuery.Name", "red nights")),
    ],
    "the_dashboard_shows_every_alarm_and_queue": [
        ("an alarm is missing", body('"${MailUnknownAlarm.Arn}", ', "")),
        ("a new queue", whole("AnotherQueue", QUEUE)),
        ("no dashboard", whole("Dashboard", GONE)),
    ],
}

TRUST: Breakages = {
    "services_act_only_for_this_account": [
        ("any scheduler", prop("SchedulerRole.AssumeRolePolicyDocument.Statement.0.Condition", GONE)),
        ("any alarm", prop("AlarmTopicPolicy.PolicyDocument.Statement.0.Condition", GONE)),
        ("any rule", prop("MailQueuePolicy.PolicyDocument.Statement.0.Condition", GONE)),
    ],
    "personalize_reads_only_as_itself": [
        (
            "no SourceAccount on the role",
            prop("PersonalizeRole.AssumeRolePolicyDocument.Statement.0.Condition.StringEquals", GONE),
        ),
        ("no SourceArn on the bucket", prop("LakeBucketPolicy.PolicyDocument.Statement.1.Condition.ArnLike", GONE)),
    ],
    "nobody_is_everybody": [
        ("an open queue", prop("DeadLettersPolicy.PolicyDocument.Statement.0.Principal", "*")),
        ("an open role", prop("CrawlerRole.AssumeRolePolicyDocument.Statement.0.Principal", {"AWS": "*"})),
        ("a bus policy", whole("Open", {"Type": "AWS::Events::EventBusPolicy", "Properties": {}})),
    ],
    "the_user_pool_is_closed": [
        ("sign-up", prop("UserPool.AdminCreateUserConfig.AllowAdminCreateUserOnly", False)),
        ("folded case", prop("UserPool.UsernameConfiguration", GONE)),
        ("plain passwords", prop("UserPoolClient.ExplicitAuthFlows", ["ALLOW_USER_PASSWORD_AUTH"])),
        ("tells who exists", prop("UserPoolClient.PreventUserExistenceErrors", GONE)),
    ],
}

QUEUES: Breakages = {
    "consumers_have_time_before_a_message_returns": [
        ("visible too early", prop("MailQueue.VisibilityTimeout", 179)),
        ("a slower consumer", prop("RecordInteractionFunction.Timeout", 60)),
    ],
    "consumed_queues_redrive": [
        ("no dead letters", prop("InteractionQueue.RedrivePolicy", GONE)),
        ("given up at once", prop("MailQueue.RedrivePolicy.maxReceiveCount", 1)),
    ],
    "mail_that_waits_is_queued_anew_before_the_redrive": [
        ("too few receives", prop("MailQueue.RedrivePolicy.maxReceiveCount", 9)),
    ],
    "dead_letters_are_kept_and_watched": [
        ("lost after four days", prop("MailDeadLetters.MessageRetentionPeriod", GONE)),
        ("unwatched", whole("DeadLettersAlarm", GONE)),
    ],
    "waiting_messages_are_kept_and_watched": [
        ("lost after four days", prop("AnnouncementQueue.MessageRetentionPeriod", 345_600)),
        ("nobody learns that mail waits", whole("MailAgeAlarm", GONE)),
    ],
    "rules_that_lose_events_are_noticed": [
        ("a rule on our bus", prop("EventLostAlarm.Metrics.2", {"Id": "nothing"})),
        ("not on that bus", prop("EventLostAlarm.Metrics.5.MetricStat.Metric.Dimensions.0.Value", "other")),
        (
            "the bus left out",
            prop("EventLostAlarm.Metrics.1.MetricStat.Metric.Dimensions.0", {"Name": "x", "Value": 1}),
        ),
    ],
    "consumers_report_single_failures": [
        ("whole batches", prop("SendEmailFunction.Events.Mail.Properties.FunctionResponseTypes", GONE)),
        ("one worker", prop("RecordInteractionFunction.Events.Interaction.Properties.ScalingConfig", GONE)),
        ("a stream's whole batch", prop("RelayEventsFunction.Events.Outbox.Properties.FunctionResponseTypes", [])),
    ],
    "nothing_reserves_concurrency": [("a reservation", prop("SendEmailFunction.ReservedConcurrentExecutions", 1))],
    "streams_give_up_into_a_queue": [
        ("no queue", prop("RelayEventsFunction.Events.Outbox.Properties.DestinationConfig", GONE)),
        ("endless retries", prop("RelayEventsFunction.Events.Outbox.Properties.MaximumRetryAttempts", -1)),
    ],
    "rule_targets_retry_and_give_up": [
        ("no dead letters", prop("StudentEnrolledRule.Targets.1.DeadLetterConfig", GONE)),
        ("no retry policy", prop("RankingRequestUpdateRule.Targets.0.RetryPolicy", GONE)),
    ],
    "rules_may_write_to_their_queues": [
        ("a policy fewer", whole("DeadLettersPolicy", GONE)),
        ("a rule unnamed", prop("MailQueuePolicy.PolicyDocument.Statement.0.Condition.ArnEquals", {})),
    ],
    "queue_policies_name_one_queue": [
        ("a list", prop("MailQueuePolicy.PolicyDocument.Statement.1.Resource", [MAILS, INTERACTIONS])),
        ("another queue", prop("MailQueuePolicy.PolicyDocument.Statement.0.Resource", INTERACTIONS)),
        ("one of four", prop("ConsumersDeadLettersPolicy.PolicyDocument.Statement.0.Resource", MAILS)),
    ],
    "queues_are_encrypted": [
        ("plain at rest", prop("MailQueue.SqsManagedSseEnabled", False)),
        ("a queue without a policy", whole("Another", QUEUE)),
    ],
}

HANDLERS = ("functions/ranking/get_recommendation.py", "functions/ranking/get_class_ranking.py")
OPENAPI = "docs/openapi.yaml"
API: Breakages = {
    "the_document_describes_every_route": [
        ("an undocumented route", prop("PutClassFunction.Events.Route.Properties.Path", "/klasses/{classId}")),
        ("a route gone", prop("PutClassFunction.Events", {})),
        ("a route that is not there", edit(OPENAPI, "  /ranking/updates:", "  /ranking/update:")),
        (
            "another method",
            edit(OPENAPI, "    put:\n      operationId: putClass", "    post:\n      operationId: putClass"),
        ),
    ],
    "the_document_says_what_needs_a_token": [
        ("said to be open", edit(OPENAPI, "tags: [registry]", "tags: [registry]\n      security: []")),
        ("said to be closed", edit(OPENAPI, "      security: []\n", "")),
        ("opened", prop("PutClassFunction.Events.Route.Properties.Auth", {"Authorizer": "NONE"})),
    ],
    "the_document_names_the_handlers": [
        ("another name", edit(OPENAPI, "operationId: putClass", "operationId: setClass"))
    ],
    "the_document_has_the_handlers_parameters": [
        ("another bound", edit(HANDLERS[0], "high=100)", "high=200)")),
        ("another default", edit(OPENAPI, "maximum: 1000, default: 100", "maximum: 1000, default: 50")),
        ("another name", edit(HANDLERS[1], '"numResults", default', '"limit", default')),
        (
            "one untold",
            edit(OPENAPI, "        - name: type\n          in: query", "        - name: type\n          in: header"),
        ),
    ],
    "every_route_has_the_authorizer": [
        ("an open route", prop("GetRecommendationFunction.Events.Route.Properties.Auth", {"Authorizer": "NONE"})),
        ("no default", top("Globals.HttpApi.Auth.DefaultAuthorizer", GONE)),
    ],
    "tokens_are_checked_against_issuer_and_audience": [
        ("any audience", top("Globals.HttpApi.Auth.Authorizers.AccessToken.JwtConfiguration.audience", GONE)),
    ],
    "routes_belong_to_the_one_api": [
        ("another API", prop("RankItemsFunction.Events.Route.Properties.ApiId", GONE)),
        ("a shared route", prop("RankItemsFunction.Events.Route.Properties.Method", "GET")),
    ],
    "only_our_origin_may_call": [
        ("every origin", top("Parameters.AllowedOrigin.Default", "*")),
        ("a method fewer", prop("Api.CorsConfiguration.AllowMethods", ["GET"])),
    ],
    "the_api_is_throttled_and_logged": [
        ("no limit", prop("Api.DefaultRouteSettings", GONE)),
        ("no log", prop("Api.AccessLogSettings", GONE)),
    ],
    "one_caller_cannot_use_up_the_api": [
        ("a burst as large as everybody's", top("Parameters.RequestBurst.Default", 200)),
        ("everybody's rate", top("Parameters.RequestsPerSecond.Default", 100)),
        ("a route that does not count", edit("functions/ranking/rank_items.py", "@route\n", "")),
        (
            "counted before it is known who asks",
            edit("functions/campus/http.py", "            who = caller(event)\n", ""),
        ),
    ],
}
