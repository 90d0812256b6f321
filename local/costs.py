"""What a month of the stack uses, in the units that AWS bills; prices differ by region and are no business of ours.

Every figure is a formula of a few numbers about the school, with what it counts beside it. Free allowances are not
taken off.
"""

from dataclasses import dataclass

DAYS = 30
_HOURS = 24 * DAYS

# "Amazon Personalize cheat sheet": a training on 100,000 interactions was billed with 2.135 hours.
_TRAINING_HOURS_OF_100_000 = 2.135
# One row of the export: pseudonym, item, event type, time.
_ROW_BYTES = 90
# Write units of DynamoDB by what happens; a transaction counts twice, an index once.
_WRITES_OF_RECORDING = 4 * 2 + 2 + 1 + 2 + 2  # fact, activity, student, item; the tombstone's check; their indexes
_WRITES_OF_PUBLISHING = 2 * 2 + 1 + 1 + 1  # fact and outbox; into byState; relayed, and out of byState
_WRITES_OF_A_MAIL = 1 + 1 + 1  # claim, slot, sent
_WRITES_OF_A_RANKING = 1 + 1  # the caller's bucket, the last good answer
_READS_OF_RECORDING = 2
_READS_OF_A_MAIL = 3
_READS_OF_A_RANKING = 4
# Eight kilobytes of table a read unit, as scans are eventually consistent; an interaction takes some 400 bytes.
_ROWS_OF_A_READ = 20
# Polling is four states: three imports of ten polls; a training of two hours, which is 44; a campaign's ten.
_TRANSITIONS_OF_A_NIGHT = 20 + 3 * 10 * 4
_TRANSITIONS_OF_A_TRAINING = 44 * 4
_TRANSITIONS_OF_A_PROMOTION = 10 * 4
_SECONDS = {"api": 0.05, "record": 0.1, "mail": 0.2, "relay": 0.05, "retrain": 1.0}
_GIGABYTES = {"api": 0.5, "record": 0.5, "mail": 0.5, "relay": 0.5, "retrain": 0.5}
# What the export reads, checks and writes on one core.
_EXPORTED_A_SECOND = 20_000
_EXPORT_GIGABYTES = 2


@dataclass(frozen=True)
class School:
    """A school's month; everything a day is of all students together."""

    interactions: int
    """There already when the month begins."""
    events_a_day: int
    """Enrolments and submissions; each is one mail and one interaction."""
    rankings_a_day: int
    announced_mails_a_day: int = 0
    retrain_after_days: float = 7
    retrain_share: float = 0.1
    parked_hours_a_day: float = 0
    """Without campaigns, when nobody looks at rankings."""
    reranking: bool = False
    """The stack's EnableReranking: a second model, and its campaign."""

    @property
    def models(self) -> int:
        """Trained each time: recommendation, popularity to compare with, and ranking."""
        return 3 if self.reranking else 2

    @property
    def campaigns(self) -> int:
        """Popularity has none."""
        return self.models - 1


@dataclass(frozen=True)
class Usage:
    """So many units of a service."""

    service: str
    unit: str
    amount: float
    why: str


def month(school: School) -> list[Usage]:
    """Every unit that the month uses."""
    events, rankings = school.events_a_day * DAYS, school.rankings_a_day * DAYS
    mails = events + school.announced_mails_a_day * DAYS
    trained_on = trainings(school)
    times, rows = len(trained_on), sum(trained_on)
    exported = events + school.interactions
    return [
        Usage(
            "Personalize",
            "trainings",
            times,
            f"every {school.retrain_after_days:g} days, or sooner at {school.retrain_share:.0%} new rows",
        ),
        Usage("Personalize", "interactions trained on", rows * school.models, f"{school.models} models each time"),
        Usage(
            "Personalize",
            "training hours",
            rows * school.models * _TRAINING_HOURS_OF_100_000 / 100_000,
            f"about; {_TRAINING_HOURS_OF_100_000} h for 100,000 interactions",
        ),
        Usage(
            "Personalize",
            "TPS-hours",
            _tps_hours(school),
            f"{school.campaigns} campaign{'s' * (school.campaigns > 1)}, at least 1 TPS each",
        ),
        Usage("Personalize", "requests", rankings, "one a ranking"),
        Usage("Personalize", "MB imported", (exported + events) * _ROW_BYTES / 1e6, "live and nightly"),
        Usage(
            "DynamoDB",
            "write units",
            events * (_WRITES_OF_RECORDING + _WRITES_OF_PUBLISHING)
            + mails * _WRITES_OF_A_MAIL
            + rankings * _WRITES_OF_A_RANKING,
            "events, mails, rankings",
        ),
        Usage(
            "DynamoDB",
            "read units",
            events * _READS_OF_RECORDING
            + mails * _READS_OF_A_MAIL
            + rankings * _READS_OF_A_RANKING
            + exported / _ROWS_OF_A_READ,
            "the same, one full export, 29 of what is new",
        ),
        Usage(
            "Lambda",
            "requests",
            2 * events + mails + events + rankings + 40 * DAYS,
            "publish, relay, record, mail, rank",
        ),
        Usage("Lambda", "GB-seconds", _gigabyte_seconds(events, mails, rankings, exported), "about"),
        Usage("API Gateway", "requests", events + rankings, "HTTP API"),
        Usage("EventBridge", "events", events, "one an event"),
        Usage("SQS", "requests", 3 * (events + mails), "send, receive, delete; batches make it fewer"),
        Usage("SES", "mails", mails, "one an event, one a recipient of an announcement"),
        Usage(
            "Step Functions",
            "transitions",
            DAYS * _TRANSITIONS_OF_A_NIGHT
            + times * (school.models * _TRANSITIONS_OF_A_TRAINING + school.campaigns * _TRANSITIONS_OF_A_PROMOTION),
            "about",
        ),
        Usage("S3", "MB written", exported * _ROW_BYTES / 1e6, "the lake, before its lifecycle"),
    ]


def trainings(school: School) -> list[int]:
    """On how many interactions each training of the month works, by the policy of `Plan training`."""
    rows, new, age = school.interactions, 0, 0
    found: list[int] = []
    for day in range(DAYS):
        rows, new, age = rows + school.events_a_day, new + school.events_a_day, age + 1
        if rows and new and (day == 0 or age >= school.retrain_after_days or new / rows >= school.retrain_share):
            found.append(rows)
            new = age = 0
    return found


def _tps_hours(school: School) -> float:
    hours = _HOURS - school.parked_hours_a_day * DAYS
    average = school.rankings_a_day * DAYS / (hours * 3600) if hours else 0
    return hours * (max(1.0, average) + school.campaigns - 1)


def _gigabyte_seconds(events: int, mails: int, rankings: int, exported: int) -> float:
    counted = {"api": events + rankings, "record": events, "mail": mails, "relay": events, "retrain": 40 * DAYS}
    worked = sum(times * _SECONDS[kind] * _GIGABYTES[kind] for kind, times in counted.items())
    return worked + exported / _EXPORTED_A_SECOND * _EXPORT_GIGABYTES
