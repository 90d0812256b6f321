"""What became of one dataset in an export: counts, reasons and a fingerprint that adds up from night to night."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from retraining import lake
from retraining.rows import Row

_MODULUS = 1 << 128


def digest(row: Row) -> int:
    """A row's own 128 bits."""
    return int.from_bytes(blake2b("\x1f".join(row).encode(), digest_size=16).digest(), "big")


def added(fingerprint: str, more: int) -> str:
    """A fingerprint in hex, with the digests of further rows added to it."""
    return f"{(int(fingerprint, 16) + more) % _MODULUS:032x}"


@dataclass
class Tally:
    """Counts of one dataset, or of one segment of it.

    The fingerprint is the sum of all rows' digests: the same rows give the same number in whatever order and parts they
    were read, and rows that are added change it by their own digests only. So the fingerprint of what was imported
    before, plus that of tonight's rows, is the fingerprint of the whole.
    """

    rows: int = 0
    fingerprint: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    parts: list[lake.Part] = field(default_factory=list)
    quarantined: list[lake.Part] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Count one accepted row."""
        self.rows += 1
        self.fingerprint = (self.fingerprint + digest(row)) % _MODULUS

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Tally":
        """A tally that went through JSON."""
        return cls(**{**stored, "rejected": Counter(stored["rejected"]), "facts": Counter(stored["facts"])})

    def merge(self, other: "Tally") -> None:
        """Count another segment's rows, too."""
        self.rows += other.rows
        self.fingerprint = (self.fingerprint + other.fingerprint) % _MODULUS
        self.rejected.update(other.rejected)
        self.facts.update(other.facts)
        self.parts += other.parts
        self.quarantined += other.quarantined


def merged(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole
