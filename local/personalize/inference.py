"""The work of a batch inference job: one line of JSON in, one line with recommendations out."""

from __future__ import annotations

import json
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.personalize.constraints import violations
from local.personalize.csv_source import S3
from local.personalize.errors import ServiceError
from local.personalize.json_value import parse_json
from local.personalize.questions import Question
from local.personalize.recipes import PERSONALIZED_RANKING, RELATED_ITEMS, recipe_type
from local.personalize.serving import Serving
from local.personalize.store import SOLUTION_VERSION, Store
from local.personalize.wire import operations

if TYPE_CHECKING:
    from botocore.model import Shape

    from local.personalize.store import Resource

REQUIRED = {PERSONALIZED_RANKING: ("userId", "itemList"), RELATED_ITEMS: ("itemId",)}


def infer(
    *,
    endpoint: str,
    region: str,
    role: str,
    source: str,
    target: str,
    directory: str,
    database: str,
    recommender: str,
    version: str,
    count: int,
    filter_arn: str | None,
    configuration: dict[str, Any],
) -> dict[str, Any]:
    """Answer every line of the input files; each file's answers go to `<file name>.out` in the target folder.

    Args:
        endpoint: URL of S3.
        region: Of the S3 client.
        role: ARN of the role to read S3 with.
        source: A JSON-lines object, or a folder of such.
        target: Folder for the answers.
        directory: The service's state directory.
        database: Its SQLite file.
        recommender: Module with the models.
        version: ARN of the solution version.
        count: Recommendations a line.
        filter_arn: Filter to apply, its values taken from each line's `filterValues`.
        configuration: The job's batchInferenceJobConfig.

    Returns:
        `lines`: how many were answered.

    Raises:
        JobFailed: The input cannot be read or the output not be written.
    """
    s3, lines = S3(endpoint, region, role), 0
    with closing(Store(Path(database))) as store:
        serving = Serving(store, Path(directory), recommender)
        model = store.find(SOLUTION_VERSION, version)
        fixed = {"filterArn": filter_arn} if filter_arn else {}
        for bucket, key in s3.objects(source, ".json"):
            with s3.text(bucket, key) as text:
                answers = [
                    json.dumps(answer_line(serving, store, model, line, count, configuration, fixed))
                    for line in text
                    if line.strip()
                ]
            s3.write(f"{target.rstrip('/')}/{key.rpartition('/')[2]}.out", "\n".join(answers) + "\n")
            lines += len(answers)
    return {"lines": lines}


def answer_line(
    serving: Serving,
    store: Store,
    version: Resource,
    line: str,
    count: int,
    configuration: dict[str, Any],
    fixed: dict[str, Any],
) -> dict[str, Any]:
    """The answer to one line; what is wrong with a line is told in its own answer."""
    try:
        given = parse_json(line)
        kind = recipe_type(version.record["recipeArn"])
        required = REQUIRED.get(kind, ("userId",))
        if not isinstance(given, dict) or any(not given.get(name) for name in required):
            return _failed(given, f"User error: Required fields for the provided recipe are {', '.join(required)}")
        wrong = [text for name, shape in members().items() for text in violations(shape, given.get(name), name)]
        if wrong:
            return _failed(given, f"User error: {'; '.join(wrong)}")
        parameters = {name: given[name] for name in members() if given.get(name) is not None}
        question = Question.of(serving, store, version, configuration, parameters | fixed)
        if kind == PERSONALIZED_RANKING:
            found, unknown = question.ranked(given["itemList"])
        else:
            found, unknown = question.recommended(count), []
    except (ValueError, ServiceError) as error:
        return _failed(line.strip(), f"User error: {error}")
    items = [question.catalogue.ids[suggestion.position] for suggestion in found]
    scores = [suggestion.score for suggestion in found] + [0.0] * len(unknown)
    return {"input": given, "output": {"recommendedItems": items + unknown, "scores": scores}, "error": None}


@cache
def members() -> dict[str, Shape]:
    """What a line may hold, in the shapes of the runtime API's requests; anything else is ignored."""
    shapes: dict[str, Shape] = {}
    for operation in ("GetRecommendations", "GetPersonalizedRanking"):
        shape = operations()[operation].input_shape
        shapes |= {} if shape is None else shape.members
    taken = {"userId": "userId", "itemId": "itemId", "itemList": "inputList", "filterValues": "filterValues"}
    return {name: shapes[member] for name, member in taken.items()}


def _failed(given: object, reason: str) -> dict[str, Any]:
    return {"input": given, "output": {"recommendedItems": []}, "error": reason}
