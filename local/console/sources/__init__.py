"""What the pages show, by subject; each reads AWS's APIs and answers plain values."""

from dataclasses import dataclass
from typing import Self

from local.commands.instance import Instance
from local.console.sources.account import Account, Page, Row
from local.console.sources.runs import Execution, Runs, StateRun

__all__ = ["Execution", "Page", "Row", "Runs", "Sources", "StateRun"]


@dataclass(frozen=True)
class Sources:
    """One of each."""

    runs: Runs

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """The sources of a running local cloud."""
        account = Account(instance)
        return cls(Runs(account))
