"""Who else may act: every AWS service that we let in comes from this account only."""

from collections.abc import Iterator

from tests.contract.project import Project, Properties, contract, listed, statements

PRINCIPALS = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
# A condition on the source's ARN says its account; one on the account alone is enough for a trust policy.
GUARDS = {"aws:SourceAccount", "aws:SourceArn"}
# Glue is not known to send either key, so a condition on one could keep it out; a crawler's role is of its own account.
SILENT = ({"Service": "glue.amazonaws.com"},)


def service_statements(project: Project) -> Iterator[tuple[str, Properties]]:
    """Owner and statement of every Allow for a service principal."""
    for name, role in project.resources("AWS::IAM::Role"):
        for statement in statements(role["AssumeRolePolicyDocument"]):
            yield name, statement
    for name, policy in project.resources(*PRINCIPALS):
        for statement in statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow":
                yield name, statement


@contract
def services_act_only_for_this_account(project: Project) -> list[str]:
    """Without aws:SourceAccount or aws:SourceArn, a stranger's Personalize could read our bucket (confused deputy)."""
    findings = []
    for name, statement in service_statements(project):
        keys = {key for test in statement.get("Condition", {}).values() for key in test}
        if not keys & GUARDS and statement.get("Principal") not in SILENT:
            findings.append(f"{name}: {statement.get('Sid', statement['Principal'])} has no SourceAccount or SourceArn")
    return findings


@contract
def personalize_reads_only_as_itself(project: Project) -> list[str]:
    """Role and bucket policy name both the account and Personalize's ARNs, as its guide on confused deputies asks."""
    findings = []
    for name, statement in service_statements(project):
        if statement.get("Principal") != {"Service": "personalize.amazonaws.com"}:
            continue
        keys = {key for test in statement.get("Condition", {}).values() for key in test}
        findings += [f"{name}: {statement.get('Sid', 'trust')} lacks {key}" for key in sorted(GUARDS - keys)]
    return findings


@contract
def nobody_is_everybody(project: Project) -> list[str]:
    """`Principal: *` only in a Deny."""
    findings = []
    for name, statement in service_statements(project):
        principal = statement.get("Principal")
        named = (
            listed(principal.get("AWS")) + listed(principal.get("Service")) if isinstance(principal, dict) else ["*"]
        )
        if "*" in named:
            findings.append(f"{name}: {statement.get('Sid', 'a statement')} lets everybody in")
    findings += [f"{name}: an event bus policy" for name, _ in project.resources("AWS::Events::EventBusPolicy")]
    return findings


@contract
def the_user_pool_is_closed(project: Project) -> list[str]:
    """Only admins create users, names are case-sensitive, and the client tells nobody who exists."""
    findings = []
    for name, pool in project.resources("AWS::Cognito::UserPool"):
        if not pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly"):
            findings.append(f"{name}: anybody can sign up")
        if pool.get("UsernameConfiguration") != {"CaseSensitive": True}:
            findings.append(f"{name}: user names fold case, student ids do not")
    for name, client in project.resources("AWS::Cognito::UserPoolClient"):
        if client.get("PreventUserExistenceErrors") != "ENABLED":
            findings.append(f"{name}: tells who exists")
        if "ALLOW_USER_PASSWORD_AUTH" in client.get("ExplicitAuthFlows", []):
            findings.append(f"{name}: takes plain passwords from anybody")
    return findings
