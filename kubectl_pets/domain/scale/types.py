"""The words of a scaling: what is around the set, what the plan says, what it warns of, what it asks, why it is refused.

All are values. ``plan`` plans with them, views draw them.
"""

from collections.abc import Mapping
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.claims.growth import GrowingClaim
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.findings import Evidence, Fate
from kubectl_pets.domain.orphans.inventory import HorizontalPodAutoscaler, PersistentVolume, ScaledObject
from kubectl_pets.domain.rollout.verdict import Blocker
from kubectl_pets.domain.scale.claim_effects import Leaving, Returning
from kubectl_pets.domain.scale.replica_owners import ReplicaOwner
from kubectl_pets.domain.sets.slots import Slots, span


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What is around a set that is to be scaled. ``None``: could not be read, which is never the same as none."""

    #: Those with the names of the set's claims (``stakes.own_claims``), in range or not.
    claims: tuple[PersistentVolumeClaim, ...] | None = None
    #: By name; one with the value None does not exist.
    volumes: Mapping[str, PersistentVolume | None] | None = None
    #: Of the set's namespace.
    autoscalers: tuple[HorizontalPodAutoscaler, ...] | None = None
    scaled_objects: tuple[ScaledObject, ...] | None = None
    #: By claim who else wants it (``claim_effects.wanted_by_others``); read only where claims come or go.
    wanted: Mapping[str, tuple[Evidence, ...]] | None = None
    #: Whether everything that may want them was read.
    wanted_complete: bool = True
    #: The labels of all nodes, by name; read only where a volume that comes back asks for some.
    nodes: Mapping[str, Mapping[str, str]] | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for: a number of replicas, or ordinals that are to go, whichever number that makes."""

    replicas: int | None = None
    remove: tuple[int, ...] = ()


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A pod that the controller makes or removes. ``revision``: what it comes up at; empty for one that goes, or where the
    controller has not said yet."""

    pod: str
    ordinal: int
    creates: bool
    revision: str = ""
    #: It is so many pods, from ``pod`` up to ``last_pod``, where there are too many to tell one by one.
    count: int = 1
    last_pod: str = ""

    @property
    def span(self) -> str:
        return span(self.pod, self.last_pod)


class Votes(msgspec.Struct, frozen=True, kw_only=True):
    """If the members vote: how many have to be up, and how many are."""

    members: int
    majority: int
    available: int

    @property
    def tolerates(self) -> int:
        """How many more may fail; negative: so many are short of the majority."""
        return self.available - self.majority


@unique
class Caution(StrEnum):
    """Something that somebody should know before the number is changed."""

    #: OrderedReady waits for these pods first.
    WAITS_FOR = "waits-for"
    #: These pods do not become available by themselves: not all replicas will be.
    BROKEN = "broken"
    #: OrderedReady removes none of these: more than one of them is broken (processCondemned).
    NOT_REMOVED = "not-removed"
    #: New pods come up at the update revision, which the rollout has not released to them or is not through with.
    AT_UPDATE = "at-update"
    #: New pods come up at the current revision, below the partition.
    AT_CURRENT = "at-current"
    #: ``number``: the partition, which will hold back every pod from the next change.
    PARTITION_HOLDS_ALL = "partition-holds-all"
    #: The pods that stay are no majority of the members that there are now. ``number``: that majority.
    MINORITY_STAYS = "minority-stays"
    #: So many of the pods that stay are available now: no majority even of the new number.
    MAJORITY_DOWN = "majority-down"
    #: Tolerates no more failures than one member less would.
    EVEN = "even"
    CLAIMS_NOT_READ = "claims-not-read"
    VOLUMES_NOT_READ = "volumes-not-read"
    AUTOSCALERS_NOT_READ = "autoscalers-not-read"
    #: Claims of pods that go are being resized: ``Warning.growing``.
    RESIZING = "resizing"
    #: Who else uses the claims that come or go.
    CLAIM_USERS_NOT_READ = "claim-users-not-read"


class Warning(msgspec.Struct, frozen=True, kw_only=True):
    caution: Caution
    pods: tuple[str, ...] = ()
    number: int | None = None
    revision: str = ""
    blockers: tuple[Blocker, ...] = ()
    #: The highest ordinal first.
    growing: tuple[GrowingClaim, ...] = ()


@unique
class ScaleRefusedReason(StrEnum):
    DELETING = "deleting"
    PODS_UNREADABLE = "pods-unreadable"
    #: Nothing can be said of the set, or its controller was told to leave it alone: the blocker says which.
    UNKNOWN = "unknown"
    #: The set is a part of a LeaderWorkerSet, whose controller puts the number back.
    LEADER_WORKER_SET = "leader-worker-set"
    #: The set is being made again: a number that is written into it now may be lost with it.
    RECREATING = "recreating"
    #: Its claims are made anew from VolumeSnapshots: pods would come up on part of them, and on empty ones.
    RESTORING = "restoring"
    #: OrderedReady does nothing above a pod that is broken.
    BLOCKED = "blocked"
    #: No pod can be made: the set's name is too long.
    NO_POD_POSSIBLE = "no-pod-possible"
    #: It would be put back within seconds.
    AUTOSCALER = "autoscaler"


class ScaleRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    reason: ScaleRefusedReason
    blockers: tuple[Blocker, ...] = ()
    replica_owner: ReplicaOwner | None = None


@unique
class ClaimEffect(StrEnum):
    """What nobody should do without having been asked."""

    #: Claims are deleted; ``Scaling.lost`` says what becomes of their data.
    CLAIMS = "claims"
    #: A claim that comes back is mounted by somebody else just now (``Returning.wanted``).
    MOUNTED = "mounted"
    #: The retention policy deletes claims, and which they are could not be read.
    UNKNOWN_CLAIMS = "unknown-claims"
    #: No pod is left.
    STOPS = "stops"
    #: What a partition holds back, or OnDelete pods wait for, becomes the version of all pods: ``Scaling.promotes``.
    PROMOTES = "promotes"
    #: Pods that are up go at once, and those that stay are no majority of what is left.
    MAJORITY = "majority"


class Scaling(msgspec.Struct, frozen=True, kw_only=True):
    """What scaling does, from here. With ``before == after`` there is nothing to change, but perhaps to wait for."""

    uid: str
    before: int
    after: int
    #: Those of the new number.
    slots: Slots
    #: Ordinals that are left out from then on.
    removed: tuple[int, ...] = ()
    policy: str
    #: How many pods each of them is, of a set of groups; 0: they are pods.
    group_size: int = 0
    #: In the controller's order; in Parallel all at once.
    moves: tuple[Move, ...]
    #: None: claims could not be read.
    returns: tuple[Returning, ...] | None
    leaves: tuple[Leaving, ...] | None
    #: As it is, and once all pods of the new number are available.
    votes: tuple[Votes, Votes]
    replica_owners: tuple[ReplicaOwner, ...]
    warnings: tuple[Warning, ...]
    stakes: tuple[ClaimEffect, ...]
    refused: ScaleRefused | None = None
    #: The revision that pods do not run yet and that all of them come up at after it; empty: it changes no version.
    promotes: str = ""
    #: All is as asked for.
    reached: bool = False

    @property
    def at_once(self) -> bool:
        return self.policy == "Parallel"

    @property
    def lost(self) -> tuple[Leaving, ...]:
        """Claims that are deleted, besides those that are made for their pod only."""
        return tuple(each for each in self.leaves or () if each.deleted and not each.ephemeral)

    @property
    def moves_claims(self) -> bool:
        """Whether it matters who else wants the claims."""
        return bool(self.lost or self.returns)

    @property
    def mounted(self) -> tuple[Returning, ...]:
        """Claims that come back and that somebody else mounts."""
        return tuple(each for each in self.returns or () if each.wanted)

    @property
    def destroyed(self) -> tuple[Leaving, ...]:
        """The claims whose data is destroyed, or may be."""
        return tuple(each for each in self.lost if each.fate in (Fate.DESTROYED, Fate.UNKNOWN))

    def within(self, agreed: "Scaling") -> bool:
        """Whether whoever agreed to the plan ``agreed`` has agreed to this one, too: no other claim or volume goes, and no
        more is at stake."""
        if self.promotes != agreed.promotes:
            return False
        return set(self.stakes) <= set(agreed.stakes) and self.spares(agreed)

    def spares(self, told: "Scaling") -> bool:
        """Whether no claim or volume goes of which the plan ``told`` did not say so: that is no data of those which somebody gave
        up who agreed to all beforehand."""
        known = {(each.claim, each.fate, each.volume) for each in told.lost}
        unknown = ClaimEffect.UNKNOWN_CLAIMS in self.stakes and ClaimEffect.UNKNOWN_CLAIMS not in told.stakes
        return not unknown and all((each.claim, each.fate, each.volume) in known for each in self.lost)
