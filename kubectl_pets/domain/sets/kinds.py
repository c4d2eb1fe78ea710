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


class SetKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of set as the API knows it (group, version, kind, plural), and what it can do."""

    group: SetGroup
    version: str
    kind: str = "StatefulSet"
    plural: str = "statefulsets"
    #: In sentences.
    title: str
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

_BY_GROUP = {kind.group.value: kind for kind in (*KINDS, LEADER_WORKER_SET)}


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
    return _BY_GROUP.get(item.api_version.partition("/")[0], APPS_SET)


def ref_of(item: StatefulSet) -> SetRef:
    """The set that was read, as it is named."""
    return SetRef(kind=kind_of(item), namespace=item.namespace, name=item.name)


def kind_named(word: str) -> SetKind | None:
    """The kind that a word before a slash means, as kubectl resolves it (``statefulset``, ``statefulsets.v1.apps``,
    ``asts``); None where it means none of these."""
    word = word.lower()
    for kind in (*KINDS, LEADER_WORKER_SET):
        resources = (kind.kind.lower(), kind.plural)
        full = {f"{each}.{tail}" for each in resources for tail in (kind.group.value, f"{kind.version}.{kind.group}")}
        if word in kind.nicknames or word in full:
            return kind
    return None
