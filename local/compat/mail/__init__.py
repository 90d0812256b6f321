"""SES as a sending account: its limits, its refusals, its suppression list, its events, and a mailbox to look into.

AWS: this package names the page or the service model behind each rule where the rule stands.
Emulator: takes any mail from a verified sender, counts nothing against a quota, sends no events, forgets its mailbox.

SendEmail of the v2 API is the one door that is guarded: the bulk call and the v1 API stay as the emulator has them.
"""

from local.compat.mail.mailbox import keep_mail_across_restarts, show_headers_and_tags
from local.compat.mail.sending import send_as_ses_does
from local.compat.mail.side_door import open_side_door

__all__ = ["keep_mail_across_restarts", "open_side_door", "send_as_ses_does", "show_headers_and_tags"]
