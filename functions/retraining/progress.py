"""How far something at Personalize has come, as plain data the state machine can choose by.

Every step answers `{"outcome": …, "reason"?: …, …}`:
ACTIVE (done), IN_PROGRESS (poll it), BUSY (not begun: ask again later), FAILED (Personalize said no, and why).
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from botocore.exceptions import ClientError, HTTPClientError

Progress = dict[str, Any]
P = ParamSpec("P")

# A data deletion job has statuses of its own: PENDING, IN_PROGRESS, COMPLETED, FAILED.
_DONE = frozenset({"ACTIVE", "COMPLETED"})
IN_PROGRESS = frozenset({"CREATE PENDING", "CREATE IN_PROGRESS", "CREATE STOPPING", "PENDING", "IN_PROGRESS"})
_FAILED = frozenset({"CREATE FAILED", "CREATE STOPPED", "DELETE PENDING", "DELETE IN_PROGRESS", "FAILED"})

# Quotas and neighbours at work pass; the state machine waits for them within its deadlines, not the SDK.
_BUSY = frozenset(
    {
        "LimitExceededException",
        "ResourceInUseException",
        "ThrottlingException",
        "TooManyRequestsException",
        "ServiceUnavailableException",
        "InternalServerException",
    }
)


class UnknownStatusError(RuntimeError):
    """Personalize answered a status that no page of its documentation lists."""


def progress(resource: Mapping[str, Any], **further: Any) -> Progress:  # noqa: ANN401 - passed through as it is
    """The progress of what a Describe call answered.

    Raises:
        UnknownStatusError: waiting for an unknown status could last for ever.
    """
    status = resource["status"]
    if status in _DONE:
        return {"outcome": "ACTIVE", "status": status, **further}
    if status in IN_PROGRESS:
        return {"outcome": "IN_PROGRESS", "status": status, **further}
    if status in _FAILED:
        reason = f"{status}: {resource.get('failureReason') or 'Personalize gave no reason'}"
        return failed(reason, status=status, **further)
    raise UnknownStatusError(f"Personalize answered the unknown status {status!r}")


def failed(reason: str, **further: Any) -> Progress:  # noqa: ANN401 - passed through as it is
    """A failure with the sentence that goes into the run record."""
    return {"outcome": "FAILED", "reason": reason, **further}


def busy(reason: str) -> Progress:
    """Not begun; ask again after a wait."""
    return {"outcome": "BUSY", "reason": reason}


def patient(step: Callable[P, Progress], otherwise: str = "BUSY") -> Callable[P, Progress]:
    """Turn what passes by itself (quotas, throttling, a service or network hiccup) into an outcome to wait on."""

    @wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> Progress:
        try:
            return step(*args, **kwargs)
        except (ClientError, HTTPClientError) as error:
            if not is_busy(error):
                raise
            return {"outcome": otherwise, "reason": str(error)[:300]}

    return run


def unless_exists(create: Callable[[], object]) -> None:
    """Create something named after what it is for, or find that it exists: the answer to an earlier try was lost."""
    try:
        create()
    except ClientError as error:
        if code(error) != "ResourceAlreadyExistsException":
            raise


def is_busy(error: Exception) -> bool:
    """True for errors that a later, equal call may not meet."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code(error) in _BUSY or status == 429 or status >= 500
    return isinstance(error, HTTPClientError)


def code(error: ClientError) -> str:
    """AWS's error code."""
    return error.response.get("Error", {}).get("Code", "")
