"""EventBridge Scheduler."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FROM_TEMPLATE = (
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "FlexibleTimeWindow",
    "Target",
    "GroupName",
    "State",
    "Description",
    "StartDate",
    "EndDate",
)


def refuse_bad_schedules() -> None:
    """A schedule that could never run is refused.

    AWS: ValidationException for an expression that is not `cron(six fields)`, `rate(n unit)` or `at(time)`, and for an
    unknown time zone.
    Emulator: accepts any text; such a schedule never fires.
    """
    from ministack.services import scheduler

    create, update = scheduler._create_schedule, scheduler._update_schedule

    def checked(store: Any) -> Any:  # noqa: ANN401 - create and update have one signature
        def store_schedule(name: str, body: dict[str, Any]) -> Any:  # noqa: ANN401
            problem = _problem(body)
            return scheduler._error(400, "ValidationException", problem) if problem else store(name, body)

        return store_schedule

    scheduler._create_schedule, scheduler._update_schedule = checked(create), checked(update)


def keep_what_templates_say() -> None:
    """A stack's schedule has its time zone and dates, and a refused one fails the stack.

    AWS: as declared.
    Emulator: drops time zone, start and end date, and takes a refusal for success.
    """
    from ministack.services import scheduler
    from ministack.services.cloudformation import provisioners

    def store(name: str, props: dict[str, Any], *, new: bool) -> dict[str, str]:
        body = {key: props[key] for key in _FROM_TEMPLATE if key in props}
        scheduler._ensure_default_group()
        status, _, answer = (scheduler._create_schedule if new else scheduler._update_schedule)(name, body)
        if status >= 400:
            raise ValueError(json.loads(answer)["Message"])
        return {"Arn": scheduler._schedule_arn(props.get("GroupName", "default"), name)}

    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        name = props.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
        return name, store(name, props, new=True)

    def update(
        physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, str]]:
        return physical_id, store(physical_id, new, new=False)

    provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"].update(create=create, update=update)


def run_schedules_in_their_time_zone() -> None:
    """`cron(0 2 * * ? *)` of Asia/Ho_Chi_Minh is two at night in Viet Nam, also after a restart.

    AWS: evaluates in ScheduleExpressionTimezone.
    Emulator: evaluates in UTC, every ten seconds, and forgets at every restart when a rate last ran.
    """
    from ministack.core.responses import request_scope
    from ministack.services import eventbridge, scheduler

    checked_until = datetime.now(UTC)

    def tick() -> None:
        nonlocal checked_until
        now = datetime.now(UTC)
        for (account, region, _), schedule in list(scheduler._schedules._data.items()):
            due = next_run(schedule, checked_until)
            if schedule.get("State") != "ENABLED" or due is None or due > now:
                continue
            event = {
                "EventId": scheduler.new_uuid(),
                "Source": "aws.scheduler",
                "DetailType": "Scheduled Event",
                "Detail": "{}",
                "Time": time.time(),
                "Resources": [schedule["Arn"]],
                "Account": account,
                "Region": region,
            }
            with request_scope(account, region):
                eventbridge._invoke_target(schedule["Target"], event, schedule)
        checked_until = now

    scheduler._tick_schedules = tick
    scheduler._SCHEDULE_TICK_INTERVAL = 1


def next_run(schedule: dict[str, Any], after: datetime) -> datetime | None:
    """When the schedule runs next, later than `after`; None when never."""
    from ministack.services import eventbridge, scheduler

    expression = schedule["ScheduleExpression"]
    zone = ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    start, end = (scheduler._to_epoch(schedule.get(name)) for name in ("StartDate", "EndDate"))
    due: datetime | None
    if start is not None:
        after = max(after, datetime.fromtimestamp(start, UTC) - timedelta(microseconds=1))
    if expression.startswith("at("):
        moment = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone).astimezone(UTC)
        due = moment if moment > after else None
    elif interval := eventbridge._parse_rate_seconds(expression):
        anchor = datetime.fromtimestamp(start if start is not None else schedule["CreationDate"], UTC)
        periods = max((after - anchor) // timedelta(seconds=interval) + 1, 0)
        due = anchor + periods * timedelta(seconds=interval)
    else:
        # The emulator's calendar knows only UTC, so it is asked for the clock on the wall.
        wall = after.astimezone(zone).replace(tzinfo=UTC)
        on_the_wall = eventbridge._cron_next_fire(eventbridge._parse_cron_fields(expression), wall)
        due = on_the_wall.replace(tzinfo=zone).astimezone(UTC) if on_the_wall is not None else None
    return None if due is None or (end is not None and due.timestamp() > end) else due


def _problem(schedule: dict[str, Any]) -> str | None:
    from ministack.services import eventbridge

    expression = schedule.get("ScheduleExpression", "")
    if expression.startswith("at("):
        try:
            datetime.fromisoformat(expression[3:-1])
        except ValueError:
            return f"Invalid Schedule Expression {expression}."
    elif eventbridge._parse_rate_seconds(expression) is None:
        fields = eventbridge._parse_cron_fields(expression)
        ranges = (range(60), range(24), None, range(1, 13))
        if fields is None or any(
            bounds and not field <= set(bounds) for field, bounds in zip(fields, ranges, strict=False)
        ):
            return f"Invalid Schedule Expression {expression}."
    try:
        ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return f"Provided timezone is not valid: {schedule['ScheduleExpressionTimezone']}"
    return None
