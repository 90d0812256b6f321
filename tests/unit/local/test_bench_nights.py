"""Three nights' portions of a file, and what their records are told to have decided."""

import gzip
from pathlib import Path

from local.bench.nights import decisions, portions, told

HEADER = b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
ROWS = [b"u%d,x,%d,view\n" % (number, 100 + number) for number in range(10)]


def test_portions_are_by_time_and_the_last_night_adds_nothing(tmp_path: Path) -> None:
    whole = tmp_path / "events.csv.gz"
    whole.write_bytes(gzip.compress(HEADER + b"".join(reversed(ROWS))))
    with portions(whole) as (first, second, third):
        assert first is not None
        assert second is not None
        assert first.read_bytes() == HEADER + b"".join(ROWS[:6])
        assert second.read_bytes() == HEADER + b"".join(ROWS[6:8])
        assert third is None


def test_a_night_tells_every_decision_with_its_reason() -> None:
    record = {
        "runId": "r1",
        "rows": {"interactions": 1200},
        "newRows": 200,
        "durations": {"total": 7.25},
        "exportMode": "INCREMENTAL",
        "exportWhy": "what was recorded since run r0",
        "imports": [{"dataset": "interactions", "mode": "EVENTS", "why": "200 new rows", "rows": 200}],
        "training": {"decision": "KEEP", "why": "fresh", "models": []},
        "status": "IMPORTED",
        "why": "no training: fresh",
    }
    assert [line.split(maxsplit=3) for line in told(2, decisions(record))] == [
        ["night", "2", "1,200", "rows, 200 of them new, 7.2 s"],
        ["export", "INCREMENTAL", "what", "was recorded since run r0"],
        ["import", "interactions", "EVENTS", "200 new rows"],
        ["training", "KEEP", "fresh"],
        ["end", "IMPORTED:", "no", "training: fresh"],
    ]
    unchanged = {name: value for name, value in record.items() if name != "training"}
    assert decisions(unchanged)["training"]["decision"] == "-"
