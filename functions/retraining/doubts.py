"""What Personalize holds is in doubt from when a run may begin to import until it has ended well.

So it is written down before: whoever is stopped writes nothing more. The next run that ends well writes a watermark
without doubts, having imported what they were about.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from campus.settings import settings
from retraining import import_mode, lease, runs
from retraining.lease import Lease


def note(held: Lease, mark: runs.Record, jobs: Iterable[Mapping[str, Any]]) -> None:
    """Note on the watermark which users and items this run may have changed; interactions only ever add up.

    Args:
        held: the run's lease.
        mark: the watermark as it stands; {} leaves nothing to be doubted.
        jobs: what `import_mode.choose` answered.

    Raises:
        LeaseLostError: another run is at work, and this one must not begin.
    """
    begun = {job["dataset"] for job in jobs if job["mode"] != import_mode.NONE}
    doubted = begun & (mark.get("datasets", {}).keys() - {"interactions"})
    if not doubted:
        return
    datasets = dict(mark["datasets"])
    for name in doubted:
        others = [run for run in datasets[name].get("unsure", []) if run != held.run_id]
        datasets[name] = {**datasets[name], "unsure": [*others, held.run_id]}
    item = runs.watermark_item({**mark, "datasets": datasets})
    lease.write(held, {"Put": {"TableName": settings.operations_table, "Item": item}})
