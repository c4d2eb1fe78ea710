"""The way of a set's data back to a revision: the plan claim by claim, what is asked, why it is refused, how it ended."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.replica_owners import ReplicaOwner, Will
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION
from kubectl_pets.domain.snapshots.restoring import ClaimReturn, NoReturn, ReturnPlan, Stand, Unreturnable
from kubectl_pets.domain.snapshots.stalling import Stall, StallReason
from kubectl_pets.pasting import guards, kubectl, pets
from kubectl_pets.views.rollout import words
from kubectl_pets.views.rollout.documents import API_VERSION, dump
from kubectl_pets.views.text import ages, sizes
from kubectl_pets.views.text.phrases import again, command, count, folded

_AGAIN = ("rollout undo", "--with-data")

#: What is told by what is known now, and not by what was typed.
_SAID = ("--to-revision", "--replicas", "--record", "--confirm", "--one-by-one")

#: While the set runs.
ONE_BY_ONE = "--one-by-one"

#: The options that were typed, with their values (empty: a flag): without them a pasted command would mean another revision, or
#: other claims.
Typed = Mapping[str, str]


def draw(found: ReturnPlan, seen: Assessment, now: datetime) -> str:
    """The plan, a line a claim. Nothing is cut: names are to be copied."""
    return "\n".join(_lines(found, seen, now))


def _lines(found: ReturnPlan, seen: Assessment, now: datetime) -> Iterator[str]:
    yield f"{words.title(seen)}: data back to revision {found.number} ({clean(found.revision)})"
    for each in found.claims:
        yield f"  {clean(each.claim)}: {_claim(each, now)}"
    for against in found.refused:
        yield f"  refused: {refusal(against, seen)}"
    if found.claims and not found.refused:
        yield f"  {consistency(found)}"
    if found.note is not None and found.note.running and not found.refused:
        yield "  one pod after the other, the highest ordinal first, each available again before the next"
    if found.left_alone:
        yield f"  left alone: {folded([clean(each) for each in found.left_alone])}, of higher ordinals"
    if found.passed_over:
        yield f"  passed over: {count(len(found.passed_over), 'newer run')} without a usable snapshot of every claim"


def _claim(each: ClaimReturn, now: datetime) -> str:
    cut = f"cut {each.cut_at:%Y-%m-%dT%H:%M:%SZ}" if each.cut_at is not None else "cut at an unknown time"
    taken = f"VolumeSnapshot {clean(each.snapshot)} ({cut}, {ages.age(each.asked_at, now)} old)"
    size = f", {sizes.size(each.size)}" if each.size is not None else ""
    made = f"made anew from {taken}, class {clean(each.storage_class)}{size}"
    if each.of_earlier:
        made += "; the snapshot is of an earlier claim of this name"
    when = "; filled when its pod comes" if each.waits_for_pod else ""
    volume = clean(each.volume.name) if each.volume is not None else ""
    match each.stand:
        case Stand.NEWER:
            return f"volume {volume} is kept with the newer data, the claim {made}{when}"
        case Stand.LEAVING:
            return f"on its way out, volume {volume} is kept; {made}{when}"
        case Stand.GONE:
            return f"gone; {made}{when}"
        case Stand.FILLING:
            return f"made from {taken}, waits for its volume"
        case Stand.DONE:
            return f"done: from {taken}{when}"
        case _:
            assert_never(each.stand)


def consistency(found: ReturnPlan) -> str:
    """How the snapshots fit each other."""
    each = "each is crash-consistent, of its own volume"
    if len(found.claims) == 1:
        return "the snapshot is crash-consistent"
    within = f"cut within {ages.duration(found.apart)} of each other" if found.apart is not None else "not all cuts have a time"
    return f"{within}; {each}"


def refusal(found: Unreturnable, seen: Assessment) -> str:
    """Why the data cannot go back, as a sentence without its end."""
    about, detail = clean(found.claim) or words.title(seen), clean(found.detail)
    return f"{about}: {_reason(found.reason, detail)}"


def _reason(reason: NoReturn, detail: str) -> str:
    if reason is NoReturn.PODS_THERE and not detail:
        return "its controller has not seen its last change"
    if reason is NoReturn.POD_DOWN and not detail:
        return "it has no replicas, and so no pod whose turn it could be"
    told = _OF_SET.get(reason) or _OF_CLAIM.get(reason)
    assert told is not None
    return told.format(detail=detail)


_OF_SET = {
    NoReturn.DELETING: "it is being deleted",
    NoReturn.CLAIMS_GO_WITH_PODS: "its persistentVolumeClaimRetentionPolicy says whenScaled: Delete: claims go with their pods",
    NoReturn.NOT_AT_ZERO: "it has {detail} replicas, and claims are replaced only while it has none",
    NoReturn.PODS_THERE: "pods of it are still there: {detail}",
    NoReturn.POD_DOWN: "it goes one pod after the other, as RollingUpdate does the highest first, and is not available: {detail}",
    NoReturn.STRATEGY: "at what revision its pods come back is not known of the update strategy {detail}",
    NoReturn.TEMPLATE_CHANGED: "its template was changed since this began",
    NoReturn.OTHER_UNDER_WAY: "somebody takes it back to the data of revision {detail} meanwhile",
    NoReturn.PODS_UNREAD: "pods could not be read, so who uses its claims is not known",
    NoReturn.NO_TEMPLATES: "it has no claim templates, so there is no data to go back to",
    NoReturn.NOT_INSTALLED: "the cluster has no VolumeSnapshots (snapshot.storage.k8s.io)",
    NoReturn.NOT_READ: "{detail} could not be read",
    NoReturn.NO_SNAPSHOTS: "no rollout of it took VolumeSnapshots of revision {detail}",
}
_OF_CLAIM = {
    NoReturn.LACKS_SNAPSHOT: "there is no VolumeSnapshot of it among those of the revision",
    NoReturn.NOT_READY: "VolumeSnapshot {detail} is not ready to use",
    NoReturn.LEAVING: "VolumeSnapshot {detail} is being deleted",
    NoReturn.NO_CONTENT: "the VolumeSnapshotContent of {detail} is not there, or is another one's",
    NoReturn.NOT_KEPT: "the content of VolumeSnapshot {detail} has the deletionPolicy Delete: there would be no second try",
    NoReturn.OTHER_VOLUME: "VolumeSnapshot {detail} is of no volume that this claim has or had",
    NoReturn.CLAIM_MISSING: "the claim is not there, and no kept volume remembers it",
    NoReturn.CLAIM_UNBOUND: "it is bound to no volume",
    NoReturn.CLAIM_TERMINATING: "it is being deleted, and its volume is not kept by this program",
    NoReturn.VOLUME_TERMINATING: "its volume is being deleted",
    NoReturn.MOUNTED: "pod {detail} mounts it",
    NoReturn.CLASS_UNFIT: "StorageClass '{detail}' is not there, or is not of the driver that took the snapshot",
    NoReturn.SOURCE_DROPPED: "it was made to be filled from a VolumeSnapshot, and has another source: admission changed it",
}


def hint(found: ReturnPlan, seen: Assessment, typed: Typed) -> str:
    """What to type next; whole commands."""
    first, again = found.refused[0], _again(seen, typed)
    space = seen.namespace
    match first.reason:
        case NoReturn.CLAIMS_GO_WITH_PODS:
            keep = '{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Retain"}}}'
            return f"{kubectl('patch', 'statefulset', seen.name, '-p', keep, namespace=space)}; then the same command again"
        case NoReturn.NOT_AT_ZERO:
            down, up = (command(seen, "scale", "--replicas", number) for number in ("0", first.detail))
            running = _again(seen, {**typed, ONE_BY_ONE: ""})
            return f"{down}; then {again}; then {up}. Or while it runs, one pod after the other: {running}"
        case NoReturn.POD_DOWN | NoReturn.STRATEGY:
            return _at_zero(seen, typed)
        case NoReturn.TEMPLATE_CHANGED | NoReturn.OTHER_UNDER_WAY:
            forget = kubectl("annotate", "statefulset", seen.name, f"{RESTORING_ANNOTATION}-", namespace=space)
            return f"{command(seen, 'rollout history')} shows it; to leave it as it stands: {forget}"
        case NoReturn.PODS_THERE:
            return f"{command(seen, 'status', '-w')} shows when they are gone; then the same command again"
        case NoReturn.PODS_UNREAD:
            return kubectl("auth", "can-i", "list", "pods", namespace=space)
        case NoReturn.NOT_READ:
            return kubectl("auth", "can-i", "list", first.detail, "-A")
        case NoReturn.MOUNTED:
            return f"{kubectl('describe', 'pod', first.detail, namespace=space)}; once it is gone, the same command again"
        case NoReturn.CLAIM_UNBOUND | NoReturn.CLAIM_TERMINATING | NoReturn.VOLUME_TERMINATING | NoReturn.SOURCE_DROPPED:
            return kubectl("describe", "pvc", first.claim, namespace=space)
        case NoReturn.CLASS_UNFIT:
            return kubectl("get", "storageclasses")
        case NoReturn.LACKS_SNAPSHOT if found.claims and ONE_BY_ONE in typed:  # where each pod of the set has its turn
            fewer = command(seen, "scale", "--replicas", str(found.replicas))
            return f"{_list(seen)} lists them; where the set had {count(found.replicas, 'pod')}: {fewer}; then {again}"
        case NoReturn.LACKS_SNAPSHOT if found.claims:
            had = _again(seen, {**typed, "--replicas": str(found.replicas)})
            pods = count(found.replicas, "pod")
            return f"{_list(seen)} lists them; where the set had {pods}: {had} leaves the claims of others alone"
        case NoReturn.NO_TEMPLATES:
            return command(seen, "rollout undo")
        case NoReturn.DELETING:
            return kubectl("describe", "statefulset", seen.name, namespace=space)
        case _:
            revision = {flag: value for flag, value in typed.items() if flag == "--to-revision"}
            without = command(seen, "rollout undo", *_words(revision))
            return f"{_list(seen)} lists what there is; without the data: {without}"


def _at_zero(seen: Assessment, typed: Typed) -> str:
    """The other way, which needs no pod that is well."""
    again = _again(seen, {flag: value for flag, value in typed.items() if flag != ONE_BY_ONE})
    if not seen.replicas:
        return again
    down, up = (command(seen, "scale", "--replicas", number) for number in ("0", str(seen.replicas)))
    return f"{down}; then {again}; then {up}"


def _again(seen: Assessment, typed: Typed, *more: str) -> str:
    guarded = guards()
    alone = () if ONE_BY_ONE in typed else ("--soak", *guarded)
    words = (*_AGAIN, *_words(typed), *(() if alone else guarded), *more)
    return again(seen, *words, without=(*_SAID, *alone))


def _words(typed: Typed) -> tuple[str, ...]:
    return tuple(word for pair in typed.items() for word in pair if word)


def _list(seen: Assessment) -> str:
    return pets("snapshots", seen.kind.command_line(seen.name), namespace=seen.namespace)


def question(found: ReturnPlan, seen: Assessment, server: str) -> str:
    """What somebody has to type the set's name for."""
    return f"{agreed(found, seen, server)} Type the name of the set to go on:"


def agreed(found: ReturnPlan, seen: Assessment, server: str) -> str:
    left = [each for each in found.claims if each.stand is not Stand.DONE]
    what = f"{count(len(left), 'claim')} of {words.title(seen)} on {clean(server)}"
    since = min((each.cut_at or each.asked_at for each in found.claims), default=None)
    when = f"what was written since {since:%Y-%m-%dT%H:%M:%SZ}" if since is not None else "what was written since"
    return (
        f"This takes {what} back to the data of revision {found.number}: {when} is in no claim afterwards, "
        "only in volumes that are kept."
    )


def not_confirmed(seen: Assessment, typed: Typed) -> str:
    """What stands in for a terminal."""
    return f"this takes the set's name, and -y is not enough: {_again(seen, typed, '--confirm', seen.name)}"


def other_confirmed(typed: str, seen: Assessment) -> str:
    return f"--confirm says '{clean(typed)}', and the set is called {clean(seen.name)}"


def other_under_way(revision: str, seen: Assessment) -> str:
    way = f"is being taken back to the data of revision {clean(revision)}"
    return f"{words.title(seen)} {way} already, not to that of the one asked for"


def already(found: ReturnPlan, seen: Assessment) -> str:
    return f"{_back(found, seen)} already; nothing was changed"


def reached(found: ReturnPlan, seen: Assessment) -> str:
    return f"{_back(found, seen)}: {count(len(found.claims), 'claim')} made anew"


def _back(found: ReturnPlan, seen: Assessment) -> str:
    """Nothing is in a claim yet that waits for its pod."""
    if any(each.waits_for_pod and each.volume is None for each in found.claims):
        return f"{words.title(seen)} has claims that are filled with the data of revision {found.number} when their pods come"
    return f"{words.title(seen)} is back at the data of revision {found.number}"


def afterwards(found: ReturnPlan, seen: Assessment, record: Path | None, owners: Iterable[ReplicaOwner] = ()) -> str:
    """What to type once it is through. ``owners``: who else sets the number of replicas, and what they do about the one
    that there is data for."""
    running = found.note is not None and found.note.running
    up = f"{_unbound(owners, found, seen)}start it with: {command(seen, 'scale', '--replicas', str(found.replicas))}"
    if record is None:
        return command(seen, "status") if running else up
    back = pets("orphans restore", str(record))
    if running:
        down = command(seen, "scale", "--replicas", "0")
        kept = "the volumes with the newer data are kept"
        return f"{kept}; at 0 replicas ({down}), once the claims made now are deleted, {back} brings them back"
    return f"{up}. The volumes with the newer data are kept; once the claims made now are deleted, {back} brings them back"


def _unbound(owners: Iterable[ReplicaOwner], found: ReturnPlan, seen: Assessment) -> str:
    """What comes before the number that is to be set, for one that would put it back at once: a scale to it is refused, and with
    more replicas there would be pods that no data was made anew for."""
    against = next((one for one in owners if one.will is Will.PUTS_BACK), None)
    if against is None:
        return ""
    edit = kubectl("edit", against.kind.value.lower(), against.name, namespace=seen.namespace)
    bounds = f"{against.kind.value} {clean(against.name)} ({against.minimum} to {against.maximum})"
    return f"{bounds} puts {found.replicas} back to {against.back_to}, so have it allow {found.replicas} with: {edit}; then "


def stopped(found: ReturnPlan, seen: Assessment) -> str:
    """Where it stands when it did not come to its end."""
    gone = [clean(each.claim) for each in found.claims if each.stand is Stand.GONE]
    done = sum(each.stand is Stand.DONE for each in found.claims)
    running = found.note is not None and found.note.running
    then = "its pod stays away until then" if running else "scale nothing up"
    missing = f"; {folded(gone)} {'is' if len(gone) == 1 else 'are'} gone and not made anew yet: {then}" if gone else ""
    return f"{done} of {count(len(found.claims), 'claim')} of {words.title(seen)} are back{missing}"


def waited_out(found: Stall) -> str:
    """What is waited for, and for how long yet."""
    return f"{_stall(found)}; there is patience with it until {found.stuck_at:%H:%M:%SZ}"


def stalled(found: Stall, now: datetime) -> str:
    """The same once there is none any more."""
    return f"{_stall(found)}, for {ages.duration(now - found.since)}"


def _stall(found: Stall) -> str:
    claim, told = clean(found.claim), clean(found.message)
    match found.reason:
        case StallReason.NOT_FILLED:
            return f"claim {claim} gets no volume made of VolumeSnapshot {clean(found.snapshot)} ({told})"
        case StallReason.NOT_BEGUN:
            return f"nobody has begun to make a volume of VolumeSnapshot {clean(found.snapshot)} for claim {claim}"
        case StallReason.HELD:
            return f"claim {claim} does not go, because {told} holds it"
        case StallReason.NO_ROOM:
            return f"claim {claim} is not taken ({told})"
        case _:
            assert_never(found.reason)


def after_stall(found: Stall, seen: Assessment, typed: Typed) -> str:
    """What to look at, and then to type."""
    of_quota = found.reason is StallReason.NO_ROOM
    look = ("describe", "resourcequotas") if of_quota else ("describe", "pvc", found.claim)
    return f"{kubectl(*look, namespace=seen.namespace)} says more. Once that is mended, {goes_on(seen, typed)}"


def refused_half_way(found: ReturnPlan, seen: Assessment) -> str:
    told = "; ".join(refusal(each, seen) for each in found.refused)
    return f"stopped half-way, nothing is lost: {told}"


def goes_on(seen: Assessment, typed: Typed) -> str:
    return f"this goes on from there: {_again(seen, typed, '--confirm', seen.name)}"


def document(found: ReturnPlan, seen: Assessment, output: str) -> str:
    """The plan for programs."""
    content: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "DataReturn",
        "namespace": seen.namespace,
        "name": seen.name,
        "revision": {"name": found.revision, "number": found.number},
        "run": found.run or None,
        "done": found.done,
        "secondsApart": found.apart.total_seconds() if found.apart is not None else None,
        "claims": [_claim_document(each) for each in found.claims],
        "refused": [
            {
                "reason": each.reason.value,
                "claim": each.claim or None,
                "detail": each.detail or None,
                "message": refusal(each, seen),
            }
            for each in found.refused
        ],
        "leftAlone": list(found.left_alone),
    }
    return dump(content, output)


def _claim_document(each: ClaimReturn) -> dict[str, Any]:
    cut = each.cut_at
    return {
        "claim": each.claim,
        "ordinal": each.ordinal,
        "stand": each.stand.value,
        "snapshot": each.snapshot,
        "cutAt": cut.isoformat() if cut is not None else None,
        "askedAt": each.asked_at.isoformat(),
        "size": each.size,
        "storageClass": each.storage_class,
        "waitsForPod": each.waits_for_pod,
        "ofEarlierClaim": each.of_earlier,
        "volume": each.volume.name if each.volume is not None else None,
    }
