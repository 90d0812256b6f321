"""What an expression can turn out to be while `calls` follows the sources. None stands for anything else."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """A string known from the source."""

    value: str


@dataclass(frozen=True)
class Setting:
    """`settings.<name>`."""

    name: str


@dataclass(frozen=True)
class Client:
    """A boto3 client."""

    service: str


@dataclass(frozen=True)
class DynamoDB:
    """The DynamoDB resource; `.meta.client` leads to its client."""


@dataclass(frozen=True)
class Table:
    """A boto3 Table; `setting` names the setting that holds its name, "" where nobody can tell."""

    setting: str


@dataclass(frozen=True)
class Method:
    """An attribute of one of ours: an operation of a client, a table, or an instance."""

    owner: "Kind"
    name: str


@dataclass(frozen=True)
class Mapping:
    """A dict literal: what is known of its keys and values."""

    entries: "tuple[tuple[Kind | None, Kind | None], ...]"

    def get(self, key: str) -> "Kind | None":
        """The value under a key written out in the source."""
        return next((value for known, value in self.entries if known == Text(key)), None)

    def has(self, key: str) -> bool:
        """Whether the key is written out in the source."""
        return any(known == Text(key) for known, _ in self.entries)


@dataclass(frozen=True)
class Module:
    """A module of functions/."""

    name: str


@dataclass(frozen=True)
class Symbol:
    """A function or class of functions/; `name` is dotted for a method."""

    module: str
    name: str


@dataclass(frozen=True)
class Instance:
    """An object of a class of functions/."""

    of: Symbol


Kind = Text | Setting | Client | DynamoDB | Table | Method | Mapping | Module | Symbol | Instance
