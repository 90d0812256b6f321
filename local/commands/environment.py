"""What a command takes over from the shell it runs in: nobody's AWS account, and no proxy before 127.0.0.1."""

import os
from collections.abc import MutableMapping

from local.cloud import ACCOUNT_ID, REGION

_OVERRIDE = "AWS_ENDPOINT_URL_"
_LOOPBACK = "127.0.0.1,localhost"


def isolate(environment: MutableMapping[str, str]) -> None:
    """Leave of the AWS variables only `AWS_ENDPOINT_URL_<SERVICE>`, and set those of the local account."""
    for name in [name for name in environment if name.startswith("AWS_") and not name.startswith(_OVERRIDE)]:
        del environment[name]
    environment.update(
        AWS_ACCESS_KEY_ID=ACCOUNT_ID,
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106 - the emulator asks for none
        AWS_DEFAULT_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, (environment.get(name, ""), _LOOPBACK)))
