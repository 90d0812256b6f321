"""DynamoDB streams and the event source mappings that read them."""

import json
import time
from typing import Any

_LONGEST_PAUSE_SECONDS = 60.0


def deliver_streams_as_declared(time_scale: float) -> None:
    """A stream mapping honours ReportBatchItemFailures and MaximumRetryAttempts.

    AWS: a batch is retried from the first failed record; after MaximumRetryAttempts the rest of the batch goes to the
    OnFailure destination (as positions, not records) and the shard moves on. Each shard is read by one invocation
    at a time.
    Emulator: takes any answer for success and skips the reported records, retries a raised error for ever, and reads
    queues and streams in one thread, so that a slow function holds up every other mapping.
    """
    from ministack.services import lambda_svc

    reader = _StreamReader(time_scale)
    lambda_svc._poll_dynamodb_streams = reader.poll


class _StreamReader:
    def __init__(self, time_scale: float) -> None:
        self._time_scale = time_scale
        self._attempts: dict[tuple[str, int], int] = {}

    def poll(self) -> bool:
        """Hand the next batch of every idle mapping to its function; whether there was one."""
        from ministack.core.responses import request_scope
        from ministack.services import lambda_svc

        found = False
        for account, region, esm in lambda_svc._iter_all_esms():
            idle = not lambda_svc._esm_inflight.get(esm["UUID"])
            rested = lambda_svc._esm_backoff_until.get(esm["UUID"], 0) <= time.time()
            if esm.get("Enabled", True) and ":dynamodb:" in esm.get("EventSourceArn", "") and idle and rested:
                with request_scope(account, region):
                    found = self._start(esm) or found
        return found

    def _start(self, esm: dict[str, Any]) -> bool:
        from ministack.services import dynamodb, lambda_svc

        table = esm["EventSourceArn"].split(":table/")[1].split("/stream/")[0]
        function, _ = lambda_svc._get_func_record_for_qualifier(esm["FunctionName"], esm.get("Qualifier"))
        declared = dynamodb._tables.get(table)
        if function is None or declared is None or declared.get("LatestStreamArn") != esm["EventSourceArn"]:
            return False
        positions = lambda_svc._dynamodb_stream_positions
        if esm["UUID"] not in positions:
            lambda_svc._init_stream_position(esm["UUID"], esm["EventSourceArn"], esm.get("StartingPosition"))
        start = max(positions[esm["UUID"]], dynamodb.stream_start_position(table))
        if start > dynamodb.stream_end_position(table):
            # Positions outlive a restart of the emulator, stream records do not: the stream begins anew.
            start = dynamodb.stream_start_position(table)
        records = dynamodb.stream_records_since(table, start, esm.get("BatchSize", 100))
        if not records:
            return False
        wanted = lambda_svc._apply_filter_criteria(records, esm)
        if wanted:
            lambda_svc._dispatch_esm_batch(esm["UUID"], self._deliver, esm, function, records, wanted, start)
        else:
            positions[esm["UUID"]] = start + len(records)
        return True

    def _deliver(
        self,
        esm: dict[str, Any],
        function: dict[str, Any],
        records: list[dict[str, Any]],
        wanted: list[dict[str, Any]],
        start: int,
    ) -> None:
        """Invoke the function once and move the mapping's position accordingly."""
        from ministack.services import lambda_svc

        result = lambda_svc._execute_function(function, {"Records": wanted})
        failed = _first_failure(result, wanted, esm)
        esm["LastProcessingResult"] = "OK" if failed is None else "PROBLEM: Function call failed"
        position = start + len(records)
        if failed is not None:
            retry_from = start + next(index for index, record in enumerate(records) if record is failed)
            attempt = self._attempts.pop((esm["UUID"], retry_from), 0) + 1
            limit = esm.get("MaximumRetryAttempts", -1)
            if 0 <= limit < attempt:
                rest = wanted[next(index for index, record in enumerate(wanted) if record is failed) :]
                lambda_svc._send_ddb_stream_failure_record(
                    esm, function, rest, esm["EventSourceArn"], result, "RetryAttemptsExhausted"
                )
            else:
                self._attempts[esm["UUID"], retry_from] = attempt
                pause = min(2.0 ** (attempt - 1), _LONGEST_PAUSE_SECONDS) * self._time_scale
                lambda_svc._esm_backoff_until[esm["UUID"]] = time.time() + pause
                position = retry_from
        lambda_svc._dynamodb_stream_positions[esm["UUID"]] = position


def _first_failure(result: dict[str, Any], wanted: list[dict[str, Any]], esm: dict[str, Any]) -> dict[str, Any] | None:
    """The record from which a batch has to be retried; None when all went well."""
    if result.get("error"):
        return wanted[0]
    if "ReportBatchItemFailures" not in esm.get("FunctionResponseTypes", []):
        return None
    body = result.get("body")
    if isinstance(body, str):
        body = json.loads(body or "null")
    reported = {one.get("itemIdentifier") for one in (body or {}).get("batchItemFailures") or []}
    if not reported:
        return None
    matching = (record for record in wanted if record["dynamodb"]["SequenceNumber"] in reported)
    # AWS takes an identifier it does not know for a failure of the whole batch.
    return next(matching, wanted[0])
