"""The words for claims: sizes, evidence, refusals."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.orphans.deletion import DeletionRefused, DeletionRefusedReason
from kubectl_pets.domain.orphans.findings import Evidence, EvidenceKind
from kubectl_pets.domain.orphans.restoring import RestoreRefused, RestoreRefusedReason
from kubectl_pets.domain.orphans.snapshots import NoSnapshot
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.text import sizes
from tests.domain.orphans.builders import claim, estate, one
from tests.views import claim_scenes as scenes

E = EvidenceKind
R, N = RestoreRefusedReason, NoSnapshot


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "?"),
        (0, "0"),
        (1023, "1023"),
        (1024, "1Ki"),
        (1536 * 2**20, "1.5Gi"),
        (10 * 2**30, "10Gi"),
        (10 * 10**9, "9.3Gi"),
        (1024**2 - 1, "1Mi"),  # never 1024Ki
        (2**70, "1024Ei"),
        (10**400, f"{(10**401 + 2**59) // 2**60 // 10}.{(10**401 + 2**59) // 2**60 % 10}Ei".replace(".0Ei", "Ei")),
    ],
)
def test_sizes(count: int | None, text: str) -> None:
    assert sizes.size(count) == text


@pytest.mark.parametrize(("count", "unsized", "text"), [(2**30, 0, "1Gi"), (2**30, 1, "at least 1Gi"), (0, 0, "0"), (0, 2, "unknown size")])
def test_sums_of_sizes(count: int, unsized: int, text: str) -> None:
    assert claim_words.amount(count, unsized) == text


@pytest.mark.parametrize(
    ("found", "clause"),
    [
        (Evidence(E.MOUNTED, "Pod/web-4", "Running"), "Pod/web-4 mounts it (Running)"),
        (Evidence(E.MOUNTED, "Pod/web-4"), "Pod/web-4 mounts it"),
        (Evidence(E.SERVER_SAYS_USED), "the server says that a pod uses it (condition Unused is False)"),
        (Evidence(E.LIVE_RANGE, "StatefulSet/web", start=2, replicas=1), "in the range of StatefulSet/web, 1 replica from ordinal 2"),
        (Evidence(E.SET_AT_ZERO, "StatefulSet/web"), "StatefulSet/web has 0 replicas and wants it back when it is scaled up"),
        (Evidence(E.AUTOSCALER, "StatefulSet/web", "HorizontalPodAutoscaler/hpa", replicas=10), "HorizontalPodAutoscaler/hpa may scale StatefulSet/web to 10 replicas"),
        (Evidence(E.AUTOSCALER, "StatefulSet/web", "CronHPA/nights"), "CronHPA/nights may scale StatefulSet/web"),
        (
            Evidence(E.MAKER_AUTOSCALED, "Prometheus/k8s", "HorizontalPodAutoscaler/hpa"),
            "HorizontalPodAutoscaler/hpa scales Prometheus/k8s, whose sets may come and go with its size",
        ),
        (Evidence(E.SURGE, "LeaderWorkerSet/llm", replicas=3), "LeaderWorkerSet/llm has up to 3 groups while a rollout is under way"),
        (Evidence(E.NAMED_BY_RESOURCE, "VirtualMachine/vm"), "VirtualMachine/vm has its name"),
        (
            Evidence(E.SET_RETURNING, "ControllerRevision/web-5c9", "web"),
            "ControllerRevision/web-5c9 is left of StatefulSet web, which may be being made again",
        ),
        (Evidence(E.RECREATING, detail="web"), "its set is being made again: web"),
        (
            Evidence(E.LISTED, "Application/shop in namespace argocd", "StatefulSet/web"),
            "Application/shop in namespace argocd has StatefulSet/web on its list of what it applies, and may make it again",
        ),
        (Evidence(E.OWNER_LIVES, "Elasticsearch/es", "label cluster=es"), "Elasticsearch/es lives and may make its set again (label cluster=es)"),
        (Evidence(E.SIBLING_OWNED, "Elasticsearch/es"), "Elasticsearch/es owns another claim of the same set"),
        (Evidence(E.TRACKED, "Argo CD", "argocd.argoproj.io/instance"), "Argo CD applied it and may again (argocd.argoproj.io/instance)"),
        (Evidence(E.KEEP_POLICY, detail="helm.sh/resource-policy: keep"), "whoever deployed it wants it kept (helm.sh/resource-policy: keep)"),
        (Evidence(E.RESIZING, detail="Resizing"), "it is being resized (Resizing)"),
        (Evidence(E.GUARDED, detail="dr.example/a"), "its volume is replicated, maybe to where its set runs now (finalizer dr.example/a)"),
        (Evidence(E.POSSIBLY_EPHEMERAL, "Pod/web-0", "v-1"), "it may be of the ephemeral volume v-1 of Pod/web-0"),
        (Evidence(E.RESTORED, "Velero (velero.io/backup-name)"), "restored from a backup by Velero (velero.io/backup-name)"),
        (Evidence(E.RESTORED), "from a backup: it has fields older than itself"),
        (Evidence(E.FRESH), "its set was there less than an hour ago, and may only be away to be made again"),
        (
            Evidence(E.MADE_ANEW, "StatefulSet/web"),
            "StatefulSet/web was made less than an hour ago, after the claim: the one before may have used it, and come back",
        ),
        (Evidence(E.USED_LATELY), "a pod used it less than an hour ago"),
        (Evidence(E.BROUGHT_BACK), "somebody brought it back less than an hour ago"),
        (Evidence(E.OWNER_AUTOSCALED, "StatefulSet/web", "ScaledObject/logs"), "ScaledObject/logs scales what StatefulSet/web may be controlled by"),
        (Evidence(E.REMEMBERED_REPLICAS, "StatefulSet/web", "downscaler/original-replicas", replicas=5), "StatefulSet/web may come back to 5 replicas (annotation downscaler/original-replicas)"),
        (Evidence(E.RESERVED, "StatefulSet.apps.kruise.io/web", ordinals=(3,)), "StatefulSet.apps.kruise.io/web leaves ordinal 3 out for now"),
        (Evidence(E.RESERVATION_UNREADABLE, "StatefulSet/web"), "which ordinals StatefulSet/web leaves out makes no sense"),
        (Evidence(E.BELOW_START, "StatefulSet/web", start=5, replicas=2), "before the range of StatefulSet/web, 2 replicas from ordinal 5; that part may have moved elsewhere"),
        (Evidence(E.NAMED_BY_TEMPLATE, "CronJob/backup"), "CronJob/backup names it in its template"),
        (Evidence(E.EPHEMERAL_OF, "Deployment/tool"), "Deployment/tool makes pods whose ephemeral volumes have such names"),
        (Evidence(E.CLONE_SOURCE, "PersistentVolumeClaim/copy"), "PersistentVolumeClaim/copy is being filled from it"),
        (Evidence(E.OWNED_FOR_RETENTION, "StatefulSet/web"), "StatefulSet/web owns it and takes it along when it goes"),
        (Evidence(E.OWNED_BY, "Kafka/broker", "example.org/v1"), "Kafka/broker owns it (example.org/v1)"),
        (Evidence(E.OWNED_BY, "Kafka/broker"), "Kafka/broker owns it"),
        (Evidence(E.OWNER_STALE, "StatefulSet/web"), "its owner was an earlier StatefulSet/web; the garbage collector will see to it"),
        (Evidence(E.TERMINATING), "it is being deleted"),
        (Evidence(E.KEPT, detail="ann: audit"), "somebody keeps it: ann: audit"),
        (Evidence(E.KEPT), "somebody keeps it"),
        (Evidence(E.LOST), "its phase is Lost"),
        (Evidence(E.VOLUME_MISSING, "pv-1"), "its volume pv-1 does not exist"),
        (Evidence(E.VOLUME_OF_ANOTHER, "pv-1", "prod/other"), "its volume pv-1 is held for prod/other, and not for it"),
        (Evidence(E.VOLUME_OF_ANOTHER, "pv-1"), "its volume pv-1 is held for no claim"),
        (Evidence(E.NO_ORDINAL), "no StatefulSet makes claims of such a name"),
        (Evidence(E.SEVERAL_SETS, "StatefulSet/web"), "may be of StatefulSet/web, and not only of that"),
        (Evidence(E.LABELS_DIFFER, "StatefulSet/web"), "it lacks the labels that StatefulSet/web puts on its claims"),
        (Evidence(E.LABELS_UNDECIDED, "StatefulSet/web"), "StatefulSet/web selects by expressions, so there are no labels to compare"),
        (Evidence(E.NO_LABELS), "it has no labels at all"),
        (Evidence(E.CREATED_BY_OTHER, "helm"), "made or changed by helm, which is no StatefulSet controller"),
        (Evidence(E.CREATOR_UNKNOWN), "who made it is not on record"),
        (Evidence(E.NOT_READ, "statefulsets.apps.kruise.io"), "statefulsets.apps.kruise.io could not be read"),
        (Evidence(E.NOT_READ, "pods"), "pods could not be read"),
        (Evidence(E.SET_CONTROLLED, "Kafka/broker"), "its set is controlled by Kafka/broker, which may have plans of its own for it"),
        (Evidence(E.NOT_MOUNTED), "no pod mounts it"),
        (Evidence(E.NOT_NAMED), "no workload names it in its template"),
        (Evidence(E.BEYOND_RANGE, "StatefulSet/web", start=0, replicas=3), "beyond the range of StatefulSet/web, 3 replicas from ordinal 0"),
        (Evidence(E.TEMPLATE_NOT_IN_SET, "StatefulSet/web", "logs"), "StatefulSet/web has no template logs any more"),
        (Evidence(E.NO_SUCH_SET, "web", "data"), "there is no StatefulSet web with a template data"),
        (Evidence(E.LABELS_MATCH, "StatefulSet/web"), "it carries the labels that StatefulSet/web puts on its claims"),
        (Evidence(E.CREATED_BY_SET_CONTROLLER, "k3s"), "made by a StatefulSet controller (k3s)"),
        (Evidence(E.SIBLINGS, count=2, ordinals=(0, 1)), "claims like it with other ordinals: 2 (0, 1)"),
        (Evidence(E.VOLUME_AGREES, "pv-1"), "its volume pv-1 is bound to it"),
        (Evidence(E.SERVER_SAYS_UNUSED), "the server says that no pod uses it (condition Unused is True)"),
    ],
)
def test_evidence(found: Evidence, clause: str) -> None:
    assert claim_words.evidence(found) == clause


@pytest.mark.parametrize("kind", list(E))
def test_every_kind_of_evidence_has_words(kind: EvidenceKind) -> None:
    assert claim_words.evidence(Evidence(kind, "S", "1+2"))


def test_a_reason_that_the_evidence_does_not_give_is_left_out() -> None:
    assert claim_words.reason(replace(scenes.scaled_down(), evidence=())) == ""


def test_a_long_name_is_not_read_in_every_way() -> None:
    verdict = one(estate(claim("a-b-c-d-e-f-0")))
    assert claim_words.reason(verdict) == "there is no StatefulSet b-c-d-e-f with a template a, nor c-d-e-f with a-b, nor d-e-f with a-b-c"


@pytest.mark.parametrize(
    ("scene", "reason", "sentence"),
    [
        ("in_use", DeletionRefusedReason.IN_USE, "prod/data-web-0: in use by now: in-use, Pod/web-0 mounts it (Running)"),
        ("owned", DeletionRefusedReason.NOT_A_CANDIDATE, "prod/data-web-4: not a candidate: owned, Kafka/broker owns it (example.org/v1)"),
        ("unsure", DeletionRefusedReason.CHANGED, "prod/data-web-9: not what it was when the plan was made: unsure (scaled-down?), not read: jobs, cronjobs"),
        ("scaled_down", DeletionRefusedReason.GONE, "prod/data-web-10: deleted by somebody else"),
        ("scaled_down", DeletionRefusedReason.REPLACED, "prod/data-web-10: deleted and made anew under its name"),
        ("scaled_down", DeletionRefusedReason.FATE_CHANGED, "prod/data-web-10: its volume or the volume's reclaim policy is not the one that was agreed to"),
        ("scaled_down", DeletionRefusedReason.FATE_UNKNOWN, "prod/data-web-10: what would become of its data cannot be said"),
        ("scaled_down", DeletionRefusedReason.KEPT_BACK, "prod/data-web-10: among the newest ordinals that --keep holds back"),
        ("scaled_down", DeletionRefusedReason.OVER_LIMIT, "prod/data-web-10: over the --limit of this run"),
    ],
)
def test_refusals(scene: str, reason: DeletionRefusedReason, sentence: str) -> None:
    assert claim_words.refused(DeletionRefused(verdict=scenes.SCENES[scene](), reason=reason)) == sentence


@pytest.mark.parametrize(
    ("reason", "subject", "sentence"),
    [
        (R.VOLUME_GONE, "pv-1", "volume pv-1 does not exist any more; look for a copy with: kubectl get volumesnapshots -A"),
        (R.VOLUME_REPLACED, "pv-1", "volume pv-1 is another one than the claim had; see it with: kubectl describe pv pv-1"),
        (R.VOLUME_TERMINATING, "pv-1", "volume pv-1 is being deleted; see it with: kubectl describe pv pv-1"),
        (R.VOLUME_TAKEN, "pv-1", "volume pv-1 is not held for this claim any more, so it may be somebody else's; see it with: kubectl describe pv pv-1"),
        (R.VOLUME_NOT_RELEASED, "pv-1", "volume pv-1 is not released, by its old claim or by a failed reclamation; see it with: kubectl describe pv pv-1"),
        (R.NAME_TAKEN, "prod/data-web-4", "a new claim took the name prod/data-web-4; see what uses it with: kubectl describe pvc data-web-4 -n prod; once it is gone, type the same command again"),
        (R.CLAIMS_UNREADABLE, "", "claims could not be read; check with: kubectl auth can-i list persistentvolumeclaims"),
        (R.CLAIM_UNKNOWN, "", "nothing tells which claim pv-9 was; name its record: kubectl pets orphans restore RECORD"),
        (R.NOTHING_TO_DO, "", "nothing to do, pv-9 is back already"),
    ],
)
def test_refusals_to_restore(reason: RestoreRefusedReason, subject: str, sentence: str) -> None:
    assert claim_words.restore_refused(RestoreRefused(reason=reason, subject=subject), "pv-9") == sentence


def test_where_the_volume_is_gone_there_may_be_a_snapshot() -> None:
    told = claim_words.restore_refused(RestoreRefused(reason=R.VOLUME_GONE, subject="pv-1"), "pv-9", "data-web-4-01234567")
    assert told == "volume pv-1 does not exist any more; make a new claim from VolumeSnapshot data-web-4-01234567"


@pytest.mark.parametrize("reason", list(NoSnapshot))
def test_every_lack_of_a_snapshot_has_words_and_says_what_it_is_about(reason: NoSnapshot) -> None:
    told = claim_words.refused(DeletionRefused(verdict=scenes.scaled_down(), reason=reason, detail="the-detail"))
    assert told.startswith("prod/data-web-10: ")
    silent = {N.NO_VOLUME, N.NOT_INSTALLED, N.CLASSES_UNREADABLE, N.GONE, N.GOES_ALREADY}
    silent |= {N.NO_CLAIMS, N.CLAIM_MISSING, N.CLAIM_UNBOUND, N.CLAIM_TERMINATING, N.CLAIM_REPLACED, N.VOLUME_UNREADABLE}
    silent |= {N.GROUPS_NOT_INSTALLED, N.NO_LABELS, N.SEVERAL_DRIVERS}  # of all claims at once
    assert ("the-detail" in told) is (reason not in silent)


def test_a_snapshot_s_error_is_told() -> None:
    refused = DeletionRefused(verdict=scenes.scaled_down(), reason=N.FAILED, detail="rpc error: \x1b[31mquota\nexceeded")
    assert claim_words.refused(refused) == "prod/data-web-10: its snapshot failed: rpc error: quota exceeded"


def test_a_refusal_to_restore_without_a_name() -> None:
    assert claim_words.restore_refused(RestoreRefused(reason=R.NOTHING_TO_DO)) == "nothing to do, it is back already"
