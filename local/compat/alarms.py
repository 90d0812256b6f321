"""What CloudWatch watches and asks, as templates declare it."""

import uuid
from typing import Any


def keep_alarms_on_metric_math() -> None:
    """A stack can hold an alarm on an expression over metrics.

    AWS: `AWS::CloudWatch::Alarm` with Metrics instead of MetricName.
    Emulator: refuses it, and with it the whole template. Here the alarm is kept and sees no data, as every alarm on a
    metric that functions write to their logs.
    """
    from ministack.services.cloudformation import provisioners

    record = provisioners._cw_metric_alarm_record

    def alarm_record(name: str, props: dict[str, Any]) -> dict[str, Any]:
        if not (metrics := props.get("Metrics")):
            plain: dict[str, Any] = record(name, props)
            return plain
        unseen = {"Namespace": "Expressions", "MetricName": next(one["Id"] for one in metrics if "Expression" in one)}
        return {**record(name, {**props, **unseen, "Metrics": None}), "Metrics": metrics}

    provisioners._cw_metric_alarm_record = alarm_record


def keep_saved_queries() -> None:
    """A stack can hold queries for Logs Insights.

    AWS: `AWS::Logs::QueryDefinition`; Ref is its id.
    Emulator: has no saved queries and refuses the resource type, and with it the whole template. Here a query is
    nothing but its name.
    """
    from ministack.services.cloudformation import provisioners

    def create(_logical_id: str, props: dict[str, Any], _stack_name: str) -> tuple[str, dict[str, str]]:
        if missing := {"Name", "QueryString"} - set(props):
            raise ValueError(f"AWS::Logs::QueryDefinition requires {', '.join(sorted(missing))}")
        return str(uuid.uuid5(uuid.NAMESPACE_URL, props["Name"])), {}

    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": create,
        "update": lambda physical_id, _old, _new, _stack_name: (physical_id, {}),
        "delete": lambda _physical_id, _props: None,
    }
