"""The demo, as somebody runs it who has just installed the project."""

import json
import subprocess
import sys
from pathlib import Path

from tests.stack import bare_environment


def test_the_demo_tells_the_whole_story_and_ends_by_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local", "demo", "--json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=bare_environment(), capture_output=True, text=True, timeout=290, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    by_chapter = {fact["chapter"]: fact for fact in facts}
    assert by_chapter["mails"]["sent"] == 24
    assert by_chapter["mails"]["bySubject"]["Xác nhận đăng ký lớp"] == 6
    assert by_chapter["load"]["rejected"] == {}
    before, after = (fact["answer"]["source"] for fact in facts if fact["chapter"] == "ranking")
    assert (before, after) == ("popular", "campaign")
    record = by_chapter["retraining"]["record"]
    assert record["status"] == "PROMOTED"
    metric = "normalized_discounted_cumulative_gain_at_10"
    assert record["metrics"]["recommendation"][metric] > 2 * record["baselineMetrics"][metric]
    assert by_chapter["done"]["ok"]
    assert list(tmp_path.iterdir()) == []
