"""Step Functions: how long an expression may take."""

import itertools
from collections.abc import Iterator
from unittest import mock

import jsonata.timebox  # type: ignore[import-untyped]
import pytest
from ministack.services import stepfunctions

from local.compat.states import let_expressions_wait_for_the_processor


@pytest.fixture(autouse=True)
def _repaired() -> Iterator[None]:
    with mock.patch.object(jsonata.timebox, "Timebox", jsonata.timebox.Timebox):
        let_expressions_wait_for_the_processor()
        yield


def test_an_expression_survives_a_machine_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = itertools.count(1_795_000_000, 60)
    monkeypatch.setattr(jsonata.timebox.time, "time", lambda: next(minutes))
    assert stepfunctions._evaluate_jsonata("$sum([1, 2, 3].($ * 2))", {}) == 12


def test_an_expression_without_end_is_ended() -> None:
    with pytest.raises(stepfunctions._ExecutionError) as ended:
        stepfunctions._evaluate_jsonata("($f := function($n) { $f($n + 1) }; $f(1))", {})
    assert ended.value.error == "States.QueryEvaluationError"
