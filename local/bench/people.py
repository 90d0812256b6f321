"""Students made up for a bench."""

from pathlib import Path

CLASS = "bench"


def student(number: int) -> str:
    """A student's id."""
    return f"bench-{number:05d}"


def people(count: int, directory: Path) -> Path:
    """A file of interactions to be loaded: so many students, all of one class."""
    path = directory / "people.csv"
    rows = (f"{student(number)},{CLASS},1700000000,enroll\n" for number in range(count))
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n" + "".join(rows))
    return path
