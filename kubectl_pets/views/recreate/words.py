"""The words of making a set again: what speaks against it, and how it ended. A set may be gone when they are said, so they
take its namespace and its name."""

from datetime import datetime
from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.recreate.refusing import RecreateRefused, RecreateRefusedReason
from kubectl_pets.domain.recreate.running import RecreateEnd, RecreateStep
from kubectl_pets.domain.sets.away import Recreation, record_name
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.ages import age


def refusal(found: RecreateRefused) -> str:
    """Why, as a sentence, and the next step where there is one."""
    subjects = ", ".join(clean(each) for each in found.subjects)
    match found.reason:
        case RecreateRefusedReason.DELETING:
            return "the set is being deleted: wait until it is gone, and create it as it is to be."
        case RecreateRefusedReason.LEADER_WORKER_SET:
            return f"it is a part of LeaderWorkerSet {subjects}, whose controller makes its sets anew: change that."
        case RecreateRefusedReason.OPERATOR:
            paused = "tell its operator to leave it alone and say --operator-paused"
            return f"the set is controlled by {subjects}: change it there, or {paused}."
        case RecreateRefusedReason.PODS_UNREADABLE:
            unread = "its pods may not be read, so nobody knows whether the new set would take them on"
            return f"{unread}: list on pods is needed."
        case RecreateRefusedReason.NOT_OBSERVED:
            return "its controller has not seen the newest spec: try again in a moment."
        case RecreateRefusedReason.UNDER_WAY:
            return "a rollout is under way, and a set that is new goes on with none: bring it to its end, or abort it, first."
        case RecreateRefusedReason.SCALING:
            return "it is being scaled down: wait until that is over."
        case RecreateRefusedReason.PODS_LEAVING:
            names = phrases.folded(found.subjects)
            return f"{names} is on its way out, and the new set would not take it on: wait until it is back."
        case RecreateRefusedReason.FINALIZERS:
            kept = f"finalizers of others keep the set from going ({subjects}), so nobody knows for how long there would be none"
            return f"{kept}: have them taken off."
        case RecreateRefusedReason.CLAIMS_OWNED:
            cured = "scale up so that they have pods, or delete what nobody needs, first"
            return f"the set owns {subjects} beyond its replicas, which its controller does not give up: {cured}."
        case RecreateRefusedReason.SELECTOR_MISSES:
            names = phrases.folded(found.subjects)
            first = "give the pods its labels first, by a rollout"
            return f"the new selector does not match {names}, which nobody would take on: {first}."
        case RecreateRefusedReason.SELECTOR_WIDER:
            return f"the new selector leaves out {subjects}, and so may take on what is not the set's: keep these."
        case RecreateRefusedReason.PODS_TAKEN:
            told = f"while there is no set, the pods are nobody's, and {subjects} would take them on and may delete them"
            return f"{told}: its selector matches them, so change that one, or the pods' labels, first."
        case RecreateRefusedReason.MOUNTED:
            return f"the pod template mounts {subjects}, without which no pod could be made: roll that out without it first."
        case RecreateRefusedReason.TEMPLATE_REWRITTEN:
            cured = "write that template by a rollout first"
            return f"the API server makes another pod template of it (defaults, webhooks): every pod would be replaced; {cured}."
        case RecreateRefusedReason.OBJECTION:
            return f"the API server would not create it: {subjects}"
        case RecreateRefusedReason.OTHER_INTENTION:
            return f"it is being made again already, with other values of {subjects}: bring that to its end first."
        case RecreateRefusedReason.NAME_TOO_LONG:
            return "its name is too long to keep a record of it in the cluster: it can only be made again by hand."
        case _:
            assert_never(found.reason)


def takers_unread(resources: tuple[str, ...]) -> str:
    return f"not looked at: whether any of {', '.join(resources)} would take on the pods meanwhile (no right to list them)"


#: What a run that goes on is not told again, and what would have it do something else.
_KEPT = ("--filename", "--set", "--abandon", "--plan", "--dry-run")


def resume_hint(namespace: str, name: str, *flags: str) -> str:
    """What to type next, whoever types it: what is intended is kept in the cluster. ``flags``: those of the run that it goes on
    with, besides what guards its pods, where that is one of another verb."""
    words = (name, *flags, *pasting.guards())
    return f"{pasting.again('recreate', *words, without=_KEPT, namespace=namespace)} goes on from here"


def goes_on(intended: Recreation, now: datetime) -> str:
    """Whose work is taken up, and how old it is."""
    by = f" by {clean(intended.by)}" if intended.by else ""
    since = f" {age(intended.started, now)} ago" if intended.started is not None else ""
    begun = f" (begun{by}{since})" if by or since else ""
    return f"{clean(intended.namespace)}/{clean(intended.name)} is being made again{begun}; going on with that"


def nothing_under_way(namespace: str, name: str) -> str:
    return f"{clean(namespace)}/{clean(name)}: nothing is under way"


def left_off(namespace: str, name: str, *, away: bool) -> str:
    """Told before the error that ends a run half-way, and when it is interrupted."""
    title = f"{clean(namespace)}/{clean(name)}"
    if not away:
        return f"stopped: {title}: the set is there"
    where = f"what is intended lies in ConfigMap {clean(record_name(name))}"
    return f"stopped: {title}: THERE IS NO SET right now, its pods run on; {where}: {resume_hint(namespace, name)}"


def stopped(namespace: str, name: str, refused: tuple[RecreateRefused, ...]) -> str:
    """Before anything was done to the set."""
    return f"{_stopped(namespace, name, refused)} The set is there as it was."


def stopped_half_way(namespace: str, name: str, refused: tuple[RecreateRefused, ...]) -> str:
    """By a run, which may have marked the set and its claims by then, or an earlier one that went so far."""
    back = pasting.pets("recreate", name, "--abandon", namespace=namespace)
    return f"{_stopped(namespace, name, refused)} The set was not deleted; {back} takes back what was done to it."


def _stopped(namespace: str, name: str, refused: tuple[RecreateRefused, ...]) -> str:
    told = " ".join(refusal(each) for each in refused)
    return f"stopped: {clean(namespace)}/{clean(name)}: {told}"


def step(found: RecreateStep, name: str) -> str:
    """What was done; empty where nobody needs to know."""
    match found:
        case RecreateStep.SAVE:
            return f"what is intended is kept in ConfigMap {clean(record_name(name))}"
        case RecreateStep.DELETE:
            return "the set is deleted; its pods run on"
        case RecreateStep.CREATE:
            return "the set is created again"
        case _:
            return ""


def ended(end: RecreateEnd, namespace: str, name: str) -> str:
    """How a run ended, but where it was reached or refused."""
    title = f"{clean(namespace)}/{clean(name)}"
    match end:
        case RecreateEnd.OVERTAKEN:
            other = "somebody else created a set of that name, and not with what was asked for"
            return f"failed: {title}: {other}; it is left as it is"
        case RecreateEnd.GONE:
            return f"failed: {title}: somebody deleted it"
        case RecreateEnd.UNREADABLE:
            where = f"ConfigMap {clean(record_name(name))}"
            return f"failed: {title}: {where} holds nothing that can be read, so nobody knows what is intended"
        case RecreateEnd.ABANDONED:
            return f"{title}: taken back; the set is as it was"
        case RecreateEnd.TIMED_OUT:
            return f"timed out: {title}: it is not made again to the end"
        case _:
            return f"{title}: made again"


def gap(seconds: float | None) -> str:
    """For how long there was none."""
    return "" if seconds is None else f", without a StatefulSet for {seconds:.2f} s"


def rolls(namespace: str, name: str) -> str:
    """The new set's pod template is another one than that of before."""
    title = f"{clean(namespace)}/{clean(name)}"
    return f"warning: {title} was created with another pod template than it had, so its pods are being replaced"
