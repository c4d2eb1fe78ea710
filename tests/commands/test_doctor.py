"""doctor on the real control plane: a set that is well, one that is not, what may not be read, and the other verbs beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane
from tests.domain.doctor.wards import merged

pytestmark = pytest.mark.real

WELL = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 3
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}
      containers:
      - {name: app, image: "app:1", readinessProbe: {tcpSocket: {port: 80}}, resources: {requests: {memory: 1Mi}}}
"""


def doctor(pets: Plugin, *words: str, expect: int | None = 0, **more: Any) -> Any:
    return json.loads(pets("doctor", *words, "-o", "json", expect=expect, **more).stdout)


def found(document: Any) -> set[str]:
    return {each["name"] for each in document["findings"]}


@pytest.fixture
def well(pets: Plugin) -> Plugin:
    pets.plane.apply(WELL, pets.namespace)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    pets.eventually(lambda: pets.get("pdb", "web").get("status", {}).get("expectedPods") == 3, "the budget counts the pods")
    pets.eventually(
        lambda: sum(
            bool(endpoint["conditions"].get("ready"))
            for each in pets.get("endpointslices", "-l", "kubernetes.io/service-name=web")["items"]
            for endpoint in each.get("endpoints") or ()
        )
        == 3,
        "the slices hold the pods",
    )
    return pets


def test_a_set_that_is_well_has_nothing(well: Plugin) -> None:
    seen = doctor(well, "web", "--strict", "--fail-on", "notice")
    assert seen["findings"] == [] and seen["skipped"] == [] and seen["sets"] == 1 and seen["passed"] > 60
    # DNS servers are there if another test has asked for them, and may have yet to hear of these pods.
    well.eventually(lambda: doctor(well, "web", "--deep", expect=None)["findings"] == [], "nothing is wrong for DNS servers either")
    deep = doctor(well, "web", "--deep")
    assert [(each["name"], each["why"]) for each in deep["skipped"]] in ([], [("names-unresolved", "failed")])
    assert "nothing found" in well("doctor").stderr
    everywhere = doctor(well, "-A", expect=None)
    own = [each for each in everywhere["findings"] if (each["set"] or {}).get("namespace") == well.namespace]
    assert own == []


def test_what_the_api_server_lets_through(well: Plugin) -> None:
    """Each of these is a valid object to the API server."""
    patch = {
        "spec": {
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}},
            "revisionHistoryLimit": 0,
            "template": {"spec": {"terminationGracePeriodSeconds": 0, "serviceAccountName": "nobody"}},
        }
    }
    well.kubectl("patch", "statefulset", "web", "--type=merge", "-p", json.dumps(patch))
    well.kubectl("delete", "service", "web")
    well("partition", "web", "3", "-y")
    seen = doctor(well, "sts/web", expect=7)
    assert {"service-missing", "no-way-back", "grace-zero", "account-missing"} <= found(seen)
    (missing,) = [each for each in seen["findings"] if each["name"] == "service-missing"]
    assert missing["rule"] == "PETS101" and missing["command"].startswith("kubectl pets dns web")
    shown = well("doctor", "web", expect=7).stdout
    assert "PETS703" in shown and "two pods of one name" in shown


def test_a_set_that_is_stuck_is_so_for_status_and_for_quorum(pets: Plugin) -> None:
    pets.make("web", image="app:broken", wait=False)
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    seen = doctor(pets, expect=7)
    assert {"quorum-lost", "service-missing", "budget-missing"} <= found(seen)
    verbs = {each["name"] for each in json.loads(pets("quorum", "web", "-o", "json").stdout)["findings"]}
    assert verbs <= found(seen)


def test_a_quota_that_is_overdrawn_is_and_one_that_is_full_is_not(well: Plugin) -> None:
    well.kubectl("create", "quota", "none", "--hard=pods=3")
    well.kubectl("scale", "statefulset", "web", "--replicas=4")
    well.eventually(lambda: "FailedCreate" in well.kubectl("get", "events"), "the controller is refused")

    seen = doctor(well)  # three of four
    assert found(seen) == {"no-margin", "create-failed"}
    (made,) = [each for each in seen["findings"] if each["name"] == "create-failed"]
    assert made["severity"] == "warning" and "exceeded quota: none" in made["message"]  # there is patience with it
    well.kubectl("patch", "quota", "none", "--type=merge", "-p", '{"spec":{"hard":{"pods":"2"}}}')
    well.eventually(lambda: well.get("quota", "none")["status"].get("hard") == {"pods": "2"}, "the quota counts")
    assert found(doctor(well)) == {"no-margin", "create-failed", "quota-too-tight"}


def test_rights_that_are_missing_are_skipped_and_named(well: Plugin, controlplane: ControlPlane) -> None:
    well.kubectl("create", "role", "look", "--verb=get,list", "--resource=statefulsets.apps")
    well.kubectl("create", "rolebinding", "look", "--role=look", "--user=grace")
    words = ("auth", "can-i", "list", "statefulsets.apps", "--as=grace", "-n", well.namespace)
    well.eventually(lambda: controlplane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    kubeconfig = controlplane.kubeconfig_for("grace")
    seen = doctor(well, "web", kubeconfig=kubeconfig)
    skipped = {each["name"]: (each["resource"], each["why"]) for each in seen["skipped"]}
    assert skipped["partition-left-over"] == ("pods", "forbidden") and skipped["class-missing"][1] == "forbidden"
    assert skipped["claim-orphaned"] == ("persistentvolumeclaims", "forbidden")
    assert found(seen) == set()
    assert doctor(well, "web", "--strict", kubeconfig=kubeconfig, expect=7)["findings"] == []
    assert "not allowed to list" in well("doctor", "web", kubeconfig=kubeconfig).stderr
    nobody = controlplane.kubeconfig_for("heidi")
    assert "not allowed to list statefulsets.apps" in well("doctor", kubeconfig=nobody, expect=1).stderr


def test_living_with_it(well: Plugin, tmp_path: Path) -> None:
    well.kubectl("patch", "statefulset", "web", "--type=merge", "-p", '{"spec":{"revisionHistoryLimit":0}}')
    assert found(doctor(well)) == {"no-way-back"}
    baseline = tmp_path / "known.json"
    well("doctor", "--write-baseline", str(baseline))
    assert found(doctor(well, "--baseline", str(baseline), "--fail-on", "warning")) == set()
    well.kubectl("annotate", "statefulset", "web", "kubectl-pets/ignore=PETS210: dev, 2099-01-01")
    seen = doctor(well, "--fail-on", "notice")
    assert found(seen) == set() and seen["ignored"][0]["ignore"]["reason"] == "dev"
    assert "ignored by annotation: dev, until 2099-01-01" in well("doctor", "-o", "wide").stdout


def test_which_sets_and_which_rules(well: Plugin) -> None:
    well.plane.apply(manifest("db", replicas=0), well.namespace)
    assert {each["set"]["name"] for each in doctor(well, expect=7)["findings"]} == {"db"}
    assert doctor(well, "web")["findings"] == []
    assert doctor(well, "-l", "no=such")["sets"] == 0
    assert found(doctor(well, "--only", "PETS703", expect=7)) == {"grace-zero"}
    assert "grace-zero" not in found(doctor(well, "--skip", "PETS7*", expect=7))
    assert "no StatefulSet wbe" in well("doctor", "wbe", expect=1).stderr
    assert "several namespaces" in well("doctor", "other/web", "web", expect=2).stderr
    assert "exclude each other" in well("doctor", "web", "-A", expect=2).stderr


def test_a_restart_that_is_held_back_is_a_revision_that_says_something(well: Plugin) -> None:
    """The two revisions differ in an annotation alone, which lists of revisions do not show: both are read."""
    patch = {
        "spec": {
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}},
            "template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}},
        }
    }
    well.kubectl("patch", "statefulset", "web", "--type=merge", "-p", json.dumps(patch))

    def begun() -> bool:
        status = well.get("statefulset", "web")["status"]
        return bool(status["currentRevision"] != status["updateRevision"])

    well.eventually(begun, "the controller has seen it")
    seen = doctor(well, "web", "--strict", "--only", "PETS215")
    assert seen["findings"] == [] and seen["passed"] == 1 and seen["skipped"] == []


def test_a_set_that_was_made_again_with_another_claim_template(pets: Plugin) -> None:
    """kubernetes/kubernetes#141876: its pods are adopted without the volume."""
    pets.make("web", claims=True)
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan")
    wal = "{metadata: {name: wal}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}"
    more = manifest("web", claims=True).replace("volumeClaimTemplates: [", f"volumeClaimTemplates: [{wal}, ")
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=more)
    pets.eventually(lambda: "adopted-volume-mismatch" in found(doctor(pets, "--only", "PETS214", expect=None)), "the pods are adopted")


def beside(pets: Plugin, tmp_path: Path, text: str, *words: str, expect: int | None = 0) -> Any:
    file = tmp_path / "manifests.yaml"
    file.write_text(text)
    return doctor(pets, "-f", str(file), "--live", *words, expect=expect)


def test_what_manifests_would_make_worse(well: Plugin, tmp_path: Path) -> None:
    before = well.get("statefulset", "web")["metadata"]["resourceVersion"]
    assert beside(well, tmp_path, WELL)["findings"] == []
    worse = WELL.replace("    spec:\n", "    spec:\n      terminationGracePeriodSeconds: 0\n").replace("maxUnavailable: 1,", "maxUnavailable: 2,")
    seen = beside(well, tmp_path, worse, expect=7)
    assert found(seen) == {"grace-zero", "budget-too-loose"} and seen["sets"] == 1
    assert beside(well, tmp_path, WELL.replace("  replicas: 3\n", ""))["findings"] == []  # what is not stated stays
    assert well.get("statefulset", "web")["metadata"]["resourceVersion"] == before

    well.plane.apply(worse, well.namespace)
    assert found(beside(well, tmp_path, worse)) == set()  # it is so already
    mended = beside(well, tmp_path, WELL)
    assert found(mended) == set() and "grace-zero" in found(doctor(well, "web", expect=7))


def test_what_the_api_server_would_refuse_and_what_is_new(well: Plugin, tmp_path: Path) -> None:
    claims = "  volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]\n  template:\n"
    other = WELL.replace("serviceName: web", "serviceName: other").replace("  template:\n", claims)
    seen = beside(well, tmp_path, other, "--only", "PETS803", "--fail-on", "warning", expect=7)
    assert sorted(each["field"] for each in seen["findings"]) == ["spec.serviceName", "spec.volumeClaimTemplates[data]"]
    refusal = well.plane.kubectl("apply", "--dry-run=server", "-f", str(tmp_path / "manifests.yaml"), "-n", well.namespace, check=False)
    assert refusal.returncode and "field is immutable" in refusal.stderr + refusal.stdout or "Forbidden" in refusal.stderr

    added = WELL.replace("name: web", "name: db").replace("app: web", "app: db").replace("serviceName: web", "serviceName: db")
    named = added.replace("      containers:\n", "      volumes: [{name: c, configMap: {name: settings}}]\n      containers:\n")
    brought = named + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {password: geheim}\n"
    assert found(beside(well, tmp_path, added)) == set()  # of pods that there are not nothing is said
    assert found(beside(well, tmp_path, named, expect=7)) == {"reference-missing"}
    assert beside(well, tmp_path, brought)["findings"] == []
    assert "goes with -f" in well("doctor", "--live", expect=2).stderr


def test_claims_that_were_left_behind_beside_services_and_budgets(well: Plugin) -> None:
    """Both are read for the set and for what stands beside claims."""
    well.plane.kubectl("create", "-f", "-", "-n", well.namespace, input=manifest("db", replicas=2, claims=True))
    well("status", "db", "-w", "--until", "ready", "--timeout", "60s")
    well.kubectl("scale", "statefulset", "db", "--replicas=1")
    well.eventually(lambda: "claim-orphaned" in found(doctor(well, "--only", "PETS324", expect=None)), "the claim is not used")
    orphans = json.loads(well("orphans", "-o", "json").stdout)["items"]
    ours = [each["subject"]["name"] for each in doctor(well, "--only", "PETS324")["findings"]]
    assert ours == [each["metadata"]["name"] for each in orphans] == ["data-db-1"]


def test_a_key_that_the_config_map_has_lost(well: Plugin) -> None:
    """The API server says by managedFields which keys there are; what is in them is not read."""
    well.kubectl("create", "configmap", "settings", "--from-literal=level=geheim", "--from-literal=other=1")
    env = [{"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "level"}}}]
    containers = [{**well.get("statefulset", "web")["spec"]["template"]["spec"]["containers"][0], "env": env}]
    well.kubectl("patch", "statefulset", "web", "--type=merge", "-p", json.dumps({"spec": {"template": {"spec": {"containers": containers}}}}))
    well("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    assert doctor(well, "web", "--only", "PETS708")["findings"] == []
    well.kubectl("patch", "configmap", "settings", "--type=merge", "-p", '{"data":{"level":null}}')
    shown = well("doctor", "web", "--only", "PETS708", expect=7).stdout
    assert "ConfigMap settings has no key level" in shown and "geheim" not in shown


#: What is laid over the spec of a set that is well, and the field that is refused; the server may name one that holds it.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("replicas", {"replicas": -1}, "spec.replicas"),
    ("partition", {"updateStrategy": {"rollingUpdate": {"partition": -1}}}, "spec.updateStrategy.rollingUpdate.partition"),
    ("seconds", {"minReadySeconds": -5}, "spec.minReadySeconds"),
    ("service", {"serviceName": "web.prod"}, "spec.serviceName"),
    ("long-service", {"serviceName": "w" * 64}, "spec.serviceName"),
    ("start", {"ordinals": {"start": -1}}, "spec.ordinals.start"),
    ("none", {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}, "spec.updateStrategy.rollingUpdate.maxUnavailable"),
    ("negative", {"updateStrategy": {"rollingUpdate": {"maxUnavailable": -1}}}, "spec.updateStrategy.rollingUpdate.maxUnavailable"),
    ("no-share", {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "0%"}}}, "spec.updateStrategy.rollingUpdate.maxUnavailable"),
    ("more", {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "101%"}}}, "spec.updateStrategy.rollingUpdate.maxUnavailable"),
    ("word", {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "two"}}}, "spec.updateStrategy.rollingUpdate.maxUnavailable"),
    ("policy", {"podManagementPolicy": "Random"}, "spec.podManagementPolicy"),
    ("strategy", {"updateStrategy": {"type": "Rolling"}}, "spec.updateStrategy.type"),
    ("beside", {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 0}}}, "spec.updateStrategy.rollingUpdate"),
    ("retention", {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Keep"}}, "spec.persistentVolumeClaimRetentionPolicy.whenScaled"),
    ("no-selector", {"selector": {"matchLabels": None}}, "spec.selector"),
    ("selector", {"selector": {"matchLabels": {"app": "other"}}}, "spec.template.metadata.labels"),
    ("operator", {"selector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}, "spec.selector.matchExpressions[0].operator"),
    ("no-values", {"selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}}, "spec.selector.matchExpressions[0].values"),
    (
        "values", {"selector": {"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["web"]}]}},
        "spec.selector.matchExpressions[0].values",
    ),
    ("restart", {"template": {"spec": {"restartPolicy": "Never"}}}, "spec.template.spec.restartPolicy"),
    ("deadline", {"template": {"spec": {"activeDeadlineSeconds": 5}}}, "spec.template.spec.activeDeadlineSeconds"),
    ("empty", {"template": {"spec": {"containers": []}}}, "spec.template.spec.containers"),
    (
        "mount", {"template": {"spec": {"containers": [{"name": "app", "image": "app:1", "volumeMounts": [{"name": "no", "mountPath": "/d"}]}]}}},
        "spec.template.spec.containers[0].volumeMounts[0].name",
    ),
    (
        "modes", {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}]},
        "spec.volumeClaimTemplates[0].spec.accessModes",
    ),
    (
        "size", {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]},
        "spec.volumeClaimTemplates[0].spec.resources.requests.storage",
    ),
]  # fmt: skip

TAKEN: list[dict[str, Any]] = [
    {"serviceName": "w" * 63},
    {"serviceName": ""},
    {"replicas": 0, "minReadySeconds": 0, "ordinals": {"start": 0}, "revisionHistoryLimit": -1},
    {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "100%", "partition": 99}}},
    {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}, "podManagementPolicy": ""},
    {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}},
    {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}, {"key": "no", "operator": "DoesNotExist"}]}},
    {
        "volumeClaimTemplates": [
            {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
        ],
        "template": {"spec": {"containers": [{"name": "app", "image": "app:1", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}]}},
    },
]


def rendered(over: dict[str, Any]) -> str:
    spec = {
        "replicas": 3, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}},
    }  # fmt: skip
    return json.dumps({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": merged(spec, over)})


def refusals(pets: Plugin, text: str, folder: Path) -> list[str]:
    file = folder / "web.json"
    file.write_text(text, encoding="utf-8")
    document = json.loads(pets("doctor", "-f", str(file), "--only", "PETS805", "-o", "json", expect=None).stdout)
    assert not [each["message"] for each in document["findings"] if "is not as it has it" in each["message"]], "each has its words"
    return [each["field"] for each in document["findings"]]


def asked(pets: Plugin, text: str) -> tuple[int, str]:
    """What the API server says of it."""
    done = pets.plane.kubectl("create", "--dry-run=server", "-f", "-", "-n", pets.namespace, input=text, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(("over", "field"), [pytest.param(over, field, id=name) for name, over, field in REFUSED])
def test_what_the_api_server_refuses_of_a_manifest_is_told_before(pets: Plugin, tmp_path: Path, over: dict[str, Any], field: str) -> None:
    """ValidateStatefulSetSpec. ``replicas: -1`` was called well, and the pipeline failed at the cluster."""
    text = rendered(over)
    code, said = asked(pets, text)
    spoken = said.replace("resources[storage]", "resources.requests.storage")
    assert code != 0 and (field in spoken or field.rpartition(".")[0] in spoken), said
    assert refusals(pets, text, tmp_path) == [field], said


@pytest.mark.parametrize("over", TAKEN)
def test_what_the_api_server_takes_is_not_called_refused(pets: Plugin, tmp_path: Path, over: dict[str, Any]) -> None:
    text = rendered(over)
    code, said = asked(pets, text)
    assert code == 0, said
    assert refusals(pets, text, tmp_path) == []


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"replicas": 5}, []),
        ({"replicas": -1}, ["spec.replicas"]),
        ({"template": {"spec": {"containers": [{"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}]}}}, []),
        ({"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"storageClassName": "fast"}}]}, []),
        ({"replicas": 5, "template": {"metadata": {"labels": {"app": "web"}}}}, ["spec.selector", "spec.template.spec.containers"]),
    ],
)
def test_of_a_part_only_what_it_says_is_refused(pets: Plugin, tmp_path: Path, spec: dict[str, Any], fields: list[str]) -> None:
    """A patch of an overlay lies beside the manifests that it is laid over, and lacks what these have."""
    text = json.dumps({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": spec})
    assert refusals(pets, text, tmp_path) == fields


def test_a_refused_manifest_beside_the_cluster(pets: Plugin, tmp_path: Path) -> None:
    """Also where the set is there: the next apply is what fails."""
    pets.plane.apply(WELL, pets.namespace)
    (tmp_path / "web.json").write_text(rendered({"replicas": -1}), encoding="utf-8")
    told = pets("doctor", "-f", str(tmp_path), "--live", expect=7)
    assert "the API server refuses it: spec.replicas is -1, and has to be from 0 to 2147483647" in told.stdout
