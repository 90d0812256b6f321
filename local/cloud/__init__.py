"""The AWS account you do not have: an emulator on 127.0.0.1 with all its state in one directory.

`Cloud` starts it in a process of its own (the emulator keeps its state in module globals and reads its settings at
import) and stops it with the `with` block. `python -m local.cloud` is that process.
"""

from local.cloud.clients import ACCOUNT_ID, REGION, client, session
from local.cloud.process import Cloud, CloudError, loopback

__all__ = ["ACCOUNT_ID", "REGION", "Cloud", "CloudError", "client", "loopback", "session"]
