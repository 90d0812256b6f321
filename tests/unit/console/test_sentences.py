"""What the pipeline says of itself: whole clauses in Vietnamese, or as they are."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import local.console
from local.console.sentences import PHRASES, sentence

_ROOT = Path(local.console.__file__).parents[2]
_PIPELINE = _ROOT / "functions/retraining"
# They say why a run ended as it did.
_TELLING = (
    *("canaries", "data_check", "deployment", "export", "gate", "import_mode", "imports", "policy", "scope", "start"),
    *("rows", "summary", "campaigns", "lake", "puts", "training"),
)
_REFUSING = (
    *("local/commands/serving.py", "local/commands/reading.py", "local/console/sources/runs.py"),
    *("functions/publishing/roster.py", "functions/publishing/registry.py", "functions/campus/validation.py"),
)
# Not for the pages: the log's, and AWS's own.
_UNSEEN = {"CREATE PENDING", "text/csv", "the age of the model could not be read"}
# What stands in a hole of the pipeline's is a number, or else one of these.
_HOLES = {
    **dict.fromkeys(("why", "said", "changes or 'nothing is left to deploy'"), "there are no rows"),
    "export['gone'].get(dataset, export['why'])": "asked for",
    "export['why']": "nothing has been imported yet",
    "error": "has nothing for canary 1 of 5",
    "then": "the version before serves again",
    "limit": "a request trains 6 h after it at the earliest",
    "'; '.join(reasons)": "forced; no model has been trained yet",
    "reasons": "unknown type: 3, missing 7: 1",
    "' or '.join((names.model_name(kind) for kind in serving.KINDS))": "a or b",
    "evaluation['why']": "NDCG@25 is 0",
    "canaries['why']": "5 students with a history got an answer",
    "plan['why']": "forced",
    "job['why']": "there are no rows",
}
# In other modules a number, or something else.
_HOLES_OF = {
    "import_mode": {"earlier": "run 7 and run 8"},
    "deployment": {"error": "Personalize knows no version 7"},
}
# Words that Vietnamese keeps, or has by chance.
_KEPT = {"Personalize", "NDCG", "campaign", "solution", "recipe", "ACTIVE", "epoch", "eventValue", "true", "false"}


def literals(module: Path) -> Iterator[str]:
    """Its texts, docstrings left out, with something in each hole."""
    tree = ast.parse(module.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    holes = _HOLES | _HOLES_OF.get(module.stem, {})
    formatted = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    within = {id(inner) for node in formatted for inner in ast.walk(node) if inner is not node}
    for node in ast.walk(tree):
        if id(node) in docstrings | within:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else holes.get(ast.unparse(part.value), "7")
                for part in node.values
                if isinstance(part, ast.Constant | ast.FormattedValue)
            )


def said_by(module: str) -> list[str]:
    """Its sentences; those about a campaign with the campaign before them."""
    texts = {text.strip("; ") for text in literals(_PIPELINE / f"{module}.py")}
    texts = {re.sub(r"^(?=has nothing|does not answer)", "campaign-1 ", text) for text in texts}
    return sorted(text for text in texts - _UNSEEN if " " in text and re.search("[a-z]{2}", text))


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", text)) - _KEPT


@pytest.mark.parametrize("text", [text for module in _TELLING for text in said_by(module)])
def test_vietnamese_has_every_sentence_as_a_whole(text: str) -> None:
    told = sentence("vi", text)
    assert told != text
    assert words(told) & words(text) == set()


@pytest.mark.parametrize("phrase", PHRASES)
def test_half_a_clause_is_not_translated(phrase: str) -> None:
    text = phrase.replace("{*}", "forced").replace("{}", "7")
    assert sentence("vi", f"{text} and so on") == f"{text} and so on"
    assert sentence("vi", f"perhaps {text}") == f"perhaps {text}"


@pytest.mark.parametrize(
    ("text", "vietnamese"),
    [
        ("1 new rows: more of them", "1 dòng mới: more of them"),
        ("IMPORTED · users: forced; whatever", "IMPORTED · users: bắt buộc; whatever"),
        (
            "3 rows of users were rejected, at most 2 are tolerated (unknown type: 2, missing title: 1)",
            "3 dòng của users bị loại, chấp nhận nhiều nhất 2 (loại lạ: 2, thiếu title: 1)",
        ),
        (
            "2 added or changed and 0 removed since run a and run b and run c, more than 1",
            "2 dòng thêm hoặc sửa, 0 dòng bỏ đi từ lượt a và lượt b và lượt c, nhiều hơn 1",
        ),
        ("asked for: a to 1, b to 2; taken back: 3, 4", "theo yêu cầu: a dùng 1, b dùng 2; thu hồi: 3, 4"),
        ("1,234 bytes are too many for an incremental import", "1,234 byte là quá nhiều để nhập phần tăng thêm"),
    ],
)
def test_clauses(text: str, vietnamese: str) -> None:
    assert sentence("vi", text) == vietnamese
    assert sentence("en", text) == text


def test_an_endless_text_stays_as_it_is() -> None:
    text = "forced" + ", more than 7" * 10_000
    assert sentence("vi", text) == text


def test_phrases_are_those_that_the_stack_writes() -> None:
    sources = [*_PIPELINE.glob("*.py"), *(_ROOT / name for name in _REFUSING)]
    joined = re.sub(r'"\s*\n\s*f?"', "", "".join(path.read_text() for path in sources))
    written = joined + re.sub(r"\{[^{}]*\}", "{}", joined)
    # Some are put together there.
    put_together = {"no {} and no {} model has been trained yet", "{} is no version of {} or {}"}
    plain = {phrase.replace("{*}", "{}").removeprefix("{} ") for phrase in PHRASES.keys() - put_together}
    assert sorted(phrase for phrase in plain if phrase not in written) == []
    for phrase, vietnamese in PHRASES.items():
        assert re.findall(r"\{\*?\}", phrase) == re.findall(r"\{\*?\}", vietnamese)
