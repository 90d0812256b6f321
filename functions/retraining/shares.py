"""A full export's interactions in shares, for tables that one function cannot read in its fifteen minutes.

Each worker scans segments of its own and leaves a tally behind its parts, `manifests/<runId>/share-<worker>.json`; the
export then adds the tallies up. A tally counts only for what it was asked: another cut-off or another number of workers
is another share, and is written anew.
"""

from campus.settings import settings
from retraining import lake, reading, segments
from retraining.scope import Scope
from retraining.shaping import EveryInteraction
from retraining.tally import Tally


def write(run_id: str, cut_off: int, scope: Scope, worker: int, workers: int) -> Tally:
    """Write a worker's share of all interactions, or find it written.

    Args:
        run_id: names the folders.
        cut_off: epoch milliseconds; what was recorded later is left to a later run.
        scope: whose `since` tells new rows from earlier ones.
        worker: from 0.
        workers: how many share the table; one alone leaves no tally.
    """
    question = {"cutOff": cut_off, "since": scope.since, "workers": workers}
    key = _key(run_id, worker)
    if workers > 1 and (found := lake.read_json(key)) and found["question"] == question:
        return Tally.of(found["tally"])
    pages = reading.scan(settings.interactions_table, worker=worker, workers=workers)
    numbered = enumerate(pages, reading.SEGMENTS * worker)
    shaped = [(number, part, EveryInteraction(cut_off, scope.since)) for number, part in numbered]
    tally = segments.write("interactions", run_id, shaped)
    if workers > 1:
        lake.write_json(key, {"question": question, "tally": vars(tally)})
    return tally


def forget_others(run_id: str, scope: Scope, workers: int) -> None:
    """Delete the tallies that are no part of this export, before their parts go: a tally vouches for its parts."""
    shared = scope.mode == "FULL" and workers > 1
    lake.remove_leftovers(_folder(run_id), {_key(run_id, worker) for worker in range(workers)} if shared else set())


def _folder(run_id: str) -> str:
    return f"manifests/{run_id}/"


def _key(run_id: str, worker: int) -> str:
    return f"{_folder(run_id)}share-{worker:03d}.json"
