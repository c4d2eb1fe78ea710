"""What there is to know of each rule without a cluster: what it is, what happens next, how it is mended."""

import msgspec

from kubectl_pets.domain.findings import RULES, Rule
from kubectl_pets.views.text.fitting import Column, fit, folded
from kubectl_pets.views.text.ink import Ink, Line, columns, plain, text_of

_RULES = (Column("RULE"), Column("NAME"), Column("SEVERITY", weight=1), Column("WHAT", least=24, ease=40))


class RulePage(msgspec.Struct, frozen=True):
    """``what`` is wrong, ``why`` it matters, how to ``mend`` it: whole sentences."""

    what: str
    why: str
    mend: str


PAGES: dict[Rule, RulePage] = {
    Rule.SERVICE_MISSING: RulePage(
        "spec.serviceName names no Service, or an ExternalName.",
        "No pod has a name of its own: members cannot find each other, and clients of web-0.NAME get no answer. The API "
        "server does not check it.",
        "Create a headless Service of that name (clusterIP: None) with the labels of the template. serviceName itself "
        "cannot be changed.",
    ),
    Rule.SERVICE_UNNAMED: RulePage(
        "No serviceName, although a headless Service selects several pods of the set.",
        "Pods have no names of their own; whoever made the Service probably expects them.",
        "Make the set again with serviceName; the pods and claims stay with --cascade=orphan.",
    ),
    Rule.SERVICE_NOT_HEADLESS: RulePage(
        "The governing Service has an address of its own.",
        "CoreDNS gives its pods names all the same; other DNS servers need not, and nothing promises it.",
        "Make the Service again with clusterIP: None, at a time when its clients may lose it for a moment.",
    ),
    Rule.SERVICE_SELECTOR_MISMATCH: RulePage(
        "The governing Service selects other pods than the set makes.",
        "Its pods are in no EndpointSlice, so their names do not resolve.",
        "Correct the selector of the Service, or the labels of the template, which restarts the pods.",
    ),
    Rule.PEERS_DEADLOCK: RulePage(
        "For five minutes no pod is Ready, and the Service publishes no pod that is not.",
        "Members that need each other's names to become Ready wait for ever.",
        "Set publishNotReadyAddresses: true on the headless Service, if peers are to find each other before they are "
        "Ready.",
    ),
    Rule.POD_IDENTITY_STALE: RulePage(
        "A pod has another hostname or subdomain than the set would give it now.",
        "Its name does not resolve. Both are set when a pod is made, and never after.",
        "Restart the pod.",
    ),
    Rule.NAME_TOO_LONG: RulePage(
        "The name of a pod, or of the revision that its label holds, is longer than 63 characters.",
        "The API server refuses every new pod.",
        "Make the set again under a shorter name.",
    ),
    Rule.NAMES_UNRESOLVED: RulePage(
        "A DNS server answers otherwise than the API server has it.",
        "Clients get no answer, or that of a pod that is gone.",
        "kubectl pets dns NAME shows which server answers what. The doctor asks servers with --deep only.",
    ),
    Rule.ENDPOINTS_LAG: RulePage(
        "A Ready pod is in no EndpointSlice of its Service, or a slice holds another address, for more than ten seconds.",
        "Its name does not resolve, or leads elsewhere.",
        "Look at kube-controller-manager: its endpoint slice controller may be down or behind.",
    ),
    Rule.PARTITION_LEFT_OVER: RulePage(
        "The partition is above 0 although nothing is rolled out.",
        "The next change reaches only the pods at or above it, and kubectl calls that complete.",
        "Set the partition to 0.",
    ),
    Rule.PARTITION_HOLDS_ALL: RulePage(
        "A change has been staged for a day, and the partition releases no pod to it.",
        "The change is not live, although it was applied, and goes live with whoever lowers the partition next.",
        "Release it step by step, or put the template back.",
    ),
    Rule.ROLLOUT_STUCK: RulePage(
        "The rollout will not go on by itself.",
        "Pods stay down or outdated until somebody mends the cause.",
        "kubectl pets status NAME names the pod, the cause and the next command.",
    ),
    Rule.FORCED_ROLLBACK_TRAP: RulePage(
        "A broken pod would come back at another revision, and its controller does not replace it.",
        "The controller waits for the pod to become Ready, which it never will: putting the template right changes nothing. So "
        "it is with OrderedReady on every server, and with Parallel on 1.35.0 to 1.35.3.",
        "kubectl pets rollout unstick NAME deletes just that pod. Correct the template first, where that is still wrong.",
    ),
    Rule.CREATE_FAILED: RulePage(
        "The controller is refused a pod or its claim: by a quota, by admission, for want of a ServiceAccount.",
        "The pod stays away, and with OrderedReady every pod after it, too. While it may still pass it is a warning.",
        "The words are the API server's: mend what they name. The controller tries again by itself.",
    ),
    Rule.ADOPTED_VOLUME_MISMATCH: RulePage(
        "A pod lacks the volume of a claim template: the set was made again with another template and has adopted the pod.",
        "The controller fails to update the pod for ever, and does nothing else; the pod runs without its data.",
        "kubectl pets rollout unstick NAME makes such pods anew, one at a time.",
    ),
    Rule.EMPTY_REVISION: RulePage(
        "The current and the wanted revision differ by nulls and defaults alone.",
        "All pods are replaced although nothing has changed. Servers of 1.33 and 1.34 wrote the same template twice.",
        "Let it roll out, or hold it back (kubectl pets rollout pause) until pods may be replaced.",
    ),
    Rule.ONDELETE_DRIFT: RulePage(
        "Strategy OnDelete, and outdated pods have been left for a day.",
        "They run the old version until somebody deletes them, or until a node fails and does it for you.",
        "Replace them one by one.",
    ),
    Rule.MANY_REVISIONS: RulePage(
        "Pods of three or more revisions run at once.",
        "A new change was begun before the last one had ended; what a pod comes back at is hard to foresee.",
        "Finish the rollout, or undo it.",
    ),
    Rule.MAX_UNAVAILABLE_IDLE: RulePage(
        "maxUnavailable above 1 with OrderedReady.",
        "It might not be effective: pods are made Ready one after the other.",
        "Leave it out, or make the set again with podManagementPolicy: Parallel.",
    ),
    Rule.MAX_UNAVAILABLE_BREAKS_MAJORITY: RulePage(
        "An update may take so many voting members at once that no majority is left.",
        "The next update is an outage.",
        "Lower maxUnavailable to what the majority can spare.",
    ),
    Rule.RECREATE_IS_OUTAGE: RulePage(
        "Strategy Recreate.",
        "Each update deletes all pods before it makes new ones.",
        "Use RollingUpdate, if old and new members can be together.",
    ),
    Rule.NO_WAY_BACK: RulePage(
        "revisionHistoryLimit is 0, or no revision is left but the one that runs.",
        "The template from before an update is gone once the update is over: undo has nothing to go back to.",
        "Leave it out: the default is 10.",
    ),
    Rule.CONTROLLER_SILENT: RulePage(
        "The controller has not looked at the newest spec for minutes.",
        "Nothing of the change happens, and the status says nothing of it.",
        "Look at kube-controller-manager, and at quotas on controllerrevisions.",
    ),
    Rule.CLASS_MISSING: RulePage(
        "A claim template names a StorageClass that does not exist.",
        "New claims stay Pending and their pods with them. Claims that are bound are not touched.",
        "Create the class; the template cannot be changed.",
    ),
    Rule.DEFAULT_CLASS: RulePage(
        "A claim template names no class, and there is no default one or more than one.",
        "Without a default new claims stay Pending; of several the newest is taken, which may be another than before.",
        "Name the class in the template, or mark exactly one as default.",
    ),
    Rule.CLAIM_PENDING: RulePage(
        "A claim has waited for its volume for more than two minutes.",
        "Its pod cannot start.",
        "kubectl describe shows what the provisioner says.",
    ),
    Rule.CLAIM_LOST: RulePage(
        "The volume of a claim is gone.",
        "Its pod will not start again.",
        "Restore the data from a backup into a new claim of this name.",
    ),
    Rule.CLAIM_MISSING: RulePage(
        "A pod mounts a claim that does not exist.",
        "The pod runs on, if it runs, and does not start again.",
        "Find out who deleted the claim; the set makes it anew, empty, for a new pod.",
    ),
    Rule.CLAIM_DYING: RulePage(
        "A claim is being deleted, and only its pod keeps it there.",
        "When the pod is restarted elsewhere the claim goes, and with it the data, unless its volume is retained.",
        "Set the volume to Retain now; nothing takes a deletion back. Then back up the data.",
    ),
    Rule.SIZE_DRIFT: RulePage(
        "Claims ask for another size than their template.",
        "New pods get the size of the template, which may be too small for the data of their peers.",
        "Bring the template up: delete the set with --cascade=orphan and make it again with the new size.",
    ),
    Rule.CLASS_DRIFT: RulePage(
        "Claims are of another class than their template.",
        "New pods get other storage than their peers.",
        "Bring template and claims together, one member after the other.",
    ),
    Rule.ATTRIBUTES_DRIFT: RulePage(
        "A claim has another VolumeAttributesClass than its template asks for.",
        "The disk is faster, slower or dearer than meant, and new ones differ from old ones.",
        "Patch the claim's volumeAttributesClassName.",
    ),
    Rule.RESIZE_WAITS: RulePage(
        "A resize waits for its pod to start again, or has waited for more than ten minutes.",
        "The pod still has the old size. Many drivers need the pod to be restarted.",
        "Restart the pod, when the set can spare it.",
    ),
    Rule.RESIZE_INFEASIBLE: RulePage(
        "The driver has refused the new size.",
        "It is not tried again: the disk stays as it is.",
        "Ask for a size that the driver has, at least the old one.",
    ),
    Rule.MODIFY_INFEASIBLE: RulePage(
        "The driver has refused the new attributes, or has not known their class for ten minutes.",
        "The disk keeps the old ones.",
        "Name another VolumeAttributesClass, or the old one.",
    ),
    Rule.NOT_EXPANDABLE: RulePage(
        "The StorageClass of a template does not allow expansion.",
        "A full disk can only be replaced, which means copying the data.",
        "Set allowVolumeExpansion: true on the class, if its driver can.",
    ),
    Rule.SCALE_DESTROYS: RulePage(
        "whenScaled is Delete, and volumes are deleted with their claims.",
        "Each scale-down destroys data for good, also that of an autoscaler.",
        "Set whenScaled to Retain, or ignore it with a reason where the data is a cache.",
    ),
    Rule.DELETE_DESTROYS: RulePage(
        "whenDeleted is Delete, and volumes are deleted with their claims.",
        "Whoever deletes the set, or lets GitOps replace it, destroys all of its data.",
        "Set whenDeleted to Retain, or the volumes' policy.",
    ),
    Rule.OWNER_STALE: RulePage(
        "An ownerReference of a claim means an object that is gone, though one of that name exists.",
        "The garbage collector may delete the claim with its data.",
        "Take the reference off.",
    ),
    Rule.ONE_COMMAND_AWAY: RulePage(
        "All volumes of the set are deleted with their claims, and no claim has a snapshot.",
        "kubectl delete pvc, or whoever deletes the namespace, destroys the data for good.",
        "Set the reclaim policy of the volumes to Retain (kubectl patch pv), or take snapshots.",
    ),
    Rule.VOLUME_FULL: RulePage(
        "The file system of a claim's volume is 85 % full.",
        "When it is full most databases stop, and some do not start again.",
        "kubectl pets resize NAME SIZE gives all of its claims more room, where the class allows it.",
    ),
    Rule.VOLUME_UNHEALTHY: RulePage(
        "The storage driver says that a volume cannot be reached, has lost data, or is degraded.",
        "The next restart of its pod may not get the volume, or find it damaged. A degraded one still works: a warning.",
        "Look after the storage first. Where other members have the data, this one can be made anew.",
    ),
    Rule.VOLUME_UNREACHABLE: RulePage(
        "A volume can be mounted on no node that there is.",
        "Its pod is down, or will be when it is restarted.",
        "Bring back a node that fits, or restore the data elsewhere.",
    ),
    Rule.VOLUME_HELD_ELSEWHERE: RulePage(
        "A pod waits for a volume that another node still holds.",
        "It does not start before that node lets go.",
        "kubectl pets lost shows whether that node answers, and what is safe.",
    ),
    Rule.OLD_DATA_RETURNS: RulePage(
        "A claim that an autoscaler, or the next apply, may reach has not been used for a week.",
        "The new pod finds old data, which some databases take for the truth.",
        "Delete the claim, if the data is worth nothing: kubectl pets orphans explain tells.",
    ),
    Rule.CLAIM_NAME_AMBIGUOUS: RulePage(
        "Two sets explain the name of a claim.",
        "Both will mount it.",
        "Rename one of the sets or templates.",
    ),
    Rule.CLAIM_ORPHANED: RulePage(
        "Nobody will want the claim again.",
        "It costs, and it comes back with its old data should a set of that name do.",
        "kubectl pets orphans shows the evidence, and deletes with a net.",
    ),
    Rule.QUORUM_LOST: RulePage(
        "Fewer members are available than a majority.",
        "Members that vote serve nothing, or nothing that can be written.",
        "Bring members back; kubectl pets quorum and status say which. "
        "Of members that do not vote say so: kubectl-pets/members=data on the set.",
    ),
    Rule.NO_MARGIN: RulePage(
        "Exactly a majority is available.",
        "The next loss is an outage.",
        "Bring the missing members back before any other work.",
    ),
    Rule.NODE_SHARED: RulePage(
        "A node holds so many members that its loss takes the majority.",
        "One machine is a single point of failure.",
        "Spread the pods: topologySpreadConstraints or anti-affinity over kubernetes.io/hostname. "
        "Of members that do not vote say so: kubectl-pets/members=data on the set.",
    ),
    Rule.ZONE_SHARED: RulePage(
        "A zone holds so many members that its loss takes the majority.",
        "One zone is a single point of failure.",
        "Spread the pods over topology.kubernetes.io/zone; with two zones no spread survives the loss of the larger half. "
        "Of members that do not vote say so: kubectl-pets/members=data on the set.",
    ),
    Rule.BUDGET_MISSING: RulePage(
        "No PodDisruptionBudget, and evictions may take more members than the majority can spare.",
        "A drain of several nodes takes the set down.",
        "Create a PodDisruptionBudget with maxUnavailable: 1 and the labels of the template.",
    ),
    Rule.BUDGET_BLOCKS: RulePage(
        "A PodDisruptionBudget allows no eviction even while all pods are healthy.",
        "No node with such a pod can be drained; node upgrades hang.",
        "Let it allow one: maxUnavailable: 1. Where its controller cannot work it out (condition SyncFailed), it selects pods of "
        "something that has no scale, such as those of a Job, be they done: give these other labels.",
    ),
    Rule.BUDGET_TOO_LOOSE: RulePage(
        "A PodDisruptionBudget allows more than the majority can spare.",
        "Drains may take the set down.",
        "Use maxUnavailable: 1, or a minAvailable of at least the majority. "
        "Of members that do not vote say so: kubectl-pets/members=data on the set.",
    ),
    Rule.BUDGETS_SEVERAL: RulePage(
        "Several budgets cover the same pods.",
        "The API server refuses every eviction of them with an error.",
        "Leave one.",
    ),
    Rule.BUDGET_GUARDS_THE_DEAD: RulePage(
        "A pod has been unhealthy for ten minutes, and its budget holds evictions of it, too.",
        "A drain of its node waits until somebody mends the pod.",
        "Mend the pod; unhealthyPodEvictionPolicy: AlwaysAllow lets drains take such pods, members that only catch up "
        "included.",
    ),
    Rule.EVEN_VOTERS: RulePage(
        "An even number of members that vote.",
        "It outlives no more losses than one member less, and one more can fail.",
        "Scale to an odd number: kubectl pets scale NAME --replicas N.",
    ),
    Rule.SINGLE: RulePage(
        "One replica behind a Service.",
        "Each restart, update and drain is an outage.",
        "Run more, if the program can; or accept it.",
    ),
    Rule.NO_SPREAD: RulePage(
        "Nothing in the template keeps the pods apart.",
        "The scheduler may put all of them on one node.",
        "Add topologySpreadConstraints or anti-affinity.",
    ),
    Rule.SPREAD_IMPOSSIBLE: RulePage(
        "Required anti-affinity by node, more replicas than nodes that fit, and pods that have no node.",
        "The last pods are never scheduled.",
        "Add nodes, or lower the replicas.",
    ),
    Rule.REPLICAS_CONTESTED: RulePage(
        "An autoscaler sets the replicas, and the manifest states them, too.",
        "Each apply puts the number back, and takes pods away.",
        "Take replicas out of the manifest.",
    ),
    Rule.TWO_AUTOSCALERS: RulePage(
        "Two autoscalers set the replicas of the set.",
        "They work against each other.",
        "Leave one.",
    ),
    Rule.SELECTORS_OVERLAP: RulePage(
        "The selector of another workload matches the pods.",
        "Controllers may count, adopt or delete the pods of the other.",
        "Give each workload labels of its own; a selector cannot be changed.",
    ),
    Rule.STRAY_PODS: RulePage(
        "Pods that the selector matches and nobody controls, or that are beyond the range, for five minutes.",
        "Services and budgets count them; an update does not reach them.",
        "Delete them, or take the labels off.",
    ),
    Rule.LOST_POD: RulePage(
        "A pod is held by a node that does not answer.",
        "It is not replaced, by design: it may still run.",
        "kubectl pets lost shows the choices in the order of safety.",
    ),
    Rule.TERMINATING_OVERDUE: RulePage(
        "A pod should have been gone by now.",
        "Its successor is not made.",
        "kubectl pets lost tells whether its node answers; else look for finalizers.",
    ),
    Rule.CRASH_HISTORY: RulePage(
        "A container ended with an error within the last hour, and was started anew.",
        "It may end again at any time, perhaps during the next rollout.",
        "Read the log of its last life.",
    ),
    Rule.MEMBER_ON_LEAVING_NODE: RulePage(
        "A member is on a node that is cordoned, or about to be taken away.",
        "It will be evicted soon.",
        "See that the set can spare it: kubectl pets quorum.",
    ),
    Rule.NO_READINESS_PROBE: RulePage(
        "No container has a readiness probe.",
        "Available means no more than started, so a rollout goes on over pods that do not serve.",
        "Add a readiness probe to the main container.",
    ),
    Rule.PROBES_EQUAL: RulePage(
        "Liveness and readiness are the same probe.",
        "A member that is only busy is killed, which makes its peers busier.",
        "Let liveness ask for less, and be more patient.",
    ),
    Rule.GRACE_ZERO: RulePage(
        "terminationGracePeriodSeconds is 0.",
        "The pod is forgotten before it has stopped: two pods of one name may write the same data.",
        "Leave it out (30 seconds), or give what a clean stop takes.",
    ),
    Rule.IMAGE_FLOATS: RulePage(
        "An image without a tag, or with latest.",
        "Which version a pod runs depends on when it was started.",
        "Name a version, or a digest.",
    ),
    Rule.IMAGE_DRIFT: RulePage(
        "One image reference stands for different images in different pods.",
        "Members run different versions, unnoticed.",
        "Name a digest, and restart.",
    ),
    Rule.NO_REQUESTS: RulePage(
        "A container without a request or limit for memory.",
        "The pod is among the first to be evicted, and its node may be filled beyond what it has.",
        "Set resources.requests.memory.",
    ),
    Rule.ACCOUNT_MISSING: RulePage(
        "The template names a ServiceAccount that does not exist.",
        "Pods run on, and none can be made.",
        "Create it.",
    ),
    Rule.REFERENCE_MISSING: RulePage(
        "The template names a ConfigMap or Secret, or a key in one, that does not exist.",
        "Pods run on, and the next restart sticks.",
        "Create it, or make the reference optional.",
    ),
    Rule.CONFIG_NEWER_THAN_PODS: RulePage(
        "A ConfigMap or Secret that containers read only when they start was written after some had started.",
        "Members run with different settings, and the next restart, of whatever cause, brings the new ones along.",
        "kubectl pets rollout restart NAME, one pod after the other; or a hash of the content in the template's annotations, so "
        "that each change rolls out.",
    ),
    Rule.UPGRADE_FORBIDDEN: RulePage(
        "The manifest that was applied last states other claim templates than the set has.",
        "Its next apply is refused: claim templates cannot be changed.",
        "Write into the manifest (the chart's values) what the set has.",
    ),
    Rule.QUOTA_TOO_TIGHT: RulePage(
        "More of a quota is used than it allows.",
        "A pod that is deleted, or fails, cannot be made again.",
        "Raise the quota.",
    ),
    Rule.OWNED_BY: RulePage(
        "An operator, Argo CD or Flux manages the set.",
        "What is changed by hand is put back.",
        "Change it where it comes from.",
    ),
    Rule.HELM_WILL_CONFLICT: RulePage(
        "Helm applies the set by the server, and somebody else has changed fields of its manifest since.",
        "The next upgrade that sets another value fails with a conflict, after other objects were changed.",
        "Bring the values of the chart to what is live before the upgrade, or give the fields back.",
    ),
    Rule.OURS_LEFT_OVER: RulePage(
        "Annotations of a pause, restart or recreation of this program that was broken off.",
        "The next run takes them for its own, and goes on from there.",
        "Finish that run, or take the annotations off.",
    ),
    Rule.MANIFEST_REFUSED: RulePage(
        "A manifest holds a value that the API server refuses.",
        "Nothing of the set is applied: an install or upgrade fails at the cluster.",
        "Put the field right. Judged with -f only; of the rest of a pod template the server knows more: "
        "kubectl apply --dry-run=server.",
    ),
    Rule.SERVER_TRAP: RulePage(
        "An API server 1.35.0 to 1.35.3, and a Parallel set.",
        "An update that breaks stays broken when the template is put right.",
        "Upgrade the server to 1.35.4; until then use kubectl pets rollout undo.",
    ),
    Rule.UPGRADE_ROLLS_ALL: RulePage(
        "An API server 1.33, from which an upgrade to 1.34.0 or 1.34.1 replaces every pod.",
        "Those servers write each template anew, in a revision that says nothing new.",
        "Upgrade to 1.34.2 or newer; or pause sets before: kubectl pets rollout pause NAME.",
    ),
    Rule.IGNORE_EXPIRED: RulePage(
        "An ignore has run out, and what it was for is still found.",
        "It counts again.",
        "Mend it, or say a new day and why.",
    ),
    Rule.IGNORE_UNMATCHED: RulePage(
        "An ignore answers to nothing.",
        "It may hide what comes later.",
        "Take it out.",
    ),
    Rule.IGNORE_MALFORMED: RulePage(
        "A part of the annotation kubectl-pets/ignore cannot be understood.",
        "It ignores nothing.",
        "Write RULE: REASON, YYYY-MM-DD.",
    ),
}


def explain(rule: Rule, *, width: int | None = None, colour: bool = False) -> str:
    """One rule as a page."""
    card, page = RULES[rule], PAGES[rule]
    lines: list[Line] = [
        ((f"{card.number} {rule.value}", Ink.BOLD), plain(f"  {card.severity.value}" + (", on request" if card.opt_in else ""))),
        (),
        *folded((), page.what, width),
        (),
        *folded((plain("What happens next  "),), page.why, width),
        *folded((plain("How to mend it     "),), page.mend, width),
        *folded((plain("Rests on           "),), card.source, width),
        (plain("To live with it    "), plain("say why, and until when, with the set's name and namespace:")),
        # Not folded, for it is pasted: 80 columns hold it.
        (plain(f"  kubectl annotate sts NAME kubectl-pets/ignore='{card.number}: REASON, YYYY-MM-DD'"),),
    ]
    return text_of(lines, width=None, colour=colour)


def rules(*, width: int | None = None, colour: bool = False) -> str:
    """All rules, one a line; ``width``: in so many cells, what each finds in its first words."""
    rows = [tuple(plain(column.head) for column in _RULES)]
    for rule, card in sorted(RULES.items(), key=lambda each: each[1].number):
        severity = card.severity.value + (" (on request)" if card.opt_in else "")
        rows.append((plain(card.number), plain(rule.value), plain(severity), plain(PAGES[rule].what)))
    return text_of(columns(fit(_RULES, rows, width, between=2)), width=None, colour=colour)
