"""Which kinds of sets are there, what is each of them called, and what can be done with it here?

One table that is read by all who name a kind: the command line, the reader, the verdict, the words. A kind that is not in it is
not known here, and its pods are never taken for those of another.
"""

from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import StatefulSet


@unique
class SetGroup(StrEnum):
    """The API group of a kind."""

    APPS = "apps"
    KRUISE = "apps.kruise.io"
    PINGCAP = "apps.pingcap.com"
    LEADER_WORKER = "leaderworkerset.x-k8s.io"
    KUBEBLOCKS = "workloads.kubeblocks.io"
    STRIMZI = "core.strimzi.io"


@unique
class Capability(StrEnum):
    """What the controller of a kind does, or this program does with it, that is not so for every kind."""

    #: This program has verbs that change sets of the kind: they were tried with its real controller, or one played by its source.
    CHANGE = "change"
    #: ``spec.ordinals.start`` always counts (KEP-3335). Elsewhere it takes a gate of the controller that nothing shows.
    START = "start"
    #: ``spec.reserveOrdinals`` leaves ordinals out of the range.
    RESERVE_ORDINALS = "reserve-ordinals"
    #: An annotation does (``delete-slots``).
    DELETE_SLOTS = "delete-slots"
    #: The partition is an ordinal: everywhere else it counts positions, which is the same where no ordinal is left out.
    PARTITION_ORDINAL = "partition-ordinal"
    #: ``updateStrategy.rollingUpdate.paused`` stops updates, and nothing else.
    PAUSE = "pause"
    #: An annotation on the set stops its controller altogether: its status says nothing then.
    STANDSTILL = "standstill"
    #: A pod may be given its new revision's label before any of its containers restarts.
    IN_PLACE = "in-place"
    #: Each of its members is a group of pods, which stands as one (``sets.grouping``).
    GROUPS = "groups"
    #: ``updateStrategy.rollingUpdate.unorderedUpdate``: the partition counts pods that stay, whichever these are.
    UNORDERED = "unordered"
    #: Which pods it is to have stands in it name by name, and its controller makes them itself (``sets.named``).
    NAMED = "named"


class SetKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of set as the API knows it (group, version, kind, plural), and what it can do."""

    group: SetGroup
    version: str
    kind: str = "StatefulSet"
    plural: str = "statefulsets"
    #: In sentences.
    title: str
    #: Other versions that hold the same of what is read here, of which one is asked for where ``version`` is not served.
    or_versions: tuple[str, ...] = ()
    #: What to change in its place, where its own controller writes all of it; empty: nothing does.
    changed_by: str = ""
    #: What stands before a slash on the command line, besides what kubectl itself resolves to this kind; lower case.
    nicknames: tuple[str, ...] = ()
    can: frozenset[Capability] = frozenset()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"

    @property
    def resource(self) -> str:
        """``statefulsets.apps``: as rights and kubectl name it."""
        return f"{self.plural}.{self.group}"

    def command_line(self, name: str) -> str:
        """A name so that it means this kind: ``web``, ``kruise/web``."""
        return name if self.group is SetGroup.APPS else f"{self.nicknames[0]}/{name}"

    @property
    def kubectl(self) -> str:
        """What kubectl is told so that it means this kind: ``statefulset``, ``statefulset.apps.kruise.io``."""
        return self.kind.lower() if self.group is SetGroup.APPS else self.typed

    @property
    def shown(self) -> str:
        """In a column of several kinds: ``StatefulSet``, ``StatefulSet.apps.kruise.io``."""
        return self.kind if self.group is SetGroup.APPS else f"{self.kind}.{self.group}"

    @property
    def typed(self) -> str:
        """What is typed before the slash to mean this kind and no other: ``statefulset.apps``."""
        return f"{self.kind.lower()}.{self.group}"


APPS_SET = SetKind(
    group=SetGroup.APPS,
    version="v1",
    title="StatefulSet",
    nicknames=("sts", "statefulset", "statefulsets"),
    can=frozenset((Capability.CHANGE, Capability.START)),
)

#: OpenKruise: https://openkruise.io/docs/user-manuals/advancedstatefulset
KRUISE_SET = SetKind(
    group=SetGroup.KRUISE,
    version="v1beta1",
    title="Advanced StatefulSet (OpenKruise)",
    nicknames=("kruise", "asts"),
    can=frozenset(
        (Capability.CHANGE, Capability.RESERVE_ORDINALS, Capability.PAUSE, Capability.IN_PLACE, Capability.UNORDERED)
    ),
)

#: PingCAP: https://github.com/pingcap/advanced-statefulset
PINGCAP_SET = SetKind(
    group=SetGroup.PINGCAP,
    version="v1",
    title="Advanced StatefulSet (PingCAP)",
    nicknames=("pingcap",),
    can=frozenset((Capability.CHANGE, Capability.DELETE_SLOTS, Capability.PARTITION_ORDINAL, Capability.STANDSTILL)),
)

KINDS = (APPS_SET, KRUISE_SET, PINGCAP_SET)

#: LeaderWorkerSet: https://lws.sigs.k8s.io. Apart from the others: its pods are those of StatefulSets that its controller makes.
LEADER_WORKER_SET = SetKind(
    group=SetGroup.LEADER_WORKER,
    version="v1",
    kind="LeaderWorkerSet",
    plural="leaderworkersets",
    title="LeaderWorkerSet",
    nicknames=("lws", "leaderworkerset", "leaderworkersets"),
    can=frozenset((Capability.CHANGE, Capability.GROUPS)),
)

#: KubeBlocks: https://kubeblocks.io. Its controller writes all of it from a Component, that from a Cluster.
INSTANCE_SET = SetKind(
    group=SetGroup.KUBEBLOCKS,
    version="v1",
    kind="InstanceSet",
    plural="instancesets",
    title="InstanceSet (KubeBlocks)",
    changed_by="its Cluster, or make an OpsRequest",
    nicknames=("its", "instanceset", "instancesets"),
    can=frozenset((Capability.NAMED,)),
)

#: Strimzi: https://strimzi.io. Its operator writes every pod of it in full, and rolls them itself.
STRIMZI_POD_SET = SetKind(
    group=SetGroup.STRIMZI,
    version="v1beta2",
    or_versions=("v1",),
    kind="StrimziPodSet",
    plural="strimzipodsets",
    title="StrimziPodSet",
    changed_by="its Kafka or KafkaNodePool, or annotate it with strimzi.io/manual-rolling-update=true",
    nicknames=("sps", "strimzipodset", "strimzipodsets"),
    can=frozenset((Capability.NAMED,)),
)

#: Kinds whose pods are not made from one template and a number of replicas, so that not everybody can read them.
OTHER_KINDS = (LEADER_WORKER_SET, INSTANCE_SET, STRIMZI_POD_SET)

ALL_KINDS = (*KINDS, *OTHER_KINDS)

_BY_GROUP = {kind.group.value: kind for kind in ALL_KINDS}


class SetRef(msgspec.Struct, frozen=True, kw_only=True):
    """One set: its kind (group, version, kind), namespace and name. As it was typed it has no namespace: it is in the one that is
    looked in."""

    kind: SetKind = APPS_SET
    namespace: str = ""
    name: str

    @property
    def typed(self) -> str:
        """As it is typed on the command line."""
        return self.kind.command_line(self.name)


def kind_of(item: StatefulSet) -> SetKind:
    """The kind of an object that was read. Lists of built-in kinds leave apiVersion out of their items, lists of custom
    resources never do, so an item without one is of apps/v1."""
    version = item.api_version
    return _BY_GROUP.get(version.partition("/")[0], APPS_SET) if version else APPS_SET


def ref_of(item: StatefulSet) -> SetRef:
    """The set that was read, as it is named."""
    return SetRef(kind=kind_of(item), namespace=item.namespace, name=item.name)


def kind_named(word: str) -> SetKind | None:
    """The kind that a word before a slash means, as kubectl resolves it (``statefulset``, ``statefulsets.v1.apps``,
    ``asts``); None where it means none of these."""
    word = word.lower()
    for kind in ALL_KINDS:
        resources = (kind.kind.lower(), kind.plural)
        versions = (f"{version}.{kind.group}" for version in (kind.version, *kind.or_versions))
        full = {f"{each}.{tail}" for tail in (kind.group.value, *versions) for each in resources}
        if word in kind.nicknames or word in full:
            return kind
    return None
