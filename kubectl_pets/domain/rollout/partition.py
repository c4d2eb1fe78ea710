"""What does a partition mean, and which one was asked for?

A partition counts positions, not ordinals: pods with ``ordinal < ordinals.start + partition`` keep the current revision.
"""

from enum import StrEnum, unique

import msgspec

#: What the command line takes: absolute, relative, or a share of the replicas that keeps the current revision.
PATTERN = r"([+-]?)([0-9]{1,9})|([0-9]{1,9})%"


@unique
class Meaning(StrEnum):
    ABSOLUTE = "absolute"
    UP = "up"
    DOWN = "down"
    PERCENT = "percent"


class PartitionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A partition as asked for. ``number`` is not negative."""

    meaning: Meaning
    number: int

    def of(self, partition: int, replicas: int) -> int | None:
        """The partition meant, where the set now has ``partition``; None where that would be below 0 or beyond the replicas.

        A share rounds up, so that more pods keep what they have. Steps count from the replicas where the partition exceeds them.
        """
        now = min(partition, replicas)
        match self.meaning:
            case Meaning.ABSOLUTE:
                value = self.number
            case Meaning.UP:
                value = now + self.number
            case Meaning.DOWN:
                value = now - self.number
            case Meaning.PERCENT:
                value = -(-replicas * self.number // 100)
        return value if 0 <= value <= replicas else None
