"""A StatefulSet that is made again: deleted while its pods run on, and created once more with what the API does not let anybody
edit. What is intended is kept in the cluster before the deletion, so that whoever comes by can bring it to its end.

The model is Elastic's (cloud-on-k8s pkg/controller/elasticsearch/driver/pvc_expansion.go): the uid tells where it stands. The
uid of before: it is still to be deleted. No set: it is to be created. Another uid: it is to be verified.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from kubectl_pets.domain.model import LabelSelector, Object, ObjectMeta, StatefulSetStatus, Value

#: On a set, from before its deletion until the new one is verified: the uid that is replaced. On the set's claims, for as long:
#: which set they are of; nothing about such a claim is certain.
RECREATING_ANNOTATION = "kubectl-pets/recreating"

#: Of the ConfigMap that keeps what is intended; the record lies under the key.
RECORD_LABELS = {"app.kubernetes.io/managed-by": "kubectl-pets", "kubectl-pets/record": "recreation"}
RECORD_KEY = "recreation.json"

#: kube-controller-manager's, where dependents are to stay (metav1.FinalizerOrphanDependents).
ORPHAN_FINALIZER = "orphan"


def record_name(name: str) -> str:
    """Of the ConfigMap of the set of that name."""
    return f"kubectl-pets-recreate-{name}"


class WholeMeta(ObjectMeta, frozen=True):
    """Nothing of what is copied is left out."""

    owner_references: Any = ()
    managed_fields: Any = ()


class WholeSet(Object, frozen=True):
    """A StatefulSet with its spec, its owners and its managedFields as they are."""

    metadata: WholeMeta = WholeMeta()
    spec: dict[str, Any] = {}
    status: StatefulSetStatus = StatefulSetStatus()


class SetContent(Value, frozen=True):
    """What a set is created with."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: Any = ()
    spec: dict[str, Any] = {}


class Recreation(Value, frozen=True):
    """What is intended. Immutable fields of the spec by name stand in ``wanted`` as well, for they tell the set that was asked
    for from one that somebody else made."""

    namespace: str
    name: str
    #: Of the set that is replaced.
    uid: str
    content: SetContent
    wanted: dict[str, Any]
    #: metadata.managedFields of before, without those of subresources.
    fields: tuple[dict[str, Any], ...] = ()
    #: The uids of its pods by name, and the revision that they are to keep.
    pods: dict[str, str] = {}
    revision: str = ""
    started: datetime | None = None
    #: Who began it, as that machine calls them; empty where it did not say.
    by: str = ""


class TakerSpec(Value, frozen=True):
    #: A LabelSelector, or the plain labels that a ReplicationController has.
    selector: Any = None


class PodTaker(Object, frozen=True):
    """Something whose controller takes on pods that are nobody's and that its selector matches, and deletes what it then has too
    many of (kubernetes pkg/controller/controller_ref_manager.go): a DaemonSet, a ReplicaSet, a ReplicationController. Another
    StatefulSet does not: it takes on pods of its own name alone."""

    spec: TakerSpec = TakerSpec()

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Whether it would take on a pod with these labels; of a selector that cannot be read nobody knows, so it counts."""
        selector = self.spec.selector
        if self.kind == "ReplicationController":
            selector = {"matchLabels": selector}
        try:
            found = msgspec.convert(selector, LabelSelector)
        except msgspec.ValidationError:
            return True
        return bool(found.match_labels or found.match_expressions) and found.matches(labels)


class SavedRecreation(msgspec.Struct, frozen=True):
    """As it lies in the cluster. ``intended`` None: somebody has made it unreadable."""

    uid: str
    resource_version: str
    intended: Recreation | None
