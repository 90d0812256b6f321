"""Web pages that show what the local cloud does: a console, as AWS has one, for this machine alone.

`Console` starts it in a process of its own and stops it; `python -m local.console` is that process. It talks to the
local cloud through boto3 and HTTP, like any other client, so it neither blocks it nor sees more than it answers.
"""

from local.console.process import Console, ConsoleError, listener

__all__ = ["Console", "ConsoleError", "listener"]
