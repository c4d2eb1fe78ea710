"""Small random clusters with a history, and an oracle that knows which claims somebody will want.

The oracle shares nothing with the code under test: it is a StatefulSet controller in a few lines, that counts ordinals upwards and
writes out the names of the claims that its pods mount, for the cluster as it is and for every size that it may be given; another
in a few lines for LeaderWorkerSets; and a memory of who made which claim, and of who will make a set again. Names are drawn from
few words, numbers among them, so that they collide all the time.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import msgspec

from kubectl_pets.domain.model import (
    ClaimTemplate,
    Condition,
    DataSource,
    ManagedFieldsEntry,
    ObjectMeta,
    OwnerReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    StatefulSet,
    Volume,
)
from kubectl_pets.domain.orphans.inventory import (
    WORKLOADS,
    AutoscalerSpec,
    ClaimInventory,
    ClaimRef,
    CustomScaler,
    CustomUse,
    Deployed,
    GroupRollingUpdate,
    GroupRolloutStrategy,
    HorizontalPodAutoscaler,
    LeaderWorkerSet,
    LeaderWorkerSetSpec,
    LeaderWorkerTemplate,
    Mounts,
    Named,
    PersistentVolume,
    PersistentVolumeSpec,
    PodLabels,
    PodUse,
    ScaledObject,
    ScaledObjectSpec,
    ScaleTarget,
    Unreadable,
    Workload,
    Workloads,
)
from tests.domain.orphans.builders import (
    CONTROLLER,
    NOBODY,
    NOW,
    cron_job,
    ephemeral,
    managed,
    mounts,
    revision,
    searched,
    stateful_set,
    workload,
)

WORDS = ("a", "b", "web", "data", "0", "1", "2", "10", "x1", "db")
SPACES = ("prod", "test")
#: A set at rest may be given any size; no ordinal in these worlds is larger.
ANY_SIZE = 16
GROUPS = ("apps", "apps", "apps", "kruise", "pingcap")
KINDS = tuple(row.plural for row in WORKLOADS if row.plural != "pods")
HANDS = ("helm", "kubectl-create", "kubectl-client-side-apply", "velero-server", "manager", "")
RESTORER = "kubectl-pets"
LWS_LABEL = "leaderworkerset.sigs.k8s.io/name"
MADE = {name: managed(name) if name else () for name in (*HANDS, CONTROLLER, RESTORER)}

Name = tuple[str, str]


@dataclass
class Set:
    """A StatefulSet, with what the oracle needs to play its controller."""

    space: str
    name: str
    templates: list[str]
    replicas: int
    labels: dict[str, str]
    start: int = 0
    reserved: list[int] = field(default_factory=list)
    group: str = "apps"
    autoscaler: int = 0
    scaled_object: int = 0
    original: int = 0
    statics: list[str] = field(default_factory=list)
    ephemeral: str = ""
    #: The claim that the volumes of each new pod are cloned from.
    cloned: str = ""
    #: Something other than an HPA or a ScaledObject scales it: to any size.
    custom_scaled: bool = False
    #: A custom resource that controls it, and whether an autoscaler scales that one: then the set may get any size, too.
    owner: str = ""
    owner_scaled: bool = False
    #: Made again minutes ago, after all of these claims, from a manifest that may lack templates and replicas of theirs.
    young: bool = False

    def ordinals(self, replicas: int, reserved: list[int]) -> list[int]:
        """The controller's loop: count up from the first ordinal, leave out the reserved ones, until there are enough."""
        found: list[int] = []
        ordinal = self.start
        while len(found) < replicas:
            if ordinal not in reserved:
                found.append(ordinal)
            ordinal += 1
        return found

    def mounted_by(self, ordinal: int) -> set[Name]:
        names = {f"{template}-{self.name}-{ordinal}" for template in self.templates} | set(self.statics)
        if self.ephemeral:
            names.add(f"{self.name}-{ordinal}-{self.ephemeral}")
        return {(self.space, name) for name in names}

    def will_mount(self) -> set[Name]:
        """By all pods of all sizes that it may come to have, with its holes and without."""
        size = max(self.replicas, self.autoscaler, self.scaled_object, self.original)
        if not self.replicas or self.custom_scaled or self.owner_scaled:
            size = max(size, ANY_SIZE)
        wanted = {(self.space, name) for name in (*self.statics, self.cloned)}
        for ordinal in {*self.ordinals(size, self.reserved), *self.ordinals(size, [])}:
            wanted |= self.mounted_by(ordinal)
        return wanted


@dataclass
class Claim:
    space: str
    name: str
    labels: dict[str, str]
    maker: str
    owned: bool = False
    kept: bool = False
    terminating: bool = False
    phase: str = "Bound"
    volume: str = "there"
    #: Who is noted on it as its maker.
    note: str = ""
    backup: bool = False
    tracked: bool = False
    resizing: bool = False
    #: Marked by this program, which makes its set again.
    recreating: bool = False
    #: A controller has a finalizer on it.
    guarded: bool = False
    #: Its managed fields are another claim's, from before it.
    copied: bool = False
    #: It cannot be decoded.
    garbled: bool = False
    #: It is being filled from the claim of that name.
    source: str = ""
    #: No pod has used it since a few minutes ago.
    young: bool = False
    #: Made a few minutes ago.
    new: bool = False


@dataclass
class Groups:
    """A LeaderWorkerSet, with what the oracle needs to play its controller."""

    space: str
    name: str
    template: str
    replicas: int
    size: int
    surge: int = 0
    autoscaler: int = 0
    #: Groups whose worker set is there now.
    there: list[int] = field(default_factory=list)

    def mounted_at(self, groups: int) -> set[Name]:
        pods = [f"{self.name}-{group}" for group in range(groups)]
        pods += [f"{pod}-{worker}" for pod in pods for worker in range(1, self.size)]
        return {(self.space, f"{self.template}-{pod}") for pod in pods}

    def will_mount(self) -> set[Name]:
        size = max(self.replicas, self.autoscaler) if self.replicas else max(self.autoscaler, ANY_SIZE)
        return self.mounted_at(size + self.surge)


@dataclass
class Maker:
    """A custom resource that makes sets, and takes them away again; which is what an autoscaler may have it do."""

    space: str
    name: str
    lives: bool
    scaled: bool = False


@dataclass
class World:
    random: Random
    sets: list[Set] = field(default_factory=list)
    gone: list[Set] = field(default_factory=list)
    claims: dict[Name, Claim] = field(default_factory=dict)
    #: Namespace, name of the pod, claims.
    pods: list[tuple[str, str, list[str]]] = field(default_factory=list)
    #: Namespace, kind, name, claims, ephemeral volume.
    workloads: list[tuple[str, str, str, list[str], str]] = field(default_factory=list)
    groups: list[Groups] = field(default_factory=list)
    makers: list[Maker] = field(default_factory=list)
    #: Namespace, name, the claim that it names: any other custom resource.
    resources: list[tuple[str, str, str]] = field(default_factory=list)
    #: Claims of sets that are gone and that somebody will make again: a maker, or whoever deleted one with its pods or revisions
    #: left; and those that a maker makes again when it is scaled.
    returning: set[Name] = field(default_factory=set)
    scaled: set[Name] = field(default_factory=set)
    #: Namespace and name of sets of which a ControllerRevision is left.
    revisions: list[Name] = field(default_factory=list)
    #: Pods that nobody owns.
    orphaned: set[Name] = field(default_factory=set)
    #: Claims of sets that went minutes ago, with nothing left of them, or that were made again minutes ago from another manifest,
    #: and that come back as they were: they may be candidates, but take a word more to be deleted. So do claims that were brought
    #: back minutes ago.
    away: set[Name] = field(default_factory=set)
    #: Namespace, and name of a set or pod that was there minutes ago, as events tell.
    told: set[Name] = field(default_factory=set)
    #: Claims of ephemeral volumes whose owner was taken off.
    loose: set[Name] = field(default_factory=set)
    #: Namespace, kind and name of what scales a set that is gone.
    waiting: list[tuple[str, str, str]] = field(default_factory=list)
    #: Namespaces with an object that cannot be decoded, and with kinds that may not be read: whatever these want is unknown.
    garbled: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)

    @classmethod
    def grown(cls, seed: object) -> "World":
        world = cls(Random(f"{seed}"))
        world._grow()
        return world

    # --- the oracle ----------------------------------------------------------------------------------------------------------

    def wanted(self) -> set[Name]:
        """Claims that a pod mounts, or would at any size or run that the cluster's own objects allow for."""
        found = {(space, name) for space, _, names in self.pods for name in names}
        for item in self.sets:
            found |= item.will_mount()
        for space, _, name, names, scratch in self.workloads:
            found |= {(space, claim) for claim in names}
            if scratch:
                found.add((space, f"{name}-x7k2p-{scratch}"))
        for groups in self.groups:
            found |= groups.will_mount()
        found |= {(space, claim) for space, _, claim in self.resources}
        found |= {(claim.space, claim.source) for claim in self.claims.values() if claim.source}
        return found | self.scaled

    def untouchable(self) -> set[Name]:
        """Claims that are not for us to judge by their names, wanted or not."""
        return {
            name
            for name, claim in self.claims.items()
            if claim.owned or claim.kept or claim.terminating or claim.phase == "Lost" or not _is_controllers(claim)
            or claim.backup or claim.tracked or claim.resizing or claim.recreating or claim.guarded or claim.copied or claim.garbled
            or claim.space in self.garbled | self.unread
        } | self.returning | self.loose

    # --- growing -------------------------------------------------------------------------------------------------------------

    def _grow(self) -> None:
        random = self.random
        self.words = random.sample(WORDS, 4)
        for _ in range(random.randint(0, 3)):
            self._add_set(self.sets)
        for _ in range(random.randint(0, 2)):
            self._add_set(self.gone)
        for _ in range(random.randint(0, 2)):
            self._add_by_hand()
        for _ in range(random.choice((0, 0, 1, 2))):
            self._add_workload()
        for chance, add in ((0.2, self._add_groups), (0.25, self._add_maker)):
            if random.random() < chance:
                add()
        if self.claims and random.random() < 0.25:
            space, name = random.choice(sorted(self.claims))
            self.resources.append((space, self._name(), name))
        if self.claims and random.random() < 0.3:
            space, name = random.choice(sorted(self.claims))
            self.pods.append((space, self._name(), [name, random.choice(sorted(self.claims))[1]]))
        for chance, add in ((0.1, self._add_loose), (0.15, self._add_copy), (0.15, self._clone), (0.04, self._garble), (0.04, self._forbid)):
            if random.random() < chance:
                add()
        for claim in self.claims.values():
            self._blemish(claim)

    def _garble(self) -> None:
        self.garbled.add(self.random.choice(SPACES))

    def _forbid(self) -> None:
        self.unread.add(self.random.choice(SPACES))

    def _add_copy(self) -> None:
        """A claim that is being filled from another one."""
        if not self.claims:
            return
        space, name = self.random.choice(sorted(self.claims))
        copy = (space, f"copy-of-{self._name()}-0")
        self.claims.setdefault(copy, Claim(*copy, labels={}, maker="manager", phase="Pending", volume="", source=name))

    def _clone(self) -> None:
        """A live set whose new volumes are cloned from a claim."""
        found = [(item, name) for item in self.sets for space, name in sorted(self.claims) if space == item.space]
        if found:
            item, name = self.random.choice(found)
            item.cloned = name

    def _name(self) -> str:
        return "-".join(self.random.choices(self.words, k=self.random.choice((1, 1, 2, 2, 3))))

    def _split(self) -> tuple[str, str]:
        """Template and set; often another split of a name that there is already."""
        random = self.random
        known = self.sets + self.gone
        if known and random.random() < 0.4:
            other = random.choice(known)
            words = f"{random.choice(other.templates)}-{other.name}".split("-")
            at = random.randint(1, len(words) - 1)
            return "-".join(words[:at]), "-".join(words[at:])
        return self._name(), self._name()

    def _add_set(self, to: list[Set]) -> None:
        random = self.random
        template, name = self._split()
        item = Set(
            space=SPACES[random.random() < 0.15],
            name=name,
            templates=list({template, self._name()}) if random.random() < 0.3 else [template],
            replicas=random.choice((0, 1, 1, 2, 3)),
            labels=random.choice(({"app": name}, {"app": "x"}, {"app": "x"}, {"app": "x", "of": name}, {})),
            group=random.choice(GROUPS),
        )
        if any((item.space, item.name, item.group) == (has.space, has.name, has.group) for has in self.sets):
            return
        if random.random() < 0.25 and item.group != "pingcap":
            item.start = random.choice((1, 2, 5))
        if item.group != "apps" and random.random() < 0.5:
            item.reserved = sorted(random.sample(range(8), random.randint(1, 3)))
        if random.random() < 0.3:
            setattr(item, random.choice(("autoscaler", "scaled_object", "original")), random.randint(1, 6))
        if random.random() < 0.15:
            item.ephemeral = random.choice(("v", "v-1", "0"))
        item.custom_scaled = random.random() < 0.05
        if random.random() < 0.15:
            item.owner, item.owner_scaled = f"own-{self._name()}", random.random() < 0.5
        before = set(self.claims)
        self._live(item, to)
        if to is self.sets and self.claims and random.random() < 0.15:
            item.statics = [random.choice(sorted(self.claims))[1]]
        if to is self.sets:
            self._run(item)
        else:
            self._go(item, {name for name in self.claims if name not in before})
        to.append(item)

    def _go(self, item: Set, claims: set[Name]) -> None:
        """The set is gone, with these claims of its own left: for good, or to be made again. Where one of its name lives, that is
        it; and a live set that the names and labels of its claims fit has taken them over."""
        random = self.random
        way = random.random()
        if way < 0.2:  # deleted with --cascade=orphan: its pods stay, or, at 0, its revisions
            self.returning |= claims
            pods = len(self.pods)
            if random.random() < 0.6:
                self._run(item)
            self.orphaned |= {(space, pod) for space, pod, _ in self.pods[pods:]}
            if len(self.pods) == pods or random.random() < 0.3:
                self.revisions.append((item.space, item.name))
            return
        if any((live.space, live.name) == (item.space, item.name) for live in self.sets):
            return
        claims = {name for name in claims if not any(_has(live, name) for live in self.sets)}
        untaken = {name for name in claims if not any(_takes(live, self.claims[name]) for live in self.sets)}
        if way < 0.3:  # deleted at 0, to be made again: its autoscaler stays
            self.returning |= claims
            self.waiting.append((item.space, random.choice(("hpa", "keda", "cron", "deployer")), item.name))
        elif way < 0.35 and untaken:  # its maker owns one of them
            self.returning |= untaken
            self.claims[random.choice(sorted(untaken))].owned = True
        elif way < 0.45:
            self.away |= claims
            if random.random() < 0.5:  # a server that says nothing of unused claims
                self.told |= {(item.space, f"{item.name}-{name.rpartition('-')[2]}") for _, name in claims}
                return
            for name in claims:
                self.claims[name].young = True

    def _add_loose(self) -> None:
        """Of a pod's generic ephemeral volume; the owner was taken off, and the pod is gone."""
        pod = self.random.choice(("eph-0", "eph-x-3", "eph-6d4b9c7f5-x7k2p"))
        for volume in ("v-0", "cache-1"):
            key = (SPACES[0], f"{pod}-{volume}")
            self.claims[key] = Claim(*key, labels={"app": "x"}, maker=CONTROLLER)
            self.loose.add(key)

    def _add_groups(self) -> None:
        """A LeaderWorkerSet with a history; its leader set and worker sets are there or being made again."""
        random = self.random
        template, name = self._split()
        item = Groups(
            space=SPACES[0],
            name=name,
            template=template,
            replicas=random.choice((0, 1, 2, 2)),
            size=random.choice((1, 2, 3)),
            surge=random.choice((0, 0, 1, 2)),
            autoscaler=random.choice((0, 0, 0, 3)),
        )
        if any(each.space == item.space and each.name.startswith(item.name) for each in self.sets):
            return
        labels = {LWS_LABEL: name}
        was = max(item.replicas + item.surge, random.randint(0, 5))
        for key in item.mounted_at(was):
            self.claims.setdefault(key, Claim(*key, labels=labels, maker=CONTROLLER))
        for group in range(item.replicas):
            if random.random() < 0.6:
                item.there.append(group)
        self.groups.append(item)

    def _add_maker(self) -> None:
        """An operator's custom resource, with a set of its own that is gone: it comes back with the size, or when it is next
        looked after, while the resource lives. Its claims tell whose they are by a label or by their names alone."""
        random = self.random
        maker = Maker(SPACES[0], f"op-{self._name()}", lives=random.random() < 0.8, scaled=random.random() < 0.4)
        name = f"{maker.name}-{random.choice(('shard-1', 'x', 'shard'))}"
        named = random.random() < 0.5
        labels = {"app": "x"} if named else {"app": "x", random.choice(("made-by", "prometheus")): maker.name}
        made = {(maker.space, f"{self._name()}-{name}-{ordinal}") for ordinal in range(random.randint(1, 3))}
        for key in made - set(self.claims):
            self.claims[key] = Claim(*key, labels=labels, maker=CONTROLLER)
            if maker.scaled:
                self.scaled.add(key)
            elif maker.lives:
                self.returning.add(key)
        self.makers.append(maker)

    def _live(self, item: Set, to: list[Set]) -> None:
        """What its controller made in its time, at the sizes that it has had, and with templates that it has no longer."""
        random = self.random
        was = max(item.replicas, random.randint(0, 6))
        sizes = {*item.ordinals(item.replicas, item.reserved), *item.ordinals(was, item.reserved if random.random() < 0.5 else [])}
        if random.random() < 0.1:
            sizes |= set(range(item.start))
        lost = [self._name()] if random.random() < 0.25 else []
        item.young = to is self.sets and random.random() < 0.2
        for ordinal in sizes:
            for template in item.templates + lost:
                name = (item.space, f"{template}-{item.name}-{ordinal}")
                if item.young:
                    self.away.add(name)
                made = Claim(*name, labels=item.labels, maker=CONTROLLER)
                if random.random() < 0.1:  # deleted and restored, from a record or from its volume alone
                    made.maker, made.note = RESTORER, random.choice((CONTROLLER, CONTROLLER, ""))
                    made.new = random.random() < 0.2
                if self.claims.setdefault(name, made).new:
                    self.away.add(name)

    def _run(self, item: Set) -> None:
        for ordinal in item.ordinals(item.replicas, item.reserved):
            if self.random.random() < 0.85:
                names = [name for _, name in item.mounted_by(ordinal)]
                self.pods.append((item.space, f"{item.name}-{ordinal}", names))

    def _add_by_hand(self) -> None:
        """For whatever reason: for a Deployment, by a chart, restored from a backup, or laid out for a set to adopt."""
        random = self.random
        template, name = self._split()
        known = random.choice(self.sets + self.gone).labels if self.sets or self.gone else {"app": "x"}
        label = random.choice((known, {"app": "x"}, {}))
        maker = random.choice(HANDS)
        space = SPACES[random.random() < 0.15]
        for ordinal in random.sample(("0", "1", "2", "3", "7", "01", "a"), random.randint(1, 3)):
            key = (space, f"{template}-{name}-{ordinal}")
            copied = CONTROLLER if random.random() < 0.2 else ""  # from the manifest of one that came back
            self.claims.setdefault(key, Claim(*key, labels=label, maker=maker, note=copied))

    def _add_workload(self) -> None:
        random = self.random
        names = sorted(self.claims)
        space, claim = random.choice(names) if names and random.random() < 0.8 else (SPACES[0], self._name())
        scratch = random.choice(("", "", "v", "v-1"))
        name = self._name()
        kind = random.choice(KINDS)
        if scratch and kind != "controllerrevisions" and random.random() < 0.5:
            key = (space, f"{name}-x7k2p-{scratch}")
            self.claims.setdefault(key, Claim(*key, labels={"app": "x"}, maker=CONTROLLER))
        self.workloads.append((space, kind, name, [claim] if random.random() < 0.9 else [], scratch if kind != "controllerrevisions" else ""))

    def _blemish(self, claim: Claim) -> None:
        if claim.source:
            return
        chance = self.random.random()
        claim.owned = claim.owned or chance < 0.04
        claim.kept = 0.04 <= chance < 0.08
        claim.terminating = 0.08 <= chance < 0.11
        if 0.11 <= chance < 0.13:
            claim.phase = "Lost"
        elif 0.13 <= chance < 0.16:
            claim.phase, claim.volume = "Pending", ""
        elif 0.16 <= chance < 0.18:
            claim.volume = "missing"
        elif 0.18 <= chance < 0.20:
            claim.volume = "another's"
        claim.backup = 0.20 <= chance < 0.22 and not claim.owned
        claim.tracked = 0.22 <= chance < 0.24
        claim.resizing = 0.24 <= chance < 0.26
        claim.recreating = 0.26 <= chance < 0.27
        claim.copied = 0.27 <= chance < 0.29
        claim.garbled = 0.29 <= chance < 0.30
        claim.guarded = 0.30 <= chance < 0.32

    # --- as it is read -------------------------------------------------------------------------------------------------------

    def estate(self) -> ClaimInventory:
        sets: dict[str, list[StatefulSet]] = {"apps": [], "kruise": [], "pingcap": []}
        for item in self.sets:
            sets[item.group].append(self._set(item))
        for groups in self.groups:
            sets["apps"] += _sets_of(groups)
        claims = tuple(_claim(claim) for claim in self.claims.values())
        volumes = {}
        for key, claim in zip(claims, self.claims.values(), strict=True):
            if key.spec.volume_name:
                volumes[key.spec.volume_name] = _volume(key, claim)
        return ClaimInventory(
            claims=claims,
            sets=tuple(sets["apps"]),
            kruise_sets=tuple(sets["kruise"]),
            pingcap_sets=tuple(sets["pingcap"]),
            autoscalers=tuple(
                HorizontalPodAutoscaler(
                    metadata=ObjectMeta(name="hpa", namespace=item.space),
                    spec=AutoscalerSpec(scale_target_ref=_target(item), max_replicas=item.autoscaler),
                )
                for item in self.sets
                if item.autoscaler
            )
            + tuple(
                HorizontalPodAutoscaler(
                    metadata=ObjectMeta(name="hpa", namespace=groups.space),
                    spec=AutoscalerSpec(scale_target_ref=ScaleTarget(kind="LeaderWorkerSet", name=groups.name), max_replicas=groups.autoscaler),
                )
                for groups in self.groups
                if groups.autoscaler
            )
            + tuple(
                HorizontalPodAutoscaler(
                    metadata=ObjectMeta(name="hpa", namespace=maker.space),
                    spec=AutoscalerSpec(scale_target_ref=ScaleTarget(kind="Prometheus", name=maker.name), max_replicas=3),
                )
                for maker in self.makers
                if maker.scaled
            )
            + tuple(
                HorizontalPodAutoscaler(
                    metadata=ObjectMeta(name="hpa", namespace=item.space),
                    spec=AutoscalerSpec(scale_target_ref=ScaleTarget(kind="Owner", name=item.owner), max_replicas=3),
                )
                for item in self.sets
                if item.owner_scaled
            )
            + tuple(
                HorizontalPodAutoscaler(
                    metadata=ObjectMeta(name="hpa", namespace=space),
                    spec=AutoscalerSpec(scale_target_ref=ScaleTarget(kind="StatefulSet", name=name), max_replicas=2),
                )
                for space, kind, name in self.waiting
                if kind == "hpa"
            ),
            scaled_objects=tuple(
                ScaledObject(
                    metadata=ObjectMeta(name="keda", namespace=item.space),
                    spec=ScaledObjectSpec(scale_target_ref=_target(item), max_replica_count=item.scaled_object),
                )
                for item in self.sets
                if item.scaled_object
            )
            + tuple(
                ScaledObject(
                    metadata=ObjectMeta(name="keda", namespace=space),
                    spec=ScaledObjectSpec(scale_target_ref=ScaleTarget(kind="StatefulSet", name=name)),
                )
                for space, kind, name in self.waiting
                if kind == "keda"
            ),
            volumes=volumes,
            users={space: self._users(space) for space in SPACES},
            leader_worker_sets=tuple(map(_leader_worker_set, self.groups)),
            custom={space: self._custom(space, claims) for space in SPACES},
            told={space: {name: NOW - timedelta(minutes=9) for where, name in self.told if where == space} for space in SPACES},
            deployed=Deployed(listed=self._listed()),
            unreadable=tuple(Unreadable("cronjobs", space, "garbled") for space in sorted(self.garbled)),
        )

    def _set(self, item: Set) -> StatefulSet:
        annotations = {}
        reserve: tuple[int | str, ...] = ()
        if item.group == "pingcap" and item.reserved:
            annotations["delete-slots"] = msgspec.json.encode(item.reserved).decode()
        elif len(item.reserved) > 1 and item.reserved[-1] - item.reserved[0] == len(item.reserved) - 1:
            reserve = (f"{item.reserved[0]}-{item.reserved[-1]}",)
        else:
            reserve = tuple(item.reserved)
        if item.original:
            annotations["downscaler/original-replicas"] = str(item.original)
        volumes: tuple[Volume, ...] = mounts(*item.statics) if item.statics else ()
        if item.ephemeral:
            volumes += ephemeral(item.ephemeral)
        return stateful_set(
            item.name,
            item.replicas,
            *item.templates,
            namespace=item.space,
            start=item.start,
            reserve=reserve,
            labels=item.labels,
            annotations=annotations,
            volumes=volumes,
            cloned=item.cloned,
            owners=(OwnerReference(kind="Owner", name=item.owner, uid="o", controller=True),) if item.owner else (),
            made=NOW - (timedelta(minutes=9) if item.young else timedelta(days=90)),
        )

    def _custom(self, space: str, claims: tuple[PersistentVolumeClaim, ...]) -> CustomUse:
        return searched(
            *(claim for claim in claims if claim.namespace == space),
            named={claim: f"VirtualMachine/{name}" for where, name, claim in self.resources if where == space},
            living={maker.name: f"Prometheus/{maker.name}" for maker in self.makers if maker.lives and maker.space == space},
            scalers=(
                *(CustomScaler("Cron/c", _target(item)) for item in self.sets if item.custom_scaled and item.space == space),
                *(
                    CustomScaler("Cron/w", ScaleTarget(kind="StatefulSet", name=name))
                    for where, kind, name in self.waiting
                    if kind == "cron" and where == space
                ),
            ),
            not_read=("virtualmachines.kubevirt.io",) if space in self.unread else (),
        )

    def _listed(self) -> dict[str, dict[str, str]]:
        """By namespace, the sets that a deployer in another one lists."""
        found: dict[str, dict[str, str]] = {}
        for space, kind, name in self.waiting:
            if kind == "deployer":
                found.setdefault(space, {})[f"StatefulSet/{name}"] = "Application/shop in namespace argocd"
        return found

    def _users(self, space: str) -> Workloads:
        made: dict[str, tuple[PodUse | Workload, ...]] = {}
        for where, kind, name, claims, scratch in self.workloads:
            if where == space:
                volumes = mounts(*claims) + (ephemeral(scratch) if scratch else ())
                if kind == "cronjobs":
                    item = cron_job(name, *volumes)
                else:
                    item = revision(f"{name}-6f5c", *volumes) if kind == "controllerrevisions" else workload(name, *volumes)
                made[kind] = (*made.get(kind, ()), item)
        pods = tuple(
            PodUse(metadata=_pod(space, name, owned=(space, name) not in self.orphaned), spec=Mounts(volumes=mounts(*claims)))
            for where, name, claims in self.pods
            if where == space
        )
        left = tuple(revision(f"{name}-7d9f") for where, name in self.revisions if where == space)
        owned = (OwnerReference(kind="StatefulSet", name="w", uid="u", controller=True),)
        kept = tuple(_owned(item, owned) for item in made.pop("controllerrevisions", ()))
        return Workloads({**NOBODY.read, **made, "pods": pods, "controllerrevisions": (*kept, *left)})


def _has(item: Set, name: Name) -> bool:
    """Whether the name is one that the set makes, at some size."""
    return name[0] == item.space and name[1].rpartition("-")[0] in {f"{template}-{item.name}" for template in item.templates}


def _takes(item: Set, claim: Claim) -> bool:
    stem = claim.name.rpartition("-")[0]
    return claim.space == item.space and stem.endswith(f"-{item.name}") and item.labels.items() <= claim.labels.items()


def _pod(space: str, name: str, *, owned: bool) -> Named:
    owners = (OwnerReference(kind="StatefulSet", name=name.rpartition("-")[0], uid="u", controller=True),)
    return Named(name=name, namespace=space, labels=PodLabels(pod_name=name), owner_references=owners if owned else ())


def _owned(item: PodUse | Workload, owners: tuple[OwnerReference, ...]) -> PodUse | Workload:
    return msgspec.structs.replace(item, metadata=msgspec.structs.replace(item.metadata, owner_references=owners))


def _leader_worker_set(item: Groups) -> LeaderWorkerSet:
    template = LeaderWorkerTemplate(size=item.size, volume_claim_templates=(ClaimTemplate(metadata=ObjectMeta(name=item.template)),))
    return LeaderWorkerSet(
        metadata=ObjectMeta(name=item.name, namespace=item.space),
        spec=LeaderWorkerSetSpec(
            replicas=item.replicas,
            leader_worker_template=template,
            rollout_strategy=GroupRolloutStrategy(rolling_update_configuration=GroupRollingUpdate(max_surge=item.surge)),
        ),
    )


def _sets_of(item: Groups) -> list[StatefulSet]:
    """The leader set, with ordinals from 0, and the worker sets that are there, with ordinals from 1."""
    labels = {LWS_LABEL: item.name}
    owner = (OwnerReference(kind="LeaderWorkerSet", name=item.name, uid="l", controller=True),)
    leaders = stateful_set(item.name, item.replicas, item.template, namespace=item.space, labels=labels, owners=owner)
    return [leaders] + [
        stateful_set(f"{item.name}-{group}", item.size - 1, item.template, namespace=item.space, labels=labels, start=1)
        for group in item.there
    ]


def _target(item: Set) -> ScaleTarget:
    return ScaleTarget(api_version="apps/v1", kind="StatefulSet", name=item.name)


def _is_controllers(claim: Claim) -> bool:
    """Made by the controller, or made again after one that was."""
    return claim.maker == CONTROLLER or (claim.maker, claim.note) == (RESTORER, CONTROLLER)


def _claim(claim: Claim) -> PersistentVolumeClaim:
    fields: tuple[ManagedFieldsEntry, ...] = MADE[claim.maker]
    if claim.copied:
        fields = tuple(msgspec.structs.replace(entry, time=NOW - timedelta(days=99)) for entry in fields)
    conditions: tuple[Condition, ...] = (Condition(type="Resizing", status="True"),) if claim.resizing else ()
    if claim.young:
        conditions += (Condition(type="Unused", status="True", last_transition_time=NOW - timedelta(minutes=9)),)
    key = f"{claim.space}/{claim.name}"
    return PersistentVolumeClaim(
        metadata=ObjectMeta(
            name=claim.name,
            namespace=claim.space,
            uid=key,
            labels=claim.labels | ({"velero.io/restore-name": "r"} if claim.backup else {}),
            managed_fields=fields,
            creation_timestamp=NOW - (timedelta(minutes=9) if claim.new else timedelta(days=90)),
            deletion_timestamp=NOW if claim.terminating else None,
            finalizers=("kubernetes.io/pvc-protection", *(("replication.example.org/claim",) if claim.guarded else ())),
            annotations=({"kubectl-pets/keep": "ann: still needed"} if claim.kept else {})
            | ({"kubectl-pets/recreating": "resize"} if claim.recreating else {})
            | ({"kubectl-pets/created-by": claim.note} if claim.note else {})
            | ({"argocd.argoproj.io/tracking-id": "web:/PersistentVolumeClaim:x"} if claim.tracked else {}),
            owner_references=(OwnerReference(kind="Backup", name="b", uid="u"),) if claim.owned else (),
        ),
        spec=PersistentVolumeClaimSpec(
            volume_name=f"pv-{key}" if claim.volume else "",
            data_source=DataSource(kind="PersistentVolumeClaim", name=claim.source) if claim.source else None,
        ),
        status=PersistentVolumeClaimStatus(phase=claim.phase, conditions=conditions),
        unreadable="it is garbled" if claim.garbled else "",
    )


def _volume(key: PersistentVolumeClaim, claim: Claim) -> PersistentVolume | None:
    if claim.volume == "missing":
        return None
    uid = key.metadata.uid if claim.volume == "there" else "another"
    held = ClaimRef(namespace=claim.space, name=claim.name, uid=uid)
    spec = PersistentVolumeSpec(claim_ref=held, persistent_volume_reclaim_policy="Delete")
    return PersistentVolume(metadata=ObjectMeta(name=key.spec.volume_name), spec=spec)
