"""The words of a resize: how far its attributes are, why it is refused, what could not be read."""

from typing import assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.claims.growth import Modification
from kubectl_pets.domain.resize.types import ClaimPlan, ResizePlan, ResizeRefused, ResizeRefusedReason, ResizeSkip, Skipped
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.sizes import size


def modification(found: Modification, name: str) -> str:
    """How far the VolumeAttributesClass is."""
    match found:
        case Modification.DONE:
            return f"attributes class {clean(name)}, as asked for"
        case Modification.NOT_ASKED:
            return f"attributes class {clean(name)} then"
        case Modification.WORKING:
            return f"attributes class {clean(name)} under way"
        case Modification.PENDING:
            return f"attributes class {clean(name)} asked for, and the driver's controller does not know of it"
        case Modification.INFEASIBLE:
            return f"attributes class {clean(name)} is refused by the driver"
        case _:
            assert_never(found)


def refusal(found: ResizeRefused, plan: ResizePlan) -> str:
    """Why, as a sentence, and the next step where there is one."""
    names, subject, has = phrases.folded(found.claims), clean(found.subject), size(found.limit)
    one = len(found.claims) == 1
    match found.reason:
        case ResizeRefusedReason.DELETING:
            return "the set is being deleted: wait until it is gone, and resize the one that comes after it."
        case ResizeRefusedReason.NOT_OBSERVED:
            return "its controller has not seen the newest spec: try again in a moment."
        case ResizeRefusedReason.LEADER_WORKER_SET:
            return f"it is a part of LeaderWorkerSet {subject}, whose controller makes its sets anew: change that."
        case ResizeRefusedReason.OPERATOR:
            what = f"{names} {'is' if one else 'are'}" if found.claims else "the set is"
            paused = "tell its operator to leave it alone and say --operator-paused"
            return f"{what} controlled by {subject}: change the size there, or {paused}."
        case ResizeRefusedReason.UNDER_WAY:
            return "a rollout is under way: bring it to its end, or abort it, first."
        case ResizeRefusedReason.PODS_UNREADABLE:
            return "its pods may not be read, so nobody knows whether it is at rest: list on pods is needed."
        case ResizeRefusedReason.CLAIMS_UNREADABLE:
            return "its claims may not be listed: list on persistentvolumeclaims is needed."
        case ResizeRefusedReason.NO_TEMPLATES:
            return "it has no claim templates: a claim that its pods name themselves grows by a patch of that claim."
        case ResizeRefusedReason.WHICH_TEMPLATE:
            return f"which claim template is meant? There are {subject}: say TEMPLATE=SIZE."
        case ResizeRefusedReason.UNKNOWN_TEMPLATE:
            return f"it has no claim template {clean(plan.request.template)}; there is {subject}."
        case ResizeRefusedReason.NO_SUCH_POD:
            return f"it has no claim of ordinal {subject}: --plan without --pod shows those that there are."
        case ResizeRefusedReason.SHRINKS:
            return f"{names} {'has' if one else 'have'} up to {has}: a volume never gets smaller, so ask for more than that."
        case ResizeRefusedReason.TAKES_BACK:
            back = f"an expansion that failed is not taken back, only made smaller (more than {has})"
            return f"{names} {'has' if one else 'have'} {has} and asked for more: {back}."
        case ResizeRefusedReason.CLASS_FIXED:
            fixed = f"StorageClass {subject} of {names} does not say allowVolumeExpansion: true"
            return f"{fixed}: where its driver can, say so in the class first."
        case ResizeRefusedReason.CLASS_GONE:
            none = f"{names} {'has' if one else 'have'} no StorageClass"
            told = f"StorageClass {subject} of {names} is not there" if subject else none
            return f"{told}, and only what a class provisioned can grow."
        case ResizeRefusedReason.TERMINATING:
            return f"{names} {'is' if one else 'are'} being deleted, and gone with the pods: bring the data to safety first."
        case ResizeRefusedReason.UNBOUND:
            bound = "events of the claim say why; try again once that is so"
            return f"{names} {'is' if one else 'are'} not bound to a volume: {bound}."
        case ResizeRefusedReason.AMBIGUOUS:
            grow = "patch the claims themselves once you know"
            return f"{subject} makes claims of the same names: whose {names} {'is' if one else 'are'} cannot be told; {grow}."
        case ResizeRefusedReason.QUOTA:
            tight = f"ResourceQuota {subject} leaves {has}, which is not enough for all of them"
            return f"{tight}: have it raised, ask for less, or take a part with --canary N."
        case ResizeRefusedReason.ATTRIBUTES_CLASS_UNKNOWN:
            silent = "the API server would take it all the same, and nothing would happen"
            return f"there is no VolumeAttributesClass {subject}; {silent}: take one that there is."
        case ResizeRefusedReason.ATTRIBUTES_CLASS_FOREIGN:
            name = clean(plan.request.attributes_class)
            return f"VolumeAttributesClass {name} is one of {subject}, which is not the driver of {names}: take one of theirs."
        case _:
            assert_never(found.reason)


def skip(found: ResizeSkip) -> str:
    """What the plan does not say."""
    match found.what:
        case Skipped.VOLUMES:
            return "volumes may not be read, so nothing is said of their reclaim policies"
        case Skipped.STORAGE_CLASSES:
            return "StorageClasses may not be listed, so nothing is said of whether they can grow and by which driver"
        case Skipped.QUOTAS:
            return "ResourceQuotas may not be listed, so nothing is said of what they leave"
        case Skipped.SCOPED_QUOTA:
            return f"ResourceQuota {clean(found.subject)} has scopes, so what it leaves is for the API server to say"
        case Skipped.SETS:
            return "StatefulSets may not be listed, so nothing is said of another that makes claims of the same names"
        case Skipped.ATTRIBUTES_CLASS:
            return "VolumeAttributesClasses may not be read, so nothing is said of whether this one is there"
        case Skipped.REHEARSAL:
            return "claims may not be patched, so the API server was not asked whether it takes the changes"
        case Skipped.TEMPLATE:
            missing = "rights to make the set again are missing (--keep-template does without)"
            return f"{missing}, so the API server was not asked whether the template can follow"
        case Skipped.UNSTEADY:
            return "claims changed each time that the API server was asked whether it takes the changes, so its word is not known"
        case _:
            assert_never(found.what)


def storage(each: ClaimPlan) -> str:
    """Where a claim's data lies: class, driver, volume and what becomes of it with the claim."""
    expands = {True: "can grow", False: "cannot grow", None: ""}[each.expandable]
    told = ", ".join(part for part in (clean(each.provisioner), expands) if part)
    klass = f"class {clean(each.storage_class)}" if each.storage_class else "no class"
    policy = f" ({clean(each.reclaim_policy)})" if each.reclaim_policy else ""
    volume = f", volume {clean(each.volume)}{policy}" if each.volume else ""
    return klass + (f" ({told})" if told else "") + volume
