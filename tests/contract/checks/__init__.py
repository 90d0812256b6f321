"""The contracts, one function each: from a project to the findings that break it, in words a reader can act on."""

from tests.contract.checks import (
    alarms,
    dashboard,
    environment,
    events,
    feedback,
    handlers,
    layering,
    lease,
    machine,
    openapi,
    patience,
    permissions,
    queues,
    routes,
    schedules,
    storage,
    trust,
)
from tests.contract.project import CHECKS

__all__ = [
    "CHECKS",
    "alarms",
    "dashboard",
    "environment",
    "events",
    "feedback",
    "handlers",
    "layering",
    "lease",
    "machine",
    "openapi",
    "patience",
    "permissions",
    "queues",
    "routes",
    "schedules",
    "storage",
    "trust",
]
