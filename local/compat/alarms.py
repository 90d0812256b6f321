"""CloudWatch alarms in templates."""

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
