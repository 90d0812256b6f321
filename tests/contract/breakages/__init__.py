"""At least one way to break each contract, by the contract's name."""

from tests.contract.breakages import feedback, policies, reviewed, rules, sources, template, wiring
from tests.contract.mutations import Mutation

_FAMILIES = (
    template.STORAGE,
    template.ALARMS,
    template.DASHBOARD,
    template.TRUST,
    template.QUEUES,
    template.API,
    wiring.SCHEDULES,
    wiring.EVENTS,
    wiring.MACHINE,
    wiring.LEASE,
    wiring.PATIENCE,
    wiring.PERMISSIONS,
    sources.SOURCES,
    feedback.FEEDBACK,
    policies.POLICIES,
    rules.RULES,
    reviewed.REVIEWED,
)
BREAKAGES = tuple(
    Mutation(check, what, broken) for family in _FAMILIES for check, ways in family.items() for what, broken in ways
)
