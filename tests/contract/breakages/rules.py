"""How to break the rules on patterns, queues, the API, variables and tables that a form hands its properties on to."""

from tests.contract.mutations import GONE, Breakages, prop, top, whole

RULES: Breakages = {
    "patterns_name_source_and_type": [
        ("any source", prop("StudentEnrolledRule.EventPattern.source", GONE)),
        ("a prefix", prop("StudentEnrolledRule.EventPattern.source", [{"prefix": "api."}])),
        ("some of them", prop("StudentEnrolledRule.EventPattern.detail", {"classId": [{"exists": True}]})),
    ],
    "rules_stand_on_the_right_bus": [
        ("the default bus", prop("StudentEnrolledRule.EventBusName", GONE)),
        (
            "everything of S3",
            whole("Spy", {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": ["aws.s3"]}}}),
        ),
    ],
    "route_fixtures_are_of_their_route": [("a route fewer", prop("PutStudentFunction.Events", {}))],
    "rule_targets_retry_and_give_up": [
        ("one try", prop("StudentEnrolledRule.Targets.0.RetryPolicy.MaximumRetryAttempts", 0)),
        ("a minute", prop("RankingRequestUpdateRule.Targets.0.RetryPolicy.MaximumEventAgeInSeconds", 60)),
    ],
    "consumed_queues_redrive": [
        ("into itself", prop("MailQueue.RedrivePolicy.deadLetterTargetArn", {"Fn::GetAtt": ["MailQueue", "Arn"]})),
    ],
    "every_queue_is_read": [
        ("no feedback", prop("RecordFeedbackFunction.Events", {})),
        ("one more", whole("AnotherQueue", {"Type": "AWS::SQS::Queue", "Properties": {}})),
    ],
    "feedback_is_forwarded_for_our_mails": [
        ("who opened it", prop("MailFeedbackRule.EventPattern.detail-type", GONE)),
    ],
    "every_route_has_the_authorizer": [("the API's own", prop("Api.Auth", {"DefaultAuthorizer": "Other"}))],
    "only_our_origin_may_call": [
        ("a method more", prop("Api.CorsConfiguration.AllowMethods", ["GET", "POST", "PUT", "DELETE"])),
        ("all of it", prop("Api.CorsConfiguration", True)),
    ],
    "the_access_log_names_nobody": [
        ("a path", prop("Api.AccessLogSettings.Format", '{"path":"$context.http.path"}')),
        ("a name", prop("Api.AccessLogSettings.Format", '{"who":"$context.authorizer.username"}')),
        ("no JSON", prop("Api.AccessLogSettings.Format", "$context.requestId $context.status")),
    ],
    "the_api_waits_for_its_functions": [
        ("a quarter of an hour", prop("GetRecommendationFunction.Timeout", 900)),
        ("all of them", top("Globals.Function.Timeout", 30)),
    ],
    "variables_hold_what_they_name": [
        ("a constant", prop("RankItemsFunction.Environment.Variables.REQUESTS_PER_SECOND", "1000000000")),
        ("another key", prop("RankItemsFunction.Environment.Variables.PSEUDONYM_KEY_ARN", {"Ref": "UnsubscribeKey"})),
        ("a short lease", prop("TrainModelFunction.Environment.Variables.LEASE_SECONDS", "60")),
        ("a token", prop("RankItemsFunction.Environment.Variables.API_KEY", "sk-live")),
    ],
    "substitutions_name_what_they_hold": [
        ("no margin", prop("NightlyRetraining.DefinitionSubstitutions.MarginSeconds", 0)),
        ("another parameter", prop("EraseStudent.DefinitionSubstitutions.PollSeconds", {"Ref": "ExportMarginSeconds"})),
    ],
    "the_catalogue_has_the_columns_of_the_export": [
        ("one fewer", prop("UsersLakeTable.TableInput.StorageDescriptor.Columns.1", GONE)),
    ],
    "tables_define_the_attributes_of_their_keys": [
        ("one fewer", prop("StudentsTable.AttributeDefinitions", [])),
        ("a number that is text", prop("InteractionsTable.AttributeDefinitions.3.AttributeType", "S")),
    ],
}
