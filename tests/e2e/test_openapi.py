"""docs/openapi.yaml against the running stack: generated requests, right and wrong, of each role."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from tests.openapi import document
from tests.stack import Stack

EXAMPLES = 12
# The people and the class of the document's own examples.
CALLERS = {"student": "sv001", "teacher": "gv-lan", "admin": "quan-tri"}
KNOWN = {"classId": "toan-1", "studentId": "sv001", "userId": "sv001", "assignmentId": "bai-tap-1"}
# HTTP APIs answer 404 to a method that no route has, not 405 with Allow.
UNLIKE_HTTP_APIS = ("unsupported_method", "allow_header_conformance")
# What a queue's message may hold.
NOTED = st.characters(codec="utf-8", exclude_characters="\ufffe\uffff")

schemathesis.openapi.format(
    "absolute-url", st.from_regex(r"(?:https?|s3)://[a-z0-9.-]{1,40}(?:/[ -~]{0,40})?", fullmatch=True)
)
schemathesis.openapi.format("ascii-email", st.from_regex(r"[a-z0-9]{1,20}@[a-z0-9]{1,20}\.(?:vn|edu)", fullmatch=True))
schemathesis.openapi.format("non-blank", st.text(NOTED, min_size=1).filter(str.strip))
schemathesis.openapi.format(
    "printable-line",
    st.text(st.characters(codec="utf-8").filter(str.isprintable), min_size=1, max_size=200).filter(str.strip),
)
api = schemathesis.openapi.from_dict(
    document(),
    config=SchemathesisConfig.from_dict(
        {
            "generation": {"deterministic": True, "database": "none"},
            "checks": {name: {"enabled": False} for name in UNLIKE_HTTP_APIS},
        }
    ),
)


@pytest.fixture(scope="module")
def school(stack: Stack) -> Iterator[Stack]:
    """The class and the student of the examples; requests for a retraining lead nowhere."""
    admin = stack.token(CALLERS["admin"], "admin")
    for path in ("/students/{studentId}", "/classes/{classId}"):
        example = document()["paths"][path]["put"]["requestBody"]["content"]["application/json"]["example"]
        assert stack.call("PUT", path.format(**KNOWN), example, token=admin).status == 200
    enrolled = {"studentId": KNOWN["studentId"]}
    assert stack.call("POST", f"/classes/{KNOWN['classId']}/enrollments", enrolled, token=admin).status == 202
    events, bus = stack.client("events"), stack.ready["eventBus"]
    [rule] = events.list_rule_names_by_target(TargetArn=stack.ready["stateMachineArn"], EventBusName=bus)["RuleNames"]
    events.disable_rule(Name=rule, EventBusName=bus)
    try:
        yield stack
    finally:
        events.enable_rule(Name=rule, EventBusName=bus)


@pytest.mark.parametrize("role", CALLERS)
@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_a_declared_one(case: Case[Any], role: str, school: Stack) -> None:
    case.call_and_validate(
        base_url=school.ready["apiUrl"].rstrip("/"),
        headers={"Authorization": f"Bearer {school.token(CALLERS[role], role)}"},
    )
