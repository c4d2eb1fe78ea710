"""The words for what was decided: every ending has a sentence, and every refusal a command to type instead."""

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause
from kubectl_pets.domain.stepping.steps import (
    NEW_REVISION,
    Act,
    Decision,
    Delete,
    Done,
    DoneReason,
    GateFailed,
    Overtaken,
    OvertakenReason,
    Refused,
    RefusedReason,
    SetPartition,
    Stage,
    Step,
    Stuck,
    Wait,
    WaitReason,
)
from kubectl_pets.views.rollout import advice, decisions
from tests.views import builders
from tests.views.builders import NEW, NOW, pod, snapshot


@pytest.mark.parametrize(
    ("step", "phrase"),
    [
        (Stage(images=(Image(container="app", image="nginx:1.27"),), partition=0), "set image app=nginx:1.27 (partition 0 holds no pod)"),
        (Stage(images=(Image(container="app", image="nginx:1.27"),), partition=3), "set image app=nginx:1.27 and hold every pod (partition 3)"),
        (Stage(images=(Image(container="app", image="nginx:1.27"),), partition=None), "set image app=nginx:1.27 (OnDelete: no pod changes until it is deleted)"),
        (SetPartition(partition=2, before=3, releases=("web-2",)), "release web-2 (partition 3 -> 2)"),
        (SetPartition(partition=0, before=9, releases=tuple(f"web-{n}" for n in range(8, -1, -1))), "release web-8..web-0 (partition 9 -> 0)"),
        (SetPartition(partition=3, before=0), "set the partition 0 -> 3: no further pod is replaced"),
        (SetPartition(partition=0, before=2), "set the partition 2 -> 0: no pod is replaced by this"),
        (Delete(pod="web-2", revision=NEW, comes_back_at="web-77f9"), "delete web-2; it comes back at web-77f9"),
        (Delete(pod="web-2", revision=NEW, comes_back_at=NEW_REVISION), "delete web-2; it comes back at the new revision"),
    ],
)
def test_steps(step: Step, phrase: str) -> None:
    assert decisions.step_phrase(step) == phrase
    assert decisions.sentence(Act(step=step), builders.paused()) == phrase


@pytest.mark.parametrize(
    ("wait", "sentence"),
    [
        (Wait(reason=WaitReason.OBSERVATION), "waiting for the controller to see the newest spec"),
        (Wait(reason=WaitReason.PODS, pods=("web-1",)), "waiting for web-1 to terminate"),
        (Wait(reason=WaitReason.SOAK, until=NOW + timedelta(seconds=29)), "pausing until 12:05:00 UTC before the next step"),
    ],
)
def test_waits(wait: Wait, sentence: str) -> None:
    assert decisions.sentence(wait, builders.rolling()) == sentence
    assert advice.hint(wait, builders.rolling()) is None


@pytest.mark.parametrize(
    ("reason", "seen", "sentence", "hint"),
    [
        (DoneReason.COMPLETE, builders.complete(), "default/web: complete, 3 pods at web-5d8f7b9c4, the youngest pod up for 2d", None),
        (
            DoneReason.CANARY_REACHED,
            builders.paused(),
            "default/web: canary reached, 1/3 pods at web-5d8f7b9c4 and available, the youngest pod up for 3m",
            "go on with: kubectl pets rollout step web -n default, or take it back with: kubectl pets rollout abort web -n default",
        ),
        (
            DoneReason.STEP_REACHED,
            builders.on_delete(),
            "default/web: step done, 1/3 pods at web-5d8f7b9c4 and available, the youngest pod up for 2d",
            "go on with: kubectl pets rollout step web -n default, or put the earlier template back with: kubectl pets rollout undo web -n default",
        ),
        (
            DoneReason.PAUSED,
            builders.paused(),
            "default/web: paused at partition 2, 1/3 updated",
            "go on with: kubectl pets rollout resume web -n default",
        ),
        (
            DoneReason.RESUMED,
            builders.rolling(),
            "default/web: resumed, partition 0",
            "follow it with: kubectl pets status web -w -n default",
        ),
        (
            DoneReason.ABORTED,
            builders.staged(),
            "default/web: aborted, every pod is back at web-77f9c6d8b; the template still holds web-5d8f7b9c4, held back by partition 3, "
            "and at it come pods that a scaling up adds",
            "put the template back with: kubectl pets rollout undo web -n default, then: kubectl pets partition web 0 -n default",
        ),
        (
            DoneReason.PARTITION_SET,
            builders.left_over(),
            "default/web: partition is 2 now",
            "partition 2 is left over: the next change will reach only 1 of 3 pods; clear it with: kubectl pets partition web 0 -n default",
        ),
        (
            DoneReason.UNDONE,
            replace(builders.complete(), notes={"kubectl-pets/undone": "web-5d8f7b9c4 web-77f9c6d8b 3"}),
            "default/web: undone, 3 pods at web-5d8f7b9c4 and available",
            None,
        ),
        (
            DoneReason.UNDONE,
            builders.complete(),
            "default/web: undone, 3 pods at web-5d8f7b9c4 and available; its note was taken off the set, so what an undo without "
            "--to-revision means now may not be known",
            None,
        ),
        (DoneReason.NOTHING_TO_DO, builders.complete(), "default/web: nothing to do, complete", None),
        (
            DoneReason.NOTHING_TO_DO,
            builders.paused(),
            "default/web: nothing to do, paused at partition 2",
            "release more with: kubectl pets rollout step web -n default, or all with: kubectl pets rollout promote web -n default",
        ),
        (
            DoneReason.NEVER_ROLLS,
            builders.on_delete(),
            "default/web: nothing to do, strategy OnDelete replaces no pod until somebody deletes it",
            None,
        ),
    ],
)
def test_done(reason: DoneReason, seen: Assessment, sentence: str, hint: str | None) -> None:
    decision = Done(reason=reason)
    assert (decisions.sentence(decision, seen), advice.hint(decision, seen)) == (sentence, hint)


@pytest.mark.parametrize(
    ("refused", "seen", "sentence", "hint"),
    [
        (
            Refused(reason=RefusedReason.DELETING),
            builders.complete(),
            "default/web is being deleted, so there is nothing to roll out any more.",
            "kubectl pets status web -n default shows where it stands",
        ),
        (
            Refused(reason=RefusedReason.PODS_UNREADABLE),
            builders.unreadable(),
            "the pods of default/web could not be read, and pods that cannot be seen must not be replaced.",
            "ask for the right to list pods; check with: kubectl auth can-i list pods -n default",
        ),
        (
            Refused(reason=RefusedReason.PARTITION_NOT_KEPT, asked=2, limit=0),
            builders.complete(),
            "admission makes partition 0 of the 2 that is asked for on default/web, so pods that are to be held would go at once.",
            "kubectl pets status web -n default shows where it stands; a policy or a webhook changes it, and the webhooks are shown by: "
            "kubectl get mutatingwebhookconfigurations",
        ),
        (
            Refused(reason=RefusedReason.GONE_BACK, asked=2),
            builders.complete(),
            "default/web was taken back already, from revision 2 to one that is older; no note says that an undo did it, and this would go "
            "forward to 2 again.",
            "kubectl pets rollout history web -n default lists its revisions; where that one is wanted after all: kubectl pets rollout undo "
            "web --to-revision 2 -n default",
        ),
        (
            Refused(reason=RefusedReason.NOTE_NOT_KEPT),
            assess(snapshot([pod(0), pod(1), pod(2, NEW)], partition=2), NOW),
            "the partition of default/web is 2, and the note of the pause was taken off the set again, so nothing tells another run to stop "
            "there, and resume does not know what it was.",
            "kubectl pets status web -n default shows where it stands; another run stops where the partition is raised under it, as with: kubectl pets partition web 3 -n default",
        ),
        (
            Refused(reason=RefusedReason.STRATEGY_UNKNOWN),
            assess(snapshot([pod(0)], replicas=1, strategy="Recreate"), NOW),
            "update strategy Recreate of default/web is not known, so neither is what a change would do.",
            "kubectl pets status web -n default shows where it stands",
        ),
        (
            Refused(reason=RefusedReason.TOO_MANY_PODS, asked=5, limit=3),
            builders.staged(),
            "5 pods were asked for, but default/web has 3.",
            "release all with: kubectl pets rollout promote web -n default",
        ),
        (
            Refused(reason=RefusedReason.TOO_MANY_PODS, asked=1, limit=0),
            builders.complete(),
            "1 pod was asked for, but default/web has 0.",
            "nothing is staged; 'rollout run' with the same change reaches every pod that there is",
        ),
        (
            Refused(reason=RefusedReason.NOTHING_STAGED),
            builders.complete(),
            "no change is staged in default/web: its pods run what the template holds, so there is nothing to release.",
            "kubectl pets status web -n default shows where it stands; --image begins a rollout",
        ),
        (
            Refused(reason=RefusedReason.NOTHING_UNDER_WAY),
            builders.complete(),
            "no rollout of default/web is under way: its pods run what the template holds.",
            "kubectl pets status web -n default shows where it stands; --image begins a rollout",
        ),
        (
            Refused(reason=RefusedReason.NOTHING_UNDER_WAY),
            builders.left_over(),
            "no rollout of default/web is under way: its pods run what the template holds.",
            "partition 2 is left over: the next change will reach only 1 of 3 pods; clear it with: kubectl pets partition web 0 -n default",
        ),
        (
            Refused(reason=RefusedReason.ALREADY_FURTHER, asked=1, limit=2),
            builders.paused(),
            "a canary of 1 was asked for, but 2 of 3 pods are released already.",
            "go on with: kubectl pets rollout step web -n default, or hold it with: kubectl pets rollout pause web -n default",
        ),
        (
            Refused(reason=RefusedReason.OTHER_ROLLOUT),
            builders.paused(),
            "another rollout of default/web is under way (1/3 at web-5d8f7b9c4); a new change on top of it would leave pods at three revisions.",
            "finish it with: kubectl pets rollout promote web -n default, or take it back with: kubectl pets rollout abort web -n default",
        ),
        (
            Refused(reason=RefusedReason.STUCK, blockers=builders.stuck().blockers),
            builders.stuck(),
            'default/web is stuck, and going on would take down another pod while web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27".',
            "put the earlier template back with: kubectl pets rollout undo web -n default",
        ),
        (
            Refused(reason=RefusedReason.STAGED_ONLY),
            builders.staged(),
            "nothing of default/web was released yet, so there is no pause to undo; resuming would release every pod.",
            "release the first pod with: kubectl pets rollout canary web -n default",
        ),
        (
            Refused(reason=RefusedReason.NO_WAY_BACK),
            builders.stuck(),
            "a pod of default/web that is deleted comes back at web-5d8f7b9c4, whatever the partition.",
            "take it back with: kubectl pets rollout abort web -n default",
        ),
        (
            Refused(reason=RefusedReason.COMPLETE),
            builders.complete(),
            "the rollout of default/web is complete: abort takes back what is under way, not what is done.",
            "put the earlier template back with: kubectl pets rollout undo web -n default",
        ),
        (
            Refused(reason=RefusedReason.ON_DELETE),
            builders.on_delete(),
            "default/web uses strategy OnDelete, which has no partition to hold pods with.",
            "put the earlier template back with: kubectl pets rollout undo web -n default",
        ),
    ],
)
def test_refused(refused: Refused, seen: Assessment, sentence: str, hint: str) -> None:
    assert (decisions.sentence(refused, seen), advice.hint(refused, seen)) == (sentence, hint)


@pytest.mark.parametrize("reason", RefusedReason)
def test_every_refusal_names_a_command_in_the_right_namespace(reason: RefusedReason) -> None:
    hint = advice.hint(Refused(reason=reason, asked=1, limit=2), builders.paused())
    assert hint is not None
    assert re.search(r"kubectl (pets|rollout|auth|get|edit) [-a-z /0.8]*[a-zA-Z ]*-n default", hint)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (OvertakenReason.DELETED, "default/web: somebody deleted it, so this rollout is over"),
        (OvertakenReason.REPLACED, "default/web: somebody deleted it and made another one of the same name; this rollout was of the old one"),
        (OvertakenReason.TEMPLATE_EDITED, "default/web: somebody changed the template: web-5d8f7b9c4 is wanted now, so this rollout is over"),
        (OvertakenReason.PAUSED, "default/web: somebody paused it at partition 2; this rollout stops there"),
        (OvertakenReason.PARTITION_RAISED, "default/web: somebody raised the partition to 2; this rollout stops there"),
        (
            OvertakenReason.PARTITION_LOWERED,
            "default/web: somebody lowered the partition, which is 2 now; no further pod is replaced",
        ),
        (OvertakenReason.STRATEGY_CHANGED, "default/web: somebody changed the update strategy to RollingUpdate, so this rollout is over"),
    ],
)
def test_overtaken(reason: OvertakenReason, sentence: str) -> None:
    decision = Overtaken(reason=reason)
    assert decisions.sentence(decision, builders.paused()) == sentence
    hint = advice.hint(decision, builders.paused())
    assert hint == (None if reason is OvertakenReason.DELETED else "kubectl pets status web -n default shows where it stands")


_CRASH = Blocker(cause=Cause.CONTAINER, pod="web-1", reason="CrashLoopBackOff")
_NO_WEBHOOK = 'Internal error occurred: failed calling webhook "w.example.org": connect: connection refused'


def _crashed(seen: Assessment, pod: str) -> Assessment:
    members = (replace(each, state=PodState.FAILING) if each.name == pod else each for each in seen.members)
    return replace(seen, members=tuple(members))


@pytest.mark.parametrize(
    ("blockers", "seen", "sentence", "hint"),
    [
        (
            builders.stuck().blockers,
            builders.stuck(),
            'default/web: web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"',
            "put the earlier template back with: kubectl pets rollout undo web -n default",
        ),
        (
            (_CRASH, _CRASH, _CRASH),
            _crashed(builders.rolling(), "web-1"),
            "default/web: web-1 is in CrashLoopBackOff (and 2 more)",
            "get it out with: kubectl pets rollout unstick web -n default",  # it would come back at the other revision
        ),
        (
            (_CRASH,),
            builders.complete(),
            "default/web: web-1 is in CrashLoopBackOff",
            "see why with: kubectl describe pod web-1 -n default",
        ),
        (
            builders.stuck().blockers,
            builders.on_delete(),
            'default/web: web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"',
            "put the earlier template back with: kubectl pets rollout undo web -n default",
        ),
        (
            (Blocker(cause=Cause.TERMINATION_OVERDUE, pod="web-1"),),
            builders.rolling(),
            "default/web: web-1 is still terminating long after its grace period; its node may not answer",
            "see its node with: kubectl get pod web-1 -o wide -n default; it goes when the node returns or its Node object is deleted. "
            "Force deletion gives up at most one and can corrupt data.",
        ),
        (
            (Blocker(cause=Cause.TERMINATION_OVERDUE, pod="web-1", node_ready=True),),
            builders.rolling(),
            "default/web: web-1 is still terminating long after its grace period, though its node is Ready",
            "its node has to end it, and cannot get rid of a container, a network or a volume; see more with: "
            "kubectl describe pod web-1 -n default. Force deletion gives up at most one and can corrupt data.",
        ),
        (
            (Blocker(cause=Cause.NOT_TAKEN_ON, pod="web-1", message="node-a"),),
            builders.rolling(),
            "default/web: web-1 was given to node node-a, and the kubelet there has not taken it on",
            "see its node with: kubectl describe node node-a; nothing of the pod has run, so another one may be made in its place",
        ),
        (
            (Blocker(cause=Cause.CREATION_REFUSED, pod="web-3", message='pods "web-3" is forbidden: exceeded quota: few, requested: pods=1'),),
            builders.rolling(),
            'default/web: web-3 cannot be created: pods "web-3" is forbidden: exceeded quota: few, requested: pods=1',
            "its controller makes it once the quota has room; give it some with: kubectl edit resourcequota -n default",
        ),
        (
            (Blocker(cause=Cause.CREATION_REFUSED, pod="web-2", updated=True, message=_NO_WEBHOOK),),
            builders.stuck(),
            f"default/web: web-2 cannot be created: {_NO_WEBHOOK}",
            "no version gets past a webhook that does not answer, and once it does the controller goes on; see them with: "
            "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
        ),
        (
            (Blocker(cause=Cause.SET_NAME_TOO_LONG),),
            builders.rolling(),
            "default/web: no pod can be created, because the set's name is longer than 52 characters",
            "kubectl pets status web -n default shows where it stands",
        ),
        (
            (),
            builders.rolling(),
            "default/web: a pod does not become available",
            "kubectl pets status web -n default shows where it stands",
        ),
    ],
)
def test_stuck(blockers: tuple[Blocker, ...], seen: Assessment, sentence: str, hint: str) -> None:
    decision: Decision = Stuck(blockers=blockers)
    assert (decisions.sentence(decision, seen), advice.hint(decision, seen)) == (sentence, hint)


def test_a_set_that_is_gone_has_no_name_to_show() -> None:
    assert decisions.sentence(Overtaken(reason=OvertakenReason.DELETED), builders.gone()) == (
        "the StatefulSet: somebody deleted it, so this rollout is over"
    )


def test_the_question_before_deletion_names_the_server_and_the_pods() -> None:
    assert decisions.deletion_question(builders.paused(), ("web-2",), "prod (https://k8s.example)") == (
        "on prod (https://k8s.example) this deletes 1 pod of default/web (web-2), and the controller makes it anew. Go on?"
    )
    assert decisions.deletion_question(builders.paused(), ("web-2", "web-1", "web-0"), "prod") == (
        "on prod this deletes 3 pods of default/web (web-2..web-0), one at a time, and the controller makes them anew. Go on?"
    )


def test_the_way_out_of_a_stuck_run() -> None:
    assert decisions.way_out("abort") == "--on-stuck=abort: bringing every pod back"
    assert decisions.way_out("pause") == "--on-stuck=pause: pausing the rollout where it stands"


def test_after_an_interrupt() -> None:
    assert decisions.next_after_interrupt(builders.paused(), True) == (
        "type the same command again to go on; kubectl pets status web -n default shows where it stands"
    )
    assert decisions.next_after_interrupt(builders.paused(), False) == (
        "type the same command again to go on, or follow it with: kubectl pets status web -w -n default"
    )


def test_what_a_gate_said_is_told_to_its_end() -> None:
    said = "x" * 300 + ' exec: "sh": executable file not found in $PATH: unknown'
    told = decisions.sentence(GateFailed(pod="web-2", gate="--gate-exec 'true'", detail=said), builders.paused())
    assert told.endswith('exec: "sh": executable file not found in $PATH: unknown')


def test_whom_a_restart_left_alone() -> None:
    told = decisions.sentence(Done(reason=DoneReason.RESTARTED, skipped=("web-0",)), builders.complete())
    assert told.endswith("left alone, because it leads: web-0")
