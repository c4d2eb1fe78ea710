"""What is said of VolumeSnapshots that a rollout takes first, and how that may end, as values; without all that takes them."""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from kubectl_pets.domain.snapshots.wanted import Unfit


class SnapshotTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of snapshots on the command line. ``snapshot_class`` empty: the default one of each volume's driver."""

    snapshot_class: str = ""
    #: One of all claims at once, by a class of such.
    group: bool = False
    #: Of each pod's claims right before its turn.
    each: bool = False
    #: So many generations stay; 0: all.
    keep: int = 0
    #: Commands in the pod before its snapshots are asked for, and once they are cut; empty: none.
    before: str = ""
    after: str = ""
    #: Seconds for one try of one of them, and further tries of the second one.
    patience: float = 30.0
    retries: int = 3


class Unsnapped(msgspec.Struct, frozen=True, tag="not-snapped"):
    """An ending: there is no snapshot to go back to of these claims, so no pod goes."""

    unfit: "tuple[Unfit, ...]"
    #: One of all at once was asked for.
    group: bool = False
    #: They were asked for, and waited for in vain.
    in_vain: bool = False


class Unready(msgspec.Struct, frozen=True, kw_only=True):
    """What is being waited for: snapshots by name, the first one's error, and how many of all there are. ``group``: it is a
    VolumeGroupSnapshot."""

    names: tuple[str, ...]
    error: str
    of: int
    group: bool = False
    #: No controller has taken it on.
    silent: bool = False
