"""Scaling: the plan against what the simulated controller really does, the verdict against its pods, and every rule by itself."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.changes import Operation
from kubectl_pets.domain.model import (
    ClaimRetentionPolicy,
    Condition,
    ManagedFieldsEntry,
    ObjectMeta,
    OwnerReference,
    PersistentVolumeClaim,
    Pod,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.orphans.findings import EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import (
    AutoscalerSpec,
    HorizontalPodAutoscaler,
    PersistentVolume,
    ScaledObject,
    ScaledObjectSpec,
    ScaleTarget,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.safety.quorum import majority
from kubectl_pets.domain.scale.claim_effects import Coming, own_claims, wanted_by_others
from kubectl_pets.domain.scale.plan import change, plan
from kubectl_pets.domain.scale.progress import ScaleProgress, progress
from kubectl_pets.domain.scale.replica_owners import OwnerKind, Will
from kubectl_pets.domain.scale.types import Caution, ClaimEffect, ScaleRefusedReason, Scaling, Surroundings, Warning
from tests.domain.builders import NEW, NOW, OLD, UID, failing, leaving, pod, snapshot, snapshots, statefulset, unready
from tests.domain.closed_loop import BAD, GOOD, SEEDS, SLOW, histories, worlds
from tests.domain.controller import World
from tests.domain.examples import cases
from tests.domain.orphans.builders import DAY, claim, cron_job, estate, mounts
from tests.domain.orphans.builders import pod as pod_use
from tests.domain.orphans.builders import users, volume

NOTHING = Surroundings(claims=(), volumes={}, autoscalers=(), scaled_objects=())


# --- against the simulated controller ----------------------------------------------------------------------------------------


def planned_for(world: World, replicas: int) -> Scaling:
    return plan(world.owner, world.snapshot(), NOTHING, replicas, world.now)


class Watching:
    """Writes down what each sync of the controller makes and removes, in its order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.moves: list[tuple[str, bool, str]] = []

    def sync(self) -> None:
        world = self.world
        before = dict(world.pods)
        world.sync()
        touched = []
        for ordinal, now in world.pods.items():
            was = before.get(ordinal)
            if was is None or (now.deleting is not None and was.deleting is None):
                touched.append((now.version, world.pod_name(now), was is None, now.revision))
        self.moves += [(name, made, revision) for _, name, made, revision in sorted(touched)]

    def to_the_end(self, random: Random) -> None:
        still = 0
        for _ in range(400):
            before = self.world.state()
            self.sync()
            for ordinal in list(self.world.pods):
                if random.random() < 0.7:
                    self.world.kubelet(ordinal)
            self.world.pass_by(random.choice((1, 20)))
            still = still + 1 if self.world.state() == before else 0
            if still > 12:
                return
        raise AssertionError("the controller does not come to rest")

    def first(self, names: set[tuple[str, bool]]) -> list[tuple[str, bool, str]]:
        """The first time that each of these was made or removed."""
        found: dict[tuple[str, bool], str] = {}
        for name, made, revision in self.moves:
            if (name, made) in names:
                found.setdefault((name, made), revision if made else "")
        return [(name, made, revision) for (name, made), revision in found.items()]


@cases(500)
@given(data=st.data(), seed=SEEDS, replicas=st.integers(0, 7))
def test_the_planned_order_is_the_controller_s(data: st.DataObject, seed: int, replicas: int) -> None:
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random, (GOOD,)))
    world.sync()
    found = planned_for(world, replicas)
    assert found.refused is None
    watching = Watching(world)
    world.apply(change(world.owner, replicas))
    expected = [(move.pod, move.creates, move.revision) for move in found.moves]
    note(str(expected))
    if found.at_once:
        watching.sync()
        assert sorted(watching.first({(name, made) for name, made, _ in expected})) == sorted(expected)
    watching.to_the_end(random)
    done = watching.first({(name, made) for name, made, _ in expected})
    if Caution.NOT_REMOVED in cautions(found):  # of pods that ended and have to go the controller replaces none
        assert done == expected[: len(done)] != expected
        assert progress(assess(world.snapshot(), world.now), found.uid, replicas) is ScaleProgress.STUCK
        return
    assert sorted(done) == sorted(expected) if found.at_once else done == expected
    assert len(world.pods) == replicas and all(move.pod in {world.pod_name(pod) for pod in world.pods.values()} for move in found.moves if move.creates)
    assert progress(assess(world.snapshot(), world.now), found.uid, replicas) is ScaleProgress.REACHED


@cases(500)
@given(data=st.data(), seed=SEEDS, replicas=st.integers(0, 7))
def test_a_refusal_is_true_and_the_end_is_never_a_false_one(data: st.DataObject, seed: int, replicas: int) -> None:
    """With images that crash: what is refused would not have gone on; what comes to rest is told from pods."""
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random, (GOOD, BAD)))
    world.come_to_rest()
    found = planned_for(world, replicas)
    before = {(pod.ordinal, pod.uid) for pod in world.pods.values()}
    world.apply(change(world.owner, replicas))
    world.come_to_rest()
    after = {(pod.ordinal, pod.uid) for pod in world.pods.values()}
    if found.refused is not None:
        assert found.refused.reason is ScaleRefusedReason.BLOCKED and found.policy == "OrderedReady"
        (blocker,) = found.refused.blockers
        wall = int(blocker.pod.rpartition("-")[2])
        assert {item for item in before if item[0] > wall} == {item for item in after if item[0] > wall}
    end = progress(assess(world.snapshot(), world.now), found.uid, replicas)
    assert end is (ScaleProgress.REACHED if world.all_available() else ScaleProgress.STUCK)
    stay = next((each.pods for each in found.warnings if each.caution is Caution.NOT_REMOVED), ())
    assert set(stay) <= {world.pod_name(pod) for pod in world.pods.values()}


@cases(200)
@given(data=st.data(), seed=SEEDS, replicas=st.integers(0, 7))
def test_reached_means_exactly_so_many_available(data: st.DataObject, seed: int, replicas: int) -> None:
    """At any moment of it, whatever goes on."""
    random = Random(seed)
    world = data.draw(worlds())
    data.draw(histories(world, random, (GOOD, BAD, SLOW)))
    uid = world.owner.metadata.uid
    world.edit(replicas=replicas)
    for _ in range(30):
        reached = progress(assess(world.snapshot(), world.now), uid, replicas) is ScaleProgress.REACHED
        assert reached == (world.observed() and world.all_available())
        world.progress(random)


@cases(300)
@given(look=snapshots(), replicas=st.integers(0, 9))
def test_anything_that_may_be_read_can_be_planned(look: SetView, replicas: int) -> None:
    assert look.set is not None
    found = plan(look.set, look, Surroundings(), replicas, NOW)
    assert found.leaves is None and found.returns is None
    if found.refused is None and replicas != look.set.spec.replicas:
        assert Caution.AUTOSCALERS_NOT_READ in cautions(found) and Caution.CLAIMS_NOT_READ in cautions(found)
    assert not (found.reached and found.moves)


# --- rules by themselves -----------------------------------------------------------------------------------------------------


def scaled_to(replicas: int, owner: StatefulSet, *pods: Pod, around: Surroundings = NOTHING) -> Scaling:
    return plan(owner, snapshot(owner, *pods), around, replicas, NOW)


def three(**changes: object) -> StatefulSet:
    return statefulset(replicas=3, current=NEW, **changes)  # type: ignore[arg-type]


PODS = (pod(0, NEW), pod(1, NEW), pod(2, NEW))


def cautions(found: Scaling) -> list[Caution]:
    return [each.caution for each in found.warnings]


def the(caution: Caution, found: Scaling) -> Warning:
    (one,) = [each for each in found.warnings if each.caution is caution]
    return one


def test_the_change_is_one_number_on_conditions() -> None:
    patch = change(three(), 5)
    assert patch.operations == (
        Operation(op="test", path="/metadata/uid", value=UID),
        Operation(op="test", path="/metadata/generation", value=2),
        Operation(op="add", path="/spec/replicas", value=5),
    )


def test_nothing_to_do_and_only_to_wait_for() -> None:
    assert scaled_to(3, three(), *PODS).reached
    waiting = scaled_to(3, three(), *PODS[:2])
    assert not waiting.reached and waiting.refused is None and waiting.warnings == () and [move.pod for move in waiting.moves] == ["web-2"]


def test_refusals() -> None:
    def why(found: Scaling) -> ScaleRefusedReason:
        assert found.refused is not None
        return found.refused.reason

    assert why(scaled_to(5, three(deleting=True), *PODS)) is ScaleRefusedReason.DELETING
    owner = three()
    assert why(plan(owner, replace(snapshot(owner), pods=None), NOTHING, 5, NOW)) is ScaleRefusedReason.PODS_UNREADABLE
    assert why(scaled_to(5, three(), pod(0, NEW), failing(1, NEW), pod(2, NEW))) is ScaleRefusedReason.BLOCKED
    assert why(scaled_to(2, three(), failing(0, NEW), pod(1, NEW), pod(2, NEW))) is ScaleRefusedReason.BLOCKED
    long = replace(owner, metadata=replace(owner.metadata, name="w" * 53))
    assert why(plan(long, snapshot(long), NOTHING, 5, NOW)) is ScaleRefusedReason.NO_POD_POSSIBLE
    assert scaled_to(0, long).refused is None


def test_what_a_broken_pod_blocks() -> None:
    last = (pod(0, NEW), pod(1, NEW), failing(2, NEW))
    assert scaled_to(4, three(), *last).refused is not None  # right above it
    # Pods below a start that was raised go like those above the range: once all in range are available.
    moved = three(start=5)
    found = scaled_to(2, moved, pod(0, NEW), failing(5, NEW), pod(6, NEW))
    assert found.refused is not None and [move.pod for move in found.moves] == ["web-0"]
    # Where nothing is to be made above it and nothing to be removed it blocks nothing.
    below = scaled_to(4, statefulset(replicas=5, current=NEW), *last, pod(3, NEW))
    assert below.refused is None and Caution.BROKEN in cautions(below)


def test_a_broken_pod_that_goes_is_no_obstacle() -> None:
    assert scaled_to(2, three(), pod(0, NEW), pod(1, NEW), failing(2, NEW)).refused is None


def test_two_broken_pods_that_should_go_stay() -> None:
    found = scaled_to(1, three(), pod(0, NEW), failing(1, NEW), failing(2, NEW))
    assert found.refused is None and the(Caution.NOT_REMOVED, found).pods == ("web-2", "web-1")


def test_nobody_has_asked_the_controller_yet_for_what_goes() -> None:
    """However long ago the set was last written: on paper it is as if the controller did nothing about the pod."""
    long_ago = ManagedFieldsEntry(manager="kube-controller-manager", operation="Update", time=NOW - timedelta(days=1))
    owner = three()
    quiet = replace(owner, metadata=replace(owner.metadata, managed_fields=(long_ago,)))
    pods = [pod(each, NEW, since=NOW - timedelta(hours=5)) for each in range(3)]
    assert Caution.NOT_REMOVED not in cautions(scaled_to(1, quiet, *pods))
    # Where it has been asked, and does nothing, the same number again says so.
    asked = replace(quiet, spec=replace(quiet.spec, replicas=2))
    assert the(Caution.NOT_REMOVED, scaled_to(2, asked, *pods)).pods == ("web-2",)


def test_parallel_goes_past_a_broken_pod_and_says_so() -> None:
    found = scaled_to(5, three(policy="Parallel"), pod(0, NEW), failing(1, NEW), pod(2, NEW))
    assert found.refused is None and the(Caution.BROKEN, found).pods == ("web-1",)


def test_in_order_a_slow_pod_is_waited_for() -> None:
    found = scaled_to(5, three(), pod(0, NEW), unready(1, NEW), pod(2, NEW))
    assert the(Caution.WAITS_FOR, found).pods == ("web-1",)


def test_revisions_of_new_pods() -> None:
    canary = statefulset(replicas=3, partition=2)
    found = scaled_to(5, canary, pod(0), pod(1), pod(2, NEW))
    assert [move.revision for move in found.moves] == [NEW, NEW] and the(Caution.AT_UPDATE, found).pods == ("web-3", "web-4")
    staged = statefulset(replicas=3, partition=4)
    found = scaled_to(5, staged, pod(0), pod(1), pod(2))
    assert [move.revision for move in found.moves] == [OLD, NEW]
    assert (the(Caution.AT_CURRENT, found).pods, the(Caution.AT_UPDATE, found).pods) == (("web-3",), ("web-4",))
    at_rest = scaled_to(5, three(), *PODS)
    assert Caution.AT_UPDATE not in cautions(at_rest)


@pytest.mark.parametrize(("start", "partition", "replicas", "holds"), [(0, 2, 2, True), (0, 2, 3, False), (5, 2, 2, True), (5, 6, 7, False), (0, 2, 0, False)])
def test_a_partition_counts_positions(start: int, partition: int, replicas: int, holds: bool) -> None:
    owner = three(start=start, partition=partition)
    found = scaled_to(replicas, owner, *(pod(start + each, NEW) for each in range(3)))
    assert (Caution.PARTITION_HOLDS_ALL in cautions(found)) is holds


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (3, 5, []),
        (3, 4, [Caution.EVEN]),
        (5, 3, []),
        (5, 2, [Caution.MINORITY_STAYS, Caution.EVEN]),
        (3, 1, [Caution.MINORITY_STAYS]),
        (3, 0, []),
    ],
)
def test_votes(before: int, after: int, expected: list[Caution]) -> None:
    owner = statefulset(replicas=before, current=NEW)
    found = scaled_to(after, owner, *(pod(each, NEW) for each in range(before)))
    assert cautions(found) == expected
    now, then = found.votes
    assert (now.majority, now.tolerates, then.majority, then.tolerates) == (
        majority(before), before - majority(before), majority(after), after - majority(after),
    )


def test_taking_away_members_that_are_up() -> None:
    """Parallel deletes at once: of five with two down below, three up pods would become one."""
    owner = statefulset(replicas=5, current=NEW, policy="Parallel")
    found = scaled_to(3, owner, unready(0, NEW), unready(1, NEW), pod(2, NEW), pod(3, NEW), pod(4, NEW))
    assert the(Caution.MAJORITY_DOWN, found).number == 1 and found.stakes == (ClaimEffect.MAJORITY,)
    ordered = replace(owner, spec=replace(owner.spec, pod_management_policy="OrderedReady"))
    found = scaled_to(3, ordered, unready(0, NEW), unready(1, NEW), pod(2, NEW), pod(3, NEW), pod(4, NEW))
    assert found.stakes == () and Caution.MAJORITY_DOWN in cautions(found)  # its controller waits for them first


def test_nothing_left_is_asked() -> None:
    assert scaled_to(0, three(), *PODS).stakes == (ClaimEffect.STOPS,)
    assert scaled_to(0, three(policy="Parallel"), *PODS).stakes == (ClaimEffect.STOPS,)


# --- claims ------------------------------------------------------------------------------------------------------------------


def with_claims(owner: StatefulSet, when_scaled: str = "Retain") -> StatefulSet:
    policy = ClaimRetentionPolicy(when_scaled=when_scaled)
    return replace(owner, spec=replace(owner.spec, persistent_volume_claim_retention_policy=policy))


def around(*claims: PersistentVolumeClaim, policies: tuple[str, ...] = (), read: bool = True) -> Surroundings:
    volumes: dict[str, PersistentVolume | None] = {
        each.spec.volume_name: volume(each, policy) for each, policy in zip(claims, policies or ("Delete",) * len(claims), strict=True)
    }
    return replace(NOTHING, claims=claims, volumes=volumes if read else None)


def test_what_comes_back() -> None:
    owner = three(claims=("data", "log"))
    unused = Condition(type="Unused", status="True", last_transition_time=NOW - 30 * DAY)
    gone = OwnerReference(kind="Pod", name="web-5", uid="gone")
    found = scaled_to(
        6,
        owner,
        *PODS,
        around=around(
            claim("data-web-2"),
            claim("data-web-3", unused=unused, labels={}),
            claim("log-web-3", phase="Pending"),
            claim("data-web-4", phase="Lost"),
            claim("log-web-4", deleted=True),
            claim("data-web-5", owners=(gone,)),
            claim("data-web-6"),
            claim("other-web-3"),
        ),
    )
    assert found.returns is not None
    assert [(each.claim, each.coming) for each in found.returns] == [
        ("data-web-3", Coming.OLD_DATA),
        ("log-web-3", Coming.UNBOUND),
        ("data-web-4", Coming.LOST),
        ("log-web-4", Coming.GOING),
        ("data-web-5", Coming.GOING),
    ]
    assert found.returns[0].unused_since == NOW - 30 * DAY and found.returns[0].size == 10 * 2**30 and found.stakes == ()


@pytest.mark.parametrize(
    ("nodes", "nowhere"),
    [
        ({"node-1": {"zone": "a"}, "node-2": {"zone": "b"}}, None),
        ({"node-1": {"zone": "a"}}, "zone In b"),
        (None, None),
        ({}, None),
    ],
)
def test_old_data_on_a_volume_that_no_node_fits(nodes: dict[str, dict[str, str]] | None, nowhere: str | None) -> None:
    """Its node, or the last of its zone, is gone (kubernetes/kubernetes#97386): the pod finds no place."""
    beside = around(claim("data-web-3"))
    (name,) = beside.volumes or {}
    kept = (beside.volumes or {})[name]
    assert kept is not None
    terms = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}]}}
    pinned = replace(kept, spec=replace(kept.spec, node_affinity=terms))
    found = scaled_to(4, three(claims=("data",)), *PODS, around=replace(beside, volumes={name: pinned}, nodes=nodes))
    assert [(each.claim, each.coming, each.nowhere) for each in found.returns or ()] == [("data-web-3", Coming.OLD_DATA, nowhere)]


def test_what_stays() -> None:
    owner = with_claims(three(claims=("data",)))
    found = scaled_to(1, owner, *PODS, around=around(claim("data-web-1"), claim("data-web-2")))
    assert found.leaves is not None and [(each.claim, each.deleted) for each in found.leaves] == [("data-web-2", False), ("data-web-1", False)]
    assert found.stakes == () and found.lost == ()


def test_what_the_retention_policy_takes() -> None:
    owner = with_claims(three(claims=("data",)), "Delete")
    keeper = OwnerReference(kind="Backup", name="nightly", uid="b", controller=True)
    ours = OwnerReference(kind="StatefulSet", name="web", uid=UID, controller=True)
    claims = (claim("data-web-0", owners=(keeper,)), claim("data-web-1", owners=(ours,)), claim("data-web-2"))
    found = scaled_to(0, owner, *PODS, around=around(*claims, policies=("Delete", "Retain", "Delete")))
    assert found.leaves is not None
    assert [(each.claim, each.deleted, each.fate, each.controller) for each in found.leaves] == [
        ("data-web-2", True, Fate.DESTROYED, ""),
        ("data-web-1", True, Fate.RETAINED, ""),
        ("data-web-0", False, Fate.RETAINED, "Backup/nightly"),
    ]
    assert found.stakes == (ClaimEffect.CLAIMS, ClaimEffect.STOPS) and [each.claim for each in found.destroyed] == ["data-web-2"]
    unread = scaled_to(2, owner, *PODS, around=around(*claims, read=False))
    assert [each.fate for each in unread.lost] == [Fate.UNKNOWN] == [each.fate for each in unread.destroyed]
    assert Caution.VOLUMES_NOT_READ in cautions(unread) and unread.stakes == (ClaimEffect.CLAIMS,)


def test_a_claim_that_is_being_deleted_goes_with_its_pod_whatever_the_policy() -> None:
    """kubernetes.io/pvc-protection: the pod alone holds it. It is named and asked for, not called one that stays."""
    owner = three(claims=("data",))
    going = claim("data-web-2", deleted=True)
    found = scaled_to(2, owner, *PODS, around=around(going))
    (leaves,) = found.leaves or ()
    assert leaves.deleted and leaves.going and leaves.fate is Fate.DESTROYED and ClaimEffect.CLAIMS in found.stakes
    other = scaled_to(2, owner, *PODS, around=around(claim("data-web-2")))
    assert not other.lost and not other.stakes


def test_who_else_wants_a_claim_is_told() -> None:
    owner = with_claims(three(claims=("data",)), "Delete")
    kept = claim("data-web-2", annotations={"kubectl-pets/keep": "ops: the March backup"})
    own = pod_use("web-2", *mounts("data-web-2"))
    own = replace(own, metadata=replace(own.metadata, owner_references=(OwnerReference(kind="StatefulSet", name="web"),)))
    pods = (pod_use("rescue", *mounts("data-web-2")), own)
    inventory = estate(kept, sets=(owner,), users=users(pods=pods, cronjobs=(cron_job("nightly", *mounts("data-web-2")),)))
    wanted = wanted_by_others(owner, inventory, NOW)
    kinds = {(item.kind, item.subject) for item in wanted["data-web-2"]}
    assert (EvidenceKind.MOUNTED, "Pod/rescue") in kinds and not any(subject == "Pod/web-2" for _, subject in kinds)
    assert (EvidenceKind.NAMED_BY_TEMPLATE, "CronJob/nightly") in kinds and any(kind is EvidenceKind.KEPT for kind, _ in kinds)
    read = replace(around(kept), wanted=wanted)
    (leaves,) = scaled_to(2, owner, *PODS, around=read).leaves or ()
    assert leaves.wanted == wanted["data-web-2"]
    back = scaled_to(3, statefulset(replicas=2, current=NEW, claims=("data",)), *PODS[:2], around=read)
    assert ClaimEffect.MOUNTED in back.stakes and [item.subject for item in back.mounted[0].wanted] == ["Pod/rescue"]
    assert Caution.CLAIM_USERS_NOT_READ in cautions(scaled_to(2, owner, *PODS, around=replace(read, wanted_complete=False)))


def test_a_pod_that_somebody_made_under_a_name_of_the_set_is_somebody_else() -> None:
    """As kubectl debug --copy-to does: nothing owns it, and it is at the data."""
    owner = with_claims(three(claims=("data",)), "Delete")
    inventory = estate(claim("data-web-2"), sets=(owner,), users=users(pods=(pod_use("web-20", *mounts("data-web-2")),)))
    assert [(item.kind, item.subject) for item in wanted_by_others(owner, inventory, NOW)["data-web-2"]] == [(EvidenceKind.MOUNTED, "Pod/web-20")]


def test_claims_without_a_pod_and_of_pods_on_their_way_out_are_at_stake_too() -> None:
    """The pod may be made between the look and the change; and whatever goes, goes for good."""
    owner = with_claims(three(claims=("data",)), "Delete")
    claims = tuple(claim(f"data-web-{each}") for each in range(4))
    found = scaled_to(1, owner, pod(0, NEW), leaving(2, NEW), leaving(3, NEW), around=around(*claims))
    assert [each.claim for each in found.lost] == ["data-web-3", "data-web-2", "data-web-1"] and found.moves == ()


def test_unread_claims_are_at_stake_only_where_they_may_go() -> None:
    unread = replace(NOTHING, claims=None, volumes=None)
    owner = three(claims=("data",))
    assert scaled_to(2, with_claims(owner, "Delete"), *PODS, around=unread).stakes == (ClaimEffect.UNKNOWN_CLAIMS,)
    assert scaled_to(4, with_claims(owner, "Delete"), *PODS, around=unread).stakes == ()
    kept = scaled_to(2, with_claims(owner), *PODS, around=unread)
    assert kept.stakes == () and Caution.CLAIMS_NOT_READ in cautions(kept)
    assert Caution.CLAIMS_NOT_READ not in cautions(scaled_to(2, three(), *PODS, around=unread))


def test_an_agreement_covers_what_was_told_and_no_more() -> None:
    owner = with_claims(three(claims=("data",)), "Delete")
    claims = (claim("data-web-1"), claim("data-web-2"))
    destroys = scaled_to(1, owner, *PODS, around=around(*claims))
    keeps = scaled_to(1, owner, *PODS, around=around(*claims, policies=("Delete", "Retain")))
    assert destroys.within(destroys) and not destroys.within(keeps) and not keeps.within(destroys)
    fewer = scaled_to(1, owner, *PODS, around=around(claims[0]))
    assert fewer.within(destroys) and not destroys.within(fewer)
    assert not scaled_to(0, three(), *PODS).within(scaled_to(1, three(), *PODS))
    assert not destroys.spares(keeps) and destroys.spares(destroys) and fewer.spares(destroys) and not destroys.spares(fewer)
    assert scaled_to(0, three(), *PODS).spares(scaled_to(1, three(), *PODS)), "whoever agreed beforehand agreed to all but data"


def test_claims_are_found_by_exact_names() -> None:
    owner = three(claims=("data",))
    names = ("data-web-0", "data-web-12", "data-web-01", "data-web", "data-web-db-0", "my-data-web-0", "data-webb-0")
    everything = [claim(name) for name in names] + [claim("data-web-1", namespace="other")]
    assert [each.name for each in own_claims(owner, everything)] == ["data-web-0", "data-web-12"]


# --- replica_owners ------------------------------------------------------------------------------------------------------------------

TARGET = ScaleTarget(api_version="apps/v1", kind="StatefulSet", name="web")


def autoscaler(lowest: int = 2, highest: int = 4, target: ScaleTarget = TARGET, **meta: object) -> HorizontalPodAutoscaler:
    spec = AutoscalerSpec(scale_target_ref=target, min_replicas=lowest, max_replicas=highest)
    return HorizontalPodAutoscaler(metadata=ObjectMeta(**{"name": "hpa", "namespace": "prod"} | meta), spec=spec)  # type: ignore[arg-type]


def keda(lowest: int = 0, highest: int = 4, target: ScaleTarget = TARGET, **annotations: str) -> ScaledObject:
    named = {f"autoscaling.keda.sh/{key.replace('_', '-')}": value for key, value in annotations.items()}
    spec = ScaledObjectSpec(scale_target_ref=target, min_replica_count=lowest, max_replica_count=highest)
    return ScaledObject(metadata=ObjectMeta(name="keda", namespace="prod", annotations=named), spec=spec)


@pytest.mark.parametrize(
    ("found", "replicas", "will", "back_to"),
    [
        (autoscaler(), 5, Will.PUTS_BACK, 4),
        (autoscaler(), 1, Will.PUTS_BACK, 2),
        (autoscaler(), 4, Will.MAY_CHANGE, None),
        (autoscaler(), 0, Will.RESTS, None),
        (keda(), 5, Will.PUTS_BACK, 4),
        (keda(), 0, Will.MAY_CHANGE, None),
        (keda(lowest=1), 0, Will.PUTS_BACK, 1),
        (keda(paused_replicas="1"), 2, Will.PUTS_BACK, 1),
        (keda(paused_replicas="x"), 2, Will.MAY_CHANGE, None),
    ],
)
def test_rivals(found: HorizontalPodAutoscaler | ScaledObject, replicas: int, will: Will, back_to: int | None) -> None:
    scaled = isinstance(found, ScaledObject)
    near = replace(NOTHING, scaled_objects=(found,)) if scaled else replace(NOTHING, autoscalers=(found,))
    result = scaled_to(replicas, three(), *PODS, around=near)
    (replica_owner,) = result.replica_owners
    assert (replica_owner.will, replica_owner.back_to) == (will, back_to)
    refused = result.refused.reason if result.refused else None
    assert refused is (ScaleRefusedReason.AUTOSCALER if will is Will.PUTS_BACK else None)


def test_who_is_no_rival() -> None:
    others = (
        autoscaler(target=replace(TARGET, name="db")),
        autoscaler(target=replace(TARGET, kind="Deployment")),
        autoscaler(target=replace(TARGET, api_version="apps.kruise.io/v1beta1")),
        autoscaler(namespace="other"),
    )
    near = replace(NOTHING, autoscalers=others, scaled_objects=(keda(paused="true"), keda(target=replace(TARGET, kind=""))))
    assert scaled_to(9, three(), *PODS, around=near).replica_owners == ()


def test_a_scaled_object_speaks_for_its_autoscaler() -> None:
    owner = OwnerReference(kind="ScaledObject", name="keda", uid="k", controller=True)
    near = replace(NOTHING, autoscalers=(autoscaler(1, 9, owner_references=(owner,)),), scaled_objects=(keda(),))
    assert [each.kind for each in scaled_to(2, three(), *PODS, around=near).replica_owners] == [OwnerKind.SCALED_OBJECT]
    alone = replace(near, scaled_objects=())
    assert [each.kind for each in scaled_to(2, three(), *PODS, around=alone).replica_owners] == [OwnerKind.AUTOSCALER]


def test_a_manifest_remembers() -> None:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"replicas":3}}'}
    (replica_owner,) = scaled_to(5, three(annotations=applied), *PODS).replica_owners
    assert (replica_owner.will, replica_owner.back_to) == (Will.REMEMBERS, 3)
    other = {"kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"replicas":5}}'}
    assert scaled_to(5, three(annotations=other), *PODS).replica_owners == ()


# --- how far it is -----------------------------------------------------------------------------------------------------------


def stands(owner: StatefulSet | None, *pods: Pod, uid: str = UID, replicas: int = 3) -> ScaleProgress:
    return progress(assess(snapshot(owner, *pods), NOW), uid, replicas)


def test_standing() -> None:
    owner = three()
    assert stands(owner, *PODS) is ScaleProgress.REACHED
    assert stands(owner, *PODS, pod(3, NEW)) is ScaleProgress.GOING_ON
    assert stands(owner, *PODS[:2]) is ScaleProgress.GOING_ON
    assert stands(replace(owner, status=replace(owner.status, observed_generation=1)), *PODS) is ScaleProgress.GOING_ON
    assert stands(owner, *PODS, replicas=4) is ScaleProgress.RESCALED
    assert stands(owner, *PODS, uid="another") is ScaleProgress.REPLACED
    assert stands(None) is ScaleProgress.DELETED and stands(three(deleting=True), *PODS) is ScaleProgress.DELETED
    assert progress(assess(replace(snapshot(owner), pods=None), NOW), UID, 3) is ScaleProgress.UNREADABLE


def test_standing_stuck() -> None:
    assert stands(three(), pod(0, NEW), failing(1, NEW)) is ScaleProgress.STUCK
    assert stands(three(), pod(0, NEW), unready(1, NEW), failing(2, NEW)) is ScaleProgress.GOING_ON  # web-1 may yet come up
    assert stands(three(policy="Parallel"), pod(0, NEW), failing(1, NEW)) is ScaleProgress.GOING_ON  # web-2 is being made
    assert stands(three(policy="Parallel"), pod(0, NEW), failing(1, NEW), pod(2, NEW)) is ScaleProgress.STUCK
    assert stands(three(policy="Parallel"), pod(0, NEW), failing(1, NEW), pod(2, NEW), leaving(3, NEW)) is ScaleProgress.GOING_ON
    by_hand = statefulset(strategy="OnDelete", policy="OrderedReady")
    assert stands(by_hand, failing(0), pod(1), pod(2), pod(3)) is ScaleProgress.STUCK
    assert stands(three(), *PODS, failing(3, NEW), failing(4, NEW)) is ScaleProgress.STUCK
    overdue = NOW - timedelta(hours=1)
    assert stands(three(), *PODS, pod(3, NEW, leaving=overdue), leaving(4, NEW)) is ScaleProgress.GOING_ON  # web-4 goes first
    assert stands(three(), *PODS, pod(3, NEW, leaving=overdue)) is ScaleProgress.STUCK
    healing = statefulset(policy="Parallel")
    assert stands(healing, failing(0), pod(1, NEW), pod(2, NEW)) is ScaleProgress.GOING_ON  # its controller replaces web-0


@pytest.mark.parametrize("strategy", ["RollingUpdate", "OnDelete"])
def test_scaling_to_nothing_promotes_what_was_held_back(strategy: str) -> None:
    """At 0 of 0 the controller calls the update complete (kubernetes/kubernetes#121534); OnDelete pods come back at the newest."""
    held = statefulset(partition=3 if strategy == "RollingUpdate" else None, strategy=strategy)
    found = scaled_to(0, held, pod(0), pod(1), pod(2))
    assert found.promotes == NEW and found.stakes == (ClaimEffect.STOPS, ClaimEffect.PROMOTES)
    assert not found.within(replace(found, promotes="")) and found.within(found)
    assert scaled_to(1, held, pod(0), pod(1), pod(2)).promotes == scaled_to(0, three(strategy=strategy), *PODS).promotes == ""


def test_by_hand_a_finished_set_is_no_rollout_to_mind() -> None:
    """kubernetes/kubernetes#106055: the current revision is the first one for ever, and all pods are at the newest."""
    owner = statefulset(strategy="OnDelete", current=OLD, update=NEW)
    assert Caution.AT_UPDATE not in cautions(scaled_to(5, owner, *PODS))
