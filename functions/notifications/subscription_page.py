"""The page behind the link in an announcement: it asks, and only its button, or a mail program, ends anything."""

from notifications import message, subscription

# RFC 8058: what a mail program posts in the student's name. The page's own button posts the same.
_ONE_CLICK = ("List-Unsubscribe", "One-Click")


def answer(method: str, token: str, form: str) -> tuple[int, str]:
    """Status and HTML.

    Mail scanners follow every link, so opening one changes nothing, and a POST must say what it is for. A student who
    is not there any more is answered like any other.

    Args:
        method: the request's.
        token: what the link carries.
        form: the body, URL-encoded or multipart.
    """
    known = subscription.verified(token)
    if known is None:
        return 403 if token else 400, message.page("unsubscribe_refused", None)
    student_id, topic = known
    if method == "POST" and all(word in form for word in _ONE_CLICK):
        return 200, message.page("unsubscribed", subscription.end(student_id, topic))
    return 200, message.page("unsubscribe", subscription.locale(student_id))
