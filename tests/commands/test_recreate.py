"""Making a set again on the real control plane: what the API calls immutable changes, and no pod is started again."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.gate import Gate
from tests.commands.middle import middle
from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane

pytestmark = pytest.mark.real

MARK = "kubectl-pets/recreating"


def made(pets: Plugin, **changes: Any) -> None:
    """A set of three; ready when this returns, however long a volume takes."""
    pets.make(wait=False, **changes)
    pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")


def whole(pets: Plugin) -> Any:
    """The set with its managedFields."""
    return json.loads(pets.kubectl("get", "sts", "web", "-o", "json", "--show-managed-fields"))


def owners(pets: Plugin) -> list[tuple[str, str, str]]:
    """Who owns which fields of the set itself; when does not matter."""
    entries = whole(pets)["metadata"]["managedFields"]
    return sorted(
        (entry["manager"], entry["operation"], json.dumps(entry["fieldsV1"], sort_keys=True))
        for entry in entries if not entry.get("subresource")
    )


def revisions(pets: Plugin) -> list[tuple[str, str, int]]:
    return sorted((each["metadata"]["name"], each["metadata"]["uid"], each["revision"]) for each in pets.get("controllerrevisions")["items"])


def nothing_left(pets: Plugin) -> bool:
    """No mark and no record."""
    marked = [each for each in (*pets.get("pvc")["items"], pets.set()) if MARK in each["metadata"].get("annotations", {})]
    return not marked and "kubectl-pets-recreate-web" not in pets.kubectl("get", "configmaps", "-o", "name")


def owned_by_the_set(pets: Plugin) -> bool:
    uid = pets.set()["metadata"]["uid"]
    return all([owner["uid"] for owner in pod["metadata"]["ownerReferences"]] == [uid] for pod in pets.get("pods", "-l", "app=web")["items"])


def test_the_service_policy_and_selector_change_and_all_else_stays(pets: Plugin) -> None:
    made(pets, claims=True, annotations="{team: a, example.org/x: z}", pod_annotations="{kubectl.kubernetes.io/restartedAt: now}")
    pets("scale", "web", "--replicas", "4")
    pets("rollout", "run", "web", "--image", "app:2")
    before, pods, history, fields = whole(pets), pets.uids(), revisions(pets), owners(pets)
    done = pets("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y", "--timeout", "60s")
    after = whole(pets)
    assert "made again, without a StatefulSet for" in done.stderr
    assert after["spec"] == {**before["spec"], "podManagementPolicy": "Parallel"} and after["metadata"]["uid"] != before["metadata"]["uid"]
    for key in ("labels", "annotations", "ownerReferences", "finalizers"):
        assert after["metadata"].get(key) == before["metadata"].get(key)
    assert (pets.uids(), revisions(pets), owners(pets)) == (pods, history, fields)
    assert nothing_left(pets) and owned_by_the_set(pets)
    assert after["status"]["updateRevision"] == before["status"]["updateRevision"]
    pets("status", "web")
    assert "nothing to do" in pets("recreate", "web", "--set", "podManagementPolicy=Parallel").stderr
    pets("rollout", "undo", "web")  # its history is whole
    assert set(pets.images().values()) == {"app:1"}


def test_a_set_that_owns_its_claims_loses_none(pets: Plugin) -> None:
    """They are the garbage collector's once it is gone."""
    made(pets, claims=True, extra="persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}")
    pets.eventually(lambda: all(each["metadata"].get("ownerReferences") for each in pets.get("pvc")["items"]), "the set owns its claims")
    claims, pods, fields = {each["metadata"]["uid"] for each in pets.get("pvc")["items"]}, pets.uids(), owners(pets)
    pets("recreate", "web", "--set", "volumeClaimTemplates[data].storage=2Mi", "-y", "--timeout", "60s")
    again = pets.set()
    assert again["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Delete", "whenScaled": "Retain"}
    assert again["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "2Mi"
    uid = again["metadata"]["uid"]
    pets.eventually(
        lambda: {owner["uid"] for each in pets.get("pvc")["items"] for owner in each["metadata"].get("ownerReferences", [])} == {uid},
        "the new set owns them",
    )
    assert {each["metadata"]["uid"] for each in pets.get("pvc")["items"]} == claims
    assert (pets.uids(), owners(pets)) == (pods, fields) and nothing_left(pets)


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_a_claim_template_more_is_mounted_pod_by_pod(pets: Plugin, policy: str) -> None:
    """A set made again with one template more is wedged otherwise (kubernetes/kubernetes#141876)."""
    made(pets, claims=True, policy=policy)
    before = pets.uids()
    text = yaml.safe_load(manifest("web", claims=True, policy=policy, image="app:9"))
    text["spec"]["volumeClaimTemplates"].append({
        "metadata": {"name": "logs"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    })
    planned = pets("recreate", "web", "-f", "-", "--plan", answers=json.dumps(text)).stdout
    assert "claim template logs: added, 1Mi" in planned and "web-0..web-2 lack a volume" in planned
    assert "pod template: what was typed has another one, which is left out" in planned and pets.uids() == before
    pets("recreate", "web", "-f", "-", "-y", "--timeout", "120s", answers=json.dumps(text))
    assert not set(pets.uids().values()) & set(before.values()) and set(pets.images().values()) == {"app:1"}
    for pod in pets.get("pods", "-l", "app=web")["items"]:
        assert {"data", "logs"} <= {volume["name"] for volume in pod["spec"]["volumes"]}
    pets("status", "web")
    text["spec"]["volumeClaimTemplates"].pop()
    pods = pets.uids()
    found = pets("recreate", "web", "-f", "-", "-y", "--timeout", "60s", answers=json.dumps(text))
    assert pets.uids() == pods and "made again" in found.stderr
    pets("status", "web")


def test_another_service_gives_the_pods_their_names(pets: Plugin) -> None:
    made(pets)
    before = pets.uids()
    pets("recreate", "web", "--set", "serviceName=other", "-y", "--timeout", "120s")
    pods = pets.get("pods", "-l", "app=web")["items"]
    assert {pod["spec"]["subdomain"] for pod in pods} == {"other"} and not set(pets.uids().values()) & set(before.values())
    assert nothing_left(pets)


def test_what_would_keep_pods_from_being_replaced_is_told_before_the_set_is_made_again(pets: Plugin) -> None:
    """Else the set was made again, and then none of its pods could follow: no budget tells whether one may go."""
    pets.make("web")
    for name in ("one", "other"):
        pets.kubectl("create", "pdb", name, "--selector=app=web", "--max-unavailable=1")
    uid, before = pets.set()["metadata"]["uid"], pets.uids()
    for more in (("--plan",), ("-y", "--timeout", "60s")):
        told = pets("recreate", "web", "--set", "serviceName=other", *more, expect=6)
        assert "one, other" in told.stderr + told.stdout
    assert pets.set()["metadata"]["uid"] == uid and pets.uids() == before
    pets("recreate", "web", "--set", "serviceName=other", "-y", "--ignore-budgets", "--timeout", "120s")
    assert pets.set()["metadata"]["uid"] != uid and not set(before.values()) & set(pets.uids().values())


def test_a_selector_of_more_labels(pets: Plugin) -> None:
    made(pets)
    missed = pets("recreate", "web", "--set", "selector.tier=db", "-y", expect=6).stdout
    assert "the new selector does not match web-0..web-2" in missed and "by a rollout" in missed
    pets.kubectl("patch", "sts", "web", "--type=merge", "-p", json.dumps({"spec": {"template": {"metadata": {"labels": {"tier": "db"}}}}}))
    pets("status", "web", "-w", "--timeout", "60s")
    before = pets.uids()
    found = pets("recreate", "web", "--set", "selector.tier=db", "--plan").stdout
    assert "history: the new selector does not match web-" in found
    pets("recreate", "web", "--set", "selector.tier=db", "-y", "--timeout", "60s")
    assert pets.set()["spec"]["selector"]["matchLabels"] == {"app": "web", "tier": "db"} and pets.uids() == before
    wider = json.dumps(yaml.safe_load(manifest("web")))
    assert "leaves out tier=db" in pets("recreate", "web", "-f", "-", "-y", expect=6, answers=wider).stdout


def test_what_the_pod_template_mounts_is_not_dropped(pets: Plugin) -> None:
    text = yaml.safe_load(manifest("web", claims=True))
    text["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    pets.plane.apply(json.dumps(text), pets.namespace)
    pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")
    text["spec"]["volumeClaimTemplates"] = []
    refused = pets("recreate", "web", "-f", "-", "-y", expect=6, answers=json.dumps(text)).stdout
    assert "the pod template mounts data" in refused


def test_a_rollout_under_way_comes_first_and_so_do_finalizers_of_others(pets: Plugin) -> None:
    made(pets)
    pets.kubectl("patch", "sts", "web", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": ["example.org/keep"]}}))
    assert "finalizers of others keep the set from going (example.org/keep)" in pets("recreate", "web", "--set", "serviceName=x", "-y", expect=6).stdout
    pets.kubectl("patch", "sts", "web", "--type=merge", "-p", json.dumps({"metadata": {"finalizers": None}}))
    pets("rollout", "canary", "web", "--image", "app:2", "--timeout", "60s")
    assert "a rollout is under way" in pets("recreate", "web", "--set", "serviceName=x", "-y", expect=6).stdout


@pytest.mark.parametrize("kind", ["ReplicaSet", "DaemonSet", "ReplicationController"])
def test_a_workload_that_would_take_on_the_pods(pets: Plugin, kind: str) -> None:
    """While there is no set its pods are nobody's: these adopt what their selector matches, and delete what is too many."""
    made(pets)
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app:1"}], "nodeSelector": {"no": "node"}}}
    core = kind == "ReplicationController"
    spec: dict[str, Any] = {"selector": labels if core else {"matchLabels": labels}, "template": template}
    other = {"apiVersion": "v1" if core else "apps/v1", "kind": kind, "metadata": {"name": "old"}}
    pets.plane.apply(json.dumps({**other, "spec": spec if kind == "DaemonSet" else {**spec, "replicas": 0}}), pets.namespace)
    before = pets.uids()
    found = pets("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y", expect=6)
    assert f"{kind}/old would take them on" in found.stdout
    pets.kubectl("delete", kind.lower(), "old")
    pets("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y", "--timeout", "60s")
    assert pets.uids() == before


def test_a_quota_of_sets_that_is_full_is_refused_before(pets: Plugin) -> None:
    """Between deletion and creation somebody else could take its place."""
    made(pets)
    pets.kubectl("create", "quota", "sets", "--hard=count/statefulsets.apps=1")
    pets.eventually(lambda: pets.get("quota", "sets").get("status", {}).get("used") == {"count/statefulsets.apps": "1"}, "the quota counts")
    before = pets.set()["metadata"]["uid"]
    assert "exceeded quota" in pets("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y", expect=6).stdout
    assert pets.set()["metadata"]["uid"] == before and nothing_left(pets)


def test_a_record_that_asks_for_more_than_a_run_of_ours_can_ask_for(pets: Plugin) -> None:
    """Whoever may write ConfigMaps, and no pods, could have had any pod made by whoever goes on with it."""
    made(pets)
    live, pods = pets.set(), pets.uids()
    template = {**live["spec"]["template"], "spec": {"hostPID": True, **live["spec"]["template"]["spec"]}}
    record = {
        "namespace": pets.namespace, "name": "web", "uid": live["metadata"]["uid"],
        "content": {"spec": live["spec"]}, "wanted": {"template": template},
    }
    pets.kubectl("create", "configmap", "kubectl-pets-recreate-web", f"--from-literal=recreation.json={json.dumps(record)}")
    for words in (("recreate", "web"), ("recreate", "web", "--abandon"), ("recreate", "web", "--set", "serviceName=other", "-y")):
        assert "holds nothing that can be read" in pets(*words, expect=1).stderr
    assert pets.set()["metadata"]["uid"] == live["metadata"]["uid"] and pets.uids() == pods


def test_a_record_of_somebody_else_s_is_asked_about_while_its_set_is_there(pets: Plugin) -> None:
    """What was agreed to then was agreed to by another one."""
    made(pets)
    live = pets.set()
    record = {
        "namespace": pets.namespace, "name": "web", "uid": live["metadata"]["uid"],
        "content": {"spec": live["spec"]}, "wanted": {"podManagementPolicy": "Parallel"}, "by": "ann", "started": "2020-01-01T00:00:00Z",
    }
    pets.kubectl("create", "configmap", "kubectl-pets-recreate-web", f"--from-literal=recreation.json={json.dumps(record)}")
    for words in (("recreate", "web"), ("recreate", "web", "--set", "serviceName=other")):
        asked = pets(*words, answers="n\n", interactive=True, expect=6).stderr
        assert "is being made again (begun by ann " in asked and " ago); going on with that" in asked
        assert "podManagementPolicy: OrderedReady -> Parallel" in asked and "deletes the set alone and creates it again" in asked
        assert "-y" in pets(*words, expect=6).stderr
    assert pets.set()["metadata"]["uid"] == live["metadata"]["uid"] and "serviceName: other" not in pets.kubectl("get", "sts", "web", "-o", "yaml")
    pets("recreate", "web", "-y", "--timeout", "60s")
    assert pets.set()["spec"]["podManagementPolicy"] == "Parallel" and nothing_left(pets)


def test_claims_beyond_the_range_that_the_set_owns(pets: Plugin) -> None:
    """Its controller gives up those of pods only: it was waited for without end, with the set and its claims changed already."""
    made(pets, claims=True, extra="persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}")
    pets.eventually(lambda: all(each["metadata"].get("ownerReferences") for each in pets.get("pvc")["items"]), "the set owns its claims")
    pets("scale", "web", "--replicas", "2", "-y", "--timeout", "60s")
    words, version = ("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y", "--timeout", "60s"), pets.set()["metadata"]["generation"]
    assert "the set owns data-web-2 beyond its replicas" in pets(*words, expect=6).stdout
    assert pets.set()["metadata"]["generation"] == version and nothing_left(pets)
    pets("scale", "web", "--replicas", "3", "-y", "--timeout", "60s")
    pets(*words)
    assert nothing_left(pets)


def test_a_set_that_something_controls(pets: Plugin) -> None:
    """Its operator is told to leave it alone first; whose it is stays."""
    made(pets)
    pets.kubectl("create", "configmap", "operator")
    uid = pets.get("configmap", "operator")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "operator", "uid": uid, "controller": True, "blockOwnerDeletion": True}
    pets.kubectl("patch", "sts", "web", "--type=merge", "-p", json.dumps({"metadata": {"ownerReferences": [owner]}}))
    words, pods = ("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y", "--timeout", "60s"), pets.uids()
    assert "controlled by ConfigMap/operator" in pets(*words, expect=6).stdout
    pets(*words, "--operator-paused")
    assert pets.set()["metadata"]["ownerReferences"] == [owner] and pets.uids() == pods and nothing_left(pets)


def test_words_that_cannot_be_meant(pets: Plugin) -> None:
    made(pets)
    assert "'replicas' is not one of serviceName" in pets("recreate", "web", "--set", "replicas=2", expect=2).stderr
    assert "there is no claim template x" in pets("recreate", "web", "--set", "volumeClaimTemplates[x].storage=1Gi", expect=2).stderr
    assert "nothing was asked for" in pets("recreate", "web", expect=2).stderr
    assert "has no StatefulSet web" in pets("recreate", "web", "-f", "-", expect=2, answers=manifest("db")).stderr


class Killing(Gate):
    """Kills the program when it is about to create the set."""

    def __init__(self, plane: ControlPlane) -> None:
        super().__init__(plane)
        self.process: "subprocess.Popen[bytes] | None" = None

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        if method == "POST" and "/statefulsets" in path and "dryRun" not in path and self.process is not None:
            self.process.kill()
            self.process.wait()
            raise OSError("nobody waits for an answer")
        return super().forward(method, path, headers, body)


def killed_in_the_gap(pets: Plugin, folder: Path) -> None:
    with middle(pets.plane, folder) as between:
        between.gate = gate = Killing(pets.plane)
        command = pets.command("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y", kubeconfig=between.kubeconfig)
        gate.process = process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.wait()


def test_who_follows_a_set_follows_it_through_the_gap(pets: Plugin) -> None:
    """It was called deleted, while another run was making it again."""
    made(pets, image="app:1", strategy="{type: RollingUpdate, rollingUpdate: {partition: 3}}")
    pets.kubectl("set", "image", "statefulset/web", "app=app:2")
    pods = pets.uids()
    pets.kubectl("create", "configmap", "kubectl-pets-recreate-web")
    with pets.start("status", "web", "-w", "--until", "complete", "--timeout", "200s") as watching:
        assert watching.stdout is not None and watching.stdout.readline(), "it looks on"
        pets.kubectl("delete", "sts", "web", "--cascade=orphan")
        assert any("gone" in line for line in watching.stdout)
        pets.plane.apply(manifest("web", image="app:2"), pets.namespace)
        pets.kubectl("delete", "configmap", "kubectl-pets-recreate-web")
        told, problem = watching.communicate(timeout=220)
    assert watching.returncode == 0, told + problem
    assert set(pets.images().values()) == {"app:2"} and not set(pets.uids().values()) & set(pods.values())


def test_a_set_that_is_away_is_known_to_the_other_verbs(pets: Plugin, tmp_path: Path) -> None:
    made(pets, claims=True)
    pods = pets.uids()
    killed_in_the_gap(pets, tmp_path)
    assert pets.kubectl("get", "sts", "-o", "name") == "" and pets.uids() == pods
    for words in (("status", "web"), ("scale", "web", "--replicas", "5"), ("rollout", "restart", "web"), ("resize", "web", "2Mi", "--plan")):
        found = pets(*words, expect=1)
        assert "is away, to be made again; its pods run on" in found.stderr and "kubectl pets recreate web" in found.stderr
    assert "web: 3 pods without a StatefulSet, which was deleted alone" in pets("list").stderr
    pets.kubectl("delete", "pod", "web-2", "--timeout=60s")  # now nobody mounts its claim, and nobody makes the pod again
    assert "orphan" not in {each["class"] for each in json.loads(pets("orphans", "-o", "json").stdout)["items"]}
    # The server says until a moment later that a pod uses it.
    pets.eventually(lambda: "its set is being made again" in pets("orphans", "explain", "data-web-2").stdout, "what keeps the claim is said")
    pets("orphans", "delete", "data-web-2", "-y", "--record", str(tmp_path), expect=6)
    assert len(pets.get("pvc")["items"]) == 3
    done = pets("recreate", "web", "--timeout", "60s")
    assert "is being made again (begun" in done.stderr and nothing_left(pets)
    pets("status", "web", "-w", "--timeout", "60s")
    assert {name: uid for name, uid in pets.uids().items() if name != "web-2"} == {name: pods[name] for name in ("web-0", "web-1")}


def test_what_is_under_way_is_taken_back_while_the_set_is_there(pets: Plugin) -> None:
    made(pets, claims=True, extra="persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}")
    before, fields = whole(pets), owners(pets)
    running = pets.start("recreate", "web", "--set", "podManagementPolicy=Parallel", "-y")
    pets.eventually(lambda: MARK in json.dumps(pets.get("pvc")) or running.poll() is not None, "the first claim is marked")
    running.kill()
    running.communicate()
    found = pets("recreate", "web", "--abandon", "--timeout", "60s")
    after = whole(pets)
    if after["metadata"]["uid"] == before["metadata"]["uid"]:
        assert "taken back; the set is as it was" in found.stderr and after["spec"] == before["spec"]
    assert nothing_left(pets) and owners(pets) == fields
    assert "nothing is under way" in pets("recreate", "web", "--abandon").stderr


def test_the_server_takes_no_other_claim_template_in_place(pets: Plugin) -> None:
    """What all of this rests on (apps/v1, ValidateStatefulSetUpdate). Should a server take it one day (KEP-4650, kubernetes/enhancements#4650), that
    alone says nothing of what it does to pods: a claim template is part of the ControllerRevision in that design, so it may be a rollout.
    This has to be looked at anew then."""
    pets.make("web", claims=True, replicas=1)
    templates = pets.set()["spec"]["volumeClaimTemplates"]
    words = ("patch", "statefulset", "web", "-n", pets.namespace, "--type=merge", "--dry-run=server", "-p")
    assert pets.plane.kubectl(*words, json.dumps({"spec": {"volumeClaimTemplates": templates}})).returncode == 0, "the same is taken"
    templates[0]["spec"]["resources"]["requests"]["storage"] = "64Mi"
    refused = pets.plane.kubectl(*words, json.dumps({"spec": {"volumeClaimTemplates": templates}}), check=False)
    assert refused.returncode and "is invalid" in refused.stderr and "spec" in refused.stderr, refused.stderr
