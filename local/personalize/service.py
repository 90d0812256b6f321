"""The service: one entry for the requests of all three clients."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

from local.personalize import wire
from local.personalize.account import Account
from local.personalize.errors import NotImplementedHere, Serialization, ServiceError, Throttled
from local.personalize.json_value import parse_json
from local.personalize.operations import OPERATIONS, auto_training, tags
from local.personalize.operations.campaigns import follow_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOG = logging.getLogger(__name__)
FAULTS_PATH = "/_personalize/faults"
FAULTS_VARIABLE = "PERSONALIZE_ALLOW_FAULTS"
DEFAULT_TIME_SCALE = 0.005
DEFAULT_REGION = "us-east-1"
DEFAULT_ACCOUNT = "000000000000"


class PersonalizeService:
    """Amazon Personalize for boto3's `personalize`, `personalize-runtime` and `personalize-events` clients."""

    def __init__(
        self,
        state_dir: Path,
        *,
        time_scale: float = DEFAULT_TIME_SCALE,
        region: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT,
        s3_endpoint_url: Callable[[], str],
        recommender: str = "local.recommender",
        allow_faults: bool = False,
    ) -> None:
        """Open the state; nothing runs before `start`.

        Args:
            state_dir: Where resources, data and models are kept; made if absent.
            time_scale: Factor on every nominal duration (a training's 900 s last 4.5 s at 0.005).
            region: In ARNs, and of the S3 client.
            account_id: In ARNs.
            s3_endpoint_url: Where the worker processes reach S3; asked at each job.
            recommender: Name of the module with the models.
            allow_faults: Open the side door of `injection`; so does PERSONALIZE_ALLOW_FAULTS=1 in the environment.

        Raises:
            OSError: The directory cannot be written, or another service works on it.
        """
        self._account = Account(
            state_dir,
            time_scale=time_scale,
            region=region,
            account_id=account_id,
            s3_endpoint_url=s3_endpoint_url,
            recommender=recommender,
        )
        self._account.listeners += [follow_latest, auto_training.arrange]
        self._allow_faults = allow_faults or os.environ.get(FAULTS_VARIABLE) == "1"

    def start(self) -> None:
        """Begin to keep time; jobs that were running when the last process ended are failed now."""
        self._account.start()
        auto_training.resume(self._account)

    def close(self) -> None:
        """Stop jobs and release the state."""
        self._account.close()

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> wire.Answer:
        """Answer one request.

        Args:
            method: HTTP method.
            path: URL path.
            headers: With lower-case names.
            body: The request body.
            query: Query parameters; no operation has any.

        Returns:
            Status, headers, body.
        """
        del query
        rest = wire.is_rest(headers)
        try:
            if path == FAULTS_PATH and self._allow_faults:
                return self._change_faults(method, body)
            call = wire.decode(method, path, headers, body)
            await self._suffer(call.operation.name)
            return self._answer(call)
        except NotImplementedHere as error:
            return wire.refuse(NotImplementedHere(f"{error} Implemented: {', '.join(sorted(OPERATIONS))}"), rest=rest)
        except ServiceError as error:
            return wire.refuse(error, rest=rest)
        except Exception as error:
            LOG.exception("%s %s failed", method, path)
            return wire.refuse(ServiceError(f"{type(error).__name__}: {error}"), rest=rest)

    def _answer(self, call: wire.Call) -> wire.Answer:
        try:
            return wire.encode(call.operation, self._perform(call))
        except ServiceError as error:
            raise wire.modelled(error, call.operation) from error

    def _perform(self, call: wire.Call) -> Mapping[str, Any]:
        name = call.operation.name
        if name not in OPERATIONS:
            raise NotImplementedHere(f"{name} is not implemented here.")
        tags.check(call.parameters)
        return OPERATIONS[name](self._account, call.parameters)

    async def _suffer(self, operation: str) -> None:
        fault = self._account.faults.for_call(operation)
        if fault is not None and fault.effect == "throttle":
            raise Throttled("Rate exceeded")
        if fault is not None:
            await asyncio.sleep(fault.seconds)

    def _change_faults(self, method: str, body: bytes) -> wire.Answer:
        if method == "DELETE":
            self._account.faults.clear()
            self._account.lifecycle.release()
        else:
            try:
                rules = parse_json(body.decode())
            except ValueError as error:
                raise Serialization(f"The fault rules are not JSON: {error}") from error
            self._account.faults.add(*(rules if isinstance(rules, list) else [rules]))
        return 200, {"Content-Type": wire.REST_JSON}, b"{}"
