"""AWS clients of the local account for the tools around the stack."""

import os
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config

ACCOUNT_ID: Final = "000000000000"
REGION: Final = "ap-southeast-1"


def session() -> boto3.Session:
    """A session of the local account, whatever profile and credentials the user's environment names."""
    nothing: dict[str, Any] = {
        name: (None, None, value, None)
        for name, value in {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}.items()
    }
    local = botocore.session.Session(session_vars=nothing)
    local.set_credentials(ACCOUNT_ID, "local")
    return boto3.Session(botocore_session=local, region_name=REGION)


def client(endpoint: str, service: str, **options: Any) -> Any:  # noqa: ANN401 - typed where it is assigned
    """A client of `service` at `endpoint`, or at AWS_ENDPOINT_URL_<SERVICE> where that is set.

    Args:
        endpoint: base URL of the local cloud.
        service: boto3's name.
        options: settings of botocore's Config. Proxies are never used.
    """
    made = session()
    service_id = made._session.get_service_model(service).service_id
    override = os.environ.get(f"AWS_ENDPOINT_URL_{service_id.replace(' ', '_').upper()}")
    return made.client(service, endpoint_url=override or endpoint, config=Config(proxies={}, **options))
