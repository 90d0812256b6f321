"""Segments of one dataset, read, shaped and written side by side, each into parts of its own."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from retraining import lake, reading
from retraining.rows import RejectedRowError
from retraining.shaping import Shaper
from retraining.tally import Tally, merged

Segment = tuple[int, reading.Pages, Shaper]
"""Its number, by which its parts are named; what it reads; what makes rows of that."""


def write(dataset: str, run_id: str, segments: Sequence[Segment]) -> Tally:
    """Write all segments, as many at once as a table is scanned in."""
    # A thread begins without its caller's context, and the lake's writes are proved in it.
    contexts = [copy_context() for _ in segments]
    with ThreadPoolExecutor(reading.SEGMENTS) as pool:
        return merged(pool.map(lambda own, segment: own.run(_write, dataset, run_id, *segment), contexts, segments))


def _write(dataset: str, run_id: str, number: int, pages: Iterable[reading.Page], shaper: Shaper) -> Tally:
    tally = Tally()
    accepted = lake.CsvParts(dataset, run_id, number)
    refused = lake.QuarantineParts(dataset, run_id, number)
    for page in pages:
        for item in page:
            try:
                row = shaper.shape(item)
            except RejectedRowError as error:
                tally.rejected[str(error)] += 1
                refused.add(str(error), shaper.trace(item))
                continue
            if row is not None:
                tally.add(row)
                accepted.add(row)
    accepted.close()
    refused.close()
    tally.facts.update(shaper.facts())
    tally.parts, tally.quarantined = accepted.written, refused.written
    return tally
