"""Answers as SES gives them: the emulator's own makers of JSON answers and errors, with types."""

from typing import Any

Answer = tuple[int, dict[str, str], bytes]


def answered(document: dict[str, Any]) -> Answer:
    """A successful answer."""
    from ministack.services import ses_v2

    answer: Answer = ses_v2.json_response(document)
    return answer


def refused(code: str, message: str, status: int = 400) -> Answer:
    """An error of the v2 API."""
    from ministack.services import ses_v2

    answer: Answer = ses_v2._json_err(code, message, status)
    return answer
