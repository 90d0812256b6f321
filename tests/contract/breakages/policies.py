"""How to let in whom nobody signed for, and to allow what nobody asked for."""

from typing import Any

from tests.contract.mutations import GONE, Break, Breakages, grant, prop, statement, whole

FOREIGN = "arn:aws:iam::999999999999:root"
STRANGER = {"StringEquals": {"aws:SourceAccount": "999999999999"}}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ARN = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"
OBJECTS = {"Fn::Sub": "${LakeBucket.Arn}/*"}


def sub(service: str, resource: str) -> dict[str, str]:
    """An ARN of this account."""
    return {"Fn::Sub": ARN % (service, resource)}


def trust(role: str, path: str, value: object) -> Break:
    """Who may act as a role is told otherwise."""
    return prop(f"{role}.AssumeRolePolicyDocument.Statement.0.{path}", value)


def lets(policy: str, at: int, path: str, value: object) -> Break:
    """A statement of a bucket's, queues' or topic's policy, or the whole of it, reads otherwise."""
    return prop(f"{policy}.PolicyDocument.Statement.{at}" + (f".{path}" if path else ""), value)


def another(**said: Any) -> dict[str, Any]:
    """An Allow for a stranger, of the kind that carries a condition to look harmless."""
    return {"Effect": "Allow", "Principal": {"AWS": FOREIGN}, "Condition": STRANGER, **said}


PERSONALIZE = ("GetRecommendationFunction", "personalize:GetRecommendations", "Resource")
EXPORT = ("GenerateTrainingDataFunction", "s3:PutObject", "Resource")
MAILING = ("SendEmailFunction", "ses:SendEmail")

POLICIES: Breakages = {
    "everybody_may_do_what_was_reviewed": [
        # Trust.
        ("any account", trust("SchedulerRole", "Condition", {"StringLike": {"aws:SourceAccount": "*"}})),
        ("a foreign account", trust("SchedulerRole", "Condition", STRANGER)),
        ("any SourceArn", trust("PersonalizeRole", "Condition.ArnLike", {"aws:SourceArn": "*"})),
        ("a negated condition", trust("PersonalizeRole", "Condition", {"StringNotEquals": STRANGER["StringEquals"]})),
        ("IfExists", trust("SchedulerRole", "Condition", {"StringEqualsIfExists": STRANGER["StringEquals"]})),
        ("a second service", trust("PersonalizeRole", "Principal", {"Service": ["personalize.amazonaws.com", "x"]})),
        ("a foreign root", trust("CrawlerRole", "Principal", {"AWS": FOREIGN})),
        ("any identity provider", trust("CrawlerRole", "Principal", {"Federated": "*"})),
        (
            "one more who may",
            statement("PersonalizeRole", "AssumeRolePolicyDocument", another(Action="sts:AssumeRole")),
        ),
        # Bucket, queues, topic.
        ("Personalize writes", lets("LakeBucketPolicy", 1, "Action", ["s3:GetObject", "s3:PutObject"])),
        ("Personalize does anything", lets("LakeBucketPolicy", 1, "Action", "s3:*")),
        ("Personalize reads manifests", lets("LakeBucketPolicy", 1, "Resource", OBJECTS)),
        ("any Personalize", lets("LakeBucketPolicy", 1, "Condition.ArnLike", {"aws:SourceArn": "*"})),
        ("Personalize reads nothing", lets("LakeBucketPolicy", 1, "", GONE)),
        ("Personalize lists nothing", lets("LakeBucketPolicy", 2, "", GONE)),
        ("plain HTTP for objects", lets("LakeBucketPolicy", 0, "Resource.1", {"Fn::GetAtt": ["LakeBucket", "Arn"]})),
        (
            "a stranger reads the lake",
            statement("LakeBucketPolicy", "PolicyDocument", another(Action="s3:GetObject", Resource=OBJECTS)),
        ),
        ("rules do anything", lets("AnnouncementQueuePolicy", 0, "Action", "sqs:*")),
        ("rules read", lets("AnnouncementQueuePolicy", 0, "Action", "sqs:ReceiveMessage")),
        (
            "a stranger reads mails",
            statement("MailQueuePolicy", "PolicyDocument", another(Action="sqs:ReceiveMessage", Resource="*")),
        ),
        ("a stranger's alarms", lets("AlarmTopicPolicy", 0, "Condition", STRANGER)),
        ("alarms may do anything", lets("AlarmTopicPolicy", 0, "Action", "sns:*")),
        ("plain HTTP for alarms", lets("AlarmTopicPolicy", 1, "", GONE)),
        # Functions, machines, roles.
        ("every campaign", grant(*PERSONALIZE, sub("personalize", "campaign/*"))),
        ("every campaign of ours", grant(*PERSONALIZE, sub("personalize", "campaign/${DatasetGroupName}-*"))),
        ("another campaign", grant(*PERSONALIZE, sub("personalize", "campaign/${DatasetGroupName}-ranking"))),
        ("every account's campaigns", grant(*PERSONALIZE, "arn:aws:personalize:*:*:campaign/*")),
        (
            "any secret",
            grant(*PERSONALIZE[:1], "secretsmanager:GetSecretValue", "Resource", sub("secretsmanager", "secret:*")),
        ),
        (
            "another secret",
            grant(*PERSONALIZE[:1], "secretsmanager:GetSecretValue", "Resource", {"Ref": "UnsubscribeKey"}),
        ),
        ("the whole lake", grant(*EXPORT, OBJECTS)),
        ("every bucket", grant(*EXPORT, "arn:aws:s3:::*")),
        ("a folder fewer", grant(*EXPORT[:2], "Resource.1", GONE)),
        ("no scan", grant(EXPORT[0], "dynamodb:Scan", "Resource.1", GONE)),
        ("lists objects", grant(EXPORT[0], "s3:ListBucket", "Resource", OBJECTS)),
        ("lists it all", grant(EXPORT[0], "s3:ListBucket", "Condition.StringLike", {"s3:prefix": "*"})),
        (
            "any pool's users",
            grant("EraseRecordsFunction", "cognito-idp:AdminDeleteUser", "Resource", sub("cognito-idp", "userpool/*")),
        ),
        ("any queue", grant("FanOutAnnouncementFunction", "sqs:SendMessage", "Resource", sub("sqs", "*"))),
        ("no mail", grant("FanOutAnnouncementFunction", "sqs:SendMessage", "Resource.0", GONE)),
        ("any identity", grant(*MAILING, "Resource", ["arn:aws:ses:*:*:identity/*"])),
        ("no configuration set", grant(*MAILING, "Resource.1", GONE)),
        (
            "a table that is not ours",
            grant("PutStudentFunction", "dynamodb:UpdateItem", "Resource", sub("dynamodb", "table/*")),
        ),
        ("any crawler", grant("NightlyRetraining", "glue:StartCrawler", "Resource", sub("glue", "crawler/*"))),
        ("any machine", grant("EraseStudent", "states:StartExecution", "Resource", sub("states", "stateMachine:*"))),
        ("no log delivery", grant("NightlyRetraining", "logs:CreateLogDelivery", "Action", ["xray:PutTraceSegments"])),
        ("a machine may do more", statement("NightlyRetraining", "Policies.0", EVERYTHING)),
        ("Personalize may do more", statement("PersonalizeRole", "Policies.0.PolicyDocument", EVERYTHING)),
        ("the crawler may do more", statement("CrawlerRole", "Policies.0.PolicyDocument", EVERYTHING)),
        ("Personalize may not read", prop("PersonalizeRole.Policies.0.PolicyDocument.Statement.0", GONE)),
        ("Personalize lists it all", prop("PersonalizeRole.Policies.0.PolicyDocument.Statement.1.Condition", GONE)),
    ],
    "policies_are_plain_statements": [
        (
            "all but IAM",
            statement("RankItemsFunction", "Policies.0", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        ),
        (
            "everywhere but",
            statement("RankItemsFunction", "Policies.0", {"Effect": "Allow", "Action": "s3:*", "NotResource": "x"}),
        ),
        (
            "everybody but",
            statement("LakeBucketPolicy", "PolicyDocument", {"Effect": "Allow", "NotPrincipal": "x", "Action": "*"}),
        ),
        ("a managed policy", prop("NightlyRetraining.Policies", ["AdministratorAccess"])),
        ("a policy template", prop("PutClassFunction.Policies", [{"S3CrudPolicy": {"BucketName": "lake"}}])),
        ("neither", prop("AlarmTopicPolicy.PolicyDocument.Statement.1.Effect", "Denies")),
        ("the old version", prop("PutClassFunction.Policies.0.Version", "2008-10-17")),
    ],
    "the_lake_is_listed_by_prefix": [
        ("an export", grant("CheckDataFunction", "s3:ListBucket", "Condition", GONE)),
        (
            "versions",
            grant("EraseLakeFunction", "s3:ListBucketVersions", "Condition", {"StringLike": {"aws:UserAgent": "*"}}),
        ),
    ],
}

FORBIDDEN: tuple[tuple[str, Break], ...] = (
    ("a role of its own", prop("NightlyRetraining.Role", "arn:aws:iam::123456789012:role/all")),
    (
        "a managed policy on a role",
        prop("PersonalizeRole.ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
    ),
    ("a user", whole("User", {"Type": "AWS::IAM::User", "Properties": {}})),
    (
        "a managed policy",
        whole("More", {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"Roles": [{"Ref": "CrawlerRole"}]}}),
    ),
    ("a policy beside", whole("More", {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "CrawlerRole"}]}})),
    ("anybody may call", whole("Open", {"Type": "AWS::Lambda::Permission", "Properties": {"Principal": "*"}})),
    ("anybody may take the layer", whole("Open", {"Type": "AWS::Lambda::LayerVersionPermission", "Properties": {}})),
    ("a raw route", whole("Open", {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"AuthorizationType": "NONE"}})),
    (
        "guests",
        whole("Open", {"Type": "AWS::Cognito::IdentityPool", "Properties": {"AllowUnauthenticatedIdentities": True}}),
    ),
    ("an open secret", whole("Open", {"Type": "AWS::SecretsManager::ResourcePolicy", "Properties": {}})),
    ("a rotated key", whole("Rotation", {"Type": "AWS::SecretsManager::RotationSchedule", "Properties": {}})),
    ("an open table", prop("StudentsTable.ResourcePolicy", {"PolicyDocument": {"Statement": [EVERYTHING]}})),
    ("an open bus", prop("StudentEventBus.Policy", {"Statement": [{**EVERYTHING, "Principal": "*"}]})),
    ("a function's own address", prop("PublishEnrollmentFunction.FunctionUrlConfig", {"AuthType": "NONE"})),
)
