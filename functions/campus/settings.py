"""Typed settings, read from the environment when first used, never at import."""

import os
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

T = TypeVar("T", str, int, float)


class MissingSettingError(RuntimeError):
    """A variable that template.yaml should set is absent."""


@dataclass(frozen=True)
class Variable(Generic[T]):
    """A descriptor that reads one environment variable, converted to `kind`, at each access."""

    name: str
    kind: type[T]

    @overload
    def __get__(self, instance: None, owner: type) -> "Variable[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "T | Variable[T]":
        if instance is None:
            return self
        value = os.environ.get(self.name, "")
        if not value:
            raise MissingSettingError(f"environment variable {self.name} is not set; see Environment in template.yaml")
        return self.kind(value)


class Settings:
    """What template.yaml hands to the functions: one variable an attribute, in the unit its name says."""

    # every function (Globals)
    students_table = Variable("STUDENTS_TABLE", str)
    interactions_table = Variable("INTERACTIONS_TABLE", str)
    class_activity_table = Variable("CLASS_ACTIVITY_TABLE", str)
    operations_table = Variable("OPERATIONS_TABLE", str)
    event_bus = Variable("EVENT_BUS", str)
    requests_per_second = Variable("REQUESTS_PER_SECOND", float)
    request_burst = Variable("REQUEST_BURST", int)

    # notifications
    sender = Variable("SENDER", str)
    configuration_set = Variable("CONFIGURATION_SET", str)
    mail_queue_url = Variable("MAIL_QUEUE_URL", str)
    mail_grace_seconds = Variable("MAIL_GRACE_SECONDS", int)
    mail_park_seconds = Variable("MAIL_PARK_SECONDS", int)
    announcement_queue_url = Variable("ANNOUNCEMENT_QUEUE_URL", str)
    unsubscribe_url = Variable("UNSUBSCRIBE_URL", str)
    unsubscribe_key_arn = Variable("UNSUBSCRIBE_KEY_ARN", str)

    # Personalize: live events, ranking and retraining
    pseudonym_key_arn = Variable("PSEUDONYM_KEY_ARN", str)
    dataset_group = Variable("DATASET_GROUP", str)
    personalize_prefix = Variable("PERSONALIZE_ARN_PREFIX", str)
    lake_bucket = Variable("LAKE_BUCKET", str)
    personalize_role_arn = Variable("PERSONALIZE_ROLE_ARN", str)
    recommendation_recipe = Variable("RECOMMENDATION_RECIPE", str)
    ranking_recipe = Variable("RANKING_RECIPE", str)
    enable_reranking = Variable("ENABLE_RERANKING", str)
    lease_seconds = Variable("LEASE_SECONDS", int)
    full_export_days = Variable("FULL_EXPORT_DAYS", float)
    retrain_after_days = Variable("RETRAIN_AFTER_DAYS", float)
    retrain_share = Variable("RETRAIN_SHARE", float)
    request_spacing_hours = Variable("REQUEST_SPACING_HOURS", float)
    user_pool_id = Variable("USER_POOL_ID", str)
    dead_letter_urls = Variable("DEAD_LETTER_URLS", str)
    half_life_days = Variable("HALF_LIFE_DAYS", float)


settings = Settings()
