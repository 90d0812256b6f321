"""The fixtures of events/ in an order in which each finds what the ones before it left, and what each must answer."""

from typing import Any

# The lease comes first: later fixtures publish an event that starts a retraining of its own.
ORDER = (
    "acquire_lease",
    "generate_training_data",
    "check_data",
    "prepare_datasets",
    "import_dataset",
    "plan_training",
    "train_model",
    "evaluate_model",
    "update_campaign",
    "check_status",
    "check_canaries",
    "plan_deployment",
    "park_campaigns",
    "record_run",
    "put_student",
    "put_class",
    "publish_enrollment",
    "publish_submission",
    "publish_announcement",
    "request_ranking_update",
    "relay_events",
    "send_email",
    "record_feedback",
    "unsubscribe",
    "fan_out_announcement",
    "record_interaction",
    "get_recommendation",
    "rank_items",
    "get_class_ranking",
    "begin_erasure",
    "erase_records",
    "erase_lake",
    "start_deletion",
    "finish_erasure",
)
# They name imports and models that no Personalize has; that is what they have to be told.
UNKNOWN_TO_PERSONALIZE = {"import_dataset", "evaluate_model", "update_campaign", "check_status"}
# Nobody has put their ticket, so there is none, or no lease of it.
WITHOUT_TICKET = {"begin_erasure", "erase_records", "erase_lake", "start_deletion", "finish_erasure"}
# Its token is signed with nobody's key.
FORGED = {"unsubscribe"}


def complaint(fixture: str, answer: dict[str, Any]) -> str:
    """What is wrong with a function's answer to its fixture; "" for nothing."""
    error = str(answer.get("errorType", ""))
    if error:
        unknown = fixture in UNKNOWN_TO_PERSONALIZE and error == "ResourceNotFoundException"
        refused = fixture in WITHOUT_TICKET and error in ("InvalidInputError", "LeaseLostError")
        return "" if unknown or refused else f"{error}: {answer.get('errorMessage')}"
    if "statusCode" in answer:
        expected = (403,) if fixture in FORGED else (200, 202)
        return "" if answer["statusCode"] in expected else f"{answer['statusCode']}: {answer['body']}"
    if answer.get("batchItemFailures"):
        return f"failed records: {answer['batchItemFailures']}"
    return "" if answer else "an empty answer"
