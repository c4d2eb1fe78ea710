"""What can be said of a claim: its class, the evidence for it, and what deletion would do to its data.

Machine state only; the sentences live in the views. Names and details in evidence come from the cluster: untrusted text.
"""

from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.inventory import PersistentVolume


@unique
class Class(StrEnum):
    """Exactly one holds. In the order of caution: where several could be said of a claim, the first one is."""

    IN_USE = "in-use"
    #: A live set has a pod for it, or makes one any moment.
    IN_RANGE = "in-range"
    #: No pod now, but one that a live set is bound or likely to make would mount it.
    WILL_RETURN = "will-return"
    USED_BY_TEMPLATE = "used-by-template"
    OWNED = "owned"
    TERMINATING = "terminating"
    #: Somebody said so, in an annotation.
    KEPT = "kept"
    #: Its volume is gone or is another claim's.
    LOST = "lost"
    #: Two sets, or no certain set, explain it.
    AMBIGUOUS = "ambiguous"
    #: Something that might want it could not be read.
    UNSURE = "unsure"
    #: Beyond every range of its live set; the old data would come back on a scale-up.
    SCALED_DOWN = "scaled-down"
    #: Its live set no longer has the template.
    TEMPLATE_GONE = "template-gone"
    SET_GONE = "set-gone"


#: The only ones that may ever be deleted.
CANDIDATES = frozenset((Class.SCALED_DOWN, Class.TEMPLATE_GONE, Class.SET_GONE))


@unique
class Fate(StrEnum):
    """What becomes of the data when the claim is deleted: the reclaim policy of its volume, not of its storage class."""

    DESTROYED = "destroyed"
    RETAINED = "retained"
    #: It never had a volume.
    NO_DATA = "no-data"
    UNKNOWN = "unknown"


@unique
class EvidenceKind(StrEnum):
    # against deletion: somebody wants it
    MOUNTED = "mounted"  #: subject: a pod, detail: its phase
    SERVER_SAYS_USED = "server-says-used"  #: the claim's own condition Unused is False
    LIVE_RANGE = "live-range"  #: subject: a set, start and replicas: its range
    SET_AT_ZERO = "set-at-zero"
    AUTOSCALER = "autoscaler"  #: subject: a set, detail: the autoscaler, replicas: its maximum
    OWNER_AUTOSCALED = "owner-autoscaled"  #: detail: the autoscaler that scales the custom resource which controls the set
    REMEMBERED_REPLICAS = "remembered-replicas"  #: detail: the annotation of the set that holds these replicas
    MAKER_AUTOSCALED = "maker-autoscaled"  #: subject: a custom resource whose sets come and go, detail: the autoscaler
    SURGE = "surge"  #: subject: a LeaderWorkerSet, replicas: how many groups it has during a rollout
    RESERVED = "reserved"  #: ordinals: the one that is left out
    RESERVATION_UNREADABLE = "reservation-unreadable"
    BELOW_START = "below-start"  #: subject: a set, start and replicas: its range
    NAMED_BY_TEMPLATE = "named-by-template"  #: subject: a workload
    NAMED_BY_RESOURCE = "named-by-resource"  #: subject: a custom resource that has its name as a string
    EPHEMERAL_OF = "ephemeral-of"  #: subject: a workload whose pods' ephemeral volumes are called like that
    CLONE_SOURCE = "clone-source"  #: subject: a claim being filled from this one
    OWNED_FOR_RETENTION = "owned-for-retention"  #: subject: the set or pod that takes the claim with it
    OWNED_BY = "owned-by"  #: subject: any other owner
    OWNER_STALE = "owner-stale"  #: subject: an owner of that name exists with another uid
    TERMINATING = "terminating"  #: detail: who holds it still, besides pods
    KEPT = "kept"  #: detail: the annotation's text
    # against: what it is cannot be said
    LOST = "lost"
    VOLUME_MISSING = "volume-missing"
    VOLUME_OF_ANOTHER = "volume-of-another"  #: subject: the volume, detail: the claim it is bound to
    NO_ORDINAL = "no-ordinal"
    SET_RETURNING = "set-returning"  #: subject: what is left of a set that is gone, and waits for it, detail: the set
    AUTOSCALER_WAITS = "autoscaler-waits"  #: subject: an autoscaler, detail: the set that it scales and that is gone
    LISTED = "listed"  #: subject: a deployer's object that lists it, detail: the set that is gone, or what may make it again
    RECREATING = "recreating"  #: detail: what the program noted that is making the set again
    OWNER_LIVES = "owner-lives"  #: subject: a custom resource that may make the set again, detail: what tells so
    SIBLING_OWNED = "sibling-owned"  #: subject: who owns another claim of the same set
    TRACKED = "tracked"  #: subject: who would make the claim again, detail: the annotation or label that says so
    VOLUME_TERMINATING = "volume-terminating"  #: subject: its volume, which is being deleted and goes with it
    KEEP_POLICY = "keep-policy"  #: detail: an annotation that keeps a deployer from deleting it
    RESIZING = "resizing"  #: detail: the condition that says so
    GUARDED = "guarded"  #: detail: the finalizers of what replicates its volume
    POSSIBLY_EPHEMERAL = "possibly-ephemeral"  #: subject: a pod of that name, detail: its volume
    RESTORED = "restored"  #: subject: who made it from a backup
    COMPANION = "companion"  #: subject: what was made for the pods of its set and is there still
    FRESH = "fresh"  #: its set was there less than an hour ago
    MADE_ANEW = "made-anew"  #: subject: a live set of its name that was made less than an hour ago, and after the claim
    USED_LATELY = "used-lately"  #: a pod used it less than an hour ago, though its live set has no such template
    BROUGHT_BACK = "brought-back"  #: this program made it again less than an hour ago
    SEVERAL_SETS = "several-sets"  #: subject: one of them
    LABELS_DIFFER = "labels-differ"  #: subject: the set whose selector they miss
    LABELS_UNDECIDED = "labels-undecided"  #: subject: a set whose selector has no labels to compare
    NO_LABELS = "no-labels"
    CREATED_BY_OTHER = "created-by-other"  #: subject: the manager
    CREATOR_UNKNOWN = "creator-unknown"
    NOT_READ = "not-read"  #: subject: the list
    UNREADABLE = "unreadable"  #: subject: an object near the claim, or the claim or its volume, that could not be decoded
    SET_CONTROLLED = "set-controlled"  #: subject: who controls the set, and may have its own mind about claims
    # for deletion
    NOT_MOUNTED = "not-mounted"
    NOT_NAMED = "not-named"
    BEYOND_RANGE = "beyond-range"  #: subject: a set, start and replicas: its range
    TEMPLATE_NOT_IN_SET = "template-not-in-set"  #: subject: a set, detail: the template
    NO_SUCH_SET = "no-such-set"  #: subject: a set that might have been, detail: its template
    LABELS_MATCH = "labels-match"
    CREATED_BY_SET_CONTROLLER = "created-by-set-controller"  #: subject: the manager
    SIBLINGS = "siblings"  #: count: how many other ordinals there are with the same labels, ordinals: some of them
    VOLUME_AGREES = "volume-agrees"  #: the volume is bound to exactly this claim
    SERVER_SAYS_UNUSED = "server-says-unused"


_FIRST_FOR = tuple(EvidenceKind).index(EvidenceKind.NOT_MOUNTED)
_FOR = frozenset(tuple(EvidenceKind)[_FIRST_FOR:])
#: A candidate with one of these is fresh.
_LATELY = frozenset((EvidenceKind.FRESH, EvidenceKind.MADE_ANEW, EvidenceKind.USED_LATELY, EvidenceKind.BROUGHT_BACK))


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing that was found. Which fields a kind fills is said beside it in ``EvidenceKind``."""

    kind: EvidenceKind
    subject: str = ""
    detail: str = ""
    #: The first ordinal of a range.
    start: int | None = None
    #: How many pods a range has, or may come to have.
    replicas: int | None = None
    #: How many of them there are.
    count: int | None = None
    ordinals: tuple[int, ...] = ()

    @property
    def speaks_for_deletion(self) -> bool:
        return self.kind in _FOR

    @property
    def lately(self) -> bool:
        """Whether it makes a candidate fresh."""
        return self.kind in _LATELY


class ClaimVerdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One claim, what it is and why. ``claim`` and ``volume`` are the objects that were judged."""

    claim: PersistentVolumeClaim
    klass: Class
    evidence: tuple[Evidence, ...]
    fate: Fate
    #: None: none, or not read.
    volume: PersistentVolume | None = None
    #: What it would be called if everything had been read; set with UNSURE only.
    would_be: Class | None = None
    #: The set and template that explain it; empty where none certainly does.
    set: str = ""
    template: str = ""
    #: The name up to the ordinal, certain whatever the set; empty where the name has no ordinal.
    stem: str = ""
    ordinal: int | None = None
    #: Bytes; None where nothing says.
    size: int | None = None
    #: No pod has used it since then or earlier, as far as the cluster shows; None: it does not show.
    unused_since: datetime | None = None

    @property
    def candidate(self) -> bool:
        return self.klass in CANDIDATES

    @property
    def may_go(self) -> bool:
        """A candidate, or one that would be if everything had been read."""
        return (self.would_be or self.klass) in CANDIDATES

    @property
    def fresh(self) -> bool:
        """Whether something changed so lately that somebody may be about to take it back: ``delete`` takes a word more."""
        return any(item.lately for item in self.evidence)

    @property
    def volume_terminating(self) -> bool:
        """Whether its volume is being deleted: it goes with its claim."""
        return self.volume is not None and self.volume.metadata.deletion_timestamp is not None

    @property
    def namespace(self) -> str:
        return self.claim.namespace

    @property
    def name(self) -> str:
        return self.claim.name

    @property
    def reclaim_policy(self) -> str:
        """The volume's; empty where there is none or it was not read."""
        return self.volume.spec.persistent_volume_reclaim_policy if self.volume else ""

    @property
    def not_read(self) -> tuple[str, ...]:
        return tuple(item.subject for item in self.evidence if item.kind is EvidenceKind.NOT_READ)
