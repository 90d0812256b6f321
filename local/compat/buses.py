"""EventBridge buses: archives."""

import json
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
