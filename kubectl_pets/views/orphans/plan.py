"""What would be done about claims and volumes, before it is: numbered plans for ``--dry-run``, and the questions that name what
is at stake.

Where data is to be destroyed the word stands in capitals, with the number of volumes and their size beside it: that is what
somebody has to read who only meant to tidy up.
"""

from collections.abc import Iterable, Sequence
from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.changes import (
    AnnotateVolume,
    ClearClaimRef,
    CreateClaim,
    DeleteClaim,
    DestroyVolume,
    SetRetain,
    TakeSnapshot,
)
from kubectl_pets.domain.orphans.deletion import (
    Deletion,
    DeletionOptions,
    DeletionPlan,
    DeletionRefused,
    DeletionRefusedReason,
    Step,
    Totals,
    Unfinished,
    UnfinishedReason,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Fate
from kubectl_pets.domain.orphans.restoring import AwaitBound, AwaitKept, RestorePlan, RestorePolicy, RestoreStep
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.text import sizes
from kubectl_pets.views.text.phrases import count, folded


def draw(plan: DeletionPlan) -> str:
    """The steps claim by claim, then what is left alone and why."""
    lines: list[str] = []
    for number, one in enumerate(plan.deletions, start=1):
        verdict = one.verdict
        lines.append(f"{number:>3}. {claim_words.title(verdict)}  {claim_words.klass(verdict)}, {_size(verdict.size)}")
        lines += [f"     - {step(each)}" for each in one.steps]
        lines.append(f"     => {_fate(one)}")
    if not lines:
        lines.append("nothing would be deleted")
    if plan.refused:
        lines += ["left alone:", *_groups(plan.refused)]
    if plan.deletions:
        lines.append(f"  => deletes {_sum(plan.totals)}")
    return "\n".join(lines)


def unsure(found: Sequence[ClaimVerdict]) -> str:
    """Claims that nobody named and that are left alone, because not everything could be read: no word of them would say that
    there are none."""
    names = folded([claim_words.title(one) for one in found])
    unread = sorted({clean(name) for one in found for name in one.not_read})
    first = found[0].claim.metadata
    why = pasting.pets("orphans explain", first.name, namespace=first.namespace)
    told = f"left alone, because not everything could be read: {names}; not read: {', '.join(unread)}"
    return f"{told}\nhint: all that speaks for and against it: {why}"


def agreed(plan: DeletionPlan, options: DeletionOptions, server: str) -> str:
    """What somebody agrees to before the first deletion, with -y as well; names the server and the namespaces, because those are
    what one gets wrong."""
    found, names = plan.totals, folded([claim_words.title(one.verdict) for one in plan.deletions])
    what = f"{count(found.claims, 'claim')} ({names}) with {claim_words.amount(found.bytes, found.unsized)}"
    first = ", after a snapshot of each," if options.snapshot else ""
    return f"on {clean(server)}{_where(plan)} this deletes{first} {what} {_at_stake(found)}."


def _where(plan: DeletionPlan) -> str:
    spaces = sorted({one.verdict.namespace for one in plan.deletions})
    return f" in namespace {clean(spaces[0])}" if len(spaces) == 1 else f" in {len(spaces)} namespaces ({folded(spaces)})"


def step(found: Step | RestoreStep | DestroyVolume) -> str:
    """A step as an order, as a plan lists them."""
    match found:
        case TakeSnapshot(name=name, snapshot_class=snapshot_class):
            return f"take VolumeSnapshot {clean(name)} (class {clean(snapshot_class)}) and wait until it is ready to use"
        case SetRetain(volume=volume, before=before):
            return f"set volume {clean(volume)} to Retain ({_was(before)})"
        case AnnotateVolume(volume=volume):
            return f"give volume {clean(volume)} back to its provisioner, from which it was withheld"
        case DeleteClaim(namespace=namespace, name=name):
            return f"delete claim {clean(namespace)}/{clean(name)}"
        case CreateClaim(claim=claim):
            return f"make claim {clean(claim.namespace)}/{clean(claim.name)} for volume {clean(claim.spec.volume_name)}"
        case ClearClaimRef(volume=volume):
            return f"clear the old claim's uid from volume {clean(volume)}"
        case AwaitBound(namespace=namespace, name=name, volume=volume):
            return f"wait until {clean(namespace)}/{clean(name)} is bound to volume {clean(volume)}"
        case RestorePolicy(volume=volume, policy=policy):
            return f"set the reclaim policy of volume {clean(volume)} back to {clean(policy)}"
        case AwaitKept(volume=volume):
            return f"watch for a while whether volume {clean(volume)} is destroyed after all: that had been asked for"
        case DestroyVolume(volume=volume):
            return f"DESTROY volume {clean(volume)} with its data"
        case _:
            assert_never(found)


def waiting(snapshot: str, error: str) -> str:
    """``error``: what its controller last met, if anything."""
    return f"waiting for VolumeSnapshot {clean(snapshot)}" + (f": {clean(error)}" if error else "")


def unfinished(found: Unfinished) -> str:
    """What is still open of a deletion, in one line that begins with the claim's name."""
    name, detail = claim_words.title(found.verdict), clean(found.detail)
    volume = clean(found.verdict.claim.spec.volume_name)
    match found.reason:
        case UnfinishedReason.CLAIM_PROTECTED:
            return f"{name} is being deleted, and not gone yet: a pod uses it, or the controller that lets it go is slow"
        case UnfinishedReason.CLAIM_HELD:
            return f"{name} is being deleted, and not gone: {detail} holds it"
        case UnfinishedReason.BEING_DESTROYED:
            return f"{name} is deleted; volume {volume} is being destroyed, and not gone yet"
        case UnfinishedReason.DESTRUCTION_FAILED:
            said = f": {detail}" if detail else ""
            return f"{name} is deleted; volume {volume} could not be destroyed so far, and its driver is asked again{said}"
        case UnfinishedReason.NOT_KEPT:
            return f"{name} is being deleted, and its data is NOT KEPT: volume {volume} is gone, going, or not at Retain"
        case _:
            assert_never(found.reason)


def unfinished_hint(found: Unfinished) -> str:
    """What to type to see how it goes on."""
    claim = found.verdict.claim
    if found.reason in (UnfinishedReason.CLAIM_PROTECTED, UnfinishedReason.CLAIM_HELD):
        return pasting.kubectl("describe", "pvc", claim.name, namespace=claim.namespace)
    return pasting.kubectl("describe", "pv", claim.spec.volume_name)


def ended(done: Sequence[Deletion], left: Sequence[ClaimVerdict], broken: ClaimVerdict | None, *, interrupted: bool) -> str:
    """What was done and what was not, name by name: which is which has to be certain when somebody broke it off."""
    lines = [f"deleted {_names([one.verdict for one in done])}" if done else "no claim was deleted"]
    if interrupted:
        lines[0] = f"interrupted: {lines[0]}"
    if broken is not None:
        lines.append(f"begun, and maybe deleted: {claim_words.title(broken)}; run it again, and it goes on there")
    if left:
        lines.append(f"not touched: {_names(left)}")
    return "\n".join(lines)


def _names(verdicts: Sequence[ClaimVerdict]) -> str:
    return f"{count(len(verdicts), 'claim')}: " + ", ".join(map(claim_words.title, verdicts))


def restore(plan: RestorePlan) -> str:
    """How a claim would come back, and where that ends."""
    lines = [f"{number:>3}. {step(each)}" for number, each in enumerate(plan.steps, start=1)]
    bound = next((each for each in plan.steps if isinstance(each, AwaitBound)), None)
    if bound is not None:
        lines.append(f"  => {clean(bound.namespace)}/{clean(bound.name)} will be back on volume {clean(bound.volume)}")
    return "\n".join(lines)


def after_restore(volume: str, policy_left: str, *, rescued: bool) -> list[str]:
    """What somebody should know of a claim that is back. ``policy_left``: the reclaim policy that was not put back."""
    told = []
    if policy_left:
        told.append(
            f"volume {clean(volume)} stays at Retain, it was {clean(policy_left)}: somebody else deletes the claim or holds the "
            "volume just now; type the same again to put it back"
        )
    if rescued:
        told.append(f"warning: the destruction of volume {clean(volume)} had been asked for; look whether the data is all there")
    return told


def _fate(one: Deletion) -> str:
    volume = clean(one.verdict.claim.spec.volume_name)
    match one.fate:
        case Fate.DESTROYED:
            return f"volume {volume} is DESTROYED with its data"
        case Fate.RETAINED:
            return f"volume {volume} keeps the data"
        case Fate.NO_DATA:
            return "there is no data"
        case Fate.UNKNOWN:
            return "what becomes of the data cannot be said"
        case _:
            assert_never(one.fate)


def _groups(refused: Iterable[DeletionRefused]) -> list[str]:
    """One line for all that are left alone for the same reason."""
    groups: dict[str, list[str]] = {}
    for one in refused:
        detail = f", {claim_words.klass(one.verdict)}" if one.reason is DeletionRefusedReason.NOT_A_CANDIDATE else ""
        why = claim_words.refusal(one.reason, one.detail) + detail
        groups.setdefault(why, []).append(claim_words.title(one.verdict))
    return [_group(why, names) for why, names in groups.items()]


def _group(why: str, names: Sequence[str]) -> str:
    return f"  - {why}: {folded(names)}" + (f" ({len(names)})" if len(names) > 1 else "")


def _sum(found: Totals) -> str:
    return f"{count(found.claims, 'claim')} with {claim_words.amount(found.bytes, found.unsized)} {_at_stake(found)}"


def _at_stake(found: Totals) -> str:
    if found.destroyed:
        size = claim_words.amount(found.destroyed_bytes, found.unsized)
        return f"and DESTROYS {count(found.destroyed, 'volume')} with {size} for good"
    return "and destroys no volume"


def _size(found: int | None) -> str:
    return "size unknown" if found is None else sizes.size(found)


def _was(before: str) -> str:
    return f"it was {clean(before)}" if before else "it had no policy"
