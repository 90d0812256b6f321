"""The AWS account you do not have: an emulator on 127.0.0.1 with all its state in one directory.

`Cloud` starts it in a process of its own (the emulator keeps its state in module globals and reads its settings at
import) and stops it with the `with` block. `python -m local.cloud` is that process.
"""

from typing import Final

from local.cloud.process import Cloud, CloudError

ACCOUNT_ID: Final = "000000000000"
REGION: Final = "ap-southeast-1"

__all__ = ["ACCOUNT_ID", "REGION", "Cloud", "CloudError"]
