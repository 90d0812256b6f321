"""What the pages show, by subject; each reads AWS's APIs and answers plain values."""

from dataclasses import dataclass
from typing import Self

from local.commands.instance import Instance
from local.console.sources.account import Account, Page, Row
from local.console.sources.events import Events
from local.console.sources.mails import Mails
from local.console.sources.overview import Overview
from local.console.sources.queues import Queues
from local.console.sources.rankings import Rankings
from local.console.sources.runs import Execution, Runs, StateRun

__all__ = ["Execution", "Page", "Row", "Runs", "Sources", "StateRun"]


@dataclass(frozen=True)
class Sources:
    """One of each."""

    overview: Overview
    runs: Runs
    mails: Mails
    events: Events
    queues: Queues
    rankings: Rankings

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """The sources of a running local cloud."""
        account = Account(instance)
        kinds = (Overview, Runs, Mails, Events, Queues, Rankings)
        return cls(*(kind(account) for kind in kinds))  # type: ignore[arg-type]
