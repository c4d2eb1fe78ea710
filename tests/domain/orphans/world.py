"""Small random clusters with a history, and an oracle that knows which claims somebody will want.

The oracle shares nothing with the code under test: it is a StatefulSet controller in a few lines, that counts ordinals upwards and
writes out the names of the claims that its pods mount, for the cluster as it is and for every size that it may be given. Names are
drawn from few words, numbers among them, so that they collide all the time.
"""

from dataclasses import dataclass, field
from random import Random

import msgspec

from kubectl_pets.domain.model import (
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
    AutoscalerSpec,
    ClaimInventory,
    ClaimRef,
    HorizontalPodAutoscaler,
    Mounts,
    Named,
    PersistentVolume,
    PersistentVolumeSpec,
    PodUse,
    ScaledObject,
    ScaledObjectSpec,
    ScaleTarget,
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
    stateful_set,
    workload,
)

WORDS = ("a", "b", "web", "data", "0", "1", "2", "10", "x1", "db")
SPACES = ("prod", "test")
#: A set at rest may be given any size; no ordinal in these worlds is larger.
ANY_SIZE = 16
GROUPS = ("apps", "apps", "apps", "kruise", "pingcap")
KINDS = ("deployments", "replicasets", "replicationcontrollers", "daemonsets", "jobs", "cronjobs", "controllerrevisions")
HANDS = ("helm", "kubectl-create", "kubectl-client-side-apply", "velero-server", "manager", "")
RESTORER = "kubectl-pets"
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
        size = size if self.replicas else max(size, ANY_SIZE)
        wanted = {(self.space, name) for name in self.statics}
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
        return found

    def untouchable(self) -> set[Name]:
        """Claims that are not for us to judge by their names, wanted or not."""
        return {
            name
            for name, claim in self.claims.items()
            if claim.owned or claim.kept or claim.terminating or claim.phase == "Lost" or not _is_controllers(claim)
        }

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
        if self.claims and random.random() < 0.3:
            space, name = random.choice(sorted(self.claims))
            self.pods.append((space, self._name(), [name, random.choice(sorted(self.claims))[1]]))
        for claim in self.claims.values():
            self._blemish(claim)

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
        self._live(item)
        if to is self.sets and self.claims and random.random() < 0.15:
            item.statics = [random.choice(sorted(self.claims))[1]]
        if to is self.sets:
            self._run(item)
        elif random.random() < 0.15:  # deleted with --cascade=orphan: its pods stay
            self._run(item)
        to.append(item)

    def _live(self, item: Set) -> None:
        """What its controller made in its time, at the sizes that it has had, and with templates that it has no longer."""
        random = self.random
        was = max(item.replicas, random.randint(0, 6))
        sizes = {*item.ordinals(item.replicas, item.reserved), *item.ordinals(was, item.reserved if random.random() < 0.5 else [])}
        if random.random() < 0.1:
            sizes |= set(range(item.start))
        lost = [self._name()] if random.random() < 0.25 else []
        for ordinal in sizes:
            for template in item.templates + lost:
                name = (item.space, f"{template}-{item.name}-{ordinal}")
                made = Claim(*name, labels=item.labels, maker=CONTROLLER)
                if random.random() < 0.1:  # deleted and restored, from a record or from its volume alone
                    made.maker, made.note = RESTORER, random.choice((CONTROLLER, CONTROLLER, ""))
                self.claims.setdefault(name, made)

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
        chance = self.random.random()
        claim.owned = chance < 0.04
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

    # --- as it is read -------------------------------------------------------------------------------------------------------

    def estate(self) -> ClaimInventory:
        sets: dict[str, list[StatefulSet]] = {"apps": [], "kruise": [], "pingcap": []}
        for item in self.sets:
            sets[item.group].append(self._set(item))
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
            ),
            scaled_objects=tuple(
                ScaledObject(
                    metadata=ObjectMeta(name="keda", namespace=item.space),
                    spec=ScaledObjectSpec(scale_target_ref=_target(item), max_replica_count=item.scaled_object),
                )
                for item in self.sets
                if item.scaled_object
            ),
            volumes=volumes,
            users={space: self._users(space) for space in SPACES},
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
        )

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
            PodUse(metadata=Named(name=name, namespace=space), spec=Mounts(volumes=mounts(*claims)))
            for where, name, claims in self.pods
            if where == space
        )
        return Workloads({**NOBODY.read, **made, "pods": pods})


def _target(item: Set) -> ScaleTarget:
    return ScaleTarget(api_version="apps/v1", kind="StatefulSet", name=item.name)


def _is_controllers(claim: Claim) -> bool:
    """Made by the controller, or made again after one that was."""
    return claim.maker == CONTROLLER or (claim.maker, claim.note) == (RESTORER, CONTROLLER)


def _claim(claim: Claim) -> PersistentVolumeClaim:
    fields: tuple[ManagedFieldsEntry, ...] = MADE[claim.maker]
    key = f"{claim.space}/{claim.name}"
    return PersistentVolumeClaim(
        metadata=ObjectMeta(
            name=claim.name,
            namespace=claim.space,
            uid=key,
            labels=claim.labels,
            managed_fields=fields,
            deletion_timestamp=NOW if claim.terminating else None,
            annotations=({"kubectl-pets/keep": "ann: still needed"} if claim.kept else {})
            | ({"kubectl-pets/created-by": claim.note} if claim.note else {}),
            owner_references=(OwnerReference(kind="Backup", name="b", uid="u"),) if claim.owned else (),
        ),
        spec=PersistentVolumeClaimSpec(volume_name=f"pv-{key}" if claim.volume else ""),
        status=PersistentVolumeClaimStatus(phase=claim.phase),
    )


def _volume(key: PersistentVolumeClaim, claim: Claim) -> PersistentVolume | None:
    if claim.volume == "missing":
        return None
    uid = key.metadata.uid if claim.volume == "there" else "another"
    held = ClaimRef(namespace=claim.space, name=claim.name, uid=uid)
    spec = PersistentVolumeSpec(claim_ref=held, persistent_volume_reclaim_policy="Delete")
    return PersistentVolume(metadata=ObjectMeta(name=key.spec.volume_name), spec=spec)
