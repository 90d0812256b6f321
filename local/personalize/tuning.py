"""What may be asked of hyper-parameter optimisation (HPO), which is checked here but never done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.personalize.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RANGES = {
    "integer": "integerHyperParameterRanges",
    "continuous": "continuousHyperParameterRanges",
    "categorical": "categoricalHyperParameterRanges",
}
MOST_JOBS = {"maxNumberOfTrainingJobs": 40, "maxParallelTrainingJobs": 10}


def check_tuning(
    check_range: Callable[[str, str, str, Sequence[str]], None], recipe: str, configuration: Mapping[str, Any]
) -> None:
    """Refuse an hpoConfig that the recipe cannot follow.

    Args:
        check_range: Of the recommender: raises ValueError for (recipe, kind, name, values) that cannot be tried.
        recipe: Name of the recipe.
        configuration: The hpoConfig.

    Raises:
        InvalidInput: Names the member.
    """
    for name, most in MOST_JOBS.items():
        text = configuration.get("hpoResourceConfig", {}).get(name, "1")
        if not (text.isdecimal() and 1 <= int(text) <= most):
            raise InvalidInput(f"hpoConfig: {name} must be a whole number from 1 to {most}.")
    ranges = configuration.get("algorithmHyperParameterRanges", {})
    for kind, member in RANGES.items():
        for entry in ranges.get(member, []):
            low, high = entry.get("minValue"), entry.get("maxValue")
            if low is not None and high is not None and low > high:
                raise InvalidInput(f"hpoConfig: {member}: minValue {low} is greater than maxValue {high}.")
            values = [*entry.get("values", []), *(str(end) for end in (low, high) if end is not None)]
            try:
                check_range(recipe, kind, entry.get("name", ""), values)
            except ValueError as error:
                raise InvalidInput(f"hpoConfig: {member}: {error}") from error
