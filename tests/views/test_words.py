"""The words for what was found."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import Condition, Pod
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.managers import Manager, ManagerKind
from kubectl_pets.domain.rollout.members import Member, PodState
from kubectl_pets.domain.rollout.ownership import DeployedField, NextDeploy, Stake
from kubectl_pets.domain.rollout.verdict import Awaited, Awaiting, Blocker, Cause
from kubectl_pets.views.rollout import deploying, tree, words
from tests.views import builders
from tests.views.builders import NEW, NOW, pod, snapshot


@pytest.mark.parametrize(
    ("scene", "headline"),
    [
        ("complete", "default/web: complete: the youngest pod up for 2d"),
        ("left_over", "default/web: complete, but PARTITION 2 IS LEFT OVER: it will hold back the next change"),
        ("staged", "default/web: staged, nothing released"),
        ("paused", "default/web: paused at partition 2: 1/3 updated"),
        ("stuck", 'default/web: stuck: web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"'),
        ("rolling", "default/web: progressing: waiting for web-1 to terminate"),
        ("scaling", "default/web: scaling: waiting for web-7 to be created"),
        ("on_delete", "default/web: waiting for outdated pods to be deleted: web-1, web-0"),
        ("unreadable", "default/web: unknown: its pods could not be read, so nothing can be said of them"),
        ("gone", "the StatefulSet: gone"),
        ("large", "default/web: progressing: waiting for web-60 to be created"),
        ("empty", "default/web: complete"),
    ],
)
def test_headline(scene: str, headline: str) -> None:
    assert words.headline(builders.SCENES[scene]()) == headline


def test_headline_of_a_set_on_its_way_out() -> None:
    assert words.headline(assess(snapshot([], deleting=NOW), NOW)) == "default/web: being deleted"


def test_a_partition_raised_over_updated_pods_is_not_called_staged() -> None:
    seen = assess(snapshot([pod(0), pod(1), pod(2, NEW)], partition=3), NOW)
    assert words.headline(seen) == "default/web: paused at partition 3: 1/3 updated"


def test_all_blockers_are_counted() -> None:
    pods = [pod(ordinal, NEW, ready=False, waiting=("CrashLoopBackOff", "")) for ordinal in range(3)]
    assert words.reason(assess(snapshot(pods), NOW)) == "web-0 is in CrashLoopBackOff (and 2 more)"


@pytest.mark.parametrize(
    ("state", "marked"),
    [
        (PodState.MISSING, "· missing"),
        (PodState.PENDING, "◌ pending"),
        (PodState.UNSCHEDULABLE, "✖ unschedulable"),
        (PodState.CLAIM_UNBOUND, "✖ claim unbound"),
        (PodState.CREATING, "◌ creating"),
        (PodState.FAILING, "✖ failing"),
        (PodState.ENDED, "✖ ended"),
        (PodState.STARTING, "◌ not ready"),
        (PodState.READY, "◌ ready"),
        (PodState.AVAILABLE, "✔ available"),
        (PodState.TERMINATING, "◌ terminating"),
        (PodState.OVERDUE, "✖ stuck terminating"),
    ],
)
def test_states(state: PodState, marked: str) -> None:
    member = Member(ordinal=0, position=0, name="web-0", state=state)
    assert words.marked_state(member)[0] == marked


@pytest.mark.parametrize(
    ("found", "clause"),
    [
        (Blocker(cause=Cause.CONTAINER, pod="web-2", reason="CrashLoopBackOff", message="last exit code 1"), "web-2 is in CrashLoopBackOff: last exit code 1"),
        (Blocker(cause=Cause.CONTAINER, pod="web-2"), "web-2 is in failure"),
        (Blocker(cause=Cause.UNSCHEDULABLE, pod="web-2", message="no nodes"), "web-2 cannot be scheduled: no nodes"),
        (Blocker(cause=Cause.CLAIM_UNBOUND, pod="web-2", message="data-web-2: unbound"), "web-2 waits for a claim that is not bound: data-web-2: unbound"),
        (Blocker(cause=Cause.TERMINATION_OVERDUE, pod="web-2"), "web-2 is still terminating long after its grace period; its node may not answer"),
        (Blocker(cause=Cause.PART_NOT_MADE, pod="llm-1", message="llm-1-1"), "nobody creates llm-1-1 of group llm-1, and no event says why: the LeaderWorkerSet controller may not run"),
        (Blocker(cause=Cause.UPDATE_UNFINISHED, pod="db-3", message="its lifecycle state is not Normal"), "db-3 does not come to the end of its update in place: its lifecycle state is not Normal"),
        (
            Blocker(cause=Cause.TERMINATION_OVERDUE, pod="web-2", node_ready=True, message="error killing pod"),
            "web-2 is still terminating long after its grace period, though its node is Ready: error killing pod",
        ),
        (Blocker(cause=Cause.VOLUME_NOT_MADE, pod="web-2", message="data-web-2"), "web-2 waits for a volume that is not made: data-web-2"),
        (Blocker(cause=Cause.NOT_TAKEN_ON, pod="web-2", message="node-a"), "web-2 was given to node node-a, and the kubelet there has not taken it on"),
        (Blocker(cause=Cause.NOT_MADE, pod="web-2", reason="Succeeded"), "web-2 has ended (Succeeded), and its controller does not make it anew"),
        (Blocker(cause=Cause.NOT_DELETED, pod="web-1"), "nobody deletes web-1, whose turn it is, and no event says why: the StatefulSet controller may not run"),
        (Blocker(cause=Cause.SET_NAME_TOO_LONG), "no pod can be created, because the set's name is longer than 52 characters"),
        (Blocker(cause=Cause.PODS_UNREADABLE), "its pods could not be read, so nothing can be said of them"),
        (Blocker(cause=Cause.STRATEGY_UNKNOWN, reason="Recreate"), "its update strategy Recreate is unknown to this version of kubectl-pets"),
    ],
)
def test_blockers(found: Blocker, clause: str) -> None:
    assert words.blocker(found) == clause


@pytest.mark.parametrize(
    ("awaited", "phrase"),
    [
        (Awaited.OBSERVATION, "the controller to see the newest spec"),
        (Awaited.CREATION, "web-2 to be created"),
        (Awaited.SCHEDULING, "web-2 to be scheduled"),
        (Awaited.START, "web-2 to start"),
        (Awaited.READINESS, "web-2 to become ready"),
        (Awaited.MIN_READY_SECONDS, "web-2 to stay ready for minReadySeconds"),
        (Awaited.TERMINATION, "web-2 to terminate"),
        (Awaited.REPLACEMENT, "web-2 to be replaced"),
        (Awaited.SCALE_DOWN, "web-2 to be scaled down"),
        (Awaited.DELETE_BY_USER, "somebody to delete web-2"),
        (Awaited.RELEASE, "the partition to release web-2"),
    ],
)
def test_waits(awaited: Awaited, phrase: str) -> None:
    assert words.waits([Awaiting(awaited=awaited, pod="web-2")]) == [phrase]


def test_waits_for_the_same_are_one_phrase() -> None:
    waits = [
        Awaiting(awaited=Awaited.START, pod="web-0"),
        Awaiting(awaited=Awaited.CREATION, pod="web-1"),
        Awaiting(awaited=Awaited.START, pod="web-4"),
    ]
    assert words.waits(waits) == ["web-0, web-4 to start", "web-1 to be created"]


def _unready(ordinal: int, told: str) -> Pod:
    made = pod(ordinal, NEW, ready=False)
    condition = Condition(type="Ready", status="False", reason="ReadinessGatesNotReady", message=told)
    return replace(made, status=replace(made.status, conditions=(condition,)))


def test_why_it_waits_is_told_with_the_pod_that_is_waited_for() -> None:
    told = 'pod readiness gate "ready.example.com" is not \x1b[31m"True"'
    seen = assess(snapshot([pod(0), pod(1), _unready(2, told)]), NOW)
    assert words.reason(seen) == 'waiting for web-2 to become ready (pod readiness gate "ready.example.com" is not "True")'
    quiet = assess(snapshot([pod(0), pod(1), _unready(2, "")]), NOW)
    assert words.reason(quiet) == "waiting for web-2 to become ready"


def test_of_several_pods_nothing_is_told_that_is_the_first_ones_alone() -> None:
    seen = assess(snapshot([pod(0), _unready(1, "a gate is shut"), _unready(2, "a container is not ready")]), NOW)
    assert words.reason(seen) == "waiting for web-1, web-2 to become ready"


@pytest.mark.parametrize(
    ("kind", "warning"),
    [
        (ManagerKind.OPERATOR, "owned by Kafka/broker (operator): it may put this change back"),
        (ManagerKind.ARGO_CD, "managed by Argo CD (metadata.labels: Kafka/broker): it may put this change back"),
        (ManagerKind.FLUX, "managed by Flux (metadata.labels: Kafka/broker): it may put this change back"),
        (
            ManagerKind.HELM,
            "installed by Helm (metadata.labels: Kafka/broker): its next upgrade fails on this change, or puts it back, where the chart says otherwise",
        ),
        (ManagerKind.OTHER, "managed by Kafka/broker (says metadata.labels): it may put this change back"),
    ],
)
def test_warnings(kind: ManagerKind, warning: str) -> None:
    assert words.warning(Manager(kind=kind, name="Kafka/broker", evidence="metadata.labels")) == warning


@pytest.mark.parametrize(
    ("kind", "warning"),
    [
        (ManagerKind.OPERATOR, "owned by Kafka/broker (operator): it may put this change back, or replace pods itself at the same time"),
        (ManagerKind.OTHER, "managed by Kafka/broker (says metadata.labels): it may replace pods itself at the same time"),
    ],
)
def test_who_replaces_pods_itself(kind: ManagerKind, warning: str) -> None:
    assert words.warning(Manager(kind=kind, name="Kafka/broker", evidence="metadata.labels", replaces=True)) == warning


def test_the_left_over_partition_says_how_far_the_next_change_will_come() -> None:
    assert words.left_over(builders.left_over()) == "partition 2 is left over: the next change will reach only 1 of 3 pods"
    assert words.clear(builders.left_over()) == "clear it with: kubectl pets partition web 0 -n default"
    beyond = assess(snapshot([pod(ordinal, NEW) for ordinal in range(3)], current=NEW, partition=3), NOW)
    assert words.left_over(beyond) == "partition 3 is left over: the next change will reach no pod"


@pytest.mark.parametrize(
    ("field", "end", "said"),
    [
        (DeployedField.IMAGE, NextDeploy.FAILS, 'helm applies the image (7): its next deploy of another value fails with a conflict with "kubectl-pets", until it is given back with: kubectl pets rollout handover web -n default'),
        (DeployedField.REPLICAS, NextDeploy.OVERWRITES, "helm states the replicas (7): its next deploy puts that back, unless it is changed there as well"),
        (DeployedField.PARTITION, NextDeploy.OVERWRITES, "helm states the partition (7): a deploy before this is done puts it back and lets go what it holds"),
        (DeployedField.IMAGE, NextDeploy.MAY_OVERWRITE, "helm wrote the image (7): if it deploys this set again it puts that back"),
    ],
)  # fmt: skip
def test_who_deploys_a_field(field: DeployedField, end: NextDeploy, said: str) -> None:
    assert deploying.deployer(Stake(field=field, deployer="helm", next_deploy=end, value="7"), builders.SCENES["complete"]()) == said


def test_a_partition_that_comes_back_and_holds() -> None:
    found = Stake(field=DeployedField.PARTITION, deployer="helm", next_deploy=NextDeploy.OVERWRITES, value="7", lets_go=False)
    said = "helm states the partition (7): its next deploy puts that back, and holds back pods with it"
    assert deploying.deployer(found, builders.SCENES["complete"]()) == said


def test_a_pod_with_another_image_than_the_template_is_told_though_all_is_rolled_out() -> None:
    seen = builders.complete()
    odd = replace(seen, members=(*seen.members[:2], replace(seen.members[2], odd_images=("app=nginx:\x1b[31mother",))))
    assert words.headline(odd) == "default/web: complete: but web-2 runs another image than the template says"
    both = replace(seen, members=tuple(replace(each, odd_images=("app=x",)) for each in seen.members))
    assert words.reason(both) == "but web-0..web-2 run another image than the template says"
    drawn = [line for line in tree.draw(odd, NOW).splitlines() if "app=" in line]
    assert drawn == ["             app=nginx:other is not what the template says: somebody changed it in the pod, or admission did"]
