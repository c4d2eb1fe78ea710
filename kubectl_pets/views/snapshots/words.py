"""What a rollout says of the VolumeSnapshots that it takes before its pods go."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.changes import TakeGroupSnapshot, TakeSnapshot
from kubectl_pets.domain.orphans.snapshots import NoSnapshot
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.snapshots.wanted import Unfit
from kubectl_pets.pasting import kubectl, pets
from kubectl_pets.views.orphans.snapshots import refusal
from kubectl_pets.views.rollout import words
from kubectl_pets.views.text import ages, phrases

#: So many are told one by one.
_FEW = 5


UNNOTED = "note: the revision does not say so (patch controllerrevisions.apps is not allowed, or rejected), the snapshots do"


def planned(takes: Sequence[TakeSnapshot | TakeGroupSnapshot]) -> str:
    """Lines for a plan; empty: there is nothing to ask for."""
    if takes and isinstance(takes[0], TakeGroupSnapshot):
        group = takes[0]
        told = f"take VolumeGroupSnapshot {clean(group.name)} (class {clean(group.snapshot_class)})"
        of = f"{phrases.count(len(group.claims), 'claim')} in one moment: {phrases.folded(group.claims)}"
        return f"before a pod goes (one, ready):\n     {told} of {of}"
    lines = [f"     take VolumeSnapshot {clean(each.name)} (class {clean(each.snapshot_class)})" for each in takes]
    return "\n".join([f"before a pod goes ({phrases.count(len(takes), 'VolumeSnapshot')}, all ready):", *lines]) if lines else ""


def unfit(found: Sequence[Unfit], seen: Assessment, *, group: bool = False) -> str:
    """Why there is nothing to go back to, so that no pod goes."""
    first = found[:_FEW]
    told = [f"{clean(each.claim) or words.title(seen)}: {refusal(each.reason, each.detail, group=group)}" for each in first]
    more = f"; and {len(found) - _FEW} more" if len(found) > _FEW else ""
    return "; ".join(told) + more


def unfit_hint(found: Sequence[Unfit], seen: Assessment) -> str:
    """What to type next; empty: the reason says it."""
    first = found[0]
    match first.reason:
        case NoSnapshot.NOT_KEPT | NoSnapshot.OTHER_VOLUME | NoSnapshot.FOREIGN:
            look = _list(seen)
            return f"{look} shows it; once it is deleted, the same command takes another"
        case NoSnapshot.GONE | NoSnapshot.CLAIM_REPLACED:
            return "the same command takes another"
        case NoSnapshot.CLAIM_UNBOUND | NoSnapshot.CLAIM_TERMINATING:
            return kubectl("describe", "pvc", first.claim, namespace=seen.namespace)
        case NoSnapshot.NOT_SELECTED:
            label = kubectl("label", "pvc", first.claim, *first.detail.split(","), namespace=seen.namespace)
            return f"{label} puts them on; or --snapshot takes one of each claim"
        case (
            NoSnapshot.GROUPS_NOT_INSTALLED
            | NoSnapshot.NO_LABELS
            | NoSnapshot.SELECTED_TOO
            | NoSnapshot.SEVERAL_DRIVERS
            | NoSnapshot.NO_GROUPS
        ):
            return "--snapshot takes one of each claim, each of its own moment"
        case NoSnapshot.GOES_ALREADY:
            hold = pets("rollout pause", seen.kind.command_line(seen.name), namespace=seen.namespace)
            return f"{hold} holds the pods that have not gone; then the same command goes on"
        case _:
            return ""


def unready(names: Sequence[str], error: str, of: int, *, group: bool = False) -> str:
    """What was being waited for when it ended."""
    ready = of - len(names)
    told = f"{ready} of {phrases.count(of, _noun(group))} ready, waiting for {phrases.folded(names)}"
    return f"{told}: {clean(error)}" if error else told


def _noun(group: bool) -> str:
    return "VolumeGroupSnapshot" if group else "VolumeSnapshot"


def unready_hint(names: Sequence[str], seen: Assessment, *, group: bool = False) -> str:
    look = kubectl("describe", _noun(group).lower(), names[0], namespace=seen.namespace)
    return f"type the same command again to wait on; {look} says more"


def not_rolled(seen: Assessment, *, touched: bool) -> str:
    """Which pods did not go for want of a snapshot. ``touched``: this run may have taken some down before."""
    left = [member.name for member in seen.members if member.uid and not member.updated]
    if not seen.under_way or len(left) == len(seen.members):
        return "no further pod was touched" if touched else "no pod was touched"
    return f"{phrases.folded(left)} {'was' if len(left) == 1 else 'were'} not touched"


def reused(asked_at: Sequence[datetime], now: datetime, *, group: bool = False) -> str:
    """That an earlier run of this rollout has taken some, and how old they are."""
    old = ages.duration(max(timedelta(0), now - min(asked_at)))
    count = phrases.count(len(asked_at), _noun(group))
    return f"{count} of an earlier run count, the oldest asked for {old} ago: what is written since is not in them"


def kept(count: int, seen: Assessment, *, group: bool = False) -> str:
    """After the end: what there is to go back to."""
    if group:
        told = f"{phrases.count(count, 'VolumeSnapshot')} of one moment before the rollout, as the driver says"
        return f"{told}; {_list(seen)} lists them"
    return f"{phrases.count(count, 'VolumeSnapshot')} of before the rollout; {_list(seen)} lists them"


def standing_still(pods: Sequence[str], name: str) -> str:
    """Pods that the command after the snapshot did not let go."""
    told = f"--after-snapshot did not pass in {phrases.folded(pods)} of {clean(name)}"
    return f"{told}: what --before-snapshot did there may hold on; run it there by hand"


def _list(seen: Assessment) -> str:
    return pets("snapshots", seen.kind.command_line(seen.name), namespace=seen.namespace)


def tidied(names: Sequence[str], contents: Sequence[str]) -> str:
    """Older generations that went. ``contents``: what the storage keeps of them, because their class says Retain."""
    told = f"deleted {phrases.count(len(names), 'older VolumeSnapshot')} ({phrases.folded(names)})"
    if not contents:
        return told
    return f"{told}; their class keeps the contents, which stay until they are deleted: {phrases.folded(contents)}"
