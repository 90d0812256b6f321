"""What is kept: encrypted, recoverable, private, and not lost with the stack."""

from retraining.rows import COLUMNS
from tests.contract.checks.queues import refuses_plain_http
from tests.contract.project import Project, contract, listed, referent, statements, text

TABLE = "AWS::DynamoDB::Table"
BUCKET = "AWS::S3::Bucket"
# Attributes of keys that are numbers; all others are strings.
KINDS = {"recordedAt": "N", "score": "N", "since": "N"}
KEPT = (TABLE, BUCKET, "AWS::Cognito::UserPool", "AWS::SecretsManager::Secret")


@contract
def data_outlives_the_stack(project: Project) -> list[str]:
    """Retained on deletion and on replacement; what a failed first deployment made is empty, and goes again."""
    return [
        f"{name}: {policy} is {resource.get(policy)}, not {kept}"
        for name, resource in project.template["Resources"].items()
        if resource.get("Type") in KEPT
        for policy, kept in (("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain"))
        if resource.get(policy) != kept
    ]


@contract
def data_has_no_physical_name(project: Project) -> list[str]:
    """A fixed name makes a second stack, and every replacement, impossible."""
    names = {TABLE: "TableName", BUCKET: "BucketName", "AWS::SQS::Queue": "QueueName"}
    return [
        f"{name}: {names[kind]} is fixed" for kind in names for name, at in project.resources(kind) if names[kind] in at
    ]


@contract
def tables_are_recoverable_and_encrypted(project: Project) -> list[str]:
    """Point-in-time recovery, server-side encryption, on demand."""
    findings = []
    for name, table in project.resources(TABLE):
        if not table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
            findings.append(f"{name}: no point-in-time recovery")
        if not table.get("SSESpecification", {}).get("SSEEnabled"):
            findings.append(f"{name}: not encrypted by a KMS key")
        if table.get("BillingMode") != "PAY_PER_REQUEST":
            findings.append(f"{name}: not on demand")
    return findings


@contract
def operations_expire(project: Project) -> list[str]:
    """Outbox, caches and ledgers go by themselves; students, interactions and classes never do."""
    live = {name: at.get("TimeToLiveSpecification") for name, at in project.resources(TABLE)}
    expected = {"OperationsTable": {"AttributeName": "expiresAt", "Enabled": True}}
    return [f"{name}: time to live {at}" for name, at in live.items() if at != expected.get(name)]


@contract
def the_lake_is_private_versioned_and_swept(project: Project) -> list[str]:
    """No public access, old versions for a week, old runs for ninety days, TLS only."""
    findings = []
    tls_only = {
        referent(policy["Bucket"])
        for _, policy in project.resources("AWS::S3::BucketPolicy")
        for statement in statements(policy["PolicyDocument"])
        if refuses_plain_http(statement) and len(listed(statement["Resource"])) == 2
    }
    for name, bucket in project.resources(BUCKET):
        block = bucket.get("PublicAccessBlockConfiguration", {})
        if len(block) != 4 or not all(block.values()):
            findings.append(f"{name}: public access is not blocked")
        if bucket.get("VersioningConfiguration", {}).get("Status") != "Enabled":
            findings.append(f"{name}: not versioned")
        if not bucket.get("BucketEncryption"):
            findings.append(f"{name}: not encrypted")
        if name not in tls_only:
            findings.append(f"{name}: accepts plain HTTP")
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        if not any(rule.get("ExpirationInDays") and rule.get("NoncurrentVersionExpiration") for rule in rules):
            findings.append(f"{name}: nothing expires")
    return findings


@contract
def tables_define_the_attributes_of_their_keys(project: Project) -> list[str]:
    """DynamoDB takes a definition for each attribute of a key, of strings and numbers, and none beside."""
    findings = []
    for name, table in project.resources(TABLE):
        schemas = [table, *table.get("GlobalSecondaryIndexes", [])]
        keys = {key.get("AttributeName") for schema in schemas for key in schema.get("KeySchema", [])}
        defined = {one.get("AttributeName"): one.get("AttributeType") for one in table.get("AttributeDefinitions", [])}
        findings += [f"{name}: {key} is defined or a key, and not both" for key in keys ^ set(defined)]
        findings += [f"{name}: {key} is a {kind}" for key, kind in defined.items() if kind != KINDS.get(key, "S")]
    return findings


@contract
def the_catalogue_has_the_columns_of_the_export(project: Project) -> list[str]:
    """A query reads the export's columns by their place: one too many, or two swapped, and it reads the neighbour's."""
    findings = []
    for name, at in project.resources("AWS::Glue::Table"):
        table = at.get("TableInput", {})
        columns = [
            (column.get("Name"), column.get("Type")) for column in table.get("StorageDescriptor", {}).get("Columns", [])
        ]
        asked = [(column.lower(), "string") for column in COLUMNS[table["Name"]]]
        if columns != asked:
            findings.append(f"{name}: its columns are {columns}, those of the export {asked}")
    return findings


@contract
def logs_expire_and_functions_log_there(project: Project) -> list[str]:
    """Every log group has a retention, and no function makes one of its own without."""
    groups = dict(project.resources("AWS::Logs::LogGroup"))
    findings = [f"{name}: kept for ever" for name, group in groups.items() if not group.get("RetentionInDays")]
    for name, function in project.functions.items():
        logging = {**project.function_globals.get("LoggingConfig", {}), **function.get("LoggingConfig", {})}
        if referent(logging.get("LogGroup")) not in groups:
            findings.append(f"{name}: logs into a group without retention")
    return findings


@contract
def everything_is_traced(project: Project) -> list[str]:
    """X-Ray on functions and state machines; executions are logged without their data."""
    findings = []
    for name, function in project.functions.items():
        if function.get("Tracing", project.function_globals.get("Tracing")) != "Active":
            findings.append(f"{name}: not traced")
    for name, machine in project.resources("AWS::Serverless::StateMachine"):
        if not machine.get("Tracing", {}).get("Enabled"):
            findings.append(f"{name}: not traced")
        logging = machine.get("Logging", {})
        if logging.get("Level") != "ALL" or logging.get("IncludeExecutionData") is not False:
            findings.append(f"{name}: logging {logging.get('Level')} with data {logging.get('IncludeExecutionData')}")
    return findings


@contract
def alarms_reach_somebody(project: Project) -> list[str]:
    """An alarm without an action is a drawing."""
    topics = {name for name, _ in project.resources("AWS::SNS::Topic")}
    return [
        f"{name}: reaches nobody"
        for name, alarm in project.resources("AWS::CloudWatch::Alarm")
        if not {referent(action) for action in alarm.get("AlarmActions", [])} & topics
    ]


@contract
def no_secret_stands_in_the_template(project: Project) -> list[str]:
    """A generated secret is read at run time; its value never becomes a variable or an output."""
    environments = {
        "Globals": project.global_environment,
        **{name: project.environment(name) for name in project.functions},
    }
    return [
        f"{owner}: {variable} carries a secret's value"
        for owner, variables in environments.items()
        for variable, value in variables.items()
        if "resolve:secretsmanager" in text(value) or "resolve:ssm-secure" in text(value)
    ] + [
        f"{name}: SecretString"
        for name, secret in project.resources("AWS::SecretsManager::Secret")
        if "SecretString" in secret
    ]
