"""The mailbox page by page: the emulator itself only shows it whole."""

from typing import Any


def latest_mails(wanted: dict[str, Any]) -> dict[str, Any]:
    """{limit, before?, to?}, {limit, since} or {messageId} → {mails: […], more}, newest first.

    Args:
        wanted: `before` is the `more` of the page before (None at the end); `to` chooses a recipient; with `since`
            (epoch seconds) the first mails from then on, oldest first; with `messageId` it is that one mail, or none.
    """
    from ministack.services import ses

    kept = [mail for mails in list(ses._sent_emails.all_values()) if isinstance(mails, list) for mail in mails]
    if (since := wanted.get("since")) is not None:
        later = [mail for mail in kept if mail["Timestamp"] >= since]
        return {"mails": [_record(mail) for mail in later[: wanted["limit"]]], "more": None}
    message_id, address = wanted.get("messageId"), wanted.get("to")
    chosen: list[dict[str, Any]] = []
    for number in range(len(kept[: wanted.get("before")]) - 1, -1, -1):
        mail = kept[number]
        if message_id in (None, mail["MessageId"]) and (not address or address in mail.get("To", [])):
            if message_id is None and len(chosen) == wanted["limit"]:
                return {"mails": chosen, "more": number + 1}
            chosen.append(_record(mail))
    return {"mails": chosen, "more": None}


def _record(mail: dict[str, Any]) -> dict[str, Any]:
    names = ("MessageId", "Source", "To", "Timestamp", "Headers", "Tags")
    return {
        **{name: mail.get(name) for name in names},
        "Subject": mail.get("RenderedSubject") or mail.get("Subject", ""),
        "BodyText": mail.get("RenderedBodyText") or mail.get("BodyText", ""),
        "BodyHtml": mail.get("RenderedBodyHtml") or mail.get("BodyHtml"),
    }
