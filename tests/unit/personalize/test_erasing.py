"""What deletion leaves in the file of the individually recorded data."""

from pathlib import Path

from local.personalize.events import Event, forget_users, record_events
from local.personalize.store import Store


def test_nothing_of_deleted_rows_stays_in_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "personalize.sqlite")
    for user in ("gone-for-good", "still-here"):
        record_events(store.database, "dataset", user, user, [Event("item", "view", 1, None, "")])
    forget_users(store.database, "dataset", ["gone-for-good"])
    assert b"gone-for-good" in _bytes(tmp_path), "SQLite only marks the page as free"

    store.compact()

    assert b"gone-for-good" not in _bytes(tmp_path)
    assert b"still-here" in _bytes(tmp_path)
    store.close()


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
