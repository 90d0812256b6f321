"""The calculator: trainings follow the policy, and what grows with the school grows with it."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from local.__main__ import nightclass
from local.costs import DAYS, School, month, trainings

QUIET = School(interactions=100_000, events_a_day=100, rankings_a_day=5_000)


def amounts(school: School) -> dict[tuple[str, str], float]:
    return {(usage.service, usage.unit): usage.amount for usage in month(school)}


def test_a_quiet_school_trains_by_age() -> None:
    assert trainings(QUIET) == [100_000 + 100 * day for day in (1, 8, 15, 22, 29)]


def test_a_busy_one_trains_by_what_is_new() -> None:
    assert len(trainings(replace(QUIET, events_a_day=50_000))) > 10


def test_an_idle_one_trains_no_more() -> None:
    assert trainings(replace(QUIET, events_a_day=0)) == []


def test_campaigns_bill_day_and_night_unless_they_are_parked() -> None:
    assert amounts(QUIET)["Personalize", "TPS-hours"] == 24 * DAYS
    assert amounts(replace(QUIET, parked_hours_a_day=12))["Personalize", "TPS-hours"] == 12 * DAYS
    assert amounts(replace(QUIET, parked_hours_a_day=24))["Personalize", "TPS-hours"] == 0


def test_reranking_trains_a_third_model_and_keeps_a_second_campaign() -> None:
    ranked, plain = amounts(replace(QUIET, reranking=True)), amounts(QUIET)
    assert ranked["Personalize", "TPS-hours"] == 2 * plain["Personalize", "TPS-hours"]
    assert ranked["Personalize", "training hours"] == pytest.approx(1.5 * plain["Personalize", "training hours"])
    assert ranked["Step Functions", "transitions"] > plain["Step Functions", "transitions"]


def test_more_than_one_request_a_second_bills_more_than_the_least() -> None:
    busy = replace(QUIET, rankings_a_day=10 * 86_400, reranking=True)
    assert amounts(busy)["Personalize", "TPS-hours"] == pytest.approx((10 + 1) * 24 * DAYS)


def test_each_event_is_one_mail_and_announcements_come_on_top() -> None:
    assert amounts(replace(QUIET, announced_mails_a_day=7))["SES", "mails"] == (100 + 7) * DAYS


def test_twice_the_school_uses_at_most_twice_as_much() -> None:
    twice = replace(QUIET, interactions=200_000, events_a_day=200, rankings_a_day=10_000)
    for key, amount in amounts(QUIET).items():
        assert amount <= amounts(twice)[key] <= 2 * amount + 1e-6, key


def test_the_command_prints_every_unit() -> None:
    text = CliRunner().invoke(nightclass, ["costs"], catch_exceptions=False).output.splitlines()
    lines = CliRunner().invoke(nightclass, ["costs", "--json"], catch_exceptions=False).output.splitlines()
    assert len(text) == len(lines) == len(month(QUIET))
    assert all(json.loads(line)["amount"] > 0 for line in lines)
