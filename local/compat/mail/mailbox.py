"""The mailbox: what reached somebody's inbox, as long as the state directory lives."""

import json
from typing import Any

from local.compat.mail.account import ACCOUNT

_KEPT = ("Headers", "Tags", "ConfigurationSet")


def show_headers_and_tags() -> None:
    """The mailbox (`/_ministack/ses/messages`) shows what `send_as_ses_does` kept.

    AWS: has no mailbox.
    Emulator: shows a fixed choice of fields.
    """
    import ministack.app
    from ministack.services import ses

    show = ministack.app._handle_ses_messages_request

    async def handle(method: str, path: str, headers: Any, query: Any) -> Any:  # noqa: ANN401
        answer = await show(method, path, headers, query)
        if answer is None or answer[0] != 200:
            return answer
        status, answer_headers, body = answer
        document = json.loads(body)
        kept = {mail["MessageId"]: mail for mails in ses._sent_emails.all_values() for mail in mails}
        for mail in (mail for mails in document["messages"].values() for mail in mails):
            mail.update({name: kept[mail["MessageId"]].get(name) for name in _KEPT})
        return status, answer_headers, json.dumps(document).encode()

    ministack.app._handle_ses_messages_request = handle


def keep_mail_across_restarts() -> None:
    """The account's counters and suppression list, and the mailbox, outlive the process.

    AWS: does not end.
    Emulator: saves identities and configuration sets, and forgets every mail.
    """
    from ministack.services import ses, ses_v2

    mailbox_of, restore_mailbox = ses.get_state, ses.load_persisted_state
    account_of, restore_account = ses_v2.get_state, ses_v2.load_persisted_state

    def load_mailbox(state: dict[str, Any]) -> None:
        restore_mailbox(state)
        ses._restore_regional_store(ses._sent_emails, state.get("_sent_emails", {}))

    def load_account(state: dict[str, Any]) -> None:
        restore_account(state)
        if "account" in state:
            ACCOUNT.load(state["account"])

    ses.get_state = lambda: {**mailbox_of(), "_sent_emails": ses._sent_emails}
    ses.load_persisted_state = load_mailbox
    ses_v2.get_state = lambda: {**account_of(), "account": ACCOUNT.save()}
    ses_v2.load_persisted_state = load_account
