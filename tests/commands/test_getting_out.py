"""Undo, unstick and restart, on the real control plane, whose controller gets stuck as real ones do."""

import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.commands.plugin import Plugin, manifest

pytestmark = pytest.mark.real

OLD, NEW, BROKEN = "app:1", "app:2", "app:broken"


def stuck(pets: Plugin, policy: str = "OrderedReady") -> dict[str, str]:
    """A set of three that got stuck at its highest pod; the uids of its pods."""
    pets.make("web", policy=policy)
    pets.kubectl("set", "image", "statefulset/web", f"app={BROKEN}")
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    return pets.uids()


def deletions(pets: Plugin) -> list[str]:
    """Pods that this program deleted or evicted, in its order."""
    return [
        event["objectRef"]["name"]
        for event in pets.plane.requests("kubectl-pets/")
        if event.get("objectRef", {}).get("namespace") == pets.namespace
        and event["objectRef"]["resource"] == "pods"
        and (event["verb"] == "delete" or event["objectRef"].get("subresource") == "eviction")
        and event["responseStatus"]["code"] < 300
    ]


def notes(pets: Plugin) -> dict[str, str]:
    return dict(pets.set()["metadata"].get("annotations") or {})


# --- undo --------------------------------------------------------------------------------------------------------------------


def test_the_forced_rollback_trap(pets: Plugin) -> None:
    """kubectl's undo leaves it stuck (kubernetes/kubernetes#67250); ours frees it, and touches nothing that serves."""
    before = stuck(pets)
    plan = pets("rollout", "undo", "web", "--dry-run").stdout
    assert "restore the template of revision 1" in plan and "delete web-2" in plan and pets.uids() == before
    pets("rollout", "undo", "web", "--dry-run=server")
    shown = pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    assert "undone" in shown.stderr
    after = pets.uids()
    assert set(pets.images().values()) == {OLD} and deletions(pets) == ["web-2"]
    assert {name for name in before if after[name] != before[name]} == {"web-2"}
    assert "complete" in pets("status", "web").stdout


def test_typed_again_it_does_not_go_forward(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    pets("rollout", "undo", "web", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD}
    generation = pets.set()["metadata"]["generation"]
    again = pets("rollout", "undo", "web")
    assert "already" in again.stderr and "--to-revision" in again.stderr
    assert pets.set()["metadata"]["generation"] == generation
    pets("rollout", "undo", "web", "--to-revision", "2", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}


def test_a_question_before_pods_are_deleted(pets: Plugin) -> None:
    before = stuck(pets)
    generation = pets.set()["metadata"]["generation"]
    refused = pets("rollout", "undo", "web", expect=6)
    assert "web-2" in refused.stderr and "-y" in refused.stderr
    pets("rollout", "undo", "web", interactive=True, answers="n\n", expect=6)
    assert pets.uids() == before and pets.set()["metadata"]["generation"] == generation
    pets("rollout", "undo", "web", "--timeout", "60s", interactive=True, answers="y\n")
    assert set(pets.images().values()) == {OLD}


def test_undo_in_the_middle_of_a_canary_keeps_the_partition(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    shown = pets("rollout", "undo", "web", "--timeout", "60s").stderr
    assert set(pets.images().values()) == {OLD} and pets.partition() == 2
    assert "left over" in shown or "left over" in pets("status", "web").stdout


def test_undo_step_by_step_keeps_the_quorum(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    plan = pets("rollout", "undo", "web", "--quorum", "--dry-run").stdout
    assert plan.index("release web-2") < plan.index("release web-1") < plan.index("release web-0")
    pets("rollout", "undo", "web", "--quorum", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD} and pets.partition() == 0 and deletions(pets) == []


def test_undo_on_delete(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    pets("rollout", "run", "web", "--image", NEW, "-y", "--timeout", "60s")
    refused = pets("rollout", "undo", "web", expect=6)
    assert "web-0" in refused.stderr
    pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD}


def test_undo_refusals(pets: Plugin) -> None:
    pets.make("web")
    generation = pets.set()["metadata"]["generation"]
    assert "no earlier revision" in pets("rollout", "undo", "web", expect=6).stderr
    assert "no revision 7" in pets("rollout", "undo", "web", "--to-revision", "7", expect=6).stderr
    assert "no StatefulSet" in pets("rollout", "undo", "wob", expect=1).stderr
    pets("rollout", "undo", "web", "--to-revision", "0", expect=2)
    assert "nothing to do" in pets("rollout", "undo", "web", "--to-revision", "1").stderr
    assert pets.set()["metadata"]["generation"] == generation


def test_typed_again_it_does_not_go_forward_where_its_note_was_taken_off(pets: Plugin) -> None:
    pets.make("web")
    made = datetime.fromisoformat(pets.set()["metadata"]["creationTimestamp"])
    pets.eventually(lambda: datetime.now(UTC) - made > timedelta(seconds=2), "times of creation are whole seconds")
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    pets("rollout", "undo", "web", "--timeout", "60s")
    pets.kubectl("annotate", "statefulset/web", "kubectl-pets/undone-")
    again = pets("rollout", "undo", "web", expect=6)
    assert "taken back already" in again.stderr and set(pets.images().values()) == {OLD}
    forward = again.stderr.partition("after all: kubectl pets ")[2].splitlines()[0]
    assert pets.typed(*shlex.split(forward), "--timeout", "60s", "--settle", "0").code == 0
    assert set(pets.images().values()) == {NEW}


def test_an_undo_is_a_revision_of_before(pets: Plugin) -> None:
    """The controller finds the restored template equal to the old revision, which only gets a new number."""
    pets.make("web")
    first = pets.set()["status"]["currentRevision"]
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    pets("rollout", "undo", "web", "--timeout", "60s")
    assert pets.set()["status"]["currentRevision"] == first
    assert pets.set()["metadata"]["annotations"]["kubectl-pets/undone"].endswith(f"{first} 3")


# --- unstick -----------------------------------------------------------------------------------------------------------------


def test_unstick_after_kubectls_undo(pets: Plugin) -> None:
    before = stuck(pets)
    pets.kubectl("rollout", "undo", "statefulset/web")
    pets("status", "web", "-w", "--timeout", "30s", expect=4)
    assert "unstick" in pets("status", "web", "-w", "--timeout", "30s", expect=4).stderr
    assert "web-2" in pets("rollout", "unstick", "web", "--dry-run").stdout and pets.uids() == before
    pets("rollout", "unstick", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD} and deletions(pets) == ["web-2"]


def test_unstick_touches_nothing_where_the_controller_heals(pets: Plugin) -> None:
    """Parallel, but for 1.35.0 to 1.35.3 (kubernetes/kubernetes#137409)."""
    stuck(pets, policy="Parallel")
    pets.kubectl("rollout", "undo", "statefulset/web")
    pets("rollout", "unstick", "web", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD} and deletions(pets) == []


def test_unstick_cannot_mend_the_wanted_revision(pets: Plugin) -> None:
    before = stuck(pets)
    shown = pets("rollout", "unstick", "web", "-y", "--timeout", "60s", expect=4)
    assert "web-2" in shown.stderr and pets.uids() == before and deletions(pets) == []
    pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    assert "nothing to do" in pets("rollout", "unstick", "web").stderr


def test_unstick_leaves_a_pod_on_a_silent_node_alone(pets: Plugin) -> None:
    """It would stay Terminating; who looks at the node decides."""
    node = f"mute-{pets.namespace}"
    pets.plane.add_node(node, {"only": pets.namespace}, reserved=True)
    place = f"nodeSelector: {{only: {pets.namespace}}}\n      tolerations: [{{operator: Exists, effect: NoSchedule}}]\n      containers:"
    pets.plane.apply(manifest(image=BROKEN).replace("containers:", place), pets.namespace)
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    pets.kubectl("set", "image", "statefulset/web", f"app={OLD}")
    before = pets.uids()
    pets.plane.silence_node(node)
    refused = pets("rollout", "unstick", "web", "-y", "--timeout", "30s", expect=6)
    assert "node" in refused.stderr and "kubectl pets lost" in refused.stderr
    assert pets.uids() == before and deletions(pets) == []
    pets.plane.kubectl("delete", "node", node)


# --- restart -----------------------------------------------------------------------------------------------------------------


def test_restart_makes_every_pod_anew(pets: Plugin) -> None:
    pets.make("web")
    before = pets.uids()
    pets("rollout", "restart", "web", "--timeout", "60s")
    after = pets.uids()
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())
    template = pets.set()["spec"]["template"]["metadata"]["annotations"]
    assert "kubectl.kubernetes.io/restartedAt" in template and deletions(pets) == []
    assert "already" in pets("rollout", "restart", "web").stderr or "is over" in pets("rollout", "restart", "web").stderr
    assert pets.uids() == after
    pets("rollout", "restart", "web", "--anew", "--timeout", "60s")
    assert not set(pets.uids().values()) & set(after.values())


def test_chosen_pods_in_the_order_named(pets: Plugin) -> None:
    pets.make("web")
    before, template = pets.uids(), pets.set()["spec"]["template"]
    pets("rollout", "restart", "web", "--pod", "0", "--pod", "web-2", "-y", "--timeout", "60s")
    after = pets.uids()
    assert deletions(pets) == ["web-0", "web-2"] and pets.set()["spec"]["template"] == template
    assert after["web-1"] == before["web-1"] and after["web-0"] != before["web-0"] and after["web-2"] != before["web-2"]


def test_a_restart_goes_on_where_somebody_takes_its_note_off(pets: Plugin) -> None:
    """It took the note that was gone for the end: "restarted", and two of three pods ran on."""
    pets.make("web")
    before = pets.uids()
    words = ("--pod", "2", "--pod", "1", "--pod", "0", "--settle", "0", "--soak", "3s", "--timeout", "90s")
    run = pets.start("rollout", "restart", "web", "-y", *words)
    pets.eventually(lambda: pets.uids().get("web-2", before["web-2"]) != before["web-2"], "the first one is made anew")
    pets.kubectl("annotate", "statefulset", "web", "kubectl-pets/restart-pods-")
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0 and "restarted, 3 pods" in out + err, out + err
    assert not set(before.values()) & set(pets.uids().values())
    assert "kubectl-pets/restart-pods" not in pets.set()["metadata"]["annotations"]


def test_gates_are_asked_of_no_pod_of_before_where_somebody_takes_the_note_off(pets: Plugin, tmp_path: Path) -> None:
    """Without the note all of the chosen pods were taken for new ones, and those that were still to go had to pass."""
    pets.make("web")
    before, asked = pets.uids(), tmp_path / "asked"
    uid = shlex.join(pets.plane.kubectl_line("get", "pod", "-n", pets.namespace, "-o", "jsonpath={.metadata.uid}"))
    gate = f'echo "$KUBECTL_PETS_POD $({uid} $KUBECTL_PETS_POD)" >> {asked}'
    words = ("--pod", "2", "--pod", "1", "--soak", "3s", "--timeout", "90s", "--gate-cmd", gate)
    run = pets.start("rollout", "restart", "web", "-y", *words)
    pets.eventually(lambda: pets.uids().get("web-2", before["web-2"]) != before["web-2"], "the first one is made anew")
    pets.kubectl("annotate", "statefulset", "web", "kubectl-pets/restart-pods-")
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, out + err
    after = pets.uids()
    assert sorted(asked.read_text().splitlines()) == [f"{pod} {after[pod]}" for pod in ("web-1", "web-2")]


def test_a_restart_killed_that_began_while_one_of_its_pods_was_missing_goes_on(pets: Plugin) -> None:
    """Its note lacked that pod, so the same words were refused as another restart."""
    pets.make("web")
    pets.kubectl("create", "quota", "full", "--hard=pods=2")
    pets.eventually(lambda: pets.get("quota", "full").get("status", {}).get("used", {}).get("pods") == "3", "the quota counts")
    pets.kubectl("delete", "pod", "web-1")
    before = pets.uids()
    words = ("rollout", "restart", "web", "--pod", "2", "--pod", "1", "-y", "--timeout", "60s")
    run = pets.start(*words, "--patience", "60s")
    pets.eventually(lambda: "kubectl-pets/restart-pods" in notes(pets), "it has begun")
    run.kill()
    run.communicate(timeout=30)
    pets.kubectl("delete", "quota", "full")
    pets.eventually(lambda: pets.set()["status"].get("availableReplicas") == 3, "the missing one has come")
    come = pets.uids()["web-1"]
    assert "web-1" in pets("rollout", "restart", "web", "--pod", "2", "-y", expect=6).stderr, "that is another one"
    assert "restarted" in pets(*words).stderr
    after = pets.uids()
    assert deletions(pets) == ["web-2"] and after["web-1"] == come and after["web-0"] == before["web-0"]
    assert "kubectl-pets/restart-pods" not in notes(pets)


@pytest.mark.parametrize("strategy", ["{type: OnDelete}", "{type: RollingUpdate}"])
def test_all_but_the_leader(pets: Plugin, strategy: str) -> None:
    pets.make("web", strategy=strategy)
    pets.kubectl("label", "pod", "web-1", "role=primary")
    before = pets.uids()
    pets("rollout", "restart", "web", "--skip-leader", "role=primary", "--order", "lowest-first", "-y", "--timeout", "60s")
    assert deletions(pets) == ["web-0", "web-2"] and pets.uids()["web-1"] == before["web-1"]


def test_a_leader_found_by_a_command(pets: Plugin) -> None:
    """Exec runs on this machine here, so everybody leads, or nobody."""
    pets.make("web")
    before = pets.uids()
    pets("rollout", "restart", "web", "--skip-leader", "exec:true", "-y", "--timeout", "60s")
    assert pets.uids() == before
    pets("rollout", "restart", "web", "--skip-leader", "exec:false", "--skip", "1", "--anew", "-y", "--timeout", "60s")
    assert deletions(pets) == ["web-2", "web-0"] and pets.uids()["web-1"] == before["web-1"]


def test_restart_waits_for_what_is_down(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("label", "pod", "web-0", "kubectl-pets.test/unready=true")
    pets.eventually(lambda: pets.set()["status"]["readyReplicas"] == 2, "web-0 is unready")
    before = pets.uids()
    pets("rollout", "restart", "web", "--pod", "2", "-y", "--timeout", "2s", expect=5)
    assert pets.uids() == before
    pets.kubectl("label", "pod", "web-0", "kubectl-pets.test/unready-")
    pets("rollout", "restart", "web", "--pod", "2", "-y", "--timeout", "60s")
    assert deletions(pets) == ["web-2"]


def test_restart_refusals(pets: Plugin) -> None:
    pets.make("web", strategy="{type: RollingUpdate, rollingUpdate: {partition: 2}}")
    before, generation = pets.uids(), pets.set()["metadata"]["generation"]
    assert "partition 2" in pets("rollout", "restart", "web", expect=6).stderr
    unknown = pets("rollout", "restart", "web", "--pod", "7", expect=2)
    assert "no pod 7" in unknown.stderr and "web-0 to web-2" in unknown.stderr
    assert "LABEL=VALUE" in pets("rollout", "restart", "web", "--skip-leader", "primary", expect=2).stderr
    pets("rollout", "restart", "web", "--order", "list", expect=2)
    pets("rollout", "restart", "web", "--batch", "0", expect=2)
    assert "web-1" in pets("rollout", "restart", "web", "--pod", "1", expect=6).stderr  # nobody there to ask
    pets.kubectl("set", "image", "statefulset/web", f"app={NEW}")
    pets("status", "web", "-w", "--timeout", "60s", expect=3)
    pets.kubectl("patch", "statefulset", "web", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}')
    pets.kubectl("set", "image", "statefulset/web", "app=app:invalid")  # which is stuck at once
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    assert "stuck" in pets("rollout", "restart", "web", expect=6).stderr
    assert deletions(pets) == [] and before and generation


def test_a_restart_killed_half_way_is_finished(pets: Plugin) -> None:
    pets.make("web")
    before = pets.uids()
    process = pets.start("rollout", "restart", "web", "--pod", "2", "--pod", "1", "-y", "--soak", "5m")
    pets.eventually(lambda: pets.uids().get("web-2", before["web-2"]) != before["web-2"], "the first pod is made anew")
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == -9
    assert "web-2" in pets("rollout", "restart", "web", "--pod", "0", "-y", expect=6).stderr
    pets("rollout", "restart", "web", "--pod", "2", "--pod", "1", "-y", "--timeout", "60s")
    assert deletions(pets) == ["web-2", "web-1"] and pets.uids()["web-0"] == before["web-0"]


def test_rights_are_named_before_anything_is_changed(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("create", "role", "half", "--verb=get,list,watch,patch", "--resource=statefulsets.apps,pods,controllerrevisions.apps")
    pets.kubectl("create", "rolebinding", "half", "--role=half", "--user=grace")
    config = pets.plane.kubeconfig_for("grace")
    said = pets("rollout", "restart", "web", "--pod", "1", "-y", expect=1, kubeconfig=config).stderr
    assert "create pods/eviction" in said and "PodDisruptionBudgets could not be read" in said
    said = pets("rollout", "run", "web", "--image", NEW, "--gate-exec", "true", "--ignore-budgets", expect=1, kubeconfig=config).stderr
    assert "create pods/exec" in said and "PodDisruptionBudgets" not in said
    assert pets.set()["metadata"]["generation"] == 1 and deletions(pets) == []


def test_nothing_of_this_makes_kubectl_unhappy(pets: Plugin) -> None:
    """Its own view of the rollout agrees afterwards."""
    stuck(pets)
    pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    pets.eventually(lambda: pets.set()["status"].get("currentReplicas") == 3, "the controller agrees")
    said = pets.kubectl("rollout", "status", "statefulset/web", "--timeout=10s")
    assert "rolling update complete" in said or "roll out complete" in said
    assert isinstance(pets.plane.kubectl("version"), subprocess.CompletedProcess)


def test_a_pod_under_several_budgets_is_not_evicted(pets: Plugin) -> None:
    """The eviction API answers that with 500 whatever the budgets allow (kubernetes/kubernetes#75957): it was waited out for five minutes,
    and the dry run said that it would end well. A rollout's own deletions pass budgets by."""
    pets.make("web")
    for name in ("one", "other"):
        spec = "{maxUnavailable: 1, selector: {matchLabels: {app: web}}}"
        pets.plane.apply(f"{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: {name}}}, spec: {spec}}}", pets.namespace)
    pets.eventually(lambda: all(each["status"].get("disruptionsAllowed") for each in pets.get("pdb")["items"]), "both allow one")
    before = pets.uids()
    for more in (("--dry-run",), ("-y", "--timeout", "60s")):
        found = pets("rollout", "restart", "web", "--pod", "web-1", *more, expect=6)
        assert "several PodDisruptionBudgets are over the same pods" in found.stdout + found.stderr and "one, other" in found.stdout + found.stderr
    eviction = f'{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"web-1","namespace":"{pets.namespace}"}}}}'
    path = f"/api/v1/namespaces/{pets.namespace}/pods/web-1/eviction"
    answer = pets.plane.kubectl("create", "--raw", path, "-f", "-", input=eviction, check=False)
    assert "more than one PodDisruptionBudget" in answer.stderr
    assert pets.uids() == before
    pets("rollout", "restart", "web", "-y", "--ignore-budgets", "--timeout", "60s")
    assert not set(before.values()) & set(pets.uids().values())
