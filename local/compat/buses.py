"""EventBridge buses: what PutEvents takes, where undeliverable events go, archives."""

import json
import types
from typing import Any


def create_archives_from_templates() -> None:
    """An archive can be part of a stack.

    AWS: `AWS::Events::Archive`; Ref is its name, Arn an attribute.
    Emulator: keeps archives (CreateArchive) but refuses the resource type, and with it the whole template.
    """
    from ministack.services import eventbridge
    from ministack.services.cloudformation import provisioners

    def request(props: dict[str, Any], name: str) -> dict[str, Any]:
        pattern = props.get("EventPattern")
        return {
            "ArchiveName": name,
            "EventSourceArn": props["SourceArn"],
            "Description": props.get("Description", ""),
            "EventPattern": json.dumps(pattern) if pattern else "",
            "RetentionDays": int(props.get("RetentionDays", 0)),
        }

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        name = props.get("ArchiveName") or provisioners._physical_name(stack_name, logical_id, max_len=48)
        status, _, body = eventbridge._create_archive(request(props, name))
        answer = json.loads(body)
        if status != 200:
            raise ValueError(answer["message"])
        return name, {"ArchiveName": name, "Arn": answer["ArchiveArn"]}

    def update(
        physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, str]]:
        status, _, body = eventbridge._update_archive(request(new, physical_id))
        answer = json.loads(body)
        if status != 200:
            raise ValueError(answer["message"])
        return physical_id, {"ArchiveName": physical_id, "Arn": answer["ArchiveArn"]}

    def delete(physical_id: str, _props: dict[str, Any]) -> None:
        eventbridge._delete_archive({"ArchiveName": physical_id})

    provisioners._RESOURCE_HANDLERS["AWS::Events::Archive"] = {"create": create, "update": update, "delete": delete}


def refuse_malformed_entries() -> None:
    """A malformed entry is answered for itself and delivered to nobody.

    AWS: the entry's result has the ErrorCode MalformedDetail or InvalidArgument; the other entries go through.
    Emulator: accepts anything; the rules then see an event without detail.
    """
    from ministack.services import eventbridge

    put = eventbridge._put_events

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:  # noqa: ANN401
        entries = data.get("Entries", [])
        problems = [_problem(entry) for entry in entries]
        if not any(problems):
            return put(data, allow_aws_source)
        good = [entry for entry, problem in zip(entries, problems, strict=True) if problem is None]
        status, headers, body = put({**data, "Entries": good}, allow_aws_source)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        accepted = iter(answer["Entries"])
        results = [problem or next(accepted) for problem in problems]
        failed = answer["FailedEntryCount"] + len(entries) - len(good)
        return eventbridge.json_response({"FailedEntryCount": failed, "Entries": results})

    eventbridge._put_events = put_events


def _problem(entry: dict[str, Any]) -> dict[str, str] | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    try:
        well_formed = isinstance(json.loads(entry["Detail"]), dict)
    except ValueError:
        well_formed = False
    return None if well_formed else {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}


def send_undeliverable_events_to_dead_letters() -> None:
    """An event whose target is gone ends in the target's dead-letter queue.

    AWS: a rule's (or schedule's) event that cannot be handed over is sent to the DeadLetterConfig of the target, with
    the reason in message attributes; a missing target at once, without retries.
    Emulator: writes a line to its log, and the event is lost.
    """
    from ministack.core.arn import parse_arn
    from ministack.services import eventbridge, sqs

    invoke = eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:  # noqa: ANN401
        dead_letters = (target.get("DeadLetterConfig") or {}).get("Arn", "")
        queue = sqs._queue_by_arn(dead_letters)
        if queue is None or _exists(target["Arn"]):
            invoke(target, event, rule, view)
            return
        whole = (view or eventbridge._pattern_event_view(event)).event_with_detail()
        eventbridge._dispatch_to_sqs(parse_arn(dead_letters), target.get("Input") or json.dumps(whole))
        reasons = {
            "RULE_ARN": rule.get("Arn", ""),
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": "NO_RESOURCE",
            "ERROR_MESSAGE": f"{target['Arn']} does not exist.",
        }
        queue["messages"][-1]["message_attributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in reasons.items()
        }

    eventbridge._invoke_target = invoke_target


def transform_input_by_index() -> None:
    """An input transformer can take an element of a list.

    AWS: paths of InputPathsMap may hold array indices (`$.detail.mail.tags.kind[0]`).
    Emulator: finds no such member, and puts an empty text in its place.
    """
    from ministack.services import eventbridge

    transform = eventbridge._apply_input_transformer

    def apply(transformer: dict[str, Any], rule: dict[str, Any], view: Any) -> Any:  # noqa: ANN401
        paths = {
            name: path.replace("[", ".").replace("]", "") for name, path in transformer.get("InputPathsMap", {}).items()
        }
        indexed = types.SimpleNamespace(
            event_with_detail=lambda: _indexed(view.event_with_detail()), envelope=view.envelope
        )
        return transform({**transformer, "InputPathsMap": paths}, rule, indexed)

    eventbridge._apply_input_transformer = apply


class _List(list[Any]):
    """A list whose elements are also found by what a path calls them."""

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401
        return super().__getitem__(int(index) if isinstance(index, str) and index.isdecimal() else index)


def _indexed(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _indexed(member) for name, member in value.items()}
    return _List(map(_indexed, value)) if isinstance(value, list) else value


def _exists(arn: str) -> bool:
    from ministack.services import lambda_svc, sqs, stepfunctions

    match arn.split(":")[2]:
        case "sqs":
            return sqs._queue_by_arn(arn) is not None
        case "states":
            return stepfunctions._resolve_state_machine_arn(arn) is not None
        case "lambda":
            return lambda_svc._get_func_record_for_ref(arn)[0] is not None
        case _:
            return True
