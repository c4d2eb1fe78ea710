"""The words for claims: what each one is called, what speaks for and against its deletion, and why something was refused.

One sentence for each kind of evidence, the same in the table's last column and in the tree that explains a claim. All matches are
exhaustive: a new class, reason or kind of evidence without words does not pass mypy.
"""

from collections.abc import Iterable
from functools import cache
from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.deletion import DeletionRefused, DeletionRefusedReason
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class, Evidence, EvidenceKind, Fate
from kubectl_pets.domain.orphans.restoring import RestoreRefused, RestoreRefusedReason
from kubectl_pets.domain.orphans.snapshots import NoSnapshot
from kubectl_pets.domain.orphans.storage import StorageObjection
from kubectl_pets.views.orphans import snapshots as snapshot_words
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.ink import Ink
from kubectl_pets.views.text.sizes import size

#: So many readings of a name are told in one line.
_MANY = 3


def title(verdict: ClaimVerdict) -> str:
    return f"{clean(verdict.namespace)}/{clean(verdict.name)}"


def in_order(verdicts: Iterable[ClaimVerdict]) -> list[ClaimVerdict]:
    """As people count: ordinal 2 before ordinal 10."""
    return sorted(verdicts, key=lambda one: (one.namespace, one.stem or one.name, one.ordinal or 0, one.name))


def amount(count: int, unsized: int) -> str:
    """A sum of sizes of which some may be unknown."""
    if not unsized:
        return size(count)
    return f"at least {size(count)}" if count else "unknown size"


def klass(verdict: ClaimVerdict) -> str:
    """The class of a claim in words; with the one it would have, if everything had been read; and whether its set was there a
    moment ago."""
    if verdict.would_be:
        return f"{verdict.klass} ({verdict.would_be}?)"
    return f"{verdict.klass} (fresh)" if verdict.fresh else verdict.klass.value


def klass_ink(verdict: ClaimVerdict) -> Ink:
    match verdict.klass:
        case Class.IN_USE | Class.IN_RANGE | Class.WILL_RETURN | Class.USED_BY_TEMPLATE | Class.OWNED | Class.KEPT:
            return Ink.GOOD
        case Class.TERMINATING | Class.AMBIGUOUS | Class.UNSURE:
            return Ink.BUSY
        case Class.LOST:
            return Ink.BAD
        case Class.SCALED_DOWN | Class.TEMPLATE_GONE | Class.SET_GONE:
            return Ink.BOLD
        case _:
            assert_never(verdict.klass)


def reclaim(verdict: ClaimVerdict) -> str:
    """The volume's reclaim policy, and what it does to the data."""
    policy = clean(verdict.reclaim_policy)
    match verdict.fate:
        case Fate.DESTROYED if verdict.volume_terminating:
            return "Terminating: data destroyed"
        case Fate.DESTROYED:
            return f"{policy}: data destroyed"
        case Fate.RETAINED:
            return f"{policy}: data kept"
        case Fate.NO_DATA:
            return "no data"
        case Fate.UNKNOWN:
            return f"{policy}: unknown" if policy else "unknown"
        case _:
            assert_never(verdict.fate)


def reason(verdict: ClaimVerdict) -> str:
    """Why it has its class: the first evidence that decides it, and how much more there is of that."""
    told = _told(verdict)
    return _wishes(verdict) + told if verdict.candidate else told


def _told(verdict: ClaimVerdict) -> str:
    kinds = _deciding(verdict.klass)
    found = [item for item in verdict.evidence if item.kind in kinds]
    if not found:
        return ""
    first = found[0]
    same = [item for item in found if item.kind is first.kind]
    if first.kind is EvidenceKind.NOT_READ:
        return "not read: " + ", ".join(clean(item.subject) for item in same)
    if first.kind is EvidenceKind.SEVERAL_SETS:
        return "may be of " + " or of ".join(clean(item.subject) for item in same)
    if first.kind is EvidenceKind.NO_SUCH_SET:
        others = [f", nor {clean(item.subject)} with {clean(item.detail)}" for item in same[1:_MANY]]
        return evidence(first) + "".join(others)
    more = len(found) - 1
    return evidence(first) + (f" (and {more} more)" if more else "")


def _wishes(verdict: ClaimVerdict) -> str:
    """What speaks against the deletion of a candidate although it does not decide, before all else: what its makers say, and that
    its data cannot be kept."""
    said = (clean(item.detail) for item in verdict.evidence if item.kind is EvidenceKind.KEEP_POLICY)
    going = (evidence(item) for item in verdict.evidence if item.kind is EvidenceKind.VOLUME_TERMINATING)
    beside = [clean(item.subject) for item in verdict.evidence if item.kind is EvidenceKind.COMPANION]
    still = [f"{', '.join(beside[:_MANY])} still there"] if beside else []
    return "".join(f"{told}; " for told in (*said, *going, *still))


@cache
def _deciding(found: Class) -> frozenset[EvidenceKind]:
    """The kinds of evidence that say most about a claim of that class."""
    kind = EvidenceKind
    match found:
        case Class.IN_USE:
            return frozenset((kind.MOUNTED, kind.SERVER_SAYS_USED))
        case Class.IN_RANGE:
            return frozenset((kind.LIVE_RANGE,))
        case Class.WILL_RETURN:
            scalers = (kind.AUTOSCALER, kind.OWNER_AUTOSCALED, kind.MAKER_AUTOSCALED, kind.REMEMBERED_REPLICAS, kind.SURGE)
            return frozenset((kind.SET_AT_ZERO, kind.RESERVED, kind.RESERVATION_UNREADABLE, kind.BELOW_START, *scalers))
        case Class.USED_BY_TEMPLATE:
            return frozenset((kind.NAMED_BY_TEMPLATE, kind.NAMED_BY_RESOURCE, kind.EPHEMERAL_OF, kind.CLONE_SOURCE))
        case Class.OWNED:
            return frozenset((kind.OWNED_FOR_RETENTION, kind.OWNED_BY, kind.OWNER_STALE))
        case Class.TERMINATING:
            return frozenset((kind.TERMINATING,))
        case Class.KEPT:
            return frozenset((kind.KEPT,))
        case Class.LOST:
            return frozenset((kind.LOST, kind.VOLUME_MISSING, kind.VOLUME_OF_ANOTHER))
        case Class.AMBIGUOUS:
            labels = (kind.LABELS_DIFFER, kind.LABELS_UNDECIDED, kind.NO_LABELS)
            makers = (kind.CREATED_BY_OTHER, kind.CREATOR_UNKNOWN, kind.RESTORED, kind.TRACKED)
            waited = (kind.SET_RETURNING, kind.AUTOSCALER_WAITS, kind.RECREATING)
            again = (*waited, kind.LISTED, kind.OWNER_LIVES, kind.SIBLING_OWNED)
            other = (kind.NO_ORDINAL, kind.SEVERAL_SETS, kind.RESIZING, kind.GUARDED, kind.POSSIBLY_EPHEMERAL)
            return frozenset((*other, *makers, *labels, *again))
        case Class.UNSURE:
            return frozenset((kind.NOT_READ, kind.UNREADABLE))
        case Class.SCALED_DOWN:
            return frozenset((kind.BEYOND_RANGE,))
        case Class.TEMPLATE_GONE:
            return frozenset((kind.TEMPLATE_NOT_IN_SET,))
        case Class.SET_GONE:
            return frozenset((kind.NO_SUCH_SET,))
        case _:
            assert_never(found)


def evidence(item: Evidence) -> str:
    """One piece of evidence as a clause."""
    subject, detail = clean(item.subject), clean(item.detail)
    match item.kind:
        case EvidenceKind.MOUNTED:
            return f"{subject} mounts it" + (f" ({detail})" if detail else "")
        case EvidenceKind.SERVER_SAYS_USED:
            return "the server says that a pod uses it (condition Unused is False)"
        case EvidenceKind.LIVE_RANGE:
            return f"in the range of {subject}, {_range(item)}"
        case EvidenceKind.SET_AT_ZERO:
            return f"{subject} has 0 replicas and wants it back when it is scaled up"
        case EvidenceKind.AUTOSCALER:
            return f"{detail} may scale {subject}" + (f" to {_replicas(item)}" if item.replicas is not None else "")
        case EvidenceKind.OWNER_AUTOSCALED:
            return f"{detail} scales what {subject} may be controlled by"
        case EvidenceKind.MAKER_AUTOSCALED:
            return f"{detail} scales {subject}, whose sets may come and go with its size"
        case EvidenceKind.SURGE:
            return f"{subject} has up to {phrases.count(item.replicas or 0, 'group')} while a rollout is under way"
        case EvidenceKind.REMEMBERED_REPLICAS:
            return f"{subject} may come back to {_replicas(item)} (annotation {detail})"
        case EvidenceKind.RESERVED:
            return f"{subject} leaves ordinal {_ordinals(item)} out for now"
        case EvidenceKind.RESERVATION_UNREADABLE:
            return f"which ordinals {subject} leaves out makes no sense"
        case EvidenceKind.BELOW_START:
            return f"before the range of {subject}, {_range(item)}; that part may have moved elsewhere"
        case EvidenceKind.NAMED_BY_TEMPLATE:
            return f"{subject} names it in its template"
        case EvidenceKind.NAMED_BY_RESOURCE:
            return f"{subject} has its name"
        case EvidenceKind.EPHEMERAL_OF:
            return f"{subject} makes pods whose ephemeral volumes have such names"
        case EvidenceKind.CLONE_SOURCE:
            return f"{subject} is being filled from it"
        case EvidenceKind.OWNED_FOR_RETENTION:
            return f"{subject} owns it and takes it along when it goes"
        case EvidenceKind.OWNED_BY:
            return f"{subject} owns it" + (f" ({detail})" if detail else "")
        case EvidenceKind.OWNER_STALE:
            return f"its owner was an earlier {subject}; the garbage collector will see to it"
        case EvidenceKind.TERMINATING:
            return "it is being deleted" + (f", and {detail} holds it" if detail else "")
        case EvidenceKind.KEPT:
            return "somebody keeps it" + (f": {detail}" if detail else "")
        case EvidenceKind.LOST:
            return "its phase is Lost"
        case EvidenceKind.VOLUME_MISSING:
            return f"its volume {subject} does not exist"
        case EvidenceKind.VOLUME_OF_ANOTHER:
            return f"its volume {subject} is " + (f"held for {detail}, and not for it" if detail else "held for no claim")
        case EvidenceKind.NO_ORDINAL:
            return "no StatefulSet makes claims of such a name"
        case EvidenceKind.SET_RETURNING:
            return f"{subject} is left of StatefulSet {detail}, which may be being made again"
        case EvidenceKind.AUTOSCALER_WAITS:
            return f"{subject} scales StatefulSet {detail}, which is gone and may be being made again"
        case EvidenceKind.LISTED:
            return f"{subject} has {detail} on its list of what it applies, and may make it again"
        case EvidenceKind.RECREATING:
            return "its set is being made again" + (f": {detail}" if detail else "")
        case EvidenceKind.OWNER_LIVES:
            return f"{subject} lives and may make its set again ({detail})"
        case EvidenceKind.SIBLING_OWNED:
            return f"{subject} owns another claim of the same set"
        case EvidenceKind.TRACKED:
            return f"{subject} applied it and may again ({detail})"
        case EvidenceKind.VOLUME_TERMINATING:
            return f"its volume {subject} is being deleted and goes with it"
        case EvidenceKind.KEEP_POLICY:
            return f"whoever deployed it wants it kept ({detail})"
        case EvidenceKind.RESIZING:
            return f"it is being resized ({detail})"
        case EvidenceKind.GUARDED:
            return f"its volume is replicated, maybe to where its set runs now (finalizer {detail})"
        case EvidenceKind.POSSIBLY_EPHEMERAL:
            return f"it may be of the ephemeral volume {detail} of {subject}"
        case EvidenceKind.RESTORED:
            return f"restored from a backup by {subject}" if subject else "from a backup: it has fields older than itself"
        case EvidenceKind.COMPANION:
            return f"{subject} is there still, so its set may only be away to be made again"
        case EvidenceKind.FRESH:
            return "its set was there less than an hour ago, and may only be away to be made again"
        case EvidenceKind.MADE_ANEW:
            return f"{subject} was made less than an hour ago, after the claim: the one before may have used it, and come back"
        case EvidenceKind.USED_LATELY:
            return "a pod used it less than an hour ago"
        case EvidenceKind.BROUGHT_BACK:
            return "somebody brought it back less than an hour ago"
        case EvidenceKind.SEVERAL_SETS:
            return f"may be of {subject}, and not only of that"
        case EvidenceKind.LABELS_DIFFER:
            return f"it lacks the labels that {subject} puts on its claims"
        case EvidenceKind.LABELS_UNDECIDED:
            return f"{subject} selects by expressions, so there are no labels to compare"
        case EvidenceKind.NO_LABELS:
            return "it has no labels at all"
        case EvidenceKind.CREATED_BY_OTHER:
            return f"made or changed by {subject}, which is no StatefulSet controller"
        case EvidenceKind.CREATOR_UNKNOWN:
            return "who made it is not on record"
        case EvidenceKind.NOT_READ:
            return f"{subject} could not be read"
        case EvidenceKind.UNREADABLE:
            return f"{subject} could not be decoded, so what it wants is unknown"
        case EvidenceKind.SET_CONTROLLED:
            return f"its set is controlled by {subject}, which may have plans of its own for it"
        case EvidenceKind.NOT_MOUNTED:
            return "no pod mounts it"
        case EvidenceKind.NOT_NAMED:
            return "no workload names it in its template"
        case EvidenceKind.BEYOND_RANGE:
            return f"beyond the range of {subject}, {_range(item)}"
        case EvidenceKind.TEMPLATE_NOT_IN_SET:
            return f"{subject} has no template {detail} any more"
        case EvidenceKind.NO_SUCH_SET:
            return f"there is no StatefulSet {subject} with a template {detail}"
        case EvidenceKind.LABELS_MATCH:
            return f"it carries the labels that {subject} puts on its claims"
        case EvidenceKind.CREATED_BY_SET_CONTROLLER:
            return f"made by a StatefulSet controller ({subject})"
        case EvidenceKind.SIBLINGS:
            more = ", ..." if (item.count or 0) > len(item.ordinals) else ""
            return f"claims like it with other ordinals: {item.count} ({_ordinals(item)}{more})"
        case EvidenceKind.VOLUME_AGREES:
            return f"its volume {subject} is bound to it"
        case EvidenceKind.SERVER_SAYS_UNUSED:
            return "the server says that no pod uses it (condition Unused is True)"
        case _:
            assert_never(item.kind)


def refused(found: DeletionRefused) -> str:
    """Why a claim is not deleted, in one line that begins with its name."""
    told = f"{title(found.verdict)}: {refusal(found.reason, found.detail)}"
    if found.reason in (DeletionRefusedReason.NOT_A_CANDIDATE, DeletionRefusedReason.IN_USE, DeletionRefusedReason.CHANGED):
        why = reason(found.verdict)
        told += f": {klass(found.verdict)}" + (f", {why}" if why else "")
    if found.reason is DeletionRefusedReason.FRESH:
        told += f" ({', '.join(evidence(item) for item in found.verdict.evidence if item.lately)})"
    if found.left_retained:
        told += f"; its volume {clean(found.left_retained)} stays at Retain, and its record stays"
    return told


def refusal(why: DeletionRefusedReason | NoSnapshot | StorageObjection, about: str = "") -> str:
    """``about``: what a snapshot that there is not fails for, or who is at the storage."""
    match why:
        case NoSnapshot():
            return snapshot_words.refusal(why, about)
        case StorageObjection():
            return storage_objection(why, about)
        case DeletionRefusedReason.NOT_SELECTED:
            return "left out by --class, --older-than or -l"
        case DeletionRefusedReason.NOT_A_CANDIDATE:
            return "not a candidate"
        case DeletionRefusedReason.IN_USE:
            return "in use by now"
        case DeletionRefusedReason.CHANGED:
            return "not what it was when the plan was made"
        case DeletionRefusedReason.FRESH:
            return "what may be taken back was done less than an hour ago; --fresh deletes it all the same"
        case DeletionRefusedReason.GONE:
            return "deleted by somebody else"
        case DeletionRefusedReason.REPLACED:
            return "deleted and made anew under its name"
        case DeletionRefusedReason.FATE_CHANGED:
            return "its volume or the volume's reclaim policy is not the one that was agreed to"
        case DeletionRefusedReason.FATE_UNKNOWN:
            return "what would become of its data cannot be said"
        case DeletionRefusedReason.VOLUME_TERMINATING:
            return "its volume is being deleted and goes with it, so its data would not be kept"
        case DeletionRefusedReason.RETAIN_UNDONE:
            return "its volume does not stay at Retain: somebody, or an admission policy, sets the reclaim policy back"
        case DeletionRefusedReason.KEPT_BACK:
            return "among the newest ordinals that --keep holds back"
        case DeletionRefusedReason.OVER_LIMIT:
            return "over the --limit of this run"
        case _:
            assert_never(why)


def storage_objection(why: StorageObjection, about: str) -> str:
    """Why a volume's data is not destroyed. ``about`` is text from the cluster."""
    subject = clean(about)
    match why:
        case StorageObjection.SHARED:
            return f"its storage is that of PersistentVolume {subject} as well, which would lose its data"
        case StorageObjection.UNKNOWN_SOURCE:
            return f"what storage volume {subject} is on is not known here, so that nobody else has it cannot be said"
        case StorageObjection.ATTACHED:
            return f"its volume is still attached to node {subject}"
        case StorageObjection.SNAPSHOT_UNDER_WAY:
            return f"VolumeSnapshot {subject} is being taken of it"
        case StorageObjection.CLONE_UNDER_WAY:
            return f"claim {subject} is being filled from it"
        case StorageObjection.NOT_READ:
            check = pasting.kubectl("auth", "can-i", "list", about, "-A")
            return f"whether somebody else has its storage could not be read; check with: {check}"
        case _:
            assert_never(why)


def of_another_server(source: str, server: str, here: str) -> str:
    """What to know of a record before it is said that its volumes are not there."""
    return f"warning: {clean(source)} was written for the server {clean(server)}, and this is {clean(here)}"


def restore_refused(found: RestoreRefused, asked: str = "", snapshot: str = "") -> str:
    """Why a claim cannot come back, and what to do next. ``asked``: the record or volume as it was typed; ``snapshot``: the one
    that was taken before the claim was deleted."""
    subject, what = clean(found.subject), clean(asked) or "it"
    look = f"see it with: {pasting.kubectl('describe', 'pv', found.subject)}"
    match found.reason:
        case RestoreRefusedReason.VOLUME_GONE:
            if snapshot:
                return f"volume {subject} does not exist any more; make a new claim from VolumeSnapshot {clean(snapshot)}"
            copies = pasting.kubectl("get", "volumesnapshots", "-A")
            return f"volume {subject} does not exist any more; look for a copy with: {copies}"
        case RestoreRefusedReason.VOLUME_REPLACED:
            return f"volume {subject} is another one than the claim had; {look}"
        case RestoreRefusedReason.VOLUME_TERMINATING:
            return f"volume {subject} is being deleted; {look}"
        case RestoreRefusedReason.VOLUME_TAKEN:
            return f"volume {subject} is not held for this claim any more, so it may be somebody else's; {look}"
        case RestoreRefusedReason.VOLUME_NOT_RELEASED:
            return f"volume {subject} is not released, by its old claim or by a failed reclamation; {look}"
        case RestoreRefusedReason.CLAIM_TERMINATING:
            held = f"{subject} holds it" if subject else "it is not gone yet"
            return f"the old claim is being deleted, and {held}; once it is gone, type the same command again"
        case RestoreRefusedReason.RECORD_INVALID:
            return f"{what} is no record that this program wrote: {subject} cannot be"
        case RestoreRefusedReason.NAME_TAKEN:
            namespace, _, name = found.subject.rpartition("/")
            look = f"see what uses it with: {pasting.kubectl('describe', 'pvc', name, namespace=namespace)}"
            return f"a new claim took the name {subject}; {look}; once it is gone, type the same command again"
        case RestoreRefusedReason.CLAIMS_UNREADABLE:
            return "claims could not be read; check with: " + pasting.kubectl("auth", "can-i", "list", "persistentvolumeclaims")
        case RestoreRefusedReason.CLAIM_UNKNOWN:
            return f"nothing tells which claim {what} was; name its record: {pasting.pets('orphans restore', 'RECORD')}"
        case RestoreRefusedReason.NOTHING_TO_DO:
            return f"nothing to do, {what} is back already"
        case _:
            assert_never(found.reason)


def _range(item: Evidence) -> str:
    return f"{_replicas(item)} from ordinal {item.start}"


def _replicas(item: Evidence) -> str:
    return phrases.count(item.replicas or 0, "replica")


def _ordinals(item: Evidence) -> str:
    return ", ".join(map(str, item.ordinals))
